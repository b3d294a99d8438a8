"""Where items go: the place that each has in the documents, and what stands there. It changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from lisppump.delta import Collection
from lisppump.frame import SUFFIXES, Frame
from lisppump.lispy.values import is_list
from lisppump.merge_changes import Change, Work
from lisppump.merge_entries import HOLE, Counter, Entry, Flow, Path, Place, Refused, number_in
from lisppump.merge_memo import Memo, identified_by
from lisppump.schema import kind_of

_MOST_NAME = 255 - len(".jsonl.tmp")  # bytes of a file name, with room for a suffix of its own
ABSENT = object()


class Places:
    """The documents of a frame as a merge sees them.

    `sets` holds what it has set in them so far, and `now` the documents with that in them. `held` is a tree
    of the places where something will be added in the end: by document and key, at the end of each path the
    shape that must be there. What is set and what is added must fit together: the later item gives way.
    """

    def __init__(self, frame: Frame, memo: Memo) -> None:
        self.frame = frame
        self.memo = memo
        self.sets: dict[Place, Any] = {}
        self.adds: dict[Place, int | float] = {}
        self.held: dict[str, Any] = {}
        self.checked: dict[tuple[str, Path, str], Refused | None] = {}
        self._work = Work(frame.documents)
        self.now = self._work.changed
        self._taken: list[tuple[dict[str, Any], str]] = []

    # finding

    def find(self, entry: Entry) -> None:
        """Settle the entry's document and counters; Refused where the item can have no place."""
        flow, rule = entry.flow, entry.flow.rule
        if rule.mode == "refuse" or (rule.into is None and not rule.counts):
            raise Refused("refused", "has no rule that would let it in")
        if rule.into is not None:
            if flow.document is None:
                entry.document = _filled(rule.into.document, entry.item)
            self.check_place(entry.document, flow.path, _wants(rule, entry.document))
        if flow.counters:
            self._find_counters(entry)

    def fits(self, flow: Flow) -> bool:
        """True where nothing is to be found for each item: one place for all, which fits, and no counters."""
        return not flow.counters and self.has_place(flow)

    def has_place(self, flow: Flow) -> bool:
        """True where a flow has one place for all its items, and that fits."""
        rule = flow.rule
        if rule.into is None or flow.document is None or rule.mode == "refuse":
            return False
        documents = self.frame.documents
        wants = _wants(rule, flow.document)
        return _misfit(documents.get(flow.document), flow.document, flow.path, wants) is None

    def members(self, counter: Counter) -> dict[str, Any]:
        """The members among whom a plain counter counts; nobody where that is not as usual."""
        holder: Any = None if counter.document in self.now else self.frame.documents.get(counter.document)
        for key in counter.before:
            holder = holder.get(key) if holder.__class__ is dict else None
        return holder if holder.__class__ is dict else {}

    def claim(self, places: Sequence[Place]) -> bool:
        """Hold places for numbers that will be added; False, and nothing held, where one cannot be had."""
        try:
            for place in places:
                if place not in self.adds:
                    self.hold(place, "a number")
        except Refused:
            self.let_go()
            return False
        self._taken.clear()
        return True

    def _find_counters(self, entry: Entry) -> None:
        found = []
        for counter in entry.flow.counters:
            value = entry.item.get(counter.by) if counter.by is not None else ""
            place = counter.known.get(value) if value.__class__ is str else None
            if place is None:
                place = self._counter(counter, entry.item, waived="unknown-member" in entry.delta.waived)
                if place is None:
                    continue
                if counter.simple and value.__class__ is str:
                    counter.known[value] = place
            found.append(place)
        entry.counters = found

    def _counter(self, counter: Counter, item: dict[str, Any], *, waived: bool) -> Place | None:
        """The place of a counter that an item raises; None where it names nobody whose counter could rise."""
        document = _filled(counter.document, item)
        path: Path = ()
        for is_field, name in counter.path:
            if not is_field:
                path = (*path, name)
                continue
            value = item.get(name)
            if value is None:
                return None
            path = (*path, member_of(value, name))
            if self.at(document, path) is ABSENT:  # counting must not invent anybody
                if waived:
                    return None
                place = " ".join((document, *path))
                raise Refused("unknown-member", f"would count for {path[-1]}, but there is no {place}")
        misfit = _misfit(self.frame.documents.get(document), document, path, "a number")
        if misfit is not None:
            raise misfit
        return document, path

    def check_place(self, document: str, path: Path, wants: str) -> None:
        """Refuse what would have to go through, or into, something of another shape."""
        key = (document, path, wants)
        if key not in self.checked:
            self.checked[key] = _misfit(self.frame.documents.get(document), document, path, wants)
        refused = self.checked[key]
        if refused is not None:
            raise Refused(refused.reason, refused.sentence)

    # what is set, and what will be added

    def write(self, place: Place, value: Any) -> None:
        """What is written later stands later, too: an earlier value at the place leaves no trace."""
        self.write_over(place, value, last=True)

    def write_over(self, place: Place, value: Any, *, last: bool) -> None:
        """Set a value; an earlier one keeps its turn among the changes unless this is the `last`."""
        document, path = place
        refused = _misfit(self.now[document], document, path, "anything") if document in self.now else None
        refused = refused or self._spoils(document, path, value)
        if refused is not None:
            raise refused
        if last:
            self.sets.pop(place, None)
        self.sets[place] = value
        self._work.change(Change(document, "set", path, value))

    def hold(self, place: Place, wants: str) -> None:
        """Claim a place for what will be added to it."""
        document, path = place
        refused = _misfit(self.now[document], document, path, wants) if document in self.now else None
        if refused is not None:
            raise refused
        node, keys = self.held, (document, *path)
        *way, last = keys
        for depth, key in enumerate(way):
            inner = node.get(key)
            if inner is None:
                inner = node[key] = {}
                self._taken.append((node, key))
            elif inner.__class__ is str:
                raise _in_the_way(keys[: depth + 1], inner)
            node = inner
        there = node.get(last)
        if there is None:
            node[last] = wants
            self._taken.append((node, last))
        elif there != wants:
            raise _in_the_way(keys, there)

    def held_at(self, document: str, path: Path) -> dict[str, Any]:
        """What is held below a place, as far as that is an object; it is held as such by what is below it."""
        node = self.held[document]
        for key in path:
            node = node[key]
        return node  # type: ignore[no-any-return]

    def keep_hold(self) -> None:
        """What was claimed last has been used."""
        self._taken.clear()

    def let_go(self) -> None:
        """What was claimed last will not be used: an item that is refused leaves nothing behind."""
        for node, key in reversed(self._taken):
            del node[key]
        self._taken.clear()

    def _spoils(self, document: str, path: Path, value: Any) -> Refused | None:
        """Why a value cannot be set at a place: it makes no log or text, or fits nothing that is added."""
        if not path:
            misfit = _misfit(value, document, (), _shape_of(document))
            if misfit is not None:
                return misfit
        node: Any = self.held.get(document)
        for depth, key in enumerate(path):
            if node is None:
                return None
            if node.__class__ is str:
                return _in_the_way((document, *path[:depth]), node)
            node = node.get(key)
        return self._unfit(node, document, path, value) if node is not None else None

    def _unfit(self, node: Any, document: str, path: Path, value: Any) -> Refused | None:
        """Why what is to be added at and below a place does not fit what will stand there."""
        shape = node if node.__class__ is str else "an object"
        misfit = _misfit(value, document, (), shape) if value is not None else None
        if misfit is not None:
            return _in_the_way((document, *path), node)
        if shape == "a number" and not adds_up(value, self.adds.get((document, path), 0)):
            return _in_the_way((document, *path), node)
        if shape != "an object" or value is None:
            return None
        found = (self._unfit(inner, document, (*path, key), value.get(key)) for key, inner in node.items())
        return next((one for one in found if one is not None), None)

    # what stands there

    def at(self, document: str, path: Path) -> Any:
        """What stands at a place by now, or a mark that nothing is there."""
        documents = self.now if document in self.now else self.frame.documents
        value = documents.get(document, ABSENT)
        for key in path:
            value = value.get(key, ABSENT) if isinstance(value, dict) else ABSENT
        return value

    def standing(self, flow: Flow, document: str) -> dict[Any, Any]:
        """The identities of the items in the list of a flow, with the numbers they have."""
        rule = flow.rule
        field = rule.number.field if rule.number is not None else None
        if rule.into is None or rule.mode != "append":
            return {}
        value = self.at(document, rule.into.path)
        if value is ABSENT or not is_list(value) or value is None:
            return {}
        fields = rule.once_per
        identified = identified_by(fields)

        def step(known: dict[Any, Any], item: Any) -> dict[Any, Any]:
            key = identified(item) if isinstance(item, dict) else None
            if key is not None:
                known.setdefault(key, number_in(item, field) if field is not None else None)
            return known

        memo_key = ("standing", document, rule.into.path, fields, field)
        found: dict[Any, Any] = self.memo.fold(memo_key, value, dict, step)
        return found

    def numbered(self, place: Place, field: str) -> dict[int, Any]:
        """The items of the list at a place, by their number."""
        value = self.at(*place)
        if value is ABSENT or value is None or not is_list(value):
            return {}

        def step(known: dict[int, Any], item: Any) -> dict[int, Any]:
            number = number_in(item, field) if isinstance(item, dict) else None
            if number is not None:
                known.setdefault(number, item)
            return known

        found: dict[int, Any] = self.memo.fold(("numbered", *place, field), value, dict, step)
        return found

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


