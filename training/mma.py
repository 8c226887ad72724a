"""Band accompaniments with exact beats: Musical MIDI Accompaniment (Debian: mma, GPL-2+) plays our random chord charts.

Each song stays in one family of grooves (one library file) and walks through its intro, variants, fills and ending.
The beat is the quarter note of MMA; libraries in six (Time 6: 68Swing, Blues68, Arpeggio68, 68Ballad, Zoom's 6/8) write
eighths as quarters, so there the beat is three of them, two beats a bar, as a listener taps 6/8 at usual tempi.
Libraries whose bars are notated against their meter (Ballad68, Afro-Cuban) are left out, as are click tracks.
Public: Family, families, mma_songs.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from training.midi import tick_times, voices
from training.reserved import reserved_mma
from training.song import Part, Rows, Song

LIBRARY = Path("/usr/share/mma/lib")
SKIPPED_FILES = ("metronome", "none", "count", "ending", "intro", "ballad68", "afro-cuban")

# Tempo ranges in beats a minute by words in a groove's name, first match wins: wide, yet where a band would tap it.
TEMPI = (
    ("slow", 50, 95),
    ("68ballad|blues68|arpeggio68|lullaby", 42, 80),
    ("ballad|bald|hymn|serenade|ambient", 52, 105),
    ("68swing|68march|afro", 80, 135),
    ("dnb", 155, 180),
    ("hip|trip", 70, 112),
    ("house|danc|disco|techno|rave", 112, 150),
    ("metal|thr|punk|mtl|hrk", 95, 205),
    ("fast|bebop|quickstep|charleston|gypsy|dixie|bluegrass", 140, 235),
    ("vienese", 130, 200),
    ("waltz", 85, 190),
    ("swing|jazz|bigband|foxtrot|combo", 90, 230),
    ("march|polka|ragtime", 90, 150),
    (r"reg|rb|r\+b|rnb|soul|funk", 70, 125),
    ("shuffle|blues", 60, 150),
    ("", 70, 170),
)

# Progressions in degrees of the key (semitones above the tonic, quality), one or two bars each in a chart.
PROGRESSIONS = (
    ((0, ""), (5, ""), (7, "7"), (0, "")),
    ((0, ""), (9, "m"), (5, ""), (7, "7")),
    ((0, ""), (7, ""), (9, "m"), (5, "")),
    ((9, "m"), (5, ""), (0, ""), (7, "")),
    ((2, "m7"), (7, "7"), (0, "M7"), (9, "7")),
    ((0, "7"), (5, "7"), (0, "7"), (7, "7")),
    ((0, "m"), (8, ""), (3, ""), (10, "")),
    ((0, "m7"), (5, "m7"), (0, "m7"), (7, "7")),
    ((0, "m"), (10, ""), (8, ""), (7, "7")),
    ((4, "m7"), (9, "7"), (2, "m7"), (7, "7")),
    ((0, "m7"), (0, "m7"), (3, "M7"), (5, "7")),
    ((0, ""), (0, ""), (10, ""), (5, "")),
)
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# Roles by the first words of MMA's track names.
ROLES = {"Drum": "drums", "Bass": "bass", "Walk": "bass", "Chord": "chords", "Arpeggio": "chords", "Plectrum": "chords",
         "Aria": "lead", "Solo": "lead", "Melody": "lead", "Scale": "lead"}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Grooves of one library file. quarters: MMA's quarters in a bar; per_beat: quarters in a beat."""

    name: str
    file: Path
    quarters: int
    per_beat: int
    mains: tuple[str, ...]
    intros: tuple[str, ...]
    fills: tuple[str, ...]
    ends: tuple[str, ...]


