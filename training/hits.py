"""Makes what the hit network learns from: songs of every source, drums alone or beside bass, hand drums and voices, as
rows of features and the exact onsets of kick, snare and hat.

    python -m training.hits OUT [--minutes 20] [--seed 1] [--mixes 3]

Sources named in training.build's HELD and drums named in HELD_KITS go to OUT/held, for validation.
Public: HELD_KITS, Strokes, load, targets_of, pick, counts_of, best_threshold.
"""

from __future__ import annotations

import argparse
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.state import KINDS, Floats
from training.augment import Clip
from training.build import HELD, RATE, sources, worn
from training.hit_features import HOPS, hit_features_of
from training.noises import not_music
from training.render import render
from training.song import Part, Song

STEP = round(RATE / HOPS) / RATE  # seconds a row, not quite 1 / HOPS
HELD_KITS = ("Millo-Drums_v.1", "BJA_Pacific", "TR808EmulationKit", "VariBreaks", "TimGM6mb:128", "OPL-3_FM_128M:128")
GHOST = 0.2  # strength up to which a stroke need not be told, and may be
_SHARES = {"generator": 0.42, "mma": 0.14, "groove": 0.34, "hydrogen": 0.05, "nothing": 0.05}
_HAND = (41, 43, 45, 47, 48, 50, 54, 56, 60, 61, 62, 63, 64, 65, 66, 67, 69, 70, 73, 75, 76, 77)
# Seconds from an onset to the end of a row: where a row says the drum, and how long its ringing is neither right nor
# wrong to be taken for it.
SAID = (0.0025, 0.014)
RINGING = (-0.002, 0.035)
CYMBAL_RINGS = 0.04
TOGETHER = 0.02  # seconds within which strokes of one kind (a clap on a snare) are one


@dataclass
class Strokes:
    """kick, snare, hat: float64[n, 2] of (onset s, strength 0..1), ascending; cymbal: onsets, s."""

    kick: NDArray[np.float64]
    snare: NDArray[np.float64]
    hat: NDArray[np.float64]
    cymbal: NDArray[np.float64]

    def of(self, kind: str) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = getattr(self, kind)
        return rows


def _hand_percussion(song: Song, rng: np.random.Generator) -> Part:
    """A pattern of toms, congas, claves or shakers along the beats: struck, but neither kick nor snare nor hat."""
    keys = rng.choice(_HAND, int(rng.integers(1, 4)), replace=False)
    steps = int(rng.choice([2, 3, 4]))
    pattern = rng.random((len(keys), 4 * steps)) < rng.uniform(0.15, 0.5)
    rows = []
    for i, (start, stop) in enumerate(zip(song.beats, song.beats[1:], strict=False)):
        for step in range(steps):
            for key, strikes in zip(keys, pattern, strict=True):
                if strikes[(i % 4) * steps + step]:
                    at = start + (stop - start) * step / steps + rng.normal(0.0, 0.006)
                    rows.append((max(0.0, at), 0.2, key, float(np.clip(rng.normal(95, 20), 25, 127))))
    notes = np.array(sorted(rows), dtype=np.float64).reshape(-1, 4)
    return Part("drums", 0, notes, gain=float(rng.uniform(0.4, 1.3)))


def _held(song: Song, played_by: list[str]) -> bool:
    return song.source in HELD or any(by.startswith(HELD_KITS) for by in played_by)


