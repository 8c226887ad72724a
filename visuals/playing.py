"""What is on: the scene being drawn, and the last good one to go back to when it fails. Public: Playing.

A scene that can't be loaded never gets on; one that fails while drawing is taken off, and the one before it goes on.
Each failure is logged once and kept for the report. Needs a GL context. Transitions between scenes and reloading
them will live here: `show` is where a new scene comes in, `draw` where the picture is made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.state import Moment
from visuals.scene import Scene, SceneError, fallback, load, scene_path

FALLBACK = "fallback"


class Playing:
    """folders: where scenes are looked up by name, besides those of Getaway. log: as the stage's."""

    def __init__(self, log: Callable[[str, str], None], *folders: Path) -> None:
        self._log = log
        self._folders = folders
        # The newest last. The first can't fail and stays; below the newest, only the last good one is kept.
        self._stack: list[tuple[str, Scene]] = [(FALLBACK, fallback())]
        self.errors = 0
        self.error = ""  # the newest failure, in words

    @property
    def name(self) -> str:
        return self._stack[-1][0]

    def show(self, name: str, size: tuple[int, int]) -> bool:
        """Load a scene and put it on. False, with a report, when it is not fit: then what is on stays on."""
        try:
            path = scene_path(name, *self._folders)
            scene = load(path, size)
        except SceneError as error:
            self._report(error)
            return False
        for old in self._stack[1:-1]:
            self._close(old[1])
        self._stack = [self._stack[0], *self._stack[1:][-1:], (path.stem, scene)]
        self._log("info", f"scene: {path.stem}")
        return True

    def draw(self, moment: Moment, size: tuple[int, int]) -> None:
        """Draw what is on; if it fails, what was on before."""
        while True:
            try:
                self._stack[-1][1].draw(moment, size)
                return
            except SceneError as error:
                self._report(error)
                if len(self._stack) == 1:
                    return
                self._close(self._stack.pop()[1])

    def _report(self, error: SceneError) -> None:
        self.errors += 1
        self.error = str(error)
        self._log("error", f"scene: {error}; {self.name} stays on" if len(self._stack) == 1 else f"scene: {error}")

    def _close(self, scene: Scene) -> None:
        try:
            scene.close()
        except SceneError as error:
            self._report(error)

    def close(self) -> None:
        for _, scene in self._stack:
            self._close(scene)
        self._stack = self._stack[:1]
