"""Where MIDI leaves: finding, opening, watching and closing one port, whatever the system below.

Never decides what is sent, never retries: what is gone is Lost, and whoever made it makes another. rtmidi comes as an
argument, so that tests can stand in for systems this machine has not (CoreMIDI, Windows). Public: Sink, Port,
open_port, ports, API_NAMES.

Threads: send and close on one thread, alive on any.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engine.faults import Lost
from engine.outputs import midi_jack

CLIENT = "getaway"  # as JACK and ALSA show the program; ports are named by the show
API_NAMES = {"alsa": "API_LINUX_ALSA", "jack": "API_UNIX_JACK", "core": "API_MACOSX_CORE", "windows": "API_WINDOWS_MM"}
_ORDER = ("alsa", "core", "windows", "jack")  # the platform's own before the one that needs a server
_ADVICE = {
    "alsa": "load the sequencer with `modprobe snd-seq`",
    "jack": "start a JACK server",
    "core": "open Audio MIDI Setup once",
    "windows": "start the Windows Audio service",
}
# rtmidi's ring holds 16384 bytes and a full ring never returns from send: look at the server well before.
_CREDIT = 4096

# Ports open now. All of a JACK server that died are closed before its successor is used: libjack crashes the process
# when an old client is closed beside a new one, and while it lives its thread steals the new one's wake-ups.
_open: weakref.WeakSet[Port] = weakref.WeakSet()


class Sink(Protocol):
    """What an output sends to: a Port, or a list in tests."""

    def send(self, message: Sequence[int]) -> None:
        """Hand over one message. Raises Lost; does not block."""

    def alive(self) -> bool: ...

    def close(self) -> None:
        """Let what was sent leave, then close. Never raises."""


class _Unusable(Exception):
    """This MIDI system can't be used here; the text says why."""


def _apis(rtmidi: Any, wanted: str = "auto") -> list[str]:
    """Names of the MIDI systems to try, in order."""
    compiled = set(rtmidi.get_compiled_api())
    have = [name for name in _ORDER if getattr(rtmidi, API_NAMES[name]) in compiled]
    if wanted == "auto":
        return have
    if wanted not in have:
        raise Lost(f'midi.api: this rtmidi has no "{wanted}"; it has {", ".join(have) or "none"}: use "auto"')
    return [wanted]


def _check(api: str, clock: Callable[[], float]) -> midi_jack.Watch | None:
    """Raise _Unusable when the system is plainly not there, before rtmidi or its library complains on the screen."""
    if api == "alsa" and not os.path.exists("/dev/snd/seq"):
        raise _Unusable("no ALSA sequencer (/dev/snd/seq)")
    if api != "jack":
        return None
    for port in list(_open):
        if port.server_died():
            port.close()
    try:
        watch = midi_jack.watch(clock)
    except RuntimeError:
        return None  # no libjack of its own to ask: rtmidi finds out
    if watch is None:
        raise _Unusable("no JACK server runs")
    return watch


def _match(names: Sequence[str], part: str) -> str | None:
    """The name that is `part`, else the first that contains it, in any case."""
    part = part.casefold()
    exact = [name for name in names if name.casefold() == part]
    return next(iter(exact or [name for name in names if part in name.casefold()]), None)


