"""The table of roles: how each kind of scenery moves with the music, as pure functions of a Moment.

The same roles move the picture (as shader uniforms) and the lamps (as levels). No state, no clock, no randomness:
one Moment, one value, so a screen and a lamp that ask about the same instant agree. Predicted things (beat, bar)
land exactly; heard things (hits) flash at once and decay. All honour confidence: a lost beat looks calm, not random.
Public: Role, ROLES, calm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.state import Moment


@dataclass(frozen=True, slots=True)
class Role:
    """name: as shaders and show files spell it. says: one line for the docs. value: Moment -> 0..1."""

    name: str
    says: str
    value: Callable[[Moment], float]


def calm(moment: Moment) -> float:
    """0..1, how much of a beat's movement to show: a line worth trusting moves fully, a guess hardly.

    Half way at confidence 0.25: aubio-like trackers hover there while still right more often than not.
    """
    c = min(max(moment.confidence, 0.0), 1.0)
    return c * c * (3.0 - 2.0 * c) if c < 0.5 else min(1.0, 0.5 + (c - 0.5) * 1.25)


def _decay(age: float, half_life: float) -> float:
    """1 at age 0 s, halved every half_life seconds; 0 before it happened and for never."""
    return 0.5 ** (age / half_life) if 0.0 <= age < 20.0 * half_life else 0.0


def _flash(kind: str, half_life: float) -> Callable[[Moment], float]:
    def value(moment: Moment) -> float:
        return moment.hits[kind].strength * _decay(moment.since(kind), half_life)

    return value


def _pulse(moment: Moment) -> float:
    return calm(moment) * (1.0 - moment.beat_phase) ** 2


def _downbeat(moment: Moment) -> float:
    return calm(moment) * max(0.0, 1.0 - moment.bar_phase * moment.beats_per_bar) ** 2


def _wiper(moment: Moment) -> float:
    # There and back in two beats, resting on the beats: it arrives at either side exactly on a beat. Unsure of the
    # beat it sweeps less far, and without one it is parked, as wipers are: upright in the middle it looks broken.
    return (0.5 - 0.5 * math.cos(math.pi * moment.beat)) * calm(moment)


def _traffic_light(moment: Moment) -> float:
    # Which lamp of the bar is lit, as a share: 0 on the first beat, rising a step a beat.
    return (moment.beat_in_bar - 1) / max(1, moment.beats_per_bar - 1)


def _street_lamp(moment: Moment) -> float:
    return calm(moment) * (0.5 + 0.5 * math.cos(math.tau * moment.bar_phase)) ** 2


def _neon(moment: Moment) -> float:
    return min(1.0, 0.35 * moment.levels.band("sub") + 0.75 * moment.levels.band("bass"))


def _beacon(moment: Moment) -> float:
    # Told late by a bar as a build is, it takes four bars to rise; a longer build holds it there.
    bars = moment.section_beats / moment.beats_per_bar
    if moment.section.name == "build":
        return min(1.0, 0.2 + 0.2 * bars)
    return max(0.0, 1.0 - bars) ** 2 if moment.section.name == "drop" else 0.0


def _pedestrian(moment: Moment) -> float:
    # The height of a foot: it is down, at 0, exactly on each beat.
    return abs(math.sin(math.pi * moment.beat)) * calm(moment)


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("pulse", "flashes on each beat and falls until the next", _pulse),
        Role("downbeat", "flashes on the first beat of each bar", _downbeat),
        Role("wiper", "sweeps 0 to 1 and back, at either end exactly on a beat", _wiper),
        Role("traffic_light", "steps from 0 to 1 over the beats of the bar", _traffic_light),
        Role("street_lamp", "swells once a bar, brightest on the downbeat", _street_lamp),
        Role("neon", "breathes with the bass", _neon),
        Role("gunshot", "flashes on the snare, gone within a third of a second", _flash("snare", 0.05)),
        Role("kick", "jumps on the kick drum and settles", _flash("kick", 0.08)),
        Role("spark", "glints on the hi-hat", _flash("hat", 0.03)),
        Role("beacon", "rises through a build, blazes at the drop, fades over its first bar", _beacon),
        Role("pedestrian", "a foot's height: down on each beat", _pedestrian),
    )
}
