"""Pace: when to draw the next frame, and when it will be seen, worked out from when flips came back.

Pure: it is told times, it never looks at a clock and never sleeps. All times are host time, all durations seconds.
Public: Pace, Detail.

With vsync, `flip` returns at (or a little after) a refresh of the display, so the flips themselves are the clock: the
frame being drawn appears one period after the last. Where vsync has no effect (Xvfb, EGL without a window, a driver
set to ignore it) flips come back at once, and Pace hands out an absolute schedule instead: waits do not add up.

Detail answers another question: how many pixels a machine can draw. A picture a little soft moves on the beat; a sharp
one at 12 frames a second does not.
"""

from __future__ import annotations

import math
import statistics
from collections import deque


class Pace:
    """fps: frames a second to keep where vsync gives none. rate: the display's refreshes a second, None if unknown."""

    KEPT = 41  # intervals of which the median is the period: 0.7 s at 60 Hz, deaf to a few missed flips
    UNSYNCED = 0.75  # a median interval below this share of the display's period: vsync has no effect
    PULL = 0.2  # share of a flip's scatter that moves the estimate: Python comes back late by turns, the display not

    def __init__(self, fps: float, *, rate: float | None = None, vsync: bool = True) -> None:
        self.free = not vsync  # whether Pace, and not the display, sets the pace
        self.frames = 0
        self.missed = 0  # flips later than 1.5 periods
        self._wanted = 1.0 / fps
        self._refresh = 1.0 / rate if rate else self._wanted
        self._intervals: deque[float] = deque(maxlen=self.KEPT)
        self._period = self._wanted if self.free else self._refresh
        self._flip = math.nan  # the newest flip as it came back
        self._beat = math.nan  # the same, smoothed
        self._next = math.nan  # free: when the next frame is to be drawn
        self._seen = -math.inf

    @property
    def period(self) -> float:
        """Seconds from flip to flip: the median of the last flips, what was promised before there are enough."""
        return self._period

    @property
    def fps(self) -> float:
        """Frames a second over the last flips, 0 before there were any."""
        return len(self._intervals) / sum(self._intervals) if self._intervals else 0.0

    def wait(self, now: float) -> float:
        """Seconds to sleep before drawing: 0 where vsync sets the pace."""
        if not self.free:
            return 0.0
        if not self._next > now - self._wanted:  # the first, or so late that catching up would be a burst
            self._next = now
        return max(0.0, self._next - now)

    def seen(self, now: float) -> float:
        """When the frame that is begun now will be flipped: a whole number of periods after the last flip."""
        if math.isnan(self._beat):
            return now + self._period
        # After a stall the next flip lies more than one period after the last.
        ahead = max(1, math.ceil((now - self._beat) / self._period))
        self._seen = max(self._seen, self._beat + ahead * self._period)  # time on the screen never runs back
        return self._seen

    def flipped(self, now: float) -> None:
        """A flip came back."""
        self.frames += 1
        self._next += self._wanted
        if math.isnan(self._flip):
            self._flip = self._beat = now
            return
        interval = now - self._flip
        self._flip = now
        if interval > 1.5 * self._period and len(self._intervals) > self.KEPT // 4:
            self.missed += 1
        self._intervals.append(interval)
        if len(self._intervals) > self.KEPT // 4:
            self._period = statistics.median(self._intervals)
        due = self._beat + self._period
        off = now - due
        self._beat = due + self.PULL * off if abs(off) < 0.5 * self._period else now
        if not self.free and len(self._intervals) == self.KEPT and self._period < self.UNSYNCED * self._refresh:
            self.free = True
            self._next = now + self._wanted
            self._period = self._wanted
            self._intervals.clear()


class Detail:
    """Share of the window's width and height that scenes are drawn at: full, until that takes too long.

    SLOWEST: seconds a frame may take (30 a second); longer in the median of KEPT frames, and it goes one step down. It
    goes up again where the step above is expected to take well below that.
    """

    STEPS = (1.0, 0.85, 0.75, 0.65, 0.57, 0.5, 0.4)
    SLOWEST = 1.0 / 30.0
    KEPT = 20  # frames

    def __init__(self) -> None:
        self._step = 0
        self._costs: deque[float] = deque(maxlen=self.KEPT)

    @property
    def share(self) -> float:
        return self.STEPS[self._step]

    def took(self, seconds: float) -> None:
        """A frame took this long to draw, waits not counted."""
        self._costs.append(seconds)
        if len(self._costs) < self.KEPT:
            return
        cost = statistics.median(self._costs)
        if cost > self.SLOWEST and self._step + 1 < len(self.STEPS):
            self._move(1)
        elif self._step > 0:
            growth = (self.STEPS[self._step - 1] / self.share) ** 2  # cost goes with the number of pixels
            if cost * growth < 0.7 * self.SLOWEST:
                self._move(-1)

    def _move(self, by: int) -> None:
        self._step += by
        self._costs.clear()
