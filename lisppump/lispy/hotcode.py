"""The second tier: the resolved tree of a hot procedure or loop as the text of a Python function.

It means what the closures of the first tier mean: the same values, errors, steps and bytes. Names are
counters of our own, constants are numbers, short words or names in a table; nothing of a program's text
becomes text of Python. An expression is a text in brackets, a name or a call; a block is a list of lines,
and of headers with the blocks below them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from collections.abc import Sequence as Sequence_
from contextlib import contextmanager
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.calls import Builtin, Closure
from lisppump.lispy.hottext import FALSE, PLACE, TRUE, Block, Literal, Place, literal, typed
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
    Tree,
    Try,
    Variable,
    While,
)  # fmt: skip

RETURN, EFFECT = "return", "effect"  # where a value goes, beside the name of a variable that takes it
ANY, INT, FLOAT, BOOL = "any", "int", "float", "bool"  # what is known of a value
NUM = "number"  # an integer or a float
NEAR = "near"  # an integer that was small, and that only small constants were added to since
WHOLE = frozenset({INT, NEAR})
NUMERIC = WHOLE | {FLOAT, NUM}
LARGE = 1 << 29  # what is small: Python compares integers within quickly
MOST_NESTED = 60  # trees in each other
MOST_LOOPS = 12  # Python's loops and tries in each other; it allows 20
MOST_TREES = 5000
MOST_TURNED = 64  # variables of a loop
RISES = {"unit": "run.depth = level", "entry": "run.depth = depth"}
NEXT = {"each": "put({})", "filter": "{}", "fold": "total = {}", "fold-back": "total = {}"}


class Unfit(Exception):
    """A tree that the second tier does not take; the first goes on with it."""


class Emitter:
    """Makes the text of one function. What each kind of tree comes to stands in the tables given."""

    def __init__(
        self,
        values: dict[type, Callable[[Any, Any], str]],
        statements: dict[type, Callable[[Any, Any, str], None]],
        kinds: Callable[[Any, Tree], str],
        heat: Any,
        mode: str,
    ) -> None:
        self._values, self._statements, self._kind = values, statements, kinds
        self.heat = heat  # knows what global names stand for, and always will
        self.unit = mode == "unit"  # a loop over a frame of the first tier, not a procedure
        self.entry = mode not in ("procedure", "unit")  # what builtins call: it knows its depth itself
        self.next = NEXT.get(mode)  # what is done with each value, where it is called for many in turn
        self.rise = RISES.get(mode, "")  # puts the depth back to what who is not hot has
        self.table: dict[str, Any] = {}  # the constants
        self.known: dict[Closure, str] = {}  # procedures that global names stand for
        self.places: list[Place] = []
        self.block: Block = []
        self.names: dict[Variable, str] = {}
        self.kinds: dict[Variable, str] = {}  # what is known of variables that never change
        self.begun: dict[Variable, str] = {}  # what variables of a loop that is going on are at its start
        self.numbers: set[Variable] = set()  # variables that turned out to be numbers by now
        self.sure: set[str] = set()  # how deep it is certain to be allowed to call
        self.dicts: dict[str, str] = {}  # where it is kept whether names hold plain dicts
        self.filled: set[Variable] = set()  # cursors that are certain to have an element
        self.sources: dict[Variable, Tree] = {}  # what variables that never change are bound to
        self.plain = False  # loops over lists are made like all others
        self.cursors: dict[Variable, tuple[str, str, str, str]] = {}  # see hotwalks.py
        self.gatherers: dict[Variable, tuple[str, Any]] = {}
        self.labels: dict[Any, int] = {}  # loops that are being made, by how many Python loops are around
        self.loops = 0
        self.procedure: Lambda | None = None  # whose variables are its own
        self.group: dict[Lambda, int] = {}  # procedures made in one, as they jump to each other; 0 is its own
        self.result = ANY  # what is known of its value
        self.assumed: dict[Variable, str] = {}  # what its parameters are taken to be
        self.depth, self.level = "depth", "level"  # how deep who calls this is, and this
        self.via: tuple[Any, ...] = ()  # the calls around whose place bodies took, the last first
        self.inlined: list[Lambda] = []  # those procedures
        self.extra = 0  # trees that took the place of calls
        self.foreign: set[Variable] = set()  # their variables
        self.found: dict[int, str] = {}  # what is known of the values of those calls
        self.within_itself = False  # it calls itself with such arguments
        self.turns = False  # it calls itself in tail position
        self.counts = False  # it does what may change the depth
        self.deepens = False  # it calls what is one level deeper
        self.asks = False  # it calls what it does not know
        self.broken: dict[Variable, str] = {}  # parameters of which a turn does not keep what was assumed
        self._count = 0
        self._depth = 0
        self._trees = 0
        self._known: dict[int, str] = {}
        self._asked: dict[int, str] | None = None  # what was found out about trees for the kind in question

    # -- names and constants

    def fresh(self, letter: str = "t") -> str:
        """A name of our own: t for what is set once, v for variables, k for constants, p for procedures."""
        self._count += 1
        return f"{letter}{self._count}"

    def held(self, value: Any) -> str:
        """A constant: as it is where Python has such, else through the table."""
        plain = literal(value)
        if plain is not None:
            return plain
        word = self._known.get(id(value))
        if word is None:
            word = self._known[id(value)] = self.fresh("k")
            self.table[word] = value
        return word

    def target(self, closure: Closure) -> str:
        """The name under which the function of a procedure is found that a global name stands for."""
        word = self.known.get(closure)
        if word is None:
            word = self.known[closure] = self.fresh("p")
        return word

    def local(self, variable: Variable) -> str:
        """The Python name of a variable."""
        word = self.names.get(variable)
        if word is None:
            word = self.names[variable] = self.fresh("v")
        return word

    def at(self, call: str, span: Span | None, builtin: Builtin | None = None, of: Any = None) -> str:
        """A call on a line of its own, so that an error finds its place.

        `of` is the name of the procedure called, or True for the one under the name `called`.
        """
        self.places.append((span, builtin, of, self.via))
        return f"({PLACE}{len(self.places)}@{call})"

    # -- statements

    def add(self, line: str) -> None:
        """One more line."""
        self.block.append(line)

    def below(self, header: str, block: Block) -> None:
        """A header with what stands below it."""
        self.block.append((header, block))

    def set(self, target: str, value: str) -> None:
        """An assignment to a local name."""
        self.block.append(f"{target} = {value}")

    def do(self, value: str) -> None:
        """An expression for what it does; nothing for what does nothing."""
        if not (isinstance(value, Literal) or value.isidentifier()):
            self.block.append(value)

    @contextmanager
    def within(self, filled: Collection[Variable] = ()) -> Iterator[Block]:
        """Another block; what is found out in it is known there alone. `filled` cursors have an element."""
        outer, self.block = self.block, []
        found = self.numbers, self.filled, self.sure, self.dicts
        self.dicts = self.dicts.copy()
        self.sure = self.sure.copy()
        self.numbers, self.filled = self.numbers.copy(), self.filled.union(filled)
        try:
            yield self.block
        finally:
            self.block = outer
            self.numbers, self.filled, self.sure, self.dicts = found

    def choose(self, test: str, then: Block, otherwise: Block) -> None:
        """An if of two blocks."""
        if then:
            self.block.append((f"if {test}:", then))
            if _is_chain(otherwise):
                (first, block), *others = otherwise
                self.block += [(f"el{first}", block), *others]
            elif otherwise:
                self.block.append(("else:", otherwise))
        elif otherwise:
            self.block.append((f"if not {test}:", otherwise))
        else:
            self.do(test)

    def atom(self, value: str) -> str:
        """A value under a name of its own, or a constant."""
        if isinstance(value, Literal) or (value[0] in "tk" and value.isidentifier()):
            return value
        word = self.fresh()
        self.set(word, value)
        return word

    def give(self, value: str, where: str) -> None:
        """Put a value where it is wanted."""
        if where == RETURN:
            self.leave(value)
        elif where == EFFECT:
            self.do(value)
        elif value != where:
            self.set(where, value)

    def leave(self, value: str) -> None:
        """Return; where the caller is none of ours, the depth is put back to what it has."""
        if self.next is not None:
            if self.loops:
                raise Unfit
            self._take(value)
            self.add("continue")
            return
        if self.rise:
            value = value if isinstance(value, Literal) or value.isidentifier() else self.atom(value)
            self.add(self.rise)
        self.add(f"return {value}")

    def _take(self, value: str) -> None:
        """Do with the value of one call among many what is to be done."""
        assert self.next is not None and self.procedure is not None
        if self.next != "{}":
            self.add(self.next.format(value))
            return
        value = self.atom(value)
        if isinstance(value, Literal):
            value = FALSE if value.value is None or value.value is False else TRUE
        elif self.result != BOOL:
            value = f"{value} is True or ({value} is not False and is_true({value}))"
        self.below(f"if {value}:", [f"put({self.local(self.procedure.parameters[0])})"])

    def sink(self) -> None:
        """Tell the depth to what is about to be called and may ask for it."""
        self.counts = self.deepens = True
        self.add(f"run.depth = {self.level}")

    @contextmanager
    def looping(self) -> Iterator[Block]:
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

    def value(self, tree: Tree) -> str:
        """A tree's value as an expression, after whatever statements it takes."""
        maker = self._values.get(tree.__class__)
        if maker is None:
            word = self.fresh()
            self.emit(tree, word)
            return word
        self._enter()
        made = maker(self, tree)
        self._depth -= 1
        return made

    def _enter(self) -> None:
        self._depth += 1
        self._trees += 1
        if self._depth > MOST_NESTED or self._trees > MOST_TREES:
            raise Unfit

    def values(self, trees: list[Tree], *, atoms: bool = False) -> list[str]:
        """Values from left to right; what later statements or operands could change is kept before them."""
        made: list[str] = []
        for tree in trees:
            before = len(self.block)
            value = self.value(tree)
            late = self.block[before:]
            if late:
                del self.block[before:]
                made = [self.kept(trees[n], each) for n, each in enumerate(made)]
                self.block.extend(late)
            made.append(self.kept(tree, value) if atoms else value)
        return made

    def kept(self, tree: Tree, value: str) -> str:
        """A value that is computed now: constants and variables that never change are as good later."""
        if isinstance(value, Literal):
            return value
        if value.isidentifier() and (
            value[0] in "tk" or (isinstance(tree, Local) and not tree.variable.assigned)
        ):
            return value
        word = self.fresh()
        self.set(word, value)
        return word

    def kind(self, tree: Tree) -> str:
        """What is known of a tree's value without computing it; each tree is gone through once."""
        if self._asked is None:
            self._asked = {}
            try:
                return self._kind(self, tree)
            finally:
                self._asked = None
        known = self._asked.get(id(tree))
        if known is None:
            known = self._asked[id(tree)] = self._kind(self, tree)
        return known

    def test(self, tree: Tree) -> str:
        """An expression that Python takes for true where LisPy takes the tree's value for true."""
        if isinstance(tree, Const):
            return FALSE if tree.value is None or tree.value is False or tree.value == [] else TRUE
        if isinstance(tree, And | Or):
            return self._tests(tree)
        if isinstance(tree, Call) and len(tree.operands) == 1:
            builtin = self.heat.builtin(tree.operator)
            if builtin is not None and builtin.spec.name == "not":
                return f"(not {self.test(tree.operands[0])})"
        kind = self.kind(tree)
        value = self.value(tree)
        if kind == BOOL:
            return value
        if kind in NUMERIC:
            self.do(value)
            return TRUE
        value = self.kept(tree, value)
        if isinstance(value, Literal):
            return FALSE if value.value is None or value.value is False else TRUE
        empty = f"({typed(value, 'list')} and not {value})"
        return f"({value} is True or not ({value} is False or {value} is None or {empty}))"

    def _tests(self, tree: And | Or) -> str:
        """Several tests; as soon as one takes statements, they are decided one after the other."""
        word = " and " if isinstance(tree, And) else " or "
        found = self.test(tree.forms[0])
        for form in tree.forms[1:]:
            with self.within() as block:
                following = self.test(form)
            if not block:
                found = f"({found}{word}{following})"
                continue
            decided = self.fresh("b")
            self.set(decided, found)
            block.append(f"{decided} = {following}")
            self.below(f"if {decided}:" if isinstance(tree, And) else f"if not {decided}:", block)
            found = decided
        return found


