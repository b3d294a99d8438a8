"""Writes docs/reference.md from the tables that the code lives by; with --check it only compares.

python docs/make_reference.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lisppump import clauses
from lisppump.cli import COMMANDS
from lisppump.cli.describe import Entry, builtin, clause, code, codes, command_line, form, hook, hooks, stage
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS
from lisppump.registry import Registry
from lisppump.stages import KINDS

PAGE = Path(__file__).with_name("reference.md")
HEAD = """\
# Reference

What `lisppump describe NAME` says of every name, on one page. `python docs/make_reference.py` makes it from
the same tables; nobody writes it by hand.
"""


def sections() -> Iterator[tuple[str, list[Entry]]]:
    """Every section with its entries."""
    yield "Commands", [entry for name in COMMANDS for entry in command_line(name)]
    named = [path for name in clauses.CLAUSES for path in below(name)]
    yield "Clauses of pump.lisp", [replace(entry, name=path) for path in named for entry in clause(path)]
    registry = Registry(without=())  # the built-in stages alone, whatever is installed
    for kind in KINDS.values():
        entries = [entry for name in registry.names(kind.name) for entry in stage(name)]
        yield f"Stages: {kind.hook}", [entry for entry in entries if entry.kind == kind.name]
    yield "Hooks", [entry for name in hooks() for entry in hook(name)]
    yield "Forms of LisPy", [entry for name in own_names(FORMS) for entry in form(name)]
    yield "Builtins of LisPy", [entry for name in own_names(load()) for entry in builtin(name)]
    yield "Error codes", [entry for name in sorted(codes()) for entry in code(name)]


def below(path: str) -> Iterator[str]:
    """A clause and every option below it, by path."""
    yield path
    found = clauses.find(path)
    for part in (*found.options, *([found.members] if found.members else [])):
        yield from below(f"{path} {part.name}")


def own_names(table: Any) -> list[str]:
    """The names of a table that are not another name of something."""
    return sorted(name for name, spec in table.items() if spec.name == name)


def lines(entry: Entry) -> Iterator[str]:
    """An entry: how it is written, what it does, more about it."""
    if entry.kind == "clause":
        yield f"### {entry.name}\n"
    yield f"    {entry.usage}"
    yield ""
    yield from entry.doc.splitlines()
    if entry.details:
        yield ""
        yield from (f"- {detail}" for detail in entry.details)
    yield ""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, entries in sections():
        parts.append(f"## {title}\n")
        parts.extend("\n".join(lines(entry)) for entry in entries)
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    """Write the page, or say that it is old."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"docs/{PAGE.name} is old; run `python docs/make_reference.py`")


if __name__ == "__main__":
    main()
