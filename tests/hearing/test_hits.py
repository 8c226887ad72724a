"""The laws of drum hits: told once, within milliseconds, alike at any level and rate; never of what is no drum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.hearing.frames import Framer
from engine.hearing.hits import HitDetector
from engine.state import KINDS, Hit, Hits
from tests.synthetic import Sound, hat, kick, noise, placed, snare, song

Found = dict[str, list[Hit]]


def detect(sound: Sound, rate: int, begin: Hits | None = None) -> Found:
    """Every hit told, by kind. A hit's time is when it was told: the end of its hop."""
    detector = HitDetector(rate, begin or Hits())
    found: Found = {kind: [] for kind in KINDS}
    before, heard = detector.hits, 0
    for frame in Framer(detector.hop).push(sound):
        heard += frame.size
        struck = detector.push(frame, heard / rate)
        new = [kind for kind in KINDS if detector.hits[kind] != before[kind]]
        assert struck == bool(new)
        for kind in new:
            hit = detector.hits[kind]
            assert (hit.count, hit.time) == (before[kind].count + 1, heard / rate)
            found[kind].append(hit)
        before = detector.hits
    return found


def latencies(found: list[Hit], times: np.ndarray) -> list[float]:
    """Seconds from each true hit to the first one told within 40 ms after it; hits that were missed are left out."""
    told = np.array([hit.time for hit in found])
    after = [told[(told >= time) & (told < time + 0.04)] - time for time in times]
    return [float(some[0]) for some in after if some.size]


EVERY = np.arange(0.5, 15.0, 0.5)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
@pytest.mark.parametrize("drum", [kick, snare, hat])
def test_a_drum_by_itself_is_told_within_8_ms(drum: Callable[[int], Sound], rate: int) -> None:
    """29 strokes: at least 27 of each, the median within 7 ms and the last within 10 ms."""
    told = latencies(detect(placed(drum(rate), EVERY, 15.5, rate), rate)[drum.__name__], EVERY)
    assert len(told) >= 27
    assert (np.median(told) < 0.007, max(told) < 0.010) == (True, True)


@pytest.mark.parametrize("rate", [22050, 44100, 96000])
def test_drums_are_heard_within_a_song(rate: int) -> None:
    """Kicks, snares and hats over bass and pad: nine of ten of each."""
    sound, truth = song(20.0, rate)
    found = detect(sound, rate)
    for kind in KINDS:
        assert len(latencies(found[kind], truth[kind])) >= 0.9 * len(truth[kind]), kind


def test_a_stroke_is_told_once() -> None:
    """No two hits of a kind within 60 ms, and nothing between strokes."""
    sound, truth = song(20.0, 44100)
    strokes = np.sort(np.concatenate([truth[kind] for kind in KINDS]))
    for hits in detect(sound, 44100).values():
        times = np.array([hit.time for hit in hits])
        assert np.diff(times).min() > 0.06
        nearest = strokes[np.searchsorted(strokes, times) - 1]
        assert (times - nearest).max() < 0.04


@pytest.mark.parametrize("decibels", [-45.0, -12.0])
def test_hits_do_not_depend_on_the_level(decibels: float) -> None:
    """-45 dBFS: the same hits at the same hop, after 4 s of the same strength."""
    sound, _ = song(12.0, 44100)
    loud, quiet = detect(sound, 44100), detect(sound * np.float32(10 ** (decibels / 20)), 44100)
    assert {k: [h.time for h in v] for k, v in quiet.items()} == {k: [h.time for h in v] for k, v in loud.items()}
    for kind in KINDS:
        late = [[hit.strength for hit in found[kind] if hit.time > 4.0] for found in (quiet, loud)]
        assert late[0] == pytest.approx(late[1], abs=0.02)


def test_what_is_no_drum_is_not_told() -> None:
    """Silence, a tone, hiss and a chord that swells for two seconds: at most what their own beginning is."""
    t = np.arange(10 * 44100) / 44100
    swell = np.minimum(t / 2.0, 1.0) * (np.sin(2 * np.pi * 220 * t) + np.sin(2 * np.pi * 277 * t))
    sounds = {
        "silence": np.zeros(441000, np.float32),
        "tone": (0.5 * np.sin(2 * np.pi * 100.0 * t)).astype(np.float32),
        "hiss": noise(10.0, 44100) * np.float32(1e-5),
        "swell": (0.2 * swell).astype(np.float32),
    }
    for name, sound in sounds.items():
        late = [hit for hits in detect(sound, 44100).values() for hit in hits if hit.time > 1.0]
        assert late == [], name


def test_steady_noise_is_seldom_taken_for_snares_and_hats() -> None:
    """White noise of -20 dBFS for 10 s: at most 3 snares and 20 hats."""
    found = detect(noise(10.0, 44100) * np.float32(0.1), 44100)
    assert len(found["snare"]) <= 3
    assert len(found["hat"]) <= 20


def test_strength_grows_with_the_stroke() -> None:
    """Strokes of 1, 1/2 and 1/4 in turn: soft ones are never told as stronger than loud ones of the same drum."""
    sound = sum(
        (
            placed(np.float32(gain) * snare(44100), EVERY[2 + i :: 3], 15.5, 44100)
            for i, gain in enumerate((1, 0.5, 0.25))
        ),
        start=placed(snare(44100), EVERY[:2], 15.5, 44100),
    )
    hits = detect(sound, 44100)["snare"]
    by_gain = [[h.strength for h in hits if (round(h.time / 0.5) - 3) % 3 == i and h.time > 1.4] for i in range(3)]
    assert 0.0 < min(h.strength for h in hits) <= max(h.strength for h in hits) <= 1.0
    assert np.median(by_gain[0]) > 0.9
    assert all(np.median(softer) < np.median(by_gain[0]) for softer in by_gain[1:] if softer)


def test_counts_go_on_from_where_they_were() -> None:
    begin = Hits(kick=Hit(41, 0.0, 0.5), snare=Hit(7, -3.0, 0.5))
    found = detect(placed(kick(44100), EVERY, 15.5, 44100), 44100, begin)["kick"]
    assert [hit.count for hit in found] == list(range(42, 42 + len(found)))


def test_a_drum_above_half_the_rate_is_never_told() -> None:
    """At 8 kHz nothing of a hi-hat is left."""
    assert detect(placed(snare(8000), EVERY, 15.5, 8000), 8000)["hat"] == []
