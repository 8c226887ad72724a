"""How well the listener hears beats: `getaway listen` over an annotated set, scored by the set's own scorer, with the
set's peers in the same tables.

    python benchmarks/dev_set.py FOLDER [--tracker NAME]

FOLDER holds manifest.json, dev/ (ID.ogg, ID.beats), tools/score.py and PEERS.md (tables as the scorer prints them).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tables(text: str) -> dict[str, list[str]]:
    """Tables of the scorer's Markdown: heading -> lines."""
    found: dict[str, list[str]] = {}
    for part in ("\n" + text).split("\n# ")[1:]:
        heading, _, rest = part.partition("\n")
        found[heading.split(" (")[0].strip()] = [line for line in rest.splitlines() if " | " in line]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
    peers_file = wanted.folder / "PEERS.md"
    peers = tables(peers_file.read_text(encoding="utf-8")) if peers_file.exists() else {}
    for heading, lines in tables(table).items():
        print(f"\n# {heading}\n")
        print(
            "\n".join([lines[0], "|".join(["---"] * len(lines[0].split("|"))), *lines[1:], *peers.get(heading, [])[1:]])
        )


if __name__ == "__main__":
    main()
