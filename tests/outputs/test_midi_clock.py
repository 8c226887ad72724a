"""MIDI clock as laws: what a slave counts is what the line counts."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from engine.grid import Grid
from engine.outputs.midi_clock import CONTINUE, START, STOP, TICK, Message, Ticker
from engine.state import Moment

At = Callable[..., Moment]
Log = list[tuple[float, Message]]


def play(ticker: Ticker, at: At, start: float, end: float, grid: Grid, **known: Any) -> Log:
    """Ask as the conductor does: at every tick of the line, and at wake."""
    log: Log = []
    now = start
    while now < end:
        m = at(now, grid=grid, **known)
        log += [(now, message) for message in ticker.due(now, m)]
        step = math.floor(m.beat * 24 + 1e-6) + 1
        now = max(min(grid.time_of(step / 24), ticker.wake), now + 1e-7)
    return log


def only(log: Log, *kinds: Message) -> list[Message]:
    return [message for _, message in log if message in kinds]


def test_a_steady_line_gives_24_ticks_a_beat_at_its_tempo(at: At) -> None:
    """Count and places: tick n leaves when the line is at n/24."""
    log = play(Ticker(), at, 0.0, 10.0 + 1e-6, Grid(0.0, 0.0, 0.5), confidence=0.0)
    assert [m for _, m in log] == [TICK] * 480
    for n, (time, _) in enumerate(log, 1):
        assert time == pytest.approx(n * 0.5 / 24, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_ten_thousand_corrected_beats_are_24_ticks_each(at: At, seed: int) -> None:
    """Through random corrections of phase and tempo, and random lateness, each tick leaves once, never bunched.

    The count is the line's, to one tick, at the end; two ticks are never closer than half the shorter tick around.
    """
    chance = random.Random(seed)
    grid, ticker = Grid(0.0, 0.0, 0.5), Ticker()
    now, ticks, corrections, furthest = 0.0, 0, 0, 0
    last, last_period = -math.inf, 0.5
    ticker.due(0.0, at(0.0, grid=grid))
    until = 10_000
    next_correction = 4.0
    while grid.beat_at(now) < until + 0.5 / 24 or ticker.wake < math.inf:
        beat = grid.beat_at(now)
        if beat >= next_correction and beat < until - 20:
            if chance.random() < 0.5:
                grid = grid.retimed(now, shift=chance.uniform(-0.5, 0.5))
            else:
                grid = grid.retimed(now, period=60.0 / chance.uniform(50, 220), shift=chance.uniform(-0.05, 0.05))
            next_correction = beat + chance.expovariate(1 / 8)
            corrections += 1
        m = at(now, grid=grid)
        furthest = max(furthest, math.floor(m.beat * 24 + 1e-6))
        sent = [message for message in ticker.due(now, m) if message == TICK]
        assert len(sent) <= 1
        if sent:
            assert now - last >= 0.5 * min(grid.period, last_period) / 24 - 1e-8
            last, last_period = now, grid.period
            ticks += 1
            assert ticks <= furthest, "a tick before its time"
        step = math.floor(m.beat * 24 + 1e-6) + 1
        now = max(min(grid.time_of(step / 24), ticker.wake), now + 1e-7)
        if chance.random() < 0.02:
            now += chance.expovariate(1 / 0.01)  # the conductor came late
    assert corrections > 1000
    assert ticks == furthest
    assert 0 <= ticks - 24 * until <= 3


def test_a_jump_ahead_is_caught_up_at_twice_the_speed(at: At) -> None:
    """Half a beat missing: the next ticks come at half their distance until the line is met again, then evenly."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.48)
    play(ticker, at, 0.0, 1.0, grid)
    jumped = grid.retimed(1.0, shift=0.5)
    log = play(ticker, at, 1.0, 2.0, jumped)
    log = [entry for entry in log if entry[1] == TICK]
    gaps = [round(b - a, 6) for (a, _), (b, _) in pairwise(log)]
    assert gaps[:10] == [0.01] * 10
    assert gaps[-10:] == [0.02] * 10
    assert len(log) == pytest.approx(1.0 / 0.02 + 12, abs=1)


def test_a_jump_back_is_waited_for(at: At) -> None:
    """What was told is not withdrawn: no tick until the line has passed the newest one again, none twice."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.48)
    before = play(ticker, at, 0.0, 0.96 + 1e-6, grid)
    log = play(ticker, at, 0.96 + 1e-6, 1.92 + 1e-6, grid.retimed(0.96 + 1e-6, shift=-0.5))
    assert len(before) == 48
    assert log[0][0] == pytest.approx(0.96 + 0.24 + 0.02, abs=1e-5)
    assert len(log) == 48 - 12


def test_no_start_below_the_least_confidence_but_ticks(at: At) -> None:
    """A line that is a guess ticks, so that slaves know a tempo, and starts nobody."""
    log = play(Ticker(), at, 0.0, 60.0, Grid(0.0, 0.0, 0.5), confidence=0.09)
    assert {m for _, m in log} == {TICK}
    assert len(log) >= 24 * 119


def test_start_is_announced_one_tick_before_a_downbeat(at: At) -> None:
    """Song position and Start stand between the last tick before a downbeat and its own tick."""
    grid = Grid(0.0, 0.0, 0.5, downbeat=3, bar=7)
    log = play(Ticker(), at, 0.0, 20.0, grid)
    place = only(log, TICK, CONTINUE, START).index(START)
    assert (place + 1) % 24 == 0
    beat = (place + 1) // 24  # the first tick sent is number 1, so the tick after Start is number place + 1
    assert grid.beat_in_bar(beat) == 1
    messages = [m for _, m in log]
    assert messages[place] == (0xF2, 0, 0)  # the song begins where slaves are first started
    assert messages[place - 1] == TICK
    assert messages[place + 1] == START
    assert messages[place + 2] == TICK
    announced, first = log[place + 1][0], log[place + 2][0]
    assert first - announced >= 0.001
    assert first == pytest.approx(grid.time_of(beat), abs=1e-6)
    assert only(log, CONTINUE, START, STOP) == [START]


def test_slaves_are_started_once_and_then_continued(at: At) -> None:
    """After a new epoch: Stop, then the position the slave itself counted to a downbeat, and Continue."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.5, downbeat=1, bar=100)
    first = play(ticker, at, 0.0, 10.2, grid)
    again = play(ticker, at, 10.2, 20.0, grid, epoch=1)
    assert only(first, CONTINUE, START, STOP) == [START]
    assert only(again, CONTINUE, START, STOP) == [STOP, CONTINUE]
    (spp,) = only(again, *[m for _, m in again if m[0] == 0xF2])
    time = next(t for t, m in again if m == CONTINUE)
    beats = round(grid.beat_at(time) - 1.0 + 0.5)  # from beat 1, where Start was
    assert (spp[1] + 128 * spp[2], beats % 4) == (4 * beats, 0)


