"""The demo song: "Second Gear", a night drive in E minor that moves to F sharp minor for the last mile.

For hearing, showing and testing Getaway without a sound card, a licence or a download: every sample of
`demo.ogg` is made here and in `demo_synth.py`. The score is the truth about it: beats and hits are known
exactly. Never listens, never runs during a show (the show plays `demo.ogg`), never draws a random number
that is not seeded by its place in the score: two renders are equal to the last bit.

Public: `TEMPO` (BPM), `BEATS_PER_BAR`, `LEAD_IN` (seconds before beat 0), `SECTIONS` (name, first bar, bars),
`BARS`, `LENGTH` (seconds), `KINDS`, `beat_times()`, `downbeat_times()`, `section_times()`, `hit_times(kind)`,
`render(rate)`. `python -m engine.audio.demo_song OUT.ogg [--force]` writes the file.

The clock: bar b, step s (sixteenths) is LEAD_IN + b bars + s steps, odd steps later by SWING. Kicks stand on
even steps only, so kicks and beats never move; ghost notes, hats and congas do, by a few ms, as hands do.
"""

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio import demo_synth as synth
from engine.audio.demo_synth import Bus, Section, Sound

TEMPO: Final = 126.0  # a beat is exactly 21,000 samples at 44.1 kHz, a sixteenth 5,250
BEATS_PER_BAR: Final = 4
LEAD_IN: Final = 0.1
SWING: Final = 0.011  # seconds an odd sixteenth is late: 54.6 %, felt more than heard
TAIL: Final = 4.2  # seconds the last chord rings
SECTIONS: Final = (
    ("intro", 0, 4), ("verse", 4, 8), ("lift", 12, 4), ("hook", 16, 4), ("break", 20, 4),
    ("riser", 24, 2), ("drop", 26, 8), ("finale", 34, 4), ("ending", 38, 1),
)  # fmt: skip
_DROP: Final = next(first for name, first, _ in SECTIONS if name == "drop")
BARS: Final = sum(bars for _, _, bars in SECTIONS)
_BAR: Final = BEATS_PER_BAR * 60.0 / TEMPO
LENGTH: Final = LEAD_IN + (BARS - 1) * _BAR + TAIL
KINDS: Final = ("kick", "snare", "hat", "ghost", "clap", "tom", "conga", "crash")

