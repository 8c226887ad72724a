"""The laws of recordings: they run again bit for bit, what was changed is found, nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.faults import Refused
from engine.hearing import ListenerSettings
from engine.hearing.live import LiveListener
from engine.recording import Recorder, replay
from engine.state import State
from tests.synthetic import song

RATE, BLOCK = 44100, 441
SOUND = song(3.0, RATE)[0]
SETTINGS = ListenerSettings(tempo=(60.0, 200.0), beats_per_bar=3)


def record(path: Path, *, audio: bool = True, openings: int = 1, seconds: float = 2.0, end: bool = True) -> State:
    """What an engine writes: openings of a source, late blocks, an overflow, a tap. Returns the newest State."""
    recorder = Recorder(path, audio=audio)
    rng, seed = np.random.default_rng(1), None
    for opening in range(openings):
        recorder.begin(RATE, SETTINGS, seed, 5, "synthetic")
        ear = LiveListener(SETTINGS, RATE, seed, 5)
        begin = 100.0 + 10.0 * opening
        for number, at in enumerate(range(0, round(seconds * RATE) - BLOCK, BLOCK)):
            lost = number == 120
            host = begin + (at + BLOCK) / RATE + float(rng.exponential(0.001)) + 0.05 * (number >= 120)
            states = ear.hear(SOUND[at : at + BLOCK], host, lost)
            recorder.heard(SOUND[at : at + BLOCK], host, lost, states)
            seed = states[-1] if states else seed
            if number == 80 and ear.hint("tap", host - 0.03, 0.0):
                recorder.hint("tap", host - 0.03, 0.0)
        recorder.sent("midi", 100.0, bytes((0x99, 36, 100)))
    if end:
        recorder.close("stopped")
    assert seed is not None
    return seed


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "show.jsonl"
    Recorder.begin_file(path, {"title": "T"})
    record(path)
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the lines of a recording one by one."""
    kept = lines(path)
    for line in kept:
        change(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))


def test_a_recording_runs_again_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "show.jsonl"
    Recorder.begin_file(path, {})
    newest = record(path)
    found = replay(path)
    assert (found.differs, found.openings, found.newest) == ("", 1, newest)
    assert found.blocks == sum("heard" in line for line in lines(path)) == 199
    assert found.states > 200


def test_each_opening_goes_on_from_its_seed(tmp_path: Path) -> None:
    """A source lost and found twice: three parts of sound, one line of counts."""
    path = tmp_path / "show.jsonl"
    Recorder.begin_file(path, {})
    newest = record(path, openings=3, seconds=1.5)
    found = replay(path)
    assert (found.differs, found.openings, found.newest) == ("", 3, newest)
    begins = [line["begin"] for line in lines(path) if "begin" in line]
    assert [begin["audio"] for begin in begins] == ["show-1.f32", "show-2.f32", "show-3.f32"]
    assert [bool(begin["seed"]) for begin in begins] == [False, True, True]


def test_a_second_engine_writes_on_in_the_same_file(recorded: Path) -> None:
    """The first was killed; its sound is kept, the successor's lies beside it."""
    kept = recorded.with_name("show-1.f32").read_bytes()
    record(recorded)
    found = replay(recorded)
    assert (found.differs, found.openings) == ("", 2)
    assert recorded.with_name("show-1.f32").read_bytes() == kept
    assert recorded.with_name("show-2.f32").stat().st_size == len(kept)


def test_a_changed_sample_is_found_at_its_block(recorded: Path) -> None:
    sound = recorded.with_name("show-1.f32")
    data = np.fromfile(sound, "<f4")
    data[30_000] += 0.01
    data.tofile(sound)
    differs = replay(recorded).differs
    assert differs.startswith(f"{recorded}:")
    at = int(differs.split("up to sample ")[1].split(" ")[0])
    assert 30_000 < at < 30_000 + 3 * BLOCK


