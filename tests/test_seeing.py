"""The laws of `getaway see`: a picture of the size asked for, a verdict that is right, one line for what went wrong."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import mir_eval
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from engine.cli import cli
from engine.faults import Refused
from engine.hearing import ListenerSettings
from engine.seeing.heard import Fired, hear
from engine.seeing.truth import Truth, judge, pairs, read_truth
from tests.synthetic import song, write

RATE = 44100


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 s at 126 BPM, its true beats beside it."""
    sound, true = song(6.0, RATE, 126.0)
    path = write(tmp_path_factory.mktemp("music") / "a $song$.wav", sound, RATE)
    lines = [f"{time:.4f}\t{number % 4 + 1}\n" for number, time in enumerate(true["beat"])]
    path.with_suffix(".beats").write_text("".join(lines), encoding="utf-8")
    return path


def see(*arguments: str | Path) -> str:
    """What it said. Refused is raised, as main() expects it."""
    result = CliRunner().invoke(cli, ["see", *map(str, arguments)])
    if isinstance(result.exception, Refused):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_picture_has_the_size_asked_for_and_the_verdict_its_figures(music: Path, tmp_path: Path) -> None:
    said = see(music, "-o", tmp_path / "hear.png", "--width", "900", "--height", "1000").splitlines()
    with Image.open(tmp_path / "hear.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (900, 1000))
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) > 1000  # heat maps: a blank one has a handful
    assert said[0] == f"{tmp_path / 'hear.png'}: what is heard of {music.name}"
    assert said[1].startswith(f"{music.with_suffix('.beats')} (found beside it): F ")
    assert "within 70 ms" in said[1]
    assert [path.name for path in tmp_path.iterdir()] == ["hear.png"]


def test_a_part_is_heard_from_the_beginning_and_said_to_be_one(music: Path, tmp_path: Path) -> None:
    said = see(music, "-o", tmp_path / "a.svg", "--start", "2", "--seconds", "2", "--tracker", "aubio")
    assert "2.0 to 4.0 s of 6.0" in said
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def test_a_picture_is_overwritten_only_when_told(music: Path, tmp_path: Path) -> None:
    there = tmp_path / "a.pdf"
    there.write_text("kept")
    with pytest.raises(Refused, match="exists already"):
        see(music, "-o", there)
    assert there.read_text() == "kept"
    see(music, "-o", there, "--force", "--seconds", "1", "--tracker", "aubio")
    assert there.read_bytes().startswith(b"%PDF")


def test_what_is_kept_lies_within_what_is_shown(music: Path) -> None:
    heard = hear(music, ListenerSettings(), 2.0, 5.0)
    beats = np.array([beat.time for beat in heard.fired])
    for times in (beats, heard.spectrum_at, heard.curves_at, heard.activations_at, heard.tempi_at):
        assert times.size > 3
        assert (times.min() >= 2.0, times.max() <= 5.01) == (True, True)
    assert np.diff(beats) == pytest.approx(60.0 / 126.0, abs=0.03)
    assert heard.tempi is not None
    assert heard.tempi.sum(axis=1) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "a.gif"], "ends in .png, .svg, .pdf"),
        (["-o", "no/such/a.png"], "there is no folder"),
        (["-o", "a.png", "--truth", "none.beats"], "none.beats: can't be read"),
        (["-o", "a.png", "--start", "6"], "ends at 6.0 s"),
        (["-o", "a.png", "--start", "nan"], "is not a number"),
        (["-o", "a.png", "--tracker", "nobody"], "no such tracker"),
    ],
)
def test_what_can_not_be_drawn_is_told_in_one_line(arguments: list[str], said: str, music: Path) -> None:
    with pytest.raises(Refused, match=said) as refused:
        see(music, *arguments)
    assert len(str(refused.value).splitlines()) == 1
    assert not Path("a.png").exists()


def test_a_picture_that_can_not_be_written_is_told(music: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png.part").mkdir()  # stands where it would be written
    with pytest.raises(Refused, match="can't be written: Is a directory"):
        see(music, "-o", tmp_path / "a.png", "--seconds", "1", "--tracker", "aubio")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no beats"), ("1.0\t1\nx\t2\n", "line 2: 'x"), ("1.0\n0.5\n", "must rise"), ("nan\t1\n", "must rise"),
     ("1.0\t-1\n", "count from 1")],
)  # fmt: skip
def test_bad_truth_names_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.beats").write_text(text)
    with pytest.raises(Refused, match=said):
        read_truth(tmp_path / "x.beats")


def test_the_verdict_is_mir_eval_s() -> None:
    """F-measure from 5 s on, on beats that are early, late, doubled and left out."""
    random = np.random.default_rng(0)
    true = np.arange(0.3, 40.0, 0.47)
    fired = np.sort(np.concatenate((true + random.normal(0.0, 0.04, true.size), random.uniform(0.0, 40.0, 12))))
    verdict = judge(Truth(true, np.zeros(true.size, int)), [Fired(time, 0) for time in fired], 0.0, 40.0)
    for within, ours in ((0.07, verdict.f_far), (0.025, verdict.f_near)):
        assert ours == pytest.approx(mir_eval.beat.f_measure(true[true >= 5.0], fired[fired >= 5.0], within))
    assert pairs(true, true + 0.01, 0.025).tolist() == list(range(true.size))
    late = judge(Truth(true, np.zeros(true.size, int)), [Fired(time + 0.01, 0) for time in true], 0.0, 40.0)
    assert (late.offset, late.f_near) == (pytest.approx(0.01), 1.0)
