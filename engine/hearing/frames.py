"""Cuts a stream of samples into frames of one exact size, whatever blocks it arrives in. Public: Framer, hop_for."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.state import Floats


def hop_for(rate: int, at_44100: int) -> int:
    """A hop of about the same duration at any rate in Hz: `at_44100` samples, doubled or halved as the rate is."""
    return max(32, round(at_44100 * 2.0 ** round(math.log2(rate / 44100.0))))


class Framer:
    """Collects samples; hands out frames float32[size], C-contiguous, in order, none lost, none twice."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._left = np.zeros(0, np.float32)

    def push(self, samples: Floats) -> Iterator[Floats]:
        """Frames that became whole with `samples` float32[n]. Run it to its end before the next push."""
        x = np.concatenate((self._left, samples)) if self._left.size else samples
        whole = x.size // self.size * self.size
        self._left = np.array(x[whole:], np.float32)
        for at in range(0, whole, self.size):
            # A copy: aubio misreads memory that is not contiguous, silently, and keeps pointers while it works.
            yield np.array(x[at : at + self.size], np.float32)
