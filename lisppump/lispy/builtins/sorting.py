"""Sorting: stable merges in plain Python, so that no comparator is ever called from the host's own sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import accepts, arity, call, is_number, room, walk, watched, wrong
from lisppump.lispy.builtins.comparators import arranged, order_of
from lisppump.lispy.builtins.compare import NUMBERS, before, long_texts, plain_order
from lisppump.lispy.calls import Builtin
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Procedure, Value, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

COST = "n log n, and the calls"
FEW = 8  # elements below which it does not pay to look at the comparator


def is_before(result: Value) -> bool:
    """What a comparator's result says; a number is read by its sign."""
    return result < 0 if is_number(result) else is_true(result)


def merge_sort(
    keys: list[Value], ahead: Callable[[Value, Value], Value], look: Callable[[], None] | None = None
) -> list[int]:
    """Positions in the order of their keys; what is equal keeps its order. `look` may end it meanwhile."""
    order = list(range(len(keys)))
    width = 1
    while width < len(order):
        if look is not None:
            look()
        merged: list[int] = []
        for start in range(0, len(order), 2 * width):
            left, end = start, min(start + width, len(order))
            right, stop = end, min(start + 2 * width, len(order))
            while left < end and right < stop:
                result = ahead(keys[order[right]], keys[order[left]])
                if result is True or (result is not False and is_before(result)):
                    merged.append(order[right])
                    right += 1
                else:
                    merged.append(order[left])
                    left += 1
            merged.extend(order[left:end])
            merged.extend(order[right:stop])
        order = merged
        width *= 2
    return order


def arrange(
    run: Run, name: str, items: list[Value], keys: list[Value], comparator: Procedure | None
) -> list[Value]:
    """The items in the order of their keys: the natural one, or that of a comparator."""
    size = len(items)
    run.meter.charge(size * ((size - 1).bit_length() or 1))
    room(run, size)
    if comparator is None:
        if plain_order(keys):
            long_texts(run, keys, size.bit_length())
            if keys is items:
                return sorted(items)
            places = sorted(range(size), key=keys.__getitem__)
        else:
            places = merge_sort(keys, lambda left, right: before(run, name, left, right), run.meter.look)
    else:
        order = order_of(run, comparator) if size >= FEW or comparator.__class__ is Builtin else None
        known = None if order is None else arranged(run, order, items, keys)
        if known is not None:
            return known
        places = merge_sort(keys, run.function(comparator, 2), run.meter.look)
    return list(map(items.__getitem__, places))


@builtin("sort", "(sort list [before?])",
         "The list in order, numbers and texts by themselves, others by a procedure that says "
         "whether its " "first " "argument comes before its second (or gives a number below "
         "0). A procedure of one " "argument gives the key. " "List and procedure in any "
         "order; equal elements keep their order.", example="(sort '(3 1 2) >) ;=> (3 2 1)",
         cost=f"12 + {COST}", aliases=("sort-list", "list-sort", "vector-sort", "stable-sort"))  # fmt: skip
def sort(run: Run, first: Value, second: Value = None) -> Value:
    run.meter.charge(12)
    if isinstance(first, Procedure):
        first, second = second, first
    items = walk(run, "sort", first)
    if second is None:
        return arrange(run, "sort", items, items, None)
    if not isinstance(second, Procedure):
        raise wrong("sort", "a procedure", second, 2)
    if not accepts(second, 2) and accepts(second, 1):
        function = call(run, "sort", second, count=1)
        return arrange(run, "sort", items, [function(item) for item in watched(run, items)], None)
    return arrange(run, "sort", items, items, second)


@builtin("sort-by", "(sort-by key list [before?])",
         "The list in the order of what key gives for each element; key and list in any order.",
         example="(sort-by length '((1 2) () (3))) ;=> (() (3) (1 2))", cost=f"6 + {COST}")  # fmt: skip
def sort_by(run: Run, first: Value, second: Value, *others: Value) -> Value:
    run.meter.charge(6)
    if len(others) > 1:
        raise arity("sort-by", "2 or 3 arguments", 2 + len(others))
    test = others[0] if others else None
    if isinstance(second, Procedure) and not isinstance(first, Procedure):
        first, second = second, first
    elif isinstance(second, Procedure) and others:
        second, test = test, second  # (sort-by key before? list), as Clojure writes it
    function = call(run, "sort-by", first, count=1)
    items = walk(run, "sort-by", second, 2)
    keys = [function(item) for item in watched(run, items)]
    if test is not None and not isinstance(test, Procedure):
        raise wrong("sort-by", "a procedure", test, 1)
    return arrange(run, "sort-by", items, keys, test)


def _best(run: Run, name: str, first: Value, second: Value, largest: bool) -> Value:
    if isinstance(second, Procedure) and not isinstance(first, Procedure):
        first, second = second, first
    function = call(run, name, first, count=1)
    items = walk(run, name, second, 2)
    if not items:
        raise LispyError("bad-value", f"{name} of an empty list has no answer")
    best, best_key = items[0], function(items[0])
    for item in watched(run, items[1:]):
        key = function(item)
        if key.__class__ in NUMBERS and best_key.__class__ in NUMBERS:
            better = key > best_key if largest else key < best_key
        else:
            better = before(run, name, best_key, key) if largest else before(run, name, key, best_key)
        if better:
            best, best_key = item, key
    return best


@builtin("max-by", "(max-by key list)", "The element for which key gives most; the first of equals.",
         example="(max-by cadr '((a 1) (b 3) (c 2))) ;=> (b 3)", cost="n, and the calls",
         aliases=("argmax",))  # fmt: skip
def max_by(run: Run, first: Value, second: Value) -> Value:
    return _best(run, "max-by", first, second, True)


@builtin("min-by", "(min-by key list)",
         "The element for which key gives least; the first of equals.",
         example="(min-by cadr '((a 2) (b 1))) ;=> (b 1)", cost="n, and the calls",
         aliases=("argmin",))  # fmt: skip
def min_by(run: Run, first: Value, second: Value) -> Value:
    return _best(run, "min-by", first, second, False)
