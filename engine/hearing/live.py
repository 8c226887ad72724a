"""The listener on host time: what the engine process and a replay both run. Public: LiveListener.

Still pure: host times are told to it with each block. So a recorded session, fed again, gives the same States to the
last bit.
"""

from __future__ import annotations

import math

import numpy as np

from engine.clock import SampleClock
from engine.hearing import ListenerSettings
from engine.hearing.listener import Listener
from engine.state import Floats, State

# Seconds of host time without an earlier block after which the clock counts as settled; until then only it sees the
# blocks. A stream begins with a backlog, told late by up to 0.2 s: a line carried over by such a clock would move when
# the clock finds its edge (seen: 130 to 180 ms early for 3 s after a restart).
_SETTLE = 0.2
_EARLIER = 0.001  # seconds
_PATIENCE = 2.0  # seconds of stream after which it is settled enough
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
        self._heard = 0  # samples, those waiting included
        self._listener: Listener | None = None
        self._earliest, self._earliest_at = math.inf, 0.0  # least host - stream so far, and the host time of it
        self._waiting: list[Floats] = []  # samples that wait for the clock to settle

    def hear(self, samples: Floats, host: float, overflowed: bool = False) -> list[State]:
        """float32[n] mono and the host time by which its last sample was at the input -> States in host time.

        overflowed: samples were dropped before this block; how many is told from how late the block is.
        """
        if overflowed and self._listener is not None:
            samples = self._bridged(samples, host)
        self._heard += samples.size
        self.clock.observe(self._heard / self.rate, host)
        if self._listener is None:
            self._waiting.append(samples)
            if not self._settled(host):
                return []
            samples = np.concatenate(self._waiting)
            self._waiting.clear()
            self._listener = self._begin()
        return [self._told(state) for state in self._listener.push(samples)]

    def _begin(self) -> Listener:
        if self._seed is None:
            return Listener(self._settings, self.rate, epoch=self._epoch)
        offset, slope = self.clock.offset, self.clock.slope
        return Listener(self._settings, self.rate, self._seed.mapped(-offset / slope, 1.0 / slope))

    def _settled(self, host: float) -> bool:
        seconds = self._heard / self.rate
        if host - seconds < self._earliest - _EARLIER:
            self._earliest, self._earliest_at = host - seconds, host
        return host - self._earliest_at > _SETTLE or seconds > _PATIENCE

    def _bridged(self, samples: Floats, host: float) -> Floats:
        expected = self.clock.host_of((self._heard + samples.size) / self.rate)
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
