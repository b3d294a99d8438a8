"""What `why` tells: how it came that the world is as it is for one agent in one frame. It changes nothing.

All of it is in the journal. What became of each item the merge tells, made once more from the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lisppump import plan as planning
from lisppump.delta import Delta, Schema
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError
from lisppump.merge import account
from lisppump.merge_entries import Entry, items_of
from lisppump.observed import posted
from lisppump.policy import Policy
from lisppump.proposals import Ends, carried_out, ends_of
from lisppump.report import count_of
from lisppump.rig import Rig
from lisppump.telling_diff import by_agent, documents_between, frame_at, known_agents, no_agent

if TYPE_CHECKING:
    from lisppump.lookout import Lookout


@dataclass(frozen=True, slots=True)
class Why:
    """One agent in one frame; the fields are the pinned keys of `lisppump why`, in their order, and more.

    `prompt_digest` is that of the room's part; `asleep` says why the agent was not awake, and `woken` when it
    was before. `echo` is what its echo came to after the frame, `echo_before` what it had to read from the
    frame before, `posted` what programs in its posts came to. `merged` has of its room's delta every item
    that is the agent's, or nobody's in that room.
    `texts` are what came with failures, by attempt: kept, and no part of anything.
    """

    agent: str
    frame: int
    stream: int | None = None
    room: tuple[str, ...] = ()
    prompt_digest: str | None = None
    reply: Mapping[str, Any] | None = None
    delta: Mapping[str, Any] | None = None
    merged: tuple[Mapping[str, Any], ...] = ()
    awake: bool = False
    asleep: str | None = None
    woken: int | None = None
    name: str = ""
    topic: str | None = None
    prompt: Mapping[str, Any] | None = None
    attempts: tuple[Mapping[str, Any], ...] = ()
    replies: tuple[Mapping[str, Any], ...] = ()
    late: int = 0
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    echo: Mapping[str, Any] | None = None
    echo_before: Mapping[str, Any] | None = None
    posted: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    texts: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump why`."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
        return {"schema": "lisppump/why@1", **values, **lists}


def why(pump: Lookout, agent: str, number: int | None = None, *, prompt: bool = False) -> Why:
    """Why the world is as it is for an agent in a frame; with `prompt` what its room read is made again."""
    number = pump.head.number if number is None else number
    found = _Look(pump, agent, number)
    known = known_agents(found.policy, found.now, found.was)
    if agent not in {*known, *found.intent.get("wake", ())}:
        raise no_agent(agent, known, number)
    name = f"echo_frames/{safe_stem(agent)}.json"
    base = Why(
        agent, number, changes=found.changes(), woken=found.was.woken.get(agent),
        echo=found.now.documents.get(name), echo_before=found.was.documents.get(name) if number else None,
        posted=tuple(posted(found.now, agent)),
    )  # fmt: skip
    if number == 0:
        return replace(base, asleep="frame 0 is the beginning: nobody woke for it")
    if agent not in found.intent.get("wake", ()):
        asleep = found.asleep()
        return replace(base, asleep=asleep, notes=tuple(found.notes))
    return found.told(base, prompt)


@dataclass
class _Look:
    """One agent and one frame: `was` is what the frame was begun from, `now` what it came to."""

    pump: Lookout
    agent: str
    number: int
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = self.pump.store
        self.now = frame_at(self.pump, self.number)
        self.was = frame_at(self.pump, max(0, self.number - 1))
        self.intent: Mapping[str, Any] = store.intent_record(self.number) or {}
        self.commit: Mapping[str, Any] = store.commit_record(self.number) or {}
        self.notes += [
            entry["message"]
            for entry in self.commit.get("quarantine", ())
            if entry["reason"] == "not-in-room" and self.agent in dict(entry["item"]).values()
        ]
        if self.commit and self.commit["parent"] != self.was.digest:
            self.notes.append(f"frame {self.number - 1} is not any more what frame {self.number} came from")

    @cached_property
    def rig(self) -> Rig | None:
        """What the frame was made with; None where that is not to be had any more."""
        if not self.intent:
            return None
        try:
            return self.pump.rig_of(self.intent, recorded=True)
        except LisppumpError as error:
            self.notes.append(f"the policy of that frame cannot be made here: {error.message}")
            return None

    @property
    def policy(self) -> Policy:
        """The policy of the frame, or the one that is here now."""
        return self.pump.policy if self.rig is None else self.rig.policy

    def changes(self) -> dict[str, dict[str, Any]]:
        """What the frame changed of what is the agent's own."""
        if self.number == 0:
            return {}
        found = documents_between(self.was, self.now, sorted({*self.was.documents, *self.now.documents}))
        own = by_agent(found, [self.agent], self.policy).get(self.agent, {})
        return {name: changes.to_json() for name, changes in own.items()}

    # -- asleep

    def asleep(self) -> str:
        """Why the agent did not wake, as far as it can be told."""
        wakes = len(self.intent.get("wake", ()))
        if not self.intent or "imports" in self.intent:
            return f"frame {self.number} took in what was made elsewhere, and asked nobody"
        if self.agent not in known_agents(self.policy, self.was):
            return f"it was not there when frame {self.number} was begun"
        if self.rig is None:
            return f"{count_of(wakes, 'agent')} woke, and it was none of them"
        try:
            return self._not_chosen(self.rig.policy, wakes)
        except LisppumpError as error:
            self.notes.append(f"who could have woken cannot be asked again: {error.message}")
            return f"{count_of(wakes, 'agent')} woke, and it was none of them"

    def _not_chosen(self, policy: Policy, wakes: int) -> str:
        line = [one.id for one in planning.in_line(policy, self.was)]
        if self.agent not in line:
            return "it is dormant: (agents (where ...)) does not let it wake"
        place = line.index(self.agent) + 1
        if place <= wakes:
            return f"it was number {place} in line, but a plugin's hook `select` chose others"
        return f"it was number {place} of {len(line)} in line, and {wakes} woke (agents (at-most ...))"

    # -- awake

    def told(self, base: Why, prompt: bool) -> Why:
        """Where it sat, what was asked and answered, and what became of that."""
        store, number = self.pump.store, self.number
        seat = next(entry for entry in self.intent["streams"] if self.agent in entry["agents"])
        stream = seat["stream"]
        delta = next((one for one in store.deltas(number) if one.stream == stream), None)
        replies = [reply for reply in store.replies(number) if reply["stream"] == stream]
        read: dict[str, Any] = {key: seat[key] for key in ("prefix_digest", "room_digest")}
        if prompt:
            read |= self._prompt(stream, seat)
        return replace(
            base,
            awake=True,
            stream=stream,
            name=seat["name"],
            topic=seat["topic"],
            room=tuple(seat["agents"]),
            prompt_digest=seat["room_digest"],
            prompt=read,
            attempts=() if delta is None else tuple(one.to_json() for one in delta.attempts),
            reply=replies[-1] if replies else None,
            replies=tuple(replies),
            late=len([one for one in store.came_late(number) if one["stream"] == stream]),
            delta=None if delta is None else _delta(delta),
            merged=() if delta is None else tuple(self._items(delta)),
            notes=tuple(self.notes),
            texts=tuple(self._texts(stream)),
        )

    def _texts(self, stream: int) -> Iterator[dict[str, Any]]:
        """What came with the failures of a stream: nothing of it counts, and it is kept."""
        for record in self.pump.store.inputs(self.number):
            said = record.fields
            if record.kind == "outcome" and said.get("stream") == stream and "text" in said:
                yield {key: said[key] for key in ("attempt", "turn", "backend", "text")}

    def _prompt(self, stream: int, seat: Mapping[str, Any]) -> dict[str, Any]:
        """What the room read, made again; a note where that is not what it read then."""
        if self.rig is None:
            return {}
        try:
            plan = planning.resumed(self.rig.policy, self.was, self.intent)[0]
        except LisppumpError as error:
            self.notes.append(f"its prompt cannot be made again: {error.message}")
            return {}
        made = next(p for s, p in zip(plan.streams, plan.prompts, strict=True) if s.number == stream)
        if (made.shared_digest, made.room_digest) != (seat["prefix_digest"], seat["room_digest"]):
            self.notes.append("its prompt comes out otherwise now than it was then")
        return {"shared": made.shared, "room": made.room}

    def _items(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Each item of the delta that is the agent's, or nobody's in its room, and what became of it."""
        schema = None if self.rig is None else self.rig.policy.schema
        aside = [
            entry
            for entry in self.commit.get("quarantine", ())
            if (entry["stream"], entry["epoch"]) == (delta.stream, delta.epoch)
        ]
        rejected = [dict(problem) for problem in delta.rejected]
        refused = {
            (entry["collection"], entry["index"]): entry
            for entry in aside
            if {key: entry[key] for key in ("collection", "index", "reason", "message", "item")}
            not in rejected
        }
        fates = self._fates(delta)
        for name, items in delta.collections.items():
            for index, item in enumerate(items_of(items)):
                if self._is_its(schema, name, item, delta):
                    told = {"collection": name, "index": index, "item": item}
                    yield {**told, **_fate(refused.get((name, index)), fates.get((name, index)))}
        for problem in rejected:
            if self._is_its(schema, problem["collection"], problem["item"], delta):
                told = {key: problem[key] for key in ("collection", "index", "item")}
                yield {**told, **_fate(problem, None)}

    def _is_its(self, schema: Schema | None, name: str, item: Any, delta: Delta) -> bool:
        if len(delta.agents) == 1 or not isinstance(item, dict):
            return True
        rule = None if schema is None else schema.get(name) or schema.otherwise
        actor = None if rule is None else rule.acting
        if actor is not None:
            who = item.get(actor)
            return who == self.agent or who not in delta.agents
        named = {who for who in delta.agents if who in item.values()}
        return not named or self.agent in named

    def _fates(self, delta: Delta) -> dict[tuple[str, int], Entry]:
        """The items of a delta as the merge left them; none where it cannot be made again as it was."""
        rig = self.rig
        if rig is None or rig.policy.merger.name != "dream-catcher":
            return {}
        ends = Ends(ends_of(self._proposals_ended()), sealed=True)
        whole = carried_out(rig, self.was, self.pump.store.deltas(self.number), ends)
        merged, entries = account(self.was, whole, rig.policy.schema)
        if [change.to_json() for change in merged.changes] != self.commit["changes"]:
            self.notes.append("the merge comes out otherwise now: what became of each item is not known")
            return {}
        run = next(one for one in whole if one.key == delta.key)
        places = {name: _kept(delta, run, name) for name in run.collections}
        return {
            (one.flow.name, places[one.flow.name][one.index]): one
            for one in entries
            if one.delta.key == delta.key
        }

    def _proposals_ended(self) -> Iterator[Mapping[str, Any]]:
        """How the machine ended proposals of the frame: that does not come again by itself."""
        for record in self.pump.store.inputs(self.number):
            if record.kind == "outcome" and "proposal" in record.fields:
                yield record.fields


def _kept(delta: Delta, run: Delta, name: str) -> list[int]:
    """The places in a delta of the items of a collection that are left once its proposals were run."""
    failed = {
        problem["index"]
        for problem in run.rejected[len(delta.rejected) :]
        if problem["collection"] == name
    }
    return [index for index in range(len(items_of(delta.collections[name]))) if index not in failed]


def _fate(problem: Mapping[str, Any] | None, entry: Entry | None) -> dict[str, Any]:
    """What became of an item; `outcome` is None where nobody can tell."""
    told: dict[str, Any] = dict.fromkeys(
        ("outcome", "document", "path", "number", "twin", "reason", "message")
    )
    if problem is not None:
        return {**told, "outcome": "quarantined", "reason": problem["reason"], "message": problem["message"]}
    if entry is None:
        return told
    twin = entry.twin
    place = {"document": entry.document or None, "path": list(entry.flow.path), "number": entry.number}
    if not entry.duplicate:
        return {**told, "outcome": "merged", **place}
    if twin is not None:
        where = f"{twin.flow.name}[{twin.index}] of stream-{twin.delta.stream:04d}"
        return {**told, "outcome": "duplicate", **place, "number": twin.number, "twin": where}
    where = " ".join((entry.document, *entry.flow.path))
    where += f", number {entry.number}" if entry.number is not None else ""
    return {**told, "outcome": "duplicate", **place, "twin": where}


def _delta(delta: Delta) -> dict[str, Any]:
    """A delta as `why` shows it: how its stream ended, and all it brought."""
    outcome: Sequence[tuple[str, Any]] = [
        (key, value) for key, value in delta.outcome().items() if key != "attempts"
    ]
    told = {"digest": delta.digest, "node": delta.node, "epoch": delta.epoch, **dict(outcome)}
    return {**told, "collections": dict(delta.collections)}
