"""The laws of framing: every sample once, in order, in frames of one size, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.hearing.frames import Framer, hop_for
from engine.hearing.spectrum import Spectrum, band_matrix, log_bands


@given(st.integers(1, 100), st.lists(st.integers(0, 250), max_size=30))
def test_frames_hold_every_sample_once_and_in_order(size: int, blocks: list[int]) -> None:
    framer = Framer(size)
    x = np.arange(sum(blocks), dtype=np.float32)
    frames = [frame for block in np.split(x, np.cumsum(blocks)) for frame in framer.push(block)]
    assert [frame.size for frame in frames] == [size] * (x.size // size)
    assert np.array_equal(np.concatenate([*frames, []]), x[: x.size // size * size])


def test_frames_are_memory_of_their_own() -> None:
    """aubio keeps pointers: what a block's owner writes later must not reach a frame."""
    framer, block = Framer(4), np.arange(8, dtype=np.float32)[::1]
    frames = list(framer.push(block))
    block[:] = 9.0
    assert [frame.tolist() for frame in frames] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    strided = list(Framer(4).push(np.arange(16, dtype=np.float32)[::2]))
    assert [(f.flags.c_contiguous, f.dtype, f.tolist()) for f in strided] == [
        (True, np.float32, [0, 2, 4, 6]),
        (True, np.float32, [8, 10, 12, 14]),
    ]


@pytest.mark.parametrize(
    ("rate", "hop"),
    [(8000, 32), (11025, 32), (22050, 64), (32000, 128), (44100, 128), (48000, 128), (96000, 256), (192000, 512)],
)
def test_a_hop_lasts_about_as_long_at_any_rate(rate: int, hop: int) -> None:
    """2.9 ms at 44.1 kHz; 2.0 to 4.1 ms from 8 to 192 kHz; doubles and halves, so that frames nest."""
    assert hop_for(rate, 128) == hop
    assert 0.002 <= hop / rate <= 0.0041


@pytest.mark.parametrize("rate", [22050, 44100, 96000])
def test_a_full_scale_sine_has_magnitude_1(rate: int) -> None:
    hop = hop_for(rate, 256)
    spectrum = Spectrum(4 * hop, hop)
    hz = 20 * rate / (4 * hop)  # a bin's own frequency
    x = np.sin(2 * np.pi * hz * np.arange(40 * hop) / rate).astype(np.float32)
    magnitudes = [spectrum.push(frame) for frame in Framer(hop).push(x)][-1]
    assert int(np.argmax(magnitudes)) == 20
    assert magnitudes[20] == pytest.approx(1.0, abs=0.02)


def test_bands_average_the_power_between_their_edges() -> None:
    """Each row sums to 1 however narrow its band is; a band above half the rate has no bins."""
    matrix = band_matrix([(100.0, 1000.0), (40.0, 43.0), (30000.0, 40000.0)], 2048, 44100)
    assert matrix.sum(axis=1).tolist() == pytest.approx([1.0, 1.0, 0.0])
    hz = np.arange(1025) * 44100 / 2048
    assert hz[matrix[0] > 0].min() > 85.0
    assert hz[matrix[0] > 0].max() < 1015.0


def test_log_bands_are_neighbours_of_equal_width_in_octaves() -> None:
    bands = log_bands(64, 30.0, 16000.0)
    assert (len(bands), bands[0][0], bands[-1][1]) == (64, pytest.approx(30.0), pytest.approx(16000.0))
    assert [high for _, high in bands[:-1]] == [low for low, _ in bands[1:]]
    assert [high / low for low, high in bands] == pytest.approx([(16000.0 / 30.0) ** (1 / 64)] * 64)
