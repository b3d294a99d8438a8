"""Deltas from elsewhere: what files say becomes deltas, and every item gets an account. It reads no file.

A foreign file's keys are of three kinds: what it says of itself (HEAD), collections that the policy knows by
name or synonym, and the rest, of which lists of objects go by the policy's `otherwise` and all else is told.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lisppump import canon
from lisppump import clock as clocks
from lisppump.delta import FILE_KEYS, Delta, Schema
from lisppump.imports_folder import File
from lisppump.merge import Merged
from lisppump.schema import Problem, Sifted, kind_of, sift

NODE = "import"  # where deltas from elsewhere come from, in their key
HEAD = FILE_KEYS | {"stream_type", "completed_at", "agents_activated"}  # what a delta says of itself
STAMPS = frozenset({"frame", "stream_id", "stream_type", "completed_at", "agents_activated"})
_OWN = ("node", "epoch", "stream", "digest")  # what only a pump writes into a delta file
MOST_AROUND = 4  # objects that may be put around a delta
_NUMBER = re.compile(r"\s*(\d{1,18})")


@dataclass(frozen=True)
class Foreign:
    """One delta of a file, read by the policy; `place` is where in the file it is, "" for all of it.

    `sifted` are its items, `counted` the numbers that stand where a list belongs, `unread` the keys that the
    policy has no use for, with what they hold. `identity` is that of its content, whatever the name.
    """

    file: File
    place: str
    data: Mapping[str, Any]
    identity: str
    sifted: tuple[Sifted, ...]
    counted: tuple[tuple[str, int], ...]
    unread: Mapping[str, str]
    strange: bool = False  # it has no key of a delta, and no collection of this world

    @property
    def own(self) -> bool:
        """Whether a pump wrote it: the numbers in it are claims then, not numbers that stand somewhere."""
        data = self.data
        if not all(name in data for name in _OWN):
            return False
        collections = {name: items for name, items in data.items() if name not in FILE_KEYS}
        return bool(canon.digest(collections) == data["digest"])

    @property
    def order(self) -> tuple[Any, ...]:
        """By frame and time as the file gives them, then by content; names count where content ties."""
        text = text_of(self.data.get("frame"))
        number = _NUMBER.match(text)
        when = text_of(self.data.get("completed_at", self.data.get("utc")))
        place = (0, int(number[1])) if number else (1, 0)
        return (*place, text, when, self.identity, not self.own, self.file.name, self.place)

    @property
    def name(self) -> str:
        """The file, and where in it."""
        return f"{self.file.name}{self.place}"

    def path(self, sifted: Sifted) -> str:
        """Where an item stands in the file."""
        index = "" if sifted.index is None else f"[{sifted.index}]"
        return f"{self.place}{'.' if self.place else ''}{sifted.key}{index}"


def read(file: File, schema: Schema) -> list[Foreign]:
    """The deltas of a file, one or several; ValueError with a phrase where it holds none."""
    data = file.data
    if isinstance(data, dict):
        return [*_foreign(file, "", data, schema)]
    if isinstance(data, list) and any(isinstance(entry, dict) for entry in data):
        places = [(f"[{index}]", entry) for index, entry in enumerate(data) if isinstance(entry, dict)]
        return [one for place, entry in places for one in _foreign(file, place, entry, schema)]
    raise ValueError(_no_delta(data))


def unread_in(file: File) -> Iterator[tuple[str, str]]:
    """Where in a file that holds several deltas something is none, and why."""
    broken = dict(file.broken)
    for index, entry in enumerate(file.data if isinstance(file.data, list) else ()):
        if not isinstance(entry, dict):
            yield f"[{index}]", broken.get(index) or _no_delta(entry)


def _no_delta(value: Any) -> str:
    return f"it should hold an object of collections, but it holds {kind_of(value)}"


def _foreign(file: File, place: str, data: dict[str, Any], schema: Schema) -> Iterator[Foreign]:
    """The delta that an object is, or those that it is put around."""
    inside = list(_inside(place, data, schema))
    if inside:
        around = {key: value for key, value in data.items() if key not in {key for key, _, _ in inside}}
        if any(key not in HEAD for key in around):
            yield _read(file, place, around, schema, strange=False)
        for _, where, inner in inside:
            yield from _foreign(file, where, _headed(inner, data), schema)
    else:
        strange = not any(key in HEAD or schema.reading(key) is not None for key in data)
        yield _read(file, place, data, schema, strange=strange)


def _inside(
    place: str, data: dict[str, Any], schema: Schema, depth: int = MOST_AROUND
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(key, place, object) of what is a delta, or put around some, under keys of no collection."""
    for key, value in data.items():
        if key in HEAD or schema.reading(key) is not None:
            continue
        where = f"{place}{'.' if place else ''}{key}"
        found = [(where, value)]
        if isinstance(value, list):
            found = [(f"{where}[{index}]", entry) for index, entry in enumerate(value)]
        if all(isinstance(entry, dict) for _, entry in found) and any(
            _is_delta(entry, schema) or (depth > 1 and next(_inside(name, entry, schema, depth - 1), None))
            for name, entry in found
        ):
            yield from ((key, name, entry) for name, entry in found)


