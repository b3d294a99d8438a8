"""Lays out the frames of a finished tree: who owns a variable, who captures it, which calls are tail calls.

A frame is one Python list: arguments, then captured values, then locals. Both tiers read what is set here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from lisppump.lispy.calls import Builtin, Closure
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


class Layout:
    """The procedure whose frame is being laid out, and the number of locals in use where we are."""

    __slots__ = ("home", "looping", "parent", "procedure", "turning", "used")

    def __init__(self, procedure: Lambda, parent: Layout | None) -> None:
        self.procedure = procedure
        self.home = procedure.home = ref(procedure)
        self.parent = parent
        self.used = 0
        self.looping = False  # what stands here stands in a loop
        self.turning = False  # what stands here may be done again where its variables stay the same

    def own(self, variable: Variable) -> None:
        """Give a local variable a place in the frame."""
        variable.home = self.home
        variable.index = self.used
        self.used += 1
        self.procedure.locals = max(self.procedure.locals, self.used)

    def use(self, variable: Variable) -> None:
        """Note a use: procedures between here and the owner have to carry the variable along."""
        layout: Layout | None = self
        while layout is not None and layout.home is not variable.home:
            free = layout.procedure.free
            if variable not in free:
                free[variable] = len(free)
            variable.captured = True
            layout = layout.parent


def place(variable: Variable, procedure: Lambda) -> int:
    """Where a variable stands in the frame of a procedure that has been laid out."""
    if variable.home is not procedure.home:
        return len(procedure.arguments) + procedure.free[variable]
    if variable.parameter:
        return variable.index
    return len(procedure.arguments) + len(procedure.free) + variable.index


def resolve(procedure: Lambda, parent: Layout | None = None) -> Lambda:
    """Lay out a procedure and all procedures in it."""
    layout = Layout(procedure, parent)
    for index, variable in enumerate(procedure.arguments):
        variable.home = layout.home
        variable.index = index
        variable.parameter = True
    body = procedure.body
    _WALKS[body.__class__](body, layout, True)
    return procedure


def _walk(tree: Tree, layout: Layout, tail: bool) -> None:
    _WALKS[tree.__class__](tree, layout, tail)


def _walk_all(trees: list[Tree], layout: Layout) -> None:
    """Walk trees of which none is the last; most are leaves."""
    for tree in trees:
        kind = tree.__class__
        if kind is Local:
            if tree.variable.home is not layout.home:  # type: ignore[attr-defined]
                layout.use(tree.variable)  # type: ignore[attr-defined]
        elif kind is Global:
            if tree.cell.value.__class__ is Closure and layout.parent is not None:  # type: ignore[attr-defined]
                layout.procedure.winds = True
        elif kind is not Const:
            _WALKS[kind](tree, layout, False)


def _const(tree: Const, layout: Layout, tail: bool) -> None:
    pass


def _local(tree: Local, layout: Layout, tail: bool) -> None:
    layout.use(tree.variable)


def _if(tree: If, layout: Layout, tail: bool) -> None:
    _walk(tree.test, layout, False)
    _walk(tree.then, layout, tail)
    _walk(tree.otherwise, layout, tail)


def _cond(tree: Cond, layout: Layout, tail: bool) -> None:
    for clause in tree.clauses:
        _walk(clause.test, layout, False)
        if clause.body is not None:
            _walk(clause.body, layout, tail and clause.arrow is None)
    _walk(tree.otherwise, layout, tail)


def _case(tree: Case, layout: Layout, tail: bool) -> None:
    _walk(tree.key, layout, False)
    for body in (*tree.bodies, tree.otherwise):
        _walk(body, layout, tail)


def _sequence(tree: Any, layout: Layout, tail: bool) -> None:
    _walk_all(tree.forms[:-1], layout)
    _walk(tree.forms[-1], layout, tail)


def _set_local(tree: SetLocal, layout: Layout, tail: bool) -> None:
    layout.use(tree.variable)
    if tree.first and isinstance(tree.value, Lambda) and not (tree.variable.assigned or layout.turning):
        tree.value.itself = tree.variable
    _walk(tree.value, layout, False)


def _set_global(tree: Any, layout: Layout, tail: bool) -> None:
    value = tree.value
    _WALKS[value.__class__](value, layout, False)


def _lambda(tree: Lambda, layout: Layout, tail: bool) -> None:
    if resolve(tree, layout).winds or layout.parent is not None:
        layout.procedure.winds = True


def _call(tree: Call, layout: Layout, tail: bool) -> None:
    tree.tail = tail
    if tree.label is None or not tree.label.loop:
        tree.label = None
        if tail:
            procedure = layout.procedure
            if procedure.tails is None:
                procedure.tails = []
            procedure.tails.append((tree, layout.looping))
        operator: Any = tree.operator
        kind = operator.__class__
        if kind is not Global:
            _walk(operator, layout, False)
            if kind is not Lambda and kind is not Const:
                layout.procedure.winds = True
        elif operator.cell.value.__class__ not in _PLAIN:  # it has no value yet, or a builtin made it
            layout.procedure.winds = True
    _walk_all(tree.operands, layout)


def _let(tree: Let, layout: Layout, tail: bool) -> None:
    before = layout.used
    for variable, value in tree.bindings:
        layout.own(variable)
        _walk(value, layout, False)
    _walk(tree.body, layout, tail)
    layout.used = before


def _body(tree: Body, layout: Layout, tail: bool) -> None:
    before = layout.used, layout.turning
    for variable in tree.variables:
        layout.own(variable)
    layout.turning = False
    _walk(tree.body, layout, tail)
    layout.used, layout.turning = before


def _loop(tree: Loop, layout: Layout, tail: bool) -> None:
    before = layout.used, layout.turning, layout.looping
    layout.procedure.winds = True
    for variable in tree.label.parameters:
        layout.own(variable)
    _walk_all(tree.inits, layout)
    layout.turning = layout.looping = True
    _walk(tree.body, layout, tail)
    layout.used, layout.turning, layout.looping = before


def _while(tree: While, layout: Layout, tail: bool) -> None:
    before, layout.turning = layout.turning, True
    layout.procedure.winds = True
    _walk(tree.test, layout, False)
    _walk(tree.body, layout, False)
    layout.turning = before


def _repeat(tree: Repeat, layout: Layout, tail: bool) -> None:
    before = layout.used
    layout.procedure.winds = True
    _walk(tree.count, layout, False)
    layout.own(tree.variable)
    turning, layout.turning = layout.turning, True
    _walk(tree.body, layout, False)
    layout.turning = turning
    _walk(tree.result, layout, False)
    layout.used = before


def _try(tree: Try, layout: Layout, tail: bool) -> None:
    before = layout.used
    _walk(tree.body, layout, False)
    layout.own(tree.variable)
    _walk(tree.handler, layout, tail)
    layout.used = before


def _template(tree: Template, layout: Layout, tail: bool) -> None:
    for _, part in tree.parts:
        _walk(part, layout, False)
    if tree.tail is not None:
        _walk(tree.tail, layout, False)


def _dict(tree: DictTemplate, layout: Layout, tail: bool) -> None:
    _walk_all(tree.forms, layout)


def _assert(tree: Assert, layout: Layout, tail: bool) -> None:
    _walk(tree.test, layout, False)
    if tree.message is not None:
        _walk(tree.message, layout, False)


_PLAIN = frozenset({Builtin, Closure})
_WALKS: dict[type, Callable[[Any, Layout, bool], None]] = {
    Const: _const, Global: _const, Local: _local, If: _if, Cond: _cond, Case: _case, Sequence: _sequence,
    And: _sequence, Or: _sequence, SetLocal: _set_local, SetGlobal: _set_global, DefineGlobal: _set_global,
    Lambda: _lambda, Call: _call, Let: _let, Body: _body, Loop: _loop, While: _while, Repeat: _repeat,
    Try: _try, Template: _template, DictTemplate: _dict, Assert: _assert, Toll: _const,
}  # fmt: skip
