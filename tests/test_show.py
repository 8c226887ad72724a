"""The laws of show files: every mistake is told at once, in one line with file, key and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine import show as module
from engine.audio import SourceSettings
from engine.faults import Refused
from engine.outputs.midi_rows import DEFAULT_ROWS, MidiSettings, Row
from engine.show import Show, check, find, load, make, read, shipped

# What stands in the file -> the lines told, without the file's name.
MISTAKES = {
    # keys
    'titel = "x"': ["titel: there is no such key; did you mean 'title'?"],
    "zoo = 1": ["zoo: there is no such key; allowed are title, source, listener, stage, midi"],
    "[source]\nblok = 3": ["source.blok: there is no such key; did you mean 'block'?"],
    '[[midi]]\nrows = [{what = "beat", note = 3, chanel = 3}]': [
        "midi[0].rows[0].chanel: there is no such key; did you mean 'channel'?"
    ],
    "[[midi]]\nrows = [{note = 3}]": ["midi[0].rows[0].what: is missing"],
    "[stage]\noffscreen = true": ["stage.offscreen: is set by the program, not in a show file; remove it"],
    "[stage]\nzoo = 1": [
        "stage.zoo: there is no such key; allowed are scene, size, fullscreen, display, vsync, fps, latency, title"
    ],
    # types
    "title = 3": ['title: 3 is not text ("...")'],
    "title = true": ['title: true is not text ("...")'],
    '[source]\nblock = "x"': ['source.block: "x" is not a whole number'],
    '[source]\nblock = "128"': ['source.block: "128" is not a whole number'],
    "[source]\nblock = 3.5": ["source.block: 3.5 is not a whole number"],
    "[source]\nblock = true": ["source.block: true is not a whole number"],
    "[source]\nplay = 1": ["source.play: 1 is not true or false"],
    "[source]\nlatency = nan": ["source.latency: nan is not a number"],
    "[source]\nlatency = -inf": ["source.latency: -inf is not a number"],
    "[source]\nlatency = 1979-05-27": ['source.latency: "1979-05-27" is not a number'],
    "source = 3": ["source: 3 is not a table ([source])"],
    "[source]\nchannels = 3": ["source.channels: 3 is not a list"],
    '[source]\nchannels = [1, "a"]': ['source.channels[1]: "a" is not a whole number'],
    '[midi]\nname = "x"': ["midi: must be a list of tables: write [[midi]] above each"],
    "[[midi]]\nrows = [3]": ["midi[0].rows[0]: 3 is not a table ({ key = value, ... })"],
    '[[midi]]\nrows = [{what = "beat", note = "C3"}]': ['midi[0].rows[0].note: "C3" is not a whole number'],
    # one value or a list
    '[[midi]]\nrows = [{what = "beat", note = 3, velocity = "loud"}]': [
        'midi[0].rows[0].velocity: "loud" is not a whole number or a list'
    ],
    '[[midi]]\nrows = [{what = "beat", note = 3, velocity = 0}]': ["midi[0].rows[0].velocity: 0 is not 1..127"],
    '[[midi]]\nrows = [{what = "beat", note = 3, velocity = [0, 5]}]': ["midi[0].rows[0].velocity[0]: 0 is not 1..127"],
    '[[midi]]\nrows = [{what = "beat", note = 3, velocity = [5, "x"]}]': [
        'midi[0].rows[0].velocity[1]: "x" is not a whole number'
    ],
    '[[midi]]\nrows = [{what = "beat", note = 3, velocity = [1, 2, 3]}]': [
        "midi[0].rows[0].velocity: [1, 2, 3] has 3 entries, 2 are wanted"
    ],
    # ranges
    "[source]\nblock = 31": ["source.block: 31 is not 32..4096"],
    "[source]\nblock = 4097": ["source.block: 4097 is not 32..4096"],
    "[source]\nchannels = [0]": ["source.channels[0]: 0 is not 1..64"],
    "[source]\nlatency = 3": ["source.latency: 3 is not -2..2"],
    "[listener]\ntempo = [20, 500]": ["listener.tempo[0]: 20 is not 30..300", "listener.tempo[1]: 500 is not 30..300"],
    "[stage]\nfps = 0": ["stage.fps: 0 is not 1..500"],
    '[[midi]]\nrows = [{what = "beat", note = 3, gate = 0}]': ["midi[0].rows[0].gate: 0 is not above 0 and at most 60"],
    '[[midi]]\nrows = [{what = "beat", note = 3, gate = 61}]': [
        "midi[0].rows[0].gate: 61 is not above 0 and at most 60"
    ],
    # one of several
    '[[midi]]\napi = "x"': ["midi[0].api: \"x\" is not 'auto', 'alsa', 'jack', 'core' or 'windows'"],
    "[source]\nrate = 12345": [
        "source.rate: 12345 is not 0, 8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400 or 192000"
    ],
    # lengths
    "[listener]\ntempo = [50]": ["listener.tempo: [50] has too few entries (1; more are wanted)"],
    "[listener]\ntempo = [50, 60, 70]": ["listener.tempo: [50, 60, 70] has 3 entries, 2 are wanted"],
    # several keys together
    "[listener]\ntempo = [200, 100]": ["listener.tempo: [200.0, 100.0] must rise: slowest first"],
    "[listener]\ntempo = [100, 150]": [
        "listener.tempo: [100.0, 150.0] must span an octave (fastest at least 2 x slowest)"
    ],
    "[[midi]]\n[[midi]]": ["midi[1].name: 'midi' is taken; outputs need different names"],
    '[[midi]]\nrows = [{what = "beat"}]': [
        "midi[0].rows[0]: name exactly one of note, cc, program (named: none)"
    ],
    # all at once, in the order of the file's parts
    'titel = "x"\n[source]\nblock = 1\nplay = "no"\n[[midi]]\n[[midi]]\nlatency = 9\n[stage]\nshow_dir = "x"': [
        "stage.show_dir: is set by the program, not in a show file; remove it",
        "source.block: 1 is not 32..4096",
        'source.play: "no" is not true or false',
        "midi[1].latency: 9 is not -2..2",
        "titel: there is no such key; did you mean 'title'?",
    ],
    # no TOML
    'title = "a"\ntitle = "b"': ["is not TOML: A key is set twice (at end of document)"],
    "title = ": ["is not TOML: Invalid value (at end of document)"],
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "show.toml"


@pytest.mark.parametrize("text", list(MISTAKES))
def test_a_mistake_is_told_with_file_key_and_what_is_allowed(text: str, file: Path) -> None:
    file.write_text(text)
    assert read(file) == (None, [f"{file}: {line}" for line in MISTAKES[text]])


def test_load_refuses_with_every_line(file: Path) -> None:
    file.write_text("title = 1\n[source]\nblock = 1")
    with pytest.raises(Refused) as refused:
        load(file)
    assert str(refused.value).splitlines() == [
        f'{file}: title: 1 is not text ("...")',
        f"{file}: source.block: 1 is not 32..4096",
    ]


def test_a_file_that_is_no_text_is_told_where(file: Path) -> None:
    file.write_bytes(b'title = "\xff"')
    assert read(file) == (None, [f"{file}: byte 9 is not UTF-8: save the file as UTF-8 text"])


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    assert read(tmp_path / "no.toml") == (None, [f"{tmp_path}/no.toml: can't be read: No such file or directory"])
    assert read(tmp_path) == (None, [f"{tmp_path}: can't be read: Is a directory"])


def test_the_mark_windows_editors_begin_with_is_no_mistake(file: Path) -> None:
    file.write_bytes('\ufefftitle = "Größe"'.encode())
    assert load(file).title == "Größe"


def test_an_empty_file_is_a_show_of_defaults(file: Path) -> None:
    file.write_text("")
    assert load(file) == Show() == Show("Getaway", SourceSettings())
    assert check({"midi": [{}]})[0] == Show(midi=(MidiSettings(rows=DEFAULT_ROWS),))


def test_what_a_file_says_is_what_the_show_holds(file: Path) -> None:
    file.write_text(
        'title = "T"\n[source]\ninput = "demo"\nchannels = [2, 1]\nlatency = 1\n[listener]\ntempo = [60, 180]\n'
        '[[midi]]\nname = "a"\nrows = [{what = "kick", note = 36, velocity = [10, 20]}, {what = "bass", cc = 7}]'
    )
    loaded = load(file)
    assert loaded.title == "T"
    assert loaded.source == SourceSettings(input="demo", channels=(2, 1), latency=1.0)
    assert loaded.listener.tempo == (60.0, 180.0)
    assert loaded.midi[0].rows == (Row("kick", note=36, velocity=(10, 20)), Row("bass", cc=7))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_show_is_good(name: str) -> None:
    shown, wrong = read(module.configs() / f"{name}.toml")
    assert (wrong, isinstance(shown, Show)) == ([], True)


def test_there_are_shipped_shows_and_new_ones_begin_from_one() -> None:
    assert {"demo", "vj"} <= set(shipped())


# ---- finding and making ----


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a shows folder of their own, standing in an empty folder."""
    monkeypatch.setattr(module, "shows_folder", lambda: tmp_path / "shows")
    (tmp_path / "shows").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_path_comes_before_a_name_here_then_ones_own_then_the_shipped(home: Path) -> None:
    assert find("demo") == module.configs() / "demo.toml"
    own = home / "shows" / "demo.toml"
    own.write_text("")
    assert find("demo") == own
    here = home / "here" / "demo.toml"
    here.write_text("")
    assert find("demo").resolve() == find("demo.toml").resolve() == here
    assert find(str(own)) == own


def test_a_show_that_is_nowhere_is_told_with_those_there_are(home: Path) -> None:
    (home / "shows" / "mine.toml").write_text("")
    with pytest.raises(Refused, match=r"^nope: there is no such show; give a path or one of: mine, .*demo.*vj"):
        find("nope")
    with pytest.raises(Refused, match="there is no such show"):
        find("far/away/demo")


def test_a_new_show_is_a_good_copy_of_its_starter(home: Path) -> None:
    path = make("mine", "vj")
    assert path == home / "shows" / "mine.toml"
    assert tomllib.loads(path.read_text()) == tomllib.loads((module.configs() / "vj.toml").read_text())
    assert make(str(home / "deep" / "er.toml"), "demo").is_file()
    assert find("mine") == path


def test_nothing_is_ever_overwritten(home: Path) -> None:
    path = home / "shows" / "mine.toml"
    path.write_text("mine")
    with pytest.raises(Refused, match=r"mine.toml: exists already; choose another name \(nothing was changed\)"):
        make("mine", "vj")
    assert path.read_text() == "mine"


def test_a_place_that_can_not_be_written_is_told(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(Refused, match=r"file/x.toml: can't be written: File exists"):
        make(str(home / "file" / "x.toml"), "vj")
