"""What the end-to-end tests share: songs with known beats, a performance as a user starts it, what came of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from engine.audio import demo_score
from engine.audio.file import DEMO
from tests.servers import JackServer, PipeWire, XServer, missing

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "beats-dev"
SONG = "mma-BasicRock"  # of the shared music: drums, bass and guitars at a steady tempo, its beats from the score

PULSE = "void main() { picture = vec4(vec3(role_pulse), 1.0); }\n"
SHOW = """
title = "end to end"
[source]
input = "{input}"
[stage]
scene = "pulse"
size = [320, 180]
[[midi]]
name = "midi"
{port}
[[midi.rows]]
what = "beat"
note = 60
channel = 16
gate = {gate}
[[midi.rows]]
what = "kick"
note = 36
channel = 10
"""


@dataclass(frozen=True)
class Song:
    """samples: float32[n] at 48 kHz. beats: seconds in it."""

    name: str
    samples: Any
    beats: Any


def read_song(path: Path) -> Any:
    """float32[n], mono at 48 kHz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, 48000).astype(np.float32)


@pytest.fixture(scope="session")
def song() -> Song:
    """A song of the shared set; the demo song where that is missing."""
    audio = SHARED / "dev" / f"{SONG}.ogg"
    if audio.is_file():
        beats = np.loadtxt(audio.with_suffix(".beats"), ndmin=2)[:, 0]
        return Song(SONG, read_song(audio), beats)
    return Song("demo", read_song(DEMO), demo_score.beat_times())


@dataclass
class Running:
    """A `getaway perform` process. lines: what it has written, once ended."""

    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 10.0, count: int = 1) -> float:
        """Seconds until the log holds a text `count` times. Fails when it does not come."""
        begun = time.perf_counter()
        while self.said().count(text) < count:
            assert self.process.poll() is None, f"ended early:\n{self.said()}"
            assert time.perf_counter() - begun < seconds, f"{text!r} was not said in {seconds} s:\n{self.said()}"
            time.sleep(0.01)
        return time.perf_counter() - begun

    def children(self) -> dict[str, int]:
        """Process ids of the engine and the stage."""
        found: dict[str, int] = {}
        for pid in _children(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if "spawn_main" in words:
                # The engine is the one that has no GL library loaded.
                maps = Path(f"/proc/{pid}/maps").read_text(errors="replace")
                found["stage" if "libGL" in maps or "libEGL" in maps else "engine"] = pid
        return found

    def end(self, number: int = signal.SIGINT, seconds: float = 10.0) -> int:
        """Send a signal as a terminal does (to the whole group), wait, return the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(seconds)


def _children(pid: int) -> list[int]:
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def perform(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """perform(input, *options, environment=..., port=...): a show with a pulse scene and a virtual or named port."""
    started: list[Running] = []

    def start(
        source: str, *options: str, environment: dict[str, str] | None = None, port: str = "", gate: float = 0.08
    ) -> Running:
        home = tmp_path / "home"
        (tmp_path / "pulse.frag").write_text(PULSE)
        show = tmp_path / "show.toml"
        target = f'port = "{port}"' if port else 'virtual = "Getaway"'
        show.write_text(SHOW.format(input=source, port=target, gate=gate))
        log = tmp_path / f"perform-{len(started)}.log"
        env = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
        env |= {"HOME": str(home), "XDG_STATE_HOME": str(home), "PYTHONUNBUFFERED": "1", **(environment or {})}
        command = [sys.executable, "-m", "engine.cli", "perform", str(show), "--plain", *options]
        with log.open("wb") as file:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=file, stdout=file, start_new_session=True)
        started.append(Running(process, log, env))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


class Played:
    """What a witness heard: times in seconds of the song, on the server's sample clock."""

    def __init__(self, facts: dict[str, Any]) -> None:
        rate, start = facts["rate"], facts["start"]
        self.events = [((frame - start) / rate, bytes.fromhex(text)) for frame, text in facts["events"]]
        frames, hosts = np.array(facts["clock"]).T
        self._seconds, self._hosts = (frames - start) / rate, hosts

    def times(self, *prefix: int) -> Any:
        """Times of the messages that begin with these bytes."""
        return np.array([time for time, data in self.events if tuple(data[: len(prefix)]) == prefix])

    def host_of(self, seconds: Any) -> Any:
        """Host times of times in the song (the server's clock stands still while it buries a killed client)."""
        return np.interp(seconds, self._seconds, self._hosts)

    def sounding(self) -> set[tuple[int, int]]:
        """(channel from 0, note) struck and never ended."""
        on: set[tuple[int, int]] = set()
        for _, data in self.events:
            if data[0] & 0xF0 == 0x90 and data[2]:
                on.add((data[0] & 15, data[1]))
            elif data[0] & 0xE0 == 0x80:
                on.discard((data[0] & 15, data[1]))
        return on


class Witness:
    """Plays a song into `witness` and hears MIDI back, in a process of its own (witness.py)."""

    def __init__(self, song: Any, folder: Path) -> None:
        np.save(folder / "song.npy", song)
        self._out = folder / "witness.json"
        program = str(Path(__file__).with_name("witness.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, str(folder / "song.npy"), str(self._out), "Getaway"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the witness did not come up"

    def play(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"play\n")
        self._process.stdin.flush()

    def close(self) -> Played:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(10)
        return Played(json.loads(self._out.read_text()))


@pytest.fixture
def witness(jack_server: JackServer, tmp_path: Path) -> Callable[[Any], Witness]:
    """witness(samples): one that will play them, on the test's JACK server."""

    def make(samples: Any) -> Witness:
        jack_server.clients.append(Witness(samples, tmp_path))
        return jack_server.clients[-1]

    return make


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[XServer]:
    """An X server whose screen the test reads."""
    if not shutil.which("Xvfb"):
        missing("Xvfb is not installed (Debian: apt install xvfb)")
    folder = tmp_path / "screen"
    folder.mkdir()
    server = XServer(folder)
    yield server
    server.stop()


@pytest.fixture
def pipewire(tmp_path: Path) -> Iterator[PipeWire]:
    """A private PipeWire with a null sink."""
    missing = [name for name in PipeWire.NEEDS if not shutil.which(name)]
    if missing:
        missing(f"not installed: {', '.join(missing)} (Debian: pipewire wireplumber pipewire-pulse dbus)")
    server = PipeWire(tmp_path / "pw")
    server.start()
    yield server
    server.stop()
