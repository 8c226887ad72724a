"""The bar pointer: where in the beat the music may be and how fast it goes, as one distribution over both.

A hidden Markov model after Krebs, Böck & Widmer (An efficient state-space model for joint tempo and meter tracking,
ISMIR 2015), filtered forward only: every beat period of a whole number of frames has a ring of as many places; the
mass walks one place a frame and may change its ring where a beat falls. Public: BeatPointer, Guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.state import Floats

_STIFF = 70.0  # exp(-this * relative change of the period from one beat to the next)
_RESTART = 3e-5  # of the mass, each frame, begins anew anywhere: how another song gets in
_WIDTH = 1.2  # frames, standard deviation of where in its ring a beat is heard
_LEAST = 0.03  # a beat that isn't heard at all is worth as much as an activation of this
_USUAL = 0.14  # activation that speaks neither for nor against a beat
_MEMORY, _AUDIBLE = 2.0, 0.3  # seconds a loud beat is remembered; with none as loud as this, silence says nothing
_NEAR = 0.045  # relative: periods so close are one tempo


@dataclass(frozen=True, slots=True)
class Guess:
    """period: seconds. since: seconds since its last beat, at the time of the last activation. mass: 0..1 of the
    distribution that stands on it."""

    period: float
    since: float
    mass: float


class BeatPointer:
    """step once a frame; ask for the best guess, or how much stands on a line, when wanted."""

    def __init__(self, step: float, slowest: float, fastest: float) -> None:
        """step: seconds a frame. slowest, fastest: BPM."""
        self.step_s = step
        self._periods = np.arange(max(4, round(60.0 / fastest / step)), round(60.0 / slowest / step) + 1)
        self.bpm = (60.0 / (self._periods * step)).astype(np.float32)
        self._low = np.searchsorted(self._periods, self._periods * (1.0 - _NEAR), "left")  # what is one tempo with each
        self._high = np.searchsorted(self._periods, self._periods * (1.0 + _NEAR), "right")
        self._first = np.concatenate(([0], np.cumsum(self._periods)[:-1]))
        self._last = self._first + self._periods - 1
        place = np.concatenate([np.arange(n) for n in self._periods])
        ring = np.repeat(self._periods, self._periods)
        away = np.minimum(place, ring - place)
        self._bump = np.exp(-0.5 * (away / _WIDTH) ** 2).astype(np.float32)
        self._turn = np.exp(2j * np.pi * place / ring).astype(np.complex64)
        ratio = self._periods[None, :] / self._periods[:, None]
        change = np.exp(-_STIFF * np.abs(ratio - 1.0))
        self._change = (change / change.sum(axis=1, keepdims=True)).T.astype(np.float32)
        self._prior = np.repeat(1.0 / self._periods, self._periods).astype(np.float32)
        self._prior /= self._prior.sum()
        self._afresh = self._prior * np.float32(_RESTART)
        self._mass = self._prior.copy()
        self._heard = 0.0
        self._next = np.empty_like(self._mass)
        self._scratch = np.empty_like(self._mass)

    def step(self, beat: float) -> None:
        """One frame on. beat: 0..1, activation of a beat in it."""
        mass, new = self._mass, self._next
        arriving = self._change @ mass[self._last]
        new[1:] = mass[:-1]
        new[self._first] = arriving
        # Likelihood: bump * (beat + least) / usual + (1 - bump) * (1 - beat); where nothing has been heard for a while
        # beats that aren't heard don't count against a tempo, or a pause would end at the slowest there is.
        self._heard = max(beat, self._heard * (1.0 - self.step_s / _MEMORY))
        say = min(1.0, self._heard / _AUDIBLE)
        off = 1.0 + say * (max(1.0 - beat, 0.02) - 1.0)
        on = 1.0 + say * ((beat + _LEAST) / (_USUAL + _LEAST) - 1.0)
        np.multiply(self._bump, np.float32(on - off), out=self._scratch)
        self._scratch += np.float32(off)
        new *= self._scratch
        new *= np.float32((1.0 - _RESTART) / max(float(new.sum()), 1e-20))
        new += self._afresh
        self._mass, self._next = new, mass

    def stand(self, period: float, since: float) -> None:
        """Begin on a line: seconds a beat, and since its last one. A tenth stays anywhere."""
        frames = period / self.step_s
        ring, place = np.repeat(self._periods, self._periods), np.angle(self._turn) / (2.0 * np.pi)
        off = (place - since / period + 0.5) % 1.0 - 0.5
        near = np.exp(-0.5 * ((ring / frames - 1.0) / 0.02) ** 2 - 0.5 * (off * frames / 2.0) ** 2)
        if near.sum() > 0.0:
            self._mass = (0.1 * self._prior + 0.9 * near / near.sum()).astype(np.float32)

    def weigh(self, tempi: Floats) -> None:
        """Multiply by how likely each of `bpm` is, float32[periods] with mean about 1, and norm."""
        self._mass *= np.repeat(tempi, self._periods)
        self._mass *= np.float32(1.0 / max(float(self._mass.sum()), 1e-20))

    def tempi(self) -> Floats:
        """float32[periods]: mass of each of `bpm`."""
        return np.add.reduceat(self._mass, self._first)

    def best(self) -> Guess:
        """The tempo most stands on, and the phase there."""
        tempi = self.tempi()
        # Periods in a row are one tempo: the sum over what lies near, not the single loudest.
        total = np.concatenate(([0.0], np.cumsum(tempi, dtype=np.float64)))
        sums = total[self._high] - total[self._low]
        return self._within(int(self._low[i := int(sums.argmax())]), int(self._high[i]), tempi)

    def near(self, period: float) -> Guess:
        """The best guess among tempi near `period` seconds."""
        frames = period / self.step_s
        low = int(np.searchsorted(self._periods, frames * (1.0 - _NEAR), "left"))
        high = int(np.searchsorted(self._periods, frames * (1.0 + _NEAR), "right"))
        low = min(low, self._periods.size - 1)
        return self._within(low, max(high, low + 1), self.tempi())

    def _within(self, low: int, high: int, tempi: Floats) -> Guess:
        part = slice(int(self._first[low]), int(self._last[high - 1]) + 1)
        mass = float(tempi[low:high].sum())
        if mass < 1e-12:
            return Guess(float(self._periods[low]) * self.step_s, 0.0, 0.0)
        period = float((tempi[low:high] * self._periods[low:high]).sum()) / mass
        turn = complex(np.dot(self._mass[part], self._turn[part]))
        # How sharp the phase is belongs to how much stands on it: mass all round the ring stands on nothing.
        phase = math.atan2(turn.imag, turn.real) / (2.0 * math.pi) % 1.0
        return Guess(period * self.step_s, phase * period * self.step_s, abs(turn))
