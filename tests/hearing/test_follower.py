"""The follower over activations made from known beats: what it does when they come, stop, jump and lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing.follower import Follower
from engine.hearing.network import METERS, OUTPUTS, TEMPI
from engine.state import State, TempoTold

STEP = 0.01
BPM = (50.0, 220.0)


def outputs(beats: np.ndarray, seconds: float, *, bar: int = 4, strength: float = 0.8, bpm: float = 0.0) -> np.ndarray:
    """Frames of a network that hears `beats` (every `bar`-th a downbeat), and `bpm` where it isn't 0."""
    times = np.arange(round(seconds / STEP)) * STEP
    rows = np.zeros((times.size, OUTPUTS), np.float32)

    def bumps(at: np.ndarray) -> np.ndarray:
        if not at.size:
            return np.zeros(times.size)
        return strength * np.exp(-0.5 * (np.abs(times[:, None] - at).min(axis=1) / 0.009) ** 2)

    rows[:, 0] = bumps(beats)
    rows[:, 1] = bumps(beats[::bar])
    tempo = np.exp(-0.5 * (np.log(TEMPI / bpm) / 0.03) ** 2) if bpm else np.ones(TEMPI.size)
    rows[:, 5 : 5 + TEMPI.size] = tempo / tempo.sum()
    rows[:, 5 + TEMPI.size :] = 1.0 / len(METERS)
    return rows


def run(follower: Follower, rows: np.ndarray, start: float = 0.0) -> list[float]:
    """Pushes all rows; returns when each beat of the line fell due, by the line known then."""
    told: int | None = None
    fired = []
    for i, row in enumerate(rows):
        now = start + i * STEP
        follower.push(row, now)
        reached = follower.grid.last_beat_at(now)
        if follower.confidence > 0.0 and told is not None:
            fired += [follower.grid.time_of(n) for n in range(told + 1, reached + 1)]
        told = reached if told is None else max(told, reached)
    return fired


def beats_at(bpm: float, seconds: float, start: float = 0.3) -> np.ndarray:
    return np.arange(start, seconds, 60.0 / bpm)


def missed(fired: list[float], truth: np.ndarray, within: float = 0.02) -> int:
    times = np.array(fired)
    return int(sum(np.abs(times - beat).min(initial=9.0) > within for beat in truth))


@pytest.mark.parametrize("bpm", [55.0, 90.0, 128.0, 174.0, 210.0])
def test_it_finds_the_beat_within_three_seconds_and_keeps_it(bpm: float) -> None:
    truth = beats_at(bpm, 20.0)
    follower = Follower(STEP, State.unheard(), BPM)
    fired = run(follower, outputs(truth, 20.0, bpm=bpm))
    assert follower.grid.bpm == pytest.approx(bpm, rel=0.002)
    assert missed(fired, truth[(truth > 3.0) & (truth < 19.9)]) == 0
    assert len(fired) <= truth.size + 1


def test_a_beat_between_two_frames_is_told_to_two_milliseconds() -> None:
    truth = 0.3 + 0.5037 * np.arange(60)
    follower = Follower(STEP, State.unheard(), BPM)
    fired = np.array(run(follower, outputs(truth, 30.0, bpm=119.1))[8:])
    off = fired[:, None] - truth
    assert np.abs(off[np.arange(fired.size), np.abs(off).argmin(axis=1)]).max() < 0.002


def test_the_line_goes_on_through_silence_with_falling_confidence() -> None:
    truth = beats_at(124.0, 30.0)
    heard = truth[(truth < 12.0) | (truth > 22.0)]
    follower = Follower(STEP, State.unheard(), BPM)
    rows = outputs(heard, 30.0, bpm=124.0)
    rows[1200:2200, 5:77] = 1 / 72
    fired = run(follower, rows[:1200])
    before = follower.confidence
    fired += run(follower, rows[1200:2200], 12.0)
    assert follower.confidence < 0.7 * before
    fired += run(follower, rows[2200:], 22.0)
    assert missed(fired, truth[truth > 3.0]) <= 1


def test_another_tempo_is_taken_up_within_three_seconds() -> None:
    first, second = beats_at(127.0, 15.0), beats_at(98.0, 30.0, 15.2)
    rows = np.concatenate((outputs(first, 15.0, bpm=127.0), outputs(second - 15.0, 15.0, bpm=98.0)))
    follower = Follower(STEP, State.unheard(), BPM)
    fired = run(follower, rows)
    assert missed(fired, second[(second > 18.2) & (second < 29.9)]) == 0


def test_a_faint_off_beat_does_not_double_the_tempo() -> None:
    truth = beats_at(100.0, 20.0)
    rows = outputs(truth, 20.0, bpm=100.0)
    rows[:, 0] = np.maximum(rows[:, 0], outputs(truth + 0.3, 20.0, strength=0.3)[:, 0])
    follower = Follower(STEP, State.unheard(), BPM)
    run(follower, rows)
    assert follower.grid.bpm == pytest.approx(100.0, rel=0.01)


