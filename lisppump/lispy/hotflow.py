"""What the second tier finds out of variables on the way: those that change, and what a test has shown."""

from __future__ import annotations

from math import inf
from typing import Any

from lisppump.lispy.hotcode import ANY, NEAR, Emitter, either
from lisppump.lispy.hottext import typed
from lisppump.lispy.tree import (
    Body,
    Call,
    Cond,
    Const,
    Global,
    If,
    Let,
    Local,
    Repeat,
    SetLocal,
    Tree,
    Variable,
)

TEXTS = frozenset({  # builtins that give texts, or an error
    "number->string", "string-append", "string-upcase", "string-downcase", "substring", "string-trim",
    "symbol->string", "string-join", "string-repeat", "->string", "string-replace",
})  # fmt: skip
MOST_ROUNDS = 8  # in which it is looked what variables are set to
BOUNDED = frozenset({"+", "-", "*", "/", "min", "max"})
FAR, TINY = 1 << 62, 1e-100  # what was small once and had small numbers added to it never comes so far
DEEPEST = 6  # expressions in each other that are looked at
EMPTY = frozenset({"null?", "empty?"})


def settle(emitter: Emitter, trees: list[Tree], begun: dict[Variable, str]) -> None:
    """Find out of what kind variables are that change: that of all they begin with and are set to.

    `begun` has the kinds of those that begin elsewhere.
    """
    origins: dict[Variable, list[Tree]] = {}
    for item in trees:
        if isinstance(item, Let):
            origins.update({variable: [value] for variable, value in item.bindings if variable.assigned})
        elif isinstance(item, Body):
            origins.update({variable: [] for variable in item.variables})
        elif isinstance(item, Repeat) and not item.variable.assigned:
            emitter.kinds[item.variable] = NEAR
    origins.update({variable: [] for variable in begun if variable.assigned})
    for item in trees:
        if isinstance(item, SetLocal) and item.variable in origins:
            origins[item.variable].append(item.value)
    known = {
        variable: values
        for variable, values in origins.items()
        if not (variable.boxed or variable.checked) and (values or variable in begun)
    }
    for variable, values in known.items():
        emitter.kinds[variable] = begun.get(variable) or emitter.kind(values[0])
    for _ in range(MOST_ROUNDS):
        changed = False
        for variable, values in known.items():
            before = emitter.kinds[variable]
            if before == ANY:
                continue
            after = before
            for value in values:
                after = either(after, emitter.kind(value))
            if after != before:
                changed = True
                emitter.kinds[variable] = after
        if not changed:
            return
    emitter.kinds.update(dict.fromkeys(known, ANY))  # that takes too long to find out


def learn(emitter: Emitter, trees: list[Tree]) -> None:
    """These operands turned out to be numbers, else there would be an error."""
    for tree in trees:
        if isinstance(tree, Local) and not (tree.variable.assigned or tree.variable.late):
            emitter.numbers.add(tree.variable)


def constant_of(emitter: Emitter, tree: Tree) -> Any:
    """The plain data that an operand is certain to be; None of what is not known."""
    if isinstance(tree, Const):
        return tree.value
    return tree.cell.value if isinstance(tree, Global) and emitter.heat.is_constant(tree.cell) else None


def bound(emitter: Emitter, tree: Tree, depth: int = 0) -> float:
    """What the size of a number is certain not to be beyond; infinity where that is not known."""
    value = constant_of(emitter, tree)
    if value.__class__ is float or (value.__class__ is int and abs(value) < FAR):
        return float(abs(value))
    if depth > DEEPEST:
        return inf
    if isinstance(tree, Call) and (builtin := emitter.heat.builtin(tree.operator)) is not None:
        word, operands = builtin.spec.name, tree.operands
        if word in ("sin", "cos"):
            return 1.0
        if word not in BOUNDED or len(operands) != 2:
            return inf
        left, right = (bound(emitter, operand, depth + 1) for operand in operands)
        if word == "/":
            divisor = constant_of(emitter, operands[1])
            return left / right if divisor and right > TINY else inf
        return max(left, right) if word in ("min", "max") else left * right if word == "*" else left + right
    if isinstance(tree, If):
        return max(bound(emitter, tree.then, depth + 1), bound(emitter, tree.otherwise, depth + 1))
    if isinstance(tree, Local) and (source := emitter.sources.get(tree.variable)) is not None:
        return bound(emitter, source, depth + 1)
    return float(FAR) if emitter.kind(tree) == NEAR else inf


def is_text(emitter: Emitter, tree: Tree) -> bool:
    """Whether a value is certain to be a text."""
    if isinstance(tree, Const):
        return tree.value.__class__ is str
    if isinstance(tree, If):
        return is_text(emitter, tree.then) and is_text(emitter, tree.otherwise)
    if isinstance(tree, Cond):
        bodies = [None if clause.arrow is not None else clause.body for clause in tree.clauses]
        return all(body is not None and is_text(emitter, body) for body in [*bodies, tree.otherwise])
    if isinstance(tree, Local):
        source = emitter.sources.get(tree.variable)
        return isinstance(source, Const | Call) and is_text(emitter, source)
    builtin = emitter.heat.builtin(tree.operator) if isinstance(tree, Call) else None
    return builtin is not None and builtin.spec.name in TEXTS


def is_dict(emitter: Emitter, tree: Tree, value: str) -> str:
    """Whether a value is a plain dict; for variables that is asked once and kept."""
    test = typed(value, "dict")
    if not isinstance(tree, Local) or tree.variable.assigned or tree.variable.checked:
        return test
    known = emitter.dicts.get(value)
    if known is None:
        known = emitter.dicts[value] = emitter.fresh("q")
        return f"({known} := {test})"
    return known


def filled(emitter: Emitter, test: Tree) -> tuple[set[Variable], set[Variable]]:
    """The cursors that have an element where a test holds, and those that have one where it does not."""
    if not emitter.cursors or not isinstance(test, Call) or len(test.operands) != 1:
        return set(), set()
    builtin = emitter.heat.builtin(test.operator)
    operand = test.operands[0]
    if builtin is None:
        return set(), set()
    word = builtin.spec.name
    if word == "not":
        holds, fails = filled(emitter, operand)
        return fails, holds
    if not isinstance(operand, Local) or operand.variable not in emitter.cursors:
        return set(), set()
    if word == "pair?":
        return {operand.variable}, set()
    return set(), {operand.variable} if word in EMPTY else set()
