"""What the terminal view and the log say of a State, and which command a key sends."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from engine.controls import command_of
from engine.grid import Grid
from engine.state import Levels, Section, State, TempoTold
from engine.terminal import picture, summary, told

STATE = State(
    Grid(100.0, 0.0, 0.5), 0.9, 0.8, 100.0,
    levels=Levels(mood=0.6), section=Section("build", 4, 95.0, -10.0), tempo_told=TempoTold(locked=True),
)  # fmt: skip


def seen(state: State) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(picture("show", state, {}, {}, 100.2, ()))
    return captured.get()


def test_the_view_shows_lock_section_and_mood() -> None:
    text = seen(STATE)
    assert "120.0 BPM  LOCK" in text
    assert "build, driving 0.60" in text
    assert "LOCK" not in seen(State.unheard(100.0))


def test_the_log_line_says_the_same() -> None:
    line = summary(STATE, {})
    assert "120.0 BPM LOCK, " in line
    assert "build, driving" in line


@pytest.mark.parametrize(
    ("tempo", "words"),
    [
        (TempoTold(octave=True, nudge=0.01), ""),
        (TempoTold(slowest=84.9, fastest=169.7), "85-170"),
        (TempoTold(locked=True, slowest=60.0, fastest=120.0), "LOCK 60-120"),
    ],
)
def test_what_is_held_of_the_tempo_in_words(tempo: TempoTold, words: str) -> None:
    assert told(tempo) == words


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("l", {"do": "lock", "time": 5.0}),
        ("o", {"do": "range", "time": 5.0}),
        ("\x1b[D", {"do": "nudge", "time": 5.0, "amount": -0.010}),
    ],
)
def test_a_key_sends_its_command(typed: str, command: dict[str, Any]) -> None:
    key = command_of(typed)
    assert key is not None
    assert key.command(5.0) == command
