"""Whether all of a world is as it was written: journal, blobs, documents. It locks and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lisppump.ahead import ahead, said
from lisppump.audit import Audit, Fault, audit
from lisppump.disk import trouble
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.history import Head
from lisppump.keep import FOLDER, Keep
from lisppump.steering import by_each
from lisppump.view import Unseen, View


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and every fault that was found; `notes` are of things that are no fault."""

    frames: int
    records: int
    blobs: int
    segments: int
    documents: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True where everything is as it was written."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump verify`."""
        return {
            "schema": "lisppump/verify@1",
            "ok": self.ok,
            "frames": self.frames,
            "records": self.records,
            "blobs": self.blobs,
            "segments": self.segments,
            "documents": self.documents,
            "faults": [fault.to_json() for fault in self.faults],
            "notes": list(self.notes),
        }


def verify(root: str | Path, view: Any) -> Verified:
    """Walk through everything that a world has on disk; a run may go on meanwhile."""
    keep = Keep.open(Path(root) / FOLDER, write=False)
    try:
        return verified(audit(keep), view, busy=keep.holder is not None)
    except OSError as error:
        raise trouble(error, f"reading {error.filename or root}") from error


def verified(found: Audit, view: Any, *, busy: bool) -> Verified:
    """What an audit found, and how the documents compare with it; not while somebody is `busy` with them."""
    faults, notes = list(found.faults), _notes(found)
    looked = 0
    if busy:
        notes.append("a run goes on: the documents in its state folder were not compared")
    elif isinstance(view, Unseen):
        notes.append("the policy does not say where the documents are: they were not compared")
    elif found.sure:
        shown = View(view, found.keep, write=False)
        if ahead(shown.index, found.head, found.last):
            frame = None if shown.index.frame is None else shown.index.frame[0]
            faults.append(Fault(None, None, None, frame, said(shown.index, found.head)))
        elif found.head.number >= 0:
            looked = len(found.head.documents)
            _look(shown, found.head, faults, notes)
    return Verified(
        frames=found.frames,
        records=found.records,
        blobs=len(found.blobs),
        segments=found.segments,
        documents=looked,
        faults=tuple(faults),
        notes=tuple(notes),
    )


def _notes(found: Audit) -> list[str]:
    notes = []
    if found.torn:
        notes.append("the last record is torn, as a crash leaves it or a run that is writing it")
    if found.given_up:
        records = f"{found.given_up} record{'s' * (found.given_up != 1)}"
        notes.append(f"a repair gave up {records}; what was held there is lost")
    if found.blind:
        notes.append(f"frames that cannot be rebuilt any more: {spans(found.blind)}")
    return notes


def _look(view: View, head: Head, faults: list[Fault], notes: list[str]) -> None:
    """Compare the documents with the newest frame: what others changed is no fault, but is said."""
    bad = spoiled(view, head)
    for name in bad:
        what = f"{name} is not what was written, and nobody is known to have changed it"
        faults.append(Fault(None, None, None, head.number, what))
    others = [
        name
        for name, said in sorted(head.documents.items())
        if name not in bad and _now(view, name) != said["digest"]
    ]
    for who, names in by_each(others):
        notes.append(f"unlike the newest frame, since they lag or were changed {who}: {names}")


def spoiled(view: View, head: Head) -> list[str]:
    """The documents whose files look as we wrote them, and hold something else."""
    return [
        name
        for name, said in sorted(head.documents.items())
        if view.holds(name, said["digest"]) and _now(view, name) != said["digest"]
    ]


def _now(view: View, name: str) -> str | None:
    try:
        return digest(name, view.reservoir.read(name))
    except LisppumpError:
        return None


def spans(numbers: list[int]) -> str:
    """Numbers in words: `3 to 7, 9`."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join(" to ".join(map(str, part)) for part in parts)
