"""From score to performance: when and how hard each note is really played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.song import Part, Rows
from training.styles.timeline import Timeline


@dataclass(frozen=True)
class Touch:
    """jitter: least and greatest standard deviation of a part's hits, s. lag: earliest and latest part, s.

    loud: spread of velocity. tempo: the kinds of timeline.curve and their chances. slow_end: chance of a ritardando.
    """

    jitter: tuple[float, float]
    lag: tuple[float, float]
    loud: float
    tempo: tuple[tuple[str, float], ...]
    slow_end: float


TOUCH = {
    "machine": Touch((0.0, 0.0008), (-0.002, 0.004), 3.0, (("constant", 0.93), ("ramp", 0.03), ("jump", 0.04)), 0.01),
    "tight": Touch(
        (0.001, 0.005), (-0.008, 0.010), 6.0, (("constant", 0.65), ("drift", 0.25), ("ramp", 0.05), ("jump", 0.05)), 0.1
    ),
    "human": Touch(
        (0.003, 0.010),
        (-0.012, 0.016),
        9.0,
        (("constant", 0.35), ("drift", 0.40), ("loose", 0.13), ("ramp", 0.06), ("jump", 0.06)),
        0.15,
    ),
    "loose": Touch(
        (0.005, 0.012),
        (-0.015, 0.020),
        11.0,
        (("constant", 0.12), ("drift", 0.35), ("loose", 0.35), ("ramp", 0.08), ("jump", 0.05), ("rubato", 0.05)),
        0.25,
    ),
    "rubato": Touch((0.004, 0.012), (-0.010, 0.012), 12.0, (("drift", 0.1), ("loose", 0.25), ("rubato", 0.65)), 0.5),
}


def draw_tempo(touch: Touch, rng: np.random.Generator) -> str:
    """A kind of tempo curve."""
    kinds = [kind for kind, _ in touch.tempo]
    chances = np.array([chance for _, chance in touch.tempo])
    return str(rng.choice(kinds, p=chances / chances.sum()))


class Track:
    """Notes of one part while it is being written, in beats and levels. anchor: nothing else holds the time, so it
    leans neither early nor late."""

    def __init__(self, role: str, program: int, touch: Touch, rng: np.random.Generator, anchor: bool = False) -> None:
        """Draws the player's habits; see the class."""
        self.role, self.program, self.touch, self.rng = role, program, touch, rng
        self.jitter = rng.uniform(*touch.jitter)
        lean = 0.25 if anchor or role == "drums" else 1.0
        self.lag = lean * rng.uniform(*touch.lag)
        self.force = rng.uniform(0.8, 1.1)
        self.rows: list[tuple[float, float, float, float, float]] = []

    def add(self, beat: float, length: float, key: int, level: float, shift: float = 0.0) -> None:
        """One note. beat, length: in beats of the score. level: 0..1. shift: seconds added (strums, flams)."""
        self.rows.append((beat, length, float(key), level, shift))

    def part(self, timeline: Timeline, end: float, gain: float) -> Part | None:
        """The part as played, without notes before 0 or after `end` (seconds). None when nothing is left."""
        if not self.rows:
            return None
        rows = np.array(self.rows)
        rows = rows[(rows[:, 0] >= timeline.bars[0].start) & (rows[:, 0] > timeline.marks[0] - 0.51)]
        onset = timeline.seconds(rows[:, 0])
        length = timeline.seconds(rows[:, 0] + rows[:, 1]) - onset
        noise = np.clip(self.rng.normal(0.0, 1.0, len(rows)), -2.5, 2.5) * self.jitter
        times = onset + self.lag + noise + rows[:, 4]
        force = (28.0 + 92.0 * rows[:, 3]) * self.force + self.rng.normal(0.0, self.touch.loud, len(rows))
        notes = np.column_stack((times, length, np.clip(rows[:, 2], 0, 127), np.clip(np.round(force), 8, 127)))
        notes[:, 0] = np.maximum(notes[:, 0], 0.0)
        notes = notes[notes[:, 0] < end - 0.03]
        notes[:, 1] = np.clip(notes[:, 1], 0.03, end - notes[:, 0])
        notes = _released(notes)
        if len(notes) == 0:
            return None
        return Part(self.role, self.program, notes[np.argsort(notes[:, 0], kind="stable")], gain)


def _released(notes: Rows) -> Rows:
    """No key is struck while it is held, and none twice at once: a synthesizer would end the second with the first."""
    notes = notes[np.lexsort((notes[:, 0], notes[:, 2]))]
    gap = np.where(np.diff(notes[:, 2]) == 0.0, np.diff(notes[:, 0]), np.inf)
    notes = notes[np.concatenate(([True], gap > 0.012))] if len(notes) else notes
    room = np.where(np.diff(notes[:, 2]) == 0.0, np.diff(notes[:, 0]), np.inf)
    notes[:-1, 1] = np.minimum(notes[:-1, 1], room)
    return notes