# One row a bar, one sign a sixteenth: X hard, x normal, g soft, o open (hat), h m l high, middle, low skin.
# Rows repeat through their section; FILLS replace single bars.
_FOUR: Final = "X...X...X...X..."
_BACK: Final = ("....X.......X...",)
_ONE: Final = ("X...............", "", "", "")
GROOVE: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "intro": {
        "kick": ("X.....x.X.......", "X.....x.X.....x."), "snare": _BACK, "crash": _ONE,
        "ghost": (".......g.g.....g", "..g....x.g......"), "hat": ("X.xgX.xgX.xgX.o.", "X.xgX.xgX.xgXgxg"),
    },
    "verse": {
        "kick": ("X.....x.X.......", "X.....X...x...x.", "X.....x.X.......", "X...x.X...X....."),
        "snare": _BACK, "ghost": (".......g.g.....g", ".g.....x.g.....g"), "crash": (*_ONE, "", "", "", ""),
        "hat": ("XgxgXgxgXgxgXgxg", "XgxgXgogXgxgXgxg", "XgxgXgxgXgxgXgxg", "XgxgXgxgXgogX.o."),
        "conga": ("...h..hl...h..h.", "...h..hl.h.h.l.l"),
    },
    "lift": {
        "kick": (_FOUR,), "snare": _BACK, "clap": ("....x.......x...",), "ghost": ("..........g....g",),
        "hat": ("X.o.X.o.X.o.X.o.",), "conga": ("h.lhh.lhh.lhh.lh",), "crash": _ONE,
    },
    "hook": {
        "kick": (_FOUR, "X...X...X...X.x."), "snare": _BACK, "clap": _BACK, "ghost": (".......g.g.....g",),
        "hat": ("xgogxgogxgogxgog",), "conga": ("...h..hl...h..hl",), "crash": _ONE,
    },
    "break": {},
    "riser": {"kick": (_FOUR,), "snare": ("g...g...x...x...",), "hat": ("..g...g...x...x.",)},
    "drop": {
        "kick": (_FOUR, "X...X...X...X.x.", _FOUR, "X...X.x.X...X.x."), "snare": _BACK, "clap": _BACK,
        "ghost": (".......g.g.....g", ".g.....x.g....gg"), "hat": ("xgogxgogxgogxgog", "xgogxgogxgogxxog"),
        "conga": ("..hh.lh...hh.lhl", "..hh.lh.h.hl.lhl"), "crash": _ONE,
    },
    "finale": {
        "kick": (_FOUR, "X...X.x.X...X.x."), "snare": _BACK, "clap": _BACK, "ghost": (".......g.g.....g",),
        "hat": ("xgogxgogxgogxgog",), "conga": ("..hh.lh.h.hl.lhl",), "crash": _ONE,
    },
    "ending": {"kick": _ONE, "snare": ("x...............",), "crash": ("x...............",)},
}  # fmt: skip
FILLS: Final[dict[int, dict[str, str]]] = {
    3: {"kick": "X.....x.X.......", "snare": "....X.......X.XX", "ghost": ".......g.g.g.g..",
        "tom": "..........h.....", "hat": "X.xgX.xgX......."},
    7: {"snare": "....X.......X..x", "ghost": ".......g.g.g..g.", "hat": "XgxgXgxgXgxg..o."},
    11: {"snare": "....X...X.xxX...", "ghost": ".......g........", "tom": ".............hml",
         "hat": "XgxgXgxg........"},
    15: {"snare": "x.x.X.x.XxXxXXXX", "clap": "....x...x...x...", "ghost": ""},
    19: {"kick": "X...X...X.......", "snare": "....X..X..X.X...", "tom": ".............hml",
         "hat": "xgogxgog........"},
    25: {"kick": "", "snare": "g.g.g.g.xxxxX...", "clap": "........x.x.X...", "tom": ".............hh.",
         "hat": ""},
    29: {"snare": "....X.......X.xX", "ghost": ".......g.g......"},
    33: {"snare": "....X..X..X.XXXX", "tom": "........h.m.....", "hat": "xgogxgog........", "kick": _FOUR},
    37: {"kick": "X.....X...X...X.", "snare": "x.....x...X.xgx.", "clap": "", "hat": "",
         "conga": "", "ghost": "", "crash": "......x.......x."},
}  # fmt: skip


class Chord(NamedTuple):
    root: int  # MIDI pitch of the bass
    seventh: int  # semitones above it for the bass line's S
    voicing: tuple[int, ...]  # around D4, moving by steps from chord to chord


CHORDS: Final = {
    "Em9": Chord(28, 10, (55, 59, 62, 66)), "A13": Chord(33, 10, (55, 59, 61, 66)),
    "C9": Chord(36, 11, (55, 59, 62, 64)), "Bm7": Chord(35, 10, (57, 59, 62, 66)),
    "Am9": Chord(33, 10, (55, 59, 60, 64)), "D69": Chord(38, 9, (54, 57, 59, 64)),
    "G9": Chord(31, 11, (54, 57, 59, 62)), "Bsus": Chord(35, 10, (57, 59, 64, 66)),
    "F#m7b5": Chord(30, 10, (57, 60, 64, 66)), "B7#9": Chord(35, 10, (51, 57, 62, 66)),
    "C#7#9": Chord(37, 10, (53, 59, 64, 68)),
}  # fmt: skip
UP: Final = 2  # semitones the finale changes gear by
PROGRESSIONS: Final = {
    "intro": "Em9 Em9 Em9 B7#9", "verse": "Em9 A13 Em9 A13 C9 Bm7 F#m7b5 B7#9", "lift": "Am9 Bm7 C9 D69",
    "hook": "C9 D69 Bm7 Em9", "break": "C9 Bm7 Am9 Bsus", "riser": "Bsus B7#9",
    "drop": "C9 D69 Bm7 Em9 C9 D69 G9 C#7#9", "finale": "C9 D69 Bm7 B7#9", "ending": "Em9",
}  # fmt: skip

