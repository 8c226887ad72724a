"""The laws of State and Moment: bytes that hold all of it, clocks that change nothing, instants that agree."""

from __future__ import annotations

import dataclasses
import inspect
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import state as module
from engine.grid import Grid
from engine.state import (
    BANDS,
    KINDS,
    LAYOUT,
    SECTIONS,
    SPECTRUM,
    WAVEFORM,
    Hit,
    Hits,
    Levels,
    Moment,
    Section,
    State,
    TempoTold,
)

finite = st.floats(-1e9, 1e9)
shares = st.floats(0.0, 1.0)
hits = st.builds(Hit, st.integers(0, 2**60), finite | st.just(-math.inf), shares)
rows = st.integers(0, 2**32 - 1)


def _levels(loudness: float, energy: float, brightness: float, mood: float, bands: list[float], seed: int) -> Levels:
    rng = np.random.default_rng(seed)
    spectrum, waveform = (rng.random(n).astype(np.float32) for n in (SPECTRUM, WAVEFORM))
    return Levels(loudness, energy, brightness, mood, tuple(bands), spectrum, waveform)


states = st.builds(
    State,
    grid=st.builds(
        Grid,
        finite,
        finite,
        st.floats(0.1, 9.0),
        st.integers(-(2**60), 2**60),
        st.integers(-99, 99),
        phrase=st.integers(-(2**60), 2**60),
    ),
    confidence=shares,
    bar_confidence=shares,
    time=finite,
    heard=st.integers(0, 2**62),
    epoch=st.integers(0, 2**62),
    hits=st.builds(Hits, hits, hits, hits),
    levels=st.builds(_levels, shares, shares, shares, shares, st.lists(shares, min_size=5, max_size=5), rows),
    bars_told=st.booleans(),
    phrase_told=st.booleans(),
    phrase_confidence=shares,
    tempo_told=st.builds(TempoTold, st.booleans(), st.booleans(), finite, finite, finite),
    section=st.builds(Section, st.sampled_from(SECTIONS), st.integers(0, 2**62), finite, finite),
)


def fields(state: State) -> list[object]:
    """Every value in a State by itself, so that a swap of two equal-typed ones shows."""
    v = state.levels
    plain = [getattr(state, f.name) for f in dataclasses.fields(state) if f.name != "levels"]
    return [*plain, v.loudness, v.energy, v.brightness, v.mood, v.bands, v.spectrum.tolist(), v.waveform.tolist()]


@given(states)
def test_unpacked_is_what_was_packed_in_every_field(state: State) -> None:
    data = state.pack()
    back = State.unpack(data)
    assert len(data) == State.SIZE
    assert (fields(back), back.pack(), back == state) == (fields(state), data, True)


def test_never_struck_survives_the_bytes() -> None:
    state = State.unpack(State.unheard(5.0).pack())
    assert [state.hits[kind].time for kind in KINDS] == [-math.inf] * 3
    assert (state.grid, state.confidence, state.time) == (Grid(5.0, 0.0, 0.5), 0.0, 5.0)


@given(states, st.integers(0, State.SIZE - 1))
def test_states_differ_when_a_single_byte_does(state: State, at: int) -> None:
    data = bytearray(state.pack())
    data[at] ^= 1
    assert bytes(data) != state.pack()
    try:
        other = State.unpack(bytes(data))
    except ValueError:
        return  # the byte made the grid, the flags or the section impossible
    assert other != state


@pytest.mark.parametrize("wrong", [0, State.SIZE - 1, State.SIZE + 1])
def test_bytes_of_another_size_are_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"{wrong} bytes, expected {State.SIZE}"):
        State.unpack(bytes(wrong))


