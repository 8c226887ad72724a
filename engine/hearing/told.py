"""What a person said about the line and what follows from it, for any tracker. Public: heed, limits, redrawn, onto.

Pure. The words are hints (HINTS in listener.py); what of them still holds is a TempoTold (engine/state.py).
"""

from __future__ import annotations

import math
from dataclasses import replace

from engine.grid import Grid
from engine.state import TempoTold

OCTAVES = (1.0, 2.0, 0.5, 4.0, 0.25)
_FARTHEST = 0.25  # seconds a nudge may add up to


def limits(told: TempoTold, show: tuple[float, float]) -> tuple[float, float]:
    """Slowest and fastest BPM in force. show: those of the show file, where no person said others."""
    return (told.slowest, told.fastest) if told.ranged else show


def heed(told: TempoTold, hint: str, amount: float, bpm: float, show: tuple[float, float]) -> TempoTold | None:
    """What holds after a hint at a tempo of `bpm`; None when it can't be followed. `show` as in limits."""
    slowest, fastest = limits(told, show)
    if hint in ("double", "halve", "tempo"):
        new = {"double": 2.0 * bpm, "halve": 0.5 * bpm}.get(hint, amount)
        if hint != "tempo" and not 0.99 * show[0] <= new <= 1.01 * show[1]:  # half of a heard 100 is 49.99
            return None
        told = replace(told, octave=True)
        # The newer word counts: a range told before moves along.
        return _octave(told, new) if told.ranged and not slowest <= new <= fastest else told
    if hint == "lock":
        return replace(told, locked=amount > 0.0 or (amount == 0.0 and not told.locked))
    if hint == "range":
        return replace(told, slowest=0.0, fastest=0.0) if told.ranged else _octave(told, bpm)
    if hint in ("slowest", "fastest"):
        slowest, fastest = (amount, fastest) if hint == "slowest" else (slowest, amount)
        return replace(told, slowest=slowest, fastest=fastest) if 0.0 < slowest < fastest else None
    if hint == "nudge":
        return replace(told, nudge=max(-_FARTHEST, min(_FARTHEST, told.nudge + amount)))
    if hint == "resync":
        return TempoTold(slowest=told.slowest, fastest=told.fastest)
    return told if hint in ("beat", "downbeat") else None


def _octave(told: TempoTold, bpm: float) -> TempoTold:
    """The range of an octave round a tempo."""
    return replace(told, slowest=bpm / math.sqrt(2.0), fastest=bpm * math.sqrt(2.0))


def redrawn(grid: Grid, hint: str, time: float, amount: float, bpm: tuple[float, float]) -> Grid:
    """The line as a hint that was heeded moves it at `time`; bpm: the limits then in force."""
    if hint in ("double", "halve"):
        return _scaled(grid, time, 0.5 if hint == "double" else 2.0)
    if hint == "nudge":
        return grid.retimed(time, shift=max(-0.5, min(0.5, -amount / grid.period)))
    if hint == "tempo":
        return grid.retimed(time, period=60.0 / amount)
    if hint == "beat":
        return onto(grid, time, grid.period)
    if hint == "downbeat":
        return grid.rebarred(round(grid.beat_at(time)))
    if hint in ("range", "slowest", "fastest"):
        return _scaled(grid, time, next((r for r in OCTAVES if bpm[0] <= grid.bpm / r <= bpm[1]), 1.0))
    return grid


def onto(grid: Grid, place: float, period: float) -> Grid:
    """The line moved the short way so that a beat falls on `place`, with another period; the count goes on."""
    off = grid.beat_at(place)
    moved = grid.retimed(place, period=period, shift=round(off) - off)
    return replace(moved, beat=float(round(moved.beat)))


def _scaled(grid: Grid, time: float, times: float) -> Grid:
    """The line with `times` its period, the last beat and the nearest bar where they are."""
    if times == 1.0:
        return grid
    bars = round((grid.beat_at(time) - grid.downbeat) / grid.beats_per_bar)
    bar = grid.time_of(grid.downbeat + bars * grid.beats_per_bar)  # a bar starts there, and goes on doing so
    grid = grid.retimed(grid.time_of(grid.last_beat_at(time)), period=grid.period * times)
    return grid.rebarred(round(grid.beat_at(bar)))