@pytest.mark.parametrize("bar", [3, 4, 5, 7])
def test_it_finds_the_bar(bar: int) -> None:
    truth = beats_at(140.0, 30.0)
    follower = Follower(STEP, State.unheard(), BPM)
    run(follower, outputs(truth, 30.0, bar=bar, bpm=140.0))
    grid = follower.grid
    assert grid.beats_per_bar == bar
    assert follower.bar_confidence > 0.7
    nearest = round(grid.beat_at(float(truth[bar * 5])))
    assert grid.beat_in_bar(nearest) == 1


def test_the_count_never_repeats_or_skips() -> None:
    """Through a jump of tempo and phase, a reader that counts beats sees every number once."""
    rows = np.concatenate((outputs(beats_at(127.0, 15.0), 15.0), outputs(beats_at(91.0, 15.0, 0.11), 15.0)))
    follower = Follower(STEP, State.unheard(), BPM)
    told: int | None = None
    for i, row in enumerate(rows):
        follower.push(row, i * STEP)
        reached = follower.grid.last_beat_at(i * STEP)
        assert told is None or follower.confidence == 0.0 or reached - told <= 1
        told = reached if told is None else max(told, reached)
    assert follower.grid.bpm == pytest.approx(91.0, rel=0.01)


def settled(bpm: float = 100.0, seconds: float = 10.0) -> tuple[Follower, np.ndarray]:
    truth = beats_at(bpm, 60.0)
    rows = outputs(truth, 60.0, bpm=bpm)
    follower = Follower(STEP, State.unheard(), BPM)
    run(follower, rows[: round(seconds / STEP)])
    return follower, rows


@pytest.mark.parametrize(("hint", "bpm"), [("double", 200.0), ("halve", 50.0)])
def test_a_doubled_or_halved_tempo_stays(hint: str, bpm: float) -> None:
    follower, rows = settled()
    assert follower.hint(hint, 10.0, 0.0)
    run(follower, rows[1000:], 10.0)
    assert follower.grid.bpm == pytest.approx(bpm, rel=0.01)
    off = follower.grid.beat_at(0.3 + 0.6 * 80) % 0.5
    assert min(off, 0.5 - off) < 0.05


def test_a_nudge_stays_until_a_resync() -> None:
    follower, rows = settled()
    follower.hint("nudge", 10.0, 0.05)
    run(follower, rows[1000:4000], 10.0)
    assert follower.grid.time_of(round(follower.grid.beat_at(36.35))) == pytest.approx(0.3 + 0.6 * 60 + 0.05, abs=0.003)
    follower.hint("resync", 40.0, 0.0)
    run(follower, rows[4000:], 40.0)
    assert follower.grid.time_of(round(follower.grid.beat_at(54.3))) == pytest.approx(54.3, abs=0.003)


def test_a_locked_tempo_stays_to_the_last_bit_and_the_phase_follows() -> None:
    follower, _ = settled()
    follower.hint("lock", 10.0, 1.0)
    period = follower.grid.period
    truth = beats_at(103.0, 20.0)
    run(follower, outputs(truth, 20.0, bpm=103.0), 10.0)
    assert follower.grid.period == period
    assert follower.told.locked


def test_a_told_downbeat_stays() -> None:
    follower, rows = settled()
    beat = round(follower.grid.beat_at(10.0)) + 2
    follower.hint("downbeat", follower.grid.time_of(beat), 0.0)
    run(follower, rows[1000:3000], 10.0)
    assert follower.grid.beat_in_bar(beat) == 1
    assert follower.bars_told


def test_a_range_told_is_kept() -> None:
    follower, rows = settled()
    follower.hint("slowest", 10.0, 120.0)
    run(follower, rows[1000:3000], 10.0)
    assert follower.grid.bpm >= 119.0


def test_it_goes_on_from_a_seed() -> None:
    grid = Grid(0.3, 40.0, 0.5, downbeat=40, bar=10)
    seed = replace(State.unheard(), grid=grid, confidence=0.9, tempo_told=TempoTold(locked=True))
    follower = Follower(STEP, seed, BPM)
    fired = run(follower, outputs(beats_at(120.0, 6.0), 6.0))
    assert follower.grid.period == 0.5
    assert missed(fired, beats_at(120.0, 5.9)[1:]) == 0


def test_a_carried_line_is_not_moved_by_a_network_that_has_just_begun() -> None:
    """Two seconds of wrong activations, as a network without memory gives them, then the true ones."""
    grid = Grid(0.3, 40.0, 0.5)
    follower = Follower(STEP, replace(State.unheard(), grid=grid, confidence=0.9), BPM)
    truth = beats_at(120.0, 12.0)
    rows = np.concatenate((outputs(truth[truth < 2.0] + 0.07, 1.8), outputs(truth - 1.8, 10.2)))
    fired = run(follower, rows)
    assert missed(fired, truth[1:-1], within=0.005) == 0
    assert follower.confidence > 0.7
