"""What training must never see, by name. Public: reserved_groove_midi, reserved_mma, reserved_package."""

from __future__ import annotations

import re

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
    "supertuxkart", "warzone2100", "pop909", "asap",
)  # fmt: skip


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
