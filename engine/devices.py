"""What is there: sound, MIDI, displays, scenes. Public: show_devices, check_scene."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.faults import Refused


def show_devices() -> None:
    """Print what there is. A part whose system is missing says so and what to do, the others are still shown."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # into a file or pipe nothing needs to wrap
    _sound(console)
    _midi(console)
    _displays(console)


def check_scene(name: str, folder: Path) -> None:
    """Refused when there is no scene of that name or path for a show in a folder."""
    # In a process of its own, as below: this one must not need OpenGL.
    code = (
        "import sys; from visuals.scene import SceneError, scene_path\n"
        "try: scene_path(sys.argv[1], sys.argv[2], sys.argv[2] + '/scenes')\n"
        "except SceneError as error: sys.exit(str(error))"
    )
    asked = subprocess.run([sys.executable, "-c", code, name, str(folder)], capture_output=True, text=True, check=False)
    if asked.returncode and asked.stderr.strip():
        raise Refused(f"stage.scene: {asked.stderr.strip().splitlines()[-1]}")


def _sound(console: Console) -> None:
    from engine.audio import pulse
    from engine.audio.device import audio_devices

    try:
        found = audio_devices()
    except Refused as refused:
        console.print(f"Sound: {refused}", style="yellow", markup=False)
        return
    table = Table("no", "name", "system", "in", "out", "rate", "", title="Sound", title_justify="left", box=None)
    for d in found:
        marks = [("loopback", d.loopback), ("default input", d.default_input), ("default output", d.default_output)]
        said = ", ".join(word for word, true in marks if true)
        table.add_row(str(d.number), Text(d.name), d.api, str(d.inputs), str(d.outputs), f"{d.rate / 1000:g} kHz", said)
    for source in pulse.sources():
        table.add_row("", Text(source), "Pulse/PipeWire", "", "", "", "loopback" if source.endswith(".monitor") else "")
    if found:
        console.print(table)
        if any(d.loopback for d in found) or any(d.name in pulse.DEVICES for d in found):
            console.print("[dim]--input monitor hears what this computer plays[/dim]")
    else:
        console.print("Sound: no device. getaway plays the demo song silently, or any file with --input FILE.")


def _midi(console: Console) -> None:
    from engine.outputs.midi import ports

    found = ports()
    if not found:
        console.print("MIDI: no ports. Virtual ports can still be opened where the MIDI system runs.")
        return
    table = Table("direction", "name", "system", title="MIDI", title_justify="left", box=None)
    for api, direction, name in found:
        table.add_row(direction, Text(name), api)
    console.print(table)


def _displays(console: Console) -> None:
    # In a process of its own: asking a broken GL stack may end the one who asks.
    code = "import json; from visuals.displays import displays; print(json.dumps([list(d) for d in displays()]))"
    try:
        asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
        found = json.loads(asked.stdout)
    except (json.JSONDecodeError, subprocess.TimeoutExpired):
        found = []
    if not found:
        console.print("Displays: none. getaway performs without a window.")
        return
    table = Table("no", "name", "size", "at", title="Displays", title_justify="left", box=None)
    for number, (name, width, height, x, y) in enumerate(found, 1):
        table.add_row(str(number), Text(str(name)), f"{width} x {height}", f"{x}, {y}")
    console.print(table)
