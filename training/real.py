"""Real, freely licensed music for self-training, from packages of Debian main; none of it is in this repository.

    python -m training.real FOLDER [--against RESERVED ...] [--hours 8]

downloads each package of PACKAGES with apt-get (installs nothing), unpacks it under FOLDER/packages, writes what is
music with a pulse as 44.1 kHz mono FLAC to FOLDER/audio and one row a track to FOLDER/manifest.json: package, file,
licence and where its text stands, seconds, pulse. Packages already there are not downloaded again. A track is left out
where it is shorter than 40 s, has no pulse, is kept by another name already, or is found in a RESERVED folder.
Public: PACKAGES, Track, gather, licence_of, pulse.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from training.fingerprint import RATE, Index, Landmarks, landmarks, read_mono
from training.reserved import HOLDS, reserved_index, reserved_package

# Package: where in it music lies (a pattern of the path). The licence named here is the package's where its copyright
# file is not machine-readable; else the file itself is asked.
PACKAGES: dict[str, tuple[str, str]] = {
    "ardentryst": ("/Music/", ""),
    "asc-music": ("/music/", ""),
    "berusky2-data": ("/music/", ""),
    "extremetuxracer-data": ("/music/", ""),
    "flare-game": ("/music/", ""),
    "freedroidrpg-data": ("/music/", ""),
    "frozen-bubble-data": ("/snd/", ""),
    "hedgewars-data": ("/Music/", ""),
    "lincity-ng-data": ("/music/", ""),
    "megaglest-data": ("/music/", ""),
    "naev-data": ("/music/", ""),
    "scorched3d-data": ("/music/", ""),
    "supertux-data": ("/music/", ""),
    "trackballs-data": ("/music/", ""),
    "unknown-horizons": ("/audio/music/", ""),
    "warmux-data": ("/music/", "GPL-2+"),
    "wesnoth-1.16-music": ("/music/", "GPL-2+"),
    "widelands-data": ("/music/", ""),
    "xmoto-data": ("/Musics/", ""),
    "zaz-data": ("/mus", ""),
}
SUFFIXES = {".ogg", ".mp3", ".opus", ".flac", ".wav"}
SHORTEST_S = 40.0
PULSE = 0.12  # pads, choirs and rubato strings stay below, drummed music is above 0.2
SAME = 0.2  # share of landmarks above which two tracks are one: other versions of a piece stay below
# Words in tags that tell music made for what is reserved.
RESERVED_TAGS = ("muldjord", "sectoid", "el senator", "ufo:ai", "alien invasion", "endgame: singularity", "tenshihan")


@dataclasses.dataclass(frozen=True)
class Track:
    """A row of manifest.json. audio: path under the folder. rate: of the original, Hz."""

    audio: str
    package: str
    file: str
    licence: str
    licence_text: str
    artist: str
    title: str
    seconds: float
    rate: int
    pulse: float


def pulse(audio: NDArray[np.float32]) -> float:
    """How periodic its onsets are, 0..1: the median over 12 s windows of the best comb of the autocorrelation.

    audio: float32[samples] at 11025 Hz. Periods of 0.27 to 1.3 s.
    """
    if len(audio) < 512:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(audio, 512)[::110]
    window = np.hanning(512).astype(np.float32)
    parts = [np.abs(np.fft.rfft(part * window, axis=1)) for part in np.array_split(frames, len(frames) // 4096 + 1)]
    edges = np.unique(np.geomspace(2, 256, 25).astype(int))
    bands = np.log1p(100 * np.add.reduceat(np.concatenate(parts)[:, :257], edges[:-1], axis=1) / np.diff(edges))
    onsets = np.maximum(np.diff(bands, axis=0), 0.0).sum(axis=1)
    size = round(12.0 * RATE / 110)
    scores = []
    for start in range(0, len(onsets) - size + 1, size // 2):
        part = onsets[start : start + size] - onsets[start : start + size].mean()
        energy = float(part @ part)
        if energy < 1e-3:
            scores.append(0.0)
            continue
        spectrum = np.fft.rfft(part, 2 * size)
        self_likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:size] / energy * size / np.arange(size, 0, -1)
        lag = np.arange(27, 131)
        scores.append(float(((self_likeness[lag] + self_likeness[2 * lag] + self_likeness[3 * lag]) / 3).max()))
    return float(np.median(scores)) if scores else 0.0


def licence_of(copyright_file: str, path: str) -> str:
    """The licence that a machine-readable Debian copyright file gives to an installed file; "" where it is silent.

    The file speaks of source paths: the name must fit, and the pattern's last folder must occur in the path. As the
    format has it, the last stanza that fits wins.
    """
    name, folders = Path(path).name, set(Path(path).parts)
    found = ""
    for stanza in re.split(r"\n\s*\n", copyright_file):
        fields = dict(re.findall(r"^(\S+):((?:.*)(?:\n[ \t].*)*)", stanza, re.M))
        for pattern in fields.get("Files", "").split():
            *parents, last = pattern.removeprefix("./").split("/")
            if fnmatch.fnmatch(name, last) and (not parents or parents[-1] in folders):
                found = fields.get("License", "").strip().split("\n")[0]
    return found


def _unpack(package: str, folder: Path) -> Path:
    """The package's tree, downloaded by apt-get where it is not there yet."""
    tree = folder / "packages" / package
    if tree.exists():
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:  # a tree is there only when it is whole
        subprocess.run(["apt-get", "download", package], cwd=scratch, check=True, capture_output=True)
        (archive,) = Path(scratch).glob("*.deb")
        subprocess.run(["dpkg", "-x", str(archive), f"{scratch}/tree"], check=True)
        Path(scratch, "tree").rename(tree)
    return tree


