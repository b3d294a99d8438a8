"""What merges remember of growing lists: indices that follow new items, not history. It decides nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from lisppump import canon
from lisppump.lispy.values import Slice, elements, is_list

WORTH = 32  # lists shorter than this are read again each time


class Memo:
    """A bounded cache of what was computed from a list's items; an entry is extended when its list has grown.

    A list is the same, grown, when it is a wider window on the same base or begins with the very same items.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._entries: dict[Any, tuple[list[Any], int, int, Any]] = {}
        self.steps = 0

    def fold(self, key: Any, value: Any, start: Callable[[], Any], step: Callable[[Any, Any], Any]) -> Any:
        """`step(state, item)` over a list's items, from `start()`; only new ones when the rest is known."""
        base, low, high = _bounds(value)
        entry = self._entries.pop(key, None)
        if entry is not None and _same(entry, base, low, high):
            done, state = entry[2], entry[3]
        else:
            done, state = low, start()
        for index in range(done, high):
            state = step(state, base[index])
        self.steps += high - done
        self._entries[key] = (base, low, high, state)
        if len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]
        return state

    def highest(self, key: Any, value: Any, field: str) -> int:
        """The largest integer called `field` anywhere in a document; 0 when there is none above it."""
        top = 0
        for path, found in _lists(value, field):
            if isinstance(found, int):
                top = max(top, found)
            elif path is not None and len(found) >= WORTH:
                step = _highest_step(field)
                top = max(top, self.fold(("highest", key, path, field), found, lambda: 0, step))
            else:
                for item in elements(found):
                    top = _highest_in(top, item, field)
        return top


def _bounds(value: Any) -> tuple[list[Any], int, int]:
    if isinstance(value, Slice):
        return value.base, value.start, value.stop
    items = elements(value)
    return items, 0, len(items)


def _same(entry: tuple[list[Any], int, int, Any], base: list[Any], low: int, high: int) -> bool:
    known, start, stop, _ = entry
    if start != low or stop > high:
        return False
    return known is base or all(map(operator.is_, known[start:stop], base[start:stop]))


def _lists(value: Any, field: str) -> Iterator[tuple[tuple[str, ...] | None, Any]]:
    """The integers called `field` outside lists, and the lists, those near the root with their path."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while todo:
        path, found = todo.pop()
        if isinstance(found, dict):
            number = found.get(field)
            if isinstance(number, int) and not isinstance(number, bool):
                yield None, number
            todo.extend(((*path, key), member) for key, member in found.items() if _holds(member))
        elif _holds(found):
            yield (path if len(path) <= 2 else None), found


def _holds(value: Any) -> bool:
    return isinstance(value, dict) or (value is not None and is_list(value))


def _highest_step(field: str) -> Callable[[int, Any], int]:
    return lambda top, item: _highest_in(top, item, field)


def _highest_in(top: int, value: Any, field: str) -> int:
    todo = [value]
    while todo:
        found = todo.pop()
        if isinstance(found, dict):
            number = found.get(field)
            if isinstance(number, int) and not isinstance(number, bool) and number > top:
                top = number
            todo.extend(member for member in found.values() if isinstance(member, dict | list))
        elif isinstance(found, list):
            todo.extend(found)
    return top


def identified_by(fields: tuple[str, ...]) -> Callable[[dict[str, Any]], Any]:
    """`identity` by these fields, for many items: what nearly all hold is told at a glance."""
    if len(fields) > 2:
        return lambda item: identity(item, fields)
    first, last = fields[0], fields[-1]

    def one(item: dict[str, Any]) -> Any:
        value = item.get(first)
        kind = value.__class__
        return (value,) if (kind is str and value) or kind is int else identity(item, fields)

    def two(item: dict[str, Any]) -> Any:
        value, other = item.get(first), item.get(last)
        kind = value.__class__
        if (kind is str and value) or kind is int:
            kind = other.__class__
            if kind is int or (kind is str and other):
                return value, other
        return identity(item, fields)

    return one if len(fields) == 1 else two


def identity(item: Any, fields: tuple[str, ...]) -> Any:
    """What tells an item apart by its fields, hashable; None where one of them is absent or empty."""
    values = tuple(map(item.get, fields))
    for value in values:
        kind = value.__class__
        if kind is not int and (kind is not str or not value):
            break
    else:
        return values
    if any(value is None or value == "" or value == [] or value == {} for value in values):
        return None
    return canon.canonical(list(values))
