"""Scores a checkpoint on an annotated set without playing it: features once, the network in torch, then the follower,
by the set's own scorer. Quick enough to tune the follower with: the network's outputs are kept.

    python -m training.evaluate RUN FOLDER [--classes]

FOLDER holds manifest.json, dev/ and tools/score.py. Public: outputs_of, fires, table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile
import torch

from engine.hearing.features import FPS, features_of
from engine.hearing.follower import Follower
from engine.hearing.network import ACTIVATIONS, DELAY, TEMPI
from engine.state import Floats, State
from training.model import BeatNet, Shape

SURE_OF_BARS = 0.25  # as `getaway listen`


def read_net(run: Path) -> BeatNet:
    """The mean weights of a checkpoint, ready to be asked."""
    saved = torch.load(run / "checkpoint.pt", weights_only=False)
    shape = saved["shape"] | {name: tuple(saved["shape"][name]) for name in ("dilations", "recurrent")}
    net = BeatNet(Shape(**shape))
    net.load_state_dict(saved["mean"])
    return net.eval()


def outputs_of(net: BeatNet, features: Floats) -> Floats:
    """float32[frames, OUTPUTS] as engine.hearing.network.Network.push gives them."""
    with torch.no_grad():
        out = net(torch.from_numpy(features)[None])[0][0]
    a, t = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
    parts = (torch.sigmoid(out[:, :a]), torch.softmax(out[:, a:t], dim=1), torch.softmax(out[:, t:], dim=1))
    return np.ascontiguousarray(torch.cat(parts, dim=1).numpy())


def fires(outputs: Iterable[Floats], lead: float = 0.0) -> list[dict[str, Any]]:
    """What `getaway listen` would print, looked at once a frame."""
    step = 1.0 / FPS
    follower = Follower(step, State.unheard(), (50.0, 220.0))
    told: int | None = None
    lines = []
    for i, out in enumerate(outputs):
        end = (i + 1) * step
        follower.push(out, end - DELAY)
        grid = follower.grid
        reached = grid.last_beat_at(end + step + lead)
        if follower.confidence <= 0.0 or told is None:
            told = reached if told is None else max(told, reached)
            continue
        for number in range(told + 1, reached + 1):
            place = grid.beat_in_bar(number) if follower.bar_confidence > SURE_OF_BARS else None
            lines.append({"beat": grid.time_of(number), "announced": end, "beat_in_bar": place})
        told = max(told, reached)
    return lines


def _scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", folder / "tools" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def excerpts(folder: Path) -> list[dict[str, Any]]:
    """The manifest's rows with features, beats, positions."""
    rows = []
    for row in json.loads((folder / "manifest.json").read_text()):
        path = folder / row["split"] / row["id"]
        if not path.with_suffix(".ogg").exists():
            continue
        sound, rate = soundfile.read(path.with_suffix(".ogg"), dtype="float32")
        truth = np.loadtxt(path.with_suffix(".beats"), ndmin=2)
        rows.append(row | {"features": features_of(sound, rate), "beats": truth[:, 0], "bib": truth[:, 1].astype(int)})
    return rows


def score(folder: Path, rows: list[dict[str, Any]], told: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    scorer = _scorer(folder)
    return [
        scorer.score_one(row, row["beats"], row["bib"], lines) | {"id": row["id"], "cls": row["cls"]}
        for row, lines in zip(rows, told, strict=True)
    ]


_SHOWN = ("F70", "F25", "F70any", "F25any", "CMLt", "AMLt", "off", "MAD", "sync", "lock", "relock", "hold", "down")


def middle(results: list[dict[str, Any]], key: str) -> float:
    """Mean over excerpts; the median where the set's scorer takes it."""
    values = [r[key] for r in results if r.get(key) is not None and np.isfinite(r[key])]
    if not values:
        return float("nan")
    return float(np.median(values) if key in ("off", "MAD", "lock", "relock") else np.mean(values))


def table(results: list[dict[str, Any]], *, classes: bool = False) -> str:
    keys = [key for key in _SHOWN if any(key in r for r in results)]
    lines = [" ".join(f"{key:>7}" for key in ("", *keys))]
    groups = {"all": results}
    if classes:
        groups |= {c: [r for r in results if r["cls"] == c] for c in sorted({r["cls"] for r in results})}
    for name, group in groups.items():
        lines.append(f"{name[:20]:20} " + " ".join(f"{middle(group, key):7.3f}" for key in keys))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", action="store_true")
    parser.add_argument("--lead", type=float, default=0.0)
    wanted = parser.parse_args()
    net = read_net(wanted.run)
    rows = excerpts(wanted.folder)
    told = [fires(outputs_of(net, row["features"]), wanted.lead) for row in rows]
    print(table(score(wanted.folder, rows, told), classes=wanted.classes))


if __name__ == "__main__":
    main()
