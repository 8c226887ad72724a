"""The laws of the conductor, over injected time and outputs that write down what they are told."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from engine.conductor import Conductor, Lane
from engine.faults import Lost
from engine.grid import Grid
from engine.outputs import Beat, Cue, Struck
from engine.state import Hit, Hits, Moment, State

LINE = State(Grid(1000.0, 0.0, 0.5), confidence=0.8, bar_confidence=0.6)  # 120 BPM, beat 0 at 1000 s


@dataclass
class Paper:
    """An output that writes down what it was told: (host time, beat or hit), and each Moment."""

    name: str = "paper"
    latency: float = 0.0
    subdivision: int = 1
    rate: float = 0.0
    wake: float = math.inf
    cues: list[tuple[float, Cue]] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    closed: int = 0
    fails: Exception | None = None

    def send(self, moment: Moment, cues: tuple[Cue, ...]) -> int:
        if self.fails is not None:
            raise self.fails
        now = moment.time - self.latency
        self.moments.append(moment)
        self.cues += [(now, cue) for cue in cues]
        if now >= self.wake:
            self.wake = math.inf
        return len(cues)

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self.closed += 1

    @property
    def beats(self) -> list[Beat]:
        return [cue for _, cue in self.cues if isinstance(cue, Beat)]

    @property
    def numbers(self) -> list[int]:
        return [beat.number for beat in self.beats]

    @property
    def struck(self) -> list[Struck]:
        return [cue for _, cue in self.cues if isinstance(cue, Struck)]


def conduct(papers: list[Paper], until: float, state: Callable[[float], State] = lambda now: LINE) -> Conductor:
    """Step from 999.9 s on at exactly the times asked for; each must lie ahead, and not by more than 50 ms."""
    conductor = Conductor()
    for paper in papers:
        conductor.add(paper)
    now = 999.9
    while now < until:
        due = conductor.step(now, replace(state(now), time=now))  # fresh: the listener has just spoken
        assert now < due <= now + 0.05 + 1e-9
        now = due
    return conductor


@pytest.mark.parametrize("latency", [0.0, 0.18, -0.03, 1.7, -2.0])
def test_each_beat_is_sent_its_latency_early_within_a_microsecond(latency: float) -> None:
    """Positive: before the beat; negative: late on purpose. Sent when asked for, no polling in between."""
    paper = Paper(latency=latency)
    conduct([paper], 1020.0)
    assert len(paper.beats) > 35
    errors = [now - (1000.0 + 0.5 * cue.number - latency) for now, cue in paper.cues if isinstance(cue, Beat)]
    assert max(abs(error) for error in errors) < 1e-6
    assert paper.numbers == list(range(paper.numbers[0], paper.numbers[0] + len(paper.numbers)))


def test_outputs_of_different_latencies_get_the_same_beats_each_at_its_time() -> None:
    early, late = Paper(latency=0.18), Paper(latency=-0.03)
    conduct([early, late], 1010.0)
    sent = [{c.number: now for now, c in p.cues if isinstance(c, Beat)} for p in (early, late)]
    assert [sent[1][n] - sent[0][n] for n in range(1, 19)] == pytest.approx([0.21] * 18, abs=1e-6)
    assert [cue for cue in early.beats if 1 <= cue.number < 19] == [cue for cue in late.beats if 1 <= cue.number < 19]


def test_a_beat_says_where_it_stands_in_bar_and_phrase() -> None:
    grid = replace(LINE.grid, downbeat=2, bar=7, beats_per_bar=3, bars_per_phrase=4, phrase=13)
    paper = Paper()
    conduct([paper], 1004.6, lambda now: replace(LINE, grid=grid))
    told = [(b.number, b.beat_in_bar, b.bar, b.phrase) for b in paper.beats]
    assert told == [
        (0, 2, 6, False), (1, 3, 6, False), (2, 1, 7, False), (3, 2, 7, False), (4, 3, 7, False),
        (5, 1, 8, False), (6, 2, 8, False), (7, 3, 8, False), (8, 1, 9, True), (9, 2, 9, False),
    ]  # fmt: skip
    assert {(b.confidence, b.bar_confidence) for b in paper.beats} == {(0.8, 0.6)}
    assert [b.time for b in paper.beats] == pytest.approx([1000.0 + 0.5 * n for n in range(10)])


@pytest.mark.parametrize("seed", range(4))
def test_no_beat_is_lost_or_told_twice_under_any_corrections(seed: int) -> None:
    """A thousand corrections back and forth by up to half a beat, new tempos, doubled and halved."""
    rng = random.Random(seed)
    grid, corrected = LINE.grid, 1000.0

    def state(now: float) -> State:
        nonlocal grid, corrected
        while corrected + 0.1 < now:
            corrected += 0.1
            period = min(max(grid.period * rng.choice([0.5, 1.0, 1.0, 1.0, 0.9, 1.1, 2.0]), 0.25), 1.2)
            grid = grid.retimed(corrected, period=period, shift=rng.choice([0.0, rng.uniform(-0.5, 0.5)]))
        return replace(LINE, grid=grid)

    papers = [Paper(latency=latency, subdivision=sub) for latency, sub in ((0.0, 1), (0.18, 24), (-0.03, 4))]
    conductor = conduct(papers, 1100.0, state)
    for paper, lane in zip(papers, conductor.lanes, strict=True):
        assert len(paper.numbers) > 100
        assert paper.numbers == list(range(paper.numbers[0], paper.numbers[-1] + 1))
        assert lane.skipped == 0


def test_a_step_back_of_the_line_is_waited_for() -> None:
    """Beat 4 was told at 1002.0; moved back by 0.4 beats there, beat 5 comes 0.2 s later and 4 never again."""
    paper = Paper()
    moved = LINE.grid.retimed(1002.01, shift=-0.4)
    conduct([paper], 1004.0, lambda now: LINE if now < 1002.01 else replace(LINE, grid=moved))
    assert paper.numbers == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [b.time for b in paper.beats][4:6] == pytest.approx([1002.0, 1002.7])


def test_twice_the_tempo_and_half_count_on() -> None:
    double = LINE.grid.retimed(1002.0, period=0.25)
    halved = double.retimed(1003.0, period=0.5)
    paper = Paper()
    states = ((1002.0, LINE.grid), (1003.0, double), (9999.0, halved))
    conduct([paper], 1004.1, lambda now: replace(LINE, grid=next(grid for end, grid in states if now < end)))
    assert paper.numbers == list(range(11))
    times = [now for now, _ in paper.cues]
    assert times[4:] == pytest.approx([1002.0, 1002.25, 1002.5, 1002.75, 1003.0, 1003.5, 1004.0], abs=1e-6)


def test_the_first_look_tells_nothing_of_the_past() -> None:
    conductor, paper = Conductor(), Paper()
    conductor.add(paper)
    conductor.step(1100.0, replace(LINE, hits=Hits(kick=Hit(7, 1099.9, 0.5))))
    assert paper.cues == []


def test_subdivisions_come_at_their_places_on_the_line() -> None:
    """24 a beat: 48 sends a second at 120 BPM, each within a microsecond of its place."""
    paper = Paper(subdivision=24, latency=0.01)
    conduct([paper], 1010.0)
    places = [moment.beat * 24 for moment in paper.moments]
    assert max(abs(place - round(place)) for place in places) < 1e-4
    assert [round(place) for place in places] == list(range(round(places[0]), round(places[0]) + len(places)))
    assert len(places) > 480


def test_hits_are_told_once_with_how_many_were_missed() -> None:
    conductor, paper = Conductor(), Paper()
    lane = conductor.add(paper)
    for now, count in ((1000.01, 5), (1000.02, 6), (1000.03, 6), (1000.04, 9), (1000.05, 9)):
        conductor.step(now, replace(LINE, hits=Hits(snare=Hit(count, now - 0.004, 0.7))))
    assert paper.struck == [Struck("snare", 6, 1000.016, 0.7, 0), Struck("snare", 9, 1000.036, 0.7, 2)]
    assert lane.skipped == 2


def test_frames_keep_their_pace_and_do_not_catch_up() -> None:
    """50 a second; after a pause of 3 s the next ones are 20 ms apart again, not 150 at once."""
    paper = Paper(rate=50.0)
    conductor = conduct([paper], 1001.0)
    begun = len(paper.moments)
    assert begun == pytest.approx(55 + 2, abs=2)  # the two beats may fall between frames
    now, looks = 1004.0, []
    while now < 1004.2:
        looks.append(now)
        now = conductor.step(now, LINE)
    after = [m.time for m in paper.moments[begun:]]
    assert len(after) <= 12
    assert min(b - a for a, b in pairwise(after)) > 0.009


@pytest.mark.parametrize("rate", [30.0, 44.0, 100.0])
def test_frames_come_as_often_as_wanted(rate: float) -> None:
    paper = Paper(rate=rate)
    state = replace(LINE, grid=Grid(0.0, 0.0, 1e6))  # no beats in between
    conduct([paper], 1019.9, lambda now: state)
    assert len(paper.moments) == pytest.approx(20.0 * rate, abs=2)


def test_a_wish_to_be_woken_is_honoured_once() -> None:
    paper = Paper(wake=1000.123)
    conduct([paper], 1000.4)
    assert [m.time for m in paper.moments] == pytest.approx([1000.0, 1000.123], abs=1e-9)


@pytest.mark.parametrize("fault", [Lost("cable is out"), ValueError("a bug"), KeyError("x")])
def test_a_failing_output_is_closed_once_and_the_others_go_on(fault: Exception) -> None:
    bad, good = Paper(name="bad"), Paper()
    conductor = Conductor()
    lanes = [conductor.add(bad), conductor.add(good)]
    bad.fails = fault
    now = 999.9
    while now < 1004.9:
        due = conductor.step(now, LINE)
        assert now < due < math.inf
        now = due
    assert (lanes[0].open, lanes[1].open, bad.closed, good.closed) == (False, True, 1, 0)
    assert lanes[0].trouble == ("cable is out" if isinstance(fault, Lost) else f"bad: {fault!r}")
    assert good.numbers == list(range(10))


def test_with_every_output_gone_it_still_says_when_to_come_again() -> None:
    """A finite time: the thread that sleeps until then must wake for the output that comes back."""
    conductor, paper = Conductor(), Paper(fails=Lost("gone"), rate=30.0)
    assert conductor.step(1000.0, LINE) == 1000.05
    conductor.add(paper)
    assert (conductor.step(1000.1, LINE), conductor.step(1000.15, LINE)) == pytest.approx((1000.15, 1000.2))


def test_what_came_due_while_an_output_was_away_is_not_made_up_for() -> None:
    conductor, paper = Conductor(), Paper(subdivision=24)
    lane = conductor.add(paper)
    conductor.step(1000.1, LINE)
    conductor.close(lane, "unplugged")
    assert (lane.trouble, paper.closed) == ("unplugged", 1)
    conductor.step(1003.0, LINE)
    again = Paper(subdivision=24)
    conductor.reopen(lane, again)
    hits = Hits(kick=Hit(9, 1003.0, 1.0))
    due = conductor.step(1003.1, replace(LINE, hits=hits))
    assert (again.moments, lane.open, lane.trouble) == ([], True, "")
    while due < 1004.1:
        due = conductor.step(due, replace(LINE, hits=hits))
    assert (again.numbers, again.struck, lane.skipped) == ([7, 8], [], 0)


def test_a_new_epoch_begins_anew() -> None:
    """The listener began again at beat 0 with no hits: neither silence until beat 40 nor a flood."""
    begun = State(Grid(1020.0, 0.0, 0.5), epoch=1)
    paper = Paper(subdivision=4)
    old = replace(LINE, hits=Hits(kick=Hit(99, 1000.0, 1.0)))
    struck = replace(begun, hits=Hits(kick=Hit(1, 1021.0, 1.0)))
    conduct([paper], 1022.1, lambda now: old if now < 1020.2 else begun if now < 1021.0 else struck)
    assert paper.numbers == [*range(41), 1, 2, 3, 4]
    assert [(hit.count, hit.missed) for hit in paper.struck] == [(1, 0)]


def lane_after(beats: float) -> tuple[Lane, Paper]:
    """A lane that has told beat 0 and is looked at again `beats` later."""
    conductor, paper = Conductor(), Paper()
    lane = conductor.add(paper)
    conductor.step(999.9, LINE)
    conductor.step(1000.0, LINE)
    conductor.step(1000.0 + 0.5 * beats, LINE)
    return lane, paper


def test_a_few_beats_at_once_are_all_told_a_flood_only_by_its_newest() -> None:
    lane, paper = lane_after(4)
    assert (paper.numbers, lane.skipped, lane.late) == ([0, 1, 2, 3, 4], 0, 3)
    lane, paper = lane_after(100)
    assert (paper.numbers, lane.skipped) == ([0, 100], 99)


def test_a_line_that_went_back_by_bars_is_taken_for_another_one() -> None:
    """The stream broke off for 10 s and went on: outputs do not stay silent until the old count is reached."""
    paper = Paper(subdivision=4)
    later = replace(LINE, grid=LINE.grid.mapped(10.0))
    conduct([paper], 1022.1, lambda now: LINE if now < 1020.2 else later)
    assert paper.numbers == [*range(41), 21, 22, 23, 24]


def test_lateness_is_measured_at_the_instant_of_the_effect() -> None:
    conductor, paper = Conductor(), Paper(latency=0.1)
    lane = conductor.add(paper)
    conductor.step(999.85, LINE)
    conductor.step(999.903, LINE)
    conductor.step(1000.42, LINE)
    assert list(lane.lateness) == pytest.approx([0.003, 0.02])
    assert (lane.late, lane.sent, paper.numbers) == (1, 2, [0, 1])
