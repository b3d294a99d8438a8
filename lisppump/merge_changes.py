"""Changes of documents: the operations a merge is journalled as, and what they make of a frame. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lisppump.errors import LisppumpError, declare
from lisppump.lispy.values import Slice, elements, is_list, slice_of
from lisppump.quick import quick

declare("state", 5, bad_change="A journalled change does not fit the document it should change.")

OPS = ("append", "set", "add", "text")
_NUMBERS = (int, float)
_VALUES: dict[Any, Callable[[Any], bool]] = {
    "append": lambda value: isinstance(value, list),
    "set": lambda value: True,
    "add": lambda value: isinstance(value, _NUMBERS) and value.__class__ is not bool,
    "text": lambda value: isinstance(value, str),
}


@quick
@dataclass(frozen=True, slots=True)
class Change:
    """One operation on one place of a document; dicts on the way are made.

    `append` adds the list `value` to the list there; `set` puts `value` there (the path () is the whole
    document); `add` adds a number to the number there; `text` adds text to a Markdown document.
    """

    document: str
    op: str
    path: tuple[str, ...]
    value: Any

    @property
    def sound(self) -> bool:
        """True when it is made as a change must be; whether it fits its document is told by `apply`."""
        fits = _VALUES.get(self.op)
        if fits is None or not isinstance(self.path, tuple) or not fits(self.value):
            return False
        try:
            "".join((self.document, *self.path))  # which takes texts and nothing else
        except TypeError:
            return False
        return True

    def to_json(self) -> list[Any]:
        """As the journal keeps it: document, op, path, value."""
        return [self.document, self.op, list(self.path), self.value]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Change:
        """The inverse of `to_json`."""
        document, op, path, value = data
        return cls(document, op, tuple(path), value)


class MergeResult(Protocol):
    """What a commit needs of a merger's answer."""

    @property
    def changes(self) -> Sequence[Change]:
        """The operations that make the next documents."""
        ...

    @property
    def report(self) -> Mapping[str, Mapping[str, int]]:
        """Counts by collection."""
        ...

    @property
    def quarantine(self) -> Sequence[Mapping[str, Any]]:
        """What did not pass, with reasons."""
        ...


def to_record(changes: Iterable[Change]) -> list[tuple[Any, ...]]:
    """Changes as a record is written from them; a tuple is written as an array, and made at half the cost."""
    return [(change.document, change.op, change.path, change.value) for change in changes]


def apply(documents: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """The documents that the changes changed, with their new values; what was given stays as it was.

    Only containers along the paths are copied, each once. A JSON-Lines document is a window on a list that
    grows behind it, so appending to the newest window copies nothing.
    """
    work = Work(documents)
    work.carry_out(changes)
    return work.changed


class Work:
    """New values while they are made: `own` are the dicts that no older frame holds, `grown` the lists."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = documents
        self.changed: dict[str, Any] = {}
        self.own: dict[int, dict[str, Any]] = {}
        self.grown: dict[int, list[Any]] = {}

    def change(self, change: Change) -> None:
        """Carry out one operation."""
        self.carry_out((change,))

    def carry_out(self, changes: Iterable[Change]) -> None:
        """Carry out operations one after the other; counting on is what nearly all of them do."""
        own, changed = self.own, self.changed
        for change in changes:
            name, path = change.document, change.path
            value = changed[name] if name in changed else self.documents.get(name)
            if not path:
                changed[name] = self._new_value(change, value)
                continue
            root: Any = value if id(value) in own else self._own_dict(value, change)
            holder = root
            for key in path[:-1]:
                inner = holder.get(key)
                if id(inner) not in own:
                    holder[key] = inner = self._own_dict(inner, change)
                holder = inner
            last = path[-1]
            held = holder.get(last)
            if held.__class__ is int and change.op == "add":
                holder[last] = held + change.value
            else:
                holder[last] = self._new_value(change, held)
            changed[name] = root

    def _own_dict(self, value: Any, change: Change) -> dict[str, Any]:
        """A copy of a dict that an older frame may hold, or a new one where there is nothing."""
        if value is None:
            value = {}
        elif not isinstance(value, dict):
            raise _does_not_fit(change, "passes through something that is not an object")
        made: dict[str, Any] = dict.copy(value)
        self.own[id(made)] = made
        return made

    def _new_value(self, change: Change, old: Any) -> Any:
        if change.op == "set":
            log = change.document.endswith(".jsonl") and not change.path
            if log and not is_list(change.value):
                raise _does_not_fit(change, "puts something that is not a list in the place of a log")
            return window(list(elements(change.value))) if log else change.value
        if change.op == "append":
            return self._extended(change, old)
        if change.op == "add":
            if old is not None and (isinstance(old, bool) or not isinstance(old, int | float)):
                raise _does_not_fit(change, "adds to something that is not a number")
            return (old or 0) + change.value
        if change.op == "text":
            if old is not None and not isinstance(old, str):
                raise _does_not_fit(change, "adds text to something that is not text")
            return (old or "") + change.value
        raise _does_not_fit(change, f"is of the unknown kind `{change.op}`")

    def _extended(self, change: Change, old: Any) -> Any:
        if not is_list(old):
            raise _does_not_fit(change, "appends to something that is not a list")
        if isinstance(old, Slice) and old.stop == len(old.base):
            old.base.extend(change.value)
            return slice_of(old.base, old.start, len(old.base))
        if id(old) in self.grown:
            old.extend(change.value)
            return old
        new = [*elements(old), *change.value]
        if change.document.endswith(".jsonl") and not change.path:
            return window(new)
        self.grown[id(new)] = new
        return new


def window(items: list[Any]) -> Any:
    """A list as the value of a JSON-Lines document: a window on it, or the empty list."""
    return slice_of(items, 0, len(items)) if items else items


def _does_not_fit(change: Change, what: str) -> LisppumpError:
    place = " ".join((change.document, *change.path))
    return LisppumpError(
        "bad-change",
        f"a change of {place} {what}",
        help="`lisppump verify` says whether journal and documents agree",
    )
