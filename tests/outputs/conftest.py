"""What the tests of outputs share: a sink that keeps, a line to play along, a JACK server and a witness on it.

The witness is a process of its own with JACK-Client (it shares no code with rtmidi), and stamps what arrives with the
server's sample clock. Run as a program, this file is the witness.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

if __name__ == "__main__":  # the witness: prints one JSON line for each message, ends when stdin does
    import queue
    import threading

    import jack

    client = jack.Client(sys.argv[1], no_start_server=True)
    port = client.midi_inports.register("in")
    heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()

    @client.set_process_callback
    def _process(_frames: int) -> None:
        for offset, data in port.incoming_midi_events():
            heard.put((client.last_frame_time + offset, bytes(data)))

    def _print() -> None:
        while True:
            frame, data = heard.get()
            print(json.dumps({"frame": frame, "bytes": list(data)}), flush=True)

    client.activate()
    threading.Thread(target=_print, daemon=True).start()
    print(json.dumps({"rate": client.samplerate, "period": client.blocksize}), flush=True)
    for order in sys.stdin:  # "connect NAME": hear a port that offers itself
        with contextlib.suppress(jack.JackError):
            client.connect(order.split(maxsplit=1)[1].strip(), port)
        print(json.dumps({"connected": len(client.get_all_connections(port))}), flush=True)
    client.deactivate()
    client.close()
    sys.exit()

import pytest

from engine.faults import Lost
from engine.grid import Grid
from engine.state import Hits, Levels, Moment, State
from tests.servers import JackServer


class Kept:
    """A sink that keeps what it was sent. now: set by the test. gone: sending raises Lost."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[tuple[float, tuple[int, ...]]] = []
        self.gone = self.closed = False

    def send(self, message: Sequence[int]) -> None:
        if self.gone:
            raise Lost("midi: gone")
        assert not self.closed, "nothing is sent after closing"
        assert 0x80 <= message[0] <= 0xFF
        assert all(0 <= data <= 0x7F for data in message[1:]), f"not MIDI: {message}"
        self.log.append((self.now, tuple(message)))

    def alive(self) -> bool:
        return not self.gone

    def close(self) -> None:
        self.closed = True

    @property
    def messages(self) -> list[tuple[int, ...]]:
        return [message for _, message in self.log]

    def sounding(self) -> set[tuple[int, int]]:
        """(channel from 0, note) of notes that were struck and not ended."""
        on: set[tuple[int, int]] = set()
        for message in self.messages:
            if message[0] & 0xF0 == 0x90 and message[2]:
                assert (message[0] & 15, message[1]) not in on, "struck again without a note-off"
                on.add((message[0] & 15, message[1]))
            elif message[0] & 0xE0 == 0x80:
                on.discard((message[0] & 15, message[1]))
        return on


def moment(
    time: float = 0.0,
    *,
    grid: Grid | None = None,
    confidence: float = 1.0,
    bar_confidence: float = 1.0,
    epoch: int = 0,
    levels: Levels | None = None,
    hits: Hits | None = None,
) -> Moment:
    """The instant `time` of a line of 120 BPM from 0 unless another is given."""
    state = State(
        grid or Grid(0.0, 0.0, 0.5), confidence, bar_confidence, epoch=epoch,
        levels=levels or Levels(), hits=hits or Hits(),
    )  # fmt: skip
    return Moment.at(state, time)


@pytest.fixture
def at() -> Callable[..., Moment]:
    """The function moment."""
    return moment


@pytest.fixture
def kept() -> Kept:
    return Kept()


class Witness:
    """A receiver on the server, by the name `name:in`. events: (frame, bytes) so far."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.events: list[tuple[int, tuple[int, ...]]] = []
        ready = self._line()
        self.rate: int = ready["rate"]
        self.period: int = ready["period"]

    def connect(self, port: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"connect {port}\n".encode())
        while "connected" not in (line := self._line()):
            self._take(line)
        assert line["connected"] == 1, f"{port} is not there"

    def hear(self, count: int, within: float = 3.0) -> list[tuple[int, ...]]:
        """The messages so far, once there are `count` of them (or `within` seconds have passed)."""
        assert self._process.stdout is not None
        until = time.monotonic() + within
        while len(self.events) < count and (left := until - time.monotonic()) > 0:
            if select.select([self._process.stdout], [], [], left)[0]:
                self._take(self._line())
        return [message for _, message in self.events]

    def _line(self) -> dict[str, Any]:
        """One line, without reading ahead, which select would not see."""
        assert self._process.stdout is not None
        text = b""
        while not text.endswith(b"\n"):
            piece = os.read(self._process.stdout.fileno(), 1)
            assert piece, "the witness died"
            text += piece
        line: dict[str, Any] = json.loads(text)
        return line

    def _take(self, line: dict[str, Any]) -> None:
        if "frame" in line:
            self.events.append((line["frame"], tuple(line["bytes"])))

    def close(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@pytest.fixture
def receiver(jack_server: JackServer) -> Callable[..., Witness]:
    """receiver(name): a witness on the server, closed before it."""

    def make(name: str = "witness") -> Witness:
        jack_server.clients.append(Witness(name))
        return jack_server.clients[-1]

    return make
