"""Hearing: blocks of samples in, States out. Times in here are seconds of the stream (sample index / rate).

Pure: no clock, no device, no thread. The same samples give the same States to the last bit, whatever the sizes of
the blocks they come in. Rooms: listener (puts it together), spectrum and levels, hits, beats (the line) and the
trackers behind it. Public here: ListenerSettings (light, so that a show can be read without aubio).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

Bpm = Annotated[float, Ge(30.0), Le(300.0)]


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """[listener] of a show. tracker: who draws the line. tempo: slowest and fastest BPM it may take for the beat.

    beats_per_bar: what a bar has until the music says otherwise. bars_per_phrase: bars from one big change to the next.
    """

    tracker: Literal["network", "aubio"] = "network"
    tempo: tuple[Bpm, Bpm] = (50.0, 220.0)
    beats_per_bar: Annotated[int, Ge(2), Le(7)] = 4
    bars_per_phrase: Annotated[int, Ge(1), Le(64)] = 8
