"""Finding and loading scenes, and the one sentence said about each way they can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visuals.scene import SCENES, SceneError, load, scene_path

GOOD = "void main() { picture = vec4(0.25, 0.5, 0.75, 1.0); }\n"
PYTHON = """
class Scene:
    def __init__(self, size):
        self.size = size
    def draw(self, moment, size):
        {body}
    def close(self):
        pass
"""


def wrong(path: Path, text: str | bytes | None = None) -> SceneError:
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SceneError) as caught:
        load(path, (64, 64))
    error = caught.value
    assert "\n" not in str(error)
    assert str(error).startswith(str(path))
    assert error.do
    return error


def test_a_name_is_looked_up_as_path_then_in_the_users_folders_then_ours(tmp_path: Path) -> None:
    mine = tmp_path / "night_drive.frag"
    assert scene_path("night_drive", tmp_path) == SCENES / "night_drive.frag"
    mine.write_text(GOOD)
    assert scene_path("night_drive", tmp_path) == mine
    assert scene_path("night_drive.frag", tmp_path) == mine
    assert scene_path(str(mine)) == mine
    assert scene_path(str(SCENES / "night_drive.frag"), tmp_path) == SCENES / "night_drive.frag"


def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "rooftops.frag").write_text(GOOD)
    with pytest.raises(
        SceneError, match=r"nowhere: there is no scene of this name: there are: .*night_drive.*rooftops"
    ):
        scene_path("nowhere", tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in wrong(tmp_path / "gone.frag").said


def test_a_file_that_is_not_utf8_is_named_with_the_line(tmp_path: Path) -> None:
    error = wrong(tmp_path / "latin.frag", "// drive\n// café\n".encode("latin-1") + GOOD.encode())
    assert (error.line, error.said) == (2, "byte 0xe9 is not UTF-8")


def test_no_main(context: None, tmp_path: Path) -> None:
    error = wrong(tmp_path / "empty.frag", "// void main() {}\n/* void main() {} */ float x() { return 1.0; }\n")
    assert error.said == "has no main()"


@pytest.mark.parametrize("version", ["", "#version 330 core\n"])
def test_a_compile_error_names_the_line_of_the_file(context: None, tmp_path: Path, version: str) -> None:
    error = wrong(tmp_path / "typo.frag", version + "// one\nvoid main() {\n    picture = vec4(bass_drum);\n}\n")
    assert error.line == 3 + bool(version)
    assert "bass_drum" in error.said
    assert error.do == "correct `picture = vec4(bass_drum);`"


def test_another_kind_of_file(tmp_path: Path) -> None:
    assert "no kind of scene" in wrong(tmp_path / "film.mp4", b"").said


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("x = \n", 1, "SyntaxError: invalid syntax"),
        ("x = 1\nimport nothing_of_this_name\n", 2, "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("x = 1\n", 0, "has no class Scene"),
        ("class Scene:\n    def draw(self, moment, size): pass\n", 0, "class Scene has no close()"),
        (
            "class Scene:\n    def __init__(self, size):\n        1 / 0\n    draw = close = __init__\n",
            3,
            "ZeroDivisionError: division by zero",
        ),
    ],
)
def test_python_that_does_not_load(context: None, tmp_path: Path, source: str, line: int, said: str) -> None:
    error = wrong(tmp_path / "scene.py", source)
    assert (error.line, error.said) == (line, said)


def test_python_that_raises_while_drawing(context: None, tmp_path: Path, at_beat: Any) -> None:
    path = tmp_path / "raises.py"
    path.write_text(PYTHON.format(body="raise ValueError('no tune')"))
    scene = load(path, (64, 64))
    with pytest.raises(SceneError, match=r"raises.py:6: ValueError: no tune: correct the scene"):
        scene.draw(at_beat(1.0), (64, 64))


def test_a_python_scene_is_given_moment_and_size(draw: Any, tmp_path: Path, at_beat: Any) -> None:
    path = tmp_path / "clear.py"
    body = "gl.glClearColor(moment.beat_phase, size[0] / 320.0, 0.0, 1.0); gl.glClear(gl.GL_COLOR_BUFFER_BIT)"
    path.write_text("from pyglet import gl\n" + PYTHON.format(body=body))
    assert draw(path, at_beat(7.25), (160, 90))[45, 80] == pytest.approx((64, 128, 0), abs=2)


def test_what_fails_never_gets_on_or_is_taken_off(context: None, tmp_path: Path, at_beat: Any) -> None:
    from visuals.playing import FALLBACK, Playing

    said: list[tuple[str, str]] = []
    (tmp_path / "good.frag").write_text(GOOD)
    (tmp_path / "bad.frag").write_text("void main() { x }")
    (tmp_path / "later.py").write_text(PYTHON.format(body="raise RuntimeError('later')"))
    playing = Playing(lambda level, text: said.append((level, text)), tmp_path)
    assert not playing.show("bad", (8, 8))
    assert playing.name == FALLBACK
    playing.draw(at_beat(1.0), (8, 8))
    assert playing.show("good", (8, 8))
    assert not playing.show("bad", (8, 8))
    assert playing.name == "good"
    assert playing.show("later", (8, 8))
    playing.draw(at_beat(1.0), (8, 8))
    assert playing.name == "good"
    assert [level for level, _ in said] == ["error", "info", "error", "info", "error"]
    assert playing.errors == 3
    assert "later.py:6: RuntimeError: later" in playing.error
    playing.close()
