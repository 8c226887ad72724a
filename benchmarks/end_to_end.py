"""The whole way, measured from outside: a song on a null JACK server, and the MIDI that comes back on its clock.

    python benchmarks/end_to_end.py [--seconds 60] [--stage] [--period 128]

Needs jackd and JACK-Client (`make test` sets both up), with --stage also Xvfb. The witness is a process and a MIDI
stack of its own; what it stamps is the frame in which a message arrived, so figures hold JACK's own way out (up to one
period) and none of this program's opinions. Truth is the demo song's score. Prints one table and names the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.audio import demo_score  # noqa: E402
from engine.audio.file import DEMO  # noqa: E402
from tests.e2e.conftest import Witness, read_song  # noqa: E402
from tests.servers import JackServer, XServer  # noqa: E402

SETTLED = 8.0  # seconds of the song before figures count
NOTES = {"kick": (0x99, 36), "snare": (0x99, 38), "hat": (0x99, 42)}


@contextlib.contextmanager
def performing(stage: bool, folder: Path) -> Iterator[tuple[Any, Path]]:
    """A performance of the shipped bench show on the witness's sound; its log."""
    log = folder / "log"
    screen = XServer(folder) if stage else None
    environment = {**os.environ, **({"DISPLAY": screen.display} if screen else {})}
    command = [sys.executable, "-m", "engine.cli", "perform", "bench", "--input", "witness", "--plain"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command + ([] if stage else ["--headless"]), cwd=ROOT, env=environment, stderr=file, start_new_session=True
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(10)
        if screen:
            screen.stop()


def row(name: str, values: Any, unit: str = "ms") -> str:
    """count and percentiles of a distribution."""
    if not len(values):
        return f"{name:38s} nothing measured"
    p = np.percentile(values, (50, 90, 99, 100))
    return f"{name:38s} n {len(values):5d}  p50 {p[0]:6.2f}  p90 {p[1]:6.2f}  p99 {p[2]:6.2f}  max {p[3]:6.2f} {unit}"


def nearest(times: Any, true: Any) -> Any:
    at = np.clip(np.searchsorted(true, times), 1, len(true) - 1)
    before, after = times - true[at - 1], times - true[at]
    return np.where(np.abs(before) < np.abs(after), before, after)


def reactions(heard: Any, true: Any) -> Any:
    """Seconds from each true hit to the first note within 40 ms after it, for hits that got one."""
    found = [heard[(heard > hit - 0.002) & (heard < hit + 0.040)] for hit in true]
    return np.array([notes[0] - hit for notes, hit in zip(found, true, strict=True) if notes.size])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--period", type=int, default=128, help="frames a JACK cycle")
    parser.add_argument("--stage", action="store_true", help="with a window drawing the night drive on Xvfb")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = JackServer(folder / "jackd.log", wanted.period)
        os.environ |= {"JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": server.name}
        server.start()
        try:
            witness = Witness(read_song(DEMO), folder)
            server.clients.append(witness)
            with performing(wanted.stage, folder) as (_, log):
                begun = time.perf_counter()
                while "listening to" not in log.read_text():
                    time.sleep(0.01)
                    if time.perf_counter() - begun > 20.0:
                        sys.exit(f"the performance did not start:\n{log.read_text()}")
                started = time.perf_counter() - begun
                witness.play()
                time.sleep(wanted.seconds)
            played = witness.close()
            said = log.read_text()
        finally:
            server.stop()
    report(wanted, played, started, said)


def report(wanted: Any, played: Any, started: float, said: str) -> None:
    cores = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    processor = cores[0].split(":", 1)[1].strip() if cores else platform.processor()
    end = min(wanted.seconds, demo_score.beat_times()[-1])
    within = lambda times: times[(times > SETTLED) & (times < end)]  # noqa: E731
    beats = within(played.times(0x9F, 60))
    errors = nearest(beats, demo_score.beat_times()) * 1000
    ticks = within(played.times(0xF8))
    # Jitter of the clock: each tick against a straight line through the 24 on either side.
    jitter = np.array([abs(ticks[i] - (ticks[i - 24] + ticks[i + 24]) / 2) for i in range(24, len(ticks) - 24)]) * 1000
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    print(f"{system}, {processor} x {os.cpu_count()}")
    stage = "beside a stage drawing on the processor" if wanted.stage else "headless"
    print(f"JACK {wanted.period} frames at 48 kHz, {stage}, {end - SETTLED:.0f} s")
    print(f"started in {started:.2f} s")
    true = within(demo_score.beat_times())
    print(f"beats: {len(beats)} notes for {len(true)} true beats, median {np.median(errors):+.2f} ms")
    print(row("|note - true beat|", np.abs(errors)))
    for kind, key in NOTES.items():
        truth = within(demo_score.hit_times(kind))
        found = reactions(within(played.times(*key)), truth) * 1000
        print(row(f"{kind} in the sound -> note on the wire", found) + f"   ({len(found)} of {len(truth)} heard)")
    print(row("MIDI clock, |tick - straight line|", jitter))
    print("\n".join(said.splitlines()[-2:]))


if __name__ == "__main__":
    main()
