"""The laws of the line fitter: beats told one at a time, with jitter, gaps and changes, become a steady line."""

from __future__ import annotations

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing.beats import LineFitter

STEADY = 0.2 + 0.48 * np.arange(60)


def fitter(*, known: bool = False) -> LineFitter:
    """From 120 BPM, 50 to 220 BPM allowed."""
    return LineFitter(Grid(0.0, 0.0, 0.5), shortest=60.0 / 220.0, longest=60.0 / 50.0, known=known)


def fit(times: np.ndarray, line: LineFitter) -> list[float]:
    """Errors of the line at each beat just after it was told, in beats: -0.5..0.5."""
    errors = []
    for time in times:
        line.beat(float(time))
        errors.append((line.grid.beat_at(float(time)) + 0.5) % 1.0 - 0.5)
    return errors


def test_steady_beats_become_an_exact_line_after_three() -> None:
    line = fitter()
    assert max(map(abs, fit(STEADY, line)[2:])) < 1e-9
    assert line.grid.period == pytest.approx(0.48, abs=1e-12)
    assert line.confidence(float(STEADY[-1])) > 0.95


@pytest.mark.parametrize(("jitter", "phase", "tempo"), [(0.005, 0.02, 0.005), (0.010, 0.05, 0.01)])
def test_jitter_is_smoothed(jitter: float, phase: float, tempo: float) -> None:
    """Beats off by 5 ms (10 ms) RMS: the line stays within 2 % (5 %) of a beat and half (one) percent of the tempo."""
    for seed in range(5):
        line = fitter()
        times = STEADY + np.random.default_rng(seed).normal(0.0, jitter, 60)
        fit(times[:16], line)
        for time, true in zip(times[16:], STEADY[16:], strict=True):
            line.beat(float(time))
            assert abs((line.grid.beat_at(float(true)) + 0.5) % 1.0 - 0.5) < phase
            assert line.grid.period == pytest.approx(0.48, rel=tempo)


def test_another_tempo_is_taken_over_by_its_fourth_beat_or_fifth() -> None:
    line = fitter()
    fit(STEADY[:30], line)
    errors = fit(STEADY[29] + 0.6 * np.arange(1, 12), line)
    assert max(map(abs, errors[4:])) < 1e-6
    assert line.grid.period == pytest.approx(0.6)


def test_another_phase_is_taken_over_by_its_fourth_beat() -> None:
    line = fitter()
    fit(STEADY[:30], line)
    errors = fit(STEADY[30:45] + 0.2, line)
    assert min(map(abs, errors[:3])) > 0.3  # three beats are no proof
    assert max(map(abs, errors[3:])) < 1e-6


def test_one_beat_out_of_place_moves_nothing() -> None:
    line = fitter()
    fit(STEADY[:20], line)
    before = line.grid
    fit(np.array([STEADY[20] - 0.2]), line)
    assert line.grid == before
    fit(STEADY[21:30], line)
    assert abs((line.grid.beat_at(float(STEADY[29])) + 0.5) % 1.0 - 0.5) < 1e-6


def test_missing_beats_are_bridged() -> None:
    """A fifth of the beats missing, four in a row among them: the count still counts them all."""
    keep = np.random.default_rng(1).random(60) > 0.2
    keep[:4], keep[30:34] = True, False
    line = fitter()
    assert max(map(abs, fit(STEADY[keep][:4], line)[2:])) < 1e-9
    first = line.grid.last_beat_at(float(STEADY[3]))
    assert max(map(abs, fit(STEADY[keep][4:], line))) < 1e-6
    last = int(np.flatnonzero(keep)[-1])
    assert line.grid.last_beat_at(float(STEADY[last]) + 0.01) == first + last - 3


def test_another_tempo_is_found_although_every_fourth_beat_is_missing() -> None:
    line = fitter()
    fit(STEADY[:30], line)
    times = STEADY[29] + 0.6 * np.arange(1, 24)
    fit(times[np.arange(23) % 4 != 1], line)
    assert line.grid.period == pytest.approx(0.6)


def test_a_line_is_followed_without_overshoot() -> None:
    """A tempo that is 2 % faster from one beat to the next is approached from one side."""
    line = fitter()
    fit(STEADY[:30], line)
    periods = []
    for time in STEADY[29] + 0.98 * 0.48 * np.arange(1, 16):
        line.beat(float(time))
        periods.append(line.grid.period)
    assert periods[-1] == pytest.approx(0.98 * 0.48, rel=0.001)
    assert min(periods) >= 0.98 * 0.48 * (1.0 - 1e-9)


@pytest.mark.parametrize("period", [0.1, 0.2, 1.4, 2.0])
def test_a_tempo_that_is_not_allowed_is_never_taken(period: float) -> None:
    line = fitter()
    fit(period * np.arange(40), line)
    assert 60.0 / 220.0 <= line.grid.period <= 60.0 / 50.0


@pytest.mark.parametrize("seed", range(3))
def test_the_count_never_jumps_whatever_is_told(seed: int) -> None:
    """Beats anywhere: each moves the count where it stands by half a beat at most."""
    rng = np.random.default_rng(seed)
    line, time = fitter(known=True), 0.0
    for step in rng.uniform(0.1, 1.5, 500):
        time += float(step)
        before = line.grid
        line.beat(time)
        # A new line is anchored on the fitted place of the newest beat, up to 8 % of a period away.
        assert abs(line.grid.beat_at(line.grid.time) - before.beat_at(line.grid.time)) <= 0.5 + 1e-9
        assert abs(line.grid.time - time) < 0.1 * line.grid.period or line.grid == before


def test_trust_halves_every_three_seconds_beyond_two_beats() -> None:
    line = fitter()
    fit(STEADY[:30], line)
    last, full = float(STEADY[29]), line.confidence(float(STEADY[29]))
    assert line.confidence(last + 0.96) == pytest.approx(full)
    assert [line.confidence(last + 0.96 + s) / full for s in (3.0, 6.0)] == pytest.approx([0.5, 0.25])


def test_beats_that_agree_with_nothing_earn_no_trust() -> None:
    line = fitter()
    fit(np.cumsum(np.random.default_rng(3).uniform(0.2, 1.0, 60)), line)
    assert line.confidence(line._last) < 0.6
    assert LineFitter(Grid(0.0, 0.0, 0.5), shortest=0.3, longest=1.0).confidence(0.0) == 0.0


def test_a_beat_told_twice_counts_once() -> None:
    line = fitter()
    fit(np.sort(np.concatenate((STEADY, STEADY + 0.03))), line)
    assert line.grid.period == pytest.approx(0.48, abs=1e-9)
