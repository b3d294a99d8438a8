"""The canonical bytes of a document's members, kept by identity, so that a digest follows the change. Pure.

A merge shares with the old document all that it did not change, so that what is still the same object has the
same bytes. Nobody may change such an object in place; where somebody did beside a change, it is found.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from lisppump import canon
from lisppump.errors import LisppumpError

SMALL = 32 * 1024  # bytes of a document up to which encoding all of it costs less than looking what changed
LEVELS = 3  # how deep members are kept apart
WIDE = 16  # members of a dict below the root that are worth it
RUN = 64  # elements of a list that are kept as one
BESIDE = 16  # members of a dict that are kept as one,
ROOM = 1024  # and bytes of them; a member that has more is kept by itself
DEEP = 200  # brackets in a member that may be nested deeper than a whole document can be


class Touched(Exception):
    """An object of the old document is not what it was when its bytes were made."""


class _Unsure(Exception):
    """Only the whole document can be encoded."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Members of a dict that stand side by side, and their canonical bytes; a `large` one stands alone."""

    keys: tuple[str, ...]
    data: bytes
    large: Members | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """A value and its canonical bytes; `pieces` are those of a dict, sorted by key, `runs` those of a list.

    `places` says in which piece a key stands, in the dict's own order; `held` are the members or elements as
    they were; `fresh` counts the bytes that had to be made when it followed another: of members that are kept
    as one, the share of those that changed.
    """

    value: Any
    data: bytes
    pieces: list[Piece] | None = None
    runs: list[bytes] | None = None
    places: dict[str, int] = field(default_factory=dict)
    held: tuple[Any, ...] = ()
    fresh: int = 0


_NOTHING = Members({}, b"{}", [])


def members(value: Any) -> Members:
    """A value with its canonical bytes; the same as `canon.canonical` gives, and its errors."""
    return following(None, value)


def following(old: Members | None, value: Any) -> Members:
    """The same, from what is known of the value before; raises Touched where that was changed in place."""
    if old is None or (old.pieces is None and len(old.data) <= SMALL):
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
    if old is None or old.pieces is None:
        if old is not None:
            check(old)
        return _new_dict(_NOTHING, value, level)
    if old.value.keys() != old.places.keys():
        raise Touched
    if list(value) != list(old.places):
        return _new_dict(old, value, level)
    pieces, places, fresh = list(old.pieces), old.places, 0
    now = zip(value.items(), old.held, strict=True)
    changed = [(key, was) for (key, member), was in now if member is not was]
    _check_held(old, changed)
    for place, many in Counter([places[key] for key, _ in changed]).items():
        piece = pieces[place]
        if piece.large is not None:
            pieces[place] = made = _followed(piece, value, level)
        else:
            _check_piece(old, piece)
            pieces[place] = made = Piece(piece.keys, _together(piece.keys, value))
            if len(made.data) > 2 * ROOM:
                return _new_dict(old, value, level)
        fresh += _share(made, many)
    return Members(value, _joined(pieces), pieces, None, places, tuple(value.values()), fresh)


def _new_dict(old: Members, value: dict[Any, Any], level: int) -> Members:
    """A dict that is new, or has other keys than before, or in another order; whole pieces are kept."""
    if any([key.__class__ is not str for key in value]):
        raise _Unsure
    before = dict(zip(old.places, old.held, strict=True))
    _check_held(old, [(key, was) for key, was in before.items() if key in value])
    changed = {key for key, member in value.items() if key not in before or before[key] is not member}
    known = _known(old, changed)
    pieces: list[Piece] = []
    loose: list[str] = []
    order, place = tuple(sorted(value)), 0
    while place < len(order):
        piece = known.get(order[place])
        end = place + (1 if piece is None else len(piece.keys))
        if piece is None or piece.keys != order[place:end]:
            loose.append(order[place])
            place += 1
        else:
            pieces += _pieces(loose, value, level)
            pieces.append(piece if piece.large is None else _followed(piece, value, level))
            loose, place = [], end
    pieces += _pieces(loose, value, level)
    kept = set(map(id, pieces))
    for piece in old.pieces or ():
        if piece.large is None and id(piece) not in kept:
            _check_piece(old, piece)
    places = {key: place for place, piece in enumerate(pieces) for key in piece.keys}
    fresh = sum([_share(piece, len(changed.intersection(piece.keys))) for piece in pieces])
    places = {key: places[key] for key in value}
    return Members(value, _joined(pieces), pieces, None, places, tuple(value.values()), fresh)


def _known(old: Members, changed: set[str]) -> dict[str, Piece]:
    """By their first key, the pieces worth keeping: large members, and those of small ones that are full."""
    return {
        piece.keys[0]: piece
        for piece in old.pieces or ()
        if piece.large is not None
        or ((2 * len(piece.keys) >= BESIDE or 2 * len(piece.data) >= ROOM) and changed.isdisjoint(piece.keys))
    }


def _pieces(keys: Iterable[str], value: Mapping[str, Any], level: int) -> Iterator[Piece]:
    """Members that are seen for the first time, or whose neighbours are not those they had."""
    some: list[str] = []
    texts: list[bytes] = []
    room = 0
    for key in keys:
        large = _large(key, _made(None, value[key], level + 1))
        alone, size = len(large.data) > ROOM, len(large.data)
        if some and (alone or len(some) == BESIDE or room + size > ROOM):
            yield Piece(tuple(some), b",".join(texts))
            some, texts, room = [], [], 0
        if alone:
            yield large
        else:
            some.append(key)
            texts.append(large.data)
            room += size
    if some:
        yield Piece(tuple(some), b",".join(texts))


def _large(key: str, member: Members) -> Piece:
    return Piece((key,), canon.canonical(key) + b":" + member.data, member)


def _followed(piece: Piece, value: Mapping[str, Any], level: int) -> Piece:
    """A large member that was there before."""
    (key,), before = piece.keys, piece.large
    assert before is not None
    return piece if value[key] is before.value else _large(key, _made(before, value[key], level + 1))


def _together(keys: Sequence[str], value: Mapping[str, Any]) -> bytes:
    """The bytes of some members, side by side."""
    some = {key: value[key] for key in keys}
    data = canon.canonical(some)
    _check_depth(some, data)
    return data[1:-1]


def _joined(pieces: Iterable[Piece]) -> bytes:
    return b"{" + b",".join([piece.data for piece in pieces]) + b"}"


def _share(piece: Piece, changed: int) -> int:
    """How many bytes of a piece were made for members that changed."""
    if not changed:
        return 0
    return len(piece.data) * changed // len(piece.keys) if piece.large is None else piece.large.fresh


def _check_held(old: Members, members: Iterable[tuple[str, Any]]) -> None:
    """Raise Touched where the old dict holds others in the place of some of its members."""
    value = old.value
    if not all([value[key] is was for key, was in members]):
        raise Touched


def _check_piece(old: Members, piece: Piece) -> None:
    """Raise Touched where members that are kept as one are not what their bytes say."""
    try:
        same = (
            all([key in old.value for key in piece.keys]) and _together(piece.keys, old.value) == piece.data
        )
    except (_Unsure, LisppumpError):
        same = False
    if not same:
        raise Touched


def _list(old: Members | None, value: list[Any]) -> Members:
    runs: list[bytes] = []
    fresh = 0
    known: list[bytes] = []
    held: tuple[Any, ...] = ()
    if old is not None and old.runs is not None:
        known, held = old.runs, old.held
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
    return Members(value, b"[" + b",".join(runs) + b"]", runs=runs, held=tuple(value), fresh=fresh)


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
