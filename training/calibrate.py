"""Makes confidence mean what it says: of the lines told with 0.9, nine in ten are right.

    python -m training.calibrate RUN DATA... [--fit]

DATA: folders of songs (training.build) the network was not trained on. At every beat the follower fires it notes what
its trust is made of, and whether a true beat lies within 70 ms; a logistic regression gives follower._WEIGHTS. Prints
the weights and a table: told confidence, and the share that was right. Public: gather, fit.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.hearing.features import FPS
from engine.hearing.follower import Follower
from engine.hearing.network import DELAY
from engine.state import Floats, State
from training.evaluate import outputs_of, read_net
from training.targets import Truth
from training.train import load

Rows = NDArray[np.float64]


def gather(outputs: Floats, truth: Truth) -> tuple[list[tuple[float, ...]], list[tuple[float, float, float]]]:
    """At each fired beat: Trust.row, and (confidence told, 1.0 if it was right, bar confidence with its sign: negative
    where the place in the bar was wrong, 0 where that is not known)."""
    follower = Follower(1.0 / FPS, State.unheard(), (50.0, 220.0))
    rows, told = [], []
    last: int | None = None
    for i, out in enumerate(outputs):
        now = (i + 1) / FPS
        follower.push(out, now - DELAY)
        if follower.confidence <= 0.0:
            continue
        number = follower.grid.last_beat_at(now)
        new = last is not None and number > last
        last = number if last is None else max(last, number)
        known = not any(a <= now <= b for a, b in truth.ignore)
        if not new or not known or not truth.beats.size or not truth.beats[0] < now < truth.beats[-1]:
            continue
        near = int(np.abs(truth.beats - follower.grid.time_of(number)).argmin())
        right = abs(truth.beats[near] - follower.grid.time_of(number)) <= 0.07
        place = truth.positions[near]
        bars = follower.bar_confidence
        if place > 0:
            bars *= 1.0 if right and follower.grid.beat_in_bar(number) == place else -1.0
        else:
            bars = 0.0
        rows.append(follower.trust.row())
        told.append((follower.confidence, float(right), bars))
    return rows, told


def fit(rows: Rows, right: Rows, rounds: int = 60) -> Rows:
    """Weights of a logistic regression by Newton's method, a little held back (ridge 1)."""
    weights = np.zeros(rows.shape[1])
    for _ in range(rounds):
        told = 1.0 / (1.0 + np.exp(-rows @ weights))
        slope = rows.T @ (told - right) + weights
        bend = rows.T @ (rows * (told * (1.0 - told))[:, None]) + np.eye(rows.shape[1])
        weights -= np.linalg.solve(bend, slope)
    return weights


_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.01)


def table(told: Rows, right: Rows) -> str:
    lines = ["told | beats | right"]
    for low, high in pairwise(_EDGES):
        inside = (told >= low) & (told < high)
        if inside.sum() >= 20:
            lines.append(f"{told[inside].mean():.3f} | {inside.sum()} | {right[inside].mean():.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1)
    wanted = parser.parse_args()
    net = read_net(wanted.run)
    rows: list[tuple[float, ...]] = []
    told: list[tuple[float, float, float]] = []
    for folder in wanted.data:
        for path in sorted(folder.glob("*.npz"))[:: wanted.every]:
            features, truth = load(path)
            more, words = gather(outputs_of(net, features), truth)
            rows += more
            told += words
    x, y = np.array(rows), np.array(told)
    print("as it is\n" + table(y[:, 0], y[:, 1]))
    weights = fit(x, y[:, 1])
    print("_WEIGHTS = (" + ", ".join(f"{w:.2f}" for w in weights) + ")")
    print("with these\n" + table(1.0 / (1.0 + np.exp(-x @ weights)), y[:, 1]))
    bars = y[y[:, 2] != 0.0, 2]
    print("bars\n" + table(np.abs(bars), (bars > 0.0).astype(float)))


if __name__ == "__main__":
    main()
