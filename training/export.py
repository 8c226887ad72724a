"""Writes a checkpoint's mean weights as the safetensors file that the listener reads, 16 bits each.

    python -m training.export RUN FILE

Prints the file's SHA-256, which engine/hearing/network_tracker.py must name. Public: write_arrays, write_weights.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

from engine.state import Floats


def write_arrays(arrays: dict[str, Floats], words: dict[str, str], file: Path) -> str:
    """Write a safetensors file, mean and scale in 32 bits, all else in 16. Returns the SHA-256 of the file."""
    header: dict[str, object] = {"__metadata__": words}
    parts, at = [], 0
    for name, value in arrays.items():
        kind = np.float32 if name in ("mean", "scale") else np.float16
        data = value.astype(kind).tobytes()
        header[name] = {
            "dtype": "F32" if kind is np.float32 else "F16",
            "shape": list(value.shape),
            "data_offsets": [at, at + len(data)],
        }
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + b"".join(parts)
    part = file.with_suffix(".part")
    part.write_bytes(whole)
    part.replace(file)
    return hashlib.sha256(whole).hexdigest()


def write_weights(run: Path, file: Path) -> str:
    """Returns the SHA-256 of the file. Layout: see engine/hearing/network.py."""
    saved = torch.load(run / "checkpoint.pt", weights_only=False)
    if not saved["shape"]["causal"]:
        raise SystemExit(f"{run}: a two-directional teacher can't listen live")
    words = {
        "format": "getaway beat network 1",
        "dilations": " ".join(map(str, saved["shape"]["dilations"])),
        "steps": str(saved["step"]),
    }
    return write_arrays({name: value.numpy() for name, value in saved["mean"].items()}, words, file)


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m training.export RUN FILE")
    file = Path(sys.argv[2])
    print(write_weights(Path(sys.argv[1]), file), f"{file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