@pytest.mark.parametrize(("beats", "bar", "position"), [(4, 1023, 16368), (4, 1024, 0), (4, 1025, 16), (4, -1, 16368),
                                                       (3, 1364, 16368), (3, 1365, 0), (3, -1, 16368)])  # fmt: skip
def test_song_position_wraps_at_a_bar(at: At, beats: int, bar: int, position: int) -> None:
    """14 bits hold 1024 bars of four; beyond, the count begins again at a bar line in every metre."""
    grid = Grid(0.0, 0.0, 0.5, downbeat=1, bar=bar, beats_per_bar=beats)
    log = play(Ticker(resumed=True), at, 0.0, 0.6, grid)
    (spp,) = [m for _, m in log if m[0] == 0xF2]
    assert spp[1] + 128 * spp[2] == position
    assert position % (4 * beats) == 0


def test_without_sure_bars_slaves_start_on_a_beat_after_a_while(at: At) -> None:
    """Sixteen sure beats are patience enough; then any beat will do."""
    grid = Grid(0.0, 0.0, 0.5)
    log = play(Ticker(), at, 0.0, 30.0, grid, bar_confidence=0.0)
    place = only(log, TICK, START).index(START)
    assert (place + 1) / 24 == 17


def test_a_slave_out_of_step_with_sure_bars_is_put_right_once(at: At) -> None:
    """Bars found late: after four sure bars elsewhere, Stop, position, Continue on a downbeat; then peace."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.5)
    play(ticker, at, 0.0, 30.0, grid, bar_confidence=0.0)
    moved = grid.rebarred(62)
    log = play(ticker, at, 30.0, 90.0, moved)
    events = [(t, m) for t, m in log if m != TICK]
    assert [m for _, m in events if m[0] != 0xF2] == [STOP, CONTINUE]
    downbeat = math.ceil(moved.beat_at(events[0][0]))
    assert moved.beat_in_bar(downbeat) == 1
    assert downbeat == 62 + 4 * 4 - 4


def test_a_lost_line_goes_on_ticking(at: At) -> None:
    """Confidence gone (flywheel) stops nothing and starts nothing anew."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.5)
    play(ticker, at, 0.0, 10.0, grid)
    log = play(ticker, at, 10.0, 20.0, grid, confidence=0.0, bar_confidence=0.0)
    log += play(ticker, at, 20.0, 30.0, grid)
    assert [m for _, m in log if m != TICK] == []
    assert len(log) == pytest.approx(20.0 * 48, abs=2)


def test_a_new_epoch_stops_slaves_and_starts_them_in_the_new_place(at: At) -> None:
    """Counting anew is not a correction, however near the new count is: no tick of the old one is owed."""
    ticker = Ticker()
    play(ticker, at, 0.0, 30.0, Grid(0.0, 0.0, 0.5))
    log = play(ticker, at, 30.0, 35.0, Grid(30.0, 62.0, 0.5), epoch=1)
    assert [m[0] for _, m in log if m != TICK] == [0xFC, 0xF2, 0xFB]
    assert len(only(log, TICK)) == pytest.approx(5 * 48, abs=1)


def test_a_line_that_leapt_is_not_caught_up(at: At) -> None:
    """A suspended machine wakes an hour later: Stop and a new place instead of an hour of ticks."""
    ticker, grid = Ticker(), Grid(0.0, 0.0, 0.5)
    play(ticker, at, 0.0, 10.0, grid)
    log = play(ticker, at, 3610.0, 3620.0, grid)
    assert log[0][1] == STOP
    assert len(only(log, TICK)) == pytest.approx(10 * 48, abs=1)


def test_resumed_slaves_are_stopped_then_continued(at: At) -> None:
    """After a kill: Stop, song position, Continue; never Start, not even at position 0."""
    log = play(Ticker(resumed=True), at, -1.0, 3.0, Grid(0.0, 0.0, 0.5))
    assert [m for _, m in log if m != TICK] == [STOP, (0xF2, 0, 0), CONTINUE]


def test_stop_is_sent_once_and_only_to_the_started(at: At) -> None:
    """stop() ends what runs; a slave that never started gets none."""
    ticker = Ticker()
    assert ticker.stop() == ()
    play(ticker, at, 0.0, 10.0, replace(Grid(0.0, 0.0, 0.5)))
    assert ticker.stop() == (STOP,)
    assert ticker.stop() == ()
