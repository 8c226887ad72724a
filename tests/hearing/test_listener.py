"""The laws of the listener: one State for one sound, however it is cut; a person's word is followed; counts go on."""

from __future__ import annotations

import math

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio import demo_score, mono
from engine.audio.file import DEMO, file_blocks
from engine.grid import Grid
from engine.hearing import ListenerSettings
from engine.hearing.listener import HINTS, Listener
from engine.listening import beats_of
from engine.state import KINDS, Hit, Hits, State
from tests.synthetic import Sound, noise, song

MUSIC = {rate: song(2.0, rate)[0] for rate in (22050, 44100, 48000, 96000)}


def heard(sound: Sound, rate: int, cuts: list[int] | None = None) -> list[bytes]:
    """The bytes of all States of a sound handed over in pieces that end at `cuts`."""
    listener = Listener(ListenerSettings(), rate)
    pieces = np.split(sound, cuts) if cuts else [sound]
    return [state.pack() for piece in pieces for state in listener.push(piece)]


WHOLE = {rate: heard(sound, rate) for rate, sound in MUSIC.items()}


@pytest.mark.parametrize("rate", list(MUSIC))
@pytest.mark.parametrize("block", [64, 128, 441, 1024, 2048])
def test_whole_file_and_blocks_give_the_same_states_to_the_last_bit(rate: int, block: int) -> None:
    sound = MUSIC[rate]
    assert heard(sound, rate, list(range(block, sound.size, block))) == WHOLE[rate]


@given(st.sampled_from(list(MUSIC)), st.lists(st.integers(1, 2048), min_size=1, max_size=50))
@settings(max_examples=25)
def test_any_mix_of_blocks_gives_the_same_states(rate: int, blocks: list[int]) -> None:
    sound = MUSIC[rate]
    cuts = np.cumsum(np.resize(blocks, sound.size // min(blocks) + 1))
    assert heard(sound, rate, cuts[cuts < sound.size].tolist()) == WHOLE[rate]


@pytest.mark.parametrize("rate", list(MUSIC))
def test_a_second_run_says_the_same_and_the_states_live(rate: int) -> None:
    assert heard(MUSIC[rate], rate) == WHOLE[rate]
    states = [State.unpack(data) for data in WHOLE[rate]]
    assert len(set(WHOLE[rate])) == len(states) > 1.5 * rate / 512
    assert [s.heard for s in states] == [round(s.time * rate) for s in states]
    assert [s.time for s in states] == sorted({s.time for s in states})


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.sampled_from([math.nan, math.inf, -math.inf, 1e30, -1e38, 1e-45])),
        min_size=1,
        max_size=50,
    )
)
@settings(max_examples=20)
def test_broken_samples_leave_every_figure_finite(broken: list[tuple[int, float]]) -> None:
    sound = noise(0.4, 44100) * np.float32(0.1)
    for at, value in broken:
        sound[at : at + 40] = value
    listener = Listener(ListenerSettings(), 44100)
    for state in listener.push(sound):
        v = state.levels
        shares = [v.loudness, v.energy, v.brightness, v.mood, *v.bands, *v.spectrum.tolist(), state.confidence]
        assert 0.0 <= min(shares) <= max(shares) <= 1.0
        assert np.abs(v.waveform).max() <= 1.0
        assert all(0.0 <= state.hits[kind].strength <= 1.0 for kind in KINDS)
        assert math.isfinite(state.grid.beat_at(state.time))


def test_the_levels_recover_from_a_broken_file() -> None:
    """A tenth of a second of 1e30, then music: within half a minute its levels are what they are without."""
    sound = np.tile(MUSIC[44100], 15)
    broken = sound.copy()
    broken[4410:8820] = 1e30
    clean, after = (Listener(ListenerSettings(), 44100).push(x)[-1].levels for x in (sound, broken))
    assert after.loudness == pytest.approx(clean.loudness, abs=0.1)
    assert after.bands[1] == pytest.approx(clean.bands[1], abs=0.1)


# ---- trust ----


def test_silence_takes_trust_away_and_the_line_goes_on() -> None:
    """20 s of song at 126 BPM, 20 s of silence: 0.95 falls below 0.1, and the beat count keeps its tempo."""
    sound, truth = song(20.0, 44100, 126.0)
    listener = Listener(ListenerSettings(), 44100)
    sure = listener.push(sound)[-1]
    unsure = listener.push(np.zeros(20 * 44100, np.float32))[-1]
    assert sure.confidence > 0.9
    assert unsure.confidence < 0.1
    assert unsure.grid.beat_at(40.0) - sure.grid.beat_at(20.0) == pytest.approx(20.0 * 126.0 / 60.0, abs=0.1)
    phase = (unsure.grid.beat_at(float(truth["beat"][-1]) + 32 * 60.0 / 126.0) + 0.5) % 1.0 - 0.5
    assert abs(phase) * unsure.grid.period < 0.015


