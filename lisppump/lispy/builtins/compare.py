"""Equality and order of values, walked with stacks of their own; charged one step a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Keyword, Pair, Quantity, Symbol, Value, elements, is_list, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

ATOMS = frozenset((int, float, bool, str, Symbol, Keyword))
NUMBERS: frozenset[Any] = frozenset((int, float))
LONG = 1024  # characters of a text, from which on it takes a step per so many to look through it
Pairs = Iterator[tuple[Value, Value]]


def long_text(run: Run, left: Value, right: Value) -> None:
    """Charge for two long texts that are about to be compared, which takes time where they are alike."""
    size = len(left)
    if size >= LONG and size == len(right):
        run.meter.charge(size >> 10)


def long_texts(run: Run, items: list[Any], times: int = 1) -> None:
    """Charge for atoms that are about to be compared or looked up, so many times each, if they are long."""
    if items and items[0].__class__ is str and (size := sum(map(len, items))) > LONG * len(items):
        run.meter.charge((size >> 10) * times)


def is_long(value: Value) -> bool:
    """Whether it takes time to compare an atom, or to show it."""
    kind = value.__class__
    return (kind is str and len(value) >= LONG) or (kind is int and not -WIDE < value < WIDE)


WIDE = 1 << 512
PARTS = 3  # steps of looking into two lists or dicts, beside those for their elements


def same(run: Run, left: Value, right: Value, loose: bool = False) -> bool:
    """equal? when `loose` is false; `=` when it is true: numbers by value, everything else alike."""
    if left is right:
        return True
    kind, other = left.__class__, right.__class__
    if kind in ATOMS or other in ATOMS:
        if kind is other or (loose and kind in NUMBERS and other in NUMBERS):
            if kind is str:
                long_text(run, left, right)
            return bool(left == right)
        return False
    parts = _parts(run, left, right)
    return parts is not None and _same_parts(run, parts, loose)


def _same_parts(run: Run, parts: Pairs, loose: bool) -> bool:
    """Whether all pairs hold two that are the same; what has parts of its own is gone into at once."""
    stack = [parts]
    while stack:
        for left, right in stack[-1]:
            if left is right:
                continue
            kind, other = left.__class__, right.__class__
            if kind in ATOMS or other in ATOMS:
                if kind is not other and not (loose and kind in NUMBERS and other in NUMBERS):
                    return False
                if kind is str:
                    long_text(run, left, right)
                if left == right:
                    continue
                return False
            inner = _parts(run, left, right)
            if inner is None:
                return False
            stack.append(inner)
            break
        else:
            stack.pop()
    return True


def _parts(run: Run, left: Value, right: Value) -> Pairs | None:
    """The pairs of parts that two compound values have to agree in, None where they cannot."""
    if left.__class__ is list and right.__class__ is list:
        if len(left) != len(right):
            return None
        run.meter.charge(PARTS + len(left))
        return zip(left, right, strict=True)
    if isinstance(left, dict):
        if not isinstance(right, dict) or len(left) != len(right):
            return None
        run.meter.charge(PARTS + len(left))
        if not all([key in right for key in left]):
            return None
        return reversed([(value, right[key]) for key, value in left.items()])
    if is_list(left):
        if not is_list(right) or length(left) != length(right):
            return None
        run.meter.charge(PARTS + length(left))
        return zip(elements(left), elements(right), strict=True)
    if left.__class__ is Pair and right.__class__ is Pair and right.size < 0:
        return _cells(run, left, right)
    if left.__class__ is Quantity and right.__class__ is Quantity:
        return iter(()) if (left.amount, left.unit) == (right.amount, right.unit) else None
    return None


def _cells(run: Run, left: Value, right: Value) -> Pairs:
    """The cars of two dotted chains, one step each, then what is left of them."""
    while left is not right and _is_dotted(left) and _is_dotted(right):
        run.meter.charge(1)
        yield left.car, right.car
        left, right = left.cdr, right.cdr
    yield left, right


def _is_dotted(value: Value) -> bool:
    return value.__class__ is Pair and value.size < 0


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
    if left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return bool(left < right)
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
            run.meter.charge(12 + 2 * min(length(left), length(right)))
            stack.append((length(left), length(right)))
            pairs = zip(elements(left), elements(right), strict=False)
            stack.extend(reversed(list(pairs)))
            continue
        if kind == 3:
            left, right = left.name, right.name
        if kind in (2, 3) and left.__class__ is str and right.__class__ is str:
            run.meter.charge(2 * min(len(left), len(right)) >> 10)
        if left != right:
            return bool(left < right)
    return False


def plain_order(items: list[Value]) -> bool:
    """True when all are numbers or all are strings, so that the host's own order is the natural one."""
    kinds = set(map(type, items))
    return kinds <= NUMBERS or kinds == {str}
