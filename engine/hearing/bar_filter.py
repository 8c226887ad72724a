"""Which beat is the first of the bar, and how many a bar has: a forward filter over (beats a bar, place in the bar),
one step a beat, on what the network says of downbeats and metres. Public: BarFilter.

Follows the bar half of Böck, Krebs & Widmer (Joint beat and downbeat tracking with recurrent neural networks, ISMIR
2016); the beat half is pointer.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.hearing.network import METERS
from engine.state import Floats

_CHANGE = 0.004  # chance that the metre changes at a bar's end
_SLIP = 0.002  # chance that a beat was missed or counted twice
_PRIOR = {2: 0.02, 3: 0.12, 4: 0.78, 5: 0.02, 6: 0.04, 7: 0.02}
_DOWN = 1.3  # exponent of a downbeat's say
_METER = 0.35  # and of the metre outputs'
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """The newest beat's place: 1 is the downbeat. sure: 0..1, how likely it is."""

    beat_in_bar: int
    beats_per_bar: int
    sure: float


class BarFilter:
    """step at every beat; `place` is the likeliest."""

    def __init__(self) -> None:
        self._rows = [(m, p) for m in METERS for p in range(m)]
        size = len(self._rows)
        index = {row: i for i, row in enumerate(self._rows)}
        move = np.zeros((size, size))
        for i, (m, p) in enumerate(self._rows):
            if p + 1 < m:
                move[index[m, p + 1], i] += 1.0
            else:
                for n in METERS:
                    move[index[n, 0], i] += (1.0 - _CHANGE) * (n == m) + _CHANGE * _PRIOR[n]
        slip = np.zeros((size, size))
        for i, (m, _) in enumerate(self._rows):
            for p in range(m):
                slip[index[m, p], i] = 1.0 / m
        self._move = (1.0 - _SLIP) * move + _SLIP * slip
        self._first = np.array([p == 0 for _, p in self._rows])
        self._meter = np.array([METERS.index(m) for m, _ in self._rows])
        self.reset()

    def reset(self) -> None:
        """Know nothing of where the bar begins; metres keep their prior."""
        self._mass = np.array([_PRIOR[m] / m for m, _ in self._rows])

    def told(self, beats_per_bar: int, beat_in_bar: int) -> None:
        """The newest beat's place is known for certain."""
        self._mass[:] = 1e-6
        self._mass[self._rows.index((beats_per_bar, beat_in_bar - 1))] = 1.0

    def step(self, downbeat: float, beat: float, meters: Floats) -> None:
        """One beat on. downbeat, beat: 0..1, the network's peaks round it. meters: float32[METERS], probabilities."""
        mass = self._move @ self._mass
        if beat > 0.05:
            # Given that it is a beat: how likely the first one. Where no beat is heard nothing is learnt.
            first = min(max(downbeat / max(beat, downbeat, 0.3), _LEAST), 1.0 - _LEAST)
            weight = _DOWN * min(1.0, beat / 0.5)
            mass = mass * np.where(self._first, first / 0.3, (1.0 - first) / 0.7) ** weight
        mass = mass * (np.maximum(meters, 0.01)[self._meter] ** _METER)
        self._mass = mass / mass.sum()

    def place(self) -> Place:
        i = int(self._mass.argmax())
        meter, place = self._rows[i]
        return Place(place + 1, meter, float(self._mass[i]))

    def sure_of(self, beats_per_bar: int, beat_in_bar: int) -> float:
        """0..1: how likely the newest beat has that place."""
        row = (beats_per_bar, beat_in_bar - 1)
        return float(self._mass[self._rows.index(row)]) if row in self._rows else 0.0