def families(library: Path = LIBRARY) -> list[Family]:
    """Every permitted family that the library holds, by name."""
    found = []
    for file in sorted(library.glob("*/*.mma")):
        if reserved_mma(file.stem) or file.stem.startswith(SKIPPED_FILES):
            continue
        text = file.read_text(errors="replace")
        grooves = list(dict.fromkeys(re.findall(r"^\s*DefGroove\s+([^\s;]+)", text, re.M | re.I)))
        meters = {int(m) for m in re.findall(r"^\s*Time\s+(\d+)", text, re.M | re.I)} or {4}
        if not grooves or len(meters) > 1 or any(map(reserved_mma, grooves)):
            continue
        quarters = meters.pop()

        def pick(words: str, names: list[str] = grooves) -> tuple[str, ...]:
            return tuple(name for name in names if re.search(words, name, re.I))

        intros, fills, ends = pick("intro"), pick("fill|break|F[AB]+$"), pick(r"end(?!s)|ending|1E$|2E$|eE$|kE$")
        mains = tuple(name for name in grooves if name not in {*intros, *fills, *ends} and "etronome" not in name)
        if mains:
            per_beat = 3 if quarters == 6 else 1
            name = f"{file.parent.name}-{file.stem}"
            found.append(Family(name, file, quarters, per_beat, mains, intros, fills, ends))
    return found


