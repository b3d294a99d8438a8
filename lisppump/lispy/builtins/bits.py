"""Numbers by their bits and digits: bitwise operations, texts of whole and rounded numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import count, integer, number, string
from lisppump.lispy.builtins.format import decimal
from lisppump.lispy.builtins.numbers import BIG, fits, floor_divide, modulo, quotient, remainder, settled
from lisppump.lispy.builtins.numeric import DIGITS
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def _bitwise(
    name: str, words: str, start: int, step: Callable[[int, int], int], shown: int, aliases: tuple[str, ...]
) -> None:
    def combined(run: Run, *values: Value) -> Value:
        wholes = [integer(name, value, place) for place, value in enumerate(values, 1)]
        run.meter.charge(4 + (sum([whole.bit_length() for whole in wholes]) >> 8))
        total = start
        for whole in wholes:
            total = step(total, whole)
        return settled(run, name, total)

    builtin(name, f"({name} integer ...)", f"The bits that are in {words}.",
            example=f"({name} 12 10) ;=> {shown}", cost=f"4 + {BIG}", aliases=aliases)(combined)  # fmt: skip


_bitwise("bitwise-and", "all of them", -1, lambda a, b: a & b, 8, ("logand", "bit-and"))
_bitwise("bitwise-or", "one of them", 0, lambda a, b: a | b, 14, ("bitwise-ior", "logior", "bit-or"))
_bitwise("bitwise-xor", "an odd number of them", 0, lambda a, b: a ^ b, 6, ("logxor", "bit-xor"))


@builtin("bitwise-not", "(bitwise-not n)", "All bits turned about: -n - 1.", example="(bitwise-not 5) ;=> -6",
         cost=BIG, aliases=("lognot", "bit-not"))  # fmt: skip
def bitwise_not(run: Run, value: Value) -> Value:
    return settled(run, "bitwise-not", ~integer("bitwise-not", value))


@builtin("arithmetic-shift", "(arithmetic-shift n bits)", "The bits moved up, or down by a negative number.",
         example="(list (arithmetic-shift 1 4) (arithmetic-shift 20 -2)) ;=> (16 5)", cost=f"2 + {BIG}",
         aliases=("ash", "shift-left", "bit-shift-left", "arithmetic-shift-left"))  # fmt: skip
def arithmetic_shift(run: Run, value: Value, bits: Value) -> Value:
    run.meter.charge(2)
    whole = integer("arithmetic-shift", value)
    by = integer("arithmetic-shift", bits, 2)
    if by <= 0:
        return whole >> min(-by, run.limits.bits + 1)
    if whole:
        fits(run, "arithmetic-shift", whole.bit_length() + by)
    return settled(run, "arithmetic-shift", whole << by if whole else 0)


@builtin("bit-shift-right", "(bit-shift-right n bits)", "The bits moved down.",
         example="(bit-shift-right 20 2) ;=> 5", cost=f"3 + {BIG}", aliases=("shift-right",))  # fmt: skip
def shift_right(run: Run, value: Value, bits: Value) -> Value:
    run.meter.charge(3)
    return integer("bit-shift-right", value) >> min(count("bit-shift-right", bits, 2), run.limits.bits + 1)


@builtin("floor/", "(floor/ a b)", "The quotient rounded down and the rest, as (values q r).",
         example="(floor/ -7 2) ;=> (-4 1)", cost=f"8 + {BIG}", through=("//",))  # fmt: skip
def floor_both(run: Run, left: Value, right: Value) -> Value:
    run.meter.charge(8)
    return [floor_divide(run, left, right), modulo(run, left, right)]


@builtin("truncate/", "(truncate/ a b)", "The quotient cut toward zero and the rest, as (values q r).",
         example="(truncate/ -7 2) ;=> (-3 -1)", cost=f"8 + {BIG}", aliases=("quotient/remainder",),
         through=("quotient",))  # fmt: skip
def truncate_both(run: Run, left: Value, right: Value) -> Value:
    run.meter.charge(8)
    return [quotient(run, left, right), remainder(run, left, right)]


@builtin("signum", "(signum x)", "1, 0 or -1: the sign of a number.", example="(signum -3.5) ;=> -1",
         aliases=("sgn",))  # fmt: skip
def signum(run: Run, value: Value) -> Value:
    sign = number("signum", value)
    return (sign > 0) - (sign < 0)


@builtin("parse-integer", "(parse-integer text [radix])", "The integer a text spells, or #f.",
         example="(list (parse-integer \"42\") (parse-integer \"4.2\")) ;=> (42 #f)", cost="6 + length / 16",
         aliases=("parse-int", "string->int", "string->integer"))  # fmt: skip
def parse_integer(run: Run, value: Value, radix: Value = 10) -> Value:
    run.meter.charge(6)
    text = string("parse-integer", value).strip()
    run.meter.charge(len(text) >> 4)
    base = integer("parse-integer", radix, 2)
    if not 2 <= base <= 36 or len(text) > DIGITS or not re.fullmatch(r"[+-]?[0-9a-zA-Z]+", text):
        return False
    try:
        return settled(run, "parse-integer", int(text, base))
    except ValueError:
        return False


@builtin("real->decimal-string", "(real->decimal-string x [digits])",
         "The text of a number with digits (2) after the point.",
         example="(real->decimal-string 3.14159) ;=> \"3.14\"", cost="length / 16",
         aliases=("number->fixed", "to-fixed"))  # fmt: skip
def real_to_decimal_string(run: Run, value: Value, digits: Value = 2) -> Value:
    number("real->decimal-string", value)
    places = min(300, count("real->decimal-string", digits, 2))
    run.meter.text(400)
    return decimal(value, places)
