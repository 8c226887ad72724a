"""The laws of the guard: what is in is found through cuts, noise and codecs, what is not is let pass."""

from __future__ import annotations

import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from training import reserved
from training.fingerprint import RATE, Index, landmarks, read_mono
from training.grams import alike, midi_grams
from training.real import PACKAGES, SAME, licence_of, pulse
from training.reserved import HOLDS, reserved_package

DEV = Path("../shared/beats-dev/dev")
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: A
License: GPL-2+

Files: data/music/*
 ./other/one.ogg
Copyright: B
License: CC-BY-SA-3.0
 text of it
"""


def tune(seed: int, seconds: float = 20.0) -> np.ndarray:
    """A random melody of plucked tones at 120 BPM, float32 at 11025 Hz."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * RATE) + RATE)
    time = np.arange(RATE // 2) / RATE
    for start in range(0, round(seconds * RATE), RATE // 4):
        pitch = 220.0 * 2 ** (rng.integers(0, 25) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in (1, 2, 3, 5)) * np.exp(-6 * time)
        audio[start : start + time.size] += 0.2 * tone * rng.uniform(0.5, 1.0)
    return audio.astype(np.float32)


def melody(path: Path, seed: int, *, up: int = 0, tempo: float = 120.0) -> Path:
    rng = np.random.default_rng(seed)
    midi, track = mido.MidiFile(), mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
    for _ in range(120):
        key, ticks = int(rng.integers(50, 75)) + up, int(rng.choice([240, 480, 960]))
        track.append(mido.Message("note_on", note=key, velocity=90))
        track.append(mido.Message("note_off", note=key, time=ticks))
    midi.tracks.append(track)
    midi.save(path)
    return path


def test_a_cut_under_noise_is_found_and_another_tune_is_not() -> None:
    index = Index({"a": landmarks(tune(1)[3 * RATE : 13 * RATE]), "b": landmarks(tune(2))})
    noise = np.random.default_rng(0).normal(0.0, 0.03, 21 * RATE).astype(np.float32)
    shares = index.scores(landmarks(tune(1) * 0.5 + noise))
    assert shares[0] > 5 * HOLDS
    assert shares[1] < HOLDS / 2


def test_silence_holds_nothing() -> None:
    silence = landmarks(np.zeros(RATE * 5, np.float32))
    assert Index({"a": landmarks(tune(1))}).scores(silence)[0] < HOLDS
    assert Index({"a": silence}).scores(landmarks(tune(1)))[0] == 0.0


@pytest.mark.skipif(not DEV.exists(), reason=f"needs {DEV}")
def test_a_crossfade_of_the_validation_set_is_found_to_hold_its_parts() -> None:
    names = ["groove-rock_100", "real-War_of_freedom-50", "stk-celtic"]
    index = Index({name: landmarks(read_mono(DEV / f"{name}.ogg")) for name in names})
    shares = index.scores(landmarks(read_mono(DEV / "xfade-dev-0.ogg")))
    assert min(shares[:2]) > SAME
    assert shares[2] < HOLDS / 4


def test_a_melody_is_known_in_another_key_and_tempo(tmp_path: Path) -> None:
    mine = midi_grams(melody(tmp_path / "a.mid", 1))
    assert alike(mine, midi_grams(melody(tmp_path / "b.mid", 1, up=5, tempo=97.0))) == 1.0
    assert alike(mine, midi_grams(melody(tmp_path / "c.mid", 2))) == 0.0


def test_the_command_names_what_matches_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("kept", "mine", "clean"):
        (tmp_path / folder).mkdir()
    soundfile.write(tmp_path / "kept/song.flac", tune(1), RATE)
    soundfile.write(tmp_path / "mine/renamed.wav", tune(1)[RATE:], RATE)
    soundfile.write(tmp_path / "clean/other.wav", tune(2), RATE)
    melody(tmp_path / "kept/score.mid", 1)
    melody(tmp_path / "mine/copy.mid", 1, up=2)
    command = ["reserved", "--against", str(tmp_path / "kept")]
    monkeypatch.setattr(sys, "argv", [*command, str(tmp_path / "mine")])
    assert reserved.main() == 1
    said = capsys.readouterr().out
    assert "renamed.wav: holds" in said
    assert "copy.mid: plays" in said
    monkeypatch.setattr(sys, "argv", [*command, str(tmp_path / "clean")])
    assert reserved.main() == 0


def test_no_reserved_package_is_listed() -> None:
    assert not [name for name in PACKAGES if reserved_package(name)]
    assert reserved_package("supertuxkart-data")


def test_the_last_fitting_stanza_gives_the_licence() -> None:
    assert licence_of(COPYRIGHT, "usr/share/game/music/a.ogg") == "CC-BY-SA-3.0"
    assert licence_of(COPYRIGHT, "usr/share/game/other/one.ogg") == "CC-BY-SA-3.0"
    assert licence_of(COPYRIGHT, "usr/share/game/sounds/a.ogg") == "GPL-2+"


def test_notes_in_time_have_a_pulse_and_noise_has_none() -> None:
    assert pulse(tune(3)) > 0.3
    assert pulse(np.random.default_rng(0).normal(0.0, 0.1, 20 * RATE).astype(np.float32)) < 0.1
