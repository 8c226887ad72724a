"""What rooms, devices, cables and masterings do to music. Each effect takes (audio float32[n], rate, rng) and returns
float32[n] with every onset where it was, within 1 ms. Public: EFFECTS, and the effects it lists.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import butter, correlate, lfilter, oaconvolve, sosfilt

from training import noises

Floats = NDArray[np.float32]
Generator = np.random.Generator
Effect = Callable[[Floats, int, Generator], Floats]
BLOCK = 64


def _sos(audio: Floats, sections: NDArray[np.float64]) -> Floats:
    return sosfilt(sections.astype(np.float32), audio).astype(np.float32)


def _cut(audio: Floats, rate: int, order: int, hz: float, kind: str) -> Floats:
    """Butterworth "lowpass" or "highpass"; a low-pass's delay (at 0 Hz) is taken back."""
    if kind == "lowpass" and hz >= 0.45 * rate:
        return audio
    out = _sos(audio, butter(order, hz, kind, fs=rate, output="sos"))
    if kind == "highpass":
        return out
    poles = np.exp(1j * np.pi * (2 * np.arange(order) + order + 1) / (2 * order))
    late = round(float(-np.sum(1 / poles).real) / (2 * np.pi * hz) * rate)
    return np.concatenate([out[late:], np.zeros(late, np.float32)])


def _peaking(rate: int, hz: float, q: float, db: float) -> NDArray[np.float64]:
    """One section of a parametric equalizer (R. Bristow-Johnson's cookbook)."""
    a, w = 10 ** (db / 40), 2 * np.pi * hz / rate
    alpha, cos = np.sin(w) / (2 * q), np.cos(w)
    b0, b1, b2, a0, a1, a2 = 1 + alpha * a, -2 * cos, 1 - alpha * a, 1 + alpha / a, -2 * cos, 1 - alpha / a
    return np.array([[b0, b1, b2, a0, a1, a2]]) / a0


def _shelf(rate: int, hz: float, db: float, high: bool) -> NDArray[np.float64]:
    """A shelf of first order in one section."""
    k, gain = np.tan(np.pi * hz / rate), 10 ** (db / 20)
    b0, b1 = (gain + k, k - gain) if high else (1 + k * gain, k * gain - 1)
    return np.array([[b0 / (1 + k), b1 / (1 + k), 0.0, 1.0, (k - 1) / (k + 1), 0.0]])


