"""Opens the output that settings ask for. Public: open_output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.clock import now
from engine.outputs import Output

Tap = Callable[[bytes], None]


def _midi(settings: Any, resumed: bool, tap: Tap | None) -> Output:
    from engine.outputs.midi import MidiOutput  # only a show that plays MIDI needs its library

    return MidiOutput(settings, now, resumed=resumed, tap=tap)


_OPENERS: dict[str, Callable[[Any, bool, Tap | None], Output]] = {"MidiSettings": _midi}


def open_output(settings: Any, *, resumed: bool, tap: Tap | None = None) -> Output:
    """The open output. Lost or Refused when it can't be had.

    resumed: it goes on where another, perhaps killed, left off. tap: is shown the bytes of each message sent.
    """
    return _OPENERS[type(settings).__name__](settings, resumed, tap)
