"""Own synthesizers, so that electronic songs do not sound like General MIDI: wavetables with a filter that moves,
and two-operator FM. Every song draws new patches. Public: Patch, patch, play_patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.onset import Sounding, sounding

Floats = NDArray[np.float32]
TABLE = 2048
CUTOFFS = 16  # tables from dark to bright: the filter moves between them
LONGEST_S = 12.0  # of one note


@dataclass(frozen=True)
class Patch:
    """tables: float32[CUTOFFS, TABLE], or none for FM. times in s; sweep: tables the filter falls through from a note's
    start; rest: table it falls to, 0..1; index, ratio: of FM."""

    tables: Floats | None
    attack: float
    decay: float
    sustain: float
    release: float
    sweep: float
    sweep_decay: float
    rest: float
    detune: tuple[float, ...]
    octave: int
    index: float
    ratio: float
    drive: float


def _tables(rng: np.random.Generator, bass: bool) -> Floats:
    """Saw, square, pulse or something between, through 16 cutoffs of a resonant low-pass."""
    k = np.arange(1, 129)
    width = rng.uniform(0.1, 0.5)
    saw, pulse = 1.0 / k, np.abs(np.sin(np.pi * k * width)) / k
    share = rng.choice([0.0, 1.0, rng.random()])
    partials = share * saw + (1 - share) * pulse
    resonance = rng.choice([0.0, rng.uniform(0.5, 4.0)], p=[0.6, 0.4])
    phases = np.zeros(128) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi, 128)
    wave = np.zeros((CUTOFFS, TABLE // 2 + 1), complex)
    for i, cut in enumerate(np.geomspace(1.0, 90.0 if bass else 60.0, CUTOFFS)):
        response = 1 / np.sqrt(1 + (k / cut) ** 4) + resonance * np.exp(-0.5 * (np.log(k / cut) / 0.12) ** 2)
        wave[i, 1:129] = partials * response * np.exp(1j * phases) * -1j
    tables = np.fft.irfft(wave, axis=1)
    return (tables / np.abs(tables).max(axis=1, keepdims=True)).astype(np.float32)


def patch(role: str, rng: np.random.Generator) -> Patch:
    """A new patch for a role of Part."""
    bass, pad = role == "bass", role == "pad"
    fm = rng.random() < (0.2 if pad else 0.3)
    spread = 2 ** (rng.choice([0.0, rng.uniform(3, 18)]) / 1200)
    voices = 1 if bass and rng.random() < 0.6 else int(rng.integers(1, 4))
    plucked = not pad and rng.random() < 0.5
    return Patch(
        tables=None if fm else _tables(rng, bass),
        attack=float(rng.uniform(0.03, 0.6) if pad else rng.choice([0.0005, 0.002, 0.005, 0.015])),
        decay=float(np.exp(rng.uniform(np.log(0.06), np.log(0.6)))),
        sustain=0.0 if plucked else float(rng.uniform(0.4, 1.0)),
        release=float(rng.uniform(0.2, 0.8) if pad else rng.uniform(0.01, 0.2)),
        sweep=float(rng.uniform(0, 0.7)),
        sweep_decay=float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))),
        rest=float(rng.uniform(0.1, 0.6) if bass else rng.uniform(0.25, 0.9)),
        detune=tuple(spread ** np.linspace(-1, 1, voices)) if voices > 1 else (1.0,),
        octave=int(rng.choice([-1, 0], p=[0.2, 0.8])) if bass else 0,
        index=float(rng.uniform(0.5, 5.0)),
        ratio=float(rng.choice([0.5, 1.0, 1.0, 2.0, 3.0, 1.41, 3.5, 7.0])),
        drive=float(rng.choice([0.0, rng.uniform(1, 6)], p=[0.7, 0.3])),
    )


def _note(one: Patch, key: int, seconds: float, rate: int) -> Floats:
    """A note held for seconds, at full velocity, with its release."""
    n = round((seconds + one.release) * rate)
    t = np.arange(n, dtype=np.float32) / np.float32(rate)
    hz = 440.0 * 2 ** ((key - 69) / 12 + one.octave)
    out = np.zeros(n, np.float32)
    opened = np.exp(t / np.float32(-one.sweep_decay))
    if one.tables is None:
        turn = np.float32(2 * np.pi * hz) * t
        out = np.sin(turn + (one.index * opened) * np.sin(np.float32(one.ratio) * turn))
    else:
        # No table brighter than half the sampling rate allows.
        top = CUTOFFS - 1 if hz * 60 < 0.4 * rate else max(2.0, 15 * np.log(0.3 * rate / hz) / np.log(90))
        place = np.minimum(np.float32(top), np.float32(CUTOFFS - 1) * (one.rest + one.sweep * opened))
        row = np.minimum(place.astype(np.intp), CUTOFFS - 2)
        share = place - row
        flat = one.tables.reshape(-1)
        for i, detune in enumerate(one.detune):
            at = row * TABLE + (np.arange(n) * (hz * detune * TABLE / rate) + 577 * i).astype(np.intp) % TABLE
            out += flat[at] * (1 - share) + flat[at + TABLE] * share
        out /= len(one.detune)
    envelope = one.sustain + (1 - one.sustain) * np.exp(t / np.float32(-one.decay))
    ramp = max(1, round(one.attack * rate))
    envelope[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)[:n]
    held = round(seconds * rate)
    envelope[held:] *= np.linspace(1, 0, n - held, dtype=np.float32) ** 2
    return np.tanh(np.float32(one.drive) * out) * envelope if one.drive else out * envelope


def play_patch(
    one: Patch, notes: NDArray[np.float64], seconds: float, rate: int
) -> tuple[Floats, NDArray[np.float64], list[Sounding]]:
    """Mono sound of notes (rows as in Part), each note's start (s) and how it sounds, in order of notes."""
    out = np.zeros(round(seconds * rate), np.float32)
    starts = np.clip(np.rint(notes[:, 0] * rate).astype(int), 0, len(out))
    made: dict[tuple[int, int], tuple[Floats, Sounding]] = {}
    heard = []
    for start, (_, duration, key, velocity) in zip(starts.tolist(), notes, strict=True):
        hundredths = max(2, round(min(duration, LONGEST_S) * 100))
        place = (int(key), hundredths)
        if place not in made:
            sound = _note(one, int(key), hundredths / 100, rate)
            made[place] = (sound, sounding(sound, rate))
        sound, sounds = made[place]
        gain = np.float32((velocity / 127) ** 1.5 * 0.3)
        piece = sound[: len(out) - start]
        out[start : start + len(piece)] += piece * gain
        heard.append(Sounding(sounds.delay, sounds.rise, sounds.peak * float(gain)))
    return out, starts / rate, heard
