"""Drum kits of samples: synthesized here, with new parameters for every song, or recorded (hydrogen's kits).

A kit is a dict from General MIDI key to layers (upper velocity 0..1, mono float32 sample), softest first.
Hydrogen's kits (Debian: hydrogen-drumkits, hydrogen-data): GPL, CC BY or free by their drumkit.xml; used, never copied.
Public: Kit, electronic_kit, recorded_kit, recorded_kits, play_kit.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from training.onset import Sounding, sounding
from training.song import HAT
from training.voices import clap, cowbell, kick, metal, rim, shaker, snare, tom

Floats = NDArray[np.float32]
Kit = dict[int, list[tuple[float, Floats]]]
HYDROGEN = Path("/usr/share/hydrogen/data/drumkits")
RECORDED_S = 3.0  # of a recorded sample; longer cymbals are faded
CHOKE_S = 0.02
# A kit without the one is played with the other; what has no stand-in is silent and leaves no hit.
STAND_INS = {35: (36,), 36: (35,), 37: (38,), 38: (40,), 40: (38,), 39: (38, 40), 44: (42,), 46: (42,), 42: (44,)}
STAND_INS |= {41: (43, 45), 43: (41, 45), 45: (47, 43), 47: (45, 48), 48: (50, 47), 50: (48, 47), 59: (51,), 53: (51,)}
STAND_INS |= {51: (59, 49), 57: (49,), 49: (57,), 52: (49, 57), 55: (49, 57)}
# Names in hydrogen's kits, first match wins. Hand percussion and effects are left out.
NAMES = (
    (r"rim ?click|side ?stick|^stick|c#3|rimshot.*click", 37),
    (r"clap", 39),
    (r"kick|bass ?drum|cajon thump", 36),
    (r"snare.*(rim|roll|off|2|jazz)|e3 - ", 40),
    (r"snare|cajon slap|opaco", 38),
    (r"(hh|hat).*(ped|foot|pd)|(ped|foot).*(hh|hat)", 44),
    (r"(hh|hat).*(open|op\b|free|swish|choke)|(open|op\b|side o).*(hh|hat)", 46),
    (r"(hh|hat)", 42),
    (r"tom.*low|low tom|floor", 43),
    (r"tom.*mid|middle tom|tom 2|^tom$", 47),
    (r"tom.*hi|high tom|tom 1", 50),
    (r"cowbell", 56),
    (r"bell", 53),
    (r"crash", 49),
    (r"splash", 55),
    (r"china", 52),
    (r"ride", 51),
    (r"cymbal", 57),
    (r"tambourine", 54),
    (r"maraca|shaker", 70),
)
LEFT_OUT = ("belofilms_GuitarStrums", "circAfrique v4", "Gimme A Hand 1.0")  # no kick, snare and hat
ELECTRONIC = ("HardElectro1", "ElectricEmpireKit", "TR808EmulationKit", "VariBreaks", "Audiophob", "rumpf_kit_z01_h2")


def electronic_kit(rng: np.random.Generator, rate: int) -> Kit:
    """A kit in the manner of the 808 and 909, no two alike."""
    closed = rng.uniform(0.02, 0.09)
    opened = rng.uniform(0.18, 0.6)
    tune = rng.uniform(0.8, 1.25)
    metals = rng.uniform(0, 1)
    sounds = {
        36: kick(rng, rate),
        38: snare(rng, rate) if rng.random() < 0.75 else clap(rng, rate),
        40: snare(rng, rate),
        39: clap(rng, rate),
        37: rim(rng, rate),
        42: metal(rng, rate, closed, metals),
        44: metal(rng, rate, closed * 0.7, metals),
        46: metal(rng, rate, opened, metals),
        49: metal(rng, rate, rng.uniform(0.8, 1.8), metals, low=2500.0),
        51: metal(rng, rate, rng.uniform(0.3, 0.9), min(1.0, metals + 0.3), low=4000.0),
        56: cowbell(rng, rate),
        70: shaker(rng, rate),
        54: shaker(rng, rate),
        75: rim(rng, rate),
    }
    sounds[35] = sounds[36]
    levels = {36: 1.0, 35: 1.0, 42: rng.uniform(0.25, 0.7), 44: 0.3, 46: rng.uniform(0.25, 0.6), 49: 0.5, 51: 0.3}
    levels |= {38: rng.uniform(0.6, 1), 39: rng.uniform(0.5, 0.9), 56: 0.35, 70: 0.25, 54: 0.3, 75: 0.4, 37: 0.5}
    toms = {
        key: tom(rng, rate, tune * hz) for key, hz in ((41, 70), (43, 85), (45, 105), (47, 125), (48, 150), (50, 180))
    }
    congas = {
        key: tom(rng, rate, tune * hz, 0.15) for key, hz in ((60, 420), (61, 330), (62, 380), (63, 300), (64, 220))
    }
    kit = {
        key: [(1.0, sound * np.float32(levels.get(key, 0.7)))] for key, sound in {**sounds, **toms, **congas}.items()
    }
    return kit


@cache
def recorded_kits() -> dict[str, bool]:
    """Hydrogen's kits that can stand for a drummer, and whether each is electronic."""
    found = sorted(path.parent.name for path in HYDROGEN.glob("*/drumkit.xml")) if HYDROGEN.exists() else []
    return {name: name in ELECTRONIC for name in found if name not in LEFT_OUT}


