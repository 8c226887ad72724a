"""The laws of the corpora: beats are where the score has them, bars begin where they say, nothing reserved comes in."""

from __future__ import annotations

import shutil
from pathlib import Path

import mido
import numpy as np
import pytest

from training.corpora import GROOVE, groove_songs, hydrogen_songs, mma_songs
from training.midi import tick_times
from training.mma import families
from training.reserved import reserved_groove_midi, reserved_mma

TABLE = (
    "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
    "drummer2,drummer2/session1,drummer2/session1/1,rock,90,beat,4-4,rock.mid,,,train\n"
    "drummer2,drummer2/session1,drummer2/session1/2,rock,90,fill,4-4,rock.mid,,,train\n"
    "drummer1,drummer1/session1,drummer1/session1/1,rock,90,beat,4-4,rock.mid,,,train\n"
)
NEEDS_MMA = pytest.mark.skipif(not shutil.which("mma"), reason="needs mma (Debian: mma)")


def drums(path: Path, beats: int, *, first: int = 0) -> None:
    """Kick on 1 and 3, snare on 2 and 4, TD-11's hat edge on eighths; 90 BPM, from beat 16 on 120 BPM."""
    midi, track = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90)))
    for beat in range(beats):
        if beat == 16:
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(120)))
        track.append(mido.Message("note_on", channel=9, note=38 if (beat + first) % 2 else 36, velocity=100))
        track.append(mido.Message("note_on", channel=9, note=22, velocity=60))
        track.append(mido.Message("note_on", channel=9, note=22, velocity=60, time=240))
        track.append(mido.MetaMessage("marker", text="", time=240))
    midi.tracks.append(track)
    midi.save(path)


def test_ticks_become_seconds_along_the_tempo_map(tmp_path: Path) -> None:
    drums(tmp_path / "a.mid", 20)
    seconds = tick_times(mido.MidiFile(tmp_path / "a.mid"))(480.0 * np.array([0, 16, 18]))
    assert seconds == pytest.approx([0.0, 16 / 1.5, 16 / 1.5 + 1.0], abs=1e-4)


@pytest.mark.parametrize(("first", "positions"), [(0, [1, 2, 3, 4]), (1, [0, 0, 0, 0])])
def test_a_groove_has_the_click_for_beats_and_bars_only_where_its_drums_agree(
    tmp_path: Path, first: int, positions: list[int]
) -> None:
    drums(tmp_path / "rock.mid", 20, first=first)
    (tmp_path / "info.csv").write_text(TABLE)
    (song,) = groove_songs(tmp_path)
    assert song.source == "groove/drummer2"
    assert song.beats[:16] == pytest.approx(np.arange(16) / 1.5, abs=1e-4)
    assert len(song.beats) == 20
    assert song.positions[:4].tolist() == positions
    assert set(song.parts[0].notes[:, 2]) == {36, 38, 42}


@pytest.mark.skipif(not GROOVE.exists(), reason=f"needs {GROOVE}")
def test_no_groove_of_the_judging_set_comes_in() -> None:
    sources = {song.source for song in groove_songs()}
    assert sources == {f"groove/drummer{n}" for n in (2, 3, 4, 8, 9, 10)}
    assert reserved_groove_midi(8, "13_afrobeat_103_beat_4-4.mid")


@pytest.mark.parametrize("name", ["Ska1", "50s_RockA", "8BeatPlus", "TranceBass1", "Rock128Plain", "MamboMainA"])
def test_reserved_grooves_are_known_with_their_variants(name: str) -> None:
    assert reserved_mma(name)


@NEEDS_MMA
def test_band_songs_sound_on_their_beats() -> None:
    for song in mma_songs(np.random.default_rng(0), 8):
        onsets = np.concatenate([part.notes[:, 0] for part in song.parts])
        distance = np.abs(song.beats[:, None] - onsets[None]).min(axis=1)
        assert np.mean(distance < 0.04) > 0.45, song.name
        assert song.positions[0] == 1
        assert len(song.beats) == len(song.positions) > 8
        assert song.duration > song.beats[-1]


@NEEDS_MMA
def test_no_reserved_family_plays() -> None:
    known = families()
    assert len(known) > 150
    assert not [name for family in known for name in (*family.mains, *family.fills) if reserved_mma(name)]


def test_hydrogen_songs_count_their_bars(tmp_path: Path) -> None:
    note = "<note><position>{}</position><velocity>0.8</velocity><instrument>0</instrument></note>"
    (tmp_path / "a.h2song").write_text(
        "<song><bpm>120</bpm><instrumentList><instrument><id>0</id><name>Kick</name></instrument></instrumentList>"
        "<patternList><pattern><name>p</name><size>144</size><noteList>"
        f"{note.format(0)}{note.format(48)}</noteList></pattern></patternList>"
        f"<patternSequence>{'<group><patternID>p</patternID></group>' * 8}</patternSequence></song>"
    )
    (song,) = hydrogen_songs(tmp_path)
    assert song.beats == pytest.approx(0.5 * np.arange(24))
    assert song.positions[:4].tolist() == [1, 2, 3, 1]
    assert song.parts[0].notes[:3, 0] == pytest.approx([0.0, 0.5, 1.5])
