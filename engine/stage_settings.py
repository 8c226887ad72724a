"""What the stage is asked to be: [stage] of a show. Apart from show.py so that the stage need not import the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

Pixels = Annotated[int, Ge(64), Le(16384)]


@dataclass(frozen=True, slots=True)
class StageSettings:
    """scene: name or path of a scene. size: width and height of the window in pixels. fullscreen: fill the display.

    display: "" (the primary), its number from 1 as "1", or its name. vsync: wait for the display. fps: frames a
    second where vsync gives no pace. latency: seconds from the flip to light at the eye (televisions: 0.02 to 0.12),
    signed. title: of the window. Set by the program, not in a show file: offscreen (draw without a window),
    screenshot (PNG of the last frame), show_dir (where the show's own scenes lie).
    """

    scene: str = "night_drive"
    size: tuple[Pixels, Pixels] = (1280, 720)
    fullscreen: bool = False
    display: str = ""
    vsync: bool = True
    fps: Annotated[float, Ge(1.0), Le(500.0)] = 60.0
    latency: Annotated[float, Ge(-2.0), Le(2.0)] = 0.0
    title: str = "Getaway"
    offscreen: bool = False
    screenshot: str | None = None
    show_dir: str = ""
