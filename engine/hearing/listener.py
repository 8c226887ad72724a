"""The listener: blocks of samples in, States out. Puts levels, sections, hits and the beat tracker together.

Pure: the same samples and hints give the same States to the last bit, whatever the block sizes. Public: Listener,
TRACKERS, HINTS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.hearing import ListenerSettings
from engine.hearing.aubio_tracker import AubioTracker
from engine.hearing.beats import Activations, Track, Tracker
from engine.hearing.frames import Framer
from engine.hearing.hits import HeardDrums, HitDetector
from engine.hearing.levels import LevelMeter
from engine.hearing.network_tracker import NetworkTracker
from engine.hearing.phrases import PhraseWatch
from engine.hearing.sections import SectionWatch
from engine.state import Floats, State

TRACKERS: dict[str, Callable[..., Tracker]] = {"network": NetworkTracker, "aubio": AubioTracker}

# What a person may tell the listener: name -> what it does. `amount` is 0 where none is named.
HINTS = {
    "tap": "a beat is now; four taps set the tempo too",
    "nudge": "the beat is `amount` seconds later (negative: earlier)",
    "double": "twice the tempo",
    "halve": "half the tempo",
    "tempo": "the tempo is `amount` BPM",
    "downbeat": "the nearest beat is a downbeat",
    "phrase": "the nearest downbeat begins a phrase",
    "resync": "forget the line and what was said of it (not the range), listen afresh",
    "lock": "the tempo stays, the phase follows: `amount` above 0 locks, below 0 unlocks, 0 turns it over",
    "range": "the tempo stays within an octave round the present one; again: within the show's own range",
    "slowest": "no tempo below `amount` BPM",
    "fastest": "no tempo above `amount` BPM",
}
_SLOWEST, _FASTEST = 30.0, 300.0  # BPM a person may ask for
_TAP_PAUSE = 2.0  # seconds without a tap after which the next one begins a new count


class Listener:
    """push samples, get the States that became due. All times are seconds of the stream, which begins at 0."""

    def __init__(self, settings: ListenerSettings, rate: int, seed: State | None = None, epoch: int = 0) -> None:
        """rate: Hz. seed: the State to go on from (line, confidence, counts; its times on this stream), or none.

        epoch: see State; of a line that begins here.
        """
        self.rate = rate
        low, high = settings.tempo
        if seed is None:
            begin = State.unheard()
            grid = replace(
                begin.grid,
                period=60.0 / (120.0 if low <= 120.0 <= high else math.sqrt(low * high)),
                beats_per_bar=settings.beats_per_bar,
                bars_per_phrase=settings.bars_per_phrase,
            )
            seed = replace(begin, grid=grid, epoch=epoch)
        self._tracker = TRACKERS[settings.tracker](rate, seed, bpm=settings.tempo)
        self._track = Track(
            seed.grid, seed.confidence, seed.bar_confidence, bars_told=seed.bars_told, tempo_told=seed.tempo_told
        )
        self._drums = HeardDrums(seed.hits) if self._tracker.drums else None
        self._detector = HitDetector(rate, seed.hits)
        self._levels = LevelMeter(rate)
        self._sections = SectionWatch(self._levels.hop / rate, seed.section)
        self._phrases = PhraseWatch(seed)
        self._epoch = seed.epoch
        self.hop = self._detector.hop  # samples between two looks; States come at multiples of it
        self._hops = Framer(self.hop)
        self._level_frames = Framer(self._levels.hop)
        self._tracker_frames = Framer(self._tracker.hop)
        self.heard = 0  # samples looked at
        self._leveled = self._tracked = 0
        self._looks = 0
        self._taps: list[float] = []

    def push(self, samples: Floats) -> list[State]:
        """float32[n] mono, any n. NaN counts as silence, infinity as full scale. Returns States, oldest first."""
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        # A sane mix stays near full scale; a broken float file at 1e30 must not blind the adapted levels for ever.
        samples = np.clip(samples, -8.0, 8.0)
        return [state for hop in self._hops.push(samples) if (state := self._look(hop)) is not None]

    def _look(self, hop: Floats) -> State | None:
        self.heard += hop.size
        self._looks += 1
        struck = self._drums is None and self._detector.push(hop, self.heard / self.rate)
        for frame in self._level_frames.push(hop):
            self._levels.push(frame)
            self._leveled += frame.size
            grid, end = self._track.grid, self._leveled / self.rate
            section = self._sections.push(self._levels.heard, end, grid)
            self._phrases.push(self._levels.levels.spectrum, end, grid, self._track.bar_confidence, section)
        for frame in self._tracker_frames.push(hop):
            self._tracked += frame.size
            if (track := self._tracker.push(frame, self._tracked / self.rate)) is None:
                continue
            self._track = track
            if self._drums is not None and track.activations is not None:
                struck = self._drums.take(track.activations) or struck
        # Every second hop is enough for what is predicted or smooth; a hit can't wait.
        return self.state() if struck or self._looks % 2 == 0 else None

    def state(self) -> State:
        """What is known after the newest hop."""
        return State(
            grid=self._phrases.placed(self._track.grid),
            confidence=self._track.confidence,
            bar_confidence=self._track.bar_confidence,
            time=self.heard / self.rate,
            heard=self.heard,
            epoch=self._epoch,
            bars_told=self._track.bars_told,
            hits=(self._drums or self._detector).hits,
            levels=self._levels.levels,
            section=self._sections.section,
            tempo_told=self._track.tempo_told,
            phrase_confidence=self._phrases.confidence,
            phrase_told=self._phrases.told,
        )

    @property
    def activations(self) -> Activations | None:
        """What the tracker's network heard in its newest frame; None of a tracker that has none."""
        return self._track.activations

    def tempi(self) -> tuple[Floats, Floats] | None:
        """(BPM, how much stands on each, 0..1) of a tracker that weighs tempi, else None."""
        return self._tracker.tempi() if isinstance(self._tracker, NetworkTracker) else None

    def hint(self, hint: str, time: float, amount: float = 0.0) -> bool:
        """A person's word (see HINTS) given at stream `time`. False when it can't be followed."""
        if not (math.isfinite(time) and math.isfinite(amount)):
            return False
        if hint == "tap":
            return self._tap(time)
        if hint in ("tempo", "slowest", "fastest") and not _SLOWEST <= amount <= _FASTEST:
            return False
        if hint == "phrase":
            self._phrases.tell(time, self._track.grid)
            return True
        if hint == "resync":
            self._phrases.resync()
        return self._apply(hint, time, amount) if hint in HINTS else False

    def _tap(self, time: float) -> bool:
        if self._taps and not 0.0 < time - self._taps[-1] < _TAP_PAUSE:
            self._taps.clear()
        self._taps = [*self._taps[-15:], time]
        if len(self._taps) >= 4:
            bpm = 60.0 / float(np.polyfit(np.arange(len(self._taps)), self._taps, 1)[0])
            if _SLOWEST <= bpm <= _FASTEST:  # a key that is held down repeats 30 times a second
                self._apply("tempo", time, bpm)
        return self._apply("beat", time, 0.0)

    def _apply(self, hint: str, time: float, amount: float) -> bool:
        track = self._tracker.hint(hint, time, amount)
        self._track = track or self._track
        return track is not None
