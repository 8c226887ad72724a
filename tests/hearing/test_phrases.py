"""The laws of phrases: found where the music changes, kept where it doesn't, never moved against a person's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from engine.grid import Grid
from engine.hearing import ListenerSettings
from engine.hearing.listener import Listener
from engine.hearing.phrases import PhraseWatch
from engine.state import SPECTRUM, Floats, Section, State
from tests.synthetic import song

STEP = 0.05  # seconds a frame
NOISE = np.random.default_rng(0).normal(0.0, 0.01, (997, SPECTRUM)).astype(np.float32)
LINE = Grid(0.0, 0.0, 0.5)
Picture = Callable[[float], int]  # bar (with fraction) -> which of the colours sounds there


@cache
def rows(colour: int) -> Floats:
    """One of many spectra, 0..1, which differ by about 0.06."""
    return np.clip(0.5 + 0.05 * np.random.default_rng(1000 + colour).normal(size=SPECTRUM), 0.0, 1.0).astype(np.float32)


class Play:
    """Frames of a made song for a PhraseWatch, and what it says at the end of each bar."""

    def __init__(self, line: Grid = LINE, seed: State | None = None) -> None:
        self.line = line
        self.watch = PhraseWatch(seed or replace(State.unheard(), grid=line))
        self.phrases: list[int] = []  # the line's, after each bar
        self.confidence: list[float] = []
        self.section = Section()
        self._frames = 0

    def bars(self, count: int, picture: Picture, trust: float = 1.0) -> Play:
        """`count` bars more of what `picture` says, with a little noise."""
        bar_frames = round(self.line.period * self.line.beats_per_bar / STEP)
        for _ in range(count):
            for _ in range(bar_frames):
                end = (self._frames + 0.5) * STEP
                sound = rows(picture(self.line.bar_at(end))) + NOISE[self._frames % len(NOISE)]
                self.watch.push(sound, end, self.line, trust, self.section)
                self._frames += 1
            self.phrases.append(self.watch.placed(self.line).phrase)
            self.confidence.append(self.watch.confidence)
        return self


def parts(first: int, length: int) -> Picture:
    """Parts of `length` bars, one of which begins with bar `first`, each in a colour of its own."""
    return lambda bar: int((bar - first) // length)


@pytest.mark.parametrize("first", range(8))
def test_phrases_are_found_wherever_the_first_bar_was(first: int) -> None:
    """Two changes eight bars apart are enough; found once, they stay; the confidence says so."""
    play = Play().bars(48, parts(first, 8))
    assert {phrase % 8 for phrase in play.phrases[24:]} == {first}
    assert all(abs(phrase) <= 4 for phrase in play.phrases)
    assert np.count_nonzero(np.diff(play.phrases)) <= 1
    assert min(play.confidence[32:]) > 0.5
    assert play.confidence[2] < 0.3


@pytest.mark.parametrize("bars", [4, 8, 16])
def test_phrases_are_as_long_as_the_show_says(bars: int) -> None:
    line = replace(LINE, bars_per_phrase=bars)
    play = Play(line).bars(5 * bars, parts(3, bars))
    assert {phrase % bars for phrase in play.phrases[-bars:]} == {3 % bars}


@pytest.mark.parametrize(
    "picture",
    [
        lambda bar: 0,
        lambda bar: int(bar) % 4,  # a loop of four chords
        lambda bar: int(4 * bar) % 4,
        lambda bar: int(bar) % 2,
    ],
)
def test_steady_music_moves_nothing(picture: Picture) -> None:
    """Four minutes: no change, and no trust in where phrases are."""
    play = Play().bars(120, picture)
    assert set(play.phrases) == {0}
    assert max(play.confidence) < 0.6


def test_noise_for_music_moves_phrases_once_a_minute_at_most() -> None:
    """Every bar unlike all others, a hundred minutes long in all."""
    moves = 0
    for seed in range(5):
        play = Play().bars(60, lambda bar, seed=seed: 1000 * seed + int(bar))  # type: ignore[misc]
        moves += int(np.count_nonzero(np.diff(play.phrases)))
    assert moves <= 5 * 60 * 2.0 / 60.0


def test_a_drop_that_is_told_counts_on_top_of_the_change() -> None:
    """The parts are eight bars long from bar 3; the fifth, two bars early, takes the phrase along when told a drop."""

    def picture(bar: float) -> int:
        return int((bar - 3) // 8) if bar < 33 else 90 + int((bar - 33) // 8)

    told, untold = Play().bars(33, picture), Play().bars(33, picture)
    told.section = Section("drop", 1, 66.0, 132.1)
    told.bars(2, picture)
    untold.bars(2, picture)
    assert {play.watch.placed(LINE).phrase % 8 for play in (told, untold)} == {3}
    assert told.confidence[-1] < 0.6 * untold.confidence[-1]


def test_bars_that_no_one_trusts_move_nothing() -> None:
    assert set(Play().bars(48, parts(3, 8), trust=0.05).phrases) == {0}


def test_a_persons_word_stays_until_a_resync() -> None:
    play = Play().bars(3, parts(3, 8))
    play.watch.tell(10.1, LINE)  # bar 5
    assert (play.watch.placed(LINE).phrase % 8, play.watch.confidence, play.watch.told) == (5, 1.0, True)
    play.bars(40, parts(3, 8))
    assert {phrase % 8 for phrase in play.phrases[3:]} == {5}
    play.watch.resync()
    assert (play.watch.placed(LINE).phrase % 8, play.watch.told) == (5, False)
    assert play.watch.confidence == pytest.approx(1 / 8)
    assert play.bars(40, parts(3, 8)).phrases[-1] % 8 == 3


def test_a_downbeat_that_moves_takes_the_phrase_along() -> None:
    """The bars turn out to begin a beat later: the same bars begin phrases."""
    play = Play().bars(40, parts(3, 8))
    play.line = LINE.rebarred(161)
    sure = play.watch.confidence
    play.bars(3, parts(3, 8))
    assert play.phrases[-1] == play.phrases[39]
    assert play.watch.confidence > 0.8 * sure


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_another_octave_begins_the_phrase_where_it_began(times: float) -> None:
    """Four bars into a phrase that began at beat 160, the tempo is told to be twice or half what it was."""
    play = Play().bars(44, lambda bar: 0)
    line = LINE.retimed(88.0, period=0.5 * times).rebarred(176)
    play.watch.push(rows(0), 88.02, line, 1.0, play.section)
    assert (play.watch.placed(line).phrase - line.bar_at(80.0)) % 8 == 0
    assert play.watch.confidence < 0.2


def test_another_metre_is_learnt_anew() -> None:
    play = Play().bars(40, parts(3, 8))
    play.line = LINE.rebarred(160, beats_per_bar=3)
    play.watch.push(rows(0), 80.02, play.line, 1.0, play.section)
    assert play.watch.confidence < 0.2
    assert play.watch.placed(play.line).phrase == play.phrases[-1]


def test_a_correction_back_over_a_beat_is_no_other_beat() -> None:
    """The line moves 30 ms back just after each beat; what is found is the same."""
    play = Play()
    for frame in range(round(80.0 / STEP)):
        end = (frame + 0.5) * STEP
        late = 0.03 if end % 0.5 > 0.04 else 0.0
        line = replace(LINE, time=late)
        play.watch.push(rows(parts(3, 8)(LINE.bar_at(end))), end, line, 1.0, play.section)
    assert play.watch.placed(LINE).phrase % 8 == 3


def test_a_seed_goes_on() -> None:
    seed = replace(State.unheard(), grid=replace(LINE, phrase=-3), phrase_confidence=0.9)
    watch = PhraseWatch(seed)
    assert (watch.confidence, watch.placed(LINE).phrase, watch.told) == (0.9, -3, False)
    told = PhraseWatch(replace(seed, phrase_told=True))
    assert (told.confidence, told.told) == (1.0, True)


def test_the_listener_heeds_the_word_and_forgets_it_at_a_resync() -> None:
    listener = Listener(ListenerSettings(tracker="aubio"), 44100)
    listener.push(song(4.0, 44100)[0])
    before = listener.state()
    assert listener.hint("phrase", 3.0)
    state = listener.state()
    bar = round(state.grid.bar_at(3.0))
    assert ((bar - state.grid.phrase) % 8, state.phrase_told, state.phrase_confidence) == (0, True, 1.0)
    assert replace(state.grid, phrase=before.grid.phrase) == before.grid
    went_on = Listener(ListenerSettings(tracker="aubio"), 44100, state.mapped(-state.time))
    assert went_on.state().phrase_told
    assert listener.hint("resync", 3.5)
    assert not listener.state().phrase_told
