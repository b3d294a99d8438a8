"""Sequences of any kind: what takes a list, a text, a number or a dict for the elements in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import count, flat, integer, proper, room, walk, window, wrong
from lisppump.lispy.builtins.dicts import entries
from lisppump.lispy.builtins.joining import append
from lisppump.lispy.builtins.lists import cons_, range_, slice_
from lisppump.lispy.builtins.text import joined, list_to_string, string_to_list, substring
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Keyword, Symbol, Value, is_list, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

KINDS = {"list": "list", "vector": "list", "array": "list", "string": "string"}


@builtin("sequence->list", "(sequence->list x)",
         "The elements as a list: of a number n those from 0 below n, of a text the characters, of a "
         "dict the entries.", example="(sequence->list 3) ;=> (0 1 2)", cost="n", aliases=("in-list",
                  "in-vector", "in-string", "in-hash"))  # fmt: skip
def sequence_to_list(run: Run, value: Value) -> Value:
    if value.__class__ is str:
        return string_to_list(run, value)
    if isinstance(value, dict):
        return entries(run, value)
    if value.__class__ is int or value.__class__ is float:
        return range_(run, value)
    return [] if value is None else proper("sequence->list", value)


@builtin("in-range", "(in-range [start] end [step])", "As range.", example="(in-range 1 4) ;=> (1 2 3)",
         cost="n", through=("range",))  # fmt: skip
def in_range(run: Run, *values: Value) -> Value:
    return range_(run, *values)


@builtin("subseq", "(subseq list-or-text start [end])", "As slice of a list, as substring of a text.",
         example="(list (subseq \"hello\" 1 3) (subseq '(1 2 3) 1)) ;=> (\"el\" (2 3))",
         cost="length / 16", through=("slice", "substring"))  # fmt: skip
def subseq(run: Run, value: Value, start: Value, end: Value = None) -> Value:
    return substring(run, value, start, end) if value.__class__ is str else slice_(run, value, start, end)


def _kind(name: str, value: Value) -> str:
    word = value.name if value.__class__ in (Symbol, Keyword) else None
    if word not in KINDS:
        raise LispyError("bad-value", f"{name} makes a 'list, a 'vector or a 'string, nothing else")
    return KINDS[word]


@builtin("coerce", "(coerce x 'list) or (coerce x 'string)", "A text as the list of its characters, or back.",
         example="(coerce \"ab\" 'list) ;=> (\"a\" \"b\")", cost="n")  # fmt: skip
def coerce(run: Run, value: Value, kind: Value) -> Value:
    if _kind("coerce", kind) == "list":
        return string_to_list(run, value) if value.__class__ is str else proper("coerce", value)
    return value if value.__class__ is str else list_to_string(run, value)


@builtin("concatenate", "(concatenate 'string text ...) or (concatenate list-of-lists)",
         "One text or list ('list, 'vector) of all; of a list of lists alone, one list of their elements.",
         example="(concatenate 'string \"a\" \"b\") ;=> \"ab\"", cost="6 + elements or length / 16",
         through=("append",))  # fmt: skip
def concatenate(run: Run, first: Value, *values: Value) -> Value:
    run.meter.charge(6)
    if is_list(first):
        return append(run, *(walk(run, "concatenate", first) if not values else (first, *values)))
    if _kind("concatenate", first) == "list":
        return append(run, *values)
    for place, value in enumerate(values, 2):
        if value.__class__ is not str:
            raise wrong("concatenate", "strings after 'string", value, place)
    return joined(run, "", list(values))


@builtin("list*", "(list* x ... list)", "A list of the arguments with the last one, a list, behind them.",
         example="(list* 1 2 '(3 4)) ;=> (1 2 3 4)", cost="arguments", aliases=("cons*",))  # fmt: skip
def list_star(run: Run, *values: Value) -> Value:
    if not values:
        raise LispyError("wrong-arity", "list* takes at least 1 argument, got 0")
    made = values[-1]
    run.meter.charge(len(values))
    for value in reversed(values[:-1]):
        made = cons_(run, value, made)
    return made


@builtin("last-pair", "(last-pair list)", "The list of the last element alone.",
         example="(last-pair '(1 2 3)) ;=> (3)")  # fmt: skip
def last_pair(run: Run, value: Value) -> Value:
    base, start, stop = flat(proper("last-pair", value))
    if is_nil(value):
        raise LispyError("out-of-range", "last-pair wants a list with an element, got an empty one")
    return window(base, max(start, stop - 1), stop)


@builtin("split-at", "(split-at list n)", "Two lists: the first n elements, and the others; in any order.",
         example="(split-at '(1 2 3) 1) ;=> ((1) (2 3))")  # fmt: skip
def split_at(run: Run, first: Value, second: Value) -> Value:
    items, size = (first, second) if is_list(first) else (second, first)
    base, start, stop = flat(proper("split-at", items))
    middle = start + min(count("split-at", size, 2), stop - start)
    room(run, 2)
    return [window(base, start, middle), window(base, middle, stop)]


@builtin("number-sequence", "(number-sequence from to [step])",
         "The numbers from the first up to the last, that one among them.",
         example="(number-sequence 1 3) ;=> (1 2 3)", cost="n", through=("range",))  # fmt: skip
def number_sequence(run: Run, first: Value, last: Value, step: Value = 1) -> Value:
    by = integer("number-sequence", step, 3)
    return range_(run, first, integer("number-sequence", last, 2) + (1 if by > 0 else -1), by)


@builtin("getf", "(getf list key [default])",
         "What follows a key in a list of keys and values in turn, or nil.",
         example="(getf '(:a 1 :b 2) :b) ;=> 2", cost="n", aliases=("plist-get",))  # fmt: skip
def getf(run: Run, value: Value, key: Value, default: Value = None) -> Value:
    items = walk(run, "getf", value)
    for place in range(0, len(items) - 1, 2):
        if items[place].__class__ is key.__class__ and items[place] == key:
            return items[place + 1]
    return default
