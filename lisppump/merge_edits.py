"""Hand edits merged by path: what stood there, what the world made of it, what a person made of it. Pure.

Dicts are merged member by member, lists whole, but what both sides only appended is kept of both; texts and
logs are merged by lines. Where both sides changed one place, unlike each other, neither is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import starmap, zip_longest
from typing import Any, Final, Literal

from lisppump import canon
from lisppump.lispy.values import Slice, elements


class _Absent:
    """Where nothing stands."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
Side = Literal["hand", "world"]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a document: its path (of a text or log the lines), and what stood or stands there.

    ABSENT stands for nothing; `world` is ABSENT, too, where only the hand changed it.
    """

    path: Path
    was: Any
    hand: Any
    world: Any = ABSENT

    def to_json(self, *, world: bool) -> dict[str, Any]:
        """As `lisppump edits` shows it: a side on which nothing stands is left out."""
        sides = {"was": self.was, "hand": self.hand, **({"world": self.world} if world else {})}
        return {"path": list(self.path), **{key: side for key, side in sides.items() if side is not ABSENT}}


@dataclass(slots=True)
class Joined:
    """What the three sides come to: the value, the places that came by hand, and those that overlap.

    Where places overlap, the value there is that of the preferred side, or the world's.
    """

    value: Any
    by_hand: list[Place] = field(default_factory=list)
    overlaps: list[Place] = field(default_factory=list)


def joined(kind: str, was: Any, world: Any, hand: Any, *, prefer: Side = "world") -> Joined:
    """The three-way merge of a document of a kind: `json`, `log` or `text`."""
    work = Joined(world)
    if same(world, hand):
        return work
    if same(was, hand):
        return work
    if same(was, world):
        work.value = hand
        work.by_hand.extend(_changes(kind, was, hand))
    elif kind == "json" or hand is ABSENT or world is ABSENT:
        work.value = _tree(work, was, world, hand, (), prefer)
    elif kind == "text":
        work.value = _texts(work, was, world, hand, prefer)
    else:
        work.value = _logs(work, was, world, hand, prefer)
    if not work.by_hand and not work.overlaps and not same(work.value, world):
        work.by_hand.append(Place((), was, hand))  # the end of the last line
    return work


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same data; the order of keys does not count."""
    if one is other:
        return True
    if one is ABSENT or other is ABSENT:
        return False
    if one.__class__ is not other.__class__ and not (_is_list(one) and _is_list(other)):
        return False
    return canon.canonical(one) == canon.canonical(other)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | Slice)


def nearest(kind: str, sides: Sequence[Any], hand: Any) -> Any:
    """That of several values which differs least from what the hand made of one of them, or the first."""
    if kind == "json":
        return min(sides, key=lambda side: _apart(side, hand))
    keys_of = _lines if kind == "text" else _items
    theirs = keys_of(hand).keys

    def apart(side: Any) -> int:
        edits = _edits(() if side is ABSENT else keys_of(side).keys, theirs)
        return sum(edit.high - edit.low + edit.new[1] - edit.new[0] for edit in edits)

    return min(sides, key=apart)


def _apart(one: Any, other: Any) -> int:
    """How many values two have that the other has not in the same place."""
    if isinstance(one, dict) and isinstance(other, dict):
        return sum(_apart(one.get(key, ABSENT), other.get(key, ABSENT)) for key in {**one, **other})
    if _is_list(one) and _is_list(other):
        return sum(starmap(_apart, zip_longest(elements(one), elements(other), fillvalue=ABSENT)))
    return 0 if same(one, other) else _count(one) + _count(other)


def _count(value: Any) -> int:
    """How many values one holds, itself among them."""
    if value is ABSENT:
        return 0
    members = value.values() if isinstance(value, dict) else elements(value) if _is_list(value) else ()
    return 1 + sum(map(_count, members))


# -- JSON documents ----------------------------------------------------------------------------------------


def _tree(work: Joined, was: Any, world: Any, hand: Any, path: Path, prefer: Side) -> Any:
    if same(world, hand) or same(was, hand):
        return world
    if same(was, world):
        work.by_hand.extend(differences(was, hand, path))
        return hand
    if isinstance(world, dict) and isinstance(hand, dict) and (was is ABSENT or isinstance(was, dict)):
        before = was if isinstance(was, dict) else {}
        return _dicts(work, before, world, hand, path, prefer)
    if _is_list(was) and _is_list(world) and _is_list(hand):
        stood, ours, theirs = (list(elements(side)) for side in (was, world, hand))
        count = len(stood)
        if same(ours[:count], stood) and same(theirs[:count], stood):
            work.by_hand.append(Place(path, was, hand))
            return [*ours, *theirs[count:]]
    work.overlaps.append(Place(path, was, hand, world))
    return hand if prefer == "hand" else world


