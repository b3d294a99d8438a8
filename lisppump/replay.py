"""Replay: frames made again from what the journal recorded, nobody asked, and compared with what they were.

It writes nothing. Where a frame comes out unlike its record, the first difference is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from lisppump import loop
from lisppump import plan as planning
from lisppump.delta import Delta
from lisppump.delta_records import whole_outcome
from lisppump.differences import differing
from lisppump.disk import StateError
from lisppump.documents import Cell, entry, log_value
from lisppump.errors import LisppumpError
from lisppump.frame import Frame, Stream
from lisppump.governor import Governor
from lisppump.history import GIVEN_UP, Head
from lisppump.journal import Record
from lisppump.merge import apply
from lisppump.prices import Prices
from lisppump.purse import Accounts
from lisppump.report import Difference, Relived, Replayed, totals
from lisppump.rig import Rig
from lisppump.spending import prices_of, seen
from lisppump.turn import Recorded, Turn, recorded, think

if TYPE_CHECKING:
    from lisppump.lookout import Lookout


class Unlike(Exception):
    """A frame that came out unlike its record."""

    def __init__(self, difference: Difference) -> None:
        super().__init__()
        self.difference = difference


class Nowhere:
    """A ledger that keeps nothing: what is made again is recorded already."""

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Nothing is written."""

    def outcome(self, **fields: Any) -> None:
        """Nothing is written."""

    def tool(self, **fields: Any) -> None:
        """Nothing is written."""

    def delta(self, delta: Delta) -> None:
        """Nothing is written."""

    def claim(self, **fields: Any) -> None:
        """Nothing is written."""


def replay(pump: Lookout, first: int | None = None, last: int | None = None) -> Replayed:
    """Make the frames from `first` to `last` again; without numbers, all there are."""
    newest = pump.head.number
    begin, end = 1 if first is None else first, newest if last is None else last
    if newest == 0:
        what = "nothing has been made since frame 0 that could be made again"
        raise LisppumpError("no-such-frame", what, help="`lisppump step` makes a frame")
    if not 1 <= begin <= end <= newest:
        raise LisppumpError(
            "no-such-frame",
            f"frames {begin}..{end} cannot be replayed; there are frames 1..{newest}",
            help=f"`lisppump replay 1..{newest}` makes all again that can be: frame 0 is the beginning",
        )
    lost: dict[int, LisppumpError] = {}
    number, frames = begin, 0
    while number <= end:
        rerun = _Rerun(pump, number, end)
        try:
            rerun.go()
        except Unlike as unlike:
            _barred(pump, unlike)
            return Replayed(begin, end, False, unlike.difference, frames + rerun.frames, tuple(lost))
        except LisppumpError as error:
            _barred(pump, error)
            if error.code != "damaged" or not pump.store.repaired:
                raise
            rerun.end = number + rerun.frames
            lost[rerun.end] = error
        frames += rerun.frames
        number = rerun.end + 1
    if lost and not frames:
        raise next(iter(lost.values()))
    return Replayed(begin, end, True, None, frames, tuple(lost))


def _barred(pump: Lookout, error: Exception) -> None:
    """What is left of the policy need not make a frame as it was: that is told first."""
    if pump.barred is not None and pump.remains:
        raise pump.barred from error


def _together(pump: Lookout, number: int, end: int) -> int:
    """The last of the frames that can be made again one after the other, with nothing lost between them."""
    store = pump.store
    while number < end and store.unmakable(number + 1) is None:
        made, began = store.made(number) or 0, store.began(number + 1) or 0
        if any(made < seq < began for seq in store.given_up()):
            break
        number += 1
    return number


def replay_live(pump: Lookout, number: int) -> Relived:
    """Ask the backends of a committed frame once more; both answers of each stream, and both merges."""
    commit, intent = pump.store.commit_record(number), pump.store.intent_record(number)
    if commit is None or intent is None:
        raise pump.store.missing(number)
    head, _ = pump.store.history(number)
    past = pump.store.past(head)
    frame = head.frame({name: Cell(load=_loader(past, name)) for name in head.documents})
    turn = remade(pump, pump.rig_of(intent), frame, intent, commit["deltas"], Recorded(), sealed=False)
    before = {delta.stream: delta for delta in pump.store.deltas(number)}
    deltas = loop.run(_poured(turn))
    merged = turn.merge(deltas)
    streams = tuple(_both(before.get(delta.stream), delta) for delta in deltas)
    return Relived(number, streams, {"recorded": totals(commit["report"]), "live": totals(merged.report)})


