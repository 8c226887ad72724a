"""Strikes: how much of the spectrum rises at once, from the rows that levels draws. For mood and sections.

A sustained sound, however loud, hardly rises; a drum lifts many rows together. Method: spectral flux of compressed
magnitudes (S. Dixon, Onset detection revisited, DAFx 2006). Public: Strike, StrikeMeter.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from engine.hearing.spectrum import log_bands
from engine.state import SPECTRUM, Floats

_LOW = 150.0  # Hz: below it are kick drum and bass
_COMPRESS = 60.0  # log(1 + this * magnitude / loudest): how much of the quiet is heard
_BACK = 3  # frames the rise is measured over: 35 ms, as long as the window takes to fill
_MEMORY = 60.0  # seconds: how long the loudest row stays the measure
_NOTHING = 1e-9  # full scale


@dataclass(frozen=True, slots=True)
class Strike:
    """One frame's rise. broad, low: mean rise over all rows and over those below 150 Hz, in units of ln(magnitude).

    sudden: 0..1, how much of the power was not there a tenth of a second ago.
    """

    broad: float = 0.0
    low: float = 0.0
    sudden: float = 0.0


class StrikeMeter:
    """push the spectrum's rows of each frame, float32[SPECTRUM], in parts of full scale."""

    def __init__(self, step: float, rate: int) -> None:
        """step: seconds a frame. rate: Hz."""
        rows = log_bands(SPECTRUM, 30.0, min(16000.0, rate / 2))
        self._lows = sum(high <= _LOW for _, high in rows)
        self._forget = math.exp(-step / _MEMORY)
        self._follow = np.float32(min(1.0, step / 0.1))
        self._loudest = _NOTHING
        self._past = deque([np.zeros(SPECTRUM, np.float32)] * _BACK, maxlen=_BACK)
        self._sustained = np.zeros(SPECTRUM, np.float32)

    def push(self, rows: Floats) -> Strike:
        self._loudest = max(_NOTHING, float(rows.max()), self._loudest * self._forget)
        now = np.log1p(rows * np.float32(_COMPRESS / self._loudest))
        rise = np.maximum(now - self._past[0], 0.0)
        self._past.append(now)
        new = np.maximum(rows - self._sustained, 0.0)
        self._sustained += self._follow * (rows - self._sustained)
        power = float(rows @ rows)
        return Strike(
            broad=float(np.add.reduce(rise)) / SPECTRUM,
            low=float(np.add.reduce(rise[: self._lows])) / self._lows,
            sudden=float(new @ new) / power if power > _NOTHING**2 else 0.0,
        )
