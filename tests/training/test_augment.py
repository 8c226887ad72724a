"""Laws of training/augment.py and effects.py: whatever is done to the sound, the truth stays where the sound is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the training tools need scipy")

from training import augment, noises
from training.effects import EFFECTS
from training.render import Rendered

RATE = 44100
MOMENTS = np.arange(1.0, 6.0, 0.5) + 0.0137
NAMES = [effect.__name__ for effect, _ in EFFECTS]


def clicks() -> np.ndarray:
    """A short burst with highs and lows at each of MOMENTS."""
    out = np.zeros(round(6.5 * RATE), np.float32)
    t = np.arange(1500) / RATE
    noise = np.random.default_rng(0).standard_normal(1500)
    burst = (np.exp(-t / 0.006) * np.sin(2 * np.pi * 900 * t) + np.exp(-t / 0.002) * noise) * 0.3
    for start in np.rint(MOMENTS * RATE).astype(int):
        out[start : start + 1500] += burst.astype(np.float32)
    return out


def first_rise(audio: np.ndarray) -> np.ndarray:
    """Lag (s) of the sound at each of MOMENTS: where the first 20 ms come within 12 dB of their peak."""
    lags = []
    for moment in MOMENTS:
        start = round((moment - 0.005) * RATE)
        piece = audio[start : start + round(0.025 * RATE)].astype(float) ** 2
        lags.append(int(np.argmax(piece > piece.max() / 16)) / RATE - 0.005)
    return np.array(lags)


def clip(seconds: float = 30.0, bpm: float = 120.0, source: str = "a") -> augment.Clip:
    beats = np.arange(0.5, seconds, 60 / bpm)
    rows = np.column_stack([beats, np.ones(len(beats))])
    audio = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32) * np.float32(0.1)
    hits = {"kick": rows, "snare": rows[:0], "hat": rows}
    return augment.Clip(audio, RATE, beats, np.arange(len(beats)) % 4 + 1, hits, beats[:1], source, "test")


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_leaves_clicks_where_they_are(name: str) -> None:
    effect = dict(zip(NAMES, [effect for effect, _ in EFFECTS], strict=True))[name]
    clean = clicks()
    for seed in range(5):
        changed = effect(clean, RATE, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert changed.shape == clean.shape
        assert np.isfinite(changed).all()
        # Sounds that are added have onsets of their own: the median shows whether the music moved.
        assert abs(np.median(first_rise(changed) - first_rise(clean))) < 0.001, f"seed {seed}"


def test_the_chain_gives_sane_audio_and_a_quarter_of_it_clean() -> None:
    clean = clicks()
    untouched = 0
    for seed in range(24):
        out = augment.degrade(clean, RATE, np.random.default_rng(seed))
        assert out.dtype == np.float32
        assert np.abs(out).max() <= 1.0
        untouched += bool(np.corrcoef(out, clean)[0, 1] > 0.99999)
    assert 2 <= untouched <= 12


def test_effects_survive_silence() -> None:
    silence = np.zeros(RATE * 2, np.float32)
    for effect, _ in EFFECTS:
        assert np.isfinite(effect(silence, RATE, np.random.default_rng(0))).all()


def test_resampling_moves_the_truth_with_the_sound() -> None:
    before = clip(7.0)
    before.audio, before.beats = clicks(), MOMENTS
    after = augment.resampled(before, 1.1)
    assert after.beats == pytest.approx(MOMENTS / 1.1)
    assert after.hits["kick"][:, 0] == pytest.approx(before.hits["kick"][:, 0] / 1.1)
    for beat in after.beats:
        start = round((beat - 0.005) * RATE)
        piece = np.abs(after.audio[start : start + 900])
        assert int(np.argmax(piece > 0.3 * piece.max())) / RATE - 0.005 == pytest.approx(0.0, abs=0.001)


def test_a_gap_is_silent_and_its_beats_go_on() -> None:
    before = clip()
    for seed in range(5):
        after = augment.gapped(before, np.random.default_rng(seed))
        silent = np.flatnonzero(after.audio == 0) / RATE
        assert 2 <= len(silent) / RATE <= 10
        assert np.array_equal(after.beats, before.beats)
        kicks = after.hits["kick"][:, 0]
        assert not np.any((kicks > silent[0]) & (kicks < silent[-1]))
        assert len(kicks) < len(before.beats)


def test_a_blend_goes_from_one_truth_to_the_other() -> None:
    for seed in range(5):
        after = augment.crossfaded(clip(bpm=120), clip(bpm=90, source="b"), np.random.default_rng(seed))
        assert after.source == "a+b"
        ((start, stop),) = after.ignore
        assert 0 < start < stop < after.seconds
        assert np.all(np.diff(after.beats) > 0)
        assert np.diff(after.beats[after.beats < start]) == pytest.approx(0.5)
        assert np.diff(after.beats[after.beats > stop]) == pytest.approx(2 / 3)
        assert len(after.positions) == len(after.beats)


def test_a_mix_without_drums_has_no_hits() -> None:
    rows = np.array([[0.5, 1.0]])
    stems = {name: np.full(RATE, 0.1, np.float32) for name in ("drums", "bass")}
    hits = {"kick": rows, "snare": rows, "hat": rows}
    rendered = Rendered(stems, RATE, rows[:, 0], np.array([1]), hits, rows[:, 0], "a", "b", 0.0, [])
    clips = [augment.clip_of(rendered, np.random.default_rng(seed)) for seed in range(60)]
    assert all(len(one.hits["kick"]) == one.drums and len(one.cymbals) == one.drums for one in clips)
    assert 0 < sum(not one.drums for one in clips) < 15
    assert all(0.49 < np.abs(one.audio).max() <= 1.0 for one in clips)


def test_what_is_no_music_has_its_length_and_stays_in_range() -> None:
    for seed in range(12):
        sound = noises.not_music(np.random.default_rng(seed), 1.5, RATE)
        assert sound.shape == (round(1.5 * RATE),)
        assert sound.dtype == np.float32
        assert np.abs(sound).max() <= 1.0
