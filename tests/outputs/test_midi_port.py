"""Opening, watching and closing ports: with a stand-in for systems this machine has not, and with a real jackd."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.clock import now
from engine.faults import Lost
from engine.outputs import Struck, midi_jack, midi_port
from engine.outputs.midi import MidiOutput, ports
from engine.outputs.midi_rows import MidiSettings, Row
from engine.state import Moment

At = Callable[..., Moment]
KICK = Row("kick", note=36, channel=10, gate=5.0)


def struck(count: int = 1) -> Struck:
    return Struck("kick", count, 0.0, 1.0, 0)


class FakeRtmidi:
    """rtmidi as a module: one system, named by `api`, with `listed` ports; `fail` is said through the callback."""

    API_LINUX_ALSA, API_UNIX_JACK, API_MACOSX_CORE, API_WINDOWS_MM = 2, 3, 1, 4

    class RtMidiError(OSError):
        pass

    def __init__(self, api: int = 1, listed: tuple[str, ...] = ()) -> None:
        self.api, self.listed, self.fail, self.broken = api, listed, "", False
        self.sent: list[tuple[int, ...]] = []
        self.opened: list[str] = []
        self.deleted = 0

    def get_compiled_api(self) -> list[int]:
        return [self.api]

    def MidiOut(self, api: int, name: str) -> Any:
        if self.broken:
            raise self.RtMidiError("no such system")
        return FakeMidi(self)

    MidiIn = MidiOut


class FakeMidi:
    def __init__(self, module: FakeRtmidi) -> None:
        self.module = module
        self.callback: Callable[..., None] = lambda *_: None

    def set_error_callback(self, callback: Callable[..., None]) -> None:
        self.callback = callback

    def get_ports(self) -> list[str]:
        return list(self.module.listed)

    def open_port(self, number: int, name: str) -> None:
        self.module.opened.append(self.module.listed[number])

    def open_virtual_port(self, name: str) -> None:
        self.module.opened.append("virtual " + name)

    def send_message(self, message: tuple[int, ...]) -> None:
        if self.module.fail:
            self.callback(7, self.module.fail, None)
        self.module.sent.append(message)

    def delete(self) -> None:
        self.module.deleted += 1


def test_a_port_is_found_by_part_of_its_name_in_any_case() -> None:
    """The exact name wins over the first that contains it."""
    fake = FakeRtmidi(listed=("Big Synth MIDI 1", "synth", "Drums"))
    for part, name in (("drum", "Drums"), ("SYNTH", "synth"), ("midi 1", "Big Synth MIDI 1")):
        assert midi_port.open_port(fake, part, "").to == name
    assert fake.opened == ["Drums", "synth", "Big Synth MIDI 1"]


def test_a_port_that_is_not_there_is_answered_with_those_that_are() -> None:
    """Lost names what was asked for and what there is."""
    fake = FakeRtmidi(listed=("Synth", "Drums"))
    with pytest.raises(Lost, match=r'midi\.port: no port has "usb" in its name; there are: Synth, Drums'):
        midi_port.open_port(fake, "usb", "")
    with pytest.raises(Lost, match=r"there are: \(none in core\)"):
        midi_port.open_port(FakeRtmidi(), "usb", "")


def test_no_system_is_told_with_what_to_do() -> None:
    """Each system that was tried is named with its reason and a remedy."""
    fake = FakeRtmidi()
    fake.broken = True
    with pytest.raises(Lost, match="no MIDI system: core: no such system, open Audio MIDI Setup once"):
        midi_port.open_port(fake, "", "Getaway")
    with pytest.raises(Lost, match=r'midi\.api: this rtmidi has no "windows"; it has core: use "auto"'):
        midi_port.open_port(fake, "", "Getaway", "windows")


def test_windows_has_no_virtual_ports_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text names loopMIDI and the setting to change."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Lost, match=r'loopMIDI, make a port "Getaway" in it and say port = "Getaway"'):
        midi_port.open_port(FakeRtmidi(4), "", "Getaway")
    assert midi_port.open_port(FakeRtmidi(4, ("Getaway 1",)), "Getaway", "").to == "Getaway 1"


def test_what_rtmidi_complains_of_while_sending_is_lost() -> None:
    """An error told through the callback is not printed and not ignored."""
    fake = FakeRtmidi(listed=("Synth",))
    port = midi_port.open_port(fake, "synth", "")
    port.send((0x90, 60, 1))
    fake.fail = "unplugged"
    with pytest.raises(Lost, match="midi: sending to Synth failed: unplugged"):
        port.send((0x80, 60, 0))


def test_a_port_is_alive_while_it_is_listed() -> None:
    """Unplugged and plugged in again shows; closed is dead for good, and closing twice deletes once."""
    fake = FakeRtmidi(listed=("Synth",))
    port = midi_port.open_port(fake, "synth", "")
    seen = [port.alive()]
    for fake.listed in ((), ("Synth",)):
        seen.append(port.alive())
    assert seen == [True, False, True]
    port.close()
    port.close()
    assert fake.deleted == 2  # the one that looked for names, and the port's
    assert not port.alive()
    with pytest.raises(Lost, match="closed"):
        port.send((0xF8,))


def test_listing_never_raises_and_is_quick() -> None:
    """Without any MIDI system the list is empty, at once, and nothing is printed by the libraries below."""
    code = (
        "import time; from engine.outputs.midi import ports; t = time.perf_counter(); found = ports();"
        "print(time.perf_counter() - t, [p for p in found if p[0] != 'alsa'])"
    )
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    seconds, found = done.stdout.split(maxsplit=1)
    assert float(seconds) < 1.0
    assert found.strip() == "[]"
    assert done.stderr == ""


@pytest.mark.e2e
def test_no_server_is_lost_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a JACK server: one sentence, nothing on stderr but that."""
    pytest.importorskip("rtmidi")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    midi_jack.forget()
    with pytest.raises(Lost, match="jack: no JACK server runs, start a JACK server"):
        MidiOutput(MidiSettings(api="jack"))