def _is_chain(block: Block) -> bool:
    """Whether a block is one if with what belongs to it."""
    heads = ["" if isinstance(item, str) else item[0] for item in block]
    return bool(heads) and heads[0].startswith("if ") and all(head.startswith("el") for head in heads[1:])


def kinds_of(emitter: Emitter, tree: Tree) -> str:
    """What is known of the values of trees that are no calls."""
    if isinstance(tree, Const):
        return kind_of_value(tree.value)
    if isinstance(tree, Global) and emitter.heat.is_constant(tree.cell):
        return kind_of_value(tree.cell.value)
    if isinstance(tree, Local):
        known = emitter.kinds.get(tree.variable)
        if known is None and (source := emitter.sources.pop(tree.variable, None)) is not None:
            known = emitter.kind(source)
            emitter.sources[tree.variable] = source
        if known is None or known == ANY:
            return NUM if tree.variable in emitter.numbers else ANY
        return known
    if isinstance(tree, If):
        return _common(emitter, [tree.then, tree.otherwise])
    if isinstance(tree, Cond):
        if any(clause.body is None or clause.arrow is not None for clause in tree.clauses):
            return ANY
        return _common(emitter, [tree.otherwise, *(clause.body for clause in tree.clauses if clause.body)])
    if isinstance(tree, Case):
        return _common(emitter, [*tree.bodies, tree.otherwise])
    if isinstance(tree, Sequence):
        return emitter.kind(tree.forms[-1])
    if isinstance(tree, And | Or):
        return BOOL if all(emitter.kind(form) == BOOL for form in tree.forms) else ANY
    if isinstance(tree, Let):
        return emitter.kind(tree.body)
    return ANY


