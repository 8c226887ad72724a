"""The hit network in torch, its training and its export; engine/hearing/hits.py runs the same in numpy.

    python -m training.hit_net train DATA RUN [--minutes 25] [--threads 1]
    python -m training.hit_net export RUN FILE

First single moments (cheap: a third of them are strokes), then whole songs with the memory. Goes on from its own
checkpoint. Weights kept are a running mean. Export prints the SHA-256 that engine/hearing/hits.py must name.
Public: HitNet, outputs_of, read_net.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.state import KINDS, Floats
from training.export import write_arrays
from training.hit_features import BANDS, COUNT, DEEP, HOPS
from training.hits import Strokes, best_threshold, load, targets_of

SEEN = 8  # rows the first layer looks at
_MOMENTS = 3072  # a step
_STRENGTH = 0.3  # what the strengths count in the loss
REST = 10  # hops, for validation


class HitNet(nn.Module):
    """float32[batch, hops, COUNT] -> float32[batch, hops, 6] (logits: three drums, three strengths), and its memory."""

    def __init__(self, wide: int = 128, narrow: int = 96, memory: int = 64) -> None:
        super().__init__()
        self.sizes = (wide, narrow, memory)
        self.register_buffer("mean", torch.zeros(COUNT))
        self.register_buffer("scale", torch.ones(COUNT))
        self.enter = nn.Conv1d(COUNT, wide, SEEN)
        self.within = nn.Linear(wide, narrow)
        self.recurrent = nn.ModuleList([nn.GRU(narrow, memory, batch_first=True)])
        self.out = nn.Linear(narrow + memory, 2 * len(KINDS))
        nn.init.constant_(self.out.bias[: len(KINDS)], -4.0)  # a drum is said in one row of fifty
        nn.init.constant_(self.out.weight[:, narrow:], 0.0)

    def forward(self, x: Tensor, state: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        x = ((x - self.mean) * self.scale).transpose(1, 2)
        past = x.new_zeros(x.shape[0], COUNT, SEEN - 1) if state is None else state[0]
        seen = torch.cat((past, x), dim=2)
        y = self._front(self.enter(seen).transpose(1, 2))
        z, hidden = self.recurrent[0](y, None if state is None else state[1])
        kept = [seen[..., 1 - SEEN :].detach(), hidden.detach()]
        return self.out(torch.cat((y, z), dim=2)), kept

    def _front(self, y: Tensor) -> Tensor:
        return torch.relu(self.within(torch.relu(y)))

    def alone(self, x: Tensor) -> Tensor:
        """Single moments without memory: float32[batch, SEEN, COUNT] -> float32[batch, 6]."""
        x = ((x - self.mean) * self.scale).transpose(1, 2).flatten(1)
        y = self._front(nn.functional.linear(x, self.enter.weight.flatten(1), self.enter.bias))
        return nn.functional.linear(y, self.out.weight[:, : y.shape[1]], self.out.bias)


def outputs_of(net: HitNet, features: Floats) -> Floats:
    """float32[hops, 6] as the listener's network gives them."""
    with torch.no_grad():
        return torch.sigmoid(net(torch.from_numpy(features.astype(np.float32))[None])[0][0]).numpy()


def read_net(run: Path) -> HitNet:
    saved = torch.load(run / "checkpoint.pt", weights_only=False)
    net = HitNet(*saved["sizes"])
    net.load_state_dict(saved["mean"])
    return net.eval()


