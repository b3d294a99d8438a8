"""Runs the transcripts in tests/language: printed values and error codes, form by form."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump.lispy import Limits, Runtime
from tests.lispy.transcripts import FOLDER, entries

LIMITS = Limits(steps=2_000_000)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.lisp")), ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    runtime = Runtime(limits=LIMITS)
    wrong: list[str] = []
    for entry in entries(path):
        if entry.fresh:
            runtime = Runtime(limits=LIMITS)
        result = runtime.run(entry.program)
        got = result.text if result.error is None else result.error.code
        if got != entry.wanted or entry.error != (result.error is not None):
            wrong.append(
                f"{path.name}:{entry.line}: {entry.program}\n  wanted {entry.wanted}\n  got    {got}"
            )
    assert not wrong, "\n".join(wrong)
