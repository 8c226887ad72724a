"""The teacher's labels: the best path through what it heard, believed where it was sure."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is only needed for training")
pytest.importorskip("scipy", reason="scipy is only needed for training")

from engine.hearing.features import FPS
from engine.hearing.network import ACTIVATIONS, OUTPUTS, TEMPI
from training.targets import AIM, Truth, targets_of
from training.teach import best_beats, label


def outputs(beats: np.ndarray, seconds: float, bar: int = 4) -> np.ndarray:
    truth = Truth(beats=beats, positions=np.arange(beats.size) % bar + 1)
    targets = targets_of(truth, round(seconds * FPS))
    rows = np.zeros((len(targets.acts), OUTPUTS), np.float32)
    rows[:, :2] = 0.8 * targets.acts[:, :2]
    rows[:, len(ACTIVATIONS) : len(ACTIVATIONS) + TEMPI.size] = 0.5 * targets.tempo + 0.5 / TEMPI.size
    return rows


@pytest.mark.parametrize("bpm", [61.0, 117.3, 208.0])
def test_the_best_path_is_on_every_beat(bpm: float) -> None:
    beats = np.arange(0.4, 29.5, 60.0 / bpm)
    rows = outputs(beats, 30.0)
    times = (best_beats(rows[:, 0], rows[:, 5:77]) + 1) / FPS - AIM
    assert times.size == pytest.approx(beats.size, abs=3)  # it goes on to both ends
    assert max(np.abs(times - beat).min() for beat in beats[1:-1]) < 0.011


def test_it_goes_through_a_pause() -> None:
    beats = np.arange(0.4, 29.5, 0.5)
    rows = outputs(beats, 30.0)
    rows[1200:1700, :2] = 0.0
    times = (best_beats(rows[:, 0], rows[:, 5:77]) + 1) / FPS - AIM
    assert max(np.abs(times - beat).min() for beat in beats[1:-1]) < 0.03


@pytest.mark.parametrize("bar", [3, 4])
def test_labels_are_exact_barred_and_believed(bar: int) -> None:
    beats = np.arange(0.404, 39.5, 0.4637)
    truth = label(outputs(beats, 40.0, bar))
    inside = truth.beats[(truth.beats > 2.0) & (truth.beats < 37.0)]
    assert max(np.abs(beats - beat).min() for beat in inside) < 0.002
    near = np.array([np.abs(beats - beat).argmin() for beat in inside])
    places = truth.positions[(truth.beats > 2.0) & (truth.beats < 37.0)]
    assert (places == near % bar + 1).mean() > 0.95
    assert not any(a < 20.0 < b for a, b in truth.ignore)


def test_what_it_did_not_hear_is_not_believed() -> None:
    beats = np.arange(0.4, 39.5, 0.5)
    rows = outputs(beats, 40.0)
    rows[1500:2500, :2] *= 0.2
    truth = label(rows)
    assert any(a < 20.0 < b for a, b in truth.ignore)
    assert not any(a < 8.0 < b for a, b in truth.ignore)
