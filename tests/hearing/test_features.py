"""The beat network's view of the sound: the same at any rate and level, streamed or at once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.hearing.features import BANDS, COUNT, FPS, Features, features_of

SECONDS = 4.0


def music(rate: int) -> np.ndarray:
    """Plucks of a few partials below 8 kHz, twice a second, over a soft chord: the same sound at any rate."""
    t = np.arange(round(SECONDS * rate)) / rate
    since = t % 0.5
    sound = 0.05 * np.sin(2 * np.pi * 220.0 * t) + 0.05 * np.sin(2 * np.pi * 330.0 * t)
    for hz in (80.0, 700.0, 2500.0, 7000.0):
        sound += 0.2 * np.exp(-since / 0.05) * np.sin(2 * np.pi * hz * since)
    return sound.astype(np.float32)


def pushed(sound: np.ndarray, rate: int) -> np.ndarray:
    features = Features(rate)
    frames = [sound[i : i + features.hop] for i in range(0, len(sound) - features.hop + 1, features.hop)]
    return np.array([features.push(frame) for frame in frames])


def test_streamed_and_at_once_are_the_same() -> None:
    streamed, at_once = pushed(music(44100), 44100), features_of(music(44100), 44100)
    assert streamed.shape == at_once.shape == (SECONDS * FPS, COUNT)
    assert np.abs(streamed - at_once).max() < 1e-5


@pytest.mark.parametrize("rate", [48000, 88200, 96000, 192000])
def test_any_rate_shows_the_same(rate: int) -> None:
    there, here = features_of(music(rate), rate), features_of(music(44100), 44100)
    off = np.abs(there[: len(here)] - here[: len(there)])
    assert off[:, : 2 * BANDS].mean() < 0.01
    assert off[:, 2 * BANDS :].mean() < 0.03


@pytest.mark.parametrize("decibels", [-45.0, -20.0, 12.0])
def test_any_level_shows_the_same_after_a_second(decibels: float) -> None:
    sound = music(44100)
    there = features_of(sound * np.float32(10 ** (decibels / 20)), 44100)
    assert np.abs(there - features_of(sound, 44100))[FPS:].mean() < 0.02


def test_a_song_that_goes_on_45_dB_softer_is_seen_again_within_two_seconds() -> None:
    sound = np.concatenate((music(44100), music(44100) * np.float32(10 ** (-45 / 20))))
    rows, loud = features_of(sound, 44100), features_of(music(44100), 44100)
    at = round(SECONDS * FPS)
    assert np.abs(rows[at + 2 * FPS :] - loud[2 * FPS :]).mean() < 0.1


def test_silence_and_hiss_show_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    hiss = (10 ** (-98 / 20) * rng.standard_normal(44100)).astype(np.float32)
    assert np.abs(features_of(np.zeros(44100, np.float32), 44100)).max() == 0.0
    assert features_of(hiss, 44100).mean() < 0.1
