"""The ways a part can fail that the rest must know of. Public: Lost, Refused.

Each text is one line: what, where, what to do.
"""


class Lost(Exception):
    """The thing behind a source or output is gone or not there yet. It may come back: try again, with back-off."""


class Refused(Exception):
    """Asked for what can never be had (no such file, not a sound, a wrong setting). Trying again won't help."""
