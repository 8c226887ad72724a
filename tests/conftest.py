"""What all tests share: Hypothesis draws the same examples in every run and leaves nothing in the checkout."""

from __future__ import annotations

import tempfile

import hypothesis
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(tempfile.gettempdir() + "/getaway-hypothesis")
hypothesis.settings.register_profile("getaway", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("getaway")
