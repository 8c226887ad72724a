"""The first tracker: aubio.tempo behind the line fitter. Selectable as `tracker = "aubio"`, kept for comparison.

Public: AubioTracker. Source: P. Brossier, Automatic Annotation of Musical Audio for Interactive Applications (2006);
M. Davies and M. Plumbley, Causal tempo tracking of audio (2004).
"""

from __future__ import annotations

import aubio
import numpy as np

from engine.hearing.bars import BarGuess
from engine.hearing.beats import LineFitter, Track
from engine.hearing.frames import hop_for
from engine.state import Floats, State

# aubio's tempo loses its count in digital silence. A floor at -60 dBFS keeps it going and makes it better all round
# (dev set, 71 excerpts: F 0.682 without, 0.720 with).
_FLOOR = 1e-3
# Full scale: a peak below this is silence. There aubio goes on telling beats of its own making, which sat so well on
# the line that trust in it was 0.98 after 30 s of silence, while the tempo drifted from 126 to 121.6.
_SILENCE = 3e-4
_PAUSE = 1.0  # seconds of silence that belong to the music


class AubioTracker:
    """Implements Tracker. Bars are guessed from the low end (bars.py); their metre is the one it was given."""

    drums = False

    def __init__(self, rate: int, seed: State, *, bpm: tuple[float, float]) -> None:
        self.hop = hop_for(rate, 256)
        self._rate = rate
        self._tempo = aubio.tempo("default", 4 * self.hop, self.hop, rate)
        self._floor = np.random.default_rng(0).normal(0.0, _FLOOR, 256 * self.hop).astype(np.float32)
        self._frames = 0
        known = seed.confidence > 0.0
        self._fitter = LineFitter(
            seed.grid, shortest=60.0 / bpm[1], longest=60.0 / bpm[0], known=known, told=seed.tempo_told
        )
        self._bars = BarGuess(rate, seed.bar_confidence, told=seed.bars_told)
        self._bar_confidence = seed.bar_confidence
        self._sounded = 0.0  # stream time in seconds of the newest frame that was not silent

    def push(self, frame: Floats, end: float) -> Track | None:
        at = (self._frames % 256) * self.hop
        self._frames += 1
        if float(np.abs(frame).max()) > _SILENCE:
            self._sounded = end
        if self._tempo(frame + self._floor[at : at + self.hop])[0] and end - self._sounded < _PAUSE:
            self._fitter.beat(end - self._behind() / self._rate)
        self._fitter.grid, bars = self._bars.push(frame, end, self._fitter.grid)
        self._bar_confidence = bars * min(1.0, 2.0 * self._fitter.confidence(end))
        return self._told(end)

    def _behind(self) -> int:
        """Samples from the newest beat to the end of the newest frame.

        aubio counts samples in 32 bits (a day at 48 kHz), and its get_last_s is a 32-bit float (3 ms off after 12 h).
        """
        return (self._frames * self.hop - int(self._tempo.get_last()) + 2**31) % 2**32 - 2**31

    def hint(self, hint: str, time: float, amount: float) -> Track | None:
        if not self._fitter.hint(hint, time, amount):
            return None
        if hint == "resync":
            self._bars, self._bar_confidence = BarGuess(self._rate), 0.0
        if hint == "downbeat":
            self._bars.tell()
            self._bar_confidence = 1.0
        return self._told(time)

    def _told(self, time: float) -> Track:
        confidence = self._fitter.confidence(time)
        bars, told = self._bars.told, self._fitter.told
        return Track(self._fitter.grid, confidence, self._bar_confidence, bars_told=bars, tempo_told=told)
