"""The one table of what a scene is told each frame: name, GLSL type, meaning, and the function of a Moment behind it.

From this table come the GLSL declarations (`declarations`), the bytes uploaded each frame (`pack`) and the page of
the docs (`uniform_docs`), so the three cannot disagree. No GL calls here; `visuals.canvas.Feed` uploads. Public: Frame,
Uniform, UNIFORMS, SAMPLERS, BLOCK, WRAP, SIZE, declarations, offsets, pack, uniform_docs.

All values lie in one uniform block in std140 layout: one upload a frame feeds any number of scenes, and a value that
a scene does not use costs nothing. The block has no instance name, so a scene just writes `beat_phase`.

A shader's float has 24 bits. Counts are therefore passed modulo WRAP: a beat count below 4096 keeps its fraction to
half a thousandth, where a count of a whole night would keep none. Patterns that repeat every 1, 2, 4 ... 4096 beats
run across the wrap without a seam.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from engine.roles import ROLES, calm
from engine.state import BANDS, KINDS, MOODS, SECTIONS, SPECTRUM, WAVEFORM, Moment

WRAP = 4096  # counts and seconds are passed modulo this
NEVER = 1000.0  # seconds since a hit that never was; GLSL promises nothing about infinity
BLOCK = "Getaway"  # name of the uniform block


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame adds to its Moment. width, height: pixels. time: seconds since the stage began."""

    width: int
    height: int
    time: float


Value = float | int | tuple[float, float]


@dataclass(frozen=True, slots=True)
class Uniform:
    """name and glsl type as a scene writes them; says: one line for the docs; value: what is passed."""

    name: str
    glsl: str
    says: str
    value: Callable[[Moment, Frame], Value]


@dataclass(frozen=True, slots=True)
class Sampler:
    """A row of sound as a texture `width` texels wide, one high, linear: `texture(spectrum, vec2(x, 0.5)).r`."""

    name: str
    width: int
    says: str


def _band(name: str) -> Callable[[Moment, Frame], Value]:
    index = list(BANDS).index(name)
    return lambda m, _: m.levels.bands[index]


def _role(name: str) -> Callable[[Moment, Frame], Value]:
    value = ROLES[name].value
    return lambda m, _: value(m)


def _hit(kind: str) -> tuple[Uniform, ...]:
    def count(moment: Moment, _: Frame) -> Value:
        return moment.hits[kind].count % WRAP

    def strength(moment: Moment, _: Frame) -> Value:
        return moment.hits[kind].strength

    def since(moment: Moment, _: Frame) -> Value:
        return min(NEVER, moment.since(kind))

    return (
        Uniform(f"{kind}_count", "int", f"{kind} hits so far, modulo {WRAP}", count),
        Uniform(f"{kind}_strength", "float", f"how hard the newest {kind} was, 0..1", strength),
        Uniform(f"{kind}_since", "float", f"seconds since the newest {kind}; {NEVER:.0f} for never", since),
    )


def _section_beats(moment: Moment, _: Frame) -> Value:
    return min(float(WRAP), moment.section_beats)


_SECTIONS = ", ".join(f"{number} {name}" for number, name in enumerate(SECTIONS))

