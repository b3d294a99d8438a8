"""Comparators whose order can be told without calling them: `<`, or (lambda (a b) (> (f a) (f b))).

Sorting by one charges what calling it comes to.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins.compare import NUMBERS
from lisppump.lispy.calls import Builtin
from lisppump.lispy.errors import LispyError
from lisppump.lispy.names import UNBOUND, Cell
from lisppump.lispy.tree import Call, Const, Global, Lambda, Local, Tree, Variable
from lisppump.lispy.values import Procedure, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

Key = Callable[[Value], Value]
LONG = 31  # texts up to this length are compared for nothing
LARGE = 2.0**256  # the difference of two numbers of a kind below this is one as well

# By builtin: whether it puts large before small, whether equals keep their places, what it compares.
ORDERS: dict[str, tuple[bool, bool, str]] = {
    "<": (False, True, "both"), ">": (True, True, "both"), "<=": (False, False, "both"),
    ">=": (True, False, "both"), "-": (False, True, "numbers"),
    "string<?": (False, True, "texts"), "string>?": (True, True, "texts"),
    "string<=?": (False, False, "texts"), "string>=?": (True, False, "texts"),
}  # fmt: skip

# Builtins that do nothing but give a value; what they charge is looked at.
PLAIN = frozenset({
    "get", "get-in", "car", "cdr", "cadr", "cddr", "caddr", "cdddr", "second", "third", "last", "nth",
    "length", "string-length", "abs", "+", "-", "*", "/", "min", "max", "modulo", "quotient", "remainder",
    "floor", "ceil", "round", "truncate", "exact->inexact", "symbol->string",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What a comparator comes to: its order of the keys of elements, and the steps of each call.

    `field` is set where the key is what a dict has under that.
    """

    key: Key | None
    field: str | None
    descending: bool
    stable: bool
    compares: str
    steps: int


BUILTIN_ORDERS = {name: Order(None, None, *order, 0) for name, order in ORDERS.items()}


def order_of(run: Run, procedure: Procedure) -> Order | None:
    """The order of a comparator, None where it cannot be told."""
    if procedure.__class__ is Builtin:
        return BUILTIN_ORDERS.get(procedure.spec.name)
    tree = getattr(getattr(procedure, "template", None), "tree", None)
    if tree is None or len(tree.parameters) != 2 or tree.rest is not None or not isinstance(tree.body, Call):
        return None
    word = _builtin(tree.body)
    known = None if word is None else ORDERS.get(word)
    if known is None or len(tree.body.operands) != 2 or any(each.assigned for each in tree.parameters):
        return None
    first, second = tree.parameters
    left, right = tree.body.operands
    descending, stable, compares = known
    if _alike(left, right, first, second):
        parameter = first
    elif _alike(left, right, second, first):
        parameter, descending = second, not descending
    else:
        return None
    key = _key(run, left, parameter, procedure, tree)
    if key is None:
        return None
    own = None if key is _itself else key
    return Order(own, _field(left, parameter), descending, stable, compares, 1)


def _field(tree: Tree, parameter: Variable) -> str | None:
    """The name in (get element name)."""
    if not isinstance(tree, Call) or _builtin(tree) != "get" or len(tree.operands) != 2:
        return None
    of, name = tree.operands
    if not _is(of, parameter) or not isinstance(name, Const) or name.value.__class__ is not str:
        return None
    return str(name.value)


def _builtin(tree: Call) -> str | None:
    """The name of the builtin that a call is certain to call."""
    if not isinstance(tree.operator, Global):
        return None
    cell: Cell = tree.operator.cell
    if cell.builtin is None or cell.value is not cell.builtin:
        return None
    spec = getattr(cell.builtin, "spec", None)
    return None if spec is None else spec.name


def _alike(left: Tree, right: Tree, first: Variable, second: Variable) -> bool:
    """Whether two expressions are the same but for the variable that they speak of."""
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, Local) and isinstance(right, Local):
        if left.variable is first or right.variable is second:
            return left.variable is first and right.variable is second
        return left.variable is right.variable and left.variable is not second
    if isinstance(left, Const) and isinstance(right, Const):
        same = left.value.__class__ is right.value.__class__ and left.value.__class__ in (str, int)
        return left.value is right.value or (same and bool(left.value == right.value))
    if isinstance(left, Global) and isinstance(right, Global):
        return left.cell is right.cell
    if isinstance(left, Call) and isinstance(right, Call) and len(left.operands) == len(right.operands):
        pairs = zip((left.operator, *left.operands), (right.operator, *right.operands), strict=True)
        return all([_alike(one, other, first, second) for one, other in pairs])
    return False


