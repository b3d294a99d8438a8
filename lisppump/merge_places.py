"""Where items go: the place that each has in the documents, and what stands there. It changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lisppump.delta import Collection, Delta
from lisppump.frame import SUFFIXES, Frame
from lisppump.lispy.values import is_list
from lisppump.merge_memo import Memo, identity
from lisppump.schema import kind_of

Path = tuple[str, ...]

_HOLE = re.compile(r"\{([^{}]*)\}")
_MOST_NAME = 255 - len(".jsonl.tmp")  # bytes of a file name, with room for a suffix of its own
ABSENT = object()


class Refused(Exception):
    """An item cannot be merged: a reason code, and the rest of a sentence that begins with its place."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


@dataclass(slots=True, eq=False)
class Entry:
    """One item on its way into the frame: `item` is what it has become, `given` what stood in the delta.

    `place` is that of its delta in canonical order. A duplicate has as `twin` what it repeats, or its number.
    """

    delta: Delta
    place: int
    name: str
    index: int
    rule: Collection
    item: Any
    given: Any = field(init=False)
    document: str = ""
    number: int | None = None
    counters: tuple[tuple[str, Path], ...] = ()
    twin: Entry | None = None
    referred: bool = False
    settled: bool = False
    refused: bool = False

    def __post_init__(self) -> None:
        self.given = self.item


@dataclass(frozen=True, slots=True)
class RuleParts:
    """What a merge asks of a rule for each item: references as (field, collection), and counters.

    A counter is its document, and its path as (is it a field, name).
    """

    references: tuple[tuple[str, str], ...]
    counters: tuple[tuple[str, tuple[tuple[bool, str], ...]], ...]


class Places:
    """The documents of a frame as a merge sees them; `sets` holds what it has set in them so far."""

    def __init__(self, frame: Frame, memo: Memo) -> None:
        self.frame = frame
        self.memo = memo
        self.sets: dict[tuple[str, Path], Any] = {}
        self.checked: dict[tuple[str, Path, str], Refused | None] = {}
        self.known: dict[tuple[str, str], dict[Any, Any]] = {}
        self.parts: dict[str, RuleParts] = {}

    def rule(self, rule: Collection) -> RuleParts:
        """The parts of a collection's rule."""
        if rule.name not in self.parts:
            self.parts[rule.name] = _parts_of(rule)
        return self.parts[rule.name]

    # finding

    def find(self, entry: Entry) -> None:
        """Settle the entry's document and counters; Refused where the item can have no place."""
        rule = entry.rule
        if rule.mode == "refuse" or (rule.into is None and not rule.counts):
            raise Refused("refused", "has no rule that would let it in")
        if rule.into is not None:
            entry.document = _filled(rule.into.document, entry.item)
            self.check_place(entry.document, rule.into.path, _wants(rule, entry.document))
        entry.counters = tuple(self._counters(entry))

    def _counters(self, entry: Entry) -> Iterator[tuple[str, Path]]:
        for template, elements in self.rule(entry.rule).counters:
            document = _filled(template, entry.item)
            path: Path = ()
            for is_field, name in elements:
                if not is_field:
                    path = (*path, name)
                    continue
                value = entry.item.get(name)
                if value is None:
                    break  # nobody is named whose counter could rise
                path = (*path, member_of(value, name))
                if self._lacks(document, path) and "unknown-member" in entry.delta.waived:
                    break
                self._checkmember_of(document, path)
            else:
                self.check_place(document, path, "a number")
                yield document, path

    def _lacks(self, document: str, path: Path) -> bool:
        return (document, path) not in self.sets and self.at(document, path) is ABSENT

    def _checkmember_of(self, document: str, path: Path) -> None:
        """Counting must not invent anybody: the member is there, or a `put` of this frame makes it."""
        if self._lacks(document, path):
            place = " ".join((document, *path))
            raise Refused("unknown-member", f"would count for {path[-1]}, but there is no {place}")

    def check_place(self, document: str, path: Path, wants: str) -> None:
        """Refuse what would have to go through, or into, something of another shape."""
        key = (document, path, wants)
        if key not in self.checked:
            self.checked[key] = self._misfit(document, path, wants)
        refused = self.checked[key]
        if refused is not None:
            raise Refused(refused.reason, refused.sentence)

    def _misfit(self, document: str, path: Path, wants: str) -> Refused | None:
        value = self.frame.documents.get(document)
        for depth, key in enumerate(path):
            if value is None:
                return None
            if not isinstance(value, dict):
                place = " ".join((document, *path[:depth]))
                return Refused(
                    "bad-place", f"goes into {place}, which should be an object but is {kind_of(value)}"
                )
            value = value.get(key)
        fits = {
            "a list": value is None or is_list(value),
            "an object": value is None or isinstance(value, dict),
            "a number": value is None or is_number(value),
            "a text": value is None or isinstance(value, str),
            "anything": True,
        }
        if fits[wants]:
            return None
        place = " ".join((document, *path))
        return Refused("bad-place", f"goes into {place}, which should be {wants} but is {kind_of(value)}")

    # what stands there

    def at(self, document: str, path: Path) -> Any:
        """What the frame has at a place, or a mark that nothing is there."""
        value = self.frame.documents.get(document, ABSENT)
        for key in path:
            value = value.get(key, ABSENT) if isinstance(value, dict) else ABSENT
        return value

    def standing(self, entry: Entry, field: str | None) -> dict[Any, Any]:
        """The identities of the items in the entry's list, with the numbers they have in `field`."""
        key = (entry.name, entry.document)
        if key not in self.known:
            self.known[key] = self._standing(entry, field)
        return self.known[key]

    def _standing(self, entry: Entry, field: str | None) -> dict[Any, Any]:
        rule = entry.rule
        if rule.into is None or rule.mode != "append":
            return {}
        value = self.at(entry.document, rule.into.path)
        if value is ABSENT or not is_list(value) or value is None:
            return {}
        fields = rule.once_per

        def step(known: dict[Any, Any], item: Any) -> dict[Any, Any]:
            key = identity(item, fields) if isinstance(item, dict) else None
            if key is not None:
                number = item.get(field) if field is not None else None
                known.setdefault(key, number if isinstance(number, int) else None)
            return known

        memo_key = ("standing", entry.document, rule.into.path, fields, field)
        found: dict[Any, Any] = self.memo.fold(memo_key, value, dict, step)
        return found

    def numbered(self, entry: Entry, field: str) -> dict[int, Any]:
        """The items of the list the entry goes to, by their number."""
        rule = entry.rule
        value = self.at(entry.document, rule.into.path) if rule.into is not None else None
        if value is ABSENT or value is None or not is_list(value):
            return {}

        def step(known: dict[int, Any], item: Any) -> dict[int, Any]:
            if isinstance(item, dict) and isinstance(item.get(field), int):
                known.setdefault(item[field], item)
            return known

        memo_key = ("numbered", entry.document, rule.into.path if rule.into else (), field)
        found: dict[int, Any] = self.memo.fold(memo_key, value, dict, step)
        return found

    def named(self, entry: Entry, number: int | None) -> str:
        """What stands in the list the entry goes to, as people find it."""
        into = entry.rule.into
        place = " ".join((entry.document, *(into.path if into is not None else ())))
        field = entry.rule.number.field if entry.rule.number is not None else ""
        return place if number is None else f"{place}, {field} {number}"

    def highest(self, document: str, field: str) -> int:
        """The largest number called `field` anywhere in a document."""
        return self.memo.highest(document, self.frame.documents.get(document), field)


