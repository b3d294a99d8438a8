"""Lists put together: one after the other, side by side, and what lies in lists inside lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import CELL, proper, room, walk, wrong
from lisppump.lispy.builtins.lists import take
from lisppump.lispy.errors import LimitError
from lisppump.lispy.values import Pair, Slice, Value, cons, elements, is_list, length, slice_of

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

CHAINS = frozenset((Slice, Pair))
SHORT = 16  # lists up to this length are copied


class Growing(list[Value]):
    """The array behind windows that `append` made: only its end may grow, and only `append` grows it."""

    __slots__ = ()


@builtin("append", "(append list ...)", "One list of the elements of all; nil is the empty list.",
         example="(append '(1 2) '(3)) ;=> (1 2 3)", cost="elements of all lists but the longest",
         aliases=("vector-append", "list-append"))  # fmt: skip
def append(run: Run, *values: Value) -> Value:
    if not values:
        return []
    first = values[0]
    if len(values) == 2 and first.__class__ is list and values[1].__class__ is list:
        one, other = len(first), len(values[1])
        whole = one + other
        if 0 < other <= 8 * one and whole <= SHORT and whole <= run.limits.elements:
            run.meter.take(1 + (one if one < other else other), 8 * whole)
            return first + values[1]
    sizes = []
    for place, value in enumerate(values, 1):
        kind = value.__class__
        if kind is list:
            sizes.append(len(value))
        elif kind is Slice:
            sizes.append(value.stop - value.start)
        elif is_list(value):
            sizes.append(length(value))
        else:
            raise wrong(
                "append", "a list", value, place, "(append list (list x)) puts one element at the end"
            )
    whole, longest = sum(sizes), max(sizes)
    run.meter.charge(len(values) - 1 + whole - longest)
    if whole > run.limits.elements and whole > longest:
        run.meter.container(whole)
    if whole == sizes[0]:
        return [] if first is None else first
    if len(values) == 2 and sizes[0] * 8 < sizes[1]:
        run.meter.allocate(CELL * sizes[0])
        out = values[1]
        for item in reversed(elements(first)):
            out = cons(item, out)
        return out
    return _extended(run, first, values[1:], sizes, whole)


def _extended(run: Run, first: Value, others: tuple[Value, ...], sizes: list[int], whole: int) -> Value:
    """The first list with the others behind it; the array of an earlier append grows behind its windows."""
    base = first.base if first.__class__ is Slice else None
    if base.__class__ is Growing and first.stop == len(base):
        run.meter.allocate(8 * (whole - sizes[0]))
        start = first.start
    elif whole > SHORT:
        run.meter.allocate(8 * whole)
        base, start = Growing(elements(first)), 0
    else:
        run.meter.allocate(8 * whole)
        made = [*elements(first)]
        for other in others:
            made += other if other.__class__ is list else elements(other)
        return made
    for other in others:
        base.extend(other if other.__class__ is list else elements(other))
    return slice_of(base, start, len(base))


@builtin("zip", "(zip list ...)",
         "Lists of the first elements, the second ones, ... as far as the shortest goes.",
         example="(zip '(1 2) '(a b)) ;=> ((1 a) (2 b))", cost="lists x the shortest length")  # fmt: skip
def zip_(run: Run, *values: Value) -> Value:
    if not values:
        return []
    shortest = min(length(proper("zip", value, place)) for place, value in enumerate(values, 1))
    run.meter.charge(shortest * len(values))
    room(run, shortest)
    run.meter.allocate(shortest * (56 + 8 * len(values)))
    windows = [
        value if value.__class__ is list else elements(take(run, value, shortest)) for value in values
    ]
    return list(map(list, zip(*windows, strict=False)))


@builtin("flatten", "(flatten list)", "All elements of the lists inside lists, as one list.",
         example="(flatten '(1 (2 (3)) ())) ;=> (1 2 3)", cost="nodes + 2 per list")  # fmt: skip
def flatten(run: Run, value: Value) -> Value:
    out: list[Value] = []
    stack = [iter(walk(run, "flatten", value))]
    while stack:
        for item in stack[-1]:
            kind = item.__class__
            if kind is list or (kind in CHAINS and is_list(item)):
                run.meter.charge(2)
                stack.append(iter(walk(run, "flatten", item)))
                break
            out.append(item)
        else:
            stack.pop()
        if len(stack) > run.limits.data_depth:
            raise LimitError(
                "data-depth-limit", f"flatten found lists more than {run.limits.data_depth} deep"
            )
    room(run, len(out))
    return out
