"""The stage process: a window (or none), and in it, at every flip, the scene at the moment the flip will be seen.

Reads the newest State once a frame and asks the line where the music will be when this frame reaches the eye. Never
waits for the engine and never ends because of it: without a State it draws the idle one, with an old one the line
simply goes on. The only importer of pyglet.window. Public: perform, CANNOT_DRAW.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.clock import now
from engine.controls import Key, command_for
from engine.slot import Shared
from engine.stage_settings import StageSettings
from engine.state import Moment, State
from visuals.displays import choose, named
from visuals.facts import Facts
from visuals.pace import Detail, Pace
from visuals.pictures import dated_path, save_png
from visuals.uniforms import Frame

STOPPED = 15  # exit code: told to end by a signal or an orphan, while the show goes on
CANNOT_DRAW = 3  # exit code: no display or no OpenGL; starting again would not help
_REPORT_EVERY = 0.25  # seconds
_PARENT_EVERY = 0.5  # seconds
_TIDY_EVERY = 10.0  # seconds
_MOUSE_REST = 2.0  # seconds until a resting mouse is hidden over a full screen
_FAREWELL = 3.0  # seconds a closed window waits for the show to end before it ends alone

Log = Callable[[str, str], None]


class CannotDraw(Exception):
    """No window or no OpenGL: one sentence that says what is missing and how to get it."""


def perform(shared: Shared, settings: StageSettings, log: Log, generation: int) -> int:
    """Run the stage in this process's main thread until the show stops. Returns the exit code.

    generation: 0 for the first start, one more for each restart. log takes a level ("info", "warning", "error") and
    a sentence.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C too, and stops us in good order
    try:
        stage = Stage(shared, settings, log, generation)
    except CannotDraw as error:
        log("error", str(error))
        shared.report("stage", {"pid": os.getpid(), "status": "cannot draw", "said": str(error)})
        return CANNOT_DRAW
    try:
        return stage.run()
    finally:
        stage.close()


