"""The first tier: turns a resolved tree into Python closures over frames; its parts: callcode, formcode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy import formcode
from lisppump.lispy.callcode import compile_call, compile_jump
from lisppump.lispy.calls import CLOSURE_BYTES, Builtin, Closure, Code, Frame, Template, blame, invoke
from lisppump.lispy.errors import LispyError
from lisppump.lispy.names import UNBOUND, Cell
from lisppump.lispy.nodes import Node
from lisppump.lispy.resolve import place as place_in
from lisppump.lispy.run import Run
from lisppump.lispy.seal import keep, mark, outer
from lisppump.lispy.tree import (
    And,
    Assert,
    Body,
    Call,
    Case,
    Cond,
    Const,
    DefineGlobal,
    DictTemplate,
    Global,
    If,
    Label,
    Lambda,
    Let,
    Local,
    Loop,
    Or,
    Repeat,
    Sequence,
    SetGlobal,
    SetLocal,
    Tree,
    Try,
    Variable,
    While,
)  # fmt: skip
from lisppump.lispy.tree import (
    Template as ListTemplate,
)
from lisppump.lispy.values import Value


class Generator:
    """Makes code for one procedure. `missing` gives the value of a global name without one, or its error."""

    def __init__(
        self, run: Run, procedure: Lambda, missing: Callable[[str, Any], Value], labels: dict[Label, Any]
    ) -> None:
        self.run = run
        self.procedure = procedure
        self.missing = missing
        self.labels = labels

    def code(self, tree: Tree) -> Code:
        """The code of a tree."""
        return _MAKERS[tree.__class__](self, tree)

    def codes(self, trees: list[Tree]) -> list[Code]:
        """The code of several trees."""
        return [self.code(tree) for tree in trees]

    def notice(self, cell: Cell) -> None:
        """A program that speaks of eval may rebind anything while it runs: it has no hot code."""
        if isinstance(cell.builtin, Builtin) and cell.builtin.spec.name == "eval":
            self.run.heat.freeze()

    def place(self, variable: Variable) -> int:
        """Where a variable stands in this procedure's frame."""
        return place_in(variable, self.procedure)


def compile_top(run: Run, tree: Lambda, missing: Callable[[str, Any], Value]) -> Callable[[], Value]:
    """A function that runs a form of the top level once to a value."""
    body = Generator(run, tree, missing, {}).code(tree.body)
    template = Template(tree.name, 0, False, None, None, run, tree.locals)
    template.body = body
    closure = Closure(template, [None] * tree.locals)

    def top() -> Value:
        return invoke(run, closure, [], None)

    return top


def _const(generator: Generator, tree: Const) -> Code:
    value = tree.value

    def const(frame: Frame) -> Value:
        return value

    return const


def _local(generator: Generator, tree: Local) -> Code:
    variable = tree.variable
    place = generator.place(variable)
    name, span = variable.name, tree.span

    def local(frame: Frame) -> Value:
        return frame[place]

    def boxed(frame: Frame) -> Value:
        return frame[place][0]

    def checked(frame: Frame) -> Value:
        value = frame[place]
        if value is UNBOUND:
            raise LispyError("unbound", f"{name} is used before it has a value", span=span)
        return value

    def checked_boxed(frame: Frame) -> Value:
        value = frame[place][0]
        if value is UNBOUND:
            raise LispyError("unbound", f"{name} is used before it has a value", span=span)
        return value

    if variable.boxed:
        return checked_boxed if variable.checked else boxed
    return checked if variable.checked else local


def _global(generator: Generator, tree: Global) -> Code:
    cell, missing, span, scope = tree.cell, generator.missing, tree.span, tree.scope
    generator.notice(cell)

    def global_(frame: Frame) -> Value:
        value = cell.value
        if value is UNBOUND:
            try:
                return missing(cell.name, scope)
            except LispyError as error:
                blame(error, span)
                raise
        return value

    return global_


def _set_local(generator: Generator, tree: SetLocal) -> Code:
    variable = tree.variable
    place, value, name, span = generator.place(variable), generator.code(tree.value), variable.name, tree.span
    guarded = variable.checked and not tree.first
    run = generator.run

    def set_slot(frame: Frame) -> Value:
        result = value(frame)
        if guarded and frame[place] is UNBOUND:
            raise LispyError("unbound", f"{name} is set before it has a value", span=span)
        frame[place] = result
        return result

    def set_box(frame: Frame) -> Value:
        result = value(frame)
        box = frame[place]
        if guarded and box[0] is UNBOUND:
            raise LispyError("unbound", f"{name} is set before it has a value", span=span)
        box[0] = result
        return result

    def set_shared(frame: Frame) -> Value:
        result = value(frame)
        box = frame[place]
        if guarded and box[0] is UNBOUND:
            raise LispyError("unbound", f"{name} is set before it has a value", span=span)
        if run.sealed:
            keep(run, box, name, span)
        box[0] = result
        return result

    if variable.boxed and variable.owner is not generator.procedure:
        return set_shared
    return set_box if variable.boxed else set_slot


