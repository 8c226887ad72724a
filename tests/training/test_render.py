"""Laws of training/render.py and what it plays with: truth lies where the sound starts."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the training tools need scipy")

from training import fluid, kits, render
from training.onset import sounding
from training.song import Part, Song
from training.synths import patch, play_patch

RATE = 44100


def song(style: str, bpm: float = 120.0, seconds: float = 8.0) -> Song:
    """Kick and snare in turn on the beats, a hat between them, a bass and a pad."""
    beat = 60 / bpm
    beats = np.arange(0.5, seconds - 0.5, beat)
    strokes = [(t, 0.2, 36 if i % 2 == 0 else 38, 110) for i, t in enumerate(beats)]
    strokes += [(t + beat / 2, 0.1, 42, 90) for t in beats]
    bass = [(t, 0.8 * beat, 40, 100) for t in beats]
    pad = [(t, 4 * beat, key, 70) for t in beats[::4] for key in (60, 63, 67)]
    rows = {"drums": (0, strokes), "bass": (33, bass), "pad": (48, pad)}
    parts = [Part(role, program, np.array(notes, float)) for role, (program, notes) in rows.items()]
    return Song("test", f"test/{style}", parts, beats, np.arange(len(beats)) % 4 + 1, seconds, {"style": style})


def heard_at(sound: np.ndarray, about: float) -> float:
    """An energy detector of its own: where the 1 ms level first comes within 15 dB of its peak, near a moment (s)."""
    start = round((about - 0.02) * RATE)
    piece = sound[start : start + round(0.1 * RATE)].astype(float) ** 2
    level = np.convolve(piece, np.ones(44) / 44)[: len(piece)]
    return (start + int(np.argmax(level > level.max() / 31.6))) / RATE


def test_a_step_sounds_where_it_is() -> None:
    note = np.zeros(RATE // 5, np.float32)
    note[441:] = 0.5
    assert sounding(note, RATE).delay == pytest.approx(0.01, abs=0.0002)
    assert not sounding(np.zeros(RATE, np.float32), RATE).audible


@pytest.mark.parametrize("seed", range(6))
def test_hits_of_the_own_drum_machine_are_within_3_ms_of_what_a_detector_finds(seed: int) -> None:
    kit = kits.electronic_kit(np.random.default_rng(seed), RATE)
    notes = np.array([(0.1 + 2.0 * i, 0.2, key, 100) for i, key in enumerate((36, 38, 42, 39, 46))])
    sound, starts, heard = kits.play_kit(kit, notes, 10.0, RATE)
    for start, one in zip(starts, heard, strict=True):
        assert one.audible
        assert heard_at(sound, start) == pytest.approx(start + one.delay, abs=0.003)


def test_a_closed_hat_ends_an_open_one() -> None:
    kit = {42: [(1.0, np.zeros(10, np.float32))], 46: [(1.0, np.ones(RATE, np.float32))]}
    sound, _, _ = kits.play_kit(kit, np.array([(0.0, 0.1, 46, 127), (0.25, 0.1, 42, 127)]), 1.0, RATE)
    assert sound[round(0.2 * RATE)] == pytest.approx(1.0)
    assert np.all(sound[round(0.28 * RATE) :] == 0)


def test_what_a_kit_lacks_leaves_no_hit() -> None:
    kit = {36: [(1.0, np.ones(100, np.float32))]}
    _, _, heard = kits.play_kit(kit, np.array([(0.0, 0.1, 36, 100), (0.5, 0.1, 42, 100)]), 1.0, RATE)
    assert [one.audible for one in heard] == [True, False]


@pytest.mark.parametrize("role", ["bass", "lead", "chords", "pad"])
def test_synthesizers_sound_when_played_and_end(role: str) -> None:
    for seed in range(4):
        one = patch(role, np.random.default_rng(seed))
        notes = np.array([(0.5, 0.3, 48, 100), (0.5, 0.3, 96, 100)])
        sound, _, _ = play_patch(one, notes, 3.0, RATE)
        assert np.isfinite(sound).all()
        assert np.abs(sound[: RATE // 2]).max() == 0
        assert np.abs(sound[RATE // 2 : RATE]).max() > 0.01
        assert np.abs(sound[-RATE // 2 :]).max() == 0


@pytest.mark.parametrize("style", ["house", "rock"])
def test_rendered_truth_lies_on_the_sound(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fluid, "available", lambda: False)
    monkeypatch.setattr(render, "recorded_kits", dict)
    written = song(style)
    for seed in range(3):
        rendered = render.render(written, np.random.default_rng(seed))
        assert set(rendered.stems) == {"drums", "bass", "rest"}
        assert {len(stem) for stem in rendered.stems.values()} == {round(8.5 * RATE)}
        assert {name: len(rows) for name, rows in rendered.hits.items()} == {"kick": 7, "snare": 7, "hat": 14}
        assert rendered.beats - written.beats == pytest.approx(rendered.shift)
        assert abs(rendered.shift) < 0.01
        for time, strength in rendered.hits["kick"]:
            assert heard_at(rendered.stems["drums"], time) == pytest.approx(time, abs=0.003)
            assert strength == pytest.approx(110 / 127)


def test_the_same_seed_renders_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fluid, "available", lambda: False)
    first, second = (render.render(song("house", seconds=3.0), np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(first.stems[name], second.stems[name]) for name in first.stems)


@pytest.mark.skipif(not fluid.available(), reason="needs libfluidsynth and a General MIDI sound font")
def test_a_sound_font_starts_notes_where_it_says() -> None:
    font = fluid.font(min(fluid.font_paths(), key=lambda path: path.stat().st_size), RATE)
    notes = np.array([(0.3 + 0.41 * i, 0.2, key, 100) for i, key in enumerate((36, 38, 42, 36))])
    sound, starts = font.play(notes, 3.0, fluid.DRUMS, 0)
    assert np.abs(starts - notes[:, 0]).max() <= fluid.BLOCK / RATE
    for start, (_, _, key, velocity) in zip(starts, notes, strict=True):
        one = font.measured(fluid.DRUMS, 0, int(key), velocity)
        assert heard_at(sound, start) == pytest.approx(start + one.delay, abs=0.003)
    assert np.abs(font.play(notes[:0], 1.0, fluid.DRUMS, 0)[0]).max() == 0  # nothing rings on


@pytest.mark.skipif(not kits.recorded_kits(), reason="needs hydrogen's drum kits")
def test_a_recorded_kit_has_kick_snare_and_hat() -> None:
    name = next(iter(kits.recorded_kits()))
    kit = kits.recorded_kit(name, np.random.default_rng(0), RATE)
    assert {36, 38, 42} <= set(kit)
