"""Real GL for the tests of the stage: EGL in this process, windows on an Xvfb of its own in processes started for it.

Both are skipped, with the reason, only where EGL or Xvfb is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stagehands import SETTINGS, Running

from engine.grid import Grid
from engine.state import Hit, Hits, Levels, Moment, State
from tests.servers import missing


def make_moment(
    beat: float,
    *,
    confidence: float = 1.0,
    since: float = 9.0,
    bass: float = 0.5,
    energy: float = 0.6,
    bpm: float = 120.0,
) -> Moment:
    """A moment at a beat, with every drum's newest hit `since` seconds ago."""
    time_ = 100.0
    hit = Hit(7, time_ - since, 0.9)
    spectrum = np.linspace(0.8, 0.1, 64, dtype=np.float32)
    waveform = np.sin(np.arange(512, dtype=np.float32) / 9.0) * np.float32(0.5)
    levels = Levels(0.5, energy, 0.5, 0.5, (bass, bass, 0.4, 0.3, 0.2), spectrum, waveform)
    grid = Grid(time_ - beat * 60.0 / bpm, 0.0, 60.0 / bpm)
    state = State(grid, confidence, confidence, time_, 1, 0, Hits(hit, hit, hit), levels)
    return Moment.at(state, time_)


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start a stage with settings that differ from SETTINGS by what is given."""
    started: list[Running] = []

    def make(**changes: Any) -> Running:
        started.append(Running(replace(SETTINGS, **changes)))
        return started[-1]

    yield make
    for one in started:
        one.stop()
        if one.process.is_alive():
            one.process.kill()


@pytest.fixture(scope="session")
def _window() -> Iterator[Any]:
    import pyglet

    pyglet.options["headless"] = True
    pyglet.options["shadow_window"] = False
    try:
        from pyglet import gl
        from pyglet.window import Window

        sizes = {f"{colour}_size": 8 for colour in ("red", "green", "blue", "alpha")}
        config = gl.Config(major_version=3, minor_version=3, forward_compatible=True, **sizes)
        window = Window(64, 64, config=config)
    except Exception as error:
        missing(f"no EGL with OpenGL 3.3 here ({error})")
    yield window
    window.close()


@pytest.fixture
def context(_window: Any) -> None:
    """A current GL 3.3 core context without a window, in this process."""
    _window.switch_to()


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """DISPLAY of an X server for these tests alone, 800 x 600."""
    if not shutil.which("Xvfb"):
        missing("Xvfb is not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    if not number:
        missing("Xvfb does not start here")
    yield f":{number}"
    server.terminate()
    server.wait(10.0)


@pytest.fixture
def draw(context: None) -> Callable[..., Any]:
    """draw(path, moment, size) -> uint8[height, width, 3]: one frame of a scene as the screen would show it."""
    from visuals.canvas import Feed
    from visuals.present import Presenter
    from visuals.scene import load
    from visuals.uniforms import Frame

    def once(path: str | Path, moment: Moment, size: tuple[int, int] = (160, 90), time_: float = 3.0) -> Any:
        feed, presenter, scene = Feed(), Presenter(size), load(path, size)
        feed.upload(moment, Frame(*size, time_))
        presenter.target.begin()
        scene.draw(moment, size)
        pixels = presenter.pixels(1.0).copy()
        for part in (scene, presenter, feed):
            part.close()
        return pixels

    return once


@pytest.fixture
def at_beat() -> Callable[..., Moment]:
    return make_moment