def _set_global(generator: Generator, tree: SetGlobal) -> Code:
    generator.run.heat.unsettle(tree.cell)
    cell, value, span = tree.cell, generator.code(tree.value), tree.span
    run = generator.run

    def set_global(frame: Frame) -> Value:
        result = value(frame)
        if cell.value is UNBOUND:
            raise LispyError(
                "unbound", f"{cell.name} cannot be set: it has no value", span=span,
                help=f"(define {cell.name} ...) makes it",
            )  # fmt: skip
        if run.sealed:
            raise outer(cell.name, span)
        cell.value = result
        return result

    return set_global


def _define_global(generator: Generator, tree: DefineGlobal) -> Code:
    generator.run.heat.unsettle(tree.cell)
    if isinstance(tree.value, Lambda):
        tree.value.cell = tree.cell
    cell, value = tree.cell, generator.code(tree.value)

    def define_global(frame: Frame) -> Value:
        result = cell.value = value(frame)
        return result

    return define_global


def _lambda(generator: Generator, tree: Lambda) -> Code:
    run = generator.run
    node = tree.source if isinstance(tree.source, Node) else None
    template = Template(
        tree.name, len(tree.parameters), tree.rest is not None, tree.doc, node, run, tree.locals
    )
    template.body = _prologue(tree, Generator(run, tree, generator.missing, {}).code(tree.body))
    template.cell, template.check = tree.cell, tree.check
    run.heat.watch(template, tree, generator.missing)
    places = [generator.place(variable) for variable in tree.free]
    blanks = [None] * tree.locals
    size = CLOSURE_BYTES + 16 * len(places)

    def plain(frame: Frame) -> Value:
        run.meter.allocate(size)
        return Closure(template, blanks)

    def closing(frame: Frame) -> Value:
        run.meter.allocate(size)
        tail = [frame[place] for place in places]
        tail += blanks
        return Closure(template, tail)

    mine = [variable for variable in tree.free if variable.owner is generator.procedure]
    changing = [generator.place(variable) for variable in mine if variable.assigned]

    def marking(frame: Frame) -> Value:
        if run.sealed:
            mark(run, [frame[place] for place in changing])
        return closing(frame)

    if changing:
        return marking
    return closing if places else plain


def _prologue(tree: Lambda, body: Code) -> Code:
    """The body, with captured arguments that change put into boxes first."""
    boxes = [index for index, variable in enumerate(tree.arguments) if variable.boxed]
    if not boxes:
        return body

    def boxing(frame: Frame) -> Value:
        for index in boxes:
            frame[index] = [frame[index]]
        return body(frame)

    return boxing


def _let(generator: Generator, tree: Let) -> Code:
    body = generator.code(tree.body)
    pairs = [(generator.place(var), generator.code(value), var.boxed) for var, value in tree.bindings]
    if len(pairs) == 1 and not pairs[0][2]:
        only, first, _ = pairs[0]

        def one(frame: Frame) -> Value:
            frame[only] = first(frame)
            return body(frame)

        return one

    def let(frame: Frame) -> Value:
        for place, value, boxed in pairs:
            frame[place] = [value(frame)] if boxed else value(frame)
        return body(frame)

    return let


def _body(generator: Generator, tree: Body) -> Code:
    body = generator.code(tree.body)
    places = [(generator.place(variable), variable.boxed) for variable in tree.variables]

    def enter(frame: Frame) -> Value:
        for place, boxed in places:
            frame[place] = [UNBOUND] if boxed else UNBOUND
        return body(frame)

    return enter


def _call(generator: Generator, tree: Call) -> Code:
    return compile_jump(generator, tree) if tree.label else compile_call(generator, tree)


_MAKERS: dict[type, Callable[[Generator, Any], Code]] = {
    Const: _const, Local: _local, Global: _global, SetLocal: _set_local, SetGlobal: _set_global,
    DefineGlobal: _define_global, Lambda: _lambda, Let: _let, Body: _body, If: formcode.if_code,
    Cond: formcode.cond_code, Case: formcode.case_code, Sequence: formcode.sequence_code,
    And: formcode.and_code, Or: formcode.or_code, Loop: formcode.loop_code,
    While: formcode.while_code,
    Repeat: formcode.repeat_code,
    Try: formcode.try_code, ListTemplate: formcode.template_code, DictTemplate: formcode.dict_code,
    Assert: formcode.assert_code,
    Call: _call,
}  # fmt: skip
