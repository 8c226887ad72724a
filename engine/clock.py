"""Host time, and the line from a stream's sample index to it.

Host time is float64 seconds of one monotonic clock, the same in all processes of the machine. Public: now,
SampleClock. SampleClock never looks at the clock itself: it is shown observations, so tests and replays inject them.
"""

from __future__ import annotations

import math
import time
from collections import deque

# perf_counter is CLOCK_MONOTONIC on Linux, mach_absolute_time on macOS, QueryPerformanceCounter on Windows: one
# origin for all processes. time.monotonic ticks 15.6 ms on Windows before Python 3.13.
now = time.perf_counter


class SampleClock:
    """Which host time a sample was at the input: `time = offset + slope * seconds of stream`.

    A block is seen when the system and Python got round to it: never too early, often late, sometimes very. So the
    line is fitted to the early edge: of each stretch of stream the earliest observation (relative to a perfect
    rate) is kept, and a straight line is laid under the last of these. The line moves smoothly towards the fit, except
    for a break (samples lost, machine suspended), which it follows at once when it is large or early, after three
    stretches when it could be lateness.

    With wake-ups late by 1 ms on average (exponential), blocks of 64 to 2048 at 48 kHz and a crystal 200 ppm off, the
    line is within 0.1 ms of the truth after 20 s, within 1.2 ms before (tests/test_clock.py).

    The published line is a function of the observations alone, so a recorded run repeats bit for bit.
    """

    STRETCH = 0.5  # seconds of stream of which one observation is kept
    KEPT = 40  # stretches: 20 s, enough to read 10 ppm of drift out of 0.2 ms of scatter
    DRIFT = 300e-6  # largest believed deviation of a sound card's crystal (they are within 200 ppm)
    JUMP = 0.060  # seconds: further off than this for a whole stretch is a break, not jitter
    # Seconds: further off than this for LATE stretches in a row is one too; nothing is ever early by jitter. A block
    # of 2048 that was lost unnoticed (43 ms) used to leave the line early by that for the 20 s of KEPT.
    SHIFT = 0.005
    LATE = 3

    def __init__(self) -> None:
        self._base: float | None = None  # host time of stream second 0 by the first observation
        self._edge: deque[tuple[float, float]] = deque(maxlen=self.KEPT)  # (stream s, host - stream s - base)
        self._beyond: list[tuple[float, float]] = []  # the same of stretches in a row that are late by more than SHIFT
        self._stretch = (0, 0.0, math.inf)  # number, stream s, least lateness in it so far
        self.offset = 0.0
        self.slope = 1.0

    def observe(self, seconds: float, host: float) -> None:
        """The sample at `seconds` of stream was there at `host` time at the latest."""
        if self._base is None:
            self._base = self.offset = host - seconds
        late = host - seconds - self._base
        number = int(seconds / self.STRETCH)
        if number != self._stretch[0]:
            if math.isfinite(self._stretch[2]):
                self._close_stretch()
            self._stretch = (number, seconds, late)
        elif late < self._stretch[2]:
            self._stretch = (number, seconds, late)
        if not self._edge:  # the first half second: the early edge so far is all there is
            self.offset = min(self.offset, self._base + late)

    def _close_stretch(self) -> None:
        _, at, late = self._stretch
        assert self._base is not None
        expected = self.offset + self.slope * at - at - self._base
        off = late - expected
        if self._edge and off > self.SHIFT:
            self._beyond.append((at, late))
            if off < self.JUMP and len(self._beyond) < self.LATE:
                return  # lateness says nothing about the early edge
            self._restart(self._beyond if off < self.JUMP else [(at, late)])
        elif self._edge and off < -self.SHIFT:
            self._restart([(at, late)])
        else:
            self._edge.append((at, late))
            self._beyond = []
        self._fit()

    def _restart(self, edge: list[tuple[float, float]]) -> None:
        """A break: what was observed before it says nothing any more, but the crystal is the same."""
        self._edge = deque(edge, maxlen=self.KEPT)
        self._beyond = []
        at, late = min(edge, key=lambda point: point[1] - (self.slope - 1.0) * point[0])
        assert self._base is not None
        self.offset = self._base + late - (self.slope - 1.0) * at

    def _fit(self) -> None:
        """Lay a line under the kept observations: least squares, then lowered to touch the earliest."""
        assert self._base is not None
        n = len(self._edge)
        mean_s = sum(s for s, _ in self._edge) / n
        mean_l = sum(late for _, late in self._edge) / n
        spread = sum((s - mean_s) ** 2 for s, _ in self._edge)
        drift = self.slope - 1.0
        if n >= self.KEPT // 4:  # less than 5 s can't tell drift from scatter
            drift = sum((s - mean_s) * (late - mean_l) for s, late in self._edge) / spread
            drift = min(max(drift, -self.DRIFT), self.DRIFT)
        lowest = min(late - drift * s for s, late in self._edge)
        newest = self._edge[-1][0]
        target = self._base + lowest + drift * newest
        have = self.offset + (self.slope - 1.0) * newest
        # A quarter of the way each half second: a beat line read through this clock bends by less than it jitters.
        step = target - have if n == 1 else 0.25 * (target - have)
        self.slope = 1.0 + drift
        self.offset = have + step - drift * newest

    def host_of(self, seconds: float) -> float:
        """Host time at which the sample at `seconds` of stream was at the input."""
        return self.offset + self.slope * seconds

    def stream_of(self, host: float) -> float:
        """Inverse of host_of."""
        return (host - self.offset) / self.slope
