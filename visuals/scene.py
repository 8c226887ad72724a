"""Scenes: find one by name, load it, and turn whatever is wrong with it into one clear sentence.

A scene is one file: a fragment shader (.frag), or a Python file with a class Scene. It is given its time and never
fetches it. A scene never takes the stage down: all that goes wrong in one comes out as SceneError.
Public: Scene, SceneError, SUFFIXES, SCENES, scene_path, load, fallback.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from engine.state import Moment
from visuals.uniforms import declarations

SCENES = Path(__file__).parent / "scenes"  # those that come with Getaway
SUFFIXES = (".frag", ".py")
_ERROR_LINE = (
    re.compile(r"^\d+:(\d+)\(\d+\): (?:preprocessor )?error: (.*)$"),  # Mesa: 0:12(5): error: ...
    re.compile(r"^ERROR: \d+:(\d+): (.*)$"),  # macOS, AMD, Intel on Windows
    re.compile(r"^\d+\((\d+)\) : error (.*)$"),  # NVIDIA: 0(12) : error C1008: ...
)


class SceneError(Exception):
    """What is wrong with a scene. file, line (0: none in particular), said: by whom it was refused, do: the way out."""

    def __init__(self, file: str | Path, line: int, said: str, do: str) -> None:
        self.file, self.line, self.said, self.do = Path(file), line, said, do
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {said}: {do}")


class Scene(Protocol):
    """What the stage draws. The GL context is current, the target bound and cleared of the last scene's settings."""

    def draw(self, moment: Moment, size: tuple[int, int]) -> None:
        """Draw one instant into the current target of `size` pixels. SceneError when it can't."""

    def close(self) -> None:
        """Give back what was taken from GL. Nothing is drawn after."""


def scene_path(name: str, *folders: str | Path) -> Path:
    """The file of a scene: a path as given, else in one of the user's `folders`, else among those of Getaway.

    SceneError, with the names there are, when there is none.
    """
    given = Path(name).expanduser()
    places = [Path(), *(Path(folder).expanduser() for folder in folders), SCENES]
    for place in places:
        base = place / given
        for path in (base, *(base.with_name(base.name + suffix) for suffix in SUFFIXES)):
            if path.is_file():
                return path
    there = sorted(
        {path.stem for place in places[1:] if place.is_dir() for path in place.iterdir() if path.suffix in SUFFIXES}
    )
    if given.suffix:
        raise SceneError(name, 0, "there is no such file", f"name a scene file, or one of: {', '.join(there)}")
    raise SceneError(name, 0, "there is no scene of this name", f"there are: {', '.join(there)}")


