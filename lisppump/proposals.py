"""Proposals: LisPy in deltas that is run once, before the commit, and brings items of its own.

A proposal sees the frame that its delta was made for, and no more; what it gives is held to the same rules as
what its agent says, and it speaks for that agent alone. It is run again where its frame is made again, and
comes to the same; an end that the machine put to it is recorded, and taken from the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lisppump.delta import PROPOSAL_NODE, Collection, Delta
from lisppump.frame import Frame
from lisppump.rig import Rig
from lisppump.schema import check, shown
from lisppump.witness import DECIDED

if TYPE_CHECKING:
    from lisppump.lispy.runtime import Result

Key = tuple[int, str, int]  # of a proposal within its frame: stream, collection, index


@dataclass(frozen=True, slots=True)
class Ends:
    """How the machine ended proposals: what was recorded, and where it is written down."""

    known: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    write: Callable[..., None] | None = None
    sealed: bool = False


def ends_of(outcomes: Iterable[Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    """Those that outcome records of a frame tell of."""
    found = {}
    for fields in outcomes:
        if (said := fields.get("proposal")) is not None:
            found[fields["stream"], said["collection"], said["index"]] = said["error"]
    return found


def carried_out(rig: Rig, frame: Frame, deltas: Sequence[Delta], ends: Ends) -> list[Delta]:
    """The deltas as they are to be merged, with one more for each proposal that brings something."""
    rules = [entry for entry in rig.policy.schema.collections if entry.evaluate is not None]
    if not rules:
        return [*deltas]
    found: list[Delta] = []
    more: list[Delta] = []
    for delta in deltas:
        for rule in rules:
            if rule.name in delta.collections:
                delta, brought = _of_one(rig, frame, delta, rule, ends)
                more.extend(brought)
        found.append(delta)
    return [*found, *more]


def _of_one(
    rig: Rig, frame: Frame, delta: Delta, rule: Collection, ends: Ends
) -> tuple[Delta, list[Delta]]:
    """A delta without the proposals that failed, which are rejected, and what the others bring."""
    kept: list[Any] = []
    rejected: list[dict[str, Any]] = []
    brought: list[Delta] = []
    for index, item in enumerate(delta.collections[rule.name]):
        source, who = item.get(_source(rule)), item.get(rule.acting)
        if not _is_heard(delta, who):
            kept.append(item)  # the merge says what is wrong with it
            continue
        error, value = _ran(rig, frame, delta, (delta.stream, rule.name, index), str(who), source, ends)
        if error is not None:
            rejected.append(_problem(delta, rule, index, item, error))
            continue
        kept.append(item)
        brought.extend(_brought(rig, delta, str(who), value, f"{PROPOSAL_NODE}{rule.name}-{index:04d}"))
    if not rejected:
        return delta, brought
    collections = {name: kept if name == rule.name else items for name, items in delta.collections.items()}
    left = {name: items for name, items in collections.items() if items}
    return replace(delta, collections=left, rejected=(*delta.rejected, *rejected)), brought


def _is_heard(delta: Delta, who: Any) -> bool:
    """Whether a delta may speak for somebody, as the merge will hold it to."""
    at_large = (delta.foreign and not delta.agents) or "not-in-room" in delta.waived
    return isinstance(who, str) and (who in delta.agents or at_large)


def _ran(
    rig: Rig, frame: Frame, delta: Delta, key: Key, who: str, source: Any, ends: Ends
) -> tuple[Mapping[str, Any] | None, Any]:
    """Why a proposal comes to nothing, or what it gives."""
    if key in ends.known:
        return ends.known[key], None
    result = _result(rig, frame, key, who, str(source), ends.sealed)
    if result.error is None:
        fits = result.value is None or result.value == [] or isinstance(result.value, dict)
        wrong = {"code": "bad-value", "message": "it should give a dict of collections, each a list, or nil"}
        return (None if fits else wrong), result.value
    error = {"code": result.error.code, "message": result.error.message}
    if ends.write is not None and result.error.code in DECIDED:
        told = {"collection": key[1], "index": key[2], "error": error}
        ends.write(frame=delta.frame, epoch=delta.epoch, stream=delta.stream, proposal=told)
    return error, None


def _result(rig: Rig, frame: Frame, key: Key, who: str, source: str, sealed: bool) -> Result:
    from lisppump.workers.pool import evaluate
    from lisppump.workers.program import Program

    policy = rig.policy
    steps = next(entry.evaluate for entry in policy.schema.collections if entry.name == key[1])
    limits = replace(policy.limits, steps=min(steps or 0, policy.limits.steps))
    program = Program(
        source,
        who,
        f"proposal of {who}",
        frozenset({"state"}),
        replace(limits, seconds=None) if sealed else limits,
        (policy.seed, frame.number, "proposal", *key),
        frame.time,
        {"self": who},
    )
    place = (policy.agents.document, tuple(policy.agents.path))
    return evaluate(program, frame, isolation=policy.isolation, place=place, builtins=rig.builtins)


def _brought(rig: Rig, delta: Delta, who: str, value: Any, node: str) -> Iterator[Delta]:
    """The delta that a proposal comes to, of its agent alone; a proposal in it is refused."""
    if not isinstance(value, dict) or not value:
        return
    nested = {entry.name for entry in rig.policy.schema.collections if entry.evaluate is not None}
    schema = replace(
        rig.policy.schema,
        collections=tuple(
            replace(entry, makers=()) if entry.name in nested else entry
            for entry in rig.policy.schema.collections
        ),
    )
    accepted, rejected = check(schema, value, source=f"the proposal of {who}")
    yield Delta.of(
        frame=delta.frame,
        stream=delta.stream,
        utc=delta.utc,
        collections=accepted,
        agents=(who,),
        node=node,
        epoch=delta.epoch,
        rejected=tuple(problem.to_json() for problem in rejected),
    )


def _problem(
    delta: Delta, rule: Collection, index: int, item: Any, error: Mapping[str, Any]
) -> dict[str, Any]:
    """A proposal that failed, as quarantine keeps it."""
    return {
        "collection": rule.name,
        "index": index,
        "reason": "failed-proposal",
        "message": f"{rule.name}[{index}] of stream {delta.stream} failed: {error['message']}",
        "code": error["code"],
        "item": shown(item),
    }


def _source(rule: Collection) -> str:
    """The field that has the program."""
    return next((entry.name for entry in rule.fields if entry.type == "lispy"), "source")
