"""What tests of drop-ins share: a folder with some, and what is loaded of it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from lisppump import dropins
from lisppump.dropins import Dropins

FILES = {
    "plugins/tides.py": "from . import _shared\nNAME = 'tides'\nHIGH = _shared.HIGH\n",
    "plugins/_shared.py": "HIGH = 3\n",
    "plugins/tools/moon.py": "PHASE = 'new'\n",
    "plugins/notes.txt": "no Python\n",
}


def world(root: Path, **more: str) -> Path:
    """A folder with a plugin that imports another file; more plugins by their names."""
    for name, text in {**FILES, **{f"plugins/{name}.py": text for name, text in more.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    return root


def look(root: Path) -> Dropins:
    found = dropins.look(root)
    assert found is not None
    return found


def modules() -> set[str]:
    return {name for name in sys.modules if name.startswith("lisppump_plugins_")}
