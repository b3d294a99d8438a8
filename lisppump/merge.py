"""The merge: a frame and its deltas in, changes and an account of every item out. Pure: no clock, no file.

Deltas are taken in canonical order (frame, node, stream, index): when they arrive decides nothing. Of each
item exactly one thing is said: merged, duplicate or quarantined with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lisppump import canon
from lisppump.delta import Collection, Delta, Schema
from lisppump.frame import Frame
from lisppump.merge_changes import Change, apply
from lisppump.merge_memo import Memo, identity
from lisppump.merge_places import Entry, Refused
from lisppump.merge_rules import Rules
from lisppump.schema import shown

__all__ = ["Change", "Memo", "Merged", "apply", "merge", "origin_of"]


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


class _Merge:
    """One merge under way; `claims` says for each delta which of its items called itself which number."""

    def __init__(self, frame: Frame, deltas: Sequence[Delta], schema: Schema, memo: Memo) -> None:
        self.schema = schema
        self.given = sorted(deltas, key=_order)
        self.report: dict[str, dict[str, int]] = {}
        self.quarantine: list[dict[str, Any]] = []
        self.outcomes: list[Outcome] = []
        self.rooms = {agent: delta for delta in self.given if not delta.foreign for agent in delta.agents}
        self.claims: dict[tuple[int, str], dict[int, Entry | None]] = {}
        self.seen: dict[tuple[str, str], dict[Any, Entry]] = {}
        self.places = Rules(frame, memo)

    def run(self) -> Merged:
        """Numbered collections first, since items of the others may refer to them by number."""
        deltas = self._once()
        rules = self._rules(deltas)
        self._forget_claims(deltas)
        entries = {name: self._entries(name, rule, deltas) for name, rule in rules}
        self._merge_numbered([(name, rule) for name, rule in rules if rule.number is not None], entries)
        for name, rule in rules:
            if rule.number is None:
                for entry in entries[name]:
                    self._try(entry, self._admit, self._refer, self._find, self._look_for_twin, self._place)
        for entry, refused in self.places.finish():
            self._settle(entry, refused)
        ordered = {name: self.report[name] for name in self._names(self.report)}
        return Merged(self.places.changes(), ordered, tuple(sorted(self.quarantine, key=_quarantine_order)),
                      tuple(self.outcomes))  # fmt: skip

    def _merge_numbered(
        self, rules: list[tuple[str, Collection]], entries: Mapping[str, list[Entry]]
    ) -> None:
        """Who gets a number is settled before any is given, so that none is given in vain."""
        all_entries = [entry for name, _ in rules for entry in entries[name]]
        for entry in all_entries:
            self._claim(entry)
        for entry in all_entries:
            self._try(entry, self._admit, self._find)
        while any([self._try(entry, self._keep_company) for entry in all_entries]):
            pass
        for entry in all_entries:
            self._try(entry, self._look_for_twin)
        for group in _groups(rules):
            self._number([entry for name in group for entry in entries[name]])
        for entry in all_entries:
            self._try(entry, self._refer, self._place)

    # deltas

    def _once(self) -> list[tuple[int, Delta]]:
        """Each delta once, with its place; a repeated one counts as duplicates, what was rejected is told."""
        twins: dict[tuple[Any, ...], Delta] = {}
        kept: list[tuple[int, Delta]] = []
        for place, delta in enumerate(self.given):
            # A delta of ours is known by its key; one from elsewhere only by what it holds.
            key = (delta.identity,) if delta.foreign else (*delta.key, delta.digest)
            twin = twins.get(key)
            if twin is None:
                twins[key] = delta
                kept.append((place, delta))
            for name, items in delta.collections.items():
                if twin is not None and items:
                    self._count(name, "duplicate", len(_items(items)))
            for problem in delta.rejected:
                if twin is not None and problem in twin.rejected:
                    self._count(problem["collection"], "duplicate")
                else:
                    self._set_aside(delta, problem)
        return kept

    def _rules(self, deltas: Iterable[tuple[int, Delta]]) -> list[tuple[str, Collection]]:
        names = {name for _, delta in deltas for name, items in delta.collections.items() if items}
        fallback = self.schema.otherwise or Collection("otherwise", mode="refuse")
        return [(name, self.schema.get(name) or fallback) for name in self._names(names)]

    def _names(self, names: Iterable[str]) -> list[str]:
        order = {rule.name: place for place, rule in enumerate(self.schema.collections)}
        return sorted(names, key=lambda name: (order.get(name, len(order)), name))

    def _entries(self, name: str, rule: Collection, deltas: list[tuple[int, Delta]]) -> list[Entry]:
        return [
            Entry(delta, place, name, index, rule, item)
            for place, delta in deltas
            for index, item in enumerate(_items(delta.collections.get(name)))
        ]

    # items

    def _try(self, entry: Entry, *steps: Callable[[Entry], None]) -> bool:
        """Take steps with an item until it is settled; True when one of them refused it."""
        for step in steps:
            if entry.settled:
                return False
            try:
                step(entry)
            except Refused as refused:
                self._settle(entry, refused)
                return True
        return False

    def _admit(self, entry: Entry) -> None:
        """Hold an item to its room."""
        delta, actor = entry.delta, entry.rule.acting
        if not isinstance(entry.item, dict):
            raise Refused("not-an-item", "should be an object with fields")
        if entry.rule is self.schema.otherwise and "collection" not in entry.item:
            entry.item = {"collection": entry.name, **entry.item}
        who = entry.item.get(actor) if actor is not None else None
        if who is None or who in delta.agents or (delta.foreign and not delta.agents):
            return
        members = ", ".join(delta.agents) or "nobody"
        if "not-in-room" in delta.waived:
            return
        where = f"speaks for {who}, who is not in its room ({_stream(delta)}: {members})"
        home = self.rooms.get(who) if isinstance(who, str) else None
        raise Refused("not-in-room", where + (f"; {who} sits in {_stream(home)}" if home else ""))

    def _find(self, entry: Entry) -> None:
        self.places.find(entry)

    def _look_for_twin(self, entry: Entry) -> None:
        """A duplicate ends here: what it is identified by stands there already, or came before it."""
        rule = entry.rule
        if not rule.once_per:
            return
        item = entry.item
        if not entry.referred:  # the numbers of what it refers to are not known yet
            item = {**item, **{field: f"claim {place}" for field, place in self._own_claims(entry)}}
        key = identity(item, rule.once_per)
        if key is None:
            return
        standing = self.places.standing(entry, rule.number.field if rule.number else None)
        fresh = self.seen.setdefault((entry.name, entry.document), {})
        if key in standing:
            entry.number = standing[key]
            self._repeats(entry, self.places.named(entry, entry.number))
        elif key in fresh:
            entry.twin = fresh[key]
            self._repeats(entry, _where(fresh[key]))
        else:
            fresh[key] = entry

    def _repeats(self, entry: Entry, twin: str) -> None:
        entry.settled = True
        self._count(entry.name, "duplicate")
        self._tell(entry, "duplicate", twin)

    # numbers

    def _number(self, entries: list[Entry]) -> None:
        """Assign numbers in canonical order, above all in the documents named; foreign items keep theirs."""
        numbering = entries[0].rule.number if entries else None
        if numbering is None:
            return
        field = numbering.field
        sources = {name for entry in entries if entry.rule.number for name in entry.rule.number.above}
        sources.update(entry.document for entry in entries if entry.document)
        top = max((self.places.highest(name, field) for name in sorted(sources)), default=0)
        kept: dict[int, Entry] = {}
        waiting = [entry for entry in entries if not entry.settled]
        for entry in waiting:
            own = _number_in(entry.item, field) if entry.delta.foreign else None
            if own is not None and own > 0:
                top = max(top, own)
                self._try(entry, lambda one, own=own: self._keep(one, own, kept, field))  # type: ignore[misc]
        for entry in waiting:
            if not entry.settled and entry.number is None:
                top += 1
                entry.number = top

    def _keep(self, entry: Entry, number: int, kept: dict[int, Entry], field: str) -> None:
        """A foreign item's own number: kept, unless another item has it already."""
        first = kept.get(number)
        twin = first.item if first is not None else self.places.numbered(entry, field).get(number)
        if twin is None:
            entry.number = number
            kept[number] = entry
            return
        where = _where(first) if first is not None else self.places.named(entry, number)
        if not _same(entry, twin):
            taken = f"has the {field} {number}, which another item has already: {where}"
            raise Refused("number-taken", taken)
        entry.number = number
        self._repeats(entry, where)

    def _claim(self, entry: Entry) -> None:
        """Remember which item of a delta it was that called itself by a number; the first that did counts."""
        rule = entry.rule
        if rule.number is None or not isinstance(entry.item, dict):
            return
        claim = _number_in(entry.item, rule.number.field)
        if claim is not None:
            known = self.claims.setdefault((entry.place, entry.name), {})
            if known.get(claim) is None:
                known[claim] = entry

    def _forget_claims(self, deltas: Iterable[tuple[int, Delta]]) -> None:
        """Numbers that only rejected items had claimed lead nowhere."""
        for place, delta in deltas:
            for problem in delta.rejected:
                rule, item = self.schema.get(problem["collection"]), problem["item"]
                if rule is not None and rule.number is not None and isinstance(item, dict):
                    claim = _number_in(item, rule.number.field)
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
        for name, target in self.places.rule(entry.rule).references:
            known = self.claims.get((entry.place, target))
            claim = _number_in(entry.item, name)
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
        entry.refused = refused is not None
        if refused is None:
            self.places.raise_counters(entry)
            self._count(entry.name, "merged")
            self._tell(entry, "merged")
            return
        self._tell(entry, "quarantined")
        where = _where(entry)
        problem = {
            "collection": entry.name,
            "index": entry.index,
            "reason": refused.reason,
            "message": f"{where} {refused.sentence}",
            "item": shown(entry.given),
            **({} if entry.delta.origin is None else {"path": _path(entry)}),
        }
        self._set_aside(entry.delta, problem)

    def _set_aside(self, delta: Delta, problem: Mapping[str, Any]) -> None:
        self._count(problem["collection"], "quarantined")
        self.quarantine.append({**origin_of(delta), **problem})

    def _tell(self, entry: Entry, outcome: str, twin: str | None = None) -> None:
        if entry.delta.origin is not None:
            self.outcomes.append(Outcome(entry.delta.stream, entry.name, entry.index, outcome, twin))

    def _count(self, name: str, outcome: str, many: int = 1) -> None:
        empty = {"in": 0, "merged": 0, "duplicate": 0, "quarantined": 0}
        counts = self.report.setdefault(name, empty)
        counts["in"] += many
        counts[outcome] += many


