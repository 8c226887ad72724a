"""How well drum hits are heard: rendered songs, drummers and kits that no training saw, and the demo song.

    python -m benchmarks.hits [--songs 30] [--beside FILE]

F, precision and recall at 25 ms of the time a hit names, and milliseconds from the true onset to the hop in which the
hit is told, of strokes of more than a fifth of full force (softer ones may be told, need not). Where no drum plays:
false hits a minute. Then what a hop costs. --beside: another version of engine/hearing/hits.py, scored in the same run
(`git show d0fc474:engine/hearing/hits.py` is the spectral flux of before). Needs fluidsynth, Hydrogen's kits and the
Groove MIDI data set (see training/).
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.audio import demo_score, mono
from engine.audio.file import DEMO, file_blocks, open_file
from engine.hearing.frames import Framer
from engine.hearing.hits import HitDetector
from engine.state import KINDS, Floats, Hits
from training import fluid
from training.augment import clip_of, degrade
from training.build import HELD, take
from training.corpora import groove_songs
from training.hits import HELD_KITS, Counts, Strokes, counts_of
from training.render import Rendered, render
from training.song import Song
from training.styles import STYLES, backing, make

RATE = 44100
SECONDS = 30.0
Detector = Callable[[int, Hits], Any]


@dataclass
class Row:
    """Counts of each drum over the clips of one group, and how long they are."""

    counts: dict[str, Counts] = field(default_factory=lambda: {kind: Counts(delays=[]) for kind in KINDS})
    seconds: float = 0.0


def heard(detector: Detector, sound: Floats, rate: int) -> dict[str, list[tuple[float, float]]]:
    """(time named, time told) of every hit, by kind."""
    ear, found = detector(rate, Hits()), {kind: [] for kind in KINDS}
    before, at = ear.hits, 0
    for frame in Framer(ear.hop).push(sound):
        at += frame.size
        if ear.push(frame, at / rate):
            for kind in KINDS:
                if ear.hits[kind].count != before[kind].count:
                    found[kind].append((ear.hits[kind].time, at / rate))
            before = ear.hits
    return found


def add(row: Row, detector: Detector, sound: Floats, rate: int, strokes: Strokes) -> None:
    row.seconds += sound.size / rate
    for kind, hits in heard(detector, sound, rate).items():
        named, told = (np.array([hit[i] for hit in hits]) for i in (0, 1))
        counts_of(told, told - named, strokes, kind, row.counts[kind])


def songs(count: int, seed: int) -> Iterator[tuple[Rendered, bool]]:
    """Held-out songs on held-out kits, and whether there is anything beside the drums."""
    rng = np.random.default_rng(seed)
    human = [song for song in groove_songs() if song.source in HELD]
    styles = [source.split("/")[1] for source in HELD if source.startswith("generator/")]
    made = 0
    while made < count:
        if made % 3 == 2:
            song: Song = make(str(rng.choice(styles)), rng, SECONDS)
        else:
            song = human[rng.integers(len(human))]
            start = float(rng.uniform(0.0, max(0.1, song.duration - SECONDS)))
            song = take(song, start, min(song.duration, start + SECONDS))
            if made % 3 == 1 and len(song.beats) > 8 and (song.positions > 0).all():
                song.parts.extend(backing(song.beats, song.positions, rng, str(rng.choice(list(STYLES)))))
        played = render(song, rng)
        if "drums" in played.stems and any(by.startswith(HELD_KITS) for by in played.played_by):
            made += 1
            yield played, len(played.stems) > 1


def strokes_of(played: Rendered) -> Strokes:
    return Strokes(played.hits["kick"], played.hits["snare"], played.hits["hat"], played.cymbals)


def demo() -> tuple[Floats, int, Strokes]:
    """The demo song: its claps count as snares, its crashes ring as cymbals, its soft ghosts may be told."""
    with open_file(DEMO) as file:
        rate = file.samplerate
    sound = np.concatenate([mono(samples) for samples, _ in file_blocks(DEMO, 4096)])
    times = {kind: np.asarray(demo_score.hit_times(kind), np.float64) for kind in demo_score.KINDS}

    def rows(*kinds: tuple[str, float]) -> np.ndarray:
        both = np.concatenate([np.column_stack([times[kind], np.full(len(times[kind]), s)]) for kind, s in kinds])
        return both[np.argsort(both[:, 0], kind="stable")]

    snare = rows(("snare", 1.0), ("clap", 1.0), ("ghost", 0.1))
    return sound, rate, Strokes(rows(("kick", 1.0)), snare, rows(("hat", 1.0)), np.sort(times["crash"]))


def groups(count: int, seed: int = 7) -> Iterator[tuple[str, Floats, int, Strokes]]:
    """(group, sound, rate, truth) of every clip."""
    rng = np.random.default_rng(seed)
    silent = Strokes(*(np.zeros((0, 2)) for _ in KINDS), np.zeros(0))
    for played, mixed in songs(count, seed):
        truth = strokes_of(played)
        if not mixed:
            yield "drums alone", degrade(played.stems["drums"], RATE, rng), RATE, truth
            continue
        rest = sum((stem for name, stem in played.stems.items() if name != "drums"), start=np.float32(0.0))
        for decibels in (6.0, 0.0, -6.0, -12.0):
            sound = rest + played.stems["drums"] * np.float32(10.0 ** (decibels / 20.0))
            sound = 0.5 * sound / np.abs(sound).max()
            yield f"mixed, drums {decibels:+.0f} dB", sound.astype(np.float32), RATE, truth
        clip = clip_of(played, rng)
        if clip.drums:
            yield "mixed, worn", degrade(clip.audio, RATE, rng), RATE, truth
        yield "the mixes' rest alone", (0.5 * rest / np.abs(rest).max()).astype(np.float32), RATE, silent
    for style in ("film-strings", "piano-classical", "guitar-fingerpicking", "a-cappella", "orchestra", "ambient"):
        played = render(make(style, rng, SECONDS), rng)
        if "drums" not in played.stems:
            yield "music without drums", degrade(clip_of(played, rng).audio, RATE, rng), RATE, silent
    yield "demo song", *demo()


def table(rows: dict[str, Row]) -> str:
    lines = [f"{'':22} {'drum':6} {'F':>6} {'prec':>6} {'rec':>6} {'strokes':>8} {'p50 ms':>7} {'p90 ms':>7}"]
    for name, row in rows.items():
        for kind, c in row.counts.items():
            strokes = c.right + c.missed
            if not strokes:
                lines.append(f"{name:22} {kind:6} {60.0 * c.wrong / row.seconds:6.2f} false hits a minute")
                continue
            p50, p90 = np.percentile(1000.0 * np.array(c.delays or [np.nan]), (50, 90))
            precision = c.right / max(1, c.right + c.wrong)
            shares = f"{c.f:6.3f} {precision:6.3f} {c.right / strokes:6.3f}"
            lines.append(f"{name:22} {kind:6} {shares} {strokes:8} {p50:7.1f} {p90:7.1f}")
    return "\n".join(lines)


def cost(detector: Detector, rate: int = 48000) -> str:
    ear = detector(rate, Hits())
    sound = 0.1 * np.random.default_rng(0).normal(size=ear.hop * 5000).astype(np.float32)
    spent = []
    for i, frame in enumerate(sound.reshape(-1, ear.hop)):
        begun = time.perf_counter()
        ear.push(frame, i * ear.hop / rate)
        spent.append(time.perf_counter() - begun)
    p50, p99 = np.percentile(1e6 * np.array(spent[100:]), (50, 99))
    share = p50 * 1e-6 * rate / ear.hop
    return f"{rate} Hz: {p50:.0f} us a hop of {1000 * ear.hop / rate:.2f} ms (p99 {p99:.0f}), {share:.4f} of a core"


def _other(path: Path) -> Detector:
    spec = importlib.util.spec_from_file_location("other_hits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["other_hits"] = module
    spec.loader.exec_module(module)
    detector: Detector = module.HitDetector
    return detector


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--songs", type=int, default=30)
    parser.add_argument("--beside", type=Path)
    wanted = parser.parse_args()
    if not fluid.available():
        sys.exit("benchmarks.hits: needs fluidsynth and sound fonts to play the songs; skipped")
    detectors: dict[str, Detector] = {"this detector": HitDetector}
    if wanted.beside:
        detectors[str(wanted.beside)] = _other(wanted.beside)
    results: dict[str, dict[str, Row]] = {name: {} for name in detectors}
    for group, sound, rate, truth in groups(wanted.songs):
        for name, detector in detectors.items():
            add(results[name].setdefault(group, Row()), detector, sound, rate, truth)
    for name, rows in results.items():
        print(f"{name}\n{table(rows)}")
        print("\n".join(cost(detectors[name], rate) for rate in (44100, 48000, 96000)) + "\n")


if __name__ == "__main__":
    main()