# R root, O octave, F fifth, S seventh, A a semitone under the next bar's root; small: slide in; - hold.
BASS: Final[dict[str, tuple[str, ...]]] = {
    "intro": ("", "............S.oA", "R-.R..O.R-S.O.F.", "R-.R..O...S-F-A-"),
    "verse": ("R-.R..O.R-S.O.F.", "R-.R..o-R-.R.OSA", "R-.R..O.R-S.O.F.", "R-.RO.S-F-.RsOSA"),
    "lift": ("R.R.R.R.R.R.R.RO", "R.R.R.R.R.R.R.RO", "R.R.R.R.R.R.O.RO", "R.R.R.R.RRRRRRrA"),
    "hook": ("R.OR..O.R.OS..OA", "R.OR..O.R.OF.RSA", "R.OR..O.R.OS..OA", "R-.RO.S-F.OS.oFA"),
    "break": ("R---------------", "R---------------", "R---------------", "R-----------r---"),
    "riser": ("R.R.R.R.R.R.R.R.", "R.R.R.R.RRRRR..."),
    "drop": ("R.OR..O.R.OS..OA", "R.OR.RO.R.OF.RSA", "R.OR..O.R.OS..OA", "R-.RO.S-F.OS.oFA"),
    "finale": ("R.OR..O.R.OS..OA", "R.OR.RO.R.OF.RSA", "R-.RO.S-F.OS.oFA", "R-....O-..S-..R."),
    "ending": ("R---------------",),
}
# X a chord held through its dashes, x a short one, m a muted chick of the guitar.
_HOLD: Final = ("X---------------",)
_STOPS: Final = "x.....x...x...x."  # the whole band, bar 37
_PUSH: Final = "X--X--X---X--X--"
COMPING: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "keys": {
        "intro": ("", "", "x..x..x.........", "x..x..x...X-----"), "lift": ("X-----X---X-----",),
        "verse": ("X--x..x...X--.x.", "...x..X-----..x."), "hook": (_PUSH,), "riser": ("X-------X-------",),
        "drop": (_PUSH,), "finale": (_PUSH, _PUSH, _PUSH, _STOPS), "ending": _HOLD,
    },
    "guitar": {
        "intro": ("", "m.mmm.m.m.mmm.m.", "m.mxm.m.m.mx..x.", ""), "lift": ("..x...x...x...xm",),
        "verse": ("m.mxm.x.m.mxm.mx", "m.mxm.x.m.xm..x."), "hook": ("m.mxm.xmm.mxm.xm",),
        "drop": ("m.mxm.xmm.mxm.xm",), "finale": (*("m.mxm.xmm.mxm.xm",) * 3, _STOPS), "ending": _HOLD,
    },
    "stab": {
        "lift": ("", "", "", "............x.x."), "drop": ("x..x............", "x..x......x.x..."),
        "finale": ("x..x............", "x..x......x.x...", "x..x............", _STOPS), "ending": _HOLD,
    },
    "pad": {
        "intro": ("", "", "", "........X-------"), "lift": _HOLD, "hook": _HOLD, "break": _HOLD,
        "riser": (*_HOLD, "X-----------...."), "drop": _HOLD, "finale": (*_HOLD * 3, ""), "ending": _HOLD,
    },
}  # fmt: skip
# "step note length", bars counted from the first bar of the section; ~ before a note: slide in from the last one.
_HOOK: Final = (
    "0 B4 3, 3 D5 3, 6 ~E5 5, 12 D5 2, 14 B4 2",
    "0 A4 3, 3 B4 3, 6 ~D5 5, 12 E5 2, 14 ~F#5 2",
    "0 F#5 3, 3 E5 3, 6 D5 4, 10 B4 2, 12 A4 2, 14 ~B4 2",
    "0 B4 2, 2 ~E5 6, 10 G5 1, 11 ~F#5 2, 13 D5 1, 14 B4 2",
)
_HOOK_UP: Final = (
    *_HOOK[:2],
    "0 F#5 3, 3 G5 3, 6 ~A5 4, 10 B5 2, 12 A5 2, 14 ~F#5 2",
    "0 G#5 3, 3 ~B5 5, 8 G#5 2, 10 ~F5 2, 12 E5 2, 14 C#5 2",
)
LEAD: Final[dict[str, dict[int, str]]] = {
    "verse": {
        1: "8 B4 1, 9 D5 1, 10 ~E5 3, 14 D5 1",
        3: "6 E5 1, 7 ~G5 2, 9 E5 1, 10 D5 2, 12 B4 1, 13 A4 1, 14 ~B4 2",
        5: "8 B4 1, 9 D5 1, 10 ~F#5 3, 14 E5 1",
        7: "2 D5 1, 3 ~D#5 3, 6 F#5 2, 8 A5 2",
    },
    "lift": {2: "0 E5 6, 6 ~G5 6, 12 B5 4", 3: "0 ~A5 6, 6 F#5 6, 12 ~A5 4"},
    "hook": dict(enumerate(_HOOK)),
    "drop": dict(enumerate(_HOOK + _HOOK_UP)),
    "finale": dict(enumerate((*_HOOK[:3], "0 B4 4, 6 D5 3, 10 ~D#5 3, 14 F#5 1"))),
    "ending": {0: "0 ~E5 16"},
}
_ARP: Final = "0213213202132431"  # the break: keys in sixteenths, indexes into the voicing


