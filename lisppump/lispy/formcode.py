"""Code for the forms that decide, loop, catch and build data. It is called by the compiler only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import BUILTINS, describe_type
from lisppump.lispy.calls import Code, Frame, invoke
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.forms_basic import PLAIN, case_key
from lisppump.lispy.printer import display_text
from lisppump.lispy.tree import (
    AGAIN,
    And,
    Assert,
    Case,
    Cond,
    DictTemplate,
    If,
    Loop,
    Or,
    Repeat,
    Sequence,
    Template,
    Toll,
    Try,
    While,
    toll,
)
from lisppump.lispy.values import Value, cons, elements, is_list, is_nil, is_true

if TYPE_CHECKING:
    from lisppump.errors import Span
    from lisppump.lispy.compiler import Generator
    from lisppump.lispy.run import Run


def if_code(generator: Generator, tree: If) -> Code:
    test, then, otherwise = generator.codes([tree.test, tree.then, tree.otherwise])

    def if_(frame: Frame) -> Value:
        value = test(frame)
        if value is True:
            return then(frame)
        if value is False or value is None or (value.__class__ is list and not value):
            return otherwise(frame)
        return then(frame)

    return if_


def cond_code(generator: Generator, tree: Cond) -> Code:
    run = generator.run
    clauses = [
        (
            generator.code(clause.test),
            None if clause.body is None else generator.code(clause.body),
            clause.arrow,
        )
        for clause in tree.clauses
    ]
    otherwise = generator.code(tree.otherwise)

    def cond(frame: Frame) -> Value:
        for test, body, arrow in clauses:
            value = test(frame)
            if value is True or is_true(value):
                if body is None:
                    return value
                if arrow is None:
                    return body(frame)
                return invoke(run, body(frame), [value], arrow)
        return otherwise(frame)

    return cond


def case_code(generator: Generator, tree: Case) -> Code:
    run = generator.run
    key, table, others = generator.code(tree.key), tree.table, tree.others
    bodies = generator.codes(tree.bodies)
    otherwise = generator.code(tree.otherwise)
    equal, long = BUILTINS["equal?"].function, tree.long

    def case(frame: Frame) -> Value:
        value = key(frame)
        if value.__class__ in PLAIN or is_nil(value):
            found = table.get(case_key(value))
            if long and found is not None and value.__class__ is str:
                run.meter.charge(len(value) >> 10)
            return otherwise(frame) if found is None else bodies[found](frame)
        for other, place in others:
            if equal(run, other, value):
                return bodies[place](frame)
        return otherwise(frame)

    return case


def toll_code(generator: Generator, tree: Toll) -> Code:
    run, steps = generator.run, tree.steps

    def pay(frame: Frame) -> Value:
        meter = run.meter
        meter.steps += steps
        if meter.steps > meter.next_look:
            meter.look()
        return None

    return pay


def sequence_code(generator: Generator, tree: Sequence) -> Code:
    *first, last = generator.codes(tree.forms)
    if len(first) == 1:
        only = first[0]

        def two(frame: Frame) -> Value:
            only(frame)
            return last(frame)

        return two

    def sequence(frame: Frame) -> Value:
        for form in first:
            form(frame)
        return last(frame)

    return sequence


def and_code(generator: Generator, tree: And) -> Code:
    *first, last = generator.codes(tree.forms)

    def and_(frame: Frame) -> Value:
        for form in first:
            value = form(frame)
            if value is not True and not is_true(value):
                return value
        return last(frame)

    return and_


def or_code(generator: Generator, tree: Or) -> Code:
    *first, last = generator.codes(tree.forms)

    def or_(frame: Frame) -> Value:
        for form in first:
            value = form(frame)
            if value is not False and is_true(value):
                return value
        return last(frame)

    return or_


def while_code(generator: Generator, tree: While) -> Code:
    run = generator.run
    test, body = generator.codes([tree.test, tree.body])
    more = toll(tree.nodes)

    def while_(frame: Frame) -> Value:
        meter = run.meter
        while True:
            if tree.unit:
                return tree.unit(frame)
            if not is_true(test(frame)):
                return None
            meter.charge(1 + more)
            body(frame)
            tree.turns += 1
            if tree.turns == run.heat.after and not more:
                tree.unit = run.heat.loop(run, tree, generator.procedure, generator.missing, frame) or False

    return while_


def repeat_code(generator: Generator, tree: Repeat) -> Code:
    run = generator.run
    count, body, result = generator.codes([tree.count, tree.body, tree.result])
    place, boxed, span = generator.place(tree.variable), tree.variable.boxed, tree.span
    more = toll(tree.nodes)

    def repeat(frame: Frame) -> Value:
        times = count(frame)
        if times.__class__ is float and times == times // 1:
            times = int(times)
        if times.__class__ is not int:
            raise LispyError("wrong-type", f"a count is wanted here, got {describe_type(times)}", span=span)
        meter = run.meter
        turn = 0
        while turn < times:
            if tree.unit:
                tree.unit(frame, turn, times)
                return result(frame)
            tree.turns += 1
            if tree.turns == run.heat.after and not more:
                tree.unit = run.heat.loop(run, tree, generator.procedure, generator.missing, frame) or False
            meter.charge(1 + more)
            frame[place] = [turn] if boxed else turn
            body(frame)
            turn += 1
        frame[place] = [turn] if boxed else turn
        return result(frame)

    return repeat


def try_code(generator: Generator, tree: Try) -> Code:
    run = generator.run
    body, handler = generator.codes([tree.body, tree.handler])
    place, boxed = generator.place(tree.variable), tree.variable.boxed

    def try_(frame: Frame) -> Value:
        depth = run.depth
        try:
            return body(frame)
        except LimitError:
            raise
        except LispyError as error:
            caught = error.with_traceback(None)  # that would keep this very frame
        run.depth = depth
        run.meter.allocate(512)
        value = caught_value(caught)
        frame[place] = [value] if boxed else value
        result = handler(frame)
        if result is AGAIN:
            raise caught
        return result

    return try_


def caught_value(error: LispyError) -> dict[str, Value]:
    """What a handler sees of an error; one that no handler wants says how to look at what was raised."""
    if error.raised:
        error.help = "no clause fits this error: write (get e :data) for what was raised"
    return {"code": error.code, "message": error.message, "category": error.category, "data": error.data}


def template_code(generator: Generator, tree: Template) -> Code:
    run, span = generator.run, tree.span
    parts = [(splice, generator.code(part)) for splice, part in tree.parts]
    tail = None if tree.tail is None else generator.code(tree.tail)

    def template(frame: Frame) -> Value:
        made: list[Value] = []
        for splice, part in parts:
            value = part(frame)
            if splice:
                put_in(run, made, value, span)
            else:
                made.append(value)
        run.meter.container(len(made))
        return made if tail is None else put_before(made, tail(frame))

    return template


def put_in(run: Run, made: list[Value], value: Value, span: Span | None) -> None:
    """The elements of a list at the end of one that is being made."""
    if not is_list(value):
        raise LispyError("wrong-type", f",@ wants a list, got {describe_type(value)}", span=span)
    made.extend(elements(value))
    run.meter.container(len(made))


def put_before(made: list[Value], tail: Value) -> Value:
    """Elements before a tail."""
    for value in reversed(made):
        tail = cons(value, tail)
    return tail


def dict_code(generator: Generator, tree: DictTemplate) -> Code:
    run, keys, forms = generator.run, tree.keys, generator.codes(tree.forms)

    def dict_(frame: Frame) -> Value:
        run.meter.container(len(keys))
        return {key: form(frame) for key, form in zip(keys, forms, strict=True)}

    return dict_


def assert_code(generator: Generator, tree: Assert) -> Code:
    run, span, text = generator.run, tree.span, tree.text
    test = generator.code(tree.test)
    message = None if tree.message is None else generator.code(tree.message)

    def assert_(frame: Frame) -> Value:
        value = test(frame)
        if is_true(value):
            return value
        if message is None:
            raise unheld(text, span)
        raise LispyError("assertion", display_text(run, message(frame)), span=span)

    return assert_


def unheld(text: str, span: Span | None) -> LispyError:
    """The error of an assertion without a message of its own: the test, in one line."""
    line = " ".join([part.strip() for part in text[:1000].splitlines()])
    shown = line if len(line) <= 200 else line[:197] + "..."
    return LispyError("assertion", f"this does not hold: {shown}", span=span)


def loop_code(generator: Generator, tree: Loop) -> Code:
    run = generator.run
    marker = object()
    generator.labels[tree.label] = marker
    inits = generator.codes(tree.inits)
    places = [generator.place(variable) for variable in tree.label.parameters]
    body = generator.code(tree.body)
    boxes = [place for place, var in zip(places, tree.label.parameters, strict=True) if var.boxed]
    more = toll(tree.nodes)

    def loop(frame: Frame) -> Value:
        values = [init(frame) for init in inits]
        for place, value in zip(places, values, strict=True):
            frame[place] = value
        meter = run.meter
        while True:
            if tree.unit:
                return tree.unit(frame)
            tree.turns += 1
            if tree.turns == run.heat.after and not more:
                tree.unit = run.heat.loop(run, tree, generator.procedure, generator.missing, frame) or False
            meter.steps += 1 + more
            if meter.steps > meter.next_look:
                meter.look()
            for place in boxes:
                frame[place] = [frame[place]]
            value = body(frame)
            if value is not marker:
                return value

    return loop
