"""What the journal's records add up to: the head, and any earlier frame rebuilt. It writes nothing.

A document's entry is {digest, length}, and where a record has it whole, `blob` or `snap` for its bytes. The
first snapshot is frame 0; one in mid-history has `head`, all that the records before it add up to. So has a
rollback: what those up to an earlier one added up to, and which records are not on the line any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lisppump.disk import StateError
from lisppump.documents import Cell, LazyDocuments, is_log, parse
from lisppump.frame import Frame
from lisppump.journal import KINDS, Journal, Record
from lisppump.line import Ranges, ranges
from lisppump.merge_changes import Change, apply
from lisppump.snapshots import read_base, snaps_of

VERIFY = "`lisppump verify` tells all that is damaged, and `lisppump repair` saves what can be saved"
GIVEN_UP = (
    "a repair has saved what there was; `lisppump verify` names the frames that cannot be rebuilt any more"
)
ROOMS = 50  # frames whose rooms a frame remembers
HEAVY = ("reply", "delta", "tool", "portal", "outcome", "late", "import", "claim", "budget")
LIGHT = tuple(kind for kind in KINDS if kind not in HEAVY)  # what a head is made of
INPUTS = ("snapshot", "commit", "tock", "edit", "lost")
WHOLE = ("snapshot", "rollback")  # what may hold a whole head


@dataclass(slots=True)
class Head:
    """The newest frame without its documents' values, as the records so far make it.

    `documents` maps names to {digest, length}; `epoch` counts openings for writing and rollbacks; `opened` is
    the frame whose intent has no commit yet; `latest` the last record that changed a document; `logs` has the
    files of logs in the last snapshot; `dead` are the records that are not on the line any more.
    """

    number: int = -1
    tock: int = 0
    time: str = ""
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    virtual: Mapping[str, Any] = field(default_factory=dict)
    woken: dict[str, int] = field(default_factory=dict)
    rooms: tuple[tuple[int, tuple[tuple[str, ...], ...]], ...] = ()
    epoch: int = 0
    opened: int | None = None
    quarantined: int = 0
    latest: int = 0
    logs: Mapping[str, Any] = field(default_factory=dict)
    dead: Ranges = ()

    def shows(self) -> tuple[int, int, dict[str, str]]:
        """What of it can be seen in the view: its number, its tock, the digests of its documents."""
        return self.number, self.tock, {name: said["digest"] for name, said in self.documents.items()}

    def take(self, record: Record) -> None:
        """Go one record further."""
        if record.kind in HEAVY:
            return
        fields = record.fields
        if "head" in fields and record.kind in WHOLE:
            self._become(record)
            return
        if record.kind in INPUTS:
            self.latest = record.seq
            self.documents = following(self.documents, fields.get("documents", {}))
        if record.kind == "open" or (record.kind == "lost" and "blobs" not in fields):
            self.epoch += 1  # what was lost may have been an opening
        elif record.kind == "intent":
            self.opened = fields["frame"]
        elif record.kind in ("snapshot", "commit"):
            self.number, self.tock, self.time = fields["frame"], 0, fields["time"]
            self.virtual = fields["virtual"]
        elif record.kind == "tock":
            self.tock, self.virtual = fields["tock"], fields["virtual"]
            self.quarantined += len(fields.get("quarantine", ()))
        if record.kind == "commit":
            self._settle(fields)
        elif record.kind == "drop":
            self.quarantined -= len(fields["entries"])

    def snapshot(self, documents: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a record that holds all of it; each of the documents' entries has a base."""
        head = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name not in _BESIDE}
        return {"frame": self.number, "time": self.time, "documents": dict(documents), "head": head}

    def _become(self, record: Record) -> None:
        """Take over what a snapshot or a rollback holds, whatever was before it."""
        said = record.fields
        for name, value in said["head"].items():
            setattr(self, name, value)
        self.number, self.time, self.documents = said["frame"], said["time"], dict(said["documents"])
        self.rooms = tuple([_rooms(entry) for entry in self.rooms])
        snaps = {name: entry["snap"] for name, entry in self.documents.items() if "snap" in entry}
        self.logs = {name: snap for name, snap in snaps.items() if is_log(name)}
        self.dead = ranges(self.dead)
        self.latest = record.seq

    def _settle(self, fields: Mapping[str, Any]) -> None:
        self.opened = None
        self.quarantined += len(fields["quarantine"]) - len(fields.get("accepted", ()))
        self.woken = {**self.woken, **dict.fromkeys(fields["wake"], self.number)}
        rooms = tuple([tuple(stream["agents"]) for stream in fields["streams"]])
        self.rooms = (*self.rooms, (self.number, rooms))[-ROOMS:]

    def copy(self) -> Head:
        """A head of its own; what it holds is never changed in place."""
        return replace(self)

    def frame(self, cells: Mapping[str, Cell]) -> Frame:
        """The frame, over its documents' cells."""
        return Frame(
            number=self.number,
            time=self.time,
            documents=LazyDocuments({name: cells[name] for name in self.documents}),
            digests={name: self.documents[name]["digest"] for name in sorted(self.documents)},
            tock=self.tock,
            virtual=self.virtual,
            woken=self.woken,
            rooms=self.rooms,
        )


