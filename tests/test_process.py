"""The engine process and its keeper, with sources and outputs put in their place: what hangs or fails is survived."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine import keeper, process
from engine.audio import Block
from engine.clock import now
from engine.faults import Lost
from engine.outputs import Cue, Struck
from engine.outputs.midi_rows import MidiSettings
from engine.process import Engine
from engine.show import Show, Wanted
from engine.slot import Shared
from engine.state import Moment, State


class Paper:
    """An output that keeps what it was told, with the host time."""

    def __init__(self, fails: str = "") -> None:
        self.name, self.latency, self.subdivision, self.rate, self.wake = "midi", 0.0, 1, 0.0, math.inf
        self.told: list[tuple[float, Cue]] = []
        self.fails, self.closed = fails, 0

    def send(self, moment: Moment, cues: tuple[Cue, ...]) -> int:
        if self.fails:
            raise Lost(self.fails)
        self.told += [(now(), cue) for cue in cues]
        return len(cues)

    def panic(self) -> int:
        raise Lost("midi: gone")

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self.closed += 1


class Clicks:
    """A source of silence with a sharp burst twice a second, in real time, handed over `early` seconds before."""

    name, rate = "clicks", 48000
    position: float | None = None

    def __init__(self, early: float = 0.0) -> None:
        self.end, self.begun, self.early = 0, now(), early
        self.noise = np.random.default_rng(1).normal(0.0, 0.5, 480).astype(np.float32)

    def read_rt(self) -> Block | None:
        samples = np.zeros((480, 1), np.float32)
        if self.end % 24000 == 0:
            samples[:, 0] = self.noise
        self.end += 480
        host = self.begun + self.end / self.rate
        time.sleep(max(0.0, host - self.early - now()))
        return Block(samples, self.end, host)

    def abort(self) -> None: ...
    def close(self) -> None: ...


class Played(Clicks):
    """The same as a file that is played: it has a position."""

    @property  # type: ignore[override]
    def position(self) -> float:
        return self.end / self.rate


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Engine, list[str], Any]]]:
    """engine(source, output): one that runs, what it says, its thread. Each is a function called at every opening."""
    running: list[tuple[Engine, threading.Thread]] = []
    monkeypatch.setattr(process.realtime, "hurry", lambda priority: "test")
    monkeypatch.setattr(process.realtime, "settle", lambda: None)
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    monkeypatch.setattr(process, "resolve", lambda settings: settings.input)
    monkeypatch.setattr(process.os, "_exit", lambda code: None)

    def start(source: Callable[[], Any], output: Callable[[], Any] = Paper) -> tuple[Engine, list[str], Any]:
        monkeypatch.setattr(process, "open_source", lambda *_, **__: source())
        monkeypatch.setattr(keeper, "open_output", lambda *_, **__: output())
        said: list[str] = []
        wanted = Wanted(Show(midi=(MidiSettings(),)))
        one = Engine(Shared(), wanted, lambda level, text: said.append(text), 0)
        thread = threading.Thread(target=one.perform, daemon=True)
        thread.start()
        running.append((one, thread))
        return one, said, thread

    yield start
    for one, thread in running:
        one.stop.set()
        thread.join(5.0)


def until(what: Callable[[], Any], seconds: float = 5.0) -> None:
    ends = now() + seconds
    while not what():
        assert now() < ends, "did not come about"
        time.sleep(0.01)


def test_a_played_file_is_heard_when_it_sounds_not_when_it_is_handed_over(engine: Any) -> None:
    """Hits of a file leave when the output's latency has passed; a microphone's at once."""
    for make, early in ((Played, 0.15), (Clicks, 0.0)):
        paper = Paper()
        engine(lambda make=make, early=early: make(early), lambda paper=paper: paper)
        until(lambda paper=paper: sum(isinstance(cue, Struck) for _, cue in paper.told) >= 4)
        late = [at - cue.time for at, cue in paper.told if isinstance(cue, Struck)]
        assert min(late) > -0.005
        assert np.median(late) < 0.04


def test_panic_on_a_port_that_is_gone_closes_it_and_nothing_else(engine: Any) -> None:
    one, said, thread = engine(Clicks)
    until(lambda: one.conductor.lanes and one.shared.state())
    one.shared.from_terminal.send({"do": "panic", "time": now()})
    until(lambda: any("panic" in line for line in said))
    until(lambda: any("midi: gone" in line for line in said))
    assert (thread.is_alive(), one.exit) == (True, 0)


def test_an_opening_that_hangs_is_left_behind_with_the_process(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper goes on watching and reporting while the audio thread waits in the driver."""
    monkeypatch.setattr(keeper, "_STALL", 0.5)
    release = threading.Event()
    one, said, thread = engine(lambda: release.wait(20.0))
    thread.join(5.0)
    release.set()
    assert not thread.is_alive()
    assert one.exit == keeper.HUNG
    assert any("takes too long" in line for line in said)
    assert one.shared.reported("engine")[0] >= 2


def test_a_disk_that_hangs_does_not_end_the_show(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that gives nothing for a while is not told to end; it comes back."""
    monkeypatch.setattr(keeper, "_STALL", 0.4)
    source = Played()
    pause = threading.Event()
    read = source.read_rt
    source.read_rt = lambda: ((pause.is_set() and time.sleep(0.6)) or pause.clear()) or read()  # type: ignore[method-assign]
    aborted: list[float] = []
    source.abort = lambda: aborted.append(now())  # type: ignore[method-assign]
    one, _, thread = engine(lambda: source)
    until(lambda: one.read > 20)
    pause.set()
    until(lambda: not pause.is_set())
    before = one.read
    until(lambda: one.read > before + 20)
    assert (thread.is_alive(), one.shared.over, aborted) == (True, False, [])


def test_a_port_that_fails_at_once_is_opened_with_growing_pauses(engine: Any) -> None:
    opened: list[float] = []

    def output() -> Paper:
        opened.append(now())
        return Paper(fails="midi: no")

    engine(Clicks, output)
    time.sleep(3.0)
    assert 2 <= len(opened) <= 6
    gaps = np.diff(opened)
    assert gaps[-1] > gaps[0]


def test_the_state_before_anything_was_heard_is_published_by_nobody(engine: Any) -> None:
    """A slot without a State says so: readers draw their own idle one."""
    release = threading.Event()

    def late() -> Clicks:
        release.wait(3.0)
        return Clicks()

    one, _, _ = engine(late)
    time.sleep(0.3)
    assert one.shared.state() is None
    assert isinstance(one.state, State)
    release.set()
