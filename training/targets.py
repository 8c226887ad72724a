"""What the network should have said: truth in seconds turned into rows of targets and of how much each counts.

Public: Truth, Targets, targets_of, AIM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.hearing.features import FPS
from engine.hearing.network import ACTIVATIONS, METERS, TEMPI
from engine.state import Floats

Times = NDArray[np.float64]

AIM = 0.06  # seconds from what a row speaks of to its frame's end: so far may the network look ahead
BEAT_WIDTH = 0.009  # seconds, standard deviation of a beat's bump: the net learns where between two frames it was
HIT_WIDTH = 0.009
_TEMPO_WIDTH = 1.0  # tempo outputs, standard deviation


def _none(*shape: int) -> Times:
    return np.zeros(shape, np.float64)


@dataclass
class Truth:
    """Seconds of the recording. beats and positions as in Song; kick, snare, hat, cymbal: onset times.

    ignore: float64[n, 2], from and to where the beats are not known. drums_known: whether the hits are.
    sure: 0..1, how much the beats count in training (a teacher's are worth less than a score's).
    """

    beats: Times
    positions: NDArray[np.int64]
    kick: Times = field(default_factory=lambda: _none(0))
    snare: Times = field(default_factory=lambda: _none(0))
    hat: Times = field(default_factory=lambda: _none(0))
    cymbal: Times = field(default_factory=lambda: _none(0))
    ignore: Times = field(default_factory=lambda: _none(0, 2))
    drums_known: bool = True
    sure: float = 1.0


@dataclass
class Targets:
    """Rows for `frames` frames: acts float32[frames, ACTIVATIONS] and their weights, tempo and meter as class rows
    (float32[frames, TEMPI], int64[frames]) and their weights float32[frames]."""

    acts: Floats
    act_weights: Floats
    tempo: Floats
    tempo_weights: Floats
    meter: NDArray[np.int64]
    meter_weights: Floats


def _bumps(times: Times, at: Times, width: float) -> Floats:
    """exp of the squared distance of each `at` to the nearest of `times`, in widths."""
    if not times.size:
        return np.zeros(at.size, np.float32)
    after = np.clip(np.searchsorted(times, at), 1, max(1, times.size - 1))
    near = np.minimum(np.abs(at - times[after - 1]), np.abs(at - times[np.minimum(after, times.size - 1)]))
    return np.exp(-0.5 * (near / width) ** 2).astype(np.float32)


def targets_of(truth: Truth, frames: int) -> Targets:
    at = (np.arange(frames) + 1) / FPS - AIM
    beats, positions = truth.beats, truth.positions
    downs = beats[positions == 1]
    acts = np.stack(
        [
            _bumps(beats, at, BEAT_WIDTH),
            _bumps(downs, at, BEAT_WIDTH),
            *(_bumps(np.sort(getattr(truth, kind)), at, HIT_WIDTH) for kind in ACTIVATIONS[2:]),
        ],
        axis=1,
    )
    weights = np.ones_like(acts)
    weights[:, :2] = truth.sure
    known = np.ones(frames, bool)
    for start, stop in truth.ignore:
        known &= (at < start) | (at > stop)
    weights[:, 0] *= known
    weights[:, 1] *= known
    if beats.size and not (positions > 0).any():
        weights[:, 1] = 0.0
    weights[:, 2:] = float(truth.drums_known)
    weights[:, 4] *= 1.0 - _bumps(np.sort(truth.cymbal), at, 0.02)
    tempo = np.zeros((frames, TEMPI.size), np.float32)
    tempo_weights = np.zeros(frames, np.float32)
    meter = np.zeros(frames, np.int64)
    meter_weights = np.zeros(frames, np.float32)
    if beats.size > 3:
        # The tempo over some four beats round the frame: a single period of a human hand tells little.
        i = np.clip(np.searchsorted(beats, at) - 1, 0, beats.size - 2)
        low, high = np.maximum(i - 1, 0), np.minimum(i + 2, beats.size - 1)
        bpm = 60.0 * (high - low) / np.maximum(beats[high] - beats[low], 1e-3)
        step = np.log(TEMPI[1] / TEMPI[0])
        tempo = np.exp(-0.5 * ((np.log(bpm)[:, None] - np.log(TEMPI)[None]) / (step * _TEMPO_WIDTH)) ** 2)
        tempo = (tempo / np.maximum(tempo.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
        tempo_weights = ((at > beats[0] - 0.1) & (at < beats[-1] + 0.5) & known).astype(np.float32) * truth.sure
        if (positions > 0).any():
            starts = np.flatnonzero(positions == 1)
            for a, b in pairwise(starts):
                if b - a in METERS:
                    inside = (at >= beats[a]) & (at < beats[b])
                    meter[inside] = METERS.index(int(b - a))
                    meter_weights[inside] = 1.0
            meter_weights *= tempo_weights
    return Targets(acts, weights, tempo, tempo_weights, meter, meter_weights)
