"""Songs with exact beats from material that others made: human drumming, band accompaniments, drum machine songs.

groove_songs reads the Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0; https://magenta.withgoogle.com/datasets/groove),
mma_songs lets Musical MIDI Accompaniment play our own chord charts (see training/mma.py), hydrogen_songs reads the demo
songs of Hydrogen (GPL-2+). What the judging needs is left out by training/reserved.py.
Public: groove_songs, hydrogen_songs, mma_songs.
"""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from training.midi import tick_times
from training.mma import mma_songs
from training.reserved import reserved_groove_midi
from training.song import KICK, SNARE, Part, Song

__all__ = ["groove_songs", "hydrogen_songs", "mma_songs"]

Floats = NDArray[np.float64]

GROOVE = Path("../shared/midi-train/groove")
HYDROGEN = Path("/usr/share/hydrogen/data/demo_songs")
DRUMMERS = frozenset({2, 3, 4, 8, 9, 10})  # 1, 5, 6 and 7 are for judging
TAIL = 1.0  # s of ring-out after the last note

# Roland TD-11 keys that General MIDI sounds as something else, as the data set's page maps them; hat and cymbal edges
# keep their own sound where General MIDI has one.
TD11_TO_GM = {22: 42, 26: 46, 40: 38, 47: 45, 50: 48, 52: 57, 55: 49, 58: 43}


def _drum_ticks(midi: mido.MidiFile) -> Floats:
    """float64[n, 4]: tick, ticks of duration (a drum's says little), key in General MIDI, velocity."""
    rows = []
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                key = TD11_TO_GM.get(message.note, message.note)
                rows.append((now, midi.ticks_per_beat / 4, key, message.velocity))
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _keeps_the_grid(beats: Floats) -> bool:
    """Whether onsets (in beats) gather at halves, thirds or quarters of the click: free solos do not."""
    return max(abs(np.exp(2j * np.pi * n * beats).mean()) for n in (1, 2, 3, 4)) > 0.35


def _backbeat_agrees(keys: Floats, velocities: Floats, beats: Floats) -> bool:
    """Whether a 4/4 file has its bars where its drums say: most force of the snare on 2 and 4, of the kick on 1 and 3.

    Some takes start in mid bar. Where kick and snare both contradict the file, its bars are not known.
    """
    on_beat = np.abs(beats - np.round(beats)) < 0.15
    position = np.round(beats).astype(int) % 2
    weight = np.where(on_beat, velocities, 0.0)
    votes = []
    for group, home in ((KICK, 0), (SNARE, 1)):
        mine = np.isin(keys, list(group))
        here = weight[mine & (position == home)].sum()
        there = weight[mine & (position != home)].sum()
        votes.append(there > 1.25 * here)
    return not all(votes)


def groove_songs(folder: Path = GROOVE, *, shortest: int = 16) -> Iterator[Song]:
    """Every allowed take of the Groove MIDI Dataset of at least `shortest` beats: drums only, human, to a click.

    Beats are the click (tick 0 is the first downbeat); the notes swing around it by up to 40 ms. Left out: fills, the
    drummers kept for judging, the eval_session (reserved drummers play the same ten grooves), takes off the grid.
    """
    with (folder / "info.csv").open() as table:
        rows = sorted(csv.DictReader(table), key=lambda row: row["midi_filename"])
    for row in rows:
        path = folder / row["midi_filename"]
        drummer = int(row["drummer"].removeprefix("drummer"))
        if row["beat_type"] != "beat" or drummer not in DRUMMERS or "eval" in row["session"]:
            continue
        if reserved_groove_midi(drummer, path.name) or not path.exists():
            continue
        midi = mido.MidiFile(path)
        rows_of_ticks = _drum_ticks(midi)
        in_beats = rows_of_ticks[:, 0] / midi.ticks_per_beat
        if not len(in_beats) or in_beats[-1] < shortest or not _keeps_the_grid(in_beats):
            continue
        time_of = tick_times(midi)
        starts = time_of(rows_of_ticks[:, 0])
        ends = time_of(rows_of_ticks[:, 0] + rows_of_ticks[:, 1])
        notes = np.column_stack([starts, ends - starts, rows_of_ticks[:, 2:]])
        per_bar = int(row["time_signature"].split("-")[0])
        count = int(in_beats[-1] + 0.1) + 1
        positions = np.arange(count) % per_bar + 1
        if not _backbeat_agrees(notes[:, 2], notes[:, 3], in_beats):
            positions = np.zeros(count, dtype=np.int64)
        kit = 32 if row["style"].startswith("jazz") else 0
        yield Song(
            name=f"{row['id']}-{row['style']}".replace("/", "-"),
            source=f"groove/drummer{drummer}",
            parts=[Part("drums", kit, notes)],
            beats=time_of(np.arange(count) * float(midi.ticks_per_beat)),
            positions=positions.astype(np.int64),
            duration=float(ends[-1] + TAIL),
            tags={"style": row["style"], "bpm": row["bpm"], "licence": "CC BY 4.0"},
        )


