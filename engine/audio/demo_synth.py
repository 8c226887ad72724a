"""Instruments and effects of the demo song, in plain numpy.

For `engine.audio.demo_song` only: nothing here runs while a show runs, so clarity wins over speed. Never
reads a file, never keeps state between calls: the same arguments give the same samples, so notes are cached.

Sounds are float64, mono `[n]` or stereo `[n, 2]`, full scale 1.0. Times are seconds, frequencies Hz, pitches
MIDI numbers (69 = 440 Hz), rates samples a second.

Public: drums `kick snare ghost clap hat crash tom conga`; notes `bass keys guitar stab pad lead`; effects
`riser road impact`; tools `place eq chorus echo reverb duck_curve limit mix`; types `Sound Section Bus`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]
Section = tuple[str, float, float, float]  # kind, Hz, Q, dB (0 where the kind has no gain)


def hertz(pitch: float) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def _time(seconds: float, rate: int) -> Sound:
    return np.arange(round(seconds * rate), dtype=np.float64) / rate


def _noise(seconds: float, rate: int, *seed: int) -> Sound:
    return np.random.default_rng(seed).standard_normal(round(seconds * rate))


def _fade(sound: Sound, rate: int, attack: float, release: float) -> Sound:
    """Raised-cosine ends: a note that starts or stops in mid-swing clicks."""
    out, rise, fall = sound.copy(), max(1, round(attack * rate)), max(1, round(release * rate))
    out[:rise] = (out[:rise].T * (0.5 - 0.5 * np.cos(np.pi * np.arange(len(out[:rise])) / rise))).T
    out[-fall:] = (out[-fall:].T * (0.5 + 0.5 * np.cos(np.pi * np.arange(1, len(out[-fall:]) + 1) / fall))).T
    return out


def place(bus: Sound, sound: Sound, index: int, gain: float = 1.0, pan: float = 0.0) -> None:
    """Add `sound` to the stereo `bus` with its first sample at `index`; pan -1 left .. 1 right."""
    part = sound[: max(0, len(bus) - index)]
    left, right = np.cos((pan + 1) * np.pi / 4) * 2**0.5, np.sin((pan + 1) * np.pi / 4) * 2**0.5
    stereo = part if part.ndim == 2 else part[:, None]
    bus[index : index + len(part)] += stereo * (gain * np.array([left, right]))


# ---- filters ----


_FAST_SIZES: Final[list[int]] = [2**a * 3**b * 5**c for a in range(9, 24) for b in range(4) for c in range(3)]


def _fast_size(least: int) -> int:
    """The next size whose only prime factors are 2, 3, 5: others make the FFT several times slower."""
    return min(size for size in _FAST_SIZES if size >= least)


def _response(size: int, rate: int, sections: Sequence[Section]) -> NDArray[np.complex128]:
    """Biquads (R. Bristow-Johnson, Audio EQ Cookbook) evaluated on the bins of an FFT of `size`.

    Their causal response, phase included: a zero-phase filter would ring before each drum, and move it.
    """
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    total = np.ones(len(z), dtype=np.complex128)
    for kind, hz, q, decibel in sections:
        w = 2 * np.pi * hz / rate
        cos, alpha, amp = np.cos(w), np.sin(w) / (2 * q), 10 ** (decibel / 40)
        root = 2 * amp**0.5 * alpha
        plus, minus = amp + 1 + (amp - 1) * cos, amp + 1 - (amp - 1) * cos
        tilt, lean = amp - 1 + (amp + 1) * cos, amp - 1 - (amp + 1) * cos
        poles = [1 + alpha, -2 * cos, 1 - alpha]
        b, a = {
            "low": ([(1 - cos) / 2, 1 - cos, (1 - cos) / 2], poles),
            "high": ([(1 + cos) / 2, -1 - cos, (1 + cos) / 2], poles),
            "band": ([alpha, 0.0, -alpha], poles),
            "peak": (
                [1 + alpha * amp, -2 * cos, 1 - alpha * amp],
                [1 + alpha / amp, -2 * cos, 1 - alpha / amp],
            ),
            "shelf": (
                [amp * (plus + root), -2 * amp * tilt, amp * (plus - root)],
                [minus + root, 2 * lean, minus - root],
            ),
        }[kind]
        total *= (b[0] + z * (b[1] + z * b[2])) / (a[0] + z * (a[1] + z * a[2]))
    return total


def eq(sound: Sound, rate: int, *sections: Section) -> Sound:
    size = _fast_size(len(sound) + rate // 8)
    bins = np.fft.rfft(sound.T, size)
    return np.fft.irfft(bins * _response(size, rate, sections), size).T[: len(sound)]


def _saw(freq: Sound, cutoff: Sound, q: float, rate: int, odd: bool = False) -> Sound:
    """A saw (or square) through a resonant low pass, harmonic by harmonic: it cannot alias, and the filter may
    sweep at any speed, for which numpy has no recursion."""
    turn = np.exp(2j * np.pi * np.cumsum(freq) / rate)
    count = int(min(0.42 * rate, 5.0 * float(cutoff.max())) / float(freq.min()))
    out, spin, ratio = np.zeros(len(freq)), np.ones(len(freq), dtype=np.complex128), freq / cutoff
    for k in range(1, max(2, min(count, 90))):
        spin *= turn
        if odd and k % 2 == 0:
            continue
        x2 = (k * ratio) ** 2
        out += spin.imag * (k * freq < 0.45 * rate) / (k * np.sqrt((1 - x2) ** 2 + x2 / q**2))
    return out * (2 / np.pi)


# ---- drums: the first sample is the hit ----


@lru_cache(None)
def kick(rate: int) -> Sound:
    """Sub that falls onto 46 Hz, a knock in the chest, and 4 ms of beater: the click carries the onset."""
    t = _time(0.34, rate)
    sweep = np.cumsum(46 + 58 * np.exp(-t / 0.030) + 330 * np.exp(-t / 0.0055)) / rate
    body = np.tanh(1.9 * np.sin(2 * np.pi * sweep) * np.exp(-np.maximum(t - 0.06, 0) / 0.075))
    click = eq(_noise(0.34, rate, 1) * np.exp(-t / 0.0018), rate, ("band", 3400, 0.6, 0))
    return _fade(0.92 * body + 0.55 * click + 0.25 * np.exp(-t / 0.0007), rate, 0.0001, 0.06)


@lru_cache(None)
def snare(rate: int, variant: int) -> Sound:
    t = _time(0.30, rate)
    bend = 1 + 0.35 * np.exp(-t / 0.012)
    shell = np.sin(2 * np.pi * np.cumsum(188 * bend) / rate) * np.exp(-t / 0.065)
    shell += 0.55 * np.sin(2 * np.pi * np.cumsum(331 * bend) / rate) * np.exp(-t / 0.040)
    hiss = _noise(0.30, rate, 2, variant)
    wires = eq(hiss * (0.75 * np.exp(-t / 0.055) + 0.25 * np.exp(-t / 0.11)), rate,
               ("high", 1400, 0.7, 0), ("peak", 5200, 0.8, 4), ("low", 12500, 0.7, 0))
    crack = eq(hiss * np.exp(-t / 0.004), rate, ("band", 2300, 0.8, 0))
    return _fade(np.tanh(1.3 * (0.75 * shell + 0.42 * wires + 0.7 * crack)), rate, 0.0002, 0.05)


@lru_cache(None)
def ghost(rate: int, variant: int) -> Sound:
    """A stick that barely lands: the same drum, darker and shorter."""
    t = _time(0.12, rate)
    stroke = snare(rate, variant)[: len(t)] * np.exp(-t / 0.035)
    return _fade(eq(stroke, rate, ("low", 5200, 0.6, 0)), rate, 0.001, 0.03)


@lru_cache(None)
def clap(rate: int, variant: int) -> Sound:
    """Several hands within 24 ms, then the room: two different noises, so it is wide."""
    t = _time(0.28, rate)
    hands = sum(np.where(t >= s, np.exp(-(t - s) / 0.0045), 0.0) for s in (0.0, 0.009, 0.017, 0.024))
    shape = hands + np.where(t >= 0.024, 0.55 * np.exp(-(t - 0.024) / 0.07), 0.0)
    both = np.stack([_noise(0.28, rate, 3, variant, side) for side in (0, 1)], axis=1)
    palms = eq(both * shape[:, None], rate, ("band", 1350, 0.75, 0), ("high", 700, 0.7, 0))
    return _fade(0.75 * palms, rate, 0.0003, 0.05)


@lru_cache(None)
def hat(rate: int, opened: bool, variant: int) -> Sound:
    length, decay = (0.34, 0.12) if opened else (0.09, 0.020)
    t = _time(length, rate)
    tones = (1 + 0.004 * variant) * np.array([2063, 3124, 3691, 4417, 5301, 6113])
    metal = sum(np.sign(np.sin(2 * np.pi * f * t + f)) for f in tones)
    both = np.stack([0.32 * metal + 0.7 * _noise(length, rate, 4, variant, side) for side in (0, 1)], axis=1)
    shape = 0.8 * np.exp(-t / decay) + 0.35 * np.exp(-t / 0.004)
    bright = eq(both * shape[:, None], rate, ("high", 7200, 0.8, 0), ("high", 5000, 0.7, 0))
    return _fade(0.6 * bright, rate, 0.0003, 0.03)


@lru_cache(None)
def crash(rate: int, seconds: float = 2.6) -> Sound:
    t = _time(seconds, rate)
    tones = 210 * 1.19 ** np.arange(20) + 37 * (np.arange(20) % 3)
    metal = sum(np.sin(2 * np.pi * f * t + f) * np.exp(-t * (1.2 + f / 2600)) for f in tones)
    wash = 0.35 * np.exp(-t / 0.55) + 0.25 * np.exp(-t / 0.05)
    both = np.stack([0.08 * metal + wash * _noise(seconds, rate, 5, side) for side in (0, 1)], axis=1)
    return _fade(eq(both, rate, ("high", 2600, 0.6, 0), ("peak", 8500, 0.7, 3)), rate, 0.0005, 0.7)


@lru_cache(None)
def tom(rate: int, hz: float) -> Sound:
    t = _time(0.42, rate)
    skin = np.sin(2 * np.pi * np.cumsum(hz * (1 + 0.5 * np.exp(-t / 0.025))) / rate) * np.exp(-t / 0.13)
    stick = eq(_noise(0.42, rate, 6) * np.exp(-t / 0.006), rate, ("band", 1800, 0.6, 0))
    return _fade(np.tanh(1.5 * skin + 0.8 * stick), rate, 0.0003, 0.1)


@lru_cache(None)
def conga(rate: int, hz: float) -> Sound:
    t = _time(0.22, rate)
    skin = np.sin(2 * np.pi * np.cumsum(hz * (1 + 0.12 * np.exp(-t / 0.01))) / rate) * np.exp(-t / 0.055)
    palm = eq(_noise(0.22, rate, 7) * np.exp(-t / 0.005), rate, ("band", 2100, 1.2, 0))
    return _fade(0.8 * skin + 0.4 * palm, rate, 0.0005, 0.04)


# ---- notes ----


def _glide(pitch: float, origin: float, t: Sound, tau: float) -> Sound:
    """Frequency that slides from `origin` to `pitch`, 63 % of the way each `tau`."""
    slide: Sound = (origin - pitch) / 12 * np.exp(-t / tau)
    return hertz(pitch) * 2.0**slide


@lru_cache(None)
def bass(rate: int, pitch: float, origin: float, seconds: float, open_: float) -> Sound:
    """Fingered bass: a saw whose filter snaps shut, on a sine that keeps the bottom. `open_` 0..1: how bright."""
    t = _time(seconds + 0.05, rate)
    freq = _glide(pitch, origin, t, 0.028)
    cutoff = 190 + 2.2 * hertz(pitch) + (500 + 2900 * open_) * np.exp(-t / 0.055) + 260 * open_
    grit = _saw(freq, cutoff, 1.7, rate) + 0.3 * _saw(freq * 1.003, cutoff * 0.8, 1.2, rate, odd=True)
    low = np.sin(2 * np.pi * np.cumsum(freq) / rate)
    finger = 0.10 * eq(_noise(len(t) / rate, rate, 8) * np.exp(-t / 0.004), rate, ("band", 1700, 0.9, 0))
    level = 0.72 + 0.28 * np.exp(-t / 0.12)
    return _fade(np.tanh(0.95 * (0.75 * grit + 0.62 * low + finger) * level), rate, 0.002, 0.045)


@lru_cache(None)
def keys(rate: int, pitch: float, seconds: float, hard: float) -> Sound:
    """Electric piano, two-operator FM (Chowning 1973): the index is the bark, a quiet partial 14 the tine."""
    t = _time(seconds + 0.12, rate)
    turn = 2 * np.pi * hertz(pitch) * t
    bark = (0.35 + 1.5 * hard) * np.exp(-t / 0.28) + 0.22
    tone = np.sin(turn + bark * np.sin(turn + 0.3)) + 0.35 * np.sin(turn * 1.0012)
    tine = 0.16 * hard * np.sin(min(14.0, 0.4 * rate / hertz(pitch)) * turn) * np.exp(-t / 0.035)
    return _fade((0.62 * tone + tine) * np.exp(-t / 1.1), rate, 0.003, 0.11)


@lru_cache(None)
def guitar(rate: int, chord: tuple[int, ...], seconds: float, muted: bool) -> Sound:
    """Clean funk guitar: plucked strings as decaying partials, strummed over 6 ms; muted is the chick."""
    t = _time(seconds + 0.25, rate)
    out = np.zeros(len(t))
    for string, pitch in enumerate(chord):
        f, start = hertz(pitch), round(0.003 * string * rate)
        k = np.arange(1, int(min(22, 9000 / f)) + 1)[:, None]
        loss = (26 + 5.0 * k) if muted else (2.6 + 0.55 * k + 0.03 * k**2)
        part = np.sin(2 * np.pi * k * f * np.sqrt(1 + 9e-5 * k**2) * t) * np.exp(-loss * t)
        out[start:] += (np.sin(0.21 * np.pi * k) / k * part).sum(axis=0)[: len(t) - start]
    pick = _noise(len(t) / rate, rate, 9, len(chord)) * np.exp(-t / (0.014 if muted else 0.004))
    dirt = np.tanh(1.1 * (out + (0.5 if muted else 0.28) * eq(pick, rate, ("band", 2600, 0.8, 0))))
    damp = np.where(t < seconds, 1.0, np.exp(-(t - seconds) / 0.022))
    amp = eq(dirt * damp, rate, ("high", 320, 0.7, 0), ("peak", 2100, 0.9, 5), ("low", 6500, 0.7, 0))
    return _fade(amp, rate, 0.0008, 0.03)


@lru_cache(None)
def stab(rate: int, pitch: float, seconds: float) -> Sound:
    """One note of a brassy section: three detuned saws across the stereo field, filter opening like lips."""
    t = _time(seconds + 0.10, rate)
    cutoff = 700 + 4200 * (1 - np.exp(-t / 0.012)) * np.exp(-t / 0.16)
    left, mid, right = (_saw(np.full(len(t), hertz(pitch + c / 100)), cutoff, 0.9, rate) for c in (-9, 0, 8))
    return _fade(np.stack([left + 0.6 * mid, right + 0.6 * mid], axis=1), rate, 0.006, 0.09)


@lru_cache(None)
def pad(rate: int, pitch: float, seconds: float, bright: float) -> Sound:
    """One string-machine note: four detuned saws from one table, with a slow swell."""
    t, f = _time(seconds + 0.5, rate), hertz(pitch)
    k = np.arange(1, int(min(40, 0.3 * rate / f)) + 1)
    x2 = (k * f / (900 + 3600 * bright)) ** 2
    table = np.fft.irfft(np.concatenate([[0], -0.5j * 4096 / (k * np.sqrt((1 - x2) ** 2 + 2 * x2))]), 4096)
    out = np.zeros((len(t), 2))
    for voice, cents in enumerate((-11.0, -4.0, 5.0, 12.0)):
        wobble = 0.00025 * np.sin(2 * np.pi * (0.31 + 0.13 * voice) * t + voice)
        phase = (f * 2 ** (cents / 1200) * (t + wobble) + 0.37 * voice) % 1.0 * 4096
        out[:, voice % 2] += table[phase.astype(np.int64) % 4096]
    return _fade(out, rate, 0.09, 0.5)


@lru_cache(None)
def lead(rate: int, pitch: float, origin: float, seconds: float, bright: float) -> Sound:
    """Mono lead: glides in from `origin`, vibrato only once the note has stood, as a singer would."""
    t = _time(seconds + 0.09, rate)
    bend = 1 + 0.006 * np.sin(2 * np.pi * 5.4 * t) * np.clip((t - 0.22) / 0.25, 0, 1)
    freq = _glide(pitch, origin, t, 0.022) * bend
    cutoff = 1500 + 900 * bright + (1200 + 3000 * bright) * np.exp(-t / 0.14)
    sides = [_saw(freq * 2 ** (c / 1200), cutoff, 1.5, rate) for c in (-6.0, 7.0)]
    hollow = 0.45 * _saw(freq * 0.5, cutoff, 0.8, rate, odd=True)
    swell = 0.75 + 0.25 * np.exp(-t / 0.1)
    return _fade(np.stack([(side + hollow) * swell for side in sides], axis=1), rate, 0.006, 0.08)


# ---- effects ----


def riser(rate: int, seconds: float) -> Sound:
    """Noise whose band climbs four octaves, with an engine revving under it."""
    t = _time(seconds, rate)
    rise = t / seconds
    bands = [250 * 2**octave for octave in np.arange(0.0, 5.5, 0.5)]
    out = np.zeros((len(t), 2))
    for i, hz in enumerate(bands):
        near = np.exp(-(((rise * len(bands) - i) / 1.6) ** 2))
        hiss = np.stack([_noise(seconds, rate, 10, i, side) for side in (0, 1)], axis=1)
        out += eq(hiss, rate, ("band", hz, 1.4, 0)) * near[:, None]
    revs = 70 * 2 ** (2.3 * rise**1.4) * (1 + 0.012 * np.sin(2 * np.pi * 11 * t))
    engine = _saw(revs, 500 + 3500 * rise, 1.2, rate)
    return _fade(((0.5 * out.T + 0.28 * engine) * (0.04 + 0.96 * rise**1.7)).T, rate, 0.05, 0.012)


def road(rate: int, seconds: float) -> Sound:
    """Wet tarmac: the air above a break, so that it is calm and not dull."""
    both = np.stack([_noise(seconds, rate, 12, side) for side in (0, 1)], axis=1)
    return _fade(0.16 * eq(both, rate, ("high", 4500, 0.7, 0), ("low", 9500, 0.6, 0)), rate, 0.4, 0.3)


def impact(rate: int) -> Sound:
    """The floor that falls away under the first beat of a drop."""
    t = _time(1.5, rate)
    fall = np.sin(2 * np.pi * np.cumsum(30 + 55 * np.exp(-t / 0.22)) / rate)
    return _fade(fall * np.exp(-t / 0.45), rate, 0.012, 0.4)


def chorus(sound: Sound, rate: int, depth: float = 0.0018, mix: float = 0.5) -> Sound:
    """Two delays that breathe against each other, one a side (depth in seconds)."""
    index = np.arange(len(sound), dtype=np.float64)
    out = sound.copy()
    for side, (hz, start) in enumerate(((0.55, 0.0), (0.63, 1.9))):
        lag = rate * (0.007 + depth * np.sin(2 * np.pi * hz * index / rate + start))
        out[:, side] += mix * np.interp(index - lag, index, sound[:, 1 - side])
    return out


def echo(send: Sound, rate: int, delay: float, feedback: float) -> Sound:
    """Ping-pong delay, each bounce darker; the feedback loop is a geometric series in the spectrum."""
    size = _fast_size(len(send) + rate * 2)
    hz = np.arange(size // 2 + 1) * rate / size
    tone = _response(size, rate, (("low", 3800, 0.6, 0), ("high", 320, 0.6, 0)))
    once = np.exp(-2j * np.pi * hz * delay) * tone
    left = np.fft.rfft(send.mean(axis=1), size) * once / (1 - (feedback * once) ** 2)
    return np.fft.irfft(np.stack([left, left * feedback * once]), size).T[: len(send)]


def reverb(send: Sound, rate: int, seconds: float, before: float, bright: float) -> Sound:
    """A plate by convolution: dense noise, decaying to -60 dB in `seconds`, high frequencies sooner."""
    t = _time(seconds * 1.25, rate)
    tail = np.zeros((len(t), 2))
    for i, (lo, hi, share) in enumerate(((180, 900, 1.0), (900, 3500, 0.75), (3500, 9000 * bright, 0.36))):
        hiss = np.stack([_noise(seconds * 1.25, rate, 11, i, side) for side in (0, 1)], axis=1)
        fall = np.exp(-6.9 * t / (seconds * share))[:, None]
        tail += eq(hiss, rate, ("high", lo, 0.7, 0), ("low", hi, 0.7, 0)) * fall
    tail *= (1 - np.exp(-t / 0.006))[:, None]
    tail = np.concatenate([np.zeros((round(before * rate), 2)), tail / np.sqrt((tail**2).sum(axis=0))])
    size = _fast_size(len(send) + len(tail))
    return np.fft.irfft(np.fft.rfft(send.T, size) * np.fft.rfft(tail.T, size), size).T[: len(send)]


def duck_curve(length: int, rate: int, times: Sequence[tuple[float, float]], release: float = 0.17) -> Sound:
    """0..1 `[length]`: how far to step back for each (time, amount). 3 ms early, because a jump would click."""
    out, lead_in, fall = np.zeros(length), round(0.003 * rate), round(release * rate)
    shape = np.concatenate([np.linspace(0, 1, lead_in), 0.5 + 0.5 * np.cos(np.pi * np.linspace(0, 1, fall))])
    for time, amount in times:
        start = max(0, round(time * rate) - lead_in)
        span = out[start : start + len(shape)]
        np.maximum(span, amount * shape[: len(span)], out=span)
    return out


def limit(mix: Sound, rate: int, ceiling: float, knee: float = 0.72) -> Sound:
    """Soft clip above `knee` * `ceiling`, behind a limiter that looks 3 ms ahead; never above `ceiling`."""
    block = max(1, rate // 1400)
    padded = np.concatenate([np.abs(mix).max(axis=1), np.zeros(-len(mix) % block)])
    need = np.minimum(1.0, 1.25 * ceiling / np.maximum(padded.reshape(-1, block).max(axis=1), 1e-9))
    wide = np.pad(need, 4, mode="edge")
    held = np.min([wide[i : i + len(need)] for i in range(9)], axis=0)
    gain, slow = np.empty(len(held)), float(1 - np.exp(-1 / (0.09 * 1400)))
    now = 1.0
    for i, target in enumerate(held.tolist()):
        now = target if target < now else now + slow * (target - now)
        gain[i] = now
    smooth = np.convolve(np.pad(gain, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    out = mix * np.interp(np.arange(len(mix)), (np.arange(len(smooth)) + 0.5) * block, smooth)[:, None]
    over = np.maximum(np.abs(out) / ceiling - knee, 0) / (1 - knee)
    return np.sign(out) * np.minimum(np.abs(out), ceiling * (knee + (1 - knee) * np.tanh(over)))


class Bus(NamedTuple):
    """How one instrument sits in the mix."""

    gain: float
    duck: float  # how far it steps back for a kick, 0..1
    plate: float  # sends, 0..1
    room: float
    echo: float
    sections: tuple[Section, ...] = ()
    chorus: float = 0.0


def mix(buses: Iterable[tuple[Bus, Sound]], rate: int, duck: Sound, ring: Sound, delay: float) -> Sound:
    """Sum of all buses with plate, room and echo; `duck` is a `duck_curve`, `ring` a gain before the sends."""
    dry, sends = np.zeros((len(duck), 2)), np.zeros((3, len(duck), 2))
    for bus, part in buses:
        sound = eq(part, rate, *bus.sections) if bus.sections else part
        sound = chorus(sound, rate, mix=bus.chorus) if bus.chorus else sound
        sound = sound * (bus.gain * (1 - bus.duck * duck) * ring)[:, None]
        dry += sound
        for send, amount in enumerate((bus.plate, bus.room, bus.echo)):
            if amount:
                sends[send] += amount * sound
    dry += reverb(sends[0], rate, 2.1, 0.022, 1.0) * (1 - 0.4 * duck)[:, None]
    dry += reverb(sends[1], rate, 0.42, 0.004, 0.8)
    return dry + echo(sends[2], rate, delay, 0.42) * (1 - 0.3 * duck)[:, None]
