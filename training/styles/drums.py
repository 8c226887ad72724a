"""The drummer: patterns for each theme, fills, rolls, and what changes from bar to bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.styles.grids import Hit, Pattern, bar_of, draw, mutate, thin
from training.styles.layers import LAYERS
from training.styles.score import Place, Score
from training.styles.touch import Track

TOMS = (50, 48, 47, 45, 43, 41)
HALF_SNARE, HALF_KICK = "........X.......", ("X.........?.....", "X.....-...?..x..", "X..?..........?.")
DOUBLE_SNARE, DOUBLE_KICK = "*.X", "*X."


@dataclass(frozen=True)
class Voice:
    """One sound of the kit: keys chosen by a hit's digit, its pattern for bars of `beats`, its loudness."""

    layer: str
    keys: tuple[int, ...]
    pattern: Pattern
    beats: float
    force: float


@dataclass(frozen=True)
class Kit:
    """voices: for each theme. kicks: the kick's pattern of each theme, for bass players to follow."""

    voices: list[list[Voice]]
    kicks: list[Pattern]
    kick: int
    snare: int


def _pick(rng: np.random.Generator, row: tuple[str, ...]) -> str:
    return row[int(rng.integers(len(row)))]


def _layers(names: str, layer: str, force: float, score: Score) -> list[Voice]:
    """The voices of a "+" joined row of layers."""
    rng, style = score.rng, score.style
    voices: list[Voice] = []
    for name in filter(None, names.split("+")):
        keys, grid = LAYERS[name]
        pattern = draw(grid, 4.0, rng)
        if style.thin and not style.triple:
            pattern = thin(pattern, score.bpm, rng)
        if rng.random() < 0.3:
            pattern = mutate(pattern, 4.0, 0.08, score.division, rng)
        voices.append(Voice(layer, keys, pattern, 4.0, force * rng.uniform(0.75, 1.1)))
    return voices


def draw_kit(score: Score) -> Kit:
    """Patterns for three themes: the second and third keep some of the first."""
    rng, style = score.rng, score.style
    kick, snare = int(rng.choice((36, 36, 35))), int(rng.choice(style.snares))
    rate = float(rng.choice((0.0, 0.04, 0.1)))
    ghosts = 0.0 if style.timing == "machine" else float(rng.choice((0.0, 0.0, 0.05, 0.15)))
    hat_force, snare_force = rng.uniform(0.55, 1.0), rng.uniform(0.85, 1.05)
    themes: list[list[Voice]] = []
    kicks: list[Pattern] = []
    hats, snares = _pick(rng, style.hats), _pick(rng, style.snare or ("....",))
    perc = [name for name in style.perc if rng.random() < style.perc_rate]
    for theme in range(3):
        if theme and rng.random() < 0.6:
            hats = _pick(rng, style.hats)
        if theme and rng.random() < 0.25:
            snares = _pick(rng, style.snare or ("....",))
        voices = _layers(hats, "hats", hat_force, score)
        voices += [v for name in perc if theme == 1 or rng.random() < 0.8 for v in _layers(name, "perc", 0.75, score)]
        kick_bars = draw(_pick(rng, style.kick or ("....",)), style.beats, rng)
        snare_bars = draw(snares, style.beats, rng)
        if style.thin and not style.triple:
            kick_bars, snare_bars = thin(kick_bars, score.bpm, rng), thin(snare_bars, score.bpm, rng)
        if style.kick:
            if len(kick_bars) == 1 and rng.random() < 0.5:
                kick_bars = kick_bars + mutate(kick_bars, style.beats, max(rate, 0.05), score.division, rng)
            kick_bars = mutate(kick_bars, style.beats, rate, score.division, rng)
            voices.append(Voice("kick", (kick,), kick_bars, style.beats, 1.0))
        if style.snare:
            snare_bars = [_ghosted(bar, ghosts, score) for bar in mutate(snare_bars, style.beats, 0.01, 2, rng)]
            voices.append(Voice("snare", (snare,), snare_bars, style.beats, snare_force))
        themes.append(voices)
        kicks.append(kick_bars)
    return Kit(themes, kicks, kick, snare)


def _ghosted(bar: list[Hit], chance: float, score: Score) -> list[Hit]:
    """A bar of snare with ghost notes in the gaps."""
    taken = {round(h.pos, 3) for h in bar}
    steps = int(score.style.beats * score.division)
    places = [k / score.division for k in range(steps) if round(k / score.division, 3) not in taken]
    return sorted(bar + [Hit(p, 0.3, "o", not score.style.triple) for p in places if score.rng.random() < chance])


