"""The table of the stage's keys: which key does what, and what is said about it. Public: Key, KEYS, command_for.

Data only: no window, no pyglet. Names of keys are those of `pyglet.window.key.symbol_string`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """symbols: keys that do it. label: how the help writes them. do: the command's or the stage's own word.

    extra: what else goes into the command. sends: whether the engine is told (the rest happens on the stage alone).
    """

    symbols: tuple[str, ...]
    label: str
    do: str
    says: str
    extra: dict[str, Any] = field(default_factory=dict)
    sends: bool = True

    def command(self, time: float) -> dict[str, Any]:
        """The command for the engine, pressed at a host time in seconds."""
        return {"do": self.do, "time": time, **self.extra}


KEYS: tuple[Key, ...] = (
    Key(("SPACE",), "space", "tap", "tap the beat"),
    Key(("ENTER", "RETURN", "NUM_ENTER"), "enter", "downbeat", "the bar starts here"),
    Key(("LEFT",), "←", "nudge", "beats 10 ms earlier", {"amount": -0.010}),
    Key(("RIGHT",), "→", "nudge", "beats 10 ms later", {"amount": 0.010}),
    Key(("UP",), "↑", "double", "twice the tempo"),
    Key(("DOWN",), "↓", "halve", "half the tempo"),
    Key(("R",), "r", "resync", "listen afresh"),
    Key(("B",), "b", "blackout", "blackout, and back"),
    Key(("P",), "p", "panic", "panic: all notes off"),
    Key(("F",), "f", "fullscreen", "fullscreen, and back", sends=False),
    Key(("F12",), "F12", "screenshot", "save a picture", sends=False),
    Key(("H", "QUESTION", "SLASH"), "h", "help", "show or hide this", sends=False),
    Key(("ESCAPE", "Q"), "esc", "quit", "end the show"),
)

_BY_SYMBOL = {symbol: key for key in KEYS for symbol in key.symbols}


def command_for(symbol: str) -> Key | None:
    """The row of a key, None for a key without one."""
    return _BY_SYMBOL.get(symbol)
