"""The laws of shared memory: what is read is whole, newest and in order, whoever dies while writing it."""

from __future__ import annotations

import contextlib
import json
import mmap
import multiprocessing
import os
import pickle
import random
import signal
import struct
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import slot as module
from engine.slot import Commands, Shared, Slot
from engine.state import LAYOUT, State

CAPACITY = 4096
SPAWN = multiprocessing.get_context("spawn")


def slot(capacity: int = CAPACITY) -> Slot:
    return Slot(memoryview(mmap.mmap(-1, Slot.size(capacity))), capacity)  # shared with forked children


def payload(number: int) -> bytes:
    """A value that shows whether it is whole: its number again and again, in a length that the number sets."""
    return struct.pack("<Q", number) * (1 + number * 37 % (CAPACITY // 8))


def whole(data: bytes) -> int:
    """The number in a payload, -1 when it is torn."""
    number: int = struct.unpack_from("<Q", data)[0]
    return number if data == payload(number) else -1


def write_for_ever(into: Slot) -> None:
    while True:
        into.write(payload(into.number + 1))


def spawned_writer(shared: Shared, seconds: float) -> None:
    """In another process: reports (the slot of 16 KiB) as fast as they go, then says so."""
    until = time.perf_counter() + seconds
    into: Slot = shared._engine
    while time.perf_counter() < until:
        into.write(payload(into.number + 1))
    shared.publish(State.unheard(7.0))
    shared.from_stage.send({"do": "tap", "time": 1.5})
    shared.over = True


def test_the_newest_value_is_read_with_its_number() -> None:
    cell = slot()
    assert (cell.read(), cell.number) == (None, 0)
    for number in range(1, 20):
        cell.write(payload(number))
        assert (cell.read(), cell.number) == ((number, payload(number)), number)
        assert cell.read() == (number, payload(number))  # reading takes nothing away


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=12))
def test_any_bytes_up_to_the_capacity_come_out_as_they_went_in(values: list[bytes]) -> None:
    cell = slot(64)
    for value in values:
        cell.write(value)
    assert cell.read() == (len(values), values[-1])


def test_a_value_too_long_is_refused_and_the_one_before_stays() -> None:
    cell = slot(8)
    cell.write(b"12345678")
    with pytest.raises(ValueError, match="9 bytes, at most 8"):
        cell.write(b"123456789")
    assert cell.read() == (1, b"12345678")


def test_a_reader_never_sees_a_torn_value_while_another_process_writes() -> None:
    """1.5 s of a spawned writer without a pause: thousands of values, each whole, numbers never going back."""
    before = set(os.listdir("/dev/shm")) if Path("/dev/shm").is_dir() else set()
    shared = Shared()
    writer = SPAWN.Process(target=spawned_writer, args=(shared, 1.5))
    writer.start()
    seen: list[int] = []
    empty = torn = 0
    while not shared.over and writer.exitcode is None:
        read = shared._engine.read()
        if read is None:
            empty += bool(seen)
        elif not seen or read[0] != seen[-1]:
            torn += whole(read[1]) != read[0]
            seen.append(read[0])
    writer.join(10)
    assert (torn, empty, seen == sorted(seen), writer.exitcode) == (0, 0, True, 0)
    assert len(seen) > 50  # on one busy core the two take turns; on two it is some 100,000
    assert seen[-1] > 1000
    # Pickled at its start, the block was the same memory in the child, and it has no name to leave behind.
    assert shared.state() == State.unheard(7.0)
    assert list(shared.from_stage.receive()) == [{"do": "tap", "time": 1.5}]
    if before:
        assert {name for name in os.listdir("/dev/shm") if name.startswith("pym-")} - before == set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked writers")
def test_a_writer_killed_at_any_moment_leaves_a_whole_value_and_a_successor_counts_on() -> None:
    """120 writers killed 0.2 to 4 ms into their work: after each, the newest value is whole and no number is lost."""
    rng = random.Random(4)
    cell, numbers = slot(), []
    for _ in range(120):
        child = os.fork()
        if child == 0:
            write_for_ever(cell)
        time.sleep(rng.uniform(0.0002, 0.004))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        read = cell.read()
        if read is not None:
            numbers.append(read[0])
            assert whole(read[1]) == read[0]
            assert read[0] == cell.number
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 60
    cell.write(b"successor")
    assert cell.read() == (cell.number, b"successor")


