"""Lists of pairs that are looked into as dicts are: by what each pair has first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import CELL, flat, room, walk, window, wrong
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.dicts import got, put
from lisppump.lispy.builtins.searching import find_pair, pair_key
from lisppump.lispy.values import Pair, Value, cons, is_list

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("assq", "(assq key pairs)", "As (assoc key pairs).", example="(assq 'a '((a 1) (b 2))) ;=> (a 1)",
         cost="nodes compared", aliases=("assv",))  # fmt: skip
def assq(run: Run, key: Value, pairs: Value) -> Value:
    if not is_list(pairs):
        help = "(get dict key) looks into a dict" if isinstance(pairs, dict) else None
        raise wrong("assq", "a list of pairs", pairs, 2, help)
    return find_pair(run, "assq", key, pairs)


@builtin("assoc-ref", "(assoc-ref pairs key [default])",
         "What a list of pairs has for a key (of a list of two the second), or #f; of a dict as get. "
         "Key and list in any order.", example="(assoc-ref '((a . 1) (b . 2)) 'b) ;=> 2",
         cost="nodes compared", aliases=("assq-ref", "assv-ref", "alist-ref", "alist-get",
                  "assoc-get"))  # fmt: skip
def assoc_ref(run: Run, first: Value, second: Value, default: Value = False) -> Value:
    pairs, key = first, second
    if not isinstance(first, dict) and not is_list(first):
        pairs, key = second, first
    if isinstance(pairs, dict):
        return got(run, "assoc-ref", pairs, key, None if default is False else default)
    if not is_list(pairs):
        raise wrong("assoc-ref", "a list of pairs", first, 1)
    entry = find_pair(run, "assoc-ref", key, pairs)
    if entry is False:
        return default
    if entry.__class__ is Pair and entry.size < 0:
        return entry.cdr
    base, start, stop = flat(entry)
    if stop - start == 2:
        return base[start + 1]
    return window(base, start + 1, stop)


@builtin("assoc-set", "(assoc-set pairs key value)",
         "A list of pairs with the value of a key set, a new pair at its end; of a dict as dict-set.",
         example="(assoc-set '((\"a\" . 1)) \"b\" 2) ;=> ((\"a\" . 1) (\"b\" . 2))", cost="n")  # fmt: skip
def assoc_set(run: Run, pairs: Value, key: Value, value: Value) -> Value:
    if isinstance(pairs, dict):
        return put(run, "assoc-set", pairs, (key, value))
    items = list(walk(run, "assoc-set", pairs))
    room(run, len(items) + 1)
    run.meter.allocate(CELL)
    made = cons(key, value)
    for place, entry in enumerate(items):
        if same(run, key, pair_key("assoc-set", entry)):
            items[place] = made
            return items
    items.append(made)
    return items
