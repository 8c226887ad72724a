"""Phrases: at which bar the music's phrases begin, told from where it changes. Public: PhraseWatch.

Each whole bar is compared with the four before it, in the rows that levels draw. How much it differs from the one
before and from the most alike of the four (against what is usual of the last 24 bars; a loop of chords differs from
bar to bar, not from loop to loop), and how far its first beat lies above theirs from 1.5 kHz on (a crash), tell how
likely a part begins with it. A forward filter over the bar's place in the phrase goes one step a bar on that: a phrase
ends after bars_per_phrase bars, now and then after four, seldom elsewhere; half of them bring a change. A drop or a
breakdown that sections.py tells counts on top. Where the filter is sure of another beginning than the line's, the
phrase moves there, at most once a phrase; else it stays.

The form is that of a bar pointer (N. Whiteley, A. T. Cemgil, S. Godsill, Bayesian modelling of temporal structure in
musical audio, ISMIR 2006), one level up. Weights were fitted to songs of training.styles: see training/LOG.md.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.state import SPECTRUM, Floats, Section, State

_LAGS = 4  # bars back
_USUAL = 24  # bars
_HIGH = 40  # first row of a crash: 1.5 kHz and up
_ALIKE, _CRASH, _APART, _BIAS = 1.2, 1.9, 14.1, -1.76  # log odds of a beginning; see _evidence
_MOST = 4.0  # log odds one bar may say
_SECTION = {"drop": 2.0, "breakdown": 0.7}  # log odds that such a section, told, adds to what its bar says
_PICKED_UP = 0.3  # bars that its first strike may be late; earlier ones lead to the next bar
_CHANGES = 0.5  # of phrases that begin with a change
_EARLY = {4: 0.12, 2: 0.03, 1: 0.01}  # chance that a phrase ends after bars that this divides
_INSIDE = {4: 0.05, 2: 0.02, 1: 0.01}  # chance of a change inside a phrase there
_LEAK = 0.005  # a bar, to anywhere
_SURE = 0.6  # for a phrase to move
_OCTAVE = 1.4  # ratio of periods from which bars are other bars


def _by_divisor(chances: dict[int, float], bars: int) -> NDArray[np.float64]:
    """The chance at each place of a phrase; none at its beginning."""
    return np.array([0.0, *(next(c for d, c in chances.items() if place % d == 0) for place in range(1, bars))])


class PhraseWatch:
    """push each frame of the levels; placed(line) is the line with its phrases where they are heard."""

    def __init__(self, seed: State) -> None:
        """seed: the State to go on from."""
        self.told = seed.phrase_told
        self._grid = seed.grid  # the newest line seen
        self._phrase = seed.grid.phrase
        bars = seed.grid.bars_per_phrase
        self._early, self._inside = _by_divisor(_EARLY, bars), _by_divisor(_INSIDE, bars)
        self._section = seed.section.count
        self._beat: int | None = None
        self._sum = np.zeros(SPECTRUM, np.float32)
        self._frames = 0
        self._forget()
        self._moved = -math.inf  # the bar at which the phrase last moved
        if seed.phrase_confidence > 0.0 and bars > 1:
            at = self._place_of(self._bar)
            self._places[:] = (1.0 - seed.phrase_confidence) / (bars - 1)
            self._places[at] = seed.phrase_confidence

    def _forget(self) -> None:
        """Nothing is known but where the line's phrases stand."""
        grid = self._grid
        self._places = np.full(grid.bars_per_phrase, 1.0 / grid.bars_per_phrase)  # of the newest weighed bar
        self._bar = math.floor(grid.bar_of(grid.beat))  # the newest weighed
        self._begun: Section | None = None  # a section that has not been weighed
        self._rows: list[Floats] = []  # of each beat of the bar
        self._past: deque[tuple[Floats, float]] = deque(maxlen=_LAGS)  # mean rows of a bar, highs of its first beat
        self._alike: deque[float] = deque(maxlen=_USUAL)

    def _place_of(self, bar: int) -> int:
        """The place in the line's phrase, 0 is its beginning."""
        return (bar - self._phrase) % self._grid.bars_per_phrase

    @property
    def confidence(self) -> float:
        """0..1: how likely a phrase begins where the line says, if the line's bars are right."""
        return 1.0 if self.told else float(self._places[self._place_of(self._bar)])

    def placed(self, grid: Grid) -> Grid:
        """A tracker's line with the phrases heard or told."""
        return grid if grid.phrase == self._phrase else replace(grid, phrase=self._phrase)

    def tell(self, time: float, grid: Grid) -> None:
        """A person said that a phrase begins at the downbeat nearest to `time`."""
        self._follow(grid)
        self._phrase = self.placed(grid).rephrased(round(grid.bar_at(time))).phrase
        self.told = True

    def resync(self) -> None:
        """Forget what was heard and told; the phrases stay until others are heard."""
        self.told = False
        self._forget()

    def push(self, rows: Floats, end: float, grid: Grid, trust: float, section: Section) -> None:
        """rows: float32[SPECTRUM], 0..1. end: stream seconds of the frame. grid, trust (0..1): the line and its bars'.

        section: the newest told.
        """
        if grid is not self._grid:
            self._follow(grid)
        if section.count != self._section:
            self._section = section.count
            if section.name == "silence":
                self._forget()
            elif section.name in _SECTION:
                self._begun = section
        beat = math.floor(grid.beat + (end - grid.time) / grid.period)
        if self._beat is None or not self._beat - 1 <= beat <= self._beat:  # a correction may take a step back
            self._end_beat(beat, grid, trust)
        self._sum += rows
        self._frames += 1

    def _follow(self, grid: Grid) -> None:
        """Another line than before: where bars are others, what was counted speaks of none of them."""
        before, self._grid = self._grid, grid
        octave = not 1.0 / _OCTAVE < grid.period / before.period < _OCTAVE
        if octave:
            # The phrase that runs began where it began, in however many of the new bars.
            bar = before.bar_at(grid.time)
            begun = before.downbeat + (bar - self._place_at(bar) - before.bar) * before.beats_per_bar
            first = round(grid.bar_of(grid.beat_at(before.time_of(begun))))
            self._phrase = self.placed(grid).rephrased(first).phrase
        if octave or grid.beats_per_bar != before.beats_per_bar:
            self._forget()

    def _place_at(self, bar: float) -> float:
        """The place in the line's phrase, bars with fraction."""
        return (bar - self._phrase) % self._grid.bars_per_phrase

    def _end_beat(self, beat: int, grid: Grid, trust: float) -> None:
        if self._frames and self._beat is not None:
            self._rows.append(self._sum / np.float32(self._frames))
        self._sum[:] = 0.0
        self._frames, self._beat = 0, beat
        if (beat - grid.downbeat) % grid.beats_per_bar == 0:
            self._end_bar(math.floor(grid.bar_of(beat) + 0.5) - 1, grid, trust)
            self._rows.clear()

    def _end_bar(self, bar: int, grid: Grid, trust: float) -> None:
        """`bar` is over."""
        missed = bar - self._bar
        if missed <= 0:  # the line went back: this bar was weighed
            return
        whole = len(self._rows) == grid.beats_per_bar
        for _ in range(min(missed - 1, grid.bars_per_phrase)):
            self._step(0.0)
        self._step(trust * self._evidence() if whole else 0.0)
        self._bar = bar
        if (begun := self._begun) and (began := math.ceil(grid.bar_of(begun.beat) - _PICKED_UP)) <= bar:
            self._places[(bar - began) % grid.bars_per_phrase] *= math.exp(_SECTION[begun.name] * trust)
            self._places /= self._places.sum()
            self._begun = None
        place = int(self._places.argmax())
        surely = self._places[place] > _SURE and bar - self._moved >= grid.bars_per_phrase
        if surely and place != self._place_of(bar) and not self.told:
            self._phrase = self.placed(grid).rephrased(bar - place).phrase
            self._moved = bar

    def _evidence(self) -> float:
        """Log odds that a part begins with the bar that is over."""
        mean = np.mean(self._rows, axis=0)
        high = float(self._rows[0][_HIGH:].mean())
        past = list(self._past)
        self._past.append((mean, high))
        if not past:
            return 0.0
        apart = [math.sqrt(float(np.mean(np.square(mean - then)))) for then, _ in past]
        alike = max(min(apart), 1e-3)
        usual = max(median(self._alike), 0.01) if self._alike else alike
        self._alike.append(alike)
        if len(past) < _LAGS:
            return 0.0
        crash = high - sum(then for _, then in past) / _LAGS
        odds = _ALIKE * math.log(alike / usual) + _CRASH * crash + _APART * apart[-1] + _BIAS
        return max(-_MOST, min(_MOST, odds))

    def _step(self, odds: float) -> None:
        """One bar on. odds: log odds that a part begins with it."""
        change = math.exp(odds)
        before = np.roll(self._places, 1)  # at each place, what stood one bar before it
        wrapped = float(before[0]) * (1.0 - _CHANGES + _CHANGES * change)
        after = before * (1.0 - self._early + self._inside * (change - 1.0))
        after[0] = wrapped + float(before @ self._early) * change
        total = float(after.sum())
        self._places = after * ((1.0 - _LEAK) / total) + _LEAK / after.size