class Stage:
    """One window, drawn until the show stops. Made, run and closed by perform, in one thread."""

    def __init__(self, shared: Shared, settings: StageSettings, log: Log, generation: int) -> None:
        self._shared, self._settings, self._log, self._generation = shared, settings, log, generation
        self._began = now()
        self._idle = State.unheard(self._began)
        self._window, self._display, rate = _open(settings, log)
        try:
            from visuals.canvas import Feed
            from visuals.overlay import Help
            from visuals.playing import Playing
            from visuals.present import Curtain, Presenter

            self._feed, self._presenter = Feed(), Presenter(self._size())
            self._curtain, self._help = Curtain(), Help()
            before = shared.reported("stage")[1] if generation else {}
            self._curtain.closed = bool(before.get("blackout"))  # the one before this may have died in it
            folder = Path(settings.show_dir or ".")
            self._playing = Playing(log, folder, folder / "scenes")
        except Exception as error:
            self._window.close()
            raise CannotDraw(f"OpenGL failed ({error}): update the graphics driver, or run with --headless") from error
        self._pace = Pace(settings.fps, rate=rate, vsync=settings.vsync and not settings.offscreen)
        self._detail = Detail()
        self._facts = Facts(self._began)
        self._moment = Moment.at(self._idle, self._began)  # the one that was drawn last
        self._writers: list[threading.Thread] = []
        self._stopping = False
        self._farewell = float("inf")  # when a closed window ends alone
        self._mouse = self._began  # when it last moved
        self._due = {"report": 0.0, "parent": 0.0, "tidy": self._began + _TIDY_EVERY}
        if (before.get("status"), before.get("loading")) == ("loading", settings.scene):
            log("error", f"scene {settings.scene}: loading it hung, it is left out; mend it and start again")
        else:
            shared.report("stage", {"status": "loading", "loading": settings.scene, "pid": os.getpid()})
            self._playing.show(settings.scene, self._size())
        self._listen()

    # ---- the loop ----

    def run(self) -> int:
        """Draw until told to stop. Returns the exit code."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stopping", True))
        # Collecting cycles in the middle of a frame is a missed flip: what there is by now is kept for good, and the
        # little that comes is looked through every ten seconds, right after a flip.
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            while not (self._shared.stop or self._stopping or now() > self._farewell):
                time.sleep(self._pace.wait(now()))
                self._frame()
        finally:
            gc.enable()
            gc.unfreeze()
        if self._settings.screenshot:
            self._save(Path(self._settings.screenshot))
        for writer in self._writers:
            writer.join(10.0)
        self._report(now(), "stopped")
        return 0 if self._shared.stop or now() > self._farewell else STOPPED

    def _frame(self) -> None:
        """One frame, from the newest State to the flip."""
        begun = now()
        self._window.dispatch_events()
        for command in self._shared.to_stage.receive():
            self._obey(command)
        size = self._size()
        self._moment = moment = self._coming(begun)
        seen = min(size) > 0  # a window put away has no pixels on some systems
        if seen:
            self._prepare(size, self._detail.share)
        ready = now()
        if seen:
            self._draw()
            self._presenter.present(0, self._curtain.at(moment.time))
        self._help.draw(self._window.get_size(), self._moment)
        _finish()
        drawn = now()
        self._window.flip()
        _finish()
        flipped = now()
        self._pace.flipped(flipped)
        self._detail.took(drawn - begun)
        self._chores(flipped)
        self._facts.frame(ready - begun + now() - flipped, flipped - begun)

    def _prepare(self, size: tuple[int, int], share: float) -> None:
        """A picture of the right size, and the moment at hand where scenes read it."""
        self._presenter.resize(size, share)
        self._feed.upload(self._moment, Frame(*self._presenter.target.size, self._moment.time - self._began))

    def _draw(self) -> None:
        """The scene, into the presenter's picture."""
        self._presenter.target.begin()
        self._playing.draw(self._moment, self._presenter.target.size)

    def _coming(self, begun: float) -> Moment:
        """What the music will be when the frame begun now is seen."""
        state = (self._shared.state() or self._idle).aged(now())
        return Moment.at(state, self._pace.seen(begun) + self._settings.latency)

    def _chores(self, time: float) -> None:
        """What is not due every frame."""
        if time >= self._due["report"]:
            self._due["report"] = time + _REPORT_EVERY
            self._report(time, "drawing")
            if self._window.fullscreen and time - self._mouse > _MOUSE_REST:
                self._window.set_mouse_visible(False)
        if time >= self._due["parent"]:
            self._due["parent"] = time + _PARENT_EVERY
            parent = multiprocessing.parent_process()
            self._stopping |= parent is not None and not parent.is_alive()
        if time >= self._due["tidy"]:
            self._due["tidy"] = time + _TIDY_EVERY
            gc.collect()
            self._writers = [writer for writer in self._writers if writer.is_alive()]

    def _report(self, time: float, status: str) -> None:
        facts = {
            "pid": os.getpid(),
            "generation": self._generation,
            "status": status,
            "scene": self._playing.name,
            "scene_error": self._playing.error,
            "scene_errors": self._playing.errors,
            "size": list(self._size()),
            "detail": self._detail.share,
            "display": self._display,
            "fullscreen": bool(self._window.fullscreen),
            "blackout": self._curtain.closed,
            "fps": round(self._pace.fps, 2),
            "paced_by": "clock" if self._pace.free else "display",
            "frames": self._pace.frames,
            "missed": self._pace.missed,
            "latency": self._settings.latency,
            "beat": self._moment.beat,
        }
        self._shared.report("stage", facts | self._facts.gather(time))

    # ---- commands ----

    def _listen(self) -> None:
        """Hear the window's events. The handlers return True: pyglet's own would close the window."""
        from pyglet.window import key

        def on_key_press(symbol: int, _modifiers: int) -> bool:
            self.press(key.symbol_string(symbol))
            return True

        def on_close() -> bool:
            self._quit()
            return True

        def on_mouse_motion(*_: object) -> None:
            self._mouse = now()
            self._window.set_mouse_visible(True)

        self._window.push_handlers(on_key_press, on_close, on_mouse_motion)

    def press(self, symbol: str) -> None:
        """A key went down, named as pyglet names it."""
        key = command_for(symbol)
        if key is None:
            return
        if key.sends:
            self._send(key)
        match key.do:
            case "fullscreen":
                self._window.set_fullscreen(not self._window.fullscreen)
                self._mouse = now()
            case "screenshot":
                self._photograph(dated_path())
            case "help":
                self._help.visible = not self._help.visible

    def _send(self, key: Key) -> None:
        command = key.command(now())
        if key.do == "blackout":
            command["on"] = self._curtain.closed = not self._curtain.closed
        if not self._shared.from_stage.send(command):
            self._log("warning", f"stage: the engine takes no commands, '{key.do}' is lost")
        if key.do == "quit":
            self._farewell = now() + _FAREWELL

    def _quit(self) -> None:
        self.press("ESCAPE")

    def _obey(self, command: dict[str, Any]) -> None:
        """A command from the engine or the terminal."""
        match command:
            case {"do": "screenshot", "path": str(path)}:
                self._photograph(Path(path))
            case {"do": "blackout", "on": bool(on)}:
                self._curtain.closed = on
            case {"do": "blackout"}:
                self._curtain.closed = not self._curtain.closed
            case {"do": "scene", "name": str(name)}:
                self._playing.show(name, self._size())
            case _:
                self._log("warning", f"stage: unknown command {command}")

    # ---- pictures ----

    def _photograph(self, path: Path) -> None:
        """Save what is on the screen; packing it (0.2 s) happens beside the show."""
        writer = threading.Thread(target=self._write, args=(path, self._picture()), name="picture", daemon=True)
        writer.start()
        self._writers.append(writer)

    def _save(self, path: Path) -> None:
        self._write(path, self._picture())

    def _picture(self) -> Any:
        """The frame drawn last, in full detail, without what lies over it: uint8[height, width, 3]."""
        size = self._size()
        if self._presenter.target.size != size:
            self._prepare(size, 1.0)
            self._draw()
        return self._presenter.pixels(0.0 if self._curtain.closed else 1.0)

    def _write(self, path: Path, pixels: Any) -> None:
        try:
            self._log("info", f"picture: {save_png(path, pixels)}")
        except OSError as error:
            self._log("error", f"picture: {path}: {error.strerror}: name a folder that can be written")

    # ---- the window ----

    def _size(self) -> tuple[int, int]:
        """Pixels of the picture."""
        width, height = self._window.get_framebuffer_size()
        return int(width), int(height)

    def close(self) -> None:
        """Give everything back. Called once, however the run ended."""
        self._playing.close()
        self._help.close()
        self._presenter.close()
        self._feed.close()
        self._window.close()


