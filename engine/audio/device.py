"""Sound devices: inputs as sources, outputs to play files to. The only importer of sounddevice.

PortAudio lists devices once, when it is initialised; `rescan` initialises it again, which is safe only while this
process has no stream open. Devices are found by name, never by a stored number. Public: DeviceSource, Player,
AudioDevice, audio_devices, rescan.

Blocking reads on a real-time thread of our own, not PortAudio's callback: beside a render loop, 15 s at 128 frames, a
Python callback overflowed 184 times, blocking reads never. Except for JACK inputs that are not stereo: PortAudio's
blocking reads take every JACK stream for a stereo one and write past the end of a mono buffer (pa_jack.c,
BlockingBegin). There a callback puts its blocks in a queue that the audio thread waits on; not for all of JACK, as a
synchronous server waits for that callback, the callback for Python's lock, and rtmidi holds it while it opens a port
(seen: 20 s of nothing).
"""

from __future__ import annotations

import queue
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import clock
from engine.audio import Block, pulse
from engine.faults import Lost, Refused
from engine.state import Floats

_LOOPBACK_WORDS = ("monitor", "loopback", "stereo mix", "what u hear", "blackhole", "soundflower", "vb-audio", "cable")
_STEREO = 2
_JACK = "JACK Audio Connection Kit"  # PortAudio's name of its host API


def _portaudio() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise Refused(
            f"PortAudio is not installed ({error}): on Debian or Ubuntu run 'sudo apt install libportaudio2', "
            "elsewhere 'pip install --force-reinstall sounddevice'"
        ) from None
    return sounddevice


def rescan() -> None:
    """Have PortAudio look for devices again. Only while no stream of this process is open."""
    sd = _portaudio()
    try:
        sd._terminate()
        sd._initialize()
    except sd.PortAudioError as error:
        raise Lost(f"PortAudio finds no sound system: {_reason(error)}") from None


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A device as `getaway devices` shows it. inputs, outputs: channels. rate: Hz, its own."""

    number: int
    name: str
    api: str
    inputs: int
    outputs: int
    rate: int
    loopback: bool
    default_input: bool
    default_output: bool


def audio_devices() -> list[AudioDevice]:
    """What PortAudio found when it was initialised. Refused when PortAudio is missing."""
    sd = _portaudio()
    apis = sd.query_hostapis()
    default_in, default_out = sd.default.device
    if default_in < 0:  # PortAudio's default host API may have no input while another has
        default_in = next((api["default_input_device"] for api in apis if api["default_input_device"] >= 0), -1)
    if default_out < 0:
        default_out = next((api["default_output_device"] for api in apis if api["default_output_device"] >= 0), -1)
    return [
        AudioDevice(
            number=d["index"],
            name=d["name"],
            api=apis[d["hostapi"]]["name"],
            inputs=d["max_input_channels"],
            outputs=d["max_output_channels"],
            rate=int(d["default_samplerate"]),
            loopback=d["max_input_channels"] > 0 and any(word in d["name"].lower() for word in _LOOPBACK_WORDS),
            default_input=d["index"] == default_in,
            default_output=d["index"] == default_out,
        )
        for d in sd.query_devices()
    ]


def find_input(wanted: str) -> AudioDevice:
    """The input by "auto", number, name or part of it ("name, host API" works too). Lost when there is none."""
    inputs = [d for d in audio_devices() if d.inputs > 0]
    pulse.choose("")
    if not inputs:
        raise Lost("no sound input on this machine: plug one in, or use --input demo or --input FILE")
    if wanted == "auto":
        return next((d for d in inputs if d.default_input), inputs[0])
    if wanted == "monitor":
        return _find_monitor(inputs)
    if wanted.isdigit():
        found = [d for d in inputs if d.number == int(wanted)]
    else:
        text = wanted.lower()
        exact = [d for d in inputs if text in (d.name.lower(), f"{d.name}, {d.api}".lower())]
        found = exact or [d for d in inputs if text in f"{d.name}, {d.api}".lower()]
    return found[0] if found else _find_pulse_source(wanted, inputs)


def _through_pulse(source: str, inputs: list[AudioDevice]) -> AudioDevice | None:
    """The device that leads to PulseAudio or PipeWire, set to one of its sources; None without one."""
    for name in pulse.DEVICES:
        for device in inputs:
            if device.name == name:
                pulse.choose(source)
                return replace(device, name=source, loopback=source.endswith((".monitor", pulse.MONITOR)))
    return None


def _find_pulse_source(wanted: str, inputs: list[AudioDevice]) -> AudioDevice:
    sources = pulse.sources()
    for source in sources:
        if wanted.lower() in source.lower() and (device := _through_pulse(source, inputs)):
            return device
    there = "; ".join([*(f"{d.number} {d.name}" for d in inputs), *sources])
    raise Lost(f"no sound input is called '{wanted}': there are {there}")


def _find_monitor(inputs: list[AudioDevice]) -> AudioDevice:
    """The input that hears what this computer plays."""
    if sys.platform.startswith("linux") and (device := _through_pulse(pulse.MONITOR, inputs)):
        return replace(device, name="monitor of the default output")
    for device in inputs:
        if device.loopback:
            return device
    raise Lost(
        "no input hears what this computer plays: install a loopback (Windows: VB-CABLE or Stereo Mix, "
        "macOS: BlackHole, Linux: PipeWire or PulseAudio with ALSA's plug-in, libasound2-plugins)"
    )


class DeviceSource:
    """A sound input. Implements Source. Lost when it is not there or stops giving."""

    position = None

    def __init__(self, wanted: str, *, rate: int, block: int, channels: tuple[int, ...]) -> None:
        """wanted: see find_input. rate: Hz, 0 = its own. block: samples a read. channels: the highest must exist."""
        sd = _portaudio()
        device = find_input(wanted)
        self.rate = rate or device.rate
        count = max(channels) if channels else min(device.inputs, _STEREO)
        if count > device.inputs:
            raise Refused(f"source.channels: {count} is not 1..{device.inputs}, the channels of '{device.name}'")
        self.name = device.name
        self._block = block
        self._end = 0
        self._queue: queue.SimpleQueue[tuple[Floats, float, bool]] | None = None
        if device.api == _JACK and count != _STEREO:
            self._queue = queue.SimpleQueue()
        try:
            self._stream = sd.InputStream(
                device=device.number,
                channels=count,
                samplerate=self.rate,
                blocksize=block,
                # JACK takes no latency; what is asked for only sizes the queue that blocking reads empty, and the
                # smallest lost 13 to 105 ms of samples, untold, while rtmidi held Python's lock to open a port.
                latency=0.5 if device.api == _JACK else "low",
                dtype="float32",
                callback=self._called_rt if self._queue is not None else None,
            )
            _start(self._stream)
        except sd.PortAudioError as error:
            raise Lost(f"'{device.name}' can't be opened at {self.rate} Hz: {_reason(error)}") from None
        self._errors = sd.PortAudioError

    def read_rt(self) -> Block | None:
        if self._queue is not None:
            samples, host, overflowed = self._queue.get()
            if not samples.size:
                raise Lost(f"'{self.name}' stopped")
        else:
            try:
                samples, overflowed = self._stream.read(self._block)
            except self._errors as error:
                raise Lost(f"'{self.name}' stopped: {_reason(error)}") from None
            host = clock.now()
        self._end += samples.shape[0]
        return Block(samples, self._end, host, overflowed)

    def _called_rt(self, samples: Floats, frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback: float32[frames, channels], its own memory, gone when this returns."""
        assert self._queue is not None
        self._queue.put((samples.copy(), clock.now(), bool(status)))

    def abort(self) -> None:
        if self._queue is not None:
            self._queue.put((np.zeros((0, 1), np.float32), 0.0, False))
        self._stream.abort(ignore_errors=True)

    def close(self) -> None:
        self._stream.close(ignore_errors=True)