class Hit(NamedTuple):
    kind: str
    time: float  # seconds in the file
    strength: float  # 0..1
    sign: str


MIX: Final = {
    "kick": Bus(0.74, 0.0, 0.0, 0.02, 0.0, (("high", 28, 0.7, 0), ("peak", 300, 1.0, -3), ("peak", 3500, 0.8, 2))),
    "snare": Bus(0.72, 0.0, 0.10, 0.22, 0.0, (("high", 110, 0.7, 0), ("peak", 200, 1.2, 2))),
    "clap": Bus(0.85, 0.0, 0.14, 0.20, 0.0),
    "tom": Bus(0.55, 0.0, 0.12, 0.22, 0.0, (("high", 60, 0.7, 0),)),
    "hat": Bus(0.42, 0.12, 0.02, 0.06, 0.0),
    "conga": Bus(0.28, 0.10, 0.06, 0.25, 0.0, (("high", 160, 0.7, 0),)),
    "crash": Bus(0.36, 0.15, 0.05, 0.0, 0.0),
    "bass": Bus(
        0.42, 0.55, 0.0, 0.02, 0.0,
        (("high", 32, 0.7, 0), ("peak", 240, 0.9, -2), ("peak", 900, 0.8, 2))),
    "keys": Bus(
        0.17, 0.35, 0.16, 0.08, 0.05,
        (("high", 150, 0.7, 0), ("peak", 380, 0.9, -2), ("peak", 2800, 0.8, 3)), 0.5),
    "guitar": Bus(0.21, 0.20, 0.06, 0.14, 0.0, (), 0.35),
    "stab": Bus(0.12, 0.30, 0.22, 0.06, 0.08, (("high", 220, 0.7, 0),)),
    "pad": Bus(0.027, 0.62, 0.30, 0.0, 0.0, (("high", 230, 0.7, 0),), 0.5),
    "lead": Bus(0.21, 0.18, 0.15, 0.03, 0.20, (("high", 260, 0.7, 0), ("peak", 2200, 0.8, 2))),
    "riser": Bus(0.24, 0.5, 0.20, 0.0, 0.05, (("high", 90, 0.7, 0),)),
    "impact": Bus(0.5, 0.0, 0.0, 0.0, 0.0),
}
MASTER: Final[tuple[Section, ...]] = (
    ("high", 26, 0.7, 0), ("peak", 330, 0.8, -1.0), ("peak", 3200, 0.6, 1.5), ("shelf", 8000, 0.7, 2.0),
)  # fmt: skip
DRIVE: Final = 0.45
CEILING: Final = 0.77  # Vorbis adds up to 1.5 dB to the peak of a snare; decoded, the song stays under -0.5 dBFS
_STRENGTH: Final = {"X": 1.0, "x": 0.72, "g": 0.36, "o": 0.80, "h": 0.75, "m": 0.80, "l": 0.85}
_LOOSE: Final = {"ghost": 0.004, "hat": 0.003, "conga": 0.004}  # seconds, the most a hand is early or late


def _at(bar: int, step: int) -> float:
    return LEAD_IN + bar * _BAR + step * _BAR / 16 + (SWING if step % 2 else 0.0)


def _bars() -> Iterator[tuple[str, int, int]]:
    for name, first, bars in SECTIONS:
        yield from ((name, bar, bar - first) for bar in range(first, first + bars))


