"""The segments of a journal as they are read: records by number, by kind, by frame. It writes no record."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial

from lisppump import positions
from lisppump.disk import trouble
from lisppump.keep import Keep
from lisppump.line import Ranges, alive
from lisppump.records import KINDS, NUMBERS, Reader, Record, decoded
from lisppump.segments import Source, Summary, Table, damaged, load, scan, summary

TABLES, SOURCES = 4, 8  # finished segments whose tables and files are held open


class Pages:
    """What is known of the segments: those that are finished, and the one that grows."""

    def __init__(self, keep: Keep, *, write: bool) -> None:
        self.keep = keep
        self.dead: Ranges = ()  # records that are not on the line any more
        self._folder = keep.folder / "journal"
        self._write = write
        self._forget()

    def _forget(self) -> None:
        """As if nothing had been read."""
        self._past: list[Summary] = []
        self._tables: dict[int, Table] = {}
        self._sources: dict[int, Source] = {}
        self._live = Table(1)
        self._prev = self._live_prev = ""
        self._segment = self._size = 0

    def __len__(self) -> int:
        return self._live.first - 1 + len(self._live)

    def select(
        self, *kinds: str, frame: int | None = None, below: int | None = None, dead: Ranges | None = None
    ) -> Iterator[int]:
        """The numbers of records of these kinds, newest first; `dead` are by default those off the line."""
        on_line = partial(alive, dead=self.dead if dead is None else dead)
        wanted = {NUMBERS[kind] for kind in kinds}
        end = len(self) + 1 if below is None else min(below, len(self) + 1)
        yield from filter(on_line, self._live.select(wanted, frame, end))
        for said in reversed(self._past[: self._index(end - 1) + 1]):
            if said.may_hold(wanted, frame):
                yield from filter(on_line, self._table(said).select(wanted, frame, end))

    def snapshot_before(self, seq: int) -> int:
        """The record from which on all is told that made record `seq`: a snapshot, or the first of all."""
        if seq >= self._live.first and self._live.kinds[:1] == bytes([NUMBERS["snapshot"]]):
            return self._live.first
        whole = (said.first for said in reversed(self._past[: self._index(seq) + 1]) if said.whole)
        return next(whole, 1)

    def kind(self, seq: int) -> str:
        """The kind of a record, without reading it."""
        table = self._live if seq >= self._live.first else self._table(self._past[self._index(seq)])
        return KINDS[table.kinds[seq - table.first]]

    def read(self, seq: int) -> Record:
        """One record, its checksum verified again."""
        if not 1 <= seq <= len(self):
            raise IndexError(seq)
        if seq >= self._live.first:
            number, offset = self._segment, self._live.offsets[seq - self._live.first]
            record = self._read_at(number, offset, seq)
        else:
            said = self._past[self._index(seq)]
            number, offset = said.number, self._table(said).offsets[seq - said.first]
            record = self._read_at(number, offset, seq)
            if record is None:
                self._tables[number] = self._whole(number, said.first, said.prev)[0]
                offset = self._tables[number].offsets[seq - said.first]
                self._let_go(number)
                record = self._read_at(number, offset, seq)
        if record is None:
            raise damaged(number, offset, seq, "it is not what was written")
        return record

    def _index(self, seq: int) -> int:
        """Which of the finished segments a record is in."""
        return bisect_right(self._past, seq, key=lambda said: said.first) - 1

    def _read_at(self, number: int, offset: int, seq: int) -> Record | None:
        try:
            payload = self._source(number).payload(offset)
        except OSError as error:
            raise trouble(error, "reading the journal") from error
        found = None if payload is None else decoded(payload)
        return found[0] if found is not None and found[0].seq == seq else None

    def _source(self, number: int) -> Source:
        source = self._sources.pop(number, None) or Source(self._folder, number)
        self._sources[number] = source  # the last one used stands last
        if len(self._sources) > SOURCES:
            self._let_go(next(iter(self._sources)))
        return source

    def _let_go(self, number: int) -> None:
        source = self._sources.pop(number, None)
        if source is not None:
            source.close()

    def _table(self, said: Summary) -> Table:
        table = self._tables.pop(said.number, None) or positions.read_table(self.keep, said)
        if table is None:
            table = self._whole(said.number, said.first, said.prev)[0]
            if self._write:
                positions.write_table(self.keep, said, table)
        self._tables[said.number] = table
        if len(self._tables) > TABLES:
            del self._tables[next(iter(self._tables))]
        return table

    def _whole(self, number: int, first: int, prev: str, each: Reader | None = None) -> tuple[Table, Summary]:
        """Read a finished segment whole."""
        data = load(self._folder, number, first, prev)
        table = Table(first)
        end, last = scan(data, number, table, prev, each)
        if end < len(data):
            raise damaged(number, end, first + len(table), "it is cut short")
        return table, summary(number, table, prev, last, end, None)
