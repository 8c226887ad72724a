"""MidiOutput as laws, played into a sink that keeps."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.conductor import Conductor
from engine.faults import Lost
from engine.grid import Grid
from engine.outputs import Beat, Output, Struck
from engine.outputs.midi import MidiOutput
from engine.outputs.midi_rows import MidiSettings, Row
from engine.state import Hit, Hits, Levels, Moment, State

At = Callable[..., Moment]


def beat(number: int = 4, *, confidence: float = 1.0, bar_confidence: float = 1.0, phrase: bool = False) -> Beat:
    return Beat(number, number * 0.5, number % 4 + 1, number // 4, phrase, confidence, bar_confidence)


def struck(kind: str = "kick", strength: float = 1.0, count: int = 1, missed: int = 0) -> Struck:
    return Struck(kind, count, 0.0, strength, missed)


def output(kept: Any, *rows: Row, **settings: Any) -> MidiOutput:
    resumed = settings.pop("resumed", False)
    return MidiOutput(MidiSettings(rows=rows, **{"clock": False, **settings}), sink=kept, resumed=resumed)


def test_it_is_an_output(kept: Any) -> None:
    """It has the face the conductor knows, filled from the settings."""
    out: Output = MidiOutput(MidiSettings(name="drums", latency=0.25, rate=20.0), sink=kept)
    assert (out.name, out.latency, out.subdivision, out.rate) == ("drums", 0.25, 24, 20.0)
    assert output(kept, Row("beat", note=1)).subdivision == 1
    assert output(kept, Row("beat", note=1)).rate == 0.0, "without levels there are no frames"


@pytest.mark.parametrize(
    ("row", "cue", "expected"),
    [
        (Row("kick", note=36, channel=10), struck("kick"), (0x99, 36, 127)),
        (Row("snare", note=38, velocity=64), struck("snare", 0.1), (0x90, 38, 64)),
        (Row("hat", note=42, velocity=(1, 127)), struck("hat", 0.5), (0x90, 42, 64)),
        (Row("hat", note=42, velocity=(40, 100)), struck("hat", 0.0), (0x90, 42, 40)),
        (Row("beat", note=60, channel=16, velocity=90), beat(5), (0x9F, 60, 90)),
        (Row("beat", note=60, velocity=(27, 127)), beat(5, confidence=0.5), (0x90, 60, 77)),
        (Row("downbeat", note=61, velocity=1), beat(8), (0x90, 61, 1)),
        (Row("bar", program=7, channel=3), beat(8), (0xC2, 7)),
        (Row("phrase", program=127, channel=16), beat(32, phrase=True), (0xCF, 127)),
        (Row("beat", cc=20, low=10, high=100), beat(5), (0xB0, 20, 100)),
        (Row("kick", cc=21, channel=2, low=127, high=0), struck("kick", 0.25), (0xB1, 21, 95)),
        (Row("kick", program=0), struck("kick"), (0xC0, 0)),
    ],
)
def test_a_row_of_a_beat_or_hit_sends_its_message(
    kept: Any, at: At, row: Row, cue: Beat | Struck, expected: tuple[int, ...]
) -> None:
    """Each kind of row, each kind of message, to the byte; the count of what left is returned."""
    assert output(kept, row).send(at(1.0), (cue,)) == 1
    assert kept.messages == [expected]


LEVELS = Levels(0.1, 0.2, 0.3, 0.35, (0.4, 0.5, 0.6, 0.7, 0.8))


@pytest.mark.parametrize(
    ("what", "value"),
    [("loudness", 13), ("energy", 25), ("brightness", 38), ("mood", 44),
     ("sub", 51), ("bass", 64), ("mid", 76), ("high", 89), ("air", 102),
     ("beat_phase", 64), ("bar_phase", 48), ("phrase_phase", 6), ("confidence", 114), ("tempo", 60)],
)  # fmt: skip
def test_a_level_moves_its_controller(kept: Any, at: At, what: Any, value: int) -> None:
    """Each level is sent as round(127 x level): here at beat 1.5 of 120 BPM."""
    out = output(kept, Row(what, cc=7, channel=5))
    out.send(at(0.75, levels=LEVELS, confidence=0.9, bar_confidence=0.9), ())
    assert kept.messages == [(0xB4, 7, value)]


def test_a_controller_is_sent_only_when_its_seven_bits_change(kept: Any, at: At) -> None:
    """A slow fade from 0 to 1 in 1000 frames is 128 messages, each value once."""
    out = output(kept, Row("energy", cc=7))
    for i in range(1001):
        out.send(at(i / 30, levels=Levels(energy=i / 1000)), ())
    assert kept.messages == [(0xB0, 7, v) for v in range(128)]


def test_levels_keep_the_rate_however_often_send_is_called(kept: Any, at: At) -> None:
    """Called 500 times a second, levels leave 30 times a second."""
    out = output(kept, Row("energy", cc=7), rate=30.0)
    for i in range(5000):
        out.send(at(i / 500, levels=Levels(energy=i % 128 / 127)), ())
    assert 295 <= len(kept.log) <= 301
    quiet = output(kept, Row("energy", cc=7), rate=0.0)
    assert quiet.send(at(0.0), ()) == 0


def test_a_value_that_is_no_number_is_sent_as_zero(kept: Any, at: At) -> None:
    """NaN, infinite and overdriven levels stay inside seven bits."""
    out = output(kept, Row("energy", cc=7))
    for i, level in enumerate((0.5, float("nan"), 7.0, float("inf"), -3.0)):
        out.send(at(float(i), levels=Levels(energy=level)), ())
    assert [m[2] for m in kept.messages] == [64, 0, 127, 0]


def test_the_gate_ends_a_note_at_its_time_through_wake(kept: Any, at: At) -> None:
    """The note-off is asked for by wake, not before and not again; wake is host time whatever the latency."""
    out = output(kept, Row("kick", note=36, gate=0.25), latency=0.1)
    out.send(at(1.1), (struck(),))
    assert out.wake == pytest.approx(1.25)
    assert out.send(at(1.349), ()) == 0
    assert out.send(at(out.wake + 0.1), ()) == 1
    assert kept.messages == [(0x90, 36, 127), (0x80, 36, 0)]
    assert out.wake == float("inf")
    assert out.send(at(3.0), ()) == 0


def test_a_momentary_controller_falls_back_after_its_gate(kept: Any, at: At) -> None:
    """A cc on a hit goes up and, a gate later, down."""
    out = output(kept, Row("snare", cc=30, gate=0.1, low=5, high=99))
    out.send(at(0.0), (struck("snare"),))
    out.send(at(out.wake), ())
    assert kept.messages == [(0xB0, 30, 99), (0xB0, 30, 5)]


def test_a_note_that_still_sounds_is_ended_before_it_is_struck_again(kept: Any, at: At) -> None:
    """Off, then on; the new gate counts from the new strike."""
    out = output(kept, Row("kick", note=36, gate=0.5))
    out.send(at(0.0), (struck(count=1),))
    out.send(at(0.3), (struck(count=2),))
    assert kept.messages == [(0x90, 36, 127), (0x80, 36, 0), (0x90, 36, 127)]
    assert out.wake == pytest.approx(0.8)


def test_every_takes_each_nth(kept: Any, at: At) -> None:
    """every = 2 plays the even ones; of hits also when one was missed between."""
    out = output(kept, Row("beat", program=1, every=2), Row("bar", program=2, every=3), Row("kick", program=3, every=4))
    for number in range(1, 25):
        out.send(at(number / 2), (beat(number),))
    assert kept.messages.count((0xC0, 1)) == 12
    assert kept.messages.count((0xC0, 2)) == 2
    for count, missed in ((1, 0), (3, 1), (5, 1), (6, 0), (8, 1), (9, 0)):
        out.send(at(30.0), (struck(count=count, missed=missed),))
    assert kept.messages.count((0xC0, 3)) == 2


def test_only_what_is_predicted_heeds_confidence(kept: Any, at: At) -> None:
    """Below min_confidence beats, bars and phases are silent, hits and levels are not; bars need sure bars."""
    rows = (Row("beat", note=1), Row("downbeat", note=2), Row("kick", note=3), Row("loudness", cc=4),
            Row("beat_phase", cc=5), Row("bar_phase", cc=6))  # fmt: skip
    out = output(kept, *rows)
    out.send(at(0.1, confidence=0.09), (beat(4, confidence=0.09), struck()))
    assert [m[:2] for m in kept.messages] == [(0x90, 3), (0xB0, 4)]
    kept.log.clear()
    out.send(at(1.1, bar_confidence=0.09), (beat(8, bar_confidence=0.09),))
    assert [m[:2] for m in kept.messages] == [(0x80, 3), (0x90, 1), (0xB0, 5)]
    kept.log.clear()
    out.send(at(2.15), (beat(12),))
    assert [m[:2] for m in kept.messages] == [(0x80, 1), (0x90, 1), (0x90, 2), (0xB0, 5), (0xB0, 6)]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_sounds_after_close(kept: Any, at: At, seed: int) -> None:
    """Whatever was played, close ends each note, stops slaves, closes the port; again is harmless."""
    chance = random.Random(seed)
    rows = tuple(
        Row(
            chance.choice(("beat", "downbeat", "kick", "snare")),
            note=chance.randrange(4),
            channel=chance.randint(1, 2),
            gate=chance.uniform(0.01, 3.0),
        )
        for _ in range(6)
    )
    out, now = output(kept, *rows, clock=True), 0.0
    for number in range(chance.randint(1, 60)):
        now += chance.uniform(0.001, 0.5)
        cues: list[Any] = [beat(number)] if chance.random() < 0.5 else []
        cues += [struck(chance.choice(("kick", "snare")), chance.random(), number)] if chance.random() < 0.7 else []
        out.send(at(now), tuple(cues))
    started = (0xFA,) in kept.messages or (0xFB,) in kept.messages
    out.close()
    assert kept.sounding() == set()
    assert kept.closed
    assert kept.messages.count((0xFC,)) == int(started)
    told = len(kept.log)
    out.close()
    assert len(kept.log) == told
    with pytest.raises(Lost):
        out.send(at(now), ())
    with pytest.raises(Lost):
        out.panic()
    assert not out.alive()


def test_close_never_raises(kept: Any, at: At) -> None:
    """Also when the port is gone and closing it fails."""
    out = output(kept, Row("kick", note=36))
    out.send(at(0.0), (struck(),))
    kept.gone = True
    kept.close = lambda: 1 / 0
    out.close()


def test_a_lost_port_is_told_to_the_conductor(kept: Any, at: At) -> None:
    """send raises Lost; the lane closes and says why, the conductor goes on."""
    out = output(kept, Row("beat", note=60))
    conductor = Conductor()
    lane = conductor.add(out)
    state = State(Grid(0.0, 0.0, 0.5), 1.0, 1.0)
    conductor.step(0.1, state)
    kept.gone = True
    conductor.step(0.6, state)
    assert not lane.open
    assert lane.trouble == "midi: gone"


def test_panic_ends_everything_everywhere_and_the_clock_goes_on(kept: Any, at: At) -> None:
    """Note-offs of what sounds, then All Sound Off and All Notes Off on 16 channels; ticks come as before."""
    out = output(kept, Row("kick", note=36, gate=9.0), clock=True)
    out.send(at(0.0), (struck(),))
    kept.log.clear()
    assert out.panic() == 33
    assert kept.messages[0] == (0x80, 36, 0)
    assert set(kept.messages[1:]) == {(0xB0 | c, mode, 0) for c in range(16) for mode in (120, 123)}
    kept.log.clear()
    out.send(at(0.5 / 24), ())
    assert kept.messages == [(0xF8,)]


def test_a_resumed_output_ends_what_its_predecessor_left(kept: Any, at: At) -> None:
    """Note-offs of all notes of the map on opening, once more a second later without cutting what sounds by then."""
    rows = (Row("kick", note=36, channel=10, gate=5.0), Row("hat", note=42, channel=10), Row("beat", cc=9, low=3),
            Row("energy", cc=8))  # fmt: skip
    ends = [(0x89, 36, 0), (0x89, 42, 0), (0xB0, 9, 3)]
    out = output(kept, *rows, resumed=True, clock=True)
    assert kept.messages == ends
    out.send(at(0.5), (struck(),))
    assert out.wake == pytest.approx(1.5)
    kept.log.clear()
    out.send(at(1.5), ())
    assert [m for m in kept.messages if m[0] not in {0xF8, 0xFC}] == ends[1:]
    fresh = output(type(kept)(), *rows)
    assert fresh.wake == float("inf")


def test_settings_with_problems_are_refused(kept: Any) -> None:
    """A wrong map is told when the output is made, not in the middle of a show."""
    with pytest.raises(ValueError, match=r"rows\[0\]: name exactly one of note, cc, program"):
        output(kept, Row("beat"))


def test_a_conducted_minute_is_whole(kept: Any) -> None:
    """With the real conductor and the default map: every beat, hit, note-off and tick of a minute, on time."""
    out = MidiOutput(MidiSettings(latency=0.02), sink=kept)
    conductor, now, kicks = Conductor(), 0.0, 0
    conductor.add(out)
    grid = Grid(0.0, 0.0, 0.5)
    while now < 60.0:
        kicks = int(now)
        levels = Levels(energy=now / 60.0)
        state = State(grid, 0.9, 0.9, time=now, hits=Hits(kick=Hit(kicks, float(kicks), 0.8)), levels=levels)
        kept.now = now
        now = max(conductor.step(now, state), now + 1e-6)
    notes = {
        key: [t for t, m in kept.log if m[0] == key[0] and m[1] == key[1]]
        for key in ((0x9F, 60), (0x9F, 72), (0x99, 36))
    }
    assert notes[0x9F, 60] == pytest.approx([n * 0.5 - 0.02 for n in range(1, 121)], abs=1e-5)
    assert notes[0x9F, 72] == pytest.approx([n * 2.0 - 0.02 for n in range(1, 31)], abs=1e-5)
    assert len(notes[0x99, 36]) == 59
    ticks = [t for t, m in kept.log if m == (0xF8,)]
    assert ticks == pytest.approx([n * 0.5 / 24 - 0.02 for n in range(1, 2881)], abs=1e-5)
    offs = [t for t, m in kept.log if m[:2] == (0x8F, 60)]
    assert offs == pytest.approx([n * 0.5 - 0.02 + 0.08 for n in range(1, 120)], abs=1e-5)
    assert 120 <= sum(m[0] == 0xBF and m[1] == 20 for _, m in kept.log) <= 128
    assert [m for m in kept.messages if m[0] in (0xFA, 0xFB)] == [(0xFA,)]
    out.close()
    assert kept.messages[-1] == (0xFC,)
    assert kept.sounding() == set()
