"""The merge: a frame and its deltas in, changes and an account of every item out. Pure: no clock, no file.

Deltas are taken in canonical order (frame, node, stream, index): when they arrive decides nothing. Of each
item exactly one thing is said: merged, duplicate or quarantined with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

from lisppump import canon
from lisppump.delta import ECHO_NODE, PROPOSAL_NODE, Collection, Delta, Schema
from lisppump.frame import Frame
from lisppump.merge_causes import acausal
from lisppump.merge_changes import Change, apply
from lisppump.merge_entries import Entry, Flow, Place, Refused, first_of, groups, items_of, number_in
from lisppump.merge_memo import Memo, identity
from lisppump.merge_order import by_collection, entries_of, in_order, quarantine_order
from lisppump.merge_rules import Rules
from lisppump.merge_usual import is_usual, take_usual
from lisppump.schema import shown

_FOREIGN = attrgetter("foreign")
_REJECTED = attrgetter("rejected")
_MOST_NUMBER = 2**53  # beyond it readers of JSON take two numbers for one

__all__ = ["Change", "Memo", "Merged", "account", "apply", "merge", "origin_of"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merger makes of a frame and its deltas.

    `changes` are the journalled operations; `report` counts each collection as {in, merged, duplicate,
    quarantined}, the first always the sum of the others; `quarantine` holds what did not pass, with reasons.
    `outcomes` tells of each item of an imported delta on its own.
    """

    changes: tuple[Change, ...]
    report: Mapping[str, Mapping[str, int]]
    quarantine: tuple[Mapping[str, Any], ...]
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item that a delta's collection holds; `twin` names what a duplicate repeats."""

    stream: int
    collection: str
    index: int
    outcome: str
    twin: str | None = None


def merge(frame: Frame, deltas: Sequence[Delta], schema: Schema, memo: Memo | None = None) -> Merged:
    """The changes that make the next frame of `frame`, and what became of every item.

    `memo` remembers between merges what was read of long lists; it changes the time taken and nothing else.
    """
    return _Merge(frame, deltas, schema, memo or Memo()).run()


def account(frame: Frame, deltas: Sequence[Delta], schema: Schema) -> tuple[Merged, tuple[Entry, ...]]:
    """The same merge, and every item as it left it; a delta that came twice is there once."""
    work = _Merge(frame, deltas, schema, Memo())
    merged = work.run(keep=True)
    return merged, tuple(entry for entries in work.entries.values() for entry in entries)


Step = Callable[[Entry], None]