def _wants(rule: Collection, document: str) -> str:
    """The shape that the place of a collection must have for its rule."""
    if rule.mode == "append":
        return "a text" if document.endswith((".md", ".txt")) else "a list"
    if rule.mode in ("sum", "max", "min", "union"):
        return "an object" if len(rule.keys) > 1 else "anything"
    if rule.mode == "last-writer":
        return "an object" if rule.keys or rule.acting else "anything"
    return "an object" if rule.mode == "put" else "anything"


def _parts_of(rule: Collection) -> RuleParts:
    names = {field.name for field in rule.fields}

    def element(text: str) -> tuple[bool, str]:
        hole = _HOLE.fullmatch(text)
        name = hole[1] if hole else text
        return (True, name) if name in names else (False, text)

    return RuleParts(
        tuple((field.name, field.target) for field in rule.fields if field.type == "ref" and field.target),
        tuple((count.document, tuple(element(text) for text in count.path)) for count in rule.counts),
    )


def _filled(document: str, item: dict[str, Any]) -> str:
    """A document's name with the item's fields in it; Refused where that is no safe name of a file."""
    if "{" not in document:
        return document
    name = document
    for hole in _HOLE.finditer(document):
        value = item.get(hole[1])
        text = str(value) if is_number(value) else value
        if not isinstance(text, str) or not text:
            raise Refused("unsafe-name", f"belongs to {document}, but its `{hole[1]}` gives no name")
        if "/" in text or "\\" in text or "\0" in text or ".." in text or text.startswith("."):
            sentence = (
                f"belongs to {document}, but its `{hole[1]}` cannot be part of a file's name: {text[:60]}"
            )
            raise Refused("unsafe-name", sentence)
        name = name.replace(hole[0], text)
    *folders, last = name.split("/")
    if any(len(part.encode()) > _MOST_NAME for part in (*folders, last)):
        raise Refused("unsafe-name", f"belongs to {document}, but the name would be too long for a file")
    if name.startswith("stream_deltas/") or any(folder.endswith(SUFFIXES) for folder in folders):
        sentence = f"belongs to {document}, but no folder of documents may be called so: {name}"
        raise Refused("unsafe-name", sentence)
    return name


def member_of(value: Any, field: str) -> str:
    """A field's value as the key of an object."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Refused("bad-key", f"should name a member by `{field}`, but that is {kind_of(value)}")


def is_number(value: Any) -> bool:
    """True for numbers; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
