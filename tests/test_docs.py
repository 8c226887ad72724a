"""The pages made from tables say what the tables say; README's commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from engine.cli import cli

ROOT = Path(__file__).resolve().parent.parent


def test_pages_are_what_the_tables_say() -> None:
    command = [sys.executable, "scripts/docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_names_only_commands_and_options_that_exist() -> None:
    """Each `getaway WORD --option` in README and docs is one the command line knows."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for word, rest in re.findall(r"getaway ([a-z]+)((?: [^`\n#|]*)?)", path.read_text(encoding="utf-8")):
            if word not in cli.commands:
                assert word in ("hears", "moves"), f"{path.name}: getaway {word}"
                continue
            options = {option for parameter in cli.commands[word].params for option in parameter.opts}
            for option in re.findall(r"--[a-z-]+", rest):
                assert option in options | {"--help"}, f"{path.name}: getaway {word} {option}"