def _tags(path: Path) -> tuple[str, str]:
    with soundfile.SoundFile(path) as file:
        tags = file.copy_metadata()
    return tags.get("artist", ""), tags.get("title", "")


def _candidates(package: str, tree: Path) -> list[Path]:
    """Music files, in an order that is shuffled but always the same, so that a limit takes from all of them."""
    where = PACKAGES[package][0]
    files = [
        path
        for path in sorted(tree.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not path.is_symlink() and where in str(path.relative_to(tree))
    ]
    random.Random(package).shuffle(files)
    return files


def gather(folder: Path, against: list[Path], *, hours: float) -> list[Track]:
    """Download, check, decode; packages get equal shares of the hours. Prints what is left out and why."""
    refused = [name for name in PACKAGES if reserved_package(name)]
    if refused:
        raise ValueError(f"reserved for judging: {', '.join(refused)}")
    reserved = reserved_index(against)
    kept: dict[str, Landmarks] = {}
    tracks: list[Track] = []
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    left = hours * 3600.0
    for number, package in enumerate(sorted(PACKAGES)):
        tree = _unpack(package, folder)
        text_at = f"/usr/share/doc/{package}/copyright"
        text = (tree / text_at.lstrip("/")).read_text(errors="replace")
        share = left / (len(PACKAGES) - number)
        for path in _candidates(package, tree):
            inside = str(path.relative_to(tree))
            try:
                info = soundfile.info(path)
                artist, title = _tags(path)
            except soundfile.LibsndfileError:
                print(f"left out {package}: {inside}: not readable")
                continue
            if info.duration < SHORTEST_S or info.duration > share:
                continue
            if reserved_package(path.name) or any(word in f"{artist} {title}".lower() for word in RESERVED_TAGS):
                print(f"left out {package}: {inside}: reserved by its name or tags")
                continue
            mono = read_mono(path)
            strength = pulse(mono)
            if strength < PULSE:
                print(f"left out {package}: {inside}: pulse {strength:.2f}")
                continue
            marks = landmarks(mono)
            found = reserved.scores(marks)
            if found.size and found.max() >= HOLDS:
                print(f"left out {package}: {inside}: holds {reserved.names[int(found.argmax())]} ({found.max():.3f})")
                continue
            twins = Index(kept).scores(marks) if kept else np.zeros(0)
            if twins.size and twins.max() >= SAME:
                print(
                    f"left out {package}: {inside}: the same as {list(kept)[int(twins.argmax())]} ({twins.max():.2f})"
                )
                continue
            name = f"{package}__{path.parent.name}_{path.stem}.flac"
            output = folder / "audio" / name
            if not output.exists():
                command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", "44100"]
                subprocess.run([*command, "-sample_fmt", "s16", str(output)], check=True)
            kept[name] = marks
            licence = licence_of(text, inside) or PACKAGES[package][1] or "see copyright file"
            tracks.append(
                Track(f"audio/{name}", package, inside, licence, f"{package}:{text_at}", artist, title,
                      round(info.duration, 2), info.samplerate, round(strength, 3))
            )  # fmt: skip
            share -= info.duration
            left -= info.duration
    return tracks


def main() -> int:
    parser = argparse.ArgumentParser(description="gather real, freely licensed music for self-training")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", type=Path, action="append", default=[], help="folder of audio that must not be in")
    parser.add_argument("--hours", type=float, default=8.0)
    options = parser.parse_args()
    tracks = gather(options.folder, options.against, hours=options.hours)
    rows = [dataclasses.asdict(track) for track in tracks]
    (options.folder / "manifest.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{len(tracks)} tracks, {sum(track.seconds for track in tracks) / 3600:.2f} h")
    return 0


if __name__ == "__main__":
    sys.exit(main())
