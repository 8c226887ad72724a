"""The laws read off the source text catch what they are for: a violation of each is planted and seen.

A law that no planted violation breaks may hold because it looks at nothing.
"""

from __future__ import annotations

import pytest

from tests.test_architecture import (
    imports,
    order_violations,
    owner_violations,
    rt_violations,
    torch_violations,
    visuals_violations,
)


@pytest.mark.parametrize(
    ("path", "source", "modules"),
    [
        ("engine/a.py", "import engine.grid as g, numpy", ["engine.grid", "numpy"]),
        ("engine/a.py", "from engine import grid", ["engine.grid"]),
        ("engine/a.py", "from . import cli", ["engine.cli"]),
        ("engine/audio/a.py", "from ..cli import main", ["engine.cli.main"]),
        ("engine/audio/a.py", "from .file import open_file", ["engine.audio.file.open_file"]),
        ("engine/a.py", "def f():\n    if x:\n        import torch", ["torch"]),
        ("engine/a.py", "importlib.import_module('visuals.stage')", ["visuals.stage"]),
        ("visuals/a.py", "import pyglet\npyglet.app.run()", ["pyglet", "pyglet.app", "pyglet.app.run"]),
    ],
)
def test_imports_are_found_however_written(path: str, source: str, modules: list[str]) -> None:
    assert [module for _, module in imports(source, path)] == modules


@pytest.mark.parametrize(
    ("path", "source", "caught"),
    [
        ("engine/grid.py", "from engine.state import State", True),
        ("engine/grid.py", "def f():\n    from . import cli", True),
        ("engine/audio/device.py", "from ..hearing import beats", True),
        ("engine/performance.py", "import visuals.stage", True),
        ("engine/performance.py", "from visuals import stage", True),
        ("engine/__init__.py", "from engine.grid import Grid", True),
        ("engine/nowhere.py", "", True),
        ("engine/state.py", "from engine.grid import Grid", False),
        ("engine/hearing/beats.py", "from engine.hearing import network\nfrom engine import audio", False),
        ("engine/cli.py", "from engine import performance", False),
    ],
)
def test_an_import_up_the_house_is_caught(path: str, source: str, caught: bool) -> None:
    assert bool(order_violations(source, path)) is caught


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("from engine.hearing import beats", True),
        ("import engine", True),
        ("from engine.state import Moment\nfrom engine import roles", False),
    ],
)
def test_visuals_that_know_too_much_are_caught(source: str, caught: bool) -> None:
    assert bool(visuals_violations(source, "visuals/scene.py")) is caught


@pytest.mark.parametrize(
    ("path", "source", "caught"),
    [
        ("engine/cli.py", "import sounddevice", True),
        ("engine/audio/device.py", "import sounddevice", False),
        ("engine/outputs/osc.py", "from rtmidi import midiconstants", True),
        ("engine/outputs/midi.py", "import rtmidi", False),
        ("engine/performance.py", "import pyglet", True),
        ("visuals/scene.py", "import pyglet", False),
        ("visuals/scene.py", "from pyglet.window import key", True),
        ("visuals/scene.py", "import pyglet\npyglet.window.Window()", True),
        ("visuals/stage.py", "from pyglet import app, window", False),
    ],
)
def test_a_device_library_out_of_place_is_caught(path: str, source: str, caught: bool) -> None:
    assert bool(owner_violations(source, path)) is caught


def test_torch_outside_training_is_caught() -> None:
    assert torch_violations("import torch.nn", "engine/hearing/network.py") != []
    assert torch_violations("import torch.nn", "training/fit.py") == []


@pytest.mark.parametrize(
    "body",
    [
        "with self._lock: self.n += 1",
        "self._lock.acquire()",
        "open('x')",
        "print('late')",
        "log.warning('late')",
        "time.sleep(0.001)",
        "json.dumps({})",
        "import math",
        "from math import pi",
        "while True: pass",
        "while not self.stopped: pass",
        "yield 1",
        "self.helper()",
        "table[0]()",
        "(lambda: open('x'))()",
        "self.f_rt(print())",
        "try:\n        self.n += 1\n    finally:\n        self.file.write(b'')",
    ],
)
def test_what_may_block_is_caught_in_rt_functions(body: str) -> None:
    """In a method, in a function within a function and at any depth of an expression."""
    assert rt_violations(f"def push_rt(self):\n    {body}\n", "engine/audio/ring.py") != []
    assert rt_violations(f"def push(self):\n    {body}\n", "engine/audio/ring.py") == []


def test_bounded_work_passes_as_rt() -> None:
    source = """
class Ring:
    def push_rt(self, block):
        n = min(len(block), self.size)
        for i in range(n):
            self.data[i] = block[i]
        try:
            np.copyto(self.tail, block)
        except ValueError:
            self.refused += 1
        if self.refused > 9:
            raise Lost(f"{self.name}: {words(self)}")
        self.clock.mark_rt(clock.now())
"""
    assert rt_violations(source, "engine/audio/ring.py") == []
