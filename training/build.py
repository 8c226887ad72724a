"""Makes training songs: scores drawn, played, mixed, worn; kept as features and truth, one .npz each.

    python -m training.build OUT [--minutes 20] [--seed 1] [--keep-sound N]

Runs until the minutes are over; run several with other seeds to use more cores. Songs of the sources named in HELD go
to OUT/held instead, for validation: sources, not songs, are held back.
Public: take, slowed, sources, worn, truth_of, keep.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.hearing.features import features_of
from engine.state import Floats
from training.augment import Clip, clip_of, crossfaded, degrade, gapped, resampled
from training.corpora import groove_songs, hydrogen_songs
from training.mma import mma_songs
from training.noises import not_music
from training.render import Rendered, render
from training.song import Part, Song
from training.styles import STYLES, backing, make
from training.targets import Truth

RATE = 44100
HELD = (
    "groove/drummer10", "generator/garage", "generator/rock-16", "generator/cumbia", "generator/film-strings",
    "mma/casio-rock1", "mma/zoom-house", "mma/stdlib-easyswing",
)  # fmt: skip
_SHARES = {"generator": 0.52, "mma": 0.26, "groove": 0.14, "hydrogen": 0.03, "silence": 0.03}
_SECONDS = (28.0, 62.0)
_GHOST = 0.12  # strength up to which a stroke is no hit that anything should answer


def take(song: Song, start: float, stop: float) -> Song:
    """The stretch of a song from `start` to `stop` seconds, as a song of its own."""
    parts = []
    for part in song.parts:
        notes = part.notes[(part.notes[:, 0] >= start - 1e-6) & (part.notes[:, 0] < stop)].copy()
        notes[:, 0] = np.maximum(notes[:, 0] - start, 0.0)
        if len(notes):
            parts.append(replace(part, notes=notes))
    inside = (song.beats >= start) & (song.beats < stop)
    return replace(
        song, parts=parts, beats=song.beats[inside] - start, positions=song.positions[inside], duration=stop - start
    )


def slowed(song: Song, factor: float) -> Song:
    """The same score played `factor` times as slow."""
    parts = [replace(p, notes=p.notes * np.array([factor, factor, 1.0, 1.0])) for p in song.parts]
    return replace(song, parts=parts, beats=song.beats * factor, duration=song.duration * factor)


def _bpm(song: Song) -> float:
    return 60.0 / float(np.median(np.diff(song.beats))) if len(song.beats) > 2 else 0.0


def _varied(song: Song, rng: np.random.Generator) -> Song:
    """A stretch of it, at another tempo within what can be played and heard."""
    bpm = _bpm(song)
    if bpm and rng.random() < 0.7:
        wish = float(np.exp(rng.normal(0.0, 0.16)))
        song = slowed(song, min(max(wish, bpm / 215.0), bpm / 52.0))
    length = float(rng.uniform(*_SECONDS))
    if song.duration > length:
        start = float(rng.uniform(0.0, song.duration - length))
        song = take(song, start, start + length)
    return song


def _groove(songs: list[Song]) -> Callable[[np.random.Generator], Song]:
    def draw(rng: np.random.Generator) -> Song:
        song = songs[rng.integers(len(songs))]
        if rng.random() < 0.65 and (song.positions > 0).all():
            style = list(STYLES)[rng.integers(len(STYLES))]
            struck = song.parts[0].notes[:, 0]
            parts: list[Part] = backing(song.beats, song.positions, rng, style, onsets=struck)
            song = replace(song, parts=[*song.parts, *parts])
        return _varied(song, rng)

    return draw


def sources(rng: np.random.Generator, styles: Sequence[str] = ()) -> dict[str, Callable[[np.random.Generator], Song]]:
    human, machine = list(groove_songs()), list(hydrogen_songs())
    names = list(styles or STYLES)
    weights = np.array([STYLES[name].weight for name in names])
    weights /= weights.sum()

    def generated(rng: np.random.Generator) -> Song:
        return make(str(rng.choice(names, p=weights)), rng, float(rng.uniform(*_SECONDS)))

    def endless() -> Iterator[Song]:
        while True:
            yield from mma_songs(rng, 50)

    band = endless()
    return {
        "generator": generated,
        "mma": lambda rng: _varied(next(band), rng),
        "groove": _groove(human),
        "hydrogen": lambda rng: _varied(machine[rng.integers(len(machine))], rng),
    }


def worn(played: Rendered, rng: np.random.Generator, other: Clip | None) -> Clip:
    """One mix of it with something done to it: another speed, a gap, a blend into `other`; then what a room, a desk
    and a microphone do."""
    clip = clip_of(played, rng)
    if rng.random() < 0.3:
        clip = resampled(clip, float(np.exp(rng.uniform(-0.08, 0.08))))
    dice = rng.random()
    if dice < 0.06:
        clip = gapped(clip, rng)
    elif dice < 0.14 and other is not None:
        clip = crossfaded(other, clip, rng)
    return replace(clip, audio=degrade(clip.audio, clip.rate, rng))


def truth_of(clip: Clip) -> Truth:
    return Truth(
        beats=clip.beats,
        positions=clip.positions,
        cymbal=clip.cymbals,
        ignore=clip.ignore,
        **{kind: rows[rows[:, 1] > _GHOST, 0] for kind, rows in clip.hits.items()},
    )


def keep(folder: Path, name: str, sound: Floats, truth: Truth, rate: int = RATE) -> None:
    """Write features and truth, whole or not at all."""
    arrays = {f.name: getattr(truth, f.name) for f in fields(Truth)}
    part = folder / f".{name}.part"
    with part.open("wb") as file:
        np.savez(file, features=features_of(sound, rate).astype(np.float16), **arrays)
    part.replace(folder / f"{name}.npz")


def _nothing(rng: np.random.Generator) -> tuple[Floats, Truth]:
    sound = not_music(rng, float(rng.uniform(15.0, 30.0)), RATE)
    empty: NDArray[np.float64] = np.zeros(0)
    return sound, Truth(beats=empty, positions=np.zeros(0, np.int64), drums_known=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mixes", type=int, default=2, help="mixes of each song")
    parser.add_argument("--styles", nargs="*", default=[], help="own styles to draw from; then nothing else is drawn")
    parser.add_argument("--keep-sound", type=int, default=0, help="also write so many as .flac, to listen to")
    wanted = parser.parse_args()
    rng = np.random.default_rng(wanted.seed)
    draw = sources(rng, wanted.styles)
    names, shares = zip(*({"generator": 1.0} if wanted.styles else _SHARES).items(), strict=True)
    (wanted.out / "held").mkdir(parents=True, exist_ok=True)
    begun, count, seconds, failed = time.monotonic(), 0, 0.0, 0
    before: Clip | None = None  # what a DJ may blend from
    while time.monotonic() - begun < wanted.minutes * 60.0:
        kind = str(rng.choice(names, p=np.array(shares) / sum(shares)))
        label = f"{kind}__{wanted.seed}-{count:05}"
        count += 1
        if kind == "silence":
            keep(wanted.out, label, *_nothing(rng))
            continue
        try:
            song = draw[kind](rng)
            played = render(song, rng)
        except Exception:  # one odd score must not end an hour's work; it is counted and shown
            failed += 1
            traceback.print_exc()
            continue
        if not played.stems or len(played.beats) < 8:
            continue
        held = song.source in HELD
        name = song.source.replace("/", "-").replace(" ", "_")
        for version in range(1 if held else wanted.mixes):
            clip = worn(played, rng, None if held else before)
            label = f"{name}__{wanted.seed}-{count:05}-{version}"
            keep(wanted.out / "held" if held else wanted.out, label, clip.audio, truth_of(clip))
            seconds += clip.seconds
            if wanted.keep_sound > 0:
                wanted.keep_sound -= 1
                soundfile.write(wanted.out / f"{label}.flac", clip.audio, clip.rate)
        if not held:
            before = clip_of(played, rng)
    print(f"{count} scores, {seconds / 3600:.2f} h of sound, {failed} failed, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
