"""Opens the source a show asks for. Public: open_source, resolve."""

from __future__ import annotations

from engine.audio import Source, SourceSettings
from engine.audio.device import DeviceSource, audio_devices, rescan
from engine.audio.file import DEMO, FileSource
from engine.audio.kinds import is_file


def resolve(settings: SourceSettings) -> str:
    """The `input` with "auto" decided: "auto" when there is a sound input, else "demo"."""
    if settings.input != "auto":
        return settings.input
    try:
        return "auto" if any(d.inputs > 0 for d in audio_devices()) else "demo"
    except Exception:  # no PortAudio at all: the demo needs none, and says so when it can't be heard
        return "demo"


def open_source(settings: SourceSettings, *, again: bool = False, origin: float | None = None) -> Source:
    """The open source. again: it was lost before, so devices are looked for anew. origin: see FileSource.

    Refused when it can never be had; Lost when it may come (back).
    """
    wanted = settings.input
    if wanted == "demo" or is_file(wanted):
        path = DEMO if wanted == "demo" else wanted
        return FileSource(path, block=settings.block, play=settings.play, loop=settings.loop, origin=origin)
    if again:
        rescan()
    return DeviceSource(wanted, rate=settings.rate, block=settings.block, channels=settings.channels)