class Port:
    """One open port. Made by open_port."""

    def __init__(
        self, rtmidi: Any, api: str, *, to: str, virtual: str, watch: midi_jack.Watch | None, clock: Callable[[], float]
    ) -> None:
        """to: full name of the port to connect to, empty: open one named `virtual`. Raises _Unusable, Lost."""
        self.api, self.to = api, to
        self._watch, self._clock = watch, clock
        self._credit = _CREDIT
        self._errors: list[str] = []
        self._lock = threading.Lock()  # a deleted rtmidi object crashes the process when it is asked anything
        try:
            self._midi = rtmidi.MidiOut(getattr(rtmidi, API_NAMES[api]), name=CLIENT)
        except (rtmidi.RtMidiError, OSError) as error:
            raise _Unusable(str(error).strip()) from error
        # Without this rtmidi prints; what it says is kept for the sentence in Lost instead.
        self._midi.set_error_callback(lambda _kind, text, _data=None: self._errors.append(str(text).strip()))
        try:
            if to:
                self._midi.open_port(self._midi.get_ports().index(to), virtual or "out")
            else:
                self._midi.open_virtual_port(virtual)
        except ValueError as error:
            self._delete()
            raise Lost(f'midi.port: "{to}" vanished while it was opened') from error
        except Exception as error:
            self._delete()
            raise Lost(f"midi: {api} refused the port: {error}") from error
        if self._errors:
            self._delete()
            raise Lost(f"midi: {api} refused the port: {'; '.join(self._errors)}")
        _open.add(self)

    def send(self, message: Sequence[int]) -> None:
        """Hand over one message. Raises Lost."""
        with self._lock:
            midi = self._midi
            if midi is None:
                raise Lost("midi: the port is closed")
            if self.api == "jack":
                self._credit -= len(message) + 8
                if self._credit < 0:
                    if self._watch is not None and not self._watch.turning():
                        raise Lost("midi: the JACK server is gone: start it again")
                    self._credit = _CREDIT
            try:
                midi.send_message(message)
            except Exception as error:
                raise Lost(f"midi: sending to {self.to or 'the virtual port'} failed: {error}") from error
            if self._errors:
                raise Lost(f"midi: sending to {self.to or 'the virtual port'} failed: {self._errors.pop()}")

    def alive(self) -> bool:
        """Whether what was opened is still listed and its system still turns. Any thread; up to a millisecond."""
        with self._lock:
            if self._midi is None:
                return False
            if self._watch is not None:
                if not self._watch.turning():
                    return False
                self._credit = _CREDIT
                return not self.to or ("out", self.to) in self._watch.ports()
            if not self.to:
                return True
            try:
                return self.to in self._midi.get_ports()
            except Exception:
                return False

    def server_died(self) -> bool:
        """Whether it belongs to a JACK server that is no more."""
        return self._watch is not None and not self._watch.turning()

    def close(self) -> None:
        """Let what was sent leave, then close. Never raises; may be called again.

        rtmidi waits for JACK's next cycle by itself: 80 of 80 messages sent just before closing arrived (jackd2 with
        and without -S, 128 frames). The other systems take a message when it is sent.
        """
        with self._lock:
            if self._midi is None:
                return
            _open.discard(self)
            self._delete()

    def _delete(self) -> None:
        """Delete rtmidi's object. With JACK's server dead this takes 1.0 s (measured), holding Python's lock."""
        midi, self._midi = self._midi, None
        with contextlib.suppress(Exception):
            midi.delete()


def _names(rtmidi: Any, api: str, watch: midi_jack.Watch | None, direction: str = "out") -> list[str]:
    """Full names of the ports of a system that can be sent to ("out") or heard ("in"). Raises _Unusable."""
    if watch is not None:
        return [name for way, name in watch.ports() if way == direction]
    make = rtmidi.MidiOut if direction == "out" else rtmidi.MidiIn
    try:
        asker = make(getattr(rtmidi, API_NAMES[api]), name=CLIENT)
    except (rtmidi.RtMidiError, OSError) as error:
        raise _Unusable(str(error).strip()) from error
    try:
        return list(asker.get_ports())
    finally:
        asker.delete()


def open_port(
    rtmidi: Any, port: str, virtual: str, api: str = "auto", clock: Callable[[], float] = time.perf_counter
) -> Port:
    """Open the port whose name contains `port`, or one named `virtual` when `port` is empty.

    rtmidi: the module. api: a name of API_NAMES or "auto". Raises Lost with what there is and what to do.
    """
    if not port and sys.platform == "win32":
        raise Lost(
            f'midi.virtual: Windows has no virtual MIDI ports: install loopMIDI, make a port "{virtual}" in it '
            f'and say port = "{virtual}"'
        )
    why: list[str] = []
    listed: list[str] = []
    for name in _apis(rtmidi, api):
        try:
            watch = _check(name, clock)
            if not port:
                return Port(rtmidi, name, to="", virtual=virtual, watch=watch, clock=clock)
            names = _names(rtmidi, name, watch)
            found = _match(names, port)
            if found is not None:
                return Port(rtmidi, name, to=found, virtual=virtual, watch=watch, clock=clock)
            listed += names or [f"(none in {name})"]
        except _Unusable as error:
            why.append(f"{name}: {error}, {_ADVICE[name]}")
    if listed:
        raise Lost(f'midi.port: no port has "{port}" in its name; there are: {", ".join(listed)}')
    raise Lost(f"no MIDI system: {'; '.join(why) or 'rtmidi was built without any'}")


def ports(rtmidi: Any, clock: Callable[[], float] = time.perf_counter) -> list[tuple[str, str, str]]:
    """(api, "out" or "in", name) of every MIDI port there is: out can be sent to, in can be heard. Never raises."""
    found: list[tuple[str, str, str]] = []
    for api in _apis(rtmidi):
        with contextlib.suppress(Exception):
            watch = _check(api, clock)
            for direction in ("out", "in"):
                found += [(api, direction, name) for name in _names(rtmidi, api, watch, direction)]
    return found
