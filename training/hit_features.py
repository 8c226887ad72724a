"""What the hit network is shown: a row each 4 ms, the same at any rate and level.

Two windows end at the newest sample, both lopsided (they rise slowly and fall fast), so that a stroke is seen as soon
as it is there: 12 ms for all bands, 40 ms for the lowest, where 12 ms can't tell a kick from a bass note.
Public: HOPS, COUNT, HitFeatures, hit_features_of.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.state import Floats

HOPS = 250  # a second, to the half sample a hop that a rate not divisible by 250 leaves
_WINDOW = 3  # hops: 12 ms
_FALL = 0.2  # of a window, at its end
_LOW, _HIGH = 110.0, 16000.0  # Hz, centres of the outer bands are within
_OCTAVE = 4  # bands an octave, where the window resolves them
_NARROWEST = 110.0  # Hz between two centres at least
_DEEP = (30.0, 45.0, 60.0, 80.0, 100.0, 125.0, 155.0, 190.0, 235.0, 290.0)  # Hz, of the long window
_DEEP_WINDOW = 10  # hops: 40 ms
_DEEP_PARTS = 12  # of a hop: the long window's samples, 3 kHz
_COMPRESS = 60.0  # log10(1 + this * magnitude / level): how much of the quiet is seen
_FLOOR = -84.0  # dBFS: nothing below is turned up
_UP, _DOWN = 0.08, 1.5  # seconds for the level to follow louder and quieter
_FAR, _HURRY = 20.0, 12.0  # dB below the level at which it also falls by so many dB a second
_LOUD = 0.05  # of a row a dB


def _centres() -> list[float]:
    centres = [_LOW - _NARROWEST, _LOW]
    while centres[-1] < _HIGH:
        centres.append(max(centres[-1] + _NARROWEST, centres[-1] * 2.0 ** (1.0 / _OCTAVE)))
    return centres


_CENTRES = _centres()
BANDS = len(_CENTRES) - 2
DEEP = len(_DEEP)
COUNT = BANDS + DEEP + 1  # of a row: bands, deep bands, loudness of the newest hop against the level


def _lopsided(size: int) -> Floats:
    """float32[size]: half a Hann window up, the rest of it down within _FALL of the size."""
    at = (np.arange(size) + 0.5) / size
    up, down = at / (1.0 - _FALL), (1.0 - at) / _FALL
    return (np.sin(0.5 * np.pi * np.minimum(np.minimum(up, down), 1.0)) ** 2).astype(np.float32)


class _Front:
    """All that depends on the rate alone. hop: samples."""

    def __init__(self, rate: int) -> None:
        self.hop = round(rate / HOPS)
        self.step = self.hop / rate
        self.window = _WINDOW * self.hop
        self.shape = _lopsided(self.window)
        bins = np.arange(self.window // 2 + 1) * rate / self.window
        self.bins = int(np.searchsorted(bins, _HIGH * 1.2))
        bins = bins[: self.bins]
        rows = np.zeros((BANDS, self.bins), np.float32)
        for i, (low, mid, high) in enumerate(zip(_CENTRES, _CENTRES[1:], _CENTRES[2:], strict=False)):
            rows[i] = np.maximum(np.minimum((bins - low) / (mid - low), (high - bins) / (high - mid)), 0.0)
            rows[i] /= max(float(rows[i].sum()), 1.0)
        # A full-scale sine is 1.
        self.filters = np.ascontiguousarray(rows.T) * np.float32(2.0 / self.shape.sum())
        # Samples of the long window are means over overlapping stretches of a hop and of the one before: 3 kHz,
        # whatever the rate.
        at = (np.arange(2 * self.hop) + 0.5) / self.hop - 1.0
        middles = (np.arange(_DEEP_PARTS) - 0.5) / _DEEP_PARTS
        thin = np.maximum(0.0, 1.0 - np.abs(at[:, None] - middles[None]) * _DEEP_PARTS / 1.5)
        self.thin = (thin / thin.sum(axis=0)).astype(np.float32)
        size = _DEEP_WINDOW * _DEEP_PARTS
        deep = _lopsided(size)
        turns = np.outer(np.arange(size) * self.step / _DEEP_PARTS, 2.0 * np.pi * np.array(_DEEP))
        waves = np.concatenate((np.cos(turns), np.sin(turns)), axis=1) * deep[:, None]
        self.waves = np.ascontiguousarray(waves * 2.0 / deep.sum(), np.float32)

    def bands(self, frames: Floats) -> Floats:
        """float32[..., window] -> float32[..., BANDS] magnitudes."""
        bands: Floats = np.abs(np.fft.rfft(frames * self.shape)[..., : self.bins]) @ self.filters
        return bands

    def deep(self, thinned: Floats) -> Floats:
        """float32[..., _DEEP_WINDOW * _DEEP_PARTS] -> float32[..., DEEP] magnitudes."""
        waves = thinned @ self.waves
        waves *= waves
        return np.sqrt(waves[..., :DEEP] + waves[..., DEEP:])

    def level(self, level: float, now: float) -> float:
        """dBFS the row is measured against, after a hop `now` dBFS loud."""
        far = max(now, _FLOOR) - level
        if far > 0.0:
            return level + far * min(1.0, self.step / _UP)
        hurry = _HURRY * self.step if far < -_FAR else 0.0
        return max(_FLOOR, level + far * self.step / _DOWN - hurry)

    def loudness(self, frame: Floats) -> float:
        """dBFS of a hop."""
        return 10.0 * math.log10(float(frame @ frame) / frame.size + 1e-12)


class HitFeatures:
    """push float32[hop], get float32[COUNT], which the next push overwrites. hop: samples."""

    def __init__(self, rate: int) -> None:
        """rate: Hz."""
        self._front = _Front(rate)
        self.hop = self._front.hop
        self._samples = np.zeros(self._front.window, np.float32)
        self._thinned = np.zeros(_DEEP_WINDOW * _DEEP_PARTS, np.float32)
        self._level = _FLOOR
        self._row = np.zeros(COUNT, np.float32)

    def push(self, frame: Floats) -> Floats:
        front, samples, thinned, row = self._front, self._samples, self._thinned, self._row
        samples[: -self.hop] = samples[self.hop :]
        samples[-self.hop :] = frame
        thinned[:-_DEEP_PARTS] = thinned[_DEEP_PARTS:]
        thinned[-_DEEP_PARTS:] = samples[-2 * self.hop :] @ front.thin
        now = front.loudness(frame)
        self._level = front.level(self._level, now)
        row[:BANDS] = front.bands(samples)
        row[BANDS:-1] = front.deep(thinned)
        row[-1] = 0.0
        row *= _COMPRESS * 10.0 ** (-self._level / 20.0)
        row += 1.0
        np.log10(row, out=row)
        row[-1] = _LOUD * (max(now, _FLOOR) - self._level)
        return row


def hit_features_of(samples: Floats, rate: int) -> Floats:
    """The rows of a whole recording at once, float32[hops, COUNT]: for training; equal to HitFeatures to rounding."""
    front = _Front(rate)
    count = samples.size // front.hop
    frames = samples[: count * front.hop].astype(np.float32, copy=False)
    x = np.concatenate((np.zeros(front.window - front.hop, np.float32), frames))
    windows = sliding_window_view(x, front.window)[:: front.hop]
    pairs = sliding_window_view(np.concatenate((np.zeros(front.hop, np.float32), frames)), 2 * front.hop)[:: front.hop]
    thinned = (pairs @ front.thin).reshape(-1)
    thinned = np.concatenate((np.zeros((_DEEP_WINDOW - 1) * _DEEP_PARTS, np.float32), thinned))
    deep = front.deep(sliding_window_view(thinned, _DEEP_WINDOW * _DEEP_PARTS)[::_DEEP_PARTS])
    power = (frames.reshape(count, front.hop) ** 2).mean(axis=1, dtype=np.float64)
    loudness = 10.0 * np.log10(power + 1e-12)
    levels, level = np.zeros(count), _FLOOR
    for i, now in enumerate(loudness.tolist()):
        levels[i] = level = front.level(level, now)
    rows = np.zeros((count, COUNT), np.float32)
    for start in range(0, count, 2000):
        rows[start : start + 2000, :BANDS] = front.bands(windows[start : start + 2000])
    rows[:, BANDS:-1] = deep
    rows *= (_COMPRESS * 10.0 ** (-levels / 20.0)).astype(np.float32)[:, None]
    rows += np.float32(1.0)
    np.log10(rows, out=rows)
    rows[:, -1] = _LOUD * (np.maximum(loudness, _FLOOR) - levels)
    return rows
