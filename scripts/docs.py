"""Writes the pages of docs/ that come from the program's own tables. `python scripts/docs.py [--check]`.

--check: exit code 1 and the names of pages that are not what the tables say (tests run this).
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.controls import KEYS
from engine.hearing.listener import HINTS
from engine.outputs.midi_rows import rows_docs
from engine.roles import ROLES
from visuals.uniforms import uniform_docs

ROOT = Path(__file__).resolve().parent.parent
_MADE = "<!-- Made by scripts/docs.py from the program's own tables: do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """Name -> text of each page."""
    keys = "\n".join(f"| {key.label} | {key.says} | {'both' if key.sends else 'window'} |" for key in KEYS)
    hints = "\n".join(f"| `{name}` | {says} |" for name, says in HINTS.items())
    roles = "\n".join(f"| `{role.name}` | {role.says} |" for role in ROLES.values())
    return {
        "midi.md": f"# MIDI\n\n{rows_docs()}",
        "scenes.md": (
            "# Scenes\n\nA scene is one GLSL fragment shader, `NAME.frag`, with a `void main()` that writes `picture`. "
            "It lies beside the show file, in `scenes/` there, or among Getaway's own, and may read these, which are "
            f"declared for it:\n\n{uniform_docs()}\n\n## Roles\n\nA role says how one kind of scenery moves. Each is a "
            "uniform `role_NAME`, 0..1.\n\n| role | how it moves |\n|---|---|\n" + roles + "\n"
        ),
        "keys.md": (
            "# Keys\n\n| key | what it does | in the window, or the terminal too |\n|---|---|---|\n" + keys + "\n\n"
            "What a person says about the beat reaches the listener as a hint:\n\n| hint | what it says |\n|---|---|\n"
            + hints + "\n\n"
            "What was told holds. An octave (a tempo tapped or named, ×2, ÷2) holds whatever level of the metre is "
            "heard, until `resync` or until another tempo is heard for eight beats; a nudge, a lock and where the bar "
            "and the phrase start hold until `resync`; a range until it is told anew. All of it survives an engine "
            "that restarts. The terminal shows LOCK and the range.\n"
        ),
    }  # fmt: skip


def main() -> int:
    stale = []
    for name, text in pages().items():
        path = ROOT / "docs" / name
        wanted = _MADE + text.rstrip() + "\n"
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
                stale.append(name)
        else:
            path.write_text(wanted, encoding="utf-8")
    if stale:
        print(f"docs/{', docs/'.join(stale)}: not what the tables say; run python scripts/docs.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
