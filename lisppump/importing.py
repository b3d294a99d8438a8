"""The frame that an import makes: N+1 without streams, its inputs the deltas from elsewhere.

What is read, and what becomes of it, is said by lisppump.imports; this module only journals and commits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import canon, nerves
from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump.delta import Delta
from lisppump.delta_records import to_record
from lisppump.disk import Disk
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Frame, agents_of
from lisppump.imports import Foreign, Here, account, gather, items_of, read, text_of, unread_in
from lisppump.imports_folder import File, read_all
from lisppump.keep import FOLDER
from lisppump.merge import Merged
from lisppump.report import Event, FrameReport, Imported, Plan
from lisppump.rig import Rig
from lisppump.room import require_room
from lisppump.steering import by_each
from lisppump.turn import merge_under

if TYPE_CHECKING:
    from lisppump.pump import Pump
    from lisppump.reservoir import Store

declare("state", 5, unfinished_frame="A frame that was begun has to be finished or given up first.")

ENTRY = ("file", "sha256", "identity", "frame_text", "items")  # what is said of a delta wherever it is named
STRANGE = "it has none of a delta's own keys (frame, stream_id, ...) and no collection of this world"
INLINE = 64 * 1024  # bytes of a delta that are kept in its record; a larger one becomes a blob


def import_deltas(pump: Pump, path: str | Path, *, dry_run: bool) -> Imported:
    """Read what lies at a path and, unless it is a dry run, make a frame of what is new in it."""
    with pump._complaints.of_one_frame():
        return _import(pump, read_all(Path(path)), dry_run)


def take_files(pump: Pump, files: Sequence[File], *, dry_run: bool) -> Imported:
    """The same with files that were read, or made, already."""
    with pump._complaints.of_one_frame():
        return _import(pump, files, dry_run)


def _import(pump: Pump, files: Sequence[File], dry_run: bool) -> Imported:
    found, unreadable = _read(pump, files)
    notes = [f"{file.name}: {note}" for file in files for note in file.notes]
    strange = tuple(one.name for one in found if one.strange)
    notes += [f"{name} looks like no delta: {STRANGE}" for name in strange]
    if dry_run:
        for who, names in by_each(pump.store.pending_edits()):
            notes.append(f"changed {who} and not looked at here: {names}")
        may_begin(pump)
        store = pump.store
    else:
        store = begin(pump)
    head = pump.head
    number = head.number + 1
    time = pump._time_of(number, head)
    schema, known = pump.policy.schema, _known(pump, found)
    made = gather(found, Here(number, time, store.epoch, schema, known, residents(pump, head)))
    merged = merge_under(pump.rig, head, [delta for _, delta in made.deltas], number)
    details = account(made, merged)
    new = any(detail.outcome in ("merged", "quarantined") for detail in details)
    if new and not dry_run:
        notes += commit(pump, time, made.deltas, merged)
    if not new:
        number = head.number
        notes.append("nothing in it is new, so no frame was made" if found else "there was no delta in it")
    return Imported(
        frame=number,
        dry_run=dry_run,
        files=len(files),
        deltas=len(found),
        unreadable=tuple(unreadable),
        items=items_of(details),
        details=tuple(detail.to_json() for detail in details),
        made=new and not dry_run,
        digest=pump.head.digest,
        unread=tuple(
            {"file": foreign.name, "keys": dict(foreign.unread)}
            for foreign in sorted(found, key=lambda one: (one.file.name, one.place))
            if foreign.unread
        ),
        notes=tuple(notes),
        strange=strange,
    )


def _read(pump: Pump, files: Iterable[Any]) -> tuple[list[Foreign], list[dict[str, str]]]:
    """The deltas of the files that hold some; for every other file why it does not."""
    found: list[Foreign] = []
    unreadable = []
    for file in files:
        error = file.error
        if error is None:
            try:
                found += read(file, pump.policy.schema)
                for place, why in unread_in(file):
                    unreadable.append({"file": f"{file.name}{place}", "error": why})
            except ValueError as problem:
                error = str(problem)
        if error is not None:
            unreadable.append({"file": file.name, "error": error})
    return found, unreadable


def _known(pump: Pump, found: Iterable[Foreign]) -> dict[str, str]:
    """What was imported before, and which of the files are deltas that this world made itself."""
    known = pump.store.known_imports()
    for foreign in found:
        if not foreign.own or foreign.identity in known:
            continue
        data = foreign.data
        number = data.get("frame")
        commit = pump.store.commit_record(number) if isinstance(number, int) else None
        key = {name: data[name] for name in ("node", "epoch", "frame", "stream", "digest")} if commit else {}
        if commit is not None and key in commit["deltas"]:
            known[foreign.identity] = f"stream {data['stream']} of frame {number}, which this world made"
    return known


def residents(pump: Pump, frame: Frame) -> frozenset[str]:
    """The ids of the agents of a frame; a delta from elsewhere makes nobody up."""
    clause = pump.policy.agents
    return frozenset(agent.id for agent in agents_of(frame.documents, clause.document, clause.path))


def may_begin(pump: Pump) -> None:
    """Refuse to make a frame beside one that was begun: what was paid for it would be lost."""
    intent = pump.store.open_intent()
    if intent is not None and "imports" not in intent:
        raise LisppumpError(
            "unfinished-frame",
            f"frame {intent['frame']} was begun and not finished, and comes first",
            help="finish it with `lisppump step`, or give it up with `lisppump step --abandon`",
        )


def begin(pump: Pump) -> Store:
    """The world's store, ready for a frame: none was begun, the disk has room, hand edits are taken in."""
    require_room(pump.disk or Disk(), pump.root / FOLDER)
    store = pump._open_for_writing()
    may_begin(pump)
    store.take_edits()
    return store


