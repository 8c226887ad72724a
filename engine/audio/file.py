"""Sound files as sources: played to the default output when there is one, else silently in real time.

Never reads the disk on the audio thread: a reader thread stays a second ahead. Public: FileSource, open_file,
file_blocks (as fast as it can, for offline work), DEMO.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from engine import clock
from engine.audio import Block
from engine.audio.device import Player
from engine.faults import Lost, Refused
from engine.state import Floats

DEMO = Path(__file__).parent / "demo.ogg"
_AHEAD = 4  # chunks the reader stays ahead of the audio thread
_CHUNK = 0.25  # seconds: what is read at once (block by block cost three times as much)

_Chunk = list[tuple[Floats, Floats | None]]  # (what is heard, what is played) a block


def open_file(path: str | Path) -> soundfile.SoundFile:
    """An open sound file. Refused names the file and what is wrong: missing, not sound, empty."""
    path = Path(path).expanduser()
    if not path.exists():
        raise Refused(f"{path}: there is no such file")
    if path.is_dir():
        raise Refused(f"{path}: is a folder, a sound file is wanted")
    if path.stat().st_size == 0:
        raise Refused(f"{path}: is empty")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, OSError) as error:
        kinds = ", ".join(sorted(k.lower() for k in soundfile.available_formats() if k in _COMMON))
        reason = str(error).rsplit(": ", maxsplit=1)[-1].rstrip(".")
        raise Refused(f"{path}: can't be read as sound ({reason}); readable are {kinds} and more") from None
    if file.frames == 0:
        raise Refused(f"{path}: holds no sound (0 samples)")
    return file


_COMMON = ("WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "W64")


def file_blocks(path: str | Path, block: int) -> Iterator[tuple[Floats, int]]:
    """(float32[n, channels], index after its last sample) of the whole file, n <= block. Refused as open_file."""
    with open_file(path) as file:
        end = 0
        while (samples := _read(file, block, path)).shape[0]:
            end += samples.shape[0]
            yield samples, end


def _read(file: soundfile.SoundFile, frames: int, path: str | Path) -> Floats:
    try:
        samples: Floats = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise Refused(f"{path}: is damaged and breaks off ({error})") from None
    return samples


class FileSource:
    """Implements Source. Its rate is the file's own; what is played is resampled when the output asks for it."""

    def __init__(self, path: str | Path, *, block: int, play: bool, loop: bool, origin: float | None = None) -> None:
        """block: samples a block. play: to the default output. loop: without end.

        origin: host time at which the file's first sample was heard, of one that is already under way: it is taken up
        where it would be by now. None: from its beginning.
        """
        self._file = open_file(path)
        self._path = Path(path)
        self.rate = int(self._file.samplerate)
        self.name = self._path.name
        self.output = "nobody (silent)"
        self._player: Player | None = None
        self._silenced: Player | None = None  # one that went away; closed with the rest
        self._resampler: Any = None
        self._resampling = 0.0  # seconds the resampler holds samples back
        self.trouble = ""  # why it is silent although it was to be played
        if play:
            self._open_player()
        self._block = block
        self._loop = loop
        self._length = self._file.frames
        # An output that was just opened plays its first sample at once; its latency is how far it is written ahead.
        begin = 0 if origin is None else max(0, round((clock.now() - origin) * self.rate))
        self._first = begin % self._length if loop else min(begin, self._length)
        self._file.seek(self._first)
        self._end = 0
        self._begun = 0.0
        self._stop = threading.Event()
        self._ready: queue.Queue[_Chunk | Exception | None] = queue.Queue(_AHEAD)
        self._chunk: _Chunk = []  # blocks of the newest chunk not handed over yet, the next one last
        self._reader = threading.Thread(target=self._read_ahead, name="file reader", daemon=True)
        self._reader.start()

    @property
    def position(self) -> float:
        """Seconds into the file of the end of the newest block."""
        return float((self._first + self._end) % (self._length if self._loop else math.inf) / self.rate)

    def _open_player(self) -> None:
        try:
            self._player = Player(self.rate, self._file.channels)
        except (Lost, Refused) as error:
            self.trouble = str(error)
            return
        self.output = self._player.name
        if self._player.rate != self.rate:
            self._resampler = soxr.ResampleStream(self.rate, self._player.rate, self._player.channels, dtype="float32")

    def _read_ahead(self) -> None:
        whole = max(1, round(_CHUNK * self.rate / self._block)) * self._block
        try:
            while not self._stop.is_set():
                samples = _read(self._file, whole, self._path)
                if samples.shape[0]:
                    self._offer(self._cut(samples))
                elif self._loop:
                    self._file.seek(0)
                else:
                    break
            self._offer(None)
        except Exception as error:  # whatever it is belongs to the audio thread's owner, not to this helper
            self._offer(error)

    def _offer(self, item: _Chunk | Exception | None) -> None:
        while not self._stop.is_set():
            try:
                return self._ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    def _cut(self, samples: Floats) -> _Chunk:
        """A chunk as blocks, each with what the output gets for it, the first one last."""
        heard = np.split(samples, range(self._block, samples.shape[0], self._block))
        played = self._playable(samples)
        # A resampler gives now a sample more, now one less: its output is shared out evenly.
        parts = [None] * len(heard) if played is None else np.array_split(played, len(heard))
        return list(zip(heard, parts, strict=True))[::-1]

    def _playable(self, samples: Floats) -> Floats | None:
        """What the output gets for these samples: its channels, its rate."""
        if self._player is None:
            return None
        have, want = samples.shape[1], self._player.channels
        if have > 2:
            played = np.repeat(samples.mean(axis=1, keepdims=True), want, axis=1)
        elif have != want:
            played = np.repeat(samples[:, :1], want, axis=1)
        else:
            played = samples
        if self._resampler is not None:
            played = self._resampler.resample_chunk(played)
            self._resampling = self._resampler.delay() / self._player.rate
        return np.ascontiguousarray(played, np.float32)

    def read_rt(self) -> Block | None:
        if not self._chunk:
            item = self._ready.get()
            if item is None:
                return None
            if isinstance(item, Exception):
                raise item
            self._chunk = item
        samples, played = self._chunk.pop()
        self._end += samples.shape[0]
        if self._player is not None and played is not None:
            return self._play_rt(samples, played)
        return self._pace_rt(samples)

    def _play_rt(self, samples: Floats, played: Floats) -> Block:
        assert self._player is not None
        try:
            self._player.write_rt(played)
        except Lost as error:  # the show goes on in silence, on the same line
            self.trouble, self.output = str(error), "nobody (silent)"
            self._silenced, self._player = self._player, None
            self._begun = clock.now() - self._end / self.rate
            return self._pace_rt(samples)
        # What was just handed over is heard when all that lies in the resampler and the output's buffer has been.
        return Block(samples, self._end, clock.now() + self._player.latency + self._resampling)

    def _pace_rt(self, samples: Floats) -> Block:
        if self._begun == 0.0:
            self._begun = clock.now() - self._end / self.rate
        due = self._begun + self._end / self.rate
        wait = due - clock.now()
        if wait > 0.0:
            time.sleep(wait)
        elif wait < -1.0:  # the machine slept: go on from here instead of racing after the time lost
            self._begun -= wait
            due -= wait
        return Block(samples, self._end, due)

    def abort(self) -> None:
        self._stop.set()
        with contextlib.suppress(queue.Full):  # full: the audio thread is not waiting
            self._ready.put_nowait(None)

    def close(self) -> None:
        self._stop.set()
        self._reader.join(1.0)
        for player in (self._player, self._silenced):
            if player is not None:
                player.close()
        if not self._reader.is_alive():  # else it is inside libsndfile, on a disk that hangs
            self._file.close()
