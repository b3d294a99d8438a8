"""Procedures over lists: map, filter, reduce and their kin; every callback is called from a plain loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin, describe_type
from lisppump.lispy.builtins.calling import (
    builtin_results,
    entry_calls,
    fold,
    number_results,
    procedure_and_list,
    results_at_once,
    row_call,
    row_results,
    rows,
)  # fmt: skip
from lisppump.lispy.builtins.check import call, flat, is_number, proper, room, text_key, walk, window, wrong
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.searching import find_equal
from lisppump.lispy.builtins.versions import LONGEST_KEY, fit_keys, long_key
from lisppump.lispy.calls import Builtin
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Procedure, Value, is_list, is_true, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

EACH = "n, and the calls"
STRINGS = frozenset((str,))
ORDER = "fold calls f with the element first, then what is there so far; reduce the other way round"


@builtin("map", "(map f list ...)",
         "The results of f for each element, or for the elements of several lists; over a dict f gets key "
         "and value.", example="(map + '(1 2) '(10 20)) ;=> (11 22)", cost=EACH,
         aliases=("mapcar", "mapv", "vector-map", "map-over", "zip-with"))  # fmt: skip
def map_(run: Run, first: Value, second: Value, *others: Value) -> Value:
    if not others:
        if not isinstance(first, Procedure):
            first, second = procedure_and_list("map", first, second)
        if second.__class__ is not list and isinstance(second, dict):
            room(run, len(second))
            return [result for _, _, result in entry_calls(run, "map", first, second)]
        items = walk(run, "map", second, 2)
        room(run, len(items))
        results = results_at_once(run, first, items)
        if results is None:
            function = run.function(first, 1)
            return [function(item) for item in items]
        return results
    if len(others) == 1 and first.__class__ is Builtin:
        results = number_results(run, first, second, others[0])
        if results is not None:
            return results
    function = row_call(run, "map", first, 1 + len(others))
    turns = rows(run, "map", (second, *others))
    room(run, len(turns))
    if first.__class__ is Builtin:
        results = row_results(run, first, turns, 1 + len(others))
        if results is not None:
            return results
    if len(others) == 1:
        direct = run.function(first, 2)
        return [direct(one, other) for one, other in turns]
    return [function(row) for row in turns]


@builtin("for-each", "(for-each f list ...)", "Calls f for each element; gives nil.",
         example="(for-each display '(1 2)) ;=> nil", cost=EACH, aliases=("vector-for-each", "foreach",
                  "mapc", "run!"))  # fmt: skip
def for_each(run: Run, first: Value, second: Value, *others: Value) -> Value:
    if not others:
        if not isinstance(first, Procedure):
            first, second = procedure_and_list("for-each", first, second)
        if second.__class__ is not list and isinstance(second, dict):
            entry_calls(run, "for-each", first, second)
            return None
        items = walk(run, "for-each", second, 2)
        if run.heat.each(first, items) is None:
            function = run.function(first, 1)
            for item in items:
                function(item)
        return None
    function = row_call(run, "for-each", first, 1 + len(others))
    for row in rows(run, "for-each", (second, *others)):
        function(row)
    return None


@builtin("filter", "(filter f list)", "The elements for which f is true; of a dict the entries, as a dict.",
         example="(filter even? '(1 2 3 4)) ;=> (2 4)", cost=EACH,
         aliases=("keep-if", "filterv", "remove-if-not", "cl-remove-if-not", "vector-filter"))  # fmt: skip
def filter_(run: Run, first: Value, second: Value) -> Value:
    if not isinstance(first, Procedure):
        first, second = procedure_and_list("filter", first, second)
    if second.__class__ is not list and isinstance(second, dict):
        room(run, len(second))
        return {key: value for key, value, kept in entry_calls(run, "filter", first, second) if is_true(kept)}
    items = walk(run, "filter", second, 2)
    out = run.heat.each(first, items, "filter")
    if out is not None:
        room(run, len(out))
        return out
    results = builtin_results(run, first, items) if first.__class__ is Builtin else None
    if results is None:
        function = run.function(first, 1)
        out = [
            item
            for item in items
            if (kept := function(item)) is True or (kept is not False and is_true(kept))
        ]
    else:
        out = [
            item
            for item, kept in zip(items, results, strict=True)
            if kept is True or (kept is not False and is_true(kept))
        ]
    room(run, len(out))
    return out


@builtin("remove", "(remove f list)", "The elements for which f is false; or those not equal? to a value.",
         example="(remove even? '(1 2 3 4)) ;=> (1 3)", cost=EACH,
         aliases=("reject", "delete", "remq", "remv", "delq", "remove-if", "cl-remove-if", "delete-if",
                  "filter-not"))  # fmt: skip
def remove(run: Run, first: Value, second: Value) -> Value:
    if isinstance(first, Procedure) or isinstance(second, Procedure):
        first, second = procedure_and_list("remove", first, second)
        function = call(run, "remove", first, count=1)
        out = [
            item
            for item in walk(run, "remove", second, 2)
            if (gone := function(item)) is False or (gone is not True and not is_true(gone))
        ]
    else:
        if not is_list(second):
            raise wrong("remove", "a list", second, 2)
        out = [item for item in walk(run, "remove", second, 2) if not same(run, first, item)]
    room(run, len(out))
    return out


@builtin("reduce", "(reduce f [init] list)",
         "Puts a list together from the left: f gets what is there so far and the next element. Without "
         "init the " "first element starts, and an empty list is an error.",
         example="(reduce + 0 '(1 2 3)) ;=> 6", cost=EACH, aliases=("fold-left", "reduce-left"))  # fmt: skip
def reduce(run: Run, procedure: Value, first: Value, *others: Value) -> Value:
    if not isinstance(procedure, Procedure):
        raise wrong("reduce", "a procedure", procedure, 1)
    if len(others) > 1:
        raise LispyError("wrong-arity", "reduce wants a procedure, a start and one list")
    if others:
        return fold(run, procedure, first, _foldable(run, "reduce", others[0], first))
    items = walk(run, "reduce", first, 2)
    if not items:
        raise LispyError(
            "bad-value", "reduce of an empty list has no answer without a start", help="(reduce f init list)"
        )
    return fold(run, procedure, items[0], items[1:])


def _foldable(run: Run, name: str, value: Value, start: Value) -> list[Value]:
    """The elements of the last argument; a list where the start belongs is an error that says the order."""
    if is_list(value):
        return walk(run, name, value, 3)
    if isinstance(value, dict):
        run.meter.charge(len(value))
        return [[key, item] for key, item in value.items()]
    help = f"the order is ({name} f start list)" if is_list(start) else None
    raise wrong(name, "a list", value, 3, help)


@builtin("fold", "(fold f init list)",
         "Like reduce, but f gets the element first, then what is there so far.",
         example="(fold cons '() '(1 2 3)) ;=> (3 2 1)", cost=EACH, aliases=("foldl",))  # fmt: skip
def fold_(run: Run, procedure: Value, total: Value, value: Value) -> Value:
    function = call(run, "fold", procedure, count=2)
    items = _foldable(run, "fold", value, total)
    try:
        folded = run.heat.fold(procedure, total, items, "fold-back")
        if folded is not None:
            return folded[0]
        for item in items:
            total = function(item, total)
    except LispyError as error:
        if error.category == "type" and ORDER not in getattr(error, "__notes__", ()):
            error.add_note(ORDER)
        raise
    return total


@builtin("fold-right", "(fold-right f init list)",
         "From the right; f gets the element, then what is there so far.",
         example="(fold-right cons '() '(1 2 3)) ;=> (1 2 3)", cost=EACH,
         aliases=("foldr", "reduce-right"))  # fmt: skip
def fold_right(run: Run, procedure: Value, total: Value, value: Value) -> Value:
    function = call(run, "fold-right", procedure, count=2)
    items = _foldable(run, "fold-right", value, total)[::-1]
    folded = run.heat.fold(procedure, total, items, "fold-back")
    if folded is not None:
        return folded[0]
    for item in items:
        total = function(item, total)
    return total


@builtin("flat-map", "(flat-map f list)", "The lists that f gives for each element, as one list.",
         example="(flat-map (lambda (x) (list x x)) '(1 2)) ;=> (1 1 2 2)", cost="n, the calls, the results",
         aliases=("append-map", "mapcat", "flatmap", "concat-map", "mapcan"))  # fmt: skip
def flat_map(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("flat-map", first, second)
    function = call(run, "flat-map", first, count=1)
    out: list[Value] = []
    for item in walk(run, "flat-map", second, 2):
        part = function(item)
        if part.__class__ is not list and not is_list(part):
            raise LispyError(
                "wrong-type", f"flat-map wants a procedure that gives lists, got {describe_type(part)}"
            )
        out += walk(run, "flat-map", part)
        if len(out) > run.limits.elements:
            run.meter.container(len(out))
    room(run, len(out))
    return out


@builtin("filter-map", "(filter-map f list)", "The results of f that are true.", cost=EACH, aliases=("keep",),
         example="(filter-map string->number '(\"1\" \"x\" \"3\")) ;=> (1 3)")  # fmt: skip
def filter_map(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("filter-map", first, second)
    function = call(run, "filter-map", first, count=1)
    results = [function(item) for item in walk(run, "filter-map", second, 2)]
    room(run, len(results))
    return [result for result in results if is_true(result)]


@builtin("map-indexed", "(map-indexed f list)", "The results of f for each position and element.", cost=EACH,
         example="(map-indexed list '(a b)) ;=> ((0 a) (1 b))", aliases=("enumerate-map",))  # fmt: skip
def map_indexed(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("map-indexed", first, second)
    function = call(run, "map-indexed", first, count=2)
    items = walk(run, "map-indexed", second, 2)
    room(run, len(items))
    return [function(position, item) for position, item in enumerate(items)]


def _turns(
    run: Run, name: str, first: Value, second: Value, others: tuple[Value, ...]
) -> tuple[Callable[..., Value], Sequence[Value]]:
    """A function, and what it is to be called with in turn: elements, or the rows of several lists."""
    if others:
        function = row_call(run, name, first, 1 + len(others))
        return function, rows(run, name, (second, *others))
    first, second = procedure_and_list(name, first, second)
    return call(run, name, first, count=1), walk(run, name, second, 2)


@builtin("any", "(any f list ...)", "The first true result of f, or #f.", example="(any even? '(1 2)) ;=> #t",
         cost=EACH, aliases=("any?", "some", "ormap", "exists?", "vector-any", "list-any"))  # fmt: skip
def any_(run: Run, first: Value, second: Value, *others: Value) -> Value:
    function, turns = _turns(run, "any", first, second, others)
    for turn in turns:
        result = function(turn)
        if result is True or (result is not False and is_true(result)):
            return result
    return False


@builtin("every", "(every f list ...)",
         "The last result of f if all are true, #t of nothing, else #f.",
         example="(every odd? '(1 3)) ;=> #t", cost=EACH,
         aliases=("every?", "all?", "all", "andmap", "vector-every", "for-all"))  # fmt: skip
def every(run: Run, first: Value, second: Value, *others: Value) -> Value:
    function, turns = _turns(run, "every", first, second, others)
    result: Value = True
    for turn in turns:
        result = function(turn)
        if result is False or (result is not True and not is_true(result)):
            return False
    return result


@builtin("find", "(find f list)", "The first element for which f is true, or nil.",
         example="(find even? '(1 2 3)) ;=> 2", cost=EACH,
         aliases=("find-first", "find-if", "cl-find-if", "findf"))  # fmt: skip
def find(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("find", first, second)
    function = call(run, "find", first, count=1)
    for item in walk(run, "find", second, 2):
        found = function(item)
        if found is True or (found is not False and is_true(found)):
            return item
    return None


@builtin("find-index", "(find-index f list)", "The position of the first element for which f is true, or #f.",
         example="(find-index even? '(1 2 3)) ;=> 1", cost=EACH, aliases=("list-index", "vector-index",
                  "position-if"))  # fmt: skip
def find_index(run: Run, first: Value, second: Value) -> Value:
    if not isinstance(first, Procedure) and not isinstance(second, Procedure) and is_list(second):
        position = find_equal(run, first, second)
        return False if position < 0 else position
    first, second = procedure_and_list("find-index", first, second)
    function = call(run, "find-index", first, count=1)
    for position, item in enumerate(walk(run, "find-index", second, 2)):
        if is_true(function(item)):
            return position
    return False


@builtin("count", "(count f list)",
         "How many elements f is true for, or are equal? to a value; of a list alone its "
         "length; of a text " "in a text " "how often it stands there.",
         example="(count even? '(1 2 4)) ;=> 2", cost=EACH, aliases=("count-if", "vector-count"))  # fmt: skip
def count_(run: Run, first: Value, *others: Value) -> Value:
    if not others:
        if is_list(first):
            return length(first)
        if isinstance(first, dict):
            return len(first)
        raise wrong("count", "a list", first, 1)
    if len(others) > 1:
        raise LispyError(
            "wrong-arity", f"count wants a procedure and a list, got {1 + len(others)} arguments"
        )
    second = others[0]
    if isinstance(first, Procedure) or isinstance(second, Procedure):
        first, second = procedure_and_list("count", first, second)
        function = call(run, "count", first, count=1)
        items = walk(run, "count", second, 2)
        return len([
            item
            for item in items
            if (kept := function(item)) is True or (kept is not False and is_true(kept))
        ])  # fmt: skip
    if is_list(first) and is_list(second):
        raise LispyError("ambiguous", "count got two lists: either could be the one that is searched",
                         help="(count (lambda (x) (equal? x item)) list) says which")  # fmt: skip
    if is_list(first):
        first, second = second, first
    if not is_list(second):
        raise wrong("count", "a list", second, 2)
    return len([item for item in walk(run, "count", second, 2) if same(run, first, item)])


@builtin("partition", "(partition f list)", "Two lists: the elements for which f is true, and the others.",
         example="(partition even? '(1 2 3 4)) ;=> ((2 4) (1 3))", cost=EACH)  # fmt: skip
def partition(run: Run, first: Value, second: Value) -> Value:
    if is_number(first) or is_number(second):
        raise wrong("partition", "a procedure", first if is_number(first) else second,
                    help="(chunk n list) puts a list into lists of n")  # fmt: skip
    first, second = procedure_and_list("partition", first, second)
    function = call(run, "partition", first, count=1)
    items = walk(run, "partition", second, 2)
    room(run, len(items))
    chosen: list[Value] = []
    others: list[Value] = []
    for item in items:
        (chosen if is_true(function(item)) else others).append(item)
    return [chosen, others]


@builtin("group-by", "(group-by f list)",
         "A dict from each result of f, as text, to the elements that gave it.",
         example="(group-by even? '(1 2 3)) ;=> {\"#f\" (1 3) \"#t\" (2)}", cost=EACH)  # fmt: skip
def group_by(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("group-by", first, second)
    function = call(run, "group-by", first, count=1)
    items = walk(run, "group-by", second, 2)
    room(run, len(items))
    groups: dict[str, list[Value]] = {}
    for item in items:
        key = function(item)
        if key.__class__ is not str:
            key = text_key(run, "group-by", key)
        group = groups.get(key)
        if group is None:
            if len(key) > LONGEST_KEY:
                raise long_key(key)
            run.meter.allocate(160)
            groups[key] = [item]
        else:
            group.append(item)
    return groups


@builtin("index-by", "(index-by f list)",
         "A dict from each result of f, as text, to the last element that gave it.",
         example="(get-in (index-by car '((a 1) (b 2))) (list \"b\" 1)) ;=> 2", cost=EACH)  # fmt: skip
def index_by(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("index-by", first, second)
    function = call(run, "index-by", first, count=1)
    items = walk(run, "index-by", second, 2)
    room(run, len(items))
    run.meter.allocate(96 * len(items))
    keys = [
        key if (key := function(item)).__class__ is str else text_key(run, "index-by", key) for item in items
    ]
    fit_keys(keys)
    return dict(zip(keys, items, strict=True))


@builtin("frequencies", "(frequencies list)",
         "A dict from each element, as text, to how often it is there.",
         example="(frequencies '(\"a\" \"b\" \"a\")) ;=> {\"a\" 2 \"b\" 1}", cost="n",
         aliases=("tally-by-value",))  # fmt: skip
def frequencies(run: Run, value: Value) -> Value:
    items = walk(run, "frequencies", value)
    counts: dict[str, int] = {}
    if STRINGS.issuperset(map(type, items)):
        fit_keys(items)
        counts.update(Counter(items))
    else:
        for item in items:
            key = item if item.__class__ is str else text_key(run, "frequencies", item)
            if len(key) > LONGEST_KEY:
                raise long_key(key)
            counts[key] = counts.get(key, 0) + 1
    run.meter.allocate(100 * len(counts))
    return counts


def _prefix(run: Run, name: str, first: Value, second: Value) -> tuple[list[Value], int, int, int]:
    """The list as an array, and where the elements end for which the procedure is true from the start."""
    first, second = procedure_and_list(name, first, second)
    function = call(run, name, first, count=1)
    base, start, stop = flat(proper(name, second, 2))
    meter = run.meter
    position = start
    while position < stop:
        meter.steps += 1
        if meter.steps > meter.next_look:
            meter.look()
        kept = function(base[position])
        if kept is False or (kept is not True and not is_true(kept)):
            break
        position += 1
    return base, start, position, stop


@builtin("take-while", "(take-while f list)", "The elements before the first for which f is false.",
         example="(take-while odd? '(1 3 4 5)) ;=> (1 3)", cost=EACH)  # fmt: skip
def take_while(run: Run, first: Value, second: Value) -> Value:
    base, start, position, _ = _prefix(run, "take-while", first, second)
    return window(base, start, position)


@builtin("drop-while", "(drop-while f list)", "The list from the first element for which f is false.",
         example="(drop-while odd? '(1 3 4 5)) ;=> (4 5)", cost=EACH)  # fmt: skip
def drop_while(run: Run, first: Value, second: Value) -> Value:
    base, _, position, stop = _prefix(run, "drop-while", first, second)
    return window(base, position, stop)
