"""The first scene: it moves with the beat, never jumps, never strobes, and is the same for the same Moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visuals.scene import scene_path

SCENE = scene_path("night_drive")


def light(pixels: Any) -> Any:
    """Relative luminance 0..1 of sRGB pixels (WCAG 2.2)."""
    value = pixels / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_the_same_moment_is_the_same_picture(draw: Any, at_beat: Any) -> None:
    first, second = (draw(SCENE, at_beat(16.3), (320, 180)) for _ in range(2))
    assert np.array_equal(first, second)


def test_on_the_beat_it_is_brighter_than_between(draw: Any, at_beat: Any) -> None:
    on, off = (light(draw(SCENE, at_beat(beat), (320, 180))).mean() for beat in (16.0, 16.5))
    assert on > 1.05 * off > 0.0


@pytest.mark.parametrize("size", [(320, 180), (420, 180), (240, 180), (101, 180)])
def test_neither_black_nor_burnt_out_at_any_shape(draw: Any, at_beat: Any, size: tuple[int, int]) -> None:
    for beat, energy in ((16.0, 1.0), (17.4, 0.05)):
        pixels = draw(SCENE, at_beat(beat, energy=energy), size)
        assert 6.0 < pixels.mean() < 110.0
        assert (pixels.min(axis=2) > 250).mean() < 0.02


@pytest.mark.parametrize("energy", [0.1, 0.6, 1.0])
def test_a_hit_on_all_drums_flashes_less_than_a_quarter_of_the_picture(draw: Any, at_beat: Any, energy: float) -> None:
    """WCAG 2.3.1: a flash counts where relative luminance changes by a tenth; a quarter of the picture is too much."""
    before, after = (light(draw(SCENE, at_beat(17.5, since=since, energy=energy), (320, 180))) for since in (9.0, 0.0))
    changed = (np.abs(after - before) >= 0.1).mean()
    assert 0.01 < changed < 0.20


def test_a_beat_flashes_nowhere_near_a_quarter_of_the_picture(draw: Any, at_beat: Any) -> None:
    before, after = (light(draw(SCENE, at_beat(beat, energy=1.0), (320, 180))) for beat in (15.97, 16.0))
    assert (np.abs(after - before) >= 0.1).mean() < 0.10


@pytest.mark.parametrize("around", [16.0, 4096.0, 16384.0])
def test_nothing_jumps_when_a_count_wraps(draw: Any, at_beat: Any, around: float) -> None:
    """Without confidence nothing marks the beat: frames across one differ no more than any two neighbours."""
    step = 1.0 / 64.0

    def change(beat: float) -> float:
        frames = [
            draw(SCENE, at_beat(at, confidence=0.0), (160, 90), at * 0.5).astype(float)
            for at in (beat - step / 2, beat + step / 2)
        ]
        return float(np.abs(frames[0] - frames[1]).mean())

    elsewhere = max(change(around + offset) for offset in (-0.31, -0.15, 0.14, 0.27))
    assert change(around) < 1.5 * elsewhere


def test_without_a_beat_it_still_moves_but_shows_none(draw: Any, at_beat: Any) -> None:
    def at(beat: float) -> Any:
        return draw(SCENE, at_beat(beat, confidence=0.0), (320, 180))

    assert np.abs(at(16.0).astype(float) - at(16.1)).mean() > 1.0
    assert light(at(16.0)).mean() == pytest.approx(light(at(16.5)).mean(), rel=0.25)
