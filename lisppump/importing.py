"""The frame that an import makes: N+1 without streams, its inputs the deltas from elsewhere.

What is read, and what becomes of it, is said by lisppump.imports; this module only journals and commits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump.blame import blamed
from lisppump.delta import Delta
from lisppump.errors import LisppumpError
from lisppump.frame import Frame, agents_of
from lisppump.imports import Foreign, Here, account, gather, items_of, read, text_of
from lisppump.imports_folder import read_all
from lisppump.merge import Merged
from lisppump.report import Event, FrameReport, Imported, Plan
from lisppump.stages import merged as check_merged

if TYPE_CHECKING:
    from lisppump.pump import Pump

INLINE = 64 * 1024  # bytes of a delta that are kept in its record; a larger one becomes a blob


def import_deltas(pump: Pump, path: str | Path, *, dry_run: bool) -> Imported:
    """Read what lies at a path and, unless it is a dry run, make a frame of what is new in it."""
    with pump._complaints.of_one_frame():
        return _import(pump, path, dry_run)


def _import(pump: Pump, path: str | Path, dry_run: bool) -> Imported:
    files = read_all(Path(path))
    found, unreadable = _read(pump, files)
    notes = [f"{file.name}: {note}" for file in files for note in file.notes]
    if dry_run:
        edits = pump.store.pending_edits()
        if edits:
            notes.append(f"changed by hand and not looked at here: {', '.join(edits)}")
        store = pump.store
    else:
        store = pump._open_for_writing()
        store.take_edits()
    head = pump.head
    number = head.number + 1
    time = pump._time_of(number, head)
    schema, known = pump.policy.schema, _known(pump, found)
    made = gather(found, Here(number, time, store.epoch, schema, known, residents(pump, head)))
    merged = merge_of(pump, head, [delta for _, delta in made.deltas])
    details = account(made, merged)
    new = any(detail.outcome in ("merged", "quarantined") for detail in details)
    if new and not dry_run:
        frame, said = commit(pump, head, time, made.deltas, merged)
        number, digest = frame.number, pump.head.digest
        notes += said
    else:
        digest = head.digest
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
        digest=digest,
        unread=tuple(
            {"file": foreign.name, "keys": dict(foreign.unread)}
            for foreign in sorted(found, key=lambda one: (one.file.name, one.place))
            if foreign.unread
        ),
        notes=tuple(notes),
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


def merge_of(pump: Pump, head: Frame, deltas: Sequence[Delta]) -> Merged:
    """What the policy's merger makes of deltas from elsewhere."""
    policy = pump.policy
    found = pump.hooks.merge(policy=policy, frame=head, deltas=tuple(deltas), schema=policy.schema)
    choice = policy.merger
    with blamed("merger", choice.name, choice.offer.plugin, head.number + 1):
        merged: Merged = check_merged(found, whose=f"merger `{choice.name}`")
    return merged


def commit(
    pump: Pump,
    head: Frame,
    time: str,
    deltas: Sequence[tuple[Foreign | None, Delta]],
    merged: Merged,
    accepted: Sequence[Mapping[str, Any]] = (),
) -> tuple[Frame, list[str]]:
    """Journal an intent, every delta whole, and the commit: the frame, and what is to be said of it."""
    store, policy, number = pump.store, pump.policy, head.number + 1
    plan = _plan(pump, head, time)
    bundle = store.blob(canon.canonical(dict(policy.bundle)))
    imports = [_entry(foreign, delta) for foreign, delta in deltas]
    intent = planning.intent(plan, head, policy, bundle=bundle, plugins=pump.acting())
    store.intent(**intent, imports=[entry["identity"] for entry in imports])
    pump._tell(Event("frame_started", number, streams=0))
    for (foreign, delta), entry in zip(deltas, imports, strict=True):
        store.imported(frame=number, **entry, **_whole(pump, foreign, delta))
    frame = store.commit(
        number=number,
        time=time,
        deltas=(),
        merged=merged,
        wake=(),
        streams=(),
        virtual=planning.virtual(head, plan, (), merged),
        written=clocks.stamp(pump.clock.now()),
        imports=imports,
        accepted=accepted,
    )
    pump.hooks.frame_committed(frame=frame, report=merged.report)
    said: list[str] = []
    try:
        pump._think(frame)
    except LisppumpError as error:
        said.append(f"frame {number} is committed, but its echoes failed: {error.message}")
    report = FrameReport(
        frame=number, digest=pump.head.digest, time=time, deltas=(), merge=merged.report,
        quarantine=merged.quarantine, echoes=(), notes=tuple(said), seconds=0.0,
    )  # fmt: skip
    pump._tell(Event("frame_committed", number, report=report))
    return frame, said


def _plan(pump: Pump, head: Frame, time: str) -> Plan:
    """The plan of a frame in which nobody wakes."""
    nothing = {"tokens": 0, "dollars": 0.0, "unknown_prices": False}
    return Plan(
        frame=head.number + 1, digest=head.digest, time=time, wake=(), streams=(), backends=(), prompts=(),
        at_most=nothing, overrides=pump.overrides, notes=(),
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
    whole: dict[str, Any] = {"delta": delta.to_record(), "data": None if foreign is None else foreign.data}
    if foreign is not None and foreign.file.source is not None:
        whole["source"] = pump.store.blob(foreign.file.source)
    data = canon.line(whole)  # keys in their order, as programs will see them
    return whole if len(data) <= INLINE else {"blob": pump.store.blob(data)}
