"""How often the listener knows where phrases begin, on songs of training.styles with their true beats.

`python -m training.phrases [--songs 12]` prints the table of training/LOG.md. "regular": all parts have 8 or 16 bars;
"as drawn": parts of 2 to 16 bars and one in twelve odd, and the truth begins anew with each. Hearing begins 0, 3 and 6
bars into the song; a bar is right when it is as many bars (modulo 8) from the part's beginning as the line says.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.hearing.frames import Framer
from engine.hearing.levels import LevelMeter
from engine.hearing.phrases import PhraseWatch
from engine.hearing.sections import SectionWatch
from engine.state import Floats, Section, State
from training.render import Rendered, render
from training.styles import compose, make
from training.styles.form import Section as Part
from training.styles.form import draw_form

RATE, SECONDS = 44100, 150.0
SKIPS = (0, 3, 6)  # bars into the song
FROM = 32  # bars heard before it counts
PHRASE = 8  # bars


@dataclass
class Score:
    """Of bars from FROM on: right, with the confidence; still: right had the phrase stayed at the first bar."""

    right: list[bool]
    still: list[bool]
    confidence: list[float]
    moves: int
    minutes: float


def regular_form(kind: str, bars: int, rng: np.random.Generator) -> list[Part]:
    """As draw_form, with parts of 8 and 16 bars."""
    row: list[Part] = []
    for part in draw_form(kind, bars, rng):
        if (left := bars - sum(p.bars for p in row)) > 0:
            row.append(replace(part, bars=min(left, 16 if part.bars >= 12 else PHRASE)))
    row[-1] = replace(row[-1], bars=row[-1].bars + bars - sum(p.bars for p in row))
    return row


def songs(count: int, regular: bool) -> Iterator[tuple[Rendered, NDArray[np.float64]]]:
    """Rendered songs in four, and the seconds at which their parts begin."""
    styles = [style for style in compose.STYLES.values() if style.beats == 4 and not style.taps]
    form, cut = (regular_form, 0.0) if regular else (draw_form, compose.CUT_BARS)
    for number in range(count):
        rng = np.random.default_rng([79, regular, number])
        with mock.patch.multiple(compose, draw_form=form, CUT_BARS=cut):
            song = make(styles[int(rng.integers(len(styles)))].name, rng, SECONDS)
        played = render(song, rng, rate=RATE)
        yield played, np.array([float(word) for word in song.tags["sections"].split()]) + played.shift


def true_lines(played: Rendered, skip: int) -> list[Grid]:
    """The line from each beat on, bar 0 being the bar `skip`."""
    lines: list[Grid] = []
    bar, downbeat = -1, 0
    downs = np.flatnonzero(played.positions == 1)
    for number, (time, period) in enumerate(zip(played.beats, np.diff(played.beats), strict=False)):
        if played.positions[number] == 1:
            bar, downbeat = bar + 1, number
        later = downs[downs > downbeat]
        count = int(later[0] - downbeat) if len(later) else 4
        if bar >= skip:
            lines.append(Grid(float(time), float(number), float(period), downbeat, bar - skip, count, PHRASE))
    return lines


def hear(sound: Floats, lines: list[Grid]) -> tuple[list[tuple[int, int, float]], int]:
    """(bar, the place in the phrase it was given at its beginning, confidence) of each bar, and how many moves."""
    levels = LevelMeter(RATE)
    sections = SectionWatch(levels.hop / RATE, Section())
    watch = PhraseWatch(replace(State.unheard(), grid=lines[0]))
    told: list[tuple[int, int, float]] = []
    at = moves = 0
    end, last = 0.0, lines[0].phrase
    for frame in Framer(levels.hop).push(sound):
        levels.push(frame)
        end += levels.hop / RATE
        while at + 1 < len(lines) and lines[at + 1].time <= end:
            at += 1
        line = lines[at]
        section = sections.push(levels.heard, end, line)
        if end < lines[0].time:
            continue
        watch.push(levels.levels.spectrum, end, line, 1.0, section)
        phrase = watch.placed(line).phrase
        moves, last = moves + (phrase != last), phrase
        if not told or line.bar != told[-1][0]:
            told.append((line.bar, (line.bar - phrase) % PHRASE, watch.confidence))
    return told, moves


def score(played: Rendered, parts: NDArray[np.float64], skip: int) -> Score:
    sound = np.zeros(max(len(stem) for stem in played.stems.values()), np.float32)
    for stem in played.stems.values():
        sound[: len(stem)] += stem
    sound *= np.float32(0.15 / np.sqrt(np.mean(np.square(sound))))
    lines = true_lines(played, skip)
    told, moves = hear(np.tanh(sound), lines)
    downs = played.beats[played.positions == 1]
    near = [int(np.abs(downs - time).argmin()) for time in parts if np.abs(downs - time).min() < 0.3]
    begun = [max((part for part in near if part <= bar + skip), default=0) - skip for bar, _, _ in told]
    late = [(row, first) for row, first in zip(told, begun, strict=True) if row[0] >= FROM]
    return Score(
        [(bar - first - place) % PHRASE == 0 for (bar, place, _), first in late],
        [first % PHRASE == 0 for _, first in late],
        [confidence for (_, _, confidence), _ in late],
        moves,
        (played.beats[-1] - lines[0].time) / 60.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=12, help="of each kind")
    count = parser.parse_args().songs
    print("| songs | right | doing nothing | moves a minute | sure above 0.6 | right when sure |")
    print("|---|---|---|---|---|---|")
    for regular in (True, False):
        scores = [score(*song, skip) for song in songs(count, regular) for skip in SKIPS]
        right, still, sure = (
            np.concatenate([np.array(row) for row in rows])
            for rows in ([s.right for s in scores], [s.still for s in scores], [s.confidence for s in scores])
        )
        moves = sum(s.moves for s in scores) / sum(s.minutes for s in scores)
        name = "regular" if regular else "as drawn"
        print(
            f"| {name} | {right.mean():.2f} | {still.mean():.2f} | {moves:.2f} | {(sure > 0.6).mean():.2f} "
            f"| {right[sure > 0.6].mean():.2f} |"
        )


if __name__ == "__main__":
    main()
