"""Recording a performance, and running the record again. Public: Recorder, replay, Replayed.

A recording is JSON lines. The first says what it is; then, in order of happening:
  {"begin": {rate, settings, seed, epoch, source}}   a source was opened (again); what follows counts from here
  {"heard": samples, "host": s, "lost": bool, "crc": n}   a block, and the CRC-32 over all States since "begin"
  {"hint": name, "host": s, "amount": x}             a person's word to the listener
  {"state": {...}}                                   ten times a second, for people and plots
  {"sent": output, "host": s, "bytes": hex}          a message that left
  {"end": reason}
Times are host times in seconds. With audio kept, the mono samples that were heard lie beside it as FILE-1.f32,
FILE-2.f32 ... one for each "begin": raw 32-bit float little-endian, so that a crash costs the last second and
nothing else. Writing happens on a thread of its own; who records only puts things in a queue.
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.clock import now
from engine.faults import Refused
from engine.hearing import ListenerSettings
from engine.hearing.live import LiveListener
from engine.state import Floats, State

VERSION = 2  # 2: States hold section, mood and what was told, so those of before are other bytes
_FLUSH = 0.5  # seconds: what a crash may cost
_STATES = 0.1  # seconds between two "state" lines


class Recorder:
    """Writes one recording. Made by the parent with `begin_file`, continued by each engine process."""

    def __init__(self, path: Path, *, audio: bool) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[dict[str, Any] | bytes | None] = queue.SimpleQueue()
        self._audio = audio
        self._crc = 0
        self._state_at = 0.0
        self.trouble = ""  # why it ended before its time: a full disk
        self._thread = threading.Thread(target=self._guarded, name="recorder", daemon=True)
        self._thread.start()

    @staticmethod
    def begin_file(path: Path, facts: dict[str, Any]) -> None:
        """Make the file. Refused when it exists: a recording is never overwritten."""
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(json.dumps({"getaway": "recording", "version": VERSION, **facts}) + "\n")
        except FileExistsError:
            raise Refused(f"{path}: exists already; recordings are never overwritten, choose another name") from None
        except OSError as error:
            raise Refused(f"{path}: can't be written: {error.strerror}") from None

    def begin(self, rate: int, settings: ListenerSettings, seed: State | None, epoch: int, source: str) -> None:
        self._crc = 0
        kept = base64.b64encode(seed.pack()).decode() if seed else None
        facts = {"rate": rate, "settings": asdict(settings), "seed": kept, "epoch": epoch, "source": source}
        self._queue.put({"begin": facts})

    def heard(self, samples: Floats, host: float, overflowed: bool, states: list[State]) -> None:
        for state in states:
            self._crc = zlib.crc32(state.pack(), self._crc)
        self._queue.put({"heard": samples.size, "host": host, "lost": overflowed, "crc": self._crc})
        if self._audio:
            self._queue.put(samples.astype("<f4").tobytes())
        if states and host >= self._state_at:
            self._state_at = host + _STATES
            self._queue.put({"state": _summary(states[-1])})

    def hint(self, hint: str, host: float, amount: float) -> None:
        self._queue.put({"hint": hint, "host": host, "amount": amount})

    def sent(self, output: str, host: float, message: bytes) -> None:
        self._queue.put({"sent": output, "host": host, "bytes": message.hex()})

    def close(self, reason: str) -> None:
        self._queue.put({"end": reason})
        self._queue.put(None)
        self._thread.join(5.0)

    def _guarded(self) -> None:
        """Nothing is kept in memory for a disk that takes no more."""
        try:
            self._write()
        except OSError as error:
            self.trouble = f"{self._path}: the recording ends here: {error.strerror}"
            while self._queue.get() is not None:
                pass

    def _write(self) -> None:
        part = 0
        sound = None
        flushed = now()
        with self._path.open("a", encoding="utf-8") as lines:
            while True:
                try:
                    item = self._queue.get(timeout=_FLUSH)
                except queue.Empty:
                    item = {}
                if item is None:
                    break
                if now() - flushed > _FLUSH:
                    flushed = now()
                    for file in (lines, sound):
                        if file is not None:
                            file.flush()
                if not item:
                    continue
                if isinstance(item, bytes):
                    if sound is not None:
                        sound.write(item)
                    continue
                if "begin" in item and self._audio:
                    if sound is not None:
                        sound.close()
                    part, sound = _next_part(self._path, part)
                    item["begin"]["audio"] = f"{self._path.stem}-{part}.f32"
                lines.write(json.dumps(item, separators=(",", ":")) + "\n")
            if sound is not None:
                sound.close()


def _next_part(path: Path, part: int) -> tuple[int, Any]:
    """The next file of samples that does not exist yet (an engine before this one may have written some)."""
    while True:
        part += 1
        try:
            return part, path.with_name(f"{path.stem}-{part}.f32").open("xb")
        except FileExistsError:
            continue


def _summary(state: State) -> dict[str, Any]:
    return {
        "time": state.time,
        "beat": state.grid.beat_at(state.time),
        "bpm": state.grid.bpm,
        "confidence": state.confidence,
        "hits": {kind: state.hits[kind].count for kind in ("kick", "snare", "hat")},
        "section": state.section.name,
        "loudness": state.levels.loudness,
        "mood": state.levels.mood,
        "bands": state.levels.bands,
    }


@dataclass(slots=True)
class Replayed:
    """What a replay found. states: made again. blocks: compared. differs: the first block whose States differ."""

    states: int = 0
    blocks: int = 0
    openings: int = 0
    differs: str = ""
    newest: State | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)


def replay(path: Path) -> Replayed:
    """Run a recording again and compare every State, bit for bit. Refused when it can't be run."""
    found = Replayed()
    ear: LiveListener | None = None
    samples: Any = None
    at, crc = 0, 0
    for number, line in _lines(path):
        if "begin" in line:
            ear, samples = _open_part(path, number, line["begin"])
            at, crc = 0, 0
            found.openings += 1
        elif ear is None:
            continue
        elif "heard" in line:
            block = np.asarray(samples[at : at + line["heard"]], np.float32)
            if block.size < line["heard"]:
                ear = None  # the recorder died here: what it had written is compared; a successor begins anew
                continue
            at += line["heard"]
            states = ear.hear(block, line["host"], line["lost"])
            for state in states:
                crc = zlib.crc32(state.pack(), crc)
            found.states += len(states)
            found.blocks += 1
            found.newest = states[-1] if states else found.newest
            if crc != line["crc"]:
                found.differs = f"{path}:{number}: the States up to sample {at} differ from those recorded"
                break
        elif "hint" in line:
            ear.hint(line["hint"], line["host"], line["amount"])
    if not found.openings:
        raise Refused(f"{path}: holds no 'begin': nothing was heard in it")
    return found


