"""The command line: `getaway ...`. Parses arguments, calls the rooms, prints one clear line for what went wrong.

Exit codes: 0 well, 1 failed while running, 2 asked for wrongly (arguments, show files, sounds that can't be read).
Public: main.
"""

from __future__ import annotations

import contextlib
import math
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import click

from engine import __version__
from engine.faults import Refused

_INPUT_HELP = "auto, monitor (what this computer plays), demo, a sound input's number or name, or a sound file."


class _Commands(click.Group):
    """Commands in the order one meets them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="getaway")
def cli() -> None:
    """Getaway hears music and moves windows, lamps and MIDI gear with it, each its own latency early."""


@cli.command()
@click.argument("show", required=False)
@click.option("--input", "wanted", metavar="INPUT", help=_INPUT_HELP)
@click.option("--headless", is_flag=True, help="No window (what happens anyway without a display).")
@click.option("--fullscreen", is_flag=True, help="Fill the display.")
@click.option("--display", metavar="N", help="Display of the window, from 1, or its name (see 'getaway devices').")
@click.option("--scene", metavar="SCENE", help="Name or path of the scene.")
@click.option("--seconds", type=click.FloatRange(0.1), help="End after so long.")
@click.option("--record", metavar="FILE.jsonl", help="Write what was heard and sent, with host times.")
@click.option("--record-audio", is_flag=True, help="With --record: keep the sound too, so that it can be replayed.")
@click.option("--screenshot", metavar="FILE.png", help="Write the last picture; with --headless from a hidden stage.")
@click.option("--silent", is_flag=True, help="Do not play a file or the demo, only perform it.")
@click.option("--plain", is_flag=True, help="Log lines instead of the terminal view.")
def perform(
    show: str | None,
    wanted: str | None,
    headless: bool,
    fullscreen: bool,
    display: str | None,
    scene: str | None,
    seconds: float | None,
    record: str | None,
    record_audio: bool,
    screenshot: str | None,
    silent: bool,
    plain: bool,
) -> None:
    """Perform SHOW (a name or a TOML file; without one: the default input, a window, a virtual MIDI port).

    Ends with Ctrl-C, with the window, or with the song (a show may say loop = true: the demo show does).
    """
    from engine.audio.kinds import check_file
    from engine.devices import check_scene
    from engine.performance import Performance, has_display
    from engine.show import Wanted, find, load
    from engine.terminal import LogView, TerminalView

    path = find(show or "vj")
    asked = load(path)
    source = replace(asked.source, input=wanted or asked.source.input, play=asked.source.play and not silent)
    check_file(source.input)
    stage = replace(
        asked.stage,
        fullscreen=fullscreen or asked.stage.fullscreen,
        display=display or asked.stage.display,
        scene=scene or asked.stage.scene,
        screenshot=screenshot,
        show_dir=str(path.parent),
        title=asked.title if asked.stage.title == "Getaway" else asked.stage.title,
    )
    asked = replace(asked, source=source, stage=stage)
    if seconds is not None and not math.isfinite(seconds):
        raise Refused(f"--seconds {seconds}: is not a number of seconds")
    if record_audio and not record:
        raise Refused("--record-audio: needs --record FILE.jsonl beside which the sound is kept")
    if scene:
        check_scene(scene, path.parent)
    view = TerminalView(asked.title) if sys.stderr and sys.stderr.isatty() and not plain else LogView()
    if not headless and not has_display():
        headless = True
        view.say("info", "no display here: performing without a window")
    performance = Performance(Wanted(asked, headless, seconds or 0.0, record or "", record_audio), view)
    code = performance.run()
    with contextlib.suppress(OSError, AttributeError):  # whoever read our words may be gone
        for line in performance.farewell():
            click.echo(line, err=True)
    sys.exit(code)


@cli.command()
@click.argument("show")
def check(show: str) -> None:
    """Check SHOW: all its errors at once, with file, key and what is allowed."""
    from engine.audio.kinds import check_file
    from engine.devices import check_scene
    from engine.show import find, read

    path = find(show)
    asked, wrong = read(path)
    if asked is None:
        raise Refused("\n".join(wrong))
    check_file(asked.source.input)
    check_scene(asked.stage.scene, path.parent)
    outputs = ", ".join(midi.name for midi in asked.midi) or "none"
    click.echo(f"{path}: good. Input {asked.source.input}, scene {asked.stage.scene}, outputs {outputs}.")


@cli.command()
@click.argument("name")
@click.option("--from", "starter", default="vj", show_default=True, help="The shipped show to begin from.")
def new(name: str, starter: str) -> None:
    """Make a show NAME of your own from a starter, in your shows folder (or at NAME, if it is a path)."""
    from engine.show import make, shipped

    if starter not in shipped():
        raise Refused(f"--from {starter}: there is no such starter; there are {', '.join(shipped())}")
    path = make(name, starter)
    click.echo(f"{path}\nEdit it, then: getaway check {shlex.quote(name)}, getaway perform {shlex.quote(name)}")


@cli.command()
def devices() -> None:
    """List sound inputs and outputs (loopbacks marked), MIDI ports and displays."""
    from engine.devices import show_devices

    show_devices()


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON line a beat; without it, a line for people.")
@click.option("--lead", type=click.FloatRange(0.0, 10.0), default=0.0, help="Tell each beat so many seconds early.")
@click.option("--batch", type=click.Path(path_type=Path, file_okay=False), help="Write STEM.jsonl and timings.")
@click.option("--tracker", help="Who draws the line from time to beats: network (default) or aubio.")
def listen(files: tuple[Path, ...], as_json: bool, lead: float, batch: Path | None, tracker: str | None) -> None:
    """Hear FILES as fast as can be, exactly as live, and print each beat as a live output would play it."""
    from engine.listening import listen_to_files

    listen_to_files(files, as_json=as_json, lead=lead, batch=batch, tracker=tracker)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The picture: .png, .svg or .pdf.")
@click.option("--truth", type=click.Path(path_type=Path), help="True beats; without it FILE's own .beats, if any.")
@click.option("--start", type=click.FloatRange(0.0), default=0.0, help="Show from so many seconds on.")
@click.option("--seconds", type=click.FloatRange(1.0, 600.0), help="Show so many; without it 60, or all there is.")
@click.option("--tracker", help="Who draws the line from time to beats: network (default) or aubio.")
@click.option("--width", type=click.IntRange(400, 8000), default=1600, show_default=True, help="Pixels.")
@click.option("--height", type=click.IntRange(400, 8000), help="Pixels; without it, as the panels need.")
@click.option("--force", is_flag=True, help="Overwrite a picture that is there.")
def see(
    file: Path,
    output: Path,
    truth: Path | None,
    start: float,
    seconds: float | None,
    tracker: str | None,
    width: int,
    height: int | None,
    force: bool,
) -> None:
    """Draw what is heard of FILE: spectrum, hits, beats, tempo, the line, trust, levels; with true beats, a verdict."""
    from engine.seeing import see_file

    see_file(
        file,
        output,
        truth=truth,
        start=start,
        seconds=seconds,
        tracker=tracker,
        width=width,
        height=height,
        force=force,
    )


@cli.command()
@click.argument("recording", type=click.Path(path_type=Path))
def replay(recording: Path) -> None:
    """Run a recorded performance again and compare every State with the recorded one, bit for bit."""
    from engine.recording import replay as run_again

    found = run_again(recording)
    if found.differs:
        click.echo(found.differs, err=True)
        sys.exit(1)
    state = found.newest
    tail = f"; at the end {state.grid.bpm:.2f} BPM, confidence {state.confidence:.2f}" if state else ""
    click.echo(f"{recording}: {found.states} States of {found.blocks} blocks the same, bit for bit{tail}")


def main() -> None:
    """The console command. What was asked for wrongly is told in one line and ends with 2."""
    try:
        cli()
    except Refused as refused:
        for line in str(refused).splitlines():
            click.echo(f"getaway: {line}", err=True)
        sys.exit(2)
    except OSError as error:  # where the words should go is full or gone
        with contextlib.suppress(OSError):
            click.echo(f"getaway: can't write: {error.strerror}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
