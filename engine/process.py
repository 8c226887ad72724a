"""The engine process: source, listener, conductor and outputs, each on its thread. Public: run.

 audio thread   real-time; blocks in the source's read, puts blocks in a queue, counts
 listener       real-time, below it; blocks -> States -> the shared slot; takes commands
 conductor      real-time, between; plays what is due
 main           keeps: opens and reopens outputs, watches the others and the parent, reports
Any of it may be killed at any moment: the next engine goes on from the State in the slot.
"""

from __future__ import annotations

import math
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import realtime
from engine.audio import Block, Source, mono
from engine.audio.sources import open_source, resolve
from engine.clock import now
from engine.conductor import Conductor
from engine.faults import Lost, Refused
from engine.hearing.listener import HINTS
from engine.hearing.live import LiveListener
from engine.keeper import BACK_OFF, Keeper
from engine.recording import Recorder
from engine.show import Wanted
from engine.slot import Shared
from engine.state import State, TempoTold

Log = Callable[[str, str], None]  # (level: "info", "warning" or "error"; text)

_QUEUE = 512  # blocks the listener may be behind before new ones are dropped: 1.4 s at 128 frames
REFUSED = 2  # exit code: the source can never be had


def run(shared: Shared, wanted: Wanted, log: Log, generation: int) -> int:
    """Perform until shared.stop. Returns the exit code. generation: 0 for the first engine, 1 for its successor..."""
    engine = Engine(shared, wanted, log, generation)
    return engine.perform()


