"""Seeing: a picture of what the listener hears of a file. The contract of `getaway see`.

Heard from the file's beginning, exactly as live, whatever part is shown. Rooms: heard (collects), truth (reads and
judges), picture (draws; the only importer of matplotlib). Public: see_file.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import click

from engine.audio.file import open_file
from engine.faults import Refused
from engine.listening import settings_of
from engine.seeing.heard import hear
from engine.seeing.picture import draw
from engine.seeing.truth import judge, read_truth

SUFFIXES = (".png", ".svg", ".pdf")
SHOWN = 60.0  # seconds, when none are asked for


def see_file(
    sound: Path,
    output: Path,
    *,
    truth: Path | None,
    start: float,
    seconds: float | None,
    tracker: str | None,
    width: int,
    height: int | None,
    force: bool,
) -> None:
    """Hear `sound`, draw the picture, say in a line or two what it shows. Refused for all that is asked wrongly."""
    settings = settings_of(tracker)
    _check_output(output, force)
    with open_file(sound) as file:
        length = file.frames / file.samplerate
    for name, value in (("--start", start), ("--seconds", seconds)):
        if value is not None and not math.isfinite(value):
            raise Refused(f"{name} {value}: is not a number of seconds")
    if start >= length:
        raise Refused(f"--start {start:g}: {sound} ends at {length:.1f} s")
    until = min(length, start + (seconds or SHOWN))
    beside = sound.with_suffix(".beats")
    found = truth is None and beside.is_file()
    if found:
        truth = beside
    # Before hearing: what is wrong is told at once.
    beats = read_truth(truth) if truth else None
    heard = hear(sound, settings, start, until)
    verdict = judge(beats, heard.fired, start, until) if beats else None
    _write(output, draw(heard, verdict, output.suffix.lower()[1:], width, height))
    part = "" if until - start >= length - 0.05 else f", {start:.1f} to {until:.1f} s of {length:.1f}"
    cut = " (--start and --seconds show another part)" if part and seconds is None else ""
    click.echo(f"{output}: what is heard of {sound.name}{part}{cut}")
    if verdict:
        click.echo(f"{truth}{' (found beside it)' if found else ''}: {verdict.words}")


def _check_output(output: Path, force: bool) -> None:
    if output.suffix.lower() not in SUFFIXES:
        raise Refused(f"{output}: a picture's name ends in {', '.join(SUFFIXES)}")
    if output.is_dir():
        raise Refused(f"{output}: is a folder, a picture's name is wanted")
    if output.exists() and not force:
        raise Refused(f"{output}: exists already; choose another name, or --force to overwrite it")
    if not output.parent.is_dir():
        raise Refused(f"{output}: there is no folder {output.parent}")


def _write(output: Path, picture: bytes) -> None:
    """Whole or not at all."""
    part = output.with_name(f"{output.name}.part")
    try:
        part.write_bytes(picture)
        part.replace(output)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise Refused(f"{output}: can't be written: {error.strerror}") from None
