"""A record of the journal: its kinds, and its form as one line of text. It opens no file.

The line is eight hex digits of length, eight of CRC-32C, and JSON that holds the record's fields, its kind,
its number and the sha256 of the record before. Keys stay in their order: programs see it, so a document that
is rebuilt from here must have it, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c

from lisppump import canon
from lisppump.errors import LisppumpError

KINDS = (
    "open", "edit", "import", "intent", "reply", "tool", "portal", "outcome", "delta", "late", "commit",
    "tock", "nudge", "rollback", "snapshot", "lost", "drop", "claim", "budget",
)  # fmt: skip
NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
# These hold nothing but what was JSON, or was checked to be, before: a commit goes into a digest, too.
_JSON = frozenset({"intent", "reply", "delta", "commit", "tock"})
HEAD = 18  # two times eight hex digits and a space
RESERVED = frozenset({"kind", "seq", "prev"})
# Once one of these is written it is synced, with all that is before it.
SYNCED = frozenset({"intent", "commit", "tock", "edit", "snapshot", "rollback", "drop", "budget"})
SECTOR = 512  # bytes that a disk writes at once


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its kind, its number from 1, and its own fields."""

    kind: str
    seq: int
    fields: Mapping[str, Any]

    @property
    def frame(self) -> int:
        """The frame it belongs to; -1 where it names none."""
        return frame_of(self.fields)


Reader = Callable[[Record], None]


def frame_of(fields: Mapping[str, Any]) -> int:
    """The frame that a record's fields name; -1 where they name none."""
    frame = fields.get("frame")
    return frame if frame.__class__ is int else -1


def pack(payload: bytes) -> bytes:
    """The line of a record."""
    return b"%08x %08x %b\n" % (len(payload), google_crc32c.value(payload), payload)


def chained(payload: bytes) -> str:
    """What the next record says of this one."""
    return hashlib.sha256(payload).hexdigest()


def encoded(kind: str, seq: int, prev: str, fields: Mapping[str, Any]) -> bytes:
    """The payload of a record: its fields, and behind them what stands in every record."""
    behind = f',"kind":"{kind}","seq":{seq},"prev":"{prev}"}}'.encode()
    return canon.line(fields, finite=kind in _JSON)[:-1] + (behind if fields else behind[1:])


def lines_of(
    entries: Iterable[tuple[str, Mapping[str, Any]]], seq: int, prev: str
) -> tuple[bytes, list[int], str]:
    """The lines of records that follow each other, from a number and a hash on; lengths, and last hash."""
    parts: list[bytes] = []
    lengths: list[int] = []
    checksum, sha256 = google_crc32c.value, hashlib.sha256
    for number, (kind, fields) in enumerate(entries, seq):
        payload = encoded(kind, number, prev, fields)
        length = len(payload)
        parts += (b"%08x %08x " % (length, checksum(payload)), payload, b"\n")
        lengths.append(HEAD + length + 1)
        prev = sha256(payload).hexdigest()
    return b"".join(parts), lengths, prev


def decoded(payload: bytes) -> tuple[Record, str] | None:
    """The record that a payload holds and what it says of the one before; None where it holds none."""
    try:
        value = canon.loads(payload)
        fields = {name: field for name, field in value.items() if name not in RESERVED}
        kind, seq, prev = value["kind"], value["seq"], value["prev"]
    except (LisppumpError, AttributeError, KeyError, TypeError):
        return None
    sound = kind in NUMBERS and seq.__class__ is int and isinstance(prev, str)
    return (Record(kind, seq, fields), prev) if sound else None


def payload_at(data: bytes, offset: int) -> bytes | None:
    """The payload of the record at an offset, or None when no sound record lies there."""
    head = data[offset : offset + HEAD]
    try:
        length, checksum = int(head[:8], 16), int(head[9:17], 16)
    except ValueError:
        return None
    payload = data[offset + HEAD : offset + HEAD + length]
    end = data[offset + HEAD + length : offset + HEAD + length + 1]
    if head != b"%08x %08x " % (length, checksum) or len(payload) != length or end != b"\n":
        return None
    return payload if google_crc32c.value(payload) == checksum else None


def checked(data: bytes) -> tuple[int, str] | None:
    """How many records there are and the hash of the last, where all their checksums fit; else None."""
    offset, count, payload = 0, 0, b""
    while offset < len(data):
        found = payload_at(data, offset)
        if found is None:
            return None
        payload, count, offset = found, count + 1, offset + HEAD + len(found) + 1
    return count, chained(payload)


def torn(data: bytes, offset: int) -> bool:
    """True when what lies behind an offset is what a write leaves that was cut short.

    That is a line without its end, or one with blocks that never came, unless what lies behind it was synced:
    a record of a kind that is synced at once, when anything was written after it. A line that is whole but
    wrong was changed later; that is damage and is not cut away.
    """
    end = data.find(b"\n", offset) + 1
    if not end:
        return _short(data[offset:])
    hole = gap = data.find(b"\0", offset, end)
    if hole < 0:
        return False
    while hole < len(data) and not data[hole]:
        hole += 1
    if not _edge(gap, offset) or not _edge(hole, len(data)):
        return False  # no disk loses a piece of a sector
    behind = list(_sound(data, end))
    return not any(kind in SYNCED and after < len(data) for kind, after in behind)


def _edge(place: int, other: int) -> bool:
    """Whether blocks that never came may begin or end at a place: where sectors do, or at another place."""
    return place % SECTOR == 0 or place == other


def _short(tail: bytes) -> bool:
    if b"\0" in tail:
        return True
    try:
        length = int(tail[:8], 16)
    except ValueError:
        return len(tail) < 8
    return len(tail) < HEAD + length + 1


def _sound(data: bytes, start: int) -> Iterator[tuple[str, int]]:
    """Kind and end of the records that begin at a line's beginning, behind damage."""
    while 0 < start < len(data):
        payload = payload_at(data, start)
        found = None if payload is None else decoded(payload)
        start = data.find(b"\n", start) + 1
        if found is not None:
            yield found[0].kind, start
