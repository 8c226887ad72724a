"""The laws of the house that can be read off the source text: who imports whom, and what `_rt` code may do.

Every law is a function from source text to a list of violations. It is held over the real tree;
test_architecture_planted.py plants violations and sees each caught. The tables are the law: where the code shows a
better shape, change the table and say why there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# ---- the tables ----

# The rooms of engine/, top to bottom: a lower one may import upper ones, never the other way. Names on one line
# share a room.
ROOMS = (
    "faults",  # the ways to fail: every room may raise them, so they stand above all
    "clock",
    "realtime",  # manners of a thread; knows nothing of music
    "grid",
    "state",
    "roles",
    "controls",  # which key does what: terminal and stage read one table
    "audio",
    "hearing",
    "slot",
    "outputs",  # above conductor, which knows the Output contract; an output knows no conductor
    "conductor",
    "stage_settings",  # apart from show, whose imports the stage must not drag in
    "show",
    "recording",
    "process keeper",  # the engine process: what is urgent in it, and what is not
    "performance",
    "terminal",
    "devices listening",  # the other commands: what is there, and what a file is heard as
    "seeing",  # and a picture of it
    "cli",
)

# What visuals may know of engine. Never how it hears, nor that lamps exist.
VISUALS_MAY_IMPORT = ("clock", "controls", "grid", "roles", "slot", "stage_settings", "state")

# module -> the only places below engine/ and visuals/ that import it
OWNERS = {
    "matplotlib": ("engine/seeing/",),  # its half second is for the one command that draws
    "sounddevice": ("engine/audio/device.py",),
    "rtmidi": ("engine/outputs/midi.py",),
    "pyglet": ("visuals/",),  # engine runs where no GL library is installed
    "pyglet.app": ("visuals/stage.py",),
    "pyglet.window": ("visuals/stage.py",),
}

# What `_rt` code may call besides other `_rt` functions: bounded, without locks, without I/O.
# Names stand as they are called, dots and all.
RT_CALLS = {
    "Block": "a small frozen record",
    **dict.fromkeys(("abs", "bool", "divmod", "float", "int", "math.isfinite"), "arithmetic"),
    "isinstance": "constant time",
    "len": "constant time",
    "max": "over a handful of values",
    "min": "over a handful of values",
    "range": "bounded by its arguments",
    "clock.now": "reads the clock",
    "np.copyto": "a copy into memory that exists already",
}

# function -> what it alone may call besides, and why
RT_EXTRA: dict[str, dict[str, str]] = {
    "engine/audio/device.py::read_rt": {
        "self._stream.read": "waits for the sound card: the rhythm of the audio thread",
        "self._queue.get": "waits for the sound card's callback, where JACK must not be read: a SimpleQueue",
    },
    "engine/audio/device.py::_called_rt": {
        "self._queue.put": "a SimpleQueue never waits to be put into",
        "samples.copy": "one block: PortAudio's memory is gone when this returns",
    },
    "engine/audio/device.py::write_rt": {
        "self._stream.write": "waits for room in the sound card: the rhythm of a file that is played",
    },
    "engine/audio/file.py::read_rt": {
        "self._ready.get": "a file's reader thread is a second ahead, and waiting for it harms nobody",
        "self._chunk.pop": "the last of a list",
    },
    "engine/audio/file.py::_play_rt": {"str": "once, when the output was lost"},
    "engine/process.py::_pump_rt": {
        "self.stop.is_set": "reads a flag, takes no lock",
        "self.blocks.qsize": "a SimpleQueue's length, in C and without a lock",
        "self.blocks.put": "a SimpleQueue never waits to be put into; its length is looked at before",
    },
    "engine/audio/file.py::_pace_rt": {"time.sleep": "the rhythm of a file that nothing plays"},
}

# `_rt` functions that may hold a `while`, and why. Elsewhere work is bounded by a `for`.
RT_LOOPS: dict[str, str] = {
    "engine/process.py::_pump_rt": "the audio loop: one block a turn, until the stop flag or the source's end",
}


# ---- imports, read off the text ----


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of names, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def imports(source: str, path: str) -> list[tuple[int, str]]:
    """(line, module) of every import in a file, inside functions too, relative ones resolved.

    `from a import b` counts as `a.b`, since b may be a module. `import_module("a.b")` counts as well, and so
    does `pyglet.window` after a mere `import pyglet`, because pyglet loads its modules when touched.
    """
    package = path.split("/")[:-1]
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [(node.lineno, alias.name) for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package[: len(package) - level + 1] if level else []
                found += [(node.lineno, ".".join(filter(None, [*above, module, alias.name]))) for alias in names]
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
                if dotted(func).split(".")[-1] in ("import_module", "__import__", "run_module"):
                    found.append((node.lineno, name))
            case ast.Attribute() if dotted(node).startswith("pyglet."):
                found.append((node.lineno, dotted(node)))
    return sorted(set(found))


def within(module: str, owner: str) -> bool:
    return module == owner or module.startswith(owner + ".")


def room_of(path: str) -> str:
    """`engine/outputs/midi.py` -> `outputs`; `engine/grid.py` -> `grid`."""
    return path.split("/")[1].removesuffix(".py")


def order_violations(source: str, path: str) -> list[str]:
    """Imports of a file of engine/ that go against ROOMS, or leave engine/ for visuals."""
    room = room_of(path)
    depth = {name: at for at, names in enumerate(ROOMS) for name in names.split()} | {"__init__": -1}
    if room not in depth:
        return [f"{path}: {room} has no place in ROOMS: give it one"]
    found = []
    for line, module in imports(source, path):
        top, _, rest = module.partition(".")
        other = rest.split(".")[0]
        if top == "visuals":
            found.append(f"{path}:{line}: engine imports {module}; start the stage by name, as a process")
        elif top == "engine" and depth.get(other, -1) > depth[room]:
            found.append(f"{path}:{line}: {room} imports {other}, which stands below it")
        elif top == "engine" and other not in depth and (ROOT / "engine" / f"{other}.py").exists():
            found.append(f"{path}:{line}: {other} has no place in ROOMS: give it one")
    return found


def visuals_violations(source: str, path: str) -> list[str]:
    """Imports of a file of visuals/ from rooms of engine it may not know."""
    return [
        f"{path}:{line}: visuals imports {module}; of engine it may know {', '.join(VISUALS_MAY_IMPORT)}"
        for line, module in imports(source, path)
        if within(module, "engine") and not any(within(module, f"engine.{room}") for room in VISUALS_MAY_IMPORT)
    ]


def owner_violations(source: str, path: str) -> list[str]:
    """Imports of a device library outside the place that owns it."""
    return [
        f"{path}:{line}: {module} is imported in {' and '.join(OWNERS[owned])} only"
        for line, module in imports(source, path)
        for owned in OWNERS
        if within(module, owned) and not path.startswith(OWNERS[owned])
    ]


def torch_violations(source: str, path: str) -> list[str]:
    """Imports of torch outside training/: performing must not need it."""
    return [
        f"{path}:{line}: torch is for training/ only"
        for line, module in imports(source, path)
        if within(module, "torch") and not path.startswith("training/")
    ]


# ---- real-time functions ----


def rt_functions(source: str, path: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(`path::name`, node) of every function whose name ends in `_rt`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.endswith("_rt"):
            yield f"{path}::{node.name}", node


def rt_violations(source: str, path: str) -> list[str]:
    """What stands in a `_rt` function that may block, wait, allocate without bound or never end.

    Calls are held to an allow list: what can't be named here can't be trusted there. The words of an error that
    is raised are free, because with it the real-time work has ended.
    """
    return [
        f"{path}:{getattr(inner, 'lineno', node.lineno)}: {node.name} {fault}"
        for function, node in rt_functions(source, path)
        for inner in walk_until_raise(node)
        if (fault := rt_fault(inner, function))
    ]


def walk_until_raise(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, ast.Raise):
        for child in ast.iter_child_nodes(node):
            yield from walk_until_raise(child)


def rt_fault(node: ast.AST, function: str) -> str:
    """What is wrong with one node of the `_rt` function, "" if nothing."""
    match node:
        case ast.With() | ast.AsyncWith():
            return "holds a `with`: a lock or a file"
        case ast.Import() | ast.ImportFrom():
            return "imports: reads files and takes the import lock"
        case ast.Await() | ast.Yield() | ast.YieldFrom() | ast.AsyncFor() | ast.AsyncFunctionDef():
            return "gives control away"
        case ast.While() if function not in RT_LOOPS:
            return "holds a `while`: bound the work by a `for`, or name the loop in RT_LOOPS"
        case ast.Call(func=func):
            name = dotted(func)
            if not (name.endswith("_rt") or name in RT_CALLS or name in RT_EXTRA.get(function, {})):
                return f"calls {name or 'what has no name'}, which is neither `_rt` nor in RT_CALLS"
    return ""


# ---- the laws, held over the tree ----


def tree(*tops: str) -> list[tuple[str, str]]:
    """(source, path) of every Python file below the named folders, paths relative to the checkout."""
    files = sorted(file for top in tops for file in (ROOT / top).rglob("*.py"))
    return [(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()) for file in files]


def test_engine_imports_run_one_way_and_never_to_visuals() -> None:
    assert [v for file in tree("engine") for v in order_violations(*file)] == []


def test_visuals_know_only_what_a_reader_of_the_line_needs() -> None:
    assert [v for file in tree("visuals") for v in visuals_violations(*file)] == []


def test_each_device_library_is_imported_in_one_place() -> None:
    assert [v for file in tree("engine", "visuals") for v in owner_violations(*file)] == []


def test_torch_lives_in_training_only() -> None:
    tops = ("engine", "visuals", "benchmarks", "scripts", "tests", "training")
    assert [v for file in tree(*tops) for v in torch_violations(*file)] == []


def test_rt_functions_do_bounded_work_without_locks_and_io() -> None:
    assert [v for file in tree("engine", "visuals") for v in rt_violations(*file)] == []


def test_rt_exceptions_name_only_what_is_there() -> None:
    """An exception that outlived its code would let the next one through unseen."""
    functions = {name: node for file in tree("engine", "visuals") for name, node in rt_functions(*file)}
    calls = {
        (name, dotted(inner.func))
        for name, node in functions.items()
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call)
    }
    assert RT_LOOPS.keys() - functions.keys() == set()
    assert {(name, call) for name, extra in RT_EXTRA.items() for call in extra} - calls == set()


def test_the_tree_is_really_read() -> None:
    """Laws held over nothing hold always: the audio thread's functions must be among what was read."""
    assert any(path.startswith("visuals/") for _, path in tree("visuals"))
    assert [name for file in tree("engine/audio") for name, _ in rt_functions(*file)] != []
