"""The MIDI map: what may stand in it, what it says of itself."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.grid import Grid
from engine.outputs import Beat
from engine.outputs.midi_rows import DEFAULT_ROWS, WHATS, MidiSettings, Row, problems, rows_docs
from engine.state import Levels, Moment, State


def test_the_default_map_has_no_problems() -> None:
    """What ships is right by its own rules."""
    assert MidiSettings().problems() == []
    assert len(DEFAULT_ROWS) == 8


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row("beat"), "row: name exactly one of note, cc, program (named: none)"),
        (Row("beat", note=1, cc=2), "row: name exactly one of note, cc, program (named: note, cc)"),
        (Row("beat", note=0, cc=0, program=0), "row: name exactly one of note, cc, program (named: note, cc, program)"),
        (Row("energy", note=60), "row.note: energy is a level and can only move a cc"),
        (Row("energy", program=6), "row.program: energy is a level and can only move a cc"),
        (Row("energy", cc=6, every=2), "row.every: energy is a level, it has no every"),
        (Row("beat", note=128), "row.note: 128 is not 0..127"),
        (Row("beat", cc=120), "row.cc: 120 is not 0..119"),
        (Row("beat", note=1, channel=0), "row.channel: 0 is not 1..16"),
        (Row("beat", note=1, every=0), "row.every: 0 is not 1..1024"),
        (Row("beat", note=1, velocity=0), "row.velocity: 0 is not 1..127"),
        (
            Row("kick", note=1, velocity=(90, 20)),
            "row.velocity: (90, 20) is (softest, loudest): the first is the smaller",
        ),
        (Row("kick", note=1, gate=0.0), "row.gate: 0.0 is not above 0 and up to 60 seconds"),
    ],
)
def test_a_wrong_row_is_told_in_one_line(row: Row, said: str) -> None:
    """Each mistake gives exactly its own line."""
    assert problems(row) == [said]


def test_an_unknown_what_is_answered_with_all_there_are() -> None:
    """The line names what could have stood there."""
    (line,) = problems(Row("kik", note=1), "rows[3]")  # type: ignore[arg-type]
    assert line.startswith('rows[3].what: "kik" is none of beat,')
    assert all(name in line for name in WHATS)


def test_settings_name_the_row_and_refuse_two_masters_of_one_controller() -> None:
    """Problems carry the place; a controller can't follow two levels."""
    rows = (Row("energy", cc=7), Row("bass", cc=7), Row("beat"))
    assert MidiSettings(rows=rows, port="", virtual="").problems() == [
        "rows[2]: name exactly one of note, cc, program (named: none)",
        "port, virtual: both are empty; name a port that exists or one to open",
        "rows[1].cc: rows[0] moves cc 7 of channel 1 already",
    ]


def test_strict_pydantic_fills_the_settings_from_a_file() -> None:
    """The types are ones a strict adapter can fill, and hold their ranges."""
    adapter = TypeAdapter(MidiSettings)
    text: dict[str, Any] = {
        "port": "usb", "latency": -0.5, "rows": [{"what": "kick", "note": 36, "velocity": [1, 127]}],
    }  # fmt: skip
    made = adapter.validate_json(json.dumps(text), strict=True)
    assert made == MidiSettings(port="usb", latency=-0.5, rows=(Row("kick", note=36, velocity=(1, 127)),))
    wrong: list[dict[str, Any]] = [
        {"latency": 2.1}, {"rate": 101}, {"api": "midi"}, {"clock": 1},
        {"rows": [{"what": "kick", "note": 128}]}, {"rows": [{"what": "kick", "note": "36"}]},
        {"rows": [{"what": "kick", "note": 36, "velocity": 0}]}, {"rows": [{"what": "kick", "cc": 120}]},
    ]  # fmt: skip
    for bad in wrong:
        with pytest.raises(ValidationError):
            adapter.validate_json(json.dumps(bad), strict=True)


def test_every_level_is_within_0_and_1_over_all_it_can_be() -> None:
    """A level's value fills 0..1: its least is 0, its most 1 (tempo: 60 and 187 BPM; phases stay below 1)."""
    for name, what in WHATS.items():
        if what.value is None:
            continue
        low = Moment.at(State(Grid(0.0, 0.0, 1.0), levels=Levels(brightness=0.0)), 0.0)
        high = State(Grid(0.0, 0.0, 60 / 187), 1.0, levels=Levels(1.0, 1.0, 1.0, 1.0, (1.0,) * 5))
        top = Moment.at(high, (32 - 1e-6) * 60 / 187)
        assert what.value(low) == pytest.approx(0.0, abs=1e-9), name
        assert what.value(top) == pytest.approx(1.0, abs=1e-5), name


def test_bars_and_phrases_are_counted_by_their_own_numbers() -> None:
    """`every` counts bars by bars and phrases by phrases; other beats are none of them."""
    grid = Grid(0.0, 0.0, 0.5, bars_per_phrase=8, phrase=-8)
    cue = Beat(96, 48.0, 1, 24, True, 1.0, 1.0)
    counted = {n: what.count(cue, grid) for n, what in WHATS.items() if what.count}
    assert counted == {"beat": 96, "downbeat": 24, "bar": 24, "phrase": 4}
    second = replace(cue, number=97, beat_in_bar=2, phrase=False)
    counted = {n: what.count(second, grid) for n, what in WHATS.items() if what.count}
    assert counted == {"beat": 97, "downbeat": None, "bar": None, "phrase": None}


def test_the_docs_name_everything_in_the_table() -> None:
    """Every what and every default row stands in the documentation, once a line."""
    lines = rows_docs().splitlines()
    for name in WHATS:
        assert sum(line.startswith(f"| `{name}` | {WHATS[name].says}") for line in lines) == 1
    assert lines[-len(DEFAULT_ROWS) :][0] == "| `kick` | note 36 | 10 | velocity (40, 127), 0.08 s |"


def test_every_field_is_explained_where_it_stands() -> None:
    """Each field of the settings is followed by its sentence in the source."""
    import inspect

    for cls in (Row, MidiSettings):
        source = [line.strip() for line in inspect.getsource(cls).splitlines()]
        for field in fields(cls):
            at = next(i for i, line in enumerate(source) if line.startswith(f"{field.name}: "))
            assert source[at + 1].startswith('"""'), f"{cls.__name__}.{field.name}"