async def _poured(turn: Turn) -> tuple[Delta, ...]:
    try:
        return await turn.pour()
    finally:
        await turn.rig.close()


def _both(recorded: Delta | None, live: Delta) -> dict[str, Any]:
    """A stream's two answers, item by item."""

    def told(delta: Delta | None) -> dict[str, Any] | None:
        return None if delta is None else {**delta.outcome(), "collections": dict(delta.collections)}

    equal = recorded is not None and (recorded.digest, recorded.status) == (live.digest, live.status)
    return {"stream": live.stream, "equal": equal, "recorded": told(recorded), "live": told(live)}


@dataclass
class _Rerun:
    """The world as it comes out again, record by record."""

    pump: Lookout
    number: int
    end: int
    head: Head = field(default_factory=Head)
    frames: int = 0
    intent: Mapping[str, Any] | None = None
    inputs: list[Record] = field(default_factory=list)
    heard: list[Record] = field(default_factory=list)
    rig: Rig | None = None
    cells: dict[str, Cell] = field(default_factory=dict)

    def go(self) -> None:
        """Make the frames again, but none behind one of which something was lost; that one is an error."""
        store = self.pump.store
        if store.repaired:
            if (why := store.unmakable(self.number)) is not None:
                raise why
            self.end = _together(self.pump, self.number, self.end)
        self.head, records = store.history(self.number)
        past = store.past(self.head)
        self.cells = {name: Cell(load=_loader(past, name)) for name in self.head.documents}
        for record in records:
            if not self.take(record):
                break

    def take(self, record: Record) -> bool:
        """Go one record further; False when the last frame is behind us."""
        if record.kind in ("intent", "commit", "tock") and record.fields["frame"] > self.end:
            return False
        if record.kind == "lost" and record.fields["needed"]:
            return False
        if record.kind in ("portal", "outcome") and "tock" in record.fields:
            self.heard.append(record)
        elif record.kind == "intent":
            self.intent = record.fields
            self.heard = []
            self.inputs = self.pump.store.kept_inputs(record.fields)
        elif record.kind in ("reply", "outcome", "import"):
            self.inputs.append(record)
        elif record.kind == "commit":
            self._commit(record)
            return True
        elif record.kind == "tock":
            self._tock(record)
        elif record.kind == "edit":
            self._edit(record)
        self.head.take(record)
        return True

    def _commit(self, record: Record) -> None:
        intent, said, frame = self.intent, record.fields, self._frame()
        number = said["frame"]
        if intent is None or intent["frame"] != number:
            raise Unlike(Difference(number, "intent", (), None, "the frame has none"))
        _same(number, "parent", said["parent"], frame.digest)
        self.rig = rig = self.pump.rig_of(intent, recorded=True)
        turn = remade(self.pump, rig, frame, intent, said["deltas"], recorded(self.inputs))
        deltas = turn.again()
        recorded_digests = {entry["stream"]: entry["digest"] for entry in said["deltas"]}
        statuses = {entry["stream"]: entry for entry in said["streams"]}
        for delta in deltas:
            place = f"stream_deltas/{delta.file_name}"
            _same(number, place, recorded_digests[delta.stream], delta.digest)
            _same(number, f"{place} outcome", _outcome(statuses[delta.stream]), delta.outcome())
        merged = turn.merge((*deltas, *self.pump.store.foreign(self.inputs)))
        _same(number, "changes", said["changes"], [change.to_json() for change in merged.changes])
        _same(number, "report", said["report"], {name: dict(one) for name, one in merged.report.items()})
        _same(number, "quarantine", said["quarantine"], [dict(one) for one in merged.quarantine])
        _same(number, "virtual", said["virtual"], turn.virtual(deltas, merged))
        self._documents(number, frame, merged.changes, said)
        self._advance(record)
        self.frames += 1

    def _tock(self, record: Record) -> None:
        number, said, frame = record.fields["frame"], record.fields, self._frame()
        intent = self.pump.store.intent_record(number) or {}
        rig = self.rig or self.pump.rig_of(intent, recorded=True)
        try:
            tock = think(rig, frame, self.heard)
        except LisppumpError as error:
            raise self._unheard(error, number, record.seq) from None
        place = f"echo {number}.{said['tock']}"
        if tock is None:
            raise Unlike(Difference(number, place, (), said["changes"], None))
        _same(number, place, said["changes"], [change.to_json() for change in tock.changes])
        _same(number, f"{place} virtual", said["virtual"], dict(tock.virtual))
        report = {name: dict(counts) for name, counts in tock.brought.report.items()}
        _same(number, f"{place} report", said.get("report", {}), report)
        aside = [dict(entry) for entry in tock.brought.quarantine]
        _same(number, f"{place} quarantine", said.get("quarantine", []), aside)
        self._documents(number, frame, tock.changes, said)
        self._advance(record)

    def _unheard(self, error: LisppumpError, number: int, tock: int) -> LisppumpError:
        """Why echoes cannot be made again: where a repair gave up what they heard, the frame is lost."""
        store = self.pump.store
        gone = [seq for seq in store.given_up() if (store.made(number) or 0) < seq < tock]
        if error.code != "not-recorded" or not gone:
            return error
        self.frames -= 1
        what = f"record {gone[0]}, for the echoes of frame {number}, was given up in a repair"
        return StateError("damaged", what, help=GIVEN_UP, data={"record": gone[0], "frame": number})

    def _edit(self, record: Record) -> None:
        for name, said in record.fields["documents"].items():
            if said is None:
                self.cells.pop(name, None)
            else:
                self.cells[name] = Cell(load=partial(self.pump.store.kept, name, said["blob"]))

    def _documents(self, number: int, frame: Frame, changes: Sequence[Any], said: Mapping[str, Any]) -> None:
        """Apply the changes; each document that comes out must have the digest that was recorded."""
        made = apply(frame.documents, changes)
        for name, value in made.items():
            value = log_value(name, value)
            wanted = said["documents"].get(name) or self.head.documents.get(name)
            _same(number, name, wanted and wanted["digest"], entry(name, value)["digest"])
            self.cells[name] = Cell(value)

    def _advance(self, record: Record) -> None:
        self.head.take(record)
        _same(record.fields["frame"], "digest", record.fields["digest"], self._frame().digest)

    def _frame(self) -> Frame:
        return self.head.frame(self.cells)


