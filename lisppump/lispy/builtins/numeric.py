"""Mathematics beyond arithmetic: rounding, roots, powers, angles, sums and means of lists, number texts."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import integer, is_number, number, string, walk, wrong
from lisppump.lispy.builtins.compare import NUMBERS
from lisppump.lispy.builtins.numbers import BIG, HALF, finite, fits, product_of, settled
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.printer import digits as digit_steps
from lisppump.lispy.reader import number as read_number
from lisppump.lispy.values import Value, is_list

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

FEW = 1 << 29  # the eighth power of what is below costs nothing
FIGURES = 10  # of what is below that, with a sign: too few to be charged for
DIGITS = 4300  # the host refuses decimal texts of more digits


@builtin("floor", "(floor x)", "The largest integer not above x.", example="(floor 2.7) ;=> 2",
         aliases=("exact-floor",))  # fmt: skip
def floor(run: Run, value: Value) -> Value:
    if value.__class__ is float or value.__class__ is int:
        return math.floor(value)
    return math.floor(number("floor", value))


@builtin("ceil", "(ceil x)", "The smallest integer not below x.", example="(ceil 2.1) ;=> 3",
         aliases=("ceiling", "exact-ceiling"))  # fmt: skip
def ceil(run: Run, value: Value) -> Value:
    if value.__class__ is float or value.__class__ is int:
        return math.ceil(value)
    return math.ceil(number("ceil", value))


@builtin("truncate", "(truncate x)", "The integer that x has before the point.",
         example="(truncate -2.7) ;=> -2", aliases=("trunc", "exact-truncate", "int"))  # fmt: skip
def truncate(run: Run, value: Value) -> Value:
    if value.__class__ is float or value.__class__ is int:
        return math.trunc(value)
    return math.trunc(number("truncate", value))


@builtin("round", "(round x [digits])",
         "The nearest integer, halves to the even one; with digits a float with that many after the point.",
         example="(list (round 2.5) (round 2.567 2)) ;=> (2 2.57)", aliases=("exact-round",))  # fmt: skip
def round_(run: Run, value: Value, digits: Value = None) -> Value:
    if value.__class__ is not float and value.__class__ is not int:
        number("round", value)
    if digits is None:
        return round(value)
    places = integer("round", digits, 2)
    if not -300 <= places <= 300:
        raise LispyError("out-of-range", f"round wants at most 300 digits, got {figure(places)}")
    try:
        return finite("round", round(value, places)) if value.__class__ is float else round(value, places)
    except OverflowError:
        raise LispyError("not-a-number", "round has a result too large for a float") from None


@builtin("sqrt", "(sqrt x)", "The square root: an integer of a square, else a float.",
         example="(list (sqrt 16) (sqrt 2.25)) ;=> (4 1.5)", cost=BIG)  # fmt: skip
def sqrt(run: Run, value: Value) -> Value:
    if value.__class__ is float and value >= 0.0:
        return math.sqrt(value)
    if number("sqrt", value) < 0:
        raise LispyError("not-a-number", "sqrt of a negative number is not a real number")
    if value.__class__ is int:
        run.meter.charge(value.bit_length() >> 6)
        root = math.isqrt(value)
        if root * root == value:
            return root
    return _real("sqrt", math.sqrt, value)


@builtin("exact-integer-sqrt", "(exact-integer-sqrt n)", "The integer part of the square root.",
         example="(exact-integer-sqrt 17) ;=> 4", cost=f"4 + {BIG}", aliases=("isqrt",))  # fmt: skip
def integer_sqrt(run: Run, value: Value) -> Value:
    run.meter.charge(4)
    whole = integer("exact-integer-sqrt", value)
    if whole < 0:
        raise LispyError("not-a-number", "exact-integer-sqrt of a negative number is not a real number")
    run.meter.charge(whole.bit_length() >> 6)
    return math.isqrt(whole)


def _real(name: str, function: Callable[..., float], *values: Any) -> float:
    """A function of the host's mathematics with its failures as LisPy errors."""
    try:
        return finite(name, function(*values))
    except (ValueError, OverflowError, ZeroDivisionError):
        shown = " and ".join(figure(value) for value in values)
        raise LispyError("not-a-number", f"{name} has no finite result for {shown}") from None


