"""The laws of sources: blocks in order and in time, devices found by name, one line for what is wrong."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.audio import SourceSettings, device, kinds, sources
from engine.audio import file as module
from engine.audio.device import AudioDevice, find_input
from engine.audio.file import DEMO, FileSource, file_blocks, open_file
from engine.audio.kinds import check_file, is_file
from engine.audio.sources import open_source, resolve
from engine.faults import Lost, Refused

RATE = 8000


class FakeTime:
    """A clock that moves only by sleeping, a little too long as sleeps do, and remembers how long."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds + 0.0002


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(module.clock, "now", fake.now)
    monkeypatch.setattr(module.time, "sleep", fake.sleep)
    return fake


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """One second whose samples count up, three channels: n, 2 n, -n thousandths."""
    n = np.arange(RATE, dtype=np.float32) / 1000.0
    path = tmp_path / "ramp.wav"
    soundfile.write(path, np.stack((n, 2 * n, -n), axis=1), RATE, subtype="FLOAT")
    return path


def blocks(source: FileSource, most: int = 10_000) -> list[module.Block]:
    found = []
    while len(found) < most and (block := source.read_rt()) is not None:
        found.append(block)
    source.close()
    return found


@pytest.mark.parametrize("block", [32, 100, 128, 4096])
def test_a_file_comes_whole_in_order_and_ends(ramp: Path, block: int, fake_time: FakeTime) -> None:
    """Every sample of every channel once; indices without a gap; then None."""
    found = blocks(FileSource(ramp, block=block, play=False, loop=False))
    assert np.array_equal(np.concatenate([b.samples for b in found]), soundfile.read(ramp, dtype="float32")[0])
    assert [b.end for b in found] == np.cumsum([b.samples.shape[0] for b in found]).tolist()
    assert {b.samples.shape[0] for b in found[:-1]} <= {block}
    assert {(b.samples.dtype.name, b.samples.shape[1], b.overflowed) for b in found} == {("float32", 3, False)}


def test_silent_files_keep_the_pace_of_their_samples(ramp: Path, fake_time: FakeTime) -> None:
    """Host times lie on one line to the last digit, however long the sleeps were; none is told before it is due."""
    source = FileSource(ramp, block=128, play=False, loop=False)
    assert (source.output, source.trouble) == ("nobody (silent)", "")
    begin = None
    while (block := source.read_rt()) is not None:
        begin = block.host - block.end / RATE if begin is None else begin
        assert block.host == pytest.approx(begin + block.end / RATE, abs=1e-9)
        assert block.host <= fake_time.at + 1e-9 <= block.host + 0.001
    source.close()
    assert sum(fake_time.slept) == pytest.approx(1.0, abs=0.05)


def test_after_a_sleep_of_the_machine_a_file_goes_on_from_there(ramp: Path, fake_time: FakeTime) -> None:
    source = FileSource(ramp, block=128, play=False, loop=False)
    before = [source.read_rt() for _ in range(10)][-1]
    fake_time.at += 0.5  # short: what was missed is caught up with
    caught_up = source.read_rt()
    fake_time.at += 60.0
    after = source.read_rt()
    source.close()
    assert before is not None
    assert caught_up is not None
    assert after is not None
    assert caught_up.host - before.host == pytest.approx(128 / RATE)
    assert after.host - caught_up.host == pytest.approx(60.0, abs=0.6)
    assert after.end == caught_up.end + 128


def test_a_loop_begins_again_without_a_gap(ramp: Path, fake_time: FakeTime) -> None:
    found = blocks(FileSource(ramp, block=100, play=False, loop=True), most=200)
    assert [b.end for b in found] == list(range(100, 20_100, 100))
    first = np.concatenate([b.samples[:, 0] for b in found])
    assert np.array_equal(first, np.resize(np.arange(RATE, dtype=np.float32) / np.float32(1000.0), 20_000))
    hosts = np.array([b.host for b in found])
    assert np.diff(hosts) == pytest.approx(100 / RATE, abs=1e-9)


