"""The journal: an append-only, checksummed, chained record of every frame. It knows no frame and no document.

It is a row of segments. The last one is plain and grows; a finished one never changes, begins (but for the
first) with a snapshot of all before it, and is packed in time. So opening reads the last segment alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lisppump import positions
from lisppump.disk import APPEND, StateError, trouble, write_all
from lisppump.journal_pages import Pages
from lisppump.keep import Keep
from lisppump.packer import Packer
from lisppump.records import KINDS as KINDS
from lisppump.records import (
    NUMBERS,
    RESERVED,
    Reader,
    frame_of,
    lines_of,
)
from lisppump.records import Record as Record
from lisppump.segments import (
    Summary,
    Table,
    damaged,
    fingerprint,
    lies,
    load,
    numbers,
    path_of,
    scan,
    summary,
)

if TYPE_CHECKING:
    import asyncio

SEGMENT = 4 * 1024 * 1024
GROUP = 0.005  # seconds that a reply waits for others to be synced with it
PACKED_AT_ONCE = 2  # segments that one roll begins to pack, where more are left from before


class Journal(Pages):
    """The segments of a world's journal, open; `notes` says what was found and mended at opening."""

    def __init__(self, keep: Keep, *, write: bool) -> None:
        super().__init__(keep, write=write)
        self.notes: list[str] = []
        self._disk = keep.disk
        self._fd, self._synced = -1, 0
        self._place, self._inode = "", (0, 0)  # of the file that is written: its path, device and inode
        self.written = 0  # bytes of records, since it was opened
        self._syncing: asyncio.Future[None] | None = None
        self._broken: StateError | None = None
        self._packer = Packer(keep)

    @classmethod
    def open(cls, keep: Keep, *, write: bool, each: Reader | None = None) -> Journal:
        """Verify what was not verified before, telling `each` of all records since the last snapshot.

        A finished segment whose file is as it was when last verified is not read; the last always is. When
        writing, a torn tail is cut.
        """
        journal = cls(keep, write=write)
        try:
            noted = positions.read_summaries(keep)
            told: list[Record] = []
            try:
                journal._read(noted, told)
            except StateError:
                if not noted:
                    raise
                journal._forget()  # what is noted may be another journal's
                told.clear()
                journal._read(noted := {}, told)
            journal._synced = len(journal)
            if write:
                journal._ready(noted)
        except OSError as error:
            raise trouble(error, "opening the journal") from error
        if each is not None:
            for record in told:
                each(record)
        return journal

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Sync what is left and let go of the files."""
        if self._syncing is not None and not self._syncing.get_loop().is_closed():
            self._syncing.cancel()
        if self._fd >= 0:
            self.settle()
            if self._broken is None:
                self.tidy()
            self._disk.close(self._fd)
            self._fd = -1
        for source in self._sources.values():
            source.close()
        self._sources.clear()

    # -- opening ---------------------------------------------------------------------------------------------

    def _read(self, noted: dict[int, Summary], told: list[Record]) -> None:
        found = numbers(self._folder)
        for expected, number in enumerate(found, 1):
            if number != expected:
                raise damaged(expected, 0, None, "the whole segment is missing")
        # A packed segment is a finished one; the one behind it was not begun yet, or is gone.
        growing = [n for n in found[-1:] if path_of(self._folder, n).exists()]
        for number in found[: len(found) - len(growing)]:
            self._past.append(self._verified(number, noted.get(number)))
        self._live = Table(self._after())
        self._live_prev = self._prev = self._past[-1].last if self._past else ""
        self._segment = len(found)
        if growing:
            self._scan_last(growing[0], told)
        elif found:
            self._segment += 1
        if self._live.kinds[:1] != bytes([NUMBERS["snapshot"]]):
            self._tell_earlier(told)

    def _after(self) -> int:
        """The number of the record behind the finished segments."""
        return self._past[-1].first + self._past[-1].count if self._past else 1

    def _verified(self, number: int, noted: Summary | None) -> Summary:
        """What is known of a finished segment: as noted where its file is as it was, else verified whole."""
        first, prev = self._after(), self._past[-1].last if self._past else ""
        mark = fingerprint(lies(self._folder, number))
        if noted is not None and mark is not None and noted.mark == mark:
            if (noted.first, noted.prev) != (first, prev):
                raise damaged(number, 0, first, "it does not follow the record before it")
            return noted
        table, said = self._whole(number, first, prev)
        if mark != fingerprint(lies(self._folder, number)):
            mark = None  # it was packed meanwhile
        if self._write:
            positions.write_table(self.keep, said, table)
        return replace(said, mark=mark)

    def _scan_last(self, number: int, told: list[Record]) -> None:
        data = load(self._folder, number, self._live.first, self._prev)
        self._size, self._prev = scan(data, number, self._live, self._prev, told.append)
        if self._size < len(data):
            self._cut(number, self._size, data[self._size :])

    def _tell_earlier(self, told: list[Record]) -> None:
        """Put the records before those that were told, back to the last snapshot at a segment's beginning."""
        start = len(self._past)
        while start > 0:
            start -= 1
            if self._past[start].whole:
                break
        earlier: list[Record] = []
        for said in self._past[start:]:
            self._whole(said.number, said.first, said.prev, earlier.append)
        told[:0] = earlier

    def _cut(self, number: int, offset: int, tail: bytes) -> None:
        place = f"journal segment {number:08d} at byte {offset}"
        if not self._write:
            self.notes.append(f"the last record is torn ({place}, {len(tail)} bytes) and was not read")
            return
        kept = self.keep.blob(tail)
        fd = self._disk.open(str(path_of(self._folder, number)), os.O_WRONLY)
        try:
            self._disk.truncate(fd, offset)
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        self.notes.append(f"a torn last record was cut ({place}, {len(tail)} bytes, kept as {kept})")

    def _ready(self, noted: dict[int, Summary]) -> None:
        """Make ready to write: tidy up after a crash while packing, note what was verified."""
        self._disk.mkdir(str(self._folder))
        for index, said in enumerate(self._past):
            plain = path_of(self._folder, said.number)
            packed = path_of(self._folder, said.number, packed=True)
            if packed.exists() and plain.exists():
                self._disk.unlink(str(packed))  # packed again from the plain one, which was verified
            elif noted.get(said.number) == said:
                continue
            if said.mark is None:
                self._past[index] = replace(said, mark=fingerprint(lies(self._folder, said.number)))
        if [noted.get(said.number) for said in self._past] != self._past:
            positions.write_summaries(self.keep, self._past)
        self._begin(max(self._segment, 1))

    # -- writing ---------------------------------------------------------------------------------------------

    def append(self, kind: str, **fields: Any) -> Record:
        """Write a record at once; it outlives the process, and a power cut once synced."""
        return self.record(kind, fields)

    def record(self, kind: str, fields: Mapping[str, Any]) -> Record:
        """The same for fields that are a dict already, which nobody may change any more."""
        if kind not in NUMBERS or not RESERVED.isdisjoint(fields):
            raise ValueError(f"no journal record may be made of kind {kind} with fields {sorted(fields)}")
        if self._broken is not None:
            self._refuse_broken()
        if not self._write:
            raise StateError("not-writable", "the world was opened for reading only")
        record = Record(kind, len(self) + 1, fields)
        data, (length,), last = lines_of([(kind, fields)], record.seq, self._prev)
        try:
            self._put(data)
        except OSError as error:
            raise trouble(error, "writing the journal") from error
        self._live.note(kind, record.frame, self._size)
        self._prev = last
        self._size += length
        self.written += length
        return record

    def records(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Several such records by one write; where not all of it can be written, as many as can be."""
        self._refuse_broken()
        if not self._write:
            raise StateError("not-writable", "the world was opened for reading only")
        data, lengths, last = lines_of(entries, len(self) + 1, self._prev)
        try:
            self._put(data)
        except OSError:
            for kind, fields in entries:
                self.record(kind, fields)
            return
        *offsets, self._size = accumulate(lengths, initial=self._size)
        kinds, frames = [kind for kind, _ in entries], [frame_of(fields) for _, fields in entries]
        self._live.note_each(kinds, frames, offsets)
        self.written += len(data)
        self._prev = last

    def _refuse_broken(self) -> None:
        """Raise, each time anew: an error that is raised twice carries all that the first went through."""
        if self._broken is not None:
            raise StateError(self._broken.code, self._broken.message, help=self._broken.help)

    def _put(self, data: bytes) -> None:
        """Write a whole line, or leave the file as it was."""
        try:
            write_all(self._disk, self._fd, data)
        except OSError:
            try:
                self._disk.truncate(self._fd, self._size)
            except OSError as stuck:
                self._broken = trouble(stuck, "cutting a half-written record")
            raise

    def _begin(self, number: int) -> None:
        path = path_of(self._folder, number)
        fresh = not path.exists()
        fd = self._disk.open(str(path), APPEND)
        if fresh:
            try:
                self._disk.sync_folder(str(self._folder))
            except BaseException:
                self._disk.close(fd)
                raise
        said = os.fstat(fd)
        self._fd, self._segment, self._size = fd, number, said.st_size
        self._place, self._inode = str(path), (said.st_dev, said.st_ino)

    @property
    def snapshots(self) -> list[int]:
        """The snapshots that segments begin with, oldest first."""
        begun = [said.first for said in self._past if said.whole and said.number > 1]
        return [*begun, self._live.first] if self._segment > 1 and len(self._live) else begun

    def full(self, least: int) -> bool:
        """True when the segment has grown so large, of at least that size, that another should begin."""
        return self._size >= max(SEGMENT, least)

    @property
    def bare(self) -> bool:
        """True when the process that began the segment died before the snapshot that it should begin with."""
        return self._segment > 1 and not len(self._live)

    def roll(self, **fields: Any) -> Record:
        """Go on in a new segment that begins with this snapshot of all before; begin to pack the old one."""
        if not self.bare:
            try:
                self._finish()
            except OSError as error:
                raise trouble(error, "writing the journal") from error
        record = self.append("snapshot", **fields)
        self.sync()
        self.tidy()
        plain = [said for said in self._past if path_of(self._folder, said.number).exists()]
        for said in reversed(plain[-PACKED_AT_ONCE:]):
            self._packer.begin(said)
        return record

    def _finish(self) -> None:
        """Begin a new segment; the old one is synced first, so that a sync of the new covers both."""
        self.sync()
        old, number = self._fd, self._segment
        said = summary(number, self._live, self._live_prev, self._prev, self._size, None)
        self._begin(number + 1)
        self._disk.close(old)
        said = replace(said, mark=fingerprint(path_of(self._folder, number)))
        self._past.append(said)
        self._tables[number] = table = self._live
        self._live, self._live_prev = Table(self._after()), self._prev
        positions.write_table(self.keep, said, table)
        positions.write_summaries(self.keep, self._past)

    def tidy(self) -> None:
        """Put what was packed since the last roll in the place of the plain segments."""
        packed = False
        try:
            for said, mark in self._packer.placed():
                if mark is None:
                    self._whole(said.number, said.first, said.prev)  # it says where it is damaged
                    raise damaged(said.number, 0, said.first, "it is not what was written")
                self._let_go(said.number)
                self._disk.unlink(str(path_of(self._folder, said.number)))
                self._past[said.number - 1] = replace(said, mark=mark)
                packed = True
            if packed:
                positions.write_summaries(self.keep, self._past)
        except OSError as error:
            raise trouble(error, "packing the journal") from error

    def require_place(self) -> None:
        """Refuse to go on where the file that is written is not the one that lies there any more."""
        try:
            lies = os.stat(self._place)
            same = self._fd >= 0 and (lies.st_dev, lies.st_ino) == self._inode
        except OSError:
            same = False
        if not same and self._write:
            raise StateError(
                "gone",
                f"the journal in {self.keep.folder} was taken away while it was being written",
                help="put the folder back as it was; whatever was written since then is nowhere",
            )

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

    def settle(self) -> None:
        """Sync what a loop that is over had put off; after trouble with the disk that may not be."""
        if self._fd >= 0 and self._broken is None:
            self.sync()

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
            self._refuse_broken()
            self.sync_soon()
            if self._syncing is not None:
                await asyncio.shield(self._syncing)

    def sync_soon(self) -> None:
        """Where a loop runs, bring what is written now to the disk a little later; nobody waits for it.

        It is a timer and no task: a loop may end at any time, also while it waits for that of its tasks.
        """
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # without a loop nothing is brought to the disk by itself
        group = self._syncing
        if group is not None and not group.done() and group.get_loop() is loop:
            return
        self._syncing = group = loop.create_future()
        # What it raises the journal knows, whether or not anybody waits for it.
        group.add_done_callback(lambda sync: sync.cancelled() or sync.exception())
        loop.call_later(GROUP, self._sync_group, group)

    def _sync_group(self, group: asyncio.Future[None]) -> None:
        if group.done():
            return
        if self._fd < 0 or not self.pending:
            group.set_result(None)  # a commit has synced it meanwhile
            return
        target = len(self)
        try:
            fd = os.dup(self._fd)  # a segment that rolls meanwhile closes its own
        except OSError as error:  # too many files are open; the next answer tries again
            group.set_exception(trouble(error, "syncing the journal"))
            return
        try:
            work = group.get_loop().run_in_executor(None, self._sync_copy, fd)
        except RuntimeError:  # the loop is about to end, and has no threads any more
            os.close(fd)
            group.cancel()
            return
        work.add_done_callback(partial(self._group_synced, group, target))

    def _sync_copy(self, fd: int) -> None:
        try:
            self._disk.sync(fd)
        finally:
            os.close(fd)

    def _group_synced(self, group: asyncio.Future[None], target: int, work: asyncio.Future[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if isinstance(error, OSError):
            error = self._unsynced(error)
        elif error is None and not work.cancelled():
            self._synced = max(self._synced, target)
        if group.done():
            return
        if error is not None:
            group.set_exception(error)
        elif self.pending:
            group.get_loop().call_later(GROUP, self._sync_group, group)
        else:
            group.set_result(None)
