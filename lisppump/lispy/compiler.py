"""The first tier: turns a resolved tree into Python closures over frames; its parts: callcode, formcode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy import formcode
from lisppump.lispy.callcode import compile_call
from lisppump.lispy.callfaults import blame, too_deep
from lisppump.lispy.calls import CLOSURE_BYTES, TAIL, Code, Frame, closure_bytes, closure_of, land
from lisppump.lispy.errors import LispyError
from lisppump.lispy.heat import Watched
from lisppump.lispy.names import UNBOUND
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
    Template,
    Toll,
    Tree,
    Try,
    Variable,
    While,
)  # fmt: skip
from lisppump.lispy.values import Value

MANY = 300  # codes that are made between two looks at the clock


class Generator:
    """Makes code for one procedure. `missing` gives the value of a global name without one, or its error."""

    __slots__ = ("_at_top", "_made", "labels", "missing", "procedure", "run", "top")

    def __init__(
        self, run: Run, procedure: Lambda, missing: Callable[[str, Any], Value], labels: dict[Label, Any]
    ) -> None:
        self.run = run
        self.procedure = procedure
        self.missing = missing
        self.labels = labels
        self.top: Tree | None = None  # the form, where it stands at the top level
        self._at_top: frozenset[int] | None = None  # what is done once with it
        self._made = 0  # codes since the last look at the clock

    def code(self, tree: Tree) -> Code:
        """The code of a tree."""
        self._made += 1
        if self._made > MANY:
            self._look()
        return _MAKERS[tree.__class__](self, tree)

    def codes(self, trees: list[Tree]) -> list[Code]:
        """The code of several trees."""
        if len(trees) == 2:
            self._made += 2
            first, second = trees
            return [_MAKERS[first.__class__](self, first), _MAKERS[second.__class__](self, second)]
        if len(trees) > MANY:
            return [self.code(tree) for tree in trees]
        self._made += len(trees)
        if self._made > MANY:
            self._look()
        return [_MAKERS[tree.__class__](self, tree) for tree in trees]

    def _look(self) -> None:
        """Look at the clock: what is long takes long to compile, and was charged for before."""
        self._made = 0
        self.run.meter.look()

    def once(self, tree: Tree) -> bool:
        """Whether a form is one of those at the top that are done once only."""
        if self._at_top is None:
            found = [self.top]
            for item in found:  # it grows while it is gone through
                if isinstance(item, Sequence):
                    found.extend(item.forms)
            self._at_top = frozenset(map(id, found))
        return id(tree) in self._at_top

    def place(self, variable: Variable) -> int:
        """Where a variable stands in this procedure's frame."""
        return place_in(variable, self.procedure)


def run_top(run: Run, tree: Lambda, missing: Callable[[str, Any], Value]) -> Value:
    """The value of a form of the top level: it runs once, as a procedure without arguments would."""
    generator = Generator(run, tree, missing, {})
    generator.top = tree.body
    body = generator.code(tree.body)
    depth = run.depth = run.depth + 1
    if depth > run.limits.depth:
        raise too_deep(run)
    meter = run.meter
    meter.steps += 1
    if meter.steps > meter.next_look:
        meter.look()
    try:
        value = body([None] * tree.locals)
        if value is TAIL:
            value = land(run)
    except LispyError as error:
        blame(error, None)
        raise
    run.depth = depth - 1
    return value


def _const(generator: Generator, tree: Const) -> Code:
    value = tree.value

    def const(frame: Frame) -> Value:
        return value

    return const


def _local(generator: Generator, tree: Local) -> Code:
    variable = tree.variable
    procedure = generator.procedure
    own = variable.parameter and variable.home is procedure.home
    place = variable.index if own else place_in(variable, procedure)
    if variable.checked:
        return _checked_local(tree, place)
    if variable.boxed:

        def boxed(frame: Frame) -> Value:
            return frame[place][0]

        return boxed

    def local(frame: Frame) -> Value:
        return frame[place]

    return local