def _misfit(value: Any, document: str, path: Path, wants: str) -> Refused | None:
    """Why something of a shape cannot stand at a path of a document whose value is given."""
    if value is None:
        value = _EMPTY.get(_shape_of(document))
    for depth, key in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            return _out_of_shape((document, *path[:depth]), "an object", value)
        value = value.get(key)
    return None if value is None or _FITS[wants](value) else _out_of_shape((document, *path), wants, value)


_EMPTY: dict[str, Any] = {"a list": [], "a text": ""}
_FITS: dict[str, Callable[[Any], bool]] = {
    "a list": is_list,
    "an object": lambda value: isinstance(value, dict),
    "a number": lambda value: is_number(value),
    "a text": lambda value: isinstance(value, str),
    "anything": lambda value: True,
}


def _out_of_shape(keys: Path, wants: str, value: Any) -> Refused:
    sentence = f"goes into {' '.join(keys)}, which should be {wants} but is {kind_of(value)}"
    return Refused("bad-place", sentence)


def _in_the_way(keys: Path, held: Any) -> Refused:
    """The refusal of what does not go together with what other items of the frame add at a place."""
    shape = held if held.__class__ is str else "an object"
    sentence = f"does not go together with other items of this frame, for which {' '.join(keys)} is {shape}"
    return Refused("bad-place", sentence)


def _shape_of(document: str) -> str:
    """What a document of that name must be as a whole."""
    if document.endswith(".jsonl"):
        return "a list"
    return "a text" if document.endswith((".md", ".txt")) else "anything"


def _filled(document: str, item: dict[str, Any]) -> str:
    """A document's name with the item's fields in it; Refused where that is no safe name of a file."""
    if "{" not in document:
        return document
    name = document
    for hole in HOLE.finditer(document):
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


def adds_up(*numbers: Any) -> bool:
    """True where numbers have a finite sum; what is no number counts as nothing."""
    try:
        return math.isfinite(sum(number for number in numbers if is_number(number)))
    except OverflowError:
        return False


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
