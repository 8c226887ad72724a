"""The laws of sections and mood: a known song's parts are told where they are, at any level, rate and block size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.audio import demo_score, mono
from engine.audio.file import DEMO, file_blocks
from engine.grid import Grid
from engine.hearing import ListenerSettings
from engine.hearing.frames import Framer
from engine.hearing.levels import Heard, LevelMeter
from engine.hearing.listener import Listener
from engine.hearing.sections import SectionWatch
from engine.hearing.strikes import Strike
from engine.state import MOODS, Levels, Section, State
from tests.synthetic import Sound, hat, kick, noise, placed, snare

BAR = 60.0 / 125.0 * 4  # seconds: 125 BPM
PARTS = (("full", 8), ("breakdown", 8), ("build", 4), ("full", 6))  # bars of each
BREAKDOWN, BUILD, DROP = 8 * BAR, 16 * BAR, 20 * BAR


def _pad(seconds: float, rate: int) -> Sound:
    """A chord that breathes, with a low note in it: sustained, as loud as drums."""
    t = np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * hz * t + hz) for hz in (110.0, 220.0, 277.2, 329.6, 440.0))
    return (0.05 * chord * (1.0 + 0.3 * np.sin(2 * np.pi * 0.2 * t))).astype(np.float32)


def _riser(seconds: float, rate: int) -> Sound:
    """Noise above 1 kHz that grows fivefold, and a snare roll of eighths, then sixteenths."""
    t = np.arange(round(seconds * rate)) / rate
    sweep = np.diff(noise(seconds, rate, 5), prepend=0.0) * 0.04 * (0.2 + 0.8 * t / seconds)
    rolls = [*np.arange(0.0, seconds / 2, BAR / 8), *np.arange(seconds / 2, seconds - 0.01, BAR / 16)]
    return (sweep + 0.3 * placed(snare(rate), rolls, seconds, rate)).astype(np.float32)


def parts(rate: int, which: tuple[tuple[str, int], ...] = PARTS) -> Sound:
    """The song of PARTS: four to the floor with bass; pads alone; pads, riser and roll; as at first."""
    out = []
    for name, bars in which:
        seconds = bars * BAR
        sound = _pad(seconds, rate)[: round(seconds * rate)]
        beats = np.arange(0.0, seconds - 0.01, BAR / 4)
        if name == "full":
            sound = 0.4 * sound + 0.7 * placed(kick(rate), beats, seconds, rate)
            sound += 0.6 * placed(snare(rate), beats[1::2], seconds, rate)
            sound += 0.7 * placed(hat(rate), np.arange(BAR / 8, seconds - 0.01, BAR / 8), seconds, rate)
        if name == "build":
            sound = sound + _riser(seconds, rate)
        out.append(sound)
    return np.concatenate(out).astype(np.float32)


SONG = parts(44100)


def told(sound: Sound, rate: int, step: int = 4096) -> list[tuple[Section, float]]:
    """Each new Section, with the stream time in seconds at which it was first told."""
    ear, found = Listener(ListenerSettings(), rate), []
    for at in range(0, sound.size, step):
        for state in ear.push(sound[at : at + step]):
            if state.section.count != (found[-1][0].count if found else 0):
                found.append((state.section, state.time))
    return found


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_a_song_is_told_part_by_part(rate: int) -> None:
    """Breakdown: where it began, told a bar and a bit later. Build: within two bars. Drop: within 0.2 s."""
    found = told(parts(rate), rate)
    assert [section.name for section, _ in found] == ["intro", "steady", "breakdown", "build", "drop"]
    assert [section.count for section, _ in found] == [1, 2, 3, 4, 5]
    (breakdown, breakdown_told), (build, build_told), (drop, drop_told) = found[2:]
    assert abs(breakdown.time - BREAKDOWN) < 0.6  # the last kick sounds a beat before
    assert breakdown_told < BREAKDOWN + 1.3 * BAR
    assert BUILD < build.time <= build_told < BUILD + 2.0 * BAR
    assert abs(drop.time - DROP) < 0.05
    assert DROP < drop_told < DROP + 0.2


@pytest.mark.parametrize("decibels", [-45.0, -20.0, 6.0])
def test_the_level_changes_no_section(decibels: float) -> None:
    """-45 dBFS as 0 dBFS: the same parts, to a tick; a build to three, as the line's bar has its say in it."""
    peak = SONG / np.abs(SONG).max()
    loud, other = told(peak, 44100), told((peak * np.float32(10 ** (decibels / 20))).astype(np.float32), 44100)
    assert [s.name for s, _ in other] == [s.name for s, _ in loud]
    late = [abs(t - u) for (_, t), (_, u) in zip(other, loud, strict=True)]
    assert max(late[:3] + late[4:]) < 0.11
    assert late[3] < 0.31


def test_blocks_of_any_size_give_the_same_sections_and_moods() -> None:
    sound = SONG[round(6 * BAR * 44100) : round(11 * BAR * 44100)]

    def bits(step: int) -> list[bytes]:
        ear = Listener(ListenerSettings(), 44100)
        return [s.pack() for at in range(0, sound.size, step) for s in ear.push(sound[at : at + step])]

    assert bits(sound.size) == bits(441) == bits(1000)