@pytest.mark.parametrize("stores", range(3))
def test_death_between_any_two_stores_leaves_the_value_before_or_the_new_one(
    stores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each of the four cells, twice in a row: the writer ends after 0..2 of its stores of a cell's head."""
    cell = slot()

    class Dying:
        size, unpack_from = module._CELL.size, module._CELL.unpack_from

        def __init__(self, left: int) -> None:
            self.left = left

        def pack_into(self, *args: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise SystemExit
            struct.Struct("<QII").pack_into(*args)

    for number in range(1, 9):
        cell.write(payload(number))
        last = cell.number
        for _ in range(2):
            with monkeypatch.context() as dying, contextlib.suppress(SystemExit):
                dying.setattr(module, "_CELL", Dying(stores))
                cell.write(b"half")
            assert cell.read() == ((last, payload(number)) if cell.number == last else (cell.number, b"half"))
    assert cell.number == (24 if stores == 2 else 8)


def test_a_value_that_is_not_counted_yet_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader is held up between the count and the cell, which the writer has come round to and not counted yet.

    Were it given 8 now, its next read could give it 7.
    """
    cell = slot()
    for number in range(1, 9):
        cell.write(payload(number))
    counts = iter([4, 7, 7])
    monkeypatch.setattr(Slot, "number", property(lambda self: next(counts)))
    assert cell.read() == (7, payload(7))


def test_a_value_whose_bytes_are_wrong_is_passed_over_for_the_one_before() -> None:
    cell = slot()
    cell.write(b"good")
    cell.write(b"gone")
    at = bytes(cell._memory).index(b"gone")
    cell._memory[at] ^= 1
    assert cell.read() == (1, b"good")


# ---- commands ----


def ring() -> Commands:
    return Commands(memoryview(bytearray(Commands.size())))


def test_commands_arrive_once_and_in_order_over_many_turns_of_the_ring() -> None:
    commands, got, rng = ring(), [], random.Random(2)
    sent = 0
    while sent < 1000:
        for _ in range(rng.randrange(Commands.CELLS)):
            sent += commands.send({"do": "tap", "n": sent})
        got += [command["n"] for command in commands.receive()]
    got += [command["n"] for command in commands.receive()]
    assert got == list(range(sent))


def test_a_full_ring_refuses_and_takes_again_once_read() -> None:
    commands = ring()
    assert [commands.send({"n": n}) for n in range(Commands.CELLS + 2)] == [True] * Commands.CELLS + [False] * 2
    assert next(commands.receive()) == {"n": 0}
    assert (commands.send({"n": 64}), commands.send({"n": 65})) == (True, False)
    assert [command["n"] for command in commands.receive()] == list(range(1, 65))


def test_a_restarted_reader_goes_on_where_its_predecessor_stopped() -> None:
    commands = ring()
    for n in range(5):
        commands.send({"n": n})
    receiving = commands.receive()
    assert [next(receiving)["n"], next(receiving)["n"]] == [0, 1]
    assert [command["n"] for command in Commands(commands._memory).receive()] == [2, 3, 4]


@pytest.mark.parametrize("offset", [0, 8, 12, 16, 20])  # number, length, CRC, first and fifth byte of the text
def test_a_damaged_command_is_passed_over_and_the_next_ones_come(offset: int) -> None:
    commands = ring()
    for n in range(3):
        commands.send({"n": n})
    stride = (len(commands._memory) - 16) // Commands.CELLS
    commands._memory[16 + stride + offset] ^= 0x40
    assert [command["n"] for command in commands.receive()] == [0, 2]


def test_a_command_too_long_is_refused_in_bytes_not_letters() -> None:
    commands = ring()
    room = Commands.LONGEST - len(json.dumps({"x": ""}, separators=(",", ":")))
    assert commands.send({"x": "a" * room})
    with pytest.raises(ValueError, match=f"{Commands.LONGEST + 1} bytes of JSON, at most {Commands.LONGEST}"):
        commands.send({"x": "a" * (room + 1)})
    with pytest.raises(ValueError, match="bytes of JSON"):
        commands.send({"x": "é" * (room // 2)})
    assert list(commands.receive()) == [{"x": "a" * room}]


# ---- the block ----


def test_the_parts_of_the_block_do_not_overlap() -> None:
    """Each part filled to its last byte, in any order; all others still say what they said."""
    shared = Shared()
    full = {"x": [["a" * 300] * 2] * 24, "y": [["b" * 300] * 2] * 2}
    full |= {"z": ["c" * 300], "w": "d" * 240}
    assert Shared._REPORT - 400 < len(json.dumps(full, separators=(",", ":"))) <= Shared._REPORT
    state = State.unheard(3.0)
    deque((ring.send({"x": "a" * 488}) for ring in rings(shared) for _ in range(64)), maxlen=0)
    for _ in range(5):
        shared.publish(state)
        shared.report("engine", full)
        shared.report("stage", full)
    shared.stop = shared.over = True
    assert (shared.state(), shared.reported("engine"), shared.reported("stage")) == (state, (5, full), (5, full))
    assert [list(ring.receive()) for ring in rings(shared)] == [[{"x": "a" * 488}] * 64] * 3
    assert (shared.stop, shared.over) == (True, True)


def test_long_texts_in_a_report_are_cut_so_that_it_always_fits() -> None:
    """Eight lost outputs whose troubles list forty ports each took 18 kB and the engine down."""
    shared = Shared()
    shared.report("engine", {"outputs": [{"trouble": "x" * 5000, "sent": 3}] * 60})
    (number, facts) = shared.reported("engine")
    assert (number, len(facts["outputs"]), facts["outputs"][0]) == (1, 24, {"trouble": "x" * 300, "sent": 3})


def rings(shared: Shared) -> tuple[Commands, Commands, Commands]:
    return shared.from_stage, shared.from_terminal, shared.to_stage


def test_an_empty_block_says_so() -> None:
    shared = Shared()
    empty = (shared.state(), shared.reported("engine"), shared.reported("stage"), shared.stop, shared.over)
    assert empty == (None, (0, {}), (0, {}), False, False)


def test_the_block_travels_only_to_a_process_that_is_being_started() -> None:
    with pytest.raises((RuntimeError, pickle.PicklingError)):
        pickle.dumps(Shared())


def test_a_block_of_another_layout_is_refused() -> None:
    shared = Shared()
    struct.pack_into("<I", shared._memory, 0, LAYOUT ^ 1)
    with pytest.raises(RuntimeError, match=rf"layout {LAYOUT ^ 1:08x}, this program's is {LAYOUT:08x}: restart"):
        Shared.__new__(Shared).__setstate__(shared.__getstate__())