def play_drums(score: Score, kit: Kit, program: int) -> Track:
    """All the drums of a song."""
    rng, style = score.rng, score.style
    track = Track("drums", program, score.touch, rng)
    machine = style.timing == "machine"
    period = int(rng.choice((4, 4, 8, 8, 2)))
    variation = 0.0 if machine and rng.random() < 0.7 else rng.uniform(0.0, 0.05)
    flams = 0.0 if machine else float(rng.choice((0.0, 0.03, 0.1)))
    crash_next = False
    for place in score.places:
        section, bar = place.section, place.bar
        if section.ends == "build" and not place.silent:
            _build(track, score, kit, place)
        for tap in bar.taps if "count" in section.layers else ():
            track.add(bar.start + tap, 0.1, 37, 0.9)
        if "pickup" in section.layers:
            _fill(track, score, kit, place, bar.length - min(float(rng.choice((0.5, 1.0, 1.0, 2.0))), bar.length))
        full = {"kick", "snare"} <= section.layers
        if crash_next or (place.index == 0 and place.number and place.plays("kick") and rng.random() < 0.45):
            track.add(bar.start, 1.0, int(rng.choice((49, 57, 49, 55))), 0.85)
        crash_next = False
        fill_at = bar.length
        ends_phrase = (place.last and section.ends == "fill") or (place.index + 1) % period == 0
        if ends_phrase and full and not place.silent and rng.random() < (0.65 if place.last else 0.35):
            fill_at = bar.length - min(float(rng.choice((0.5, 1.0, 1.0, 2.0, 4.0))), bar.length)
            crash_next = _fill(track, score, kit, place, fill_at) and rng.random() < 0.6
        for voice in kit.voices[section.theme % 3]:
            if not place.plays(voice.layer):
                continue
            for hit in _felt(voice, place, score):
                if hit.pos >= fill_at - 1e-6 or rng.random() < variation:
                    continue
                key = voice.keys[(int(hit.tag) - 1 if hit.tag.isdigit() else 0) % len(voice.keys)]
                level = score.level(hit.level * voice.force, hit.pos, section.energy)
                beat = bar.start + score.swing.bend(hit)
                if voice.layer == "snare" and hit.level > 0.7 and rng.random() < flams:
                    track.add(beat, 0.1, key, 0.4 * level, -rng.uniform(0.018, 0.032))
                track.add(beat, 0.2, key, level)
    return track


def _felt(voice: Voice, place: Place, score: Score) -> list[Hit]:
    """A voice's hits in a bar, in half or double time where the section asks for it."""
    feel, length = place.section.feel, place.bar.length
    if feel and length == 4.0 and not score.style.triple:
        if voice.layer == "snare":
            return draw(HALF_SNARE if feel == "half" else DOUBLE_SNARE, 4.0, score.rng)[0]
        if voice.layer == "kick":
            kick = HALF_KICK[place.section.bars % 3] if feel == "half" else DOUBLE_KICK
            return draw(kick, 4.0, score.rng)[0]
    return bar_of(voice.pattern, place.index, voice.beats, length)


def _fill(track: Track, score: Score, kit: Kit, place: Place, start: float) -> bool:
    """A fill from beat `start` of the bar to its end; False: everybody just stops there."""
    rng, bar = score.rng, place.bar
    kind = str(rng.choice(("toms", "snare", "mix", "sparse", "gap"), p=(0.3, 0.25, 0.25, 0.1, 0.1)))
    if kind == "gap":
        return False
    rate = 3 if score.style.triple or rng.random() < 0.06 else int(rng.choice((2, 4, 4)))
    if score.bpm > 140.0 and rate == 4 and rng.random() < 0.6:
        rate = 2
    count = max(1, int((bar.length - start) * rate))
    for k in range(count):
        if rng.random() < (0.5 if kind == "sparse" else 0.12):
            continue
        through = k / count
        key = kit.snare
        if kind == "toms" and through > 0.15:
            key = TOMS[min(int(through * 6), 5)]
        elif kind in ("mix", "sparse"):
            key = int(rng.choice((kit.snare, kit.kick, *TOMS[1:5], 42)))
        hit = Hit(start + k / rate, 0.55 + 0.4 * through, "x", rate % 3 != 0)
        track.add(bar.start + score.swing.bend(hit), 0.2, key, float(np.clip(hit.level, 0.1, 1.0)))
    return True


def _build(track: Track, score: Score, kit: Kit, place: Place) -> None:
    """One bar of a roll that grows from quarters to 32nds over its section."""
    through = place.index / max(place.section.bars - place.section.stop, 1)
    rate = (1, 2, 4, 8)[min(int(through * 4), 3 if score.bpm < 150 else 2)]
    if score.style.triple:
        rate = (1, 3, 3, 6)[min(int(through * 4), 3)]
    for k in range(int(place.bar.length * rate)):
        level = 0.4 + 0.5 * (through + k / max(place.bar.length * rate, 1) / max(place.section.bars, 1))
        track.add(place.bar.start + k / rate, 0.1, kit.snare, min(level, 1.0))
    for k in range(int(place.bar.length) if through < 0.75 and score.rng.random() < 0.7 else 0):
        track.add(place.bar.start + k, 0.2, kit.kick, 0.85)
