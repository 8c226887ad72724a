"""What the stage tells about itself: counted while drawing, put together a few times a second. Public: Facts.

Counts only; it is told times and never looks at a clock except for the process's own processor time.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any


class Facts:
    """Cost of the last frames: Python's share of each (s), and how much of a core the process takes."""

    KEPT = 240  # frames: 4 s at 60

    def __init__(self, began: float) -> None:
        self._python: deque[float] = deque(maxlen=self.KEPT)
        self._frame: deque[float] = deque(maxlen=self.KEPT)
        self._wall = began
        self._processor = time.process_time()

    def frame(self, python: float, whole: float) -> None:
        """A frame took `python` seconds beside GL and `whole` with it (without waiting for its turn)."""
        self._python.append(python)
        self._frame.append(whole)

    def gather(self, now: float) -> dict[str, Any]:
        """python_ms and frame_ms as {p50, p99} (ms); cpu: cores kept busy since the last call, GL's threads too."""
        processor = time.process_time()
        share = (processor - self._processor) / max(1e-9, now - self._wall)
        self._wall, self._processor = now, processor
        return {"python_ms": _spread(self._python), "frame_ms": _spread(self._frame), "cpu": round(share, 3)}


def _spread(seconds: deque[float]) -> dict[str, float]:
    if not seconds:
        return {"p50": 0.0, "p99": 0.0}
    ranked = sorted(seconds)
    return {
        name: round(1000.0 * ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
