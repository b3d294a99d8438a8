"""The library written in LisPy: finds definitions in the prelude by name; only what is used is read."""

from __future__ import annotations

import re
from functools import cache

from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node

_DEFINITION = re.compile(r"^\(define \(?([^\s()]+)", re.M)
NAME = "prelude.lisp"


@cache
def _texts() -> dict[str, str]:
    """The text of each definition of the prelude, by name; each starts in the first column."""
    from importlib.resources import files

    source = files("lisppump.lisp_lib").joinpath(NAME)
    if not source.is_file():
        return {}
    text = source.read_text("utf-8")
    starts = list(_DEFINITION.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {match[1]: text[match.start() : end] for match, end in zip(starts, ends, strict=True)}


def names() -> list[str]:
    """What the prelude defines."""
    return list(_texts())


def defines(name: str) -> bool:
    """Whether the prelude gives a name its meaning."""
    return name in _texts()


@cache
def loadable() -> tuple[tuple[str, Node], ...]:
    """The functions with a docstring of the files that (load NAME) reads, each with the file's name."""
    from importlib.resources import files

    from lisppump.lispy.reader import read

    found = []
    for source in sorted(files("lisppump.lisp_lib").iterdir(), key=lambda entry: entry.name):
        stem, _, kind = source.name.rpartition(".")
        if kind != "lisp" or source.name == NAME or stem.startswith("world_"):
            continue
        for form in read(source.read_text("utf-8"), source.name, Limits()):
            told = form.head == "define" and len(form.items) > 3 and form.items[2].kind == "string"
            if told and form.items[1].kind == "list":
                found.append((stem, form))
    return tuple(found)


@cache
def definition(name: str) -> Node | None:
    """The form that defines a name of the prelude, or None."""
    text = _texts().get(name)
    if text is None:
        return None
    from lisppump.lispy.reader import read

    return read(text, NAME, Limits())[0]
