"""What all players of one song share: its style, clock, sections and chords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.styles.form import Section
from training.styles.grids import Swing
from training.styles.harmony import Harmony
from training.styles.style import Style
from training.styles.timeline import Bar, Timeline
from training.styles.touch import Touch


@dataclass(frozen=True)
class Place:
    """One bar of the song: bar, its section, its index in that section, its index in the song; silent in a stop."""

    bar: Bar
    section: Section
    index: int
    number: int

    @property
    def last(self) -> bool:
        return self.index == self.section.bars - 1

    @property
    def silent(self) -> bool:
        return self.index >= self.section.bars - self.section.stop

    def plays(self, *layers: str) -> bool:
        """Whether any of the layers plays in this bar."""
        return not self.silent and any(layer in self.section.layers for layer in layers)


@dataclass(frozen=True)
class Score:
    """places: one a bar. bpm: the usual tempo. accent: how much louder a downbeat is, 0..0.2."""

    style: Style
    timeline: Timeline
    places: list[Place]
    harmony: Harmony
    swing: Swing
    touch: Touch
    bpm: float
    accent: float
    rng: np.random.Generator

    @property
    def division(self) -> int:
        """Steps a beat."""
        return 3 if self.style.triple else 4 if self.bpm < 150.0 else 2

    def level(self, base: float, pos: float, energy: float) -> float:
        """Loudness 0..1 of a note at a place of the bar."""
        metric = self.accent if pos < 1e-6 else 0.5 * self.accent if abs(pos - round(pos)) < 1e-6 else 0.0
        return float(np.clip(base * (0.7 + 0.3 * energy) + metric, 0.05, 1.0))


def places_of(bars: list[Bar], sections: list[Section]) -> list[Place]:
    """The bars of a song with the sections they are in; sections fill the bars exactly."""
    where = [(section, index) for section in sections for index in range(section.bars)]
    return [Place(bar, s, k, n) for n, (bar, (s, k)) in enumerate(zip(bars, where, strict=True))]
