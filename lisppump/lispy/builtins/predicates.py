"""Questions about values: of what type they are, whether they are empty, whether two are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import is_number
from lisppump.lispy.builtins.compare import LONG, long_text, same
from lisppump.lispy.values import (
    Keyword,
    Pair,
    Procedure,
    Quantity,
    Slice,
    Symbol,
    Value,
    is_list,
    is_nil,
    is_true,
)

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def _question(
    name: str, words: str, sample: str, test: Callable[[Value], bool], aliases: tuple[str, ...] = ()
) -> None:
    def asked(run: Run, value: Value) -> Value:
        return test(value)

    builtin(name, f"({name} x)", f"True for {words}.", example=f"({name} {sample}) ;=> #t",
            aliases=aliases)(asked)  # fmt: skip


def _is_pair(value: Value) -> bool:
    kind = value.__class__
    return kind is Pair or kind is Slice or (kind is list and bool(value))


def _is_empty(value: Value) -> bool:
    return (
        is_nil(value)
        or (value.__class__ is str and not value)
        or (isinstance(value, dict) and len(value) == 0)
    )


def _is_integer(value: Value) -> bool:
    return value.__class__ is int or (value.__class__ is float and value.is_integer())


_question("null?", "nil and the empty list, which are the same", "'()", is_nil, ("nil?",))
_question("pair?", "a list with an element and for a dotted pair", "'(1)", _is_pair, ("cons?", "consp"))
_question("list?", "lists, the empty one and nil among them", "'()", is_list,
          ("vector?", "array?", "sequence?", "listp"))  # fmt: skip
_question("atom?", "anything but a list with an element or a pair", "1", lambda value: not _is_pair(value))
_question("dict?", "a dict", "{\"a\" 1}", lambda value: isinstance(value, dict),
          ("hash?", "map?", "hash-table?", "hash-table-p"))  # fmt: skip
_question("string?", "a string", '"a"', lambda value: value.__class__ is str, ("stringp",))
_question("symbol?", "a symbol", "'a", lambda value: value.__class__ is Symbol, ("symbolp",))
_question("keyword?", "a keyword", ":a", lambda value: value.__class__ is Keyword, ("keywordp",))
_question("boolean?", "#t and #f", "#f", lambda value: value.__class__ is bool, ("bool?", "booleanp"))
_question("number?", "an integer or a float", "1.5", is_number, ("real?", "rational?", "numberp"))
_question("integer?", "an integer and for a whole float", "3", _is_integer, ("int?", "integerp"))
_question("float?", "a float", "1.5", lambda value: value.__class__ is float, ("inexact?", "floatp"))
_question("exact?", "an integer, not a float", "3", lambda value: value.__class__ is int, ("exact-integer?",))
_question("procedure?", "what can be called", "car", lambda value: isinstance(value, Procedure),
          ("function?", "fn?", "lambda?", "callable?", "functionp"))  # fmt: skip
_question("quantity?", "a number with a unit", "(seconds 1)", lambda value: value.__class__ is Quantity)
_question("empty?", "nil, an empty list, dict or text", '""', _is_empty, ("hash-empty?", "dict-empty?"))
_question("not-empty?", "anything but nil and an empty list, dict or text", "'(1)",
          lambda value: not _is_empty(value), ("non-empty?",))  # fmt: skip
_question("some-value?", "anything but nil and the empty list", "0", lambda value: not is_nil(value),
          ("not-nil?", "some?"))  # fmt: skip
_question("not", "#f and nil; everything else, 0 and \"\" among it, counts as true", "#f",
          lambda value: not is_true(value), ("false?",))  # fmt: skip
_question("true?", "anything but #f and nil", "0", is_true)


@builtin("->boolean", "(->boolean x)", "#f of #f and nil, #t of anything else.",
         example="(->boolean 0) ;=> #t")  # fmt: skip
def to_boolean(run: Run, value: Value) -> Value:
    return is_true(value)


@builtin("equal?", "(equal? a b ...)",
         "True for the same data: type, structure and all parts; 1 is not 1.0, #t is not 1. Procedures "
         "are equal to themselves only.", example="(equal? '(1 {\"a\" 2}) '(1 {\"a\" 2})) ;=> #t",
         cost="nodes compared", aliases=("eqv?", "eq?", "eq", "equal", "eql", "symbol=?",
                  "boolean=?"))  # fmt: skip
def equal(run: Run, first: Value, second: Value, *values: Value) -> Value:
    kind = first.__class__
    if not values and kind is second.__class__ and (kind is str or kind is int):
        if kind is str and len(first) >= LONG:
            long_text(run, first, second)
        return first == second
    if not values:
        return same(run, first, second)
    return same(run, first, second) and all([same(run, first, value) for value in values])


@builtin("not=", "(not= a b)", "True when `=` is not.", example="(not= 1 2) ;=> #t", cost="nodes compared",
         aliases=("!=", "/="))  # fmt: skip
def not_equal(run: Run, first: Value, second: Value) -> Value:
    return not same(run, first, second, loose=True)


TYPE_NAMES: dict[type, str] = {
    bool: "boolean", int: "integer", float: "float", str: "string", Symbol: "symbol", Keyword: "keyword",
    Quantity: "quantity",
}  # fmt: skip


def type_name(value: Value) -> str:
    """The one word for a value's type."""
    kind = value.__class__
    if value is None:
        return "nil"
    if kind in TYPE_NAMES:
        return TYPE_NAMES[kind]
    if is_list(value):
        return "list"
    if isinstance(value, dict):
        return "dict"
    return "procedure" if isinstance(value, Procedure) else "pair"


@builtin("type-of", "(type-of x)", "The type as a symbol: integer, string, list, dict, procedure, nil, ...",
         example="(type-of \"a\") ;=> string", cost="2")  # fmt: skip
def type_of(run: Run, value: Value) -> Value:
    run.meter.charge(2)
    return Symbol(type_name(value))
