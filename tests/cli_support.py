"""What the tests of the command line share: a command in this process or in its own, and golden files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from lisppump.testing import Outcome

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).resolve().parent / "golden" / "cli"


class Lisppump:
    """Runs command lines in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str | Path) -> Outcome:
        """The outcome of one command line."""
        from lisppump.cli import main

        self._capsys.readouterr()
        with patch.dict(os.environ, COLUMNS="80"):
            code = main([str(arg) for arg in args])
        out, err = self._capsys.readouterr()
        return Outcome(code, out, err)


def spawn(*args: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
    """The outcome of a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "lisppump", *map(str, args)],
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def loaded(*args: str) -> set[str]:
    """The modules that a command line imports."""
    code = (
        "import sys; from lisppump.cli import main; code = main(sys.argv[1:]); "
        "print('\\n'.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def golden(name: str, text: str) -> None:
    """Hold a text to its golden file; LISPPUMP_WRITE_GOLDEN=1 writes the files anew."""
    path = GOLDEN / name
    if os.environ.get("LISPPUMP_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"not {path.name}; LISPPUMP_WRITE_GOLDEN=1 writes it"
