"""The witness: a JACK client of its own that plays a song and stamps the MIDI that comes back, on one sample clock.

witness.py SONG.npy OUT.json MIDI_PORT: plays float32 mono at the server's rate on `witness:out_1` and `out_2` once a
line "play" comes on stdin, hears MIDI on `witness:in` from the port named, ends when stdin closes. OUT: start (frame of
the song's first sample), rate, events [[frame, hex]], clock [[frame, host time]]. Shares no code with Getaway.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from pathlib import Path

import jack
import numpy as np

song = np.load(sys.argv[1])
client = jack.Client("witness", no_start_server=True)
outs = [client.outports.register(name) for name in ("out_1", "out_2")]
midi = client.midi_inports.register("in")
events: list[tuple[int, str]] = []
clock: list[tuple[int, float]] = []
state = {"at": 0, "start": 0, "playing": False}


@client.set_process_callback
def _process(frames: int) -> None:
    now = client.last_frame_time
    clock.append((now, time.perf_counter()))
    events.extend((now + offset, bytes(data).hex()) for offset, data in midi.incoming_midi_events())
    at = state["at"]
    chunk = song[at : at + frames] if state["playing"] else song[:0]
    if state["playing"]:
        if at == 0:
            state["start"] = now
        state["at"] = at + frames
    for out in outs:
        buffer = out.get_array()
        buffer[: chunk.size] = chunk
        buffer[chunk.size :] = 0.0


def _connect() -> None:
    """Hear the port whenever it is there: it may go and come back."""
    while True:
        with contextlib.suppress(jack.JackError):
            for port in client.get_ports(is_midi=True, is_output=True):
                if sys.argv[3] in port.name and not midi.is_connected_to(port):
                    client.connect(port, midi)
        time.sleep(0.05)


client.activate()
threading.Thread(target=_connect, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "play":
        state["playing"] = True
facts = {"start": state["start"], "rate": client.samplerate, "events": events, "clock": clock[::20]}
Path(sys.argv[2]).write_text(json.dumps(facts), encoding="utf-8")
client.deactivate()
client.close()
