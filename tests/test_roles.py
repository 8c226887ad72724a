"""Laws of the roles: one Moment, one value within 0..1, landing where the beat is, calm where there is none."""

from __future__ import annotations

import itertools

import pytest

from engine.grid import Grid
from engine.roles import ROLES, calm
from engine.state import SECTIONS, Hit, Hits, Levels, Moment, Section, State


def moment(beat: float, confidence: float = 1.0, since: float = 1e9, beats_per_bar: int = 4) -> Moment:
    hit = Hit(3, 50.0 - since, 1.0)
    grid = Grid(50.0, beat, 0.5, beats_per_bar=beats_per_bar)
    levels = Levels(1.0, 1.0, 1.0, 1.0, (1.0,) * 5)
    return Moment.at(State(grid, confidence, confidence, 50.0, 1, 0, Hits(hit, hit, hit), levels), 50.0)


def role(name: str, beat: float, **how: float) -> float:
    return ROLES[name].value(moment(beat, **how))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ROLES)
def test_every_value_is_within_0_and_1(name: str) -> None:
    for step in range(-40, 400):
        for confidence in (0.0, 0.3, 1.0):
            for beats_per_bar in (1, 3, 4, 7):
                value = ROLES[name].value(moment(step / 7.0, confidence, abs(step) / 100.0, beats_per_bar))
                assert 0.0 <= value <= 1.0


def test_the_wiper_is_at_either_side_exactly_on_a_beat() -> None:
    assert [role("wiper", beat) for beat in (8, 9, 10, 11)] == pytest.approx([0.0, 1.0, 0.0, 1.0])


def test_without_a_beat_the_wiper_is_parked_and_feet_stay_down() -> None:
    for beat in (0.0, 0.3, 1.0, 1.7):
        for name in ("wiper", "pedestrian", "pulse", "downbeat", "street_lamp"):
            assert role(name, beat, confidence=0.0) == 0.0


def test_a_foot_is_down_on_each_beat() -> None:
    assert [role("pedestrian", beat) for beat in (4, 5, 6)] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert role("pedestrian", 4.5) == pytest.approx(1.0)


def test_the_traffic_light_steps_through_any_bar() -> None:
    assert [role("traffic_light", beat) for beat in (0, 1, 2, 3, 4)] == pytest.approx([0, 1 / 3, 2 / 3, 1, 0])
    assert [role("traffic_light", beat, beats_per_bar=3) for beat in (0.9, 1.0, 2.5)] == [0.0, 0.5, 1.0]


def test_the_pulse_is_brightest_on_the_beat_and_the_downbeat_on_the_bar() -> None:
    assert role("pulse", 5.0) == role("downbeat", 4.0) == 1.0
    assert role("downbeat", 5.0) == 0.0
    assert role("pulse", 5.5) < 0.3


def test_a_shot_is_there_at_once_and_gone_within_a_third_of_a_second() -> None:
    assert role("gunshot", 1.0, since=0.0) == 1.0
    assert role("gunshot", 1.0, since=0.05) == pytest.approx(0.5)
    assert role("gunshot", 1.0, since=0.34) < 0.01


def test_calm_rises_with_confidence_without_a_step() -> None:
    values = [calm(moment(0.0, confidence=n / 1000.0)) for n in range(1001)]
    assert values[0] == 0.0
    assert values[-1] == 1.0
    assert all(0.0 <= b - a < 0.005 for a, b in itertools.pairwise(values))


def beacon(section: str, beats: float) -> float:
    """At beat 100, so many beats after the section began."""
    state = State(Grid(50.0, 100.0, 0.5), 1.0, 1.0, 50.0, section=Section(section, 3, 50.0 - beats / 2, 100.0 - beats))
    return ROLES["beacon"].value(Moment.at(state, 50.0))


def test_the_beacon_rises_through_a_build_and_blazes_at_the_drop() -> None:
    assert [beacon("build", beats) for beats in (0, 4, 16, 64)] == pytest.approx([0.2, 0.4, 1.0, 1.0])
    assert [beacon("drop", beats) for beats in (0, 2, 4, 16)] == pytest.approx([1.0, 0.25, 0.0, 0.0])
    assert all(beacon(name, 1.0) == 0.0 for name in SECTIONS if name not in ("build", "drop"))
