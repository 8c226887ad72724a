"""The laws of levels: the same music gives the same figures at any level and rate, silence gives none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.hearing.frames import Framer
from engine.hearing.levels import LevelMeter
from engine.state import BANDS, SPECTRUM, WAVEFORM, Levels
from tests.synthetic import Sound, noise, song


def meter(sound: Sound, rate: int) -> tuple[list[Levels], float]:
    """The Levels after each frame, and seconds a frame."""
    levels = LevelMeter(rate)
    return [levels.push(frame) for frame in Framer(levels.hop).push(sound)], levels.hop / rate


def table(sound: Sound, rate: int, begin: float = 0.0) -> np.ndarray:
    """Loudness, energy, brightness, bands and mood of each frame from `begin` seconds on: [frames, 4 + bands]."""
    found, step = meter(sound, rate)
    return np.array([(v.loudness, v.energy, v.brightness, *v.bands, v.mood) for v in found[math.ceil(begin / step) :]])


def sine(hz: float, seconds: float, rate: int, amplitude: float = 0.3) -> Sound:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


MUSIC, _ = song(12.0, 44100)
MUSIC /= np.abs(MUSIC).max()


@pytest.mark.parametrize("decibels", [-45.0, -20.0, 0.0])
def test_the_same_music_gives_the_same_levels_at_any_level(decibels: float) -> None:
    """After 3 s of -45 dBFS peak and of full scale: every figure of every frame within 0.01 (brightness and
    mood; all else within 1e-5)."""
    quiet = MUSIC * np.float32(10 ** (decibels / 20))
    assert np.abs(table(quiet, 44100, 3.0) - table(MUSIC * np.float32(0.5), 44100, 3.0)).max() < 0.01


def test_clipped_music_is_still_measured_alike() -> None:
    """6 dB over full scale: another sound, yet no mean figure moves by more than 0.12."""
    clipped = np.clip(2.0 * MUSIC, -1.0, 1.0).astype(np.float32)
    change = table(clipped, 44100, 3.0).mean(axis=0) - table(MUSIC, 44100, 3.0).mean(axis=0)
    assert np.abs(change).max() < 0.12


@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_the_same_music_gives_the_same_levels_at_any_rate(rate: int) -> None:
    """Mean of each figure within 0.04 of that at 44.1 kHz; at 22.05 kHz the air band ends at 11 kHz."""
    sound, _ = song(12.0, rate)
    change = table(sound, rate, 3.0).mean(axis=0) - table(MUSIC, 44100, 3.0).mean(axis=0)
    assert np.abs(change).max() < 0.04


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_silence_gives_zeros(rate: int) -> None:
    found, _ = meter(np.zeros(rate, np.float32), rate)
    assert not table(np.zeros(rate, np.float32), rate)[:, [0, 1, 3, 4, 5, 6, 7, 8]].any()
    assert (found[-1].brightness, found[-1].spectrum.any(), found[-1].waveform.any()) == (0.5, False, False)


def test_the_hiss_of_an_open_input_gives_zeros() -> None:
    """White noise of -80 dBFS is no music; of -50 dBFS it is heard."""
    assert table(noise(6.0, 44100) * np.float32(1e-4), 44100, 1.0)[:, [0, 1, 3, 4, 5, 6, 7, 8]].max() == 0.0
    assert table(noise(6.0, 44100) * np.float32(3e-3), 44100, 1.0)[:, 0].min() > 0.5


@pytest.mark.parametrize("hz", [40.0, 120.0, 700.0, 3500.0, 9000.0])
@pytest.mark.parametrize("rate", [44100, 96000])
def test_a_tone_moves_its_own_band_and_row(hz: float, rate: int) -> None:
    found, _ = meter(sine(hz, 2.0, rate), rate)
    here = next(i for i, (low, high) in enumerate(BANDS.values()) if low <= hz < high)
    bands = found[-1].bands
    assert bands[here] > max(bands) - 0.01
    # A bin is 21.5 Hz wide, so a low tone leaks into the band beside its own, and each band adapts by itself.
    assert max(level for i, level in enumerate(bands) if abs(i - here) > (hz < 250.0)) < 0.1
    rows = np.geomspace(30.0, 16000.0, SPECTRUM + 1)
    row = int(np.searchsorted(rows, hz)) - 1
    assert abs(int(np.argmax(found[-1].spectrum)) - row) <= (3 if hz < 100 else 1)


def test_pink_noise_is_level_over_the_rows() -> None:
    """Music falls by some 3 dB an octave; so does pink noise: the two ends of the picture are equally high."""
    bins = np.fft.rfft(noise(8.0, 44100))
    hz = np.maximum(np.fft.rfftfreq(8 * 44100, 1 / 44100), 20.0)
    pink = (3.0 * np.fft.irfft(bins / np.sqrt(hz))).astype(np.float32)
    found, _ = meter(pink, 44100)
    rows = np.mean([levels.spectrum for levels in found[300:]], axis=0)
    assert abs(rows[16:28].mean() - rows[48:60].mean()) < 0.06


def test_energy_falls_in_a_breakdown_and_returns_with_the_drop() -> None:
    """12 s of song, 8 s of it at -20 dB, 8 s again: above 0.9, below 0.15 after 6 s, above 0.9 after 4 s."""
    quiet = MUSIC[: 8 * 44100] * np.float32(0.1)
    energy = table(np.concatenate((MUSIC, quiet, MUSIC[: 8 * 44100])), 44100)[:, 1]
    at = lambda seconds: energy[int(seconds * 44100 / 512)]  # noqa: E731
    assert min(at(6.0), at(11.9), at(24.0)) > 0.9
    assert max(at(18.0), at(19.9)) < 0.15


def test_brightness_tells_dark_from_bright() -> None:
    assert table(sine(90.0, 10.0, 44100), 44100, 9.5)[:, 2].max() < 0.05
    assert table(noise(10.0, 44100) * np.float32(0.1), 44100, 9.5)[:, 2].min() > 0.9


def test_all_levels_are_shares_and_rows_have_their_size() -> None:
    """Also of samples far beyond full scale and of single clicks."""
    wild = np.concatenate((8.0 * noise(0.5, 44100), np.zeros(9999), [8.0], np.zeros(9999))).astype(np.float32)
    for levels in meter(wild, 44100)[0]:
        shares = (levels.loudness, levels.energy, levels.brightness, levels.mood)
        flat = [*shares, *levels.bands, *levels.spectrum.tolist()]
        assert 0.0 <= min(flat) <= max(flat) <= 1.0
        assert np.abs(levels.waveform).max() <= 1.0
        assert (levels.spectrum.size, levels.waveform.size) == (SPECTRUM, WAVEFORM)
        assert (levels.spectrum.dtype, levels.waveform.dtype) == (np.float32, np.float32)


def test_the_waveform_ends_with_the_newest_sample_and_spans_23_ms_at_any_rate() -> None:
    for rate in (22050, 44100, 96000):
        found, _ = meter(sine(100.0, 2.0, rate), rate)
        zeros = np.count_nonzero(np.diff(np.signbit(found[-1].waveform)))
        assert zeros in (4, 5)  # 2.3 periods
    last = np.zeros(44100, np.float32)
    last[44100 // 512 * 512 - 2] = 1.0  # of every second sample the newest that is shown
    assert int(np.argmax(meter(last, 44100)[0][-1].waveform)) == WAVEFORM - 1
