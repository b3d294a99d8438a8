"""Comparing texts and looking at characters."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import count, string, wrong
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.values import Value, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


NONE: Any = object()  # where an argument is not given


def _comparison(sign: str, words: str, test: Callable[[str, str], bool]) -> None:
    def ordered(run: Run, first: Value, second: Value = NONE, *others: Value) -> Value:
        if first.__class__ is str and second.__class__ is str and not others:
            meter = run.meter
            meter.steps += (len(first) + len(second)) >> 6
            if meter.steps > meter.next_look:
                meter.look()
            return test(first, second)
        values = () if second is NONE else (second, *others)
        texts = [string(f"string{sign}", value, place) for place, value in enumerate((first, *values), 1)]
        run.meter.charge(sum(map(len, texts)) >> 6)
        return all([test(left, right) for left, right in pairwise(texts)])

    answer = "#t" if test("a", "b") else "#f"
    builtin(f"string{sign}", f"(string{sign} a b ...)", f"True when each text {words} the next.",
            example=f"(string{sign} \"a\" \"b\") ;=> {answer}", cost="length / 64",
            aliases=(f"char{sign}", f"string{sign[:-1]}", f"char{sign[:-1]}"))(ordered)  # fmt: skip


_comparison("=?", "is the same as", operator.eq)
_comparison("<?", "comes before", operator.lt)
_comparison(">?", "comes after", operator.gt)
_comparison("<=?", "does not come after", operator.le)
_comparison(">=?", "does not come before", operator.ge)


@builtin("string-ci=?", "(string-ci=? a b)", "True when two texts differ in capitals at most.",
         example="(string-ci=? \"Ab\" \"aB\") ;=> #t", cost="length / 16", aliases=("string-equal",
                  "char-ci=?"))  # fmt: skip
def equal_but_case(run: Run, first: Value, second: Value) -> Value:
    run.meter.text(len(string("string-ci=?", first)) + len(string("string-ci=?", second, 2)))
    return first.casefold() == second.casefold()


@builtin("string-empty?", "(string-empty? text)", "True for the text without characters.",
         example="(string-empty? \"\") ;=> #t", aliases=("string-null?", "string-empty-p"))  # fmt: skip
def is_empty(run: Run, value: Value) -> Value:
    return not value if value.__class__ is str else not string("string-empty?", value)


@builtin("string-blank?", "(string-blank? text)", "True for a text of white space only, or nil.",
         example="(string-blank? \" \") ;=> #t", cost="length / 16", aliases=("blank?",))  # fmt: skip
def is_blank(run: Run, value: Value) -> Value:
    if is_nil(value):
        return True
    run.meter.charge(len(string("string-blank?", value)) >> 4)
    return not value.strip()


def character(name: str, value: Value) -> str:
    """A string of length one."""
    if len(string(name, value)) != 1:
        raise wrong(name, "one character", value, 1)
    return str(value)


def _kind(name: str, words: str, sample: str, test: Callable[[str], bool]) -> None:
    def tested(run: Run, value: Value) -> Value:
        if value.__class__ is str and len(value) == 1:
            return test(value)
        return test(character(name, value))

    builtin(name, f"({name} c)", f"True for {words}.", example=f'({name} "{sample}") ;=> #t')(tested)


_kind("char-alphabetic?", "a letter", "a", str.isalpha)
_kind("char-numeric?", "a digit", "7", str.isdecimal)
_kind("char-whitespace?", "white space", " ", str.isspace)
_kind("char-upper-case?", "a capital", "A", str.isupper)
_kind("char-lower-case?", "a small letter", "a", str.islower)
_kind("char-alphanumeric?", "a letter or digit", "a", str.isalnum)


@builtin("char?", "(char? x)", "True for a string of one character.", example='(char? "a") ;=> #t')
def is_char(run: Run, value: Value) -> Value:
    return value.__class__ is str and len(value) == 1


@builtin("char->integer", "(char->integer c)", "The number of a character.",
         example="(char->integer \"a\") ;=> 97", aliases=("ord", "char-code"))  # fmt: skip
def char_to_integer(run: Run, value: Value) -> Value:
    if value.__class__ is str and len(value) == 1:
        return ord(value)
    return ord(character("char->integer", value))


@builtin("integer->char", "(integer->char n)", "The character of a number.",
         example="(integer->char 97) ;=> \"a\"", aliases=("chr", "code-char"))  # fmt: skip
def integer_to_char(run: Run, value: Value) -> Value:
    number = count("integer->char", value)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise LispyError(
            "out-of-range",
            f"integer->char wants the number of a character, got {figure(number)}",
        )
    return chr(number)


@builtin("char->string", "(char->string c)", "The character as a text; the same thing here.",
         example="(char->string \"a\") ;=> \"a\"")  # fmt: skip
def char_to_string(run: Run, value: Value) -> Value:
    return character("char->string", value)


@builtin("char->digit", "(char->digit c)", "The number that a digit stands for, or #f.",
         example="(char->digit \"7\") ;=> 7", aliases=("digit-value", "digit-char-p"))  # fmt: skip
def char_to_digit(run: Run, value: Value) -> Value:
    text = character("char->digit", value)
    return int(text) if text in "0123456789" else False