@pytest.mark.e2e
def test_a_virtual_port_reaches_a_receiver_and_ends_its_notes_at_close(jack_server: Any, receiver: Any, at: At) -> None:
    """Found by name (getaway:Getaway), every message in order, and the note-off of close is not lost."""
    witness = receiver()
    out = MidiOutput(MidiSettings(api="jack", rows=(KICK,), clock=False), now)
    witness.connect("getaway:Getaway")
    assert out.alive()
    for count in range(1, 51):
        out.send(at(count / 100), (struck(count),))
    out.close()
    heard = witness.hear(100)
    assert heard == [(0x99, 36, 127), *[(0x89, 36, 0), (0x99, 36, 127)] * 49, (0x89, 36, 0)]


@pytest.mark.e2e
def test_a_port_by_name_reaches_its_receiver_at_once(jack_server: Any, receiver: Any, at: At) -> None:
    """Connected by opening; what is sent right after opening arrives, and what is sent right before closing."""
    witness = receiver("Big Synth")
    out = MidiOutput(MidiSettings(port="synth", rows=(KICK,), clock=False), resumed=True)
    out.send(at(0.0), (struck(),))
    out.close()
    assert witness.hear(3) == [(0x89, 36, 0), (0x99, 36, 127), (0x89, 36, 0)]


