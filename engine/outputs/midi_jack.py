"""Whether a JACK server is there and turning, and its MIDI ports, asked of libjack itself.

Needed beside rtmidi, which can't tell (measured, rtmidi 5.0 with jackd2): with the server gone its port list stays
as it was, sending never fails, and once 16 kB have piled up it spins for ever holding Python's lock. And opening an
rtmidi client to look for a port holds that lock for 20-110 ms, too long for an engine that hears; this takes no lock.
Never sends MIDI and never starts a server. Public: Watch, watch, forget.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib.util
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STILL = 0.5  # seconds without a cycle after which a server counts as dead (the longest period there is: 0.17 s)
_NO_START = 1  # JackNoStartServer
_INPUT, _OUTPUT = 1, 2  # JackPortFlags
_MIDI = b"8 bit raw midi"

_lock = threading.Lock()
_shared: Watch | None = None
_lib: Any = None


def _load() -> Any:
    """The libjack that rtmidi uses (its Linux wheels bring one), else the system's; None without either."""
    global _lib  # noqa: PLW0603  # loaded once a process
    if _lib is not None:
        return _lib
    spec = importlib.util.find_spec("rtmidi")
    beside = Path(spec.origin).parents[1] if spec and spec.origin else Path("/nowhere")
    bundled = sorted(beside.glob("python_rtmidi*/libjack*"))
    name = str(bundled[0]) if bundled else ctypes.util.find_library("jack")
    if not name:
        return None
    try:
        lib: Any = ctypes.CDLL(name)
        lib.jack_client_open.restype = ctypes.c_void_p
        lib.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        lib.jack_last_frame_time.restype = ctypes.c_uint32
        lib.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        lib.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
        lib.jack_free.argtypes = [ctypes.c_void_p]
        for call in ("last_frame_time", "client_close"):
            getattr(lib, "jack_" + call).argtypes = [ctypes.c_void_p]
        if bundled:
            # libjack complains on stderr at each look for a server that is not there, five lines into the screen.
            # Only a function in C may take the place of its printer (it is called on real-time threads); any that
            # reads a string and does nothing will do. Not done to the system's copy, which PortAudio listens to.
            lib.jack_set_error_function(ctypes.CDLL(None).strlen)
    except (OSError, AttributeError):
        return None
    _lib = lib
    return lib


class Watch:
    """A client without ports. clock: host time in seconds."""

    def __init__(self, lib: Any, client: int, clock: Callable[[], float]) -> None:
        self._lib, self._client, self._clock = lib, client, clock
        self._frame: int = lib.jack_last_frame_time(client)
        self._seen = clock()

    def turning(self) -> bool:
        """Whether the server has run a cycle in the last STILL seconds, or since the last look."""
        with _lock:
            if not self._client:
                return False
            frame = self._lib.jack_last_frame_time(self._client)
            if frame != self._frame:
                self._frame, self._seen = frame, self._clock()
            return self._clock() - self._seen < STILL

    def ports(self) -> list[tuple[str, str]]:
        """(direction, name) of every MIDI port: "out" what can be sent to, "in" what can be heard."""
        found: list[tuple[str, str]] = []
        with _lock:
            if not self._client:
                return found
            for direction, flag in (("out", _INPUT), ("in", _OUTPUT)):
                names = self._lib.jack_get_ports(self._client, None, _MIDI, flag)
                i = 0
                while names and names[i] is not None:
                    found.append((direction, names[i].decode("utf-8", "replace")))
                    i += 1
                if names:
                    self._lib.jack_free(names)
        return found

    def close(self) -> None:
        with _lock:
            client, self._client = self._client, 0
            if client:
                self._lib.jack_client_close(client)


def watch(clock: Callable[[], float] = time.perf_counter) -> Watch | None:
    """The process's one watch of the server, opened anew when the server was replaced. None: no server.

    RuntimeError: there is no libjack to ask.
    """
    global _shared  # noqa: PLW0603  # one client a process, however many ports
    lib = _load()
    if lib is None:
        raise RuntimeError("libjack is not there")
    if _shared is not None and _shared.turning():
        return _shared
    forget()
    client = lib.jack_client_open(b"getaway-watch", _NO_START, None)
    _shared = Watch(lib, client, clock) if client else None
    return _shared


def forget() -> None:
    """Close the watch; the next `watch` opens it again."""
    global _shared
    old, _shared = _shared, None
    if old is not None:
        with contextlib.suppress(Exception):
            old.close()
