"""The line: what leaves it stays off it, whichever way one goes back, and an earlier line is had again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lisppump.line import Ranges, alive, left_behind, parting, ranges


def shortest(dead: Ranges) -> bool:
    """In order, none empty, none touching the next."""
    pairs = pairwise(dead)
    return all(one <= two for one, two in dead) and all(one[1] + 1 < two[0] for one, two in pairs)


@given(st.lists(st.tuples(st.integers(1, 6), st.floats(0, 1, exclude_max=True)), max_size=12))
def test_ranges_are_what_records_one_by_one_would_be(ways: list[tuple[int, float]]) -> None:
    lines: dict[int, set[int]] = {0: set()}  # the records on the line, after each record
    dead_after: dict[int, Ranges] = {0: ()}
    size = 0
    for more, part in ways:
        for _ in range(more):
            size += 1
            lines[size], dead_after[size] = lines[size - 1] | {size}, dead_after[size - 1]
        upto = int(part * size)
        dead = left_behind(dead_after[upto], upto, size)
        assert shortest(dead) and ranges(map(list, dead)) == dead
        first = parting(dead, dead_after[size])
        size += 1  # the record of the way back itself
        lines[size], dead_after[size] = lines[upto] | {size}, dead
        assert {seq for seq in range(1, size + 1) if alive(seq, dead)} == lines[size]
        apart = lines[size - 1] ^ (lines[size] - {size})
        assert (first is None and not apart) or (first is not None and all(seq >= first for seq in apart))
