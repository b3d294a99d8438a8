"""What hot code calls: the slow ways, errors and their places, arithmetic of floats. It compiles nothing."""

from __future__ import annotations

import math
import operator as op
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import BUILTINS, describe_type
from lisppump.lispy.builtins.check import room, walk
from lisppump.lispy.builtins.numbers import MANY, add, small_integers
from lisppump.lispy.builtins.versions import Version, newer, with_key
from lisppump.lispy.callfaults import blame, rename, too_deep
from lisppump.lispy.calls import (
    APPLY,
    TAIL,
    Builtin,
    Closure,
    Frame,
    invoke,
    jump,
    land,
    land_deeper,
    spread,
    spread_at,
)
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.formcode import caught_value, put_before, put_in, unheld
from lisppump.lispy.forms_basic import PLAIN, case_key
from lisppump.lispy.hottext import NOWHERE
from lisppump.lispy.names import UNBOUND, Cell
from lisppump.lispy.printer import display_text
from lisppump.lispy.seal import keep, mark, outer
from lisppump.lispy.tree import AGAIN
from lisppump.lispy.values import Keyword, Pair, Slice, Symbol, Value, elements, is_list, is_nil, is_true

CELLS = 32  # of a chain that are looked at at once

if TYPE_CHECKING:
    from lisppump.errors import Span
    from lisppump.lispy.heat import Heat
    from lisppump.lispy.run import Run


def names(run: Run, heat: Heat) -> dict[str, Any]:
    """The names that hot code knows, beside its own constants. There are no others."""
    return {
        "__builtins__": {},
        "type": type,
        "int": int,
        "float": float,
        "list": list,
        "str": str,
        "len": len,
        "min": min,
        "abs": abs,
        "round": round,
        "floor": math.floor,
        "ceil": math.ceil,
        "truncate": math.trunc,
        "sqrt": math.sqrt,
        "sin": math.sin,
        "cos": math.cos,
        "run": run,
        "TAIL": TAIL,
        "told": told,
        "Version": Version,
        "newer": newer,
        "with_key": with_key,
        "walk": walk,
        "make_room": room,
        "UNBOUND": UNBOUND,
        "AGAIN": AGAIN,
        "Closure": Closure,
        "Pair": Pair,
        "Slice": Slice,
        "Symbol": Symbol,
        "Keyword": Keyword,
        "dict": dict,
        "LispyError": LispyError,
        "invoke": invoke,
        "jump": jump,
        "ready": heat.ready,
        "other": heat.other,
        "other_entry": heat.other_entry,
        "iter": iter,
        "passed": passed,
        "land": land_deeper,
        "is_true": is_true,
        "deep": deep,
        "too_deep": too_deep,
        "sunk": sunk,
        "blame": blame,
        "applied": applied,
        "begun": begun,
        "backwards": backwards,
        "turned": turned,
        "k_empty": [],
        "listed": listed,
        "look": look,
        "looked": looked,
        "place": place,
        "unbound": unbound,
        "unset": unset,
        "set_global": set_global,
        "define_global": define_global,
        "case_of": case_of,
        "put_in": put_in,
        "put_before": put_before,
        "contained": contained,
        "failed": failed,
        "times_of": times_of,
        "caught": caught,
        "catchable": catchable,
        "keep": keep,
        "mark": mark,
        "again": again,
        "tail_apply": tail_apply,
        **ARITHMETIC,
    }


# -- calls


def cold(run: Run, closure: Closure) -> Callable[..., Value]:
    """A closure that is not hot as hot code calls it: it counts depth and steps, until it is hot."""
    template, tail = closure.template, closure.tail

    def enter(values: Frame, depth: int) -> Value:
        if template.factory is not None:
            return spread_at(run.heat.ready(closure), values, len(values), depth)
        if depth >= run.deepest:
            raise deep(run)
        run.depth = depth + 1
        meter = run.meter
        meter.steps += 1
        if meter.steps > meter.next_look:
            looked(meter)
        value = template.body(values + tail)
        if value is TAIL:
            value = land(run)
        return value

    count = template.arity + template.rest
    if count == 0:
        return lambda depth: enter([], depth)
    if count == 1:
        return lambda a, depth: enter([a], depth)
    if count == 2:
        return lambda a, b, depth: enter([a, b], depth)
    if count == 3:
        return lambda a, b, c, depth: enter([a, b, c], depth)
    if count == 4:
        return lambda a, b, c, d, depth: enter([a, b, c, d], depth)
    if count == 5:
        return lambda a, b, c, d, e, depth: enter([a, b, c, d, e], depth)
    return lambda a, b, c, d, e, f, depth: enter([a, b, c, d, e, f], depth)


