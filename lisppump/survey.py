"""What a repair of a damaged journal would save, and what would be lost by it. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lisppump import canon
from lisppump.audit import Audit, Fault, Hole, audit
from lisppump.documents import digest, encode, parse
from lisppump.errors import LisppumpError
from lisppump.keep import FOLDER, REPAIRING, Keep
from lisppump.salvage import Found, walk
from lisppump.snapshots import read_base
from lisppump.verify import spoiled, verified
from lisppump.view import Unseen, View

ENDS = ("snapshot", "commit", "rollback")  # records that say which frame is the newest then


@dataclass(slots=True)
class Survey:
    """What a repair does, and what is lost by it.

    `cut` is the first record that goes; `dropped` the frames that go with it, `blind` those that stay but
    cannot be rebuilt. `saved` are documents whose newer value is kept as an edit, `losing` those whose is
    not, `spoiled` those that are written again.
    """

    faults: tuple[Fault, ...]
    holes: list[Hole] = field(default_factory=list)
    cut: int | None = None
    head: int = -1
    dropped: list[int] = field(default_factory=list)
    blind: list[int] = field(default_factory=list)
    blobs: list[str] = field(default_factory=list)
    saved: dict[str, Any] = field(default_factory=dict)
    losing: list[str] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    aside: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump repair`."""
        return {
            "schema": "lisppump/repair@1",
            "needed": bool(self.faults),
            "frame": self.head,
            "faults": [fault.to_json() for fault in self.faults],
            "lost": [
                {"first": hole.first, "last": hole.first + hole.count - 1, "frame": hole.fault.frame}
                for hole in self.holes
                if self.cut is None or hole.first < self.cut
            ],
            "cut": self.cut,
            "dropped": self.dropped,
            "blind": self.blind,
            "blobs": self.blobs,
            "saved": sorted(self.saved),
            "losing": self.losing,
            "spoiled": self.spoiled,
            "aside": self.aside,
        }


def survey(root: str | Path, view: Any) -> Survey:
    """What `repair` would do; nothing is written."""
    keep = Keep.open(Path(root) / FOLDER, write=False)
    if keep.get(REPAIRING) is not None:
        fault = Fault(None, None, None, None, "a repair was interrupted; the copies it made are used again")
        return Survey((fault,))
    return planned(keep, audit(keep), view)


def planned(keep: Keep, found: Audit, view: Any) -> Survey:
    """What to do about what an audit found."""
    faults = verified(found, view, busy=False).faults
    plan = Survey(faults, found.holes, head=found.head.number)
    bad = next((hole for hole in found.holes if hole.needed and hole.healed is None), None)
    plan.blobs = sorted(digest for digest in found.bad_blobs if not recovered(found, digest, keep, view))
    looked = View(view, keep, write=False)
    newer: dict[str, Any] = {}
    if bad is not None:
        newer = {name: said for name, (seq, said) in found.named.items() if seq > bad.first}
        plan.cut = bad.begun if newer and bad.begun is not None else bad.first
        plan.head = _head_before(keep, plan.cut)
        plan.dropped = list(range(plan.head + 1, found.head.number + 1))
    else:
        newer = {name: found.head.documents[name] for name in found.unknown()}
        _look_beyond(found, looked, plan)
    plan.blind = [number for number in found.blind if number not in plan.dropped]
    for name, said in sorted(newer.items()):
        value = None if said is None else _value(keep, looked, name, said)
        if said is None or value is not None:
            plan.saved[name] = value
        else:
            plan.losing.append(name)
    return plan


def _look_beyond(found: Audit, view: View, plan: Survey) -> None:
    """Where the documents are of a later frame than the journal, they are kept as they are.

    Unless that is just the frame under way: its commit is made again from what was recorded of it.
    """
    if isinstance(view.reservoir, Unseen):
        return
    if not view.beyond(found.head, found.last) or view.index.frame is None:
        plan.spoiled = spoiled(view, found.head)
        return
    if found.head.opened is not None:
        if view.index.frame[0] <= found.head.opened:
            return
        plan.cut = found.begun
    plan.saved.update(_written(view, (plan.cut or found.last + 1) - 1))


def _head_before(keep: Keep, cut: int) -> int:
    """The newest frame of which the records before the cut tell."""
    number = -1
    for step in walk(keep.folder / "journal"):
        if isinstance(step, Found) and step.record.kind in ENDS and step.record.seq < cut:
            number = step.record.frame
    return number


def recovered(found: Audit, wanted: str, keep: Keep, view: Any) -> bytes | None:
    """The bytes of a lost blob, where a document in the state folder still has them."""
    if isinstance(view, Unseen):
        return None
    for name in {*found.named, *found.head.documents}:
        try:
            data = encode(name, view.read(name))
        except LisppumpError:
            continue
        if canon.digest_bytes(data) == wanted:
            return data
    return None


def _value(keep: Keep, view: View, name: str, said: Mapping[str, Any]) -> Any:
    """A document's value with the digest that a record names, out of the state folder or a blob, or None."""
    reads: tuple[Callable[[], Any], ...] = (
        lambda: view.reservoir.read(name),
        lambda: parse(name, read_base(keep, said), name),
    )
    for read in reads:
        try:
            value = read()
            if digest(name, value) == said["digest"]:
                return value
        except (LisppumpError, KeyError, AttributeError):
            continue
    return None


def _written(view: View, last: int) -> dict[str, Any]:
    """The documents that lie in the state folder as the pump wrote them for records behind the last."""
    found = {}
    for name in view.names:
        written = view.written(name)
        if written is None or written.seq <= last:
            continue
        try:
            value = view.reservoir.read(name)
            if view.holds(name, digest(name, value)):
                found[name] = value
        except LisppumpError:
            continue
    return found
