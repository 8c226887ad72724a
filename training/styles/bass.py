"""The bass player. Grid letters: "r" root, "5" fifth, "8" octave, "3" third, "7" seventh, "a" a step towards the next
root, "w" any chord tone or neighbour (walking), "?" any; capitals are accents. "=kick" follows the kick drum.
"""

from __future__ import annotations

import numpy as np

from training.styles.drums import Kit
from training.styles.grids import Hit, Pattern, bar_of, draw, mutate, thin
from training.styles.harmony import near
from training.styles.score import Score
from training.styles.touch import Track


def play_bass(score: Score, kit: Kit, program: int, anchor: bool) -> Track:
    """The bass line of a song."""
    rng, style = score.rng, score.style
    track = Track("bass", program, score.touch, rng, anchor)
    grids = [style.bass[int(rng.integers(len(style.bass)))]]
    grids += [grids[0] if rng.random() < 0.6 else style.bass[int(rng.integers(len(style.bass)))] for _ in range(2)]
    rate = float(rng.choice((0.0, 0.03, 0.1)))
    patterns = [_pattern(grid, kit.kicks[k], rate, score) for k, grid in enumerate(grids)]
    gate = rng.uniform(0.35, 1.0)
    push = float(rng.choice((0.0, 0.0, 0.1, 0.3, 0.7))) if style.timing != "machine" or rng.random() < 0.3 else 0.0
    center = int(rng.integers(31, 42))
    pushed = False
    for place in score.places:
        if not place.plays("bass"):
            pushed = False
            continue
        hits = bar_of(patterns[place.section.theme % 3], place.index, style.beats, place.bar.length)
        tail = _next_root(score, place.number + 1, 0.0)
        started, pushed = pushed, False
        for k, hit in enumerate(hits):
            if started and hit.pos < 0.26:
                continue
            end = hits[k + 1].pos if k + 1 < len(hits) else place.bar.length
            chord = score.harmony.at(place.number, hit.pos)
            key = _key(hit, chord.tones, near(chord.root, center), near(tail, center), score)
            level = score.level(hit.level, hit.pos, place.section.energy)
            track.add(place.bar.start + score.swing.bend(hit), gate * (end - hit.pos), key, level)
        if hits and rng.random() < push:
            ahead = 1.0 / 3.0 if style.triple else 0.5
            early = place.bar.length - (ahead if rng.random() < 0.75 else ahead / 2.0)
            start = score.swing.bend(Hit(early, 0.9, "R", not style.triple))
            track.add(place.bar.start + start, gate, near(tail, center), 0.85)
            pushed = True
    return track


def _pattern(grid: str, kick: Pattern, rate: float, score: Score) -> Pattern:
    style, rng = score.style, score.rng
    if grid == "=kick":
        pattern = [[h._replace(tag="r" if h.pos < 1e-6 or rng.random() < 0.7 else "w") for h in bar] for bar in kick]
        return [bar or [Hit(0.0, 0.9, "r", True)] for bar in pattern]
    pattern = draw(grid.replace("?", "w" if rng.random() < 0.5 else "."), style.beats, rng)
    if style.thin and not style.triple:
        pattern = thin(pattern, score.bpm, rng)
    return mutate(pattern, style.beats, rate, score.division, rng)


def _next_root(score: Score, number: int, pos: float) -> int:
    return score.harmony.at(number, pos).root


def _key(hit: Hit, tones: tuple[int, ...], root: int, following: int, score: Score) -> int:
    """The key a grid letter stands for."""
    rng = score.rng
    tag = hit.tag.lower()
    if tag == "a":
        return following + int(rng.choice((-1, 1, -2, 2)))
    if tag == "8":
        return root + 12
    if tag in "35" or tag == "7":
        index = min({"3": 1, "5": 2, "7": 3}[tag], len(tones) - 1)
        return root + (tones[index] - root) % 12
    if tag == "w":
        step = int(rng.choice(np.array([*tones, *score.harmony.scale])))
        return near(step, root + int(rng.integers(-2, 8)))
    return root
