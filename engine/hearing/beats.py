"""The beat line: what trackers tell the listener, and the fitter that turns single beats into a Grid.

Public: Activations, Track, Tracker, LineFitter. Times are seconds of the stream.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from engine.grid import Grid
from engine.state import Floats


@dataclass(frozen=True, slots=True)
class Activations:
    """What a network heard in one frame. time: seconds of the stream it speaks of (its own delay taken off).

    beat, downbeat, kick, snare, hat: 0..1, how likely one is exactly there.
    """

    time: float
    beat: float
    downbeat: float
    kick: float
    snare: float
    hat: float


@dataclass(frozen=True, slots=True)
class Track:
    """A tracker's word after a frame: the line, how far to trust it and its bars (0..1), and what it is drawn from.

    bars_told: see State.
    """

    grid: Grid
    confidence: float
    bar_confidence: float = 0.0
    activations: Activations | None = None
    bars_told: bool = False


class Tracker(Protocol):
    """Hears frames, draws the line. Made with the rate in Hz, a `seed` (State whose line, trust and bars it goes on
    from; confidence 0: there is none yet) and `bpm`, the slowest and fastest tempo allowed.

    hop: samples a frame. drums: whether its Tracks carry activations that hear drums; the listener then takes its
    hits from those instead of from its own detector. push is called with every frame in order, float32[hop], and the
    stream time in seconds of the frame's end; it returns a Track after each frame (a hundred a second is fine), or
    None when nothing changed. A person's hints (HINTS in listener.py, and "beat": a beat is at `time`) come through
    hint, which returns the Track they lead to, None when it can't follow.
    """

    hop: int
    drums: bool

    def push(self, frame: Floats, end: float) -> Track | None: ...

    def hint(self, hint: str, time: float, amount: float) -> Track | None: ...


class LineFitter:
    """Fits a straight line to beats told one at a time (with jitter, gaps and changes of mind).

    Predictive: between and after beats the line goes on. Small errors are smoothed by a least-squares line over the
    last beats that agree with each other; a phase or tempo that differs is taken over once several beats in a row
    stand on it. The count never repeats or skips: every change goes through Grid.retimed.
    """

    MEMORY = 8  # beats in the fit at most
    AGREE = 0.08  # of a period: residual of a beat that still belongs to the same line
    TAKE_OVER = 4  # beats in a row needed to believe in another line
    FOLLOW = 0.7  # of the way from the old line to the fitted one at each beat

    def __init__(self, grid: Grid, *, shortest: float, longest: float, known: bool = False) -> None:
        """shortest, longest: allowed period, seconds. known: `grid` is a running line, not just a place to begin."""
        self.grid = grid
        self.shortest, self.longest = shortest, longest
        self._known = known
        self._beats: deque[float] = deque(maxlen=self.MEMORY)
        self._agreement = 0.5 if known else 0.0
        self._last = grid.time

    def beat(self, time: float) -> None:
        """A beat was heard at `time`."""
        if self._beats and time - self._beats[-1] < 0.5 * self.shortest:
            return
        self._beats.append(time)
        fit = self._fit()
        agrees = 0.0
        if self._known:
            error = self.grid.beat_at(time)
            agrees = max(0.0, 1.0 - abs(error - round(error)) / 0.2)
        self._agreement += 0.2 * (agrees - self._agreement)
        self._last = time
        if fit is None:
            return
        place, period, count = fit
        if not self._known:
            if count >= 3:
                self._known = True
                self.grid = _onto(self.grid, place, period)
                self._agreement = 0.4
            return
        off = self.grid.beat_at(place)
        off -= round(off)
        near = abs(off) < 0.15 and abs(period / self.grid.period - 1.0) < 0.04
        if near:
            # Three beats tell a tempo badly; a line that was carried over must not bend to a tracker that just began.
            follow = self.FOLLOW * count / self.MEMORY
            period = self.grid.period + follow * count / self.MEMORY * (period - self.grid.period)
            self.grid = self.grid.retimed(place, period=period, shift=-follow * off)
        elif count >= self.TAKE_OVER:
            self.grid = _onto(self.grid, place, period)
            self._agreement *= 0.5

    def _fit(self) -> tuple[float, float, int] | None:
        """(place of the newest beat, period, beats used) by the longest run of newest beats on one line."""
        for count in range(len(self._beats), 2, -1):
            times = np.array(list(self._beats)[-count:])
            steps = np.diff(times)
            period = float(np.median(steps))
            if not self.shortest * 0.97 <= period <= self.longest * 1.03:
                continue
            numbers = np.concatenate(([0.0], np.cumsum(np.maximum(1.0, np.round(steps / period)))))
            slope, start = np.polyfit(numbers, times, 1)
            if np.max(np.abs(start + slope * numbers - times)) < self.AGREE * slope:
                return float(start + slope * numbers[-1]), float(slope), count
        return None

    def confidence(self, time: float) -> float:
        """0..1: how well the last beats sat on the line, falling when none come (half in 3 s beyond two beats)."""
        silent = max(0.0, time - self._last - 2.0 * self.grid.period)
        return self._agreement * 0.5 ** (silent / 3.0) if self._known else 0.0

    def hint(self, hint: str, time: float, amount: float) -> bool:
        """A person's word (see Tracker.hint). False when it can't be followed."""
        grid = self.grid
        if hint in ("double", "halve"):
            period = grid.period * (0.5 if hint == "double" else 2.0)
            if not self.shortest <= period <= self.longest:
                return False
            bars = round((grid.beat_at(time) - grid.downbeat) / grid.beats_per_bar)
            bar = grid.time_of(grid.downbeat + bars * grid.beats_per_bar)  # a bar starts there, and goes on doing so
            grid = grid.retimed(grid.time_of(grid.last_beat_at(time)), period=period)
            self.grid = grid.rebarred(round(grid.beat_at(bar)))
        elif hint == "nudge":
            self.grid = grid.retimed(time, shift=max(-0.5, min(0.5, -amount / grid.period)))
        elif hint == "tempo":
            self.grid = grid.retimed(time, period=60.0 / amount)
        elif hint == "beat":
            self.grid = _onto(grid, time, grid.period)
            self._known = True
        elif hint == "downbeat":
            self.grid = grid.rebarred(round(grid.beat_at(time)))
        elif hint == "resync":
            self._known = False
            self._agreement = 0.0
            self._beats.clear()
        else:
            return False
        if hint in ("double", "halve", "nudge", "tempo", "beat"):
            self._beats.clear()
            self._agreement = max(self._agreement, 0.5)
            self._last = time
        return True


def _onto(grid: Grid, place: float, period: float) -> Grid:
    """The line moved the short way so that a beat falls on `place`, with another period; the count goes on."""
    off = grid.beat_at(place)
    moved = grid.retimed(place, period=period, shift=round(off) - off)
    return replace(moved, beat=float(round(moved.beat)))
