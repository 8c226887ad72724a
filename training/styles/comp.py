"""Chord players. A row of a style reads "mode[:gate] grid". mode: "block" chords, "strum" (spread, up and down),
"arp" (one chord tone a hit), "pick" (bass notes and tones as a finger picker). Grid letters: "b" bass root, "f" bass
fifth, "c" chord; with the usual ones. gate: how much of the way to the next hit a note lasts.
"""

from __future__ import annotations

from training.styles.grids import Hit, Pattern, bar_of, draw, mutate, thin
from training.styles.harmony import Chord, near, voicing
from training.styles.score import Score
from training.styles.touch import Track

ORDERS = ("up", "down", "updown", "random", "alberti")


def play_comp(score: Score, layer: str, program: int, anchor: bool) -> Track:
    """The part of one chord player; layer: "comp" or "comp2", its name in the form."""
    rng, style = score.rng, score.style
    track = Track("chords", program, score.touch, rng, anchor)
    # With nobody else on the beat, off-beats alone would be heard as the beat: they are then left to others.
    known = [row for row in style.comp if not anchor or row.split(" ")[1].lstrip("*")[0] != "."] or style.comp
    rows = [known[int(rng.integers(len(known)))]]
    rows += [rows[0] if rng.random() < 0.6 else known[int(rng.integers(len(known)))] for _ in range(2)]
    rate = float(rng.choice((0.0, 0.03, 0.1)))
    modes: list[tuple[str, float, Pattern]] = []
    for row in rows:
        head, grid = row.split(" ")
        mode, _, gate = head.partition(":")
        pattern = draw(grid, style.beats, rng)
        if style.thin and not style.triple:
            pattern = thin(pattern, score.bpm, rng)
        pattern = mutate(pattern, style.beats, rate, score.division, rng)
        modes.append((mode, float(gate) if gate else rng.uniform(0.5, 1.0), pattern))
    push = float(rng.choice((0.0, 0.0, 0.1, 0.3, 0.7))) if style.timing != "machine" or rng.random() < 0.3 else 0.0
    center = int(rng.integers(54, 70)) + (7 if layer == "comp2" else 0)
    order = ORDERS[int(rng.integers(len(ORDERS)))]
    strum = rng.uniform(0.004, 0.018)
    pushed = False
    count = 0
    for place in score.places:
        if not place.plays(layer):
            pushed = False
            continue
        mode, gate_part, pattern = modes[place.section.theme % 3]
        hits = bar_of(pattern, place.index, style.beats, place.bar.length)
        started, pushed = pushed, False
        for k, hit in enumerate(hits):
            count += 1
            if started and hit.pos < 0.26 and hit.tag not in "bf":
                continue
            end = hits[k + 1].pos if k + 1 < len(hits) else place.bar.length
            chord = score.harmony.at(place.number, hit.pos)
            level = score.level(hit.level, hit.pos, place.section.energy)
            beat = place.bar.start + score.swing.bend(hit)
            keys = _keys(mode, hit, chord, center, order, count, score)
            for n, key in enumerate(keys if mode != "strum" or k % 2 == 0 else keys[::-1]):
                shift = n * strum if mode == "strum" else 0.0
                track.add(beat, max(gate_part * (end - hit.pos), 0.08), key, level, shift)
        if hits and mode != "pick" and rng.random() < push:
            ahead = 1.0 / 3.0 if style.triple else 0.5
            early = place.bar.length - (ahead if rng.random() < 0.75 else ahead / 2.0)
            start = score.swing.bend(Hit(early, 0.9, "x", not style.triple))
            for key in voicing(score.harmony.at(place.number + 1, 0.0), center):
                track.add(place.bar.start + start, gate_part, key, 0.85)
            pushed = True
    return track


def _keys(mode: str, hit: Hit, chord: Chord, center: int, order: str, count: int, score: Score) -> list[int]:
    """The keys of one hit."""
    if hit.tag in "bB":
        return [near(chord.root, 41)]
    if hit.tag in "fF":
        return [near(chord.tones[2], 39)]
    keys = voicing(chord, center)
    if mode in ("arp", "pick"):
        reach = [*keys, keys[0] + 12]
        size = len(reach)
        index = {
            "up": count % size,
            "down": -1 - count % size,
            "updown": abs(count % (2 * size - 2) - (size - 1)),
            "random": int(score.rng.integers(size)),
            "alberti": (0, 2, 1, 2)[count % 4],
        }[order]
        return [reach[index]]
    return [near(chord.root, center - 12), *keys] if mode == "strum" else keys


def play_pad(score: Score, program: int) -> Track:
    """Held chords, one for each change, sometimes tied over a repeated chord."""
    rng = score.rng
    track = Track("pad", program, score.touch, rng)
    center = int(rng.integers(55, 72))
    wide = rng.random() < 0.4
    tie = rng.random() < 0.4
    held: tuple[float, float, Chord] | None = None  # start, end, chord
    for place in score.places:
        changes = score.harmony.bars[place.number] if place.plays("pad") else []
        for k, (pos, chord) in enumerate(changes):
            start = place.bar.start + pos
            end = place.bar.start + (changes[k + 1][0] if k + 1 < len(changes) else place.bar.length)
            joined = held is not None and held[2] == chord and abs(held[1] - start) < 1e-6
            if tie and held and joined and end - held[0] <= 2.0 * place.bar.length + 1e-6:
                held = (held[0], end, chord)
                continue
            _hold(track, held, center, wide, place.section.energy)
            held = (start, end, chord)
    _hold(track, held, center, wide, 0.5)
    return track


def _hold(track: Track, held: tuple[float, float, Chord] | None, center: int, wide: bool, energy: float) -> None:
    if held:
        for key in voicing(held[2], center, wide):
            track.add(held[0], (held[1] - held[0]) * 0.98, key, 0.45 + 0.35 * energy)
