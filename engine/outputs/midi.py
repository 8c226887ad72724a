"""MIDI: notes on beats and drum hits, controllers that follow levels, clock for everything that can follow one.

Plays a map of rows (midi_rows) and a clock (midi_clock) into a port (midi_port). The only importer of rtmidi. Never
looks at the host clock and never decides when: the Moment says what "now" is. Never leaves a note sounding. Public:
MidiOutput, MidiSettings, Row, ports.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

from engine.clock import now as host_now
from engine.faults import Lost
from engine.outputs import Beat, Cue, Struck, midi_port
from engine.outputs.midi_clock import PER_BEAT, Message, Ticker
from engine.outputs.midi_port import Sink
from engine.outputs.midi_rows import WHATS, MidiSettings, Row
from engine.state import KINDS, Moment

__all__ = ["MidiOutput", "MidiSettings", "Row", "ports"]

_NOTE_OFF, _NOTE_ON, _CONTROL, _PROGRAM = 0x80, 0x90, 0xB0, 0xC0
_ALL_SOUND_OFF, _ALL_NOTES_OFF = 120, 123
# Frames come as even as the conductor wakes; one that is a little early is not put off to the next.
_EARLY = 0.002  # seconds
# A new virtual port is unconnected until a patchbay has seen it: what a predecessor left is cleared up again then.
_SETTLED = 1.0  # seconds


def _scaled(low: int, high: int, value: float) -> int:
    """low at 0, high at 1 (and beyond); what is not a number counts as 0."""
    value = min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
    return round(low + value * (high - low))


def _struck(row: Row, strength: float) -> tuple[Message, Message | None]:
    """What a row sends, and what ends it a gate later."""
    channel = row.channel - 1
    if row.note is not None:
        pair = row.velocity
        velocity = pair if isinstance(pair, int) else _scaled(pair[0], pair[1], strength)
        return (_NOTE_ON | channel, row.note, velocity), (_NOTE_OFF | channel, row.note, 0)
    if row.cc is not None:
        at = _scaled(row.low, row.high, strength)
        return (_CONTROL | channel, row.cc, at), (_CONTROL | channel, row.cc, row.low)
    assert row.program is not None
    return (_PROGRAM | channel, row.program), None


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError as error:
        raise Lost(f"midi: python-rtmidi can't be loaded ({error}): pip install python-rtmidi") from error
    return rtmidi


def _open(settings: MidiSettings, clock: Callable[[], float]) -> Sink:
    return midi_port.open_port(_rtmidi(), settings.port, settings.virtual, settings.api, clock)


def ports() -> list[tuple[str, str, str]]:
    """(api, "out" or "in", name) of every MIDI port there is: out can be sent to, in can be heard. Never raises."""
    try:
        return midi_port.ports(_rtmidi())
    except Lost:
        return []


class MidiOutput:
    """An Output (see engine.outputs). All but alive on one thread.

    settings: ValueError when they have problems. clock: host time, for watching the port only. sink: where messages
    go instead of a port. resumed: a predecessor may have been killed while it played; its notes are ended and slaves
    that still run are stopped and continued in place. tap: is shown each message once it was sent, for a recording;
    must not block. Raises Lost when the port can't be opened.
    """

    def __init__(
        self,
        settings: MidiSettings,
        clock: Callable[[], float] = host_now,
        *,
        sink: Sink | None = None,
        resumed: bool = False,
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        if wrong := settings.problems():
            raise ValueError("midi: " + "; ".join(wrong))
        self.name = settings.name
        self.latency = settings.latency
        self.subdivision = PER_BEAT if settings.clock else 1
        self._line = [(row, WHATS[row.what]) for row in settings.rows if WHATS[row.what].count]
        self._hits = {kind: [row for row in settings.rows if row.what == kind] for kind in KINDS}
        self._levels = [(row, value) for row in settings.rows if (value := WHATS[row.what].value)]
        self.rate = settings.rate if self._levels else 0.0
        self.wake = math.inf
        self._sent = 0
        self._tap = tap
        self._closed = False
        # What sounds: (status, number) -> when it is due to end, and what ends it. Momentary controllers count too.
        self._sounding: dict[tuple[int, int], tuple[float, Message]] = {}
        self._soonest = math.inf
        self._levels_at = -math.inf
        self._told: dict[tuple[int, int], int] = {}  # (channel, controller) -> value last sent
        self._ends = [e for r in settings.rows if not WHATS[r.what].value and (e := _struck(r, 0.0)[1])]
        self._cleared_at = math.nan  # host time of the second clearing, nan: to be set at the first send
        self._ticker = Ticker(resumed=resumed) if settings.clock else None
        self._sink = sink if sink is not None else _open(settings, clock)
        if resumed:
            self._clear()
        else:
            self._cleared_at = math.inf

    def send(self, moment: Moment, cues: tuple[Cue, ...]) -> int:
        """Send what is due; returns how many messages. Raises Lost."""
        if self._closed:
            raise Lost(f"{self.name}: closed")
        before = self._sent
        now = moment.time - self.latency
        if self._cleared_at != math.inf:
            if math.isnan(self._cleared_at):
                self._cleared_at = now + _SETTLED
            elif now >= self._cleared_at:
                self._clear()
                self._cleared_at = math.inf
        if self._soonest <= now + 1e-9:
            self._release(now + 1e-9)
        if self._ticker is not None:
            for message in self._ticker.due(now, moment):
                self._out(message)
        for cue in cues:
            if isinstance(cue, Beat):
                self._beat(cue, moment, now)
            else:
                self._hit(cue, now)
        if self.rate and now + _EARLY >= self._levels_at:
            step = 1.0 / self.rate
            self._levels_at = now + step if now - self._levels_at > step else self._levels_at + step
            self._follow(moment)
        self.wake = min(self._soonest, self._cleared_at, self._ticker.wake if self._ticker else math.inf)
        return self._sent - before

    def alive(self) -> bool:
        """Whether the port is still there. Any thread."""
        return not self._closed and self._sink.alive()

    def panic(self) -> int:
        """End everything on all channels, also what others play there; returns how many messages. Raises Lost."""
        if self._closed:
            raise Lost(f"{self.name}: closed")
        before = self._sent
        self._release(math.inf)
        for channel in range(16):
            self._out((_CONTROL | channel, _ALL_SOUND_OFF, 0))
            self._out((_CONTROL | channel, _ALL_NOTES_OFF, 0))
        return self._sent - before

    def close(self) -> None:
        """End what sounds, stop slaves, close the port. Never raises; may be called again.

        No All Notes Off: each note started here is ended here, and others may play on the same channels.
        """
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Exception):  # of a port that is gone nothing more can be asked
            self._release(math.inf)
            for message in self._ticker.stop() if self._ticker else ():
                self._out(message)
        with contextlib.suppress(Exception):
            self._sink.close()

    def _out(self, message: Message) -> None:
        self._sink.send(message)
        self._sent += 1
        if self._tap is not None:
            self._tap(bytes(message))

    def _clear(self) -> None:
        """Send the ends of all notes of the map that don't sound now, each once."""
        for end in dict.fromkeys(self._ends):
            status = _NOTE_ON | end[0] & 0x0F if end[0] & 0xF0 == _NOTE_OFF else end[0]
            if (status, end[1]) not in self._sounding:
                self._out(end)

    def _release(self, until: float) -> None:
        """End what is due until then. An end that can't be sent stays due."""
        for key, (at, end) in list(self._sounding.items()):
            if at <= until:
                self._out(end)
                del self._sounding[key]
        self._soonest = min((at for at, _ in self._sounding.values()), default=math.inf)

    def _strike(self, row: Row, strength: float, now: float) -> None:
        start, end = _struck(row, strength)
        if end is not None:
            key = (start[0], start[1])
            if key in self._sounding and start[0] & 0xF0 == _NOTE_ON:
                # The standard lets a receiver stack a second note-on of a note or ignore it; off first is clear to all.
                self._out(end)
            self._sounding[key] = (now + row.gate, end)  # before it is sent: lost halfway is ended, too
            self._soonest = min(at for at, _ in self._sounding.values())
        self._out(start)

    def _beat(self, cue: Beat, moment: Moment, now: float) -> None:
        of_bars = min(cue.confidence, cue.bar_confidence)
        for row, what in self._line:
            sure = of_bars if what.of_bars else cue.confidence
            number = what.count(cue, moment.state.grid) if what.count else None
            if number is not None and number % row.every == 0 and sure >= row.min_confidence:
                self._strike(row, sure, now)

    def _hit(self, cue: Struck, now: float) -> None:
        for row in self._hits.get(cue.kind, ()):
            # Every nth of those that came, also when some between were missed.
            if cue.count // row.every != (cue.count - 1 - cue.missed) // row.every:
                self._strike(row, cue.strength, now)

    def _follow(self, moment: Moment) -> None:
        state = moment.state
        for row, value in self._levels:
            what = WHATS[row.what]
            if what.predicted:
                sure = min(state.confidence, state.bar_confidence) if what.of_bars else state.confidence
                if sure < row.min_confidence:
                    continue
            assert row.cc is not None
            at, key = _scaled(row.low, row.high, value(moment)), (row.channel, row.cc)
            if self._told.get(key) != at:
                self._out((_CONTROL | row.channel - 1, row.cc, at))
                self._told[key] = at