def listed(run: Run, size: int) -> None:
    """A list of so many elements is about to be made."""
    if size > run.limits.elements:
        run.meter.container(size)
    run.meter.allocate(8 * size)


def tail_apply(run: Run, builtin: Builtin, span: Span | None, *values: Value) -> Value:
    """`apply` in tail position: a jump of its own, or the builtin."""
    if values[0].__class__ is Closure and is_list(values[-1]):
        arguments = elements(values[-1])
        run.meter.charge(APPLY + len(arguments))
        return jump(run, values[0], [*values[1:-1], *arguments], span)
    return builtin.function(run, *values)


def applied(run: Run, builtin: Builtin, front: list[Value], last: Value) -> Value:
    """`apply` of a builtin."""
    if last.__class__ is not list:
        return BUILTINS["apply"].function(run, builtin, *front, last)
    meter = run.meter
    meter.steps += APPLY + len(last)
    if meter.steps > meter.next_look:
        meter.look()
    given = front + last if front else last
    if builtin.function is add and run.depth < run.limits.depth:
        if len(given) < MANY:
            total = 0
            for value in given:
                if type(value) is not int or not -536_870_912 < value < 536_870_912:  # LARGE, at once
                    break
                total += value
            else:
                return total
        elif small_integers(given):
            meter.steps += len(given) >> 3
            if meter.steps > meter.next_look:
                meter.look()
            return sum(given)
    return spread(builtin.made or builtin.call, given, len(given))


def begun(value: Value) -> tuple[list[Value], int, int, Value]:
    """A list as an array, a place in it, its end, and what follows; of a chain some cells at a time."""
    kind = value.__class__
    if kind is Slice:
        return value.base, value.start, value.stop, None
    if kind is not Pair:
        return value or [], 0, len(value or ()), None
    found: list[Value] = []
    while value.__class__ is Pair and len(found) < CELLS:
        found.append(value.car)
        value = value.cdr
    return found, 0, len(found), value or None


def backwards(value: Value) -> list[Value]:
    """The elements of a list from its end, as an array to add to."""
    return elements(value)[::-1]


def turned(run: Run, items: list[Value]) -> list[Value]:
    """The reverse of what is read backwards."""
    run.meter.charge(len(items))
    listed(run, len(items))
    return items


# -- errors


def deep(run: Run) -> LimitError:
    """The error of a call that is nested too deep, raised by what is called and shown where that stands."""
    error = too_deep(run)
    error.fresh = True
    return error


def sunk(run: Run) -> None:
    """The call that comes now is nested too deep."""
    raise too_deep(run)


def look(meter: Any) -> None:
    """Look at the limit and the clock."""
    meter.look()


def looked(meter: Any) -> None:
    """The same at the entrance of a procedure."""
    try:
        meter.look()
    except LispyError as error:
        error.fresh = True
        raise


def told(meter: Any, steps: int, size: int | None = None) -> None:
    """What a loop has counted by itself."""
    meter.steps = steps
    if size is not None:
        meter.allocated = size


def place(error: LispyError, places: list[Any], called: Any) -> None:
    """Give an error that passes the place that it passes, by the line of the hot code."""
    trace = error.__traceback__
    span, builtin, of, via = NOWHERE if trace is None else places[trace.tb_lineno - 1]
    if error.fresh:
        error.fresh = False
    else:
        if builtin is not None:
            rename(error, builtin.spec, builtin.name)
        if of is True:
            of = called.template.name if called.__class__ is Closure else None
        blame(error, span, of)
    for around, name in via:  # calls that it passes, whose place the bodies took
        blame(error, around, name)


def passed(error: LispyError, places: list[Any], called: Any, name: str) -> None:
    """The same for a procedure of this name that is called for many values in turn."""
    trace = error.__traceback__
    if trace is not None and places[trace.tb_lineno - 1][2] is False:
        return  # it arose before or behind a call
    place(error, places, called)
    blame(error, None, name)