def _open_part(path: Path, number: int, begin: dict[str, Any]) -> tuple[LiveListener, Any]:
    if "audio" not in begin:
        raise Refused(f"{path}:{number}: was recorded without its audio; record with --record-audio to replay")
    sound = path.with_name(begin["audio"])
    if not sound.is_file():
        raise Refused(f"{sound}: is missing; it was recorded beside {path.name}")
    try:
        return _ear_of(begin), _samples_of(sound)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{path}:{number}: was made by another version of Getaway ({error})") from None


def _ear_of(begin: dict[str, Any]) -> LiveListener:
    kept: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in begin["settings"].items()}
    seed = State.unpack(base64.b64decode(begin["seed"])) if begin["seed"] else None
    return LiveListener(ListenerSettings(**kept), begin["rate"], seed, begin["epoch"])


def _samples_of(sound: Path) -> Any:
    size = sound.stat().st_size // 4
    return np.memmap(sound, "<f4", mode="r", shape=(size,)) if size else np.zeros(0, np.float32)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, line) of a recording. A damaged line (a crash tore it) and all that needs it, up to the next
    "begin", are left out."""
    try:
        file = path.open(encoding="utf-8", errors="replace")  # a sound file, say, is to be told as no recording
    except OSError as error:
        raise Refused(f"{path}: can't be read: {error.strerror}") from None
    with file:
        damaged = False
        for number, text in enumerate(file, 1):
            line = _parsed(text)
            if number == 1 and (line.get("getaway"), line.get("version")) != ("recording", VERSION):
                raise Refused(f"{path}: is not a Getaway recording of version {VERSION}")
            damaged = "begin" not in line and (damaged or not line)
            if not damaged:
                yield number, line


def _parsed(text: str) -> dict[str, Any]:
    """A line of JSON as a table; an empty one when it is damaged."""
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return line if isinstance(line, dict) else {}
