"""Own songs in many styles, each drawn anew from tables of rhythms, with exact beats and humanlike timing.

Public: STYLES (name -> Style, with its weight for sampling), make (a whole song), backing and drums (parts along given
beats, so that real drumming gets a band and a real band gets drums), Style.
"""

from __future__ import annotations

from training.styles.compose import STYLES, backing, drums, make
from training.styles.style import Style

__all__ = ["STYLES", "Style", "backing", "drums", "make"]
