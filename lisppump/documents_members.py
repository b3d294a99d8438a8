"""The canonical bytes of a document's members, kept by identity, so that a digest follows the change. Pure.

A merge shares with the old document all that it did not change, so that what is still the same object has the
same bytes. Nobody may change such an object in place; where somebody did beside a change, it is found.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import orjson

from lisppump import canon
from lisppump.errors import LisppumpError

SMALL = 32 * 1024  # bytes of a document up to which encoding all of it costs less than looking what changed
LEVELS = 3  # how deep members are kept apart
WIDE = 16  # members of a dict below the root that are worth it
RUN = 64  # elements of a list that are kept as one
DEEP = 200  # brackets in a member that may be nested deeper than a whole document can be


class Touched(Exception):
    """An object of the old document is not what it was when its bytes were made."""


class _Unsure(Exception):
    """Only the whole document can be encoded."""


@dataclass(frozen=True, slots=True)
class Members:
    """A value and its canonical bytes; `parts` are its members by key, or the bytes of the runs of a list.

    Of a dict `pieces` are the bytes of key and member, sorted by key, and `places` where each key stands
    there, in the dict's own order; `held` are the members or elements as they were; `fresh` counts the bytes
    that had to be made when it followed another.
    """

    value: Any
    data: bytes
    parts: dict[str, Members] | list[bytes] | None = None
    pieces: tuple[bytes, ...] = ()
    places: dict[str, int] = field(default_factory=dict)
    held: tuple[Any, ...] = ()
    fresh: int = 0


def members(value: Any) -> Members:
    """A value with its canonical bytes; the same as `canon.canonical` gives, and its errors."""
    return following(None, value)


def following(old: Members | None, value: Any) -> Members:
    """The same, from what is known of the value before; raises Touched where that was changed in place."""
    if old is None or (old.parts is None and len(old.data) <= SMALL):
        if old is not None:
            check(old)
        data = canon.canonical(value)
        if len(data) <= SMALL:
            return Members(value, data, fresh=len(data))
    try:
        return _made(old, value, 0)
    except (_Unsure, LisppumpError):
        pass
    data = canon.canonical(value)
    return Members(value, data, fresh=len(data))


def _made(old: Members | None, value: Any, level: int) -> Members:
    if old is not None and old.value is value and level:
        return old
    kind = value.__class__
    if level < LEVELS:
        if kind is dict and (not level or len(value) >= WIDE):
            return _dict(old, value, level)
        if kind is list and len(value) >= RUN:
            return _list(old, value)
    if old is not None:
        check(old)
    data = canon.canonical(value)
    _check_depth(value, data)
    return Members(value, data, fresh=len(data))


def _dict(old: Members | None, value: dict[Any, Any], level: int) -> Members:
    if old is None or not isinstance(old.parts, dict):
        if old is not None:
            check(old)
        return _new_dict({}, value, level)
    if old.value.keys() != old.parts.keys():
        raise Touched
    if list(value) != list(old.places):
        return _new_dict(old.parts, value, level, old)
    parts, pieces = dict(old.parts), list(old.pieces)
    same = map(operator.is_, value.values(), old.held)
    fresh = 0
    for key in [key for key, is_same in zip(value, same, strict=True) if not is_same]:
        parts[key] = part = _member(old, key, value[key], level)
        pieces[old.places[key]] = canon.canonical(key) + b":" + part.data
        fresh += part.fresh
    data = b"{" + b",".join(pieces) + b"}"
    return Members(value, data, parts, tuple(pieces), old.places, tuple(value.values()), fresh)


def _new_dict(
    known: dict[str, Members], value: dict[Any, Any], level: int, old: Members | None = None
) -> Members:
    """A dict with other keys than before, or in another order."""
    if any(key.__class__ is not str for key in value):
        raise _Unsure
    order = {key: place for place, key in enumerate(sorted(value))}
    parts = {}
    for key in order:
        here = old is not None and key in known
        parts[key] = _member(old, key, value[key], level) if here else _made(None, value[key], level + 1)
    pieces = tuple(canon.canonical(key) + b":" + part.data for key, part in parts.items())
    fresh = sum(part.fresh for key, part in parts.items() if part is not known.get(key))
    places = {key: order[key] for key in value}
    data = b"{" + b",".join(pieces) + b"}"
    return Members(value, data, parts, pieces, places, tuple(value.values()), fresh)


def _member(old: Members | None, key: str, value: Any, level: int) -> Members:
    """A member that was there before; the old dict must still hold what it held."""
    assert old is not None and isinstance(old.parts, dict)
    part = old.parts[key]
    if old.value[key] is not part.value:
        raise Touched
    return part if part.value is value else _made(part, value, level + 1)


def _list(old: Members | None, value: list[Any]) -> Members:
    runs: list[bytes] = []
    fresh = 0
    known: list[bytes] = []
    held: tuple[Any, ...] = ()
    if old is not None and isinstance(old.parts, list):
        known, held = old.parts, old.held
        if len(held) != len(old.value):
            raise Touched
    elif old is not None:
        check(old)
    for number, start in enumerate(range(0, len(value), RUN)):
        run, before = value[start : start + RUN], held[start : start + RUN]
        if len(before) == len(run) and all(map(operator.is_, before, run)):
            runs.append(known[number])
            continue
        if old is not None and before:
            there = all(map(operator.is_, before, old.value[start : start + RUN]))
            if not there or canon.canonical(before)[1:-1] != known[number]:
                raise Touched
        data = canon.canonical(run)
        _check_depth(run, data)
        runs.append(data[1:-1])
        fresh += len(data)
    return Members(value, b"[" + b",".join(runs) + b"]", runs, held=tuple(value), fresh=fresh)


def check(old: Members) -> None:
    """Raise Touched when a value is not what its bytes say."""
    try:
        same = canon.canonical(old.value) == old.data
    except LisppumpError:
        same = False
    if not same:
        raise Touched


def _check_depth(value: Any, data: bytes) -> None:
    """A member may be nested as deep as a document, but not both together: then the whole is asked."""
    if data.count(b"[") + data.count(b"{") > DEEP:
        try:
            orjson.dumps(value, list)  # goes no deeper than half of what a document may
        except TypeError:
            raise _Unsure from None
