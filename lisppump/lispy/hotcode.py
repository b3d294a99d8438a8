"""The second tier: the resolved tree of a hot procedure or loop as a Python function, made of `ast` nodes.

It means what the closures of the first tier mean: the same values, errors, steps and bytes. Names are
counters of our own, constants go through a table; nothing of a program's text becomes text of Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.calls import Builtin
from lisppump.lispy.heat import MOST_ARGUMENTS as MOST_ARGUMENTS
from lisppump.lispy.names import Cell
from lisppump.lispy.tree import (
    And,
    Call,
    Clause,
    Const,
    Global,
    If,
    Label,
    Lambda,
    Let,
    Local,
    Or,
    Sequence,
    Tree,
    Variable,
)

Expr = ast.expr
RETURN, EFFECT = "return", "effect"  # where a value goes, beside the name of a variable that takes it
ANY, INT, FLOAT, BOOL = "any", "int", "float", "bool"  # what is known of a value
MOST_NESTED = 60  # trees in each other
MOST_LOOPS = 12  # Python's loops and tries in each other; it allows 20
MOST_TREES = 5000

Place = tuple[Span | None, Builtin | None, bool]  # where an error arose, in which builtin, or in a call


class Unfit(Exception):
    """A tree that the second tier does not take; the first goes on with it."""


def name(word: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(word, ast.Load())


def const(value: Any) -> ast.Constant:
    """A plain value."""
    return ast.Constant(value)


def attribute(of: Expr, word: str) -> ast.Attribute:
    """An attribute that is read."""
    return ast.Attribute(of, word, ast.Load())


def called(function: str | Expr, *arguments: Expr) -> ast.Call:
    """A call."""
    return ast.Call(name(function) if isinstance(function, str) else function, list(arguments), [])


def compared(left: Expr, operator: ast.cmpop, right: Expr) -> ast.Compare:
    """A comparison."""
    return ast.Compare(left, [operator], [right])


def both(*parts: Expr) -> Expr:
    """All of them."""
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), list(parts))


def negation(value: Expr) -> Expr:
    """Not."""
    return ast.UnaryOp(ast.Not(), value)


def typed(value: Expr, kind: str) -> Expr:
    """Whether a value is of just this Python type."""
    return compared(called("type", value), ast.Is(), name(kind))


def assigned(target: str | Expr, value: Expr) -> ast.Assign:
    """An assignment."""
    return ast.Assign([ast.Name(target, ast.Store()) if isinstance(target, str) else target], value)


def stored(of: Expr, word: str) -> ast.Attribute:
    """An attribute that is assigned to."""
    return ast.Attribute(of, word, ast.Store())


def step(look: str) -> list[ast.stmt]:
    """Count a step; `look` is what looks at the clock and the limit."""
    meter, run = name("meter"), name("run")
    steps = ast.BinOp(attribute(meter, "steps"), ast.Add(), const(1))
    late = compared(name("steps"), ast.Gt(), attribute(meter, "next_look"))
    return [
        assigned("meter", attribute(run, "meter")),
        ast.Assign([ast.Name("steps", ast.Store()), stored(meter, "steps")], steps),
        ast.If(late, [ast.Expr(called(look, meter))], []),
    ]


class Emitter:
    """Makes the statements of one function. What each kind of tree comes to stands in the tables given."""

    def __init__(
        self,
        values: dict[type, Callable[[Any, Any], Expr]],
        statements: dict[type, Callable[[Any, Any, str], None]],
        kinds: Callable[[Any, Tree], str],
        *,
        steady: Callable[[Cell], Builtin | None],
        unit: bool,
    ) -> None:
        self._values, self._statements, self._kind = values, statements, kinds
        self.steady = steady  # the builtin that a global name stands for, and always will
        self.unit = unit  # a loop over a frame of the first tier, not a procedure
        self.table: dict[str, Any] = {}  # the constants
        self.places: list[Place] = []  # what stands on which line
        self.block: list[ast.stmt] = []
        self.names: dict[Variable, str] = {}
        self.kinds: dict[Variable, str] = {}  # what is known of variables that never change
        self.begun: dict[Variable, str] = {}  # what variables of a loop that is going on are at its start
        self.sources: dict[Variable, Tree] = {}  # what variables that never change are bound to
        self.labels: dict[Label, int] = {}  # loops that are being made, by how many Python loops are around
        self.loops = 0
        self.procedure: Lambda | None = None  # whose variables are its own
        self.me: Cell | None = None  # the global name of the procedure itself
        self.parameters: list[Variable] = []
        self.turns = False  # it calls itself in tail position
        self.counts = False  # it does what may look at the depth
        self.broken: set[Variable] = set()  # parameters of which a turn does not keep what was assumed
        self.surfaces: list[ast.stmt] = []  # statements that put the depth back
        self._count = 0
        self._depth = 0
        self._trees = 0
        self._known: dict[int, str] = {}
        self._kept: list[Any] = []

    # -- names and constants

    def fresh(self, letter: str = "t") -> str:
        """A name of our own: t for what is set once, v for variables, k for constants."""
        self._count += 1
        return f"{letter}{self._count}"

    def held(self, value: Any) -> Expr:
        """A constant: as it is where Python has such, else through the table."""
        kind = value.__class__
        if value is None or kind is bool or kind is str or (kind is int and -(1 << 62) < value < 1 << 62):
            return const(value)
        if kind is float and value - value == 0.0:
            return const(value)
        word = self._known.get(id(value))
        if word is None:
            word = self._known[id(value)] = self.fresh("k")
            self.table[word] = value
            self._kept.append(value)
        return name(word)

    def local(self, variable: Variable) -> str:
        """The Python name of a variable."""
        word = self.names.get(variable)
        if word is None:
            word = self.names[variable] = self.fresh("v")
        return word

    def at(
        self, call: ast.Call, span: Span | None, builtin: Builtin | None = None, *, closure: bool = False
    ) -> ast.Call:
        """A call on a line of its own, so that an error finds its place."""
        self.places.append((span, builtin, closure))
        call.lineno = call.end_lineno = len(self.places)
        call.col_offset = call.end_col_offset = 0
        return call

    # -- statements

    def add(self, statement: ast.stmt) -> None:
        """One more statement."""
        self.block.append(statement)

    def set(self, target: str, value: Expr) -> None:
        """An assignment to a local name."""
        self.add(assigned(target, value))

    def do(self, value: Expr) -> None:
        """An expression for what it does; nothing for what does nothing."""
        if not isinstance(value, ast.Constant | ast.Name):
            self.add(ast.Expr(value))

    @contextmanager
    def within(self) -> Iterator[list[ast.stmt]]:
        """Another block."""
        outer, self.block = self.block, []
        try:
            yield self.block
        finally:
            self.block = outer

    def choose(self, test: Expr, then: list[ast.stmt], otherwise: list[ast.stmt]) -> None:
        """An if of two blocks."""
        if then:
            self.add(ast.If(test, then, otherwise))
        elif otherwise:
            self.add(ast.If(negation(test), otherwise, []))
        else:
            self.do(test)

    def atom(self, value: Expr) -> Expr:
        """A value under a name of its own, or a constant."""
        if isinstance(value, ast.Constant) or (isinstance(value, ast.Name) and value.id[0] in "tk"):
            return value
        word = self.fresh()
        self.set(word, value)
        return name(word)

    def give(self, value: Expr, where: str) -> None:
        """Put a value where it is wanted."""
        if where == RETURN:
            self.leave(value)
        elif where == EFFECT:
            self.do(value)
        elif not (isinstance(value, ast.Name) and value.id == where):
            self.set(where, value)

    def leave(self, value: Expr) -> None:
        """Return; the depth is put back to what the caller has."""
        if not self.unit:
            if not isinstance(value, ast.Constant | ast.Name):
                value = self.atom(value)
            self.surface()
        self.add(ast.Return(value))

    def surface(self) -> None:
        """Put the depth back; the statement is taken out where nothing counts it."""
        back = assigned(stored(name("run"), "depth"), name("depth"))
        self.surfaces.append(back)
        self.add(back)

    @contextmanager
    def looping(self) -> Iterator[list[ast.stmt]]:
        """The block of a Python loop or try."""
        self.loops += 1
        if self.loops > MOST_LOOPS:
            raise Unfit
        try:
            with self.within() as block:
                yield block
        finally:
            self.loops -= 1

    # -- trees

    def emit(self, tree: Tree, where: str) -> None:
        """Statements that put a tree's value where it is wanted."""
        maker = self._statements.get(tree.__class__)
        if maker is None:
            self.give(self.value(tree), where)
            return
        self._enter()
        maker(self, tree, where)
        self._depth -= 1

    def value(self, tree: Tree) -> Expr:
        """A tree's value as an expression, after whatever statements it takes."""
        maker = self._values.get(tree.__class__)
        if maker is None:
            word = self.fresh()
            self.emit(tree, word)
            return name(word)
        self._enter()
        made = maker(self, tree)
        self._depth -= 1
        return made

    def _enter(self) -> None:
        self._depth += 1
        self._trees += 1
        if self._depth > MOST_NESTED or self._trees > MOST_TREES:
            raise Unfit

    def values(self, trees: list[Tree], *, atoms: bool = False) -> list[Expr]:
        """Values from left to right; what later statements or operands could change is kept before them."""
        made: list[Expr] = []
        for tree in trees:
            before = len(self.block)
            value = self.value(tree)
            late = self.block[before:]
            if late:
                del self.block[before:]
                made = [self._kept_before(trees[n], each) for n, each in enumerate(made)]
                self.block.extend(late)
            made.append(self._kept_before(tree, value) if atoms else value)
        return made

    def _kept_before(self, tree: Tree, value: Expr) -> Expr:
        """A value that is computed now: constants and variables that never change are as good later."""
        if isinstance(value, ast.Constant):
            return value
        if isinstance(value, ast.Name) and (
            value.id[0] in "tk" or (isinstance(tree, Local) and not tree.variable.assigned)
        ):
            return value
        word = self.fresh()
        self.set(word, value)
        return name(word)

    def kind(self, tree: Tree) -> str:
        """What is known of a tree's value without computing it."""
        return self._kind(self, tree)

    def test(self, tree: Tree) -> Expr:
        """An expression that Python takes for true where LisPy takes the tree's value for true."""
        if isinstance(tree, Const):
            return const(not (tree.value is None or tree.value is False or tree.value == []))
        if isinstance(tree, And | Or):
            return self._tests(tree)
        if isinstance(tree, Call) and isinstance(tree.operator, Global) and len(tree.operands) == 1:
            builtin = self.steady(tree.operator.cell)
            if builtin is not None and builtin.spec.name == "not":
                return negation(self.test(tree.operands[0]))
        kind = self.kind(tree)
        value = self.value(tree)
        if kind == BOOL:
            return value
        if kind in (INT, FLOAT):
            self.do(value)
            return const(True)
        value = self.atom(value)
        if isinstance(value, ast.Constant):
            return const(value.value is not None and value.value is not False)
        empty = both(typed(value, "list"), negation(value))
        false = ast.BoolOp(
            ast.Or(),
            [compared(value, ast.Is(), const(False)), compared(value, ast.Is(), const(None)), empty],
        )
        return ast.BoolOp(ast.Or(), [compared(value, ast.Is(), const(True)), negation(false)])

    def _tests(self, tree: And | Or) -> Expr:
        """Several tests; as soon as one takes statements, they are decided one after the other."""
        operator: ast.boolop = ast.And() if isinstance(tree, And) else ast.Or()
        found = self.test(tree.forms[0])
        for form in tree.forms[1:]:
            with self.within() as block:
                following = self.test(form)
            if not block:
                found = ast.BoolOp(operator, [found, following])
                continue
            word = self.fresh("b")
            self.set(word, found)
            block.append(assigned(word, following))
            first = name(word) if isinstance(tree, And) else negation(name(word))
            self.add(ast.If(first, block, []))
            found = name(word)
        return found