# Words in the names of Hydrogen's instruments, first match wins, to General MIDI drum keys.
HYDROGEN_KEYS = (
    ("kick", 36), ("bass drum", 36), ("stick", 37), ("rim", 37), ("clap", 39), ("snare", 38), ("pedal", 44),
    ("open", 46), ("hat", 42), ("hh", 42), ("ride rock", 53), ("bell", 53), ("ride", 51), ("crash", 49), ("cymbal", 49),
    ("tom hi", 50), ("tom 1", 50), ("tom mid", 47), ("tom 2", 47), ("tom", 43), ("cowbell", 56), ("conga", 63),
    ("shaker", 70), ("maraca", 70), ("clave", 75), ("tambourine", 54),
)  # fmt: skip
TICKS_PER_QUARTER = 48  # of Hydrogen's patterns


def _text(node: ET.Element, tag: str, default: str) -> str:
    return node.findtext(tag) or default


def hydrogen_songs(folder: Path = HYDROGEN) -> Iterator[Song]:
    """The demo songs of the drum machine Hydrogen: each pattern is one bar of whole quarters.

    Swing is in the notes; Hydrogen's random feel is left to whoever renders.
    """
    for path in sorted(folder.glob("*.h2song")):
        root = ET.parse(path).getroot()
        keys: dict[str, int] = {}
        for instrument in root.iter("instrument"):
            name = _text(instrument, "name", "").lower()
            key = next((key for word, key in HYDROGEN_KEYS if word in name), 0)
            if key and _text(instrument, "isMuted", "false") == "false":
                keys[_text(instrument, "id", "")] = key
        patterns = {_text(p, "name", ""): p for p in root.iter("pattern")}
        swing = float(_text(root, "swing_factor", "0")) * TICKS_PER_QUARTER / 8  # delay of off 16ths, ticks
        second = 60.0 / float(_text(root, "bpm", "120")) / TICKS_PER_QUARTER
        now, notes, beats, positions = 0, [], [], []
        for group in root.find("patternSequence") or []:
            chosen = [patterns[p.text] for p in group.iter("patternID") if p.text in patterns]
            size = max((int(_text(p, "size", "192")) for p in chosen), default=192)
            if size % TICKS_PER_QUARTER:
                break
            for quarter in range(size // TICKS_PER_QUARTER):
                beats.append((now + quarter * TICKS_PER_QUARTER) * second)
                positions.append(quarter + 1)
            for note in (n for p in chosen for n in p.iter("note")):
                key = keys.get(_text(note, "instrument", ""), 0)
                velocity = round(127 * float(_text(note, "velocity", "0.8")))
                if key and velocity > 0:
                    tick = int(_text(note, "position", "0"))
                    late = swing if tick % 24 == 12 else 0.0
                    notes.append(((now + tick + late) * second, 0.1, key, min(velocity, 127)))
            now += size
        if len(beats) < 16 or not notes:
            continue
        rows = np.array(notes, dtype=np.float64)
        yield Song(
            name=path.stem,
            source=f"hydrogen/{path.stem}",
            parts=[Part("drums", 25 if "808" in path.stem else 0, rows[np.argsort(rows[:, 0])])],
            beats=np.array(beats),
            positions=np.array(positions, dtype=np.int64),
            duration=now * second + TAIL,
            tags={"licence": "GPL-2+"},
        )
