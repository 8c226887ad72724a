"""Sound sources of PulseAudio and PipeWire, which PortAudio sees only as one device: microphones and monitors by name.

A source is chosen by the environment variable that libpulse reads when it makes a stream. Linux only; elsewhere, and
without `pactl`, there are none. Public: sources, choose, MONITOR, DEVICES.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

DEVICES = ("pulse", "pipewire", "default")  # PortAudio's names of the ALSA plug-ins that lead to the server
MONITOR = "@DEFAULT_MONITOR@"  # the server's own word for what is played to the default sink


_GIVEN = os.environ.get("PULSE_SOURCE", "")  # what the user chose before we began


def sources() -> list[str]:
    """Names of the server's sources; monitors of outputs end in ".monitor". Never raises."""
    if not sys.platform.startswith("linux") or not shutil.which("pactl"):
        return []
    try:
        asked = subprocess.run(
            ["pactl", "list", "short", "sources"], capture_output=True, text=True, timeout=2.0, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return []
    return [line.split("\t")[1] for line in asked.stdout.splitlines() if line.count("\t") >= 1]


def choose(source: str) -> None:
    """The next stream through one of DEVICES listens to this source; "": the user's own choice, or the default."""
    if source := source or _GIVEN:
        os.environ["PULSE_SOURCE"] = source
    else:
        os.environ.pop("PULSE_SOURCE", None)
