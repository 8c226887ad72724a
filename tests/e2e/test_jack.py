"""End to end on real parts: a song through a real (null) sound server, MIDI to an independent client, a real window."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.conftest import Running, Song, alive
from tests.servers import XServer

pytestmark = pytest.mark.e2e

BEAT, CLOCK = (0x9F, 60), (0xF8,)
SECONDS = 20.0
LOCKED = 6.0  # seconds into the song from which the line must stand


def shares(errors: Any) -> str:
    """A distribution in milliseconds, for the report."""
    p = np.percentile(np.abs(errors), (50, 90, 99)) * 1000
    middle = np.median(errors) * 1000
    return f"n {errors.size}, median {middle:+.1f}, |p50| {p[0]:.1f}, |p90| {p[1]:.1f}, |p99| {p[2]:.1f} ms"


def nearest(times: Any, beats: Any) -> Any:
    """Signed distance of each time to the nearest beat, seconds."""
    at = np.clip(np.searchsorted(beats, times), 1, len(beats) - 1)
    left, right = times - beats[at - 1], times - beats[at]
    return np.where(np.abs(left) < np.abs(right), left, right)


@pytest.mark.timeout(90)
def test_notes_and_frames_sit_on_the_true_beats(
    song: Song, witness: Callable[[Any], Any], screen: XServer, perform: Callable[..., Running], capsys: Any
) -> None:
    """Notes on the wire and flashes on the screen sit on the beats of the score; SIGINT leaves nothing behind."""
    heard = witness(song.samples)
    begun = time.perf_counter()
    running = perform("witness", environment={"DISPLAY": screen.display})
    running.wait_for("listening to")
    running.wait_for("scene:")
    started = time.perf_counter() - begun
    heard.play()
    play_from = time.perf_counter()
    frames: list[tuple[float, float]] = []
    while time.perf_counter() - play_from < SECONDS:
        frames.append((time.perf_counter(), float(screen.frame()[:, :, 1].mean())))
        time.sleep(0.004)
    children = running.children()
    assert set(children) == {"engine", "stage"}
    assert running.end(signal.SIGINT) == 0, running.said()
    time.sleep(0.3)
    played = heard.close()

    notes = played.times(*BEAT)
    notes = notes[(notes > LOCKED) & (notes < SECONDS)]
    errors = nearest(notes, song.beats)
    true = song.beats[(song.beats > LOCKED) & (song.beats < SECONDS - 0.2)]
    flashes = _rises(frames, played)
    flashes = flashes[(flashes > LOCKED) & (flashes < SECONDS)]
    seen = nearest(flashes, song.beats)
    with capsys.disabled():
        print(f"\n{song.name}: start to scene and sound {started:.2f} s")
        print(f"  note - true beat: {shares(errors)} ({len(true)} beats)")
        print(f"  flash on the screen - true beat: {shares(seen)}")
    assert abs(len(notes) - len(true)) <= 1, "as many notes as beats"
    assert np.median(np.abs(errors)) < 0.015
    assert np.mean(np.abs(errors) < 0.070) > 0.95
    assert len(flashes) >= 0.85 * len(true), "the picture pulses with the beats"
    assert np.median(np.abs(seen)) < 0.040  # frames are 17 ms apart, drawn by two busy cores
    ticks = played.times(*CLOCK)
    ticks = ticks[(ticks > LOCKED) & (ticks < SECONDS)]
    assert abs(len(ticks) / (ticks[-1] - ticks[0]) - 24 * len(true) / (true[-1] - true[0] + np.diff(true).mean())) < 1.0
    assert played.sounding() == set()
    assert played.events[-1][1] == b"\xfc", "the clock is stopped"
    assert not any(alive(pid) for pid in children.values()), "no orphan process"
    assert not [p for p in Path("/dev/shm").glob("*") if p.name.startswith(("pym", "psm"))], "no shared memory"


def _rises(frames: list[tuple[float, float]], played: Any) -> Any:
    """Times in the song at which the screen grew bright: through half of the full flash, re-armed at a quarter."""
    full = np.percentile([level for _, level in frames], 98)
    rises, armed = [], True
    for at, level in frames:
        if armed and level > 0.5 * full:
            rises.append(at)
            armed = False
        elif level < 0.25 * full:
            armed = True
    hosts = played.host_of(np.arange(0.0, 60.0, 0.01))
    return np.interp(rises, hosts, np.arange(0.0, 60.0, 0.01))


def settled(song: Song, witness: Callable[[Any], Any], screen: XServer, perform: Callable[..., Running]) -> Any:
    """(witness, performance) that have been at it for 11 s of the song: the line has stood for some bars."""
    heard = witness(song.samples)
    running = perform("witness", environment={"DISPLAY": screen.display})
    running.wait_for("listening to")
    running.wait_for("scene:")
    heard.play()
    time.sleep(11.0)
    return heard, running


@pytest.mark.timeout(90)
def test_a_killed_engine_comes_back_on_the_same_line(
    song: Song, witness: Callable[[Any], Any], screen: XServer, perform: Callable[..., Running], capsys: Any
) -> None:
    """kill -9 of the engine: the picture keeps moving, notes are back within 2 s on the line there was before."""
    heard, running = settled(song, witness, screen, perform)
    before = running.children()
    killed = time.perf_counter()
    os.kill(before["engine"], signal.SIGKILL)
    levels = []
    while time.perf_counter() - killed < 1.2:
        levels.append(float(screen.frame()[:, :, 1].mean()))
        time.sleep(0.01)
    running.wait_for("listening to", count=2)
    time.sleep(3.0)
    assert running.children()["stage"] == before["stage"], "the stage was not touched"
    assert running.end(signal.SIGTERM) == 0, running.said()
    time.sleep(0.3)
    played = heard.close()
    hosts = played.host_of(played.times(*BEAT))
    ticks = played.host_of(played.times(*CLOCK))
    old = hosts[(hosts < killed) & (hosts > killed - 4.0)]
    period = float(np.median(np.diff(old)))
    line = np.polyfit(np.round((old - old[0]) / period), old, 1)
    new = hosts[(hosts > killed + 0.05) & (hosts < killed + 2.5)]
    off = (new - line[1]) / line[0]
    errors = (off - np.round(off)) * line[0]
    back = float(ticks[ticks > killed + 0.05][0] - killed)
    with capsys.disabled():
        print(f"\nengine killed: clock back after {back:.2f} s; notes after - line before: {shares(errors)}")
    assert back < 2.0
    assert len(new) >= 2
    # A quarter of a beat: another line would be off by up to half. Measured: 1 ms, as the line is carried over whole;
    # what is left are stalls of a jackd beside a busy stage, by which the music slips against host time.
    assert np.max(np.abs(errors)) < 0.25 * period
    assert np.ptp(levels) > 0.3 * np.max(levels), "the picture kept moving"
    assert played.sounding() == set()


@pytest.mark.timeout(90)
def test_a_killed_stage_costs_midi_nothing(
    song: Song, witness: Callable[[Any], Any], screen: XServer, perform: Callable[..., Running], capsys: Any
) -> None:
    """kill -9 of the stage: the MIDI clock goes on without a gap, the window is back."""
    heard, running = settled(song, witness, screen, perform)
    before = running.children()
    killed = time.perf_counter()
    os.kill(before["stage"], signal.SIGKILL)
    running.wait_for("scene:", count=2)
    back = time.perf_counter() - killed
    time.sleep(1.0)
    bright = max(float(screen.frame().mean()) for _ in range(100) if not time.sleep(0.01))
    assert running.children()["engine"] == before["engine"]
    assert running.end() == 0, running.said()
    played = heard.close()
    ticks = played.host_of(played.times(*CLOCK))
    around = ticks[(ticks > killed - 2.0) & (ticks < killed + 3.0)]
    gap = float(np.max(np.diff(around)))
    usual = float(np.median(np.diff(around)))
    with capsys.disabled():
        longest, common = gap * 1000, usual * 1000
        print(f"\nstage killed: window back after {back:.2f} s; longest tick {longest:.1f} ms (usual {common:.1f})")
    # A stage takes 0.4 s to come back. A machine of two cores that starts one may keep a tick waiting once (seen: 32 ms
    # in one run of ten); a clock that stood still for the stage would show ten times that.
    assert gap < 0.12
    assert np.percentile(np.diff(around), 98) < 1.5 * usual
    assert bright > 1.0, "the new window draws"


@pytest.mark.timeout(60)
def test_a_midi_port_that_vanishes_is_found_again(
    witness: Callable[[Any], Any], perform: Callable[..., Running], tmp_path: Path
) -> None:
    """A port named in the show goes away mid-show: said in one line, the rest goes on, open again when it is back; the
    recording holds the messages that left."""
    record = tmp_path / "take.jsonl"
    running = perform("demo", "--headless", "--silent", "--record", str(record), port="witness")
    running.wait_for("no port")
    first = witness(np.zeros(48000, np.float32))
    running.wait_for("midi: open", 8.0)
    time.sleep(1.0)
    heard = first.close()
    running.wait_for("(trying again)", 5.0, count=2)
    second = witness(np.zeros(48000, np.float32))
    running.wait_for("midi: open", 8.0, count=2)
    time.sleep(1.0)
    assert running.end() == 0, running.said()
    again = second.close()
    assert len(heard.times(*CLOCK)) > 20, "clock reached the first"
    assert len(again.times(*CLOCK)) > 20, "and the one that came back"
    assert again.sounding() == set()
    sent = [json.loads(line) for line in record.read_text().splitlines() if '"sent"' in line]
    assert sum(line["bytes"] == "f8" for line in sent) >= len(heard.times(*CLOCK))


@pytest.mark.timeout(60)
def test_notes_of_a_killed_engine_end_with_the_show(
    witness: Callable[[Any], Any], perform: Callable[..., Running]
) -> None:
    """The engine is killed with a long note sounding and the show ended at once: a successor ends the note."""
    heard = witness(np.zeros(48000, np.float32))
    running = perform("demo", "--headless", "--silent", port="witness", gate=30.0)
    running.wait_for("midi: open", 8.0)
    time.sleep(5.0)
    os.kill(running.children()["engine"], signal.SIGKILL)
    running.wait_for("was killed", 3.0)
    assert running.end() == 0, running.said()
    time.sleep(0.3)
    played = heard.close()
    assert len(played.times(*BEAT)) >= 2
    assert played.sounding() == set()