class Player:
    """Plays blocks to the default output. Lost when there is none or it goes away."""

    def __init__(self, rate: int, channels: int) -> None:
        """rate: Hz of what will be played; `resample_to` is the output's rate when it does not take that one."""
        sd = _portaudio()
        outputs = [d for d in audio_devices() if d.outputs > 0]
        if not outputs:
            raise Lost("no sound output on this machine")
        device = next((d for d in outputs if d.default_output), outputs[0])
        self.channels = min(channels, device.outputs, _STEREO)
        self.name = device.name
        self._errors = sd.PortAudioError
        self.rate = rate
        for attempt in (rate, device.rate):
            try:
                self._stream = sd.OutputStream(
                    device=device.number, channels=self.channels, samplerate=attempt, latency=0.06, dtype="float32"
                )
                _start(self._stream)
                self.rate = attempt
                break
            except sd.PortAudioError as error:
                failure = _reason(error)
        else:
            raise Lost(f"sound output '{device.name}' can't be opened: {failure}")
        self.latency = float(self._stream.latency)

    def write_rt(self, samples: Floats) -> bool:
        """Blocks until there is room for float32[n, channels]. True when the output had run dry before."""
        try:
            return bool(self._stream.write(samples))
        except self._errors as error:
            raise Lost(f"sound output '{self.name}' stopped: {_reason(error)}") from None

    def close(self) -> None:
        self._stream.stop(ignore_errors=True)  # plays what is still in the buffer
        self._stream.close(ignore_errors=True)


def _start(stream: Any) -> None:
    """Start a stream, or close it."""
    try:
        stream.start()
    except Exception:
        stream.close(ignore_errors=True)
        raise


def _reason(error: Exception) -> str:
    """PortAudio's words without its error tuple."""
    return str(error.args[0]) if error.args else "unknown"