def kind_of_value(value: Any) -> str:
    """What is known of a value that is there."""
    kind = value.__class__
    if kind is int:
        return NEAR if -LARGE < value < LARGE else INT
    return FLOAT if kind is float else BOOL if kind is bool else ANY


def either(one: str, other: str) -> str:
    """What is known of one of two."""
    if one == other:
        return one
    if one in WHOLE and other in WHOLE:
        return INT
    return NUM if one in NUMERIC and other in NUMERIC else ANY


def _common(emitter: Emitter, trees: list[Tree]) -> str:
    """What is known of all of them."""
    found = emitter.kind(trees[0])
    for tree in trees[1:]:
        if found == ANY:
            break
        found = either(found, emitter.kind(tree))
    return found


def _clauses(tree: Cond) -> list[Tree]:
    found = [tree.otherwise]
    for clause in tree.clauses:
        found.append(clause.test)
        if clause.body is not None:
            found.append(clause.body)
    return found


_PARTS: dict[type, Callable[[Any], Sequence_[Tree]]] = {
    Call: lambda tree: tree.operands if tree.label is not None else [tree.operator, *tree.operands],
    If: lambda tree: (tree.test, tree.then, tree.otherwise),
    Cond: _clauses,
    Case: lambda tree: [tree.key, *tree.bodies, tree.otherwise],
    Sequence: lambda tree: tree.forms,
    And: lambda tree: tree.forms,
    Or: lambda tree: tree.forms,
    SetLocal: lambda tree: (tree.value,),
    SetGlobal: lambda tree: (tree.value,),
    DefineGlobal: lambda tree: (tree.value,),
    Let: lambda tree: [tree.body, *(value for _, value in tree.bindings)],
    Body: lambda tree: (tree.body,),
    Loop: lambda tree: [*tree.inits, tree.body],
    While: lambda tree: (tree.test, tree.body),
    Repeat: lambda tree: (tree.count, tree.body, tree.result),
    Try: lambda tree: (tree.body, tree.handler),
    Template: lambda tree: [part for _, part in tree.parts] + ([] if tree.tail is None else [tree.tail]),
    DictTemplate: lambda tree: tree.forms,
    Assert: lambda tree: (tree.test,) if tree.message is None else (tree.test, tree.message),
}


def parts(tree: Tree) -> Sequence_[Tree]:
    """The trees right below one, but for the inside of a procedure."""
    found = _PARTS.get(tree.__class__)
    return () if found is None else found(tree)


def every(tree: Tree) -> list[Tree]:
    """A tree and all below it, but for the inside of procedures."""
    found = [tree]
    for item in found:  # it grows while it is gone through
        found.extend(parts(item))
    return found
