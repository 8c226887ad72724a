"""Songs out of styles. See the package for the public names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.song import Part, Song
from training.styles import bands, club, quiet, world
from training.styles.bass import play_bass
from training.styles.comp import play_comp, play_pad
from training.styles.drums import draw_kit, play_drums
from training.styles.form import ALL, DRUMS, Section, draw_form
from training.styles.grids import Swing
from training.styles.harmony import draw_harmony, near
from training.styles.lead import play_lead
from training.styles.score import Place, Score, places_of
from training.styles.style import Style
from training.styles.timeline import Timeline, along, compose, curve
from training.styles.touch import TOUCH, Track, draw_tempo

STYLES: dict[str, Style] = {
    style.name: style for rows in (club.ROWS, bands.ROWS, world.ROWS, quiet.ROWS) for style in rows
}
ODD_PROGRAM = 0.08  # chance that a part has any program at all
COUNT_IN, PICKUP, FREE_INTRO, ENDING = 0.05, 0.08, 0.02, 0.3  # chances
CUT_BARS = 0.06  # chance that some sections of a song end in a bar of two beats


def make(style: str, rng: np.random.Generator, seconds: float) -> Song:
    """A song of `seconds` in a style of STYLES; the same generator state gives the same song.

    Raises KeyError for an unknown style and ValueError for less than four seconds.
    """
    if seconds < 4.0:
        raise ValueError(f"a song needs at least 4 s, not {seconds}")
    row = STYLES[style]
    bpm = row.draw_bpm(rng)
    start = float(rng.choice((0.0, rng.uniform(0.0, 0.3), rng.uniform(0.3, 2.0)), p=(0.2, 0.5, 0.3)))
    free = rng.random() < FREE_INTRO and seconds > 20.0
    start += rng.uniform(3.0, 8.0) if free else 0.0
    ends = rng.random() < ENDING
    room = seconds - start - (rng.uniform(1.0, 4.0) if ends and seconds > 15.0 else 0.0)
    length = row.beats * 60.0 / bpm
    # A tempo curve may stretch the bars, so a song that runs on is written longer than needed and cut.
    count = max(2, int(room / length * (0.92 if ends else 1.6)) + (0 if ends else 2))
    sections = _led_in(draw_form(row.form, count, rng), row, rng)
    timeline = _timeline(row, bpm, start, sections, ends, rng)
    score = _score(row, timeline, sections, bpm, rng)
    parts = _band(score, seconds, _present(row, rng))
    if free:
        parts.append(_free(score, start, rng))
    beats, positions = timeline.truth()
    last = seconds if not ends else min(seconds, max(float((p.notes[:, 0] + p.notes[:, 1]).max()) for p in parts))
    first = min(float(p.notes[:, 0].min()) for p in parts) if not free else start
    heard = (beats > first - 0.06) & (beats < last - 0.02)
    tags = {"style": style, "bpm": f"{bpm:.2f}", "swing": f"{score.swing.depth:.2f}", "timing": row.timing}
    firsts = np.cumsum([0, *(section.bars for section in sections)])[:-1]
    tags["sections"] = " ".join(f"{time:.3f}" for time in beats[positions == 1][firsts])  # seconds where each begins
    return Song(f"{style}-{bpm:.0f}", f"generator/{style}", parts, beats[heard], positions[heard], seconds, tags)


def backing(
    beats: NDArray[np.float64],
    positions: NDArray[np.int64],
    rng: np.random.Generator,
    style_hint: str = "",
    onsets: NDArray[np.float64] | None = None,
) -> list[Part]:
    """Bass, chords, pad and lead (never drums, at least one part) along given beats (s) and positions (1 = downbeat).

    style_hint: a style's name or any words ("funk-groove1/8"); the style that shares most words is taken.
    onsets: seconds of the hits to go along with, sorted or not; their subdivision (two, three, swung) then chooses
    among the styles.
    """
    score = _along(beats, positions, rng, style_hint, onsets=onsets)
    present = _present(score.style, rng) - DRUMS
    return _band(score, float(beats[-1] + np.median(np.diff(beats))), present | {"bass", "comp"} - _rest(rng))


def drums(
    beats: NDArray[np.float64], positions: NDArray[np.int64], rng: np.random.Generator, style_hint: str = ""
) -> list[Part]:
    """Drums only along given beats; as in `backing`."""
    score = _along(beats, positions, rng, style_hint, drums_only=True)
    return _band(score, float(beats[-1] + np.median(np.diff(beats))), DRUMS)


def _rest(rng: np.random.Generator) -> frozenset[str]:
    """Now and then bass or chords stay out."""
    return frozenset({str(rng.choice(("bass", "comp")))}) if rng.random() < 0.15 else frozenset()


def swing_of(beats: NDArray[np.float64], onsets: NDArray[np.float64]) -> float | None:
    """How deep eighths swing, 0 even .. 1 triplet, by the hits between beats. None when there are too few."""
    places = np.interp(onsets, beats, np.arange(len(beats)), left=-1.0, right=-1.0)
    middle = places[places >= 0.0] % 1.0
    middle = middle[(middle > 0.42) & (middle < 0.72)]
    return float(np.clip((np.median(middle) - 0.5) * 6.0, 0.0, 1.0)) if len(middle) >= 8 else None


def _hinted(hint: str, bar: int, drums_only: bool, swing: float | None, rng: np.random.Generator) -> Style:
    """The style that shares most words with a hint, else any; of equals one whose bar and feel fit."""
    fitting = [s for s in STYLES.values() if not s.taps and (s.kick or not drums_only)]
    if swing is not None:
        swung = [s for s in fitting if s.triple or (s.swing[0] > 0.5 and s.swing[2] == 8)]
        fitting = swung if swing > 0.5 else [s for s in fitting if s not in swung]
    if hint in STYLES and STYLES[hint] in fitting:
        return STYLES[hint]
    words = set(hint.lower().replace("/", " ").replace("-", " ").replace("_", " ").split())
    scores = np.array([len(words & set(s.name.split("-"))) + 0.5 * (s.beats == bar) for s in fitting])
    pool = [s for s, value in zip(fitting, scores, strict=True) if value == scores.max()]
    if scores.max() < 1.0:
        pool = [s for s in pool if s.form == "song"] or pool
    weights = np.array([s.weight for s in pool])
    return pool[int(rng.choice(len(pool), p=weights / weights.sum()))]


def _along(
    beats: NDArray[np.float64],
    positions: NDArray[np.int64],
    rng: np.random.Generator,
    hint: str,
    drums_only: bool = False,
    onsets: NDArray[np.float64] | None = None,
) -> Score:
    """A score for given beats."""
    timeline = along(beats, positions)
    common = int(np.median([len(bar.taps) for bar in timeline.bars]))
    swing = None if onsets is None else swing_of(beats, onsets)
    style = _hinted(hint, common, drums_only, swing, rng)
    bpm = 60.0 / float(np.median(np.diff(beats)))
    sections = draw_form(style.form, len(timeline.bars), rng)
    if drums_only:
        sections = [Section(s.bars, DRUMS, s.energy, s.theme, s.feel, "fill") for s in sections]
    score = _score(style, timeline, sections, bpm, rng)
    return score if swing is None or style.triple else replace(score, swing=Swing(swing, 1.0))


def _led_in(sections: list[Section], style: Style, rng: np.random.Generator) -> list[Section]:
    """Sometimes a bar of sticks goes first, or a bar in which only a pick-up sounds."""
    if style.timing != "machine" and rng.random() < PICKUP:
        return [Section(1, frozenset({"pickup"}), 0.7, 0, ends=""), *sections]
    if style.kick and style.timing != "machine" and rng.random() < COUNT_IN:
        return [Section(1, frozenset({"count"}), 0.7, 0, ends=""), *sections]
    return sections


def _timeline(
    style: Style, bpm: float, start: float, sections: Sequence[Section], ends: bool, rng: np.random.Generator
) -> Timeline:
    """The clock of a song."""
    touch = TOUCH[style.timing]
    whole = (style.beats, style.bar_taps())
    cut = rng.random() < CUT_BARS and style.beats in (4.0, 3.0, 6.0)
    lengths: list[tuple[float, tuple[float, ...]]] = []
    for section in sections:
        lengths += [whole] * section.bars
        if cut and rng.random() < 0.4:
            lengths[-1] = (2.0, (0.0, 1.0))
    kind = draw_tempo(touch, rng)
    edges = np.concatenate(([0.0], np.cumsum([length for length, _ in lengths]))) * 2.0
    marks: list[int] = []
    first = 0
    for section in sections:
        marks += [round(edges[k]) for k in range(first, first + section.bars, 4 if kind == "rubato" else section.bars)]
        first += section.bars
    halves = int(np.ceil(edges[-1]))
    per_bar = max(2, round(style.beats * 2))
    phrases = [m for m in marks if m < halves - 1]
    slow = rng.uniform(0.1, 0.5) if ends and rng.random() < touch.slow_end else 0.0
    return compose(lengths, bpm, start, curve(kind, halves + 1, per_bar, phrases, rng), slow)


def _score(style: Style, timeline: Timeline, sections: list[Section], bpm: float, rng: np.random.Generator) -> Score:
    """Everything the players must know."""
    places = places_of(timeline.bars, sections)
    rows = [(p.section.theme, p.index, p.bar.length) for p in places]
    harmony = draw_harmony(style.harmony, style.chord_bars, rows, rng)
    low, high, unit = style.swing
    depth = 0.0 if high == 0.0 or (low == 0.0 and rng.random() < 0.4) else rng.uniform(low, high)
    swing = Swing(float(depth), 8.0 / unit)
    return Score(style, timeline, places, harmony, swing, TOUCH[style.timing], bpm, rng.uniform(0.0, 0.15), rng)


def _present(style: Style, rng: np.random.Generator) -> frozenset[str]:
    """Which players a song has."""
    has_drums = bool(style.kick) and rng.random() < style.drums
    if has_drums and rng.random() < 0.03:
        return DRUMS
    chances = {"bass": 0.9 if style.drums else 0.55, "comp": 0.97, "comp2": 0.4 if style.drums else 0.15}
    chances |= {"lead": style.lead_rate, "pad": style.pad_rate}
    present = {name for name, chance in chances.items() if rng.random() < chance}
    # Without drums the chords are what holds the time: a bass or tune alone would leave the beat to guesswork.
    return frozenset(present | DRUMS if has_drums else present | {"comp"})


def _band(score: Score, end: float, present: frozenset[str]) -> list[Part]:
    """The players' parts. Where a section names none of them, all of them play."""
    rng, style = score.rng, score.style
    score = replace(score, places=[_manned(place, present) for place in score.places])
    kit = draw_kit(score)
    anchor = not present & DRUMS
    tracks: list[tuple[Track, float]] = []
    if present & DRUMS:
        track = play_drums(score, kit, int(rng.choice(style.kits)))
        tracks.append((track, rng.uniform(0.6, 1.2)))
    if "bass" in present:
        tracks.append((play_bass(score, kit, _program(style.basses, rng), anchor), rng.uniform(0.5, 1.15)))
    for layer in sorted(present & {"comp", "comp2"}):
        track = play_comp(score, layer, _program(style.comps, rng), anchor)
        tracks.append((track, rng.uniform(0.35, 1.0) * (1.0 if layer == "comp" else 0.7)))
    if "lead" in present:
        tracks.append((play_lead(score, _program(style.leads, rng), anchor), rng.uniform(0.4, 1.2)))
    if "pad" in present:
        tracks.append((play_pad(score, _program(style.pads, rng)), rng.uniform(0.3, 0.9)))
    if present & (ALL - DRUMS):
        tracks.append((_rescued(score, [track for track, _ in tracks], _program(style.comps, rng)), 0.8))
    return [part for track, gain in tracks if (part := track.part(score.timeline, end, gain))]


