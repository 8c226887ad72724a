"""State: what the listener publishes; Moment: all that a scene or lamp may know about one instant.

Values only. No clocks, no audio, no devices. Public: Hit, Hits, KINDS, Levels, BANDS, MOODS, SPECTRUM, WAVEFORM,
Section, SECTIONS, TempoTold, State, Moment. State.pack/State.unpack define the bytes of the shared slot; LAYOUT names
their version.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid

# Hz from and to of each named band. Edges follow what one points at on a mixing desk, not octaves.
BANDS: dict[str, tuple[float, float]] = {
    "sub": (20.0, 60.0),
    "bass": (60.0, 250.0),
    "mid": (250.0, 2000.0),
    "high": (2000.0, 6000.0),
    "air": (6000.0, 16000.0),
}
KINDS = ("kick", "snare", "hat")
MOODS = ("calm", "easy", "driving", "frantic")  # names of the quarters of Levels.mood
# What part of the song it is; hearing/sections.py says how each is told.
SECTIONS = ("silence", "intro", "steady", "breakdown", "build", "drop")
SPECTRUM = 64  # log-spaced bands from 30 Hz to 16 kHz
FRESH = 0.5  # seconds without news after which a State is old
FORGET = 3.0  # seconds in which trust in an old State halves
WAVEFORM = 512  # samples, the newest last

Floats = NDArray[np.float32]


def _row(n: int) -> Floats:
    row = np.zeros(n, np.float32)
    row.flags.writeable = False
    return row


@dataclass(frozen=True, slots=True)
class Hit:
    """count: how many so far (never falls). time: seconds, when the newest sounded. strength: 0..1."""

    count: int = 0
    time: float = -math.inf
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Hits:
    """Running counts of what can't be predicted. A slow reader sees by the counts that it missed two."""

    kick: Hit = Hit()
    snare: Hit = Hit()
    hat: Hit = Hit()

    def __getitem__(self, kind: str) -> Hit:
        hit: Hit = getattr(self, kind)
        return hit


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """How loud what is. All 0..1 after gain adaptation, except waveform (-1..1).

    loudness: the whole, now. energy: the same over some seconds (a breakdown is low, a drop high). brightness: 0 dark
    to 1 bright. mood: 0 calm to 1 frantic. bands: one a name of BANDS. spectrum: float32[SPECTRUM]. waveform:
    float32[WAVEFORM], newest last. Definitions: hearing/levels.py and hearing/mood.py.
    """

    loudness: float = 0.0
    energy: float = 0.0
    brightness: float = 0.5
    mood: float = 0.0
    bands: tuple[float, ...] = (0.0,) * len(BANDS)
    spectrum: Floats = field(default_factory=lambda: _row(SPECTRUM))
    waveform: Floats = field(default_factory=lambda: _row(WAVEFORM))

    def band(self, name: str) -> float:
        return self.bands[list(BANDS).index(name)]

    @property
    def mood_name(self) -> str:
        """The quarter of 0..1 that mood lies in: one of MOODS."""
        return MOODS[min(len(MOODS) - 1, int(self.mood * len(MOODS)))]


@dataclass(frozen=True, slots=True)
class Section:
    """Which part of the song it is. name: one of SECTIONS. count: how many began so far (never falls), so that a slow
    reader sees that it missed one. time: seconds, when it began in the sound (told later: see hearing/sections.py).
    beat: the line's beat there, with fraction."""

    name: str = SECTIONS[0]
    count: int = 0
    time: float = 0.0
    beat: float = 0.0


@dataclass(frozen=True, slots=True)
class TempoTold:
    """What a person said about the tempo and still holds; all but the range until a resync.

    octave: which of 60, 120, 240 BPM it is, by tapping, naming, doubling or halving (until the song clearly changes).
    locked: the tempo stays, the phase follows. slowest, fastest: BPM the beat may have, 0 and 0 for the show's own.
    nudge: seconds by which beats lie later than they are heard.
    """

    octave: bool = False
    locked: bool = False
    slowest: float = 0.0
    fastest: float = 0.0
    nudge: float = 0.0

    @property
    def ranged(self) -> bool:
        """Whether a person set the range."""
        return self.fastest > 0.0


