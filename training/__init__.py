"""How the listener's networks came to be: data, model, training, export. Never imported by engine or visuals.

Needs the `training` extra (torch, scipy, mido) and Debian's fluidsynth and sound fonts; see README.md beside this.
"""
