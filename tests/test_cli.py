"""The laws of the command line: one clear line for what went wrong, exit codes that mean something, never a traceback.

Commands run as users run them, as processes of their own; where only arguments matter, in this one.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from engine import __version__
from engine.cli import cli, main
from engine.faults import Refused
from engine.hearing.frames import hop_for
from engine.show import shipped
from tests.synthetic import song, write

RATE = 44100
COMMANDS = ["perform", "check", "new", "devices", "listen", "see", "replay"]


def getaway(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def here(*arguments: str | Path) -> Result:
    """In this process: as getaway(), a Refused told as main() tells it."""
    runner = CliRunner()

    def run() -> None:
        sys.argv = ["getaway", *map(str, arguments)]
        main()

    import click

    result = runner.invoke(click.Command("getaway", callback=run), [])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(autouse=True)
def _own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", list(sys.argv))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 s at 126 BPM."""
    return write(tmp_path_factory.mktemp("music") / "song.wav", song(16.0, RATE, 126.0)[0], RATE)


# ---- help and exit codes ----


def test_help_names_every_command_in_the_order_one_meets_them() -> None:
    result = here("--help")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.split("Commands:\n")[1].splitlines()] == COMMANDS
    assert list(cli.commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_says_what_it_does(command: str) -> None:
    result = here(command, "-h")
    assert (result.exit_code, command in result.output) == (0, True)
    assert cli.commands[command].help
    for parameter in cli.commands[command].params:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.name  # type: ignore[attr-defined]
            assert parameter.opts[-1] in result.output


def test_the_version_is_the_package_s() -> None:
    done = getaway("--version")
    assert (done.returncode, done.stdout) == (0, f"getaway, version {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"], ["listen"], ["listen", "--lead", "-1", "x.wav"], ["listen", "--lead", "nan", "x.wav"],
        ["check"], ["perform", "--seconds", "0"], ["--wrong"], ["listen", "--tracker", "nobody", "x.wav"],
        ["new", "x", "--from", "nothing"], ["check", "no-such-show"], ["perform", "no-such-show"],
        ["perform", "demo", "--input", "no/such.wav"], ["replay", "no-such.jsonl"], ["listen", "no-such.wav"],
        ["see", "no-such.wav", "-o", "x.png"], ["see", "x.wav"],
    ],
)  # fmt: skip
def test_what_was_asked_for_wrongly_ends_with_2_and_a_line(arguments: list[str]) -> None:
    result = here(*arguments)
    assert result.exit_code == 2
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(("getaway: ", "Error: "))
    assert result.stdout == ""


def test_each_problem_of_a_show_has_its_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("title = 3\n[source]\nblock = 1\n")
    done = getaway("check", bad)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f'getaway: {bad}: title: 3 is not text ("...")',
        f"getaway: {bad}: source.block: 1 is not 32..4096",
    ]


@pytest.mark.parametrize("name", shipped())
def test_shipped_shows_are_checked_as_good(name: str) -> None:
    result = here("check", name)
    assert (result.exit_code, f"{name}.toml: good." in result.output) == (0, True)


def test_new_makes_a_show_that_checks_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert here("new", path).exit_code == 0
    assert here("check", path).exit_code == 0
    path.write_text("mine")
    again = here("new", path)
    assert (again.exit_code, path.read_text()) == (2, "mine")
    assert again.stderr == f"getaway: {path}: exists already; choose another name (nothing was changed)\n"


def test_a_refusal_of_several_lines_names_the_program_on_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise Refused("one\ntwo")

    monkeypatch.setattr("engine.recording.replay", refuse)
    assert here("replay", "x").stderr == "getaway: one\ngetaway: two\n"


# ---- listen ----


