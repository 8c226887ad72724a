"""The beat line: what trackers tell the listener, and the fitter that turns single beats into a Grid.

Public: Activations, Track, Tracker, LineFitter. Times are seconds of the stream.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from engine.grid import Grid
from engine.hearing.told import OCTAVES, heed, limits, onto, redrawn
from engine.state import Floats, TempoTold


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

    bars_told, tempo_told: see State.
    """

    grid: Grid
    confidence: float
    bar_confidence: float = 0.0
    activations: Activations | None = None
    bars_told: bool = False
    tempo_told: TempoTold = field(default_factory=TempoTold)


class Tracker(Protocol):
    """Hears frames, draws the line. Made with the rate in Hz, a `seed` (State whose line, trust and bars it goes on
    from; confidence 0: there is none yet) and `bpm`, the slowest and fastest tempo allowed.

    hop: samples a frame. drums: whether its Tracks carry activations that hear drums; the listener then takes its
    hits from those instead of from its own detector. push is called with every frame in order, float32[hop], and the
    stream time in seconds of the frame's end; it returns a Track after each frame (a hundred a second is fine), or
    None when nothing changed. A person's hints (HINTS in listener.py, and "beat": a beat is at `time`) come through
    hint, which returns the Track they lead to, None when it can't follow.

    Hints stick. What holds is a TempoTold (told.heed makes it of a hint), carried in every Track and over a restart in
    the seed:
    - "tempo", "double", "halve": the octave told stays, whatever level of the metre (1/4 to 4, 2/3, 3/2) is heard,
      until "resync" or until the song clearly changes (another tempo, none of these levels, for 8 beats or as surely).
      Small changes of tempo are followed.
    - "lock": the period stays to the last bit, until unlocked, "resync", or a person's own "tempo", "double", "halve",
      which set another and leave it locked. The phase goes on following what is heard.
    - "slowest", "fastest", "range": no tempo outside is taken by itself, what is heard outside is read an octave higher
      or lower; a line outside moves there at once if an octave of it fits. Holds over "resync". "double", "halve" and
      "tempo" past a told range take it along; "double" and "halve" past the show's own are not followed.
    - "nudge": all beats heard count as so much later, until "resync".
    """

    hop: int
    drums: bool

    def push(self, frame: Floats, end: float) -> Track | None: ...

    def hint(self, hint: str, time: float, amount: float) -> Track | None: ...


# Levels of the metre a song may be heard at: (line, beats, by how much a tempo may miss it), where a period of the line
# is `line / beats` periods heard. Those of three are rarer than songs with such a tempo, and held to less.
_LEVELS = (
    (1, 1, 0.06), (2, 1, 0.06), (1, 2, 0.06), (4, 1, 0.06), (1, 4, 0.06),
    (3, 1, 0.025), (1, 3, 0.025), (3, 2, 0.025), (2, 3, 0.025),
)  # fmt: skip


class LineFitter:
    """Fits a straight line to beats told one at a time (with jitter, gaps and changes of mind).

    Predictive: between and after beats the line goes on. Small errors are smoothed by a least-squares line over the
    last beats that agree with each other; a phase or tempo that differs is taken over once several beats in a row
    stand on it. The count never repeats or skips: every change goes through Grid.retimed. `told` holds what a person
    said (see Tracker): beats heard at another level of the metre then keep the line in place, at its own level.
    """

    MEMORY = 8  # beats in the fit at most
    AGREE = 0.08  # of a period: residual of a beat that still belongs to the same line
    TAKE_OVER = 4  # beats in a row needed to believe in another line
    FOLLOW = 0.7  # of the way from the old line to the fitted one at each beat

    def __init__(
        self, grid: Grid, *, shortest: float, longest: float, known: bool = False, told: TempoTold | None = None
    ) -> None:
        """shortest, longest: period the show allows, seconds. known: `grid` is a running line, not just a place to
        begin. told: what a person said before."""
        self.grid = grid
        self.shortest, self.longest = shortest, longest
        self.told = told or TempoTold()
        self._known = known
        self._beats: deque[float] = deque(maxlen=self.MEMORY)
        self._agreement = 0.5 if known else 0.0
        self._last = grid.time
        self._part = 1.0  # of a beat: what the beats heard are multiples of

    def beat(self, time: float) -> None:
        """A beat was heard at `time`."""
        time += self.told.nudge
        if self._beats and time - self._beats[-1] < 0.5 * self.shortest:
            return
        self._beats.append(time)
        fit = self._fit()
        agrees = 0.0
        if self._known:
            agrees = max(0.0, 1.0 - abs(self._off(time)) / (0.2 * self._part))
        self._agreement += 0.2 * (agrees - self._agreement)
        self._last = time
        if fit is None:
            return
        place, heard, count = fit
        period = self._leveled(heard, count)
        if period is None:
            return
        if not self._known:
            if count >= 3:
                self._known = True
                self.grid = onto(self.grid, place, period)
                self._agreement = 0.4
            return
        off = self._off(place)
        near = abs(off) < min(0.15, 0.2 * self._part) and abs(period / self.grid.period - 1.0) < 0.04
        if near:
            # Three beats tell a tempo badly; a line that was carried over must not bend to a tracker that just began.
            follow = self.FOLLOW * count / self.MEMORY
            period = self.grid.period + follow * count / self.MEMORY * (period - self.grid.period)
            self.grid = self.grid.retimed(place, period=period, shift=-follow * off)
        elif count >= self.TAKE_OVER:
            self.grid = self.grid.retimed(place, period=period, shift=-off)
            if self._part == 1.0:
                self.grid = replace(self.grid, beat=float(round(self.grid.beat)))
            self._agreement *= 0.5

    def _off(self, time: float) -> float:
        """Beats by which `time` lies after the nearest place where a beat may be heard."""
        at = self.grid.beat_at(time)
        return at - round(at / self._part) * self._part

    def _leveled(self, heard: float, count: int) -> float | None:
        """The line's period for a period heard by `count` beats, at the level a person told; None: neither heeded."""
        told = self.told
        self._part = 1.0
        if told.locked or told.octave:
            for line, beats, close in _LEVELS:
                period = heard * line / beats
                if abs(period / self.grid.period - 1.0) < close:
                    # A person who chose an octave chose which beats, too: those between are no reason to move.
                    self._part = min(1.0 / line, 0.5)
                    return self.grid.period if told.locked else period
            if told.locked or count < self.MEMORY:
                return None
            self.told = replace(told, octave=False)  # the song clearly changed
        slowest, fastest = limits(self.told, (60.0 / self.longest, 60.0 / self.shortest))
        for times in OCTAVES:
            if slowest * 0.97 <= 60.0 / (heard * times) <= fastest * 1.03:
                self._part = min(1.0, 1.0 / times)
                return heard * times
        return None

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
        show = 60.0 / self.longest, 60.0 / self.shortest
        told = heed(self.told, hint, amount, grid.bpm, show)
        if told is None:
            return False
        self.grid = redrawn(grid, hint, time, amount, limits(told, show))
        if hint == "beat":
            self._known = True
        if hint == "resync":
            self._known = False
            self._agreement = 0.0
            self._beats.clear()
        self.told = told
        if hint in ("double", "halve", "nudge", "tempo", "beat"):
            self._beats.clear()
            self._agreement = max(self._agreement, 0.5)
            self._last = time
        return True
