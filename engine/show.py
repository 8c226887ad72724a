"""Show: one TOML file that says what is heard, shown and played. Nobody else parses.

Public: Show, Wanted, load, read, check,
find, make, shipped, shows_folder. A show file is checked whole: every unknown key, wrong
type and value out of range is told at once, as `file: key: value is not what is allowed`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import platformdirs

from engine.audio import SourceSettings
from engine.faults import Refused
from engine.hearing import ListenerSettings
from engine.outputs.midi_rows import MidiSettings
from engine.stage_settings import StageSettings

# Keys of [stage] that the program sets and a show file may not.
_NOT_IN_FILES = {"stage": {"offscreen", "screenshot", "show_dir"}}


@dataclass(frozen=True, slots=True)
class Show:
    """A whole show. title: for people. The rest: see the settings of each part."""

    title: str = "Getaway"
    source: SourceSettings = field(default_factory=SourceSettings)
    listener: ListenerSettings = field(default_factory=ListenerSettings)
    stage: StageSettings = field(default_factory=StageSettings)
    midi: tuple[MidiSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to perform a show. seconds: end after that long, 0: never. record: file to record to, "": none."""

    show: Show
    headless: bool = False
    seconds: float = 0.0
    record: str = ""
    record_audio: bool = False


def configs() -> Path:
    """The folder of the shows that come with Getaway: in the checkout, else inside the installed package."""
    here = Path(__file__).resolve().parent
    inside = here / "_configs"  # first: site-packages may hold somebody else's configs/
    return inside if inside.is_dir() else here.parent / "configs"


def shows_folder() -> Path:
    """Where a user's own shows lie."""
    return platformdirs.user_config_path("getaway", appauthor=False) / "shows"


def shipped() -> list[str]:
    """Names of the shows that come with Getaway."""
    return sorted(path.stem for path in configs().glob("*.toml"))


def find(name: str) -> Path:
    """The file of a show: a path, or a name among the user's own and then the shipped shows. Refused if none."""
    given = Path(name).expanduser()
    if given.is_file():
        return given
    if len(given.parts) == 1:
        for folder in (Path(), shows_folder(), configs()):
            if (there := folder / f"{name.removesuffix('.toml')}.toml").is_file():
                return there
    own = sorted(path.stem for path in shows_folder().glob("*.toml"))
    known = ", ".join([*own, *shipped()])
    raise Refused(f"{name}: there is no such show; give a path or one of: {known} ('getaway new' makes one)")


def make(name: str, starter: str) -> Path:
    """Copy a shipped show to `name`: a path, or a name in the shows folder. Refused when something is there."""
    given = Path(name).expanduser()
    if not given.name or given.name.startswith(".") or ".." in given.parts:
        raise Refused(f"new {name!r}: is no name for a show; give one like 'mine' or a path like shows/mine.toml")
    path = given.with_name(f"{given.name.removesuffix('.toml')}.toml")
    if len(given.parts) == 1 and given.suffix != ".toml":
        path = shows_folder() / path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write((configs() / f"{starter}.toml").read_text(encoding="utf-8"))
    except OSError as error:
        if path.exists():
            raise Refused(f"{path}: exists already; choose another name (nothing was changed)") from None
        raise Refused(f"{path}: can't be written: {error.strerror}") from None
    return path


def load(path: Path) -> Show:
    """The show in a file. Refused with every problem, one a line."""
    show, wrong = read(path)
    if show is None:
        raise Refused("\n".join(wrong))
    return show


