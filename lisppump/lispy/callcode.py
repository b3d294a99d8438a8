"""Code for calls: of closures, of builtins nobody rebound, in and out of tail position, and for jumps."""

from __future__ import annotations

import operator as op
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lisppump.errors import Span
from lisppump.lispy.callfaults import blame, rename, too_deep
from lisppump.lispy.calls import APPLY, TAIL, Builtin, Closure, Code, Frame, invoke, jump, land
from lisppump.lispy.errors import LispyError
from lisppump.lispy.names import Cell
from lisppump.lispy.run import Run
from lisppump.lispy.tree import Call, Const, Global, Label
from lisppump.lispy.values import Value, elements, is_list

if TYPE_CHECKING:
    from lisppump.lispy.compiler import Generator

SMALL = 1 << 62  # integers within cost nothing; every other result is left to the builtin
Again = Callable[[Run, Value, list[Value], Span | None], Value]  # calls what a name has got meanwhile


def compile_call(generator: Generator, tree: Call) -> Code:
    """The code of a call, or of a jump."""
    if tree.label is not None:
        return _jump(generator, tree, tree.label)
    if isinstance(tree.operator, Global):
        cell = tree.operator.cell
        original = cell.builtin
        if isinstance(original, Builtin) and cell.value is original:
            return _known_call(generator, tree, cell, original)
    operands = generator.codes(tree.operands)
    target = generator.code(tree.operator)
    make = _tail_call if tree.tail else _call
    return make(generator.run, target, operands, tree.span)


def _known_call(generator: Generator, tree: Call, cell: Cell, original: Builtin) -> Code:
    """A call of a builtin, as long as nobody rebinds its name."""
    run, span = generator.run, tree.span
    count = len(tree.operands)
    again: Again = jump if tree.tail else invoke
    fits = original.low <= count and (original.high is None or count <= original.high)
    if tree.tail and count > 1 and original.spec.name == "apply":
        return _tail_apply(run, cell, original, generator.codes(tree.operands), span)
    if count > 3 and fits and all([operand.__class__ is Const for operand in tree.operands]):
        return _constant(run, cell, original, tree, again)
    if fits and count == 2 and original.name in _ARITHMETIC:
        return _arithmetic(generator, tree, cell, original, again)
    operands = generator.codes(tree.operands)
    if not fits:
        return _anything(run, cell, operands, span, again)
    return _builtin(run, cell, original, operands, span, again)


def _jump(generator: Generator, tree: Call, label: Label) -> Code:
    """The code that sets a loop's variables and has it turn again."""
    marker = generator.labels[label]
    places = [generator.place(variable) for variable in label.parameters]
    operands = generator.codes(tree.operands)
    if len(places) == 1:
        place, only = places[0], operands[0]

        def one(frame: Frame) -> Value:
            frame[place] = only(frame)
            return marker

        return one
    if len(places) == 2:
        place, other = places
        first, second = operands

        def two(frame: Frame) -> Value:
            value = first(frame)
            frame[other] = second(frame)
            frame[place] = value
            return marker

        return two
    pairs = list(enumerate(places))

    def many(frame: Frame) -> Value:
        values = [operand(frame) for operand in operands]
        for index, place in pairs:
            frame[place] = values[index]
        return marker

    return many


def _anything(run: Run, cell: Cell, operands: list[Code], span: Span | None, again: Again) -> Code:
    def anything(frame: Frame) -> Value:
        arguments = [operand(frame) for operand in operands]
        return again(run, cell.value, arguments, span)

    return anything


def _constant(run: Run, cell: Cell, original: Builtin, tree: Call, again: Again) -> Code:
    """A builtin called with nothing but constants, as programs write their data."""
    function, span = original.function, tree.span
    values = [operand.value for operand in tree.operands]  # type: ignore[attr-defined]

    def constant(frame: Frame) -> Value:
        if cell.value is not original:
            return again(run, cell.value, [*values], span)
        try:
            return function(run, *values)
        except LispyError as error:
            rename(error, original.spec, original.name)
            blame(error, span)
            raise

    return constant


def _builtin(
    run: Run, cell: Cell, original: Builtin, operands: list[Code], span: Span | None, again: Again
) -> Code:
    function = original.function
    if len(operands) == 1:
        only = operands[0]

        def one(frame: Frame) -> Value:
            value = only(frame)
            if cell.value is not original:
                return again(run, cell.value, [value], span)
            try:
                return function(run, value)
            except LispyError as error:
                rename(error, original.spec, original.name)
                blame(error, span)
                raise

        return one
    if len(operands) == 2:
        first, second = operands

        def two(frame: Frame) -> Value:
            left = first(frame)
            right = second(frame)
            if cell.value is not original:
                return again(run, cell.value, [left, right], span)
            try:
                return function(run, left, right)
            except LispyError as error:
                rename(error, original.spec, original.name)
                blame(error, span)
                raise

        return two
    return _builtin_more(run, cell, original, operands, span, again)