def test_a_file_can_begin_within(ramp: Path, fake_time: FakeTime) -> None:
    """An engine that was restarted goes on where the song would be; indices count from the opening."""
    source = FileSource(ramp, block=100, play=False, loop=False, origin=fake_time.at - 0.75)
    block = source.read_rt()
    assert block is not None
    assert (block.end, round(float(block.samples[0, 0]), 3), source.position) == (100, 6.0, 0.7625)
    assert len(blocks(source)) == 19
    looped = FileSource(ramp, block=100, play=False, loop=True, origin=fake_time.at - 2.5)
    block = looped.read_rt()
    looped.close()
    assert block is not None
    assert round(float(block.samples[0, 0]), 3) == 4.0
    assert blocks(FileSource(ramp, block=100, play=False, loop=False, origin=fake_time.at - 99.0)) == []


def test_an_aborted_read_comes_back_with_the_end(ramp: Path, fake_time: FakeTime) -> None:
    source = FileSource(ramp, block=4096, play=False, loop=False)
    assert len([source.read_rt() for _ in range(2)]) == 2
    assert source.read_rt() is None
    ended: list[Any] = []
    waiting = threading.Thread(target=lambda: ended.append(source.read_rt()))
    waiting.start()
    source.abort()
    waiting.join(5.0)
    source.close()
    assert ended == [None]


def test_a_file_that_no_output_plays_says_why_and_is_performed(ramp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_output(*arguments: Any) -> None:
        raise Lost("no sound output on this machine")

    monkeypatch.setattr(module, "Player", no_output)
    source = FileSource(ramp, block=4096, play=True, loop=False)
    assert (source.output, source.trouble) == ("nobody (silent)", "no sound output on this machine")
    assert len(blocks(source)) == 2


class FakePlayer:
    """An output that plays two channels with 60 ms in its buffer, and is pulled out after `lives` blocks."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate, self.channels, self.name, self.latency = rate, min(channels, 2), "speakers", 0.06
        self.played: list[np.ndarray] = []
        self.lives = 3

    def write_rt(self, samples: np.ndarray) -> bool:
        if len(self.played) == self.lives:
            raise Lost("sound output 'speakers' stopped")
        self.played.append(samples)
        return False

    def close(self) -> None:
        pass


def test_what_is_played_is_timed_by_when_it_is_heard(
    ramp: Path, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three channels come as their mean on both sides; a lost output is no end: the file goes on silently."""
    player = FakePlayer(RATE, 3)
    monkeypatch.setattr(module, "Player", lambda rate, channels: player)
    source = FileSource(ramp, block=1000, play=True, loop=False)
    assert source.output == "speakers"
    first = source.read_rt()
    assert first is not None
    assert first.host == pytest.approx(fake_time.at + 0.06)
    assert player.played[0].shape == (1000, 2)
    assert np.allclose(player.played[0], first.samples.mean(axis=1, keepdims=True))
    rest = blocks(source)
    assert (len(rest), source.output, source.trouble) == (7, "nobody (silent)", "sound output 'speakers' stopped")
    assert [b.end for b in rest] == list(range(2000, 9000, 1000))


# ---- files that can't be read ----


def test_what_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "header.wav", np.zeros(0), RATE)
    said = {"no.wav": "there is no such file", "text.wav": "can't be read as sound", "empty.wav": "is empty",
            "header.wav": "holds no sound", ".": "is a folder"}  # fmt: skip
    for name, words in said.items():
        with pytest.raises(Refused, match=words) as refused:
            open_file(tmp_path / name)
        assert str(refused.value).startswith(str(tmp_path / name))
        with pytest.raises(Refused, match=words):
            check_file(str(tmp_path / name))


def test_whole_files_are_read_as_fast_as_they_come(ramp: Path) -> None:
    found = list(file_blocks(ramp, 3000))
    assert [(samples.shape, end) for samples, end in found] == [((3000, 3), 3000), ((3000, 3), 6000), ((2000, 3), 8000)]
    check_file("demo")
    check_file("USB Interface")  # a device's name is not looked for among files


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("song.wav", True), ("Song.FLAC", True), ("a/b", True), ("~/x.mp3", True), ("c:\\x", True), (str(DEMO), True),
        ("auto", False), ("demo", False), ("monitor", False), ("3", False), ("USB Audio 2.0", False), ("", False),
    ],
)  # fmt: skip
def test_files_are_told_from_devices_by_how_they_are_written(wanted: str, file: bool) -> None:
    assert is_file(wanted) is file
    assert "." not in kinds._SUFFIXES


# ---- devices ----


