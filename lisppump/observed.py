"""What was said of a frame after it was made: items of collections with (about ...), and what programs in its
posts came to. It only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lisppump.delta import Target
from lisppump.frame import Frame
from lisppump.lispy.values import elements, is_list
from lisppump.stages import POSTED

if TYPE_CHECKING:
    from lisppump.delta import Schema

_HOLE = re.compile(r"\\\{[^{}]*\\\}")


def observations(frame: Frame, schema: Schema, number: int) -> Iterator[dict[str, Any]]:
    """Those about frame `number` that a later frame has, each with its collection, in the policy's order."""
    for entry in schema.collections:
        if entry.about is None or entry.into is None:
            continue
        for item in _items(frame, entry.into):
            if item.get(entry.about) == number:
                yield {"collection": entry.name, "item": item}


def posted(frame: Frame, author: str | None = None) -> Iterator[dict[str, Any]]:
    """What programs in posts came to after a frame, those of one author or of all."""
    lines = frame.documents.get(POSTED)
    for line in elements(lines) if is_list(lines) else ():
        if not isinstance(line, dict) or line.get("frame") != frame.number:
            continue
        if author in (None, line.get("author")):
            yield {key: line.get(key) for key in ("author", "post", "program", "value", "error")}


def _items(frame: Frame, into: Target) -> Iterator[dict[str, Any]]:
    """What stands at a place, in every document whose name fits."""
    pattern = re.compile(_HOLE.sub("[^/]*", re.escape(into.document)))
    for name in sorted(frame.documents):
        if pattern.fullmatch(name):
            found: Any = frame.documents[name]
            for key in into.path:
                found = found.get(key) if isinstance(found, dict) else None
            there = found.values() if isinstance(found, dict) else elements(found) if is_list(found) else ()
            yield from (item for item in there if isinstance(item, dict))
