"""What differs between two values: members added, changed and removed, by path. Pure; it knows no frame.

A path leads through dicts by key and through lists by place, or by `{"id": ...}` or `{"number": ...}` where
all items of both lists have one of their own. Places of what was changed or removed are those of the first
value, of what was added those of the second; so the difference, applied to the first, gives the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lisppump import canon
from lisppump.lispy.values import Slice, elements

KEYS = ("id", "number")  # fields by which items of a list are told apart
MOST_PAIRS = 4_000_000  # beyond so many pairs of elements, lists are compared place by place


class _Absent:
    """Where nothing stands."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """A difference: entries with `path` and `value`, `from` and `to`, or the new `order` of a list's keys.

    What was added to a list whose items have keys has its place as `at`.
    """

    added: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def to_json(self) -> dict[str, Any]:
        """As `diff` shows it."""
        return {"added": list(self.added), "changed": list(self.changed), "removed": list(self.removed)}


def between(was: Any, now: Any) -> Changes:
    """What makes the second value of the first; ABSENT stands for a document that is not there."""
    work = _Work()
    if was is ABSENT or now is ABSENT:
        work.only((), was, now)
    elif isinstance(was, str) and isinstance(now, str) and was != now:
        work.texts(was, now)
    else:
        work.values((), was, now)
    return Changes(tuple(work.added), tuple(work.changed), tuple(work.removed))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same data; 1, 1.0 and true are three, the order of keys does not count."""
    if one is other:
        return True
    if one is ABSENT or other is ABSENT:
        return False
    return canon.canonical(one) == canon.canonical(other)


def lines(text: str) -> list[str]:
    """The lines of a text, each with its end."""
    found = [line + "\n" for line in text.split("\n")]
    found[-1] = found[-1][:-1]
    return found if found[-1] else found[:-1]


class _Work:
    """A difference while it is found."""

    def __init__(self) -> None:
        self.added: list[Entry] = []
        self.changed: list[Entry] = []
        self.removed: list[Entry] = []

    def values(self, path: tuple[Any, ...], was: Any, now: Any) -> None:
        if was is now:
            return
        if isinstance(was, dict) and isinstance(now, dict):
            for key in [*was, *(key for key in now if key not in was)]:
                before, after = was.get(key, ABSENT), now.get(key, ABSENT)
                if not self.only((*path, key), before, after):
                    self.values((*path, key), before, after)
        elif _is_list(was) and _is_list(now):
            self.lists(path, elements(was), elements(now))
        elif not same(was, now):
            self.changed.append({"path": [*path], "from": was, "to": now})

    def only(self, path: tuple[Any, ...], was: Any, now: Any) -> bool:
        """True where one side has nothing."""
        if was is ABSENT and now is not ABSENT:
            self.added.append({"path": [*path], "value": now})
        elif now is ABSENT and was is not ABSENT:
            self.removed.append({"path": [*path], "value": was})
        return was is ABSENT or now is ABSENT

    def lists(self, path: tuple[Any, ...], was: Sequence[Any], now: Sequence[Any]) -> None:
        name = next((name for name in KEYS if _tells_apart(name, was) and _tells_apart(name, now)), None)
        if name is not None and (was or now):
            self.keyed(path, name, was, now)
            return
        for low, high, start, stop in _unlike(was, now):
            paired = min(high - low, stop - start)
            for n in range(paired):
                self.values((*path, low + n), was[low + n], now[start + n])
            self.removed += [{"path": [*path, n], "value": was[n]} for n in range(low + paired, high)]
            self.added += [{"path": [*path, n], "value": now[n]} for n in range(start + paired, stop)]

    def keyed(self, path: tuple[Any, ...], name: str, was: Sequence[Any], now: Sequence[Any]) -> None:
        before, after = ({item[name]: item for item in side} for side in (was, now))
        stays = [key for key in before if key in after]
        for key in stays:
            self.values((*path, {name: key}), before[key], after[key])
        for key in before:
            if key not in after:
                self.removed.append({"path": [*path, {name: key}], "value": before[key]})
        for at, key in enumerate(after):
            if key not in before:
                self.added.append({"path": [*path, {name: key}], "value": after[key], "at": at})
        if stays != [key for key in after if key in before]:
            self.changed.append({"path": [*path], "order": [*after]})

    def texts(self, was: str, now: str) -> None:
        one, other = lines(was), lines(now)
        for low, high, start, stop in _unlike(one, other):
            self.removed += [{"path": [n], "value": one[n]} for n in range(low, high)]
            self.added += [{"path": [n], "value": other[n]} for n in range(start, stop)]