def remade(
    pump: Lookout,
    rig: Rig,
    frame: Frame,
    intent: Mapping[str, Any],
    deltas: Sequence[Mapping[str, Any]],
    came: Recorded,
    *,
    sealed: bool = True,
) -> Turn:
    """The turn that makes a committed frame again; without `sealed` its backends are asked anew."""
    plan, agents, _ = planning.resumed(rig.policy, frame, intent)
    governor = Governor(pump.clock)
    governor.under({} if sealed else rig.terms, seed=rig.policy.seed, patience=rig.policy.pipe.deadline)
    prices = Prices() if sealed else prices_of(rig.policy, rig.terms)
    return Turn(
        rig=rig,
        head=frame,
        plan=plan,
        agents=agents,
        ledger=Nowhere(),
        epoch=pump.store.epoch,
        node=deltas[0]["node"] if deltas else pump.store.node,
        purse=Accounts(seen(pump), prices, rig.terms, Nowhere(), plan.frame, pump.clock),
        governor=governor,
        clock=pump.clock,
        settled=_unheard,
        recorded=Recorded(came.answers, ends=came.ends) if sealed else Recorded(),
        sealed=sealed,
        epochs={entry["stream"]: entry["epoch"] for entry in deltas},
    )


def _unheard(stream: Stream, delta: Delta) -> None:
    """Nobody is told of a stream that settles again."""


def _outcome(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a commit says of how a stream ended."""
    return {key: value for key, value in whole_outcome(said).items() if key not in ("name", "topic")}


def _loader(past: Any, name: str) -> Any:
    return lambda: log_value(name, past.value(name))


def _same(frame: int, document: str, recorded: Any, computed: Any) -> None:
    """Hold what came out to what was recorded; the first place where they differ is named."""
    found = next(differing(recorded, computed), None)
    if found is not None:
        raise Unlike(Difference(frame, document, *found))