def beats(*arguments: str | Path) -> list[dict[str, float]]:
    result = here("listen", "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_listen_says_each_beat_when_a_live_output_would_play_it(music: Path) -> None:
    """Announced in order, at ends of hops, and at most one hop before the beat falls due."""
    told = beats(music)
    hop = hop_for(RATE, 128) / RATE
    assert len(told) > 20
    assert all(set(beat) == {"beat", "announced", "beat_in_bar"} for beat in told)
    announced = [beat["announced"] for beat in told]
    assert announced == sorted(announced)
    assert max(abs(a / hop - round(a / hop)) for a in announced) < 1e-6
    assert all(beat["beat"] <= beat["announced"] + hop + 1e-9 for beat in told)
    # Not long after it either, but for the beats at which the line is put right.
    assert np.median([beat["announced"] - beat["beat"] for beat in told]) < 0.005
    steady = np.diff([beat["beat"] for beat in told if beat["beat"] > 8.0])
    assert np.abs(steady * 126.0 / 60.0 - 1.0).max() < 0.05


def test_lead_decides_each_beat_so_much_earlier(music: Path) -> None:
    hop = hop_for(RATE, 128) / RATE
    early = [beat for beat in beats(music, "--lead", "0.25") if beat["beat"] > 6.0]
    assert len(early) > 15
    ahead = [beat["beat"] - beat["announced"] for beat in early]
    assert max(ahead) <= 0.25 + hop + 1e-9
    assert np.median(ahead) == pytest.approx(0.25, abs=0.01)


def test_a_second_run_says_the_same_in_another_process(music: Path) -> None:
    once, again = getaway("listen", "--json", music), getaway("listen", "--json", music)
    assert (once.returncode, once.stdout) == (0, again.stdout)
    assert [json.loads(line) for line in once.stdout.splitlines()] == beats(music)


def test_for_people_the_same_beats_stand_in_words(music: Path) -> None:
    words = here("listen", music).stdout.splitlines()
    told = beats(music)
    assert [float(line.split()[0]) for line in words] == pytest.approx([b["beat"] for b in told], abs=0.0006)
    assert "beat in bar -" in words[0]


def test_batch_writes_beats_and_timings_whole_and_keeps_what_is_there(music: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    assert here("listen", "--batch", folder, music).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["song.jsonl", "song.time.json"]
    assert [json.loads(line) for line in (folder / "song.jsonl").read_text().splitlines()] == beats(music)
    timing = json.loads((folder / "song.time.json").read_text())
    assert set(timing) == {"cpu_s", "wall_s", "audio_s"}
    assert timing["audio_s"] == 16.0
    (folder / "song.jsonl").write_text("kept")
    assert here("listen", "--batch", folder, music).exit_code == 0
    assert (folder / "song.jsonl").read_text() == "kept"


# ---- sounds of all kinds ----


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Path:
    """A folder of files that are hard to read, and some that are not."""
    folder = tmp_path_factory.mktemp("sounds")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "noise.wav").write_bytes(bytes(range(256)) * 20)
    (folder / "text.mp3").write_text("this is no music\n" * 50)
    (folder / "headless.flac").write_bytes(b"fLaC" + bytes(60))
    (folder / "folder.wav").mkdir()
    write(folder / "header.wav", np.zeros(0, np.float32), RATE)
    write(folder / "silent.wav", np.zeros(5 * RATE, np.float32), RATE)
    write(folder / "short.wav", np.zeros(3, np.float32), RATE)
    three = np.repeat(song(12.0, 22050, 126.0)[0][:, None], 3, axis=1)
    write(folder / "three.wav", three, 22050)
    write(folder / "fast.wav", song(12.0, 96000, 126.0)[0], 96000)
    broken = song(12.0, RATE, 126.0)[0]
    broken[RATE : RATE + 999] = math.nan
    broken[2 * RATE : 2 * RATE + 9] = math.inf
    write(folder / "nan.wav", broken, RATE)
    cut = soundfile.read(music, dtype="float32")[0]
    soundfile.write(folder / "whole.flac", cut, RATE)
    data = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(data[: len(data) // 2])
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.wav", "there is no such file"),
        ("empty.wav", "is empty"),
        ("noise.wav", "can't be read as sound"),
        ("text.mp3", "can't be read as sound"),
        ("headless.flac", "can't be read as sound"),
        ("folder.wav", "is a folder, a sound file is wanted"),
        ("header.wav", "holds no sound (0 samples)"),
    ],
)
@pytest.mark.parametrize("command", [["listen"], ["perform", "demo", "--headless", "--input"]])
def test_what_can_not_be_heard_is_told_in_one_line(command: list[str], name: str, said: str, sounds: Path) -> None:
    result = here(*command, sounds / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"getaway: {sounds / name}: {said}")


@pytest.mark.parametrize("name", ["silent.wav", "short.wav"])
def test_in_silence_there_is_no_beat(name: str, sounds: Path) -> None:
    assert beats(sounds / name) == []


@pytest.mark.parametrize("name", ["three.wav", "fast.wav", "nan.wav"])
def test_unusual_sound_is_heard_as_any_other(name: str, sounds: Path) -> None:
    """Three channels at 22.05 kHz, 96 kHz, not-a-numbers: 126 BPM all the same."""
    times = [beat["beat"] for beat in beats(sounds / name) if beat["beat"] > 5.0]
    assert len(times) >= 12
    assert 60.0 / np.median(np.diff(times)) == pytest.approx(126.0, rel=0.01)


def test_a_file_that_breaks_off_is_told_and_the_next_is_heard(sounds: Path, music: Path) -> None:
    result = here("listen", "--json", sounds / "empty.wav", sounds / "cut.flac", music)
    assert result.exit_code == 2
    told = result.stderr.splitlines()
    assert told[0] == f"getaway: {sounds / 'empty.wav'}: is empty"
    assert all(line.startswith(f"getaway: {sounds / 'cut.flac'}: ") for line in told[1:])
    assert len(result.stdout.splitlines()) >= len(beats(music))


def test_a_recording_s_options_need_each_other(tmp_path: Path) -> None:
    result = here("perform", "demo", "--headless", "--record-audio")
    assert (result.exit_code, "--record-audio: needs --record" in result.stderr) == (2, True)
