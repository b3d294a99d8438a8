"""The state store: head, read, commit, roll back, atomic on disk. It decides nothing that stands in a frame.

The journal is the truth and the reservoir its view: the commit record, once synced, makes frame N+1; whatever
is written after it can be written again from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lisppump import canon
from lisppump.archive import Archive
from lisppump.delta import Delta
from lisppump.disk import Disk, StateError
from lisppump.documents import Cell, LogDigest, appended, encode, entry, is_log, log_value
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.frame import Frame, Stream
from lisppump.history import Head, Past
from lisppump.journal import Journal, Record
from lisppump.keep import FOLDER, Keep
from lisppump.lispy.values import elements
from lisppump.merge_changes import Change, apply
from lisppump.view import View, quarantine_path


@runtime_checkable
class Reservoir(Protocol):
    """Where the documents of a frame live."""

    def names(self) -> Sequence[str]:
        """All document names, sorted."""
        ...

    def read(self, name: str) -> Any:
        """The document's value: JSON data, a list for JSON Lines, text for Markdown."""
        ...

    def write(self, name: str, value: Any) -> None:
        """Replace a document atomically."""
        ...

    def append(self, name: str, items: Sequence[Any]) -> None:
        """Add items to a JSON-Lines document or text to a Markdown one."""
        ...

    def delete(self, name: str) -> None:
        """Remove a document."""
        ...

    def fingerprint(self, name: str) -> tuple[int, ...] | None:
        """Something that differs when the document was touched from outside (size, mtime, inode)."""
        ...


class MergeResult(Protocol):
    """What a commit needs of a merger's answer."""

    @property
    def changes(self) -> Sequence[Change]:
        """The operations that make the next documents."""
        ...

    @property
    def report(self) -> Mapping[str, Mapping[str, int]]:
        """Counts by collection."""
        ...

    @property
    def quarantine(self) -> Sequence[Mapping[str, Any]]:
        """What did not pass, with reasons."""
        ...


