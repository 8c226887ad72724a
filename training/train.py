"""Trains the beat network on a folder of songs made by training.build; goes on from its own checkpoint.

    python -m training.train DATA RUN [--minutes 60] [--teacher] [--threads 1] [--validate FOLDER]

Each of the batch's lanes plays one song after another, with the network's memory carried over the cut, so that it
learns to settle on another song as a DJ's listeners do. The rate falls along a cosine over the minutes given; the
weights kept are a running mean. Public: Lanes, loss_of, load.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.hearing.features import BANDS
from engine.hearing.network import ACTIVATIONS, TEMPI
from engine.state import Floats
from training.model import BeatNet, Shape, State
from training.targets import Targets, Truth, targets_of

_PARTS = (1.0, 1.0, 0.3, 0.3, 0.3)  # what each activation counts
_TEMPO, _METER = 0.05, 0.02


def load(path: Path) -> tuple[Floats, Truth]:
    """One song of training.build: float32[frames, COUNT] features and their truth."""
    with np.load(path) as file:
        kinds = {f.name: file[f.name] for f in fields(Truth) if f.name in file}
        kinds["drums_known"], kinds["sure"] = bool(file["drums_known"]), float(file["sure"])
        return file["features"].astype(np.float32), Truth(**kinds)


class Songs:
    """The paths of a folder's songs by source, drawn so that no source drowns the others."""

    def __init__(self, folders: list[Path], rng: np.random.Generator) -> None:
        self._rng = rng
        self._cache: dict[Path, tuple[np.ndarray, Truth]] = {}
        self._folders = folders
        self.look()

    def look(self) -> None:
        """Take in what was added since."""
        self._groups: dict[str, list[Path]] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*.npz")):
                self._groups.setdefault(path.name.split("__")[0], []).append(path)
        self._names = list(self._groups)
        # By the root of how much there is: a style of three songs is heard more often than its share, not always.
        weights = np.array([len(self._groups[name]) ** 0.7 for name in self._names])
        self._weights = weights / weights.sum()
        self.count = sum(len(group) for group in self._groups.values())

    def draw(self) -> tuple[Floats, Targets]:
        group = self._groups[self._names[self._rng.choice(len(self._names), p=self._weights)]]
        path = group[self._rng.integers(len(group))]
        if path not in self._cache:
            features, truth = load(path)
            self._cache[path] = (features.astype(np.float16), truth)
        features, truth = self._cache[path]
        targets = targets_of(truth, len(features))
        x = features.astype(np.float32)
        start = int(self._rng.integers(0, max(1, len(x) // 3))) if self._rng.random() < 0.5 else 0
        return self._worn(x[start:]), Targets(*(getattr(targets, f.name)[start:] for f in fields(Targets)))

    def _worn(self, x: Floats) -> Floats:
        """Cheap wear on the features: bands moved by up to two, some dulled, the whole a little louder or softer."""
        x = x.copy()
        rng = self._rng
        if rng.random() < 0.5:
            by = int(rng.integers(-2, 3))
            for start in (0, BANDS):
                x[:, start : start + BANDS] = np.roll(x[:, start : start + BANDS], by, axis=1)
        if rng.random() < 0.3:
            low = int(rng.integers(0, BANDS - 8))
            wide = int(rng.integers(3, 14))
            factor = rng.uniform(0.0, 0.8)
            for start in (0, BANDS):
                x[:, start + low : min(start + low + wide, start + BANDS)] *= factor
        if rng.random() < 0.5:
            x *= rng.uniform(0.8, 1.2)
        return x


class Lanes:
    """A batch of lanes, each an endless run of songs, handed out `chunk` frames at a time."""

    def __init__(self, songs: Songs, lanes: int, chunk: int) -> None:
        self._songs, self._chunk = songs, chunk
        self._lanes: list[tuple[Floats, Targets]] = [songs.draw() for _ in range(lanes)]
        self._at = [0] * lanes

    def next(self) -> tuple[Tensor, ...]:
        """features, acts, act weights, tempo, tempo weights, meter, meter weights of the next `chunk` frames."""
        rows: list[list[np.ndarray]] = []
        for lane in range(len(self._lanes)):
            parts: list[list[np.ndarray]] = []
            need = self._chunk
            while need:
                x, targets = self._lanes[lane]
                at = self._at[lane]
                take = min(need, len(x) - at)
                parts.append([x[at : at + take], *(getattr(targets, f.name)[at : at + take] for f in fields(Targets))])
                need -= take
                self._at[lane] += take
                if self._at[lane] >= len(x):
                    self._lanes[lane], self._at[lane] = self._songs.draw(), 0
            rows.append([np.concatenate(column) for column in zip(*parts, strict=True)])
        return tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))


def loss_of(out: Tensor, batch: tuple[Tensor, ...]) -> tuple[Tensor, list[float]]:
    """The sum trained on, and its parts: beat, downbeat, drums, tempo, meter."""
    _, acts, act_weights, tempo, tempo_weights, meter, meter_weights = batch
    a, t = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
    bce = nn.functional.binary_cross_entropy_with_logits(out[..., :a], acts, reduction="none")
    bce = (bce * act_weights * (1.0 + 2.0 * acts)).mean(dim=(0, 1))
    tempi = -(torch.log_softmax(out[..., a:t], dim=-1) * tempo).sum(dim=-1)
    tempi = (tempi * tempo_weights).sum() / tempo_weights.sum().clamp(min=1.0)
    meters = nn.functional.cross_entropy(out[..., t:].transpose(1, 2), meter, reduction="none")
    meters = (meters * meter_weights).sum() / meter_weights.sum().clamp(min=1.0)
    total = (bce * torch.tensor(_PARTS)).sum() + _TEMPO * tempi + _METER * meters
    parts = [float(bce[0]), float(bce[1]), float(bce[2:].sum()), float(tempi), float(meters)]
    return total, parts


def validate(net: BeatNet, songs: list[tuple[Floats, Truth]]) -> dict[str, float]:
    """Losses over whole songs, and how often the loudest tempo output is right (within 4 %)."""
    net.eval()
    sums, right, octave, counted = np.zeros(5), 0.0, 0.0, 0.0
    with torch.no_grad():
        for features, truth in songs:
            targets = targets_of(truth, len(features))
            batch = tuple(
                torch.from_numpy(x)[None] for x in (features, *(getattr(targets, f.name) for f in fields(Targets)))
            )
            out, _ = net(batch[0])
            sums += loss_of(out, batch)[1]
            a = len(ACTIVATIONS)
            told = TEMPI[out[0, 500:, a : a + TEMPI.size].argmax(dim=-1).numpy()]
            meant = TEMPI[targets.tempo[500:].argmax(axis=1)]
            weights = targets.tempo_weights[500:]
            right += float((weights * (np.abs(told / meant - 1.0) < 0.04)).sum())
            ratio = np.log2(told / meant)
            octave += float((weights * (np.abs(ratio - np.round(ratio)) < 0.06)).sum())
            counted += float(weights.sum())
    net.train()
    names = ("beat", "downbeat", "drums", "tempo", "meter")
    result = {name: value / len(songs) for name, value in zip(names, sums, strict=True)}
    return result | {"tempo right": right / max(counted, 1.0), "any octave": octave / max(counted, 1.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+", help="folders of training.build")
    parser.add_argument("run", type=Path, help="folder of the run: checkpoint, log")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--lanes", type=int, default=32)
    parser.add_argument("--chunk", type=int, default=800, help="frames between two steps")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--teacher", action="store_true", help="two-directional")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--dilations", type=int, default=10, help="convolutions, each twice as wide as the last")
    parser.add_argument("--recurrent", type=int, nargs="*", default=[128])
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument("--validate", type=Path, nargs="*", default=[], help="folders of songs never trained on")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    torch.manual_seed(wanted.seed)
    wanted.run.mkdir(parents=True, exist_ok=True)
    shape = Shape(
        channels=wanted.channels,
        dilations=tuple(2**i for i in range(wanted.dilations)),
        recurrent=tuple(wanted.recurrent),
        causal=not wanted.teacher,
    )
    net = BeatNet(shape)
    optimizer = torch.optim.AdamW(net.parameters(), lr=wanted.rate, weight_decay=0.01)
    kept = wanted.run / "checkpoint.pt"
    saved = torch.load(kept, weights_only=False) if kept.exists() else None
    # The same songs in the same order for the same seed; others when a run goes on, not its first ones again.
    songs = Songs(wanted.data, np.random.default_rng([wanted.seed, saved["step"] if saved else 0]))
    mean_net = BeatNet(shape)
    spent, step = 0.0, 0
    if saved:
        net.load_state_dict(saved["net"])
        mean_net.load_state_dict(saved["mean"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    else:
        if wanted.start:
            net.load_state_dict(torch.load(wanted.start, weights_only=False)["mean"])
        else:
            sample = np.concatenate([songs.draw()[0][::20] for _ in range(200)])
            net.mean.copy_(torch.from_numpy(sample.mean(axis=0)))
            net.scale.copy_(torch.from_numpy(1.0 / np.maximum(sample.std(axis=0), 0.05)))
        mean_net.load_state_dict(net.state_dict())
    lanes = Lanes(songs, wanted.lanes, wanted.chunk)
    held = [load(path) for folder in wanted.validate for path in sorted(folder.glob("*.npz"))]
    log = (wanted.run / "log.jsonl").open("a")
    budget = wanted.minutes * 60.0
    state: State | None = None
    sums, begun, told, looked = np.zeros(6), time.monotonic(), spent, spent
    net.train()
    while spent < budget:
        along = spent / budget
        warm = min(1.0, (step + 1) / 100)
        for group in optimizer.param_groups:
            group["lr"] = wanted.rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * along)))
        batch = lanes.next()
        # A lane forgets all now and then: starting from nothing must be learnt too.
        out, state = net(batch[0], None if shape.causal is False or step % 25 == 0 else state)
        loss, parts = loss_of(out, batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        step += 1
        decay = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(mean_net.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - decay)
            mean_net.mean.copy_(net.mean)
            mean_net.scale.copy_(net.scale)
        sums += [*parts, 1.0]
        now = time.monotonic()
        spent += now - begun
        begun = now
        if spent - told > 60.0 or spent >= budget:
            told = spent
            row: dict[str, object] = {"minutes": round(spent / 60, 1), "step": step, "songs": songs.count}
            row["train"] = [round(float(v), 4) for v in sums[:5] / sums[5]]
            sums[:] = 0.0
            if held and (spent - looked > 300.0 or spent >= budget):
                looked = spent
                row["held"] = {name: round(value, 4) for name, value in validate(mean_net, held).items()}
                songs.look()
            part = kept.with_suffix(".part")
            torch.save(
                {
                    "net": net.state_dict(),
                    "mean": mean_net.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "shape": asdict(shape),
                    "spent": spent,
                    "step": step,
                },
                part,
            )
            part.replace(kept)
            print(json.dumps(row), flush=True)
            print(json.dumps(row), file=log, flush=True)


if __name__ == "__main__":
    main()
