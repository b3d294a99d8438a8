"""Transcripts of the language: programs with the value or the error code that each form has to come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "language"


@dataclass(frozen=True, slots=True)
class Entry:
    """One program of a transcript; `fresh` is where a new runtime starts."""

    line: int
    program: str
    wanted: str
    error: bool
    fresh: bool


def entries(path: Path) -> list[Entry]:
    """The programs of a transcript: everything up to a line that starts with `;=> ` or `;!> `."""
    found: list[Entry] = []
    program: list[str] = []
    fresh = True
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip() == ";;; fresh":
            fresh = True
        elif line.startswith((";=> ", ";!> ")):
            text = "\n".join(program).strip()
            assert text, f"{path.name}:{number}: an outcome without a program"
            found.append(Entry(number, text, line[4:], line[1] == "!", fresh))
            program, fresh = [], False
        elif line.startswith("; ") and not program:
            continue
        elif line.strip():
            program.append(line)
    assert not program, f"{path.name}: the last program has no outcome"
    return found