class _Songs:
    """All songs of a folder in memory, as float16, drawn so that no source drowns the others."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self._rng = rng
        self._kinds_of_rows: list[np.ndarray] = []
        self._groups: dict[str, list[tuple[Floats, tuple[Floats, Floats, Floats]]]] = {}
        for path in sorted(folder.glob("*.npz")):
            features, strokes = load(path)
            targets = targets_of(strokes, len(features))
            small = tuple(part.astype(np.float16) for part in targets)
            self._groups.setdefault(path.name.split("__")[0], []).append((features, small))  # type: ignore[arg-type]
        self._names = list(self._groups)
        weights = np.array([len(self._groups[name]) ** 0.7 for name in self._names])
        self._weights = weights / weights.sum()

    def draw(self) -> tuple[Floats, ...]:
        """features, says, counts, strengths."""
        group = self._groups[self._names[self._rng.choice(len(self._names), p=self._weights)]]
        features, targets = group[self._rng.integers(len(group))]
        start = int(self._rng.integers(0, max(1, len(features) // 2)))
        return (self._worn(features[start:]), *(part[start:].astype(np.float32) for part in targets))

    def moments(self, count: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Rows to judge alone, float32[count, SEEN, COUNT] and their says, counts, strengths: in equal parts strokes,
        other rises, and anything, which counts for the many like it."""
        if not self._kinds_of_rows:
            songs = [song for group in self._groups.values() for song in group]
            self._all = [np.concatenate([song[0] for song in songs])]
            self._all += [np.concatenate([song[1][k] for song in songs]) for k in range(3)]
            x, says = self._all[0], self._all[1]
            rise = np.zeros(len(x), np.float32)
            for start in range(3, len(x), 100000):
                part = x[start - 3 : start + 100000].astype(np.float32)[:, :-1]
                rise[start : start + 100000] = np.maximum(part[3:] - part[:-3], 0.0).mean(axis=1)
            struck = says.any(axis=1)
            rises = (rise > np.quantile(rise, 0.92)) & ~struck
            self._kinds_of_rows = [np.flatnonzero(mask) for mask in (struck, rises, ~struck & ~rises)]
        third = count // 3
        picked = [self._rng.choice(rows, third) for rows in self._kinds_of_rows]
        at = np.maximum(np.concatenate(picked), SEEN - 1)
        x = self._all[0][at[:, None] + np.arange(1 - SEEN, 1)]
        says, counts, strengths = (part[at].astype(np.float32) for part in self._all[1:])
        counts[2 * third :] *= 3.0
        gains = np.stack([self._gains() for _ in range(64)])[self._rng.integers(64, size=len(at))]
        return _moved(x.astype(np.float32), gains[:, None]), says, counts, strengths

    def _gains(self) -> Floats:
        """Of one clip, decades a band: a tilt and a dip in the spectrum, all a little louder or softer."""
        rng, gains = self._rng, np.zeros(COUNT, np.float32)
        if rng.random() < 0.5:
            slope, at = rng.normal(0.0, 0.12), np.linspace(-1.0, 1.0, BANDS)
            gains[:BANDS] += slope * at
            gains[BANDS : BANDS + DEEP] -= slope
        if rng.random() < 0.4:
            gains[:-1] += rng.normal(0.0, 0.15)
        if rng.random() < 0.3:
            middle, deep = rng.uniform(0, BANDS), rng.uniform(-0.4, 0.3)
            gains[:BANDS] += deep * np.exp(-0.5 * ((np.arange(BANDS) - middle) / rng.uniform(1.0, 3.0)) ** 2)
        return gains

    def _worn(self, x: Floats) -> Floats:
        """Cheap wear; now and then bands are missing at the top."""
        x = _moved(x.astype(np.float32), self._gains())
        if self._rng.random() < 0.06:
            x[:, int(self._rng.integers(10, BANDS)) : BANDS] = 0.0
        return x


def _moved(x: Floats, gains: Floats) -> Floats:
    """Rows are log10(1 + m): a gain moves the loud by all of it, the faint by less."""
    moved = x + gains * (np.float32(1.0) - np.float32(10.0) ** -np.maximum(x, 0.0))
    moved = np.maximum(moved, 0.0)
    moved[..., -1] = x[..., -1]
    return moved


class _Lanes:
    """A batch of lanes, each an endless run of songs, handed out `chunk` hops at a time."""

    def __init__(self, songs: _Songs, lanes: int, chunk: int) -> None:
        self._songs, self._chunk = songs, chunk
        self._lanes = [songs.draw() for _ in range(lanes)]

    def next(self) -> list[Tensor]:
        rows = []
        for i in range(len(self._lanes)):
            while len(self._lanes[i][0]) < self._chunk:
                pairs = zip(self._lanes[i], self._songs.draw(), strict=True)
                self._lanes[i] = tuple(np.concatenate(pair) for pair in pairs)
            rows.append([part[: self._chunk] for part in self._lanes[i]])
            self._lanes[i] = tuple(part[self._chunk :] for part in self._lanes[i])
        return [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]


def _loss(out: Tensor, says: Tensor, counts: Tensor, strengths: Tensor) -> tuple[Tensor, list[float]]:
    bce = nn.functional.binary_cross_entropy_with_logits(out[..., :3], says, reduction="none")
    drums = (bce * counts).sum(dim=(0, 1)) / counts.sum(dim=(0, 1)).clamp(min=1.0)
    struck = says * counts
    apart = (torch.sigmoid(out[..., 3:]) - strengths) ** 2
    strength = (apart * struck).sum() / struck.sum().clamp(min=1.0)
    # Rows that say a drum are one in fifty: their share of the loss is small beside the strengths'.
    return drums.sum() + _STRENGTH * 0.1 * strength, [*drums.tolist(), strength.item()]


def _validate(net: HitNet, held: list[tuple[Floats, Strokes]]) -> dict[str, list[float]]:
    net.eval()
    heard = [(outputs_of(net, features), strokes) for features, strokes in held]
    net.train()
    row = {}
    for kind in KINDS:
        threshold, counts, delay = best_threshold(heard, kind, REST)
        precision = counts.right / max(1, counts.right + counts.wrong)
        recall = counts.right / max(1, counts.right + counts.missed)
        row[kind] = [round(v, 3) for v in (counts.f, precision, recall, threshold, delay)]
    return row


