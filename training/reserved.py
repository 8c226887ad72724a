"""What training must never see: by name, and by content.

    python -m training.reserved --against RESERVED [--against MORE] GATHERED...

compares every recording and MIDI file under GATHERED with every one under RESERVED, by landmarks of the spectrum
(training/fingerprint.py) and by runs of notes (training/grams.py), names what matches and exits 1 if anything does.
Public: HOLDS, matches, reserved_groove_midi, reserved_index, reserved_mma, reserved_package.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from training.fingerprint import Index, landmarks, read_mono
from training.grams import Grams, alike, midi_grams

# Grooves of MMA that the judging set or the validation set plays: any groove or library file whose name holds one of
# these words (letters and digits only, lower case) is left out. Wider than need be: "8beat" takes 8BeatPop1 along.
MMA_WORDS = (
    "bubblerock", "rock128", "folkrock", "bvfunk", "dsoul", "jazzrock", "trance", "ska", "merengue", "salsa",
    "rockballad", "twi", "calypso",
    "basicrock", "50srock", "8beat", "softrock", "strut", "samba", "boneym", "mambo", "rockwaltz", "popballad",
)  # fmt: skip

# Takes of the Groove MIDI Dataset in the validation set, "drummer_file", of drummers that are otherwise allowed.
GROOVE_MIDI_FILES = frozenset({"8_13_afrobeat_103_beat_4-4.mid", "3_26_hiphop_92_beat_4-4.mid"})

# Debian packages, by prefix, and words that name the same music in packages of other names.
PACKAGE_WORDS = (
    "freedoom", "freedm", "lmms", "openttd", "openmsx", "fretsonfire", "singularity", "ufoai", "ufo-ai", "nexuiz",
    "supertuxkart", "warzone2100", "pop909", "asap-dataset",
)  # fmt: skip

# Share of a recording's landmarks at one common shift that says it is in another. Measured: at least 0.02 for a
# recording under noise of its own level, in a room's echo or cross-faded; at most 0.016 between songs that share a drum
# kit's samples; at most 0.003 between unrelated recordings.
HOLDS = 0.02

AUDIO = {".ogg", ".mp3", ".opus", ".flac", ".wav"}
MIDI = {".mid", ".midi"}


def reserved_mma(name: str) -> bool:
    """Whether an MMA groove (or a library file's stem) is for judging."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return any(word in plain for word in MMA_WORDS)


def reserved_groove_midi(drummer: int, filename: str) -> bool:
    """Whether a take of the Groove MIDI Dataset is for validation."""
    return f"{drummer}_{filename}" in GROOVE_MIDI_FILES


def reserved_package(name: str) -> bool:
    """Whether a Debian package, a folder or a file name belongs to music for judging."""
    return any(word in name.lower() for word in PACKAGE_WORDS)


def _files(folders: Iterable[Path], suffixes: set[str]) -> Iterator[Path]:
    for folder in folders:
        found = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        yield from (path for path in found if path.suffix.lower() in suffixes and path.is_file())


def reserved_index(folders: Iterable[Path]) -> Index:
    """Every recording under the folders."""
    return Index({str(path): landmarks(read_mono(path)) for path in _files(folders, AUDIO)})


def matches(gathered: Iterable[Path], against: Iterable[Path]) -> Iterator[str]:
    """One line for each gathered file that its name or its content shows to be reserved."""
    gathered, against = list(gathered), list(against)
    for path in _files(gathered, AUDIO | MIDI):
        if reserved_package(path.name):
            yield f"{path}: reserved by its name"
    recordings = reserved_index(against)
    if recordings.names:
        for path in _files(gathered, AUDIO):
            shares = recordings.scores(landmarks(read_mono(path)))
            for k in (shares >= HOLDS).nonzero()[0]:
                yield f"{path}: holds {recordings.names[k]} ({shares[k]:.3f} of its landmarks)"
    scores: dict[Path, Grams] = {path: midi_grams(path) for path in _files(against, MIDI)}
    for path in _files(gathered, MIDI) if scores else ():
        mine = midi_grams(path)
        for other, theirs in scores.items():
            share = alike(mine, theirs)
            if share:
                yield f"{path}: plays {other} ({share:.2f} of its runs of notes)"


def main() -> int:
    parser = argparse.ArgumentParser(description="check that gathered music holds nothing reserved")
    parser.add_argument("--against", type=Path, action="append", required=True, help="folder of reserved audio or MIDI")
    parser.add_argument("gathered", type=Path, nargs="+")
    options = parser.parse_args()
    for folder in (*options.against, *options.gathered):
        if not folder.exists():
            parser.error(f"{folder}: no such file or folder")
    found = 0
    for line in matches(options.gathered, options.against):
        print(line)
        found += 1
    print(f"{found} matches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
