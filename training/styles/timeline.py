"""Bars, beats and seconds: the score's own clock, from which the truth is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FASTEST, SLOWEST = 228.0, 26.0  # beats a minute that a tempo curve may touch


@dataclass(frozen=True)
class Bar:
    """start: beats from the first bar. length: beats. taps: where its beats lie, from its start."""

    start: float
    length: float
    taps: tuple[float, ...]


@dataclass(frozen=True)
class Timeline:
    """bars in order; marks: float64[n] ascending, beats; times: float64[n], the second of each mark."""

    bars: list[Bar]
    marks: Floats
    times: Floats

    def seconds(self, beats: Floats) -> Floats:
        """The second of each place in the score, beyond the marks at the tempo of the nearest ones."""
        inner = np.interp(beats, self.marks, self.times)
        first = (self.times[1] - self.times[0]) / (self.marks[1] - self.marks[0])
        last = (self.times[-1] - self.times[-2]) / (self.marks[-1] - self.marks[-2])
        early, late = np.minimum(beats - self.marks[0], 0.0), np.maximum(beats - self.marks[-1], 0.0)
        return inner + early * first + late * last

    def truth(self) -> tuple[Floats, NDArray[np.int64]]:
        """Beats in seconds and their positions in the bar, from 1."""
        places = np.array([bar.start + tap for bar in self.bars for tap in bar.taps])
        positions = np.array([k + 1 for bar in self.bars for k in range(len(bar.taps))], dtype=np.int64)
        return self.seconds(places), positions


def along(beats: Floats, positions: NDArray[np.int64]) -> Timeline:
    """A timeline along given beats (seconds, at least two) and positions (1 = downbeat, 0 = not known: bars of 4)."""
    if len(beats) < 2:
        raise ValueError(f"a timeline needs at least two beats, not {len(beats)}")
    downs = np.flatnonzero(positions == 1)
    if len(downs) == 0:
        downs = np.arange(0, len(beats), 4)
    common = int(np.median(np.diff(downs))) if len(downs) > 1 else 4
    edges = [int(d) for d in downs]
    if edges[0] > 0:
        edges.insert(0, min(0, edges[0] - common))
    edges.append(max(len(beats), edges[-1] + common))
    bars = [Bar(float(a), float(b - a), tuple(float(k) for k in range(b - a))) for a, b in pairwise(edges)]
    return Timeline(bars, np.arange(len(beats), dtype=np.float64), np.asarray(beats, dtype=np.float64))


def _wander(count: int, spread: float, smooth: int, rng: np.random.Generator) -> Floats:
    """A smooth random walk around zero, standard deviation `spread`. float64[count]."""
    raw = np.cumsum(rng.normal(size=count + smooth)) if rng.random() < 0.5 else rng.normal(size=count + smooth)
    line = np.convolve(raw, np.hanning(smooth + 2)[1:-1], mode="valid")[:count]
    line = line - line.mean()
    return line * (spread / max(float(line.std()), 1e-9))


def curve(kind: str, count: int, per_bar: int, phrases: Sequence[int], rng: np.random.Generator) -> Floats:
    """The logarithm of tempo over the usual one, for `count` half beats. per_bar: half beats a bar.

    kind: "constant", "drift", "loose", "ramp", "jump", "rubato". phrases: half beats where phrases begin.
    """
    line = np.zeros(count)
    if kind in ("drift", "ramp", "jump"):
        line += _wander(count, rng.uniform(0.002, 0.012), 8 * per_bar, rng) if rng.random() < 0.7 else 0.0
    if kind == "loose":
        line += _wander(count, rng.uniform(0.008, 0.025), 4 * per_bar, rng)
    if kind == "ramp":
        where, width = rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.4)
        ramp = np.clip((np.arange(count) / count - where) / width, 0.0, 1.0)
        line += ramp * rng.choice((-1.0, 1.0)) * rng.uniform(0.05, 0.3)
    if kind == "jump" and len(phrases) > 1:
        line[int(rng.choice(phrases[1:])) :] += rng.choice((-1.0, 1.0)) * rng.uniform(0.03, 0.28)
    if kind == "rubato":
        depth = rng.uniform(0.03, 0.14)
        for start, end in pairwise([*phrases, count]):
            place = np.linspace(0.0, 1.0, end - start)
            line[start:end] += depth * (np.sin(np.pi * place) - 0.5) - 0.8 * depth * np.clip(place - 0.85, 0, 1) / 0.15
        line += _wander(count, rng.uniform(0.01, 0.04), per_bar, rng)
        line += rng.normal(0.0, rng.uniform(0.005, 0.02), count)
    return line


def compose(
    lengths: Sequence[tuple[float, tuple[float, ...]]], bpm: float, start: float, tempo: Floats, end_slow: float
) -> Timeline:
    """Bars (length, taps) in a row from second `start`. tempo: log tempo for each half beat. end_slow: log slowing."""
    bars: list[Bar] = []
    place = 0.0
    for length, taps in lengths:
        bars.append(Bar(place, length, taps))
        place += length
    count = round(place * 2.0)
    log = tempo[:count].copy()
    tail = min(count, 12)
    log[count - tail :] -= end_slow * np.linspace(0.0, 1.0, tail) ** 1.5
    rates = np.clip(bpm * np.exp(log), SLOWEST, FASTEST)
    times = start + np.concatenate(([0.0], np.cumsum(30.0 / rates)))
    return Timeline(bars, np.arange(count + 1) / 2.0, times)
