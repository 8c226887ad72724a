"""Every style gives songs whose truth holds and whose notes fit."""

from __future__ import annotations

import numpy as np
import pytest

from training.styles import STYLES, backing, drums, make
from training.styles.grids import steps
from training.styles.layers import LAYERS

SECONDS = 40.0


@pytest.mark.parametrize("style", STYLES)
def test_songs_hold_their_truth(style: str) -> None:
    for seed in range(4):
        song = make(style, np.random.default_rng(seed), SECONDS)
        periods = np.diff(song.beats)
        assert len(song.beats) > 10
        assert len(song.positions) == len(song.beats)
        assert song.source == f"generator/{style}"
        assert song.duration == SECONDS
        assert song.parts
        assert periods.min() > 60.0 / 230.0
        assert periods.max() < 60.0 / 25.0
        top = max(1, len(STYLES[style].bar_taps()))
        assert set(np.unique(song.positions)) <= set(range(1, top + 1))
        assert np.all(np.diff(song.positions)[song.positions[1:] != 1] == 1)
        assert song.beats[0] >= 0.0
        assert song.beats[-1] < SECONDS
        for part in song.parts:
            assert np.all(np.isfinite(part.notes))
            assert np.all(part.notes[:, :2] >= 0.0)
            assert np.all(part.notes[:, 0] + part.notes[:, 1] <= SECONDS + 1e-9)
            assert np.all((part.notes[:, 2] >= 0) & (part.notes[:, 2] <= 127))
            assert np.all((part.notes[:, 3] >= 1) & (part.notes[:, 3] <= 127))


@pytest.mark.parametrize("style", STYLES)
def test_grids_have_whole_steps(style: str) -> None:
    row = STYLES[style]
    comp = [text.split(" ")[1] for text in row.comp]
    for grid in [*row.kick, *row.snare, *(g for g in row.bass if g != "=kick"), *comp]:
        for bar, _ in steps(grid, row.beats):
            rate = len(bar) / row.beats
            assert (2 * rate) % 1 == 0 or 1 / rate % 1 == 0, grid
            assert not row.triple or rate <= 1 or rate % 3 == 0, grid
    for names in (*row.hats, *row.perc):
        assert all(name in LAYERS for name in filter(None, names.split("+"))), names


def test_same_seed_same_song() -> None:
    one, two = (make("funk", np.random.default_rng(7), 30.0) for _ in range(2))
    assert np.array_equal(one.beats, two.beats)
    assert all(np.array_equal(a.notes, b.notes) for a, b in zip(one.parts, two.parts, strict=True))


def test_drums_sit_on_the_beat() -> None:
    """In a machine style kicks of four on the floor are where the truth is."""
    song = make("hardstyle", np.random.default_rng(3), 60.0)
    kick = np.concatenate([p.notes[np.isin(p.notes[:, 2], (35, 36)), 0] for p in song.parts if p.drums])
    near = np.abs(kick[:, None] - song.beats[None, :]).min(axis=1)
    assert np.median(near) < 0.005


@pytest.mark.parametrize("hint", ["", "funk-groove1/8", "jazz-swing", "house", "no such words"])
def test_parts_along_given_beats(hint: str) -> None:
    rng = np.random.default_rng(5)
    beats = np.cumsum(rng.normal(0.5, 0.01, 64))
    positions = (np.arange(64) + 2) % 4 + 1
    band = backing(beats, positions, np.random.default_rng(1), hint)
    kit = drums(beats, positions, np.random.default_rng(1), hint)
    assert band
    assert not any(p.drums for p in band)
    assert kit
    assert all(p.drums for p in kit)
    for part in (*band, *kit):
        assert part.notes[:, 0].min() >= beats[0] - 0.35
        assert part.notes[:, 0].max() < beats[-1] + 0.6


def test_a_band_takes_up_the_swing_of_the_drummer() -> None:
    beats = np.arange(64) * 0.5
    positions = np.arange(64) % 4 + 1
    for late in (0.5, 2.0 / 3.0):
        onsets = np.concatenate((beats, beats + 0.5 * late))
        apart = []
        for seed in range(12):
            parts = backing(beats, positions, np.random.default_rng(seed), "", onsets)
            places = np.concatenate([p.notes[:, 0] for p in parts]) / 0.5 % 1.0
            apart.append(places[(places > 0.44) & (places < 0.72)])
        places = np.concatenate(apart)
        # Notes between the beats lie nearer to the drummer's than to the other way of dividing.
        assert np.mean(np.abs(places - late) < np.abs(places - (7.0 / 6.0 - late))) > 0.8


def test_no_key_is_struck_while_held() -> None:
    for part in make("pop", np.random.default_rng(2), 60.0).parts:
        for key in np.unique(part.notes[:, 2]):
            rows = part.notes[part.notes[:, 2] == key]
            assert np.all(rows[1:, 0] - rows[:-1, 0] - rows[:-1, 1] > -1e-9)


def test_enough_styles() -> None:
    assert len(STYLES) >= 45
    assert all(style.weight > 0 and style.about for style in STYLES.values())
