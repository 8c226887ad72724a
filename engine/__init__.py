"""Getaway's engine: hears music, keeps its time line, drives MIDI and lights.

Never imports visuals or pyglet. The rooms, in the order imports may run (a later one imports earlier ones):
clock, grid, state, roles, slot, audio, hearing, outputs, conductor, show, and what is built of them:
recording, process (the engine process), terminal, performance (the parent), cli.
"""

import os

# A frame's small products of matrices take microseconds; BLAS would wake a thread on every core for each, in the middle
# of what is urgent. Before numpy is first imported, and only where the user has not said otherwise.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
