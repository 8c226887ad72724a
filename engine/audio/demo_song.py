"""Plays the demo song: every sample of `demo.ogg` is made here, from demo_score.py with the sounds of demo_synth.py.

For hearing, showing and testing Getaway without a sound card, a licence or a download. Never listens, never runs during
a show (the show plays `demo.ogg`). Two renders are equal to the last bit.

Public: `render(rate)`. `python -m engine.audio.demo_song OUT.ogg [--force]` writes the file.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio import demo_score as score
from engine.audio import demo_synth as synth
from engine.audio.demo_synth import Bus, Section, Sound

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
    for name, bar, inside in score.bars_in_order():
        chord, rows, start = score.chord_of(bar), score.BASS[name], score.place_of(first, 0) - score.LEAD_IN
        under = score.chord_of(bar + 1).root - 1
        degree = {"R": 0, "O": 12, "F": 7, "S": chord.seventh, "A": under - chord.root}
        for step, sign, steps in _spans(rows[inside % len(rows)]):
            pitch = float(chord.root + degree[sign.upper()])
            calm = name in ("break", "riser")
            if first <= bar < last:
                length = (steps - 0.08 if steps > 1 else 0.78) * score.BAR / 16
                length = score.TAIL - 1.0 if name == "ending" else length
                origin = before if sign.islower() else pitch - 0.4  # a finger always bends the string a little
                open_ = 0.05 if calm else (0.85 if sign in "OSo" else 0.55 + 0.15 * (step == 0))
                note = synth.bass(rate, pitch, origin, round(length, 4), open_)
                synth.place(bus, note, round((score.place_of(bar, step) - start) * rate), 0.7 if calm else 1.0)
            before = pitch


def _play_chords(bus: Sound, rate: int, first: int, last: int, part: str) -> None:
    for name, bar, inside in score.bars_in_order():
        rows = score.COMPING[part].get(name, ("",))
        if not first <= bar < last:
            continue
        for step, sign, steps in _spans(rows[inside % len(rows)]):
            # A chord at the bar's end belongs to the next bar already, but not in the stops before the last.
            late = step >= 14 and part != "pad" and bar != score.BARS - 2
            notes = score.chord_of(bar + late).voicing
            seconds = round((steps * 0.97 if steps > 1 or sign == "X" else 0.72) * score.BAR / 16, 4)
            seconds = score.TAIL - 0.7 if name == "ending" else seconds
            index = round((score.place_of(bar, step) - first * score.BAR) * rate)
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
    for name, bar, _ in score.bars_in_order():
        if name in ("break", "riser") and first <= bar < last:
            signs = score.ARPEGGIO[:12] if bar == score.DROP - 1 else score.ARPEGGIO  # a hole before the drop
            for step, sign in enumerate(signs):
                voicing = score.chord_of(bar).voicing
                pitch = (*voicing, voicing[1] + 12)[int(sign)] + 12
                swell = (1.15, 0.36, 0.48, 0.36)[step % 4] * (1.0 if name == "break" else 0.8)
                note = synth.keys(rate, pitch, 0.22, 1.0 if step % 4 == 0 else 0.6)
                index = round((score.place_of(bar, step) - first * score.BAR) * rate)
                synth.place(bus, note, index, swell, 0.6 * (-1) ** step * (step % 4 > 0))


def _play_lead(bus: Sound, rate: int, first: int, last: int) -> None:
    for name, bar, inside in score.bars_in_order():
        up, before = score.UP * (name in ("finale", "ending")), None
        for text in filter(None, score.LEAD.get(name, {}).get(inside, "").split(", ")):
            step, note, steps = text.split()
            letter = note.lstrip("~")
            pitch = 12 * (int(letter[-1]) + 1) + "C C#D D#E F F#G G#A A#B ".index(letter[:-1].ljust(2)) // 2 + up
            origin = float(before if before is not None and note[0] == "~" else pitch - 0.25)
            before = pitch
            if first <= bar < last:
                seconds = score.TAIL - 1.2 if name == "ending" else round((int(steps) - 0.12) * score.BAR / 16, 4)
                soft = name in ("verse", "ending")
                sound = synth.lead(rate, float(pitch), origin, seconds, 0.35 if soft else 0.8)
                index = round((score.place_of(bar, int(step)) - first * score.BAR) * rate)
                synth.place(bus, sound, index, 0.62 if soft else 1.0)


def _play(name: str, bus: Sound, rate: int, first: int, last: int) -> None:
    """Fill one bus of MIX with its part."""
    kinds = ("snare", "ghost") if name == "snare" else (name,)
    for count, hit in enumerate(hit for hit in score.hits_in_order() if hit.kind in kinds):
        if score.place_of(first, 0) - 0.01 <= hit.time < score.place_of(last, 0) - 0.01:
            drum, places = _KIT[hit.kind]
            index = round((hit.time - first * score.BAR) * rate)
            pan = places[_SKIN.get(hit.sign, 0) % len(places)]
            synth.place(bus, drum(rate, hit.sign, count), index, hit.strength, pan)
    if name == "bass":
        _play_bass(bus, rate, first, last)
    elif name == "lead":
        _play_lead(bus, rate, first, last)
    elif name in score.COMPING:
        _play_chords(bus, rate, first, last, name)
    if name == "keys":
        _play_arpeggio(bus, rate, first, last)
    for section, bar, _ in score.SECTIONS:
        index = round((score.place_of(bar, 0) - first * score.BAR) * rate)
        if first <= bar < last and name == "riser" and section == "riser":
            # Stops an eighth short: the drop needs a hole before it.
            synth.place(bus, synth.riser(rate, 1.875 * score.BAR), index)
        if first <= bar < last and name == "riser" and section == "break":
            synth.place(bus, synth.road(rate, 4 * score.BAR), index)
        if first <= bar < last and name == "impact" and section in ("hook", "drop", "finale", "ending"):
            synth.place(bus, synth.impact(rate), index)


def render(rate: int = 44100, first: int = 0, last: int = score.BARS) -> NDArray[np.float32]:
    """Bars [first, last) as `[samples, 2]`, never above CEILING, ending with the tail. Raises ValueError off the score.

    The whole song takes some 20 s; a part sounds as it does in the whole, less what rings over from before.
    """
    if not 0 <= first < last <= score.BARS:
        raise ValueError(f"render: bars {first}..{last} are not within 0..{score.BARS}")
    length = round((score.LEAD_IN + (last - first - 1) * score.BAR + score.TAIL) * rate)
    pumps = [(hit.time - first * score.BAR, hit.strength) for hit in score.hits_in_order() if hit.kind == "kick"]
    calm = [score.section_times()[name] for name in ("break", "riser")]
    pumps += [(time - first * score.BAR, 0.35) for time in score.beat_times() if any(a <= time < b for a, b in calm)]
    duck = synth.duck_curve(length, rate, [pump for pump in pumps if 0 <= pump[0] < length / rate])
    # A quarter of a second into the last chord the hands let go, the plate rings on.
    since = np.arange(length) / rate - score.place_of(score.BARS - 1, 0) + first * score.BAR - 0.25
    ring = np.exp(-np.maximum(since, 0.0) / 0.75) if last == score.BARS else np.ones(length)

    def parts() -> Iterator[tuple[Bus, Sound]]:  # one at a time: all of them together are a gigabyte
        for name, bus in MIX.items():
            sound = np.zeros((length, 2))
            _play(name, sound, rate, first, last)
            yield bus, sound

    mix = synth.eq(synth.mix(parts(), rate, duck, ring, 3 * score.BAR / 16), rate, *MASTER)
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
