"""Deltas as the journal keeps them: whole, beside the reply that they come from, in a commit. No I/O.

What is usual is not said: one attempt that came to what the delta says, no usage, no room of a name. What is
only to be written may hold a tuple where a list is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import is_
from typing import Any

from lisppump.delta import FILE_FIELDS, UNUSED, Attempt, Delta, Usage
from lisppump.frame import Stream


def to_record(delta: Delta) -> dict[str, Any]:
    """All of a delta."""
    record: dict[str, Any] = {
        "frame": delta.frame,
        "stream": delta.stream,
        "utc": delta.utc,
        "epoch": delta.epoch,
        "digest": delta.digest,
        "status": delta.status,
        "backend": delta.backend,
        "agents": list(delta.agents),
    }
    if delta.node != "local":
        record["node"] = delta.node
    if delta.model is not None:
        record["model"] = delta.model
    if delta.foreign:
        record["foreign"] = True
    if delta.usage is not UNUSED and delta.usage != UNUSED:
        record["usage"] = delta.usage.to_json()
    _add_unusual(record, delta)
    if delta.rejected:
        record["rejected"] = [dict(problem) for problem in delta.rejected]
    record["collections"] = dict(delta.collections)
    if delta.origin is not None:
        record["origin"] = dict(delta.origin)
    if delta.waived:
        record["waived"] = list(delta.waived)
    return record


def from_record(data: Mapping[str, Any]) -> Delta:
    """The inverse of `to_record`."""
    plain = {name: data[name] for name in (*FILE_FIELDS, "reason", "partial", "foreign") if name in data}
    found = Delta(
        **plain,
        agents=tuple(data.get("agents", ())),
        collections=data["collections"],
        attempts=tuple(Attempt.from_json(entry) for entry in data.get("attempts", ())),
        usage=Usage.from_json(data.get("usage", {})),
        rejected=tuple(data.get("rejected", ())),
        origin=data.get("origin"),
        waived=tuple(data.get("waived", ())),
    )
    if "attempts" in data:
        return found
    return replace(found, attempts=(Attempt(data["backend"], found.status, found.reason, found.model),))


def beside(delta: Delta, reply: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of its only reply does not say of a delta; `told` puts the two together again."""
    said: dict[str, Any] = {"utc": delta.utc, "digest": delta.digest, "agents": delta.agents}
    if delta.status != "ok":
        said["status"] = delta.status
    if delta.node != "local":
        said["node"] = delta.node
    _add_unusual(said, delta)
    if delta.rejected:
        said["rejected"] = [dict(problem) for problem in delta.rejected]
    if not _very_same(delta.collections, reply["data"]):
        said["collections"] = dict(delta.collections)
    return said


def told(kind: str, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The record of a delta that a journal record of a kind holds: its own, or that beside its only reply."""
    if kind == "delta":
        return fields
    settled = fields.get("settled") if kind == "reply" else None
    if settled is None:
        return None
    shared = {name: fields[name] for name in ("frame", "stream", "epoch", "backend", "model", "usage")}
    return {**shared, "status": "ok", "collections": fields["data"], **settled}


def in_commit(delta: Delta, room: Stream | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a commit calls a delta by, and how it says that its stream ended, which sat in a room."""
    return delta.in_commit or (named(delta), ended(delta, room or Stream(delta.stream, delta.agents)))


def named(delta: Delta) -> dict[str, Any]:
    """What a commit calls a delta by."""
    return {
        "node": delta.node,
        "epoch": delta.epoch,
        "frame": delta.frame,
        "stream": delta.stream,
        "digest": delta.digest,
    }


def ended(delta: Delta, room: Stream) -> dict[str, Any]:
    """How a stream ended, for a commit, and what its room was called."""
    said = ended_well(room, delta.backend)
    said["stream"] = delta.stream
    if delta.status != "ok":
        said["status"] = delta.status
    if delta.model is not None:
        said["model"] = delta.model
    if delta.usage is not UNUSED and delta.usage != UNUSED:
        said["usage"] = delta.usage.to_json()
    _add_unusual(said, delta)
    return said


def ended_well(room: Stream, backend: str | None) -> dict[str, Any]:
    """The same of a stream of whose end nothing else is to be said."""
    said: dict[str, Any] = {"stream": room.number, "backend": backend, "agents": room.agents}
    if room.name:
        said["name"] = room.name
    if room.topic is not None:
        said["topic"] = room.topic
    return said


def whole_outcome(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a commit says of how a stream ended, with all that is usual."""
    status, reason, model = said.get("status", "ok"), said.get("reason"), said.get("model")
    once = {"backend": said["backend"], "model": model, "status": status, "reason": reason}
    return {
        "stream": said["stream"],
        "name": said.get("name", ""),
        "topic": said.get("topic"),
        "status": status,
        "reason": reason,
        "partial": said.get("partial", False),
        "backend": said["backend"],
        "model": model,
        "agents": said["agents"],
        "attempts": said.get("attempts", [once]),
        "usage": said["usage"] if "usage" in said else UNUSED.to_json(),
    }


def _add_unusual(record: dict[str, Any], delta: Delta) -> None:
    """Why a stream brought little or nothing, and what was tried, where that needs to be said."""
    if delta.reason is not None:
        record["reason"] = delta.reason
    if delta.partial:
        record["partial"] = True
    attempts = delta.attempts
    if len(attempts) == 1:
        one = attempts[0]
        if (
            one.backend == delta.backend
            and one.status == delta.status
            and one.reason == delta.reason
            and one.model == delta.model
        ):
            return
    record["attempts"] = [attempt.to_json() for attempt in attempts]


def _very_same(collections: Mapping[str, list[Any]], data: Mapping[str, Any] | None) -> bool:
    """True where data has the same collections in the same order, with the very same items."""
    if data is None or [*collections] != [*data]:
        return False
    for items, found in zip(collections.values(), data.values(), strict=True):
        if items is found:
            continue
        if found.__class__ is not list or len(items) != len(found) or not all(map(is_, items, found)):
            return False
    return True
