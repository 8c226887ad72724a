"""A song as the score knows it: what sounds when, and where the beats are. Everything that makes training data
speaks of Songs. Public: Part, Song, KICK, SNARE, HAT, CYMBAL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

# General MIDI drum keys by what the listener calls them. Keys in CYMBAL tell nothing about hats: they are not scored.
KICK = frozenset({35, 36})
SNARE = frozenset({37, 38, 39, 40})
HAT = frozenset({42, 44, 46})
CYMBAL = frozenset({49, 51, 52, 53, 55, 57, 59})


@dataclass
class Part:
    """One instrument. notes: float64[n, 4], rows of (time s, duration s, MIDI key, velocity 1..127), any order.

    program: General MIDI program 0..127 (for drums: the kit, 0 = standard, 8 room, 16 power, 24 electronic, 25 TR-808,
    32 jazz, 40 brush). gain: linear, of the part in the mix. role: "drums", "bass", "chords", "lead", "pad", "other".
    """

    role: str
    program: int
    notes: Rows
    gain: float = 1.0

    @property
    def drums(self) -> bool:
        return self.role == "drums"


@dataclass
class Song:
    """parts and truth. beats: float64[n], ascending, seconds, where a listener taps; positions: int64[n], 1 = downbeat,
    counted within the bar, 0 = not known. beats_per_bar may change along the way (positions tell).
    source: which corpus or generator it is from, "generator/house" or "groove/drummer2"; training splits by it.
    """

    name: str
    source: str
    parts: list[Part]
    beats: NDArray[np.float64]
    positions: NDArray[np.int64]
    duration: float
    tags: dict[str, str] = field(default_factory=dict)
