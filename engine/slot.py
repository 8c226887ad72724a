"""What the processes share: slots (one writer, any readers, newest wins) and command rings (one writer, one reader).

All of it lives in one anonymous block of memory that the parent makes and hands to each child it starts. The block
has no name, so nothing is left behind however the processes die. Nothing here waits or takes a lock: a side that
dies in the middle of a write leaves the other with the last complete value. Public: Slot, Commands, Shared.

Slot is a sequence lock (Lameter, Linux kernel seqlock.h) spread over four cells: the writer fills a cell no reader
is sent to, then points at it. Python gives no memory barriers and Arm may reorder stores, so each cell carries a
CRC-32 as well (2 us for a State): what checks out is whole on any processor. Counts are stored through a view of 64-bit
numbers, one aligned store each: struct.pack_into clears the bytes before it fills them, so that a reader (and, for
good, the successor of a writer killed there) would find a count of 0.
"""

from __future__ import annotations

import ctypes
import json
import struct
import zlib
from collections.abc import Iterator
from multiprocessing import sharedctypes
from typing import Any

from engine.state import LAYOUT, State

_CELLS = 4
_TRIES = 100  # a reader that is held up for four writes looks again
_CELL = struct.Struct("<QII")  # sequence number, length, CRC-32 of the payload seeded with the number
_COUNT = 8  # bytes


def _counts(memory: memoryview, n: int) -> memoryview:
    """The first n 64-bit counts of a part of memory."""
    return memory[: n * _COUNT].cast("Q")


def _crc(number: int, payload: bytes) -> int:
    return zlib.crc32(payload, number & 0xFFFFFFFF)


