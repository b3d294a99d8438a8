"""The state store: head, read, commit, roll back, atomic on disk. It decides nothing that stands in a frame.

The journal is the truth and the reservoir its view: the commit record, once synced, makes frame N+1; whatever
is written after it can be written again from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lisppump import canon, control
from lisppump.ahead import ahead, refusal
from lisppump.archive import LATELY
from lisppump.delta import Delta
from lisppump.delta_records import in_commit, to_record
from lisppump.disk import Disk, StateError
from lisppump.documents import (
    Cell,
    LogDigest,
    appended,
    encode,
    entry,
    is_log,
    is_text,
    log_value,
    members_of,
)
from lisppump.documents_members import Members, Touched
from lisppump.frame import Frame, Stream
from lisppump.history import VERIFY, Head, Past, head_at
from lisppump.journal import Journal, Record
from lisppump.keep import FOLDER, Keep
from lisppump.line import left_behind
from lisppump.lispy.values import elements
from lisppump.merge_changes import Change, MergeResult, apply
from lisppump.merge_changes import to_record as changes_to_record
from lisppump.reservoir_books import Books
from lisppump.reservoir_view import Reservoir as Reservoir
from lisppump.reservoir_view import changed_in_memory
from lisppump.snapshots import Snapshots, snaps_of
from lisppump.view import View

FRAMES_AT_LEAST = 8  # in a segment of the journal
SELDOM = 1.0  # seconds between two times that delta files are begun while a run goes on
OFTEN = 0.2  # seconds between two times that the view is written, where frames come faster than that


class Store(Books):
    """One world on disk, open for reading, or for writing under its lock; `notes` says what was found."""

    def __init__(self, keep: Keep, journal: Journal, head: Head, view: View, *, keep_deltas: int) -> None:
        super().__init__(keep, journal, head, view, keep_deltas=keep_deltas)
        self._logs: dict[str, tuple[str, LogDigest]] = {}
        self._snapshots = Snapshots(keep)
        self._wishes = control.Wishes(keep)
        self._made: dict[str, tuple[str, Members]] = {}  # of the frame that is being made
        self._worked_off = self._filed = float("-inf")  # when what was put off was done, delta files too
        self._written: dict[str, Any] = {}  # by the last commit: thousands of things to free, later
        self._took = self._last_took = 0  # bytes of the journal up to the last intent, and since that before

    @classmethod
    def open(
        cls,
        root: str | Path,
        view: Reservoir,
        *,
        write: bool,
        keep: int = 50,
        disk: Disk | None = None,
        edits: bool = True,
    ) -> Store:
        """Open a world; reading takes no lock and writes nothing; `keep` frames keep their delta files.

        Writing takes in what was changed by hand, as far as that can be read and overlaps with nothing; with
        `edits=False` it is left alone.
        """
        head = Head()
        folder = Keep.open(Path(root) / FOLDER, write=write, disk=disk)
        try:
            folder.check_whole()
            journal = Journal.open(folder, write=write, each=head.take)
            store = cls(folder, journal, head, View(view, folder, write=write), keep_deltas=keep)
            if ahead(store._view.index, head, len(journal)):
                if write:
                    raise refusal(store._view.index, head)
                store._look_again()
            if write:
                store._roll()
                store._record("open", epoch=head.epoch + 1)
                store._begin_again()
                journal.sync()  # what was found and is shown now must outlive a power cut, too
                store._mend(edits=edits)
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
                self.flush()
                self._view.save(clean=True)
            finally:
                self._journal.close()
                self._keep.close()
        else:
            self._journal.close()

    # -- looking ---------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Find out whether the journal has lost its end, or a run has gone on since it was read."""
        if self.lock_holder() is None:
            head = Head()
            journal = Journal.open(self._keep, write=False, each=head.take)
            if ahead(self._view.index, head, len(journal)):
                self.ahead = refusal(self._view.index, head)
            journal.close()

    def preview(self, documents: Mapping[str, Any], *, time: str) -> Frame:
        """Frame 0 as `start` would write it; nothing is written."""
        head = Head(number=0, time=time)
        head.documents = {name: entry(name, value) for name, value in sorted(documents.items())}
        return head.frame({name: Cell(log_value(name, value)) for name, value in documents.items()})

    # -- journalling -----------------------------------------------------------------------------------------

    def blob(self, data: bytes) -> str:
        """Keep bytes that a record refers to."""
        return self._keep.blob(data)

    def read_blob(self, digest: str) -> bytes:
        """The bytes that a record refers to, verified."""
        return self._keep.read_blob(digest)

    def intent(self, *, put_off: bool = False, **fields: Any) -> None:
        """Journal what a frame is about to do, durably, before anything is asked.

        Where that is to be `put_off`, whoever begins the frame has the journal roll a little later.
        """
        self._last_took, self._took = self._journal.written - self._took, self._journal.written
        if not put_off:
            self._roll()
        self._journal.require_place()
        self._record("intent", **fields)
        self._journal.sync()

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Journal answers that came together by one write; they are on the disk a few milliseconds later.

        One that names an epoch or a frame that is not open any more is late: kept, and part of no frame.
        """
        epoch, opened = self.epoch, self._head.opened
        open_ = [fields.get("epoch", epoch) == epoch and fields["frame"] == opened for _, fields in entries]
        if not all(open_):
            entries = [one if sure else ("late", one[1]) for one, sure in zip(entries, open_, strict=True)]
        self._journal.records(entries)
        self._journal.sync_soon()

    def outcome(self, **fields: Any) -> None:
        """Journal something that the machine decided: a deadline, a killed worker."""
        self._record("outcome", **fields)

    def abandon(self) -> int | None:
        """Give up the frame that was begun and not committed, and say which; what came for it is kept."""
        number = self._head.opened
        began = None if number is None else self.began(number)
        if began is not None:
            self.go_back(began - 1, "abandon", taken=f"frame {number}, which was under way")
        return number

    def remark(self, **facts: Any) -> None:
        """Keep what is to be told of this opening later; a disk that refuses it is told of by all else."""
        if self._keep.writing:
            with suppress(OSError, StateError):
                said = {**self.lately(), "epoch": self.epoch, **facts}
                self._keep.put(LATELY, canon.document(said), sync=False)

    def delta(self, delta: Delta) -> None:
        """Journal what a stream came to."""
        self._journal.record("delta", to_record(delta))

    def imported(self, **fields: Any) -> None:
        """Journal a delta that was made elsewhere, whole, as an input of the frame that is under way."""
        self._record("import", **fields)

    def drop(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Journal, durably, that entries have left quarantine for good."""
        self._record("drop", frame=self._head.number, entries=[dict(entry) for entry in entries])
        self._journal.sync()

    def go_back(self, upto: int, why: str, *, taken: str, again: Mapping[str, Any] | None = None) -> None:
        """Make the head what it was after a record: one record more, and then the view.

        What came since stays in the journal, off the line. `taken` says what is taken back, `again` is the
        intent of a frame that is begun at once: where the process dies before that is recorded, too, the next
        opening does it. Where a document cannot be had any more it is an error, and nothing was changed.
        """
        self.show()
        head, now = head_at(self._journal, upto), self._head
        shown = head.shows() == now.shows()
        if not shown:
            cells = self.rebuilt(head)
            self._view.index.deltas = -1  # where this process dies, too, their files are looked through
            self._view.index.add()
        head.epoch = now.epoch + 1
        head.dead = left_behind(head.dead, upto, len(self._journal))
        has = self._keep.has_snap
        head.documents = {  # whose base was thinned out has none
            name: {key: said[key] for key in said if key != "snap" or all(map(has, snaps_of(said)))}
            for name, said in head.documents.items()
        }
        more = {} if again is None else {"again": dict(again)}
        self._record("rollback", **head.snapshot(head.documents), upto=upto, why=why, taken=taken, **more)
        if not shown:
            self._shift(cells)  # with the record, whatever the disk says next
        self._begin_again()
        self._journal.sync()
        if not shown:
            self.flush()

    def rebuilt(self, head: Head) -> dict[str, Cell]:
        """Every document of an earlier head, read; an error where one cannot be had as it was."""
        past = Past(self._journal, head.latest)
        cells: dict[str, Cell] = {}
        for name, said in head.documents.items():
            try:
                value = self._cell(name, said["digest"], past).get()
                if entry(name, value)["digest"] != said["digest"]:
                    raise StateError("damaged", f"{name} does not come to its digest", help=VERIFY)
            except StateError as error:
                message = f"frame {head.number} cannot be rebuilt, and nothing was changed: {error.message}"
                raise StateError(error.code, message, help=error.help, data=error.data) from error
            cells[name] = Cell(value)
        return cells

    def _shift(self, cells: dict[str, Cell]) -> None:
        """Hold another head, which is not the next of the one that was held."""
        self._cells, self._frame = cells, None
        self._newest, self._partly, self._dropped = (-1, ()), (0, 0), 0
        for known in (self._logs, self._members, self._pending):
            known.clear()

    def _begin_again(self) -> None:
        """Record the intent that the last way back wants and that is not there yet."""
        last = next(self._journal.select("rollback", "intent", "commit"), None)
        if last is not None and self._journal.kind(last) == "rollback":
            again = self._journal.read(last).fields.get("again")
            if again is not None:
                self._record("intent", **again)
                self._journal.sync()

    def work_off(self, monotonic: Callable[[], float], idle: bool) -> Iterator[None]:
        """Do what was put off until nobody waits for it: show the last commits, roll the journal.

        Unless the loop is `idle`, frames that follow each other quickly are shown together: new files cost
        more than they do. What it gives are the steps that can wait even longer.
        """
        now, self._written = monotonic(), {}
        if idle or now - self._worked_off >= OFTEN:
            self._worked_off = now
            self.show()
        self._roll()
        if not idle or now - self._filed < SELDOM:
            return iter(())
        self._filed = now
        return self.delta_files()

    async def durable(self) -> None:
        """Wait until everything journalled so far is on the disk."""
        await self._journal.durable()

    def _roll(self) -> None:
        """Where the journal's segment has grown large, begin another with a snapshot of all so far.

        A segment is as long as all documents at least, so that snapshots follow the history's bytes; but for
        logs, of which a snapshot takes only what came since the last. It holds several frames, however large.
        """
        journal, head = self._journal, self._head
        if head.number < 0 or not (journal.bare or journal.full(0)):
            return
        sizes = sum(said["length"] for name, said in head.documents.items() if not is_log(name))
        if not journal.bare and not journal.full(max(sizes, FRAMES_AT_LEAST * self._last_took)):
            return
        past = Past(journal, head.latest)
        documents = self._snapshots.keep_all(
            head.documents, head.logs, lambda name: self._now().documents[name], past.value
        )
        snapshot = journal.roll(**head.snapshot(documents))
        head.take(snapshot)
        self._snapshots.thin(journal, snapshot)

    # -- what is asked from outside --------------------------------------------------------------------------

    def listen(self) -> None:
        """Let others ask this run to pause or to stop."""
        control.begin(self._keep, self.epoch)

    def wish(self) -> str:
        """What is asked of this run: go, pause or stop."""
        return self._wishes.of(self.epoch)

    def deaf(self) -> None:
        """The run is over; nobody can ask it any more, and no loop brings to the disk what it wrote last."""
        if self._keep.writing:
            control.end(self._keep)
            self._journal.settle()

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
            self._view.adopt(name, entries[name]["digest"], self._head.latest)
        self._view.index.deltas = 0
        self._finish()
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
        put_off: bool = False,
    ) -> Frame:
        """Make frame N+1: one record, synced, is the moment of truth; `written` is the machine's time.

        `imports` names the deltas from elsewhere it is made of, `accepted` what it takes out of quarantine.
        Where that is to be `put_off`, whoever commits shows it a little later, with what comes until then.
        """
        parent = self._now()
        new, entries = self._next(merged.changes)
        rooms = {stream.number: stream for stream in streams}
        said = [in_commit(delta, rooms.get(delta.stream)) for delta in deltas]
        fields: dict[str, Any] = {
            "frame": number,
            "parent": parent.digest,
            "time": time,
            "written": written,
            "deltas": [named for named, _ in said],
            "streams": [ended for _, ended in said],
            "wake": list(wake),
            "changes": changes_to_record(merged.changes),
            "report": {name: dict(counts) for name, counts in merged.report.items()},
            "quarantine": [dict(entry) for entry in merged.quarantine],
            "documents": entries,
            "virtual": dict(virtual),
            **self._spent(),
            **({"imports": [dict(entry) for entry in imports]} if imports else {}),
            **({"accepted": [dict(entry) for entry in accepted]} if accepted else {}),
        }
        self._advance("commit", fields, new)
        self._newest = (number, tuple(deltas)) if deltas else self._newest
        self._to_show(parent, new, fields["quarantine"], put_off=put_off)
        self._written = fields
        return self._now()

    def tock(
        self,
        *,
        changes: Sequence[Change],
        virtual: Mapping[str, Any],
        report: Mapping[str, Mapping[str, int]] | None = None,
        quarantine: Sequence[Mapping[str, Any]] = (),
        put_off: bool = False,
    ) -> Frame:
        """A small commit of its own within the frame: what the echoes came to, and the items they brought."""
        self._roll()
        parent = self._now()
        new, entries = self._next(changes)
        fields = {
            "frame": parent.number,
            "tock": parent.tock + 1,
            "parent": parent.digest,
            "changes": changes_to_record(changes),
            "documents": entries,
            "virtual": dict(virtual),
        }
        if report:
            fields["report"] = {name: dict(counts) for name, counts in report.items()}
        if quarantine:
            fields["quarantine"] = [dict(entry) for entry in quarantine]
        self._advance("tock", fields, new)
        aside = self.set_aside(parent.number) if quarantine else ()
        self._to_show(parent, new, aside, put_off=put_off)
        return self._now()

    def _next(self, changes: Sequence[Change]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The documents that change, with their new values and what the record says of them."""
        old = self._now().documents
        new, entries = {}, {}
        made = apply(old, changes)
        self._check_names([name for name in made if name not in old], {*old, *made})
        for name, value in made.items():
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
            self.view.fingerprint(name)  # which refuses what the reservoir could not take as a name
            other = next((folder for folder in _folders(name) if folder in names), folders.get(name))
            if other is not None:
                message = f"{name} cannot be a document, since {other} is one already"
                raise StateError("bad-document", message, help="give one of them another name")

    def _entry(self, name: str, old: Any, new: Any) -> dict[str, Any]:
        """Digest and length; of a log only what was appended is hashed, of JSON what changed is encoded."""
        before = self._head.documents.get(name)
        if is_text(name):
            return entry(name, new)
        if not is_log(name):
            return self._json_entry(name, old, new)
        more = appended(old, new) if before is not None else None
        if more is None or before is None:
            return entry(name, new)
        known = self._logs.get(name)
        log = known[1] if known is not None and known[0] == before["digest"] else None
        log = (log or LogDigest().extended(elements(old))).extended(more)
        said = log.entry()
        self._logs[name] = (said["digest"], log)
        return said

    def _json_entry(self, name: str, old: Any, new: Any) -> dict[str, Any]:
        """It refuses to go on from a document that was changed in memory, as far as the change reaches."""
        before = self._head.documents.get(name)
        digest, known = self._members.get(name, ("", None))
        try:
            if before is None:
                known = None
            elif digest != before["digest"]:
                known = members_of(name, None, old)
                if canon.digest_bytes(known.data) != before["digest"]:
                    raise Touched
            made = members_of(name, known, new)
        except Touched:
            raise changed_in_memory(name, self._head.number) from None
        digest = canon.digest_bytes(made.data)
        self._made[name] = (digest, made)
        return {"digest": digest, "length": len(made.data)}

    def _advance(self, kind: str, fields: dict[str, Any], new: Mapping[str, Any]) -> None:
        """Append the record with the digest of the frame it makes, sync it, and make that frame the head."""
        head = self._head.copy()
        seq = len(self._journal) + 1
        head.take(Record(kind, seq, fields))
        cells = {**self._cells, **{name: Cell(value) for name, value in new.items()}}
        frame = head.frame(cells)
        self._journal.append(kind, **fields, digest=frame.digest)
        self._journal.sync()
        self._journal.require_place()
        self._head, self._cells, self._frame = head, cells, frame
        self._members.update((name, self._made[name]) for name in new if name in self._made)
        self._made.clear()


def _folders(name: str) -> Iterator[str]:
    """The folders that a document lies in, the innermost first."""
    while name := name.rpartition("/")[0]:
        yield name
