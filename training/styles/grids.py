"""Rhythms as strings. A grid divides its bar evenly into as many steps as it has letters; "*" in front: it divides one
beat and repeats; "|" parts the bars of a longer pattern. "." rest, "X" accent, "x" hit, "o" ghost note, "?" a hit half
of the time, "-" a ghost note a third of the time; any other letter is a hit whose meaning is the player's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LEVELS = {"X": 1.0, "x": 0.8, "o": 0.35}


class Hit(NamedTuple):
    """pos: beats from the start of the bar. level: 0..1. even: on a division by 2 or 4, so swing may bend it."""

    pos: float
    level: float
    tag: str
    even: bool


Pattern = list[list[Hit]]  # one list a bar, played round and round


@dataclass(frozen=True)
class Swing:
    """depth: 0 straight, 1 triplet. unit: beats that are divided in two unequal parts (1: eighths swing)."""

    depth: float
    unit: float

    def bend(self, hit: Hit) -> float:
        """The position of a hit as played, beats from the start of the bar."""
        if not hit.even or self.depth == 0.0:
            return hit.pos
        whole = np.floor(hit.pos / self.unit + 1e-9)
        part = hit.pos / self.unit - whole
        late = 0.5 + self.depth / 6.0
        bent = part * 2.0 * late if part < 0.5 else late + (part - 0.5) * 2.0 * (1.0 - late)
        return float((whole + bent) * self.unit)


def steps(grid: str, beats: float) -> list[tuple[str, int]]:
    """The bars of a grid written out, each with its number of steps a beat (rounded down)."""
    bars = [part[1:] * round(beats) if part.startswith("*") else part for part in grid.split("|")]
    return [(bar, int(len(bar) / beats)) for bar in bars]


def draw(grid: str, beats: float, rng: np.random.Generator) -> Pattern:
    """One throw of the dice over a grid's uncertain letters."""
    pattern: Pattern = []
    for bar, rate in steps(grid, beats):
        hits: list[Hit] = []
        for k, letter in enumerate(bar):
            tag = letter
            if letter == "." or (letter == "?" and rng.random() < 0.5) or (letter == "-" and rng.random() < 0.65):
                continue
            tag = {"?": "x", "-": "o"}.get(letter, letter)
            level = LEVELS.get(tag, 1.0 if tag.isupper() else 0.8)
            hits.append(Hit(k * beats / len(bar), level, tag, rate % 3 != 0))
        pattern.append(hits)
    return pattern


def thin(pattern: Pattern, bpm: float, rng: np.random.Generator) -> Pattern:
    """Leaves out most hits between the eighths in a fast song, as players do."""
    keep = float(np.clip((185.0 - bpm) / 70.0, 0.1, 1.0))
    return [[h for h in bar if not h.even or (h.pos * 2.0) % 1.0 < 1e-6 or rng.random() < keep] for bar in pattern]


def mutate(pattern: Pattern, beats: float, rate: float, division: int, rng: np.random.Generator) -> Pattern:
    """Drops and adds single hits; the first beat is rarely touched. rate: chance per hit and, a third of it, per step.

    division: steps a beat on which hits may be added.
    """
    changed: Pattern = []
    for bar in pattern:
        kept = [h for h in bar if rng.random() > (rate * 0.3 if h.pos == 0.0 else rate)]
        taken = {round(h.pos, 4) for h in kept}
        for k in range(1, int(beats * division)):
            if rng.random() < rate / 3.0 and round(k / division, 4) not in taken:
                level = 0.8 if rng.random() < 0.6 else 0.4
                kept.append(Hit(k / division, level, "x" if level > 0.5 else "o", division % 3 != 0))
        changed.append(sorted(kept))
    return changed


def bar_of(pattern: Pattern, index: int, beats: float, length: float) -> list[Hit]:
    """The hits of bar `index` for a bar of `length` beats, of a pattern written for bars of `beats`."""
    hits = pattern[index % len(pattern)]
    if length <= beats:
        return [h for h in hits if h.pos < length - 1e-6]
    rounds = int(np.ceil(length / beats))
    out = [h._replace(pos=h.pos + k * beats) for k in range(rounds) for h in hits]
    return [h for h in out if h.pos < length - 1e-6]
