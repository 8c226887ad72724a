"""What all tests share: Hypothesis draws the same examples in every run and leaves nothing in the checkout."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.servers import JackServer, missing

set_hypothesis_home_dir(tempfile.gettempdir() + "/getaway-hypothesis")
hypothesis.settings.register_profile("getaway", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("getaway")


@pytest.fixture
def jack_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    if not (shutil.which("jackd") and shutil.which("jack_wait")):
        missing("jackd is not installed (Debian: apt install jackd2)")
    pytest.importorskip("jack", reason="JACK-Client is not installed", exc_type=Exception)
    server = JackServer(tmp_path / "jackd.log")
    for key, value in (("JACK_NO_START_SERVER", "1"), ("JACK_NO_AUDIO_RESERVATION", "1")):
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    server.start()
    try:
        yield server
    finally:
        server.stop()
