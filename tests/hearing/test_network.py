"""The beat network in numpy: the same as in torch, and weights that are what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.faults import Refused
from engine.hearing.features import COUNT
from engine.hearing.network import ACTIVATIONS, OUTPUTS, TEMPI, Network, read_weights


def test_it_gives_what_torch_gives(tmp_path: Path) -> None:
    """Weights drawn in torch, exported, read back: the same outputs frame by frame, to the 16 bits they are kept in."""
    torch = pytest.importorskip("torch", reason="torch is only needed for training")
    from training.export import write_weights  # needs torch
    from training.model import BeatNet, Shape

    torch.manual_seed(3)
    shape = Shape(channels=16, dilations=(1, 2, 4, 8), recurrent=(12, 10))
    net = BeatNet(shape).eval()
    net.mean.uniform_(0.0, 0.5)
    net.load_state_dict({k: v if k in ("mean", "scale") else v.half().float() for k, v in net.state_dict().items()})
    saved = {"shape": {"dilations": shape.dilations, "causal": True}, "mean": net.state_dict(), "step": 0}
    torch.save(saved, tmp_path / "checkpoint.pt")
    write_weights(tmp_path, tmp_path / "beats.safetensors")
    weights, words = read_weights(tmp_path / "beats.safetensors")
    rows = np.random.default_rng(1).random((200, COUNT), np.float32)
    numpy_net = Network(weights, tuple(int(d) for d in words["dilations"].split()))
    got = np.array([numpy_net.push(row) for row in rows])
    with torch.no_grad():
        out = net(torch.from_numpy(rows)[None])[0][0]
    a, t = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
    parts = (torch.sigmoid(out[:, :a]), torch.softmax(out[:, a:t], 1), torch.softmax(out[:, t:], 1))
    assert np.abs(got - torch.cat(parts, 1).numpy()).max() < 1e-5
    assert got.shape == (200, OUTPUTS)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "can't read"),
        (b"", "not a safetensors"),
        (b"\xff" * 40, "not a safetensors"),
        ((30).to_bytes(8, "little") + b'{"x": {"dtype": "F64"}}       ', "not a safetensors"),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path: Path, data: bytes | None, words: str) -> None:
    file = tmp_path / "w.safetensors"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(Refused, match=words):
        read_weights(file)


def test_weights_with_a_flipped_bit_are_refused(tmp_path: Path) -> None:
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    file = tmp_path / "w.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0\0\0")
    assert read_weights(file)[0]["x"].tolist() == [0.0]
    with pytest.raises(Refused, match="checksum"):
        read_weights(file, "0" * 64)
