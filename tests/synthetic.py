"""Music whose every hit and level is known, for tests of what is heard. Mono float32, times in seconds.

Public: kick, snare, hat, placed, song, noise, write.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]


def noise(seconds: float, rate: int, seed: int = 0) -> Sound:
    """White noise, RMS 1."""
    return np.random.default_rng(seed).normal(0.0, 1.0, round(seconds * rate)).astype(np.float32)


def _time(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def kick(rate: int) -> Sound:
    """A sine that falls from 160 to 50 Hz, 0.3 s, with the click of its beater: noise of 4 ms."""
    t = _time(0.3, rate)
    phase = np.cumsum(50.0 + 110.0 * np.exp(-t / 0.025)) / rate
    body = np.sin(2 * np.pi * phase) * np.exp(-t / 0.09)
    click = _bright(0.3, rate, 500.0, 12000.0, 3) * np.exp(-t / 0.004)
    return (0.8 * body + 0.5 * click).astype(np.float32)


def _bright(seconds: float, rate: int, low: float, high: float, seed: int) -> NDArray[np.float64]:
    """Noise between two frequencies, peak about 1."""
    bins = np.fft.rfft(noise(seconds, rate, seed))
    hz = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    bins[(hz < low) | (hz > high)] = 0.0
    sound = np.fft.irfft(bins, round(seconds * rate))
    return sound / np.abs(sound).max()  # type: ignore[no-any-return]


def snare(rate: int, seed: int = 1) -> Sound:
    """Noise of 1 to 9 kHz over a tone of 210 Hz, 0.2 s."""
    t = _time(0.2, rate)
    rattle = _bright(0.2, rate, 1000.0, 9000.0, seed) * np.exp(-t / 0.05)
    return (0.6 * rattle + 0.35 * np.sin(2 * np.pi * 210.0 * t) * np.exp(-t / 0.04)).astype(np.float32)


def hat(rate: int, seed: int = 2) -> Sound:
    """Noise above 7 kHz, 0.06 s."""
    t = _time(0.06, rate)
    return (0.35 * _bright(0.06, rate, 7500.0, 15000.0, seed) * np.exp(-t / 0.015)).astype(np.float32)


def placed(sound: Sound, times: Iterable[float], seconds: float, rate: int) -> Sound:
    """`sound` at each of the times, in silence of so many seconds."""
    out = np.zeros(round(seconds * rate) + sound.size, np.float32)
    for time in times:
        at = round(time * rate)
        out[at : at + sound.size] += sound
    return out[: round(seconds * rate)]


def song(seconds: float, rate: int, bpm: float = 120.0) -> tuple[Sound, dict[str, NDArray[np.float64]]]:
    """Kick on 1 and 3, snare on 2 and 4, hats between all, a bass note and a pad. Times of "beat" and each drum."""
    beats = np.arange(0.1, seconds - 0.3, 60.0 / bpm)
    hits = {"beat": beats, "kick": beats[::2], "snare": beats[1::2], "hat": beats + 30.0 / bpm}
    t = _time(seconds, rate)
    out = 0.04 * np.sin(2 * np.pi * 220.0 * t) + 0.03 * np.sin(2 * np.pi * 331.0 * t)
    bass = np.sin(2 * np.pi * 55.0 * _time(0.3, rate)) * np.hanning(round(0.3 * rate))
    out += 0.2 * placed(bass.astype(np.float32), beats + 15.0 / bpm, seconds, rate)
    for drum in (kick, snare, hat):
        out += 0.7 * placed(drum(rate), hits[drum.__name__], seconds, rate)
    return out.astype(np.float32), hits


def write(path: Path, sound: NDArray[np.floating], rate: int, subtype: str = "FLOAT") -> Path:
    """A WAV file of float32[n] or float32[n, channels]."""
    soundfile.write(path, sound, rate, subtype=subtype)
    return path
