"""Dicts: string keys in the order they came, never changed; a keyword or symbol as a key means its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin, describe_type
from lisppump.lispy.builtins.check import (
    arity,
    call,
    dictionary,
    flat,
    has,
    is_number,
    key_of,
    room,
    text_key,
    walk,
    wrong,
)  # fmt: skip
from lisppump.lispy.builtins.searching import find_pair
from lisppump.lispy.builtins.versions import ENTRY, with_key
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Pair, Procedure, Value, is_list, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("dict", "(dict key value ...)", "A dict of keys and values in turn.",
         example="(dict \"a\" 1 :b 2) ;=> {\"a\" 1 \"b\" 2}", cost="0",
         aliases=("make-dict", "hash-map", "hash", "make-hash", "make-hash-table", "make-equal-hash",
                  "dict-create"))  # fmt: skip
def dict_(run: Run, *values: Value) -> Value:
    if len(values) == 1 and is_list(values[0]):
        return list_to_dict(run, values[0])
    if len(values) % 2:
        raise LispyError("wrong-arity", f"dict wants keys and values in turn, got {len(values)} arguments")
    run.meter.allocate(ENTRY * len(values))
    return {key_of("dict", values[place], place + 1): values[place + 1] for place in range(0, len(values), 2)}


@builtin("list->dict", "(list->dict pairs)", "A dict from a list of pairs or of lists of key and value.",
         example="(list->dict '((\"a\" 1) (\"b\" 2))) ;=> {\"a\" 1 \"b\" 2}", cost="n",
         aliases=("alist->dict", "alist->hash", "pairs->dict", "dict-from-list"))  # fmt: skip
def list_to_dict(run: Run, value: Value) -> Value:
    items = walk(run, "list->dict", value)
    room(run, len(items))
    run.meter.allocate(ENTRY * len(items))
    made: dict[str, Value] = {}
    for item in items:
        if item.__class__ is Pair and item.size < 0:
            made[text_key("list->dict", item.car)] = item.cdr
        elif is_list(item) and not is_nil(item):
            base, start, stop = flat(item)
            if stop - start != 2:
                raise LispyError(
                    "bad-value", f"list->dict wants pairs of key and value, got {stop - start} elements"
                )
            made[text_key("list->dict", base[start])] = base[start + 1]
        else:
            raise LispyError("wrong-type", f"list->dict wants a list of pairs, one is {describe_type(item)}")
    return made


@builtin("get", "(get dict key [default])",
         "The value of a key, or the element of a list at a position; the default (nil) only where there "
         "is none.", example="(get {\"a\" 1} \"b\" 0) ;=> 0",
         aliases=("dict-get", "dict-ref", "hash-ref", "hash-get", "hash-table-ref",
                  "hash-table-ref/default", "gethash"))  # fmt: skip
def get(run: Run, value: Value, key: Value, default: Value = None) -> Value:
    if isinstance(value, dict):
        name = key if key.__class__ is str else key_of("get", key)
        try:
            return value[name]
        except KeyError:
            return default
    if value is None:
        return default
    if is_list(value):
        if key.__class__ is int or key.__class__ is float:
            base, start, stop = flat(value)
            position = _position(key)
            return base[start + position] if 0 <= position < stop - start else default
        if is_nil(value):
            return default
        raise wrong("get", "a position (as its 1st argument is a list)", key, 2,
                    "(assoc-ref list key) looks into a list of pairs")  # fmt: skip
    if isinstance(key, dict):
        raise wrong("get", "a dict or list", value, 1, "the order is (get dict key)")
    raise wrong("get", "a dict or list", value, 1)


def _position(key: Value) -> int:
    if key.__class__ is float and not key.is_integer():
        raise LispyError(
            "bad-value", f"get wants a whole position, got {key!r}", help="(quotient a b) gives one"
        )
    return int(key)


@builtin("get-in", "(get-in dict path [default])", "The value at the end of a list of keys and positions.",
         example="(get-in {\"a\" {\"b\" 1}} '(\"a\" \"b\")) ;=> 1", cost="keys")  # fmt: skip
def get_in(run: Run, value: Value, path: Value, default: Value = None) -> Value:
    missing = object()
    for key in walk(run, "get-in", path, 2):
        if isinstance(value, dict):
            value = member_of(value, key_of("get-in", key), missing)
        elif is_list(value) and not is_nil(value):
            if not is_number(key):
                raise wrong("get-in", "positions where the value is a list", key)
            base, start, stop = flat(value)
            position = _position(key)
            value = base[start + position] if 0 <= position < stop - start else missing
        elif is_nil(value):
            return default
        else:
            raise LispyError("wrong-type", f"get-in cannot look into {describe_type(value)}")
        if value is missing:
            return default
    return value


def member_of(items: dict[str, Value], key: str, missing: Value) -> Value:
    """The value of a key, also of a frame's documents, or what stands for a missing one."""
    try:
        return items[key]
    except KeyError:
        return missing


