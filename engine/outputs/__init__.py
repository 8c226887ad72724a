"""Outputs: what the conductor plays. One file an output; each says how late it is and what it wants to be told.

An output never looks at a clock and never decides when: it is called when something of its is due, its own latency
early, with the Moment of the instant its effect will be seen. Public: Output, Lost, Beat, Struck, Cue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.faults import Lost
from engine.state import Moment


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat of the line is due. Each number comes once, in order, however the line is corrected.

    number: the count. time: host time at which it is seen or heard. beat_in_bar: 1 = downbeat. bar: number of its
    bar. phrase: whether a phrase starts here. confidence, bar_confidence: 0..1, of the line when it was decided.
    """

    number: int
    time: float
    beat_in_bar: int
    bar: int
    phrase: bool
    confidence: float
    bar_confidence: float


@dataclass(frozen=True, slots=True)
class Struck:
    """A drum was heard. kind: one of state.KINDS. count: running count. time: host time of the sound. strength: 0..1.

    missed: how many of the kind came between this one and the last that was told (0 normally).
    """

    kind: str
    count: int
    time: float
    strength: float
    missed: int


Cue = Beat | Struck

__all__ = ["Beat", "Cue", "Lost", "Output", "Struck"]


class Output(Protocol):
    """One receiver: a MIDI port, a DMX universe, a file. Made open and ready; raises Lost when it can't be.

    latency: seconds from send to seen or heard; what is predicted is sent that much early. Negative: late on purpose.
    subdivision: how many times a beat `send` is wanted (1: on beats; 24: MIDI clock). rate: how many times a second
    besides (levels, frames); 0: never. wake: host time at which `send` is wanted once more, inf: none (note-offs).

    The conductor calls send(moment, cues) on its own thread: at every due beat, subdivision, hit, frame and wake.
    It must not block. `moment` is the instant at which what is sent now takes effect: host time now + latency.
    send returns how many messages left. Raising Lost closes the output; it is opened again with back-off.
    """

    name: str
    latency: float
    subdivision: int
    rate: float
    wake: float

    def send(self, moment: Moment, cues: tuple[Cue, ...]) -> int: ...

    def alive(self) -> bool:
        """Whether the thing behind it is still there. Called about once a second, off the conductor's thread."""
        ...

    def close(self) -> None:
        """Leave nothing sounding or lit that the show did not ask for. Never raises."""
        ...