def origin_of(delta: Delta) -> dict[str, Any]:
    """Where an item in quarantine came from."""
    file = {} if delta.origin is None else {"file": delta.origin["file"]}
    return {"frame": delta.frame, "node": delta.node, "epoch": delta.epoch, "stream": delta.stream, **file}


def _path(entry: Entry) -> str:
    """Where an item of an imported delta stands in its file."""
    paths = (entry.delta.origin or {}).get("paths", {}).get(entry.name, [])
    return str(paths[entry.index]) if entry.index < len(paths) else f"{entry.name}[{entry.index}]"


def _where(entry: Entry) -> str:
    """An item and its delta, as people find them."""
    return f"{_path(entry)} of {_stream(entry.delta)}"


def _same(entry: Entry, twin: Mapping[str, Any]) -> bool:
    """Whether two items of one number are one: who made them agrees, and what they are called.

    Where the policy names neither, all that the item says has to stand in the other.
    """
    rule, item = entry.rule, entry.item
    headline = (one.name for one in rule.fields if one.type == "string" and one.name != rule.acting)
    names = [name for name in (rule.acting, next(headline, None)) if name is not None and name in item]
    return all(name in twin and twin[name] == item[name] for name in names or item)


def _order(delta: Delta) -> tuple[Any, ...]:
    """Canonical order; what differs in nothing that counts is told apart by all else that a merge reads."""
    rejected = canon.digest(list(delta.rejected)) if delta.rejected else ""
    return (*delta.order, delta.epoch, delta.foreign, delta.agents, delta.utc, rejected)


def _quarantine_order(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (entry["frame"], entry["node"], entry["stream"], entry["collection"], entry["index"])


def _groups(numbered: list[tuple[str, Collection]]) -> list[list[str]]:
    """Collections that must share one row of numbers: the same field, and a document in common."""
    groups: list[tuple[str, set[str], list[str]]] = []
    for name, rule in numbered:
        if rule.number is None:
            continue
        field, sources = rule.number.field, set(rule.number.above)
        if rule.into is not None:
            sources.add(rule.into.document)
        members: list[str] = []
        apart = []
        for known, places, group in groups:
            if known == field and places & sources:
                sources |= places
                members.extend(group)
            else:
                apart.append((known, places, group))
        groups = [*apart, (field, sources, [*members, name])]
    return [group for _, _, group in groups]


def _items(value: Any) -> list[Any]:
    """The items of a collection; what is no list counts as one item, which is no item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _number_in(item: Mapping[str, Any], field: str) -> int | None:
    value = item.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _stream(delta: Delta) -> str:
    if delta.origin is not None:
        return str(delta.origin["file"])
    return f"stream-{delta.stream:04d}" + ("" if delta.node == "local" else f" of {delta.node}")