def put(run: Run, name: str, value: Value, pairs: tuple[Value, ...]) -> Value:
    """A dict with keys set; `pairs` are keys and values in turn."""
    if len(pairs) % 2:
        raise LispyError("wrong-arity", f"{name} wants keys and values in turn after the dict")
    items = dictionary(name, value)
    keys = [key_of(name, pairs[place], place + 2) for place in range(0, len(pairs), 2)]
    run.meter.charge(1 + len(keys))
    for place, key in enumerate(keys):
        items = with_key(run, items, key, pairs[2 * place + 1])
    return items


@builtin("dict-set", "(dict-set dict key value ...)", "A new dict with keys set; nil is the empty dict.",
         example="(dict-set {\"a\" 1} \"b\" 2) ;=> {\"a\" 1 \"b\" 2}", cost="1 + keys given",
         aliases=("hash-set", "dict-put", "dict-assoc", "assoc-set", "hash-assoc"))  # fmt: skip
def dict_set(run: Run, value: Value, *pairs: Value) -> Value:
    return put(run, "dict-set", value, pairs)


@builtin("assoc", "(assoc key pairs)",
         "The first pair of a list of pairs whose car is equal? to the key, or #f. With a dict first and "
         "keys and " "values after it: a new dict with them set.",
         example="(assoc 'b '((a 1) (b 2))) ;=> (b 2)", cost="nodes compared; 1 + keys given")  # fmt: skip
def assoc(run: Run, first: Value, *others: Value) -> Value:
    if len(others) == 1:
        if isinstance(first, dict) or isinstance(others[0], dict):
            raise LispyError("ambiguous", "assoc with two arguments wants a list of pairs, this is a dict",
                             help="(get dict key) gets a value, (assoc dict key value) sets one")  # fmt: skip
        if not is_list(others[0]):
            raise wrong("assoc", "a list of pairs", others[0], 2)
        return find_pair(run, "assoc", first, others[0])
    if len(others) < 2:
        raise arity("assoc", "a key and a list of pairs", 1 + len(others))
    if not isinstance(first, dict) and not is_nil(first):
        raise wrong("assoc", "a dict (with a key and a value to set)", first, 1)
    return put(run, "assoc", first, others)


@builtin("assq", "(assq key pairs)", "As (assoc key pairs).", example="(assq 'a '((a 1) (b 2))) ;=> (a 1)",
         cost="nodes compared", aliases=("assv",))  # fmt: skip
def assq(run: Run, key: Value, pairs: Value) -> Value:
    if not is_list(pairs):
        help = "(get dict key) looks into a dict" if isinstance(pairs, dict) else None
        raise wrong("assq", "a list of pairs", pairs, 2, help)
    return find_pair(run, "assq", key, pairs)


@builtin("assoc-ref", "(assoc-ref pairs key)",
         "What a list of pairs has for a key (of a list of two the second), or #f; of a dict as get.",
         example="(assoc-ref '((a . 1) (b . 2)) 'b) ;=> 2", cost="nodes compared")  # fmt: skip
