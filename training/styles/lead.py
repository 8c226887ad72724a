"""The melody: motifs that come back, phrases that breathe, chord tones where it counts."""

from __future__ import annotations

import numpy as np

from training.styles.grids import Hit
from training.styles.harmony import near
from training.styles.score import Place, Score
from training.styles.touch import Track

EVEN = ("x...", "x.x.", "..x.", "x..x", "..xx", "xxxx", "x.xx", "...x", "....", "x.x.", "xx..", ".x.x", ".xx.")
TRIPLE = ("x..", "x.x", "xxx", ".xx", "..x", "...", "x..")


def _motif(score: Score, beats: float, density: float) -> list[Hit]:
    """The rhythm of one bar."""
    rng, style = score.rng, score.style
    cells = TRIPLE if style.triple else EVEN
    fast = score.bpm > 140.0 and not style.triple
    hits: list[Hit] = []
    pos = 0.0
    while pos < beats - 1e-6:
        cell = cells[int(rng.integers(len(cells)))]
        stretch = 2.0 if fast or rng.random() > density else 1.0
        step = stretch / len(cell)
        for k, letter in enumerate(cell):
            place = pos + k * step
            if letter == "x" and place < beats - 1e-6 and rng.random() < 0.5 + 0.5 * density:
                hits.append(Hit(place, rng.uniform(0.65, 1.0), "x", not style.triple))
        pos += stretch
    return hits


def play_lead(score: Score, program: int, anchor: bool) -> Track:
    """The melody of a song, in phrases of two or four bars after the plan A A' B A."""
    rng, style = score.rng, score.style
    track = Track("lead", program, score.touch, rng, anchor)
    density = rng.uniform(0.25, 0.95)
    rest = rng.uniform(0.0, 0.35)
    gate = rng.uniform(0.5, 1.05)
    center = int(rng.integers(60, 80))
    plans = [[_motif(score, style.beats, density) for _ in range(3)] for _ in range(3)]
    plan = ((0, 1, 0, 2), (0, 0, 1, 2), (0, 1, 2, 1), (0, 0, 0, 1))[int(rng.integers(4))]
    shift = float(rng.choice((0.0, 0.0, 0.0, 0.5))) if not style.triple and score.bpm < 170 else 0.0
    key = center
    shape = [int(rng.choice((-2, -1, -1, 0, 1, 1, 2))) for _ in range(32)]
    for place in score.places:
        if "pickup" in place.section.layers:
            key = _pickup(track, score, place, center)
        if not place.plays("lead") or (rng.random() < rest and place.index % 4 == 3):
            continue
        hits = plans[place.section.theme % 3][plan[place.index % 4]]
        hits = [h for h in hits if h.pos + shift < place.bar.length - 1e-6]
        for k, hit in enumerate(hits):
            if rng.random() < 0.08:
                continue
            end = hits[k + 1].pos if k + 1 < len(hits) else place.bar.length + (0.5 if rng.random() < 0.3 else 0.0)
            pos = hit.pos + shift
            strong = abs(pos - round(pos)) < 1e-6
            tones = score.harmony.at(place.number, pos).tones if strong else score.harmony.scale
            step = shape[(k + 5 * plan[place.index % 4]) % 32]
            key = _towards(key, step, tones, center)
            level = score.level(hit.level, pos, place.section.energy)
            bent = score.swing.bend(hit._replace(pos=pos))
            track.add(place.bar.start + bent, max(gate * (end - hit.pos), 0.1), key, level)
    return track


def _pickup(track: Track, score: Score, place: Place, center: int) -> int:
    """Two or three steps up into the first bar; returns the last key."""
    step = 1.0 / 3.0 if score.style.triple else float(score.rng.choice((0.5, 0.5, 1.0)))
    count = min(int(score.rng.integers(1, 4)), int(place.bar.length / step))
    key = center
    for k in range(count, 0, -1):
        key = near(int(score.rng.choice(np.array(score.harmony.scale))), center - k)
        track.add(place.bar.start + place.bar.length - k * step, step, key, 0.7)
    return key


def _towards(key: int, step: int, tones: tuple[int, ...], center: int) -> int:
    """A tone near `key` in the direction of `step` (scale steps), drawn back to the center."""
    pull = int(np.clip((center - key) / 5.0, -3, 3))
    target = key + 2 * (step + (pull if abs(center - key) > 8 else 0))
    return min((near(tone, target) for tone in tones), key=lambda k: (abs(k - target), k))
