"""Dicts by the names, orders and habits of other Lisps' hash tables, as far as those only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.calling import entry_calls, once
from lisppump.lispy.builtins.check import call, dictionary, key_of, wrong
from lisppump.lispy.builtins.dicts import dict_, got, list_to_dict, member_of, put
from lisppump.lispy.builtins.versions import ENTRY, with_key
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Primitive, Procedure, Value, cons

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

MISSING = object()


def _made(run: Run, default: Value) -> Value:
    """A default, or what a procedure gives that makes one."""
    return run.function(default)() if isinstance(default, Procedure) else default


@builtin("hash-ref", "(hash-ref dict key [default])",
         "As get; a procedure as default is called, without arguments, where the key is missing.",
         example="(hash-ref {\"a\" 1} \"b\" (lambda () 0)) ;=> 0", cost="the call",
         aliases=("dict-ref", "hash-table-ref", "hash-table-get", "hash-table/get"))  # fmt: skip
def hash_ref(run: Run, value: Value, key: Value, default: Value = None) -> Value:
    if value.__class__ is dict and key.__class__ is str:
        found = value.get(key, MISSING)
    else:
        found = got(run, "hash-ref", value, key, MISSING)
    return _made(run, default) if found is MISSING else found


@builtin("hash-table-ref/default", "(hash-table-ref/default dict key default)", "As get with a default.",
         example="(hash-table-ref/default {} \"a\" 0) ;=> 0", through=("get",))  # fmt: skip
def hash_ref_default(run: Run, value: Value, key: Value, default: Value) -> Value:
    return got(run, "hash-table-ref/default", value, key, default)


@builtin("gethash", "(gethash key dict [default])", "As get, the key first.",
         example="(gethash \"a\" {\"a\" 1}) ;=> 1", through=("get",))  # fmt: skip
def gethash(run: Run, key: Value, value: Value, default: Value = None) -> Value:
    if isinstance(key, dict) and not isinstance(value, dict):
        key, value = value, key
    return got(run, "gethash", value, key, default)


@builtin("hash-update", "(hash-update dict key f [default])",
         "A new dict with f of the key's value, or of the default (called if it is a procedure) where "
         "the key is missing; a value instead of f is set.",
         example="(hash-update {} \"n\" inc 0) ;=> {\"n\" 1}", cost="5 + 2, and the calls",
         aliases=("dict-update", "hash-table-update"))  # fmt: skip
def hash_update(run: Run, value: Value, key: Value, procedure: Value, default: Value = None) -> Value:
    run.meter.charge(5)
    items = dictionary("hash-update", value)
    word = key_of("hash-update", key)
    if default is None and not isinstance(procedure, Procedure):
        return put(run, "hash-update", items, (word, procedure))
    if not isinstance(procedure, Procedure):
        raise wrong("hash-update", "a procedure", procedure, 3)
    run.meter.charge(2)
    old = member_of(items, word, MISSING)
    return with_key(run, items, word, once(run, procedure, _made(run, default) if old is MISSING else old))


@builtin("hash-map", "(hash-map key value ...) or (hash-map dict f)",
         "A dict of keys and values in turn; of a dict and a procedure the list of what f gives for key "
         "and value.",
         example="(list (hash-map \"a\" 1) (hash-map {\"a\" 1} list)) ;=> ({\"a\" 1} ((\"a\" 1)))",
         cost="n, and the calls", through=("dict", "list->dict"))  # fmt: skip
def hash_map(run: Run, *values: Value) -> Value:
    if len(values) == 2 and isinstance(values[0], dict) and isinstance(values[1], Procedure):
        return [result for _, _, result in entry_calls(run, "hash-map", values[1], values[0])]
    return dict_(run, *values)


@builtin("dict-for-each", "(dict-for-each f dict)", "Calls f with each key and value, in any order; nil.",
         example="(dict-for-each list {\"a\" 1}) ;=> nil", cost="n, and the calls",
         aliases=("hash-for-each", "hash-table-for-each", "hash-table-walk", "maphash"))  # fmt: skip
def dict_for_each(run: Run, first: Value, second: Value) -> Value:
    procedure, items = (first, second) if isinstance(first, Procedure) else (second, first)
    if not isinstance(procedure, Procedure):
        raise wrong("dict-for-each", "a procedure", procedure)
    entry_calls(run, "dict-for-each", procedure, dictionary("dict-for-each", items))
    return None


@builtin("hash->list", "(hash->list dict)", "A list of pairs (key . value), in order.",
         example="(hash->list {\"a\" 1}) ;=> ((\"a\" . 1))", cost="n",
         aliases=("hash->alist", "hash-table->alist", "hash-table->list", "dict->alist"))  # fmt: skip
def hash_to_list(run: Run, value: Value) -> Value:
    items = dictionary("hash->list", value)
    run.meter.charge(len(items))
    run.meter.allocate(ENTRY * len(items))
    return [cons(key, item) for key, item in items.items()]


@builtin("make-hash-table", "(make-hash-table)",
         "The empty dict; what says how to compare keys changes nothing.",
         example="(make-hash-table :test 'equal) ;=> {}", aliases=("make-equal-hash-table",
                  "make-strong-eqv-hash-table", "make-strong-hash-table", "make-string-hash-table",
                  "make-eqv-hash-table", "make-eq-hash-table"))  # fmt: skip
def make_hash_table(run: Run, *options: Value) -> Value:
    return {}


@builtin("reduce-kv", "(reduce-kv f init dict)",
         "reduce over a dict: f gets what is there so far, key and value.",
         example="(reduce-kv (lambda (sum k v) (+ sum v)) 0 {\"a\" 1 \"b\" 2}) ;=> 3",
         cost="n, and the calls")  # fmt: skip
def reduce_kv(run: Run, procedure: Value, total: Value, value: Value) -> Value:
    function = call(run, "reduce-kv", procedure)
    items = dictionary("reduce-kv", value, 3)
    run.meter.charge(len(items))
    for key, item in list(items.items()):
        total = function(total, key, item)
    return total


@builtin("merge-with", "(merge-with f dict ...)",
         "One dict of the entries of all; where several have a key, f of what is there so far and the next.",
         example="(merge-with + {\"a\" 1} {\"a\" 2 \"b\" 3}) ;=> {\"a\" 3 \"b\" 3}",
         cost="8 + entries of all dicts, and the calls")  # fmt: skip
def merge_with(run: Run, procedure: Value, *values: Value) -> Value:
    run.meter.charge(8)
    function = call(run, "merge-with", procedure, count=2)
    dicts = [dictionary("merge-with", value, place) for place, value in enumerate(values, 2)]
    whole = sum(map(len, dicts))
    run.meter.charge(whole)
    run.meter.allocate(ENTRY * whole)
    made: dict[str, Value] = {}
    for items in dicts:
        for key, item in list(items.items()):
            made[key] = function(made[key], item) if key in made else item
    run.meter.container(len(made))
    return made


@builtin("into", "(into dict pairs)",
         "A dict with a list of pairs put in; with lists an error that says what to write.",
         example="(into {} '((\"a\" 1))) ;=> {\"a\" 1}", cost="entries of both",
         through=("list->dict",))  # fmt: skip
def into(run: Run, target: Value, values: Value) -> Value:
    if not isinstance(target, dict):
        raise LispyError("ambiguous", "into puts at the front of a list, but at the end of a vector",
                         help="write (append l more), or (append (reverse more) l)")  # fmt: skip
    more = values if isinstance(values, dict) else list_to_dict(run, values)
    return merge_with(run, Primitive("second", lambda old, new: new, 2, 2), target, more)


@builtin("conj", "(conj dict pair ...)",
         "A dict with pairs put in; with a list an error that says what to write.",
         example="(conj {\"a\" 1} '(\"b\" 2)) ;=> {\"a\" 1 \"b\" 2}", cost="entries",
         through=("list->dict", "into"))  # fmt: skip
def conj(run: Run, target: Value, *values: Value) -> Value:
    if not isinstance(target, dict):
        raise LispyError("ambiguous", "conj puts at the front of a list, but at the end of a vector",
                         help="write (cons x l), or (append l (list x))")  # fmt: skip
    for value in values:
        target = into(run, target, value if isinstance(value, dict) else [value])
    return target
