"""Packs one finished segment, in a process that does nothing else: a loop beside it waits for none of it.

It reads the segment and writes nothing but its standard output: one letter, then the members as they stand in
a packed file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lisppump import packing
from lisppump.records import checked

SOUND, UNSOUND = b"+", b"-"


def packed(path: Path, size: int, count: int, last: str) -> list[bytes] | None:
    """The members of a segment of so many bytes and records; None where it is not what was written."""
    data = path.read_bytes()
    sound = len(data) == size and checked(data) == (count, last)
    return [*packing.members(data)] if sound else None


def main() -> None:
    """`PATH SIZE COUNT LAST`, and behind them where packages are."""
    path, size, count, last = sys.argv[1:5]
    found = packed(Path(path), int(size), int(count), last)
    sys.stdout.buffer.write(UNSOUND if found is None else SOUND + b"".join(found))


def read(output: bytes, size: int) -> list[bytes] | None:
    """What such a process has found out of a segment of so many bytes; ValueError where it was cut short."""
    if output == UNSOUND:
        return None
    members: list[bytes] = []
    start, plain = len(SOUND), 0
    while output[:1] == SOUND and (said := packing.header(output[start : start + packing.HEADER], start)):
        members.append(output[start : start + said.length])
        start, plain = start + said.length, said.plain + said.size
    if start != len(output) or plain != size:
        raise ValueError("a packed segment was cut short")
    return members
