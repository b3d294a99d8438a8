"""Packs one finished segment, in a process that does nothing else: a loop beside it waits for none of it.

It reads the segment and writes nothing but its standard output: one letter, and where the segment is sound
how many bytes come, and the members as they stand in a packed file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lisppump import packing
from lisppump.records import checked

SOUND, UNSOUND = b"+", b"-"
HEAD = 1 + 8  # bytes before the members


def packed(path: Path, size: int, count: int, last: str) -> list[bytes] | None:
    """The members of a segment of so many bytes and records; None where it is not what was written."""
    data = path.read_bytes()
    sound = len(data) == size and checked(data) == (count, last)
    return [*packing.members(data)] if sound else None


def main() -> None:
    """`PATH SIZE COUNT LAST`, and behind them where packages are."""
    path, size, count, last = sys.argv[1:5]
    sys.stdout.buffer.write(said(packed(Path(path), int(size), int(count), last)))


def said(members: list[bytes] | None) -> bytes:
    """What such a process writes."""
    if members is None:
        return UNSOUND
    data = b"".join(members)
    return SOUND + len(data).to_bytes(HEAD - 1, "big") + data


def length(output: bytes) -> int:
    """How many bytes there will be, as far as its beginning tells; ValueError where it is no such output."""
    if output[:1] not in (b"", SOUND, UNSOUND):
        raise ValueError("this is not what a process that packs writes")
    if output[:1] == UNSOUND:
        return 1
    return HEAD if len(output) < HEAD else HEAD + int.from_bytes(output[1:HEAD], "big")


def read(output: bytes, size: int) -> list[bytes] | None:
    """What such a process has found out of a segment of so many bytes; ValueError where it was cut short."""
    if output == UNSOUND:
        return None
    members: list[bytes] = []
    start, plain = HEAD, 0
    while member := packing.header(output[start : start + packing.HEADER], start):
        members.append(output[start : start + member.length])
        start, plain = start + member.length, member.plain + member.size
    if start != len(output) or length(output) != start or plain != size:
        raise ValueError("a packed segment was cut short")
    return members