def _keep(folder: Path, name: str, clip: Clip, rng: np.random.Generator) -> None:
    """Write rows and truth, whole or not at all; now and then as a device of half the rate hears it."""
    audio, rate = clip.audio, clip.rate
    if rng.random() < 0.05:
        audio, rate = soxr.resample(audio, rate, rate // 2).astype(np.float32), rate // 2
    part = folder / f".{name}.part"
    with part.open("wb") as file:
        features = hit_features_of(audio, rate).astype(np.float16)
        np.savez(file, features=features, cymbal=clip.cymbals, **{kind: clip.hits[kind] for kind in KINDS})
    part.replace(folder / f"{name}.npz")


def load(path: Path) -> tuple[Floats, Strokes]:
    """One song: float16[hops, COUNT] features and their truth."""
    with np.load(path) as file:
        return file["features"], Strokes(**{name: file[name] for name in (*KINDS, "cymbal")})


def _rows(onset: float, span: tuple[float, float], size: int) -> slice:
    """The rows of `size` whose ends lie within `span` seconds after an onset."""
    first = int(np.ceil((onset + span[0]) / STEP - 1e-6)) - 1
    last = int(np.floor((onset + span[1]) / STEP + 1e-6)) - 1
    return slice(min(max(first, 0), size), min(max(last + 1, 0), size))


def targets_of(strokes: Strokes, size: int) -> tuple[Floats, Floats, Floats]:
    """Three float32[size, 3]: what the rows should say, how much each counts, and the strength at each stroke."""
    says, counts, strengths = (np.full((size, 3), value, np.float32) for value in (0.0, 1.0, 0.0))
    for column, kind in enumerate(KINDS):
        rows = strokes.of(kind)
        if kind == "hat":
            for onset in strokes.cymbal:
                counts[_rows(onset, (-0.005, CYMBAL_RINGS), size), column] = 0.0
        for onset, _ in rows:
            counts[_rows(onset, RINGING, size), column] = 0.0
        loud = max(0.3, float(np.quantile(rows[:, 1], 0.9))) if len(rows) else 1.0
        for onset, strength in rows[rows[:, 1] > GHOST]:
            here = _rows(onset, SAID, size)
            says[here, column] = 1.0
            counts[here, column] = 0.4 + 0.6 * min(1.0, strength / loud)
            strengths[here, column] = min(1.0, strength / loud)
    return says, counts, strengths


def pick(heard: Floats, threshold: float, rest: int) -> NDArray[np.int64]:
    """Rows at which a drum is told by its activations float32[n], as engine.hearing.hits does."""
    told, last, armed = [], -rest, True
    over = np.flatnonzero(heard >= threshold)
    falls = np.flatnonzero(heard < 0.5 * threshold)
    for row in over.tolist():
        if not armed:
            k = np.searchsorted(falls, last)
            armed = k < len(falls) and falls[k] < row
        if armed and row - last >= rest:
            told.append(row)
            last, armed = row, False
    return np.array(told, dtype=np.int64)


@dataclass
class Counts:
    """right, wrong and missed strokes; delays: seconds from each right stroke's onset to when it was told."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    delays: list[float] | None = None

    @property
    def f(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def counts_of(
    told: NDArray[np.float64],
    delay: float | NDArray[np.float64],
    strokes: Strokes,
    kind: str,
    total: Counts,
    within: float = 0.025,
) -> None:
    """Add what was told (s; `delay` later than meant) to the total. Soft strokes and cymbals may be told, need not."""
    rows = strokes.of(kind)
    must = rows[rows[:, 1] > GHOST, 0]
    must = must[np.diff(must, prepend=-1.0) > TOGETHER]
    may = np.sort(np.concatenate((rows[rows[:, 1] <= GHOST, 0], strokes.cymbal if kind == "hat" else rows[:0, 0])))
    used = np.zeros(len(must), bool)
    total.delays = total.delays if total.delays is not None else []
    for meant, heard in zip(told - delay, told, strict=True):
        at = float(meant)
        first, last = np.searchsorted(must, (at - within, at + within))
        free = [i for i in range(first, last) if not used[i]]
        if free:
            nearest = min(free, key=lambda i: abs(must[i] - at))
            used[nearest] = True
            total.right += 1
            total.delays.append(float(heard - must[nearest]))
        elif not np.diff(np.searchsorted(may, (at - within, at + max(within, CYMBAL_RINGS))))[0]:
            total.wrong += 1
    total.missed += int((~used).sum())


def best_threshold(songs: list[tuple[Floats, Strokes]], kind: str, rest: int) -> tuple[float, Counts, float]:
    """Of activations float32[hops, 3] and their truth: the threshold with the best F, its counts, the median delay."""
    column, best, delay = KINDS.index(kind), (0.5, Counts(), 0.0), 0.007
    for threshold in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9):
        total = Counts()
        for heard, strokes in songs:
            counts_of((pick(heard[:, column], threshold, rest) + 1) * STEP, delay, strokes, kind, total)
        if total.f > best[1].f:
            best = (threshold, total, float(np.median(total.delays or [0.0])))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mixes", type=int, default=3, help="mixes of each song")
    wanted = parser.parse_args()
    rng = np.random.default_rng(wanted.seed)
    draw = sources(rng)
    names, shares = zip(*_SHARES.items(), strict=True)
    (wanted.out / "held").mkdir(parents=True, exist_ok=True)
    begun, count, seconds, failed = time.monotonic(), 0, 0.0, 0
    while time.monotonic() - begun < wanted.minutes * 60.0:
        kind = str(rng.choice(names, p=np.array(shares) / sum(shares)))
        count += 1
        if kind == "nothing":
            sound = not_music(rng, float(rng.uniform(10.0, 20.0)), RATE)
            empty = dict.fromkeys(KINDS, np.zeros((0, 2)))
            clip = Clip(sound, RATE, np.zeros(0), np.zeros(0, np.int64), empty, np.zeros(0), "nothing", "nothing")
            _keep(wanted.out, f"nothing__{wanted.seed}-{count:05}", clip, rng)
            continue
        try:
            song = draw[kind](rng)
            if rng.random() < 0.3 and len(song.beats) > 4:
                song = replace(song, parts=[*song.parts, _hand_percussion(song, rng)])
            played = render(song, rng)
        except Exception:  # one odd score must not end an hour's work; it is counted and shown
            failed += 1
            traceback.print_exc()
            continue
        if not played.stems:
            continue
        held = _held(song, played.played_by)
        name = song.source.replace("/", "-").replace(" ", "_")
        for version in range(1 if held else wanted.mixes):
            clip = worn(played, rng, None)
            _keep(wanted.out / "held" if held else wanted.out, f"{name}__{wanted.seed}-{count:05}-{version}", clip, rng)
            seconds += clip.seconds
    print(f"{count} scores, {seconds / 3600:.2f} h of sound, {failed} failed, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
