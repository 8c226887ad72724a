"""Songs made audible: every part by a sound font, a sampled kit, or a synthesizer, and the truth moved to where the
sound really starts. Public: Rendered, render, style_of, is_electronic.

Hits are note starts plus the measured delay of that very sound (see onset.py). Beats are the score's plus one constant
a song: how late, in the median, the sharp sounds on beats are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from training import fluid
from training.kits import electronic_kit, play_kit, recorded_kit, recorded_kits
from training.onset import Sounding
from training.song import CYMBAL, HAT, KICK, SNARE, Part, Song
from training.synths import patch, play_patch

Floats = NDArray[np.float32]
Rows = NDArray[np.float64]

NEAR_S = 0.04  # a note this near a beat is on it
LARGEST_S = 0.05  # of the beats' constant
TAIL_S = 0.5
LEVEL = 0.08  # RMS of a part's loud moments at gain 1
DUCKERS = ("house", "techno", "trance", "edm", "dubstep", "garage", "electro", "bass")
MACHINES = (*DUCKERS, "trap", "hip", "drill", "dnb", "jungle", "drum and bass", "drum_and_bass", "breakbeat", "disco")
MACHINES += ("reggaeton", "synth", "hardstyle", "gabber", "eurodance", "electronic", "future", "phonk", "psy", "idm")
HITS = {"kick": KICK, "snare": SNARE, "hat": HAT}
FONTS = {"FluidR3_GM": 0.35, "MuseScore_General": 0.35, "TimGM6mb": 0.2, "OPL-3_FM_128M": 0.1}


@dataclass
class Rendered:
    """stems: float32[n], of "drums", "bass", "rest" those that sound. beats: s, where they are heard; positions as in
    Song. hits: float64[k, 2] of (onset s, strength 0..1) for "kick", "snare", "hat", ascending; cymbals: s. shift: s,
    already in beats. played_by: the instruments, for the record."""

    stems: dict[str, Floats]
    rate: int
    beats: Rows
    positions: NDArray[np.int64]
    hits: dict[str, Rows]
    cymbals: Rows
    source: str
    style: str
    shift: float
    played_by: list[str]


@dataclass
class Played:
    """A part's sound, where its notes start (s) and how they sound, in order of its notes; by: the instrument."""

    sound: Floats
    starts: Rows
    heard: list[Sounding]
    by: str


def style_of(song: Song) -> str:
    """The style a song says it has, or the last word of its source."""
    return song.tags.get("style") or song.source.rsplit("/", 1)[-1]


def is_electronic(song: Song) -> bool:
    """Whether drum machines and synthesizers usually play this style."""
    style = style_of(song).lower()
    return any(word in style for word in MACHINES) or any(p.drums and p.program in (24, 25, 26, 27) for p in song.parts)


def _by_font(part: Part, seconds: float, rng: np.random.Generator, rate: int) -> Played:
    paths = fluid.font_paths()
    weights = np.array([FONTS.get(path.stem, 0.1) for path in paths])
    one = fluid.font(paths[rng.choice(len(paths), p=weights / weights.sum())], rate)
    bank = fluid.DRUMS if part.drums else fluid.MELODIC
    room = float(rng.uniform(0.1, 0.8)) if rng.random() < 0.12 else 0.0
    sound, starts = one.play(part.notes, seconds, bank, part.program, room)
    heard = [one.measured(bank, part.program, int(key), velocity) for _, _, key, velocity in part.notes]
    return Played(sound, starts, heard, f"{one.name}:{bank}:{part.program}")


def _drums(part: Part, seconds: float, electronic: bool, rng: np.random.Generator, rate: int) -> Played:
    kits = [name for name, machine in recorded_kits().items() if machine == electronic]
    chances = np.array([0.6, 0.2, 0.2] if electronic else [0.04, 0.41, 0.55])
    chances *= [1.0, bool(kits), fluid.available()]
    how = rng.choice(3, p=chances / chances.sum())
    if how == 2:
        return _by_font(part, seconds, rng, rate)
    name = "machine" if how == 0 else kits[rng.integers(len(kits))]
    kit = electronic_kit(rng, rate) if how == 0 else recorded_kit(name, rng, rate)
    return Played(*play_kit(kit, part.notes, seconds, rate), name)


def _tones(part: Part, seconds: float, electronic: bool, rng: np.random.Generator, rate: int) -> Played:
    own = {"bass": 0.65, "lead": 0.6, "pad": 0.6, "chords": 0.55}.get(part.role, 0.4) if electronic else 0.04
    if not fluid.available() or rng.random() < own:
        return Played(*play_patch(patch(part.role, rng), part.notes, seconds, rate), f"synth:{part.role}")
    return _by_font(part, seconds, rng, rate)


