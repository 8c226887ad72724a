"""How well the listener hears beats: `getaway listen` over an annotated set, scored by the set's own scorer.

    python benchmarks/dev_set.py FOLDER [--tracker NAME]

FOLDER holds manifest.json, dev/ (ID.ogg, ID.beats) and tools/score.py. Prints the scorer's overall table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracker", default="network")
    wanted = parser.parse_args()
    songs = sorted(str(path) for path in (wanted.folder / "dev").glob("*.ogg"))
    if not songs:
        sys.exit(f"{wanted.folder}: holds no dev/*.ogg")
    with tempfile.TemporaryDirectory() as name:
        results = Path(name) / "results" / f"getaway-{wanted.tracker}"
        command = [sys.executable, "-m", "engine.cli", "listen", "--tracker", wanted.tracker, "--batch", str(results)]
        subprocess.run([*command, *songs], cwd=ROOT, check=True)
        score = [sys.executable, str(wanted.folder / "tools" / "score.py"), str(wanted.folder)]
        table = subprocess.run(
            [*score, str(results.parent), str(Path(name) / "out"), "--split", "dev"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    print("\n".join(table.split("\n\n# ")[0].splitlines()))


if __name__ == "__main__":
    main()