def train(data: Path, run: Path, wanted: argparse.Namespace) -> None:
    torch.set_num_threads(wanted.threads)
    torch.manual_seed(wanted.seed)
    torch.set_flush_denormal(True)
    run.mkdir(parents=True, exist_ok=True)
    kept, spent, step = run / "checkpoint.pt", 0.0, 0
    saved = torch.load(kept, weights_only=False) if kept.exists() else None
    # The same songs in the same order for the same seed; others when a run goes on, not its first ones again.
    rng = np.random.default_rng([wanted.seed, saved["step"] if saved else 0])
    songs = _Songs(data, rng)
    net, mean_net = HitNet(*wanted.sizes), HitNet(*wanted.sizes)
    optimizer = torch.optim.AdamW(net.parameters(), lr=wanted.rate, weight_decay=0.01)
    if saved:
        net.load_state_dict(saved["net"])
        mean_net.load_state_dict(saved["mean"])
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = saved["spent"], saved["step"]
    else:
        sample = np.concatenate([songs.draw()[0][::20] for _ in range(200)])
        net.mean.copy_(torch.from_numpy(sample.mean(axis=0)))
        net.scale.copy_(torch.from_numpy(1.0 / np.maximum(sample.std(axis=0), 0.05)))
        mean_net.load_state_dict(net.state_dict())
    lanes = _Lanes(songs, wanted.lanes, wanted.chunk)
    held = [load(path) for path in sorted((data / "held").glob("*.npz"))]
    held = [held[i] for i in np.random.default_rng(0).permutation(len(held))[: wanted.validate]]
    budget, state = wanted.minutes * 60.0, None
    begun, told, looked, sums = time.monotonic(), spent, spent, np.zeros(5)
    while spent < budget:
        warm = min(1.0, (step + 1) / 100)
        rate = wanted.rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * spent / budget)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if spent < wanted.alone * 60.0:
            x, *targets = (torch.from_numpy(part)[None] for part in songs.moments(_MOMENTS))
            out = net.alone(x[0])[None]
        else:
            x, *targets = lanes.next()
            # A lane forgets all now and then: starting from nothing must be learnt too.
            out, state = net(x, None if step % 20 == 0 else state)
        loss, parts = _loss(out, *targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        step += 1
        decay = min(0.998, step / (step + 10))
        with torch.no_grad():
            for a, b in zip(mean_net.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1.0 - decay)
        sums += [*parts, 1.0]
        now = time.monotonic()
        spent, begun = spent + now - begun, now
        if spent - told > 60.0 or spent >= budget:
            told = spent
            row: dict[str, object] = {"minutes": round(spent / 60, 1), "step": step}
            row["train"] = [round(float(v), 5) for v in sums[:4] / sums[4]]
            sums[:] = 0.0
            if held and (spent - looked > 60.0 * wanted.look or spent >= budget):
                looked = spent
                row["held"] = _validate(mean_net, held)
            part = kept.with_suffix(".part")
            saved = {"net": net.state_dict(), "mean": mean_net.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(saved | {"sizes": net.sizes, "spent": spent, "step": step}, part)
            part.replace(kept)
            print(json.dumps(row), flush=True)
            with (run / "log.jsonl").open("a") as log:
                print(json.dumps(row), file=log)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    acts = parser.add_subparsers(dest="act", required=True)
    learn = acts.add_parser("train")
    learn.add_argument("data", type=Path, help="folder of training.hits")
    learn.add_argument("run", type=Path, help="folder of the run: checkpoint, log")
    learn.add_argument("--minutes", type=float, default=25.0)
    learn.add_argument("--alone", type=float, default=8.0, help="first minutes: single moments, without the memory")
    learn.add_argument("--look", type=float, default=10.0, help="minutes between two validations, which take one")
    learn.add_argument("--validate", type=int, default=36, help="songs held out to look at")
    learn.add_argument("--lanes", type=int, default=32)
    learn.add_argument("--chunk", type=int, default=HOPS, help="hops between two steps")
    learn.add_argument("--rate", type=float, default=3e-3)
    learn.add_argument("--threads", type=int, default=1)
    learn.add_argument("--sizes", type=int, nargs=3, default=[128, 96, 64])
    learn.add_argument("--seed", type=int, default=1)
    give = acts.add_parser("export")
    give.add_argument("run", type=Path)
    give.add_argument("file", type=Path)
    wanted = parser.parse_args()
    if wanted.act == "train":
        train(wanted.data, wanted.run, wanted)
        return
    saved = torch.load(wanted.run / "checkpoint.pt", weights_only=False)
    words = {"format": "getaway hit network 1", "steps": str(saved["step"])}
    arrays = {name: value.numpy() for name, value in saved["mean"].items()}
    print(write_arrays(arrays, words, wanted.file), f"{wanted.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
