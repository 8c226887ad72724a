"""What the listener heard of a part of a file, as arrays to draw. Public: Heard, Fired, CURVES, hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.audio import mono
from engine.audio.file import file_blocks, open_file
from engine.hearing import ListenerSettings
from engine.hearing.features import BANDS, Features
from engine.hearing.frames import Framer
from engine.hearing.listener import Listener
from engine.listening import beats_in
from engine.state import KINDS, Floats

_CURVE = 0.01  # seconds between two points of a curve
_TEMPI = 0.05  # and between two columns of tempi
_SPOKEN = 0.02  # seconds a band frame's middle lies before its end: half its window

Array = NDArray[np.float64]


CURVES = ("bpm", "confidence", "bar confidence", "loudness", "energy", "mood", "brightness")  # bpm: nan without a line


@dataclass(frozen=True, slots=True)
class Fired:
    """A beat as a live output played it. time: seconds. place: beat in the bar, 0 where none was claimed."""

    time: float
    place: int


@dataclass(frozen=True, slots=True)
class Heard:
    """All times are seconds in the file; arrays hold what lies within start..end.

    spectrum: float32[n, BANDS] at spectrum_at. curves: float64[n, CURVES] at curves_at. activations: float64[n, 2],
    beat and downbeat, at activations_at; empty where the tracker has none. tempi: float32[n, periods] at tempi_at, of
    the BPM tempi_bpm; None likewise. hits: kind -> (times, strengths). sections: (name, when it began), one before
    `start` at most. beats_per_bar: at the end.
    """

    path: Path
    rate: int
    tracker: str
    length: float
    start: float
    end: float
    fired: list[Fired]
    spectrum_at: Array
    spectrum: Floats
    curves_at: Array
    curves: Array
    activations_at: Array
    activations: Array
    tempi_at: Array
    tempi: Floats | None
    tempi_bpm: Floats | None
    hits: dict[str, Array]
    sections: list[tuple[str, float]]
    beats_per_bar: int

    def curve(self, name: str) -> Array:
        return np.asarray(self.curves[:, CURVES.index(name)])


def hear(path: Path, settings: ListenerSettings, start: float, end: float) -> Heard:
    """Hear `path` from its beginning to `end` seconds; keep what lies from `start` on. Refused as open_file."""
    with open_file(path) as file:
        rate, length = int(file.samplerate), file.frames / file.samplerate
    listener = Listener(settings, rate)
    notes = _Notes(listener, start)

    def blocks() -> Iterator[Floats]:
        for stereo, _ in file_blocks(path, listener.hop):
            samples = mono(stereo)
            yield samples
            notes.take(samples)  # the listener has it by now
            if listener.heard >= end * rate:
                return

    # A beat decided late is played late.
    beats = [
        Fired(max(b["beat"], b["announced"]), b["beat_in_bar"] or 0) for b in beats_in(blocks(), listener, listener.hop)
    ]
    fired = sorted((beat for beat in beats if start <= beat.time < end), key=lambda beat: beat.time)
    return notes.heard(path, settings.tracker, length, end, fired)


class _Notes:
    """Grows with each hop."""

    def __init__(self, listener: Listener, start: float) -> None:
        self._listener, self._start = listener, start
        self._features = Features(listener.rate)
        self._frames = Framer(self._features.hop)
        self._framed = 0  # samples
        self._spectrum: list[tuple[float, Floats]] = []
        self._curves: list[tuple[float, ...]] = []
        self._activations: list[tuple[float, ...]] = []
        self._tempi: list[tuple[float, Floats]] = []
        self._bpm: Floats | None = None
        self._hits: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
        self._counts = dict.fromkeys(KINDS, 0)
        self._sections: list[tuple[str, float]] = []

    def take(self, samples: Floats) -> None:
        """After the listener has heard `samples` float32[n]."""
        listener = self._listener
        now = listener.heard / listener.rate
        for frame in self._frames.push(samples):
            self._framed += frame.size
            row = self._features.push(frame)[:BANDS]
            if (at := self._framed / listener.rate - _SPOKEN) >= self._start:
                self._spectrum.append((at, row))
        state = listener.state()
        section = (state.section.name, state.section.time)
        if not self._sections or section != self._sections[-1]:
            self._sections.append(section)
        for kind in KINDS:
            hit = state.hits[kind]
            if hit.count > self._counts[kind]:
                self._counts[kind] = hit.count
                self._hits[kind].append((hit.time, hit.strength))
        heard = listener.activations
        newest = self._activations[-1][0] if self._activations else -np.inf
        if heard is not None and heard.time >= max(self._start, newest + 1e-6):
            self._activations.append((heard.time, heard.beat, heard.downbeat))
        if now < self._start:
            return
        if not self._curves or now >= self._curves[-1][0] + _CURVE:
            v = state.levels
            bpm = state.grid.bpm if state.confidence > 0.0 else np.nan
            levels = (v.loudness, v.energy, v.mood, v.brightness)
            self._curves.append((now, bpm, state.confidence, state.bar_confidence, *levels))
        if (not self._tempi or now >= self._tempi[-1][0] + _TEMPI) and (tempi := listener.tempi()) is not None:
            self._bpm = tempi[0]
            self._tempi.append((now, tempi[1]))

    def heard(self, path: Path, tracker: str, length: float, end: float, fired: list[Fired]) -> Heard:
        curves = np.array(self._curves).reshape(-1, 1 + len(CURVES))
        activations = np.array(self._activations).reshape(-1, 3)
        first = max(0, sum(at <= self._start for _, at in self._sections) - 1)
        return Heard(
            path=path,
            rate=self._listener.rate,
            tracker=tracker,
            length=length,
            start=self._start,
            end=end,
            fired=fired,
            spectrum_at=np.array([at for at, _ in self._spectrum]),
            spectrum=np.array([row for _, row in self._spectrum], np.float32).reshape(-1, BANDS),
            curves_at=curves[:, 0],
            curves=curves[:, 1:],
            activations_at=activations[:, 0],
            activations=activations[:, 1:],
            tempi_at=np.array([at for at, _ in self._tempi]),
            tempi=np.array([row for _, row in self._tempi], np.float32) if self._tempi else None,
            tempi_bpm=self._bpm,
            hits={kind: np.array(hits).reshape(-1, 2) for kind, hits in self._hits.items()},
            sections=self._sections[first:],
            beats_per_bar=self._listener.state().grid.beats_per_bar,
        )
