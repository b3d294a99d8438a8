"""The files of the journal, plain or packed: their tables, reading and verifying them. It writes nothing."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lisppump import packing
from lisppump.disk import StateError
from lisppump.packing import Member
from lisppump.records import HEAD, NUMBERS, Reader, chained, decoded, payload_at, torn

PLAIN, PACKED = ".log", ".log.gz"
Print = tuple[int, int, int]  # size, time of the last change, inode


class Table:
    """Where the records of one segment lie: for each its kind and offset, and runs of records of a frame."""

    __slots__ = ("first", "frames", "kinds", "offsets", "starts")

    def __init__(self, first: int) -> None:
        self.first = first
        self.kinds = bytearray()
        self.offsets = array("Q")
        self.starts = array("Q")  # where a run begins, as an index of `kinds`
        self.frames = array("q")

    def __len__(self) -> int:
        return len(self.kinds)

    def note(self, kind: str, frame: int, offset: int) -> None:
        """One record more."""
        if not self.frames or self.frames[-1] != frame:
            self.starts.append(len(self.kinds))
            self.frames.append(frame)
        self.kinds.append(NUMBERS[kind])
        self.offsets.append(offset)

    def note_each(self, kinds: Iterable[str], frames: Sequence[int], offsets: Iterable[int]) -> None:
        """Several records more."""
        last = self.frames[-1] if self.frames else None
        for place, frame in enumerate(frames, len(self.kinds)):
            if frame != last:
                self.starts.append(place)
                self.frames.append(last := frame)
        self.kinds.extend(map(NUMBERS.__getitem__, kinds))
        self.offsets.extend(offsets)

    def select(self, kinds: Collection[int], frame: int | None, below: int) -> Iterator[int]:
        """The numbers under `below` of the records of these kinds (of one frame), newest first."""
        end = min(len(self), below - self.first)
        for run in range(bisect_right(self.starts, end - 1) - 1, -1, -1):
            start = self.starts[run]
            if frame is None or self.frames[run] == frame:
                for index in range(end - 1, start - 1, -1):
                    if self.kinds[index] in kinds:
                        yield self.first + index
            end = start


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a finished segment without its table.

    `prev` and `last` are the hashes before and of its records; `mark` is the file's fingerprint when it was
    last verified or written; `whole` says that it begins with a snapshot; `kinds` is a set of bits.
    """

    number: int
    first: int
    count: int
    prev: str
    last: str
    size: int
    low: int
    high: int
    kinds: int
    whole: bool
    mark: Print | None = None

    def may_hold(self, kinds: Collection[int], frame: int | None) -> bool:
        """False where no record of these kinds (and that frame) is in it."""
        within = frame is None or self.low <= frame <= self.high
        return within and any(self.kinds >> kind & 1 for kind in kinds)


def summary(number: int, table: Table, prev: str, last: str, size: int, mark: Print | None) -> Summary:
    """The summary of a segment whose table is filled."""
    bits = 0
    for kind in set(table.kinds):
        bits |= 1 << kind
    low, high = min(table.frames, default=-1), max(table.frames, default=-1)
    whole = len(table) > 0 and table.kinds[0] == NUMBERS["snapshot"]
    return Summary(number, table.first, len(table), prev, last, size, low, high, bits, whole, mark)


def damaged(number: int, offset: int, seq: int | None, what: str, frame: int | None = None) -> StateError:
    """The error for a journal that is not what was written."""
    record = "" if seq is None else f", record {seq}"
    return StateError(
        "damaged",
        f"the journal is damaged in segment {number:08d} at byte {offset}{record}: {what}",
        help="`lisppump verify` tells all that is damaged, and `lisppump repair` saves what can be saved; "
        "nothing was changed",
        data={"segment": number, "offset": offset, "record": seq, "frame": frame},
    )


def numbers(folder: Path) -> list[int]:
    """The numbers of the segments that lie there, in order."""
    found = set()
    if folder.is_dir():
        for entry in folder.iterdir():
            stem, dot, rest = entry.name.partition(".")
            if stem.isdigit() and dot + rest in (PLAIN, PACKED):
                found.add(int(stem))
    return sorted(found)


