"""The keeper: what is not urgent in the engine process. Outputs that come and go, hung devices, the report.

Runs on the main thread, twenty times a second, never on the conductor's. Public: Keeper, BACK_OFF, HUNG.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.clock import now
from engine.conductor import Lane
from engine.faults import Lost, Refused
from engine.outputs.open import open_output
from engine.state import KINDS

if TYPE_CHECKING:
    from engine.process import Engine

BACK_OFF = (0.3, 0.6, 1.2, 2.5, 5.0)  # seconds between tries to have something back
HUNG = 4  # exit code: the device's driver hangs in this process; a fresh one may do better
_STALL = 3.0  # seconds without a block before the device is taken for hung
_REPORT = 0.2  # seconds
_HELD = 5.0  # seconds open after which an output's failures are forgotten


class Keeper:
    """What is not urgent: outputs that come and go, hung devices, the parent, the report."""

    def __init__(self, engine: Engine) -> None:
        self._e = engine
        self._parent = multiprocessing.parent_process()
        self._wanted = list(engine.show.midi)
        self._lanes: dict[str, Lane] = {}
        self._tries: dict[str, tuple[int, float]] = {}
        self._trouble: dict[str, str] = {}
        self._looked = self._reported = self._collected = 0.0
        self._cpu = (time.process_time(), now())
        self._share = 0.0
        self._stuck: object = None  # the source that was told to come back
        self._begun = now()

    def orphaned(self) -> bool:
        return self._parent is not None and not self._parent.is_alive()

    def look(self) -> None:
        at = now()
        for settings in self._wanted:
            self._keep(settings, at)
        if at - self._looked > 1.0:
            self._looked = at
            for lane in self._lanes.values():
                if lane.open and not lane.output.alive():
                    self._drop(lane, f"{lane.output.name}: port is gone")
        if at - self._reported > _REPORT:
            self._reported = at
            self.report()
        recorder = self._e.recorder
        if recorder is not None and recorder.trouble:
            self._e.log("error", recorder.trouble)
            recorder.trouble = ""
        playing = self._e.facts["state"] in ("listening", "playing")
        if playing and at - self._e.block_at > _STALL:
            self._e.log("warning", f"{self._e.facts['name']}: no sound came for {_STALL:g} s")
            self._unstick()
        elif at - self._e.opening_since > _STALL:
            self._start_afresh("opening the sound input takes too long")

    def _keep(self, settings: Any, at: float) -> None:
        """Open an output that is closed, when its time for a new try has come."""
        lane = self._lanes.get(settings.name)
        tries, next_try = self._tries.get(settings.name, (0, 0.0))
        if lane is not None and lane.open:
            if at > next_try + _HELD:
                self._tries.pop(settings.name, None)
            return
        if at < next_try:
            return
        if lane is not None and lane.trouble and lane.trouble != self._trouble.get(settings.name):
            self._e.log("warning", f"{lane.trouble} (trying again)")
            self._trouble[settings.name] = lane.trouble
        if not self._e.opening.acquire(blocking=False):
            return  # the source is being opened, which may hang: this thread must go on watching it
        try:
            resumed = self._e.generation > 0 or lane is not None
            output = open_output(settings, resumed=resumed, tap=self._tap(settings.name))
        except (Lost, Refused) as error:
            if str(error) != self._trouble.get(settings.name):
                self._e.log("warning", f"{error} (trying again)")
            self._trouble[settings.name] = str(error)
            self._put_off(settings.name, tries, at)
            return
        finally:
            self._e.opening.release()
        self._e.log("info", f"{settings.name}: {getattr(output, 'where', 'open')}")
        self._trouble.pop(settings.name, None)
        self._put_off(settings.name, tries, at)  # should it fail at once; forgotten when it has held
        with self._e.baton:
            if lane is None:
                self._lanes[settings.name] = self._e.conductor.add(output)
            else:
                self._e.conductor.reopen(lane, output)
        self._e.wake.set()

    def _put_off(self, name: str, tries: int, at: float) -> None:
        self._tries[name] = (tries + 1, at + BACK_OFF[min(tries, len(BACK_OFF) - 1)])

    def _tap(self, name: str) -> Callable[[bytes], None] | None:
        """What writes an output's messages into the recording, when there is one."""
        recorder = self._e.recorder
        return None if recorder is None else lambda message: recorder.sent(name, now(), message)

    def _drop(self, lane: Lane, why: str) -> None:
        with self._e.baton:
            self._e.conductor.close(lane, why)

    def _unstick(self) -> None:
        """Have a read that hangs come back; a driver that hangs even then is left behind with this process."""
        source = self._e.source
        if source is self._stuck:  # it was told to come back, and did not
            self._start_afresh(f"{self._e.facts['name']} does not come back")
        elif source is not None and source.position is None:  # a file is never aborted: that is its end
            helper = threading.Thread(target=source.abort, daemon=True)
            helper.start()
            helper.join(1.5)
            if helper.is_alive():
                self._start_afresh("the sound driver hangs")
        self._stuck = source
        self._e.block_at = now()

    def _start_afresh(self, why: str) -> None:
        self._e.log("warning", f"{why}: starting the engine afresh on the same line")
        self._e.exit = HUNG
        self._e.stop.set()

    def report(self) -> None:
        e = self._e
        cpu, at = time.process_time(), now()
        if at - self._cpu[1] >= 1.0:
            self._share = (cpu - self._cpu[0]) / (at - self._cpu[1])
            self._cpu = (cpu, at)
        source = {**e.facts, "blocks": e.read, "overflows": e.overflows, "dropped": e.dropped}
        if not e.read:  # not a block yet: where the engine before this one was still holds
            source |= {k: v for k, v in e.before.get("source", {}).items() if k.startswith("position")}
        elif e.source is not None and (position := e.source.position) is not None:
            source |= {"position": position, "position_at": e.block_at}
        outputs = []
        for settings in self._wanted:
            lane = self._lanes.get(settings.name)
            facts = _output_facts(settings, lane, self._trouble.get(settings.name, "opening"))
            before: dict[str, Any] = next((o for o in e.before.get("outputs", []) if o["name"] == settings.name), {})
            outputs.append(facts | {key: facts[key] + before.get(key, 0) for key in ("sent", "late", "skipped")})
        e.shared.report(
            "engine",
            {
                "pid": os.getpid(),
                "generation": e.generation,
                "cpu": self._share,
                "cpu_total": cpu + e.before.get("cpu_total", 0.0),
                "up": at - self._begun + e.before.get("up", 0.0),
                "scheduling": e.scheduling,
                "slowest": e.slow,
                "source": source,
                "outputs": outputs,
                "hits": {kind: e.state.hits[kind].count for kind in KINDS},
            },
        )
        e.slow = 0.0


def _output_facts(settings: Any, lane: Lane | None, trouble: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": settings.name, "latency": settings.latency, "trouble": trouble}
    if lane is None:
        return {**facts, "open": False, "sent": 0, "late": 0, "skipped": 0, "lateness": None}
    behind = sorted(lane.lateness)
    return {
        **facts,
        "open": lane.open,
        "trouble": "" if lane.open else lane.trouble or trouble,
        "sent": lane.sent,
        "late": lane.late,
        "skipped": lane.skipped,
        "lateness": behind[len(behind) // 2] if behind else None,
    }
