"""Self-training: an offline, two-directional network labels real music, and the causal one learns from it.

    python -m training.teach TEACHER REAL OUT [--mixes 2] [--seed 1]

REAL: folder of training.real (audio/*.flac). Beats are the best path through tempo and phase by all that was heard,
forwards and backwards (Viterbi over the model of engine/hearing/pointer.py), put where the activation peaks. Where the
teacher itself is unsure the frames don't count; bars are named only where one reading clearly wins.
Public: best_beats, label.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.hearing.features import FPS, features_of
from engine.hearing.network import ACTIVATIONS, TEMPI
from engine.state import Floats
from training.augment import degrade
from training.build import RATE, keep
from training.evaluate import outputs_of, read_net
from training.targets import AIM, Truth

Times = NDArray[np.float64]

_STIFF = 120.0
_PERIODS = np.arange(round(FPS * 60 / 220), round(FPS * 60 / 50) + 1)
_TEMPO_SAY = 0.03  # exponent of a frame's tempo outputs
_SURE = 0.40  # mean activation on the beats of a stretch that is believed
_CLEAR = 0.25  # and at most so much half-way between them, times that on the beats, plus
_STRETCH = 8  # beats looked at together
_BAR_MARGIN = 0.08  # by so much per beat a reading of the bars must beat the next


def best_beats(beat: Floats, tempo: Floats) -> NDArray[np.int64]:
    """Frames of the beats on the likeliest path. beat: float32[n] activations, tempo: float32[n, TEMPI]."""
    first = np.concatenate(([0], np.cumsum(_PERIODS)[:-1]))
    last = first + _PERIODS - 1
    size = int(_PERIODS.sum())
    place = np.concatenate([np.arange(p) for p in _PERIODS])
    ring = np.repeat(_PERIODS, _PERIODS)
    bump = np.exp(-0.5 * (np.minimum(place, ring - place) / 1.2) ** 2).astype(np.float32)
    change = -_STIFF * np.abs(_PERIODS[None, :] / _PERIODS[:, None] - 1.0)  # [from, to]
    change -= np.log(np.exp(change).sum(axis=1, keepdims=True))
    index = np.interp(np.log(60.0 * FPS / _PERIODS), np.log(TEMPI), np.arange(TEMPI.size))
    low = np.floor(index).astype(int).clip(0, TEMPI.size - 2)
    mix = (index - low).astype(np.float32)
    score = np.zeros(size, np.float32)
    came = np.zeros((len(beat), _PERIODS.size), np.uint8)
    for t, a in enumerate(beat):
        arriving = score[last][:, None] + change
        came[t] = arriving.argmax(axis=0)
        new = np.empty_like(score)
        new[1:] = score[:-1]
        new[first] = arriving[came[t], np.arange(_PERIODS.size)]
        on, off = np.log((a + 0.03) / 0.16), np.log(max(1.0 - a, 0.02))
        new += bump * np.float32(on - off)
        told = np.log(TEMPI.size * (tempo[t, low] * (1 - mix) + tempo[t, low + 1] * mix) + 0.2)
        new += np.repeat((_TEMPO_SAY * told).astype(np.float32), _PERIODS)
        score = new - new.max()
    state = int(score.argmax())
    beats = []
    for t in range(len(beat) - 1, -1, -1):
        k = int(np.searchsorted(first, state, "right")) - 1
        if state == first[k]:
            beats.append(t)
            state = int(last[came[t, k]])
        else:
            state -= 1
    return np.array(beats[::-1], np.int64)


def _positions(beats: NDArray[np.int64], beat: Floats, down: Floats) -> NDArray[np.int64]:
    """Places in the bar where one reading (3 or 4 beats, where the first is) clearly wins over a stretch; else 0."""
    near = np.clip(beats[:, None] + np.arange(-3, 4), 0, len(beat) - 1)
    share = np.clip(down[near].max(axis=1) / np.maximum(beat[near].max(axis=1), 0.2), 0.02, 0.98)
    positions = np.zeros(len(beats), np.int64)
    for start in range(0, len(beats) - 15, 16):
        part = share[start : start + 32]
        readings = []
        for bar in (3, 4):
            for shift in range(bar):
                place = (np.arange(len(part)) + shift) % bar
                score = np.where(place == 0, np.log(part / 0.3), np.log((1 - part) / 0.7)).mean()
                readings.append((float(score), bar, shift))
        readings.sort(reverse=True)
        if readings[0][0] > 0.0 and readings[0][0] - readings[1][0] > _BAR_MARGIN:
            _, bar, shift = readings[0]
            positions[start : start + 32] = (np.arange(len(part)) + shift) % bar + 1
    return positions


def label(outputs: Floats) -> Truth:
    """What a teacher's outputs (float32[frames, OUTPUTS]) say, and where not to believe them."""
    beat, down = outputs[:, 0], outputs[:, 1]
    frames = best_beats(beat, outputs[:, len(ACTIVATIONS) : len(ACTIVATIONS) + TEMPI.size])
    near = np.clip(frames[:, None] + np.arange(-3, 4), 0, len(beat) - 1)
    weights = beat[near] ** 2 + 1e-6
    exact = (weights * near).sum(axis=1) / weights.sum(axis=1)
    times = (exact + 1) / FPS - AIM
    on = beat[near].max(axis=1)
    middle = np.clip(((frames[1:] + frames[:-1]) // 2)[:, None] + np.arange(-2, 3), 0, len(beat) - 1)
    between = np.append(beat[middle].max(axis=1), 0.0)
    ignore = []
    for start in range(0, len(frames), _STRETCH):
        part = slice(max(0, start - _STRETCH // 2), start + _STRETCH + _STRETCH // 2)
        if on[part].mean() < _SURE or between[part].mean() > _CLEAR + 0.3 * on[part].mean():
            stop = times[min(start + _STRETCH, len(times) - 1)]
            ignore.append((times[start] - 0.1, stop - 0.1 if start + _STRETCH < len(times) else stop + 9.0))
    if len(times):
        ignore += [(-1.0, times[0] - 0.1), (times[-1] + 0.1, len(beat) / FPS + 1.0)]
    return Truth(
        beats=times,
        positions=_positions(frames, beat, down),
        ignore=np.array(ignore).reshape(-1, 2),
        drums_known=False,
        sure=0.7,
    )


def _part(truth: Truth, start: float, stop: float) -> Truth:
    inside = (truth.beats >= start) & (truth.beats < stop)
    ignore = np.clip(truth.ignore - start, -1.0, stop - start + 1.0)
    positions = truth.positions[inside]
    return Truth(truth.beats[inside] - start, positions, ignore=ignore, drums_known=False, sure=truth.sure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("teacher", type=Path, help="folder of training.train --teacher")
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mixes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    rng = np.random.default_rng(wanted.seed)
    net = read_net(wanted.teacher)
    wanted.out.mkdir(parents=True, exist_ok=True)
    for path in sorted((wanted.real / "audio").glob("*.flac")):
        sound, rate = soundfile.read(path, dtype="float32")
        if rate != RATE:
            raise SystemExit(f"{path}: {rate} Hz, expected {RATE} (python -m training.real makes them so)")
        truth = label(outputs_of(net, features_of(sound, rate)))
        unsure = float(np.clip(np.diff(truth.ignore, axis=1), 0.0, None).sum()) / (len(sound) / rate)
        print(f"{path.name[:60]:60} {len(truth.beats)} beats, unsure {unsure:.0%}", flush=True)
        if len(truth.beats) < 16 or unsure > 0.6:
            continue
        source = path.name.split("__")[0].split("-")[0]
        length = 50.0
        for i, start in enumerate(np.arange(0.0, len(sound) / rate - 20.0, length)):
            part = _part(truth, float(start), float(start) + length)
            if len(part.beats) < 16:
                continue
            piece = np.array(sound[round(start * rate) : round((start + length) * rate)])
            for version in range(wanted.mixes):
                heard = piece if version == 0 else degrade(piece, RATE, rng)
                keep(wanted.out, f"real-{source}__{path.stem[:50]}-{i}-{version}".replace(" ", "_"), heard, part)


if __name__ == "__main__":
    main()
