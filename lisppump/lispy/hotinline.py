"""The second tier's short procedures: their bodies take the place of calls, and nobody can tell."""

from __future__ import annotations

from typing import Any

from lisppump.lispy.calls import Closure
from lisppump.lispy.hotcode import RETURN, Emitter, every
from lisppump.lispy.hottext import Rare
from lisppump.lispy.tree import (
    And,
    Call,
    Case,
    Cond,
    Const,
    Global,
    If,
    Lambda,
    Let,
    Local,
    Or,
    Sequence,
    Toll,
)

SHORT, IN_LOOPS = 32, 120  # trees of a procedure that takes the place of its calls, and of those in a loop
MOST_WITHIN = 3  # such procedures in each other
MOST_INLINED = 300  # trees that a function gets in this way
PLAIN = (Call, Const, Local, Global, If, Cond, And, Or, Let, Sequence, Case, Toll)  # their errors have places


def size_of(procedure: Lambda, heat: Any) -> int:
    """How many trees a procedure's body has that may take the place of calls of it; 0 where it may not."""
    return 0 if procedure.free else is_short(procedure, heat)


def is_short(procedure: Lambda, heat: Any) -> int:
    """The same of one whose variables from outside are at hand."""
    if procedure.rest is not None:
        return 0
    trees = every(procedure.body)
    if len(trees) > IN_LOOPS or not all(isinstance(tree, PLAIN) for tree in trees):
        return 0
    for tree in trees:
        if isinstance(tree, Call):
            builtin = heat.builtin(tree.operator)
            if tree.label is not None or (tree.tail and builtin is not None and builtin.spec.name == "apply"):
                return 0
    bound = [variable for tree in trees if isinstance(tree, Let) for variable, _ in tree.bindings]
    if any(each.boxed or each.assigned or each.checked for each in [*procedure.parameters, *bound]):
        return 0
    return len(trees)


def fits(emitter: Emitter, closure: Closure) -> bool:
    """Whether there is room for one more in the function that is being made."""
    procedure: Lambda = closure.template.tree
    if procedure is emitter.procedure or procedure in emitter.inlined or procedure in emitter.group:
        return False
    size: int = emitter.heat.size_of(procedure)
    if len(emitter.inlined) >= MOST_WITHIN or not 0 < size <= (IN_LOOPS if emitter.loops else SHORT):
        return False
    emitter.extra += size
    return emitter.extra <= MOST_INLINED


def inlined_value(emitter: Emitter, tree: Call, closure: Closure) -> str:
    """The value of a call of a short procedure; what ends another one in its place is as deep as that."""
    _bind(emitter, tree, closure)
    emitter.counts = emitter.deepens = True
    before = emitter.depth, emitter.level, emitter.via
    ends = tree.tail and emitter.via
    if not ends and emitter.level not in emitter.sure:
        emitter.sure.add(emitter.level)
        emitter.below(Rare(f"if {emitter.level} >= run.deepest:"), [emitter.at("sunk(run)", None)])
    _count(emitter)
    result = emitter.fresh()
    if not ends:
        emitter.depth, emitter.level = emitter.level, f"{emitter.level} + 1"
        emitter.via = ((tree.span, closure.template.name), *emitter.via)
    _body(emitter, closure, result)
    emitter.found[id(tree)] = emitter.kind(closure.template.tree.body)
    emitter.depth, emitter.level, emitter.via = before
    return result


def inlined_jump(emitter: Emitter, tree: Call, closure: Closure) -> None:
    """The same in tail position: it is as deep as the procedure that it ends."""
    _bind(emitter, tree, closure)
    _count(emitter)
    _body(emitter, closure, RETURN)


def _bind(emitter: Emitter, tree: Call, closure: Closure) -> None:
    """Give the parameters the operands; what was known of the body in the place of another call is not."""
    procedure: Lambda = closure.template.tree
    values = emitter.values(tree.operands, atoms=True)
    kinds = [emitter.kind(operand) for operand in tree.operands]
    forget(emitter, procedure)
    for variable, value, kind in zip(procedure.parameters, values, kinds, strict=True):
        emitter.names[variable] = value
        emitter.kinds[variable] = kind


def forget(emitter: Emitter, procedure: Lambda) -> None:
    """Nothing is known of a body any more, in the place of whose call it may stand several times."""
    bound = list(procedure.parameters)
    for item in every(procedure.body):
        emitter.found.pop(id(item), None)
        bound += [variable for variable, _ in item.bindings] if isinstance(item, Let) else []
    for variable in bound:
        emitter.foreign.add(variable)
        emitter.kinds.pop(variable, None)
        emitter.numbers.discard(variable)


def _count(emitter: Emitter) -> None:
    emitter.add("meter.steps = steps = meter.steps + 1")
    emitter.below("if steps > meter.next_look:", [emitter.at("meter.look()", None)])


def _body(emitter: Emitter, closure: Closure, where: str) -> None:
    procedure: Lambda = closure.template.tree
    emitter.inlined.append(procedure)
    emitter.emit(procedure.body, where)
    emitter.inlined.pop()
