"""Mood: how calm or frantic the music is, 0..1, for palettes. What it is (happy or sad) is another matter.

Public: MoodMeter, brightness_of.
"""

from __future__ import annotations

import math

from engine.hearing.strikes import Strike

_ONSET = 0.2  # rise (ln) that is an onset; pads and voices stay below
_USUAL = 1.8  # times the rise of the last seconds it must reach
_REST = 0.07  # seconds until the next: 14 a second is as fast as anything is played
_FELT = 4.0  # seconds over which mood is felt
_WHOLE = 0.8  # rise of an onset that counts whole; a soft one counts less
_BUSY = 4.5  # whole onsets a second that leave nothing to add: drum and bass, a full four to the floor
_SUDDEN = 0.45  # share of sudden power in music that is nearly all drums
_DARK, _BRIGHT = 250.0, 3500.0  # Hz: spectral centroids of brightness 0 and 1


def brightness_of(log_centroid: float) -> float:
    """0 dark to 1 bright: where the spectral centroid (given as ln Hz) lies from 250 to 3500 Hz, in octaves."""
    return min(max((log_centroid - math.log(_DARK)) / math.log(_BRIGHT / _DARK), 0.0), 1.0)


class MoodMeter:
    """push each frame: the mood, (0.6 busy + 0.2 percussive + 0.2 brightness) (0.4 + 0.6 energy), felt over 4 s.

    Below busy 0.2 the two beside it count less and less, so that silence is 0.
    busy: onsets a second, soft ones counting less, of 4.5. percussive: share of power that is sudden, of 0.45. Those
    and brightness compare songs; energy, loudness against the song's own loudest, the parts of one song.
    """

    def __init__(self, step: float) -> None:
        """step: seconds a frame."""
        self._step = step
        self._usual = 0.0
        self._rested = 0.0  # seconds since the newest onset
        self._rate = 0.0  # onsets a second, weighted
        self._power = self._sudden = 0.0

    def push(self, strike: Strike, power: float, energy: float, brightness: float) -> float:
        """power: of the frame, any unit. energy, brightness: 0..1, see Levels."""
        onset = self._rested >= _REST and strike.broad > max(_ONSET, _USUAL * self._usual)
        weight = min(1.0, strike.broad / _WHOLE) if onset else 0.0
        self._rested = 0.0 if onset else self._rested + self._step
        self._usual += (strike.broad - self._usual) * min(1.0, self._step / 1.5)
        felt = min(1.0, self._step / _FELT)
        self._rate += (weight / self._step - self._rate) * felt
        self._power += (power - self._power) * felt
        self._sudden += (strike.sudden * power - self._sudden) * felt
        percussive = self._sudden / self._power if self._power > 0.0 else 0.0
        busy, drums = min(1.0, self._rate / _BUSY), min(1.0, percussive / _SUDDEN)
        return (0.6 * busy + 0.2 * (drums + brightness) * min(1.0, busy / 0.2)) * (0.4 + 0.6 * energy)
