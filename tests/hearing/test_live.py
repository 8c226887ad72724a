"""The laws of the listener on host time: where sound was, what was lost, how a line is handed on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing import ListenerSettings
from engine.hearing.live import LiveListener
from engine.state import Hit, Hits, State
from tests.synthetic import kick, placed, song

RATE, BLOCK = 44100, 128
EVERY = np.arange(0.5, 8.0, 0.5)


def live(seed: State | None = None, epoch: int = 0) -> LiveListener:
    return LiveListener(ListenerSettings(), RATE, seed, epoch)


def play(ear: LiveListener, sound: np.ndarray, begin: float) -> list[State]:
    """Block by block, each told exactly when its last sample was there; the first sample is at host time `begin`."""
    blocks = range(0, sound.size - BLOCK + 1, BLOCK)
    return [s for at in blocks for s in ear.hear(sound[at : at + BLOCK], begin + (at + BLOCK) / RATE)]


def test_times_are_host_times() -> None:
    """A stroke 1 s into a stream that began at host time 5000 s is at 5001 s and told within 10 ms."""
    states = play(live(), placed(kick(RATE), EVERY, 8.0, RATE), 5000.0)
    strokes = sorted({state.hits.kick.time for state in states} - {-math.inf})
    late = [min(stroke - 5000.0 - EVERY, key=lambda x: abs(x - 0.005)) for stroke in strokes]
    assert len(strokes) >= 14
    assert -1e-6 < min(late) <= max(late) < 0.010
    assert states[-1].time == pytest.approx(5000.0 + states[-1].heard / RATE, abs=1e-6)


def test_the_line_is_where_the_music_was() -> None:
    sound, truth = song(14.0, RATE)
    grid = play(live(), sound, 777.0)[-1].grid
    phases = [(grid.beat_at(777.0 + float(time)) + 0.5) % 1.0 - 0.5 for time in truth["beat"][-6:]]
    assert max(abs(phase) for phase in phases) * grid.period < 0.015


@pytest.mark.parametrize("lost", [0.05, 0.3, 0.9])
def test_lost_samples_are_bridged_so_that_the_count_goes_on(lost: float) -> None:
    """Samples dropped after 4 s: the bridge is as long as the hole to a millisecond, later strokes keep their times."""
    sound = placed(kick(RATE), EVERY, 8.0, RATE)
    ear = live()
    play(ear, sound[: 4 * RATE // BLOCK * BLOCK], 100.0)
    at = ear._heard + round(lost * RATE)
    ear.hear(sound[at : at + BLOCK], 100.0 + (at + BLOCK) / RATE, overflowed=True)
    assert ear.lost / RATE == pytest.approx(lost, abs=0.001)
    last = play(ear, sound[at + BLOCK :], 100.0 + (at + BLOCK) / RATE)[-1]
    assert last.time == pytest.approx(108.0, abs=0.02)
    assert last.heard / RATE == pytest.approx(8.0, abs=0.02)
    assert min(abs(last.hits.kick.time - 100.005 - EVERY)) < 0.006


def test_an_overflow_that_lost_less_than_a_block_can_tell_bridges_nothing() -> None:
    ear = live()
    play(ear, np.zeros(RATE, np.float32), 100.0)
    before = ear._heard
    ear.hear(np.zeros(BLOCK, np.float32), 100.0 + (before + 2 * BLOCK) / RATE - 1e-5, overflowed=True)
    assert (ear.lost, ear._heard) == (0, before + BLOCK)


def test_a_hole_of_seconds_is_not_filled_with_seconds() -> None:
    ear = live()
    play(ear, np.zeros(RATE, np.float32), 100.0)
    ear.hear(np.zeros(BLOCK, np.float32), 160.0, overflowed=True)
    assert ear.lost == RATE


def test_a_seed_in_host_time_counts_on() -> None:
    """An engine that dies and its successor: the line, the counts and the epoch are one."""
    seed = State(
        Grid(4999.6, 120.0, 0.5, downbeat=120, bar=30), 0.9, 0.5, time=5000.0, epoch=2,
        hits=Hits(snare=Hit(12, 4999.9, 0.4)),
    )  # fmt: skip
    states = play(live(seed, epoch=9), np.zeros(RATE, np.float32), 5000.2)
    for state in states:
        assert state.grid.beat_at(5001.0) == pytest.approx(seed.grid.beat_at(5001.0), abs=1e-6)
        assert (state.epoch, state.hits.snare.count) == (2, 12)
        assert state.hits.snare.time == pytest.approx(4999.9, abs=1e-6)
    assert play(live(epoch=9), np.zeros(RATE, np.float32), 0.0)[0].epoch == 9


def test_a_hint_is_of_its_own_host_time_however_late_it_comes() -> None:
    ear = live()
    play(ear, np.zeros(2 * RATE, np.float32), 300.0)
    state = ear.hint("tap", 301.25, 0.0)
    assert state is not None
    assert abs((state.grid.beat_at(301.25) + 0.5) % 1.0 - 0.5) < 1e-6
    assert ear.hint("dance", 301.0, 0.0) is None


def test_nothing_is_told_before_the_clock_has_found_its_edge() -> None:
    """A first block 150 ms late, as after a restart: what waited is told all at once, none of it lost or misplaced."""
    sound = placed(kick(RATE), [0.1, 0.6, 1.1], 2.0, RATE)
    ear = live()
    states: list[State] = []
    first = 0
    for at in range(0, sound.size - BLOCK, BLOCK):
        true = 60.0 + (at + BLOCK) / RATE
        told = ear.hear(sound[at : at + BLOCK], max(true, 60.15))
        first = first or (len(states) == 0 and len(told) > 0) * at
        states += told
    assert 0.2 < first / RATE < 0.6
    assert states[0].heard <= 256
    assert states[-1].hits.kick.count == 3
    assert {round(s.hits.kick.time - 60.0, 1) for s in states if s.hits.kick.count} == {0.1, 0.6, 1.1}


def test_before_the_first_block_no_hint_can_be_followed() -> None:
    assert live().hint("tap", 1.0, 0.0) is None


def test_the_same_blocks_at_the_same_times_give_the_same_states() -> None:
    """Wake-ups late by up to 5 ms, one overflow, a tap: twice the same, to the last bit."""

    def once() -> list[bytes]:
        rng = np.random.default_rng(5)
        sound, _ = song(3.0, RATE)
        ear, found = live(), []
        for number, at in enumerate(range(0, sound.size - BLOCK, BLOCK)):
            host = 50.0 + (at + BLOCK) / RATE + float(rng.exponential(0.001)) + (0.1 if number > 500 else 0.0)
            found += [state.pack() for state in ear.hear(sound[at : at + BLOCK], host, overflowed=number == 501)]
            if number == 300:
                ear.hint("tap", host - 0.02, 0.0)
        return found

    assert once() == once()
