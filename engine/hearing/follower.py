"""The follower: what the network hears, frame by frame, made into one line that beats, bars and trust are read from.

The pointer (pointer.py) says where the beat may be; the line (beat_line.py) stands on one of its answers and follows
that with more precision than a frame; the follower decides when to leave it for another, and remembers. It asks for
much before it changes the octave, for less when tempo and phase are wrong altogether. Public: Follower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.grid import Grid
from engine.hearing.bar_filter import BarFilter
from engine.hearing.beat_line import BeatLine, Heard
from engine.hearing.network import ACTIVATIONS, METERS, TEMPI
from engine.hearing.pointer import BeatPointer, Guess
from engine.state import Floats

_A, _T = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
_RING = 256  # frames remembered: 2.5 s
_WEIGH = 10  # frames between two words of the tempo outputs
_TEMPO_SAY = 0.22  # exponent of each such word
_JUDGE = 4  # frames between two looks at whether the line still stands
_BEGIN = 0.25  # mass a first guess needs
_WINDOW, _SHARE = 0.085, 0.3  # seconds, beats: how far from the line its beat is looked for
_APART, _OFF = 0.05, 0.16  # relative period, beats: beyond these it is another line
_BETTER, _ENOUGH = 1.5, 0.25  # another line's mass: times that of ours, and at least
_PATIENCE, _OCTAVE_PATIENCE = 0.8, 2.5  # seconds it must be better for
_HEARD = 0.08  # activation below which a beat was not heard


@dataclass(frozen=True, slots=True)
class Trust:
    """What confidence is made of. mass: of the pointer, on the line. strength: of the last beats heard, running mean.
    sharp: how much of what the network heard lay on beats. jitter: seconds."""

    mass: float = 0.0
    strength: float = 0.0
    jitter: float = 0.02

    def confidence(self) -> float:
        return min(1.0, self.mass**0.5 * min(1.0, 0.3 + self.strength))


class Follower:
    """push each frame's outputs; read grid, confidence, bar_confidence. Times are seconds of the stream."""

    def __init__(self, step: float, grid: Grid, bpm: tuple[float, float], *, confidence: float = 0.0) -> None:
        """step: seconds a frame. grid: the line to begin with; with confidence > 0 one that runs already."""
        self.grid = grid
        self._step = step
        self._limits = bpm
        self._pointer = BeatPointer(step, *bpm)
        self._tempo_at = self._tempo_index()
        self._bars = BarFilter()
        self._line: BeatLine | None = None
        self._number = 0  # of the line's newest beat, in the grid's count
        self._times = np.zeros(_RING)
        self._acts = np.zeros((_RING, 2), np.float32)
        self._frames = 0
        self._meters = np.full(len(METERS), 1.0 / len(METERS), np.float32)
        self._against = 0.0
        self.trust = Trust()
        self.bar_confidence = 0.0
        self.bars_told = False
        if confidence > 0.0:
            number = round(grid.beat)
            self._line = BeatLine(grid.time_of(number), grid.period, 60.0 / bpm[1], 60.0 / bpm[0])
            self._number = number

    def _tempo_index(self) -> Floats:
        """Where each of the pointer's tempi lies among the network's, as a fractional index."""
        return np.interp(np.log(self._pointer.bpm), np.log(TEMPI), np.arange(TEMPI.size)).astype(np.float32)

    @property
    def confidence(self) -> float:
        return self.trust.confidence() if self._line is not None else 0.0

    def push(self, out: Floats, time: float) -> bool:
        """float32[OUTPUTS] that speak of stream `time`. True when the line changed."""
        at = self._frames % _RING
        self._frames += 1
        self._times[at], self._acts[at, 0], self._acts[at, 1] = time, out[0], out[1]
        self._meters += np.float32(0.02) * (out[_T:] - self._meters)
        self._pointer.step(float(out[0]))
        if self._frames % _WEIGH == 0:
            tempi = np.interp(self._tempo_at, np.arange(TEMPI.size), out[_A:_T])
            # A word for or against: against what a network that knew nothing would say.
            self._pointer.weigh((((tempi + 0.003) * TEMPI.size) ** _TEMPO_SAY).astype(np.float32))
        changed = False
        while self._line is not None and time >= self._line.place + self._line.period + self._reach():
            self._beat(self._line)
            changed = True
        if self._frames % _JUDGE == 0:
            changed = self._judge(time) or changed
        return changed

    def _reach(self) -> float:
        assert self._line is not None
        return min(_WINDOW, _SHARE * self._line.period)

    def _beat(self, line: BeatLine) -> None:
        """The line's next beat has been heard, or not: follow it."""
        expected, reach = line.place + line.period, self._reach()
        heard, downbeat = self._look(expected, reach)
        line.step(heard)
        self._number += 1
        strength = heard.strength if heard else 0.0
        self._bars.step(downbeat, strength, self._meters)
        self.trust = replace(
            self.trust, strength=self.trust.strength + 0.15 * (strength - self.trust.strength), jitter=line.jitter
        )
        self.grid = replace(self.grid, time=line.place, beat=float(self._number), period=line.period)
        self._place_bars()

    def _look(self, expected: float, reach: float) -> tuple[Heard | None, float]:
        """The beat heard nearest to `expected`, between two frames where it lay there, and the downbeat's peak."""
        near = np.abs(self._times - expected) <= reach
        times, acts = self._times[near], self._acts[near]
        if not times.size:
            return None, 0.0
        weighed = acts[:, 0] * np.exp(-0.5 * ((times - expected) / (0.6 * reach)) ** 2)
        peak = times[int(weighed.argmax())]
        strength = float(acts[int(weighed.argmax()), 0])
        downbeat = float(acts[:, 1].max())
        if strength < _HEARD:
            return None, downbeat
        round_it = np.abs(times - peak) <= 2.2 * self._step
        weights = acts[round_it, 0] ** 2
        return Heard(float((times[round_it] * weights).sum() / weights.sum()), strength), downbeat

    def _judge(self, time: float) -> bool:
        """Stand on another line when the pointer has been surer of it for long enough. True when it was done."""
        best = self._pointer.best()
        line = self._line
        if line is None:
            if best.mass > _BEGIN:
                self._stand_on(best, time)
                return True
            return False
        ours = self._pointer.near(line.period)
        off = (time - ours.since - line.place) / line.period
        on_line = ours.mass if abs(off - round(off)) < _OFF else 0.0
        mass = self.trust.mass + 0.1 * (on_line - self.trust.mass)
        self.trust = replace(self.trust, mass=mass)
        apart = abs(math.log(best.period / line.period))
        off = (time - best.since - line.place) / line.period
        if apart < _APART and abs(off - round(off)) < _OFF:
            self._against = max(0.0, self._against - 2.0 * _JUDGE * self._step)
            return False
        if best.mass > max(_ENOUGH, _BETTER * on_line):
            self._against += _JUDGE * self._step
        else:
            self._against = max(0.0, self._against - _JUDGE * self._step)
        patience = _OCTAVE_PATIENCE if self._kin(best, line) else _PATIENCE
        if self._against > patience:
            self._stand_on(best, time)
            return True
        return False

    @staticmethod
    def _kin(guess: Guess, line: BeatLine) -> bool:
        """Whether it is the same music counted otherwise: another octave, or the off-beat."""
        ratio = max(guess.period, line.period) / min(guess.period, line.period)
        return any(abs(ratio / kin - 1.0) < 0.06 for kin in (1.0, 1.5, 2.0, 3.0))

    def _stand_on(self, guess: Guess, time: float) -> None:
        """Begin a line there; the count goes on the short way."""
        place = time - guess.since
        self._line = BeatLine(place, guess.period, 60.0 / self._limits[1], 60.0 / self._limits[0])
        off = self.grid.beat_at(place)
        self.grid = self.grid.retimed(place, period=guess.period, shift=round(off) - off)
        self._number = round(self.grid.beat)
        self.grid = replace(self.grid, beat=float(self._number))
        self._against = 0.0
        self._bars.reset()
        self.bar_confidence = 0.0
        self.trust = Trust(guess.mass, 0.4, 0.02)

    def _place_bars(self) -> None:
        place = self._bars.place()
        grid = self.grid
        ours = self._bars.sure_of(grid.beats_per_bar, grid.beat_in_bar(self._number))
        if not self.bars_told and place.sure > max(0.3, 1.3 * ours):
            self.grid = grid.rebarred(self._number - place.beat_in_bar + 1, beats_per_bar=place.beats_per_bar)
            ours = place.sure
        self.bar_confidence = ours
