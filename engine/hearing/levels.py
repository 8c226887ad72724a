"""Levels: how loud what is, adapted so that a whisper and a wall of speakers both use the whole range.

Public: LevelMeter, Heard. Frame of about 12 ms in, engine.state.Levels out.

Loudness is the RMS of a frame in dB against a reference that follows louder within 0.25 s and forgets within 12 s:
30 dB span 0 to 1. Energy is the mean power of 2 s against the song's loudest such stretch (forgotten within 45 s):
14 dB span 0 to 1. Brightness is the spectral centroid (magnitude-weighted mean of log frequency) from 250 to 3500 Hz,
in octaves, over 3 s. Mood: see mood.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from engine.hearing.frames import hop_for
from engine.hearing.mood import MoodMeter, brightness_of
from engine.hearing.spectrum import Spectrum, band_matrix, log_bands
from engine.hearing.strikes import Strike, StrikeMeter
from engine.state import BANDS, SPECTRUM, WAVEFORM, Floats, Levels

_SPAN = 30.0  # dB from 0 to 1: what a listener calls quiet to loud inside one song
_SILENCE = 10 ** (-65.0 / 20.0)  # full scale: below this nothing is adapted to (a -45 dBFS song is music, hiss is not)
_NOTHING = 1e-9  # full scale: references never fall below, so that they can be divided by
_RISE, _FALL = 0.25, 12.0  # seconds for the reference to follow louder, and to forget
_ENERGY = 2.0  # seconds over which energy is felt
_ENERGY_SPAN = 14.0  # dB between a breakdown and a drop of the same song
_MEMORY = 45.0  # seconds: how long a song's loudest stretch stays the measure of its energy
_LOW = ("sub", "bass")  # bands whose power is the low end


@dataclass(frozen=True, slots=True)
class Heard:
    """What a frame was, for sections. power: mean square, full scale 1. low: the spectrum's from 20 to 250 Hz, in
    units of its own. brightness: 0..1, of this frame alone.
    """

    power: float = 0.0
    low: float = 0.0
    brightness: float = 0.0
    strike: Strike = field(default_factory=Strike)


class LevelMeter:
    """push float32[hop] frames; `levels` is the newest Levels."""

    def __init__(self, rate: int) -> None:
        self.hop = hop_for(rate, 512)
        self.levels = Levels()
        self.heard = Heard()
        window = 4 * self.hop
        self._spectrum = Spectrum(window, self.hop)
        self._step = self.hop / rate
        self._bands = band_matrix(list(BANDS.values()), window, rate)
        rows = log_bands(SPECTRUM, 30.0, min(16000.0, rate / 2))
        self._rows = band_matrix(rows, window, rate)
        # Music falls by some 4 dB an octave; lifting by 3 lets the right end of the picture live too.
        self._tilt = np.sqrt(np.array([math.sqrt(a * b) for a, b in rows]) / 1000.0).astype(np.float32)
        self._log_f = np.log(np.maximum(np.arange(window // 2 + 1) * rate / window, 20.0))
        self._wave_step = max(1, round(rate / 22050))  # 512 samples show 23 ms at any rate
        self._wave = np.zeros(WAVEFORM * self._wave_step, np.float32)
        self._reference = _NOTHING
        self._band_reference = np.full(len(BANDS), _NOTHING)
        self._row_reference = _NOTHING
        self._slow_power = 0.0
        self._loudest = _SILENCE**2
        self._brightness = 0.5
        self._strikes = StrikeMeter(self._step, rate)
        self._mood = MoodMeter(self._step)
        widths = [high - low if name in _LOW else 0.0 for name, (low, high) in BANDS.items()]
        self._low = np.array(widths) / (rate / window)  # band means back to sums over bins

    def push(self, frame: Floats) -> Levels:
        power = float(np.dot(frame, frame)) / frame.size
        rms = math.sqrt(power)
        magnitudes = self._spectrum.push(frame)
        squares = magnitudes * magnitudes
        bands = np.sqrt(self._bands @ squares).astype(np.float64)
        rows = np.sqrt(self._rows @ squares) * self._tilt
        self._reference = self._follow(self._reference, rms)
        for i, level in enumerate(bands):
            self._band_reference[i] = self._follow(float(self._band_reference[i]), float(level))
        self._row_reference = self._follow(self._row_reference, float(rows.max()))
        # What is silence is a matter of the whole: a band of quiet music lies far below it. Under it all levels fall
        # twice as fast as the sound, so that an input's hiss shows nothing (-80 dBFS: 0).
        hush = max(1.0, _SILENCE / self._reference) ** 2
        # A band counts as present only against the whole mix: without this a bassless song would show hum as bass.
        floor = float(self._band_reference.max()) * 10 ** (-40.0 / 20.0)
        self._slow_power += (power - self._slow_power) * min(1.0, self._step / _ENERGY)
        self._loudest = max(self._slow_power, self._loudest * math.exp(-self._step / _MEMORY), _SILENCE**2)
        below = 10.0 * math.log10(max(self._slow_power, 1e-20) / self._loudest)
        energy = min(max(1.0 + below / _ENERGY_SPAN, 0.0), 1.0) if self._slow_power > _SILENCE**2 else 0.0
        bright = 0.0
        if rms > _NOTHING:
            # By how much of the music it is: what hisses between its sounds has a say only when it is loud itself.
            share = min(1.0, rms / (self._reference * hush))
            bright = brightness_of(float(self._log_f @ magnitudes) / float(magnitudes.sum()))
            self._brightness += (bright - self._brightness) * share * min(1.0, self._step / 3.0)
        # An input's hiss rises and falls too.
        strike = self._strikes.push(rows) if self._reference > _SILENCE else Strike()
        self.heard = Heard(power, float(self._low @ (bands * bands)), bright, strike)
        self._wave = np.concatenate((self._wave[frame.size :], frame[-self._wave.size :]))
        gain = 0.25 / (self._reference * hush)
        self.levels = Levels(
            loudness=_level(rms, self._reference * hush),
            energy=energy,
            brightness=self._brightness,
            mood=self._mood.push(strike, power, energy, self._brightness),
            bands=tuple(_level(b, max(r, floor) * hush) for b, r in zip(bands, self._band_reference, strict=True)),
            spectrum=_row_levels(rows, np.float32(self._row_reference * hush)),
            waveform=np.minimum(np.maximum(self._wave[:: self._wave_step] * np.float32(gain), -1.0), 1.0),
        )
        return self.levels

    def _follow(self, reference: float, level: float) -> float:
        toward = _RISE if level > reference else _FALL
        return max(_NOTHING, reference + (level - reference) * (1.0 - math.exp(-self._step / toward)))


def _level(value: float, reference: float) -> float:
    """0..1 on a dB scale; a level a little above the adapted reference is 1."""
    if value <= _NOTHING:
        return 0.0
    return min(max(1.0 + (20.0 * math.log10(value / reference) - 6.0) / _SPAN, 0.0), 1.0)


def _row_levels(rows: Floats, reference: np.float32) -> Floats:
    decibels = 20.0 * np.log10(np.maximum(rows, 1e-7) / np.float32(reference)) - 3.0
    levels: Floats = np.minimum(np.maximum(1.0 + decibels * np.float32(1.0 / 42.0), 0.0), 1.0)
    return levels