def test_a_break_of_a_bar_and_a_half_is_no_drop() -> None:
    song = parts(44100, (("full", 6), ("breakdown", 1), ("full", 4)))
    assert "drop" not in [section.name for section, _ in told(song, 44100)]


def test_silence_ends_a_song_and_the_next_has_an_intro() -> None:
    """9 s of silence: told a bar after it began; the next song is learnt anew."""
    full = parts(44100, (("full", 6),))
    found = told(np.concatenate((full, np.zeros(9 * 44100, np.float32), full)), 44100)
    assert [section.name for section, _ in found] == ["intro", "steady", "silence", "intro", "steady"]
    silence, when = found[2]
    assert silence.time == pytest.approx(6 * BAR, abs=0.4)
    assert when < 6 * BAR + 1.3 * BAR
    assert found[3][0].time == pytest.approx(6 * BAR + 9.0, abs=0.15)


def test_hiss_is_silence() -> None:
    assert told(noise(8.0, 44100) * np.float32(1e-4), 44100) == []


def test_drums_that_enter_are_a_drop_and_last_a_phrase() -> None:
    """8 bars of pads, then 9 of drums: a drop where they enter, steady 8 bars later."""
    found = told(parts(44100, (("breakdown", 8), ("full", 10))), 44100)
    drop = next(section for section, _ in found if section.name == "drop")
    assert drop.time == pytest.approx(8 * BAR, abs=0.1)
    assert found[-1][0].name == "steady"
    assert found[-1][0].time == pytest.approx(16 * BAR, abs=0.8)


def test_a_breakdown_that_never_ends_is_the_music_as_it_is() -> None:
    """Frames made up: kicks for 20 s, then none; two minutes later it is steady, and stays so."""
    step, grid = 0.01, Grid(0.0, 0.0, 0.5)
    watch = SectionWatch(step, Section())
    names = []
    for n in range(20000):
        strike = Strike(1.2, 3.0, 0.3) if n % 50 == 0 and n < 2000 else Strike(0.02, 0.02, 0.05)
        heard = Heard(0.01, 0.01 if n < 2000 else 0.001, 0.4, strike)
        section = watch.push(heard, n * step, grid)
        if section.name not in names[-1:]:
            names.append(section.name)
    assert names == ["silence", "intro", "steady", "breakdown", "steady"]
    assert section.time == pytest.approx(19.5 + 120.0, abs=0.5)


def test_a_restart_goes_on_in_the_same_section() -> None:
    """The count goes on, and the drop that ends a breakdown is told although the restart fell into it."""
    seed = replace(State.unheard(), section=Section("breakdown", 7, -3.0, -6.0))
    ear = Listener(ListenerSettings(), 44100, seed)
    assert ear.state().section == seed.section
    ear.push(parts(44100, (("breakdown", 7),)))
    assert ear.state().section == seed.section
    ear.push(parts(44100, (("full", 1),)))
    assert (ear.state().section.name, ear.state().section.count) == ("drop", 8)


def test_pads_are_calm_and_drums_drive() -> None:
    """Pads alone below 0.25, four to the floor with hats above 0.4; silence sinks to 0."""

    def mood(sound: Sound) -> Levels:
        meter = LevelMeter(44100)
        return [meter.push(frame) for frame in Framer(meter.hop).push(sound)][-1]

    pads, full = parts(44100, (("breakdown", 6),)), parts(44100, (("full", 6),))
    assert mood(pads).mood_name == "calm"
    assert mood(full).mood > 0.4
    assert mood(np.concatenate((full, np.zeros(30 * 44100, np.float32)))).mood < 0.1


def test_moods_are_quarters() -> None:
    shares = (0.0, 0.24, 0.25, 0.5, 0.75, 1.0)
    names = [Levels(mood=mood).mood_name for mood in shares]
    assert names == ["calm", "calm", "easy", "driving", "frantic", "frantic"]
    assert set(names) == set(MOODS)


def test_the_demo_songs_break_and_what_ends_it_are_told_where_its_score_has_them() -> None:
    """The break to half a bar. Kick and bass are back at full strength with its riser, a beat in: so is the drop."""
    score = demo_score.section_times()
    ear, found = Listener(ListenerSettings(), 44100), {}
    for samples, _ in file_blocks(DEMO, 4096):
        for state in ear.push(mono(samples)):
            found.setdefault(state.section.count, (state.section, state.time))
    names = [section.name for section, _ in found.values()]
    assert names == ["silence", "intro", "steady", "breakdown", "drop", "steady", "breakdown"]
    assert abs(found[3][0].time - score["break"][0]) < 1.0
    assert 0.0 <= found[4][0].time - score["riser"][0] < 0.6
    assert found[4][1] - found[4][0].time < 0.2
    assert abs(found[6][0].time - score["ending"][0]) < 1.0
