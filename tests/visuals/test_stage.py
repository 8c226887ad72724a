"""The stage as a process: it draws, reports, obeys, and ends well, with a window and without."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest
from stagehands import SETTINGS, Running

from engine.clock import now
from engine.controls import KEYS, command_for
from engine.grid import Grid
from engine.slot import Shared
from engine.stage_settings import StageSettings
from engine.state import State
from visuals.pictures import save_png

pytestmark = pytest.mark.e2e


def drawing(facts: dict[str, Any]) -> bool:
    return facts.get("frames", 0) > 20


def publish(stage: Any, bpm: float = 120.0) -> State:
    state = State(Grid(now(), 32.0, 60.0 / bpm), 1.0, 1.0, now(), 1)
    stage.shared.publish(state)
    return state


def picture(path: Path) -> Any:
    image = pytest.importorskip("PIL.Image")
    return image.open(path).convert("RGB")


def wait_for(path: Path, stage: Any) -> Path:
    until = now() + 20.0
    while not path.exists() and now() < until:
        time.sleep(0.02)
    assert path.exists(), stage.lines()
    return path


@pytest.mark.parametrize("where", ["offscreen", "window"])
def test_it_draws_reports_and_stops(
    start: Any, where: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if where == "window":
        monkeypatch.setenv("DISPLAY", request.getfixturevalue("xvfb"))
    saved = tmp_path / "last.png"
    saved.write_bytes(b"somebody's picture")
    stage = start(offscreen=where == "offscreen", screenshot=str(saved))
    state = publish(stage)
    facts = stage.wait(drawing)
    assert (facts["status"], facts["scene"], facts["size"]) == ("drawing", "night_drive", [160, 90])
    assert facts["pid"] == stage.process.pid
    assert facts["beat"] == pytest.approx(state.grid.beat_at(now()), abs=1.5)
    assert facts["python_ms"]["p50"] < 5.0
    assert stage.stop() == 0
    assert stage.facts()["status"] == "stopped"
    assert saved.read_bytes() == b"somebody's picture"
    last = picture(tmp_path / "last-2.png")
    assert last.size == (160, 90)
    assert max(high for _, high in last.getextrema()) > 60


def test_the_picture_goes_on_without_an_engine(start: Any, tmp_path: Path) -> None:
    """No State at all, then one that grows old: the line goes on either way."""
    stage = start()
    idle = stage.wait(drawing)
    state = publish(stage, bpm=150.0)
    beats = []
    for name in ("one", "two"):
        time.sleep(1.2)
        stage.shared.to_stage.send({"do": "screenshot", "path": str(tmp_path / f"{name}.png")})
        wait_for(tmp_path / f"{name}.png", stage)
        beats.append(stage.facts()["beat"])
    assert 0.0 < idle["beat"] < 100.0
    assert beats[1] - beats[0] > 2.0
    assert beats[1] == pytest.approx(state.grid.beat_at(now()), abs=1.5)
    assert stage.stop() == 0
    assert picture(tmp_path / "one.png").tobytes() != picture(tmp_path / "two.png").tobytes()


def test_a_blackout_is_black(start: Any, tmp_path: Path) -> None:
    stage = start()
    stage.wait(drawing)
    stage.shared.to_stage.send({"do": "blackout", "on": True})
    stage.wait(lambda facts: facts["blackout"])
    stage.shared.to_stage.send({"do": "screenshot", "path": str(tmp_path / "dark.png")})
    dark = picture(wait_for(tmp_path / "dark.png", stage))
    assert max(high for _, high in dark.getextrema()) <= 1
    assert stage.stop() == 0


def test_a_broken_scene_is_reported_and_never_takes_the_stage_down(start: Any, tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "broken.frag").write_text("void main() {\n    oops\n}\n")
    stage = start(scene="broken", show_dir=str(tmp_path))
    facts = stage.wait(drawing)
    assert facts["scene"] == "fallback"
    assert "broken.frag:" in facts["scene_error"]
    stage.shared.to_stage.send({"do": "scene", "name": "night_drive"})
    stage.wait(lambda facts: facts["scene"] == "night_drive")
    stage.shared.to_stage.send({"do": "scene", "name": "broken"})
    stage.wait(lambda facts: facts["scene_errors"] == 2)
    assert stage.facts()["scene"] == "night_drive"
    assert stage.stop() == 0
    assert [level for level, text in stage.lines() if "broken.frag" in text] == ["error", "error"]


def _orphan(pid: Any) -> None:
    """A parent that starts a stage and dies without a word."""
    stage = Running(SETTINGS)
    stage.wait(drawing)
    pid.put(stage.process.pid)
    time.sleep(0.2)  # until the queue's pipe has it
    os._exit(1)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc whether a process is there")
def test_it_ends_when_its_parent_died() -> None:
    context = multiprocessing.get_context("spawn")
    pid = context.SimpleQueue()
    parent = context.Process(target=_orphan, args=(pid,))
    parent.start()
    stage = pid.get()
    parent.join(10.0)
    until = now() + 10.0
    while Path(f"/proc/{stage}").exists() and now() < until:
        if Path(f"/proc/{stage}/stat").read_text().split()[2] == "Z":  # ended; nobody is left to fetch its code
            return
        time.sleep(0.05)
    assert not Path(f"/proc/{stage}").exists()


def test_without_a_display_it_says_what_to_do_and_asks_not_to_be_restarted(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visuals.stage import CANNOT_DRAW

    monkeypatch.delenv("DISPLAY", raising=False)
    stage = start(offscreen=False)
    stage.process.join(30.0)
    assert stage.process.exitcode == CANNOT_DRAW
    [(level, text)] = stage.lines()
    assert level == "error"
    assert "no display" in text
    assert "--headless" in text


@pytest.fixture
def stage_here(context: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stage without a window in this process, for its handlers, with what it logged as `said`."""
    from visuals.stage import Stage

    monkeypatch.chdir(tmp_path)
    said: list[tuple[str, str]] = []
    shared = Shared()
    stage = Stage(
        shared, StageSettings(size=(160, 90), offscreen=True), lambda level, text: said.append((level, text)), 0
    )
    yield stage, shared, said
    stage.close()


