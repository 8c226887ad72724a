"""Time in MIDI files. Public: tick_times."""

from __future__ import annotations

from collections.abc import Callable

import mido
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tick_times(midi: mido.MidiFile) -> Callable[[Floats], Floats]:
    """A function from ticks to seconds along the file's tempo map."""
    ticks, tempi = [0], [500_000]
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo":
                ticks.append(now)
                tempi.append(message.tempo)
    order = np.argsort(ticks, kind="stable")
    at = np.asarray(ticks, dtype=np.float64)[order]
    per_tick = np.asarray(tempi, dtype=np.float64)[order] / 1e6 / midi.ticks_per_beat
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(at) * per_tick[:-1])])

    def time_of(query: Floats) -> Floats:
        k = np.searchsorted(at, query, side="right") - 1
        return seconds[k] + (np.asarray(query, dtype=np.float64) - at[k]) * per_tick[k]

    return time_of