def _decibels(rng: Generator, low: float, high: float) -> np.float32:
    return np.float32(10 ** (rng.uniform(low, high) / 20))


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def equalizer(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Two shelves and up to three peaks."""
    sections = [_shelf(rate, _log_uniform(rng, 60, 400), rng.normal(0, 5), False)]
    sections.append(_shelf(rate, _log_uniform(rng, 1500, 9000), rng.normal(0, 5), True))
    places = [_log_uniform(rng, 60, 9000) for _ in range(rng.integers(0, 4))]
    sections += [_peaking(rate, hz, rng.uniform(0.5, 3), rng.normal(0, 5)) for hz in places]
    return _sos(audio, np.vstack(sections))


def device(audio: Floats, rate: int, rng: Generator) -> Floats:
    """The response of a phone, a laptop's microphone or a PA."""
    kind = rng.choice(["phone", "laptop", "pa", "small"])
    low = {"phone": (200, 400), "laptop": (100, 350), "pa": (25, 70), "small": (80, 250)}[kind]
    high = {"phone": (3300, 7000), "laptop": (5000, 14000), "pa": (9000, 18000), "small": (8000, 16000)}[kind]
    out = _cut(audio, rate, int(rng.integers(1, 5)), rng.uniform(*low), "highpass")
    out = _cut(out, rate, int(rng.integers(1, 5)), rng.uniform(*high), "lowpass")
    peaks = [_peaking(rate, _log_uniform(rng, 100, 8000), rng.uniform(1, 6), rng.normal(0, 5)) for _ in range(4)]
    return _sos(out, np.vstack(peaks))


def next_room(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Music through a wall: little left above some hundred Hz."""
    muffled = _cut(audio, rate, 2, _log_uniform(rng, 350, 2000), "lowpass")
    return muffled + _decibels(rng, -40, -18) * audio


def _gain_of(level: Floats, threshold: float, ratio: float) -> Floats:
    return np.minimum(1.0, (np.maximum(level, 1e-6) / threshold) ** (1 / ratio - 1)).astype(np.float32)


def _blockwise(audio: Floats, curve: Floats) -> Floats:
    """A gain a block, drawn out to samples without steps."""
    middle = (np.arange(len(curve)) + 0.5) * BLOCK
    return audio * np.interp(np.arange(len(audio)), middle, curve).astype(np.float32)


def _peaks(audio: Floats) -> Floats:
    blocks = -(-len(audio) // BLOCK)
    return np.abs(np.pad(audio, (0, blocks * BLOCK - len(audio)))).reshape(-1, BLOCK).max(axis=1)


def compressor(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Level follower with attack 1 to 30 ms and release 50 to 400 ms, ratio 2 to 10, then make-up."""
    level = _peaks(audio)
    attack, release = (np.exp(-BLOCK / rate / s) for s in (rng.uniform(0.001, 0.03), rng.uniform(0.05, 0.4)))
    followed, state = np.empty_like(level), 0.0
    for i, value in enumerate(level.tolist()):
        keep = attack if value > state else release
        state = value + keep * (state - value)
        followed[i] = state
    loud = float(np.quantile(level, 0.95)) or 1.0
    out = _blockwise(audio, _gain_of(followed, loud * float(_decibels(rng, -20, -3)), rng.uniform(2, 10)))
    return out * np.float32(loud / max(1e-9, float(np.quantile(_peaks(out), 0.95))))


def limiter(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Brick wall, driven 3 to 15 dB hot as loud masters are."""
    driven = audio * (_decibels(rng, 3, 15) / max(1e-9, float(np.abs(audio).max(initial=0))))
    gain = 1 / np.maximum(1.0, _peaks(driven))
    hold = max(3, round(rng.uniform(0.002, 0.05) * rate / BLOCK))
    gain = uniform_filter1d(minimum_filter1d(gain, 2 * hold + 1), hold)
    return np.clip(_blockwise(driven, gain.astype(np.float32)), -1, 1)


def clipping(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Soft or hard, 3 to 20 dB into it."""
    driven = audio * (_decibels(rng, 3, 20) / max(1e-9, float(np.abs(audio).max(initial=0))))
    return np.tanh(driven) if rng.random() < 0.5 else np.clip(driven, -1, 1)


def reverb(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Direct sound, early reflections, and noise that dies away, sooner the higher it is. Reverberation time 0.2 to
    2.5 s; direct to reverberant -6 to 15 dB. The direct sound isn't moved."""
    rt60 = _log_uniform(rng, 0.2, 2.5)
    start = round(rng.uniform(0.001, 0.04) * rate)
    n = round(min(rt60, 1.6) * rate)
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    noise = rng.standard_normal(n).astype(np.float32)
    dull = lfilter([0.25], [1, -0.75], noise).astype(np.float32)
    tail = dull * np.exp(np.float32(-6.9 / rt60) * t) + 0.3 * noise * np.exp(np.float32(-6.9 / (rt60 * 0.35)) * t)
    response = np.zeros(start + n, np.float32)
    response[start:] = noises.unit(tail) / np.sqrt(np.float32(n))  # energy 1
    early = rng.integers(round(0.001 * rate), round(0.05 * rate), 6)
    response[early[early < len(response)]] += (rng.uniform(-0.3, 0.3, 6))[early < len(response)].astype(np.float32)
    response *= _decibels(rng, -15, 6)
    response[0] = 1.0
    return oaconvolve(audio, response)[: len(audio)].astype(np.float32)


def noise(audio: Floats, rate: int, rng: Generator) -> Floats:
    """White, pink or brown noise, a crowd or talk, 0 to 40 dB below the music."""
    kind = rng.choice(["coloured", "crowd", "applause", "speech"], p=[0.5, 0.25, 0.1, 0.15])
    n = len(audio)
    if kind == "coloured":
        other = noises.coloured(rng, n, rng.uniform(0, 2))
    elif kind == "speech":
        other = noises.speech(rng, n, rate, int(rng.integers(1, 4)))
    else:
        other = (noises.crowd if kind == "crowd" else noises.applause)(rng, n, rate)
    low = 0 if kind == "coloured" else 4
    return audio + other * _rms(audio) * _decibels(rng, -40, -low)


def _rms(audio: Floats) -> np.float32:
    return np.sqrt(np.mean(np.square(audio), dtype=np.float64)).astype(np.float32)


def hum(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Mains hum, 10 to 45 dB below the music."""
    return audio + noises.hum(rng, len(audio), rate) * _rms(audio) * _decibels(rng, -45, -10)


def vinyl(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Crackle and rumble, 15 to 40 dB below the music."""
    return audio + noises.vinyl(rng, len(audio), rate) * _rms(audio) * _decibels(rng, -40, -15)


def singing(audio: Floats, rate: int, rng: Generator) -> Floats:
    """A voice over it, 12 dB below to 6 dB above the music."""
    return audio + noises.singing(rng, len(audio), rate) * _rms(audio) * _decibels(rng, -12, 6)


def comb(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Stereo summed to mono: a copy some samples later, in or out of phase."""
    late = int(rng.integers(1, round(0.002 * rate)))
    out = audio.copy()
    out[late:] += np.float32(rng.uniform(-0.8, 0.8)) * audio[:-late]
    return out


def bits(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Five to ten bits of the peak."""
    top = max(1e-9, float(np.abs(audio).max(initial=0)))
    steps = np.float32(2 ** rng.integers(4, 10) / top)
    return np.rint(audio * steps) / steps


def tremolo(audio: Floats, rate: int, rng: Generator) -> Floats:
    """The level wanders by up to 6 dB over seconds."""
    return audio * (1 - 0.5 * noises.slow(rng, len(audio), rate, rng.uniform(0.1, 0.8)))


def codec(audio: Floats, rate: int, rng: Generator) -> Floats:
    """Vorbis or MP3 and back at a low quality; what delay it has is measured and taken back."""
    kind, subtype = ("OGG", "VORBIS") if rng.random() < 0.6 else ("MP3", "MPEG_LAYER_III")
    top = max(1.0, float(np.abs(audio).max(initial=0)))
    file = io.BytesIO()
    options = {"format": kind, "subtype": subtype, "compression_level": rng.uniform(0.5, 1.0)}
    with soundfile.SoundFile(file, "w", rate, 1, **options) as out:
        for start in range(0, len(audio), rate):  # Vorbis in libsndfile fails on long writes
            out.write(audio[start : start + rate] / top)
    file.seek(0)
    back = soundfile.read(file, dtype="float32")[0]
    back = np.pad(back, (0, max(0, len(audio) - len(back)) + 4096))
    middle = max(0, len(audio) // 2 - 2 * rate)
    probe = audio[middle : middle + 2 * rate]
    window = back[middle : middle + len(probe) + 4096]
    late = int(np.argmax(correlate(window, probe, mode="valid", method="fft"))) if probe.any() else 0
    return back[late : late + len(audio)] * np.float32(top)


# Effect and its chance, in the order sound meets them: mastering, medium, room, what else is heard, microphone.
EFFECTS: tuple[tuple[Effect, float], ...] = (
    (singing, 0.15),
    (equalizer, 0.4),
    (comb, 0.08),
    (compressor, 0.25),
    (limiter, 0.25),
    (clipping, 0.08),
    (vinyl, 0.05),
    (codec, 0.06),
    (next_room, 0.04),
    (reverb, 0.35),
    (tremolo, 0.05),
    (noise, 0.35),
    (hum, 0.06),
    (device, 0.3),
    (bits, 0.03),
)
