"""The reading half of the state store: the head, earlier frames and what the journal tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from lisppump import canon, control
from lisppump.control import Control
from lisppump.delta import Delta
from lisppump.delta_records import from_record, told, whole_outcome
from lisppump.disk import StateError
from lisppump.documents import Cell, log_value, parse
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.history import GIVEN_UP, LIGHT, Head, Past, dead_at, head_at, lost
from lisppump.journal import Journal, Record
from lisppump.keep import Keep, locked
from lisppump.line import Ranges, alive, left_behind, parting
from lisppump.line_moves import LINE, PLACES, away, name_of
from lisppump.room import note_of_room
from lisppump.view import View

LATELY = "lately"  # a file of the machinery's folder


class Earlier(Journal):
    """A journal as it was after a record, to read in: it shares all that the journal has open."""

    def __init__(self, journal: Journal, upto: int) -> None:
        self.__dict__.update(journal.__dict__)
        self._upto = upto

    def __len__(self) -> int:
        return self._upto


class Archive:
    """A world's journal and view, to look into; it changes neither."""

    def __init__(self, keep: Keep, journal: Journal, head: Head, view: View) -> None:
        self._keep = keep
        self._journal = journal
        self._head = head
        journal.dead = head.dead
        self._view = view
        self._cells: dict[str, Cell] = {}
        self._frame: Frame | None = None
        self._lost: list[int] | None = None
        self.ahead: StateError | None = None  # where the journal has lost its end

    @property
    def head(self) -> Frame | None:
        """The newest frame; None before frame 0."""
        if self._frame is None and self._head.number >= 0:
            past = Past(self._journal, self._head.latest)
            for name, entry in self._head.documents.items():
                if name not in self._cells:
                    self._cells[name] = self._cell(name, entry["digest"], past)
            self._frame = self._head.frame(self._cells)
        return self._frame

    def _cell(self, name: str, wanted: str, past: Past) -> Cell:
        return Cell(load=lambda: log_value(name, self._view.read(name, wanted, lambda: past.value(name))))

    @property
    def epoch(self) -> int:
        """Rises at every opening for writing and every rollback; part of a delta's identity."""
        return self._head.epoch

    @property
    def node(self) -> str:
        """The name of this copy of the world."""
        return self._keep.node

    def note_of_room(self) -> str | None:
        """What is to be said of the room on the disk; None where there is enough."""
        return note_of_room(self._keep.disk, self._keep.folder)

    def lock_holder(self) -> int | None:
        """The process that writes this world now, if any."""
        return self._keep.holder

    def run(self) -> Control | None:
        """The run that is going here now and can be asked, if there is one."""
        found = control.read(self._keep)
        going = found is not None and (found.pid, found.epoch) == (self.lock_holder(), self.epoch)
        return found if going else None

    def ask(self, run: Control, wish: str) -> None:
        """Ask a run to go, pause or stop."""
        control.write(self._keep, replace(run, wish=wish))

    def refuse_locked(self) -> None:
        """Raise the error for a world that another process writes, where one does."""
        holder = None if self._keep.writing else self.lock_holder()
        if holder is not None:
            raise locked(holder)

    def history(self, number: int) -> tuple[Head, Iterator[Record]]:
        """What a frame was begun from, and every record of the line from its intent on."""
        began = self.began(number)
        if began is None:
            raise LisppumpError("no-such-frame", f"frame {number} was never begun")
        journal, dead = self._journal, self._head.dead
        line = (seq for seq in range(began, len(journal) + 1) if alive(seq, dead))
        return head_at(journal, began - 1), map(journal.read, line)

    def past(self, head: Head) -> Past:
        """The documents of an earlier head."""
        return Past(self._journal, head.latest)

    def kept(self, name: str, blob: str) -> Any:
        """The value of a document that was journalled whole."""
        return parse(name, self._keep.read_blob(blob), name)

    def frame(self, number: int) -> Frame:
        """A committed frame with its tocks and the edits before the next commit: what the next came from."""
        head = self.head
        if head is not None and number == head.number:
            return head
        past = Head()
        journal = self._journal
        made = next(journal.select("commit", "snapshot", frame=number), 0)
        for seq in range(journal.snapshot_before(made), len(journal) + 1 if made else 0):
            if journal.kind(seq) not in LIGHT or not alive(seq, self._head.dead):
                continue
            record = journal.read(seq)
            if record.kind in ("snapshot", "commit") and record.fields["frame"] > number:
                break
            if record.kind == "lost" and record.fields["needed"]:
                if seq > made:
                    break
                raise lost(record)
            past.take(record)
        if past.number != number:
            raise self.missing(number)
        documents = Past(self._journal, past.latest)
        cells = {name: Cell(load=_loader(documents, name)) for name in past.documents}
        return past.frame(cells)

    def missing(self, number: int) -> LisppumpError:
        """The error for a frame of which the journal has no commit: it was lost, or never made."""
        newest = self._head.number
        begun = next(self._journal.select("snapshot", frame=0), None) is not None
        if 0 < number <= newest or (number == 0 <= newest and not begun):
            what = f"frame {number} was lost when the journal was damaged"
            return StateError("damaged", what, help=GIVEN_UP)
        if number == 0 and newest >= 0:
            what = "frame 0 is the beginning: nobody was asked for it"
            return LisppumpError("no-such-frame", what, help=LINE)
        return self.no_frame(number, max(newest, 0))

    @property
    def repaired(self) -> bool:
        """True where a repair gave something up, of the records or of what they refer to."""
        return next(self._journal.select("lost"), None) is not None

    def given_up(self) -> list[int]:
        """The records on the line that a repair gave up."""
        if self._lost is None:  # none is added while a world is open
            seqs = sorted(self._journal.select("lost"))
            self._lost = [seq for seq in seqs if "blobs" not in self._journal.read(seq).fields]
        return self._lost

    def unmakable(self, number: int) -> LisppumpError | None:
        """Why a committed frame cannot be made again from its records, where a repair gave one of them up."""
        began, made = self.began(number), self.made(number)
        if began is None or made is None:
            return self.missing(number)
        gone = [seq for seq in self.given_up() if began < seq < made]
        if not gone:
            return None
        what = (
            f"record {gone[0]}, of frame {number}, was given up in a repair: the frame cannot be made again"
        )
        return StateError("damaged", what, help=GIVEN_UP, data={"record": gone[0], "frame": number})

    def commit_record(self, number: int) -> dict[str, Any] | None:
        """The fields of a frame's commit record."""
        commit = self._latest("commit", number)
        return None if commit is None else _whole(commit)

    def set_aside(self, number: int) -> list[dict[str, Any]]:
        """What the merge of a frame and those of its tocks put into quarantine, in that order."""
        made = self.made(number)
        if made is None:
            return []
        tocks = sorted(seq for seq in self._journal.select("tock", frame=number) if seq > made)
        records = [self._journal.read(seq).fields for seq in (made, *tocks)]
        return [entry for fields in records for entry in fields.get("quarantine", ())]

    def set_aside_by_tocks(self) -> dict[int, list[dict[str, Any]]]:
        """The same of each frame of whose tocks one has put something there."""
        tocks = (self._journal.read(seq).fields for seq in self._journal.select("tock"))
        numbers = sorted({fields["frame"] for fields in tocks if "quarantine" in fields})
        return {number: self.set_aside(number) for number in numbers}

    def intent_record(self, number: int) -> dict[str, Any] | None:
        """The fields of a frame's intent: of the last, where it was begun more than once."""
        return self._latest("intent", number)

    def commits(self) -> list[dict[str, Any]]:
        """The fields of all commit records, oldest first."""
        seqs = sorted(self._journal.select("commit"))
        return [_whole(self._journal.read(seq).fields) for seq in seqs]

    def deltas(self, number: int) -> tuple[Delta, ...]:
        """The deltas of a frame in canonical order; only the committed ones once it is committed."""
        commit = self.commit_record(number)
        wanted = None if commit is None else {(entry["epoch"], entry["stream"]) for entry in commit["deltas"]}
        found: dict[tuple[int, int], Delta] = {}
        for record in self.inputs(number):
            settled = told(record.kind, record.fields)
            if settled is None:
                continue
            delta = from_record(settled)
            if wanted is None or (delta.epoch, delta.stream) in wanted:
                found[delta.epoch, delta.stream] = delta
        return tuple(sorted(found.values(), key=lambda delta: delta.order))

    def imports(self, number: int) -> tuple[Delta, ...]:
        """The deltas from elsewhere that are inputs of a frame, in canonical order."""
        return self.foreign(self.inputs(number))

    def foreign(self, records: Iterable[Record]) -> tuple[Delta, ...]:
        """The deltas from elsewhere that records hold, in canonical order."""
        found = []
        for record in records:
            if record.kind == "import":
                blob = record.fields.get("blob")
                whole = record.fields if blob is None else canon.loads(self._keep.read_blob(blob), blob)
                found.append(from_record(whole["delta"]))
        return tuple(sorted(found, key=lambda delta: delta.order))

    def known_imports(self) -> dict[str, str]:
        """What was imported so far: the identity of each delta, and where it came from."""
        frames = {int(self._journal.read(seq).fields["frame"]) for seq in self._journal.select("import")}
        found: dict[str, str] = {}
        for number in sorted(frames):
            commit = self.commit_record(number) if number <= self._head.number else None
            for entry in commit.get("imports", ()) if commit is not None else ():
                found.setdefault(entry["identity"], f"{entry['file']}, imported into frame {number}")
        return found

    def dropped(self) -> list[dict[str, Any]]:
        """What has left quarantine for good: the id and digest of each entry."""
        seqs = sorted(self._journal.select("drop"))
        return [dict(entry) for seq in seqs for entry in self._journal.read(seq).fields["entries"]]

    def replies(self, number: int) -> list[dict[str, Any]]:
        """The fields of the replies that came in a frame, in the order they came."""
        came = (record.fields for record in self.inputs(number) if record.kind == "reply")
        return [{key: value for key, value in fields.items() if key != "settled"} for fields in came]

    def came_late(self, number: int) -> list[dict[str, Any]]:
        """The fields of the answers that came for a frame when their stream or run was settled."""
        return self._all("late", number)

    def changed(self, number: int) -> set[str]:
        """The documents that a frame's commit and its tocks changed; a snapshot of it tells of all it has."""
        made = self.made(number)
        if made is None:
            return set()
        tocks = [seq for seq in self._journal.select("tock", frame=number) if seq > made]
        return {name for seq in (made, *tocks) for name in self._journal.read(seq).fields["documents"]}

    def begun(self, number: int) -> int:
        """How many times a frame was begun, on whatever line."""
        return sum(1 for _ in self._journal.select("intent", frame=number, dead=()))

    def lately(self) -> dict[str, Any]:
        """What is to be told of the last opening for writing: what it mended, how its run ended.

        It is kept beside the journal and may be lost.
        """
        try:
            said = canon.loads(self._keep.get(LATELY) or b"{}", LATELY)
        except (LisppumpError, OSError):
            return {}
        return said if isinstance(said, dict) and said.get("epoch") == self.epoch else {}

    def inputs(self, number: int) -> list[Record]:
        """What came in for a frame since it was last begun, in the order it came."""
        began = self.began(number)
        return [] if began is None else self._came(began, len(self._journal) + 1, self._head.dead)

    def tools(self, number: int) -> list[dict[str, Any]]:
        """The fields of what models' tools told them in a frame since it was last begun, as it came."""
        began = self.began(number) or 0
        seqs = sorted(seq for seq in self._journal.select("tool", frame=number) if seq > began)
        return [dict(self._journal.read(seq).fields) for seq in seqs]

    def heard(self, number: int) -> list[Record]:
        """What the programs of a frame's tocks got from the web, and how the machine ended some of them."""
        seqs = sorted(self._journal.select("portal", "outcome", frame=number))
        return [record for record in map(self._journal.read, seqs) if "tock" in record.fields]

    def kept_inputs(self, intent: Mapping[str, Any]) -> list[Record]:
        """What a frame that is made once more keeps of what came the first time: all but of some streams."""
        retry = intent.get("retry")
        if retry is None:
            return []
        committed = retry["commit"]
        came = self._came(retry["intent"], committed, dead_at(self._journal, committed))
        return [record for record in came if record.fields.get("stream") not in retry["streams"]]

    def _came(self, began: int, end: int, dead: Ranges) -> list[Record]:
        """What came for the frame of an intent before the record `end`."""
        intent = self._journal.read(began).fields
        kinds = ("reply", "outcome", "delta", "import")
        found = self._journal.select(*kinds, frame=intent["frame"], below=end, dead=dead)
        seqs = sorted(takewhile(lambda seq: seq > began, found))
        return [*self.kept_inputs(intent), *map(self._journal.read, seqs)]

    # -- the line --------------------------------------------------------------------------------------------

    @property
    def records(self) -> int:
        """How many records the journal has."""
        return len(self._journal)

    def kind(self, seq: int) -> str:
        """The kind of a record."""
        return self._journal.kind(seq)

    def every(self, *kinds: str, frame: int | None = None, newest: bool = False) -> Iterator[Record]:
        """The records of these kinds on whatever line, the oldest or the newest first."""
        found = self._journal.select(*kinds, frame=frame, dead=())
        return map(self._journal.read, found if newest else sorted(found))

    def as_of(self, seq: int) -> Archive:
        """The world as it was after a record, which may be off the line."""
        return Archive(self._keep, Earlier(self._journal, seq), head_at(self._journal, seq), self._view)

    def no_frame(self, number: int, newest: int | None = None) -> LisppumpError:
        """The error for a frame that is not on the line; where there is one off it, it says its name."""
        newest = self._head.number if newest is None else newest
        if number == self._head.opened:
            what = f"frame {number} is still under way; the newest is {newest}"
            return LisppumpError("no-such-frame", what, help="`lisppump status` tells how far it is")
        what, name = f"there is no frame {number}; the newest is {newest}", away(self, number)
        if name is None:
            return LisppumpError("no-such-frame", what, help=LINE)
        what += f". There is one off the line, called {name}"
        help = f"`lisppump show {name}` shows it, `lisppump rollback {name}` goes there"
        return LisppumpError("no-such-frame", what, help=help)

    def dead_after(self, seq: int) -> Ranges:
        """The records that were not on the line any more after a record."""
        return dead_at(self._journal, seq)

    def head_after(self, seq: int) -> Head:
        """The head as it was after a record."""
        return head_at(self._journal, seq)

    def began(self, number: int) -> int | None:
        """The record of the intent of a frame: of the last, where it was begun more than once."""
        return next(self._journal.select("intent", frame=number), None)

    def made(self, number: int) -> int | None:
        """The record of a frame's commit."""
        return next(self._journal.select("commit", frame=number), None)

    def end_of(self, number: int) -> int:
        """The last record of a frame, with its tocks and the edits before the next: what that came from."""
        behind = self.began(number + 1) or self.made(number + 1)
        return len(self._journal) if behind is None else behind - 1

    def last_move(self, below: int | None = None) -> Record | None:
        """The record that last moved the head: a commit, an edit, a way back; None where none did."""
        for seq in self._journal.select("commit", "edit", "rollback", below=below):
            record = self._journal.read(seq)
            if record.fields.get("why") != "abandon":  # which moved nothing
                return record
        return None

    def parted(self, upto: int) -> tuple[list[Record], list[Record]]:
        """The commits and edits that leave the line, and that come back to it, by going back to a record."""
        journal, now = self._journal, self._head.dead
        then = left_behind(dead_at(journal, upto), upto, len(journal))
        leave: list[Record] = []
        back: list[Record] = []
        lowest = parting(now, then)
        for seq in journal.select("commit", "edit", dead=()):
            if lowest is None or seq < lowest:
                break
            was, is_ = alive(seq, now), alive(seq, then)
            if was != is_:
                (leave if was else back).insert(0, journal.read(seq))
        return leave, back

    def before_edits(self, number: int, below: int) -> tuple[tuple[str, ...], str | None]:
        """The documents of the hand edits that went into a frame begun at a record, and the place before."""
        names: dict[str, None] = {}
        for seq in self._journal.select(*PLACES, below=below):
            fields = self._journal.read(seq).fields
            if self.kind(seq) == "edit" and fields["frame"] == number:
                names.update(dict.fromkeys(sorted(fields["documents"])))
            elif "head" not in fields or self.kind(seq) == "rollback":
                return tuple(names), name_of(number - 1, seq)
        return tuple(names), None

    def edits(self, number: int) -> list[dict[str, Any]]:
        """The hand edits that went into a frame: document and digest (None: removed)."""
        return [
            {"document": name, "digest": None if entry is None else entry["digest"]}
            for fields in self._all("edit", number)
            for name, entry in sorted(fields["documents"].items())
        ]

    def quarantined(self) -> int:
        """How many items lie in quarantine."""
        return self._head.quarantined

    def open_intent(self) -> dict[str, Any] | None:
        """The intent of the frame that was begun and not committed."""
        number = self._head.opened
        return None if number is None else self.intent_record(number)

    def open_frame(self) -> dict[str, Any] | None:
        """The frame that was begun and not committed: which of its streams have settled."""
        intent = self.open_intent()
        if intent is None:
            return None
        came = self.inputs(number := intent["frame"])
        settled = [record.fields["stream"] for record in came if told(record.kind, record.fields)]
        finished = sorted(set(settled))
        missing = [s["stream"] for s in intent.get("streams", []) if s["stream"] not in finished]
        return {"frame": number, "finished": finished, "missing": missing}

    def _latest(self, kind: str, number: int) -> dict[str, Any] | None:
        seq = next(self._journal.select(kind, frame=number), None)
        return None if seq is None else dict(self._journal.read(seq).fields)

    def _all(self, kind: str, number: int) -> list[dict[str, Any]]:
        seqs = sorted(self._journal.select(kind, frame=number))
        return [dict(self._journal.read(seq).fields) for seq in seqs]


def _loader(past: Past, name: str) -> Callable[[], Any]:
    return lambda: log_value(name, past.value(name))


def _whole(commit: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a commit, with all of how its streams ended."""
    return {**commit, "streams": [whole_outcome(said) for said in commit["streams"]]}
