"""The listener on host time: what the engine process and a replay both run. Public: LiveListener.

Still pure: host times are told to it with each block. So a recorded session, fed again, gives the same States to the
last bit.
"""

from __future__ import annotations

import numpy as np

from engine.clock import SampleClock
from engine.hearing import ListenerSettings
from engine.hearing.listener import Listener
from engine.state import Floats, State

_BRIDGE = 1.0  # seconds of lost samples that are bridged with silence; after more, the stream has to begin anew


class LiveListener:
    """One opening of a source, from its first block to its last; `seed` carries the line over from the one before."""

    def __init__(self, settings: ListenerSettings, rate: int, seed: State | None, epoch: int) -> None:
        """seed: State in host time to go on from, or None. epoch: of the line when there is no seed."""
        self.rate = rate
        self.clock = SampleClock()
        self.lost = 0  # samples bridged
        self._settings = settings
        self._seed, self._epoch = seed, epoch
        self._listener: Listener | None = None

    def hear(self, samples: Floats, host: float, overflowed: bool = False) -> list[State]:
        """float32[n] mono and the host time by which its last sample was at the input -> States in host time.

        overflowed: samples were dropped before this block; how many is told from how late the block is.
        """
        if self._listener is None:
            self.clock.observe(samples.size / self.rate, host)
            self._listener = self._begin()
        elif overflowed:
            samples = self._bridged(samples, host)
        end = (self._listener.heard_in + samples.size) / self.rate
        self.clock.observe(end, host)
        return [self._told(state) for state in self._listener.push(samples)]

    def _begin(self) -> Listener:
        if self._seed is None:
            return Listener(self._settings, self.rate, epoch=self._epoch)
        offset, slope = self.clock.offset, self.clock.slope
        return Listener(self._settings, self.rate, self._seed.mapped(-offset / slope, 1.0 / slope))

    def _bridged(self, samples: Floats, host: float) -> Floats:
        assert self._listener is not None
        expected = self.clock.host_of((self._listener.heard_in + samples.size) / self.rate)
        missing = min(round((host - expected) * self.rate), round(_BRIDGE * self.rate))
        if missing <= samples.size:  # within the jitter of one block: nothing to tell it by
            return samples
        self.lost += missing
        return np.concatenate((np.zeros(missing, np.float32), samples))

    def hint(self, hint: str, host: float, amount: float) -> State | None:
        """A person's word at a host time (HINTS in listener.py): the State it leads to, None when not followed."""
        if self._listener is None or not self._listener.hint(hint, self.clock.stream_of(host), amount):
            return None
        return self._told(self._listener.state())

    def _told(self, state: State) -> State:
        return state.mapped(self.clock.offset, self.clock.slope)
