"""Is this recording in that one? Landmarks of the spectrum, after Wang, "An Industrial-Strength Audio Search Algorithm"
(ISMIR 2003): pairs of spectral peaks that agree in frequency, in distance and in one common shift of time.

Finds the same recording through cuts, codecs, equalizers, noise and other music on top; not at another speed or pitch.
Public: Landmarks, Index, landmarks, read_mono.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.signal import resample_poly

RATE = 11025
WINDOW, HOP = 1024, 256  # 93 ms, 23 ms
PEAKS_PER_S = 30
FAN_OUT = 5  # pairs a peak begins
REACH = 63  # frames between the two peaks of a pair: 1.5 s
SPAN = 127  # bins between them: 1.4 kHz
SHIFT = 2  # frames a common shift may vary by


@dataclass(frozen=True)
class Landmarks:
    """hashes: int64[n], sorted. frames: int64[n], where each begins."""

    hashes: NDArray[np.int64]
    frames: NDArray[np.int64]


def read_mono(path: Path) -> NDArray[np.float32]:
    """A file's mono sum at 11025 Hz."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio.mean(axis=1)
    common = int(np.gcd(rate, RATE))
    return mono if rate == RATE else resample_poly(mono, RATE // common, rate // common).astype(np.float32)


def landmarks(audio: NDArray[np.float32]) -> Landmarks:
    """audio: float32[samples] at 11025 Hz."""
    if len(audio) < 4 * WINDOW:
        return Landmarks(np.zeros(0, np.int64), np.zeros(0, np.int64))
    frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    level = np.concatenate(
        [np.abs(np.fft.rfft(part * window, axis=1)) for part in np.array_split(frames, len(frames) // 2048 + 1)]
    )
    level = np.log(level[:, 4:400].astype(np.float32) + 1e-4)  # 43 Hz .. 4.3 kHz
    peak = (level == maximum_filter(level, size=(15, 25))) & (level > level.mean() - 1.0)
    time, bin_ = np.nonzero(peak)
    # The strongest of each second, so that loud passages do not take all.
    keep = np.zeros(len(time), dtype=bool)
    second = time * HOP // RATE
    for mine in np.split(np.arange(len(time)), np.flatnonzero(np.diff(second)) + 1):
        keep[mine[np.argsort(-level[time[mine], bin_[mine]])[:PEAKS_PER_S]]] = True
    time, bin_ = time[keep], bin_[keep]
    hashes, starts = [], []
    begun = np.zeros(len(time), dtype=np.int64)
    for step in range(1, min(4 * PEAKS_PER_S, len(time))):
        distance = time[step:] - time[:-step]
        apart = bin_[step:] - bin_[:-step]
        fits = (distance > 0) & (distance <= REACH) & (np.abs(apart) <= SPAN) & (begun[:-step] < FAN_OUT)
        begun[:-step] += fits
        hashes.append(((bin_[:-step] * 256 + apart + 128) * 64 + distance)[fits])
        starts.append(time[:-step][fits])
    if not hashes:
        return Landmarks(np.zeros(0, np.int64), np.zeros(0, np.int64))
    every, frame = np.concatenate(hashes).astype(np.int64), np.concatenate(starts).astype(np.int64)
    order = np.argsort(every, kind="stable")
    return Landmarks(every[order], frame[order])


class Index:
    """Recordings to be found in others."""

    def __init__(self, recordings: dict[str, Landmarks]) -> None:
        self.names = list(recordings)
        self.sizes = np.array([len(marks.hashes) for marks in recordings.values()])
        hashes = [marks.hashes for marks in recordings.values()]
        frames = [marks.frames for marks in recordings.values()]
        owner = np.repeat(np.arange(len(self.names)), self.sizes)
        every = np.concatenate([np.zeros(0, np.int64), *hashes])
        order = np.argsort(every, kind="stable")
        self._hashes = every[order]
        self._frames = np.concatenate([np.zeros(0, np.int64), *frames])[order]
        self._owners = owner[order]

    def scores(self, heard: Landmarks) -> NDArray[np.float64]:
        """float64[recordings]: the share of each recording's landmarks that `heard` holds at one common shift."""
        low = np.searchsorted(self._hashes, heard.hashes, side="left")
        high = np.searchsorted(self._hashes, heard.hashes, side="right")
        count = high - low
        mine = np.repeat(np.arange(len(count)), count)
        theirs = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + low[mine]
        shift = (heard.frames[mine] - self._frames[theirs]) // SHIFT
        best = np.zeros(len(self.names))
        if not len(shift):
            return best
        offset = -int(shift.min())
        width = int(shift.max()) + offset + 2
        cells, votes = np.unique(self._owners[theirs] * width + shift + offset, return_counts=True)
        # A shift may fall on the border of two cells.
        after = np.concatenate([np.where(np.diff(cells) == 1, votes[1:], 0), [0]])
        np.maximum.at(best, cells // width, votes + after)
        return best / np.maximum(self.sizes, 1)