def inputs(*names: str, default: int = 0, loopbacks: tuple[str, ...] = ()) -> list[AudioDevice]:
    """Devices with two inputs each, numbered from 4, and one that is an output only."""
    found = [
        AudioDevice(4 + i, name, "ALSA", 2, 0, 48000, name in loopbacks, i == default, False)
        for i, name in enumerate(names)
    ]
    return [AudioDevice(0, "Speakers", "ALSA", 0, 2, 48000, False, False, True), *found]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Any:
    def plugged(*names: str, **more: Any) -> None:
        monkeypatch.setattr(device, "audio_devices", lambda: inputs(*names, **more))
        monkeypatch.setattr(sources, "audio_devices", device.audio_devices)

    return plugged


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("auto", "Mic"), ("4", "Webcam"), ("5", "USB Mic 2"), ("usb", "USB Mic 2"), ("mic", "Mic"),
        ("MIC, alsa", "Mic"), ("webcam", "Webcam"), ("cam, AL", "Webcam"),
    ],
)  # fmt: skip
def test_an_input_is_found_by_number_name_or_part_of_it(wanted: str, found: str, plug: Any) -> None:
    """The whole name before a part of one, in any case."""
    plug("Webcam", "USB Mic 2", "Mic", default=2)
    assert find_input(wanted).name == found


def test_an_input_that_is_not_there_is_told_with_those_there_are(plug: Any) -> None:
    plug("Webcam", "Mic")
    for wanted in ("Speakers", "9", "synth"):
        with pytest.raises(Lost, match=rf"no sound input is called '{wanted}': there are 4 Webcam; 5 Mic"):
            find_input(wanted)
    plug()
    with pytest.raises(Lost, match=r"no sound input on this machine: plug one in, or use --input demo"):
        find_input("auto")


def test_without_a_default_the_first_input_is_taken(plug: Any) -> None:
    plug("Webcam", "Mic", default=9)
    assert find_input("auto").name == "Webcam"


def test_the_monitor_hears_what_the_computer_plays(plug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PulseAudio's or PipeWire's plug-in, told its source; else a loopback; else what to install."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PULSE_SOURCE", "before")
    plug("Mic", "default", "pulse", loopbacks=("Mic",))
    found = find_input("monitor")
    assert (found.number, found.name, found.loopback) == (6, "monitor of the default output", True)
    assert os.environ["PULSE_SOURCE"] == "@DEFAULT_MONITOR@"
    plug("Mic", "Monitor of Speakers", loopbacks=("Monitor of Speakers",))
    assert find_input("monitor").name == "Monitor of Speakers"
    plug("Mic")
    with pytest.raises(Lost, match="install a loopback"):
        find_input("monitor")


def test_auto_is_the_demo_where_nothing_can_be_heard(plug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plug("Mic")
    assert [resolve(SourceSettings(input=i)) for i in ("auto", "demo", "Mic")] == ["auto", "demo", "Mic"]
    plug()
    assert resolve(SourceSettings()) == "demo"

    def broken() -> list[AudioDevice]:
        raise Refused("PortAudio is not installed")

    monkeypatch.setattr(sources, "audio_devices", broken)
    assert resolve(SourceSettings()) == "demo"


def test_the_demo_and_files_need_no_sound_system(ramp: Path) -> None:
    for wanted, rate in (("demo", 44100), (str(ramp), RATE)):
        source = open_source(SourceSettings(input=wanted, play=False, block=64))
        assert (source.rate, source.name) == (rate, "demo.ogg" if wanted == "demo" else "ramp.wav")
        source.close()


def test_a_source_of_the_sound_server_is_found_by_part_of_its_name(plug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PortAudio knows one device for all of them; a device of that name comes first; the next stream forgets it."""
    monkeypatch.setattr(device.pulse, "sources", lambda: ["alsa_input.usb", "alsa_output.hdmi.monitor"])
    plug("Mic", "pulse")
    found = find_input("HDMI")
    assert (found.number, found.name, found.loopback) == (5, "alsa_output.hdmi.monitor", True)
    assert os.environ["PULSE_SOURCE"] == "alsa_output.hdmi.monitor"
    assert find_input("mic").number == 4
    assert "PULSE_SOURCE" not in os.environ
    with pytest.raises(Lost, match=r"there are 4 Mic; 5 pulse; alsa_input.usb; alsa_output.hdmi.monitor"):
        find_input("spdif")
