"""From the scene's picture to the screen: one full-screen pass, which also fades to black and dithers.

Here is the one place where the finished picture passes before anybody sees it. Public: Curtain, Presenter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyglet import gl

from visuals.canvas import Program, Target

FADE = 0.15  # seconds from picture to black: quick enough for a cut on the beat, no hard flash

_PRESENT = """#version 330 core
uniform sampler2D scene;
uniform float open;  // 1 picture, 0 black
uniform float width, height;  // pixels of the screen; the scene's picture may have fewer
out vec4 colour;
void main() {
    vec3 light = texture(scene, gl_FragCoord.xy / vec2(width, height)).rgb * open;
    // Interleaved gradient noise (Jimenez 2014): half a step of 8 bits either way hides the steps of dark gradients.
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    colour = vec4(light + noise / 255.0, 1.0);
}
"""


class Curtain:
    """Blackout: closes and opens over FADE seconds of the time it is told."""

    def __init__(self) -> None:
        self.closed = False
        self._open = 1.0
        self._time: float | None = None

    def at(self, time: float) -> float:
        """1 open to 0 black at a time in seconds that never falls."""
        step = (time - self._time) / FADE if self._time is not None else 0.0
        self._time = time
        self._open = min(1.0, max(0.0, self._open + (-step if self.closed else step)))
        return self._open


class Presenter:
    """Owns the picture that scenes draw into and puts it on a screen of `size` pixels."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.target = Target(*size)
        self._program = Program(_PRESENT)

    def resize(self, size: tuple[int, int], share: float = 1.0) -> None:
        """The screen has `size` pixels, of which the scene draws `share` across and down."""
        self.size = size
        inner = (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
        if inner != self.target.size:
            self.target.close()
            self.target = Target(*inner)

    def present(self, frame: int, opened: float) -> None:
        """Draw the picture into a framebuffer of the screen's size (0: the window), `opened` 1 to 0 towards black."""
        # The flash limiter's place: it will stand here, between the scene's picture and all eyes.
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, frame)
        gl.glViewport(0, 0, *self.size)
        for state in (gl.GL_BLEND, gl.GL_DEPTH_TEST, gl.GL_SCISSOR_TEST, gl.GL_CULL_FACE):
            gl.glDisable(state)
        gl.glActiveTexture(gl.GL_TEXTURE0)
        gl.glBindTexture(gl.GL_TEXTURE_2D, self.target.texture)
        self._program.draw(open=opened, width=float(self.size[0]), height=float(self.size[1]))

    def pixels(self, opened: float) -> NDArray[np.uint8]:
        """What the screen shows, without anything lying over it: uint8[height, width, 3], first row at the top."""
        copy = Target(*self.size, depth=8)
        self.present(copy.frame.value, opened)
        data = copy.pixels()
        copy.close()
        return data

    def close(self) -> None:
        self.target.close()
        self._program.close()
