"""The few GL things the stage is made of: a full-screen pass, a picture to draw into, the feed of uniforms.

Needs a current GL 3.3 core context; importing it loads the GL library, so the stage does that only after it chose
between a window and EGL. Never opens a window, never reads a clock. Public: CompileError, Program, Target, Feed.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyglet import gl

from engine.state import Moment
from visuals.uniforms import BLOCK, SAMPLERS, SIZE, Frame, pack

VERTEX = """#version 330 core
void main() {  // one triangle that covers the screen, made from nothing but the vertex number
    vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
"""
_BINDING = 7  # of the uniform block; pyglet takes the low numbers for its own
_UNITS = {sampler.name: 4 + index for index, sampler in enumerate(SAMPLERS)}  # texture units of the sound rows


class CompileError(Exception):
    """The compiler's or linker's own words."""


def _log_of(item: int, length_of: Any, text_of: Any) -> str:
    length = gl.GLint()
    length_of(item, gl.GL_INFO_LOG_LENGTH, ctypes.byref(length))
    text = ctypes.create_string_buffer(max(1, length.value))
    text_of(item, len(text), None, text)
    return text.value.decode("utf-8", "replace").strip()


def _shader(kind: int, source: str) -> int:
    shader: int = gl.glCreateShader(kind)
    data = source.encode()
    pointer = ctypes.cast(ctypes.create_string_buffer(data), ctypes.POINTER(gl.GLchar))
    gl.glShaderSource(shader, 1, ctypes.byref(pointer), ctypes.byref(gl.GLint(len(data))))
    gl.glCompileShader(shader)
    done = gl.GLint()
    gl.glGetShaderiv(shader, gl.GL_COMPILE_STATUS, ctypes.byref(done))
    if not done.value:
        said = _log_of(shader, gl.glGetShaderiv, gl.glGetShaderInfoLog)
        gl.glDeleteShader(shader)
        raise CompileError(said)
    return shader


class Program:
    """A fragment shader that fills the current target. CompileError when the driver refuses it."""

    def __init__(self, fragment: str) -> None:
        shaders: list[int] = []
        self.id = 0
        self._places: dict[str, int] = {}
        try:
            shaders.append(_shader(gl.GL_VERTEX_SHADER, VERTEX))
            shaders.append(_shader(gl.GL_FRAGMENT_SHADER, fragment))
            self._link(shaders)
        finally:
            for shader in shaders:
                gl.glDeleteShader(shader)
        self._vertices = gl.GLuint()  # core profile draws nothing without a vertex array, even an empty one
        gl.glGenVertexArrays(1, ctypes.byref(self._vertices))
        gl.glUseProgram(self.id)
        for name, unit in _UNITS.items():
            gl.glUniform1i(self.place(name), unit)
        block = gl.glGetUniformBlockIndex(self.id, ctypes.create_string_buffer(BLOCK.encode()))
        if block != gl.GL_INVALID_INDEX:
            gl.glUniformBlockBinding(self.id, block, _BINDING)

    def _link(self, shaders: list[int]) -> None:
        program = gl.glCreateProgram()
        for shader in shaders:
            gl.glAttachShader(program, shader)
        gl.glLinkProgram(program)
        done = gl.GLint()
        gl.glGetProgramiv(program, gl.GL_LINK_STATUS, ctypes.byref(done))
        if not done.value:
            said = _log_of(program, gl.glGetProgramiv, gl.glGetProgramInfoLog)
            gl.glDeleteProgram(program)
            raise CompileError(said)
        self.id = program

    def place(self, name: str) -> int:
        """Location of a plain uniform; -1, which GL ignores, when the shader does not use it."""
        if name not in self._places:
            text = ctypes.create_string_buffer(name.encode())
            self._places[name] = gl.glGetUniformLocation(self.id, text)
        return self._places[name]

    def draw(self, **values: float) -> None:
        """Fill the current target, with plain float uniforms set first."""
        gl.glUseProgram(self.id)
        for name, value in values.items():
            gl.glUniform1f(self.place(name), value)
        gl.glBindVertexArray(self._vertices)
        gl.glDrawArrays(gl.GL_TRIANGLES, 0, 3)

    def close(self) -> None:
        gl.glDeleteProgram(self.id)
        gl.glDeleteVertexArrays(1, ctypes.byref(self._vertices))


class Target:
    """A picture to draw into, in pixels; `depth` bits a channel, 16 (half float) or 8."""

    def __init__(self, width: int, height: int, depth: int = 16) -> None:
        self.size = (width, height)
        self.texture = gl.GLuint()
        self.frame = gl.GLuint()
        gl.glGenTextures(1, ctypes.byref(self.texture))
        gl.glBindTexture(gl.GL_TEXTURE_2D, self.texture)
        inside, kind = (gl.GL_RGBA16F, gl.GL_HALF_FLOAT) if depth == 16 else (gl.GL_RGBA8, gl.GL_UNSIGNED_BYTE)
        gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, inside, width, height, 0, gl.GL_RGBA, kind, None)
        for name, value in (
            (gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_MAG_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE),
            (gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE),
        ):
            gl.glTexParameteri(gl.GL_TEXTURE_2D, name, value)
        gl.glGenFramebuffers(1, ctypes.byref(self.frame))
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self.frame)
        gl.glFramebufferTexture2D(gl.GL_FRAMEBUFFER, gl.GL_COLOR_ATTACHMENT0, gl.GL_TEXTURE_2D, self.texture, 0)
        status = gl.glCheckFramebufferStatus(gl.GL_FRAMEBUFFER)
        if status != gl.GL_FRAMEBUFFER_COMPLETE:
            raise RuntimeError(f"a picture of {width} x {height}, {depth} bits, can't be drawn into (GL {status:#x})")

    def begin(self) -> None:
        """Send what is drawn from here on into this picture, with nothing left over from a scene before."""
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self.frame)
        gl.glViewport(0, 0, *self.size)
        for state in (gl.GL_BLEND, gl.GL_DEPTH_TEST, gl.GL_SCISSOR_TEST, gl.GL_CULL_FACE):
            gl.glDisable(state)

    def pixels(self) -> NDArray[np.uint8]:
        """uint8[height, width, 3], first row at the top. Waits for the GPU."""
        width, height = self.size
        data = np.empty((height, width, 3), np.uint8)
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self.frame)
        gl.glPixelStorei(gl.GL_PACK_ALIGNMENT, 1)
        pointer = data.ctypes.data_as(ctypes.c_void_p)
        gl.glReadPixels(0, 0, width, height, gl.GL_RGB, gl.GL_UNSIGNED_BYTE, pointer)
        return data[::-1]

    def close(self) -> None:
        gl.glDeleteFramebuffers(1, ctypes.byref(self.frame))
        gl.glDeleteTextures(1, ctypes.byref(self.texture))


class Feed:
    """Uploads a Moment once a frame: the uniform block and the rows of sound, for whatever scenes are drawn after."""

    def __init__(self) -> None:
        self._buffer = gl.GLuint()
        gl.glGenBuffers(1, ctypes.byref(self._buffer))
        gl.glBindBuffer(gl.GL_UNIFORM_BUFFER, self._buffer)
        gl.glBufferData(gl.GL_UNIFORM_BUFFER, SIZE, None, gl.GL_STREAM_DRAW)
        self._rows = [gl.GLuint() for _ in SAMPLERS]
        for sampler, row in zip(SAMPLERS, self._rows, strict=True):
            gl.glGenTextures(1, ctypes.byref(row))
            gl.glActiveTexture(gl.GL_TEXTURE0 + _UNITS[sampler.name])
            gl.glBindTexture(gl.GL_TEXTURE_2D, row)
            gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, gl.GL_R32F, sampler.width, 1, 0, gl.GL_RED, gl.GL_FLOAT, None)
            for name, value in (
                (gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR),
                (gl.GL_TEXTURE_MAG_FILTER, gl.GL_LINEAR),
                (gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE),
                (gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE),
            ):
                gl.glTexParameteri(gl.GL_TEXTURE_2D, name, value)
        gl.glActiveTexture(gl.GL_TEXTURE0)

    def upload(self, moment: Moment, frame: Frame) -> None:
        gl.glBindBuffer(gl.GL_UNIFORM_BUFFER, self._buffer)
        gl.glBufferSubData(gl.GL_UNIFORM_BUFFER, 0, SIZE, pack(moment, frame))
        gl.glBindBufferBase(gl.GL_UNIFORM_BUFFER, _BINDING, self._buffer)
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 4)
        for sampler, row in zip(SAMPLERS, self._rows, strict=True):
            data = getattr(moment.levels, sampler.name)
            gl.glActiveTexture(gl.GL_TEXTURE0 + _UNITS[sampler.name])
            gl.glBindTexture(gl.GL_TEXTURE_2D, row)
            gl.glTexSubImage2D(gl.GL_TEXTURE_2D, 0, 0, 0, sampler.width, 1, gl.GL_RED, gl.GL_FLOAT, data.tobytes())
        gl.glActiveTexture(gl.GL_TEXTURE0)

    def close(self) -> None:
        gl.glDeleteBuffers(1, ctypes.byref(self._buffer))
        for row in self._rows:
            gl.glDeleteTextures(1, ctypes.byref(row))