def test_every_key_of_the_table_does_what_it_says(stage_here: Any, tmp_path: Path) -> None:
    stage, shared, _ = stage_here
    stage._frame()
    before = now()
    for key in KEYS:
        stage.press(key.symbols[0])
    sent = list(shared.from_stage.receive())
    assert [command["do"] for command in sent] == [key.do for key in KEYS if key.sends]
    assert all(before <= command["time"] <= now() for command in sent)
    assert [command["amount"] for command in sent if command["do"] == "nudge"] == [-0.01, 0.01]
    assert [command["on"] for command in sent if command["do"] == "blackout"] == [True]
    stage._frame()  # with the help over it
    for writer in stage._writers:
        writer.join()
    assert len(list(tmp_path.glob("getaway-*.png"))) == 1


def test_keys_without_a_row_do_nothing(stage_here: Any) -> None:
    stage, shared, said = stage_here
    stage.press("Z")
    assert command_for("Z") is None
    assert list(shared.from_stage.receive()) == []
    assert [level for level, _ in said] == ["info"]


def type_into(display: str, title: str, keysyms: list[int]) -> None:
    """Press keys in the window of a title, by the X protocol, as another program would."""
    from pyglet.libs.x11 import xlib

    server = xlib.XOpenDisplay(display.encode())
    root, parent, children, count = xlib.Window(), xlib.Window(), ctypes.POINTER(xlib.Window)(), ctypes.c_uint()
    top = xlib.XDefaultRootWindow(server)
    refs = [ctypes.byref(one) for one in (root, parent, children, count)]
    xlib.XQueryTree(server, top, *refs)
    name = ctypes.c_char_p()
    windows = [children[index] for index in range(count.value)]
    named = [
        one for one in windows if xlib.XFetchName(server, one, ctypes.byref(name)) and name.value == title.encode()
    ]
    assert len(named) == 1, (windows, name.value)
    for keysym in keysyms:
        event = xlib.XEvent()
        event.xkey.type = xlib.KeyPress
        event.xkey.display, event.xkey.window, event.xkey.root = server, named[0], top
        event.xkey.same_screen = 1
        event.xkey.keycode = xlib.XKeysymToKeycode(server, keysym)
        xlib.XSendEvent(server, named[0], 1, xlib.KeyPressMask, ctypes.byref(event))
    xlib.XSync(server, 0)
    xlib.XCloseDisplay(server)


def test_keys_come_in_through_a_real_window(start: Any, xvfb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", xvfb)
    stage = start(offscreen=False, title="Getaway keys")
    stage.wait(drawing)
    type_into(xvfb, "Getaway keys", [0x20, 0xFF51, 0x66])  # space, left, f
    stage.wait(lambda facts: facts["fullscreen"] and facts["size"] == [800, 600])
    sent = list(stage.shared.from_stage.receive())
    assert [command["do"] for command in sent] == ["tap", "nudge"]
    assert stage.stop() == 0


def test_pictures_are_never_written_over(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, :, 0] = 255  # the first row is the top one
    names = [save_png(tmp_path / "shot.png", pixels).name for _ in range(3)]
    assert names == ["shot.png", "shot-2.png", "shot-3.png"]
    assert picture(tmp_path / "shot.png").getpixel((0, 0)) == (255, 0, 0)
