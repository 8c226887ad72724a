"""When to draw and when it will be seen, from flips that a test makes up; how much detail a machine can draw."""

from __future__ import annotations

import random

import pytest

from visuals.pace import Detail, Pace


def synced(pace: Pace, count: int, period: float, start: float = 100.0) -> float:
    """A display that flips every `period`, Python coming back up to 2 ms late. Returns the last true flip."""
    chance = random.Random(5)
    for number in range(count):
        pace.flipped(start + number * period + chance.uniform(0.0, 0.002))
    return start + (count - 1) * period


def test_with_vsync_the_display_sets_the_pace() -> None:
    pace = Pace(60.0, rate=50.0)
    last = synced(pace, 200, 0.020)
    assert not pace.free
    assert pace.wait(last) == 0.0
    assert pace.period == pytest.approx(0.020, abs=0.0005)
    assert pace.missed == 0
    assert pace.seen(last + 0.004) == pytest.approx(last + 0.020, abs=0.0025)


def test_after_a_stall_the_frame_is_for_the_next_flip_to_come() -> None:
    pace = Pace(60.0, rate=50.0)
    last = synced(pace, 200, 0.020)
    assert pace.seen(last + 0.050) == pytest.approx(last + 0.060, abs=0.0025)


def test_time_on_the_screen_never_runs_back() -> None:
    pace, chance, time, seen = Pace(60.0, vsync=False), random.Random(3), 10.0, 0.0
    for _ in range(500):
        time += chance.choice([0.016, 0.017, 0.05, 0.004])
        assert pace.seen(time) >= seen
        seen = pace.seen(time)
        time += 0.003
        pace.flipped(time)


def test_a_flip_later_than_one_and_a_half_periods_is_missed() -> None:
    pace = Pace(60.0, rate=50.0)
    last = synced(pace, 100, 0.020)
    pace.flipped(last + 0.060)
    assert pace.missed == 1


def test_where_vsync_has_no_effect_the_clock_sets_the_pace() -> None:
    pace, time = Pace(60.0, rate=60.0), 5.0
    for _ in range(Pace.KEPT + 1):
        time += 0.002
        pace.flipped(time)
    assert pace.free


def test_waits_do_not_add_up() -> None:
    """An hour of frames, each wake-up a little late: the schedule has not moved."""
    pace, chance, time = Pace(60.0, vsync=False), random.Random(1), 0.0
    first = None
    for _ in range(60 * 3600):
        time += pace.wait(time) + chance.uniform(0.0, 0.001)
        first = time if first is None else first
        pace.flipped(time + 0.005)
        time += 0.006
    assert time - first == pytest.approx(3600.0, abs=0.02)


def test_a_long_stall_is_not_caught_up_in_a_burst() -> None:
    pace = Pace(50.0, vsync=False)
    assert pace.wait(1.0) == 0.0
    pace.flipped(1.005)
    assert pace.wait(9.0) == 0.0
    pace.flipped(9.005)
    assert pace.wait(9.006) == pytest.approx(0.014)


def test_detail_falls_until_thirty_frames_a_second_are_held_and_comes_back() -> None:
    detail = Detail()

    def run(full: float) -> list[float]:
        shares = []
        for _ in range(400):
            detail.took(full * detail.share**2)
            shares.append(detail.share)
        return shares

    assert set(run(0.025)) == {1.0}
    slow = run(0.056)
    assert slow[-1] == 0.75
    assert len(set(slow[-200:])) == 1  # it settles
    assert run(0.010)[-1] == 1.0
    assert run(10.0)[-1] == Detail.STEPS[-1]