def read(path: Path) -> tuple[Show | None, list[str]]:
    """(show, []) or (None, every problem as `file: key: ...`)."""
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # Windows' editors begin a file with a mark
    except OSError as error:
        return None, [f"{path}: can't be read: {error.strerror}"]
    except UnicodeDecodeError as error:
        return None, [f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8 text"]
    except tomllib.TOMLDecodeError as error:
        said = str(error).replace("Cannot overwrite a value", "A key is set twice")
        return None, [f"{path}: is not TOML: {said}"]
    show, wrong = check(table)
    return show, [f"{path}: {problem}" for problem in wrong]


def check(table: dict[str, Any]) -> tuple[Show | None, list[str]]:
    """(show, []) or (None, every problem as `key: ...`) of a table as TOML gives it."""
    from pydantic import TypeAdapter, ValidationError  # only who reads a show pays for its import (0.1 s)

    wrong = [
        f"{part}.{key}: is set by the program, not in a show file; remove it"
        for part, keys in _NOT_IN_FILES.items()
        for key in keys & _keys(table.get(part))
    ]
    # Through JSON: there lists may become tuples, while 3 stays no text and "3" no number.
    text = json.dumps(_finite(table), default=str)
    try:
        show: Show = TypeAdapter(Show).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        problems = error.errors(include_url=False)
        return None, [*wrong, *(_line(problem) for problem in problems if _to_the_point(problem, problems))]
    wrong += _across(show)
    return (None, wrong) if wrong else (show, [])


def _keys(table: Any) -> set[str]:
    return set(table) if isinstance(table, dict) else set()


def _finite(value: Any) -> Any:
    """TOML has inf and nan, JSON has not: they become text, and so are told as no number."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _key(problem: Any) -> list[str | int]:
    """Where a problem is, without the names pydantic gives to the alternatives of a union."""
    return [p for p in problem["loc"] if isinstance(p, int) or (p not in _ALTERNATIVES and not p.startswith("tuple["))]


def _to_the_point(problem: Any, problems: list[Any]) -> bool:
    """Whether a problem is worth telling: where one value or a list may stand, only what the value comes closest to."""
    if _key(problem) == list(problem["loc"]):
        return True
    listed = any(isinstance(other["input"], list) for other in problems if _key(other) == _key(problem))
    inside = any(isinstance(part, str) and part.startswith("tuple[") for part in problem["loc"])
    return inside == (listed or isinstance(problem["loc"][-1], int))


def _line(problem: Any) -> str:
    """One of pydantic's findings in this project's words."""
    settings: Any = Show
    key, parents = "", []
    for part in _key(problem):
        if isinstance(part, int):
            key += f"[{part}]"
        else:
            key += f".{part}" if key else part
            parents.append(part)
    for part in parents[:-1]:
        settings = _inside(settings, part)
    value = problem["input"]
    text = value if value in ("nan", "inf", "-inf") else json.dumps(value, default=str, ensure_ascii=False)
    context = problem.get("ctx", {})
    match problem["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            allowed = [f.name for f in dataclasses.fields(settings)] if dataclasses.is_dataclass(settings) else []
            hidden = _NOT_IN_FILES.get(parents[0] if len(parents) > 1 else "", set())
            allowed = [name for name in allowed if name not in hidden]
            near = difflib.get_close_matches(str(parents[-1]), allowed, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed are {', '.join(allowed)}"
            return f"{key}: there is no such key; {hint}"
        case "missing" | "missing_argument" if isinstance(problem["loc"][-1], int):
            there = problem["loc"][-1]
            return f"{key.rpartition('[')[0]}: {text} has too few entries ({there}; more are wanted)"
        case "missing" | "missing_argument":
            return f"{key}: is missing"
        case "literal_error" | "enum":
            return f"{key}: {text} is not {context['expected']}"
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            return f"{key}: {text} is not {_range(settings, parents[-1], context)}"
        case "dataclass_type" | "dataclass_exact_type" if key.endswith("]"):
            return f"{key}: {text} is not a table ({{ key = value, ... }})"
        case "dataclass_type" | "dataclass_exact_type":
            return f"{key}: {text} is not a table ([{key}])"
        case "tuple_type" if _inside(settings, parents[-1]) is not None and len(parents) == 1:
            return f"{key}: must be a list of tables: write [[{key}]] above each"
        case "tuple_type":
            return f"{key}: {text} is not a list"
        case "too_short" | "too_long":
            wanted = context.get("max_length", context.get("min_length"))
            return f"{key}: {text} has {context['actual_length']} entries, {wanted} are wanted"
        case kind if kind.endswith(("_type", "_parsing")) or "int_from_float" in kind:
            union = " or a list" if _key(problem) != list(problem["loc"]) and key[-1] != "]" else ""
            return f"{key}: {text} is not {_TYPES.get(kind.rsplit('_', 1)[0], problem['msg'])}{union}"
        case _:
            return f"{key}: {text}: {problem['msg']}"


_TYPES = {
    "int": "a whole number",
    "int_from": "a whole number",
    "float": "a number",
    "string": 'text ("...")',
    "bool": "true or false",
}
_ALTERNATIVES = {"int", "float", "str", "constrained-int", "constrained-float", "constrained-str", "none", "bool"}


def _inside(settings: Any, part: str) -> Any:
    """The settings class that a key of another holds (itself or in a list), or None."""
    if not dataclasses.is_dataclass(settings):
        return None
    hint = get_type_hints(settings).get(part)
    for kind in (hint, *get_args(hint)):
        if dataclasses.is_dataclass(kind):
            return kind
    return None


def _range(settings: Any, key: str, context: dict[str, Any]) -> str:
    """The allowed range of a key, as `1..63999`."""
    bounds = dict(context)
    hint = get_type_hints(settings, include_extras=True).get(key) if dataclasses.is_dataclass(settings) else None
    queue = [hint]
    while queue:
        kind = queue.pop()
        for bound in getattr(kind, "__metadata__", ()):
            bounds |= {name: getattr(bound, name) for name in ("ge", "le", "gt", "lt") if hasattr(bound, name)}
        queue += [arg for arg in (*get_args(kind), get_origin(kind)) if hasattr(arg, "__metadata__") or get_args(arg)]
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']:g}..{bounds['le']:g}"
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    return " and ".join(f"{word} {bounds[name]:g}" for name, word in words.items() if name in bounds)


def _across(show: Show) -> list[str]:
    """Problems that no single key has."""
    wrong = []
    if show.listener.tempo[0] >= show.listener.tempo[1]:
        wrong.append(f"listener.tempo: {list(show.listener.tempo)} must rise: slowest first")
    elif show.listener.tempo[1] < 2 * show.listener.tempo[0]:
        wrong.append(f"listener.tempo: {list(show.listener.tempo)} must span an octave (fastest at least 2 x slowest)")
    names: set[str] = set()
    for at, midi in enumerate(show.midi):
        wrong += [f"midi[{at}].{problem}" for problem in midi.problems()]
        if midi.name in names:
            wrong.append(f"midi[{at}].name: '{midi.name}' is taken; outputs need different names")
        names.add(midi.name)
    return wrong
