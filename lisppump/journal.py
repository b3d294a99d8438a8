"""The journal: an append-only, checksummed, chained record of every frame. It knows no frame and no document.

A record is one line of text, so that people can grep it: eight hex digits of length, eight of CRC-32C, and
JSON that holds its kind, its number and the sha256 of the record before. Keys stay in their order: programs
see it, so a document that is rebuilt from here must have it, too.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import google_crc32c

from lisppump import canon
from lisppump.disk import APPEND, StateError, trouble
from lisppump.errors import LisppumpError
from lisppump.keep import Keep

if TYPE_CHECKING:
    import asyncio

KINDS = (
    "open", "edit", "import", "intent", "reply", "tool", "portal", "outcome", "delta", "late", "commit",
    "tock", "nudge", "rollback", "snapshot", "drop",
)  # fmt: skip
SEGMENT = 64 * 1024 * 1024
GROUP = 0.005  # seconds between two syncs that replies ask for
_HEAD = 18  # two times eight hex digits and a space
_RESERVED = frozenset({"kind", "seq", "prev"})


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its kind, its number from 1, and its own fields."""

    kind: str
    seq: int
    fields: Mapping[str, Any]


Reader = Callable[[Record], None]


def pack(payload: bytes) -> bytes:
    """The line of a record."""
    return b"%08x %08x %s\n" % (len(payload), google_crc32c.value(payload), payload)


