"""The resolved tree that stands between reading and running: both tiers are made from it. No code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from lisppump.errors import Span
from lisppump.lispy.builtins.compare import LONG
from lisppump.lispy.names import Cell
from lisppump.lispy.values import Value

QUIET = 32  # nodes of a program that a call or a turn goes through for the one step of its beginning
WIDE = 300  # nodes from which on each costs twice as much, as few programs so large turn hot
BROAD = 1000  # nodes of a program from which on it stays slow
Home = ref["Lambda"]  # variables are part of their procedure's tree: they do not keep it


@dataclass(slots=True, eq=False)
class Variable:
    """A local name. `late` ones are in scope before they have a value; boxed ones live in a cell."""

    name: str
    late: bool = False
    checked: bool = False
    assigned: bool = False
    captured: bool = False
    home: Home | None = None
    index: int = 0
    parameter: bool = False
    defined: bool = False
    hides: Any = None  # of a definition: the variable of its name around it; True if that is global

    @property
    def owner(self) -> Lambda | None:
        """The procedure in whose frame it is."""
        return None if self.home is None else self.home()

    @property
    def boxed(self) -> bool:
        """Closures share it and its value changes after they may have been made."""
        return self.captured and (self.assigned or self.late)


@dataclass(slots=True, eq=False)
class Label:
    """The name of a named let; a loop while it is only called in tail position, with all arguments."""

    variable: Variable
    parameters: list[Variable]
    loop: bool = True
    jumps_out: list[Label] = field(default_factory=list)

    def fail(self) -> None:
        """It has to be a procedure; so have the loops that are left from inside it."""
        if self.loop:
            self.loop = False
            for outer in self.jumps_out:
                outer.fail()


class Tree:
    """A node of the resolved tree."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Const(Tree):
    """A value as it is."""

    value: Value


@dataclass(slots=True, eq=False)
class Local(Tree):
    """The value of a local variable."""

    variable: Variable
    span: Span | None


@dataclass(slots=True, eq=False)
class Global(Tree):
    """The value of a global name; `scope` is asked for names when it turns out to have none."""

    cell: Cell
    span: Span | None
    scope: Any


@dataclass(slots=True, eq=False)
class If(Tree):
    """One of two."""

    test: Tree
    then: Tree
    otherwise: Tree


@dataclass(slots=True, eq=False)
class Clause:
    """A clause of cond: with `arrow` the body is a procedure for the test's value; no body: that value."""

    test: Tree
    body: Tree | None
    arrow: Span | None = None


@dataclass(slots=True, eq=False)
class Cond(Tree):
    """The first clause whose test holds."""

    clauses: list[Clause]
    otherwise: Tree


@dataclass(slots=True, eq=False)
class Case(Tree):
    """The body listed under the value's key; `table` maps plain keys, `others` holds data of any shape."""

    key: Tree
    table: dict[Any, int]
    others: list[tuple[Value, int]]
    bodies: list[Tree]
    otherwise: Tree

    @property
    def long(self) -> bool:
        """Whether one of the keys is a text so long that it takes time to find it."""
        return any(kind is str and len(value) >= LONG for kind, value in self.table)


@dataclass(slots=True, eq=False)
class Sequence(Tree):
    """One after the other; the value of the last."""

    forms: list[Tree]


@dataclass(slots=True, eq=False)
class And(Tree):
    """The last if all are true, else the first that is not."""

    forms: list[Tree]


@dataclass(slots=True, eq=False)
class Or(Tree):
    """The first that is true, else the last."""

    forms: list[Tree]


@dataclass(slots=True, eq=False)
class SetLocal(Tree):
    """Changes a local variable, or gives it its first value (`first`)."""

    variable: Variable
    value: Tree
    span: Span | None
    first: bool = False


@dataclass(slots=True, eq=False)
class SetGlobal(Tree):
    """Changes a global name that has a value."""

    cell: Cell
    value: Tree
    span: Span | None


@dataclass(slots=True, eq=False)
class DefineGlobal(Tree):
    """Gives a global name a value."""

    cell: Cell
    value: Tree


@dataclass(slots=True, eq=False)
class Toll(Tree):
    """Takes steps, for what stands behind it; nil."""

    steps: int