def _is_list(value: Any) -> bool:
    return isinstance(value, list | Slice)


def _tells_apart(name: str, items: Sequence[Any]) -> bool:
    """Whether every item is a dict that has a text or whole number of its own there."""
    keys = [item.get(name) if isinstance(item, dict) else None for item in items]
    return all(key.__class__ in (str, int) for key in keys) and len(set(keys)) == len(keys)


def _unlike(was: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[int, int, int, int]]:
    """The stretches of two lists that are not the same, each as low and high in the one, then the other."""
    most = min(len(was), len(now))
    head = next((n for n in range(most) if not same(was[n], now[n])), most)
    tail = next((n for n in range(most - head) if not same(was[-1 - n], now[-1 - n])), most - head)
    high, stop = len(was) - tail, len(now) - tail
    if high == stop == head:
        return
    if head in (high, stop) or (high - head) * (stop - head) > MOST_PAIRS:
        yield head, high, head, stop
        return
    from difflib import SequenceMatcher

    one, other = ([canon.canonical(item) for item in side] for side in (was[head:high], now[head:stop]))
    for tag, low, end, start, last in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "equal":
            yield head + low, head + end, head + start, head + last


# -- the way back -------------------------------------------------------------------------------------------

_Step = tuple[str, Sequence[Any], Entry]  # added, changed or removed; what is left of the path; the entry


def applied(value: Any, changes: Changes) -> Any:
    """The second value, from the first and what makes it of that; ABSENT where nothing is left."""
    steps = [
        (kind, entry["path"], entry)
        for kind, entries in (
            ("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)
        )
        for entry in entries
    ]  # fmt: skip
    if isinstance(value, str) and steps and steps[0][1]:
        return "".join(_list(lines(value), steps))
    return _applied(value, steps)


def _applied(value: Any, steps: Sequence[_Step]) -> Any:
    here = [(kind, entry) for kind, path, entry in steps if not path]
    for kind, entry in here:
        if "order" not in entry:
            return ABSENT if kind == "removed" else entry["value" if kind == "added" else "to"]
    if not isinstance(value, dict):
        made = _list(elements(value), [step for step in steps if step[1]]) if steps else value
        for _, entry in here:
            name = next(name for name in KEYS if all(name in item for item in made))
            by_key = {item[name]: item for item in made}
            made = [by_key[key] for key in entry["order"]]
        return made
    left: dict[str, list[_Step]] = {}
    for kind, path, entry in steps:
        left.setdefault(path[0], []).append((kind, path[1:], entry))
    members = dict(value)
    for key, inner in left.items():
        members[key] = _applied(value.get(key, ABSENT), inner)
    return {key: member for key, member in members.items() if member is not ABSENT}


def _list(items: Sequence[Any], steps: Iterable[_Step]) -> list[Any]:
    added: dict[int, Any] = {}
    inner: dict[int, list[_Step]] = {}
    for kind, path, entry in steps:
        if kind == "added" and len(path) == 1:
            added[entry.get("at", path[0])] = entry["value"]
        else:
            inner.setdefault(_place(items, path[0]), []).append((kind, path[1:], entry))
    made = [_applied(item, inner[n]) if n in inner else item for n, item in enumerate(items)]
    made = [item for item in made if item is not ABSENT]
    for place in sorted(added):
        made.insert(place, added[place])
    return made


def _place(items: Sequence[Any], step: Any) -> int:
    if isinstance(step, int):
        return step
    ((name, key),) = step.items()
    return next(n for n, item in enumerate(items) if item[name] == key)


# -- the first place ----------------------------------------------------------------------------------------


def differing(a: Any, b: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """The places where two values differ, each as path, first and second value; absent is None."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in [*a, *(key for key in b if key not in a)]:
            yield from differing(a.get(key), b.get(key), (*path, key))
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        for index in range(max(len(a), len(b))):
            one, two = (items[index] if index < len(items) else None for items in (a, b))
            yield from differing(one, two, (*path, index))
    elif type(a) is not type(b) or a != b:
        yield path, a, b
