"""Getaway's engine: hears music, keeps its time line, drives MIDI and lights.

Never imports visuals or pyglet. The rooms, in the order imports may run (a later one imports earlier ones):
clock, grid, state, roles, slot, audio, hearing, outputs, conductor, show, and what is built of them:
recording, process (the engine process), terminal, performance (the parent), cli.
"""

__version__ = "0.1.0"
