"""What hot code calls: the slow ways, errors and their places, arithmetic of floats. It compiles nothing."""

from __future__ import annotations

import operator as op
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import BUILTINS, describe_type
from lisppump.lispy.builtins.check import CELL
from lisppump.lispy.calls import (
    TAIL,
    Builtin,
    Closure,
    Frame,
    blame,
    invoke,
    jump,
    land,
    land_deeper,
    rename,
    too_deep,
)
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.formcode import caught_value, put_before, put_in, unheld
from lisppump.lispy.forms_basic import PLAIN, case_key
from lisppump.lispy.names import UNBOUND, Cell
from lisppump.lispy.printer import display_text
from lisppump.lispy.seal import keep, mark, outer
from lisppump.lispy.tree import AGAIN
from lisppump.lispy.values import Pair, Value, elements, is_list, is_nil, is_true

if TYPE_CHECKING:
    from lisppump.errors import Span
    from lisppump.lispy.hot import Heat
    from lisppump.lispy.run import Run


def names(run: Run, heat: Heat) -> dict[str, Any]:
    """The names that hot code knows, beside its own constants. There are no others."""
    return {
        "__builtins__": {},
        "type": type,
        "int": int,
        "float": float,
        "list": list,
        "run": run,
        "TAIL": TAIL,
        "UNBOUND": UNBOUND,
        "AGAIN": AGAIN,
        "Closure": Closure,
        "Pair": Pair,
        "dict": dict,
        "LispyError": LispyError,
        "invoke": invoke,
        "jump": jump,
        "ready": heat.ready,
        "other": heat.other,
        "land": land_deeper,
        "is_true": is_true,
        "deep": deep,
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
    """A closure that is not hot as hot code calls it: it counts depth and steps itself."""
    template, tail = closure.template, closure.tail

    def enter(frame: Frame) -> Value:
        depth = run.depth
        if depth >= run.deepest:
            raise deep(run)
        run.depth = depth + 1
        meter = run.meter
        meter.steps += 1
        if meter.steps > meter.next_look:
            looked(meter)
        value = template.body(frame)
        if value is TAIL:
            value = land(run)
        run.depth = depth
        return value

    return (
        lambda: enter([*tail]),
        lambda a: enter([a, *tail]),
        lambda a, b: enter([a, b, *tail]),
        lambda a, b, c: enter([a, b, c, *tail]),
        lambda a, b, c, d: enter([a, b, c, d, *tail]),
        lambda a, b, c, d, e: enter([a, b, c, d, e, *tail]),
        lambda a, b, c, d, e, f: enter([a, b, c, d, e, f, *tail]),
    )[template.arity]


def tail_apply(run: Run, builtin: Builtin, span: Span | None, *values: Value) -> Value:
    """`apply` in tail position: a jump of its own, or the builtin."""
    if values[0].__class__ is Closure and is_list(values[-1]):
        arguments = elements(values[-1])
        run.meter.charge(len(arguments))
        return jump(run, values[0], [*values[1:-1], *arguments], span)
    return builtin.function(run, *values)


# -- errors


def deep(run: Run) -> LimitError:
    """The error of a call that is nested too deep, raised by what is called and shown where that stands."""
    error = too_deep(run)
    error.fresh = True
    return error


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


def place(error: LispyError, places: list[Any], called: Any) -> None:
    """Give an error that passes the place that it passes, by the line of the hot code."""
    if error.fresh:
        error.fresh = False
        return
    trace = error.__traceback__
    if trace is None:
        return
    span, builtin, closure = places[trace.tb_lineno - 1]
    if builtin is not None:
        rename(error, builtin.spec, builtin.name)
    blame(error, span, called.template.name if closure and called.__class__ is Closure else None)


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
        return table.get(case_key(value), -1)
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


def _cons(run: Run, head: Value, tail: Value) -> Value:
    if tail.__class__ is Pair and 0 <= tail.size < run.limits.elements:
        meter = run.meter
        meter.allocated += CELL
        if meter.allocated > meter.limits.allocation:
            meter.allocate(0)
        return Pair(head, tail, tail.size + 1)
    return BUILTINS["cons"].function(run, head, tail)


ARITHMETIC: dict[str, Any] = {
    "do_cons": _cons,
    "do_add": _sum,
    "do_sub": _difference,
    "do_mul": _product,
    "do_lt": _order("<", op.lt),
    "do_gt": _order(">", op.gt),
    "do_le": _order("<=", op.le),
    "do_ge": _order(">=", op.ge),
    "do_eq": _order("=", op.eq),
}
