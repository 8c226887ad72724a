"""Targets: what the network should have said, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from engine.hearing.features import FPS
from engine.hearing.network import METERS, TEMPI
from training.targets import AIM, Truth, targets_of

BEATS = 0.5 + 0.5 * np.arange(40)  # 120 BPM
TRUTH = Truth(beats=BEATS, positions=np.arange(40) % 3 + 1, kick=BEATS[::2], cymbal=np.array([4.25]))


def frame_of(time: float) -> int:
    """The frame whose outputs speak of a time in seconds."""
    return round((time + AIM) * FPS) - 1


def test_a_beat_peaks_in_its_frame_and_nowhere_else() -> None:
    targets = targets_of(TRUTH, 2000)
    assert targets.acts[frame_of(5.0), 0] > 0.99
    assert targets.acts[frame_of(5.25), 0] < 1e-6
    assert targets.acts[frame_of(BEATS[3]), 1] > 0.99
    assert targets.acts[frame_of(BEATS[4]), 1] < 1e-6
    assert targets.acts[frame_of(BEATS[2]), 2] > 0.99
    assert targets.acts[frame_of(BEATS[3]), 2] < 1e-6


def test_a_beat_between_two_frames_is_shared_by_them() -> None:
    targets = targets_of(Truth(beats=BEATS + 0.005, positions=np.zeros(40, np.int64)), 2000)
    at = frame_of(5.0)
    assert targets.acts[at, 0] == pytest.approx(targets.acts[at + 1, 0], abs=0.01)


def test_tempo_and_metre_are_the_score_s() -> None:
    targets = targets_of(TRUTH, 2000)
    at = frame_of(10.0)
    assert TEMPI[targets.tempo[at].argmax()] == pytest.approx(120.0, rel=0.02)
    assert targets.tempo[at].sum() == pytest.approx(1.0)
    assert METERS[targets.meter[at]] == 3
    assert targets.meter_weights[at] == 1.0


def test_what_is_not_known_does_not_count() -> None:
    truth = Truth(BEATS, np.zeros(40, np.int64), ignore=np.array([[3.0, 4.0]]), drums_known=False, sure=0.5)
    targets = targets_of(truth, 2000)
    assert targets.act_weights[frame_of(3.5), 0] == 0.0
    assert targets.act_weights[frame_of(5.0), 0] == 0.5
    assert not targets.act_weights[:, 1].any()  # no place in the bar is known
    assert not targets.act_weights[:, 2:].any()
    assert targets.tempo_weights[frame_of(3.5)] == 0.0


def test_near_a_cymbal_hats_do_not_count() -> None:
    targets = targets_of(TRUTH, 2000)
    assert targets.act_weights[frame_of(4.25), 4] < 0.01
    assert targets.act_weights[frame_of(6.25), 4] > 0.99


def test_noise_has_no_beat_and_no_tempo() -> None:
    targets = targets_of(Truth(np.zeros(0), np.zeros(0, np.int64)), 500)
    assert not targets.acts.any()
    assert targets.act_weights[:, 0].all()
    assert not targets.tempo_weights.any()