def test_nothing_heard_is_not_trusted() -> None:
    assert max(s.confidence for s in Listener(ListenerSettings(), 44100).push(np.zeros(441000, np.float32))) == 0.0


def test_the_demo_song_is_followed() -> None:
    """From bar 6 to the last: F-measure above 0.95, phase within 5 ms in the median, tempo within 1 %."""
    told = np.array([beat["beat"] for beat in beats_of(DEMO, ListenerSettings(tracker="aubio"))])
    truth = demo_score.beat_times()
    told, truth = (x[(x > 10.0) & (x < 72.0)] for x in (told, truth))
    assert mir_eval.beat.f_measure(truth, told) > 0.95
    errors = np.array([beat - truth[np.abs(truth - beat).argmin()] for beat in told])
    assert abs(np.median(errors)) < 0.005
    assert np.percentile(np.abs(errors), 80) < 0.02
    assert 60.0 / np.median(np.diff(told)) == pytest.approx(demo_score.TEMPO, rel=0.01)


@pytest.mark.parametrize("rate", [22050, 96000])
def test_a_song_is_followed_at_any_rate(rate: int) -> None:
    sound, truth = song(14.0, rate, 126.0)
    state = Listener(ListenerSettings(), rate).push(sound)[-1]
    assert state.grid.bpm == pytest.approx(126.0, rel=0.005)
    phases = [(state.grid.beat_at(float(time)) + 0.5) % 1.0 - 0.5 for time in truth["beat"][-8:]]
    assert max(abs(phase) for phase in phases) * state.grid.period < 0.015


# ---- a person's word ----


def quiet() -> Listener:
    listener = Listener(ListenerSettings(), 44100)
    listener.push(np.zeros(44100, np.float32))
    return listener


def test_four_taps_set_tempo_and_phase() -> None:
    """Taps at 100 BPM, 5 ms off to either side: tempo within 2 BPM, the last beat on the last tap, trust."""
    listener = quiet()
    taps = [2.0 + 0.6 * n + (0.005 if n % 2 else -0.005) for n in range(8)]
    assert [listener.hint("tap", tap) for tap in taps] == [True] * 8
    grid = listener.state().grid
    assert grid.bpm == pytest.approx(100.0, abs=2.0)
    assert min(grid.phase_at(taps[-1]), 1.0 - grid.phase_at(taps[-1])) < 1e-6
    assert listener.state().confidence >= 0.5


def test_one_tap_moves_the_beat_and_not_the_tempo() -> None:
    listener = quiet()
    before = listener.state().grid
    assert listener.hint("tap", 5.2)
    after = listener.state().grid
    assert (after.period, after.phase_at(5.2)) == (before.period, 0.0)
    assert abs(after.beat_at(5.2) - before.beat_at(5.2)) <= 0.5


def test_a_pause_begins_a_new_count_of_taps() -> None:
    listener = quiet()
    period = listener.state().grid.period
    for tap in (2.0, 2.4, 2.8, 5.0, 5.4, 5.8):
        listener.hint("tap", tap)
    assert listener.state().grid.period == period
    listener.hint("tap", 6.2)
    assert listener.state().grid.period == pytest.approx(0.4)


def test_a_key_held_down_sets_no_tempo() -> None:
    listener = quiet()
    period = listener.state().grid.period
    assert all(listener.hint("tap", 2.0 + n / 30.0) for n in range(30))
    assert listener.state().grid.period == period


def test_double_and_halve_keep_the_beat_where_it_is() -> None:
    listener = quiet()
    listener.hint("tempo", 1.0, 100.0)
    before = listener.state().grid
    beat = before.time_of(before.last_beat_at(3.3))
    assert listener.hint("double", 3.3)
    doubled = listener.state().grid
    assert (doubled.bpm, doubled.beat_at(beat)) == pytest.approx((200.0, before.beat_at(beat)))
    assert not listener.hint("double", 3.4)  # 400 BPM is beyond what the settings allow
    assert listener.hint("halve", 3.5)
    assert listener.state().grid.bpm == pytest.approx(100.0)
    assert listener.hint("halve", 3.5)
    assert not listener.hint("halve", 3.6)


@pytest.mark.parametrize("seconds", [0.010, -0.010])
def test_a_nudge_moves_the_next_beats_by_so_many_seconds(seconds: float) -> None:
    listener = quiet()
    before = listener.state().grid
    assert listener.hint("nudge", 4.0, seconds)
    after = listener.state().grid
    assert [after.time_of(n) - before.time_of(n) for n in range(10, 14)] == pytest.approx([seconds] * 4)