UNIFORMS: tuple[Uniform, ...] = (
    Uniform("resolution", "vec2", "size of the picture in pixels", lambda _, f: (float(f.width), float(f.height))),
    Uniform("time", "float", f"seconds since the stage began, modulo {WRAP}", lambda _, f: f.time % WRAP),
    Uniform("beat", "float", f"beat count with fraction, modulo {WRAP}; whole on a beat", lambda m, _: m.beat % WRAP),
    Uniform("bar", "float", f"bar count with fraction, modulo {WRAP}; whole on a downbeat", lambda m, _: m.bar % WRAP),
    Uniform("phrase", "float", f"phrase count with fraction, modulo {WRAP}", lambda m, _: m.phrase % WRAP),
    Uniform("beat_phase", "float", "0 on the beat, rising to 1 at the next", lambda m, _: m.beat_phase),
    Uniform("bar_phase", "float", "0 on the downbeat, rising to 1 at the next", lambda m, _: m.bar_phase),
    Uniform("phrase_phase", "float", "0 where a phrase begins, rising to 1", lambda m, _: m.phrase_phase),
    Uniform("beat_in_bar", "int", "1 on the downbeat, up to beats_per_bar", lambda m, _: m.beat_in_bar),
    Uniform("beats_per_bar", "int", "how many beats a bar has", lambda m, _: m.beats_per_bar),
    Uniform("bpm", "float", "beats a minute", lambda m, _: m.bpm),
    Uniform("confidence", "float", "0..1, how likely the beats are right", lambda m, _: m.confidence),
    Uniform("bar_confidence", "float", "0..1, how likely the downbeats are right", lambda m, _: m.state.bar_confidence),
    Uniform("phrase_confidence", "float", "0..1, the same of the phrases", lambda m, _: m.state.phrase_confidence),
    Uniform("motion", "float", "0..1, how much of a beat's movement to show", lambda m, _: calm(m)),
    Uniform("loudness", "float", "0..1, how loud it is now", lambda m, _: m.levels.loudness),
    Uniform("energy", "float", "0..1, the same over seconds: low in a breakdown", lambda m, _: m.levels.energy),
    Uniform("brightness", "float", "0 dark to 1 bright, over seconds", lambda m, _: m.levels.brightness),
    Uniform("mood", "float", f"0..1, a quarter each: {', '.join(MOODS)}", lambda m, _: m.levels.mood),
    Uniform("section", "int", _SECTIONS, lambda m, _: SECTIONS.index(m.section.name)),
    Uniform("section_count", "int", f"sections so far, modulo {WRAP}", lambda m, _: m.section.count % WRAP),
    Uniform("section_beats", "float", f"beats since the section began, at most {WRAP}", _section_beats),
    *(
        Uniform(f"band_{name}", "float", f"0..1, level from {low:.0f} to {high:.0f} Hz", _band(name))
        for name, (low, high) in BANDS.items()
    ),
    *(Uniform(f"role_{role.name}", "float", f"0..1, {role.says}", _role(role.name)) for role in ROLES.values()),
    *(uniform for kind in KINDS for uniform in _hit(kind)),
)

SAMPLERS: tuple[Sampler, ...] = (
    Sampler("spectrum", SPECTRUM, "0..1, levels from 30 Hz (x = 0) to 16 kHz (x = 1), log-spaced"),
    Sampler("waveform", WAVEFORM, "-1..1, the newest samples, the newest at x = 1"),
)

_PACKED = {"float": ("f", 4), "int": ("i", 4), "vec2": ("2f", 8)}  # struct code; size in bytes = std140 alignment


def offsets() -> dict[str, int]:
    """Byte offset of each uniform inside the block, by the rules of std140 (OpenGL 3.3 core, 2.11.4)."""
    at, found = 0, {}
    for uniform in UNIFORMS:
        size = _PACKED[uniform.glsl][1]
        at = -(-at // size) * size
        found[uniform.name] = at
        at += size
    return found


def _layout() -> struct.Struct:
    code, at = "<", 0
    for name, offset in offsets().items():
        letter, size = _PACKED[next(u.glsl for u in UNIFORMS if u.name == name)]
        code += f"{offset - at}x{letter}" if offset > at else letter
        at = offset + size
    return struct.Struct(f"{code}{-at % 16}x")


_LAYOUT = _layout()
SIZE = _LAYOUT.size  # bytes of pack(), a multiple of 16


def declarations() -> str:
    """GLSL for the top of a fragment shader: the block, the samplers, and `picture`, the colour a scene writes."""
    rows = "\n".join(f"    {u.glsl} {u.name};" for u in UNIFORMS)
    samplers = "\n".join(f"uniform sampler2D {s.name};" for s in SAMPLERS)
    return f"layout(std140) uniform {BLOCK} {{\n{rows}\n}};\n{samplers}\nout vec4 picture;\n"


def pack(moment: Moment, frame: Frame) -> bytes:
    """SIZE bytes for the uniform block at this moment."""
    values: list[float] = []
    for uniform in UNIFORMS:
        value = uniform.value(moment, frame)
        if isinstance(value, tuple):
            values.extend(value)
        else:
            values.append(value)
    return _LAYOUT.pack(*values)


def uniform_docs() -> str:
    """The table as Markdown."""
    rows = [f"| `{u.name}` | `{u.glsl}` | {u.says} |" for u in UNIFORMS]
    rows += [f"| `{s.name}` | `sampler2D` | {s.says}; {s.width} wide |" for s in SAMPLERS]
    rows.append("| `picture` | `out vec4` | what the scene writes: red, green, blue 0..1 (alpha is ignored) |")
    return "\n".join(["| name | type | what it is |", "|---|---|---|", *rows, ""])
