"""Arithmetic: exact integers within the limit of bits, finite floats, comparison; booleans are no numbers."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import integer, number, wrong
from lisppump.lispy.builtins.compare import LONG, NUMBERS, long_text, same
from lisppump.lispy.errors import LimitError, LispyError, figure
from lisppump.lispy.values import Value, elements, is_list, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

SMALL = 1 << 512  # results below this cost nothing
HALF = 1 << 256  # the product of two below this, or the sum of however many, is below the other
MANY = 8  # numbers from which on it pays to look at them as a whole
WIDE = 512  # bits up to which products and quotients cost nothing
INTEGERS, FLOATS = frozenset((int,)), frozenset((float,))
BIG = "bits / 256 for results over 512 bits; of products and quotients also bits x bits / 65,536"
NONE: Any = object()  # where an argument is not given


def finite(name: str, value: float) -> float:
    """A float result, unless it is infinite or not a number."""
    if value - value != 0.0:
        raise LispyError("not-a-number", f"{name} has no finite result here")
    return value


def settled(run: Run, name: str, value: Any) -> Any:
    """A result that may be a large integer or a bad float, checked."""
    if value.__class__ is float:
        return value if value - value == 0.0 else finite(name, value)
    if -SMALL < value < SMALL:
        return value
    bits(run, name, value.bit_length())
    return value


def fits(run: Run, name: str, size: int) -> None:
    """Refuse an integer of more bits than the limit before it is made."""
    if size > run.limits.bits:
        raise LimitError(
            "integer-limit", f"{name} would make an integer of more than {run.limits.bits:,} bits"
        )


def bits(run: Run, name: str, size: int) -> None:
    """Refuse an integer of more bits than the limit and charge for its size."""
    fits(run, name, size)
    if size > 512:
        run.meter.charge(size >> 8)
        run.meter.allocate(size >> 3)


def wide(run: Run, left: Any, right: Any, divides: bool = False) -> None:
    """Charge for a product, or for a quotient, of large integers before it is made; small ones are free."""
    if left.__class__ is int and right.__class__ is int:
        one, other = left.bit_length(), right.bit_length()
        if one > WIDE and (not divides or one > other):
            run.meter.charge(((one - other if divides else one) * other >> 16) + (one >> 10))


def _overflow(name: str) -> LispyError:
    return LispyError("not-a-number", f"{name} has a result too large for a float")


def _list_help(values: tuple[Value, ...]) -> str | None:
    return (
        "(apply f list) spreads a list into arguments"
        if any(is_list(value) and length(value) > 1 for value in values)
        else None
    )


def _given(left: Value, right: Value, others: tuple[Value, ...]) -> tuple[Value, ...]:
    """The arguments that were given."""
    if right is NONE:
        return () if left is NONE else (left,)
    return (left, right, *others)


def _are_small(left: Value, right: Value) -> bool:
    """True for floats, and for integers that are no trouble as floats and as parts of a product."""
    if left.__class__ is float:
        return right.__class__ is float or (right.__class__ is int and -HALF < right < HALF)
    if left.__class__ is not int or not -HALF < left < HALF:
        return False
    return right.__class__ is float or (right.__class__ is int and -HALF < right < HALF)


def small_integers(values: Collection[Any]) -> bool:
    """True for integers, at least one, whose sum costs nothing however they are added up."""
    if not (values and INTEGERS.issuperset(map(type, values))):
        return False
    return bool(min(values) > -HALF and max(values) < HALF)


def _numbers(name: str, values: tuple[Any, ...]) -> None:
    if NUMBERS.issuperset(map(type, values)):
        return
    for place, value in enumerate(values, 1):
        if value.__class__ is not int and value.__class__ is not float:
            raise wrong(name, "a number", value, place, _list_help(values))


def _sum_of(run: Run, values: tuple[Value, ...]) -> Any:
    """The sum of however many numbers; integers and floats that are no trouble without a look at each sum."""
    total: Any = 0
    if len(values) <= MANY:
        for value in values:
            if value.__class__ is not int or not -HALF < value < HALF:
                break
            total += value
        else:
            if len(values) == MANY:
                run.meter.charge(1)
            return total
    elif small_integers(values):
        run.meter.charge(len(values) >> 3)
        return sum(values)
    _numbers("+", values)
    run.meter.charge(len(values) >> 3)
    total = 0
    if FLOATS.issuperset(map(type, values)):
        for value in values:
            total += value
        if total - total == 0.0:
            return total
    total = 0
    try:
        for value in values:
            total += value
            if total.__class__ is float or not -SMALL < total < SMALL:
                settled(run, "+", total)
    except OverflowError:
        raise _overflow("+") from None
    return total


@builtin("+", "(+ number ...)", "The sum; 0 of nothing.", example="(+ 1 2 3) ;=> 6", cost=BIG)
def add(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    total: Any
    if not others:
        if left.__class__ is int and right.__class__ is int:
            total = left + right
            if -SMALL < total < SMALL:
                return total
        elif left.__class__ is float is right.__class__ or _are_small(left, right):
            total = 0 + left + right  # the sum of nothing is 0, which has no sign
            if total - total == 0.0:
                return total
    return _sum_of(run, _given(left, right, others))


@builtin("-", "(- number ...)", "The first less the others; of one number its negative.",
         example="(- 10 3 2) ;=> 5", cost=BIG)  # fmt: skip
def subtract(run: Run, first: Value, other: Value = NONE, *others: Value) -> Value:
    if other is NONE:
        _numbers("-", (first,))
        return -first
    if not others:
        if first.__class__ is int and other.__class__ is int:
            rest: Any = first - other
            if -SMALL < rest < SMALL:
                return rest
        elif first.__class__ is float is other.__class__ or _are_small(first, other):
            rest = first - other
            if rest - rest == 0.0:
                return rest
    values = other, *others
    _numbers("-", (first, *values))
    run.meter.charge(len(values) >> 3)
    try:
        for value in values:
            first = settled(run, "-", first - value)
    except OverflowError:
        raise _overflow("-") from None
    return first


@builtin("*", "(* number ...)", "The product; 1 of nothing.", example="(* 2 3 4) ;=> 24", cost=BIG)
def multiply(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    result: Any
    if not others:
        if left.__class__ is int and right.__class__ is int:
            if -HALF < left < HALF and -HALF < right < HALF:
                return left * right
        elif left.__class__ is float is right.__class__ or _are_small(left, right):
            result = left * right
            if result - result == 0:
                return result
    values = _given(left, right, others)
    if len(values) < MANY:
        result = 1
        for value in values:
            if value.__class__ is not int or not (-HALF < value < HALF and -HALF < result < HALF):
                break
            result *= value
        else:
            return result
    _numbers("*", values)
    run.meter.charge(len(values) >> 3)
    return product_of(run, "*", values)


def product_of(run: Run, name: str, values: Any) -> Any:
    """The product of numbers; the size of an integer result is checked before it is made."""
    total: Any = 1
    try:
        for value in values:
            if total.__class__ is int and value.__class__ is int:
                if -HALF < value < HALF and -HALF < total < HALF:
                    total *= value
                    continue
                fits(run, name, total.bit_length() + value.bit_length() - 1)
                wide(run, total, value)
            total = settled(run, name, total * value)
    except OverflowError:
        raise _overflow(name) from None
    return total


def divide_two(run: Run, name: str, left: Any, right: Any) -> Any:
    """A quotient: an integer when two integers divide exactly, else a float."""
    if right == 0:
        raise LispyError("division-by-zero", f"{name} cannot divide by zero")
    wide(run, left, right, True)
    try:
        if left.__class__ is int and right.__class__ is int:
            whole, rest = divmod(left, right)
            return settled(run, name, whole) if rest == 0 else left / right
        return finite(name, left / right)
    except OverflowError:
        raise _overflow(name) from None


@builtin("/", "(/ number ...)",
         "The first divided by the others; an integer when it divides exactly, else a float.",
         example="(list (/ 6 3) (/ 1 2)) ;=> (2 0.5)", cost=BIG)  # fmt: skip
def divide(run: Run, first: Value, second: Value = NONE, *others: Value) -> Value:
    if not others:
        if first.__class__ is int and second.__class__ is int:
            if -HALF < first < HALF and (0 < second < HALF or 0 > second > -HALF):
                return first / second if first % second else first // second
        elif (first.__class__ is float is second.__class__ or _are_small(first, second)) and second:
            result: Any = first / second
            if result - result == 0.0:
                return result
    if second is NONE:
        _numbers("/", (first,))
        return divide_two(run, "/", 1, first)
    values = second, *others
    _numbers("/", (first, *values))
    run.meter.charge(len(values) >> 3)
    for value in values:
        first = divide_two(run, "/", first, value)
    return first


def _modulus(run: Run, name: str, left: Value, right: Value, how: str) -> Any:
    number(name, left, 1)
    number(name, right, 2)
    if right == 0:
        raise LispyError("division-by-zero", f"{name} cannot divide by zero")
    wide(run, left, right, True)
    try:
        if how == "floor":
            return settled(run, name, left % right)
        if how == "quotient":
            if left.__class__ is int and right.__class__ is int:
                whole = abs(left) // abs(right)
                return settled(run, name, whole if (left < 0) == (right < 0) else -whole)
            return settled(run, name, math.trunc(finite(name, left / right)))
        if left.__class__ is int and right.__class__ is int:
            rest = abs(left) % abs(right)
            return settled(run, name, -rest if left < 0 else rest)
        return finite(name, math.fmod(left, right))
    except OverflowError:
        raise _overflow(name) from None


@builtin("//", "(// a b)", "The quotient rounded down, an integer.", example="(// -7 2) ;=> -4", cost=BIG,
         aliases=("floor-quotient", "div"))
def floor_divide(run: Run, left: Value, right: Value) -> Value:
    number("//", left, 1)
    number("//", right, 2)
    if right == 0:
        raise LispyError("division-by-zero", "// cannot divide by zero")
    wide(run, left, right, True)
    try:
        return settled(run, "//", math.floor(left // right))
    except (OverflowError, ValueError):
        raise _overflow("//") from None


@builtin("modulo", "(modulo a b)", "The rest with the sign of the divisor.", example="(modulo -7 3) ;=> 2",
         cost=BIG, aliases=("%", "mod", "floor-remainder"))  # fmt: skip
def modulo(run: Run, left: Value, right: Value) -> Value:
    if left.__class__ is int and right.__class__ is int:
        if right and -SMALL < right < SMALL:
            return left % right
    elif _are_small(left, right) and right:
        return left % right
    return _modulus(run, "modulo", left, right, "floor")


@builtin("remainder", "(remainder a b)", "The rest with the sign of the dividend.",
         example="(remainder -7 3) ;=> -1", cost=BIG, aliases=("rem", "truncate-remainder"))  # fmt: skip
def remainder(run: Run, left: Value, right: Value) -> Value:
    if left.__class__ is int and right.__class__ is int and right > 0 <= left < SMALL:
        return left % right
    return _modulus(run, "remainder", left, right, "truncate")


@builtin("quotient", "(quotient a b)", "The quotient cut to an integer, toward zero.",
         example="(quotient -7 2) ;=> -3", cost=BIG, aliases=("quot", "truncate-quotient"))  # fmt: skip
def quotient(run: Run, left: Value, right: Value) -> Value:
    if left.__class__ is int and right.__class__ is int and right > 0 <= left < SMALL:
        return left // right
    return _modulus(run, "quotient", left, right, "quotient")


@builtin("abs", "(abs x)", "The number without its sign.", example="(abs -3) ;=> 3", aliases=("magnitude",))
def absolute(run: Run, value: Value) -> Value:
    if value.__class__ is int or value.__class__ is float:
        return abs(value)
    return abs(number("abs", value))


@builtin("inc", "(inc x)", "One more.", example="(inc 4) ;=> 5", cost=BIG, aliases=("add1", "1+"))
def increment(run: Run, value: Value) -> Value:
    if value.__class__ is int and -HALF < value < HALF:
        return value + 1
    return settled(run, "inc", number("inc", value) + 1)


@builtin("dec", "(dec x)", "One less.", example="(dec 4) ;=> 3", cost=BIG, aliases=("sub1", "1-", "-1+"))
def decrement(run: Run, value: Value) -> Value:
    if value.__class__ is int and -HALF < value < HALF:
        return value - 1
    return settled(run, "dec", number("dec", value) - 1)


def _extreme(run: Run, name: str, values: tuple[Value, ...], largest: bool) -> Value:
    if len(values) == 1 and is_list(values[0]):
        run.meter.charge(length(values[0]))
        values = tuple(elements(values[0]))
        if not values:
            raise LispyError("bad-value", f"{name} of an empty list has no answer")
    elif len(values) > 2:
        run.meter.charge(2 * len(values))
    if not values:
        raise LispyError("wrong-arity", f"{name} wants at least one number")
    _numbers(name, values)
    return max(values) if largest else min(values)


@builtin("min", "(min number ...)", "The smallest of numbers, or of one list of numbers.",
         example="(min 3 1 2) ;=> 1", cost="n of a list, 2 a number of three or more")  # fmt: skip
def smallest(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return right if right < left else left
    return _extreme(run, "min", _given(left, right, others), False)


@builtin("max", "(max number ...)", "The largest of numbers, or of one list of numbers.",
         example="(max '(3 1 2)) ;=> 3", cost="n of a list, 2 a number of three or more")  # fmt: skip
def largest(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return right if right > left else left
    return _extreme(run, "max", _given(left, right, others), True)


@builtin("clamp", "(clamp x low high)", "The number, or the bound it goes beyond.",
         example="(clamp 12 0 10) ;=> 10")  # fmt: skip
def clamp(run: Run, value: Value, low: Value, high: Value) -> Value:
    if value.__class__ not in NUMBERS or low.__class__ not in NUMBERS or high.__class__ not in NUMBERS:
        _numbers("clamp", (value, low, high))
    if low > high:
        raise LispyError(
            "bad-value",
            f"clamp wants the lower bound first, got {figure(low)} and {figure(high)}",
        )
    return low if value < low else high if value > high else value


@builtin("gcd", "(gcd integer ...)", "The greatest common divisor; 0 of nothing.",
         example="(gcd 12 18) ;=> 6", cost=f"3 + {BIG}")  # fmt: skip
def greatest_divisor(run: Run, *values: Value) -> Value:
    run.meter.charge(3)
    wholes = [integer("gcd", value, place) for place, value in enumerate(values, 1)]
    run.meter.charge(sum([divisor_steps(whole) for whole in wholes]))
    return math.gcd(*wholes)


def divisor_steps(whole: int) -> int:
    """The steps that a divisor of an integer takes to find."""
    size = whole.bit_length()
    return (size >> 6) + (size * size >> 17)


@builtin("lcm", "(lcm integer ...)", "The least common multiple; 1 of nothing.", example="(lcm 4 6) ;=> 12",
         cost=f"3 + {BIG}")  # fmt: skip
def least_multiple(run: Run, *values: Value) -> Value:
    run.meter.charge(3)
    total = 1
    for place, value in enumerate(values, 1):
        whole = integer("lcm", value, place)
        run.meter.charge(divisor_steps(total) + divisor_steps(whole))
        wide(run, total, whole)
        total = settled(run, "lcm", math.lcm(total, whole))
    return total


@builtin("=", "(= a b ...)",
         "True when all are equal: numbers by value, anything else as equal? finds them.",
         example="(list (= 1 1.0) (= \"a\" \"b\")) ;=> (#t #f)", cost="nodes compared",
         aliases=("==",))  # fmt: skip
def equals(run: Run, first: Value, second: Value = NONE, *others: Value) -> Value:
    if not others:
        kind = first.__class__
        if kind is second.__class__ and (kind is str or kind is int):
            if kind is str and len(first) >= LONG:
                long_text(run, first, second)
            return first == second
        if kind in NUMBERS and second.__class__ in NUMBERS:
            return first == second
        return True if second is NONE else same(run, first, second, True)
    values = second, *others
    run.meter.charge(len(values) >> 3)
    return all([same(run, first, value, loose=True) for value in values])


def _ordered(run: Run, name: str, values: tuple[Value, ...]) -> None:
    """All numbers or all strings; anything else cannot be compared."""
    if len(values) < MANY and NUMBERS.issuperset(map(type, values)):
        return
    run.meter.charge(len(values) >> 3)
    first = values[0].__class__
    if first is str:
        for place, value in enumerate(values, 1):
            if value.__class__ is not str:
                raise wrong(name, "a string (as its 1st argument is one)", value, place)
        run.meter.charge(sum(map(len, values)) >> 6)
        return
    _numbers(name, values)


@builtin("<", "(< a b ...)", "True when each is less than the next; numbers or strings.",
         example="(< 1 2 3) ;=> #t")  # fmt: skip
def less(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return left < right
    values = _given(left, right, others)
    if not values:
        return True
    _ordered(run, "<", values)
    return all([a < b for a, b in pairwise(values)])


@builtin(">", "(> a b ...)", "True when each is more than the next; numbers or strings.",
         example="(> 3 2 2) ;=> #f")  # fmt: skip
def more(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return left > right
    values = _given(left, right, others)
    if not values:
        return True
    _ordered(run, ">", values)
    return all([a > b for a, b in pairwise(values)])


@builtin("<=", "(<= a b ...)", "True when none is more than the next; numbers or strings.",
         example="(<= 1 1 2) ;=> #t")  # fmt: skip
def at_most(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return left <= right
    values = _given(left, right, others)
    if not values:
        return True
    _ordered(run, "<=", values)
    return all([a <= b for a, b in pairwise(values)])


@builtin(">=", "(>= a b ...)", "True when none is less than the next; numbers or strings.",
         example="(>= 3 3 1) ;=> #t")  # fmt: skip
def at_least(run: Run, left: Value = NONE, right: Value = NONE, *others: Value) -> Value:
    if not others and left.__class__ in NUMBERS and right.__class__ in NUMBERS:
        return left >= right
    values = _given(left, right, others)
    if not values:
        return True
    _ordered(run, ">=", values)
    return all([a >= b for a, b in pairwise(values)])
