"""Dicts: string keys in the order they came, never changed; a keyword or symbol as a key means its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin, describe_type
from lisppump.lispy.builtins.calling import once
from lisppump.lispy.builtins.check import (
    arity,
    call,
    counted,
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
from lisppump.lispy.builtins.lists import NONE, head_of, tail_of
from lisppump.lispy.builtins.searching import find_pair, pair_key
from lisppump.lispy.builtins.versions import (
    ENTRY,
    LONGEST_KEY,
    SMALL,
    Version,
    fit_keys,
    long_key,
    newer,
    small_with_keys,
    with_key,
)
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import (
    Keyword,
    Pair,
    Procedure,
    Symbol,
    Value,
    is_list,
    is_nil,
    is_true,
    length,
)  # fmt: skip

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


STRINGS = frozenset((str,))


@builtin("dict", "(dict key value ...)", "A dict of keys and values in turn.",
         example="(dict \"a\" 1 :b 2) ;=> {\"a\" 1 \"b\" 2}", cost="0", aliases=("make-dict", "hash",
                  "make-hash", "make-equal-hash", "make-hasheq", "make-hasheqv", "hasheq", "hasheqv",
                  "make-immutable-hash", "make-immutable-hasheq", "dict-create"),
         through=("list->dict",))  # fmt: skip
def dict_(run: Run, *values: Value) -> Value:
    if len(values) == 1 and is_list(values[0]):
        return list_to_dict(run, values[0])
    if len(values) % 2:
        got = counted(len(values), "argument")
        raise LispyError("wrong-arity", f"dict wants keys and values in turn, got {got}")
    meter = run.meter
    meter.allocated += ENTRY * len(values)
    if meter.allocated > meter.limits.allocation:
        meter.allocate(0)
    made: dict[str, Value] = {}
    for place in range(0, len(values), 2):
        key = values[place]
        if key.__class__ is not str:
            key = key_of("dict", key, place + 1)
        if len(key) > LONGEST_KEY:
            raise long_key(key)
        made[key] = values[place + 1]
    return made


@builtin("list->dict", "(list->dict pairs)", "A dict from a list of pairs or of lists of key and value.",
         example="(list->dict '((\"a\" 1) (\"b\" 2))) ;=> {\"a\" 1 \"b\" 2}", cost="n",
         aliases=("alist->dict", "alist->hash", "alist->hash-table", "pairs->dict",
                  "dict-from-list"))  # fmt: skip
def list_to_dict(run: Run, value: Value) -> Value:
    items = walk(run, "list->dict", value)
    room(run, len(items))
    run.meter.allocate(ENTRY * len(items))
    made: dict[str, Value] = {}
    for item in items:
        if item.__class__ is list and len(item) == 2 and item[0].__class__ is str:
            key, part = item
        elif item.__class__ is Pair and item.size < 0:
            key, part = text_key(run, "list->dict", item.car), item.cdr
        elif is_list(item) and not is_nil(item):
            base, start, stop = flat(item)
            if stop - start != 2:
                got = counted(stop - start, "element")
                raise LispyError("bad-value", f"list->dict wants pairs of key and value, got {got}")
            key, part = text_key(run, "list->dict", base[start]), base[start + 1]
        else:
            raise LispyError("wrong-type", f"list->dict wants a list of pairs, one is {describe_type(item)}")
        if len(key) > LONGEST_KEY:
            raise long_key(key)
        made[key] = part
    return made


@builtin("get", "(get dict key [default])",
         "The value of a key, the element of a list at a position, or what a list of pairs has for a "
         "key; the default (nil) only where there is none.", example="(get {\"a\" 1} \"b\" 0) ;=> 0",
         cost="nodes looked at in a list of pairs", aliases=("dict-get", "hash-get"))  # fmt: skip
def get(run: Run, value: Value, key: Value, default: Value = None) -> Value:
    kind = value.__class__
    if key.__class__ is str and (kind is dict or kind is Version):
        return value.get(key, default)
    if kind is list:
        if key.__class__ is int:
            return value[key] if 0 <= key < len(value) else default
    elif (kind is dict or kind is Version) and (key.__class__ is Keyword or key.__class__ is Symbol):
        return value.get(key.name, default)
    return got(run, "get", value, key, default)


def got(run: Run, name: str, value: Value, key: Value, default: Value) -> Value:
    """What `get` gives, under any of its names."""
    if isinstance(value, dict):
        word = key if key.__class__ is str else key_of(name, key)
        try:
            return value[word]
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
        return _paired(run, name, value, key, default)
    if isinstance(key, dict):
        raise wrong(name, "a dict or list", value, 1, f"the order is ({name} dict key)")
    raise wrong(name, "a dict or list", value, 1)


def _paired(run: Run, name: str, value: Value, key: Value, default: Value) -> Value:
    """What a list of pairs has for a key; names count by their letters, as in a dict."""
    wanted = name_of(key)
    if wanted is None:
        raise wrong(name, "a position (as its 1st argument is a list)", key, 2)
    items = walk(run, name, value)
    lists = [entry for entry in items if entry.__class__ is not Pair or entry.size >= 0]
    dotted = len(lists) < len(items)
    if not all(is_list(entry) and not is_nil(entry) and (dotted or length(entry) == 2) for entry in lists):
        whole = all(entry.__class__ is list for entry in lists)
        raise wrong(name, "a position (as its 1st argument is a list, and none of pairs)", key, 2,
                    "(cdr (assoc key list)) says what belongs to the key" if whole else
                    "(map (lambda (d) (get d key)) list) looks into each element")  # fmt: skip
    for entry in items:
        if name_of(head_of(name, entry)) == wanted:
            rest = tail_of(name, entry)
            if not dotted:
                return head_of(name, rest)
            if is_list(rest) and length(rest) == 1:
                raise LispyError(
                    "ambiguous", f"{name} found a list of two among pairs: is its 2nd element the value?",
                    help="(cdr (assoc key list)) or (cadr (assoc key list)) says which",
                )  # fmt: skip
            return rest
    return default


def name_of(value: Value) -> str | None:
    """The letters of a string, keyword or symbol."""
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    return value.name if kind is Keyword or kind is Symbol else None


def _position(key: Value) -> int:
    if key.__class__ is float and not key.is_integer():
        raise LispyError(
            "bad-value", f"get wants a whole position, got {key!r}", help="(quotient a b) gives one"
        )
    return int(key)


@builtin("get-in", "(get-in dict path [default])", "The value at the end of a list of keys and positions.",
         example="(get-in {\"a\" {\"b\" 1}} '(\"a\" \"b\")) ;=> 1", cost="keys")  # fmt: skip
def get_in(run: Run, value: Value, path: Value, default: Value = None) -> Value:
    missing = NONE
    for key in walk(run, "get-in", path, 2):
        if value.__class__ is dict and key.__class__ is str:
            value = value.get(key, missing)
        elif isinstance(value, dict):
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
    kind = value.__class__
    if len(pairs) == 2:
        if kind is dict or kind is Version:
            word, item = pairs
            if word.__class__ is Keyword or word.__class__ is Symbol:
                word = word.name
            if word.__class__ is str:
                meter = run.meter
                meter.steps += 2
                if meter.steps > meter.next_look:
                    meter.look()
                return with_key(run, value, word, item)
    elif kind is dict and 2 < len(pairs) < SMALL - len(value):
        sure = run.meter.affords(SMALL * len(pairs) * ENTRY)
        if sure and (made := small_with_keys(run, value, pairs)) is not None:
            return made
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
         aliases=("hash-set", "hash-set*", "dict-set*", "dict-put", "dict-assoc", "hash-assoc",
                  "put"))  # fmt: skip
def dict_set(run: Run, value: Value, key: Value = NONE, item: Value = NONE, *others: Value) -> Value:
    if others:
        pairs = (key, item, *others)
        if value.__class__ is dict and len(pairs) < SMALL - len(value):
            made = small_with_keys(run, value, pairs)
            if made is not None:
                return made
        return put(run, "dict-set", value, pairs)
    if key.__class__ is str and item is not NONE and len(key) <= LONGEST_KEY:
        if value.__class__ is dict and (size := len(value)) < SMALL < run.limits.elements:
            meter = run.meter
            meter.steps += 2
            if meter.steps > meter.next_look:
                meter.look()
            meter.allocated += ENTRY * size + ENTRY
            if meter.allocated > meter.limits.allocation:
                meter.allocate(0)
            small = value.copy()
            small[key] = item
            return small
        if value.__class__ is Version:
            meter = run.meter
            meter.steps += 2
            if meter.steps > meter.next_look:
                meter.look()
            if value.data is not None and not value.pinned:
                return newer(run, value, value.data, key, item)
            return with_key(run, value, key, item)
    return put(run, "dict-set", value, _pairs(key, item))


def _pairs(key: Value, item: Value) -> tuple[Value, ...]:
    """A key and a value, as far as they are given."""
    if item is NONE:
        return () if key is NONE else (key,)
    return key, item


@builtin("assoc", "(assoc key pairs [same?]) or (assoc dict key value ...)",
         "The first pair of a list of pairs whose car is equal? to the key (or the same, as a procedure "
         "says), or #f. With a dict first and keys and values after it: a new dict with them set.",
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
    if len(others) == 2 and not isinstance(first, dict) and _is_search(others[0], others[1]):
        function = call(run, "assoc", others[1], 3, 2)
        for entry in walk(run, "assoc", others[0], 2):
            if is_true(function(first, pair_key("assoc", entry))):
                return entry
        return False
    if not isinstance(first, dict) and not is_nil(first):
        raise wrong("assoc", "a dict (with a key and a value to set)", first, 1)
    return put(run, "assoc", first, others)


def _is_search(pairs: Value, procedure: Value) -> bool:
    return is_list(pairs) and isinstance(procedure, Procedure)


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
    function = call(run, "update-in", procedure, 3, 1)
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
         aliases=("dict-remove", "dict-delete", "hash-remove", "hash-delete", "dict-unset",
                  "dict-dissoc"))  # fmt: skip
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
         cost="1 + keys given, and the call")  # fmt: skip
def update(run: Run, value: Value, key: Value = NONE, item: Value = NONE, *others: Value) -> Value:
    if not isinstance(item, Procedure):
        return put(run, "update", value, (key, item, *others) if others else _pairs(key, item))
    if not others:
        items = value if value.__class__ is dict else dictionary("update", value)
        word = key if key.__class__ is str else key_of("update", key)
        meter = run.meter
        meter.steps += 2
        if meter.steps > meter.next_look:
            meter.look()
        old = items.get(word) if items.__class__ is dict else member_of(items, word, None)
        return with_key(run, items, word, once(run, item, old))
    if len(others) == 1:
        raise LispyError(
            "ambiguous",
            "update with a procedure and one more argument: a default, or an argument for the procedure?",
            help="(update d k (lambda (old) ...)) says which; old is nil where the key is missing",
        )  # fmt: skip
    return put(run, "update", value, (key, item, *others))


@builtin("dict-merge", "(dict-merge dict ...)",
         "One dict of the entries of all; the last wins.",
         example="(dict-merge {\"a\" 1} {\"a\" 2 \"b\" 3}) ;=> {\"a\" 2 \"b\" 3}",
         cost="entries of all dicts",
         aliases=("merge", "hash-merge", "hash-union", "dict-union", "hash-table-merge"))  # fmt: skip
def dict_merge(run: Run, *values: Value) -> Value:
    dicts = [
        value if value.__class__ is dict else dictionary("dict-merge", value, place)
        for place, value in enumerate(values, 1)
    ]
    whole = sum(map(len, dicts))
    run.meter.take(whole, ENTRY * whole)
    made: dict[str, Value] = {}
    for items in dicts:
        made.update(items)
    if len(made) > run.limits.elements and len(made) > max(map(len, dicts)):
        run.meter.container(len(made))
    return made


@builtin("keys", "(keys dict)", "The keys, in order.", example="(keys {\"a\" 1 \"b\" 2}) ;=> (\"a\" \"b\")",
         cost="n", aliases=("dict-keys", "hash-keys", "hash-table-keys"))  # fmt: skip
def keys_(run: Run, value: Value) -> Value:
    items = value if value.__class__ is dict else dictionary("keys", value)
    run.meter.take(len(items), 8 * len(items))
    return list(items)


@builtin("vals", "(vals dict)", "The values of a dict, in the order of their keys.",
         example="(vals {\"a\" 1}) ;=> (1)", cost="n",
         aliases=("dict-values", "hash-values", "hash-table-values"))  # fmt: skip
def vals(run: Run, value: Value) -> Value:
    items = value if value.__class__ is dict else dictionary("vals", value)
    run.meter.take(len(items), 8 * len(items))
    return list(items.values())


@builtin("values", "(values dict) or (values x ...)",
         "The values of a dict, in the order of their keys; of anything else the value itself, and of "
         "several values their list, which let-values and call-with-values take apart.",
         example="(list (values {\"a\" 1}) (values 1 2)) ;=> ((1) (1 2))", cost="n")  # fmt: skip
def values_(run: Run, *values: Value) -> Value:
    if len(values) == 1:
        only = values[0]
        return vals(run, only) if only is None or isinstance(only, dict) else only
    room(run, len(values))
    return list(values)


@builtin("entries", "(entries dict)", "A list of (key value), in order.",
         example="(entries {\"a\" 1}) ;=> ((\"a\" 1))", cost="n",
         aliases=("dict->list", "dict-entries", "dict-items", "dict-pairs"))  # fmt: skip
def entries(run: Run, value: Value) -> Value:
    items = value if value.__class__ is dict else dictionary("entries", value)
    run.meter.take(len(items), 80 * len(items))
    return [[key, item] for key, item in items.items()]


@builtin("has-key?", "(has-key? dict key)", "True when the dict has the key.",
         example="(has-key? {\"a\" nil} \"a\") ;=> #t", aliases=("dict-has?", "dict-has-key?",
                  "hash-has-key?", "dict-contains?", "hash-contains?", "hash-has?", "hash-key?",
                  "hash-exists?", "hash-table-contains?", "hash-table-exists?", "key?"))  # fmt: skip
def has_key(run: Run, value: Value, key: Value) -> Value:
    if value.__class__ is dict:
        if key.__class__ is str:
            return key in value
        if key.__class__ is Keyword or key.__class__ is Symbol:
            return key.name in value
    return has(dictionary("has-key?", value), key_of("has-key?", key))


@builtin("dict-size", "(dict-size dict)", "How many entries.", example="(dict-size {\"a\" 1}) ;=> 1",
         aliases=("dict-count", "dict-length", "hash-count", "hash-size", "hash-length", "hash-table-count",
                  "hash-table-size"))  # fmt: skip
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
    if not STRINGS.issuperset(map(type, keys)):
        keys = [text_key(run, "zipmap", key) for key, _ in zip(keys, items, strict=False)]
    fit_keys(keys)
    return dict(zip(keys, items, strict=False))