class _Merge:
    """One merge under way; `claims` says for each delta which of its items called itself which number."""

    def __init__(self, frame: Frame, deltas: Sequence[Delta], schema: Schema, memo: Memo) -> None:
        self.schema = schema
        self.number = frame.number
        self.given, self.apart = in_order(deltas)
        self.report: dict[str, dict[str, int]] = {}
        self.quarantine: list[dict[str, Any]] = []
        self.outcomes: dict[tuple[int, str, int], Outcome] = {}
        self.claims: dict[tuple[int, str], dict[int, Entry | None]] = {}
        self.entries: Mapping[Flow, list[Entry]] = {}
        self.places = Rules(frame, memo)

    def run(self, *, keep: bool = False) -> Merged:
        """Numbered collections first, since items of the others may refer to them by number.

        Only where they are to be kept there is an entry for every item.
        """
        deltas = self._once()
        self._forget_claims(deltas)
        flows = self._flows(deltas)
        usual = {flow for flow in flows if not keep and is_usual(flow, self.places)}
        entries = {flow: [] if flow in usual else entries_of(flow) for flow in flows}
        self.entries = entries
        self._claim_numbers(entries)
        self._merge_numbered({flow: entries[flow] for flow in entries if flow.number is not None})
        for flow in entries:
            if flow.number is None:
                refer = [self._refer] if flow.refers else []
                cause = [] if flow.rule.about is None else [self._hold_to_time]
                find = [] if self.places.fits(flow) else [self.places.find]
                twin = [self._look_for_twin] if flow.rule.once_per else []
                steps = (self._admit, *cause, *refer, *find, *twin, self._place)
                if flow in usual:
                    take_usual(flow, self.places, partial(self._take_one, steps))
                else:
                    self._take(entries[flow], *steps)
        for entry, refused in self.places.finish():
            self._settle(entry, refused)
        ordered = {name: self.report[name] for name in self._names(self.report)}
        quarantine = tuple(sorted(self.quarantine, key=quarantine_order))
        return Merged(self.places.changes(), ordered, quarantine, tuple(self.outcomes.values()))

    def _merge_numbered(self, entries: Mapping[Flow, list[Entry]]) -> None:
        """Who gets a number is settled before any is given, so that none is given in vain."""
        for flow in entries:
            cause = [] if flow.rule.about is None else [self._hold_to_time]
            self._take(entries[flow], self._admit, *cause, self.places.find)
        refer = [flow for flow in entries if flow.refers]
        while any([self._take(entries[flow], self._keep_company) for flow in refer]):
            pass
        for flow in entries:
            if flow.rule.once_per:
                self._take(entries[flow], self._look_for_twin)
        for field, sources, names in groups(self.schema.collections):
            self._number([flow for flow in entries if flow.name in names], entries, field, sources)
        for flow in entries:
            steps = [self._refer, self._place] if flow.refers else [self._place]
            self._take(entries[flow], *steps)

    # deltas

    @cached_property
    def rooms(self) -> Mapping[str, Delta]:
        """In whose room an agent sits."""
        return {agent: delta for delta in self.given if not delta.foreign for agent in delta.agents}

    def _once(self) -> list[tuple[int, Delta]]:
        """Each delta once, with its place; a repeated one counts as duplicates, what was rejected is told."""
        if self.apart and not any(map(_FOREIGN, self.given)) and not any(map(_REJECTED, self.given)):
            return [*enumerate(self.given)]
        told: dict[tuple[Any, ...], set[bytes]] = {}
        kept: list[tuple[int, Delta]] = []
        for place, delta in enumerate(self.given):
            # A delta of ours is known by its key; one from elsewhere only by what it holds.
            key = (delta.identity,) if delta.foreign else (*delta.key, delta.digest)
            before = told.get(key)
            if before is None:
                kept.append((place, delta))
                told[key] = set(map(canon.canonical, delta.rejected))
                for problem in delta.rejected:
                    self._came(problem["collection"], 1)
                    self._set_aside(delta, problem)
            else:
                self._repeat(delta, before)
        return kept

    def _repeat(self, delta: Delta, told: set[bytes]) -> None:
        """A delta that was there before: duplicates, but for what was rejected and is not told yet."""
        for name, items in delta.collections.items():
            if many := len(items_of(items)):
                self._came(name, many)["duplicate"] += many
        for problem in delta.rejected:
            text = canon.canonical(problem)
            outcomes = self._came(problem["collection"], 1)
            if text in told:
                outcomes["duplicate"] += 1
            else:
                told.add(text)
                self._set_aside(delta, problem)

    def _flows(self, deltas: Iterable[tuple[int, Delta]]) -> list[Flow]:
        came = by_collection(deltas)
        fallback = self.schema.otherwise or Collection("otherwise", mode="refuse")
        flows = []
        for name in self._names(came):
            rule = self.schema.get(name) or fallback
            outcomes = self._came(name, sum([len(items) for _, _, items in came[name]]))
            flows.append(Flow(name, rule, rule is self.schema.otherwise, outcomes, came[name]))
        return flows

    def _names(self, names: Iterable[str]) -> list[str]:
        return self.schema.ordered(sorted(names))

    # items

    def _take(self, entries: Iterable[Entry], *steps: Step) -> bool:
        """Take steps with each item until it is settled; True when one of them was refused."""
        refusals = False
        for entry in entries:
            try:
                for step in steps:
                    if entry.settled:
                        break
                    step(entry)
            except Refused as refused:
                refusals = True
                self._settle(entry, refused)
        return refusals

    def _take_one(self, steps: Sequence[Step], entry: Entry) -> None:
        self._take((entry,), *steps)

    def _admit(self, entry: Entry) -> None:
        """Hold an item to its room."""
        delta, flow = entry.delta, entry.flow
        if not isinstance(entry.item, dict):
            raise Refused("not-an-item", "should be an object with fields")
        if flow.adopted and "collection" not in entry.item:
            entry.item = {"collection": flow.name, **entry.item}
        who = entry.item.get(flow.actor) if flow.actor is not None else None
        if who is None or who in delta.agents or (delta.foreign and not delta.agents):
            return
        if "not-in-room" in delta.waived:
            return
        members = ", ".join(delta.agents) or "nobody"
        where = f"speaks for {who}, who is not in its room ({_stream(delta)}: {members})"
        home = self.rooms.get(who) if isinstance(who, str) else None
        raise Refused("not-in-room", where + (f"; {who} sits in {_stream(home)}" if home else ""))

    def _hold_to_time(self, entry: Entry) -> None:
        """Refuse what is said of an earlier frame by what came later, or of none that there was."""
        if (wrong := acausal(entry.flow.rule, entry.item, self.number)) is not None:
            raise Refused("acausal", wrong)

    def _look_for_twin(self, entry: Entry) -> None:
        """A duplicate ends here: what it is identified by stands there already, or came before it."""
        flow, item = entry.flow, entry.item
        if flow.refers and not entry.referred:  # the numbers of what it refers to are not known yet
            item = {**item, **{field: f"claim {place}" for field, place in self._own_claims(entry)}}
        key = identity(item, flow.rule.once_per)
        if key is None:
            return
        seen = flow.seen.get(entry.document)
        if seen is None:
            seen = flow.seen[entry.document] = (self.places.standing(flow, entry.document), {})
        standing, fresh = seen
        if key in standing:
            entry.number = standing[key]
            self._repeats(entry, None)
        elif key in fresh:
            entry.twin = first_of(flow, fresh, key)
            entry.twin.twins = (*entry.twin.twins, entry)
            self._repeats(entry, entry.twin)
        else:
            fresh[key] = entry
            entry.identity = key

    def _repeats(self, entry: Entry, twin: Entry | None) -> None:
        """An item is a duplicate of another of this frame, or of what stands already."""
        entry.settled = entry.duplicate = True
        entry.flow.outcomes["duplicate"] += 1
        if entry.delta.origin is not None:
            self._tell(entry, "duplicate", _where(twin) if twin is not None else _standing(entry))

    # numbers

    def _number(
        self, flows: list[Flow], entries: Mapping[Flow, list[Entry]], field: str, sources: set[str]
    ) -> None:
        """Assign numbers in canonical order, above all in the documents named; foreign items keep theirs."""
        waiting = [entry for flow in flows for entry in entries[flow]]
        if not waiting:
            return
        documents = sources | {entry.document for entry in waiting}
        top = max(self.places.highest(name, field) for name in sorted(documents))
        lists = {(entry.document, entry.flow.path) for entry in waiting if entry.flow.rule.into is not None}
        kept: dict[int, Entry] = {}
        waiting = [entry for entry in waiting if not entry.settled]
        for entry in waiting:
            own = number_in(entry.item, field) if entry.delta.foreign else None
            if own is not None and own > 0:
                self._take([entry], lambda one: self._keep(one, field, kept, lists))
                top = max(top, own) if not entry.refused else top
        for entry in waiting:
            if not entry.settled and entry.number is None:
                top += 1
                entry.number = top

    def _keep(self, entry: Entry, field: str, kept: dict[int, Entry], lists: set[Place]) -> None:
        """A foreign item's own number: kept, unless another item has it already."""
        number: int = entry.item[field]
        if number > _MOST_NUMBER:
            raise Refused("wrong-type", f"has a {field} so large that none could follow it")
        home = (entry.document, entry.flow.path)
        there = [found[number] for place in sorted(lists - {home})
                 if number in (found := self.places.numbered(place, field))]  # fmt: skip
        twin = self.places.numbered(home, field).get(number)
        if number in kept:
            there, twin = [], kept[number].item if kept[number].flow is entry.flow else {}
        entry.number = number
        if twin is None and not there:
            kept[number] = entry
        elif twin is not None and _same(entry, twin):
            self._repeats(entry, kept.get(number))
        else:
            raise Refused("number-taken", f"has the {field} {number}, which another item has already")

    def _claim_numbers(self, entries: Mapping[Flow, list[Entry]]) -> None:
        """Remember which item of a delta it was that called itself by a number; the first that did counts."""
        wanted = {target for flow in entries for _, target in flow.references}
        for flow in entries:
            if flow.number is None or flow.name not in wanted:
                continue
            for entry in entries[flow]:
                claim = number_in(entry.item, flow.number.field) if isinstance(entry.item, dict) else None
                if claim is not None:
                    known = self.claims.setdefault((entry.place, flow.name), {})
                    known[claim] = known.get(claim) or entry
        claimed = {name for _, name in self.claims}
        for flow in entries:
            flow.refers = any(target in claimed for _, target in flow.references)

    def _forget_claims(self, deltas: Iterable[tuple[int, Delta]]) -> None:
        """Numbers that only rejected items had claimed lead nowhere."""
        for place, delta in deltas:
            for problem in delta.rejected:
                rule, item = self.schema.get(problem["collection"]), problem["item"]
                if rule is not None and rule.number is not None and isinstance(item, dict):
                    claim = number_in(item, rule.number.field)
                    if claim is not None:
                        self.claims.setdefault((place, rule.name), {})[claim] = None

    def _own_claims(self, entry: Entry) -> Iterator[tuple[str, str]]:
        """The fields that refer to new items of the same delta whose numbers are not known yet."""
        for field, target, claim in self._references(entry):
            if target is not None and entry.item[field] == claim and target.number is None:
                yield field, f"{entry.place} {claim}"

    def _references(self, entry: Entry) -> Iterator[tuple[str, Entry | None, int]]:
        """(field, item, claim) of each reference to what the entry's own delta has claimed as a number."""
        if entry.referred:
            return
        for name, target in entry.flow.references:
            known = self.claims.get((entry.place, target))
            claim = number_in(entry.item, name)
            if known and claim is not None and claim in known:
                yield name, known[claim], claim

    def _keep_company(self, entry: Entry) -> None:
        """Refuse an item that refers to an item of its own delta which was not let in."""
        for field, target, claim in self._references(entry):
            if target is None or target.refused:
                raise Refused(
                    "lost-reference", f"refers by `{field}` to {claim} of its own delta, which was refused"
                )

    def _refer(self, entry: Entry) -> None:
        """Put the numbers that the items of its delta have got where the entry has those they claimed."""
        for field, target, claim in list(self._references(entry)):
            if target is None or target.refused:
                self._keep_company(entry)
            found = target.twin or target if target is not None else None
            if found is None or found.number is None:
                raise Refused(
                    "lost-reference", f"refers by `{field}` to {claim} of its own delta, which has no number"
                )
            entry.item = {**entry.item, field: found.number}
        entry.referred = True

    # what becomes of it

    def _place(self, entry: Entry) -> None:
        if self.places.put(entry):
            self._settle(entry, None)

    def _settle(self, entry: Entry, refused: Refused | None) -> None:
        entry.settled = True
        if refused is None:
            for place in entry.counters:
                self.places.adds[place] = self.places.adds.get(place, 0) + 1
            entry.flow.outcomes["merged"] += 1
            if entry.delta.origin is not None:
                self._tell(entry, "merged")
            return
        entry.refused = True
        if entry.delta.origin is not None:
            self._tell(entry, "quarantined")
        problem = {
            "collection": entry.flow.name,
            "index": entry.index,
            "reason": refused.reason,
            "message": f"{_where(entry)} {refused.sentence}",
            "item": shown(entry.given),
            **({} if entry.delta.origin is None else {"path": _path(entry)}),
        }
        self._set_aside(entry.delta, problem)
        self._leave_no_twins(entry, refused)

    def _leave_no_twins(self, entry: Entry, refused: Refused) -> None:
        """What was refused is not there: nothing later repeats it, and what did is refused with it."""
        if entry.identity is not None:
            del entry.flow.seen[entry.document][1][entry.identity]
        for twin in entry.twins:
            entry.flow.outcomes["duplicate"] -= 1
            self._settle(twin, refused)

    def _set_aside(self, delta: Delta, problem: Mapping[str, Any]) -> None:
        self.report[problem["collection"]]["quarantined"] += 1
        self.quarantine.append({**origin_of(delta), **problem})

    def _tell(self, entry: Entry, outcome: str, twin: str | None = None) -> None:
        key = (entry.delta.stream, entry.flow.name, entry.index)
        self.outcomes[key] = Outcome(*key, outcome, twin)

    def _came(self, name: str, many: int) -> dict[str, int]:
        """The outcomes of a collection of which so many items have come."""
        empty = {"in": 0, "merged": 0, "duplicate": 0, "quarantined": 0}
        outcomes = self.report.setdefault(name, empty)
        outcomes["in"] += many
        return outcomes