def assoc_ref(run: Run, pairs: Value, key: Value) -> Value:
    if isinstance(pairs, dict):
        return get(run, pairs, key)
    if not is_list(pairs):
        raise wrong("assoc-ref", "a list of pairs", pairs, 1)
    entry = find_pair(run, "assoc-ref", key, pairs)
    if entry is False:
        return False
    if entry.__class__ is Pair and entry.size < 0:
        return entry.cdr
    base, start, stop = flat(entry)
    if stop - start == 2:
        return base[start + 1]
    return base[start + 1 : stop]


@builtin("assoc-in", "(assoc-in dict path value)", "A new dict with the value at the end of a list of keys.",
         example="(assoc-in {} '(\"a\" \"b\") 1) ;=> {\"a\" {\"b\" 1}}", cost="keys",
         aliases=("set-in", "dict-set-in"))  # fmt: skip
def assoc_in(run: Run, value: Value, path: Value, new: Value) -> Value:
    return _change_in(run, "assoc-in", value, path, lambda _: new)


@builtin("update-in", "(update-in dict path f)",
         "A new dict with f of the old value at the end of a list of keys.",
         example="(update-in {\"a\" {\"b\" 1}} '(\"a\" \"b\") inc) ;=> {\"a\" {\"b\" 2}}",
         cost="keys, and the call")  # fmt: skip
def update_in(run: Run, value: Value, path: Value, procedure: Value) -> Value:
    function = call(run, "update-in", procedure, 3)
    return _change_in(run, "update-in", value, path, function)


def _change_in(run: Run, name: str, value: Value, path: Value, change: Callable[[Value], Value]) -> Value:
    keys = [key_of(name, key, 0) for key in walk(run, name, path, 2)]
    if not keys:
        return change(value)
    dicts = []
    for key in keys:
        items = dictionary(name, value)
        dicts.append(items)
        value = member_of(items, key, None)
    value = change(value)
    for items, key in zip(reversed(dicts), reversed(keys), strict=True):
        value = with_key(run, items, key, value)
    return value


@builtin("dissoc", "(dissoc dict key ...)", "A new dict without keys.", cost="n",
         example="(dissoc {\"a\" 1 \"b\" 2} \"a\") ;=> {\"b\" 2}",
         aliases=("dict-remove", "dict-delete", "hash-remove", "dict-unset", "dict-dissoc"))  # fmt: skip
def dissoc(run: Run, value: Value, *keys: Value) -> Value:
    items = dictionary("dissoc", value)
    names = [key_of("dissoc", key, place) for place, key in enumerate(keys, 2)]
    run.meter.charge(len(items))
    run.meter.allocate(ENTRY * len(items))
    made = dict(items)
    for name in names:
        made.pop(name, None)
    return made


@builtin("update", "(update dict key value-or-f ...)",
         "A new dict with keys set; when one key is followed by a procedure, with the procedure's result "
         "of its value.", example="(update {\"n\" 1} \"n\" inc) ;=> {\"n\" 2}",
         cost="1 + keys given, and the call", aliases=("dict-update", "hash-update"))  # fmt: skip
def update(run: Run, value: Value, *pairs: Value) -> Value:
    if len(pairs) == 2 and isinstance(pairs[1], Procedure):
        items = dictionary("update", value)
        key = key_of("update", pairs[0])
        run.meter.charge(2)
        return with_key(run, items, key, run.function(pairs[1])(member_of(items, key, None)))
    if len(pairs) == 3 and isinstance(pairs[1], Procedure):
        raise LispyError(
            "ambiguous",
            "update with a procedure and one more argument: a default, or an argument for the procedure?",
            help="(update d k (lambda (old) ...)) says which; old is nil where the key is missing",
        )  # fmt: skip
    return put(run, "update", value, pairs)


@builtin("dict-merge", "(dict-merge dict ...)",
         "One dict of the entries of all; the last wins.",
         example="(dict-merge {\"a\" 1} {\"a\" 2 \"b\" 3}) ;=> {\"a\" 2 \"b\" 3}",
         cost="entries of all dicts",
         aliases=("merge", "hash-merge", "hash-union", "dict-union"))  # fmt: skip
