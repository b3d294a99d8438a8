"""What calls procedures over lists and dicts: element by element, row by row, from the left."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins.check import accepts, call, flat, proper, room, wrong
from lisppump.lispy.builtins.compare import NUMBERS
from lisppump.lispy.builtins.numbers import (
    FLOATS,
    HALF,
    add,
    largest,
    multiply,
    small_integers,
    smallest,
    subtract,
)  # fmt: skip
from lisppump.lispy.callfaults import rename
from lisppump.lispy.calls import Builtin, Closure
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Procedure, Value, length

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

LISTS = frozenset((list,))
FOLDING = frozenset((add, largest, smallest))
OPERATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    add: operator.add, subtract: operator.sub, multiply: operator.mul,
}  # fmt: skip


def procedure_and_list(name: str, first: Value, second: Value) -> tuple[Value, Value]:
    """A procedure and a list, given in any order."""
    if isinstance(first, Procedure):
        return first, second
    if isinstance(second, Procedure):
        return second, first
    raise wrong(name, "a procedure", first, 1)


def once(run: Run, procedure: Procedure, value: Value) -> Value:
    """What a procedure gives for a value; to call it more often, get its function."""
    if procedure.__class__ is Builtin:
        return procedure.call(value)
    if procedure.__class__ is Closure and (entry := procedure.template.entry) and procedure.arity == 1:
        return entry(procedure, *procedure.tail[: procedure.template.free])(value)
    hot = run.heat.once(procedure, value)
    return run.apply(procedure, [value]) if hot is None else hot(value)


def entry_calls(
    run: Run, name: str, procedure: Value, items: dict[str, Value]
) -> list[tuple[str, Value, Value]]:
    """(key, value, result) of a procedure called with each entry of a dict.

    Two arguments are key and value; a procedure of one argument gets the pair as a list.
    """
    pairs = isinstance(procedure, Procedure) and accepts(procedure, 2)
    function = call(run, name, procedure, count=2 if pairs else 1)
    run.meter.charge(len(items))
    if pairs:
        return [(key, value, function(key, value)) for key, value in list(items.items())]
    return [(key, value, function([key, value])) for key, value in list(items.items())]


def rows(run: Run, name: str, lists: tuple[Value, ...]) -> list[tuple[Value, ...]]:
    """The arguments of each call over several lists, as far as the shortest goes."""
    if LISTS.issuperset(map(type, lists)):
        shortest = min(map(len, lists))
        run.meter.charge(shortest * len(lists))
        return list(zip(*lists, strict=False))
    shortest = min(length(proper(name, value, place)) for place, value in enumerate(lists, 2))
    run.meter.charge(shortest * len(lists))
    parts = []
    for value in lists:
        base, start, _ = flat(value)
        parts.append(base[start : start + shortest])
    return list(zip(*parts, strict=True))


def row_call(run: Run, name: str, procedure: Value, count: int) -> Callable[[Sequence[Value]], Value]:
    """What calls a procedure with the values of a row; spreading them would deepen the C stack."""
    function = call(run, name, procedure, count=count)
    if count == 1:
        return lambda row: function(row[0])
    if count == 2:
        return lambda row: function(row[0], row[1])
    if count == 3:
        return lambda row: function(row[0], row[1], row[2])
    return lambda row: run.apply(procedure, [*row])


def builtin_results(run: Run, procedure: Builtin, items: list[Any]) -> list[Value] | None:
    """The results of a builtin for each element, without a detour; None where it has to be taken."""
    if not accepts(procedure, 1) or run.depth >= run.limits.depth:
        return None
    function = procedure.function
    run.depth += 1
    try:
        results = [function(run, item) for item in items]
    except LispyError as error:
        rename(error, procedure.spec, procedure.name)
        raise
    run.depth -= 1
    return results


def number_results(run: Run, procedure: Builtin, first: Value, second: Value) -> list[Value] | None:
    """The results of arithmetic for two arrays of small integers or of floats; None of anything else."""
    operation = OPERATIONS.get(procedure.function)
    if operation is None or first.__class__ is not list or second.__class__ is not list:
        return None
    if run.depth >= run.limits.depth:
        return None
    whole = small_integers(first) and small_integers(second)
    if not whole and (operation is operator.add or not FLOATS.issuperset(map(type, [*first, *second]))):
        return None  # a sum of floats begins with 0, which is a matter of its sign
    results = list(map(operation, first, second))
    if not whole and (total := sum(results)) - total != 0.0:
        return None
    run.meter.charge(2 * len(results))
    room(run, len(results))
    return results


def row_results(
    run: Run, procedure: Builtin, turns: list[tuple[Value, ...]], count: int
) -> list[Value] | None:
    """The results of a builtin for the elements of several lists, likewise."""
    if not accepts(procedure, count) or run.depth >= run.limits.depth:
        return None
    function: Any = procedure.function
    run.depth += 1
    try:
        if count == 2:
            results = [function(run, first, second) for first, second in turns]
        else:
            results = [function(run, *row) for row in turns]
    except LispyError as error:
        rename(error, procedure.spec, procedure.name)
        raise
    run.depth -= 1
    return results


def results_at_once(run: Run, procedure: Procedure, items: list[Any]) -> list[Value] | None:
    """The results of a procedure for each element, where it has a way to do them all; else None."""
    if procedure.__class__ is Builtin:
        return builtin_results(run, procedure, items)
    return run.heat.each(procedure, items)  # type: ignore[no-any-return]


def fold(run: Run, procedure: Procedure, total: Value, items: list[Value]) -> Value:
    """From the left; the procedure gets the total first."""
    if procedure.__class__ is Builtin and items and run.depth < run.limits.depth:
        found = fold_numbers(procedure.function, total, items)
        if found is not None:
            return found
    folded = run.heat.fold(procedure, total, items, "fold")
    if folded is not None:
        return folded[0]
    function = run.function(procedure, 2)
    for item in items:
        total = function(total, item)
    return total


def fold_numbers(function: Callable[..., Value], total: Any, items: list[Any]) -> Any:
    """Numbers put together by a builtin that takes no steps for them; None where it might, or may not."""
    if function not in FOLDING or total.__class__ not in NUMBERS:
        return None
    if function is add and total.__class__ is int and -HALF < total < HALF and small_integers(items):
        return sum(items, total)
    if not NUMBERS.issuperset(map(type, items)):
        return None
    if function is not add:
        best = max(items) if function is largest else min(items)
        return best if (best > total if function is largest else best < total) else total
    if not (-HALF < min(items) <= max(items) < HALF and -HALF < total < HALF):
        return None
    total = 0 + total  # as the builtin begins
    for item in items:
        total += item
    return total if total - total == 0 else None