def _dicts(
    work: Joined, was: dict[str, Any], world: dict[str, Any], hand: dict[str, Any], path: Path, prefer: Side
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key in [*world, *(key for key in hand if key not in world)]:
        before, ours, theirs = (side.get(key, ABSENT) for side in (was, world, hand))
        value = _tree(work, before, ours, theirs, (*path, key), prefer)
        if value is not ABSENT:
            made[key] = value
    return made


def differences(was: Any, now: Any, path: Path = ()) -> Iterator[Place]:
    """The places at which two values differ: members of dicts, all else whole."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            before, after = was.get(key, ABSENT), now.get(key, ABSENT)
            if before is not after:
                yield from differences(before, after, (*path, key))
    elif not same(was, now):
        yield Place(path, was, now)


def _changes(kind: str, was: Any, now: Any) -> Iterator[Place]:
    """The same for a document of any kind."""
    if kind == "json" or was is ABSENT or now is ABSENT:
        yield from differences(was, now)
        return
    sides = [(_lines if kind == "text" else _items)(side) for side in (was, now)]
    for edit in _edits(sides[0].keys, sides[1].keys):
        yield Place(_where(edit.low, edit.high), sides[0].part(edit.low, edit.high), sides[1].part(*edit.new))


# -- texts and logs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """A text or log as what is compared, and how to get a part of it again."""

    keys: Sequence[Any]
    part: Callable[[int, int], Any]


@dataclass(frozen=True, slots=True)
class _Edit:
    """The lines from `low` to `high` became the lines `new` of the other side."""

    low: int
    high: int
    new: tuple[int, int]


def _lines(text: Any) -> _Side:
    lines = text[: -1 if text.endswith("\n") else None].split("\n") if text else []
    return _Side(lines, lambda low, high: "".join(line + "\n" for line in lines[low:high]))


def _items(value: Any) -> _Side:
    items = elements(value)
    return _Side([canon.canonical(item) for item in items], lambda low, high: items[low:high])


def _texts(work: Joined, was: Any, world: Any, hand: Any, prefer: Side) -> str:
    before, ours, theirs = (_lines("" if side is ABSENT else side) for side in (was, world, hand))
    made = "".join(_by_lines(work, before, ours, theirs, prefer))
    ends = [side.endswith("\n") for side in ("" if was is ABSENT else was, world, hand)]
    ends_so = ends[2] if ends[0] == ends[1] else ends[1]
    return made if ends_so else made.removesuffix("\n")


def _logs(work: Joined, was: Any, world: Any, hand: Any, prefer: Side) -> list[Any]:
    before, ours, theirs = (_items([] if side is ABSENT else side) for side in (was, world, hand))
    return [item for part in _by_lines(work, before, ours, theirs, prefer) for item in part]


def _by_lines(work: Joined, was: _Side, world: _Side, hand: _Side, prefer: Side) -> Iterator[Any]:
    """The parts of the merged text or log, one after the other."""
    ours, theirs = _edits(was.keys, world.keys), _edits(was.keys, hand.keys)
    done = 0
    for low, high, our, their in _regions(ours, theirs):
        yield was.part(done, low)
        done = high
        sides = [(_span(low, high, edits), side) for edits, side in ((our, world), (their, hand)) if edits]
        if not their:
            yield world.part(*sides[0][0])
            continue
        new = hand.part(*sides[-1][0])
        place = Place(_where(low, high), was.part(low, high), new)
        if not our:
            work.by_hand.append(place)
            yield new
            continue
        made = world.part(*sides[0][0])
        if same(made, new):
            yield made
        elif low == high == len(was.keys):  # both only appended
            work.by_hand.append(place)
            yield made
            yield new
        else:
            work.overlaps.append(Place(place.path, place.was, new, made))
            yield new if prefer == "hand" else made
    yield was.part(done, len(was.keys))


def _edits(was: Sequence[Any], now: Sequence[Any]) -> list[_Edit]:
    """What makes one sequence of another; what both begin and end with is found at once."""
    most = min(len(was), len(now))
    head = next((n for n in range(most) if was[n] != now[n]), most)
    tail = next((n for n in range(most - head) if was[-1 - n] != now[-1 - n]), most - head)
    one, other = was[head : len(was) - tail], now[head : len(now) - tail]
    if not one or not other:
        whole = _Edit(head, head + len(one), (head, head + len(other)))
        return [whole] if one or other else []
    from difflib import SequenceMatcher

    found = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [
        _Edit(head + low, head + high, (head + start, head + stop))
        for tag, low, high, start, stop in found
        if tag != "equal"
    ]


def _regions(ours: list[_Edit], theirs: list[_Edit]) -> Iterator[tuple[int, int, list[_Edit], list[_Edit]]]:
    """The lines that edits of either side cover, with the edits in there; those that only touch are apart."""
    both = [(edit.low, edit.high, side, edit) for side, edits in enumerate((ours, theirs)) for edit in edits]
    rest = sorted(both, key=lambda entry: entry[:3])
    while rest:
        low, high, _, _ = rest[0]
        taken: tuple[list[_Edit], list[_Edit]] = ([], [])
        while rest and (rest[0][0] < high or rest[0][:2] == (low, high)):
            _, stop, side, edit = rest.pop(0)
            high = max(high, stop)
            taken[side].append(edit)
        yield low, high, *taken


def _span(low: int, high: int, edits: list[_Edit]) -> tuple[int, int]:
    """The lines of a side that stand where `low` to `high` stood: its edits there, and what is between."""
    first, last = edits[0], edits[-1]
    return first.new[0] - (first.low - low), last.new[1] + (high - last.high)


def _where(low: int, high: int) -> Path:
    if low == high:
        return (f"after line {low}",)
    return (f"line {low + 1}",) if high == low + 1 else (f"lines {low + 1}-{high}",)