def _checked_local(tree: Local, place: int) -> Code:
    """A variable that may be without value yet."""
    name, span = tree.variable.name, tree.span
    if tree.variable.boxed:

        def checked_boxed(frame: Frame) -> Value:
            value = frame[place][0]
            if value is UNBOUND:
                raise LispyError("unbound", f"{name} is used before it has a value", span=span)
            return value

        return checked_boxed

    def checked(frame: Frame) -> Value:
        value = frame[place]
        if value is UNBOUND:
            raise LispyError("unbound", f"{name} is used before it has a value", span=span)
        return value

    return checked


def _global(generator: Generator, tree: Global) -> Code:
    cell, missing, span, scope = tree.cell, generator.missing, tree.span, tree.scope

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

    if not variable.boxed:

        def set_slot(frame: Frame) -> Value:
            result = value(frame)
            if guarded and frame[place] is UNBOUND:
                raise LispyError("unbound", f"{name} is set before it has a value", span=span)
            frame[place] = result
            return result

        return set_slot

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

    return set_box if variable.home is generator.procedure.home else set_shared


def _set_global(generator: Generator, tree: SetGlobal) -> Code:
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
    if not generator.once(tree):
        generator.run.heat.unsettle(tree.cell)
    cell, value = tree.cell, generator.code(tree.value)

    def define_global(frame: Frame) -> Value:
        result = cell.value = value(frame)
        return result

    return define_global


def _lambda(generator: Generator, tree: Lambda) -> Code:
    run, missing = generator.run, generator.missing
    node = tree.source if isinstance(tree.source, Node) else None
    template = Watched(
        tree.name, len(tree.parameters), tree.rest is not None, tree.doc, node, run, tree.locals
    )
    template.check = tree.check
    run.heat.watch(
        template, tree, missing, lambda: _prologue(tree, Generator(run, tree, missing, {}).code(tree.body))
    )
    blanks: list[Value] = [None] * tree.locals
    if not tree.free:

        def plain(frame: Frame) -> Value:
            run.meter.allocate(CLOSURE_BYTES)
            return closure_of(template, blanks)

        return plain
    places = [generator.place(variable) for variable in tree.free]
    size = closure_bytes(len(places), tree.locals)

    def closing(frame: Frame) -> Value:
        run.meter.allocate(size)
        tail = [frame[place] for place in places]
        tail += blanks
        return closure_of(template, tail)

    mine = [variable for variable in tree.free if variable.home is generator.procedure.home]
    changing = [generator.place(variable) for variable in mine if variable.assigned]
    if not changing:
        return closing

    def marking(frame: Frame) -> Value:
        if run.sealed:
            mark(run, [frame[place] for place in changing])
        return closing(frame)

    return marking


def _prologue(tree: Lambda, body: Code) -> Code:
    """The body, with captured arguments that change put into boxes first."""
    arguments = tree.parameters if tree.rest is None else tree.arguments
    boxes = [index for index, variable in enumerate(arguments) if variable.captured and variable.boxed]
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


_MAKERS: dict[type, Callable[[Generator, Any], Code]] = {
    Const: _const, Local: _local, Global: _global, SetLocal: _set_local, SetGlobal: _set_global,
    DefineGlobal: _define_global, Lambda: _lambda, Let: _let, Body: _body, If: formcode.if_code,
    Cond: formcode.cond_code, Case: formcode.case_code, Sequence: formcode.sequence_code,
    And: formcode.and_code, Or: formcode.or_code, Loop: formcode.loop_code,
    While: formcode.while_code,
    Repeat: formcode.repeat_code,
    Try: formcode.try_code, Template: formcode.template_code, DictTemplate: formcode.dict_code,
    Assert: formcode.assert_code, Toll: formcode.toll_code,
    Call: compile_call,
}  # fmt: skip
