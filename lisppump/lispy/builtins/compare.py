"""Equality and order of values, walked with stacks of their own; charged one step a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Keyword, Pair, Quantity, Symbol, Value, elements, is_list, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

ATOMS = (int, float, bool, str, Symbol, Keyword)


def same(run: Run, left: Value, right: Value, loose: bool = False) -> bool:
    """equal? when `loose` is false; `=` when it is true: numbers by value, everything else alike."""
    stack = [(left, right)]
    while stack:
        left, right = stack.pop()
        if left is right:
            continue
        kind, other = left.__class__, right.__class__
        if kind in ATOMS or other in ATOMS:
            if not _same_atom(left, right, loose):
                return False
        elif isinstance(left, dict):
            if not isinstance(right, dict) or len(left) != len(right):
                return False
            run.meter.charge(len(left))
            for key, value in left.items():
                if key not in right:
                    return False
                stack.append((value, right[key]))
        elif is_list(left):
            if not is_list(right) or length(left) != length(right):
                return False
            run.meter.charge(length(left))
            stack.extend(zip(reversed(elements(left)), reversed(elements(right)), strict=True))
        elif kind is Pair and other is Pair and right.size < 0:
            run.meter.charge(1)
            stack.append((left.cdr, right.cdr))
            stack.append((left.car, right.car))
        elif kind is Quantity and other is Quantity:
            if (left.amount, left.unit) != (right.amount, right.unit):
                return False
        else:
            return False
    return True


def _same_atom(left: Value, right: Value, loose: bool) -> bool:
    kind, other = left.__class__, right.__class__
    if kind is other:
        return bool(left == right)
    if loose and (kind is int or kind is float) and (other is int or other is float):
        return bool(left == right)
    return False


def kind_of(value: Value) -> int:
    """Which values have an order among each other: numbers, strings, names, booleans, lists; 0 for none."""
    kind = value.__class__
    if kind is int or kind is float:
        return 1
    if kind is str:
        return 2
    if kind is Symbol or kind is Keyword:
        return 3
    if kind is bool:
        return 4
    return 5 if is_list(value) else 0


def before(run: Run, name: str, left: Value, right: Value) -> bool:
    """The natural order: numbers, strings, names, #f before #t, lists element by element."""
    stack: list[tuple[Value, Value]] = [(left, right)]
    while stack:
        left, right = stack.pop()
        if left is right:
            continue
        kind = kind_of(left)
        if kind != kind_of(right) or not kind:
            raise LispyError(
                "wrong-type",
                f"{name} cannot put {describe_type(left)} and {describe_type(right)} in order",
                help="give a procedure that says which comes first",
            )
        if kind == 5:
            run.meter.charge(1 + min(length(left), length(right)))
            stack.append((length(left), length(right)))
            pairs = zip(elements(left), elements(right), strict=False)
            stack.extend(reversed(list(pairs)))
            continue
        if kind == 3:
            left, right = left.name, right.name
        if left != right:
            return bool(left < right)
    return False


def plain_order(items: list[Value]) -> bool:
    """True when all are numbers or all are strings, so that the host's own order is the natural one."""
    kinds = {item.__class__ for item in items}
    return kinds <= {int, float} or kinds == {str}
