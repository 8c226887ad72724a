"""The follower: what the network hears, frame by frame, made into one line that beats, bars and trust are read from.

The pointer (pointer.py) says where the beat may be; the line (beat_line.py) stands on one of its answers and follows
that with more precision than a frame; the follower decides when to leave it for another, and remembers. It asks for
much before it changes the octave, for less when tempo and phase are wrong altogether. Public: Follower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.hearing.bar_filter import BarFilter
from engine.hearing.beat_line import BeatLine, Heard
from engine.hearing.network import ACTIVATIONS, METERS, TEMPI
from engine.hearing.pointer import BeatPointer, Guess
from engine.hearing.told import heed, limits, onto, redrawn
from engine.state import Floats, State

_A, _T = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
_RING = 256  # frames remembered: 2.5 s
_WEIGH = 10  # frames between two words of the tempo outputs
_TEMPO_SAY = 0.15  # exponent of each such word
_JUDGE = 5  # frames between two looks at whether the line still stands
_BEGIN, _BEGIN_HEARD = 0.25, 0.12  # mass and activation a first guess needs
_WINDOW, _SHARE = 0.085, 0.3  # seconds, beats: how far from the line its beat is looked for
_APART, _OFF = 0.05, 0.16  # relative period, beats: beyond these it is another line
_WARM = 200  # frames until the network, begun anew, may move a line that was carried over
_BETTER, _ENOUGH = 1.5, 0.25  # another line's mass: times that of ours, and at least
_PATIENCE, _OCTAVE_PATIENCE, _TOLD_PATIENCE = 0.8, 2.5, 4.0  # seconds it must be better for
_WEAK, _WEAK_PATIENCE = 0.6, 5.0  # a line heard with less than this share of ours must be better for so much longer
_LEVELS, _KIN = (1.0, 2.0, 0.5, 3.0, 1 / 3, 1.5, 2 / 3, 4.0, 0.25), 0.05  # periods of the same music, relative
_WEIGHTS = (-0.71, 3.16, -1.20, -1.15, 0.69, -0.65)  # of Trust.row, fitted by training.calibrate
# The bar filter's probability, and how often its bars were right (training.calibrate): its beats aren't independent.
_BARS_TOLD, _BARS_RIGHT = (0.0, 0.5, 0.9, 0.97, 0.996, 1.0), (0.0, 0.27, 0.42, 0.56, 0.76, 0.9)
_BARS_MOVE, _METER_MOVE = (0.3, 1.3), (0.6, 2.0)  # least probability, and times ours, at which bars are placed anew
_BEAT_SAY = 0.15  # of a running mean that the newest beat makes
_PAUSE, _FADE = 1.5, 7.0  # seconds
_HEARD = 0.08  # activation below which a beat was not heard


@dataclass(frozen=True, slots=True)
class Trust:
    """What confidence is made of. rival: mass of the pointer's distribution on the best other line. strength:
    activation of the last beats, running mean; between: the same half-way between them. jitter: seconds by which they
    miss the line. beats: how many the line has stood for. unheard: seconds since one was heard."""

    rival: float = 0.0
    strength: float = 0.0
    between: float = 0.0
    jitter: float = 0.02
    beats: int = 0
    unheard: float = 0.0

    def row(self) -> tuple[float, ...]:
        """What _WEIGHTS weigh."""
        return (
            math.sqrt(self.rival),
            min(self.strength, 0.8),
            min(self.between, 0.8),
            min(self.jitter, 0.05) * 20.0,
            math.log2(1.0 + min(self.beats, 31)) / 5.0,
            1.0,
        )

    def confidence(self) -> float:
        """0..1: the share of lines that looked like this one and were right; falls by half every _FADE s of silence."""
        right = 1.0 / (1.0 + math.exp(-sum(w * x for w, x in zip(_WEIGHTS, self.row(), strict=True))))
        return float(right * 0.5 ** (max(0.0, self.unheard - _PAUSE) / _FADE))


class Follower:
    """push each frame's outputs; read grid, confidence, bar_confidence. Times are seconds of the stream."""

    def __init__(self, step: float, seed: State, bpm: tuple[float, float]) -> None:
        """step: seconds a frame. seed: as a Tracker's. bpm: slowest and fastest of the show."""
        self.grid = seed.grid
        self.told = seed.tempo_told
        self.bars_told = seed.bars_told
        self.bar_confidence = seed.bar_confidence
        self.trust = Trust()
        self._step = step
        self._show = bpm
        self._times = np.zeros(_RING)
        self._acts = np.zeros((_RING, 2), np.float32)
        self._frames = 0
        self._meters = np.full(len(METERS), 1.0 / len(METERS), np.float32)
        self._against = 0.0
        self._line: BeatLine | None = None
        self._number = 0  # of the line's newest beat, in the grid's count
        self._seeded = 1.0  # confidence in a line that is carried over
        self._listen_afresh()
        if seed.confidence > 0.0:
            self.trust = Trust(strength=seed.confidence, beats=16)
            self._draw(seed.grid.time, sure=True)
            self._carried, self._seeded = True, seed.confidence
            if seed.bar_confidence > 0.5 or seed.bars_told:
                self._bars.told(self.grid.beats_per_bar, self.grid.beat_in_bar(self._number))

    def _listen_afresh(self) -> None:
        """Nothing known of tempo, phase and bars; what a person said of the range holds."""
        self._pointer = BeatPointer(self._step, *limits(self.told, self._show))
        self._tempo_at = self._tempo_index()
        self._bars = BarFilter()
        self._carried = False  # the line is a seed's, and the network has yet to hear enough to have a say
        self._against = 0.0

    def _draw(self, time: float, *, sure: bool = False) -> None:
        """The line as the grid has it at stream `time`: what a seed or a person says. sure: it is followed stiffly."""
        slowest, fastest = limits(self.told, self._show)
        grid = self.grid
        self._number = grid.last_beat_at(time)
        place = grid.time_of(self._number) - self.told.nudge
        limits_s = min(60.0 / fastest, grid.period), max(60.0 / slowest, grid.period)
        self._line = BeatLine(place, grid.period, *limits_s, sure=sure)
        self._line.locked = self.told.locked
        self._against = 0.0

    def hint(self, hint: str, time: float, amount: float) -> bool:
        """A person's word (see Tracker) at stream `time`. False when it can't be followed."""
        told = heed(self.told, hint, amount, self.grid.bpm, self._show)
        if told is None:
            return False
        ranges = limits(told, self._show) != limits(self.told, self._show)
        self.told = told
        if hint == "resync":
            self._line, self.trust = None, Trust()
            self.bars_told, self.bar_confidence = False, 0.0
            self._listen_afresh()
            return True
        self.grid = redrawn(self.grid, hint, time, amount, limits(told, self._show))
        if ranges:
            self._listen_afresh()
        if hint == "downbeat":
            self.bars_told, self.bar_confidence = True, 1.0
        elif self._line is not None or hint in ("beat", "tempo", "double", "halve"):
            self._draw(time)
            self.trust = Trust(strength=max(self.trust.strength, 0.5), beats=8)
        return True

    def _tempo_index(self) -> Floats:
        """Where each of the pointer's tempi lies among the network's, as a fractional index."""
        return np.interp(np.log(self._pointer.bpm), np.log(TEMPI), np.arange(TEMPI.size)).astype(np.float32)

    def tempi(self) -> tuple[Floats, Floats]:
        """(BPM, falling; how much of the pointer stands on each, 0..1): for who wants to see it."""
        return self._pointer.bpm, self._pointer.tempi()

    @property
    def confidence(self) -> float:
        if self._line is None:
            return 0.0
        return min(self._seeded, self.trust.confidence()) if self._carried else self.trust.confidence()

    def push(self, out: Floats, time: float) -> bool:
        """float32[OUTPUTS] that speak of stream `time`. True when the line changed."""
        at = self._frames % _RING
        self._frames += 1
        self._times[at], self._acts[at, 0], self._acts[at, 1] = time, out[0], out[1]
        self._meters += np.float32(0.02) * (out[_T:] - self._meters)
        if self._carried and self._frames == 1 and self._line is not None:
            self._pointer.stand(self._line.period, (time - self._line.place) % self._line.period)
        self._carried = self._carried and self._frames < _WARM
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
        self._number += 1
        if self._carried:
            line.step(None)
            self._bars.step(0.0, 0.0, self._meters)
            return
        heard, downbeat = self._look(expected, reach)
        line.step(heard)
        strength = heard.strength if heard else 0.0
        self._bars.step(downbeat, strength, self._meters)
        between, _ = self._look(expected - 0.5 * line.period, 0.5 * reach)
        trust = self.trust
        self.trust = replace(
            trust,
            strength=trust.strength + _BEAT_SAY * (strength - trust.strength),
            between=trust.between + _BEAT_SAY * ((between.strength if between else 0.0) - trust.between),
            jitter=line.jitter,
            beats=trust.beats + 1,
            unheard=0.0 if heard else trust.unheard + line.period,
        )
        if heard:
            at = line.place + self.told.nudge
            self.grid = replace(self.grid, time=at, beat=float(self._number), period=line.period)
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
        if self._carried:
            return False
        if line is None:
            if best.mass > _BEGIN and self._strength(best, time) > _BEGIN_HEARD:
                self._stand_on(best, time)
                return True
            return False
        ours = self._pointer.near(line.period)
        held = self.told.locked or self.told.octave
        level = held and any(abs(best.period / line.period / kin - 1.0) < _KIN for kin in _LEVELS)
        on_line = ours.mass if _off(ours, line, time) < _OFF else 0.0
        on_line = max(on_line, best.mass if level else 0.0)
        if level or self.told.locked:
            best = ours  # which of the beats is the beat, a person has said; where they are is for the music to say
        same = abs(math.log(best.period / line.period)) < _APART and _off(best, line, time) < _OFF
        rival = 0.0 if same or level else best.mass
        self.trust = replace(self.trust, rival=self.trust.rival + 0.1 * (rival - self.trust.rival))
        if same:
            self._against = max(0.0, self._against - 2.0 * _JUDGE * self._step)
            return False
        better = best.mass > max(_ENOUGH, _BETTER * on_line)
        self._against = max(0.0, self._against + (1.0 if better else -1.0) * _JUDGE * self._step)
        if self._against <= self._patience(best, line, time):
            return False
        self._stand_on(best, time)
        return True

    def _patience(self, guess: Guess, line: BeatLine, time: float) -> float:
        """Seconds another line must be better for: more where it is the same music counted otherwise."""
        if self.told.octave or self.told.locked:
            return _TOLD_PATIENCE
        ratio = guess.period / line.period
        patience = _OCTAVE_PATIENCE if any(abs(ratio / kin - 1.0) < _KIN for kin in _LEVELS) else _PATIENCE
        return patience if self._strength(guess, time) > _WEAK * line.usual else _WEAK_PATIENCE * patience

    def _strength(self, guess: Guess, time: float) -> float:
        """Mean activation on the guess's last beats, some two seconds of them."""
        beats = time - guess.since - guess.period * np.arange(max(2, round(2.0 / guess.period)))
        near = np.abs(self._times[:, None] - beats) <= 0.035
        return float(np.where(near, self._acts[:, :1], 0.0).max(axis=0).mean())

    def _stand_on(self, guess: Guess, time: float) -> None:
        """Begin a line there; the count goes on the short way."""
        place = time - guess.since
        line = self._line
        kept = self.told.locked and line is not None
        period = line.period if kept and line is not None else guess.period
        if line is not None and abs(period / line.period - 1.0) > _APART:
            self.told = replace(self.told, octave=False)  # the song has clearly changed
        self.grid = onto(self.grid, place + self.told.nudge, period)
        self._draw(place + self.told.nudge + 1e-3)
        if not self.bars_told:
            self._bars.reset()
            self.bar_confidence = 0.0
        self.trust = Trust(strength=self._strength(guess, time))

    def _place_bars(self) -> None:
        if self.bars_told:
            self.bar_confidence = 1.0
            return
        place = self._bars.place()
        grid = self.grid
        ours = self._bars.sure_of(grid.beats_per_bar, grid.beat_in_bar(self._number))
        least, times = _BARS_MOVE if place.beats_per_bar == grid.beats_per_bar else _METER_MOVE
        if place.sure > max(least, times * ours):
            self.grid = grid.rebarred(self._number - place.beat_in_bar + 1, beats_per_bar=place.beats_per_bar)
            ours = place.sure
        self.bar_confidence = float(np.interp(ours, _BARS_TOLD, _BARS_RIGHT))


def _off(guess: Guess, line: BeatLine, time: float) -> float:
    """Beats from the guess's beats to the line's, 0..0.5; `time` is the last activation's."""
    off = (time - guess.since - line.place) / line.period
    return abs(off - round(off))