class Engine:
    def __init__(self, shared: Shared, wanted: Wanted, log: Log, generation: int) -> None:
        self.shared, self.show, self.log, self.generation = shared, wanted.show, log, generation
        self.state = shared.state() or State.unheard(now())
        self.seed = shared.state()
        self.stop = threading.Event()
        self.exit = 0
        self.before: dict[str, Any] = shared.reported("engine")[1] if generation else {}  # of the one before this
        self.blocks: queue.SimpleQueue[Block | Source] = queue.SimpleQueue()
        self.conductor = Conductor()
        self.baton = threading.Lock()  # held while the conductor plays or lanes are changed, never while waiting
        # One thing is opened at a time: a JACK server that sees two clients of one process arrive at once sometimes
        # never runs the first (4 of 12 starts), and PortAudio waits ten minutes for it.
        self.opening = threading.Lock()
        self.opening_since = math.inf  # host time
        self.wake = threading.Event()
        self.recorder = Recorder(Path(wanted.record), audio=wanted.record_audio) if wanted.record else None
        self.source: Source | None = None
        self.facts: dict[str, Any] = {"state": "opening", "name": "", "trouble": ""}
        self.read = self.overflows = self.dropped = 0
        self.block_at = now()
        self.scheduling: dict[str, str] = {}
        self.early = False  # whether blocks come before they are heard (a file that is played)
        self.slow = 0.0  # longest time one block took to hear since the last report, seconds

    # -- audio thread ------------------------------------------------------------------------------------------

    def _audio(self) -> None:
        """Opens the source, again and again if need be, and moves its blocks until the end."""
        self.scheduling["audio"] = realtime.hurry(70)
        settings = self.show.source
        settings = replace(settings, input=resolve(settings))
        tries = 0
        while not self.stop.is_set():
            try:
                with self.opening:
                    self.opening_since = now()
                    self.source = source = open_source(settings, again=tries > 0, origin=self._origin())
                    self.opening_since = math.inf
                self._opened(source, settings.input)
                tries = 0
                self._pump_rt(source)
                if not self.stop.is_set():
                    self.facts.update(state="ended")
                    self.shared.over = True
                source.close()
                return
            except Lost as lost:
                self.opening_since = math.inf
                self._source_lost(str(lost), tries)
            except Refused as refused:
                self.log("error", str(refused))
                self.facts.update(state="refused", trouble=str(refused))
                self.exit = REFUSED
                self.shared.over = True
                return
            self.stop.wait(BACK_OFF[min(tries, len(BACK_OFF) - 1)])
            tries += 1

    def _origin(self) -> float | None:
        """Host time at which the file began that the engine before this one was playing when it died."""
        before = self.before.get("source", {})
        return before["position_at"] - before["position"] if "position" in before else None

    def _opened(self, source: Source, wanted: str) -> None:
        output = getattr(source, "output", "")
        trouble = getattr(source, "trouble", "")
        again = "back: " if self.facts["state"] == "lost" else ""
        what = f"playing {source.name} to {output}" if output else f"listening to {source.name}"
        self.log("info", f"{again}{what} ({source.rate} Hz)")
        if trouble:
            self.log("warning", f"{trouble}: performing it silently")
        self.facts = {"state": "playing" if output else "listening", "name": source.name, "trouble": trouble}
        self.facts |= {"rate": source.rate, "output": output, "input": wanted}
        self.block_at = now()
        self.blocks.put(source)

    def _source_lost(self, why: str, tries: int) -> None:
        if self.source is not None:
            self.source.close()
            self.source = None
        if tries == 0 or why != self.facts["trouble"]:
            self.log("warning", f"{why} (trying again)")
        self.facts.update(state="lost", trouble=why)

    def _pump_rt(self, source: Source) -> None:
        """Move blocks until the source ends. Counts; others report."""
        while not self.stop.is_set():
            block = source.read_rt()
            if block is None:
                return
            self.read += 1
            self.overflows += block.overflowed
            self.block_at = block.host
            if self.blocks.qsize() < _QUEUE:
                self.blocks.put(block)
            else:
                self.dropped += 1

    # -- listener thread ---------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self.scheduling["listener"] = realtime.hurry(50)
        ear: LiveListener | None = None
        while not self.stop.is_set():
            try:
                item = self.blocks.get(timeout=0.05)
            except queue.Empty:
                item = None
            self._obey(ear)
            if isinstance(item, Block) and self.early:
                self.stop.wait(max(0.0, item.host - now()))  # played, not heard yet: a hit told now would be early
            if item is not None and not isinstance(item, Block):
                self.early = item.position is not None
                ear = self._new_ear(item)
            elif item is not None and ear is not None:
                begun = now()
                samples = mono(item.samples, self.show.source.channels)
                host = item.host - self.show.source.latency
                states = ear.hear(samples, host, item.overflowed)
                if states:
                    self._publish(states[-1])
                if self.recorder is not None:
                    self.recorder.heard(samples, host, item.overflowed, states)
                self.slow = max(self.slow, now() - begun)

    def _new_ear(self, source: Source) -> LiveListener:
        settings, epoch = self.show.listener, self.state.epoch + (self.seed is None)
        self.seed = self.seed.aged(now()) if self.seed else None
        if self.recorder is not None:
            self.recorder.begin(source.rate, settings, self.seed, epoch, source.name)
        return LiveListener(settings, source.rate, self.seed, epoch)

    def _publish(self, state: State) -> None:
        before, self.state, self.seed = self.state, state, state
        self.shared.publish(state)
        # The conductor looks when it is due by itself; a hit or another line can't wait for that.
        if (state.grid, state.hits) != (before.grid, before.hits):
            self.wake.set()

    def _obey(self, ear: LiveListener | None) -> None:
        for ring in (self.shared.from_stage, self.shared.from_terminal):
            for command in ring.receive():
                self._do(command, ear)

    def _do(self, command: dict[str, Any], ear: LiveListener | None) -> None:
        what, host = command.get("do"), float(command.get("time", now()))
        amount = float(command.get("amount", 0.0))
        if what in HINTS:
            state = ear.hint(what, host, amount) if ear is not None else None
            if state is None:
                self.log("warning", f"{what}: not followed (nothing heard yet, or outside listener.tempo)")
                return
            if self.recorder is not None:
                self.recorder.hint(what, host, amount)
            self._publish(state)
            self.log("info", f"{what}: {state.grid.bpm:.1f} BPM{_held(state.tempo_told)}")
        elif what == "quit":
            self.shared.over = True
        elif what == "panic":
            with self.baton:
                for lane in self.conductor.lanes:
                    if lane.open and hasattr(lane.output, "panic"):
                        try:
                            lane.output.panic()
                        except Lost as lost:
                            self.conductor.close(lane, str(lost))
            self.log("info", "panic: all notes off")
        elif what != "blackout":  # the stage's own affair until there are lamps
            self.log("warning", f"unknown command {what!r}")

    # -- conductor thread --------------------------------------------------------------------------------------

    def _conduct(self) -> None:
        self.scheduling["conductor"] = realtime.hurry(60)
        while not self.stop.is_set():
            with self.baton:
                due = self.conductor.step(now(), self.state)
            wait = due - now()
            if wait > 0.0:
                self.wake.wait(wait)
            self.wake.clear()

    # -- main thread -------------------------------------------------------------------------------------------

    def perform(self) -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        threads = [
            threading.Thread(target=self._guarded, args=(part,), name=name, daemon=True)
            for name, part in (("audio", self._audio), ("listener", self._listen), ("conductor", self._conduct))
        ]
        keeper = Keeper(self)
        if self.shared.stop:  # started only to end what the engine before it left sounding
            keeper.look()
            self._end([], keeper)
            return self.exit
        realtime.settle()
        for thread in threads:
            thread.start()
        try:
            while not (self.stop.is_set() or self.shared.stop or keeper.orphaned()):
                keeper.look()
                self.stop.wait(0.05)
        finally:
            self._end(threads, keeper)
        return self.exit

    def _guarded(self, part: Callable[[], None]) -> None:
        """A thread that fails ends the process: its successor goes on with the same line."""
        try:
            part()
        except Exception as error:
            self.log("error", f"engine: {error!r}\n{traceback.format_exc()}")
            self.exit = 1
            self.stop.set()

    def _end(self, threads: list[threading.Thread], keeper: Keeper) -> None:
        self.stop.set()
        self.wake.set()
        with self.baton:
            for lane in self.conductor.lanes:
                if lane.open:
                    lane.open = False
                    lane.output.close()
        if self.recorder is not None:
            self.recorder.close("stopped" if self.exit == 0 else "failed")
        if self.source is not None:
            threading.Thread(target=self.source.abort, daemon=True).start()  # may hang with its driver
        for thread in threads:
            thread.join(0.5)
        keeper.report()
        if any(thread.is_alive() for thread in threads):
            os._exit(self.exit)  # a thread hangs in a driver: nothing of ours is left to do


def _held(told: TempoTold) -> str:
    """What a person's words about the tempo hold now, for the log."""
    words = ", locked" if told.locked else ""
    return f"{words}, within {told.slowest:.0f} to {told.fastest:.0f} BPM" if told.ranged else words