def _chord(bar: int) -> Chord:
    name, inside = next((name, inside) for name, here, inside in _bars() if here == min(bar, BARS - 1))
    names = PROGRESSIONS[name].split()
    chord, up = CHORDS[names[inside % len(names)]], UP * (name in ("finale", "ending"))
    return Chord(chord.root + up, chord.seventh, tuple(pitch + up for pitch in chord.voicing))


@lru_cache(None)
def _hits() -> tuple[Hit, ...]:
    hits = []
    for name, bar, inside in _bars():
        for number, kind in enumerate(KINDS):
            rows = GROOVE[name].get(kind, ("",))
            for step, sign in enumerate(FILLS.get(bar, {}).get(kind, rows[inside % len(rows)])):
                if sign != ".":
                    drift, touch = np.random.default_rng((bar, step, number)).uniform(-1, 1, 2)
                    strength = _STRENGTH[sign] * (1 + 0.10 * touch * (kind in _LOOSE))
                    hits.append(Hit(kind, _at(bar, step) + _LOOSE.get(kind, 0.0) * drift, strength, sign))
    return tuple(sorted(hits, key=lambda hit: hit.time))


def beat_times() -> NDArray[np.float64]:
    """Seconds of every beat `[153]`, from the first kick to the last chord (which rings on without a beat)."""
    beats = np.arange((BARS - 1) * BEATS_PER_BAR + 1, dtype=np.float64)
    return LEAD_IN + beats * 60.0 / TEMPO


def downbeat_times() -> NDArray[np.float64]:
    """Seconds of every first beat of a bar `[39]`."""
    return beat_times()[::BEATS_PER_BAR]


def section_times() -> dict[str, tuple[float, float]]:
    """Section name -> (start, end) in seconds."""
    return {name: (_at(first, 0), min(_at(first + bars, 0), LENGTH)) for name, first, bars in SECTIONS}


def hit_times(kind: str) -> NDArray[np.float64]:
    """Seconds of every hit of one of `KINDS`, ascending. Raises ValueError for another word."""
    if kind not in KINDS:
        raise ValueError(f"hit_times: {kind!r} is not one of {', '.join(KINDS)}")
    return np.array([hit.time for hit in _hits() if hit.kind == kind], dtype=np.float64)


# ---- the players: each adds its part for bars [first, last) to a bus ----


def _spans(row: str) -> Iterator[tuple[int, str, int]]:
    """(step, sign, steps held) of each note in a row."""
    for step, sign in enumerate(row):
        if sign not in ".-":
            yield step, sign, 1 + len(row[step + 1 :]) - len(row[step + 1 :].lstrip("-"))


_SKIN: Final = {"h": 0, "m": 1, "l": 2}
# kind -> its sound from (rate, sign, how many came before: neighbours are never equal), its place left to right
_KIT: Final[dict[str, tuple[Callable[[int, str, int], Sound], tuple[float, ...]]]] = {
    "kick": (lambda rate, sign, count: synth.kick(rate), (0.0,)),
    "snare": (lambda rate, sign, count: synth.snare(rate, count % 5), (0.0,)),
    "ghost": (lambda rate, sign, count: synth.ghost(rate, count % 5), (-0.1,)),
    "clap": (lambda rate, sign, count: synth.clap(rate, count % 3), (0.0,)),
    "hat": (lambda rate, sign, count: synth.hat(rate, sign == "o", count % 6), (0.25,)),
    "crash": (lambda rate, sign, count: synth.crash(rate), (-0.2,)),
    "tom": (lambda rate, sign, count: synth.tom(rate, (168.0, 122.0, 86.0)[_SKIN[sign]]), (-0.5, 0.0, 0.5)),
    "conga": (lambda rate, sign, count: synth.conga(rate, (330.0, 265.0, 212.0)[_SKIN[sign]]), (-0.6, -0.5, -0.4)),
}


