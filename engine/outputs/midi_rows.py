"""The MIDI map: what of the music is sent as which message. One table drives checks, behaviour and documentation.

Never sends anything and never reads a clock. Public: Row, MidiSettings, DEFAULT_ROWS, What, WHATS, problems,
rows_docs.

Channels are 1..16 as printed on gear; notes, controllers and programs are 0..127 as on the wire (note 60 = middle
C). Gates are seconds, not beats: what they serve (a drum pad's trigger, a lamp's relay) wants a pulse of a known
length, and a note-off must come also when the line has been lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Gt, Le

from engine.grid import Grid
from engine.outputs import Beat
from engine.state import BANDS, KINDS, MOODS, Moment

WhatName = Literal[
    "beat", "downbeat", "bar", "phrase",
    "kick", "snare", "hat",
    "loudness", "energy", "brightness", "mood", "sub", "bass", "mid", "high", "air",
    "beat_phase", "bar_phase", "phrase_phase", "confidence", "tempo",
]  # fmt: skip

Byte = Annotated[int, Ge(0), Le(127)]
# 120..127 are channel mode messages (All Sound Off, Local, All Notes Off, Omni, Poly), not controllers.
Controller = Annotated[int, Ge(0), Le(119)]
# A note-on with velocity 0 is a note-off by the standard, so the softest strike is 1.
Velocity = Annotated[int, Ge(1), Le(127)]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the map. Exactly one of note, cc, program."""

    what: WhatName
    """What of the music: a name of WHATS."""
    note: Byte | None = None
    """Note to strike (60 = middle C)."""
    cc: Controller | None = None
    """Controller to move: a level follows its value; a beat or a hit sets `high` and, a gate later, `low`."""
    program: Byte | None = None
    """Program to select, counted from 0."""
    channel: Annotated[int, Ge(1), Le(16)] = 1
    """MIDI channel as printed on gear."""
    every: Annotated[int, Ge(1), Le(1024)] = 1
    """Every how many of them: 2 with beat is every other beat, 4 with bar every fourth bar."""
    velocity: Velocity | tuple[Velocity, Velocity] = (40, 127)
    """Fixed, or softest and loudest: from the hit's strength, for beats and bars from the confidence."""
    gate: Annotated[float, Gt(0.0), Le(60.0)] = 0.08
    """Seconds a note sounds."""
    low: Byte = 0
    """Controller value at 0 (above `high`: upside down)."""
    high: Byte = 127
    """Controller value at 1."""
    min_confidence: Annotated[float, Ge(0.0), Le(1.0)] = 0.1
    """Beats, bars and phases are not sent while the line's confidence is below this; hits and levels always are."""


@dataclass(frozen=True, slots=True)
class What:
    """name: as show files spell it. says: one line for the docs.

    count (predicted): Beat, Grid -> number of the thing that starts with it, None if none does. of_bars: whether it
    is as sure as the bars only. value (levels): Moment -> 0..1. predicted: whether confidence matters. With neither
    count nor value it is a hit, a kind of state.KINDS.
    """

    name: str
    says: str
    count: Callable[[Beat, Grid], int | None] | None = None
    of_bars: bool = False
    value: Callable[[Moment], float] | None = None
    predicted: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        return ("cc",) if self.value else ("note", "cc", "program")


def _bar(cue: Beat, grid: Grid) -> int | None:
    return cue.bar if cue.beat_in_bar == 1 else None


def _phrase(cue: Beat, grid: Grid) -> int | None:
    return (cue.bar - grid.phrase) // grid.bars_per_phrase if cue.phrase else None


def _band(name: str) -> Callable[[Moment], float]:
    place = list(BANDS).index(name)
    return lambda moment: moment.levels.bands[place]


_TABLE = (
    What("beat", "each beat", count=lambda cue, grid: cue.number, predicted=True),
    What("downbeat", "the first beat of each bar", count=_bar, of_bars=True, predicted=True),
    What("bar", "another word for downbeat", count=_bar, of_bars=True, predicted=True),
    What("phrase", "the first beat of each phrase", count=_phrase, of_bars=True, predicted=True),
    *(What(kind, f"each {kind} drum heard") for kind in KINDS),
    What("loudness", "how loud it is now", value=lambda m: m.levels.loudness),
    What("energy", "how loud it has been for some seconds: low in a breakdown", value=lambda m: m.levels.energy),
    What("brightness", "0 dark to 1 bright", value=lambda m: m.levels.brightness),
    What("mood", f"a quarter each: {', '.join(MOODS)}", value=lambda m: m.levels.mood),
    *(What(n, f"level of {lo:g} to {hi:g} Hz", value=_band(n)) for n, (lo, hi) in BANDS.items()),
    What("beat_phase", "0 on the beat, rising to 1", value=lambda m: m.beat_phase, predicted=True),
    What("bar_phase", "0 on the downbeat, rising to 1", value=lambda m: m.bar_phase, predicted=True, of_bars=True),
    What(
        "phrase_phase", "0 where a phrase starts, rising to 1",
        value=lambda m: m.phrase_phase, predicted=True, of_bars=True,
    ),
    What("confidence", "how likely the line's beats are right", value=lambda m: m.confidence),
    What("tempo", "beats a minute less 60: 120 BPM is 60", value=lambda m: (m.bpm - 60.0) / 127.0),
)  # fmt: skip
WHATS: dict[str, What] = {what.name: what for what in _TABLE}
assert tuple(WHATS) == get_args(WhatName)

