"""What is noted beside the journal so that opening need not read it all. It is a cache and holds no truth.

It lies in `.lisppump/cache`: `segments` has a line for each finished segment, and each has its table in a
file of its own. Whatever is missing, torn or of another journal is as good as absent, and is made anew.
"""

from __future__ import annotations

import zlib
from array import array
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from lisppump import canon
from lisppump.errors import LisppumpError
from lisppump.keep import Keep
from lisppump.records import HEAD, KINDS, pack, payload_at
from lisppump.segments import Summary, Table

FOLDER = "cache"
_FIELDS = tuple(field.name for field in fields(Summary))
_BROKEN = (LisppumpError, KeyError, TypeError, ValueError, AttributeError, OverflowError, zlib.error)


def read_summaries(keep: Keep) -> dict[int, Summary]:
    """The finished segments as they were noted last, by number."""
    data = _get(keep, f"{FOLDER}/segments") or b""
    found: dict[int, Summary] = {}
    offset = 0
    while (payload := payload_at(data, offset)) is not None:
        offset += HEAD + len(payload) + 1
        with suppress(*_BROKEN):
            summary = _summary(canon.loads(payload))
            found[summary.number] = summary
    return found


def write_summaries(keep: Keep, summaries: list[Summary]) -> None:
    """Note all finished segments anew."""
    said = ({name: getattr(summary, name) for name in _FIELDS} for summary in summaries)
    data = b"".join(map(pack, map(canon.line, said)))
    keep.put(f"{FOLDER}/segments", data, sync=False)


def _summary(value: dict[str, Any]) -> Summary:
    mark = value["mark"]
    said = Summary(**value)
    numbers = (said.number, said.first, said.count, said.size, said.low, said.high, said.kinds)
    if not all(number.__class__ is int for number in numbers) or said.count < 0:
        raise ValueError
    if mark is None:
        return said
    size, time, inode = mark
    return replace(said, mark=(size, time, inode))


def read_table(keep: Keep, said: Summary) -> Table | None:
    """The table of a finished segment; None where the one that is noted is not that segment's."""
    try:
        value = canon.loads(zlib.decompress(_get(keep, _name(said.number)) or b""))
        if (value["first"], value["prev"], value["last"]) != (said.first, said.prev, said.last):
            return None
        table = Table(said.first)
        table.kinds = bytearray(value["kinds"])
        offset = 0
        for length in value["lengths"]:
            table.offsets.append(offset)
            offset += length
        table.starts, table.frames = array("Q", value["starts"]), array("q", value["frames"])
    except _BROKEN:
        return None
    fits = len(table.kinds) == len(table.offsets) == said.count and offset == said.size
    return table if fits and max(table.kinds, default=0) < len(KINDS) else None


def write_table(keep: Keep, said: Summary, table: Table) -> None:
    """Note the table of a finished segment."""
    ends = [*table.offsets[1:], said.size]
    value = {
        "first": said.first,
        "prev": said.prev,
        "last": said.last,
        "kinds": list(table.kinds),
        "lengths": [end - start for start, end in zip(table.offsets, ends, strict=True)],
        "starts": table.starts.tolist(),
        "frames": table.frames.tolist(),
    }
    keep.put(_name(said.number), zlib.compress(canon.line(value)), sync=False)


def _name(number: int) -> str:
    return f"{FOLDER}/{number:08d}"


def _get(keep: Keep, name: str) -> bytes | None:
    """A file of the cache; what cannot be read is as good as absent."""
    with suppress(OSError, LisppumpError):
        return keep.get(name)
    return None
