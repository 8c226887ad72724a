"""Real servers for tests, started and stopped by them. Public: JackServer, PipeWire, XServer, missing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from engine.outputs import midi_jack


def missing(why: str) -> NoReturn:
    """Skip, with the reason; fail where all tests are wanted (CI sets GETAWAY_ALL_TESTS)."""
    if os.environ.get("GETAWAY_ALL_TESTS"):
        pytest.fail(f"{why}, and GETAWAY_ALL_TESTS is set")
    pytest.skip(why)


class JackServer:
    """A private jackd on the dummy driver, 48 kHz; this process's clients find it by the environment."""

    def __init__(self, log: Path, period: int = 128) -> None:
        """log: of jackd. period: frames a cycle."""
        self.period = period
        # One name, taken in turns: JACK knows eight servers and counts a killed one until its name is used again.
        self.name = "getaway-test"
        self._turn = open(Path(tempfile.gettempdir()) / "getaway-test-jack.lock", "a")  # noqa: SIM115  # held until stop
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.clients: list[Any] = []  # closed, by their close(), before the server

    def start(self) -> None:
        command = ["jackd", "-S", "-n", self.name, "-d", "dummy", "-r", "48000", "-p", str(self.period)]
        command.insert(1, "-R" if os.geteuid() == 0 else "-r")
        if shutil.which("setpriv"):  # a crash of the tests leaves no server behind
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        waited = subprocess.run(
            ["jack_wait", "-s", self.name, "-w", "-t", "10"], capture_output=True, check=False, timeout=20
        )
        if waited.returncode or self._process.poll() is not None:
            pytest.fail(f"jackd did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        """Gone from one moment to the next."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """Ask it to go, as a user does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        midi_jack.forget()
        self.end()
        self._turn.close()


_NULL_SINK = """
context.properties = { default.clock.rate = 48000 default.clock.quantum = 256 default.clock.min-quantum = 32 }
context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink node.name = stage
    node.description = stage media.class = Audio/Sink audio.position = "FL,FR" object.linger = true
    monitor.channel-volumes = true } } ]
"""
_ALSA = "pcm.!default { type pulse }\nctl.!default { type pulse }\npcm.pulse { type pulse }\nctl.pulse { type pulse }\n"


class PipeWire:
    """A private PipeWire with one null sink, "stage", whose monitor is the default input. `environment` leads to it."""

    NEEDS = ("pipewire", "wireplumber", "pipewire-pulse", "pactl", "dbus-daemon")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in ("run", "cfg/pipewire/pipewire.conf.d", "state"):
            (folder / part).mkdir(parents=True)
        (folder / "run").chmod(0o700)
        (folder / "cfg/pipewire/pipewire.conf.d/10-stage.conf").write_text(_NULL_SINK)
        (folder / "asoundrc").write_text(_ALSA)
        run = str(folder / "run")
        self.environment = {
            "XDG_RUNTIME_DIR": run,
            "PIPEWIRE_RUNTIME_DIR": run,
            "XDG_CONFIG_HOME": str(folder / "cfg"),
            "XDG_STATE_HOME": str(folder / "state"),
            "PULSE_SERVER": f"unix:{run}/pulse/native",
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{folder}/asoundrc",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={run}/bus",
        }
        self._bus = self._run("dbus-daemon", "--session", "--nofork", f"--address=unix:path={run}/bus")
        self._parts: list[subprocess.Popen[bytes]] = []

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **self.environment})

    def start(self) -> None:
        self._parts = [self._run("pipewire")]
        self._wait("pipewire-0")
        self._parts += [self._run("wireplumber"), self._run("pipewire-pulse")]
        self._wait("pulse/native")
        for words in (("set-default-sink", "stage"), ("set-default-source", "stage.monitor")):
            for _ in range(50):
                if self._pactl(*words):
                    break
                time.sleep(0.1)
            else:
                pytest.fail(f"PipeWire did not start: {(self._folder / 'pipewire.log').read_text()}")

    def _pactl(self, *words: str) -> bool:
        environment = {**os.environ, **self.environment}
        return subprocess.run(["pactl", *words], env=environment, capture_output=True, check=False).returncode == 0

    def _wait(self, name: str) -> None:
        until = time.monotonic() + 10.0
        while not (self._folder / "run" / name).exists():
            assert time.monotonic() < until, f"PipeWire made no {name}"
            time.sleep(0.02)

    def kill(self) -> None:
        """Gone from one moment to the next, as a server that crashes or a machine that loses its sound card."""
        for part in reversed(self._parts):
            part.kill()
            part.wait()
        self._parts = []
        for name in ("pipewire-0", "pipewire-0.lock", "pulse/native", "pulse/pid"):
            with contextlib.suppress(OSError):
                (self._folder / "run" / name).unlink()

    def stop(self) -> None:
        self.kill()
        self._bus.kill()
        self._bus.wait()


class XServer:
    """An X server for one test. frame(): what is on its screen, uint8[height, width, 3], read from its memory."""

    def __init__(self, folder: Path, width: int = 640, height: int = 360) -> None:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
        self._process = subprocess.Popen(
            [*command, "-fbdir", str(folder)], pass_fds=(write,), stderr=subprocess.DEVNULL
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"
        self._file = folder / "Xvfb_screen0"

    def frame(self) -> Any:
        # X Window Dump (XWDFile.h): 32-bit big-endian words; 0 header size, 4 width, 5 height, 12 bytes a line,
        # 19 colours of 12 bytes; then the pixels, here 4 bytes each.
        words = np.fromfile(self._file, ">u4", 25)
        start = int(words[0] + 12 * words[19])
        width, height, stride = int(words[4]), int(words[5]), int(words[12])
        pixels = np.fromfile(self._file, np.uint8, stride * height, offset=start).reshape(height, stride)
        return pixels[:, : 4 * width].reshape(height, width, 4)[:, :, 2::-1]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10.0)
