"""The line of records that led to the head: which of the journal's records are on it. It reads no record.

Whoever goes back in history leaves records behind that stay in the journal and are no part of it any more:
ranges of record numbers, each its first and last, in order, none touching the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Ranges = tuple[tuple[int, int], ...]


def ranges(said: Iterable[Sequence[int]]) -> Ranges:
    """Ranges out of a record."""
    return tuple((first, last) for first, last in said)


def alive(seq: int, dead: Ranges) -> bool:
    """True when a record is in none of the ranges."""
    index = bisect_right(dead, seq, key=lambda pair: pair[0]) - 1
    return index < 0 or dead[index][1] < seq


def left_behind(dead: Ranges, upto: int, end: int) -> Ranges:
    """The ranges once all behind `upto`, up to `end`, has left the line; `dead` are those as of `upto`."""
    kept = [(first, min(last, upto)) for first, last in dead if first <= upto]
    if end <= upto:
        return tuple(kept)
    first = kept.pop()[0] if kept and kept[-1][1] == upto else upto + 1
    return (*kept, (first, end))


def parting(one: Ranges, other: Ranges) -> int | None:
    """The first record that may be on one of two lines alone; None where they are the same."""
    return min((first for first, _ in set(one) ^ set(other)), default=None)