def test_a_downbeat_is_taken_and_trusted() -> None:
    listener = quiet()
    beat = round(listener.state().grid.beat_at(4.03))
    assert listener.hint("downbeat", 4.03)
    state = listener.state()
    assert (state.grid.beat_in_bar(beat), state.grid.beat_in_bar(beat + 1), state.bar_confidence) == (1, 2, 1.0)


def test_resync_forgets_the_trust_and_keeps_the_count() -> None:
    listener = Listener(ListenerSettings(), 44100)
    listener.push(song(8.0, 44100)[0])
    before = listener.state()
    assert listener.hint("resync", 8.0)
    assert before.confidence > 0.3
    assert (listener.state().confidence, listener.state().grid) == (0.0, before.grid)


@pytest.mark.parametrize(
    ("hint", "time", "amount"),
    [
        ("dance", 1.0, 0.0), ("", 1.0, 0.0), ("beat", 1.0, 0.0),  # "beat" is the tracker's word, no person's
        ("tempo", 1.0, 29.9), ("tempo", 1.0, 300.1), ("tempo", 1.0, math.nan), ("tempo", 1.0, 0.0),
        ("slowest", 1.0, 29.0), ("fastest", 1.0, 301.0), ("slowest", 1.0, 250.0), ("fastest", 1.0, 40.0),
        ("nudge", 1.0, math.nan), ("nudge", 1.0, math.inf), ("tap", math.nan, 0.0), ("double", math.inf, 0.0),
    ],
)  # fmt: skip
def test_what_can_not_be_followed_changes_nothing(hint: str, time: float, amount: float) -> None:
    listener = quiet()
    before = listener.state()
    assert not listener.hint(hint, time, amount)
    assert listener.state() == before


def test_every_hint_is_known_to_the_tracker() -> None:
    amounts = {"tempo": 120.0, "nudge": 0.01, "slowest": 60.0, "fastest": 150.0}
    for hint in HINTS:
        listener = quiet()
        listener.hint("tempo", 1.0, 105.0)
        assert listener.hint(hint, 1.5, amounts.get(hint, 0.0)), hint


# ---- going on ----


def test_a_seed_counts_on() -> None:
    """Beats, bars, hits and epoch of the one before; times are those of the new stream."""
    seed = State(
        Grid(-0.3, 100.0, 0.5, downbeat=2, bar=25, beats_per_bar=3, bars_per_phrase=4),
        confidence=0.8, time=0.0, epoch=3, hits=Hits(kick=Hit(50, -0.4, 0.9), snare=Hit(20, -0.1, 0.3)),
    )  # fmt: skip
    listener = Listener(ListenerSettings(), 44100, seed)
    states = listener.push(np.zeros(44100, np.float32))
    assert {(s.grid, s.epoch, s.hits.kick.count, s.hits.snare.count) for s in states} == {(seed.grid, 3, 50, 20)}
    assert 0.4 <= states[-1].confidence <= 0.8
    sound, _ = song(6.0, 44100)
    last = listener.push(sound)[-1]
    assert last.hits.kick.count > 50
    assert last.grid.beat_at(7.0) == pytest.approx(seed.grid.beat_at(7.0), abs=1.0)


def test_without_a_seed_the_settings_say_how_bars_begin() -> None:
    listener = Listener(ListenerSettings(tempo=(60.0, 180.0), beats_per_bar=3, bars_per_phrase=16), 44100, epoch=7)
    state = listener.state()
    assert (state.grid.beats_per_bar, state.grid.bars_per_phrase, state.epoch) == (3, 16, 7)
    assert 60.0 <= state.grid.bpm <= 180.0
    slow = Listener(ListenerSettings(tempo=(40.0, 90.0)), 44100).state().grid.bpm
    assert 40.0 <= slow <= 90.0


def test_mono_takes_the_channels_that_are_asked_for() -> None:
    samples = np.array([[1.0, 3.0, 8.0], [0.0, 2.0, 4.0]], np.float32)
    assert mono(samples).tolist() == [4.0, 2.0]
    assert mono(samples, (1, 2)).tolist() == [2.0, 1.0]
    assert mono(samples, (3,)).tolist() == [8.0, 4.0]
    assert mono(samples, (2, 9)).tolist() == [3.0, 2.0]  # one that is not there is left out
    assert mono(samples, (9,)).tolist() == [4.0, 2.0]
    assert next(iter(file_blocks(DEMO, 100)))[0].shape == (100, 2)
