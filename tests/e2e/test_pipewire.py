"""End to end as a user has it: a player into a PipeWire null sink, Getaway on its monitor; the server goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.e2e.conftest import Running, Song
from tests.servers import PipeWire

pytestmark = pytest.mark.e2e


def play(song: Song, folder: Path, pipewire: PipeWire, length: float) -> subprocess.Popen[bytes]:
    """An independent player, into the null sink."""
    path = folder / "song.wav"
    soundfile.write(path, song.samples[: int(length * 48000)], 48000)
    return subprocess.Popen(["pw-play", str(path)], env={**os.environ, **pipewire.environment})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.timeout(90)
def test_the_monitor_of_a_null_sink_is_heard_recorded_and_replayed(
    song: Song, pipewire: PipeWire, perform: Callable[..., Running], tmp_path: Path, capsys: Any
) -> None:
    """`--input monitor` hears what another program plays; the record replays to the same States, bit for bit."""
    record = tmp_path / "take.jsonl"
    options = ("--headless", "--record", str(record), "--record-audio")
    running = perform("monitor", *options, environment=pipewire.environment)
    running.wait_for("listening to")
    player = play(song, tmp_path, pipewire, 16.0)
    time.sleep(15.0)
    assert running.end() == 0, running.said()
    player.kill()
    player.wait()
    states = [line["state"] for line in lines(record) if "state" in line]
    settled = [s for s in states if s["time"] > states[0]["time"] + 8.0]
    true = 60.0 / float(np.median(np.diff(song.beats)))
    bpm = float(np.median([s["bpm"] for s in settled]))
    # Beats of the line against beats of the score: one unknown offset (when the player began), no other freedom.
    numbers = np.arange(int(settled[0]["beat"]) + 1, int(settled[-1]["beat"]))
    times = np.interp(numbers, [s["beat"] for s in settled], [s["time"] for s in settled])
    phases = np.interp(times - times[0], song.beats - song.beats[0], np.arange(len(song.beats)))
    drift = (phases - np.round(phases - phases[0]) - phases[0]) * 60.0 / true
    with capsys.disabled():
        print(f"\nPipeWire monitor: {bpm:.2f} BPM (true {true:.2f}), beats drift {1000 * np.ptp(drift):.1f} ms in 7 s")
    assert bpm == pytest.approx(true, rel=0.01)
    assert np.ptp(drift) < 0.050
    command = [sys.executable, "-m", "engine.cli", "replay", str(record)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "bit for bit" in said.stdout


@pytest.mark.timeout(90)
def test_a_sound_server_that_dies_is_reported_and_found_again(
    song: Song, pipewire: PipeWire, perform: Callable[..., Running], tmp_path: Path
) -> None:
    """Pulled mid-show: said in one line, the line goes on with falling confidence, back by name when it is back."""
    record = tmp_path / "take.jsonl"
    running = perform("stage.mon", "--headless", "--record", str(record), environment=pipewire.environment)
    running.wait_for("listening to")
    player = play(song, tmp_path, pipewire, 30.0)
    time.sleep(8.0)
    pipewire.kill()
    player.wait()
    running.wait_for("(trying again)", 12.0)
    time.sleep(1.0)
    pipewire.start()
    again = play(song, tmp_path, pipewire, 30.0)
    waited = running.wait_for("listening to", 20.0, count=2)
    time.sleep(3.0)
    assert running.process.poll() is None
    assert running.end() == 0, running.said()
    again.kill()
    again.wait()
    assert waited < 15.0
    print(running.said())
    heard = [line for line in lines(record) if "begin" in line]
    assert len(heard) >= 2, "the source was opened again"
    assert heard[1]["begin"]["seed"], "the line was carried over"
