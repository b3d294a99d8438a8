"""Writes docs/reference.md from the tables that the code lives by; with --check it only compares.

python docs/make_reference.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from lisppump.cli.describe import commands
from lisppump.registry import Registry
from lisppump.stages import KINDS
from lisppump.words import Entry, everything

PAGE = Path(__file__).with_name("reference.md")
HEAD = """\
# Reference

What `lisppump describe NAME` says of every name, on one page. `python docs/make_reference.py` makes it from
the same tables; nobody writes it by hand.
"""


TITLES = {
    "command": "Commands",
    "clause": "Clauses of pump.lisp",
    **{kind.name: f"Stages: {kind.hook}" for kind in KINDS.values()},
    "hook": "Hooks",
    "form": "Forms of LisPy",
    "name": "Names that a run gives LisPy",
    "builtin": "Builtins of LisPy",
    "library": "The library of LisPy",
    "loadable": "What (load NAME) brings",
    "default": "Limits of LisPy",
    "capability": "Capabilities of programs",
    "error code": "Error codes",
    "exit codes": "Exit codes",
    "notion": "Other words",
}  # options of stages stand with their stages, and there are no plugins here


def sections() -> Iterator[tuple[str, list[Entry]]]:
    """Every section with its entries; of stages the built-in ones alone, whatever is installed."""
    entries = list(everything(Registry(), commands))
    for kind, title in TITLES.items():
        yield title, [entry for entry in entries if entry.kind == kind]


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
