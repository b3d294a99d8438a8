"""Items on their way into a frame, and what a merge decides once for each collection. No rule acts here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lisppump.delta import Collection, Delta, Numbering

Path = tuple[str, ...]
Place = tuple[str, Path]  # a document, and a path of keys into it
Came = tuple[int, Delta, Sequence[Any]]  # a delta, its place in canonical order, and items that it brings

HOLE = re.compile(r"\{([^{}]*)\}")


class Refused(Exception):
    """An item cannot be merged: a reason code, and the rest of a sentence that begins with its place."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Counter:
    """A count that a collection's items raise: its document and its path, as (is it a field, name).

    Where at most one field decides, `known` keeps the places that were found for its texts. One that is
    `plain` counts under one name, `last`, of the member that the field `by` names, `before` which are keys.
    """

    document: str
    path: tuple[tuple[bool, str], ...]
    by: str | None
    simple: bool
    plain: bool = False
    before: Path = ()
    last: str = ""
    known: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Flow:
    """How the items of one collection enter the frame: what the merge asks of its rule for each of them.

    `adopted` collections are taken by `(otherwise ...)`. `document` is None where each item names its own.
    `refers` is false where no item can refer to another one of its delta. `outcomes` is its row of the
    report. `seen` has, by document, the identities that stand there and those that came in this frame; of an
    item that nothing was asked about, only what its entry is made of. Items that are `pairs` name a field and
    its value; a note is the first text among `texts`.
    """

    name: str
    rule: Collection
    adopted: bool
    outcomes: dict[str, int]
    came: Sequence[Came]
    actor: str | None = field(init=False)
    number: Numbering | None = field(init=False)
    references: tuple[tuple[str, str], ...] = field(init=False)
    counters: tuple[Counter, ...] = field(init=False)
    document: str | None = field(init=False)
    path: Path = field(init=False)
    pairs: bool = field(init=False)
    texts: tuple[str, ...] = field(init=False)
    refers: bool = False
    seen: dict[str, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rule = self.rule
        self.actor = rule.acting
        self.number = rule.number
        self.references = tuple(
            (one.name, one.target) for one in rule.fields if one.type == "ref" and one.target
        )
        self.counters = tuple(_counters_of(rule))
        self.pairs = {"field", "value"} <= {one.name for one in rule.fields}
        self.texts = tuple(one.name for one in rule.fields if one.type == "string")
        self.path = rule.into.path if rule.into is not None else ()
        self.document = rule.into.document if rule.into is not None else ""
        if HOLE.search(self.document):
            self.document = None


class Entry:
    """One item on its way into the frame: `item` is what it has become, `given` what stood in the delta.

    `place` is that of its delta in canonical order. A duplicate has as `twin` what it repeats, or its number.
    """

    number: int | None = None
    counters: Sequence[Place] = ()
    identity: Any = None
    twin: Entry | None = None
    twins: Sequence[Entry] = ()
    referred = False
    settled = False
    refused = False
    duplicate = False

    def __init__(self, flow: Flow, delta: Delta, place: int, index: int, item: Any) -> None:
        self.flow = flow
        self.delta = delta
        self.place = place
        self.index = index
        self.item = self.given = item
        self.document = flow.document or ""


Unasked = tuple[Delta, int, int, Any]  # an item that came in without an entry of its own
Seen = tuple[dict[Any, Any], dict[Any, Entry | Unasked]]


def first_of(flow: Flow, fresh: dict[Any, Entry | Unasked], key: Any) -> Entry:
    """The first of the items that are one by their key."""
    found = fresh[key]
    if not isinstance(found, Entry):
        found = fresh[key] = Entry(flow, *found)
        found.identity, found.settled = key, True
    return found


def items_of(value: Any) -> Sequence[Any]:
    """The items of a collection; what is no list counts as one item, which is no item."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def number_in(item: Mapping[str, Any], name: str) -> int | None:
    """The whole number that a field holds."""
    value = item.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def groups(rules: Iterable[Collection]) -> list[tuple[str, set[str], list[str]]]:
    """The collections that share one row of numbers: a field, the documents it is sought in, their names.

    They share the field and a document, be it that one of them goes where another looks.
    """
    found: list[tuple[str, set[str], list[str]]] = []
    for rule in rules:
        if rule.number is None:
            continue
        field, sources = rule.number.field, set(rule.number.above)
        if rule.into is not None:
            sources.add(rule.into.document)
        members: list[str] = []
        apart = []
        for known, places, group in found:
            if known == field and places & sources:
                sources |= places
                members.extend(group)
            else:
                apart.append((known, places, group))
        found = [*apart, (field, sources, [*members, rule.name])]
    return found


def _counters_of(rule: Collection) -> list[Counter]:
    names = {one.name for one in rule.fields}
    made = []
    for count in rule.counts:
        path: list[tuple[bool, str]] = []
        for text in count.path:
            hole = HOLE.fullmatch(text)
            name = hole[1] if hole else text
            path.append((True, name) if name in names else (False, text))
        fields = [name for is_field, name in path if is_field]
        simple = len(fields) < 2 and not HOLE.search(count.document)
        plain = simple and len(path) > 1 and path[-2][0]  # the field is the last key but one
        before = tuple([name for _, name in path[:-2]])
        by, last = fields[0] if fields else None, path[-1][1] if path else ""
        made.append(Counter(count.document, tuple(path), by, simple, plain, before, last))
    return made
