"""The laws of the sample clock, on a sound card that is known: its crystal, its losses, and how late each wake-up was.

Figures are milliseconds of |host_of(sample) - truth|, of 60 s at 48 kHz unless said.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import clock
from engine.clock import SampleClock

RATE = 48000


@dataclass
class Run:
    """What a clock said of each block. at: seconds of stream. said: host_of. true: when it was."""

    at: list[float] = field(default_factory=list)
    said: list[float] = field(default_factory=list)
    true: list[float] = field(default_factory=list)

    def error(self, begin: float, end: float = 1e9) -> float:
        """Largest |error| in [begin, end) seconds of stream, in ms."""
        found = [abs(s - t) for at, s, t in zip(self.at, self.said, self.true, strict=True) if begin <= at < end]
        assert found
        return 1000.0 * max(found)

    def step(self, begin: float) -> float:
        """Largest deviation of two successive blocks' distance from the stream's own, in ms."""
        both = [(a, s) for a, s in zip(self.at, self.said, strict=True) if a >= begin]
        return 1000.0 * max(abs((s2 - s1) - (a2 - a1)) for (a1, s1), (a2, s2) in pairwise(both))


def observations(
    *, late: float, block: int, drift: float = 0.0, bursts: float = 0.0, seconds: float = 60.0, seed: int = 1
) -> list[tuple[float, float, float]]:
    """(seconds of stream, host time seen, host time true) of each block.

    late: mean of the exponential lateness, seconds. drift: of the crystal. bursts: how many times a second everything
    is held up by 100 ms. Reads come in order, so one that is late makes the next ones late.
    """
    rng = random.Random(seed)
    found: list[tuple[float, float, float]] = []
    held = seen = 0.0
    for number in range(1, int(seconds * RATE / block)):
        at = number * block / RATE
        true = 1000.0 + at * (1.0 + drift)
        if rng.random() < bursts * block / RATE:
            held = true + 0.1
        seen = max(true + rng.expovariate(1.0 / late), held, seen)
        found.append((at, seen, true))
    return found


def broken(found: list[tuple[float, float, float]], at: float, by: float) -> list[tuple[float, float, float]]:
    """The same with `by` seconds more between two samples from `at` on: samples were lost, or the machine slept."""
    return [(a, seen + by, true + by) if a >= at else (a, seen, true) for a, seen, true in found]


def run(found: list[tuple[float, float, float]]) -> Run:
    sample_clock, said = SampleClock(), Run()
    for at, seen, true in found:
        sample_clock.observe(at, seen)
        said.at.append(at)
        said.said.append(sample_clock.host_of(at))
        said.true.append(true)
    return said


@pytest.mark.parametrize("drift", [0.0, 200e-6, -200e-6])
@pytest.mark.parametrize("block", [64, 128, 512, 2048])
@pytest.mark.parametrize(
    ("late", "steady", "begin"),
    [(0.0002, 0.03, 1.2), (0.001, 0.1, 1.2), (0.005, 0.5, 1.5)],
    ids=["0.2ms", "1ms", "5ms"],
)
def test_steady_error_is_a_tenth_of_the_lateness(
    late: float, steady: float, begin: float, block: int, drift: float
) -> None:
    """Also while everything is held up by 100 ms every other second. Measured: 0.02, 0.06 and 0.30 ms after 25 s."""
    said = run(observations(late=late, block=block, drift=drift, bursts=0.5, seconds=40.0))
    assert said.error(25.0) < steady
    assert said.error(0.5, 25.0) < begin


def test_at_128_samples_and_a_millisecond_late_the_line_holds_a_fiftieth_of_it() -> None:
    """What performing looks like: 0.01 ms after 25 s, where single wake-ups were up to 100 ms late."""
    found = observations(late=0.001, block=128, drift=50e-6, bursts=0.2)
    assert max(seen - true for _, seen, true in found) > 0.1
    assert run(found).error(25.0) < 0.02


def test_the_line_moves_by_less_than_wakeups_jitter() -> None:
    """No two successive blocks are told further apart from the truth than 0.4 ms (0.02 ms once the drift is known)."""
    for drift in (200e-6, -200e-6):
        said = run(observations(late=0.001, block=128, drift=drift, bursts=0.5))
        assert said.step(0.5) < 0.4
        assert said.step(25.0) < 0.02


@pytest.mark.parametrize("by", [5.0, 0.2, 0.07, -0.2, -0.02])
def test_a_break_is_followed_within_a_second(by: float) -> None:
    """Samples lost, samples too many, the machine asleep for 5 s."""
    said = run(broken(observations(late=0.001, block=128, drift=50e-6), 30.0, by))
    assert said.error(31.0) < 0.1


@pytest.mark.parametrize("by", [0.01, 0.02, 0.043, 0.059])
def test_a_small_loss_that_could_be_lateness_is_followed_within_two_seconds(by: float) -> None:
    said = run(broken(observations(late=0.001, block=128, drift=50e-6, bursts=0.2), 30.0, by))
    assert said.error(32.1) < 0.1
    assert said.error(30.0, 31.0) < 1000.0 * by + 0.1


def test_what_is_known_of_the_crystal_outlives_a_break() -> None:
    """200 ppm unknown are 0.1 ms each half second; after a break they are known."""
    said = run(broken(observations(late=0.0002, block=128, drift=200e-6), 40.0, 5.0))
    assert said.error(0.6, 5.0) > 0.5
    assert said.error(41.0, 45.0) < 0.02


def test_a_second_of_late_wakeups_does_not_move_the_line() -> None:
    """Everything 50 ms late for a second (a machine that is out of breath), then as before."""
    found = [(a, s + 0.05 * (30.0 <= a < 31.0), t) for a, s, t in observations(late=0.001, block=128)]
    assert run(found).error(25.0) < 0.05


def test_nothing_is_told_later_than_it_was_seen() -> None:
    """From the first block on, without drift: the line lies under all observations (but for 2 us of its slope)."""
    found = observations(late=0.001, block=128, seconds=20.0)
    said = run(found)
    assert max(s - seen for s, (_, seen, _) in zip(said.said, found, strict=True)) < 1e-5


def test_two_runs_say_the_same_to_the_last_bit() -> None:
    found = broken(observations(late=0.005, block=256, drift=90e-6, bursts=1.0), 20.0, 0.02)
    assert run(found).said == run(found).said


@given(st.floats(0.0, 1e5), st.integers(0, 9))
def test_stream_of_is_the_inverse_of_host_of(seconds: float, seed: int) -> None:
    sample_clock = SampleClock()
    for at, seen, _ in observations(late=0.001, block=2048, drift=150e-6, seconds=8.0, seed=seed):
        sample_clock.observe(at, seen)
    assert sample_clock.slope != 1.0
    assert sample_clock.stream_of(sample_clock.host_of(seconds)) == pytest.approx(seconds, abs=1e-9)


def test_the_first_observation_is_believed_until_an_earlier_one_comes() -> None:
    sample_clock = SampleClock()
    sample_clock.observe(0.01, 50.0)
    assert sample_clock.host_of(0.01) == 50.0
    sample_clock.observe(0.02, 50.002)  # 8 ms earlier than the first made it look
    assert sample_clock.host_of(0.01) == pytest.approx(49.992)
    sample_clock.observe(0.03, 50.5)
    assert sample_clock.host_of(0.03) == pytest.approx(50.012)


def test_a_clock_that_no_crystal_has_is_followed_in_steps() -> None:
    """2000 ppm off (a virtual device's timer): no slope beyond 300 ppm is believed, yet the line stays within 9 ms."""
    found = observations(late=0.0002, block=512, drift=2000e-6)
    sample_clock = SampleClock()
    for at, seen, _ in found:
        sample_clock.observe(at, seen)
        assert abs(sample_clock.slope - 1.0) <= SampleClock.DRIFT
    assert run(found).error(0.0) < 10.0


def test_host_time_never_goes_back() -> None:
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)