def _rooms(entry: Sequence[Any]) -> tuple[int, tuple[tuple[str, ...], ...]]:
    """The rooms of one frame as a head has them; those that no record was read for are that already."""
    return entry if entry.__class__ is tuple else (entry[0], tuple([tuple(room) for room in entry[1]]))


def lost(record: Record) -> StateError:
    """The error for what cannot be rebuilt, since a record that it needs was damaged and given up."""
    what = f"record {record.seq} of the journal was damaged, and what it held is lost"
    return StateError("damaged", what, help=GIVEN_UP, data={"record": record.seq})


_BESIDE = ("number", "time", "documents", "latest", "logs")  # what a snapshot has beside its head


def following(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The documents after a record: `null` takes one away."""
    documents = {**old, **new}
    return {name: entry for name, entry in documents.items() if entry is not None}


def head_at(journal: Journal, upto: int) -> Head:
    """The head as it was after a record."""
    start = next(journal.select(*WHOLE, below=upto + 1, dead=()), 1)
    head = Head()
    for seq in range(start if "head" in journal.read(start).fields else 1, upto + 1):
        if journal.kind(seq) in LIGHT:
            record = journal.read(seq)
            if record.kind == "lost" and record.fields["needed"]:
                raise lost(record)
            head.take(record)
    return head


def dead_at(journal: Journal, seq: int) -> Ranges:
    """The records that were not on the line any more after a record."""
    for found in journal.select(*WHOLE, below=seq + 1, dead=()):
        head = journal.read(found).fields.get("head")
        if head is not None:
            return ranges(head["dead"])
    return ()


class Past:
    """The documents as they were after one record, rebuilt from the nearest bases and the changes since.

    It goes back through the journal only as far as the documents that are asked for need it. Bases of
    snapshots may be thinned out at any time; without them (`snapshots` is false) it goes back further.
    """

    def __init__(self, journal: Journal, seq: int, *, snapshots: bool = True) -> None:
        self._journal = journal
        self._seq = seq
        self._snapshots = snapshots
        self._rest = self._back()
        self._bases: dict[str, Mapping[str, Any] | None] = {}
        self._changes: dict[str, list[Change]] = {}  # newest first
        self._wanting: set[str] | None = None  # the only documents of which a base may still be found
        self._lost: StateError | None = None

    def _back(self) -> Iterator[int]:
        """The records that it may need, newest first: those on the line as it was then."""
        dead = dead_at(self._journal, self._seq)
        yield from self._journal.select(*INPUTS, below=self._seq + 1, dead=dead)

    def value(self, name: str) -> Any:
        """The value of one document."""
        while self._looks_for(name) and (seq := next(self._rest, None)) is not None:
            self._gather(self._journal.read(seq))
        if self._lost is not None and name not in self._bases:
            raise self._lost
        base = self._bases.get(name)
        try:
            documents = {} if base is None else {name: parse(name, self._read(base), name)}
        except StateError:
            if not self._snapshots or base is None or "snap" not in base:
                raise
            return Past(self._journal, self._seq, snapshots=False).value(name)
        changes = self._changes.get(name, [])
        if changes:
            documents = apply(documents, reversed(changes))
        if name not in documents:
            raise StateError("damaged", f"the journal does not hold the document {name}", help=VERIFY)
        return documents[name]

    def cell(self, name: str) -> Cell:
        """A cell that rebuilds the document when asked."""
        return Cell(load=lambda: self.value(name))

    def _looks_for(self, name: str) -> bool:
        return name not in self._bases and (self._wanting is None or name in self._wanting)

    def _read(self, base: Mapping[str, Any]) -> bytes:
        return read_base(self._journal.keep, base)

    def _gather(self, record: Record) -> None:
        if record.kind == "lost":
            if record.fields["needed"]:
                self._wanting, self._lost = set(), lost(record)
        elif record.kind in ("snapshot", "edit"):
            self._gather_bases(record)
        else:
            for data in reversed(record.fields["changes"]):
                change = Change.from_json(data)
                if self._looks_for(change.document):
                    self._changes.setdefault(change.document, []).append(change)

    def _gather_bases(self, record: Record) -> None:
        """What a snapshot does not name was not there; whose base it has not any more is looked for on."""
        named = record.fields["documents"]
        for name, entry in named.items():
            if self._looks_for(name) and self._has(entry):
                self._bases[name] = entry
        if record.kind == "snapshot":
            self._wanting = {name for name in named if self._looks_for(name)}

    def _has(self, entry: Mapping[str, Any] | None) -> bool:
        if entry is None or "snap" not in entry:
            return True
        return self._snapshots and all(map(self._journal.keep.has_snap, snaps_of(entry)))
