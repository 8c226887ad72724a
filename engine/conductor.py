"""The conductor: what is due for each output, its latency early. Pure over the host time it is given.

For an output of latency L, "now" is host time + L: the instant at which what it sends takes effect. Beats are
remembered by number, not by time, so a correction of the line can neither repeat nor lose one: it comes a little
sooner or later instead. Hits can't be predicted; they are told at once. Public: Conductor, Lane.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from engine.faults import Lost
from engine.grid import EPSILON
from engine.outputs import Beat, Cue, Output, Struck
from engine.state import KINDS, Moment, State

_LATE = 0.005  # seconds: a beat sent later than this after it was due counts as late
_FLOOD = 4  # beats due at once: more means the process slept or the line was replaced; only the newest is told. As many
# back mean that it was replaced too (the stream broke off and went on later): waiting for them would be a pause.
_IDLE = 0.05  # seconds between looks when nothing is due: a new State may change what is


@dataclass(slots=True)
class Lane:
    """One output's way, and the figures the views show. output: None while closed."""

    output: Output
    open: bool = True
    beat: int | None = None  # the newest beat told, None: the first look only remembers
    looked: float = -math.inf  # the instant (with latency) of the look before this one
    step: int = 0  # the newest subdivision told of
    told: dict[str, int] = field(default_factory=dict)  # newest count told of each drum
    frame: float = -math.inf  # host time of the next regular frame
    epoch: int = -1
    sent: int = 0
    late: int = 0
    skipped: int = 0
    trouble: str = ""
    lateness: deque[float] = field(default_factory=lambda: deque(maxlen=512))  # seconds, of the newest beats


class Conductor:
    """step(host time, State) plays what is due on every open lane and says when to come again."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []

    def add(self, output: Output) -> Lane:
        lane = Lane(output)
        self.lanes.append(lane)
        return lane

    def step(self, now: float, state: State) -> float:
        """Play what is due at host time `now`. Returns the host time of the next thing due on any lane."""
        state = state.aged(now)
        return min([now + _IDLE, *(self._play(lane, now, state) for lane in self.lanes if lane.open)])

    def _play(self, lane: Lane, now: float, state: State) -> float:
        output = lane.output
        moment = Moment.at(state, now + output.latency)
        beat = state.grid.last_beat_at(moment.time)
        step = math.floor((moment.beat + EPSILON) * output.subdivision)
        if lane.beat is None or lane.epoch != state.epoch:
            lane.beat, lane.epoch = beat, state.epoch
            lane.step = step
            lane.told = {kind: state.hits[kind].count for kind in KINDS}
        elif lane.beat - beat > _FLOOD:
            lane.beat, lane.step = beat, step
        cues = self._hits(lane, state) + self._beats(lane, beat, moment)
        lane.looked = moment.time
        stepped = output.subdivision > 1 and step > lane.step
        lane.step = max(lane.step, step)
        framed = output.rate > 0.0 and now >= lane.frame
        if framed:
            # The next frame keeps the pace; after a pause it begins anew instead of catching up.
            lane.frame = max(lane.frame + 1.0 / output.rate, now + 0.5 / output.rate)
        if cues or stepped or framed or now >= output.wake:
            try:
                lane.sent += output.send(moment, cues)
            except Lost as lost:
                self.close(lane, str(lost))
                return math.inf
            except Exception as error:  # one output's mistake must not take the others along
                self.close(lane, f"{output.name}: {error!r}")
                return math.inf
        return self._next(lane, now, state)

    def _hits(self, lane: Lane, state: State) -> tuple[Cue, ...]:
        cues: list[Cue] = []
        for kind in KINDS:
            hit = state.hits[kind]
            missed = hit.count - lane.told.get(kind, 0) - 1
            if missed >= 0:
                lane.told[kind] = hit.count
                lane.skipped += missed
                cues.append(Struck(kind, hit.count, hit.time, hit.strength, missed))
        return tuple(cues)

    def _beats(self, lane: Lane, reached: int, moment: Moment) -> tuple[Cue, ...]:
        assert lane.beat is not None
        if reached <= lane.beat:
            return ()
        first = lane.beat + 1
        if reached - first >= _FLOOD:
            lane.skipped += reached - first
            first = reached
        lane.beat = reached
        grid, state = moment.state.grid, moment.state
        cues: list[Cue] = []
        for number in range(first, reached + 1):
            time, place = grid.time_of(number), grid.beat_in_bar(number)
            bar = math.floor(grid.bar_of(number) + 1e-9)
            phrase = place == 1 and (bar - grid.phrase) % grid.bars_per_phrase == 0
            if time > lane.looked:  # else the line moved over a beat that was still ahead when last looked at
                lane.lateness.append(moment.time - time)
                lane.late += moment.time - time > _LATE
            cues.append(Beat(number, time, place, bar, phrase, state.confidence, state.bar_confidence))
        return tuple(cues)

    def _next(self, lane: Lane, now: float, state: State) -> float:
        assert lane.beat is not None
        output, grid = lane.output, state.grid
        due = min(grid.time_of(lane.beat + 1) - output.latency, output.wake, now + _IDLE)
        if output.subdivision > 1:
            due = min(due, grid.time_of((lane.step + 1) / output.subdivision) - output.latency)
        if output.rate > 0.0:
            due = min(due, lane.frame)
        return max(due, now)

    def close(self, lane: Lane, trouble: str) -> None:
        """Close a lane's output and remember why. Whoever keeps the outputs opens it again."""
        lane.open = False
        lane.trouble = trouble
        lane.output.close()

    def reopen(self, lane: Lane, output: Output) -> None:
        """Give a lane its output anew. What came due meanwhile is not made up for."""
        lane.output, lane.open, lane.trouble, lane.beat = output, True, "", None