def load(path: str | Path, size: tuple[int, int]) -> Scene:
    """The scene of a file, ready to draw. Needs a GL context. SceneError when it is not fit to be shown."""
    path = Path(path)
    if path.suffix == ".py":
        return PythonScene(path, _text(path), size)
    if path.suffix == ".frag":
        return ShaderScene(path, _text(path))
    raise SceneError(path, 0, f"'{path.suffix}' is no kind of scene", f"use one of {', '.join(SUFFIXES)}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SceneError(path, 0, "there is no such file", "check the name") from None
    except OSError as error:
        raise SceneError(path, 0, f"can't be read ({error.strerror})", "check its rights") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        said = f"byte {data[error.start]:#04x} is not UTF-8"
        raise SceneError(path, line, said, "save the file as UTF-8 text") from None


def fragment(source: str) -> str:
    """A scene's source with the declarations before it; line numbers in errors stay those of the file."""
    # A #version has to come first of all, and ours does: theirs is blanked, its line kept.
    source = re.sub(r"^[ \t]*#[ \t]*version\b.*$", "", source, count=1, flags=re.MULTILINE)
    return f"#version 330 core\n{declarations()}#line 1\n{source}\n"


def _bare(source: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", source, flags=re.DOTALL)


class ShaderScene:
    """A fragment shader over the whole picture; its uniforms come from the Feed that was uploaded for the frame."""

    def __init__(self, path: Path, source: str) -> None:
        from visuals import canvas  # loads the GL library: only a stage has one

        if not re.search(r"\bvoid\s+main\s*\(", _bare(source)):
            raise SceneError(path, 0, "has no main()", "write `void main() { picture = vec4(...); }`")
        try:
            self._program = canvas.Program(fragment(source))
        except canvas.CompileError as error:
            raise _compile_error(path, source, str(error)) from None

    def draw(self, moment: Moment, size: tuple[int, int]) -> None:
        self._program.draw()

    def close(self) -> None:
        self._program.close()


def _compile_error(path: Path, source: str, log: str) -> SceneError:
    """The first thing the compiler complained about, with the line it stands in."""
    for row in log.splitlines():
        for pattern in _ERROR_LINE:
            found = pattern.match(row.strip())
            if found:
                line, said = int(found[1]), found[2].strip()
                rows = source.splitlines()
                text = rows[line - 1].strip() if 0 < line <= len(rows) else ""
                return SceneError(path, line, said, f"correct `{text}`" if text else "correct that line")
    return SceneError(path, 0, " ".join(log.split()) or "the driver refused it without a word", "simplify the shader")


class PythonScene:
    """A Python file with `class Scene`: `Scene(size)`, `draw(moment, size)`, `close()`; size is (width, height)."""

    def __init__(self, path: Path, source: str, size: tuple[int, int]) -> None:
        self._path = path
        module = ModuleType(f"getaway_scene_{path.stem}")
        module.__file__ = str(path)
        self._guard(lambda: exec(compile(source, str(path), "exec"), module.__dict__))
        made = getattr(module, "Scene", None)
        if not isinstance(made, type):
            raise SceneError(path, 0, "has no class Scene", "give it one with draw(moment, size) and close()")
        missing = [name for name in ("draw", "close") if not callable(getattr(made, name, None))]
        if missing:
            raise SceneError(path, 0, f"class Scene has no {missing[0]}()", "a scene needs draw and close")
        self._scene: Any = self._guard(lambda: made(size))

    def _guard(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (Exception, SystemExit) as error:  # a scene that calls sys.exit ends itself, not the show
            raise self._error(error) from error

    def _error(self, error: BaseException) -> SceneError:
        line = 0
        if isinstance(error, SyntaxError) and error.filename == str(self._path):
            line = error.lineno or 0
        for place in traceback.extract_tb(sys.exc_info()[2]):
            if place.filename == str(self._path):
                line = place.lineno or 0
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        return SceneError(self._path, line, f"{type(error).__name__}: {what}".rstrip(": "), "correct the scene")

    def draw(self, moment: Moment, size: tuple[int, int]) -> None:
        try:
            self._scene.draw(moment, size)
        except (Exception, SystemExit) as error:  # a scene that calls sys.exit ends itself, not the show
            raise self._error(error) from error

    def close(self) -> None:
        self._guard(self._scene.close)


_CALM = """
// Shown when there is nothing else: a dark horizon that breathes once a bar.
void main() {
    vec2 at = (gl_FragCoord.xy - 0.5 * resolution) / resolution.y;
    float swell = 0.5 + 0.5 * cos(6.2831853 * bar_phase) * motion;
    float glow = exp(-abs(at.y) * 7.0) * (0.10 + 0.10 * swell) * exp(-at.x * at.x * 0.7);
    vec3 colour = mix(vec3(0.05, 0.22, 0.26), vec3(0.5, 0.2, 0.12), mood);
    picture = vec4(vec3(0.006, 0.008, 0.012) + glow * colour * 2.0, 1.0);
}
"""


def fallback() -> Scene:
    """The calm picture that comes with the program: for when a scene fails and there was none before it."""
    return ShaderScene(Path("fallback.frag"), _CALM)
