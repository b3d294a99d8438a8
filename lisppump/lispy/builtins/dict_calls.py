"""Procedures over the entries of dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.calling import entry_calls
from lisppump.lispy.builtins.check import accepts, call, dictionary, key_of, room, walk, wrong
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.builtins.versions import ENTRY, with_key
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Procedure, Value, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("update-each", "(update-each dicts key f)",
         "Every dict of a list, or of a dict of dicts, with f of its old value at the key.",
         example="(update-each (list {\"hp\" 1} {\"hp\" 5}) \"hp\" inc) ;=> ({\"hp\" 2} {\"hp\" 6})",
         cost="n, and the calls")  # fmt: skip
def update_each(run: Run, values: Value, key: Value, procedure: Value) -> Value:
    name = key_of("update-each", key)
    function = call(run, "update-each", procedure, 3, 1)

    def changed(item: Value) -> Value:
        items = dictionary("update-each", item)
        return with_key(run, items, name, function(member_of(items, name, None)))

    if isinstance(values, dict):
        run.meter.charge(len(values))
        run.meter.allocate(ENTRY * len(values))
        return {inner: changed(item) for inner, item in list(values.items())}
    items = walk(run, "update-each", values)
    room(run, len(items))
    return [changed(item) for item in items]


def _with_dict(name: str, first: Value, second: Value) -> tuple[Value, dict[str, Value]]:
    if isinstance(first, Procedure):
        return first, dictionary(name, second, 2)
    if not isinstance(second, Procedure):
        raise wrong(name, "a procedure", second if isinstance(first, dict) else first)
    return second, dictionary(name, first, 1)


def _two_arguments(name: str, procedure: Procedure) -> None:
    if not accepts(procedure, 2):
        raise LispyError(
            "wrong-arity",
            f"{name} calls its procedure with key and value, this one does not take two arguments",
            help="(map f (entries d)) gives it the pair, (map f (values d)) the value",
        )  # fmt: skip


@builtin("dict-map", "(dict-map f dict)", "A dict of the same keys with f of key and value; in any order.",
         example="(dict-map (lambda (k v) (* v 2)) {\"a\" 1}) ;=> {\"a\" 2}", cost="n, and the calls",
         aliases=("hash-map-values", "map-dict"))  # fmt: skip
def dict_map(run: Run, first: Value, second: Value) -> Value:
    procedure, items = _with_dict("dict-map", first, second)
    _two_arguments("dict-map", procedure)
    run.meter.allocate(ENTRY * len(items))
    return {key: result for key, _, result in entry_calls(run, "dict-map", procedure, items)}


@builtin("map-values", "(map-values f dict)", "A dict of the same keys with f of each value; in any order.",
         example="(map-values inc {\"a\" 1}) ;=> {\"a\" 2}", cost="n, and the calls",
         aliases=("update-vals",))  # fmt: skip
def map_values(run: Run, first: Value, second: Value) -> Value:
    procedure, items = _with_dict("map-values", first, second)
    function = call(run, "map-values", procedure, count=1)
    run.meter.charge(len(items))
    run.meter.allocate(ENTRY * len(items))
    return {key: function(value) for key, value in list(items.items())}


@builtin("dict-filter", "(dict-filter f dict)",
         "The entries for which f of key and value is true; in any order.",
         example="(dict-filter (lambda (k v) (> v 1)) {\"a\" 1 \"b\" 2}) ;=> {\"b\" 2}",
         cost="n, and the calls", aliases=("hash-filter",))  # fmt: skip
def dict_filter(run: Run, first: Value, second: Value) -> Value:
    procedure, items = _with_dict("dict-filter", first, second)
    _two_arguments("dict-filter", procedure)
    run.meter.allocate(ENTRY * len(items))
    return {k: v for k, v, kept in entry_calls(run, "dict-filter", procedure, items) if is_true(kept)}
