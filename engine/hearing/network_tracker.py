"""The tracker of Getaway: features, the beat network, the follower. Public: NetworkTracker."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engine.hearing.beats import Activations, Track
from engine.hearing.features import Features
from engine.hearing.follower import Follower
from engine.hearing.network import DELAY, Network, read_weights
from engine.state import Floats, State

WEIGHTS = Path(__file__).parent / "weights" / "beats.safetensors"
SHA256 = "e62f9590b7905ca48a8511db1de4dfc1227913480a7c2ea3749cfe7f5fae01d7"


@cache
def _weights() -> tuple[dict[str, Floats], tuple[int, ...]]:
    arrays, words = read_weights(WEIGHTS, SHA256)
    return arrays, tuple(int(d) for d in words["dilations"].split())


class NetworkTracker:
    """A Tracker (see beats.py). Refused when the weights that came with Getaway are missing or damaged."""

    drums = False  # hits are heard sooner by their own detector

    def __init__(self, rate: int, seed: State, *, bpm: tuple[float, float]) -> None:
        self._features = Features(rate)
        self.hop = self._features.hop
        self._network = Network(*_weights())
        self._follower = Follower(self.hop / rate, seed, bpm)

    def push(self, frame: Floats, end: float) -> Track | None:
        out = self._network.push(self._features.push(frame))
        self._follower.push(out, end - DELAY)
        heard = Activations(end - DELAY, *(float(a) for a in out[:5]))
        return self._track(heard)

    def hint(self, hint: str, time: float, amount: float) -> Track | None:
        return self._track(None) if self._follower.hint(hint, time, amount) else None

    def tempi(self) -> tuple[Floats, Floats]:
        """See Follower.tempi."""
        return self._follower.tempi()

    def _track(self, heard: Activations | None) -> Track:
        f = self._follower
        return Track(f.grid, f.confidence, f.bar_confidence, heard, f.bars_told, f.told)
