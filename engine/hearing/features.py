"""Features: what the beat network is shown of each frame, a hundred frames a second, the same at any rate and level.

A frame ends at its newest sample; its window of 40 ms reaches back from there. numpy's FFT rather than aubio's phase
vocoder: aubio's wants powers of two, so that a window would last 46 ms at 44.1 kHz and 43 or 21 ms elsewhere.
Public: FPS, BANDS, HZ, COUNT, Features, features_of.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.state import Floats

FPS = 100  # frames a second, to the half sample a frame that a rate not divisible by 100 leaves
_WINDOW = 4  # hops: 40 ms
_LOW, _HIGH = 27.5, 16000.0  # Hz
_OCTAVE = 8  # bands an octave, where the window resolves them
_NARROWEST = 28.0  # Hz between two centres at least
_RISE = 2  # frames a rise is measured over: half a window
_PARTS = 4  # of a frame: 2.5 ms each, for where in it something began
_COMPRESS = 60.0  # log10(1 + this * magnitude / level): how much of the quiet is seen
_FLOOR = -72.0  # dBFS: nothing below is turned up
_UP, _DOWN = 0.08, 1.5  # seconds for the level to follow louder and quieter
_FAR, _HURRY = 20.0, 12.0  # dB below the level at which it also falls by so many dB a second


def _centres() -> list[float]:
    centres = [_LOW]
    while centres[-1] < _HIGH:
        centres.append(max(centres[-1] + _NARROWEST, centres[-1] * 2.0 ** (1.0 / _OCTAVE)))
    return centres


_CENTRES = _centres()
BANDS = len(_CENTRES) - 2
HZ = tuple(_CENTRES[1:-1])  # middle of each band
COUNT = 2 * BANDS + 2 * _PARTS  # of a row: bands, their rises, parts of the frame: plain and with the highs lifted


class _Front:
    """All that depends on the rate alone. hop: samples a frame."""

    def __init__(self, rate: int) -> None:
        self.hop = round(rate / FPS)
        self.window = _WINDOW * self.hop
        self.step = self.hop / rate
        self.hann = np.hanning(self.window + 1)[:-1].astype(np.float32)
        bins = np.arange(self.window // 2 + 1) * rate / self.window
        self.bins = int(np.searchsorted(bins, _HIGH * 1.1))
        rows = np.zeros((BANDS, self.bins), np.float32)
        for i, (low, mid, high) in enumerate(zip(_CENTRES, _CENTRES[1:], _CENTRES[2:], strict=False)):
            rise, fall = (bins[: self.bins] - low) / (mid - low), (high - bins[: self.bins]) / (high - mid)
            rows[i] = np.maximum(np.minimum(rise, fall), 0.0)
            rows[i] /= max(float(rows[i].sum()), 1.0)
        # A full-scale sine is 1: a Hann window halves its amplitude, half of it lies at -f.
        self.filters = np.ascontiguousarray(rows.T) * np.float32(4.0 / self.window)
        # The parts hear up to 24 kHz at most, whatever the rate: higher ones are averaged down to 44.1 or 48 kHz.
        self.thin = max(1, round(rate / 48000))
        while self.hop % (self.thin * _PARTS) and self.thin > 1:
            self.thin -= 1
        self.edge = np.float32(rate / self.thin / 44100)

    def bands(self, frames: Floats) -> Floats:
        """float32[..., window] -> float32[..., BANDS] magnitudes."""
        spectrum = np.abs(np.fft.rfft(frames * self.hann, axis=-1)[..., : self.bins])
        return spectrum.astype(np.float32, copy=False) @ self.filters

    def parts(self, frames: Floats) -> tuple[Floats, Floats]:
        """Newest hop and the sample before: float32[..., hop + 1] -> RMS float32[..., PARTS], plain and of the edge."""
        whole = self.hop // (_PARTS * self.thin) * _PARTS * self.thin
        thin = frames[..., -whole - self.thin :]
        if self.thin > 1:
            thin = thin.reshape(*thin.shape[:-1], -1, self.thin).mean(axis=-1)
        edges = (thin[..., 1:] - thin[..., :-1]) * self.edge
        shape = (*thin.shape[:-1], _PARTS, -1)
        plain, lifted = thin[..., 1:].reshape(shape), edges.reshape(shape)
        count = np.float32(1.0 / plain.shape[-1])  # np.add.reduce: half the time of ndarray.mean on so few
        power = np.add.reduce(plain * plain, axis=-1) * count, np.add.reduce(lifted * lifted, axis=-1) * count
        return np.sqrt(power[0]), np.sqrt(power[1])

    def level(self, level: float, now: float) -> float:
        """dBFS the features are measured against, after a frame `now` dBFS loud."""
        far = max(now, _FLOOR) - level
        if far > 0.0:
            return level + far * min(1.0, self.step / _UP)
        hurry = _HURRY * self.step if far < -_FAR else 0.0
        return max(_FLOOR, level + far * self.step / _DOWN - hurry)


def _loudness(parts: Floats) -> Floats:
    power = np.add.reduce(parts * parts, axis=-1) * np.float32(1.0 / _PARTS)
    return np.asarray(10.0 * np.log10(power + np.float32(1e-12)))


class Features:
    """push float32[hop], get float32[COUNT]. hop: samples a frame."""

    def __init__(self, rate: int) -> None:
        """rate: Hz."""
        self._front = _Front(rate)
        self.hop = self._front.hop
        self._samples = np.zeros(self._front.window, np.float32)
        self._before = np.zeros((_RISE, BANDS), np.float32)
        self._level = _FLOOR
        self._row = np.zeros(COUNT, np.float32)

    def push(self, frame: Floats) -> Floats:
        front = self._front
        self._samples[: -self.hop] = self._samples[self.hop :]
        self._samples[-self.hop :] = frame
        plain, lifted = front.parts(self._samples[-self.hop - front.thin :])
        self._level = front.level(self._level, float(_loudness(plain)))
        scale = np.float32(_COMPRESS * 10.0 ** (-self._level / 20.0))
        bands = np.log10(1.0 + scale * front.bands(self._samples))
        row = self._row
        row[:BANDS] = bands
        np.maximum(bands - self._before[0], 0.0, out=row[BANDS : 2 * BANDS])
        row[2 * BANDS : 2 * BANDS + _PARTS] = np.log10(1.0 + scale * plain)
        row[2 * BANDS + _PARTS :] = np.log10(1.0 + scale * lifted)
        self._before[:-1] = self._before[1:]
        self._before[-1] = bands
        return row.copy()


def features_of(samples: Floats, rate: int) -> Floats:
    """The rows of a whole recording at once, float32[frames, COUNT]: for training; equal to Features to rounding."""
    front = _Front(rate)
    count = samples.size // front.hop
    x = np.concatenate((np.zeros(front.window - front.hop, np.float32), samples[: count * front.hop]))
    windows = sliding_window_view(x, front.window)[:: front.hop]
    rows = np.zeros((count, COUNT), np.float32)
    level, scales = _FLOOR, np.zeros((count, 1), np.float32)
    for start in range(0, count, 1000):
        part = windows[start : start + 1000]
        plain, lifted = front.parts(part[:, -front.hop - front.thin :])
        for i, now in enumerate(_loudness(plain)):
            level = front.level(level, float(now))
            scales[start + i] = _COMPRESS * 10.0 ** (-level / 20.0)
        scale = scales[start : start + len(part)]
        rows[start : start + len(part), :BANDS] = np.log10(1.0 + scale * front.bands(part))
        rows[start : start + len(part), 2 * BANDS : 2 * BANDS + _PARTS] = np.log10(1.0 + scale * plain)
        rows[start : start + len(part), 2 * BANDS + _PARTS :] = np.log10(1.0 + scale * lifted)
    rows[_RISE:, BANDS : 2 * BANDS] = np.maximum(rows[_RISE:, :BANDS] - rows[:-_RISE, :BANDS], 0.0)
    rows[:_RISE, BANDS : 2 * BANDS] = rows[:_RISE, :BANDS]
    return rows
