"""The score of the demo song, "Second Gear": a night drive in E minor that moves to F sharp minor for the last mile.

The score is the truth about `demo.ogg`: beats and hits are known exactly. Tables first, then what they come to. Makes
no sound (demo_song.py plays it) and never draws a random number that is not seeded by its place in the score.

Public: `TEMPO` (BPM), `BEATS_PER_BAR`, `LEAD_IN` (seconds before beat 0), `SECTIONS` (name, first bar, bars),
`BARS`, `LENGTH` (seconds), `KINDS`, `beat_times()`, `downbeat_times()`, `section_times()`, `hit_times(kind)`; for the
players also the parts and `place_of`, `bars_in_order`, `chord_of`, `hits_in_order`.

The clock: bar b, step s (sixteenths) is LEAD_IN + b bars + s steps, odd steps later by SWING. Kicks stand on
even steps only, so kicks and beats never move; ghost notes, hats and congas do, by a few ms, as hands do.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TEMPO: Final = 126.0  # a beat is exactly 21,000 samples at 44.1 kHz, a sixteenth 5,250
BEATS_PER_BAR: Final = 4
LEAD_IN: Final = 0.1
SWING: Final = 0.011  # seconds an odd sixteenth is late: 54.6 %, felt more than heard
TAIL: Final = 4.2  # seconds the last chord rings
SECTIONS: Final = (
    ("intro", 0, 4), ("verse", 4, 8), ("lift", 12, 4), ("hook", 16, 4), ("break", 20, 4),
    ("riser", 24, 2), ("drop", 26, 8), ("finale", 34, 4), ("ending", 38, 1),
)  # fmt: skip
DROP: Final = next(first for name, first, _ in SECTIONS if name == "drop")
BARS: Final = sum(bars for _, _, bars in SECTIONS)
BAR: Final = BEATS_PER_BAR * 60.0 / TEMPO
LENGTH: Final = LEAD_IN + (BARS - 1) * BAR + TAIL
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
ARPEGGIO: Final = "0213213202132431"  # the break: keys in sixteenths, indexes into the voicing


class Hit(NamedTuple):
    kind: str
    time: float  # seconds in the file
    strength: float  # 0..1
    sign: str


_STRENGTH: Final = {"X": 1.0, "x": 0.72, "g": 0.36, "o": 0.80, "h": 0.75, "m": 0.80, "l": 0.85}
_LOOSE: Final = {"ghost": 0.004, "hat": 0.003, "conga": 0.004}  # seconds, the most a hand is early or late


def place_of(bar: int, step: int) -> float:
    """Seconds in the file of a sixteenth of a bar."""
    return LEAD_IN + bar * BAR + step * BAR / 16 + (SWING if step % 2 else 0.0)


def bars_in_order() -> Iterator[tuple[str, int, int]]:
    """(section, bar, bar within the section) of each bar."""
    for name, first, bars in SECTIONS:
        yield from ((name, bar, bar - first) for bar in range(first, first + bars))


def chord_of(bar: int) -> Chord:
    """The chord of a bar, in the key it is played in."""
    name, inside = next((name, inside) for name, here, inside in bars_in_order() if here == min(bar, BARS - 1))
    names = PROGRESSIONS[name].split()
    chord, up = CHORDS[names[inside % len(names)]], UP * (name in ("finale", "ending"))
    return Chord(chord.root + up, chord.seventh, tuple(pitch + up for pitch in chord.voicing))


@lru_cache(None)
def hits_in_order() -> tuple[Hit, ...]:
    """Every hit, by time."""
    hits = []
    for name, bar, inside in bars_in_order():
        for number, kind in enumerate(KINDS):
            rows = GROOVE[name].get(kind, ("",))
            for step, sign in enumerate(FILLS.get(bar, {}).get(kind, rows[inside % len(rows)])):
                if sign != ".":
                    drift, touch = np.random.default_rng((bar, step, number)).uniform(-1, 1, 2)
                    strength = _STRENGTH[sign] * (1 + 0.10 * touch * (kind in _LOOSE))
                    hits.append(Hit(kind, place_of(bar, step) + _LOOSE.get(kind, 0.0) * drift, strength, sign))
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
    return {name: (place_of(first, 0), min(place_of(first + bars, 0), LENGTH)) for name, first, bars in SECTIONS}


def hit_times(kind: str) -> NDArray[np.float64]:
    """Seconds of every hit of one of `KINDS`, ascending. Raises ValueError for another word."""
    if kind not in KINDS:
        raise ValueError(f"hit_times: {kind!r} is not one of {', '.join(KINDS)}")
    return np.array([hit.time for hit in hits_in_order() if hit.kind == kind], dtype=np.float64)
