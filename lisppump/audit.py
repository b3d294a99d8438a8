"""A walk through a whole journal that rebuilds every frame and says where that fails. It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump.delta_records import from_record, told
from lisppump.disk import trouble
from lisppump.documents import Cell, LogDigest, appended, entry, is_log, log_value, parse
from lisppump.errors import LisppumpError
from lisppump.history import Head, following
from lisppump.keep import Keep
from lisppump.lispy.values import elements
from lisppump.merge_changes import Change, apply
from lisppump.records import Record, chained
from lisppump.salvage import Found, Gap, walk
from lisppump.snapshots import snaps_of


@dataclass(slots=True)
class Fault:
    """One thing that is not as it was written; offsets are those of the file, packed or not."""

    segment: int | None
    offset: int | None
    record: int | None
    frame: int | None
    what: str

    def to_json(self) -> dict[str, Any]:
        """As `verify` shows it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Hole:
    """Records that cannot be read: `count` from number `first` on.

    `needed` is true where later frames cannot be rebuilt without them, false where they can, and None where
    nothing behind it tells. `healed` is the frame of the snapshot that starts anew behind it; `begun` the
    intent of the frame that was open then.
    """

    fault: Fault
    first: int
    count: int
    needed: bool | None = None
    healed: int | None = None
    begun: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What the records up to one that somebody went back to later add up to."""

    digest: str
    begun: int | None
    values: Mapping[str, Any]
    sure: bool
    deltas: Mapping[tuple[int, int, int], str]
    streams: set[int]


_UNKNOWN = object()
_SHAPELESS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(slots=True)
class Audit:
    """What a walk found; `head` is the newest frame as far as records tell.

    `named` has the newest entry of each document with the record that names it, `blobs` what was looked at.
    """

    keep: Keep
    faults: list[Fault] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    head: Head = field(default_factory=Head)
    frames: int = 0
    records: int = 0
    segments: int = 0
    given_up: int = 0  # records that a repair wrote in the place of lost ones
    torn: bool = False
    last: int = 0  # the number of the last record
    blind: list[int] = field(default_factory=list)  # frames that cannot be rebuilt
    begun: int | None = None
    wanted: frozenset[int] = frozenset()  # the records that are gone back to, as far as known before the walk
    met: set[int] = field(default_factory=set)  # the same, as met on the way
    blobs: set[str] = field(default_factory=set)
    bad_blobs: dict[str, Fault] = field(default_factory=dict)
    bad_snaps: dict[str, Fault] = field(default_factory=dict)
    named: dict[str, tuple[int, Any]] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)
    _logs: dict[str, tuple[str, LogDigest]] = field(default_factory=dict)
    _misses: bool = False  # True once a document's value was not to be had
    _sure: bool = True  # False while the head misses something that was lost
    _deltas: dict[tuple[int, int, int], str] = field(default_factory=dict)
    _streams: set[int] = field(default_factory=set)
    _marks: dict[int, Mark] = field(default_factory=dict)
    _forgiven: set[str] = field(default_factory=set)

    @property
    def sure(self) -> bool:
        """True when the head is what it was, with nothing missing on the way to it."""
        return self._sure

    @property
    def settled(self) -> bool:
        """True when every stream of the frame that is under way has come to its delta."""
        return self._streams <= {stream for _, frame, stream in self._deltas if frame == self.head.opened}

    def unknown(self) -> list[str]:
        """The newest frame's documents whose values cannot be rebuilt."""
        return [name for name in self.head.documents if self._values.get(name, _UNKNOWN) is _UNKNOWN]

    # -- one step --------------------------------------------------------------------------------------------

    def take(self, found: Found) -> None:
        """One sound record further."""
        record = found.record
        self.records += 1
        try:
            if record.kind in _STEPS:
                _STEPS[record.kind](self, found)
            else:
                self.head.take(record)
        except (*_SHAPELESS, LisppumpError) as error:
            said = error.message if isinstance(error, LisppumpError) else f"{type(error).__name__} {error}"
            self._wrong(found, f"the {record.kind} record cannot be followed: {said}")
        if record.seq in self.wanted:
            self._marks[record.seq] = Mark(
                self._frame(), self.begun, dict(self._values), self._sure, dict(self._deltas), self._streams
            )

    def fault(self, found: Found, what: str) -> Fault:
        """Note what is wrong with a record."""
        frame = found.record.frame
        fault = Fault(
            found.segment, found.offset, found.record.seq, frame if frame >= 0 else self.head.number, what
        )
        self.faults.append(fault)
        return fault

    def _wrong(self, found: Found, what: str) -> None:
        """A record that does not come to what it says: it is as good as lost."""
        hole = Hole(self.fault(found, what), found.record.seq, 1, needed=True, begun=self.begun)
        self.holes.append(hole)
        self._sure = False
        self._values = {}

    def _settle(self, digest: Any) -> None:
        """Decide about what was lost before a record that names the frame it follows."""
        open_ = [hole for hole in self.holes if hole.needed is None]
        if open_ and self._sure:
            fits = self._frame() == digest
            for hole in open_:
                hole.needed = not fits
            self._sure = fits
            if not fits:
                self._values = {}

    def _frame(self) -> str:
        return self.head.frame({name: Cell() for name in self.head.documents}).digest

    # -- kinds of records ------------------------------------------------------------------------------------

    def _snapshot(self, found: Found) -> None:
        record = found.record
        if "head" not in record.fields:
            self._become(record, found)
            self.frames += 1
            return
        before = self._frame()
        self._settle_by(record, before, found)
        self._become(record, found)
        blind = {number for number in self.blind if number != self.head.number}
        self.blind = sorted(blind | {self.head.number} if self.unknown() else blind)

    def _settle_by(self, record: Record, before: str, found: Found) -> None:
        after = Head()
        after.take(record)
        digest = after.frame({name: Cell() for name in after.documents}).digest
        self.blind.extend(range(self.head.number + 1, after.number))
        was_sure = self._sure
        self._settle(digest)
        if self._sure and before != digest:
            self._wrong(found, "the snapshot is not the frame before it")
        for hole in self.holes:
            if hole.healed is None and (hole.needed or (hole.needed is None and not was_sure)):
                hole.needed, hole.healed = True, record.fields["frame"]
        self._sure = True

    def _become(self, record: Record, found: Found) -> None:
        """Take a snapshot's documents; of those that were thinned out, the values that are known stay."""
        old = self._values
        self.head.take(record)
        self._values = {}
        for name, said in record.fields["documents"].items():
            self.named[name] = (record.seq, said)
            value = self._base(name, said, found)
            if value is _UNKNOWN and "snap" in said and name in old:
                value = old[name]
            self._values[name] = value
            self._compare(name, said, found)

    def _edit(self, found: Found) -> None:
        record = found.record
        self.head.take(record)
        for name, said in record.fields["documents"].items():
            self.named[name] = (record.seq, said)
            if said is None:
                self._values.pop(name, None)
            else:
                self._values[name] = self._base(name, said, found)
                self._compare(name, said, found)

    def _base(self, name: str, said: Mapping[str, Any], found: Found) -> Any:
        """The value of a document that a record has whole."""
        snap = "snap" in said
        data = b""
        for digest in snaps_of(said) if snap else [said["blob"]]:
            try:
                data += self.keep.read_snap(digest) if snap else self.keep.read_blob(digest)
                self.blobs.add(digest)
            except LisppumpError as error:
                self._misses = True
                if not snap or self.keep.has_snap(digest):  # else it was thinned out: no fault
                    self._bad(found, digest, error.message, snap=snap)
                return _UNKNOWN
        return log_value(name, parse(name, data, name))

    def _bad(self, found: Found, digest: str, what: str, *, snap: bool) -> None:
        known = self.bad_snaps if snap else self.bad_blobs
        if digest not in known:
            known[digest] = self.fault(found, what)

    def _compare(self, name: str, said: Mapping[str, Any], found: Found) -> None:
        value = self._values.get(name, _UNKNOWN)
        if value is not _UNKNOWN and self._entry(name, None, value)["digest"] != said["digest"]:
            self._wrong(found, f"{name} does not come to the digest that is named")

    def _intent(self, found: Found) -> None:
        fields = found.record.fields
        if "parent" in fields:
            self._settle(fields["parent"])
        bundle = fields.get("bundle")
        if isinstance(bundle, str) and bundle not in self.blobs:
            try:
                self.keep.read_blob(bundle)
                self.blobs.add(bundle)
            except LisppumpError as error:
                self._bad(found, bundle, error.message, snap=False)
        self._deltas.clear()
        self.begun = found.record.seq
        anew = fields.get("retry", {}).get("streams")  # the others stand as they were
        self._streams = set(anew or (stream["stream"] for stream in fields.get("streams", ())))
        self.head.take(found.record)

    def _delta(self, found: Found) -> None:
        settled = told(found.record.kind, found.record.fields)
        if settled is None:
            return
        delta = from_record(settled)
        if settled.get("digest") != delta.digest:
            fault = self.fault(found, "the delta does not come to its digest")
            self.holes.append(Hole(fault, found.record.seq, 1, needed=False, begun=self.begun))
        self._deltas[delta.epoch, delta.frame, delta.stream] = delta.digest

    def _commit(self, found: Found) -> None:
        record, fields = found.record, found.record.fields
        if record.kind == "commit":
            self.frames += 1
            self.blind.extend(range(self.head.number + 1, record.frame))  # their commits were lost
        self.begun = None
        self._settle(fields["parent"])
        for name, said in fields["documents"].items():
            self.named[name] = (record.seq, said)
        if not self._sure:
            self.head.take(record)
            self.blind += [record.frame] if record.kind == "commit" else []
            return
        if self._frame() != fields["parent"]:
            self._wrong(found, "it does not follow the frame before it")
            return
        self._change(found)
        self.head.take(record)
        if "digest" in fields and self._frame() != fields["digest"]:
            self._wrong(found, "the frame does not come to the digest that is named")
        if record.kind == "commit" and (not self._sure or (self._misses and self.unknown())):
            self.blind.append(record.frame)
        for named in fields.get("deltas", ()):
            self._check_delta(named, found)

    def _change(self, found: Found) -> None:
        """Apply the changes to the values that are known, and compare what they come to."""
        fields = found.record.fields
        changes = [Change.from_json(data) for data in fields["changes"]]
        old = self._values
        known = [change for change in changes if old.get(change.document, None) is not _UNKNOWN]
        made = apply({name: value for name, value in old.items() if value is not _UNKNOWN}, known)
        after = following(self.head.documents, fields["documents"])
        for name, value in made.items():
            said = self._entry(name, old.get(name), value)
            if name not in after or said["digest"] != after[name]["digest"]:
                self._wrong(found, f"{name} does not come to the digest that is named")
                return
        self._values = {**old, **made}

    def _check_delta(self, named: Mapping[str, Any], found: Found) -> None:
        stream = named["stream"]
        came = self._deltas.get((named["epoch"], named["frame"], stream))
        if came == named["digest"] or stream not in self._streams or named["frame"] != found.record.frame:
            return
        told = self.given_up or any(hole.fault.frame == named["frame"] for hole in self.holes)
        if came is None and told:
            return
        what = "is missing" if came is None else "is another"
        self.fault(found, f"the delta of stream {stream} that the frame was made of {what}")

    def _entry(self, name: str, old: Any, value: Any) -> dict[str, Any]:
        """Digest and length; of a log only what was appended is hashed."""
        if not is_log(name):
            return entry(name, value)
        known, more = self._logs.get(name), None if old is None else appended(old, value)
        if known is None or more is None:
            log = LogDigest().extended(elements(value))
        else:
            log = known[1].extended(more)
        said = log.entry()
        self._logs[name] = (said["digest"], log)
        return said

    def _rollback(self, found: Found) -> None:
        """Go on from what an earlier record had come to, which the record must hold."""
        record, upto = found.record, found.record.fields["upto"]
        self.met.add(upto)
        for hole in self.holes:
            if hole.needed is None and hole.first > upto:
                hole.needed = False  # what was lost was taken back
        self.head.take(record)
        said = record.fields["documents"]
        self.named = {name: (record.seq, said.get(name)) for name in {*self.named, *said}}
        mark = self._marks.get(upto)
        self._logs.clear()
        self._values = dict.fromkeys(said, _UNKNOWN) if mark is None else dict(mark.values)
        if mark is None:
            self._misses = True
            return
        self.begun, self._deltas, self._streams = mark.begun, dict(mark.deltas), mark.streams
        self._sure = mark.sure
        if self._sure and self._frame() != mark.digest:
            self._wrong(found, f"it is not what record {upto} had come to")

    def _lost(self, found: Found) -> None:
        """What a repair gave up is no fault any more."""
        fields = found.record.fields
        self.head.take(found.record)
        self.given_up += "blobs" not in fields
        self._forgiven.update(fields.get("blobs", ()))
        if fields["needed"]:
            self._sure = False
            self._values = {}

    def end(self) -> None:
        """The walk is over: what a repair gave up is no fault."""
        for digest in self._forgiven & self.bad_blobs.keys():
            self.faults.remove(self.bad_blobs.pop(digest))


