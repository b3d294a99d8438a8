"""The records of a journal as far as they can be read, past any damage. It writes and judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lisppump import packing
from lisppump.packing import Chunk
from lisppump.records import HEAD, Record, decoded, payload_at, torn
from lisppump.segments import numbers, raw


@dataclass(frozen=True, slots=True)
class Found:
    """A record whose checksum fits; `prev` is what it says of the one before it.

    `offset` is its place in the file; in a packed one, that of its block.
    """

    segment: int
    offset: int
    payload: bytes
    record: Record
    prev: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where there is no sound record; a torn one is the end of a last write that was cut short."""

    segment: int
    offset: int
    what: str
    lines: int = 0
    torn: bool = False


def walk(folder: Path) -> Iterator[Found | Gap]:
    """Everything that lies in the journal's folder, in order."""
    found = numbers(folder)
    for number in range(1, found[-1] + 1 if found else 1):
        if number in found:
            yield from _segment(folder, number, last=number == found[-1])
        else:
            yield Gap(number, 0, "the whole segment is missing")


def _segment(folder: Path, number: int, *, last: bool) -> Iterator[Found | Gap]:
    data, packed = raw(folder, number)
    if not data and not last:
        yield Gap(number, 0, "it is empty")
    plain = 0
    for chunk in packing.chunks(data) if packed else (Chunk(0, 0, data, True),):
        if chunk.plain > plain and chunk.sound:
            yield Gap(number, chunk.packed, "the block before it is missing")
        yield from _chunk(chunk, number, packed=packed, last=last)
        plain = chunk.plain + len(chunk.data)


def _chunk(chunk: Chunk, number: int, *, packed: bool, last: bool) -> Iterator[Found | Gap]:
    data, offset, told = chunk.data, 0, False
    block = "its block is not what was written"
    while offset < len(data):
        place = chunk.packed if packed else offset
        payload = payload_at(data, offset)
        found = None if payload is None else decoded(payload)
        if payload is not None and found is not None:
            yield Found(number, place, payload, *found)
            offset += HEAD + len(payload) + 1
            continue
        if not packed and payload is None and torn(data, offset):
            what = "the last record is torn" if last else "its end is missing"
            yield Gap(number, place, what, 1, torn=last)
            return
        what = "its checksum does not fit" if payload is None else "it has not the shape of a record"
        end = _next(data, offset)
        told = True
        yield Gap(number, place, what if chunk.sound else block, max(1, data.count(b"\n", offset, end)))
        offset = end
    if not chunk.sound and not told:
        yield Gap(number, chunk.packed, block)


def _next(data: bytes, offset: int) -> int:
    """Where the next sound record begins, or the end."""
    while offset := data.find(b"\n", offset) + 1:
        if offset < len(data) and payload_at(data, offset) is not None:
            return offset
    return len(data)