@pytest.mark.e2e
def test_messages_keep_their_distance_on_the_wire(jack_server: Any, receiver: Any, at: At) -> None:
    """By the receiver's sample stamps a message is late by its period and the wake-up only: what differs between
    two is under two periods in the middle of the field (each is handed over at a period's start)."""
    witness = receiver("clocked")
    out = MidiOutput(MidiSettings(port="clocked", rows=(Row("kick", program=0),), clock=False))
    sent = []
    for count in range(1, 41):
        time.sleep(0.01)
        sent.append(now())
        out.send(at(count / 100), (struck(count),))
    out.close()
    assert len(witness.hear(40)) == 40
    stamps = [frame / witness.rate for frame, _ in witness.events]
    delays = [stamp - moment for stamp, moment in zip(stamps, sent, strict=True)]
    middle = statistics.median(delays)
    off = sorted(abs(delay - middle) for delay in delays)
    assert off[len(off) // 2] < 2 * witness.period / witness.rate


@pytest.mark.e2e
def test_a_receiver_that_vanishes_is_noticed_and_found_again(jack_server: Any, receiver: Any, at: At) -> None:
    """alive turns False, opening says what is missing, and once the receiver is back it plays again."""
    settings = MidiSettings(port="synth", rows=(KICK,), clock=False)
    first = receiver("synth")
    out = MidiOutput(settings)
    assert out.alive()
    first.close()
    assert not out.alive()
    out.send(at(0.0), (struck(),))  # to nobody, harmless
    out.close()
    with pytest.raises(Lost, match=r'midi\.port: no port has "synth" in its name'):
        MidiOutput(settings)
    second = receiver("synth")
    again = MidiOutput(settings, resumed=True)
    again.send(at(0.0), (struck(),))
    assert second.hear(2) == [(0x89, 36, 0), (0x99, 36, 127)]
    again.close()


@pytest.mark.e2e
@pytest.mark.parametrize("port", ["", "synth"])
def test_a_server_that_dies_is_noticed_and_its_successor_used(
    jack_server: Any, receiver: Any, at: At, port: str
) -> None:
    """jackd killed: alive turns False within 2 s, sending raises instead of hanging; a new jackd is used by
    the next outputs of the same process, also when one was not told to close."""
    first = receiver("synth")
    settings = MidiSettings(api="jack", port=port, rows=(KICK,), clock=False)
    out = MidiOutput(settings)
    forgotten = MidiOutput(settings)
    assert out.alive()
    jack_server.kill()
    until = time.monotonic() + 2.0
    while out.alive() and time.monotonic() < until:
        time.sleep(0.1)
    assert not out.alive()

    def flood() -> None:
        for count in range(1, 5000):  # rtmidi alone hangs at about the 1200th, with Python's lock held
            out.send(at(count / 1000), (struck(count),))

    started = time.monotonic()
    with pytest.raises(Lost, match="the JACK server is gone"):
        flood()
    assert time.monotonic() - started < 0.5
    out.close()
    with pytest.raises(Lost, match="jack: no JACK server runs"):
        MidiOutput(settings)
    first.close()  # a dead server's client steals the wake-ups of the next one of its name, in any process
    jack_server.start()
    witness = receiver("synth")
    again = MidiOutput(settings)
    if not port:
        witness.connect("getaway:Getaway")
    again.send(at(0.0), (struck(),))
    assert witness.hear(1) == [(0x99, 36, 127)]
    assert again.alive()
    assert not forgotten.alive()
    with pytest.raises(Lost):
        forgotten.send(at(0.0), (struck(),))
    forgotten.close()
    again.close()


@pytest.mark.e2e
def test_ports_lists_both_directions(jack_server: Any, receiver: Any) -> None:
    """What can be sent to and what can be heard, each once, quickly."""
    receiver("synth")
    out = MidiOutput(MidiSettings(api="jack"))
    started = time.monotonic()
    found = [entry for entry in ports() if entry[0] == "jack"]
    assert time.monotonic() - started < 1.0
    assert sorted(found) == [("jack", "in", "getaway:Getaway"), ("jack", "out", "synth:in")]
    out.close()
    assert [entry for entry in ports() if entry[1] == "in" and entry[0] == "jack"] == []


@pytest.mark.e2e
def test_asking_alive_while_sending_and_closing_is_safe(jack_server: Any, receiver: Any, at: At) -> None:
    """alive from another thread, all the time: no crash, no message lost."""
    witness = receiver("synth")
    out = MidiOutput(MidiSettings(port="synth", rows=(Row("kick", program=5),), clock=False))
    over, asked = threading.Event(), [0]

    def ask() -> None:
        while not over.is_set():
            out.alive()
            asked[0] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    for count in range(1, 301):
        out.send(at(count / 1000), (struck(count),))
        time.sleep(0.001)
    out.close()
    over.set()
    thread.join()
    assert asked[0] > 100
    assert len(witness.hear(300)) == 300