class Store(Archive):
    """One world on disk, open for reading, or for writing under its lock; `notes` says what was found."""

    def __init__(self, keep: Keep, journal: Journal, head: Head, view: View, *, keep_deltas: int) -> None:
        super().__init__(keep, journal, head, view)
        self._keep_deltas = keep_deltas
        self._logs: dict[str, tuple[str, LogDigest]] = {}
        self.view: Reservoir = view.reservoir
        self.notes: list[str] = list(journal.notes)

    @classmethod
    def open(
        cls, root: str | Path, view: Reservoir, *, write: bool, keep: int = 50, disk: Disk | None = None
    ) -> Store:
        """Open a world; reading takes no lock and writes nothing; `keep` frames keep their delta files."""
        head = Head()
        folder = Keep.open(Path(root) / FOLDER, write=write, disk=disk)
        try:
            journal = Journal.open(folder, write=write, each=head.take)
            store = cls(folder, journal, head, View(view, folder, write=write), keep_deltas=keep)
            if write:
                store._record("open", epoch=head.epoch + 1)
                store._mend()
        except BaseException:
            folder.close()
            raise
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left, let go of the lock; a second call does nothing."""
        if self._keep.writing:
            try:
                self._journal.sync()
                self._view.save(clean=True)
            finally:
                self._journal.close()
                self._keep.close()
        else:
            self._journal.close()

    # -- looking ---------------------------------------------------------------------------------------------

    def preview(self, documents: Mapping[str, Any], *, time: str) -> Frame:
        """Frame 0 as `start` would write it; nothing is written."""
        head = Head(number=0, time=time)
        head.documents = {name: entry(name, value) for name, value in sorted(documents.items())}
        return head.frame({name: Cell(log_value(name, value)) for name, value in documents.items()})

    def pending_edits(self) -> list[str]:
        """The documents that were changed by hand since they were last taken in."""
        return [] if self._head.number < 0 else sorted(self._look(self._everywhere()).edits)

    # -- journalling -----------------------------------------------------------------------------------------

    def blob(self, data: bytes) -> str:
        """Keep bytes that a record refers to."""
        return self._keep.blob(data)

    def read_blob(self, digest: str) -> bytes:
        """The bytes that a record refers to, verified."""
        return self._keep.read_blob(digest)

    def intent(self, **fields: Any) -> None:
        """Journal what a frame is about to do, durably, before anything is asked."""
        self._record("intent", **fields)
        self._journal.sync()

    def reply(self, **fields: Any) -> None:
        """Journal a reply the moment it is there; it is on the disk a few milliseconds later.

        One that names an epoch or a frame that is not open any more is late: kept, and part of no frame.
        """
        fenced = fields.get("epoch", self.epoch) != self.epoch or fields["frame"] != self._head.opened
        self._record("late" if fenced else "reply", **fields)
        self._journal.sync_soon()

    def outcome(self, **fields: Any) -> None:
        """Journal something that the machine decided: a deadline, a killed worker."""
        self._record("outcome", **fields)

    def late(self, **fields: Any) -> None:
        """Journal an answer that came when its stream was settled."""
        self._record("late", **fields)

    def abandon(self) -> int | None:
        """Give up the frame that was begun and not committed, and say which; what came for it is kept."""
        number = self._head.opened
        if number is not None:
            self._record("rollback", frame=self._head.number, abandoned=number)
            self._journal.sync()
        return number

    def delta(self, delta: Delta) -> None:
        """Journal what a stream came to."""
        self._record("delta", **delta.to_record())

    def imported(self, **fields: Any) -> None:
        """Journal a delta that was made elsewhere, whole, as an input of the frame that is under way."""
        self._record("import", **fields)

    def drop(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Journal, durably, that entries have left quarantine for good."""
        self._record("drop", frame=self._head.number, entries=[dict(entry) for entry in entries])
        self._journal.sync()

    async def durable(self) -> None:
        """Wait until everything journalled so far is on the disk."""
        await self._journal.durable()

    def _record(self, kind: str, **fields: Any) -> Record:
        record = self._journal.append(kind, **fields)
        self._head.take(record)
        return record

    # -- making frames ---------------------------------------------------------------------------------------

    def start(self, documents: Mapping[str, Any], *, time: str, source: str) -> Frame:
        """Write frame 0: documents as blobs, one record, then the view; `source` is state or genesis."""
        values = {name: log_value(name, value) for name, value in sorted(documents.items())}
        entries: dict[str, Any] = {}
        for name, value in values.items():
            entries[name] = {**entry(name, value), "blob": self._keep.blob(encode(name, value))}
        self._record("snapshot", frame=0, time=time, source=source, documents=entries, virtual={})
        self._journal.sync()
        self._cells = {name: Cell(value) for name, value in values.items()}
        self._frame = None
        for name, value in values.items():
            if self.view.fingerprint(name) is None:
                self._view.write(name, None, value)
            self._view.adopt(name, entries[name]["digest"])
        self._view.finish(0, 0)
        return self._now()

    def commit(
        self,
        *,
        number: int,
        time: str,
        deltas: Sequence[Delta],
        merged: MergeResult,
        wake: Sequence[str],
        streams: Sequence[Stream],
        virtual: Mapping[str, Any],
        written: str | None = None,
        imports: Sequence[Mapping[str, Any]] = (),
        accepted: Sequence[Mapping[str, Any]] = (),
    ) -> Frame:
        """Make frame N+1: one record, synced, is the moment of truth; `written` is the machine's time.

        `imports` names the deltas from elsewhere it is made of, `accepted` what it takes out of quarantine.
        """
        self._take({change.document for change in merged.changes})
        parent = self._now()
        new, entries = self._next(merged.changes)
        named = {stream.number: stream for stream in streams}
        fields: dict[str, Any] = {
            "frame": number,
            "parent": parent.digest,
            "time": time,
            "written": written,
            "deltas": [_named(delta) for delta in deltas],
            "streams": [_stream_entry(delta, named.get(delta.stream)) for delta in deltas],
            "wake": list(wake),
            "changes": [change.to_json() for change in merged.changes],
            "report": {name: dict(counts) for name, counts in merged.report.items()},
            "quarantine": [dict(entry) for entry in merged.quarantine],
            "documents": entries,
            "virtual": dict(virtual),
            **({"imports": [dict(entry) for entry in imports]} if imports else {}),
            **({"accepted": [dict(entry) for entry in accepted]} if accepted else {}),
        }
        self._advance("commit", fields, new)
        self._show(parent, new, deltas, fields["quarantine"])
        return self._now()

    def tock(self, *, changes: Sequence[Change], virtual: Mapping[str, Any]) -> Frame:
        """A small commit of its own within the frame: what the echoes came to."""
        self._take({change.document for change in changes})
        parent = self._now()
        new, entries = self._next(changes)
        fields = {
            "frame": parent.number,
            "tock": parent.tock + 1,
            "parent": parent.digest,
            "changes": [change.to_json() for change in changes],
            "documents": entries,
            "virtual": dict(virtual),
        }
        self._advance("tock", fields, new)
        self._show(parent, new, (), ())
        return self._now()

    def _now(self) -> Frame:
        head = self.head
        if head is None:
            raise StateError("bad-document", "the world has no frame 0 yet", help="run `lisppump run`")
        return head

    def _next(self, changes: Sequence[Change]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The documents that change, with their new values and what the record says of them."""
        old = self._now().documents
        new, entries = {}, {}
        made = apply(old, changes)
        self._check_names([name for name in made if name not in old], {*old, *made})
        for name, value in made.items():
            self._check_old(name)
            said = self._entry(name, old.get(name), value)
            if name not in old or said["digest"] != self._head.documents[name]["digest"]:
                new[name], entries[name] = value, said
        return new, entries

    def _check_names(self, fresh: Sequence[str], names: set[str]) -> None:
        """A name cannot be that of a document and of a folder; a commit the disk cannot show is none."""
        if not fresh:
            return
        folders: dict[str, str] = {}
        for name in names:
            for folder in _folders(name):
                if folders.setdefault(folder, name) is not name:
                    break  # those above it are known, too
        for name in fresh:
            other = next((folder for folder in _folders(name) if folder in names), folders.get(name))
            if other is not None:
                message = f"{name} cannot be a document, since {other} is one already"
                raise StateError("bad-document", message, help="give one of them another name")

    def _check_old(self, name: str) -> None:
        """Refuse to go on from a document that somebody changed in memory, where the frame is only read.

        A log is not read again for this: what is behind its end is all that is ever written.
        """
        known = self._head.documents.get(name)
        if known is None or is_log(name) or entry(name, self._cells[name].get())["digest"] == known["digest"]:
            return
        raise LisppumpError(
            "contract",
            f"a stage changed {name} of frame {self._head.number} in memory, where it may only read",
            help="nothing was committed; plugins get copies: it is a backend that was given in Python",
        )

    def _entry(self, name: str, old: Any, new: Any) -> dict[str, Any]:
        """Digest and length; of a log only what was appended is hashed."""
        before = self._head.documents.get(name)
        more = appended(old, new) if is_log(name) and before is not None else None
        if more is None or before is None:
            return entry(name, new)
        known = self._logs.get(name)
        log = known[1] if known is not None and known[0] == before["digest"] else None
        log = (log or LogDigest().extended(elements(old))).extended(more)
        said = log.entry()
        self._logs[name] = (said["digest"], log)
        return said

    def _advance(self, kind: str, fields: dict[str, Any], new: Mapping[str, Any]) -> None:
        """Append the record with the digest of the frame it makes, sync it, and make that frame the head."""
        head = self._head.copy()
        seq = len(self._journal) + 1
        head.take(Record(kind, seq, fields))
        cells = {**self._cells, **{name: Cell(value) for name, value in new.items()}}
        frame = head.frame(cells)
        self._journal.append(kind, **fields, digest=frame.digest)
        self._journal.sync()
        self._head, self._cells, self._frame = head, cells, frame

    # -- the view --------------------------------------------------------------------------------------------

    def _show(
        self,
        parent: Frame,
        new: Mapping[str, Any],
        deltas: Sequence[Delta],
        quarantine: Sequence[Mapping[str, Any]],
    ) -> None:
        """Bring the view from the frame before to the head."""
        for name, value in new.items():
            self._view.write(name, parent.documents.get(name), value)
            self._view.adopt(name, self._head.documents[name]["digest"])
        self._show_deltas(deltas, quarantine)
        self._view.finish(self._head.number, self._head.tock)

    def _show_deltas(self, deltas: Sequence[Delta], quarantine: Sequence[Mapping[str, Any]]) -> None:
        if isinstance(self.view, Files):
            for delta in deltas:
                self.view.write_delta(delta.file_name, canon.document(delta.to_json()))
            old = self._head.number - self._keep_deltas
            commit = self.commit_record(old) if deltas and old > 0 else None
            if commit is not None:
                self.view.drop_deltas(delta.file_name for delta in self.deltas(old))
        if quarantine:
            self._keep.put(quarantine_path(self._head.number), canon.document(list(quarantine)), sync=False)

    def _mend(self) -> None:
        """After opening for writing: write the view again where it lags, take in what was changed by hand."""
        if self._head.number < 0:
            self._view.save(clean=False)
            return
        lags = self._view.frame != [self._head.number, self._head.tock]
        if lags or self._view.suspect:
            commit = self.commit_record(self._head.number)
            self._show_deltas(self.deltas(self._head.number), commit["quarantine"] if commit else ())
        self._take_all()
        if lags:
            self.notes.append(
                f"the documents of frame {self._head.number} were written again from the journal"
            )
        self._view.frame = [self._head.number, self._head.tock]
        self._view.suspect = False
        self._view.save(clean=False)

    def take_edits(self) -> tuple[str, ...]:
        """Take in what was changed by hand since the last look; what is said about it. An edit wins whole."""
        return tuple(self._take_all())

    def _everywhere(self) -> list[str]:
        return sorted({*self._head.documents, *self._view.names, *self.view.names()})

    def _look(self, names: Iterable[str]) -> Any:
        past = Past(self._journal, self._head.latest)
        return self._view.look(sorted(names), self._head.documents, past=past.value, earlier=self._earlier)

    def _take_all(self) -> list[str]:
        """Look at every document; what is said about it."""
        notes = self._restored()
        self.notes.extend(notes)
        return [*notes, *self._take(self._everywhere())]

    def _take(self, names: Iterable[str]) -> list[str]:
        if self._head.number < 0:
            return []
        found = self._look(names)
        notes: list[str] = [*found.notes]
        for name in found.redo:
            self._redo(name)
        if found.edits:
            notes += self._journal_edits(found.edits)
        self.notes.extend(notes)
        return notes

    def _restored(self) -> list[str]:
        """A state folder without a single document is no edit: it is written again from the journal."""
        if not self._head.documents or self.view.names():
            return []
        for name in self._head.documents:
            self._redo(name)
        return ["the state folder was empty; its documents were written again from the journal"]

    def _redo(self, name: str) -> None:
        said = self._head.documents.get(name)
        if said is None:
            self._view.remove(name)
            return
        value = Past(self._journal, self._head.latest).value(name)
        self.view.write(name, value)
        self._view.adopt(name, said["digest"])

    def _journal_edits(self, edits: Mapping[str, Any]) -> list[str]:
        """One record for all of them, with whole documents: what people wrote is never lost again."""
        for name in edits:
            if name in self._cells and not self._cells[name].loaded:
                past = Past(self._journal, self._head.latest)
                self._cells[name] = past.cell(name)
        documents: dict[str, Any] = {}
        cells = dict(self._cells)
        notes = []
        for name, value in edits.items():
            if value is None:
                documents[name] = None
                cells.pop(name, None)
                notes.append(f"{name} was removed by hand; the frame goes on without it")
                continue
            documents[name] = {**entry(name, value), "blob": self._keep.blob(encode(name, value))}
            cells[name] = Cell(log_value(name, value))
            what = "was changed" if name in self._head.documents else "was added"
            notes.append(f"{name} {what} by hand and was taken in")
        self._record("edit", frame=self._head.number + 1, documents=documents)
        self._journal.sync()
        self._cells, self._frame = cells, None
        for name, said in documents.items():
            if said is None:
                self._view.remove(name)
            else:
                self._view.adopt(name, said["digest"])
        return notes

    def _earlier(self, name: str) -> frozenset[str]:
        """All digests that a document ever had here."""
        found = set()
        for seq in self._journal.select("snapshot", "commit", "tock", "edit"):
            said = self._journal.read(seq).fields["documents"].get(name)
            if said is not None:
                found.add(said["digest"])
        return frozenset(found)


def _folders(name: str) -> Iterator[str]:
    """The folders that a document lies in, the innermost first."""
    while name := name.rpartition("/")[0]:
        yield name


def _named(delta: Delta) -> dict[str, Any]:
    return {
        "node": delta.node,
        "epoch": delta.epoch,
        "frame": delta.frame,
        "stream": delta.stream,
        "digest": delta.digest,
    }


def _stream_entry(delta: Delta, stream: Stream | None) -> dict[str, Any]:
    """What a stream came to, and what its room was called."""
    room = stream or Stream(delta.stream, delta.agents)
    named = {"stream": delta.stream, "name": room.name, "topic": room.topic}
    return {**named, **delta.outcome(), "agents": list(room.agents)}
