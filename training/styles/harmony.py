"""Keys, chords and where they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
}

# kind -> scales to draw from, progressions in degrees (1..7), size of a chord (3 triad, 4 seventh)
KINDS: dict[str, tuple[tuple[str, ...], tuple[tuple[int, ...], ...], tuple[int, ...]]] = {
    "pop": (
        ("major", "major", "minor"),
        ((1, 5, 6, 4), (6, 4, 1, 5), (1, 6, 4, 5), (1, 4, 6, 5), (4, 1, 5, 6), (1, 3, 4, 5), (1, 4), (2, 5, 1, 6)),
        (3, 3, 4),
    ),
    "minor": (
        ("minor", "minor", "dorian", "harmonic"),
        ((1, 6, 3, 7), (1, 7, 6, 7), (1, 4, 6, 5), (1, 6), (6, 7, 1, 1), (1, 1, 6, 7), (1, 3, 7, 4), (1, 5, 6, 4)),
        (3, 3, 4),
    ),
    "rock": (
        ("major", "mixolydian", "minor", "minor"),
        ((1, 4, 5, 4), (1, 7, 4, 1), (1, 4), (1, 6, 7, 1), (1, 5, 4, 4), (1, 1, 4, 5), (1,)),
        (3,),
    ),
    "vamp": (("dorian", "mixolydian", "minor"), ((1,), (1, 4), (1, 7), (1, 1, 4, 1), (2, 5), (1, 2)), (4, 4, 3)),
    "blues": (
        ("mixolydian",),
        ((1, 1, 1, 1, 4, 4, 1, 1, 5, 4, 1, 5), (1, 4, 1, 1, 4, 4, 1, 1, 5, 4, 1, 1), (1, 1, 5, 5, 4, 4, 1, 5)),
        (4,),
    ),
    "jazz": (
        ("major", "major", "minor", "dorian"),
        ((2, 5, 1, 6), (2, 5, 1, 1), (1, 6, 2, 5), (3, 6, 2, 5), (1, 4, 3, 6, 2, 5, 1, 1), (1, 1, 2, 2)),
        (4,),
    ),
    "latin": (
        ("major", "minor", "harmonic"),
        ((1, 4, 5, 4), (1, 5), (1, 5, 5, 1), (1, 2, 5, 1), (1, 7, 6, 5), (1, 6, 2, 5)),
        (3, 4),
    ),
    "classical": (
        ("major", "harmonic", "minor"),
        ((1, 4, 5, 1), (1, 5, 6, 3, 4, 1, 4, 5), (1, 2, 5, 1), (1, 6, 4, 5), (1, 5, 1, 5), (1, 7, 1, 5), (1, 4, 1, 5)),
        (3,),
    ),
    "metal": (("phrygian", "minor", "harmonic"), ((1,), (1, 2), (1, 1, 6, 7), (1, 6, 5, 2), (1, 4, 2, 1)), (3,)),
    "static": (("minor", "dorian", "phrygian", "major"), ((1,), (1, 1, 1, 7), (1, 6), (1, 1, 4, 4)), (3, 4)),
}


@dataclass(frozen=True)
class Chord:
    """root: pitch class 0..11. tones: pitch classes from the root up."""

    root: int
    tones: tuple[int, ...]


@dataclass(frozen=True)
class Harmony:
    """bars: for each bar of the song its chords as (beats from the bar's start, chord), the first at 0.

    scale: the seven pitch classes of the key, from the tonic up.
    """

    scale: tuple[int, ...]
    bars: list[list[tuple[float, Chord]]]

    def at(self, bar: int, pos: float) -> Chord:
        """The chord that sounds at beat `pos` of a bar (counted from 0)."""
        bar = min(bar, len(self.bars) - 1)
        return [chord for start, chord in self.bars[bar] if start <= pos + 1e-6][-1]


def draw_harmony(
    kind: str, chord_bars: tuple[float, ...], bars: list[tuple[int, int, float]], rng: np.random.Generator
) -> Harmony:
    """Chords for bars given as (theme, index in its section, length in beats)."""
    scales, progressions, sizes = KINDS[kind]
    tonic = int(rng.integers(12))
    scale = tuple((tonic + step) % 12 for step in SCALES[str(rng.choice(scales))])
    size = int(rng.choice(sizes))
    themes = [
        (progressions[int(rng.integers(len(progressions)))], float(rng.choice(chord_bars)) if kind != "blues" else 1.0)
        for _ in range(3)
    ]

    def chord(degree: int) -> Chord:
        tones = tuple(scale[(degree - 1 + 2 * k) % 7] for k in range(size))
        return Chord(tones[0], tones)

    out: list[list[tuple[float, Chord]]] = []
    for theme, index, length in bars:
        progression, span = themes[theme % 3]
        if span < 1.0 and length >= 2.0:
            middle = float(np.ceil(length / 2.0))
            first, second = progression[2 * index % len(progression)], progression[(2 * index + 1) % len(progression)]
            out.append([(0.0, chord(first)), (middle, chord(second))])
        else:
            out.append([(0.0, chord(progression[int(index / max(span, 1.0)) % len(progression)]))])
    return Harmony(scale, out)


def near(pitch_class: int, center: int) -> int:
    """The key of a pitch class nearest to a key."""
    return center + (pitch_class - center + 6) % 12 - 6


def voicing(chord: Chord, center: int, spread: bool = False) -> list[int]:
    """Keys of a chord around a center, from low to high; spread: an octave wider."""
    keys = sorted(near(tone, center) for tone in chord.tones)
    return [keys[0] - 12, *keys[1:]] if spread else keys
