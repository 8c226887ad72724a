"""The laws of the line: two inverse functions, time cut into beats without gaps, corrections that keep the count."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.grid import EPSILON, Grid

YEAR = 3.2e7  # seconds: a machine's uptime at most
seconds = st.floats(0.0, YEAR)
periods = st.floats(0.2, 2.0)
grids = st.builds(
    Grid,
    time=seconds,
    beat=st.floats(-1e6, 1e6),
    period=periods,
    downbeat=st.integers(-999, 999),
    bar=st.integers(-999, 999),
    beats_per_bar=st.integers(1, 7),
    bars_per_phrase=st.integers(1, 64),
    phrase=st.integers(-999, 999),
)


@given(grids, st.floats(-1e4, 1e4))
def test_beat_at_and_time_of_are_inverse(grid: Grid, after: float) -> None:
    """To what float64 holds of a host time of a year: 2e-8 beats and 8 ns."""
    time = grid.time + after
    assert abs(grid.time_of(grid.beat_at(time)) - time) < 8e-9
    beat = grid.beat + after
    assert abs(grid.beat_at(grid.time_of(beat)) - beat) < EPSILON


@given(grids, st.integers(-10_000, 10_000))
def test_a_beat_is_reached_at_its_own_time_and_not_a_microsecond_before(grid: Grid, after: int) -> None:
    """Who sleeps until time_of(n) finds beat n on waking, however the sums were rounded."""
    number = math.floor(grid.beat) + after
    assert grid.last_beat_at(grid.time_of(number)) == number
    assert grid.last_beat_at(grid.time_of(number) - 1e-6) == number - 1


@given(grids, seconds)
def test_phases_are_shares_of_their_beat(grid: Grid, time: float) -> None:
    assert 0.0 <= grid.phase_at(time) < 1.0
    assert (grid.beat_at(time) - grid.phase_at(time)) % 1.0 in (pytest.approx(0.0, abs=1e-7), pytest.approx(1.0))
    assert grid.bpm * grid.period == pytest.approx(60.0)


@given(grids, st.floats(0, 3600), periods)
def test_another_tempo_keeps_the_count_to_the_last_bit(grid: Grid, after: float, period: float) -> None:
    time = grid.time + after
    moved = grid.retimed(time, period=period)
    assert (moved.beat_at(time), moved.last_beat_at(time)) == (grid.beat_at(time), grid.last_beat_at(time))
    assert (moved.period, moved.bar_at(time)) == (period, grid.bar_at(time))


@given(grids, st.floats(0, 3600), st.floats(-0.5, 0.5))
def test_a_shift_moves_the_count_by_itself_and_nothing_else(grid: Grid, after: float, shift: float) -> None:
    time = grid.time + after
    moved = grid.retimed(time, shift=shift)
    assert moved.beat_at(time) == grid.beat_at(time) + shift
    assert moved == Grid(
        time, grid.beat_at(time) + shift, grid.period,
        grid.downbeat, grid.bar, grid.beats_per_bar, grid.bars_per_phrase, grid.phrase,
    )  # fmt: skip


@given(grids, st.lists(st.floats(0, 30), min_size=2, max_size=40))
def test_any_cuts_of_time_hold_each_beat_once(grid: Grid, steps: list[float]) -> None:
    cuts = [grid.time]
    for step in steps:
        cuts.append(cuts[-1] + step)
    pieces = [n for a, b in pairwise(cuts) for n in grid.beats_between(a, b)]
    assert pieces == list(grid.beats_between(cuts[0], cuts[-1]))
    assert pieces == list(range(grid.last_beat_at(cuts[0]) + 1, grid.last_beat_at(cuts[-1]) + 1))


def test_a_stretch_of_time_owns_its_end_and_not_its_beginning() -> None:
    grid = Grid(10.0, 0.0, 0.5)
    assert list(grid.beats_between(10.0, 11.0)) == [1, 2]
    assert list(grid.beats_between(9.75, 10.0)) == [0]
    assert list(grid.beats_between(10.1, 10.4)) == []


def test_the_line_can_be_read_before_its_anchor() -> None:
    grid = Grid(10.0, 0.0, 0.5)
    assert (grid.beat_at(9.0), grid.last_beat_at(8.9), grid.time_of(-2)) == (-2.0, -3, 9.0)
    assert [grid.beat_in_bar(n) for n in range(-5, 1)] == [4, 1, 2, 3, 4, 1]


def corrected(beats: int, seed: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]], list[float]]:
    """A line corrected four times a beat towards music whose tempo wanders, looked at 60 times a second.

    Returns what a reader of beats told as (number, time), what a reader of times told, and when the music's beats
    were (seconds; the number is the index).
    """
    rng = random.Random(seed)
    music, period = [0.0], 0.5
    while len(music) < beats + 8:
        period = min(max(period * rng.uniform(0.998, 1.002), 0.4), 0.6)
        music.append(music[-1] + period)
    grid, told, by_time = Grid(0.0, 0.0, 0.5), [(0, 0.0)], [(0, 0.0)]
    now = look = correction = 0.0
    remembered, truth = 0, 0
    while remembered < beats:
        now = min(look, correction)
        while music[truth + 1] <= now:
            truth += 1
        if now == correction:
            place = truth + (now - music[truth]) / (music[truth + 1] - music[truth]) + rng.gauss(0.0, 0.04)
            off = min(max(place - grid.beat_at(now), -0.5), 0.5)
            tempo = (music[truth + 1] - music[truth]) * rng.uniform(0.97, 1.03)
            grid = grid.retimed(now, period=tempo, shift=0.5 * off)
            correction += rng.uniform(0.1, 0.15)
        else:
            by_time += [(n, now) for n in grid.beats_between(now - 1 / 60, now)]
            for number in range(remembered + 1, grid.last_beat_at(now) + 1):
                told.append((number, now))
                remembered = number
            look += 1 / 60
    return told, by_time, music


def test_a_reader_that_remembers_beats_misses_and_doubles_none_of_12000() -> None:
    """Each number once, in order, within a fifth of a beat of the music's beat of that number."""
    told, by_time, music = corrected(12_000, seed=1)
    assert [number for number, _ in told[:12_001]] == list(range(12_001))
    assert max(abs(time - music[number]) for number, time in told) < 0.1
    numbers = [number for number, _ in by_time]  # a reader of times: what the law saves us from
    assert len(numbers) - len(set(numbers)) > 50
    assert len(set(range(12_000)) - set(numbers)) > 50