def _play_bass(bus: Sound, rate: int, first: int, last: int) -> None:
    before = 28.0
    for name, bar, inside in _bars():
        chord, rows, start = _chord(bar), BASS[name], _at(first, 0) - LEAD_IN
        under = _chord(bar + 1).root - 1
        degree = {"R": 0, "O": 12, "F": 7, "S": chord.seventh, "A": under - chord.root}
        for step, sign, steps in _spans(rows[inside % len(rows)]):
            pitch = float(chord.root + degree[sign.upper()])
            calm = name in ("break", "riser")
            if first <= bar < last:
                length = (steps - 0.08 if steps > 1 else 0.78) * _BAR / 16
                length = TAIL - 1.0 if name == "ending" else length
                origin = before if sign.islower() else pitch - 0.4  # a finger always bends the string a little
                open_ = 0.05 if calm else (0.85 if sign in "OSo" else 0.55 + 0.15 * (step == 0))
                note = synth.bass(rate, pitch, origin, round(length, 4), open_)
                synth.place(bus, note, round((_at(bar, step) - start) * rate), 0.7 if calm else 1.0)
            before = pitch


def _play_chords(bus: Sound, rate: int, first: int, last: int, part: str) -> None:
    for name, bar, inside in _bars():
        rows = COMPING[part].get(name, ("",))
        if not first <= bar < last:
            continue
        for step, sign, steps in _spans(rows[inside % len(rows)]):
            # A chord at the bar's end belongs to the next bar already, but not in the stops before the last.
            late = step >= 14 and part != "pad" and bar != BARS - 2
            notes = _chord(bar + late).voicing
            seconds = round((steps * 0.97 if steps > 1 or sign == "X" else 0.72) * _BAR / 16, 4)
            seconds = TAIL - 0.7 if name == "ending" else seconds
            index = round((_at(bar, step) - first * _BAR) * rate)
            if part == "guitar":
                strings = tuple(pitch + 12 for pitch in notes[1:])
                level = (0.55 if step % 4 else 0.75) if sign == "m" else 1.0
                synth.place(bus, synth.guitar(rate, strings, seconds, sign == "m"), index, level, 0.45)
            for order, pitch in enumerate(notes if part != "guitar" else ()):
                wide = -0.75 + 0.4 * order
                if part == "keys":
                    hard = 0.9 if sign == "X" else 0.6
                    synth.place(bus, synth.keys(rate, pitch, seconds * 1.15, hard), index, 0.6 + 0.4 * hard, wide)
                elif part == "stab":
                    synth.place(bus, synth.stab(rate, pitch + 12, seconds), index, 1.0, 0.4 * wide)
                else:
                    bright = {"break": 0.55, "riser": 0.6 + 0.3 * inside, "lift": 0.3 + 0.1 * inside}.get(name, 0.6)
                    for octave in (0, 12):
                        note = synth.pad(rate, pitch + octave, seconds, bright if not octave else bright * 0.7)
                        synth.place(bus, note, index, (1.5 if name in ("break", "riser") else 1.0) - octave / 30)


def _play_arpeggio(bus: Sound, rate: int, first: int, last: int) -> None:
    """The break and the riser: the electric piano alone keeps the sixteenths, its accents on the beats."""
    for name, bar, _ in _bars():
        if name in ("break", "riser") and first <= bar < last:
            for step, sign in enumerate(_ARP[:12] if bar == _DROP - 1 else _ARP):  # a hole before the drop
                voicing = _chord(bar).voicing
                pitch = (*voicing, voicing[1] + 12)[int(sign)] + 12
                swell = (1.15, 0.36, 0.48, 0.36)[step % 4] * (1.0 if name == "break" else 0.8)
                note = synth.keys(rate, pitch, 0.22, 1.0 if step % 4 == 0 else 0.6)
                index = round((_at(bar, step) - first * _BAR) * rate)
                synth.place(bus, note, index, swell, 0.6 * (-1) ** step * (step % 4 > 0))


def _play_lead(bus: Sound, rate: int, first: int, last: int) -> None:
    for name, bar, inside in _bars():
        up, before = UP * (name in ("finale", "ending")), None
        for text in filter(None, LEAD.get(name, {}).get(inside, "").split(", ")):
            step, note, steps = text.split()
            letter = note.lstrip("~")
            pitch = 12 * (int(letter[-1]) + 1) + "C C#D D#E F F#G G#A A#B ".index(letter[:-1].ljust(2)) // 2 + up
            origin = float(before if before is not None and note[0] == "~" else pitch - 0.25)
            before = pitch
            if first <= bar < last:
                seconds = TAIL - 1.2 if name == "ending" else round((int(steps) - 0.12) * _BAR / 16, 4)
                soft = name in ("verse", "ending")
                sound = synth.lead(rate, float(pitch), origin, seconds, 0.35 if soft else 0.8)
                synth.place(bus, sound, round((_at(bar, int(step)) - first * _BAR) * rate), 0.62 if soft else 1.0)