_STEPS = {
    "snapshot": Audit._snapshot,
    "edit": Audit._edit,
    "intent": Audit._intent,
    "delta": Audit._delta,
    "reply": Audit._delta,
    "commit": Audit._commit,
    "tock": Audit._commit,
    "rollback": Audit._rollback,
    "lost": Audit._lost,
}


def audit(keep: Keep) -> Audit:
    """Walk through the whole journal of a world; twice where somebody went back in it."""
    try:
        found = _walked(keep, frozenset())
        return _walked(keep, frozenset(found.met)) if found.met else found
    except OSError as error:  # no damage: what cannot be read now may be whole
        raise trouble(error, f"reading {error.filename or keep.folder}") from error


def _walked(keep: Keep, wanted: frozenset[int]) -> Audit:
    found = Audit(keep, wanted=wanted)
    expected, prev, chained_ = 1, "", True
    gaps: list[Gap] = []
    for step in walk(keep.folder / "journal"):
        found.segments = step.segment
        if isinstance(step, Gap):
            if step.torn:
                found.torn = True
            else:
                gaps.append(step)
                chained_ = False
            continue
        if step.record.seq < expected:
            gaps.append(Gap(step.segment, step.offset, "it is not in its place"))
            chained_ = False
            continue
        if step.record.seq > expected and not gaps:
            gaps.append(Gap(step.segment, step.offset, "it does not follow the record before it"))
        _note(found, gaps, expected, step.record.seq - expected, step.record)
        if chained_ and not gaps and step.prev != prev:
            found.fault(step, "it does not follow the record before it")
        gaps.clear()
        found.take(step)
        expected, prev, chained_ = step.record.seq + 1, chained(step.payload), True
    _note(found, gaps, expected, None, None)
    found.last = expected - 1
    found.end()
    return found


def _note(found: Audit, gaps: list[Gap], expected: int, count: int | None, after: Record | None) -> None:
    """One fault for each gap between two records; together they are one hole, if a record is missing."""
    if not gaps:
        return
    frame = found.head.opened
    if frame is None:
        frame = after.frame if after is not None and after.frame >= 0 else found.head.number
    faults = [Fault(gap.segment, gap.offset, expected, frame, gap.what) for gap in gaps]
    found.faults.extend(faults)
    missing = sum(gap.lines for gap in gaps) or 1 if count is None else count
    if missing:
        found.holes.append(Hole(faults[0], expected, missing, begun=found.begun))
