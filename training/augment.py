"""From rendered stems to what a listener's microphone or line input gets, with the truth that goes with it.

Public: Clip, mix, clip_of, degrade, resampled, gapped, crossfaded, level. Effects that leave all times alone are in
effects.py, sounds that are no music in noises.py (`not_music`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import soxr
from numpy.typing import NDArray

from training.effects import EFFECTS
from training.render import Rendered

Floats = NDArray[np.float32]
Rows = NDArray[np.float64]
CLEAN = 0.25  # share of clips that only get a level
HIT_KINDS = ("kick", "snare", "hat")


def _no_spans() -> Rows:
    return np.zeros((0, 2))


@dataclass
class Clip:
    """audio: mono. Truth as in Rendered. ignore: float64[k, 2], from and to (s) where beats are not to be scored.
    drums: whether there are any drums to hear."""

    audio: Floats
    rate: int
    beats: Rows
    positions: NDArray[np.int64]
    hits: dict[str, Rows]
    cymbals: Rows
    source: str
    style: str
    drums: bool = True
    ignore: Rows = field(default_factory=_no_spans)

    @property
    def seconds(self) -> float:
        return len(self.audio) / self.rate


def _balance(stems: dict[str, Floats], rng: np.random.Generator) -> dict[str, float]:
    """Gain of each stem: drums -12 to 6 dB over the rest; now and then only drums, or none."""
    gains = {name: 10 ** (rng.normal(0, 2.5) / 20) for name in stems}
    if "drums" in stems and len(stems) > 1:
        dice = rng.random()
        if dice < 0.06:
            return {name: gain * (name == "drums") for name, gain in gains.items()}
        gains["drums"] = 0.0 if dice > 0.93 else 10 ** (rng.triangular(-12, 0, 6) / 20)
    return gains


def mix(stems: dict[str, Floats], rng: np.random.Generator) -> Floats:
    """Stems added up in a random balance, peak 0.5 to 1."""
    return _mixed(stems, _balance(stems, rng), rng)


def _mixed(stems: dict[str, Floats], gains: dict[str, float], rng: np.random.Generator) -> Floats:
    total = sum(stem * np.float32(gains[name]) for name, stem in stems.items())
    out = np.asarray(total, np.float32)
    return out * np.float32(rng.uniform(0.5, 1) / max(1e-9, float(np.abs(out).max(initial=0))))


def clip_of(rendered: Rendered, rng: np.random.Generator) -> Clip:
    """A mix and its truth; without drums in the mix there are no hits."""
    gains = _balance(rendered.stems, rng)
    drums = gains.get("drums", 0.0) > 0
    return Clip(
        audio=_mixed(rendered.stems, gains, rng),
        rate=rendered.rate,
        beats=rendered.beats,
        positions=rendered.positions,
        hits={name: rows if drums else rows[:0] for name, rows in rendered.hits.items()},
        cymbals=rendered.cymbals if drums else rendered.cymbals[:0],
        source=rendered.source,
        style=rendered.style,
        drums=drums,
    )


def level(audio: Floats, rng: np.random.Generator) -> Floats:
    """Peak at -50 to 0 dBFS, mostly above -20; now and then 6 dB over and cut off, as a hot input is."""
    dice = rng.random()
    decibels = rng.uniform(0, 6) if dice < 0.08 else rng.uniform(-50, -20) if dice > 0.75 else rng.uniform(-20, 0)
    gain = np.float32(10 ** (decibels / 20) / max(1e-9, float(np.abs(audio).max(initial=0))))
    return np.clip(audio * gain, -1, 1).astype(np.float32)


def degrade(audio: Floats, rate: int, rng: np.random.Generator) -> Floats:
    """A random chain of EFFECTS and a level. Every onset stays where it is, within 1 ms."""
    if rng.random() >= CLEAN:
        for effect, chance in EFFECTS:
            if rng.random() < chance:
                audio = effect(audio, rate, rng)
    return level(audio, rng)


def _moved(clip: Clip, audio: Floats, scale: float) -> Clip:
    hits = {name: np.column_stack([rows[:, 0] * scale, rows[:, 1]]) for name, rows in clip.hits.items()}
    moved = {"beats": clip.beats * scale, "cymbals": clip.cymbals * scale, "ignore": clip.ignore * scale}
    return replace(clip, audio=audio, hits=hits, **moved)


def resampled(clip: Clip, factor: float) -> Clip:
    """Faster and higher by factor (0.8..1.25 sounds natural), truth with it."""
    audio = soxr.resample(clip.audio, clip.rate * factor, clip.rate, quality="MQ")
    return _moved(clip, audio.astype(np.float32), 1 / factor)


def _without_hits(clip: Clip, start: float, stop: float) -> tuple[dict[str, Rows], Rows]:
    """Hits and cymbals outside start to stop (s)."""
    hits = {k: rows[(rows[:, 0] < start) | (rows[:, 0] > stop)] for k, rows in clip.hits.items()}
    return hits, clip.cymbals[(clip.cymbals < start) | (clip.cymbals > stop)]


def gapped(clip: Clip, rng: np.random.Generator) -> Clip:
    """Two to ten seconds of silence through which the beats go on, cut in or faded; hits there are gone."""
    n, rate = len(clip.audio), clip.rate
    size = rng.uniform(2, 10)
    if clip.seconds < size + 8:
        return clip
    start = rng.uniform(4, clip.seconds - size - 3)
    first, last = round(start * rate), round((start + size) * rate)
    gain = np.ones(n, np.float32)
    gain[first:last] = 0.0
    fade = round(rng.choice([0.005, rng.uniform(0.1, 3)]) * rate)
    fade = min(fade, first)
    gain[first - fade : first] = np.linspace(1, 0, fade, dtype=np.float32) ** 2
    hits, cymbals = _without_hits(clip, start - 0.3 * fade / rate, start + size)
    return replace(clip, audio=clip.audio * gain, hits=hits, cymbals=cymbals)


def _joined(a: Rows, b: Rows, until: float, since: float) -> Rows:
    """Rows of a before one moment (s) and of b from another, in order; the time is the first column."""
    first, second = (rows[:, 0] if rows.ndim > 1 else rows for rows in (a, b))
    both = np.concatenate([a[first < until], b[second >= since]])
    return both[np.argsort(both[:, 0] if both.ndim > 1 else both, kind="stable")]


def crossfaded(a: Clip, b: Clip, rng: np.random.Generator) -> Clip:
    """A DJ's blend of 1 to 12 s from a, cut short, to b from somewhere in its first third. The truth is the louder
    one's; beats are not scored while both are within 9 dB. Both at one rate."""
    rate = a.rate
    blend = min(rng.uniform(1, 12), 0.4 * a.seconds, 0.4 * b.seconds)
    keep = a.seconds * rng.uniform(0.4, 0.7)  # of a, before the blend
    skip = rng.uniform(0, 0.3) * b.seconds
    lead, width, cut = round(keep * rate), round(blend * rate), round(skip * rate)
    turn = np.linspace(0, np.pi / 2, width, dtype=np.float32)
    tail = b.audio[cut:].copy()
    audio = np.zeros(lead + len(tail), np.float32)
    old = a.audio[: lead + width]
    audio[: len(old)] += old
    audio[lead : len(old)] *= np.cos(turn)[: len(old) - lead]
    tail[:width] *= np.sin(turn)[: len(tail)]
    audio[lead:] += tail
    middle = keep + blend / 2
    shift = keep - skip
    spread = blend * (0.5 - np.arctan(10 ** (-9 / 20)) / (np.pi / 2))  # half the span within 9 dB
    since, until = middle - spread, middle + spread  # strokes of both are heard between
    hits = {}
    for kind in HIT_KINDS:
        rows = np.column_stack([b.hits[kind][:, 0] + shift, b.hits[kind][:, 1]])
        hits[kind] = _joined(a.hits[kind], rows, until, since)
    blurred = np.array([[since, until]])
    beats = b.beats + shift
    return replace(
        b,
        audio=audio,
        beats=_joined(a.beats, beats, middle, middle),
        positions=np.concatenate([a.positions[a.beats < middle], b.positions[beats >= middle]]),
        hits=hits,
        cymbals=_joined(a.cymbals, b.cymbals + shift, until, since),
        source=f"{a.source}+{b.source}",
        style=f"{a.style}+{b.style}",
        drums=a.drums or b.drums,
        ignore=np.vstack(
            [a.ignore[a.ignore[:, 1] < middle], b.ignore[b.ignore[:, 0] + shift >= middle] + shift, blurred]
        ),
    )