def commit(
    pump: Pump,
    time: str,
    deltas: Sequence[tuple[Foreign | None, Delta]],
    merged: Merged,
    accepted: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Journal an intent, every delta whole, and the commit; what is to be said of it."""
    store, policy, head = pump.store, pump.policy, pump.head
    plan = _plan(head, time, pump.overrides)
    bundle = store.blob(canon.canonical(dict(policy.bundle)))
    imports = [_entry(foreign, delta) for foreign, delta in deltas]
    wholes = [_whole(pump, foreign, delta) for foreign, delta in deltas]
    intent = planning.intent(plan, head, policy, bundle=bundle, plugins=pump.acting())
    store.intent(**intent, imports=[entry["identity"] for entry in imports], accepted=list(accepted))
    for entry, whole in zip(imports, wholes, strict=True):
        store.imported(frame=plan.frame, **entry, **whole)
    return _finish(pump, pump.rig, plan, merged, imports, accepted)


def _finish(
    pump: Pump,
    rig: Rig,
    plan: Plan,
    merged: Merged,
    imports: Sequence[Mapping[str, Any]],
    accepted: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Commit a frame whose inputs are journalled, and let its echoes think."""
    rig.hooks.frame_started(frame=pump.head, number=plan.frame, streams=())
    pump._tell(Event("frame_started", plan.frame))
    frame = pump.store.commit(
        number=plan.frame,
        time=plan.time,
        deltas=(),
        merged=merged,
        wake=(),
        streams=(),
        virtual=planning.virtual(pump.head, plan, (), merged),
        written=clocks.stamp(pump.clock.now()),
        imports=imports,
        accepted=accepted,
    )
    rig.hooks.frame_committed(frame=frame, report=merged.report)
    room = pump.store.note_of_room()
    said = [room] if room else []
    try:
        nerves.think_over(pump, rig, frame)
    except LisppumpError as error:
        said.append(f"frame {plan.frame} is committed, but its echoes failed: {error.message}")
    pump.store.show()
    report = FrameReport(
        frame=plan.frame, digest=pump.head.digest, time=plan.time, deltas=(), merge=merged.report,
        quarantine=merged.quarantine, echoes=(), notes=tuple(said), seconds=0.0,
    )  # fmt: skip
    pump._tell(Event("frame_committed", plan.frame, report=report))
    return [*said, *pump._complaints.told()]


def settle_import(pump: Pump) -> None:
    """After opening: finish an import whose run ended before its commit; drop it where a delta is missing.

    Nothing is lost by that: the command that would have told of it never came to its end.
    """
    store = pump.store
    intent = store.open_intent()
    if intent is None or "imports" not in intent:
        return
    number = intent["frame"]
    records = [record.fields for record in store.inputs(number) if record.kind == "import"]
    whole = [fields["identity"] for fields in records] == intent["imports"]
    if not whole or intent["parent"] != pump.head.digest:
        store.abandon()
        store.notes.append(f"the import that should have made frame {number} was cut short: import again")
        return
    rig = pump.rig_of(intent)
    merged = merge_under(rig, pump.head, store.imports(number), number)
    imports = [{name: fields[name] for name in ENTRY} for fields in records]
    plan = _plan(pump.head, intent["time"], intent["overrides"])
    said = _finish(pump, rig, plan, merged, imports, intent["accepted"])
    store.notes += [f"the import that makes frame {number} was finished", *said]


def _plan(head: Frame, time: str, overrides: Mapping[str, Any]) -> Plan:
    """The plan of a frame in which nobody wakes."""
    nothing = {"tokens": 0, "dollars": 0.0, "unknown_prices": False, "unknown_usage": False}
    return Plan(
        frame=head.number + 1, digest=head.digest, time=time, wake=(), streams=(), backends=(), prompts=(),
        at_most=nothing, overrides=overrides, notes=(),
    )  # fmt: skip


def _entry(foreign: Foreign | None, delta: Delta) -> dict[str, Any]:
    """What the intent, the record and the commit call a delta, and `show` lists."""
    origin = delta.origin or {}
    return {
        "file": f"{origin['file']}{origin['place']}",
        "sha256": None if foreign is None else foreign.file.digest,
        "identity": delta.identity,
        "frame_text": None if foreign is None else text_of(foreign.data.get("frame"))[:100],
        "items": sum(map(len, delta.collections.values())) + len(delta.rejected),
    }


def _whole(pump: Pump, foreign: Foreign | None, delta: Delta) -> dict[str, Any]:
    """The delta as it was read, and all that its file says, in the record or in a blob that it names."""
    whole: dict[str, Any] = {"delta": to_record(delta), "data": None if foreign is None else foreign.data}
    if foreign is not None and foreign.file.source is not None:
        whole["source"] = pump.store.blob(foreign.file.source)
    data = canon.line(whole)  # keys in their order, as programs will see them
    return whole if len(data) <= INLINE else {"blob": pump.store.blob(data)}
