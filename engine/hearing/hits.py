"""Hits: kick, snare and hi-hat as they strike, from rises in three regions of the spectrum.

A hit can't be predicted, so what counts here is how soon it is told: a hit is told in the hop in which the rise
passes its threshold, not at the rise's peak. Method: spectral flux with an adaptive threshold (S. Dixon, Onset
detection revisited, DAFx 2006), one a drum, over aubio's phase vocoder.

Public: HitDetector, and HeardDrums for trackers that hear drums themselves.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from engine.hearing.beats import Activations
from engine.hearing.frames import hop_for
from engine.hearing.spectrum import Spectrum
from engine.state import KINDS, Floats, Hit, Hits

_COMPRESS = 60.0  # log(1 + this * magnitude / reference): how much of the quiet is heard
_BACK = 3  # hops the rise is measured over: 8.7 ms, the attack of a drum
_WINDOW = 4  # hops: 11.6 ms, short, as a longer window answers later
_FALL = 8.0  # seconds the loudness reference takes to forget
_SILENCE = 3e-4  # full scale: rises below are noise of the line


@dataclass(frozen=True, slots=True)
class _Drum:
    """What rise in the spectrum is a strike of this drum.

    low, high: Hz of its region. least: smallest rise that counts. times: how far above the usual rise it must be.
    share: how near it must come to the strongest of the last seconds. click: rise it must also make in the click's
    region (a bass note rises as a kick drum does, but without a beater). rest: seconds until it is told again.
    """

    low: float
    high: float
    least: float
    times: float
    share: float
    click: float
    rest: float


_DRUMS = {
    "kick": _Drum(35.0, 180.0, 0.55, 2.0, 0.40, 0.30, 0.11),
    "snare": _Drum(1200.0, 6000.0, 0.38, 2.5, 0.58, 0.38, 0.11),
    "hat": _Drum(7000.0, 15000.0, 0.14, 1.6, 0.20, 0.0, 0.07),
}
_CLICK = (1500.0, 15000.0)  # Hz: where a beater or stick is heard apart from notes
_CLICK_HOPS = 4  # hops a drum's click and its body may lie apart: the low bins answer later
_CLEAR = 2.5  # times the usual rise of its region a click must reach
_USUAL = 1.5  # seconds over which the usual rise is measured


class HitDetector:
    """push frames of `hop` samples; `hits` counts on from the Hits it was given."""

    def __init__(self, rate: int, hits: Hits) -> None:
        """rate: Hz. hits: counts to go on from; times in them are seconds of the stream."""
        self.hop = hop_for(rate, 128)
        self.hits = hits
        self._spectrum = Spectrum(_WINDOW * self.hop, self.hop)
        self._step = self.hop / rate
        bins = np.arange(_WINDOW // 2 * self.hop + 1) * rate / (_WINDOW * self.hop)

        def region(low: float, high: float) -> slice:
            return slice(int(np.searchsorted(bins, low)), int(np.searchsorted(bins, high)))

        # A drum whose region lies above half the rate has no bins: it is never told.
        self._regions = {kind: region(drum.low, drum.high) for kind, drum in _DRUMS.items()}
        self._click_region = region(*_CLICK)
        self._past = [np.zeros(bins.size, np.float32)] * _BACK
        self._reference = _SILENCE
        self._usual = dict.fromkeys(KINDS, 0.0)
        self._most = {kind: drum.least for kind, drum in _DRUMS.items()}
        self._usual_click = 0.0
        self._clicks: deque[float] = deque([0.0] * _CLICK_HOPS, maxlen=_CLICK_HOPS)

    def push(self, frame: Floats, end: float) -> bool:
        """float32[hop], and the stream time in seconds of its end. True when a drum was struck."""
        magnitudes = self._spectrum.push(frame)
        self._reference = max(_SILENCE, float(magnitudes.max()), self._reference * math.exp(-self._step / _FALL))
        now = np.log1p(magnitudes * np.float32(_COMPRESS / self._reference))
        rise = np.maximum(now - self._past[0], 0.0)
        self._past = [*self._past[1:], now]
        self._clicks.append(_mean(rise[self._click_region]))
        # Against what is usual: in steady noise every rise has a click beside it (68 kicks in 10 s without, 5 with).
        click = max(self._clicks) if max(self._clicks) > _CLEAR * self._usual_click else 0.0
        self._usual_click += (self._clicks[-1] - self._usual_click) * self._step / _USUAL
        struck = False
        for kind, drum in _DRUMS.items():
            flux = _mean(rise[self._regions[kind]])
            usual = self._usual[kind]
            self._usual[kind] = usual + (flux - usual) * self._step / _USUAL
            most = self._most[kind]
            needed = max(drum.least, drum.times * usual, drum.share * most)
            self._most[kind] = max(flux, most * math.exp(-self._step / _FALL), drum.least)
            if flux > needed and click >= drum.click and end - self.hits[kind].time >= drum.rest:
                self.hits = _struck(self.hits, kind, end, flux / self._most[kind])
                struck = True
        return struck


class HeardDrums:
    """Hits from a tracker's own drum activations: struck where one rises through HEARD. Same face as HitDetector."""

    HEARD = 0.5

    def __init__(self, hits: Hits) -> None:
        self.hits = hits
        self._over = dict.fromkeys(KINDS, False)

    def take(self, heard: Activations) -> bool:
        """One frame of activations. True when a drum was struck; its time is the one the activations speak of."""
        struck = False
        for kind, drum in _DRUMS.items():
            level: float = getattr(heard, kind)
            over, self._over[kind] = self._over[kind], level >= self.HEARD
            if not over and self._over[kind] and heard.time - self.hits[kind].time >= drum.rest:
                self.hits = _struck(self.hits, kind, heard.time, level)
                struck = True
        return struck


def _struck(hits: Hits, kind: str, time: float, strength: float) -> Hits:
    hit = Hit(hits[kind].count + 1, time, min(1.0, strength))
    return Hits(*(hit if k == kind else hits[k] for k in KINDS))


def _mean(values: Floats) -> float:
    # ndarray.mean takes 5 us on so few values, this 1.5 us, 1400 times a second.
    return float(np.add.reduce(values)) / values.size if values.size else 0.0