def test_a_changed_hint_time_or_setting_is_found(recorded: Path) -> None:
    original = recorded.read_text()

    def hint(line: dict[str, Any]) -> None:
        line.update(host=line["host"] + 0.01 if "hint" in line else line.get("host"))

    def host(line: dict[str, Any]) -> None:
        line.update(host=line["host"] - 0.002 if line.get("heard") else line.get("host"))

    def bars(line: dict[str, Any]) -> None:
        if "begin" in line:
            line["begin"]["settings"]["beats_per_bar"] = 4

    def crc(line: dict[str, Any]) -> None:
        if "crc" in line:
            line["crc"] ^= line["crc"] != 0

    for change in (hint, host, bars, crc):
        recorded.write_text(original)
        rewrite(recorded, change)
        assert "differ from those recorded" in replay(recorded).differs, change.__name__


@pytest.mark.parametrize("torn", ["line", "sound", "both"])
def test_a_crash_costs_only_what_was_not_written(torn: str, recorded: Path) -> None:
    """A torn last line, samples that are missing: what is whole still runs again."""
    sound = recorded.with_name("show-1.f32")
    whole = replay(recorded).blocks
    if torn in ("line", "both"):
        text = recorded.read_text()
        recorded.write_text(text[: text.rindex('{"heard"') + 20])
    if torn in ("sound", "both"):
        sound.write_bytes(sound.read_bytes()[: -2 * 4 * BLOCK - 3])
    found = replay(recorded)
    assert found.differs == ""
    assert whole - 4 <= found.blocks < whole


def test_a_recording_holds_what_was_sent_and_how_it_was(recorded: Path) -> None:
    kept = lines(recorded)
    assert kept[0] == {"getaway": "recording", "version": 2, "title": "T"}
    assert kept[-1] == {"end": "stopped"}
    assert [line for line in kept if "sent" in line] == [
        {"sent": "midi", "host": 100.0, "bytes": "992464"}
    ]
    states = [line["state"] for line in kept if "state" in line]
    assert 15 <= len(states) <= 21  # ten a second
    assert set(states[0]) == {"time", "beat", "bpm", "confidence", "hits", "section", "loudness", "mood", "bands"}


def test_nothing_is_ever_overwritten(recorded: Path) -> None:
    kept = recorded.read_bytes()
    with pytest.raises(Refused, match=r"show.jsonl: exists already; recordings are never overwritten"):
        Recorder.begin_file(recorded, {})
    assert recorded.read_bytes() == kept
    with pytest.raises(Refused, match="can't be written: No such file or directory"):
        Recorder.begin_file(recorded.with_name("no") / "x.jsonl", {})


def test_without_its_sound_a_recording_says_what_is_missing(tmp_path: Path, recorded: Path) -> None:
    dumb = tmp_path / "dumb.jsonl"
    Recorder.begin_file(dumb, {})
    record(dumb, audio=False)
    with pytest.raises(Refused, match=r"dumb.jsonl:2: was recorded without its audio; record with --record-audio"):
        replay(dumb)
    recorded.with_name("show-1.f32").unlink()
    with pytest.raises(Refused, match=r"show-1.f32: is missing; it was recorded beside show.jsonl"):
        replay(recorded)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no 'begin'"),
        ("no json", "is not a Getaway recording"),
        ("[1, 2]\n", "is not a Getaway recording"),
        ('"text"\n', "is not a Getaway recording"),
        ('{"getaway": "recording", "version": 1}\n', "is not a Getaway recording of version 2"),
        ('{"getaway": "recording", "version": 2}\n', "holds no 'begin': nothing was heard in it"),
        ("\udcff\udcfe", "is not a Getaway recording"),
    ],
)
def test_what_is_no_recording_is_told_in_a_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refused, match=said) as refused:
        replay(path)
    assert "\n" not in str(refused.value)


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can't be read: No such file or directory"):
        replay(tmp_path / "x.jsonl")
    with pytest.raises(Refused, match="can't be read: Is a directory"):
        replay(tmp_path)
