"""Values and places of documents in words, for what diff and why print. It is no command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lisppump import canon

WIDTH = 100  # letters of a value on a terminal; --json has it whole
MOST = 20  # entries of one document
BEFORE = 12  # letters that two values have in common before they differ, at least, where they are cut


def short(value: Any, most: int = WIDTH) -> str:
    """A value in one line: texts as they are, all else as JSON; cut where it is long."""
    text = _line(value)
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} letters)"


def two(before: Any, after: Any, most: int = WIDTH // 2) -> tuple[str, str]:
    """Two values in short; of long ones that begin alike, the part from where they differ on."""
    a, b = _line(before), _line(after)
    alike = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if max(len(a), len(b)) <= most or alike <= most // 2:
        return short(before, most), short(after, most)
    start = a.rfind(" ", 0, max(0, alike - BEFORE)) + 1
    return _from(a, start, most), _from(b, start, most)


def _line(value: Any) -> str:
    return " ".join((value if isinstance(value, str) else canon.line(value).decode()).split())


def _from(text: str, start: int, most: int) -> str:
    part = text[start : start + most]
    return ("... " if start else "") + part + ("..." if start + most < len(text) else "")


def place(path: Sequence[Any]) -> str:
    """A path in words: keys, numbers from 0 in brackets, ids of items."""
    words = []
    for step in path:
        if isinstance(step, dict):
            ((name, key),) = step.items()
            words.append(f"{name} {key}")
        else:
            words.append(f"[{step}]" if isinstance(step, int) else str(step))
    return " ".join(words)


def change_lines(name: str, changes: Mapping[str, Any], most: int = MOST) -> Iterator[str]:
    """The changes of a document, one a line: `+` added, `-` removed, `~` changed."""
    text = name.endswith((".md", ".txt"))
    entries = [(sign, entry) for sign, key in (("~", "changed"), ("-", "removed"), ("+", "added"))
               for entry in changes[key]]  # fmt: skip
    for sign, entry in entries[:most]:
        where = place(entry["path"])
        if text and entry["path"]:
            where = f"line {entry['path'][0] + 1}"
        before = f"{where}: " if where else ""
        if "order" in entry:
            yield f"{sign} {before}in another order"
        elif sign == "~":
            yield f"{sign} {before}{' -> '.join(two(entry['from'], entry['to']))}"
        else:
            yield f"{sign} {before}{short(entry['value'])}"
    if len(entries) > most:
        yield f"  and {len(entries) - most} more: --json has all"


def counts(changes: Mapping[str, Any]) -> str:
    """How many entries of each kind there are: `2 added, 1 changed`."""
    return ", ".join(f"{len(changes[key])} {key}" for key in ("added", "changed", "removed") if changes[key])
