"""Grid: the straight line from time to beats that everything in Getaway reads.

A value, never a clock: it does not know what time it is, and nothing here ticks. Times are seconds of whatever
clock the line was drawn on (host time when published, seconds of the stream inside hearing). Public: Grid, EPSILON.

The idea follows Ableton Link's Timeline (a line with two inverse functions) and Electro's Metronome (a change of
tempo moves the origin, so that the position never jumps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

# Two roundings of one beat's time may differ in the last bits; a beat this close (in beats) counts as reached: 80 ns
# at 30 BPM. A host time of a year is a multiple of 3.7 ns, which is 2e-8 beats at 300 BPM.
EPSILON = 4e-8


@dataclass(frozen=True, slots=True)
class Grid:
    """The line `beat_at(t) = beat + (t - time) / period`, and how beats fall into bars and bars into phrases.

    time: seconds, where the line is anchored. beat: beats, the count at `time`. period: seconds a beat, > 0.
    downbeat: number of a beat that starts a bar; bar: the number of that bar. beats_per_bar, bars_per_phrase: counts.
    phrase: number of a bar that starts a phrase; so do all whole bars_per_phrase from it.
    """

    time: float
    beat: float
    period: float
    downbeat: int = 0
    bar: int = 0
    beats_per_bar: int = 4
    bars_per_phrase: int = 8
    phrase: int = 0

    def __post_init__(self) -> None:
        if not (self.period > 0.0 and math.isfinite(self.period)):
            raise ValueError(f"Grid.period: {self.period} is not a positive number of seconds")
        if not (math.isfinite(self.time) and math.isfinite(self.beat)):
            raise ValueError(f"Grid: time {self.time} and beat {self.beat} must be finite")
        if self.beats_per_bar < 1 or self.bars_per_phrase < 1:
            raise ValueError("Grid: beats_per_bar and bars_per_phrase are at least 1")

    @property
    def bpm(self) -> float:
        """Beats a minute."""
        return 60.0 / self.period

    def beat_at(self, time: float) -> float:
        """Beat count (fractional) at a time in seconds. Inverse of time_of."""
        return self.beat + (time - self.time) / self.period

    def time_of(self, beat: float) -> float:
        """Time in seconds at which the count reaches `beat`. Inverse of beat_at."""
        return self.time + (beat - self.beat) * self.period

    def phase_at(self, time: float) -> float:
        """Position inside the beat, 0 (on it) up to but not including 1."""
        return self.beat_at(time) % 1.0 % 1.0  # twice: -1e-17 % 1.0 is 1.0

    def last_beat_at(self, time: float) -> int:
        """Number of the newest beat reached at `time`."""
        return math.floor(self.beat_at(time) + EPSILON)

    def bar_at(self, time: float) -> float:
        """Bar count (fractional) at a time in seconds."""
        return self.bar_of(self.beat_at(time))

    def bar_of(self, beat: float) -> float:
        """Bar count (fractional) at a beat count."""
        return self.bar + (beat - self.downbeat) / self.beats_per_bar

    def phrase_of(self, beat: float) -> float:
        """Phrase count (fractional) at a beat count."""
        return (self.bar_of(beat) - self.phrase) / self.bars_per_phrase

    def beat_in_bar(self, beat: int) -> int:
        """1 for a downbeat, up to beats_per_bar."""
        return (beat - self.downbeat) % self.beats_per_bar + 1

    def beats_between(self, after: float, until: float) -> range:
        """Numbers of the beats in the half-open stretch (after, until] of time."""
        return range(self.last_beat_at(after) + 1, self.last_beat_at(until) + 1)

    def retimed(self, time: float, *, period: float | None = None, shift: float = 0.0) -> Grid:
        """The line anchored at `time`, with another period (seconds) and/or moved by `shift` beats there.

        The count goes on from where it is at `time`: with shift 0, no beat is repeated or lost for any reader that
        remembers beats. A shift beyond half a beat would be another beat's place, so shift is held to +-0.5.
        """
        if not -0.5 <= shift <= 0.5:
            raise ValueError(f"Grid.retimed: shift {shift} beats is not within -0.5..0.5")
        period = self.period if period is None else period
        return replace(self, time=time, beat=self.beat_at(time) + shift, period=period)

    def rebarred(self, downbeat: int, *, beats_per_bar: int | None = None) -> Grid:
        """The line with a bar starting at beat `downbeat`; the bar count goes on by the smallest step."""
        beats_per_bar = self.beats_per_bar if beats_per_bar is None else beats_per_bar
        return replace(self, downbeat=downbeat, beats_per_bar=beats_per_bar, bar=round(self.bar_of(downbeat)))

    def rephrased(self, bar: int) -> Grid:
        """The line with a phrase starting at bar `bar`; the phrase count goes on by the smallest step."""
        half = self.bars_per_phrase // 2
        return replace(self, phrase=self.phrase + (bar - self.phrase + half) % self.bars_per_phrase - half)

    def mapped(self, offset: float, slope: float = 1.0) -> Grid:
        """The same line on another clock whose time is `offset + slope * time`; slope > 0."""
        return replace(self, time=offset + slope * self.time, period=self.period * slope)