def dict_merge(run: Run, *values: Value) -> Value:
    dicts = [dictionary("dict-merge", value, place) for place, value in enumerate(values, 1)]
    whole = sum(map(len, dicts))
    run.meter.charge(whole)
    run.meter.allocate(ENTRY * whole)
    made: dict[str, Value] = {}
    for items in dicts:
        made.update(items)
    if len(made) > run.limits.elements and len(made) > max(map(len, dicts)):
        run.meter.container(len(made))
    return made


@builtin("keys", "(keys dict)", "The keys, in order.", example="(keys {\"a\" 1 \"b\" 2}) ;=> (\"a\" \"b\")",
         cost="n", aliases=("dict-keys", "hash-keys", "hash-table-keys"))  # fmt: skip
def keys_(run: Run, value: Value) -> Value:
    items = dictionary("keys", value)
    run.meter.charge(len(items))
    run.meter.allocate(8 * len(items))
    return list(items)


@builtin("values", "(values dict)", "The values, in the order of their keys.",
         example="(values {\"a\" 1}) ;=> (1)", cost="n",
         aliases=("vals", "dict-values", "hash-values", "hash-table-values"))  # fmt: skip
def values_(run: Run, value: Value) -> Value:
    items = dictionary("values", value)
    run.meter.charge(len(items))
    run.meter.allocate(8 * len(items))
    return list(items.values())


@builtin("entries", "(entries dict)", "A list of (key value), in order.",
         example="(entries {\"a\" 1}) ;=> ((\"a\" 1))", cost="n",
         aliases=("dict->list", "dict-entries", "hash->list", "dict->alist", "dict-items",
                  "hash-table->alist"))  # fmt: skip
def entries(run: Run, value: Value) -> Value:
    items = dictionary("entries", value)
    run.meter.charge(len(items))
    run.meter.allocate(80 * len(items))
    return [[key, item] for key, item in items.items()]


@builtin("has-key?", "(has-key? dict key)", "True when the dict has the key.",
         example="(has-key? {\"a\" nil} \"a\") ;=> #t",
         aliases=("dict-has?", "dict-has-key?", "hash-has-key?", "dict-contains?", "hash-contains?",
                  "key?"))  # fmt: skip
def has_key(run: Run, value: Value, key: Value) -> Value:
    return has(dictionary("has-key?", value), key_of("has-key?", key))


@builtin("dict-size", "(dict-size dict)", "How many entries.", example="(dict-size {\"a\" 1}) ;=> 1",
         aliases=("dict-count", "hash-count", "hash-size"))  # fmt: skip
def dict_size(run: Run, value: Value) -> Value:
    return len(dictionary("dict-size", value))


@builtin("select-keys", "(select-keys dict keys)",
         "The entries of a list of keys, as far as they are there.",
         example="(select-keys {\"a\" 1 \"b\" 2} '(\"b\")) ;=> {\"b\" 2}", cost="keys",
         aliases=("dict-select",))  # fmt: skip
def select_keys(run: Run, value: Value, names: Value) -> Value:
    items = dictionary("select-keys", value)
    wanted = [key_of("select-keys", key, 0) for key in walk(run, "select-keys", names, 2)]
    run.meter.allocate(ENTRY * len(wanted))
    return {name: items[name] for name in wanted if has(items, name)}


@builtin("zipmap", "(zipmap keys values)", "A dict of a list of keys and a list of values.", cost="n",
         example="(zipmap '(\"a\" \"b\") '(1 2)) ;=> {\"a\" 1 \"b\" 2}", aliases=("zip-dict",))  # fmt: skip
def zipmap(run: Run, names: Value, values: Value) -> Value:
    keys = walk(run, "zipmap", names)
    items = walk(run, "zipmap", values, 2)
    room(run, len(keys))
    run.meter.allocate(ENTRY * len(keys))
    return {text_key("zipmap", key): item for key, item in zip(keys, items, strict=False)}
