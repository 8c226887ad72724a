"""The table of controls: which key does what, and what is said about it. Public: Key, KEYS, command_for, command_of.

Data only: no window, no terminal. The stage and the terminal view read the same rows. Names of keys are those of
pyglet's `key.symbol_string`; for terminals they are turned into characters here.
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
    Key(("N",), "n", "phrase", "a phrase starts here"),
    Key(("LEFT",), "←", "nudge", "beats 10 ms earlier", {"amount": -0.010}),
    Key(("RIGHT",), "→", "nudge", "beats 10 ms later", {"amount": 0.010}),
    Key(("UP",), "↑", "double", "twice the tempo"),
    Key(("DOWN",), "↓", "halve", "half the tempo"),
    Key(("L",), "l", "lock", "lock the tempo, and back"),
    Key(("O",), "o", "range", "stay in this octave, and back"),
    Key(("R",), "r", "resync", "listen afresh"),
    Key(("B",), "b", "blackout", "blackout, and back"),
    Key(("P",), "p", "panic", "panic: all notes off"),
    Key(("F",), "f", "fullscreen", "fullscreen, and back", sends=False),
    Key(("F12",), "F12", "screenshot", "save a picture", sends=False),
    Key(("H", "QUESTION", "SLASH"), "?", "help", "show or hide this", sends=False),
    Key(("ESCAPE", "Q"), "q", "quit", "end the show"),
)

_BY_SYMBOL = {symbol: key for key in KEYS for symbol in key.symbols}
_TYPED = {
    " ": "SPACE", "\r": "ENTER", "\n": "ENTER", "\x1b[D": "LEFT", "\x1b[C": "RIGHT", "\x1b[A": "UP",
    "\x1b[B": "DOWN", "\x1b": "ESCAPE", "?": "QUESTION",
    "\xe0K": "LEFT", "\xe0M": "RIGHT", "\xe0H": "UP", "\xe0P": "DOWN",  # as Windows' console gives them
}  # fmt: skip


def command_for(symbol: str) -> Key | None:
    """The row of a key by its symbol, None for a key without one."""
    return _BY_SYMBOL.get(symbol)


def command_of(typed: str) -> Key | None:
    """The row of what was typed in a terminal (a character or an escape sequence), None for what has none."""
    return _BY_SYMBOL.get(_TYPED.get(typed, typed.upper()))