def _plain(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


@cache
def _instruments(name: str) -> dict[int, list[list[tuple[float, float, str]]]]:
    """For each key the instruments that can play it: layers of (upper velocity, gain, file)."""
    keys: dict[int, list[list[tuple[float, float, str]]]] = {}
    for instrument in ElementTree.parse(HYDROGEN / name / "drumkit.xml").iter():
        if _plain(instrument) != "instrument":
            continue
        fields = {_plain(child): child.text or "" for child in instrument}
        title = fields.get("name", "").lower()
        key = next((key for pattern, key in NAMES if re.search(pattern, title)), None)
        layers = []
        for layer in instrument.iter():
            if _plain(layer) == "layer":
                values = {_plain(child): child.text or "" for child in layer}
                if (HYDROGEN / name / values["filename"]).exists():
                    layers.append((float(values["max"]), float(values["gain"]), values["filename"]))
        if not layers and fields.get("filename") and (HYDROGEN / name / fields["filename"]).exists():
            layers = [(1.0, 1.0, fields["filename"])]
        if key is not None and layers:
            volume = float(fields.get("volume") or 1.0)
            keys.setdefault(key, []).append(sorted((top, gain * volume, file) for top, gain, file in layers))
    return keys


@cache
def _recording(path: Path, rate: int) -> Floats:
    sound, own = soundfile.read(path, dtype="float32", always_2d=True, frames=round(96000 * RECORDED_S * 2))
    mono = soxr.resample(sound.mean(axis=1), own, rate, quality="MQ")[: round(RECORDED_S * rate)]
    tail = min(len(mono), round(0.1 * rate))
    if len(mono) == round(RECORDED_S * rate):
        mono[-tail:] *= np.linspace(1, 0, tail, dtype=np.float32)
    return mono.astype(np.float32)


def recorded_kit(name: str, rng: np.random.Generator, rate: int) -> Kit:
    """One of recorded_kits(), tuned a little up or down; where it has several kicks or snares, one of them."""
    tune = 2 ** rng.normal(0, 0.08)
    kit: Kit = {}
    for key, choices in _instruments(name).items():
        layers = choices[rng.integers(len(choices))]
        sounds = [(top, np.float32(gain) * _recording(HYDROGEN / name / file, rate)) for top, gain, file in layers]
        kit[key] = [(top, _tuned(sound, tune)) for top, sound in sounds]
    loudest = max(float(np.abs(sound).max(initial=0.0)) for layers in kit.values() for _, sound in layers)
    return {key: [(top, sound / np.float32(loudest)) for top, sound in layers] for key, layers in kit.items()}


def _tuned(sound: Floats, factor: float) -> Floats:
    at = np.arange(0, len(sound) - 1, factor)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def _layers(kit: Kit, key: int) -> list[tuple[float, Floats]] | None:
    return next((kit[k] for k in (key, *STAND_INS.get(key, ())) if k in kit), None)


def play_kit(
    kit: Kit, notes: NDArray[np.float64], seconds: float, rate: int
) -> tuple[Floats, NDArray[np.float64], list[Sounding]]:
    """Mono sound of notes (rows as in Part), each note's start (s) and how it sounds, in order of notes. A closed hat
    ends an open one."""
    out = np.zeros(round(seconds * rate), np.float32)
    starts = np.clip(np.rint(notes[:, 0] * rate).astype(int), 0, len(out))
    closing = np.sort(starts[np.isin(notes[:, 2], [42, 44])])
    measured: dict[tuple[int, int], Sounding] = {}
    heard = []
    for start, (_, _, key, velocity) in zip(starts.tolist(), notes, strict=True):
        layers = _layers(kit, int(key))
        if layers is None:
            heard.append(Sounding(0.0, 0.0, 0.0))
            continue
        level = velocity / 127
        layer = next((i for i, (top, _) in enumerate(layers) if level <= top + 1e-6), len(layers) - 1)
        sound = layers[layer][1]
        # Recorded layers carry part of the dynamics themselves.
        gain = np.float32(level**1.5 if len(layers) == 1 else level)
        place = (int(key), layer)
        if place not in measured:
            measured[place] = sounding(sound, rate)
        one = measured[place]
        heard.append(Sounding(one.delay, one.rise, one.peak * float(gain)))
        stop = min(len(out), start + len(sound))
        if int(key) in HAT - {42, 44}:
            following = np.searchsorted(closing, start, side="right")
            if following < len(closing):
                stop = min(stop, int(closing[following]) + round(CHOKE_S * rate))
        if stop <= start:
            continue
        piece = sound[: stop - start] * gain
        if len(piece) < len(sound):
            fade = min(len(piece), round(CHOKE_S * rate))
            piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        out[start:stop] += piece
    return out, starts / rate, heard