@builtin("exp", "(exp x)", "e to the power of x.", example="(exp 0) ;=> 1.0")
def exp(run: Run, value: Value) -> Value:
    return _real("exp", math.exp, number("exp", value))


@builtin("log", "(log x [base])", "The natural logarithm, or that to a base.", cost="3",
         example="(log 1) ;=> 0.0",
         aliases=("ln",))  # fmt: skip
def log(run: Run, value: Value, base: Value = None) -> Value:
    run.meter.charge(3)
    number("log", value)
    if base is None:
        return _real("log", math.log, value)
    return _real("log", math.log, value, number("log", base, 2))


@builtin("log2", "(log2 x)", "The logarithm to the base 2.", example="(log2 8) ;=> 3.0")
def log2(run: Run, value: Value) -> Value:
    return _real("log2", math.log2, number("log2", value))


@builtin("log10", "(log10 x)", "The logarithm to the base 10.", example="(log10 1000) ;=> 3.0")
def log10(run: Run, value: Value) -> Value:
    return _real("log10", math.log10, number("log10", value))


@builtin("sin", "(sin x)", "The sine of an angle in radians.", example="(sin 0) ;=> 0.0")
def sin(run: Run, value: Value) -> Value:
    if value.__class__ is float:
        return math.sin(value)
    return _real("sin", math.sin, number("sin", value))


@builtin("cos", "(cos x)", "The cosine of an angle in radians.", example="(cos 0) ;=> 1.0")
def cos(run: Run, value: Value) -> Value:
    if value.__class__ is float:
        return math.cos(value)
    return _real("cos", math.cos, number("cos", value))


@builtin("tan", "(tan x)", "The tangent of an angle in radians.", example="(tan 0) ;=> 0.0")
def tan(run: Run, value: Value) -> Value:
    return _real("tan", math.tan, number("tan", value))


@builtin("asin", "(asin x)", "The angle whose sine is x.", example="(asin 0) ;=> 0.0")
def asin(run: Run, value: Value) -> Value:
    return _real("asin", math.asin, number("asin", value))


@builtin("acos", "(acos x)", "The angle whose cosine is x.", example="(acos 1) ;=> 0.0")
def acos(run: Run, value: Value) -> Value:
    return _real("acos", math.acos, number("acos", value))


@builtin("atan", "(atan y [x])", "The angle whose tangent is y, or the angle of the point (x, y).",
         example="(atan 0) ;=> 0.0", aliases=("atan2",))  # fmt: skip
def atan(run: Run, value: Value, other: Value = None) -> Value:
    number("atan", value)
    if other is None:
        return _real("atan", math.atan, value)
    return _real("atan", math.atan2, value, number("atan", other, 2))


@builtin("tanh", "(tanh x)", "The hyperbolic tangent.", example="(tanh 0) ;=> 0.0")
def tanh(run: Run, value: Value) -> Value:
    return _real("tanh", math.tanh, number("tanh", value))


@builtin("expt", "(expt base exponent)",
         "A power: exact for integers that give one, else a float.",
         example="(list (expt 2 10) (expt 2 -1)) ;=> (1024 0.5)", cost=BIG,
         aliases=("pow", "**"))  # fmt: skip
def expt(run: Run, base: Value, exponent: Value) -> Value:
    if base.__class__ is int and exponent.__class__ is int and 0 <= exponent <= 8 and -FEW < base < FEW:
        return base**exponent
    number("expt", base, 1)
    number("expt", exponent, 2)
    if base == 0 and exponent < 0:
        raise LispyError("division-by-zero", "expt of zero with a negative exponent divides by zero")
    if base.__class__ is int and exponent.__class__ is int and exponent >= 0:
        if base in (0, 1, -1):
            return base ** (exponent & 1) if base == -1 else base if exponent else 1
        fits(run, "expt", (abs(base).bit_length() - 1) * exponent)
        run.meter.charge(base.bit_length() * exponent >> 8)
        return settled(run, "expt", base**exponent)
    try:
        result = base**exponent
    except OverflowError:
        raise LispyError("not-a-number", "expt has a result too large for a float") from None
    if result.__class__ is complex:
        raise LispyError("not-a-number", "expt of a negative number with a fraction is not a real number")
    return settled(run, "expt", result)


