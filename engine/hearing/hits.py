"""Hits: kick, snare and hi-hat as they strike, from rises in three regions of the spectrum. Public: HitDetector.

A hit can't be predicted, so what counts here is how soon it is told: a hit is told in the hop in which the rise
passes its threshold, not at the rise's peak. Method: spectral flux with an adaptive threshold (S. Dixon, Onset
detection revisited, DAFx 2006), one a drum, over aubio's phase vocoder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.hearing.frames import hop_for
from engine.hearing.spectrum import Spectrum
from engine.state import KINDS, Floats, Hit, Hits

_COMPRESS = 60.0  # log(1 + this * magnitude / reference): how much of the quiet is heard
_BACK = 3  # hops the rise is measured over: 8.7 ms, the attack of a drum
_FALL = 8.0  # seconds the loudness reference takes to forget
_SILENCE = 3e-4  # full scale: rises below are noise of the line


@dataclass(frozen=True, slots=True)
class _Drum:
    """low, high: Hz of its region. times: how far above the usual rise it must be. least: smallest rise that counts.

    rest: seconds until the same drum is told again. usual: seconds over which the usual rise is measured.
    """

    low: float
    high: float
    times: float
    least: float
    rest: float
    usual: float = 1.5


_DRUMS = {
    "kick": _Drum(35.0, 110.0, 3.0, 0.45, 0.11),
    "snare": _Drum(1200.0, 6000.0, 3.2, 0.30, 0.11),
    "hat": _Drum(7000.0, 15000.0, 2.6, 0.22, 0.07),
}


class HitDetector:
    """push frames of `hop` samples; `hits` counts on from the Hits it was given."""

    def __init__(self, rate: int, hits: Hits) -> None:
        """rate: Hz. hits: counts to go on from; times in them are seconds of the stream."""
        self.hop = hop_for(rate, 128)
        self.hits = hits
        self._spectrum = Spectrum(8 * self.hop, self.hop)
        self._step = self.hop / rate
        bins = np.arange(4 * self.hop + 1) * rate / (8 * self.hop)
        # A drum whose region lies above half the rate has no bins: it is never told.
        self._regions = {
            kind: slice(*np.searchsorted(bins, (drum.low, drum.high))) for kind, drum in _DRUMS.items()
        }
        self._past = [np.zeros(bins.size, np.float32)] * _BACK
        self._reference = _SILENCE
        self._usual = dict.fromkeys(KINDS, 0.0)
        self._most = dict.fromkeys(KINDS, 1.0)
        self._before = dict.fromkeys(KINDS, 0.0)

    def push(self, frame: Floats, end: float) -> bool:
        """float32[hop], and the stream time in seconds of its end. True when a drum was struck."""
        magnitudes = self._spectrum.push(frame)
        peak = float(magnitudes.max())
        self._reference = max(_SILENCE, peak, self._reference * math.exp(-self._step / _FALL))
        now = np.log1p(magnitudes * np.float32(_COMPRESS / self._reference))
        rise = np.maximum(now - self._past[0], 0.0)
        self._past = [*self._past[1:], now]
        struck = False
        for kind, drum in _DRUMS.items():
            region = self._regions[kind]
            flux = float(rise[region].mean()) if region.stop > region.start else 0.0
            usual = self._usual[kind]
            self._usual[kind] = usual + (flux - usual) * self._step / drum.usual
            self._most[kind] = max(flux, self._most[kind] * math.exp(-self._step / _FALL), 2.0 * drum.least)
            rising, self._before[kind] = flux > self._before[kind], flux
            rested = end - self.hits[kind].time >= drum.rest
            if rising and rested and flux > drum.least + drum.times * usual:
                self._strike(kind, end, flux / self._most[kind])
                struck = True
        return struck

    def _strike(self, kind: str, time: float, strength: float) -> None:
        struck = Hit(self.hits[kind].count + 1, time, min(1.0, strength))
        self.hits = Hits(*(struck if k == kind else self.hits[k] for k in KINDS))