def test_a_state_is_compared_by_its_bytes_and_never_a_key() -> None:
    assert State.unheard() == State.unheard()
    assert State.unheard() != "a state"
    with pytest.raises(TypeError, match="unhashable"):
        hash(State.unheard())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"sub": (20.0', '"deep": (20.0'),
        ('    "air": (6000.0, 16000.0),\n', ""),
        ("SPECTRUM = 64", "SPECTRUM = 65"),
        ("WAVEFORM = 512", "WAVEFORM = 511"),
        ('KINDS = ("kick", "snare", "hat")', 'KINDS = ("kick", "hat", "snare")'),
        ('"<ddd qqqqq', '"<ddd qqqqqq'),
        ('("silence", "intro", ', '("intro", "silence", '),
    ],
)
def test_whatever_changes_the_bytes_changes_the_layout(old: str, new: str) -> None:
    """A writer and a reader of different versions must not meet."""
    source = inspect.getsource(module)
    assert source.count(old) == 1
    changed: dict[str, object] = {"__name__": "engine._changed"}
    sys.modules["engine._changed"] = sys.modules["engine.state"]  # dataclasses looks its module up
    try:
        exec(compile(source.replace(old, new), "changed", "exec"), changed)
    finally:
        del sys.modules["engine._changed"]
    assert changed["LAYOUT"] != LAYOUT


def test_the_layout_is_the_same_in_every_process() -> None:
    code = "from engine.state import LAYOUT; print(LAYOUT)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(printed) == LAYOUT


@given(states, st.floats(-1e6, 1e6), st.floats(0.999, 1.001))
def test_mapped_there_and_back_is_the_same_state(state: State, offset: float, slope: float) -> None:
    there = state.mapped(offset, slope)
    back = there.mapped(-offset / slope, 1.0 / slope)
    assert there.time == offset + slope * state.time
    assert [back.time, back.grid.time] == pytest.approx([state.time, state.grid.time], abs=1e-6)
    assert [back.hits[k].time for k in KINDS] == pytest.approx([state.hits[k].time for k in KINDS], abs=1e-6)
    assert [there.hits[k].time == -math.inf for k in KINDS] == [state.hits[k].time == -math.inf for k in KINDS]
    assert back.section.time == pytest.approx(state.section.time, abs=1e-6)
    assert dataclasses.replace(back.section, time=0.0) == dataclasses.replace(state.section, time=0.0)
    kept = lambda s: (s.confidence, s.heard, s.epoch, [s.hits[k].count for k in KINDS], s.levels)  # noqa: E731
    assert kept(back) == kept(state)


def test_rows_of_silence_can_not_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Levels().spectrum[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        State.unpack(State.unheard().pack()).levels.waveform[0] = 1.0


def test_bands_are_found_by_name() -> None:
    levels = Levels(bands=(0.1, 0.2, 0.3, 0.4, 0.5))
    assert {name: levels.band(name) for name in BANDS} == dict(zip(BANDS, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True))
    with pytest.raises(ValueError, match="treble"):
        levels.band("treble")


def test_a_moment_says_where_the_music_is_at_its_own_time() -> None:
    """At 120 BPM, 5 s after beat 0: beat 10, which is 2.5 bars and 2.25 phrases of two bars."""
    state = State(Grid(100.0, 0.0, 0.5, bars_per_phrase=2, phrase=-2), confidence=0.7, time=99.0)
    moment = Moment.at(state, 105.125)
    told = (moment.time, moment.beat, moment.bar, moment.phrase, moment.beat_in_bar, moment.state)
    assert told == (105.125, 10.25, 2.5625, 2.28125, 3, state)
    assert (moment.beat_phase, moment.bar_phase, moment.phrase_phase) == (0.25, 0.5625, 0.28125)
    assert (moment.bpm, moment.beats_per_bar, moment.confidence) == (120.0, 4, 0.7)
    assert (moment.levels, moment.hits) == (state.levels, state.hits)


@given(states, finite)
def test_a_moment_agrees_with_its_grid(state: State, time: float) -> None:
    moment, grid = Moment.at(state, time), state.grid
    assert (moment.beat, moment.bar) == (grid.beat_at(time), grid.bar_at(time))
    assert 1 <= moment.beat_in_bar <= grid.beats_per_bar
    assert moment.beat_in_bar == grid.beat_in_bar(grid.last_beat_at(time))


@given(states, finite, st.sampled_from(KINDS))
def test_since_is_never_negative_and_endless_before_the_first(state: State, time: float, kind: str) -> None:
    since = Moment.at(state, time).since(kind)
    assert since == (math.inf if state.hits[kind].time == -math.inf else max(0.0, time - state.hits[kind].time))
    assert since >= 0.0