def _key(run: Run, tree: Tree, parameter: Variable, procedure: Any, around: Lambda) -> Key | None:
    """A function of an element that gives what an expression does, if that has no effect but its value."""
    if isinstance(tree, Local) and tree.variable is parameter:
        return _itself
    if not isinstance(tree, Call):
        value = _constant(tree, procedure, around)
        return None if value is UNBOUND else lambda item: value
    word = _builtin(tree)
    if word not in PLAIN:
        return None
    assert isinstance(tree.operator, Global)
    builtin: Any = tree.operator.cell.builtin
    count = len(tree.operands)
    if count < builtin.low or (builtin.high is not None and count > builtin.high):
        return None
    function = builtin.function
    parts: list[Key] = []
    for operand in tree.operands:
        part = _key(run, operand, parameter, procedure, around)
        if part is None:
            return None
        parts.append(part)
    if count == 1:
        (only,) = parts
        return (lambda item: function(run, item)) if _is(tree.operands[0], parameter) else (
            lambda item: function(run, only(item))
        )  # fmt: skip
    constants = [_constant(operand, procedure, around) for operand in tree.operands]
    if count == 2 and _is(tree.operands[0], parameter) and constants[1] is not UNBOUND:
        other = constants[1]
        return lambda item: function(run, item, other)
    return lambda item: function(run, *[part(item) for part in parts])


def _itself(item: Value) -> Value:
    return item


def _is(tree: Tree, variable: Variable) -> bool:
    return isinstance(tree, Local) and tree.variable is variable


def _constant(tree: Tree, procedure: Any, around: Lambda) -> Value:
    """What an expression gives for every element, UNBOUND where that cannot be told."""
    if isinstance(tree, Const):
        return tree.value
    if isinstance(tree, Global):
        return tree.cell.value
    if isinstance(tree, Local) and tree.variable in around.free:
        value = procedure.tail[around.free[tree.variable]]
        return value[0] if tree.variable.boxed else value
    return UNBOUND


def arranged(run: Run, order: Order, items: list[Value], keys: list[Value]) -> list[Value] | None:
    """Elements as a merge sort of their keys by the comparator has them, at its cost; None if unknown."""
    if run.depth + 1 >= run.limits.depth:
        return None
    parts = keys if order.key is None else _keys(run, order.key, order.field, keys)
    if parts is None or not _comparable(order.compares, parts):
        return None
    if parts is items and order.stable:
        found = sorted(items, reverse=order.descending)
    else:
        places = range(len(parts))
        found = sorted(
            places if order.stable else reversed(places), key=parts.__getitem__, reverse=order.descending
        )
        found = list(map(items.__getitem__, found))
    if order.steps:
        if order.descending and parts[0].__class__ is str:
            ranks = {key: -rank for rank, key in enumerate(sorted(set(parts)))}
            parts = list(map(ranks.__getitem__, parts))
        elif order.descending:
            parts = list(map(operator.neg, parts))
        run.meter.charge(order.steps * comparisons(parts, order.stable))
    return found


def _keys(run: Run, key: Key, field: str | None, items: list[Value]) -> list[Value] | None:
    """The keys of all elements, if making them is charged nothing and no error."""
    if field is not None and set(map(type, items)) == {dict}:
        return [item.get(field) for item in items]
    meter = run.meter
    before = meter.steps, meter.allocated
    try:
        keys = [key(item) for item in items]
    except LispyError:
        keys = None
    if (meter.steps, meter.allocated) != before:
        meter.steps, meter.allocated = before
        return None
    return keys


def _comparable(compares: str, keys: list[Any]) -> bool:
    """Whether keys can be compared by a builtin, each with each, for nothing."""
    kinds = set(map(type, keys))
    if kinds == {str}:
        return compares != "numbers" and max(map(len, keys)) <= LONG
    if compares == "texts" or not kinds <= NUMBERS:
        return False
    return compares == "both" or (len(kinds) == 1 and -LARGE < min(keys) <= max(keys) < LARGE)


def comparisons(keys: list[Any], stable: bool) -> int:
    """How often a merge sort from runs of one upward compares; told from the ends of the runs it merges.

    Of two runs one is used up first; what of the other comes after that is never looked at.
    """
    before, after = (bisect_left, bisect_right) if stable else (bisect_right, bisect_left)
    asked, runs = _fours(keys, stable)
    while len(runs) > 1:
        merged = runs[::2]
        for left, right in zip(merged, runs[1::2], strict=False):
            last, end = left[-1], right[-1]
            if end < last or (end == last and not stable):
                asked += len(right) + after(left, end)
            else:
                asked += len(left) + before(right, last)
            left += right
            left.sort()
        runs = merged
    return asked


def _fours(keys: list[Any], stable: bool) -> tuple[int, list[list[Any]]]:
    """The comparisons that it takes to runs of four, and those."""
    runs = []
    asked = 4 * (len(keys) // 4)
    for a, b, c, d in zip(keys[::4], keys[1::4], keys[2::4], keys[3::4], strict=False):
        if b < a:
            a, b = b, a
        if d < c:
            c, d = d, c
        if stable:
            asked += a <= d if d < b else c < b
        else:
            asked += a < d if d <= b else c <= b
        run = [a, b, c, d]
        run.sort()
        runs.append(run)
    rest = keys[len(runs) * 4 :]
    if len(rest) > 1:
        first, last = sorted(rest[:2])
        asked += 1
        if len(rest) == 3:  # a pair, and one that may come before the first of it
            third = rest[2]
            if third < last or (third == last and not stable):
                asked += 1 + (first <= third if stable else first < third)
            else:
                asked += 2
    if rest:
        runs.append(sorted(rest))
    return asked, runs