def path_of(folder: Path, number: int, *, packed: bool = False) -> Path:
    """Where a segment lies."""
    return folder / f"{number:08d}{PACKED if packed else PLAIN}"


def lies(folder: Path, number: int) -> Path:
    """The file that a segment is read from; the plain one while there are both."""
    plain = path_of(folder, number)
    return plain if plain.exists() else path_of(folder, number, packed=True)


def fingerprint(path: Path) -> Print | None:
    """Size, time of the last change and inode; None when nothing is there."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def raw(folder: Path, number: int) -> tuple[bytes, bool]:
    """The bytes of a segment's file, and whether it is packed; it may be packed by another just now."""
    for packed in (False, True, False):
        try:
            return path_of(folder, number, packed=packed).read_bytes(), packed
        except FileNotFoundError:
            continue
    raise damaged(number, 0, None, "the whole segment is missing")


def load(folder: Path, number: int, first: int, prev: str) -> bytes:
    """The plain bytes of a segment; an error that names the record where a packed one is damaged."""
    data, packed = raw(folder, number)
    if not packed:
        return data
    plain = b""
    for chunk in packing.chunks(data):
        if not chunk.sound or chunk.plain != len(plain):
            table = Table(first)
            with suppress(StateError):  # the table tells how far it is sound
                scan(plain + chunk.data, number, table, prev)
            what = "a block of it is not what was written"
            raise damaged(number, chunk.packed, first + len(table), what, _last(table.frames))
        plain += chunk.data
    return plain


def _last(frames: Sequence[int]) -> int | None:
    return next((frame for frame in reversed(frames) if frame >= 0), None)


def scan(data: bytes, number: int, table: Table, prev: str, each: Reader | None = None) -> tuple[int, str]:
    """Verify records and note them in the table: where they end, and the hash of the last.

    They end before the data does where the last one is torn; other damage is an error.
    """
    offset = 0
    while offset < len(data):
        seq = table.first + len(table)
        payload = payload_at(data, offset)
        if payload is None:
            if torn(data, offset):
                break
            raise damaged(number, offset, seq, "its checksum does not fit", _last(table.frames))
        found = decoded(payload)
        if found is None or found[0].seq != seq or found[1] != prev:
            what = "it does not follow the record before it"
            raise damaged(number, offset, seq, what, _last(table.frames))
        table.note(found[0].kind, found[0].frame, offset)
        prev = chained(payload)
        offset += HEAD + len(payload) + 1
        if each is not None:
            each(found[0])
    return offset, prev


class Source:
    """One segment's file, open to read records at random."""

    def __init__(self, folder: Path, number: int) -> None:
        self._members: list[Member] | None = None
        self._starts: list[int] = []
        self._block: tuple[int, bytes] = (-1, b"")
        for packed in (False, True, False):
            try:
                self._fd = os.open(path_of(folder, number, packed=packed), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            if packed:
                self._members = self._walk()
                self._starts = [member.plain for member in self._members]
            return
        raise damaged(number, 0, None, "the whole segment is missing")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def payload(self, offset: int) -> bytes | None:
        """The payload of the record at an offset of the plain segment, its checksum verified; else None."""
        if self._members is not None:
            return self._unpacked(self._members, offset)
        head = os.pread(self._fd, HEAD, offset)
        try:
            length = int(head[:8], 16)
        except ValueError:
            return None
        return payload_at(head + os.pread(self._fd, length + 1, offset + HEAD), 0)

    def _unpacked(self, members: Sequence[Member], offset: int) -> bytes | None:
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return None
        member = members[index]
        if self._block[0] != index:
            found = packing.block(os.pread(self._fd, member.length, member.packed))
            if found is None:
                return None
            self._block = (index, found)
        return payload_at(self._block[1], offset - member.plain)

    def _walk(self) -> list[Member]:
        """The members, by what their beginnings say; behind a damaged one nothing is found."""
        found: list[Member] = []
        packed = 0
        while (member := packing.header(os.pread(self._fd, packing.HEADER, packed), packed)) is not None:
            found.append(member)
            packed += max(member.length, packing.HEADER)
        return found
