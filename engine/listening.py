"""Hears files as fast as it can, exactly as live, and says each beat when a live output would play it.

The contract of `getaway listen`: at each hop the beats that fall due before the next hop by the line known then,
never corrected afterwards. Public: beats_of, beats_in, listen_to_files.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from engine.audio import mono
from engine.audio.file import file_blocks, open_file
from engine.faults import Refused
from engine.hearing import ListenerSettings
from engine.hearing.listener import TRACKERS, Listener
from engine.state import Floats

_SURE_OF_BARS = 0.25  # bar confidence below which no place in the bar is claimed


def beats_of(path: Path, settings: ListenerSettings, lead: float = 0.0) -> Iterator[dict[str, Any]]:
    """{"beat", "announced", "beat_in_bar"} in order of announcement, seconds in the file. Refused as open_file.

    lead: seconds an output needs ahead; each beat is then decided that much before it falls due. `announced` is the
    end of the last sample handed over when the beat was decided.
    """
    with open_file(path) as file:
        listener = Listener(settings, file.samplerate)
    blocks = (mono(samples) for samples, _ in file_blocks(path, listener.hop))
    yield from beats_in(blocks, listener, listener.hop, lead)


def beats_in(blocks: Iterable[Floats], listener: Listener, block: int, lead: float = 0.0) -> Iterator[dict[str, Any]]:
    """beats_of for sound that comes in blocks of `block` samples, float32[block] mono, the last one shorter perhaps."""
    told: int | None = None
    heard = 0
    for samples in blocks:
        listener.push(samples)
        heard += samples.size
        state = listener.state()
        announced = heard / listener.rate
        # The next look comes a block later: what falls due before it must be told now.
        reached = state.grid.last_beat_at(announced + block / listener.rate + lead)
        if state.confidence <= 0.0 or told is None:
            told = reached if told is None else max(told, reached)
            continue
        for number in range(told + 1, reached + 1):
            place = state.grid.beat_in_bar(number) if state.bar_confidence > _SURE_OF_BARS else None
            yield {"beat": state.grid.time_of(number), "announced": announced, "beat_in_bar": place}
        told = max(told, reached)


def settings_of(tracker: str | None) -> ListenerSettings:
    """The listener's settings with the tracker that --tracker names. Refused where there is none of that name."""
    if tracker is not None and tracker not in TRACKERS:
        raise Refused(f"--tracker {tracker}: there is no such tracker; there are {', '.join(TRACKERS)}")
    return ListenerSettings(tracker=tracker) if tracker else ListenerSettings()  # type: ignore[arg-type]


def listen_to_files(
    files: tuple[Path, ...], *, as_json: bool, lead: float, batch: Path | None, tracker: str | None
) -> None:
    """Print or, with batch, write the beats of each file. Files that can't be read are named; the rest goes on."""
    settings = settings_of(tracker)
    if batch is not None:
        batch.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in files:
        try:
            if batch is not None:
                _write(path, settings, lead, batch)
            else:
                for beat in beats_of(path, settings, lead):
                    click.echo(json.dumps(beat) if as_json else _words(beat))
        except Refused as refused:
            failed += 1
            click.echo(f"getaway: {refused}", err=True)
    if failed:
        sys.exit(2)


def _words(beat: dict[str, Any]) -> str:
    place = beat["beat_in_bar"] or "-"
    return f"{beat['beat']:9.3f} s  beat in bar {place}  announced {beat['announced']:9.3f} s"


def _write(path: Path, settings: ListenerSettings, lead: float, folder: Path) -> None:
    """STEM.jsonl and STEM.time.json (CPU, wall and sound seconds), whole or not at all; what is there is kept."""
    there = folder / f"{path.stem}.jsonl"
    if there.exists():
        return
    with open_file(path) as file:
        sound = file.frames / file.samplerate
    cpu, wall = time.process_time(), time.perf_counter()
    lines = [json.dumps(beat) for beat in beats_of(path, settings, lead)]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    part = there.with_suffix(".jsonl.part")
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    timing = {"cpu_s": cpu, "wall_s": wall, "audio_s": sound}
    (folder / f"{path.stem}.time.json").write_text(json.dumps(timing), encoding="utf-8")
    part.replace(there)
