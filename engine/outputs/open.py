"""Opens the output that settings ask for. Public: open_output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.clock import now
from engine.outputs import Output


def _midi(settings: Any, resumed: bool) -> Output:
    from engine.outputs.midi import MidiOutput  # only a show that plays MIDI needs its library

    return MidiOutput(settings, now, resumed=resumed)


_OPENERS: dict[str, Callable[[Any, bool], Output]] = {"MidiSettings": _midi}


def open_output(settings: Any, *, resumed: bool) -> Output:
    """The open output. resumed: it goes on where another, perhaps killed, left off. Lost or Refused when it can't."""
    return _OPENERS[type(settings).__name__](settings, resumed)
