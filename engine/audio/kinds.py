"""Which kind of source an `input` names, told without opening sound libraries. Public: is_file, check_file."""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".caf", ".w64", ".au")


def is_file(wanted: str) -> bool:
    """Whether an `input` names a file rather than a device: it is one, or it is written like one."""
    path = Path(wanted).expanduser()
    return path.is_file() or "/" in wanted or "\\" in wanted or path.suffix.lower() in _SUFFIXES


def check_file(wanted: str) -> None:
    """Refused, before anything is started, when an `input` names a file that can't be read as sound."""
    if wanted != "demo" and is_file(wanted):
        from engine.audio.file import open_file

        open_file(wanted).close()
