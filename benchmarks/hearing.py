"""How the listener's hearing depends on what it is given: lead, sample rate, block size, level; and what a frame costs.

    python benchmarks/hearing.py FOLDER [--every 4] [--tracker NAME]

FOLDER: an annotated set as for dev_set.py; every N-th excerpt of it is heard. Prints two Markdown tables: scores, one
row a condition (the first one is as recorded), and the cost of a look, seconds in a second of sound (one core).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from engine.hearing import ListenerSettings
from engine.hearing.listener import Listener
from engine.listening import beats_in

Sound = np.ndarray[Any, np.dtype[np.float32]]
SHOWN = (("F70", "{:.3f}"), ("F25", "{:.3f}"), ("CMLt", "{:.3f}"), ("AMLt", "{:.3f}"), ("off", "{:+.1f}"))
SHOWN += (("sync", "{:.0f}"), ("lock", "{:.1f}"))


def scorer(folder: Path) -> Callable[..., dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("score", folder / "tools" / "score.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{folder}: holds no tools/score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score_one  # type: ignore[no-any-return]


def heard(sound: Sound, rate: int, settings: ListenerSettings, lead: float, block: int | None) -> list[dict[str, Any]]:
    listener = Listener(settings, rate)
    size = block or listener.hop
    return list(beats_in((sound[i : i + size] for i in range(0, len(sound), size)), listener, size, lead))


def costs(sound: Sound, rate: int, settings: ListenerSettings) -> tuple[float, float, float, float]:
    """p50, p99, p99.9 of a look of one hop in ms, and the seconds a second of sound takes."""
    listener = Listener(settings, rate)
    spent = []
    for start in range(0, len(sound) - listener.hop, listener.hop):
        hop = sound[start : start + listener.hop]
        begun = time.process_time()
        listener.push(hop)
        spent.append(time.process_time() - begun)
    p50, p99, p999 = np.percentile(spent, (50, 99, 99.9)) * 1e3
    return float(p50), float(p99), float(p999), sum(spent) / (len(sound) / rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--tracker", default="network")
    wanted = parser.parse_args()
    settings = ListenerSettings(tracker=wanted.tracker)
    score = scorer(wanted.folder)
    rows = json.loads((wanted.folder / "manifest.json").read_text(encoding="utf-8"))
    rows = [row for row in rows if row["split"] == "dev"][:: wanted.every]
    sounds = [soundfile.read(wanted.folder / "dev" / f"{row['id']}.ogg", dtype="float32") for row in rows]
    truths = [np.loadtxt(wanted.folder / "dev" / f"{row['id']}.beats", ndmin=2) for row in rows]
    conditions: list[tuple[str, dict[str, Any]]] = [("as recorded", {})]
    conditions += [(f"lead {lead} ms", {"lead": lead / 1e3}) for lead in (20, 50, 100, 200)]
    conditions += [(f"{rate} Hz", {"rate": rate}) for rate in (22050, 48000, 88200, 96000)]
    conditions += [(f"blocks of {block}", {"block": block}) for block in (64, 256, 512, 1024)]
    conditions += [(f"{level} dB", {"level": level}) for level in (-15, -30, -45)] + [
        ("+12 dB, clipped", {"level": 12})
    ]
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {len(rows)} excerpts\n")
    print(" | ".join(["condition", *(key for key, _ in SHOWN)]))
    print("|".join(["---"] * (len(SHOWN) + 1)))
    for name, how in conditions:
        results = []
        for row, (sound, rate), truth in zip(rows, sounds, truths, strict=True):
            there = how.get("rate", rate)
            x = sound if there == rate else soxr.resample(sound, rate, there).astype(np.float32)
            x = np.clip(x * np.float32(10 ** (how.get("level", 0.0) / 20)), -1.0, 1.0)
            told = heard(x, there, settings, how.get("lead", 0.0), how.get("block"))
            results.append(score(row, truth[:, 0], truth[:, 1].astype(int), told))
        values = [[r[key] for r in results if r.get(key) is not None] for key, _ in SHOWN]
        shown = [text.format(np.mean(v)) if v else "-" for v, (_, text) in zip(values, SHOWN, strict=True)]
        print(" | ".join([name, *shown]), flush=True)
    print("\ncost | p50 ms | p99 ms | p99.9 ms | of one core\n---|---|---|---|---")
    sound, rate = sounds[0]
    for there in (44100, 48000, 96000):
        x = sound if there == rate else soxr.resample(sound, rate, there).astype(np.float32)
        p50, p99, p999, share = costs(x, there, settings)
        print(f"{there} Hz | {p50:.3f} | {p99:.3f} | {p999:.3f} | {share:.4f}", flush=True)


if __name__ == "__main__":
    main()
