"""One table fills the shader, the bytes and the docs."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import replace
from typing import Any

import pytest

from engine.roles import ROLES
from engine.state import BANDS, KINDS, Hits, Moment
from visuals.uniforms import BLOCK, NEVER, SAMPLERS, SIZE, UNIFORMS, Frame, declarations, offsets, pack, uniform_docs

FRAME = Frame(320, 180, 4100.5)


def values(moment: Moment, frame: Frame = FRAME) -> dict[str, Any]:
    data, places = pack(moment, frame), offsets()
    code = {"float": "<f", "int": "<i", "vec2": "<2f"}
    read = {u.name: struct.unpack_from(code[u.glsl], data, places[u.name]) for u in UNIFORMS}
    return {name: value[0] if len(value) == 1 else value for name, value in read.items()}


def test_every_role_band_and_drum_has_its_row() -> None:
    names = [u.name for u in UNIFORMS]
    assert len(names) == len(set(names))
    assert {f"role_{name}" for name in ROLES} | {f"band_{name}" for name in BANDS} <= set(names)
    assert {f"{kind}_{what}" for kind in KINDS for what in ("count", "strength", "since")} <= set(names)


def test_docs_and_declarations_name_every_row() -> None:
    for name in [u.name for u in UNIFORMS] + [s.name for s in SAMPLERS]:
        assert f" {name};" in declarations()
        assert f"| `{name}` |" in uniform_docs()


def test_values_are_those_of_the_moment(at_beat: Any) -> None:
    moment = at_beat(18.25, bass=0.7, since=0.04)
    got = values(moment)
    assert got["resolution"] == (320.0, 180.0)
    assert got["time"] == pytest.approx(4.5)
    assert got["beat"] == pytest.approx(18.25)
    assert got["beat_phase"] == pytest.approx(0.25)
    assert got["bar"] == pytest.approx(4.5625)
    assert got["beat_in_bar"] == 3
    assert got["bpm"] == pytest.approx(120.0)
    assert got["band_bass"] == pytest.approx(0.7)
    assert got["snare_count"] == 7
    assert got["snare_since"] == pytest.approx(0.04)
    for role in ROLES.values():
        assert got[f"role_{role.name}"] == pytest.approx(role.value(moment), abs=1e-6)


@pytest.mark.parametrize("beat", [4095.999, 100_000.37, -3.25])
def test_counts_keep_their_fraction_however_long_the_night(at_beat: Any, beat: float) -> None:
    got = values(at_beat(beat))
    assert 0.0 <= got["beat"] <= 4096.0
    assert got["beat"] == pytest.approx(beat % 4096.0, abs=5e-4)
    assert got["beat_phase"] == pytest.approx(beat % 1.0, abs=1e-6)


def test_a_hit_that_never_was_is_long_ago_but_finite(at_beat: Any) -> None:
    moment = at_beat(1.0)
    silent = Moment.at(replace(moment.state, hits=Hits()), moment.time)
    assert values(silent)["kick_since"] == NEVER


def test_the_driver_puts_every_uniform_where_the_table_does(context: None) -> None:
    """std140 read back from the compiled program: names, offsets, types and the block's size."""
    from pyglet import gl

    from visuals.canvas import Program
    from visuals.scene import fragment

    program = Program(fragment("void main() { picture = vec4(beat); }"))
    kinds = {gl.GL_FLOAT: "float", gl.GL_INT: "int", gl.GL_FLOAT_VEC2: "vec2"}

    def ask(index: int, what: int) -> int:
        answer = gl.GLint()
        gl.glGetActiveUniformsiv(program.id, 1, ctypes.byref(gl.GLuint(index)), what, ctypes.byref(answer))
        return answer.value

    count = gl.GLint()
    gl.glGetProgramiv(program.id, gl.GL_ACTIVE_UNIFORMS, ctypes.byref(count))
    found = {}
    for index in range(count.value):
        name = ctypes.create_string_buffer(64)
        gl.glGetActiveUniformName(program.id, index, 64, None, name)
        if ask(index, gl.GL_UNIFORM_BLOCK_INDEX) >= 0:
            found[name.value.decode()] = (ask(index, gl.GL_UNIFORM_OFFSET), kinds[ask(index, gl.GL_UNIFORM_TYPE)])
    places = offsets()
    assert found == {u.name: (places[u.name], u.glsl) for u in UNIFORMS}
    block = gl.glGetUniformBlockIndex(program.id, ctypes.create_string_buffer(BLOCK.encode()))
    size = gl.GLint()
    gl.glGetActiveUniformBlockiv(program.id, block, gl.GL_UNIFORM_BLOCK_DATA_SIZE, ctypes.byref(size))
    assert size.value == SIZE
    program.close()


def test_a_scene_reads_what_was_uploaded(draw: Any, at_beat: Any, tmp_path: Any) -> None:
    scene = tmp_path / "probe.frag"
    scene.write_text(
        "void main() { picture = vec4(beat_phase, texture(spectrum, vec2(0.0, 0.5)).r,"
        " 0.5 + texture(waveform, vec2(gl_FragCoord.x / resolution.x, 0.5)).r, 1.0); }"
    )
    moment = at_beat(2.5)
    pixels = draw(scene, moment, (512, 8)) / 255.0
    assert pixels[4, 100, 0] == pytest.approx(0.5, abs=0.01)
    assert pixels[4, 100, 1] == pytest.approx(0.8, abs=0.01)
    assert pixels[4, :, 2] == pytest.approx(0.5 + moment.levels.waveform, abs=0.01)
