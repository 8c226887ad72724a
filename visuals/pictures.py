"""Writing pictures to disk: PNG, never over a file that is there. Public: save_png, pictures_folder, dated_path.

Knows nothing of windows or GL; pixels come in as an array.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row starts with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def save_png(path: str | Path, pixels: NDArray[np.uint8]) -> Path:
    """Write uint8[height, width, 3], first row at the top. Returns where: `path`, or `path` with -2, -3 ... added.

    OSError when the folder can't be made or written.
    """
    wanted = Path(path)
    if wanted.suffix.lower() != ".png":
        wanted = wanted.with_name(wanted.name + ".png")
    wanted.parent.mkdir(parents=True, exist_ok=True)
    data = _encode(pixels)
    number, there = 1, wanted
    while True:
        try:
            with open(there, "xb") as file:  # x: fails when it exists, also when two write at once
                file.write(data)
            return there
        except FileExistsError:
            number += 1
            there = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")


def pictures_folder() -> Path:
    """Where a picture goes that was asked for by a key: the working folder, or the user's pictures if that is shut."""
    here = Path.cwd()
    if os.access(here, os.W_OK):
        return here
    from platformdirs import user_pictures_path

    return user_pictures_path()


def dated_path() -> Path:
    """A new picture's path by date and time of day."""
    return pictures_folder() / time.strftime("getaway-%Y%m%d-%H%M%S.png")