_HEAD = struct.Struct("<ddd qqqqq ddd d qqq ddd qqdd" + "qdd" * len(KINDS) + "dddd" + "d" * len(BANDS))
# Readers and writers of different versions must not meet: the version is made of all that decides the bytes.
LAYOUT = zlib.crc32(f"getaway 1 {_HEAD.format} {SPECTRUM} {WAVEFORM} {tuple(BANDS)} {KINDS} {SECTIONS}".encode())


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the listener knows, published whole. One writer, one slot, no queue.

    grid: the line. confidence: 0..1, how likely the line's beats are right now; bar_confidence: the same of its
    downbeats; phrase_confidence: of its phrases, if its downbeats are right. time: seconds, when the newest sample in
    it was at the input. heard: samples heard since the listener began. bars_told, phrase_told: a person said where the
    bar, the phrase starts, which holds until a resync; tempo_told: what was said about the tempo. section: which part
    of the song it is. epoch: rises when counting starts anew, so readers forget remembered beats and counts (a restart
    that takes over the running line keeps it). Equal when its bytes are.
    """

    grid: Grid
    confidence: float = 0.0
    bar_confidence: float = 0.0
    time: float = 0.0
    heard: int = 0
    epoch: int = 0
    hits: Hits = Hits()
    levels: Levels = field(default_factory=Levels)
    bars_told: bool = False
    section: Section = Section()
    tempo_told: TempoTold = TempoTold()
    phrase_confidence: float = 0.0
    phrase_told: bool = False

    SIZE = _HEAD.size + 4 * (SPECTRUM + WAVEFORM)  # bytes of pack()

    @staticmethod
    def unheard(time: float = 0.0) -> State:
        """Before anything was heard: 120 BPM from `time`, no confidence, silence."""
        return State(Grid(time, 0.0, 0.5), time=time)

    def mapped(self, offset: float, slope: float = 1.0) -> State:
        """The same state on another clock whose time is `offset + slope * time`."""

        def moved(hit: Hit) -> Hit:
            return replace(hit, time=offset + slope * hit.time)

        hits = Hits(moved(self.hits.kick), moved(self.hits.snare), moved(self.hits.hat))
        section = replace(self.section, time=offset + slope * self.section.time)
        grid, time = self.grid.mapped(offset, slope), offset + slope * self.time
        return replace(self, grid=grid, time=time, hits=hits, section=section)

    def aged(self, now: float) -> State:
        """What is left of a State at host time `now`: the line goes on for ever; with no news for FRESH seconds the
        levels rest and confidence falls by half every FORGET seconds. The writer may have died; readers call this."""
        age = now - self.time - FRESH
        if age <= 0.0:
            return self
        trust = 0.5 ** (age / FORGET)
        return replace(
            self,
            confidence=self.confidence * trust,
            bar_confidence=self.bar_confidence * trust,
            phrase_confidence=self.phrase_confidence * trust,
            levels=Levels(),
        )

    def pack(self) -> bytes:
        """SIZE bytes, little-endian, the layout LAYOUT names."""
        g, v, s, t = self.grid, self.levels, self.section, self.tempo_told
        hits = [x for k in KINDS for x in (self.hits[k].count, self.hits[k].time, self.hits[k].strength)]
        head = _HEAD.pack(
            g.time, g.beat, g.period, g.downbeat, g.bar, g.beats_per_bar, g.bars_per_phrase, g.phrase,
            self.confidence, self.bar_confidence, self.phrase_confidence, self.time, self.heard, self.epoch,
            self.bars_told + 2 * t.octave + 4 * t.locked + 8 * self.phrase_told, t.slowest, t.fastest, t.nudge,
            SECTIONS.index(s.name), s.count, s.time, s.beat,
            *hits, v.loudness, v.energy, v.brightness, v.mood, *v.bands,
        )  # fmt: skip
        return head + v.spectrum.tobytes() + v.waveform.tobytes()

    @staticmethod
    def unpack(data: bytes) -> State:
        """Inverse of pack. ValueError when the length is not SIZE, or what it holds is impossible."""
        if len(data) != State.SIZE:
            raise ValueError(f"State.unpack: {len(data)} bytes, expected {State.SIZE}")
        x = _HEAD.unpack_from(data)
        flags, number = x[14], x[18]
        if not (0 <= flags < 16 and 0 <= number < len(SECTIONS)):
            raise ValueError(f"State.unpack: flags {flags} or section {number} are none")
        told = TempoTold(bool(flags & 2), bool(flags & 4), *x[15:18])
        section = Section(SECTIONS[number], *x[19:22])
        h = 22
        hits = Hits(*(Hit(*x[h + 3 * i : h + 3 * i + 3]) for i in range(len(KINDS))))
        v = h + 3 * len(KINDS)
        rows = np.frombuffer(data, np.float32, offset=_HEAD.size)
        levels = Levels(x[v], x[v + 1], x[v + 2], x[v + 3], tuple(x[v + 4 :]), rows[:SPECTRUM], rows[SPECTRUM:])
        return State(
            Grid(*x[:8]), x[8], x[9], x[11], x[12], x[13], hits, levels, bool(flags & 1), section, told,
            x[10], bool(flags & 8),
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.pack() == other.pack()

    __hash__ = None  # type: ignore[assignment]  # compared by bytes, never a key


def _fraction(count: float) -> float:
    fraction = count % 1.0
    return fraction if fraction < 1.0 else 0.0  # -1e-18 % 1.0 is 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant as a scene or lamp sees it: made from a State and a host time, for the time the effect is seen.

    time: seconds of host time. beat, bar, phrase: fractional counts; their fractions are the phases. beat_in_bar:
    1..beats_per_bar. state: what it was made of (levels, hits, confidence as last heard).
    """

    time: float
    beat: float
    bar: float
    phrase: float
    beat_in_bar: int
    state: State

    @staticmethod
    def at(state: State, time: float) -> Moment:
        grid = state.grid
        beat = grid.beat_at(time)
        bar = grid.bar_of(beat)
        whole = grid.last_beat_at(time)
        return Moment(time, beat, bar, grid.phrase_of(beat), grid.beat_in_bar(whole), state)

    @property
    def bpm(self) -> float:
        return self.state.grid.bpm

    @property
    def beats_per_bar(self) -> int:
        return self.state.grid.beats_per_bar

    @property
    def confidence(self) -> float:
        return self.state.confidence

    @property
    def levels(self) -> Levels:
        return self.state.levels

    @property
    def hits(self) -> Hits:
        return self.state.hits

    @property
    def section(self) -> Section:
        return self.state.section

    @property
    def section_beats(self) -> float:
        """Beats since the section began, never below 0."""
        return max(0.0, self.beat - self.section.beat)

    @property
    def beat_phase(self) -> float:
        """0 on the beat, up to but not including 1; so the other phases."""
        return _fraction(self.beat)

    @property
    def bar_phase(self) -> float:
        return _fraction(self.bar)

    @property
    def phrase_phase(self) -> float:
        return _fraction(self.phrase)

    def since(self, kind: str) -> float:
        """Seconds from the newest hit of a kind to this instant; inf when there was none, never below 0."""
        return max(0.0, self.time - self.hits[kind].time)