def unbound(word: str, span: Span | None) -> Value:
    """A variable that is read too early."""
    raise LispyError("unbound", f"{word} is used before it has a value", span=span)


def unset(word: str, span: Span | None) -> None:
    """A variable that is changed too early."""
    raise LispyError("unbound", f"{word} is set before it has a value", span=span)


def catchable(error: LispyError) -> LispyError:
    """An error that `try` may have."""
    if isinstance(error, LimitError):
        error.fresh = True  # it has its place already
        raise error
    return error


def caught(run: Run, error: LispyError) -> Value:
    """What a handler sees of an error."""
    run.meter.allocate(512)
    return caught_value(error)


def again(error: LispyError) -> LispyError:
    """An error that its handler does not want: it goes on."""
    error.fresh = True
    return error


# -- forms


def set_global(run: Run, cell: Cell, value: Value, span: Span | None) -> Value:
    """Change a global name that has a value."""
    if cell.value is UNBOUND:
        raise LispyError(
            "unbound",
            f"{cell.name} cannot be set: it has no value",
            span=span,
            help=f"(define {cell.name} ...) makes it",
        )
    if run.sealed:
        raise outer(cell.name, span)
    cell.value = value
    return value


def define_global(run: Run, cell: Cell, value: Value) -> Value:
    """Give a global name a value."""
    cell.value = value
    return value


def case_of(run: Run, table: dict[Any, int], others: list[tuple[Value, int]], value: Value) -> int:
    """Which body of a case is meant; -1 is none."""
    if value.__class__ in PLAIN or is_nil(value):
        found = table.get(case_key(value), -1)
        if value.__class__ is str and found >= 0:
            run.meter.charge(len(value) >> 10)
        return found
    equal = BUILTINS["equal?"].function
    for other, place_ in others:
        if equal(run, other, value):
            return place_
    return -1


def contained(run: Run, made: list[Value]) -> None:
    """A list that was made is charged for."""
    run.meter.container(len(made))


def failed(run: Run, text: str | None, message: Value, span: Span | None) -> None:
    """An assertion that does not hold."""
    if text is not None:
        raise unheld(text, span)
    raise LispyError("assertion", display_text(run, message), span=span)


def times_of(times: Value, span: Span | None) -> int:
    """How often a dotimes turns."""
    if times.__class__ is float and times == times // 1:
        return int(times)
    if times.__class__ is not int:
        raise LispyError("wrong-type", f"a count is wanted here, got {describe_type(times)}", span=span)
    return times


# -- arithmetic of what is not known to be small integers


WIDE = 1 << 512  # what is within costs nothing


def _sum(run: Run, left: Value, right: Value) -> Value:
    kind = left.__class__
    if kind is right.__class__:
        if kind is int and -WIDE < (result := left + right) < WIDE:
            return result
        # A sum that is zero is left to the builtin: its sign depends on where the sum begins.
        if kind is float and (result := left + right) and result - result == 0.0:
            return result
    return BUILTINS["+"].function(run, left, right)


def _difference(run: Run, left: Value, right: Value) -> Value:
    kind = left.__class__
    if kind is right.__class__:
        if kind is int and -WIDE < (result := left - right) < WIDE:
            return result
        if kind is float and (result := left - right) - result == 0.0:
            return result
    return BUILTINS["-"].function(run, left, right)


def _product(run: Run, left: Value, right: Value) -> Value:
    kind = left.__class__
    if kind is right.__class__:
        if kind is int and -WIDE < (result := left * right) < WIDE:
            return result
        if kind is float and (result := left * right) - result == 0.0:
            return result
    return BUILTINS["*"].function(run, left, right)


def _order(word: str, operation: Callable[[Any, Any], bool]) -> Callable[[Run, Value, Value], Value]:
    def order(run: Run, left: Value, right: Value) -> Value:
        kind = left.__class__
        if kind is right.__class__ and (kind is int or kind is float):
            return operation(left, right)
        return BUILTINS[word].function(run, left, right)

    return order


ARITHMETIC: dict[str, Any] = {
    "do_add": _sum,
    "do_sub": _difference,
    "do_mul": _product,
    "do_lt": _order("<", op.lt),
    "do_gt": _order(">", op.gt),
    "do_le": _order("<=", op.le),
    "do_ge": _order(">=", op.ge),
    "do_eq": _order("=", op.eq),
}
