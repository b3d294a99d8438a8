"""What the journal's records add up to: the head, and any earlier frame rebuilt. It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lisppump.disk import StateError
from lisppump.documents import Cell, LazyDocuments, parse
from lisppump.frame import Frame
from lisppump.journal import Journal, Record
from lisppump.merge_changes import Change, apply

ROOMS = 50  # frames whose rooms a frame remembers
INPUTS = ("snapshot", "commit", "tock", "edit")


@dataclass(slots=True)
class Head:
    """The newest frame without its documents' values, as the records so far make it.

    `documents` maps names to {digest, length}; `epoch` counts openings for writing and rollbacks; `opened` is
    the frame whose intent has no commit yet; `latest` the last record that changed a document.
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

    def take(self, record: Record) -> None:
        """Go one record further."""
        fields = record.fields
        if record.kind in INPUTS:
            self.latest = record.seq
            self.documents = following(self.documents, fields["documents"])
        if record.kind in ("open", "rollback"):
            self.epoch += 1
            if record.kind == "rollback":
                self.opened = None
        elif record.kind == "intent":
            self.opened = fields["frame"]
        elif record.kind in ("snapshot", "commit"):
            self.number, self.tock, self.time = fields["frame"], 0, fields["time"]
            self.virtual = fields["virtual"]
        elif record.kind == "tock":
            self.tock, self.virtual = fields["tock"], fields["virtual"]
        if record.kind == "commit":
            self._settle(fields)
        elif record.kind == "drop":
            self.quarantined -= len(fields["entries"])

    def _settle(self, fields: Mapping[str, Any]) -> None:
        self.opened = None
        self.quarantined += len(fields["quarantine"]) - len(fields.get("accepted", ()))
        self.woken = {**self.woken, **dict.fromkeys(fields["wake"], self.number)}
        rooms = tuple(tuple(stream["agents"]) for stream in fields["streams"])
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


def following(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The documents after a record: `null` takes one away."""
    documents = {**old, **new}
    return {name: entry for name, entry in documents.items() if entry is not None}


class Past:
    """The documents as they were after one record, rebuilt from bases and changes when first asked for."""

    def __init__(self, journal: Journal, seq: int) -> None:
        self._journal = journal
        self._seq = seq
        self._bases: dict[str, str | None] = {}
        self._changes: dict[str, list[Change]] | None = None

    def value(self, name: str) -> Any:
        """The value of one document."""
        changes = self._gathered().get(name, [])
        blob = self._bases.get(name)
        if blob is None:
            documents = {}
        else:
            documents = {name: parse(name, self._journal.keep.read_blob(blob), name)}
        if changes:
            documents = apply(documents, changes)
        if name not in documents:
            raise StateError("damaged", f"the journal does not hold the document {name}")
        return documents[name]

    def cell(self, name: str) -> Cell:
        """A cell that rebuilds the document when asked."""
        return Cell(load=lambda: self.value(name))

    def _gathered(self) -> dict[str, list[Change]]:
        if self._changes is None:
            gathered: dict[str, list[Change]] = {}
            for seq in reversed([seq for seq in self._journal.select(*INPUTS) if seq <= self._seq]):
                self._gather(self._journal.read(seq), gathered)
            self._changes = gathered
        return self._changes

    def _gather(self, record: Record, gathered: dict[str, list[Change]]) -> None:
        if record.kind in ("snapshot", "edit"):
            for name, entry in record.fields["documents"].items():
                self._bases[name] = None if entry is None else entry["blob"]
                gathered[name] = []
            return
        for data in record.fields["changes"]:
            change = Change.from_json(data)
            gathered.setdefault(change.document, []).append(change)
