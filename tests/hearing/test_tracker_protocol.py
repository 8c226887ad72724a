"""The protocol between listener and tracker suits one that hears a hundred frames a second and the drums itself."""

from __future__ import annotations

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing import ListenerSettings, listener
from engine.hearing.beats import Activations, Track
from engine.hearing.listener import Listener
from engine.state import Floats, State


class Scripted:
    """A tracker of 100 frames a second whose line and drums are written down: 120 BPM, a kick on each beat."""

    drums = True
    LATE = 0.05  # seconds its activations lag behind the sound, and say so

    def __init__(self, rate: int, seed: State, *, bpm: tuple[float, float]) -> None:
        self.hop = rate // 100
        self.ends: list[float] = []
        self.grid = Grid(0.0, seed.grid.beat_at(0.0), 0.5)

    def push(self, frame: Floats, end: float) -> Track | None:
        assert frame.shape == (self.hop,)
        self.ends.append(end)
        time = end - self.LATE
        kick = float(abs(time / 0.5 - round(time / 0.5)) < 0.011)  # one frame round each beat
        heard = Activations(time, kick, 0.0, kick, 0.2, 0.0)
        return Track(self.grid, 0.9, 0.7, heard)

    def hint(self, hint: str, time: float, amount: float) -> Track | None:
        return None


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_tracker_that_hears_drums_gives_the_hits(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame comes once, in order; its kicks are the listener's, at the times it speaks of, not of its answer."""
    monkeypatch.setitem(listener.TRACKERS, "network", Scripted)
    noise = np.random.default_rng(0).normal(0.0, 0.3, 4 * rate).astype(np.float32)  # full of rises to the own detector
    ear = Listener(ListenerSettings(), rate)
    kicks: dict[int, float] = {}
    states = [state for at in range(0, noise.size, 777) for state in ear.push(noise[at : at + 777])]
    for state in states:
        kicks[state.hits.kick.count] = state.hits.kick.time
        assert state.hits.snare.count == 0
        assert (state.confidence, state.bar_confidence) in ((0.9, 0.7), (0.0, 0.0))
    del kicks[0]
    assert list(kicks) == list(range(1, len(kicks) + 1))
    assert len(kicks) in (7, 8)
    assert max(abs(time / 0.5 - round(time / 0.5)) for time in kicks.values()) < 0.03
    tracker = ear._tracker
    assert isinstance(tracker, Scripted)
    assert np.diff(tracker.ends) == pytest.approx(0.01, abs=1e-9)
    assert len(tracker.ends) == 400 - 1 or len(tracker.ends) == 400


def test_hits_come_in_states_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A struck drum does not wait for the next regular State."""
    monkeypatch.setitem(listener.TRACKERS, "network", Scripted)
    ear = Listener(ListenerSettings(), 48000)
    silence = np.zeros(128, np.float32)
    counts = [[state.hits.kick.count for state in ear.push(silence)] for _ in range(1500)]
    newest, told = 0, []
    for at, seen in enumerate(counts):
        if seen and seen[-1] != newest:
            newest = seen[-1]
            told.append(at)
    assert len(told) >= 7
    assert any(at % 2 == 0 for at in told), "some fall between the regular ones, which come every second block"
