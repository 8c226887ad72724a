"""The true beats of a sound, and how the fired ones compare. Public: Truth, Verdict, read_truth, judge.

F-measure as in M. Davies, N. Degara and M. Plumbley, Evaluation methods for musical audio beat tracking algorithms
(2009): of the moments an output fires, the first 5 s left out, each true beat hit by one fired beat at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.faults import Refused
from engine.seeing.heard import Fired

NEAR, FAR = 0.025, 0.070  # seconds within which a beat is hit
_SKIP = 5.0  # seconds a listener has to find the beat
_FEW = 4  # true beats after that without which nothing is skipped

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truth:
    """times: seconds, rising. places: beat in the bar, 0 where it is not said."""

    times: Times
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """truth: that part of it which was judged. hit: index of the true beat each fired one hits within FAR, -1: none.

    off: seconds from the nearest true beat to each fired one. f_near, f_far: 0..1 within NEAR and FAR. offset: median
    seconds of fired beats that hit, nan without any. since: seconds from which it counts.
    """

    truth: Truth
    hit: NDArray[np.int64]
    off: Times
    f_near: float
    f_far: float
    offset: float
    since: float
    words: str


def read_truth(path: Path) -> Truth:
    """A line a beat: seconds, and after a tab its place in the bar (1 is the downbeat), which may be missing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Refused(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{path}: is no text; true beats are lines of seconds, tab, beat in the bar") from None
    rows: list[tuple[float, int]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            time, place = float(words[0]), int(words[1]) if len(words) > 1 else 0
        except ValueError:
            raise Refused(f"{path}: line {number}: {line[:40]!r} is not seconds, tab, beat in the bar") from None
        if not math.isfinite(time) or place < 0 or (rows and time <= rows[-1][0]):
            raise Refused(f"{path}: line {number}: {line[:40]!r}: seconds must rise, beats in the bar count from 1")
        rows.append((time, place))
    if not rows:
        raise Refused(f"{path}: holds no beats")
    return Truth(np.array([time for time, _ in rows]), np.array([place for _, place in rows]))


def judge(truth: Truth, fired: list[Fired], start: float, end: float) -> Verdict:
    """How the beats fired within start..end seconds meet the true ones there."""
    inside = (truth.times >= start) & (truth.times < end)
    truth = Truth(truth.times[inside], truth.places[inside])
    times = np.array([beat.time for beat in fired])
    since = max(start, _SKIP) if (truth.times >= _SKIP).sum() >= _FEW else start
    true, counted = truth.times[truth.times >= since], times[times >= since]
    near, far = (_f_measure(true, counted, within) for within in (NEAR, FAR))
    hit = pairs(truth.times, times, FAR)
    off = np.array([_nearest(truth.times, time) for time in times])
    met = (hit >= 0) & (times >= since)
    offset = float(np.median(times[met] - truth.times[hit[met]])) if met.any() else math.nan
    beside = f"median offset {1000 * offset:+.1f} ms" if met.any() else "none hit"
    words = (
        f"F {far:.3f} within 70 ms, {near:.3f} within 25 ms, {beside} "
        f"({counted.size} beats fired, {true.size} true, from {since:g} s on)"
    )
    return Verdict(truth, hit, off, near, far, offset, since, words)


def pairs(true: Times, fired: Times, within: float) -> NDArray[np.int64]:
    """Index of the true beat each fired one hits, -1 for none: as many pairs as can be, both in rising order."""
    hit = np.full(fired.size, -1)
    i = j = 0
    while i < true.size and j < fired.size:
        if abs(fired[j] - true[i]) <= within:
            hit[j] = i
            i, j = i + 1, j + 1
        elif fired[j] < true[i]:
            j += 1
        else:
            i += 1
    return hit


def _f_measure(true: Times, fired: Times, within: float) -> float:
    both = true.size + fired.size
    return 2.0 * float((pairs(true, fired, within) >= 0).sum()) / both if both else 0.0


def _nearest(true: Times, time: float) -> float:
    return float(time - true[np.abs(true - time).argmin()]) if true.size else math.inf