def _chart(rng: np.random.Generator, family: Family) -> tuple[str, list[int]]:
    """Text of a chart, and the MIDI key of each bar's root in the octave from middle C."""
    low, high = next((a, b) for words, a, b in TEMPI if re.search(words, family.name.split("-", 1)[1]))
    tempo = float(np.exp(rng.uniform(np.log(low), np.log(high)))) * family.per_beat
    bars = int(rng.integers(8, 25))
    key = int(rng.integers(12))
    progression = PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))]
    stretch = int(rng.choice([1, 1, 2]))
    roots = []
    lines = [f"Tempo {tempo:.2f}"]
    main = str(rng.choice(family.mains))
    intro = int(rng.choice([0, 2, 4])) if family.intros else 0
    groove = str(rng.choice(family.intros)) if intro else main
    lines.append(f"Groove {groove}")
    for bar in range(bars):
        previous = groove
        if family.ends and bar == bars - 1:
            groove = str(rng.choice(family.ends))
        elif bar >= intro:
            section = bar - intro
            if section % 8 == 7 and family.fills and rng.random() < 0.6:
                groove = str(rng.choice(family.fills))
            elif section % 8 == 0 or groove != main:
                main = str(rng.choice(family.mains)) if section % 8 == 0 and rng.random() < 0.6 else main
                groove = main
        if groove != previous:
            lines.append(f"Groove {groove}")
        if bar and rng.random() < 0.012:  # now and then another tempo, at once or over four bars
            tempo *= float(rng.uniform(0.85, 1.18))
            lines.append(f"Tempo {tempo:.2f}" + (" 4" if rng.random() < 0.5 else ""))
        degree, quality = progression[bar // stretch % len(progression)]
        roots.append(60 + (key + degree) % 12)
        lines.append(f"{bar + 1} {KEYS[(key + degree) % 12]}{quality}")
    return "\n".join(lines) + "\n", roots


def _parts(midi: mido.MidiFile) -> list[Part]:
    """Parts by role and program; MMA plays every drum track on channel 10."""
    rows: dict[tuple[str, int], list[Rows]] = {}
    for voice in voices(midi):
        role = ROLES.get(voice.track.split("-")[0], "other")
        if voice.channel == 9:
            rows.setdefault(("drums", 0), []).append(voice.notes)
        else:
            rows.setdefault(("chords" if role == "drums" else role, voice.program), []).append(voice.notes)
    parts = []
    for (role, program), groups in sorted(rows.items()):
        notes = np.concatenate(groups)
        parts.append(Part(role, program, notes[np.argsort(notes[:, 0], kind="stable")]))
    return parts


def _lead(rng: np.random.Generator, family: Family, roots: list[int], midi: mido.MidiFile) -> Part:
    """A melody over the band, loose as a soloist: two-bar phrases of a motif on chord tones, with rests between.

    It masks and contradicts the accents of the band as a singer does.
    """
    step = 1.0 if family.per_beat == 3 else 0.5  # quarters: the eighth of what is heard
    per_bar = round(family.quarters / step)
    motif = [bool(rng.random() < 0.5) for _ in range(2 * per_bar)]
    scale = np.array([0, 2, 4, 7, 9, 12, 14])
    pitch = int(rng.integers(3))
    late = float(rng.normal(0.0, 0.012))
    rows = []
    for bar, root in enumerate(roots):
        if bar % 8 in {6, 7} and rng.random() < 0.7:
            continue
        for k in range(per_bar):
            if motif[bar % 2 * per_bar + k] ^ (rng.random() < 0.1):
                pitch = int(np.clip(pitch + rng.integers(-2, 3), 0, 6))
                start = bar * family.quarters + k * step
                end = start + step * rng.uniform(0.5, 2.5)
                rows.append((start, end, root + scale[pitch], rng.integers(60, 110)))
    notes = np.array(rows, dtype=np.float64).reshape(-1, 4)
    if rows:
        time_of = tick_times(midi)
        starts, ends = (time_of(midi.ticks_per_beat * notes[:, k]) for k in (0, 1))
        notes[:, 1] = np.maximum(ends - starts, 0.05)
        notes[:, 0] = np.maximum(0.0, starts + late + rng.normal(0.0, 0.01, len(rows)))
    program = int(rng.choice([0, 4, 11, 22, 24, 25, 27, 30, 40, 52, 56, 61, 65, 66, 71, 73, 80, 81]))
    return Part("lead", program, notes, gain=float(rng.uniform(0.5, 1.3)))


def _song(name: str, family: Family, bars: int, midi: mido.MidiFile, leads: list[Part]) -> Song | None:
    """Truth from the tempo map; beats end with the band. None where hardly anything sounds."""
    parts = _parts(midi)
    if sum(len(part.notes) for part in parts) < 4 * bars:
        return None
    per_bar = family.quarters // family.per_beat
    count = bars * per_bar
    beats = tick_times(midi)(np.arange(count) * float(midi.ticks_per_beat * family.per_beat))
    last = max(float(part.notes[:, 0].max()) for part in parts)
    kept = beats <= last + 0.1
    return Song(
        name=name,
        source=f"mma/{family.name}",
        parts=parts + [part for part in leads if len(part.notes)],
        beats=beats[kept],
        positions=(np.arange(count) % per_bar + 1).astype(np.int64)[kept],
        duration=max(float((part.notes[:, 0] + part.notes[:, 1]).max()) for part in parts) + 1.0,
        tags={"grooves": " ".join(family.mains), "licence": "own chart, played by MMA (GPL-2+)"},
    )


def mma_songs(rng: np.random.Generator, count: int, *, library: Path = LIBRARY) -> Iterator[Song]:
    """count songs, families in turn in a shuffled order, so that each appears before any appears twice.

    Six in ten have a melody of ours on top.
    """
    known = families(library)
    order: list[Family] = []
    made = 0
    with tempfile.TemporaryDirectory() as folder:
        chart, score = Path(folder) / "song.mma", Path(folder) / "song.mid"
        while made < count:
            if not order:
                order = [known[k] for k in rng.permutation(len(known))]
            family = order.pop()
            text, roots = _chart(rng, family)
            # The library file is used by path: grooves of one name exist in several libraries.
            chart.write_text(text.replace("Groove ", f"Groove {family.file.relative_to(library).with_suffix('')}:"))
            score.unlink(missing_ok=True)
            command = ["mma", "-w", "-f", str(score), str(chart)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
            if done.returncode or not score.exists():
                raise RuntimeError(f"mma: {family.name}: {done.stdout.strip()[-300:]}\n{text}")
            midi = mido.MidiFile(score)
            leads = [_lead(rng, family, roots, midi)] if rng.random() < 0.6 else []
            song = _song(f"mma-{made}-{family.name}", family, len(roots), midi, leads)
            if song:
                made += 1
                yield song