def _finish() -> None:
    """Wait for the GPU: drivers queue frames and flips, and what is only queued would be timed too early."""
    from pyglet import gl

    gl.glFinish()


def _open(settings: StageSettings, log: Log) -> tuple[Any, str, float | None]:
    """(window, name of its display, that display's refreshes a second or None). CannotDraw with what to do."""
    import pyglet

    os.environ.setdefault("__GL_YIELD", "USLEEP")  # NVIDIA's driver else spins a core while it waits for the flip
    pyglet.options["headless"] = settings.offscreen
    pyglet.options["shadow_window"] = False
    pyglet.options["debug_gl"] = False
    try:
        return _make(settings, log)
    except Exception as error:
        raise CannotDraw(_explain(settings.offscreen, error)) from error


def _make(settings: StageSettings, log: Log) -> tuple[Any, str, float | None]:
    from pyglet import display as system
    from pyglet import gl, window

    screens = system.get_display().get_screens()
    there = named(screens)
    index = choose(settings.display, there)
    if index is None and settings.display:
        names = ", ".join(f"{number} {one.name}" for number, one in enumerate(there, 1))
        log("warning", f"display: there is no '{settings.display}', the first is taken; there are: {names}")
    screen = system.get_display().get_default_screen() if index is None else screens[index]
    place = named([screen])[0]
    config = gl.Config(  # type: ignore[abstract]  # each system's own class stands behind this name
        major_version=3, minor_version=3, forward_compatible=True, double_buffer=True,
        red_size=8, green_size=8, blue_size=8, alpha_size=8 if settings.offscreen else 0,
    )  # fmt: skip
    full = settings.fullscreen and not settings.offscreen
    width, height = settings.size
    made = window.Window(
        width=None if full else width, height=None if full else height, caption=settings.title, resizable=True,
        fullscreen=full, vsync=settings.vsync, screen=screen, config=config,
    )  # fmt: skip
    if not full and not settings.offscreen:
        made.set_location(place.x + max(0, place.width - width) // 2, place.y + max(0, place.height - height) // 2)
    mode = screen.get_mode()
    rate = float(getattr(mode, "rate", 0) or 0)
    return made, place.name, rate or None


def _explain(offscreen: bool, error: Exception) -> str:
    """One sentence: what is missing, and which command or option helps."""
    said = " ".join(str(error).split()) or type(error).__name__
    kind = type(error).__name__
    if offscreen:
        install = "install it: sudo apt install libegl1 libegl-mesa0 libgl1-mesa-dri (or your system's EGL)"
        return f"stage: can't draw offscreen ({said}): EGL with OpenGL 3.3 is needed; {install}"
    if kind in ("NoSuchDisplayException", "NoSuchScreenModeException"):
        shown = os.environ.get("DISPLAY", "")
        return f"stage: no display (DISPLAY is '{shown}'): run on a desktop, or with --headless"
    if isinstance(error, ImportError):
        return f"stage: a library is missing ({said}): sudo apt install libgl1 libgl1-mesa-dri libx11-6, or --headless"
    return f"stage: no OpenGL 3.3 window ({kind}: {said}): update the graphics driver, or run with --headless"
