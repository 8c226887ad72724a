"""The beat network, run in numpy: a row of features in, what is heard there out, about 0.1 ms a frame.

Dilated convolutions (a ring of what each layer saw), gated recurrent units (Cho et al. 2014, torch's form of them) and
one linear layer. training/model.py is the same in torch; weights come in a safetensors file (an 8-byte little-endian
length, a JSON header, raw arrays; huggingface.co/docs/safetensors), see weights/beats.md for where they come from.
Public: OUTPUTS, ACTIVATIONS, TEMPI, METERS, read_weights, Recurrent, Network.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from engine.faults import Refused
from engine.state import Floats

ACTIVATIONS = ("beat", "downbeat", "kick", "snare", "hat")
TEMPI: Floats = np.geomspace(40.0, 240.0, 72).astype(np.float32)  # BPM of the tempo outputs, 2.6 % apart
METERS = (2, 3, 4, 5, 6, 7)  # beats a bar of the meter outputs
OUTPUTS = len(ACTIVATIONS) + TEMPI.size + len(METERS)
# Seconds from what a frame's outputs speak of to the frame's end: they look so far ahead. They were aimed at 0.06
# (training/targets.py) and come 2.5 ms late, as measured on music that they were not trained on.
DELAY = 0.0625

_KINDS = {"F16": np.float16, "F32": np.float32}


def read_weights(path: Path, sha256: str | None = None) -> tuple[dict[str, Floats], dict[str, str]]:
    """Arrays by name as float32, and the file's own words about itself. Refused when it is not what it should be."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: can't read the listener's weights ({error.strerror}); install Getaway anew") from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(f"{path}: the listener's weights are damaged (their checksum differs); install Getaway anew")
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        words = header.pop("__metadata__", {})
        arrays = {}
        for name, about in header.items():
            start, stop = about["data_offsets"]
            raw = np.frombuffer(data[8 + length + start : 8 + length + stop], _KINDS[about["dtype"]])
            arrays[name] = raw.reshape(about["shape"]).astype(np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: not a safetensors file of F16 or F32 arrays ({error})") from None
    return arrays, words


def _elu(x: Floats, out: Floats) -> None:
    """x where it is above 0, else exp(x) - 1, which is never below x."""
    np.minimum(x, 0.0, out=out)
    np.expm1(out, out=out)
    np.maximum(x, out, out=out)


def _with_bias(matrix: Floats, bias: Floats) -> Floats:
    """One more row, which a 1 at the end of what is multiplied picks: a call of numpy less for each product."""
    return np.ascontiguousarray(np.vstack((matrix, bias)))


def _softmax(x: Floats) -> None:
    np.exp(x - x.max(), out=x)
    x /= x.sum()


class _Dilated:
    """x + P(elu(D(x))): D over three frames `dilation` apart, P within one."""

    def __init__(self, weights: dict[str, Floats], name: str, dilation: int) -> None:
        over, within = weights[f"{name}.over.weight"], weights[f"{name}.within.weight"]
        n = over.shape[0]
        self._over = _with_bias(over.transpose(2, 1, 0).reshape(-1, n), weights[f"{name}.over.bias"])
        self._within = _with_bias(within[..., 0].T, weights[f"{name}.within.bias"])
        self._dilation, self._at = dilation, 0
        self._ring = np.zeros((2 * dilation, n), np.float32)
        self._seen = np.ones(3 * n + 1, np.float32)
        self._seen[:-1] = 0.0
        self._raw = np.zeros(n, np.float32)
        self._active = np.ones(n + 1, np.float32)

    def step(self, x: Floats) -> Floats:
        n, ring, at, seen = x.size, self._ring, self._at, self._seen
        seen[:n] = ring[at]
        seen[n : 2 * n] = ring[at - self._dilation]
        seen[2 * n : -1] = x
        ring[at] = x
        self._at = (at + 1) % len(ring)
        np.dot(seen, self._over, out=self._raw)
        _elu(self._raw, self._active[:-1])
        y: Floats = self._active @ self._within
        y += x
        return y


class Recurrent:
    """One gated recurrent layer."""

    def __init__(self, weights: dict[str, Floats], name: str) -> None:
        self._in = np.ascontiguousarray(weights[f"{name}.weight_ih_l0"].T)
        self._back = np.ascontiguousarray(weights[f"{name}.weight_hh_l0"].T)
        self._in_bias, self._back_bias = weights[f"{name}.bias_ih_l0"], weights[f"{name}.bias_hh_l0"]
        self.size = self._back.shape[0]
        self._hidden = np.zeros(self.size, np.float32)

    def step(self, x: Floats) -> Floats:
        n = self.size
        ins = x @ self._in
        ins += self._in_bias
        back = self._hidden @ self._back
        back += self._back_bias
        gates = 0.5 * np.tanh(0.5 * (ins[: 2 * n] + back[: 2 * n])) + 0.5  # the logistic function, without overflow
        new = np.tanh(ins[2 * n :] + gates[:n] * back[2 * n :])
        self._hidden = new + gates[n:] * (self._hidden - new)
        return self._hidden


class Network:
    """push float32[COUNT] features, get float32[OUTPUTS]: activations and meters and tempi as probabilities."""

    def __init__(self, weights: dict[str, Floats], dilations: tuple[int, ...]) -> None:
        """weights: of read_weights. dilations: frames, one a convolution."""
        enter = weights["enter.weight"]
        self._mean, self._scale = weights["mean"], weights["scale"]
        self._enter = _with_bias(enter.transpose(2, 1, 0).reshape(-1, enter.shape[0]), weights["enter.bias"])
        self._seen = np.ones(self._enter.shape[0], np.float32)
        self._seen[:-1] = 0.0
        self._entered = np.zeros(enter.shape[0], np.float32)
        self._blocks = [_Dilated(weights, f"blocks.{i}", d) for i, d in enumerate(dilations)]
        layers = sum(name.endswith("weight_hh_l0") for name in weights)
        self._recurrent = [Recurrent(weights, f"recurrent.{i}") for i in range(layers)]
        self._out = np.ascontiguousarray(weights["out.weight"].T)
        self._out_bias = weights["out.bias"]

    def push(self, row: Floats) -> Floats:
        n = row.size
        self._seen[: 2 * n] = self._seen[n:-1]
        np.subtract(row, self._mean, out=self._seen[2 * n : -1])
        self._seen[2 * n : -1] *= self._scale
        y = self._seen @ self._enter
        _elu(y, self._entered)
        y = self._entered
        for block in self._blocks:
            y = block.step(y)
        z = y
        for layer in self._recurrent:
            z = layer.step(z)
        out: Floats = (np.concatenate((y, z)) if self._recurrent else y) @ self._out
        out += self._out_bias
        a, t = len(ACTIVATIONS), len(ACTIVATIONS) + TEMPI.size
        out[:a] = 0.5 * np.tanh(0.5 * out[:a]) + 0.5
        _softmax(out[a:t])
        _softmax(out[t:])
        return out
