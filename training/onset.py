"""When a note is heard: from the note-on to the moment its sound is there. Public: Sounding, sounding, AUDIBLE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.002
SEARCH_S = 0.1
# -15 dB of the peak energy. Between the extremes in use: at -20 dB the breath and room noise before a sampled stroke
# starts to count, at -10 dB the beater's click is missed where the drum's body is much louder.
THRESHOLD = 10**-1.5
AUDIBLE = 1e-3  # peak amplitude; the loudest notes have 0.1 to 1


@dataclass(frozen=True)
class Sounding:
    """delay: s from the start to the heard onset. rise: s from there to half the peak energy. peak: amplitude."""

    delay: float
    rise: float
    peak: float

    @property
    def audible(self) -> bool:
        return self.peak > AUDIBLE

    @property
    def sharp(self) -> bool:
        """Whether it marks a moment; a bowed or swelling note does not."""
        return self.audible and self.delay < 0.03 and self.rise < 0.03


def sounding(note: NDArray[np.float32], rate: int) -> Sounding:
    """Measure a note that starts at sample 0. The energy window looks back only, so a step is found where it is."""
    head = note[: round(SEARCH_S * rate)].astype(np.float64)
    width = max(1, round(WINDOW_S * rate))
    total = np.concatenate([np.zeros(width), np.cumsum(head**2)])
    energy = total[width:] - total[:-width]
    peak = float(np.max(np.abs(head), initial=0.0))
    if peak == 0.0:
        return Sounding(0.0, 0.0, 0.0)
    there = int(np.argmax(energy >= THRESHOLD * energy.max()))
    half = int(np.argmax(energy >= 0.5 * energy.max()))
    return Sounding(there / rate, (half - there) / rate, peak)
