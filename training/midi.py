"""MIDI files in seconds. Public: Voice, tick_times, voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Voice:
    """What one track plays on one channel with one program. notes: float64[n, 4] as a Part's."""

    track: str
    channel: int
    program: int
    notes: Floats


def voices(midi: mido.MidiFile) -> list[Voice]:
    """Every voice that sounds, in the order of the file. A note struck again before its end ends there."""
    time_of = tick_times(midi)
    rows: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
    for number, track in enumerate(midi.tracks):
        now = 0
        programs: dict[int, int] = {}
        sounding: dict[tuple[int, int], tuple[int, int, int]] = {}
        for message in track:
            now += message.time
            if message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type in {"note_on", "note_off"}:
                key = (message.channel, message.note)
                if key in sounding:
                    begun, velocity, program = sounding.pop(key)
                    row = (begun, now, message.note, velocity)
                    rows.setdefault((number, message.channel, program), []).append(row)
                if message.type == "note_on" and message.velocity:
                    sounding[key] = (now, message.velocity, programs.get(message.channel, 0))
    found = []
    for (number, channel, program), every in rows.items():
        ticks = np.array(sorted(every), dtype=np.float64)
        starts, ends = time_of(ticks[:, 0]), time_of(ticks[:, 1])
        notes = np.column_stack([starts, ends - starts, ticks[:, 2:]])
        found.append(Voice(midi.tracks[number].name, channel, program, notes))
    return found
