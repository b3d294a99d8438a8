"""Looking into lists: where an element is, which pair has a key. Elements are compared as equal? does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin, describe_type
from lisppump.lispy.builtins.check import call, flat, window, wrong
from lisppump.lispy.builtins.compare import ATOMS, is_long, same
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Pair, Slice, Value, is_list, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("member", "(member x list [same?])",
         "The rest of the list from the first element equal? to x (or the same, as a procedure says), or #f.",
         example="(member 2 '(1 2 3)) ;=> (2 3)", cost="nodes compared",
         aliases=("memq", "memv"))  # fmt: skip
def member(run: Run, item: Value, value: Value, procedure: Value = None) -> Value:
    if not is_list(value):
        help = "(contains? collection x) takes strings and dicts too"
        raise wrong("member", "a list", value, 2, help)
    if procedure is not None:
        return _member_by(run, item, value, procedure)
    position = find_equal(run, item, value)
    if position < 0:
        return False
    base, start, stop = flat(value)
    return window(base, start + position, stop)


def _member_by(run: Run, item: Value, value: Value, procedure: Value) -> Value:
    function = call(run, "member", procedure, 3, 2)
    base, start, stop = flat(value)
    for position in range(start, stop):
        run.meter.charge(1)
        if is_true(function(item, base[position])):
            return window(base, position, stop)
    return False


def find_equal(run: Run, item: Value, value: Value) -> int:
    """The position of the first element equal? to an item, or -1."""
    base, start, stop = (value, 0, len(value)) if value.__class__ is list else flat(value)
    kind = item.__class__
    meter = run.meter
    enough = meter.steps + stop - start <= meter.next_look  # there are steps for all
    if kind in ATOMS and enough and not is_long(item):  # which the host would show where it is not found
        position = start - 1
        try:
            while True:
                position = base.index(item, position + 1, stop)
                if base[position].__class__ is kind:
                    meter.steps += position - start + 1
                    return position - start
        except ValueError:
            meter.steps += stop - start
            return -1
    for position in range(start, stop):
        meter.charge(1)
        if same(run, item, base[position]):
            return position - start
    return -1


@builtin("index-of", "(index-of list x)",
         "The position of the first element equal? to x, or #f; of a text in a text.",
         example="(index-of '(a b c) 'b) ;=> 1", cost="nodes compared",
         aliases=("list-index-of",))  # fmt: skip
def index_of(run: Run, first: Value, second: Value) -> Value:
    if first.__class__ is str and second.__class__ is str:
        run.meter.charge(len(first) >> 4)
        position = first.find(second)
        return False if position < 0 else position
    if is_list(first) and is_list(second):
        raise LispyError("ambiguous", "index-of got two lists: either could be the one that is searched",
                         help="(find-index (lambda (x) (equal? x item)) list) says which")  # fmt: skip
    if is_list(second):
        first, second = second, first
    elif not is_list(first):
        raise wrong("index-of", "a list", first, 1)
    position = find_equal(run, second, first)
    return False if position < 0 else position


def pair_key(name: str, entry: Value) -> Value:
    """What a pair of an association list is found by."""
    kind = entry.__class__
    if kind is Pair:
        return entry.car
    if kind is list and entry:
        return entry[0]
    if kind is Slice:
        return entry.base[entry.start]
    raise LispyError(
        "wrong-type", f"{name} wants a list of pairs, one of its elements is {describe_type(entry)}"
    )


def find_pair(run: Run, name: str, key: Value, alist: Value) -> Value:
    """The first pair of an association list whose car is equal? to a key, or #f."""
    base, start, stop = (alist, 0, len(alist)) if alist.__class__ is list else flat(alist)
    kind = key.__class__
    meter = run.meter
    enough = meter.steps + stop - start <= meter.next_look  # there are steps for all
    if kind in ATOMS and enough and not is_long(key):
        for position in range(start, stop):
            entry = base[position]
            if entry.__class__ is list and entry:
                head = entry[0]
            else:
                meter.steps += position - start + 1
                head = pair_key(name, entry)
                meter.steps -= position - start + 1
            if head.__class__ is kind and head == key:
                meter.steps += position - start + 1
                return entry
        meter.steps += stop - start
        return False
    for position in range(start, stop):
        meter.charge(1)
        entry = base[position]
        if same(run, key, pair_key(name, entry)):
            return entry
    return False
