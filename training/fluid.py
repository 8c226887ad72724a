"""SoundFont synthesis in this process: libfluidsynth through ctypes, one synth per font, kept for all songs.

Debian: libfluidsynth3 with fluid-soundfont-gm, musescore-general-soundfont, timgm6mb-soundfont, opl3-soundfont.
Notes start on blocks of 64 samples, as fluidsynth works; `FluidFont.play` returns the moments they really start at.
Public: FluidFont, font, font_paths, available, MELODIC, DRUMS.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.onset import Sounding, sounding

BLOCK = 64
MELODIC, DRUMS = 0, 128  # SoundFont banks
DECAY_S = 0.12  # of a measured note: onsets later than 0.1 s are no onsets
FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts")
KNOWN = ("FluidR3_GM.sf2", "MuseScore_General.sf3", "TimGM6mb.sf2", "OPL-3_FM_128M.sf2")  # those that hold all of GM
Floats = NDArray[np.float32]


@cache
def _library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("fluidsynth") or "libfluidsynth.so.3"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        return None
    number, pointer = ctypes.c_int, ctypes.c_void_p
    signatures = {
        "new_fluid_settings": (pointer, ()),
        "fluid_settings_setnum": (number, (pointer, ctypes.c_char_p, ctypes.c_double)),
        "fluid_settings_setint": (number, (pointer, ctypes.c_char_p, number)),
        "new_fluid_synth": (pointer, (pointer,)),
        "fluid_synth_sfload": (number, (pointer, ctypes.c_char_p, number)),
        "fluid_synth_program_select": (number, (pointer, number, number, number, number)),
        "fluid_synth_noteon": (number, (pointer, number, number, number)),
        "fluid_synth_noteoff": (number, (pointer, number, number)),
        "fluid_synth_all_sounds_off": (number, (pointer, number)),
        "fluid_synth_reverb_on": (number, (pointer, number, number)),
        "fluid_synth_set_reverb_group_roomsize": (number, (pointer, number, ctypes.c_double)),
        "fluid_synth_set_interp_method": (number, (pointer, number, number)),
        "fluid_synth_write_float": (number, (pointer, number, pointer, number, number, pointer, number, number)),
        "fluid_set_log_function": (pointer, (number, pointer, pointer)),
    }
    for function, (result, arguments) in signatures.items():
        getattr(lib, function).restype = result
        getattr(lib, function).argtypes = arguments
    for level in range(5):
        lib.fluid_set_log_function(level, None, None)  # it warns about every drum key a kit lacks
    return lib


def available() -> bool:
    """Whether there is both the library and a font."""
    return _library() is not None and bool(font_paths())


@cache
def font_paths() -> tuple[Path, ...]:
    """The General MIDI fonts found, in the order of KNOWN."""
    return tuple(path for name in KNOWN for path in [Path(folder) / name for folder in FOLDERS] if path.exists())


@cache
def font(path: Path, rate: int = 44100) -> FluidFont:
    """The font at path, loaded once per rate."""
    return FluidFont(path, rate)


class FluidFont:
    """One SoundFont ready to play. Each program gets a MIDI channel of its own when first used and keeps it, so that
    its samples stay loaded."""

    def __init__(self, path: Path, rate: int) -> None:
        lib = _library()
        if lib is None:
            raise RuntimeError("libfluidsynth is not installed: apt install libfluidsynth3")
        self.name, self.rate, self._lib = path.stem, rate, lib
        settings = lib.new_fluid_settings()
        lib.fluid_settings_setnum(settings, b"synth.sample-rate", float(rate))
        lib.fluid_settings_setnum(settings, b"synth.gain", 0.5)
        options = {"midi-channels": 256, "polyphony": 80, "dynamic-sample-loading": 1, "threadsafe-api": 0}
        for key, value in {**options, "reverb.active": 0, "chorus.active": 0}.items():
            lib.fluid_settings_setint(settings, f"synth.{key}".encode(), value)
        self._synth = lib.new_fluid_synth(settings)
        self._font = lib.fluid_synth_sfload(self._synth, str(path).encode(), 0)
        if self._font < 0:
            raise RuntimeError(f"{path}: fluidsynth cannot load it")
        lib.fluid_synth_set_interp_method(self._synth, -1, 1)  # linear: half the time of fourth order
        self._channels: dict[tuple[int, int], int] = {}
        self._measured: dict[tuple[int, int, int, int], Sounding] = {}

    def _channel(self, bank: int, program: int) -> int:
        if (bank, program) not in self._channels:
            free = len(set(self._channels.values()))
            found = self._lib.fluid_synth_program_select(self._synth, free, self._font, bank, program) == 0
            # A program that the font lacks is played by program 0 of its bank, as players do.
            self._channels[bank, program] = free if found or program == 0 else self._channel(bank, 0)
        return self._channels[bank, program]

    def play(
        self, notes: NDArray[np.float64], seconds: float, bank: int, program: int, room: float = 0.0
    ) -> tuple[Floats, NDArray[np.float64]]:
        """Mono sound of notes (rows as in Part), and the start of each note (s, in order of notes). room: 0..1 of
        the synth's own reverb."""
        channel = self._channel(bank, program)
        blocks = max(1, int(np.ceil(seconds * self.rate / BLOCK)))
        on = np.clip(np.rint(notes[:, 0] * self.rate / BLOCK), 0, blocks).astype(int)
        off = np.maximum(on + 1, np.rint((notes[:, 0] + notes[:, 1]) * self.rate / BLOCK).astype(int))
        keys, velocities = np.clip(notes[:, 2], 0, 127).astype(int), np.clip(notes[:, 3], 1, 127).astype(int)
        events = [(b, 0, k, 0) for b, k in zip(off.tolist(), keys.tolist(), strict=True) if b < blocks]
        rows = zip(on.tolist(), keys.tolist(), velocities.tolist(), strict=True)
        events += [(b, 1, k, v) for b, k, v in rows if b < blocks]
        events.sort()
        self._lib.fluid_synth_reverb_on(self._synth, -1, int(room > 0))
        if room > 0:
            self._lib.fluid_synth_set_reverb_group_roomsize(self._synth, -1, room)
        out = np.zeros((2, blocks * BLOCK), np.float32)
        done = 0
        for block, start, key, velocity in events:
            if block > done:
                self._write(out, done, block)
                done = block
            if start:
                self._lib.fluid_synth_noteon(self._synth, channel, key, velocity)
            else:
                self._lib.fluid_synth_noteoff(self._synth, channel, key)
        self._write(out, done, blocks)
        self._quiet(channel, room > 0)
        return out.mean(axis=0)[: round(seconds * self.rate)], on * (BLOCK / self.rate)

    def _write(self, out: Floats, start: int, stop: int) -> None:
        if stop > start:
            left, right = (out.ctypes.data + 4 * (side * out.shape[1] + start * BLOCK) for side in (0, 1))
            self._lib.fluid_synth_write_float(self._synth, (stop - start) * BLOCK, left, 0, 1, right, 0, 1)

    def _quiet(self, channel: int, echoes: bool) -> None:
        """End all sound before the next song; a reverb is run empty, because it keeps its tail even while off."""
        self._lib.fluid_synth_all_sounds_off(self._synth, channel)
        blocks = round(3.0 * self.rate / BLOCK) if echoes else 4
        self._write(np.zeros((2, blocks * BLOCK), np.float32), 0, blocks)

    def measured(self, bank: int, program: int, key: int, velocity: float) -> Sounding:
        """How a single note sounds: velocities in classes of 32, melodic keys in classes of 4 semitones."""
        level = int(np.clip(velocity, 1, 127)) // 32 * 32 + 16
        key = key if bank == DRUMS else key // 4 * 4 + 2
        place = (bank, program, key, level)
        if place not in self._measured:
            note = np.array([[0.0, DECAY_S, key, level]])
            self._measured[place] = sounding(self.play(note, DECAY_S, bank, program)[0], self.rate)
        return self._measured[place]