def origin_of(delta: Delta) -> dict[str, Any]:
    """Where an item in quarantine came from."""
    file = {} if delta.origin is None else {"file": delta.origin["file"]}
    return {"frame": delta.frame, "node": delta.node, "epoch": delta.epoch, "stream": delta.stream, **file}


def _path(entry: Entry) -> str:
    """Where an item of an imported delta stands in its file."""
    paths = (entry.delta.origin or {}).get("paths", {}).get(entry.flow.name, [])
    return str(paths[entry.index]) if entry.index < len(paths) else f"{entry.flow.name}[{entry.index}]"


def _where(entry: Entry) -> str:
    """An item and its delta, as people find them."""
    return f"{_path(entry)} of {_stream(entry.delta)}"


def _standing(entry: Entry) -> str:
    """What an item repeats in the list it goes to, as people find it."""
    place = " ".join((entry.document, *entry.flow.path))
    numbered = entry.number is not None and entry.flow.number is not None
    return f"{place}, {entry.flow.number.field} {entry.number}" if numbered else place  # type: ignore[union-attr]


def _same(entry: Entry, twin: Mapping[str, Any]) -> bool:
    """Whether two items of one number are one: who made them agrees, and what they are called.

    Where the policy names neither, all that the item says has to stand in the other.
    """
    rule, item = entry.flow.rule, entry.item
    headline = (one.name for one in rule.fields if one.type == "string" and one.name != rule.acting)
    names = [name for name in (rule.acting, next(headline, None)) if name is not None and name in item]
    return _within({name: item[name] for name in names} if names else item, twin)


def _within(item: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where another item has all that an item has, to the letter: 1, 1.0 and true are three values."""
    same = all(name in other and other[name] == value for name, value in item.items())
    return same and canon.canonical({name: other[name] for name in item}) == canon.canonical(dict(item))


def _stream(delta: Delta) -> str:
    if delta.node.startswith(PROPOSAL_NODE):
        return f"a proposal of {delta.agents[0]}"
    if delta.node == ECHO_NODE:
        return f"the echo of {delta.agents[0]}"
    if delta.origin is not None:
        return str(delta.origin["file"])
    return f"stream-{delta.stream:04d}" + ("" if delta.node == "local" else f" of {delta.node}")
