"""The beat line: a Kalman filter over (time of the newest beat, period), fed one heard beat at a time.

Three of them run side by side, from a machine's tempo to a rubato player's; the one that foresaw the last beats best
draws the line (multiple models after Magill, Optimal adaptive estimation, IEEE TAC 1965, without mixing).
Public: BeatLine, Heard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# (share of the period, seconds): standard deviation of what tempo and place may change by from beat to beat
_HANDS = ((0.0006, 0.0004), (0.006, 0.002), (0.03, 0.006))
_FORGET = 0.85  # of how well a hand foresaw stays at each beat
_KEEP = 1.0  # by so much (log likelihood) another hand must be better
_STEADY = (0.0, -0.2, -0.6)  # head start of each
_NOISE = 0.010  # seconds: standard deviation of a beat heard with activation 1
_FAINT, _FAINT_VOTE = 2.0, 4.0  # exponents: how much less a fainter beat says of the line, and of whose line it is
_WILD = 3.5  # standard deviations at which a beat is heard as not this one's


@dataclass(frozen=True, slots=True)
class Heard:
    """A beat as the network heard it: time in seconds, strength 0..1 (its activation's peak)."""

    time: float
    strength: float


class _Hand:
    """One Kalman filter: place and period of the newest beat, seconds, and their covariance."""

    def __init__(self, place: float, period: float, sway: tuple[float, float], *, sure: bool) -> None:
        self.place, self.period, self.sway = place, period, sway
        place_s, tempo = (0.006, 0.002) if sure else (0.02, 0.03)
        self.pp, self.pt, self.tt = place_s**2, 0.0, (tempo * period) ** 2
        self.worth = 0.0

    def step(self, heard: Heard | None, usual: float) -> None:
        """One beat on. usual: how strongly beats of this song are heard."""
        tempo, place = self.sway
        self.place += self.period
        self.pp += 2.0 * self.pt + self.tt + place**2
        self.pt += self.tt
        self.tt += (tempo * self.period) ** 2
        if heard is None:
            return
        off = heard.time - self.place
        # What is faint for this song says little of where its beat is: in a breakdown only the chords are left.
        share = max(min(heard.strength / usual, 1.0), 0.1)
        noise = (_NOISE / share**_FAINT) ** 2
        spread = self.pp + noise
        wild = abs(off) / math.sqrt(spread)
        vote = share**_FAINT_VOTE
        foresaw = -0.5 * (min(wild, 4.0) ** 2 + math.log(spread / _NOISE**2))
        self.worth += vote * (foresaw - (1.0 - _FORGET) * self.worth)
        if wild > _WILD:  # trusted less the wilder it is, never not at all: a line must be able to come round
            spread *= (wild / _WILD) ** 2
        gain, drift = self.pp / spread, self.pt / spread
        self.place += gain * off
        self.period += drift * off
        self.tt -= drift * self.pt
        self.pt -= gain * self.pt
        self.pp -= gain * self.pp


class BeatLine:
    """The line through the newest beat: `place` (seconds) and `period` (seconds)."""

    def __init__(self, place: float, period: float, shortest: float, longest: float, *, sure: bool = False) -> None:
        """shortest, longest: seconds a beat that the line may take. sure: it ran before, and is gone on with."""
        self._limits = (shortest, longest)
        self._hands = [_Hand(place, period, sway, sure=sure) for sway in _HANDS]
        self._drawn = 0 if sure else 1
        self.jitter = 0.02  # seconds: how far heard beats lie from the line, a running mean
        self.locked = False  # the period stays, the phase follows
        self.usual = 0.5  # activation of this song's beats, a running mean

    @property
    def place(self) -> float:
        return self._hands[self._drawn].place

    @property
    def period(self) -> float:
        return self._hands[self._drawn].period

    def step(self, heard: Heard | None) -> None:
        """The next beat, as heard near where the line said it would be; None: not heard."""
        period = self.period
        expected = self.place + period
        for hand in self._hands:
            hand.step(heard, self.usual)
            hand.period = period if self.locked else min(max(hand.period, self._limits[0]), self._limits[1])
        if heard is None:
            return
        self.usual += (0.03 if heard.strength < self.usual else 0.2) * (max(heard.strength, 0.15) - self.usual)
        self.jitter += 0.15 * (min(abs(heard.time - expected), 0.1) - self.jitter)
        worths = [hand.worth + start for hand, start in zip(self._hands, _STEADY, strict=True)]
        best = max(range(len(worths)), key=worths.__getitem__)
        if worths[best] > worths[self._drawn] + _KEEP:
            self._drawn = best
