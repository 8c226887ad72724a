"""The performance: the small parent that starts the engine and the stage, watches, restarts and stops them.

Owns the shared block. Hears no sound and draws nothing, so that there is little in it that could fail. Public:
Performance, View, has_display.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import platformdirs

from engine.clock import now
from engine.show import Wanted
from engine.slot import Shared

_SPAWN = multiprocessing.get_context("spawn")  # threads and GL contexts do not survive a fork
_HANG = 6.0  # seconds without a report after which a child counts as hung
_BIRTH = 30.0  # seconds until the first report after which one that starts counts as hung
_RESTART = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before the next start, by deaths in a row
_STEADY = 10.0  # seconds alive after which earlier deaths are forgotten
_HOPELESS = 4  # deaths in a row before ever having reported: it can't run here
_GOODBYE = 4.0  # seconds a child may take to end by itself
_REFUSED, _CANNOT_DRAW, _HUNG = 2, 3, 4  # exit codes of the children (engine.process, visuals.stage, engine.keeper)


class View(Protocol):
    """Shows a performance to whoever started it."""

    def say(self, level: str, text: str) -> None: ...
    def look(self, shared: Shared) -> None: ...
    def __enter__(self) -> View: ...
    def __exit__(self, *exc: object) -> None: ...


def has_display() -> bool:
    """Whether a window could be opened here, as far as can be told without trying."""
    if sys.platform.startswith(("win", "darwin")):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def log_folder() -> Path:
    """Where the children's own words (tracebacks, noise of audio and GL libraries) go."""
    return platformdirs.user_log_path("getaway", appauthor=False)


@dataclass(slots=True)
class _Child:
    """One of the two: what it runs and how it fares."""

    name: str
    module: str
    function: str
    asked: Any
    process: Any = None
    pipe: Connection | None = None
    generation: int = -1
    born: float = 0.0
    deaths: int = 0
    start_at: float = 0.0
    done: bool = False
    seen: int = 0  # number of its newest report
    seen_at: float = 0.0
    reported: bool = False  # this incarnation
    ever: bool = False  # or one before it
    lines: list[tuple[str, str]] = field(default_factory=list)