def _rescued(score: Score, tracks: list[Track], program: int) -> Track:
    """Chords for the sections in which the players that are there happen to have nothing to play."""
    starts = np.sort(np.array([row[0] for track in tracks for row in track.rows]))
    places: list[Place] = []
    for place in score.places:
        first = score.places[place.number - place.index].bar.start
        last = place.bar.start + (place.section.bars - place.index) * place.bar.length
        empty = np.searchsorted(starts, first - 0.01) == np.searchsorted(starts, last - 0.01)
        lone = place.section.layers & {"count", "pickup"}
        layers = frozenset({"comp"}) if empty and not lone else frozenset()
        places.append(replace(place, section=replace(place.section, layers=layers)))
    return play_comp(replace(score, places=places), "comp", program, anchor=True)


def _manned(place: Place, present: frozenset[str]) -> Place:
    """A bar whose section has someone to play in it."""
    section = place.section
    rolls = section.ends == "build" and present & DRUMS
    if section.layers & (present | {"count", "pickup"}) or rolls:
        return place
    return replace(place, section=replace(section, layers=ALL))


def _program(programs: tuple[int, ...], rng: np.random.Generator) -> int:
    """One of a style's programs, seldom any melodic one at all."""
    return int(rng.integers(0, 112)) if rng.random() < ODD_PROGRAM else int(rng.choice(programs))


def _free(score: Score, end: float, rng: np.random.Generator) -> Part:
    """Notes without a beat before second `end`: an intro in free time."""
    times = np.sort(rng.uniform(0.1, max(end - 0.8, 0.3), int(rng.integers(4, 14))))
    keys = [near(int(rng.choice(score.harmony.scale)), int(rng.integers(55, 75))) for _ in times]
    rows = [(t, rng.uniform(0.5, 2.0), key, rng.integers(40, 90)) for t, key in zip(times, keys, strict=True)]
    return Part("other", int(rng.choice((0, 48, 52, 89, 73, 24))), np.array(rows, dtype=np.float64), 0.8)
