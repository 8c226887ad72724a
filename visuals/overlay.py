"""The help that lies over the picture: how it goes and which key does what, from the table of keys. Public: Help.

Needs a current GL context and pyglet's text; nothing is made before it is first shown. Never handles a key itself.
"""

from __future__ import annotations

from typing import Any

from engine.controls import KEYS
from engine.state import Moment

FONTS = ("Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "DejaVu Sans")
AMBER = (255, 186, 92)
PAPER = (236, 239, 242)


class Help:
    """A panel in the middle of a window of `size` units (not pixels); `visible` says whether it is drawn."""

    def __init__(self) -> None:
        self.visible = False
        self._size = (0, 0)
        self._batch: Any = None
        self._parts: list[Any] = []
        self._status: Any = None

    def draw(self, size: tuple[int, int], moment: Moment) -> None:
        if not self.visible:
            return
        if size != self._size:
            self._build(size)
        if self._status.text != (words := status(moment)):  # laying out text costs more than comparing it
            self._status.text = words
        self._batch.draw()

    def _build(self, size: tuple[int, int]) -> None:
        from pyglet import font, graphics, shapes, text

        self.close()
        self._size, self._batch = size, graphics.Batch()
        back, front = graphics.Group(0), graphics.Group(1)
        face = next((name for name in FONTS if font.have_font(name)), None)
        unit = max(1.0, min(size[1] / (2.0 * len(KEYS) + 8.0), size[0] / 34.0, 22.0))  # half a row
        width, height = 30.0 * unit, (2.0 * len(KEYS) + 5.4) * unit
        left, top = (size[0] - width) / 2.0, (size[1] + height) / 2.0
        parts = self._parts

        def box(x: float, y: float, w: float, h: float, color: tuple[int, int, int, int], group: Any) -> None:
            bend = min(h / 2.0, 0.55 * unit)
            how = {"color": color, "batch": self._batch, "group": group}
            parts.append(shapes.RoundedRectangle(x, y, w, h, bend, segments=8, **how))

        def write(words: str, x: float, y: float, scale: float, color: tuple[int, int, int], **how: Any) -> None:
            parts.append(
                text.Label(
                    words, x=x, y=y, anchor_y="center", font_name=face, font_size=scale * unit,
                    color=(*color, 255), batch=self._batch, group=front, **how,
                )
            )  # fmt: skip

        box(left, top - height, width, height, (8, 10, 14, 226), back)
        write("Getaway", left + 2.0 * unit, top - 2.1 * unit, 1.15, PAPER, weight="bold")
        write("", left + width - 2.0 * unit, top - 2.1 * unit, 0.8, AMBER, anchor_x="right")
        self._status = parts[-1]
        caps = graphics.Group(0, parent=front)
        for row, key in enumerate(KEYS):
            y = top - (4.9 + 2.0 * row) * unit
            box(left + 2.0 * unit, y - 0.78 * unit, 6.0 * unit, 1.56 * unit, (44, 49, 58, 255), caps)
            write(key.label, left + 5.0 * unit, y, 0.72, AMBER, anchor_x="center")
            write(key.says, left + 9.4 * unit, y, 0.8, PAPER)

    def close(self) -> None:
        self._status = None
        for part in self._parts:
            part.delete()
        self._parts.clear()
        self._size = (0, 0)


def status(moment: Moment) -> str:
    """Tempo, section and mood in a few words."""
    locked = " locked" if moment.state.tempo_told.locked else ""
    return f"{moment.bpm:.0f} BPM{locked} · {moment.section.name} · {moment.levels.mood_name}"