@builtin("square", "(square x)", "The number times itself.", example="(square 5) ;=> 25", cost=BIG)
def square(run: Run, value: Value) -> Value:
    if value.__class__ is int and -HALF < value < HALF:
        return value * value
    return product_of(run, "square", (number("square", value), value))


def _listed(run: Run, name: str, values: tuple[Value, ...]) -> list[Any]:
    """The numbers of one list, or the arguments themselves."""
    if len(values) == 1 and (values[0].__class__ is list or is_list(values[0])):
        items = walk(run, name, values[0])
    else:
        items = list(values)
        run.meter.charge(len(items))
    if not NUMBERS.issuperset(map(type, items)):
        for item in items:
            if not is_number(item):
                raise wrong(name, "numbers", item)
    return items


def _some(run: Run, name: str, values: tuple[Value, ...]) -> list[Any]:
    items = _listed(run, name, values)
    if not items:
        raise LispyError("bad-value", f"{name} of an empty list has no answer")
    return items


def total(run: Run, name: str, items: list[Any]) -> Any:
    """A sum: exact for integers; floats are added without losing digits, whatever their order."""
    try:
        whole: Any = sum(items)
        if whole.__class__ is float:
            return finite(name, math.fsum(items))
        return settled(run, name, whole)
    except (OverflowError, ValueError):
        raise LispyError("not-a-number", f"{name} has a result too large for a float") from None


@builtin("sum", "(sum list)", "The sum of a list of numbers, or of several numbers.",
         example="(sum '(1 2 3)) ;=> 6", cost="n")  # fmt: skip
def sum_(run: Run, *values: Value) -> Value:
    return total(run, "sum", _listed(run, "sum", values))


@builtin("product", "(product list)", "The product of a list of numbers, or of several numbers.",
         example="(product '(2 3 4)) ;=> 24", cost="n")  # fmt: skip
def product(run: Run, *values: Value) -> Value:
    return product_of(run, "product", _listed(run, "product", values))


