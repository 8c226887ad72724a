"""MIDI clock: 24 ticks a beat along the line, song position, start, continue, stop.

Pure: shown a Moment and what "now" is, it says which messages are due and when it wants to be asked again. It never
sends, sleeps or looks at a clock. Public: Ticker, TICK, START, CONTINUE, STOP, Message.

Laws: each tick of the line leaves once and in order, whatever the corrections; two ticks are at least half a tick's
length apart; a lost line goes on ticking (a slave that stops because the music broke down is worse than one that
drifts).

Where the MIDI 1.0 Detailed Specification ("System Real Time" and "Song Position Pointer") leaves room:
- The first clock *after* Start or Continue is the first beat; Start itself is only the announcement. Many senders put
  both into one packet, and receivers that act on Start are then right and those that wait for the clock too, but one
  that needs time to start (the standard's advice: at least 1 ms) begins one clock late. Here the announcement leaves
  with the tick before (20 ms ahead at 120 BPM): right for all that count clocks, as the standard tells them to.
- Clock may or may not run while stopped. It does here, so that slaves know the tempo when Start comes.
- Song Position counts sixteenths (6 clocks) in 14 bits and does not say what comes after 16383 (1024 bars of four).
  It wraps here at the last whole bar below, so that a slave's bar lines stay where the music's are.
- It may only be sent while stopped, so a slave found in the wrong place gets Stop, position and Continue.
- Start means "from the beginning". The beginning here is the downbeat on which slaves are first started, wherever the
  music is by then: plenty of gear knows no Continue and would never start otherwise. Positions count from there;
  whoever takes over from a killed sender can't know it and counts from the line's bar 0.
- The standard counts clocks by quarter notes, a line counts beats; a beat is sent as a quarter note.
"""

from __future__ import annotations

import math

from engine.state import Moment

Message = tuple[int, ...]

TICK: Message = (0xF8,)
START: Message = (0xFA,)
CONTINUE: Message = (0xFB,)
STOP: Message = (0xFC,)

PER_BEAT = 24
SURE = 0.1  # confidence from which the line is worth starting slaves on
SURE_OF_BAR = 0.3  # bar_confidence from which a downbeat is worth waiting for
PATIENCE = 16  # beats of a sure line without sure bars until slaves start on any beat
WRONG_BARS = 4  # bars a slave must be seen out of step with sure bars before it is put right
FAR = 4.0  # beats: further off than this the line was not corrected but replaced (machine suspended)
_EPSILON = 1e-6  # ticks: some 20 ns; a wake-up for a tick must not find it "not quite there"


class Ticker:
    """The clock of one port. `wake`: when it wants `due` to be called besides (host time, inf: never).

    resumed: slaves may still be running for a sender that was killed; they are stopped, then continued in place.
    """

    def __init__(self, *, resumed: bool = False) -> None:
        self.wake = math.inf
        self.running = resumed
        self._begun = resumed  # slaves were started once; from then on it is Continue
        self._epoch: int | None = None
        self._tick = 0  # number of the newest tick sent, on the line's own count
        self._at = -math.inf  # host time it left
        self._waited = 0  # beats of a sure line since it was found
        self._song: int | None = None  # what to add to a beat's number to get the slave's
        self._wrong = 0  # bars in a row that began elsewhere for the slave

    def due(self, now: float, moment: Moment) -> tuple[Message, ...]:
        """Messages to send at once. `moment` is the instant at which they will take effect. At most one tick."""
        place = moment.beat * PER_BEAT
        if moment.state.epoch != self._epoch or abs(place - self._tick) > FAR * PER_BEAT:
            return self._replaced(place, moment)
        line = math.floor(place + _EPSILON)
        self.wake = math.inf
        if line <= self._tick:
            return ()  # none due, or the line went back: what was told can't be withdrawn, so it is waited for
        # Behind after a jump ahead or a late call: the missing ticks leave at up to double speed, never as a burst,
        # which slaves read as a tempo of thousands.
        apart = 0.5 * moment.state.grid.period / PER_BEAT
        if now < self._at + apart - 1e-9:
            self.wake = self._at + apart
            return ()
        self._tick += 1
        self._at = now
        if line > self._tick:
            self.wake = now + apart
        if (self._tick + 1) % PER_BEAT:
            return (TICK,)
        return (TICK, *self._before_beat((self._tick + 1) // PER_BEAT, moment))

    def stop(self) -> tuple[Message, ...]:
        """Messages that end it: Stop if slaves were started."""
        running, self.running = self.running, False
        return (STOP,) if running else ()

    def _replaced(self, place: float, moment: Moment) -> tuple[Message, ...]:
        self._epoch = moment.state.epoch
        self._tick = math.floor(place + _EPSILON)
        self._waited = self._wrong = 0
        self.wake = math.inf
        return self.stop()

    def _before_beat(self, beat: int, moment: Moment) -> tuple[Message, ...]:
        """What to announce between the last tick before a beat and the beat."""
        grid, state = moment.state.grid, moment.state
        sure_downbeat = grid.beat_in_bar(beat) == 1 and state.bar_confidence >= SURE_OF_BAR
        if not self.running:
            if state.confidence < SURE:
                self._waited = 0
                return ()
            self._waited += 1
            return self._go(beat, moment) if sure_downbeat or self._waited > PATIENCE else ()
        if sure_downbeat:
            right = self._song is not None and (beat + self._song) % grid.beats_per_bar == 0
            self._wrong = 0 if right else self._wrong + 1
            if self._wrong >= WRONG_BARS:
                return (STOP, *self._go(beat, moment))
        return ()

    def _go(self, beat: int, moment: Moment) -> tuple[Message, ...]:
        grid = moment.state.grid
        bar = 4 * grid.beats_per_bar  # sixteenths
        if self._begun:
            # The music's bar line nearest to the slave's own count; the line's bars where that is unknown.
            since = beat - grid.downbeat
            bars = grid.bar if self._song is None else round((grid.downbeat + self._song) / grid.beats_per_bar)
            place = since + bars * grid.beats_per_bar
        else:
            place = 0
        position = 4 * place % max(16384 // bar * bar, bar)
        self._song = place - beat
        self._wrong = 0
        begun, self._begun, self.running = self._begun, True, True
        return ((0xF2, position & 0x7F, position >> 7 & 0x7F), CONTINUE if begun else START)