class Slot:
    """The newest value a writer published. One writer at a time; any number of readers; nobody ever waits."""

    def __init__(self, memory: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self._stride = self._room(capacity)
        self._memory = memory
        self._count = _counts(memory, 1)

    @staticmethod
    def _room(capacity: int) -> int:
        """Bytes of one cell: in whole counts, so that what follows in memory is aligned."""
        return _CELL.size + -(-capacity // _COUNT) * _COUNT

    @staticmethod
    def size(capacity: int) -> int:
        """Bytes of memory for payloads of up to `capacity` bytes."""
        return _COUNT + _CELLS * Slot._room(capacity)

    @property
    def number(self) -> int:
        """How many values were published so far; 0 = none yet."""
        return self._count[0]

    def write(self, payload: bytes) -> None:
        """Publish. ValueError when longer than the capacity."""
        if len(payload) > self.capacity:
            raise ValueError(f"Slot.write: {len(payload)} bytes, at most {self.capacity}")
        number = self.number + 1
        at = _COUNT + (number % _CELLS) * self._stride
        _CELL.pack_into(self._memory, at, 0, 0, 0)
        self._memory[at + _CELL.size : at + _CELL.size + len(payload)] = payload
        _CELL.pack_into(self._memory, at, number, len(payload), _crc(number, payload))
        self._count[0] = number

    def read(self) -> tuple[int, bytes] | None:
        """(number, payload) of the newest whole value, or None when there is none."""
        for _ in range(_TRIES):
            newest = self.number
            # From newest to oldest: the writer may be lapping the cell we look at, or have died inside one. A later
            # number than was looked for is left alone: it may not be counted yet, and the next read would go back.
            for number in range(newest, max(0, newest - _CELLS), -1):
                at = _COUNT + (number % _CELLS) * self._stride
                seen, length, crc = _CELL.unpack_from(self._memory, at)
                if seen != number or length > self.capacity:
                    continue
                payload = bytes(self._memory[at + _CELL.size : at + _CELL.size + length])
                if crc == _crc(number, payload):
                    return number, payload
            if self.number == newest:
                return None
        return None


class Commands:
    """A ring of small commands (JSON objects) from one process to another, e.g. {"do": "tap", "time": 12.5}.

    The reader's position lies in the shared memory too: an engine that was restarted goes on with the command after
    the last one its predecessor took.
    """

    CELLS = 64
    LONGEST = 496  # bytes of JSON in one command

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._counts = _counts(memory, 2)  # written, taken

    @classmethod
    def size(cls) -> int:
        return 16 + cls.CELLS * (_CELL.size + cls.LONGEST)

    def send(self, command: dict[str, Any]) -> bool:
        """Hand over a command. False when the reader is so far behind that there is no room (it is not sent)."""
        payload = json.dumps(command, separators=(",", ":")).encode()
        if len(payload) > self.LONGEST:
            raise ValueError(f"Commands.send: {len(payload)} bytes of JSON, at most {self.LONGEST}")
        written, taken = self._counts
        if written - taken >= self.CELLS:
            return False
        at = 16 + (written % self.CELLS) * (_CELL.size + self.LONGEST)
        self._memory[at + _CELL.size : at + _CELL.size + len(payload)] = payload
        _CELL.pack_into(self._memory, at, written + 1, len(payload), _crc(written + 1, payload))
        self._counts[0] = written + 1
        return True

    def receive(self) -> Iterator[dict[str, Any]]:
        """Commands not taken yet, oldest first. A damaged one (its writer died inside) is passed over."""
        written, taken = self._counts
        while taken < written:
            at = 16 + (taken % self.CELLS) * (_CELL.size + self.LONGEST)
            number, length, crc = _CELL.unpack_from(self._memory, at)
            payload = bytes(self._memory[at + _CELL.size : at + _CELL.size + min(length, self.LONGEST)])
            taken += 1
            self._counts[1] = taken
            if number == taken and crc == _crc(number, payload):
                yield json.loads(payload)


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(part, longest) for key, part in value.items()}
    if isinstance(value, list):
        return [_cut(part, longest) for part in value[:24]]
    return value[:longest] if isinstance(value, str) else value


class Shared:
    """The block: its parts by name. Made by the parent with `Shared()`, handed to children by pickling at their start.

    state: the listener's State. engine, stage: each process's report on itself (JSON) for the terminal view.
    from_stage, from_terminal: commands to the engine. to_stage: commands to the stage. stop: set once, by the parent,
    and all end. over: set by any process when the performance should end (a person said so, the song is over).
    """

    _REPORT = 16384  # bytes of JSON

    def __init__(self) -> None:
        self._build(sharedctypes.RawArray(ctypes.c_ubyte, self._measure()))
        struct.pack_into("<II", self._memory, 0, LAYOUT, 0)

    @classmethod
    def _measure(cls) -> int:
        return 8 + Slot.size(State.SIZE) + 2 * Slot.size(cls._REPORT) + 3 * Commands.size()

    def _build(self, block: Any) -> None:
        self._block = block
        self._memory = memoryview(block).cast("B")
        start = 8

        def part(size: int) -> memoryview:
            nonlocal start
            start += size
            return self._memory[start - size : start]

        self._state = Slot(part(Slot.size(State.SIZE)), State.SIZE)
        self._engine = Slot(part(Slot.size(self._REPORT)), self._REPORT)
        self._stage = Slot(part(Slot.size(self._REPORT)), self._REPORT)
        self.from_stage = Commands(part(Commands.size()))
        self.from_terminal = Commands(part(Commands.size()))
        self.to_stage = Commands(part(Commands.size()))

    def __getstate__(self) -> Any:
        return self._block

    def __setstate__(self, block: Any) -> None:
        self._build(block)
        layout = struct.unpack_from("<I", self._memory)[0]
        if layout != LAYOUT:
            raise RuntimeError(f"shared slot: layout {layout:08x}, this program's is {LAYOUT:08x}: restart Getaway")

    @property
    def stop(self) -> bool:
        return bool(self._memory[4])

    @stop.setter
    def stop(self, value: bool) -> None:
        self._memory[4] = value

    @property
    def over(self) -> bool:
        return bool(self._memory[5])

    @over.setter
    def over(self, value: bool) -> None:
        self._memory[5] = value

    def publish(self, state: State) -> None:
        self._state.write(state.pack())

    def state(self) -> State | None:
        """The newest State, or None before the first."""
        newest = self._state.read()
        return State.unpack(newest[1]) if newest else None

    def report(self, who: str, facts: dict[str, Any]) -> None:
        """Publish facts of "engine" or "stage" about itself. Long texts are cut: a report must never not fit."""
        for longest in (300, 40):  # 40 fits always, also when JSON writes each character as six
            payload = json.dumps(_cut(facts, longest), separators=(",", ":")).encode()
            if len(payload) <= self._REPORT:
                break
        getattr(self, f"_{who}").write(payload)

    def reported(self, who: str) -> tuple[int, dict[str, Any]]:
        """(number, facts) of the newest report of "engine" or "stage"; (0, {}) before the first."""
        newest = getattr(self, f"_{who}").read()
        return (newest[0], json.loads(newest[1])) if newest else (0, {})
