"""The terminal view: tempo, beat lamp, bar, confidence, levels, section and mood, source, outputs; log lines where
there is no terminal.

Looks at the shared block, never at the engine's insides. Public: TerminalView, LogView, summary, told.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from engine.clock import now
from engine.controls import KEYS, command_of
from engine.slot import Shared
from engine.state import BANDS, KINDS, Moment, State, TempoTold

_BLOCKS = " ▁▂▃▄▅▆▇█"
_STYLES = {"info": "dim", "warning": "yellow", "error": "bold red"}
_EVERY = 5.0  # seconds between two status lines in a log
_REFRESH = 0.05  # seconds between two pictures of the view


class LogView:
    """Lines with the time of day on stderr: for pipes, services and tests. A reader that is gone or asleep, a full
    disk, no stderr at all cost words, never the show: a thread of its own writes them, and they may be dropped."""

    def __init__(self, file: IO[str] | None = None) -> None:
        self._file = file or sys.stderr
        self._status_at = now() + 1.0
        self._lines: queue.Queue[str | None] = queue.Queue(1000)
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def __enter__(self) -> LogView:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._writer.join(1.0)

    def say(self, level: str, text: str) -> None:
        stamp = time.strftime("%H:%M:%S")
        with contextlib.suppress(queue.Full):
            for line in text.splitlines() or [""]:
                self._lines.put_nowait(f"{stamp} {level}: {line}")

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                print(line, file=self._file, flush=True)

    def look(self, shared: Shared) -> None:
        if now() < self._status_at:
            return
        self._status_at = now() + _EVERY
        state = shared.state()
        if state is not None:
            self.say("info", summary(state.aged(now()), shared.reported("engine")[1]))


class TerminalView:
    """The live picture in a terminal, and its keys."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title = title
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._said: deque[Text] = deque(maxlen=10)
        self._keys: _Keys | None = None
        self._drawn = 0.0

    def __enter__(self) -> TerminalView:
        self._live.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._keys is not None:
            self._keys.close()
        self._live.__exit__(None, None, None)
        for line in tuple(self._said):
            self._console.print(line)

    def say(self, level: str, text: str) -> None:
        for line in text.splitlines():
            said = f"{time.strftime('%H:%M:%S')} {line}"
            self._said.append(Text(said, _STYLES.get(level, ""), no_wrap=True, overflow="ellipsis"))

    def look(self, shared: Shared) -> None:
        if self._keys is None:
            self._keys = _Keys(shared, self.say)
        if now() - self._drawn < _REFRESH:
            return
        self._drawn = now()
        state = (shared.state() or State.unheard(now())).aged(now())
        engine, stage = shared.reported("engine")[1], shared.reported("stage")[1]
        said = list(self._said)[-max(1, self._console.height - 11) :]
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone; the show is not
            self._live.update(picture(self._title, state, engine, stage, now(), said), refresh=True)


def picture(title: str, state: State, engine: dict[str, Any], stage: dict[str, Any], time: float, said: Any) -> Group:
    """The view as rich draws it, of a State and the two reports at a host time."""
    moment = Moment.at(state, time)
    source = engine.get("source", {})
    inside: list[Any] = [_beat_line(moment), _level_line(state), Text(), _outputs(engine), _process_line(engine, stage)]
    keys = Text(" · ".join(f"{k.label} {k.do}" for k in KEYS if k.sends), "dim", no_wrap=True, overflow="ellipsis")
    heading = Text.assemble((title, "bold"), "  ", _source_line(source))
    panel = Panel(Group(*inside), title=heading, title_align="left", subtitle=keys, border_style="bright_black")
    return Group(panel, *said)