def _play(name: str, bus: Sound, rate: int, first: int, last: int) -> None:
    """Fill one bus of MIX with its part."""
    kinds = ("snare", "ghost") if name == "snare" else (name,)
    for count, hit in enumerate(hit for hit in _hits() if hit.kind in kinds):
        if _at(first, 0) - 0.01 <= hit.time < _at(last, 0) - 0.01:
            drum, places = _KIT[hit.kind]
            index = round((hit.time - first * _BAR) * rate)
            pan = places[_SKIN.get(hit.sign, 0) % len(places)]
            synth.place(bus, drum(rate, hit.sign, count), index, hit.strength, pan)
    if name == "bass":
        _play_bass(bus, rate, first, last)
    elif name == "lead":
        _play_lead(bus, rate, first, last)
    elif name in COMPING:
        _play_chords(bus, rate, first, last, name)
    if name == "keys":
        _play_arpeggio(bus, rate, first, last)
    for section, bar, _ in SECTIONS:
        index = round((_at(bar, 0) - first * _BAR) * rate)
        if first <= bar < last and name == "riser" and section == "riser":
            synth.place(bus, synth.riser(rate, 1.875 * _BAR), index)  # stops an eighth short: the drop needs a hole
        if first <= bar < last and name == "riser" and section == "break":
            synth.place(bus, synth.road(rate, 4 * _BAR), index)
        if first <= bar < last and name == "impact" and section in ("hook", "drop", "finale", "ending"):
            synth.place(bus, synth.impact(rate), index)


def render(rate: int = 44100, first: int = 0, last: int = BARS) -> NDArray[np.float32]:
    """Bars [first, last) as `[samples, 2]`, never above CEILING, ending with the tail. Raises ValueError off the score.

    The whole song takes some 20 s; a part sounds as it does in the whole, less what rings over from before.
    """
    if not 0 <= first < last <= BARS:
        raise ValueError(f"render: bars {first}..{last} are not within 0..{BARS}")
    length = round((LEAD_IN + (last - first - 1) * _BAR + TAIL) * rate)
    pumps = [(hit.time - first * _BAR, hit.strength) for hit in _hits() if hit.kind == "kick"]
    calm = [section_times()[name] for name in ("break", "riser")]
    pumps += [(time - first * _BAR, 0.35) for time in beat_times() if any(a <= time < b for a, b in calm)]
    duck = synth.duck_curve(length, rate, [pump for pump in pumps if 0 <= pump[0] < length / rate])
    since = np.arange(length) / rate - _at(BARS - 1, 0) + first * _BAR - 0.25  # the hands let go, the plate rings
    ring = np.exp(-np.maximum(since, 0.0) / 0.75) if last == BARS else np.ones(length)

    def parts() -> Iterator[tuple[Bus, Sound]]:  # one at a time: all of them together are a gigabyte
        for name, bus in MIX.items():
            sound = np.zeros((length, 2))
            _play(name, sound, rate, first, last)
            yield bus, sound

    mix = synth.eq(synth.mix(parts(), rate, duck, ring, 3 * _BAR / 16), rate, *MASTER)
    end = round(0.9 * rate)
    mix[-end:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(end) / end))[:, None]
    return synth.limit(DRIVE * mix, rate, CEILING).astype(np.float32)


def main(arguments: list[str]) -> int:
    """Write the song to arguments[0] (any kind soundfile knows by its name); 0, or 2 with a line on stderr."""
    import soundfile  # here alone: the score and the synthesis need nothing but numpy

    paths = [argument for argument in arguments if argument != "--force"]
    if len(paths) != 1:
        print("usage: python -m engine.audio.demo_song OUT.ogg [--force]", file=sys.stderr)
        return 2
    if Path(paths[0]).exists() and "--force" not in arguments:
        print(f"{paths[0]}: exists already; name another file, or add --force to replace it", file=sys.stderr)
        return 2
    song = render()
    with soundfile.SoundFile(paths[0], "w", 44100, 2, compression_level=0.6) as file:
        for start in range(0, len(song), 4096):  # libsndfile's Vorbis encoder overflows its stack on one large write
            file.write(song[start : start + 4096])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