def _builtin_more(
    run: Run, cell: Cell, original: Builtin, operands: list[Code], span: Span | None, again: Again
) -> Code:
    function = original.function
    if len(operands) == 3:
        first, second, third = operands

        def three(frame: Frame) -> Value:
            left = first(frame)
            middle = second(frame)
            right = third(frame)
            if cell.value is not original:
                return again(run, cell.value, [left, middle, right], span)
            try:
                return function(run, left, middle, right)
            except LispyError as error:
                rename(error, original.spec, original.name)
                blame(error, span)
                raise

        return three

    def many(frame: Frame) -> Value:
        values = [operand(frame) for operand in operands]
        if cell.value is not original:
            return again(run, cell.value, values, span)
        try:
            return function(run, *values)
        except LispyError as error:
            rename(error, original.spec, original.name)
            blame(error, span)
            raise

    return many


def _two(
    run: Run, cell: Cell, original: Builtin, span: Span | None, again: Again
) -> Callable[[Value, Value], Value]:
    """Calls a builtin with two values, as deep as who calls it is."""
    function = original.function

    def two(left: Value, right: Value) -> Value:
        if cell.value is not original:
            return again(run, cell.value, [left, right], span)
        try:
            return function(run, left, right)
        except LispyError as error:
            rename(error, original.spec, original.name)
            blame(error, span)
            raise

    return two


_ARITHMETIC: dict[str, tuple[Any, bool]] = {
    "+": (op.add, False), "-": (op.sub, False), "*": (op.mul, False), "<": (op.lt, True), ">": (op.gt, True),
    "<=": (op.le, True), ">=": (op.ge, True), "=": (op.eq, True),
}  # fmt: skip


def _arithmetic(generator: Generator, tree: Call, cell: Cell, original: Builtin, again: Again) -> Code:
    """Two small integers are done here; everything else, errors included, by the builtin."""
    other = _two(generator.run, cell, original, tree.span, again)
    operation, compares = _ARITHMETIC[original.name]
    left, right = tree.operands
    first = generator.code(left)
    number = right.value if isinstance(right, Const) and not compares else None
    if number.__class__ is int and -SMALL < number < SMALL:
        return _with_constant(first, number, operation, cell, original, other)
    second = generator.code(right)
    if compares:

        def compare(frame: Frame) -> Value:
            a = first(frame)
            b = second(frame)
            if a.__class__ is int and b.__class__ is int and cell.value is original:
                return operation(a, b)
            return other(a, b)

        return compare

    def combine(frame: Frame) -> Value:
        a = first(frame)
        b = second(frame)
        if a.__class__ is int and b.__class__ is int and cell.value is original:
            result = operation(a, b)
            if -SMALL < result < SMALL:
                return result
        return other(a, b)

    return combine


def _with_constant(
    first: Code, number: int, operation: Any, cell: Cell, original: Builtin, other: Callable[..., Value]
) -> Code:
    """A small integer added to what is to come, taken from it or multiplied."""

    def constant(frame: Frame) -> Value:
        a = first(frame)
        if a.__class__ is int and cell.value is original:
            result = operation(a, number)
            if -SMALL < result < SMALL:
                return result
        return other(a, number)

    return constant


def _call(run: Run, target: Code, operands: list[Code], span: Span | None) -> Code:
    """A call out of tail position; closures with one or two arguments have a way of their own."""
    count = len(operands)
    if count not in (1, 2):

        def many(frame: Frame) -> Value:
            procedure = target(frame)
            return invoke(run, procedure, [operand(frame) for operand in operands], span)

        return many
    first, second = operands[0], operands[-1]

    def call(frame: Frame) -> Value:
        procedure = target(frame)
        arguments = [first(frame)] if count == 1 else [first(frame), second(frame)]
        if procedure.__class__ is not Closure or procedure.arity != count:
            return invoke(run, procedure, arguments, span)
        depth = run.depth = run.depth + 1
        if depth > run.limits.depth:
            raise too_deep(run)
        meter = run.meter
        meter.steps += 1
        if meter.steps > meter.next_look:
            meter.look()
        arguments += procedure.tail
        try:
            value = procedure.template.body(arguments)
            if value is TAIL:
                value = land(run)
        except LispyError as error:
            blame(error, span, procedure.template.name)
            raise
        run.depth = depth - 1
        return value

    return call


def _tail_call(run: Run, target: Code, operands: list[Code], span: Span | None) -> Code:
    count = len(operands)
    first, second = (operands[0], operands[-1]) if operands else (target, target)

    def tail_call(frame: Frame) -> Value:
        procedure = target(frame)
        if count == 1:
            arguments = [first(frame)]
        elif count == 2:
            arguments = [first(frame), second(frame)]
        else:
            arguments = [operand(frame) for operand in operands]
        if procedure.__class__ is Closure and procedure.arity == count:
            arguments += procedure.tail
            run.tail_frame = arguments
            run.tail_body = procedure.template.body
            return TAIL
        return jump(run, procedure, arguments, span)

    return tail_call


def _tail_apply(run: Run, cell: Cell, original: Builtin, operands: list[Code], span: Span | None) -> Code:
    """`apply` in tail position: the call it makes is a jump as well."""
    function = original.function

    def tail_apply(frame: Frame) -> Value:
        values = [operand(frame) for operand in operands]
        if cell.value is not original:
            return jump(run, cell.value, values, span)
        leaps = values[0].__class__ is Closure and is_list(values[-1])
        try:
            if not leaps:
                return function(run, *values)
            spread = elements(values[-1])
            run.meter.charge(APPLY + len(spread))
        except LispyError as error:
            blame(error, span)
            raise
        return jump(run, values[0], [*values[1:-1], *spread], span)

    return tail_apply