def _source_line(source: dict[str, Any]) -> Text:
    state = source.get("state", "opening")
    style = {"lost": "bold red", "refused": "bold red", "ended": "yellow"}.get(state, "green")
    text = Text.assemble((state, style), f" {source.get('name', '')}")
    if source.get("rate"):
        text.append(f" {source['rate'] / 1000:g} kHz")
    if source.get("output"):
        text.append(f" → {source['output']}", "dim")
    if source.get("overflows") or source.get("dropped"):
        text.append(f"  {source['overflows']} overflows, {source['dropped']} dropped", "yellow")
    if state == "lost":
        text.append(f"  {source.get('trouble', '')}", "red")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _beat_line(moment: Moment) -> Text:
    """Tempo, a lamp for each beat of the bar, bar and phrase, confidence."""
    text = Text(f"{moment.bpm:5.1f} BPM  ", "bold")
    if words := told(moment.state.tempo_told):
        text.append(f"{words}  ", "bold bright_cyan")
    for beat in range(1, moment.beats_per_bar + 1):
        lit = beat == moment.beat_in_bar
        fresh = lit and moment.beat_phase < 0.35
        bright = "bold bright_red" if beat == 1 else "bold bright_yellow"
        style = bright if fresh else "white" if lit else "bright_black"
        text.append("● " if lit else "○ ", style)
    grid = moment.state.grid
    bars = grid.bars_per_phrase
    text.append(f"  bar {int(moment.bar) + 1} ({(int(moment.bar) - grid.phrase) % bars + 1}/{bars})")
    text.append("   confidence ")
    text.append(_bar(moment.confidence, 12), "green" if moment.confidence > 0.5 else "yellow")
    text.append(f" {moment.confidence:4.2f}")
    for kind in KINDS:
        text.append(f"  {kind}", "bold bright_white" if moment.since(kind) < 0.12 else "bright_black")
    return text


def told(tempo: TempoTold) -> str:
    """What a person holds of the tempo: LOCK, and the range in BPM."""
    words = ["LOCK"] if tempo.locked else []
    if tempo.ranged:
        words.append(f"{tempo.slowest:.0f}-{tempo.fastest:.0f}")
    return " ".join(words)


def _level_line(state: State) -> Text:
    text = Text("level ", "dim")
    text.append(_bar(state.levels.loudness, 12), "cyan")
    for name in BANDS:
        text.append(f"  {name} ", "dim")
        text.append(_bar(state.levels.band(name), 5), "cyan")
    text.append(f"  {state.section.name}", "bold bright_red" if state.section.name == "drop" else "bold")
    text.append(f", {state.levels.mood_name} {state.levels.mood:4.2f}")
    rows = state.levels.spectrum.reshape(-1, 2).max(axis=1)
    text.append("  " + "".join(_BLOCKS[min(8, int(level * 8.99))] for level in rows), "magenta")
    return text