class Performance:
    """run() performs until the end and returns the exit code."""

    def __init__(self, wanted: Wanted, view: View) -> None:
        """Refused when the recording can't be made."""
        self.shared = Shared()
        self._view = view
        self._seconds = wanted.seconds
        self._interrupts = 0
        self._code = 0
        show = wanted.show
        if wanted.record:
            from engine.recording import Recorder  # only who records pays for its import

            Recorder.begin_file(Path(wanted.record), {"title": show.title})
        self._children = [_Child("engine", "engine.process", "run", wanted)]
        if not wanted.headless or show.stage.screenshot:
            stage = replace(show.stage, offscreen=wanted.headless)
            self._children.append(_Child("stage", "visuals.stage", "perform", stage))

    def run(self) -> int:
        # Matrices here are small: a second BLAS thread only spins beside the first, on a core the stage needs.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        began = now()
        with self._signals(), self._view:
            try:
                for child in self._children:
                    self._start(child)
                looked = now()
                while not self.shared.over:
                    if now() - looked > 1.0:  # we were stopped (Ctrl-Z, a sleeping machine), and so were they
                        for child in self._children:
                            child.seen_at = now()
                    looked = now()
                    self._watch()
                    self._view.look(self.shared)
                    if self._seconds and now() - began >= self._seconds:
                        break
                    time.sleep(0.05)
            finally:
                self._end()
        return self._code

    # -- children ----------------------------------------------------------------------------------------------

    def _start(self, child: _Child) -> None:
        child.generation += 1
        child.born = child.seen_at = now()
        child.seen, _ = self.shared.reported(child.name)
        child.reported = False
        mine, theirs = _SPAWN.Pipe(duplex=False)
        arguments = (child.name, child.module, child.function, self.shared, child.asked, theirs, child.generation)
        child.process = _SPAWN.Process(target=_perform_part, args=arguments, name=f"getaway {child.name}", daemon=True)
        with _ignoring_interrupts():  # Ctrl-C while a child is being born must not end it half way
            child.process.start()
        theirs.close()
        child.pipe = mine
        threading.Thread(target=self._hear, args=(mine,), daemon=True).start()

    def _hear(self, pipe: Connection) -> None:
        """Pass on what a child says, until it ends."""
        while True:
            try:
                level, text = pipe.recv()
            except (EOFError, OSError):
                return
            self._view.say(level, text)

    def _watch(self) -> None:
        for child in self._children:
            if child.done:
                continue
            if child.process is None:
                if now() >= child.start_at:
                    self._start(child)
            elif not child.process.is_alive():
                self._died(child)
            else:
                self._check_on(child)

    def _check_on(self, child: _Child) -> None:
        number, facts = self.shared.reported(child.name)
        if number != child.seen:
            child.seen, child.seen_at, child.ever = number, now(), True
            child.reported = facts.get("status") != "loading"  # a scene may take its driver long to compile
        if child.deaths and now() - child.born > _STEADY:
            child.deaths = 0
        if now() - child.seen_at > (_HANG if child.reported else _BIRTH):
            self._view.say("warning", f"{child.name} hangs: killing it")
            child.process.kill()
            child.process.join(1.0)

    def _died(self, child: _Child) -> None:
        code = child.process.exitcode
        child.process = None
        if child.name == "stage" and code == 0:
            self.shared.over = True  # its window was closed
            return
        if child.name == "engine" and code == _REFUSED:
            self._code = 2
            self.shared.over = True
            return
        if child.name == "stage" and code == _CANNOT_DRAW:
            child.done = True
            self._view.say("warning", "going on without a window")
            return
        child.deaths += 1
        if not child.ever and child.deaths >= _HOPELESS:
            child.done = True
            self._view.say("error", f"{child.name} can't run here; see {log_folder() / (child.name + '.log')}")
            if child.name == "engine":
                self._code = 1
                self.shared.over = True
            return
        wait = 0.0 if code == _HUNG else _RESTART[min(child.deaths - 1, len(_RESTART) - 1)]
        how = f"failed (exit code {code})" if code else "was told to end"
        if code < 0:
            how = f"was killed (signal {-code})"
        self._view.say("warning", f"{child.name} {how}: starting it again" + (f" in {wait:g} s" if wait else ""))
        child.start_at = now() + wait

    def _end(self) -> None:
        self.shared.stop = True
        engine = self._children[0]
        if engine.process is None and engine.ever and self._code == 0:
            self._start(engine)  # it was killed with notes sounding: its successor ends them, and itself
        until = now() + _GOODBYE
        running = [child.process for child in self._children if child.process is not None]
        for force in (None, "terminate", "kill"):
            for process in running:
                if force and process.is_alive():
                    getattr(process, force)()
            for process in running:
                process.join(max(0.2, until - now()) if force is None else 0.5)
        for child in self._children:
            if child.process is not None and child.process.exitcode == _REFUSED and child.name == "engine":
                self._code = 2
        time.sleep(0.05)  # their last words are still on their way through the pipes

    def farewell(self) -> list[str]:
        """What to say at the end: how it went, in a line or two."""
        facts = self.shared.reported("engine")[1]
        if not facts:
            return []
        source = facts["source"]
        hits = ", ".join(f"{count} {kind}" for kind, count in facts["hits"].items())
        share = 100 * facts["cpu_total"] / max(facts["up"], 1e-9)
        lines = [
            f"performed {facts['up']:.0f} s of {source.get('name') or 'nothing'}: {hits}; "
            f"{source['overflows']} overflows; engine {share:.1f} % of a core"
        ]
        for output in facts["outputs"]:
            late = output["lateness"]
            behind = "" if late is None else f", beats sent {late * 1000:.2f} ms after they were due at the median"
            lines.append(f"{output['name']}: {output['sent']} messages, {output['late']} late{behind}")
        return lines

    # -- signals -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Any:
        """SIGINT and SIGTERM end the performance in good order; a third one at once."""
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        before = {getattr(signal, name): signal.signal(getattr(signal, name), self._interrupted) for name in names}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, number: int, frame: object) -> None:
        self._interrupts += 1
        self.shared.over = True
        if self._interrupts > 2:
            for child in self._children:
                if child.process is not None and child.process.is_alive():
                    child.process.kill()
            os._exit(130)  # whatever it is that hangs here, a terminal that takes no more words for one


@contextlib.contextmanager
def _ignoring_interrupts() -> Any:
    """On POSIX children inherit 'ignored' until they install their own handler."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _perform_part(
    name: str, module: str, function: str, shared: Shared, asked: Any, pipe: Connection, generation: int
) -> None:
    """What a child process runs."""
    _own_stderr(name)
    lock = threading.Lock()

    def log(level: str, text: str) -> None:
        with lock, contextlib.suppress(OSError):  # the parent may be gone already
            pipe.send((level, text))

    part: Callable[..., int] = getattr(importlib.import_module(module), function)
    sys.exit(part(shared, asked, log, generation))


def _own_stderr(name: str) -> None:
    """Audio and GL libraries write to stderr as they please: into the part's log file instead of over the view."""
    try:
        folder = log_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.log"
        mode = "w" if path.exists() and path.stat().st_size > 1_000_000 else "a"
        file = path.open(mode, buffering=1, encoding="utf-8")
    except OSError:
        file = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    os.dup2(file.fileno(), 2)
