"""How a song is built: sections in a row, what plays in each and how hard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DRUMS = frozenset({"kick", "snare", "hats", "perc"})
BAND = frozenset({"bass", "comp"})
ALL = DRUMS | BAND | {"comp2", "lead", "pad"}


@dataclass(frozen=True)
class Section:
    """bars: its length. layers: what plays. energy: 0..1. theme: which patterns and chords. feel: "", "half", "double".

    ends: "fill", "", "stop" (silence in the last bar or two) or "build" (a roll that thickens all along).
    """

    bars: int
    layers: frozenset[str]
    energy: float
    theme: int
    feel: str = ""
    ends: str = "fill"
    stop: int = 0


def _bars(rng: np.random.Generator, *choices: int) -> int:
    """A section's length; one in twelve is odd, as in real songs."""
    bars = int(rng.choice(choices))
    return bars + int(rng.choice((-1, 1, 2))) if rng.random() < 0.08 and bars > 2 else bars


def _some(rng: np.random.Generator, of: frozenset[str], chance: float) -> frozenset[str]:
    """Each layer with a chance; never none."""
    names = sorted(of)
    kept = {name for name in names if rng.random() < chance}
    return frozenset(kept or {str(rng.choice(names))})


def _intro(rng: np.random.Generator) -> Section:
    """The many ways to begin."""
    kinds: list[frozenset[str]] = [
        DRUMS,
        frozenset({"kick"}),
        frozenset({"hats", "perc"}),
        frozenset({"comp"}),
        frozenset({"pad", "comp2"}),
        frozenset({"pad"}),
        frozenset({"bass"}),
        DRUMS | {"bass"},
        frozenset({"comp", "lead"}),
        frozenset({"comp", "hats"}),
        ALL,
    ]
    layers = kinds[int(rng.integers(len(kinds)))]
    return Section(_bars(rng, 2, 4, 4, 8), layers, rng.uniform(0.3, 0.8), 0, ends=str(rng.choice(("fill", ""))))


def _quiet(rng: np.random.Generator) -> Section:
    """A breakdown: the beat goes on, the drums mostly don't."""
    kinds: list[frozenset[str]] = [
        frozenset({"pad"}),
        frozenset({"pad", "lead"}),
        frozenset({"comp"}),
        frozenset({"comp", "lead"}),
        frozenset({"lead"}),
        frozenset({"comp2", "pad"}),
        frozenset({"bass", "pad"}),
        frozenset({"hats", "pad"}),
        frozenset({"pad", "comp", "lead"}),
    ]
    layers = kinds[int(rng.integers(len(kinds)))]
    return Section(_bars(rng, 2, 4, 4, 8, 8), layers, rng.uniform(0.15, 0.5), int(rng.integers(3)), ends="")


def _feel(rng: np.random.Generator) -> str:
    return str(rng.choice(("", "half", "double"), p=(0.94, 0.045, 0.015)))


def _club(rng: np.random.Generator) -> list[Section]:
    """Groove, breakdown, build, drop."""
    groove = Section(_bars(rng, 8, 8, 16), DRUMS | {"bass"} | _some(rng, ALL - DRUMS, 0.5), rng.uniform(0.6, 0.9), 0)
    drop = Section(_bars(rng, 8, 16), ALL, rng.uniform(0.85, 1.0), 1, _feel(rng))
    row = [groove]
    if rng.random() < 0.7:
        row.append(_quiet(rng))
        if rng.random() < 0.7:
            stop = int(rng.choice((0, 0, 1, 2)))
            build = Section(_bars(rng, 2, 4, 8), frozenset({"pad", "lead", "comp"}), 0.6, 1, ends="build", stop=stop)
            row.append(build)
    elif rng.random() < 0.5:
        row.append(Section(_bars(rng, 4, 8), _some(rng, ALL, 0.45), 0.6, 2))
    return [*row, drop]


def _song(rng: np.random.Generator) -> list[Section]:
    """Verse, chorus, now and then a bridge."""
    verse = DRUMS - ({"perc"} if rng.random() < 0.5 else set()) | BAND | _some(rng, frozenset({"lead", "comp2"}), 0.6)
    row = [Section(_bars(rng, 4, 8, 8), verse, rng.uniform(0.5, 0.75), 0, _feel(rng))]
    if rng.random() < 0.25:
        row.append(Section(_bars(rng, 2, 4), _some(rng, ALL, 0.6) | {"comp"}, 0.6, 2))
    stop = int(rng.choice((1, 2))) if rng.random() < 0.1 else 0
    row.append(
        Section(_bars(rng, 4, 8, 8), ALL, rng.uniform(0.75, 1.0), 1, _feel(rng), "stop" if stop else "fill", stop)
    )
    if rng.random() < 0.3:
        row.append(_quiet(rng))
    if rng.random() < 0.15:
        row.append(Section(_bars(rng, 4), DRUMS | _some(rng, ALL - DRUMS, 0.5), 0.7, 2, str(rng.choice(("half", "")))))
    return row


def _loop(rng: np.random.Generator) -> list[Section]:
    """One groove from which layers come and go."""
    full = Section(_bars(rng, 4, 8, 8, 16), ALL, rng.uniform(0.6, 0.9), int(rng.random() < 0.2))
    part = Section(_bars(rng, 2, 4, 8), _some(rng, ALL, 0.65), rng.uniform(0.4, 0.8), 0)
    return [full, part if rng.random() < 0.75 else _quiet(rng)]


def _through(rng: np.random.Generator) -> list[Section]:
    """Phrases whose loudness and scoring change; nothing falls silent for long."""
    layers = frozenset({"comp"}) | _some(rng, frozenset({"lead", "bass", "pad", "comp2"}), 0.65)
    if rng.random() < 0.5:
        layers |= DRUMS
    return [Section(_bars(rng, 4, 4, 8), layers, rng.uniform(0.25, 1.0), int(rng.integers(3)))]


FORMS: dict[str, Callable[[np.random.Generator], list[Section]]] = {
    "club": _club,
    "song": _song,
    "loop": _loop,
    "through": _through,
}


def draw_form(kind: str, bars: int, rng: np.random.Generator) -> list[Section]:
    """Sections that fill exactly `bars` bars; about a third begin in the middle of things."""
    row: list[Section] = []
    if rng.random() < 0.65 and bars > 6:
        row.append(_intro(rng))
    pending: list[Section] = []
    left = bars - sum(s.bars for s in row)
    if not row:
        pending = FORMS[kind](rng)
        pending = pending[int(rng.integers(len(pending))) :]
    while left > 0:
        pending = pending or FORMS[kind](rng)
        section = pending.pop(0)
        length = min(section.bars, left)
        row.append(Section(length, *_rest(section)))
        left -= length
    return row


def _rest(section: Section) -> tuple[frozenset[str], float, int, str, str, int]:
    return section.layers, section.energy, section.theme, section.feel, section.ends, section.stop