def _is_delta(data: Mapping[str, Any], schema: Schema) -> bool:
    """Whether an object inside another is a delta: it says where it is from, and it brings items."""
    brings = any(key not in HEAD and schema.reading(key) and _items_in(value) for key, value in data.items())
    return brings and not STAMPS.isdisjoint(data)


def _headed(inner: dict[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    """A delta inside another object, with what only that one says of both."""
    names = ["frame", "completed_at"]
    if not {"agents", "agents_activated"} & inner.keys():
        names += ["agents", "agents_activated"]
    return {**{name: outer[name] for name in names if name in outer}, **inner}


def _read(file: File, place: str, data: dict[str, Any], schema: Schema, *, strange: bool) -> Foreign:
    collections: dict[str, Any] = {}
    counted: list[tuple[str, int]] = []
    unread: dict[str, str] = {}
    for key, value in data.items():
        if key in HEAD and (key in FILE_KEYS or schema.reading(key) is None):
            continue
        if schema.reading(key) is None and not _items_in(value):
            unread[key] = _holds(value)
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            counted.append((key, value))
        else:
            collections[key] = value
    sifted = tuple(sift(schema, collections, file.name, elsewhere=True))
    return Foreign(file, place, data, identity_of(data), sifted, tuple(counted), unread, strange)


def identity_of(data: Mapping[str, Any]) -> str:
    """The digest of what a delta holds: frame, agents and all that is no word about the transport."""
    said = {key: value for key, value in data.items() if key not in HEAD}
    return canon.digest({"frame": text_of(data.get("frame")), "agents": _agents(data), "holds": said})


def _items_in(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _holds(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else kind_of(value)


def text_of(value: Any) -> str:
    """What a head says, as text: a frame may be 500, "500b" or nothing sensible."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else canon.canonical(value).decode()


def _agents(data: Mapping[str, Any]) -> list[str]:
    """The room that a delta names; what is no list of names is no room."""
    for key in ("agents", "agents_activated"):
        value = data.get(key)
        if isinstance(value, list) and all(isinstance(agent, str) for agent in value):
            return value
    return []


# -- the deltas of one import


@dataclass(frozen=True)
class Import:
    """What an import is made of, in canonical order: each delta once, and what the others repeat."""

    deltas: tuple[tuple[Foreign, Delta], ...]
    repeated: tuple[tuple[Foreign, str], ...]


@dataclass(frozen=True, slots=True)
class Here:
    """What an import meets: the frame to be made, deltas taken in before (by identity), who lives here."""

    frame: int
    time: str
    epoch: int
    schema: Schema
    known: Mapping[str, str]
    residents: Container[str]


def gather(found: Iterable[Foreign], here: Here) -> Import:
    """Make deltas of a frame of what was read, each once."""
    seen = dict(here.known)
    deltas: list[tuple[Foreign, Delta]] = []
    repeated: list[tuple[Foreign, str]] = []
    for foreign in sorted(found, key=lambda one: one.order):
        if foreign.identity in seen:
            repeated.append((foreign, seen[foreign.identity]))
            continue
        seen[foreign.identity] = foreign.name
        deltas.append((foreign, _delta(foreign, len(deltas) + 1, here)))
    return Import(tuple(deltas), tuple(repeated))


def _delta(foreign: Foreign, rank: int, here: Here) -> Delta:
    accepted: dict[str, list[Any]] = {}
    paths: dict[str, list[str]] = {}
    rejected: list[dict[str, Any]] = []
    for sifted in foreign.sifted:
        path = foreign.path(sifted)
        stranger = None if sifted.problem else stranger_in(here.schema, sifted, here.residents)
        if stranger is not None:
            said = f"{path} of {foreign.file.name} is by {stranger}, who is no agent of this world"
            problem = Problem(sifted.collection, sifted.index or 0, "unknown-agent", said, sifted.item)
            rejected.append({**problem.to_json(), "path": path})
        elif sifted.problem is None:
            accepted.setdefault(sifted.collection, []).append(sifted.item)
            paths.setdefault(sifted.collection, []).append(path)
        else:
            rejected.append({**sifted.problem.to_json(), "path": path})
    data = foreign.data
    head = {key: data[key] for key in ("frame", "stream_id", "completed_at") if key in data}
    return Delta(
        frame=here.frame,
        stream=rank,
        utc=clocks.later(here.time, microseconds=rank),
        collections=accepted,
        agents=tuple(_agents(data)),
        node=NODE,
        epoch=here.epoch,
        foreign=not foreign.own,
        rejected=tuple(rejected),
        origin={
            "file": foreign.file.name,
            "place": foreign.place,
            "identity": foreign.identity,
            "said": head,
            "paths": paths,
        },
    )


def stranger_in(schema: Schema, sifted: Sifted, residents: Container[str]) -> str | None:
    """Who an item says has acted, where that is nobody who lives here."""
    rule = schema.get(sifted.collection)
    who = sifted.item.get(rule.acting) if rule is not None and rule.acting is not None else None
    return who if isinstance(who, str) and who not in residents else None


# -- the account


@dataclass(frozen=True, slots=True)
class Detail:
    """What became of one item, or of a number that stands where a list belongs (`count`).

    `collection` is as the file calls it, `into` as the policy does.
    """

    file: str
    path: str
    collection: str
    into: str
    outcome: str = "merged"
    reason: str | None = None
    message: str | None = None
    twin: str | None = None
    count: int = 0

    def to_json(self) -> dict[str, Any]:
        """As `import-deltas` pins it; `into` and `message` only where they say more."""
        said: dict[str, Any] = {
            "file": self.file,
            "path": self.path,
            "collection": self.collection,
            "outcome": self.outcome,
            "reason": self.reason,
            "twin": self.twin,
        }
        if self.into != self.collection:
            said["into"] = self.into
        if self.message is not None:
            said["message"] = self.message
        return said


def account(made: Import, merged: Merged) -> list[Detail]:
    """One detail for every item and every count of an import, by file; within one as the items are read."""
    details: list[Detail] = []
    untold: dict[str, list[int]] = {}
    refused = {(entry.get("stream"), entry.get("path")): entry for entry in merged.quarantine}
    told = {(said.stream, said.collection, said.index): said for said in merged.outcomes}
    for foreign, delta in made.deltas:
        places: dict[str, int] = {}
        rejected = {problem["path"]: problem for problem in delta.rejected}
        for sifted in foreign.sifted:
            detail = _detail(foreign, sifted)
            entry = rejected.get(detail.path) or refused.get((delta.stream, detail.path))
            said = None
            if detail.path not in rejected:
                index = places.get(sifted.collection, 0)
                places[sifted.collection] = index + 1
                said = told.get((delta.stream, sifted.collection, index))
            if entry is not None:
                reason, message = entry.get("reason", "refused"), entry["message"]
                detail = replace(detail, outcome="quarantined", reason=reason, message=message)
            elif said is not None:
                detail = replace(detail, outcome=said.outcome, twin=said.twin)
            else:
                untold.setdefault(sifted.collection, []).append(len(details))
            details.append(detail)
        details += _counts(foreign)
    for name, places_of in untold.items():  # a merger that only counts: the first are those it merged
        repeated = merged.report.get(name, {}).get("duplicate", 0)
        for place in places_of[len(places_of) - repeated :] if repeated else ():
            details[place] = replace(details[place], outcome="duplicate")
    counted = {foreign.identity for foreign, _ in made.deltas}
    for foreign, twin in made.repeated:
        for sifted in foreign.sifted:
            path = sifted.key if sifted.index is None else f"{sifted.key}[{sifted.index}]"
            details.append(replace(_detail(foreign, sifted), outcome="duplicate", twin=f"{path} of {twin}"))
        if foreign.identity not in counted:  # of a copy beside its original nothing is counted again
            counted.add(foreign.identity)
            details += _counts(foreign)
    return sorted(details, key=lambda detail: detail.file)


def _detail(foreign: Foreign, sifted: Sifted) -> Detail:
    return Detail(foreign.file.name, foreign.path(sifted), sifted.key, sifted.collection)


def _counts(foreign: Foreign) -> Iterator[Detail]:
    prefix = f"{foreign.place}." if foreign.place else ""
    for key, number in foreign.counted:
        path, said = f"{prefix}{key}", f"the number {number} stands where a list of items belongs"
        yield Detail(foreign.file.name, path, key, key, "counted", "not-a-list", said, count=number)


def items_of(details: Sequence[Detail]) -> dict[str, dict[str, int]]:
    """The counts by collection, as the files call them: in = merged + duplicate + quarantined, always."""
    counts: dict[str, dict[str, int]] = {}
    for name in sorted({detail.collection for detail in details}):
        counts[name] = {"in": 0, "merged": 0, "duplicate": 0, "quarantined": 0, "counted": 0}
    for detail in details:
        entry = counts[detail.collection]
        if detail.outcome == "counted":
            entry["counted"] += detail.count
        else:
            entry["in"] += 1
            entry[detail.outcome] += 1
    return counts