# Drums where General MIDI has them (channel 10: 36 bass drum 1, 38 acoustic snare, 42 closed hi-hat). The line and
# the levels stay off the channels gear listens to by default; controllers 20..31 are undefined in MIDI 1.0, so
# nothing moves before it was told to learn them.
DEFAULT_ROWS: tuple[Row, ...] = (
    Row("kick", note=36, channel=10),
    Row("snare", note=38, channel=10),
    Row("hat", note=42, channel=10),
    Row("beat", note=60, channel=16, velocity=90),
    Row("downbeat", note=72, channel=16, velocity=120),
    Row("phrase", note=84, channel=16, velocity=127),
    Row("energy", cc=20, channel=16),
    Row("bass", cc=21, channel=16),
)


@dataclass(frozen=True, slots=True)
class MidiSettings:
    """One MIDI output of a show."""

    name: str = "midi"
    """What the output is called on the screen and in the log."""
    port: str = ""
    """Part of the name of a port that exists, in any case: "usb" finds "USB MIDI Interface". Empty: none."""
    virtual: str = "Getaway"
    """Name of the port opened for others to connect to, when `port` is empty. Not on Windows."""
    api: Literal["auto", "alsa", "jack", "core", "windows"] = "auto"
    """MIDI system. auto: the platform's own first, then JACK."""
    latency: Annotated[float, Ge(-2.0), Le(2.0)] = 0.0
    """Seconds from send to sound, subtracted from what is predicted. Negative: late on purpose."""
    clock: bool = True
    """Send MIDI clock, 24 a beat, with song position, start, continue and stop."""
    rows: tuple[Row, ...] = DEFAULT_ROWS
    """The map."""
    rate: Annotated[float, Ge(0.0), Le(100.0)] = 30.0
    """How many times a second levels are looked at, at most. 0: levels are not sent."""

    def problems(self) -> list[str]:
        """What is wrong beyond single values, one line each, empty when nothing is."""
        return _settings_problems(self)


_RANGES = {
    "note": (0, 127), "cc": (0, 119), "program": (0, 127), "channel": (1, 16), "every": (1, 1024),
    "low": (0, 127), "high": (0, 127), "min_confidence": (0, 1),
}  # fmt: skip


def problems(row: Row, where: str = "row") -> list[str]:
    """What is wrong with a row, one line each, empty when nothing is. `where` is put before each line."""
    if row.what not in WHATS:
        return [f'{where}.what: "{row.what}" is none of {", ".join(WHATS)}']
    what, wrong = WHATS[row.what], []
    named = [target for target in ("note", "cc", "program") if getattr(row, target) is not None]
    if len(named) != 1:
        wrong.append(f"{where}: name exactly one of note, cc, program (named: {', '.join(named) or 'none'})")
    elif named[0] not in what.targets:
        wrong.append(f"{where}.{named[0]}: {row.what} is a level and can only move a cc")
    for key, (least, most) in _RANGES.items():
        value = getattr(row, key)
        if value is not None and not least <= value <= most:
            wrong.append(f"{where}.{key}: {value} is not {least}..{most}")
    pair = row.velocity if isinstance(row.velocity, tuple) else (row.velocity, row.velocity)
    if not all(1 <= v <= 127 for v in pair):
        wrong.append(f"{where}.velocity: {row.velocity} is not 1..127")
    elif pair[0] > pair[1]:
        wrong.append(f"{where}.velocity: {row.velocity} is (softest, loudest): the first is the smaller")
    if not 0.0 < row.gate <= 60.0:
        wrong.append(f"{where}.gate: {row.gate} is not above 0 and up to 60 seconds")
    if what.value and row.every != 1:
        wrong.append(f"{where}.every: {row.what} is a level, it has no every")
    return wrong


def _settings_problems(settings: MidiSettings) -> list[str]:
    wrong = [line for i, row in enumerate(settings.rows) for line in problems(row, f"rows[{i}]")]
    if not settings.port and not settings.virtual:
        wrong.append("port, virtual: both are empty; name a port that exists or one to open")
    seen: dict[tuple[int, int], int] = {}
    for i, row in enumerate(settings.rows):
        if row.cc is not None and row.what in WHATS and WHATS[row.what].value:
            first = seen.setdefault((row.channel, row.cc), i)
            if first != i:
                wrong.append(f"rows[{i}].cc: rows[{first}] moves cc {row.cc} of channel {row.channel} already")
    return wrong


def _said(row: Row) -> tuple[str, str]:
    if row.note is not None:
        return f"note {row.note}", f"velocity {row.velocity}, {row.gate:g} s"
    if row.cc is not None:
        return f"cc {row.cc}", f"{row.low}..{row.high}"
    return f"program {row.program}", ""


def rows_docs() -> str:
    """The documentation of the map as Markdown: every `what`, then the default rows."""
    lines = ["| what | is | can be | silent below min_confidence |", "|---|---|---|---|"]
    for what in WHATS.values():
        sure = "" if not what.predicted else "of the bars" if what.of_bars else "of the beats"
        lines.append(f"| `{what.name}` | {what.says} | {', '.join(what.targets)} | {sure} |")
    lines += ["", "Default rows:", "", "| what | message | channel | value |", "|---|---|---|---|"]
    lines += [f"| `{r.what}` | {_said(r)[0]} | {r.channel} | {_said(r)[1]} |" for r in DEFAULT_ROWS]
    return "\n".join(lines) + "\n"
