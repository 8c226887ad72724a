"""The laws of what a person says: it sticks, until a resync or until the song clearly changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing import ListenerSettings
from engine.hearing.beats import LineFitter
from engine.hearing.listener import Listener
from engine.hearing.told import heed, limits
from engine.state import State, TempoTold
from tests.synthetic import song

SHOW = (50.0, 220.0)
BEATS = 0.2 + 0.5 * np.arange(400)  # 120 BPM


def fitter(told: TempoTold | None = None, bpm: float = 120.0) -> LineFitter:
    """A running line on 0.2 s; 50 to 220 BPM allowed."""
    return LineFitter(Grid(0.2, 0.0, 60.0 / bpm), shortest=60.0 / 220.0, longest=60.0 / 50.0, known=True, told=told)


def tell(line: LineFitter, times: np.ndarray) -> None:
    for time in times:
        line.beat(float(time))


def phase(line: LineFitter, time: float) -> float:
    """Beats from the nearest beat: -0.5..0.5."""
    return (line.grid.beat_at(time) + 0.5) % 1.0 - 0.5


# ---- the octave ----


@pytest.mark.parametrize(("hint", "bpm"), [("double", 200.0), ("halve", 50.0)])
def test_a_doubled_or_halved_tempo_stays_against_all_beats_heard(hint: str, bpm: float) -> None:
    """100 BPM is heard for four minutes on; the octave told stays, the beats stay in place."""
    beats = 0.2 + 0.6 * np.arange(400)
    line = fitter(bpm=100.0)
    tell(line, beats[:30])
    assert line.hint(hint, float(beats[29]) + 0.1, 0.0)
    tell(line, beats[30:])
    assert line.grid.bpm == pytest.approx(bpm, rel=1e-6)
    assert min(abs(phase(line, float(beats[399])) - place) for place in (-0.5, 0.0, 0.5)) < 1e-6
    assert line.confidence(float(beats[399])) > 0.9


@pytest.mark.parametrize("level", [1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0])
def test_a_tempo_told_stays_at_whatever_level_the_metre_is_heard(level: float) -> None:
    line = fitter(bpm=100.0)
    assert line.hint("tempo", 0.2, 120.0)
    assert line.hint("beat", 0.2, 0.0)
    tell(line, 0.2 + 0.5 / level * np.arange(100))
    assert line.grid.bpm == pytest.approx(120.0, rel=1e-6)
    assert abs(phase(line, 0.2 + 0.5 * 100)) < 1e-6


def test_beats_between_do_not_move_a_line_that_was_tapped() -> None:
    """The tracker hears the off-beats: the person knows better."""
    line = fitter()
    assert line.hint("tempo", 0.2, 120.0)
    assert line.hint("beat", 0.2, 0.0)
    tell(line, BEATS + 0.25)
    assert abs(phase(line, float(BEATS[100]))) < 1e-6


def test_a_told_line_follows_small_changes() -> None:
    """20 s in which 120 BPM becomes 130, heard at half tempo: within 2 % of a beat all the way."""
    line = fitter()
    line.hint("tempo", 0.2, 120.0)
    line.hint("beat", 0.2, 0.0)
    time, errors = 0.2, []
    for bpm in np.linspace(120.0, 130.0, 40):
        time += 2 * 60.0 / bpm
        line.beat(time)
        errors.append(abs(phase(line, time)))
    assert line.grid.bpm == pytest.approx(130.0, rel=0.02)
    assert max(errors) < 0.1


def test_another_song_ends_what_was_told_of_the_octave() -> None:
    """After ÷2 at 120 a song of 98 BPM: taken over after its eighth beat or ninth, at its own octave."""
    line = fitter()
    tell(line, BEATS[:30])
    line.hint("halve", 15.0, 0.0)
    times = BEATS[29] + 60.0 / 98.0 * np.arange(1, 12)
    tell(line, times[:7])
    assert line.grid.bpm == pytest.approx(60.0)
    tell(line, times[7:])
    assert line.grid.bpm == pytest.approx(98.0)
    assert not line.told.octave


def test_a_resync_ends_what_was_told_but_the_range() -> None:
    told = TempoTold(octave=True, locked=True, slowest=60.0, fastest=150.0, nudge=0.02)
    line = fitter(told)
    assert line.hint("resync", 1.0, 0.0)
    assert line.told == TempoTold(slowest=60.0, fastest=150.0)


def test_a_nudge_stays_while_beats_are_heard() -> None:
    """20 ms later, and 50 beats on still 20 ms after what is heard; a second nudge adds to it."""
    line = fitter()
    tell(line, BEATS[:20])
    for total in (0.02, 0.03):
        assert line.hint("nudge", float(BEATS[19]), total - line.told.nudge)
        tell(line, BEATS[20:70])
        assert phase(line, float(BEATS[69]) + total) == pytest.approx(0.0, abs=1e-6)


# ---- the lock ----


def test_a_locked_tempo_stays_to_the_last_bit_and_the_phase_follows() -> None:
    """A song 1 % faster than the lock: the tempo stays, each beat within 5 % of a beat."""
    line = fitter()
    tell(line, BEATS[:20])
    assert line.hint("lock", 10.0, 0.0)
    period = line.grid.period
    times = BEATS[19] + 0.495 * np.arange(1, 80)
    errors = []
    for time in times:
        line.beat(float(time))
        assert line.grid.period == period
        errors.append(abs(phase(line, float(time))))
    assert max(errors[8:]) < 0.05


def test_a_locked_tempo_ignores_another_song_and_takes_another_phase() -> None:
    line = fitter()
    tell(line, BEATS[:20])
    line.hint("lock", 10.0, 1.0)
    tell(line, BEATS[19] + 0.61 * np.arange(1, 40))
    assert line.grid.period == pytest.approx(0.5)
    tell(line, 40.1 + 0.5 * np.arange(10))
    assert (line.grid.period, phase(line, 44.6)) == (pytest.approx(0.5), pytest.approx(0.0, abs=0.02))


def test_lock_turns_over_locks_and_unlocks() -> None:
    line = fitter()
    seen = []
    for amount in (0.0, 0.0, 1.0, 1.0, -1.0, -1.0, 0.0):
        assert line.hint("lock", 1.0, amount)
        seen.append(line.told.locked)
    assert seen == [True, False, True, True, False, False, True]


def test_a_person_moves_a_locked_tempo_and_it_stays_locked() -> None:
    line = fitter()
    line.hint("lock", 1.0, 1.0)
    for hint, amount, bpm in (("tempo", 100.0, 100.0), ("double", 0.0, 200.0), ("halve", 0.0, 100.0)):
        assert line.hint(hint, 2.0, amount)
        assert (line.grid.bpm, line.told.locked) == (pytest.approx(bpm), True)


# ---- the range ----


def test_a_range_reads_what_is_heard_outside_an_octave_away() -> None:
    """70 to 100 BPM while 160 is heard: 80, steady, on every second beat heard."""
    line = fitter(bpm=160.0)
    beats = 0.2 + 0.375 * np.arange(100)
    assert line.hint("fastest", 0.2, 100.0)
    assert line.hint("slowest", 0.2, 70.0)
    assert line.grid.bpm == pytest.approx(80.0)
    for beat in beats:
        line.beat(float(beat))
        assert line.grid.bpm == pytest.approx(80.0, rel=1e-6)
    assert phase(line, float(beats[98])) % 0.5 == pytest.approx(0.0, abs=1e-6)


def test_range_holds_an_octave_round_the_tempo_and_lets_go() -> None:
    line = fitter()
    assert line.hint("range", 1.0, 0.0)
    assert limits(line.told, SHOW) == pytest.approx((84.85, 169.7), abs=0.1)
    tell(line, 0.2 + 0.3 * np.arange(30))  # 200 BPM: read as 100
    assert line.grid.bpm == pytest.approx(100.0)
    assert line.hint("range", 20.0, 0.0)
    assert limits(line.told, SHOW) == SHOW
    tell(line, 20.0 + 0.3 * np.arange(30))
    assert line.grid.bpm == pytest.approx(200.0)


def test_a_range_is_held_by_no_tempo_in_it() -> None:
    """100 to 120 BPM and 160 heard: no octave of it fits, the line goes on as it was."""
    line = fitter(TempoTold(slowest=100.0, fastest=120.0), bpm=110.0)
    tell(line, 0.2 + 0.375 * np.arange(60))
    assert line.grid.bpm == pytest.approx(110.0)


def test_doubling_takes_a_told_range_along() -> None:
    told = heed(TempoTold(slowest=70.0, fastest=100.0), "double", 0.0, 80.0, SHOW)
    assert told is not None
    assert limits(told, SHOW) == pytest.approx((113.1, 226.3), abs=0.1)
    assert heed(TempoTold(), "double", 0.0, 120.0, SHOW) is None  # 240 BPM is past the show's own


# ---- through the listener ----


def test_what_was_told_is_in_the_state_and_goes_on_after_a_restart() -> None:
    sound, _ = song(14.0, 44100)
    ear = Listener(ListenerSettings(), 44100)
    ear.push(sound[: 6 * 44100])
    for hint, amount in (("halve", 0.0), ("lock", 0.0), ("nudge", 0.01), ("slowest", 55.0)):
        assert ear.hint(hint, 6.0, amount)
    state = ear.push(sound[6 * 44100 : 10 * 44100])[-1]
    told = state.tempo_told
    assert (told.octave, told.locked, told.nudge) == (True, True, 0.01)
    assert (told.slowest, told.fastest) == pytest.approx((55.0, 220.0))
    assert State.unpack(state.pack()).tempo_told == state.tempo_told
    after = Listener(ListenerSettings(), 44100, replace(state, time=0.0).mapped(-10.0))
    last = after.push(sound[10 * 44100 :])[-1]
    assert (last.tempo_told, last.grid.period) == (state.tempo_told, state.grid.period)


def test_a_halved_song_stays_halved() -> None:
    """A song of 120 BPM, halved after 6 s: 60 BPM at its end, on its beats."""
    sound, truth = song(20.0, 44100)
    ear = Listener(ListenerSettings(), 44100)
    ear.push(sound[: 6 * 44100])
    assert ear.hint("halve", 6.0)
    grid = ear.push(sound[6 * 44100 :])[-1].grid
    assert grid.bpm == pytest.approx(60.0, rel=0.01)
    offs = [(2.0 * grid.beat_at(float(beat)) + 0.5) % 1.0 - 0.5 for beat in truth["beat"][-6:]]
    assert np.abs(offs).max() < 0.1