def toll(nodes: int) -> int:
    """The steps that running through what stays slow takes, beside the one for beginning."""
    return nodes >> 2 if nodes > BROAD else 0


def tolled(body: Tree, nodes: int) -> Tree:
    """What a call or a turn does, with the steps that it takes beside the one for beginning, if any."""
    more = (nodes - QUIET) >> (3 if nodes <= WIDE else 2) if QUIET < nodes <= BROAD else 0
    return Sequence([Toll(more), body]) if more else body


@dataclass(slots=True, eq=False, weakref_slot=True)
class Lambda(Tree):
    """A procedure, or the top level (no parameters). The layout of its frame is filled in by resolve.py."""

    name: str
    parameters: list[Variable]
    rest: Variable | None
    body: Tree
    doc: str | None = None
    source: Value = None
    span: Span | None = None
    free: dict[Variable, int] = field(default_factory=dict)
    locals: int = 0
    home: Any = None  # what its variables know it by
    made: Any = None  # a reference to what the first tier made of it
    itself: Variable | None = None  # the local name that stands for it alone
    tails: list[tuple[Call, bool]] | None = None  # the calls in tail position; True: in a loop
    winds: bool = False  # it, or a procedure in it, may go deep, or call others very often
    macros: tuple[Value, ...] = ()  # those used in it
    reach: Any = None  # the global names in it, once a simulation asked
    check: Any = None  # refuses arguments of a rest parameter that nothing takes
    nodes: int = 0  # of the program that it was made of

    @property
    def template(self) -> Any:
        """What the first tier made of it, as long as that is in use."""
        return self.made and self.made()

    @property
    def arguments(self) -> list[Variable]:
        """All variables that a call fills, in the order of the frame."""
        return self.parameters if self.rest is None else [*self.parameters, self.rest]


@dataclass(slots=True, eq=False)
class Call(Tree):
    """A call; `label` is set where it may turn out to be a jump, `tail` by resolve.py."""

    operator: Tree
    operands: list[Tree]
    span: Span | None
    label: Label | None = None
    tail: bool = False


@dataclass(slots=True, eq=False)
class Let(Tree):
    """Fresh variables, set one after the other, and a body."""

    bindings: list[tuple[Variable, Tree]]
    body: Tree


@dataclass(slots=True, eq=False)
class Body(Tree):
    """Late variables (internal definitions, letrec) that are without value when the body begins."""

    variables: list[Variable]
    body: Tree


@dataclass(slots=True, eq=False)
class Loop(Tree):
    """A named let that never leaves its frame: a jump sets the variables and turns again."""

    label: Label
    inits: list[Tree]
    body: Tree
    nodes: int = 0  # of the program that a turn is made of
    turns: int = 0  # so far, to find out whether it is hot
    unit: Any = None  # its hot code; False where there can be none


@dataclass(slots=True, eq=False)
class While(Tree):
    """Turns as long as the test holds."""

    test: Tree
    body: Tree
    nodes: int = 0
    turns: int = 0
    unit: Any = None


@dataclass(slots=True, eq=False)
class Repeat(Tree):
    """Turns a number of times, the variable counting from 0."""

    variable: Variable
    count: Tree
    body: Tree
    result: Tree
    span: Span | None
    nodes: int = 0
    turns: int = 0
    unit: Any = None


AGAIN: Any = type("_Again", (), {"__slots__": ()})()  # what a handler gives that does not want the error


@dataclass(slots=True, eq=False)
class Try(Tree):
    """The body; if that ends in an error that can be caught, the handler, unless it gives AGAIN."""

    body: Tree
    variable: Variable
    handler: Tree


@dataclass(slots=True, eq=False)
class Template(Tree):
    """A list made from parts; a part with True is a list whose elements are put in."""

    parts: list[tuple[bool, Tree]]
    tail: Tree | None
    span: Span | None


@dataclass(slots=True, eq=False)
class DictTemplate(Tree):
    """A dict with the names given and the values of expressions."""

    keys: list[str]
    forms: list[Tree]


@dataclass(slots=True, eq=False)
class Assert(Tree):
    """An error unless the test holds."""

    test: Tree
    message: Tree | None
    text: str
    span: Span | None
