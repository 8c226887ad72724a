"""Sources: where sound comes from. Each hands over blocks with a sample index and the host time of their end.

Public: Block, Source, SourceSettings, mono. Rooms: device (any sound input; the only importer of
sounddevice), file (any sound file), the demo song.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import numpy as np
from annotated_types import Ge, Le

from engine.state import Floats


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """[source] of a show.

    input: "auto" (the default input; the demo song where there is none), "monitor" (what this computer plays),
    "demo", the number or part of the name of a sound input, or the path of a sound file. channels: which of the
    input's channels are heard, from 1; empty: all, mixed. rate: Hz, 0: the input's own. block: samples a block.
    play: whether a file is also played to the default output. loop: whether a file begins again at its end.
    latency: seconds from the sound at the listeners' ears to the block that arrives here, subtracted from all times:
    the way through the air to a microphone, and what the sound system takes (some ms; it reports no figure to trust).
    """

    input: str = "auto"
    channels: tuple[Annotated[int, Ge(1), Le(64)], ...] = ()
    rate: Literal[0, 8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000] = 0
    block: Annotated[int, Ge(32), Le(4096)] = 128
    play: bool = True
    loop: bool = False
    latency: Annotated[float, Ge(-2.0), Le(2.0)] = 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """samples: float32[n, channels]. end: index after the last sample, counted from the source's opening.

    host: host time by which the last sample was at the input (or, of a file, is heard). overflowed: the system dropped
    samples just before this block (how many it does not say; `end` does not count them).
    """

    samples: Floats
    end: int
    host: float
    overflowed: bool = False


class Source(Protocol):
    """Made open. read_rt blocks for the next block on the audio thread; None: the end. It raises Lost.

    position: seconds into what is played; None for an input that is heard as it comes.
    """

    name: str
    rate: int

    @property
    def position(self) -> float | None: ...

    def read_rt(self) -> Block | None: ...

    def abort(self) -> None:
        """Make a read_rt that waits come back soon. From another thread; may itself hang if the system does."""
        ...

    def close(self) -> None: ...


def mono(samples: Floats, channels: tuple[int, ...] = ()) -> Floats:
    """float32[n, channels] -> float32[n]: the mean of the chosen channels (from 1; those that do not exist are left
    out, all if none is left)."""
    chosen = [c - 1 for c in channels if c <= samples.shape[1]]
    picked = samples[:, chosen] if chosen else samples
    return np.ascontiguousarray(picked.mean(axis=1, dtype=np.float32))
