"""Which beat is the first of the bar, for trackers that do not know: the one on which the low end is loudest.

Public: BarGuess. On the dev set's 4/4 excerpts, with true beats, the loudest low end named the downbeat for 79 % of the
beats; the margin it wins by tells how far to believe it (at 0.1: 50 %, at 0.3: 90 %, from 1.0: all). Harmonic change
and the snare's place were tried beside it and made it worse.
"""

from __future__ import annotations

import math
from collections import deque

import aubio
import numpy as np

from engine.grid import Grid
from engine.state import Floats

_LOW = 110.0  # Hz: below it are kick drum and bass
_BEFORE, _AFTER = 0.02, 0.08  # seconds round a beat in which its low end is looked for
_FORGET = 0.985  # of the evidence stays from beat to beat: half of it for 46 beats
_SWITCH = 0.15  # margin at which another beat becomes the first
_SETTLED = 16.0  # beats heard until the confidence counts in full
_MARGINS, _RIGHT = (0.0, 0.1, 0.3, 0.6, 1.2), (0.25, 0.5, 0.88, 0.95, 0.99)


class BarGuess:
    """push each frame with the line: the line with its bars placed, and how likely they are right (0..1)."""

    def __init__(self, rate: int, trust: float = 0.0, *, told: bool = False) -> None:
        """rate: Hz. trust: 0..1, in the bars of the line it is given; fades as beats are weighed. told: see tell."""
        # Second-order low-pass (R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients, Q 0.71).
        turn = math.tau * min(_LOW, rate / 4) / rate
        alpha, cosine = math.sin(turn) / math.sqrt(2.0), math.cos(turn)
        b, a = (1.0 - cosine) / 2.0, 1.0 + alpha
        self._filter = aubio.digital_filter(3)
        self._filter.set_biquad(b / a, 2.0 * b / a, b / a, -2.0 * cosine / a, (1.0 - alpha) / a)
        self._lows: deque[tuple[float, float]] = deque()  # (end of frame, its low end's level), the last beat or so
        self._next: int | None = None  # the beat to look at next
        self._trust = trust
        self.told = told
        self._forget()

    def _forget(self) -> None:
        self._evidence: list[float] = []
        self._weight: list[float] = []
        self._mean, self._spread, self._beats = 0.0, 0.1, 0.0
        self._period = 0.0

    def tell(self) -> None:
        """A person said where the bar starts: from now on nothing is guessed."""
        self.told = True

    def push(self, frame: Floats, end: float, grid: Grid) -> tuple[Grid, float]:
        """float32[n], the stream time of its end in seconds, the line as tracked."""
        level = math.sqrt(float(np.mean(np.square(self._filter(frame)))))
        self._lows.append((end, math.log(1e-4 + level)))
        while self._lows[0][0] < end - 1.0:
            self._lows.popleft()
        if self._next is None or self._next < grid.beat_at(end) - 2.0:
            self._next = math.ceil(grid.beat_at(end))
        if self.told:
            return grid, 1.0
        if end >= grid.time_of(self._next) + _AFTER:
            grid = self._weigh(self._next, grid)
            self._next += 1
        return grid, self._confidence()

    def _weigh(self, beat: int, grid: Grid) -> Grid:
        count = grid.beats_per_bar
        if len(self._evidence) != count or not 0.67 < grid.period / self._period < 1.5:
            if self._evidence:
                self._trust = 0.0
            self._forget()  # another metre, or twice the tempo: what was counted speaks of other beats
            self._evidence, self._weight, self._period = [0.0] * count, [1e-9] * count, grid.period
        time = grid.time_of(beat)
        low = max((v for t, v in self._lows if time - _BEFORE <= t <= time + _AFTER), default=-9.0)
        self._mean = low if self._beats == 0.0 else self._mean + 0.03 * (low - self._mean)
        self._spread += 0.03 * ((low - self._mean) ** 2 - self._spread)
        self._evidence = [_FORGET * e for e in self._evidence]
        self._weight = [_FORGET * w for w in self._weight]
        self._evidence[beat % count] += low - self._mean
        self._weight[beat % count] += 1.0
        self._beats += 1.0
        first, margin = self._best()
        patience = 2 * count if self._trust < 0.5 else _SETTLED
        if self._beats >= patience and margin > _SWITCH and (grid.downbeat - first) % count:
            return grid.rebarred(beat - (beat - first) % count)
        return grid

    def _best(self) -> tuple[int, float]:
        """(place of the loudest beat in the count, how far it leads the next, in standard deviations)."""
        means = [e / w for e, w in zip(self._evidence, self._weight, strict=True)]
        order = sorted(range(len(means)), key=means.__getitem__, reverse=True)
        return order[0], (means[order[0]] - means[order[1]]) / math.sqrt(self._spread + 0.02)

    def _confidence(self) -> float:
        settled = min(1.0, self._beats / _SETTLED)
        guess = float(np.interp(self._best()[1], _MARGINS, _RIGHT)) if self._evidence else 0.0
        return guess * settled + self._trust * (1.0 - settled)