def _loudness(sound: Floats, rate: int) -> float:
    """RMS of the loud moments, lows discounted as ears do (first-order high-pass, 120 Hz): the 90th percentile over
    those 50 ms windows that sound at all."""
    width = round(0.05 * rate)
    b, a = butter(1, 120.0, "highpass", fs=rate)
    sound = lfilter(b.astype(np.float32), a.astype(np.float32), sound)
    power = np.mean(sound[: len(sound) // width * width].reshape(-1, width) ** 2, axis=1)
    power = power[power > 1e-9]
    return float(np.sqrt(np.quantile(power, 0.9))) if len(power) else 0.0


def _beat_shift(beats: Rows, played: list[tuple[Part, Played]]) -> float:
    """Median lag (s) of the sharp sounds on beats: of kicks and snares if there are enough, else of all parts."""
    if not len(beats):
        return 0.0
    drums: list[float] = []
    others: list[float] = []
    for part, sounds in played:
        delays = np.array([one.delay for one in sounds.heard])
        sharp = np.array([one.sharp for one in sounds.heard], bool)
        loud = part.notes[:, 3] >= 40
        nearest = (
            beats[np.abs(beats[:, None] - part.notes[None, :, 0]).argmin(axis=0)] if len(part.notes) else beats[:0]
        )
        use = sharp & loud & (np.abs(part.notes[:, 0] - nearest) < NEAR_S)
        lags = (sounds.starts + delays - nearest)[use]
        strong = np.isin(part.notes[use, 2], list(KICK | SNARE)) if part.drums else np.zeros(len(lags), bool)
        drums.extend(lags[strong])
        others.extend(lags[~strong])
    lags = drums if len(drums) >= 8 else drums + others
    return float(np.clip(np.median(lags), -LARGEST_S, LARGEST_S)) if lags else 0.0


def _hits(part: Part, played: Played) -> tuple[dict[str, Rows], Rows]:
    """Rows of HITS and cymbal onsets of a drum part: what is audible, at most 34 dB below the loudest."""
    peaks = np.array([one.peak for one in played.heard])
    onsets = played.starts + np.array([one.delay for one in played.heard])
    audible = peaks > max(1e-4, 0.02 * peaks.max(initial=0.0))
    strengths = np.clip(part.notes[:, 3] / 127 * part.gain, 0, 1)
    hits = {}
    for name, keys in HITS.items():
        these = audible & np.isin(part.notes[:, 2], list(keys))
        hits[name] = np.column_stack([onsets[these], strengths[these]])
    return hits, onsets[audible & np.isin(part.notes[:, 2], list(CYMBAL))]


def _duck(n: int, kicks: Rows, rate: int, rng: np.random.Generator) -> Floats:
    """Gain that falls at each kick and comes back, as a side chain does."""
    depth, release = rng.uniform(0.4, 0.95), rng.uniform(0.08, 0.3)
    since = np.full(n, 9.0, np.float32)
    starts = np.clip(np.rint(kicks * rate).astype(int), 0, n)
    for start, stop in zip(starts, np.append(starts[1:], n), strict=True):
        since[start:stop] = np.arange(stop - start, dtype=np.float32) / rate
    gain = 1 - np.float32(depth) * np.exp(-((since / np.float32(release)) ** 2))
    width = max(1, round(0.002 * rate))  # no click
    return np.convolve(gain, np.full(width, 1 / width, np.float32))[:n].astype(np.float32)


def render(song: Song, rng: np.random.Generator, *, rate: int = 44100) -> Rendered:
    """Play a song with instruments drawn for its style. Mono; parts keep their gains, give or take some dB."""
    seconds = song.duration + TAIL_S
    n = round(seconds * rate)
    electronic = is_electronic(song)
    if rng.random() < 0.06:
        electronic = not electronic
    stems: dict[str, Floats] = {}
    played: list[tuple[Part, Played]] = []
    hits = {name: np.zeros((0, 2)) for name in HITS}
    cymbals = np.zeros(0)
    for part in song.parts:
        if not len(part.notes):
            continue
        sounds = (_drums if part.drums else _tones)(part, seconds, electronic, rng, rate)
        loudness = _loudness(sounds.sound, rate)
        if loudness == 0.0:
            continue
        played.append((part, sounds))
        level = LEVEL * part.gain / loudness * 10 ** (rng.normal(0, 1.5) / 20)
        stem = "drums" if part.drums else "bass" if part.role == "bass" else "rest"
        stems[stem] = stems.get(stem, np.zeros(n, np.float32)) + sounds.sound * np.float32(level)
        if part.drums:
            these, crashes = _hits(part, sounds)
            hits = {name: np.vstack([rows, these[name]]) for name, rows in hits.items()}
            cymbals = np.concatenate([cymbals, crashes])
    hits = {name: rows[np.argsort(rows[:, 0], kind="stable")] for name, rows in hits.items()}
    ducks = any(word in style_of(song).lower() for word in DUCKERS)
    if electronic and len(hits["kick"]) and rng.random() < (0.5 if ducks else 0.1):
        gain = _duck(n, hits["kick"][:, 0], rate, rng)
        for name in ("bass", "rest"):
            if name in stems and rng.random() < 0.8:
                stems[name] = stems[name] * gain
    shift = _beat_shift(song.beats, played)
    return Rendered(
        stems=stems,
        rate=rate,
        beats=song.beats + shift,
        positions=song.positions,
        hits=hits,
        cymbals=np.sort(cymbals),
        source=song.source,
        style=style_of(song),
        shift=shift,
        played_by=[sounds.by for _, sounds in played],
    )