class Journal:
    """The segments of a world's journal, open; `notes` says what was found and mended at opening."""

    def __init__(self, keep: Keep, *, write: bool) -> None:
        self.keep = keep
        self.notes: list[str] = []
        self._disk = keep.disk
        self._folder = keep.folder / "journal"
        self._write = write
        # One entry per record, without its payload: memory must not follow the history's bytes.
        self._kinds = array("B")
        self._frames = array("q")
        self._segments = array("I")
        self._offsets = array("Q")
        self._first: dict[int, int] = {}  # the first record of each frame
        self._readers: dict[int, int] = {}
        self._prev = ""
        self._segment = 0
        self._size = 0
        self._fd = -1
        self._synced = 0
        self._syncing: asyncio.Task[None] | None = None
        self._last_sync = float("-inf")
        self._broken: StateError | None = None

    @classmethod
    def open(cls, keep: Keep, *, write: bool, each: Reader | None = None) -> Journal:
        """Read and verify all records, telling `each` of them; when writing, cut a torn tail."""
        journal = cls(keep, write=write)
        try:
            numbers = journal._numbers()
            for number in numbers:
                journal._scan(number, last=number == numbers[-1], each=each)
            journal._synced = len(journal)
            if write:
                journal._disk.mkdir(str(journal._folder))
                journal._begin(max(journal._segment, 1))
        except OSError as error:
            raise trouble(error, "opening the journal") from error
        return journal

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sync what is left and let go of the files."""
        if self._fd >= 0:
            if self._broken is None:
                self.sync()
            self._disk.close(self._fd)
            self._fd = -1
        for fd in self._readers.values():
            os.close(fd)
        self._readers.clear()

    # -- reading ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._kinds)

    def select(self, *kinds: str, frame: int | None = None) -> Iterator[int]:
        """The numbers of the records of these kinds (of one frame), newest first."""
        wanted = {KINDS.index(kind) for kind in kinds}
        first = 1 if frame is None else self._first.get(frame, len(self) + 1)
        for index in range(len(self) - 1, first - 2, -1):
            if self._kinds[index] in wanted and (frame is None or self._frames[index] == frame):
                yield index + 1

    def read(self, seq: int) -> Record:
        """One record, its checksum verified again."""
        number, offset = self._segments[seq - 1], self._offsets[seq - 1]
        try:
            fd = self._readers.get(number)
            if fd is None:
                fd = self._readers[number] = os.open(self._path(number), os.O_RDONLY | os.O_CLOEXEC)
            head = os.pread(fd, _HEAD, offset)
            payload = os.pread(fd, int(head[:8], 16), offset + _HEAD)
            sound = int(head[9:17], 16) == google_crc32c.value(payload)
        except (OSError, ValueError):
            sound = False
        if not sound:
            raise self._damaged(number, offset, seq, "it is not what was written")
        return _record(payload)

    def _numbers(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.log") if path.stem.isdigit())
        for expected, number in enumerate(numbers, 1):
            if number != expected:
                raise self._damaged(expected, 0, None, "the whole segment is missing")
        return numbers

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.log"

    def _scan(self, number: int, *, last: bool, each: Reader | None) -> None:
        data = self._path(number).read_bytes()
        offset = 0
        while offset < len(data):
            payload = _payload(data, offset)
            if payload is None:
                if last and _torn(data[offset:]):
                    self._cut(number, offset, data[offset:])
                    break
                raise self._damaged(number, offset, len(self) + 1, "its checksum does not fit")
            record = self._chained(payload, number, offset)
            self._note(record.kind, record.fields.get("frame"), number, offset)
            self._prev = hashlib.sha256(payload).hexdigest()
            offset += _HEAD + len(payload) + 1
            if each is not None:
                each(record)
        self._segment, self._size = number, offset

    def _chained(self, payload: bytes, number: int, offset: int) -> Record:
        expected = len(self) + 1
        try:
            value = canon.loads(payload)
            record = _record_of(value)
            sound = record.kind in KINDS and record.seq == expected and value["prev"] == self._prev
        except (LisppumpError, KeyError, TypeError):
            sound = False
        if not sound:
            raise self._damaged(number, offset, expected, "it does not follow the record before it")
        return record

    def _cut(self, number: int, offset: int, tail: bytes) -> None:
        place = f"journal segment {number:08d} at byte {offset}"
        if not self._write:
            self.notes.append(f"the last record is torn ({place}, {len(tail)} bytes) and was not read")
            return
        kept = self.keep.blob(tail)
        fd = self._disk.open(str(self._path(number)), os.O_WRONLY)
        try:
            self._disk.truncate(fd, offset)
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        self.notes.append(f"a torn last record was cut ({place}, {len(tail)} bytes, kept as {kept})")

    def _damaged(self, number: int, offset: int, seq: int | None, what: str) -> StateError:
        record = "" if seq is None else f", record {seq}"
        return StateError(
            "damaged",
            f"the journal is damaged in segment {number:08d} at byte {offset}{record}: {what}",
            help="put the folder .lisppump back from a copy; nothing was changed",
            data={"segment": number, "offset": offset, "record": seq},
        )

    # -- writing ---------------------------------------------------------------------------------------------

    def append(self, kind: str, **fields: Any) -> Record:
        """Write a record at once; it outlives the process, and a power cut once synced."""
        if kind not in KINDS or not _RESERVED.isdisjoint(fields):
            raise ValueError(f"no journal record may be made of kind {kind} with fields {sorted(fields)}")
        if self._broken is not None:
            raise self._broken
        if not self._write:
            raise StateError("not-writable", "the world was opened for reading only")
        seq = len(self) + 1
        payload = canon.line({**fields, "kind": kind, "seq": seq, "prev": self._prev})
        data = pack(payload)
        try:
            if self._size and self._size + len(data) > SEGMENT:
                self._roll()
            self._put(data)
        except OSError as error:
            raise trouble(error, "writing the journal") from error
        self._note(kind, fields.get("frame"), self._segment, self._size)
        self._prev = hashlib.sha256(payload).hexdigest()
        self._size += len(data)
        return Record(kind, seq, fields)

    def _put(self, data: bytes) -> None:
        """Write a whole line, or leave the file as it was."""
        try:
            taken = self._disk.write(self._fd, data)
            if taken == len(data):
                return
            error = OSError(28, os.strerror(28))  # a short write on a file means that the disk is full
        except OSError as failed:
            error = failed
        try:
            self._disk.truncate(self._fd, self._size)
        except OSError as stuck:
            self._broken = trouble(stuck, "cutting a half-written record")
        raise error

    def _note(self, kind: str, frame: Any, segment: int, offset: int) -> None:
        self._kinds.append(KINDS.index(kind))
        self._frames.append(frame if isinstance(frame, int) else -1)
        if isinstance(frame, int):
            self._first.setdefault(frame, len(self))
        self._segments.append(segment)
        self._offsets.append(offset)

    def _begin(self, number: int) -> None:
        path = self._path(number)
        fresh = not path.exists()
        self._fd = self._disk.open(str(path), APPEND)
        self._segment, self._size = number, os.fstat(self._fd).st_size
        if fresh:
            self._disk.sync_folder(str(self._folder))

    def _roll(self) -> None:
        """Go on in a new segment; the old one is synced first, so that a sync of the new covers both."""
        self.sync()
        old = self._fd
        self._begin(self._segment + 1)
        self._disk.close(old)

    @property
    def pending(self) -> int:
        """How many records are not synced yet."""
        return len(self) - self._synced

    def sync(self) -> None:
        """Return when all records are on the disk."""
        if self.pending:
            target = len(self)
            try:
                self._disk.sync(self._fd)
            except OSError as error:
                raise self._unsynced(error) from error
            self._synced = target

    def _unsynced(self, error: OSError) -> StateError:
        """After a failed sync nobody knows what the disk holds: nothing may be written behind it."""
        self._broken = trouble(error, "syncing the journal")
        return self._broken

    async def durable(self) -> None:
        """Wait until all records so far are on the disk; calls that come close together share one sync.

        A commit needs no `durable` before it: its own sync covers every record in front of it.
        """
        import asyncio

        target = len(self)
        while self._synced < target:
            if self._broken is not None:
                raise self._broken
            if self._syncing is None or self._syncing.done():
                self._syncing = asyncio.ensure_future(self._sync_soon())
            await asyncio.shield(self._syncing)

    def sync_soon(self) -> None:
        """Where a loop runs, bring what is written now to the disk a little later; nobody waits for it."""
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.ensure_future(self._sync_soon())

    async def _sync_soon(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._last_sync + GROUP - loop.time()))
        if not self.pending:
            return
        target, fd = len(self), os.dup(self._fd)  # a segment that rolls meanwhile closes its own descriptor
        try:
            await loop.run_in_executor(None, self._disk.sync, fd)
        except OSError as error:
            raise self._unsynced(error) from error
        finally:
            os.close(fd)
            self._last_sync = loop.time()
        self._synced = max(self._synced, target)


def _record(payload: bytes) -> Record:
    return _record_of(canon.loads(payload))


def _record_of(value: dict[str, Any]) -> Record:
    fields = {name: field for name, field in value.items() if name not in _RESERVED}
    return Record(value["kind"], value["seq"], fields)


def _payload(data: bytes, offset: int) -> bytes | None:
    """The payload of the record at an offset, or None when no sound record lies there."""
    head = data[offset : offset + _HEAD]
    try:
        length, checksum = int(head[:8], 16), int(head[9:17], 16)
    except ValueError:
        return None
    payload = data[offset + _HEAD : offset + _HEAD + length]
    end = data[offset + _HEAD + length : offset + _HEAD + length + 1]
    if head != b"%08x %08x " % (length, checksum) or len(payload) != length or end != b"\n":
        return None
    return payload if google_crc32c.value(payload) == checksum else None


def _torn(tail: bytes) -> bool:
    """True when a tail is what a write leaves that was cut short: no end of line, or blocks that never came.

    A line that is whole but wrong was changed later; that is damage and is not cut away.
    """
    if b"\0" in tail:
        return True
    if b"\n" in tail:
        return False
    head = tail[:_HEAD]
    try:
        length = int(head[:8], 16)
    except ValueError:
        return len(tail) < 8
    return len(tail) < _HEAD + length + 1