def _share(run: Run, name: str, amount: Any, parts: int) -> Any:
    if amount.__class__ is int and amount % parts == 0:
        return settled(run, name, amount // parts)
    return _real(name, operator.truediv, amount, parts)


@builtin("mean", "(mean list)", "The arithmetic mean of a list of numbers, or of several numbers.",
         example="(mean '(1 2 6)) ;=> 3", cost="n", aliases=("average", "avg"))  # fmt: skip
def mean(run: Run, *values: Value) -> Value:
    items = _some(run, "mean", values)
    return _share(run, "mean", total(run, "mean", items), len(items))


@builtin("median", "(median list)", "The middle of a list of numbers; of two middles their mean.",
         example="(median '(3 1 2 10)) ;=> 2.5", cost="n log n")  # fmt: skip
def median(run: Run, *values: Value) -> Value:
    items = _some(run, "median", values)
    run.meter.charge(len(items) * len(items).bit_length())
    items = sorted(items)
    middle = len(items) // 2
    if len(items) % 2:
        return items[middle]
    return _share(run, "median", total(run, "median", items[middle - 1 : middle + 1]), 2)


def _spread(run: Run, name: str, values: tuple[Value, ...]) -> float:
    items = _some(run, name, values)
    middle = _real(name, lambda: total(run, name, items) / len(items))
    return _real(name, lambda: math.fsum((item - middle) ** 2 for item in items) / len(items))


@builtin("variance", "(variance list)", "The mean square distance from the mean.",
         example="(variance '(1 2 3 4)) ;=> 1.25", cost="n")  # fmt: skip
def variance(run: Run, *values: Value) -> Value:
    return _spread(run, "variance", values)


@builtin("stddev", "(stddev list)", "The root of the variance.", example="(stddev '(1 3)) ;=> 1.0", cost="n",
         aliases=("standard-deviation",))  # fmt: skip
def stddev(run: Run, *values: Value) -> Value:
    return math.sqrt(_spread(run, "stddev", values))


@builtin("number->string", "(number->string n [radix])",
         "The text of a number; radix 2, 8, 10 or 16 for an integer.",
         example="(number->string 255 16) ;=> \"ff\"", cost="digits / 16",
         aliases=("number-to-string",))  # fmt: skip
def number_to_string(run: Run, value: Value, radix: Value = None) -> Value:
    if value.__class__ is not int and value.__class__ is not float:
        number("number->string", value)
    meter = run.meter
    if radix is None and value.__class__ is int and -FEW < value < FEW and meter.limits.string > FIGURES:
        text = str(value)
        meter.allocated += len(text)
        if meter.allocated > meter.limits.allocation:
            meter.allocate(0)
        return text
    if radix is not None and radix != 10:
        form = {2: "b", 8: "o", 16: "x"}.get(integer("number->string", radix, 2))
        if form is None:
            raise LispyError("bad-value", f"number->string wants radix 2, 8, 10 or 16, got {figure(radix)}")
        meter.text(integer("number->string", value).bit_length())
        return format(integer("number->string", value), form)
    if value.__class__ is int:
        meter.charge(digit_steps(value))
    text = str(value)
    meter.text(len(text))
    return text


@builtin("string->number", "(string->number text [radix])", "The number a text spells, or #f.",
         example="(list (string->number \"42\") (string->number \"x\")) ;=> (42 #f)", cost="length / 16",
         aliases=("parse-number", "parse-float", "string-to-number"))  # fmt: skip
def string_to_number(run: Run, text: Value, radix: Value = None) -> Value:
    if text.__class__ is not str:
        string("string->number", text)
    if len(text) > 15:
        run.meter.charge((len(text) >> 4) + (min(len(text), DIGITS) ** 2 >> 15))
    if radix is not None and radix != 10:
        base = integer("string->number", radix, 2)
        if not 2 <= base <= 36:
            raise LispyError("bad-value", f"string->number wants a radix from 2 to 36, got {figure(base)}")
        if not re.fullmatch(r"[+-]?[0-9a-zA-Z]+", text) or len(text) > DIGITS:
            return False
        try:
            return settled(run, "string->number", int(text, base))
        except ValueError:
            return False
    if len(text) < 18 and text.isascii():
        if text.isdigit():
            return int(text)
        if text[0:1].isalpha():
            return False
    try:
        value = read_number(text.strip(), run.limits)
    except LispyError as error:
        if error.code in ("not-a-number", "division-by-zero"):
            return False
        raise
    return False if value is None else settled(run, "string->number", value)


@builtin("exact->inexact", "(exact->inexact n)", "The number as a float.",
         example="(exact->inexact 3) ;=> 3.0", aliases=("inexact", "float", "->float"))  # fmt: skip
def to_float(run: Run, value: Value) -> Value:
    return _real("exact->inexact", float, number("exact->inexact", value))


@builtin("inexact->exact", "(inexact->exact x)", "A whole float as an integer; other floats are an error.",
         example="(inexact->exact 3.0) ;=> 3", aliases=("exact", "->int"))  # fmt: skip
def to_integer(run: Run, value: Value) -> Value:
    return integer("inexact->exact", number("inexact->exact", value))


@builtin("even?", "(even? n)", "True for an even integer.", example="(even? 4) ;=> #t", aliases=("evenp",))
def is_even(run: Run, value: Value) -> Value:
    if value.__class__ is int:
        return value & 1 == 0
    return integer("even?", value) % 2 == 0


@builtin("odd?", "(odd? n)", "True for an odd integer.", example="(odd? 4) ;=> #f", aliases=("oddp",))
def is_odd(run: Run, value: Value) -> Value:
    if value.__class__ is int:
        return value & 1 == 1
    return integer("odd?", value) % 2 == 1


@builtin("zero?", "(zero? x)", "True for zero.", example="(zero? 0.0) ;=> #t", aliases=("zerop",))
def is_zero(run: Run, value: Value) -> Value:
    if value.__class__ is int or value.__class__ is float:
        return value == 0
    return bool(number("zero?", value) == 0)


@builtin("positive?", "(positive? x)", "True above zero.", example="(positive? 1) ;=> #t", aliases=("pos?",
                  "plusp"))  # fmt: skip
def is_positive(run: Run, value: Value) -> Value:
    if value.__class__ is int or value.__class__ is float:
        return value > 0
    return bool(number("positive?", value) > 0)


@builtin("negative?", "(negative? x)", "True below zero.", example="(negative? 1) ;=> #f", aliases=("neg?",
                  "minusp"))  # fmt: skip
def is_negative(run: Run, value: Value) -> Value:
    if value.__class__ is int or value.__class__ is float:
        return value < 0
    return bool(number("negative?", value) < 0)
