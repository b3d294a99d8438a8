"""Lists: making them and taking them apart. A part of a list is a window on it, never a copy."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import (
    CELL,
    arity,
    count,
    flat,
    integer,
    is_number,
    number,
    proper,
    room,
    walk,
    window,
    wrong,
)  # fmt: skip
from lisppump.lispy.errors import LimitError, LispyError, figure
from lisppump.lispy.values import (
    Pair,
    Slice,
    Value,
    cons,
    is_list,
    length,
    new_pair,
    new_slice,
    slice_of,
)  # fmt: skip

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


NONE: Any = object()  # where an argument is not given
INTEGERS = frozenset((int,))


@builtin("list", "(list x ...)", "A list of the arguments.", example="(list 1 2 3) ;=> (1 2 3)", cost="0",
         aliases=("vector",))  # fmt: skip
def list_(run: Run, *values: Value) -> Value:
    meter = run.meter
    size = len(values)
    if size > run.limits.elements:
        meter.container(size)
    meter.allocated += 8 * size
    if meter.allocated > meter.limits.allocation:
        meter.allocate(0)
    return [*values]


@builtin("cons", "(cons x list)", "A list with x in front; onto anything but a list a dotted pair.",
         example="(cons 1 '(2 3)) ;=> (1 2 3)")  # fmt: skip
def cons_(run: Run, head: Value, tail: Value) -> Value:
    meter = run.meter
    meter.allocated += CELL
    if meter.allocated > meter.limits.allocation:
        meter.allocate(0)
    if tail is None or (tail.__class__ is list and not tail):
        return [head]
    if tail.__class__ is Pair and 0 <= tail.size < run.limits.elements:
        made = new_pair()
        made.car = head
        made.cdr = tail
        made.size = tail.size + 1
        return made
    made = cons(head, tail)
    if made.__class__ is Pair and made.size > run.limits.elements:
        run.meter.container(made.size)
    return made


@builtin("make-list", "(make-list n [x])", "A list of n times x.", example="(make-list 3 0) ;=> (0 0 0)",
         cost="n", aliases=("make-vector", "replicate", "repeat"))  # fmt: skip
def make_list(run: Run, size: Value, fill: Value = None) -> Value:
    whole = count("make-list", size)
    run.meter.container(whole)
    return [fill] * whole


@builtin("car", "(car list)", "The first element; of an empty list an error.", example="(car '(1 2 3)) ;=> 1",
         aliases=("first", "head"))  # fmt: skip
def car(run: Run, value: Value) -> Value:
    kind = value.__class__
    if kind is list:
        if value:
            return value[0]
    elif kind is Pair:
        return value.car
    elif kind is Slice:
        return value.base[value.start]
    raise _no_element("car", value)


def head_of(name: str, value: Value) -> Value:
    """The first element."""
    kind = value.__class__
    if kind is list and value:
        return value[0]
    if kind is Pair:
        return value.car
    if kind is Slice:
        return value.base[value.start]
    raise _no_element(name, value)


def _no_element(name: str, value: Value) -> LispyError:
    if is_list(value):
        return LispyError(
            "out-of-range",
            f"{name} wants a list with an element, got an empty one",
            help="test with (null? x) first",
        )
    return wrong(name, "a list", value, 1)


def tail_of(name: str, value: Value) -> Value:
    """What follows the first element."""
    kind = value.__class__
    if kind is Pair:
        return value.cdr
    if kind is list and value:
        return slice_of(value, 1, len(value)) if len(value) > 1 else []
    if kind is Slice:
        start, stop = value.start + 1, value.stop
        return slice_of(value.base, start, stop) if start < stop else []
    raise _no_element(name, value)


@builtin("cdr", "(cdr list)", "The list without its first element; of an empty list an error.",
         example="(cdr '(1 2 3)) ;=> (2 3)", aliases=("rest", "tail"))  # fmt: skip
def cdr(run: Run, value: Value) -> Value:
    kind = value.__class__
    if kind is Slice:
        start = value.start + 1
        if start >= value.stop:
            return []
        made = new_slice()
        made.base = value.base
        made.start = start
        made.stop = value.stop
        return made
    if kind is Pair:
        return value.cdr
    if kind is list and (stop := len(value)) > 1:
        made = new_slice()
        made.base = value
        made.start = 1
        made.stop = stop
        return made
    return tail_of("cdr", value)


def _path(name: str) -> None:
    steps = name[-2:0:-1]
    last = len(steps) - 1
    place = last if steps.find("a") == last else sys.maxsize  # what cadr, caddr ... are in an array

    cuts = 0 if "a" in steps else last + 1  # what cddr, cdddr, cddddr leave out

    def walk_path(run: Run, value: Value) -> Value:
        if value.__class__ is list and len(value) > place:
            return value[place]
        if value.__class__ is Slice and value.start + place < value.stop:
            return value.base[value.start + place]
        if cuts and value.__class__ is list and len(value) > cuts:
            return slice_of(value, cuts, len(value))
        for step in steps:
            value = head_of(name, value) if step == "a" else tail_of(name, value)
        return value

    meaning = " of the ".join("car" if step == "a" else "cdr" for step in name[1:-1])
    sample = {"cadr": "2", "cddr": "(3 4)", "caddr": "3", "cdddr": "(4)", "cadddr": "4", "cddddr": "()"}
    nested = "'((1 2 3 4) (5 6 7) (8 9))" if name not in sample else "'(1 2 3 4)"
    shown = {"caar": "1", "cdar": "(2 3 4)", "cadar": "2", "caadr": "5", "cddar": "(3 4)", "cdadr": "(6 7)",
             "caaddr": "8", "caddar": "3", "cadadr": "6"}  # fmt: skip
    example = f"({name} {nested}) ;=> {sample.get(name) or shown[name]}"
    builtin(name, f"({name} list)", f"The {meaning} of a list.", example=example)(walk_path)


for _name in ("caar", "cadr", "cdar", "cddr", "caddr", "cdddr", "cadar", "caadr", "cddar", "cdadr", "cadddr",
              "cddddr", "caddar", "cadadr", "caaddr"):  # fmt: skip
    _path(_name)


def at(name: str, value: Value, position: int) -> Value:
    """The element at a position counted from 0."""
    base, start, stop = flat(proper(name, value))
    if not 0 <= position < stop - start:
        raise LispyError(
            "out-of-range",
            f"{name} wants a position from 0 below {stop - start}, the list's length, got {figure(position)}",
        )
    return base[start + position]


def _ordinal(name: str, position: int) -> None:
    def pick(run: Run, value: Value) -> Value:
        if value.__class__ is list and len(value) > position:
            return value[position]
        base, start, stop = flat(proper(name, value))
        if position >= stop - start:
            raise LispyError(
                "out-of-range", f"{name} wants a list of {position + 1} or more, got one of {stop - start}"
            )
        return base[start + position]

    builtin(name, f"({name} list)", f"The {name} element.",
            example=f"({name} '(1 2 3 4 5 6 7 8 9 10)) ;=> {position + 1}")(pick)  # fmt: skip


for _position, _name in enumerate(
    ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 1
):
    _ordinal(_name, _position)


@builtin("last", "(last list)", "The last element; of an empty list an error.",
         example="(last '(1 2 3)) ;=> 3")  # fmt: skip
def last(run: Run, value: Value) -> Value:
    if value.__class__ is list and value:
        return value[-1]
    base, start, stop = flat(proper("last", value))
    if start >= stop:
        raise _no_element("last", value)
    return base[stop - 1]


def _two(name: str, first: Value, second: Value) -> tuple[Value, Value]:
    """A list and a number, given in any order."""
    if is_list(first) and is_number(second):
        return first, second
    if is_number(first) and is_list(second):
        return second, first
    if is_list(first):
        raise wrong(name, "a number", second, 2)
    if is_list(second):
        raise wrong(name, "a number", first, 1)
    help = (
        "(substring text start end) takes a part of a text"
        if str in (first.__class__, second.__class__)
        else None
    )
    raise wrong(name, "a list and a number", second if is_number(first) else first, help=help)


@builtin("nth", "(nth list n [default])",
         "The element at position n, counted from 0; list and number in any order. Beyond the end the "
         "default, without one an error.",
         example="(nth '(a b c) 1) ;=> b", aliases=("list-ref", "elt", "vector-ref", "aref",
                  "svref"))  # fmt: skip
def nth(run: Run, first: Value, second: Value, default: Value = NONE) -> Value:
    if second.__class__ is int and second >= 0:
        if first.__class__ is list and second < len(first):
            return first[second]
        if first.__class__ is Slice and (place := first.start + second) < first.stop:
            return first.base[place]
    items, position = _two("nth", first, second)
    whole = integer("nth", position, 2)
    return default if default is not NONE and not 0 <= whole < length(items) else at("nth", items, whole)


def _cut(name: str, first: Value, second: Value) -> tuple[list[Value], int, int, int]:
    if first.__class__ is list and second.__class__ is int and second >= 0:
        return first, 0, len(first), min(second, len(first))
    items, size = _two(name, first, second)
    whole = count(name, size, 2)
    base, start, stop = flat(items)
    return base, start, stop, min(whole, stop - start)


@builtin("take", "(take list n)", "The first n elements, or all there are; list and number in any order.",
         example="(take '(1 2 3) 2) ;=> (1 2)", aliases=("list-head", "take-first"))  # fmt: skip
def take(run: Run, first: Value, second: Value) -> Value:
    if first.__class__ is list and second.__class__ is int and 0 < second < len(first):
        return slice_of(first, 0, second)
    base, start, _, size = _cut("take", first, second)
    return window(base, start, start + size)


@builtin("drop", "(drop list n)", "The list without its first n elements; list and number in any order.",
         example="(drop '(1 2 3) 2) ;=> (3)", aliases=("nthcdr",))  # fmt: skip
def drop(run: Run, first: Value, second: Value) -> Value:
    if first.__class__ is list and second.__class__ is int and 0 <= second < len(first):
        return slice_of(first, second, len(first)) if second else first
    base, start, stop, size = _cut("drop", first, second)
    return window(base, start + size, stop)


@builtin("take-right", "(take-right list n)", "The last n elements, or all there are; in any order.",
         example="(take-right '(1 2 3) 2) ;=> (2 3)", aliases=("take-last", "last-n"))  # fmt: skip
def take_right(run: Run, first: Value, second: Value) -> Value:
    base, _, stop, size = _cut("take-right", first, second)
    return window(base, stop - size, stop)


@builtin("drop-right", "(drop-right list n)", "The list without its last n elements; in any order.",
         example="(drop-right '(1 2 3) 2) ;=> (1)", aliases=("drop-last",))  # fmt: skip
def drop_right(run: Run, first: Value, second: Value) -> Value:
    base, start, stop, size = _cut("drop-right", first, second)
    return window(base, start, stop - size)


@builtin("list-tail", "(list-tail list n)", "What follows the first n elements; beyond the end an error.",
         example="(list-tail '(1 2 3) 1) ;=> (2 3)")  # fmt: skip
def list_tail(run: Run, value: Value, size: Value) -> Value:
    base, start, stop = flat(proper("list-tail", value))
    whole = count("list-tail", size, 2)
    if whole > stop - start:
        raise LispyError(
            "out-of-range", f"list-tail wants at most {stop - start}, the list's length, got {figure(whole)}"
        )
    return window(base, start + whole, stop)


@builtin("butlast", "(butlast list)", "The list without its last element.",
         example="(butlast '(1 2 3)) ;=> (1 2)", aliases=("but-last",))  # fmt: skip
def butlast(run: Run, value: Value) -> Value:
    base, start, stop = flat(proper("butlast", value))
    return window(base, start, stop - 1)


@builtin("slice", "(slice list start [end])",
         "The elements from start up to, not with, end; cut to the length.",
         example="(slice '(1 2 3 4) 1 3) ;=> (2 3)", aliases=("sublist", "subvector",
                  "vector-slice"))  # fmt: skip
def slice_(run: Run, value: Value, start: Value, end: Value = None) -> Value:
    if value.__class__ is list and start.__class__ is int and start >= 0:
        stop = len(value) if end is None else end
        if stop.__class__ is int and stop >= 0:
            return window(value, start, min(stop, len(value)))
    base, low, high = flat(proper("slice", value))
    begin = low + count("slice", start, 2)
    stop = high if end is None else min(high, low + count("slice", end, 3))
    return window(base, begin, stop)


@builtin("list-set", "(list-set list n x)", "A new list with x at position n.",
         example="(list-set '(1 2 3) 1 'b) ;=> (1 b 3)", cost="n")  # fmt: skip
def list_set(run: Run, value: Value, position: Value, item: Value) -> Value:
    items = walk(run, "list-set", value)
    whole = integer("list-set", position, 2)
    if not 0 <= whole < len(items):
        raise LispyError(
            "out-of-range",
            f"list-set wants a position from 0 below {len(items)}, got {figure(whole)}",
        )
    room(run, len(items))
    return [*items[:whole], item, *items[whole + 1 :]]


@builtin("length", "(length x)", "How many elements a list has, entries a dict, characters a string.",
         example="(length '(a b c)) ;=> 3", aliases=("len", "vector-length", "list-length", "set-count",
                  "set-size"))  # fmt: skip
def length_(run: Run, value: Value) -> Value:
    if value.__class__ is list:
        return len(value)
    kind = value.__class__
    if kind is str:
        return len(value)
    if kind is Slice:
        return value.stop - value.start
    if is_list(value):
        return length(value)
    if isinstance(value, dict):
        return len(value)
    raise wrong("length", "a list, dict or string", value, 1)


@builtin("reverse", "(reverse list)", "The list from its end; a string likewise.",
         example="(reverse '(1 2 3)) ;=> (3 2 1)", cost="n",
         aliases=("string-reverse", "nreverse", "vector-reverse"))  # fmt: skip
def reverse(run: Run, value: Value) -> Value:
    if value.__class__ is str:
        run.meter.text(len(value))
        return value[::-1]
    items = walk(run, "reverse", value)
    room(run, len(items))
    return items[::-1]


@builtin("range", "(range [start] end [step])", "The numbers from start (0) up to, not with, end.",
         example="(range 1 10 3) ;=> (1 4 7)", cost="n")  # fmt: skip
def range_(run: Run, *values: Value) -> Value:
    if values and len(values) < 3 and INTEGERS.issuperset(map(type, values)):
        begin = values[0] if len(values) == 2 else 0
        size = values[-1] - begin
        run.meter.container(size if size > 0 else 0)
        run.meter.allocate(24 * size if size > 0 else 0)
        return list(range(begin, values[-1])) if size > 0 else []
    if not 1 <= len(values) <= 3:
        raise arity("range", "1 to 3 numbers", len(values))
    for place, value in enumerate(values, 1):
        number("range", value, place)
    start = values[0] if len(values) > 1 else 0
    end = values[1] if len(values) > 1 else values[0]
    step = values[2] if len(values) > 2 else 1
    if step == 0:
        raise LispyError("bad-value", "range wants a step that is not 0")
    return _numbers_from(run, start, step, _turns(run, start, end, step))


def _turns(run: Run, start: Any, end: Any, step: Any) -> int:
    if all(value.__class__ is int for value in (start, end, step)):
        return int(max(0, -((start - end) // step)))
    try:
        return int(max(0, math.ceil((end - start) / step)))
    except (OverflowError, ValueError):
        raise LimitError("size-limit", "range would make a list of too many elements") from None


def _numbers_from(run: Run, start: Any, step: Any, size: int) -> list[Any]:
    run.meter.container(size)
    run.meter.allocate(24 * size)
    if start.__class__ is int and step.__class__ is int:
        return list(range(start, start + step * size, step)) if step else [start] * size
    made = [start + step * turn for turn in range(size)]
    if made and made[-1] - made[-1] != 0.0:
        raise LispyError("not-a-number", "range has numbers too large for a float")
    return made


@builtin("iota", "(iota n [start] [step])", "n numbers from start (0) by step (1).",
         example="(iota 3 10) ;=> (10 11 12)", cost="n")  # fmt: skip
def iota(run: Run, size: Value, start: Value = 0, step: Value = 1) -> Value:
    whole = count("iota", size)
    return _numbers_from(run, number("iota", start, 2), number("iota", step, 3), whole)


@builtin("list-copy", "(list-copy list [start] [end])",
         "The list itself, as lists never change, or a part of it.", example="(list-copy '(1 2)) ;=> (1 2)",
         aliases=("vector->list", "list->vector", "vector-copy", "copy-list", "vec",
                  "set->list"), through=("slice",))  # fmt: skip
def list_copy(run: Run, value: Value, start: Value = 0, end: Value = None) -> Value:
    if start == 0 and end is None:
        return [] if value is None else proper("list-copy", value)
    return slice_(run, value, start, end)