def _bar(value: float, width: int) -> str:
    eighths = round(min(max(value, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(width, "·")


def _outputs(engine: dict[str, Any]) -> Group:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("output", "state", "latency", "sent", "late by", "late", "skipped"):
        table.add_column(name, justify="left" if name in ("output", "state") else "right", no_wrap=True)
    troubles: list[Text] = []
    for output in engine.get("outputs", []):
        trouble = output["trouble"]
        lateness = output["lateness"]
        table.add_row(
            output["name"],
            Text("open", "green") if output["open"] else Text("closed", "red"),
            f"{output['latency'] * 1000:+.0f} ms",
            str(output["sent"]),
            "-" if lateness is None else f"{lateness * 1000:.2f} ms",
            str(output["late"]),
            str(output["skipped"]),
        )
        if trouble:
            troubles.append(Text(f"{output['name']}: {trouble}", "red", no_wrap=True, overflow="ellipsis"))
    if not engine.get("outputs"):
        table.add_row(Text("none in this show", "dim"), "", "", "", "", "", "")
    return Group(table, *troubles)


def _process_line(engine: dict[str, Any], stage: dict[str, Any]) -> Text:
    text = Text("engine ", "dim")
    if engine:
        scheduling = engine.get("scheduling", {}).get("audio", "")
        text.append(f"{engine['cpu'] * 100:.0f} % of a core, {scheduling} scheduling")
        if engine["generation"]:
            text.append(f", restarted {engine['generation']}x", "yellow")
    text.append("   stage ", "dim")
    if stage.get("fps"):
        text.append(f"{stage.get('scene', '')} {stage['fps']:.0f} fps")
    else:
        text.append(str(stage.get("status", "none (headless)")))
    return text


def summary(state: State, engine: dict[str, Any]) -> str:
    """One line on how it goes."""
    source = engine.get("source", {})
    moment = Moment.at(state, now())
    parts = [
        f"{source.get('state', 'opening')} {source.get('name', '')}".strip(),
        f"{moment.bpm:.1f} BPM {told(moment.state.tempo_told)}".strip(),
        f"bar {int(moment.bar) + 1} beat {moment.beat_in_bar}/{moment.beats_per_bar}",
        f"confidence {moment.confidence:.2f}",
        f"level {moment.levels.loudness:.2f}",
        f"{moment.section.name}, {moment.levels.mood_name}",
    ]
    for output in engine.get("outputs", []):
        state_of = f"{output['sent']} sent, {output['late']} late" if output["open"] else "closed"
        parts.append(f"{output['name']}: {state_of}")
    if source.get("overflows"):
        parts.append(f"{source['overflows']} overflows")
    parts.append(f"engine {engine.get('cpu', 0.0) * 100:.0f} % of a core")
    return ", ".join(parts)


class _Keys:
    """Reads keys from the terminal on a thread of its own and sends their commands, stamped when they were pressed."""

    def __init__(self, shared: Shared, say: Callable[[str, str], None]) -> None:
        self._shared, self._say = shared, say
        self._stop = threading.Event()
        self._restore: Any = None
        if not sys.stdin.isatty():
            return
        loop = self._windows if sys.platform == "win32" else self._posix
        if sys.platform != "win32":
            import termios
            import tty

            self._restore = (termios, termios.tcgetattr(sys.stdin))
            tty.setcbreak(sys.stdin)
            # After Ctrl-Z and fg the shell has set the terminal its own way.
            signal.signal(signal.SIGCONT, lambda *_: tty.setcbreak(sys.stdin))
        threading.Thread(target=loop, name="keys", daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        if self._restore is not None:
            termios, before = self._restore
            signal.signal(signal.SIGCONT, signal.SIG_DFL)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def _press(self, typed: str) -> None:
        key = command_of(typed)
        if key is not None and key.do == "help":
            self._say("info", "\n".join(f"{k.label:>10}  {k.says}" for k in KEYS if k.sends))
        if key is not None and key.sends:
            self._shared.from_terminal.send(key.command(now()))
            if key.do == "blackout":
                self._shared.to_stage.send({"do": "blackout"})

    def _posix(self) -> None:
        import select

        while not self._stop.is_set():
            if not select.select([sys.stdin], [], [], 0.2)[0]:
                continue
            typed = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
            if not typed:
                return  # the terminal is gone
            if typed.endswith("\x1b") and select.select([sys.stdin], [], [], 0.05)[0]:
                typed += os.read(sys.stdin.fileno(), 64).decode(errors="replace")  # the rest of an arrow key
            for key in re.findall(r"\x1b[\[O][A-Z]|.", typed, re.DOTALL):
                self._press(key.replace("\x1bO", "\x1b["))

    def _windows(self) -> None:
        import msvcrt

        while not self._stop.is_set():
            if msvcrt.kbhit():  # type: ignore[attr-defined]
                typed = msvcrt.getwch()  # type: ignore[attr-defined]
                self._press("\xe0" + msvcrt.getwch() if typed in ("\x00", "\xe0") else typed)  # type: ignore[attr-defined]
            else:
                time.sleep(0.01)