def kinds_of(emitter: Emitter, tree: Tree) -> str:
    """What is known of the values of trees that are no calls."""
    if isinstance(tree, Const):
        return {int: INT, float: FLOAT, bool: BOOL}.get(tree.value.__class__, ANY)
    if isinstance(tree, Local):
        known = emitter.kinds.get(tree.variable)
        if known is None and (source := emitter.sources.pop(tree.variable, None)) is not None:
            known = emitter.kind(source)
            emitter.sources[tree.variable] = source
        return known or ANY
    if isinstance(tree, If):
        one, other = emitter.kind(tree.then), emitter.kind(tree.otherwise)
        return one if one == other else ANY
    if isinstance(tree, Sequence):
        return emitter.kind(tree.forms[-1])
    if isinstance(tree, And | Or):
        return BOOL if all(emitter.kind(form) == BOOL for form in tree.forms) else ANY
    if isinstance(tree, Let):
        return emitter.kind(tree.body)
    return ANY


def parts(tree: Tree) -> Iterator[Tree]:
    """The trees right below one, but for the inside of a procedure."""
    if isinstance(tree, Lambda):
        return
    slots: Any = tree.__slots__
    stack: list[Any] = [getattr(tree, slot) for slot in slots]
    while stack:
        item = stack.pop()
        if isinstance(item, Tree):
            yield item
        elif isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, Clause):
            stack.extend((item.test, item.body))


def every(tree: Tree) -> Iterator[Tree]:
    """A tree and all below it, but for the inside of procedures."""
    stack = [tree]
    while stack:
        item = stack.pop()
        yield item
        stack.extend(parts(item))
