"""Starting a stage from a test. A module with a name of its own: the started process imports it by that name."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from typing import Any

from engine.clock import now
from engine.slot import Shared
from engine.stage_settings import StageSettings

SETTINGS = StageSettings(size=(160, 90), offscreen=True, show_dir=".")


def _stage(shared: Shared, settings: StageSettings, lines: Any) -> None:
    from visuals.stage import perform

    sys.exit(perform(shared, settings, lambda level, text: lines.put((level, text)), 0))


class Running:
    """A stage in a process of its own. Ended by the fixture, if the test has not."""

    def __init__(self, settings: StageSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self.shared = Shared()
        self._lines = context.SimpleQueue()
        self.process = context.Process(target=_stage, args=(self.shared, settings, self._lines))
        self.process.start()

    def facts(self) -> dict[str, Any]:
        return self.shared.reported("stage")[1]

    def wait(self, what: Callable[[dict[str, Any]], bool], seconds: float = 40.0) -> dict[str, Any]:
        """The first report for which `what` holds. Fails when there is none in time, or the stage ended before."""
        until = now() + seconds
        while now() < until:
            facts = self.facts()
            if facts and what(facts):
                return facts
            if not self.process.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"not reported: {self.facts()}, {self.lines()}, exit {self.process.exitcode}")

    def lines(self) -> list[tuple[str, str]]:
        found = []
        while not self._lines.empty():
            found.append(self._lines.get())
        return found

    def stop(self) -> int | None:
        self.shared.stop = True
        self.process.join(20.0)
        return self.process.exitcode
