"""What a style is: the data from which songs are drawn. The rows themselves are in club, bands, world and quiet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """One row of the table. Grids divide a bar evenly (see grids.py); programs are General MIDI, 0..127.

    bpm: slowest, usual and fastest tap, beats a minute. beats: length of a bar in beats; `taps` says where the beats of
    a bar lie when they are not 0, 1, 2... (7/8 tapped 2+2+3). triple: a beat divides into three. swing: least and
    greatest depth (1 = triplet) and what swings (8 or 16). hats, perc: names of layers.LAYERS, several joined by "+".
    bass, comp: grids of training.styles.bass and .comp. chord_bars: bars a chord lasts. timing: a key of
    touch.TOUCH. form: a key of form.FORMS. drums: chance that there are any. thin: leave out 16ths when fast.
    """

    name: str
    about: str
    bpm: tuple[float, float, float]
    weight: float = 1.0
    beats: float = 4.0
    taps: tuple[float, ...] = ()
    triple: bool = False
    kick: tuple[str, ...] = ()
    snare: tuple[str, ...] = ()
    hats: tuple[str, ...] = ("hat8", "hat16", "hat4", "ride8")
    perc: tuple[str, ...] = ("tamb8", "shaker16", "tambback", "clap", "shaker8")
    perc_rate: float = 0.3
    snares: tuple[int, ...] = (38, 38, 40)
    kits: tuple[int, ...] = (0, 0, 8, 16)
    swing: tuple[float, float, int] = (0.0, 0.0, 16)
    bass: tuple[str, ...] = ("=kick", "R...r...r...r...", "*rr")
    basses: tuple[int, ...] = (33, 34, 35, 36)
    comp: tuple[str, ...] = ("block x...", "strum X.xoxoxo", "arp *xx")
    comps: tuple[int, ...] = (0, 4, 24, 25, 26, 27)
    leads: tuple[int, ...] = (52, 53, 54, 85, 73, 65, 80, 27)
    lead_rate: float = 0.6
    pads: tuple[int, ...] = (48, 50, 89, 91, 16)
    pad_rate: float = 0.35
    harmony: str = "pop"
    chord_bars: tuple[float, ...] = (1.0, 1.0, 1.0, 0.5, 2.0)
    timing: str = "human"
    form: str = "song"
    drums: float = 0.94
    thin: bool = True

    def bar_taps(self) -> tuple[float, ...]:
        """Where the beats lie in a bar, in beats from its start."""
        return self.taps or tuple(float(k) for k in range(int(self.beats)))

    def draw_bpm(self, rng: np.random.Generator) -> float:
        """Mostly near the usual tempo, in a quarter of the songs anywhere: the octave must show in the pattern."""
        low, usual, high = np.log(self.bpm)
        log = rng.uniform(low, high) if rng.random() < 0.25 else rng.normal(usual, (high - low) / 5.0)
        return float(np.exp(np.clip(log, low, high)))
