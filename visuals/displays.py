"""Which displays there are, and which one a show file means. Opens no window. Public: Display, displays, choose.

Asking initialises the system's display library in this process: call it in a process of its own where a server may
be missing or may appear later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Display(NamedTuple):
    """Name as the system gives it; size and place on the desktop in pixels."""

    name: str
    width: int
    height: int
    x: int
    y: int


def named(screens: Sequence[object]) -> list[Display]:
    """pyglet screens as Displays; one without a name is called by its number."""
    found = []
    for number, screen in enumerate(screens, 1):
        try:
            name = str(screen.get_monitor_name())  # type: ignore[attr-defined]
        except Exception:  # each system fails here in its own way, and none of them matters
            name = ""
        if name in ("", "Unknown"):
            name = f"display {number}"
        found.append(Display(name, *(int(getattr(screen, what)) for what in ("width", "height", "x", "y"))))
    return found


def displays() -> list[Display]:
    """All displays, in the system's order, the first being number 1. Exceptions as the system raises them."""
    from pyglet import display

    return named(display.get_display().get_screens())


def choose(wanted: int | str | None, there: Sequence[Display]) -> int | None:
    """Index of the display meant by a number from 1 or by (part of) its name; None when there is no such one."""
    text = str(wanted or "").strip().lower()
    if text.isdigit():
        return int(text) - 1 if 1 <= int(text) <= len(there) else None
    for match in (lambda name: name == text, lambda name: bool(text) and text in name):
        for index, display in enumerate(there):
            if match(display.name.lower()):
                return index
    return None
