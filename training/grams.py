"""Is this score that one? Runs of notes that two scores share, whatever key and tempo they are in.

A melodic run is twelve steps of a part's top line, each the interval and how its duration relates to the one before; a
drummed run is twelve strokes, each the key and the velocity as played, which tells one human take from another but not
one programmed pattern. Public: Grams, alike, midi_grams, song_grams.
"""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from training.midi import voices
from training.song import Song

LENGTH = 12
FEWEST = 8  # runs in common
SHARE = 0.1  # of the shorter score's runs
TOGETHER_S = 0.03  # notes that start so close are one chord

Grams = frozenset[int]


def _runs(steps: list[tuple[int, int]], variety: int) -> set[int]:
    """Hashes of all runs with at least `variety` different steps: scales and repeated notes are everybody's."""
    runs = (tuple(steps[k : k + LENGTH]) for k in range(len(steps) - LENGTH + 1))
    return {hash(run) for run in runs if len(set(run)) >= variety}


def _melodic(notes: NDArray[np.float64]) -> set[int]:
    """notes: float64[n, 4], rows of (time, duration, key, velocity)."""
    rows = notes[np.lexsort((-notes[:, 2], notes[:, 0]))]
    heads = np.concatenate([[True], np.diff(rows[:, 0]) > TOGETHER_S])
    times, keys = rows[heads, 0], rows[heads, 2]
    gaps = np.diff(times)
    ratios = np.concatenate([[0], np.round(2 * np.log2(np.maximum(gaps[1:], 1e-3) / np.maximum(gaps[:-1], 1e-3)))])
    return _runs(list(zip(np.diff(keys).astype(int).tolist(), ratios.astype(int).tolist(), strict=True)), 6)


def _drummed(notes: NDArray[np.float64]) -> set[int]:
    rows = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    return _runs([(int(key), int(velocity)) for key, velocity in rows[:, 2:]], 9)


def _grams(parts: list[tuple[bool, NDArray[np.float64]]]) -> Grams:
    found: set[int] = set()
    for drums, notes in parts:
        if len(notes) > LENGTH:
            found |= _drummed(notes) if drums else _melodic(notes)
    return frozenset(found)


def song_grams(song: Song) -> Grams:
    return _grams([(part.drums, part.notes) for part in song.parts])


def midi_grams(path: Path) -> Grams:
    return _grams([(voice.channel == 9, voice.notes) for voice in voices(mido.MidiFile(path))])


def alike(mine: Grams, theirs: Grams) -> float:
    """Share of the shorter score's runs that both have; 0 where that is too little to be the same music."""
    common = len(mine & theirs)
    share = common / max(1, min(len(mine), len(theirs)))
    return share if common >= FEWEST and share >= SHARE else 0.0