@given(grids, st.integers(-2000, 2000), st.integers(1, 7))
def test_a_new_downbeat_moves_the_bar_count_by_half_a_bar_at_most(grid: Grid, downbeat: int, beats: int) -> None:
    moved = grid.rebarred(downbeat, beats_per_bar=beats)
    assert moved.beat_in_bar(downbeat) == 1
    assert (moved.downbeat, moved.beats_per_bar) == (downbeat, beats)
    assert abs(moved.bar_of(downbeat) - grid.bar_of(downbeat)) <= 0.5
    assert (moved.time, moved.beat, moved.period) == (grid.time, grid.beat, grid.period)


def test_a_downbeat_that_is_one_already_changes_no_bar() -> None:
    grid = Grid(0.0, 0.0, 0.5, downbeat=2, bar=7, beats_per_bar=4)
    moved = grid.rebarred(102)
    assert [moved.bar_of(n) for n in range(40)] == [grid.bar_of(n) for n in range(40)]
    assert grid.rebarred(103).bar == 32  # 25.25 bars after bar 7


@given(grids, st.floats(-1e5, 1e5), st.floats(0.999, 1.001), st.floats(0, 3600))
def test_a_mapped_line_says_the_same_on_the_other_clock(grid: Grid, offset: float, slope: float, after: float) -> None:
    time = grid.time + after
    mapped = grid.mapped(offset, slope)
    assert mapped.beat_at(offset + slope * time) == pytest.approx(grid.beat_at(time), abs=1e-6)
    back = mapped.mapped(-offset / slope, 1.0 / slope)
    assert back.time == pytest.approx(grid.time, abs=1e-7)
    assert back.period == pytest.approx(grid.period, rel=1e-14)


def test_bars_and_phrases_start_where_the_counts_say() -> None:
    """Beat 6 starts bar 7 of four beats; a phrase starts two bars after the other, one of them with bar -4."""
    grid = Grid(0.0, 0.0, 0.5, downbeat=6, bar=7, beats_per_bar=4, bars_per_phrase=2, phrase=-4)
    assert [(grid.beat_in_bar(n), grid.bar_of(n)) for n in (5, 6, 7, 10)] == [(4, 6.75), (1, 7.0), (2, 7.25), (1, 8.0)]
    phrases = [n for n in range(-10, 27) if grid.phrase_of(n) % 1.0 == 0.0]
    assert phrases == [-6, 2, 10, 18, 26]
    assert grid.bar_at(5.0) == 8.0


@given(grids, st.integers(-9999, 9999), st.floats(-1e4, 1e4))
def test_a_phrase_moves_by_half_of_its_length_at_most_and_leaves_beats_and_bars(
    grid: Grid, bar: int, beat: float
) -> None:
    moved = grid.rephrased(bar)
    assert (bar - moved.phrase) % grid.bars_per_phrase == 0
    assert abs(moved.phrase_of(beat) - grid.phrase_of(beat)) <= 0.5 + 1e-9
    assert replace(moved, phrase=grid.phrase) == grid


@pytest.mark.parametrize("period", [0.0, -0.5, math.nan, math.inf])
def test_a_period_that_is_no_time_is_refused(period: float) -> None:
    with pytest.raises(ValueError, match=r"Grid.period: .* is not a positive number of seconds"):
        Grid(0.0, 0.0, period)
    with pytest.raises(ValueError, match=r"Grid.period"):
        Grid(0.0, 0.0, 0.5).retimed(1.0, period=period)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_anchor_that_is_nowhere_is_refused(bad: float) -> None:
    for anchor in ((bad, 0.0), (0.0, bad)):
        with pytest.raises(ValueError, match="must be finite"):
            Grid(*anchor, 0.5)


@pytest.mark.parametrize("shift", [0.51, -0.51, math.nan])
def test_a_shift_into_another_beat_is_refused(shift: float) -> None:
    with pytest.raises(ValueError, match=r"is not within -0.5..0.5"):
        Grid(0.0, 0.0, 0.5).retimed(1.0, shift=shift)


def test_bars_of_no_beats_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Grid(0.0, 0.0, 0.5, beats_per_bar=0)
    with pytest.raises(ValueError, match="at least 1"):
        Grid(0.0, 0.0, 0.5, bars_per_phrase=0)
    with pytest.raises(ValueError, match="at least 1"):
        Grid(0.0, 0.0, 0.5).rebarred(0, beats_per_bar=0)
