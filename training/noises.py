"""What is heard beside music: noise, hum, crowds, applause, babble, singing, vinyl. All mono float32[n], RMS near 1
where they sound. Public: coloured, hum, applause, crowd, speech, singing, vinyl, not_music.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

Floats = NDArray[np.float32]
Generator = np.random.Generator
# First three formants (Hz) of some vowels, Peterson and Barney 1952.
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
)


def unit(sound: NDArray[np.floating]) -> Floats:
    """RMS 1; silence stays silent."""
    rms = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    return (sound / max(rms, 1e-9)).astype(np.float32)


def coloured(rng: Generator, n: int, slope: float) -> Floats:
    """Noise whose power falls with f**-slope: 0 white, 1 pink, 2 brown. Looped from 2**17 samples."""
    size = 1 << 17
    spectrum = np.fft.rfft(rng.standard_normal(size).astype(np.float32))
    k = np.arange(len(spectrum))
    spectrum *= np.maximum(k, 40) ** (-slope / 2)
    spectrum[0] = 0
    return np.resize(unit(np.fft.irfft(spectrum)), n)


def slow(rng: Generator, n: int, rate: int, hz: float) -> Floats:
    """A random curve, 0..1, that changes about hz times a second."""
    points = max(4, int(n / rate * hz) + 3)
    return np.interp(np.arange(n), np.linspace(0, n, points), rng.random(points)).astype(np.float32)


def hum(rng: Generator, n: int, rate: int) -> Floats:
    """Mains hum with a few partials."""
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    base = rng.choice([50.0, 60.0])
    partials = rng.choice(np.arange(1, 9), 3, replace=False)
    return unit(sum(np.float32(rng.random()) * np.sin(np.float32(2 * np.pi * base * k) * t) for k in partials))


def _band(rng: Generator, n: int, rate: int, low: float, high: float) -> Floats:
    noise = np.resize(rng.standard_normal(min(n, 1 << 18)).astype(np.float32), n)
    return sosfilt(butter(1, (low, min(high, 0.45 * rate)), "bandpass", fs=rate, output="sos"), noise)


def applause(rng: Generator, n: int, rate: int) -> Floats:
    """Many hands: short bursts at random, more and fewer."""
    claps = rng.integers(20, 300)
    impulses = np.zeros(n, np.float32)
    at = rng.integers(0, max(1, n), int(claps * n / rate))
    impulses[at] = rng.uniform(0.2, 1.0, len(at)) * rng.choice([-1, 1], len(at))
    ring = rng.standard_normal(round(0.02 * rate)) * np.exp(-np.arange(round(0.02 * rate)) / (0.004 * rate))
    bursts = np.convolve(impulses, ring[: round(0.012 * rate)].astype(np.float32))[:n]
    low = rng.uniform(400, 900)
    cut = butter(1, (low, rng.uniform(2500, 6000)), "bandpass", fs=rate, output="sos")
    return unit(sosfilt(cut, bursts) * (0.2 + slow(rng, n, rate, 0.3)))


def crowd(rng: Generator, n: int, rate: int) -> Floats:
    """A room full of people: several bands of noise around voices, each with its own unrest, and cheers."""
    out = np.zeros(n, np.float32)
    for low, high in ((150, 500), (400, 1200), (1000, 3500)):
        out += np.float32(rng.uniform(0.3, 1)) * _band(rng, n, rate, low, high) * slow(rng, n, rate, rng.uniform(2, 8))
    out = unit(out)
    if rng.random() < 0.5:
        out += 2 * unit(_band(rng, n, rate, 600, 3000)) * slow(rng, n, rate, 0.3) ** 4
    if rng.random() < 0.4:
        out += np.float32(rng.uniform(0.3, 1)) * applause(rng, n, rate)
    return unit(out)


def _glottis(rng: Generator, pitch: NDArray[np.floating], rate: int) -> Floats:
    """Pulses of a voice at a pitch curve (Hz a sample), with its breath."""
    phase = np.cumsum(pitch, dtype=np.float64) / rate
    turn = (phase % 1.0).astype(np.float32)
    breath = 0.05 * np.resize(rng.standard_normal(1 << 16).astype(np.float32), len(pitch))
    return turn**3 - 0.25 + breath


def _vowels(rng: Generator, source: Floats, rate: int, often: float) -> Floats:
    """Formants of three vowels, faded from one to another `often` times a second."""
    out = np.zeros(len(source), np.float32)
    scale = rng.uniform(0.9, 1.2)
    for choice in rng.choice(len(VOWELS), 3, replace=False):
        voice = np.zeros(len(source), np.float32)
        for level, hz in zip((1.0, 0.5, 0.3), VOWELS[choice], strict=True):
            radius = np.exp(-np.pi * (60 + 0.06 * hz) / rate)
            angle = 2 * np.pi * hz * scale / rate
            pole = np.array([1.0, -2 * radius * np.cos(angle), radius**2], np.float32)
            voice += unit(lfilter(np.array([1.0, 0.0, -1.0], np.float32), pole, source)) * np.float32(level)
        out += voice * slow(rng, len(source), rate, often)
    return out


def speech(rng: Generator, n: int, rate: int, voices: int = 1) -> Floats:
    """Babble: syllables of made-up voices, three to six a second, with pauses."""
    out = np.zeros(n, np.float32)
    for _ in range(voices):
        pitch = rng.uniform(85, 240) * (0.8 + 0.4 * slow(rng, n, rate, 3))
        syllables = np.clip(2.5 * slow(rng, n, rate, rng.uniform(6, 12)) - 0.8, 0, 1)
        syllables *= slow(rng, n, rate, 0.8) > rng.uniform(0.1, 0.45)
        voice = _vowels(rng, _glottis(rng, pitch, rate), rate, 5.0) * syllables
        hiss = _band(rng, n, rate, 3500, 8000) * np.clip(4 * slow(rng, n, rate, 8) - 3, 0, 1)
        out += unit(voice) + 0.5 * hiss
    return unit(out)


def singing(rng: Generator, n: int, rate: int) -> Floats:
    """A voice that sings a melody of its own, out of step with any beat."""
    notes = max(2, int(n / rate * rng.uniform(1, 4)))
    bounds = np.sort(rng.integers(0, n, notes))
    steps = np.cumsum(rng.choice([-4, -2, -1, 0, 1, 2, 3], notes + 1))
    keys = 57 + rng.integers(0, 12) + np.clip(steps, -9, 9)
    pitch = 440 * 2 ** ((keys[np.searchsorted(bounds, np.arange(0, n, 256))] - 69) / 12)
    smooth = lfilter([0.2], [1, -0.8], pitch - pitch[0]) + pitch[0]  # glides of some 25 ms
    t = np.arange(len(smooth)) * 256 / rate
    smooth = smooth * (1 + rng.uniform(0.003, 0.02) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t))
    curve = np.interp(np.arange(n), np.arange(len(smooth)) * 256, smooth)
    loud = np.clip(3 * slow(rng, n, rate, 0.7) - 0.7, 0, 1)
    return unit(_vowels(rng, _glottis(rng, curve, rate), rate, 2.0) * loud)


def vinyl(rng: Generator, n: int, rate: int) -> Floats:
    """Crackle and rumble."""
    out = np.zeros(n, np.float32)
    at = rng.integers(0, max(1, n), int(rng.uniform(3, 60) * n / rate))
    out[at] = rng.exponential(1.0, len(at)) * rng.choice([-1, 1], len(at))
    out = lfilter([1.0], [1.0, -0.7], out).astype(np.float32)
    return unit(out) + np.float32(rng.uniform(0, 0.6)) * coloured(rng, n, 2.0)


def not_music(rng: Generator, seconds: float, rate: int = 44100) -> Floats:
    """A segment without a beat: silence, noise, hum, a crowd, applause or speech, -60 to -6 dBFS."""
    n = round(seconds * rate)
    kind = rng.choice(["silence", "noise", "hum", "crowd", "applause", "speech", "babble"])
    if kind == "silence":
        return (10 ** rng.uniform(-6, -4) * coloured(rng, n, 0.0)).astype(np.float32) * np.float32(rng.random() < 0.5)
    sounds = {
        "noise": lambda: coloured(rng, n, rng.uniform(0, 2)),
        "hum": lambda: hum(rng, n, rate) + 0.1 * coloured(rng, n, 1.0),
        "crowd": lambda: crowd(rng, n, rate),
        "applause": lambda: applause(rng, n, rate),
        "speech": lambda: speech(rng, n, rate),
        "babble": lambda: speech(rng, n, rate, 4),
    }
    level = np.float32(10 ** (rng.uniform(-60, -12) / 20))
    return np.clip(sounds[str(kind)]() * level, -1, 1).astype(np.float32)
