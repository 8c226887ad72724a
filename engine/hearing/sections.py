"""Sections: which part of the song it is, told from what fell away and what came back. Public: SectionWatch.

Measured in ticks of a tenth of a second against what was usual in the last 32 s of full music, so the level does not
matter. Usual strikes and low end are the median over seconds of each second's strongest; usual power and density (the
mean rise of all bands) are means. A tick is full when it holds a low strike (kick drum, bass note) of at least 0.45 of
the usual and a low end (20 to 250 Hz) within 9 dB of the usual.

silence    40 dB below the usual power, or nothing at all, for a bar. Begins where the sound ended.
intro      sound after silence: at least 4 bars, in which what is usual is learnt, and until a tick is full.
steady     the music as it usually is: after the intro, after a drop's first phrase, after a break below two bars.
breakdown  drums and bass fell away from steady music or a drop: for a bar no full tick, and a density below 0.6 of the
           usual. Begins where the last full tick ended; told a bar later. After 2 min it is the music as it is: steady.
build      a breakdown that gathers: of power (in steps of 6 dB), brightness (an octave) and density (half the usual)
           the last bar has 0.6 steps more, all told, than the bar two before it, for half a bar. Begins where told;
           when it loses as much it is a breakdown again.
drop       the low end is back: the first full tick after two bars or more without one (four, where nothing told of a
           breakdown: a bass that plays seldom is no drop). Also drums that enter anew: strikes twice the usual ones
           with 6 dB more low end. Begins at that strike, told within 0.2 s, lasts a phrase.

A bar is the line's here, held within 1.2 and 3 s: in a breakdown the line may be lost.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.hearing.levels import Heard
from engine.state import Section

_TICKS = 10  # a second
_SHORTEST, _LONGEST = 1.2, 3.0  # seconds of a bar
_USUAL = 32 * _TICKS  # ticks
_SILENT = 10 ** (-40.0 / 10.0)  # of the usual power
_NOTHING = 10 ** (-75.0 / 10.0)  # full scale squared: below this there is no sound
_STRIKE, _LOW_END = 0.45, 10 ** (-9.0 / 10.0)  # of the usual, for a full tick
_THINNED = 0.6  # of the usual density: below it the drums are away
_ENTER, _ENTER_LOW = 2.0, 10 ** (6.0 / 10.0)  # times the usual: drums that were not there
_STEPS = np.array([6.0, 0.26, 0.5])  # a step of power in dB, of brightness, of density over the usual
_GATHERED = 0.6  # steps
_LEARN = 4.0  # bars until what is usual is known
_GONE = {"breakdown": 2.0, "build": 2.0}  # bars without a full tick before a drop
_SELDOM = 4.0  # the same in other sections
_PATIENCE = 120.0  # seconds
_BETWEEN = 8.0  # seconds of silence after which another song begins
_SEEN = 0.035  # seconds from a strike to its steepest rise


class SectionWatch:
    """push each frame that levels heard; `section` is the newest Section."""

    def __init__(self, step: float, section: Section) -> None:
        """step: seconds a frame. section: the one to go on from, its time on this stream."""
        self.section = section
        self._step = step
        self._size = max(1, round(1.0 / (_TICKS * step)))  # frames a tick
        self._seconds = self._size * step  # of a tick
        self._tick: list[Heard] = []
        # Newest last. Of a full tick: broad strike, low strike, low end, power, density; of any: see _features.
        self._full_ticks: deque[tuple[float, ...]] = deque(maxlen=_USUAL)
        self._features: deque[tuple[float, float, float]] = deque(maxlen=math.ceil(3.5 * _LONGEST / self._seconds))
        self._sounded = 0.0  # end of the newest tick with sound
        self._forget(0.0)
        # What is usual can't be learnt in a breakdown that a restart fell into: only drums that enter end it.
        self._thin = section.name in ("breakdown", "build")

    def _forget(self, time: float) -> None:
        """Nothing is usual yet."""
        self._full_ticks.clear()
        self._usual: tuple[float, ...] = ()
        self._thin = False
        self._learnt = 0  # ticks
        self._full = time  # end of the newest full tick
        self._leaning = 0  # ticks in a row that gather (or lose, below 0)

    def push(self, heard: Heard, end: float, grid: Grid) -> Section:
        """end: seconds of the stream at the frame's end. grid: the line, for the length of a bar and the beat."""
        self._tick.append(heard)
        if len(self._tick) >= self._size:
            self._look(end, grid)
            self._tick.clear()
        return self.section

    def _look(self, end: float, grid: Grid) -> None:
        """One tick is whole."""
        tick, start = self._tick, end - self._seconds
        bar = min(max(grid.period * grid.beats_per_bar, _SHORTEST), _LONGEST)
        rises = [h.strike.broad for h in tick]
        broad, density = max(rises), sum(rises) / len(rises)
        low_strike, low = max(h.strike.low for h in tick), max(h.low for h in tick)
        power = sum(h.power for h in tick) / len(tick)
        if not self._sounds(power, start, end, bar, grid):
            return
        if self.section.name in ("intro", "steady", "drop") or self._learnt < _LEARN * bar / self._seconds:
            self._learn((broad, low_strike, low, power, density))
        _, usual_strike, usual_low, usual_power, usual_density = self._usual
        full = not self._thin and low_strike > _STRIKE * usual_strike and low > _LOW_END * usual_low
        away = start - self._full
        if full:
            self._full = end
        bright = sum(h.brightness * h.power for h in tick) / max(power * len(tick), 1e-30)
        decibels = 10.0 * math.log10(max(power, _SILENT * usual_power, 1e-30))
        self._features.append((decibels, bright, density / max(usual_density, 1e-9)))
        if self._learnt < _LEARN * bar / self._seconds:
            return
        struck = start + (rises.index(broad) + 1) * self._step - _SEEN
        name, held = self.section.name, end - self.section.time
        enters = name != "drop" and self._enters(broad, low_strike, low)
        if enters or (full and away > _GONE.get(name, _SELDOM) * bar):
            if enters:
                self._forget(end)
            self._tell("drop", struck, grid)
        elif name in ("breakdown", "build"):
            if full:
                self._tell("steady", struck, grid)
            elif held > _PATIENCE:
                self._forget(end)
                self._tell("steady", start, grid)
            else:
                self._lean(start, bar, grid)
        elif name == "intro":
            if end - self._full < bar:
                self._tell("steady", start, grid)
        elif self._sounded == end and end - self._full > bar and self._recent(bar)[:, 2].mean() < _THINNED:
            self._leaning = 0
            self._tell("breakdown", self._full, grid)
        elif name == "drop" and held > bar * grid.bars_per_phrase:
            self._tell("steady", start, grid)

    def _sounds(self, power: float, start: float, end: float, bar: float, grid: Grid) -> bool:
        """Whether there is sound; tells of its end and of its return."""
        if power > max(_NOTHING, _SILENT * self._usual[3] if self._usual else 0.0):
            if self.section.name == "silence":
                anew = not self._usual or start - self._sounded > _BETWEEN
                if anew:
                    self._forget(end)
                self._tell("intro" if anew else "breakdown", start, grid)
            self._sounded = end
        elif self.section.name != "silence" and end - self._sounded > bar:
            self._tell("silence", max(self._sounded, self.section.time), grid)
        return self.section.name != "silence"

    def _learn(self, tick: tuple[float, ...]) -> None:
        self._full_ticks.append(tick)
        self._learnt += 1
        if self._learnt == 1 or self._learnt % _TICKS == 0:
            table = np.array(self._full_ticks)
            whole = table[len(table) % _TICKS if len(table) > _TICKS else 0 :]
            seconds = whole[:, :3].reshape(-1, min(_TICKS, len(whole)), 3)
            self._usual = (*np.median(seconds.max(axis=1), axis=0).tolist(), *table[:, 3:].mean(axis=0).tolist())

    def _enters(self, broad: float, low_strike: float, low: float) -> bool:
        usual_broad, usual_strike, usual_low = self._usual[:3]
        return broad > _ENTER * usual_broad and low_strike > _ENTER * usual_strike and low > _ENTER_LOW * usual_low

    def _recent(self, bar: float, back: float = 0.0) -> NDArray[np.float64]:
        """Features of the ticks of a bar that ended `back` bars ago: [ticks, 3]."""
        ticks = [round(bars * bar / self._seconds) for bars in (back + 1.0, back)]
        rows = list(self._features)
        return np.array(rows[-ticks[0] : len(rows) - ticks[1]])

    def _lean(self, time: float, bar: float, grid: Grid) -> None:
        """Whether a breakdown gathers towards a drop."""
        if time - self._full < 3.0 * bar:
            return
        change = (self._recent(bar).mean(axis=0) - self._recent(bar, 2.0).mean(axis=0)) / _STEPS
        gathered, before = float(change.sum()), self._leaning
        if gathered > _GATHERED:
            self._leaning = max(before, 0) + 1
        elif gathered < -_GATHERED:
            self._leaning = min(before, 0) - 1
        else:
            self._leaning = 0
        patience = 0.5 * bar / self._seconds
        if self.section.name == "breakdown" and self._leaning > patience:
            self._tell("build", time, grid)
        elif self.section.name == "build" and self._leaning < -patience:
            self._tell("breakdown", time, grid)

    def _tell(self, name: str, time: float, grid: Grid) -> None:
        self.section = Section(name, self.section.count + 1, time, grid.beat_at(time))
