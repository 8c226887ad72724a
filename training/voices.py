"""Drum voices of a drum machine, each call with new parameters. All start at sample 0 and return mono float32 with
peak 1. Public: kick, snare, clap, rim, metal, tom, cowbell, shaker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Floats = NDArray[np.float32]
Generator = np.random.Generator


def _time(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def _peak(sound: NDArray[np.float64], rate: int) -> Floats:
    """Peak 1, and 5 ms of fade so that the end does not click."""
    fade = min(len(sound), round(0.005 * rate))
    sound[-fade:] *= np.linspace(1, 0, fade)
    return (sound / max(1e-9, float(np.abs(sound).max()))).astype(np.float32)


def _noise(rng: Generator, n: int, rate: int, low: float, high: float | None = None) -> NDArray[np.float64]:
    """White noise above low Hz, up to high Hz if given."""
    low, top = max(20.0, low), 0.45 * rate
    band = ("highpass", min(low, top)) if high is None or high >= top else ("bandpass", (low, high))
    return sosfilt(butter(2, band[1], band[0], fs=rate, output="sos"), rng.standard_normal(n))


def kick(rng: Generator, rate: int) -> Floats:
    """A sine swept down onto its tone, from the 808's long hum over the 909's punch to clipped hard kicks."""
    tone = rng.uniform(38, 68)
    decay = float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
    t = _time(min(1.6, 5 * decay), rate)
    sweep = rng.uniform(1.0, 10.0) * np.exp(-t / rng.uniform(0.004, 0.04))
    slow = rng.uniform(0.0, 1.0) * np.exp(-t / rng.uniform(0.04, 0.12))
    phase = 2 * np.pi * np.cumsum(tone * (1 + sweep + slow)) / rate + rng.uniform(0, np.pi / 2)
    attack = rng.choice([0.0002, 0.001, 0.003])
    body = np.sin(phase) * np.exp(-t / decay) * (1 - np.exp(-t / attack))
    if rng.random() < 0.3:  # held level first, as compressed or hard kicks have it
        body = np.sin(phase) * np.minimum(1.0, np.exp(-(t - decay) / (0.4 * decay))) * (1 - np.exp(-t / attack))
    click = _noise(rng, len(t), rate, rng.uniform(800, 4000)) * np.exp(-t / rng.uniform(0.001, 0.006))
    sound = body + rng.choice([0.0, 0.1, 0.3]) * rng.uniform(0.3, 1) * click
    drive = rng.choice([0.0, 1.5, 4.0, 12.0], p=[0.4, 0.3, 0.2, 0.1])
    return _peak(np.tanh(drive * sound) if drive else sound, rate)


def snare(rng: Generator, rate: int) -> Floats:
    """Two tones of a shell and noise of the wires."""
    decay = float(np.exp(rng.uniform(np.log(0.025), np.log(0.14))))
    t = _time(5 * decay + 0.1, rate)
    tone = rng.uniform(140, 260)
    bend = 1 + rng.uniform(0, 0.8) * np.exp(-t / 0.01)
    shell = sum(
        np.sin(2 * np.pi * np.cumsum(tone * ratio * bend) / rate) * np.exp(-t / (decay * rng.uniform(0.3, 0.9)))
        for ratio in (1.0, rng.uniform(1.6, 2.1))
    )
    wires = _noise(rng, len(t), rate, rng.uniform(400, 3000), rng.choice([7000.0, 11000.0, 20000.0]))
    wires = wires * np.exp(-t / decay) * (1 - np.exp(-t / rng.choice([0.0002, 0.001])))
    sound = rng.uniform(0.1, 0.9) * shell + rng.uniform(0.5, 1.5) * wires
    if rng.random() < 0.15:  # gated reverb
        gate = rng.uniform(0.12, 0.3)
        sound = sound + rng.uniform(0.2, 0.5) * _noise(rng, len(t), rate, 300, 6000) * (t < gate)
    return _peak(np.tanh(rng.choice([1.0, 3.0]) * sound), rate)


def clap(rng: Generator, rate: int) -> Floats:
    """A few bursts of band noise and a tail; the first burst is its onset."""
    decay = rng.uniform(0.05, 0.2)
    t = _time(min(0.7, 5 * decay), rate)
    gap, bursts = rng.uniform(0.006, 0.012), int(rng.integers(2, 5))
    envelope = sum(np.exp(-(t - i * gap) / 0.004) * (t >= i * gap) for i in range(bursts))
    envelope = envelope + 0.7 * np.exp(-(t - bursts * gap) / decay) * (t >= bursts * gap)
    middle = rng.uniform(900, 2200)
    return _peak(_noise(rng, len(t), rate, 0.7 * middle, 2.2 * middle) * envelope, rate)


def rim(rng: Generator, rate: int) -> Floats:
    """A short knock."""
    t = _time(0.06, rate)
    tones = sum(np.sin(2 * np.pi * rng.uniform(400, 2600) * t + rng.uniform(0, 6)) for _ in range(2))
    knock = _noise(rng, len(t), rate, 1500) * np.exp(-t / 0.002)
    return _peak((tones + knock) * np.exp(-t / rng.uniform(0.004, 0.015)), rate)


def metal(rng: Generator, rate: int, decay: float, metallic: float, low: float = 6000.0) -> Floats:
    """Hats and cymbals: six square waves out of tune (share `metallic`, 0..1) and noise, above low Hz."""
    t = _time(min(2.5, 5 * decay), rate)
    base = rng.uniform(30, 60)
    ratios = np.array([2.0, 3.0, 4.16, 5.43, 6.79, 8.21]) * rng.uniform(0.97, 1.03, 6) * base * 4
    squares = sum(np.sign(np.sin(2 * np.pi * hz * t + rng.uniform(0, 6))) for hz in ratios) / 3
    cut = butter(3, min(0.4 * rate, low * rng.uniform(0.7, 1.3)), "highpass", fs=rate, output="sos")
    sound = sosfilt(cut, metallic * squares + (1 - metallic) * rng.standard_normal(len(t)))
    return _peak(sound * np.exp(-t / decay) * (1 - np.exp(-t / 0.0003)), rate)


def tom(rng: Generator, rate: int, hz: float, decay: float | None = None) -> Floats:
    """A sine with a little sweep."""
    length = decay or rng.uniform(0.15, 0.4)
    t = _time(4 * length, rate)
    phase = 2 * np.pi * np.cumsum(hz * (1 + rng.uniform(0.1, 0.8) * np.exp(-t / 0.03))) / rate
    knock = 0.2 * _noise(rng, len(t), rate, 500) * np.exp(-t / 0.005)
    return _peak((np.sin(phase) + knock) * np.exp(-t / length) * (1 - np.exp(-t / 0.0008)), rate)


def cowbell(rng: Generator, rate: int) -> Floats:
    """Two square waves, as the 808 has it."""
    t = _time(0.4, rate)
    base = rng.uniform(480, 620)
    squares = sum(np.sign(np.sin(2 * np.pi * base * ratio * t)) for ratio in (1.0, 1.48))
    band = butter(1, (500.0, 4000.0), "bandpass", fs=rate, output="sos")
    return _peak(sosfilt(band, squares) * (0.6 * np.exp(-t / 0.015) + 0.4 * np.exp(-t / 0.09)), rate)


def shaker(rng: Generator, rate: int) -> Floats:
    """Noise that swells for some milliseconds."""
    t = _time(0.15, rate)
    swell = 1 - np.exp(-t / rng.uniform(0.002, 0.015))
    return _peak(
        _noise(rng, len(t), rate, rng.uniform(4000, 8000)) * swell * np.exp(-t / rng.uniform(0.015, 0.04)), rate
    )
