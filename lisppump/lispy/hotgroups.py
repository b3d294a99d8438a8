"""The second tier's procedures that jump to each other: one function, in which a jump is a turn."""

from __future__ import annotations

from lisppump.lispy.hotcalls import calls_itself, closure_of
from lisppump.lispy.hotcode import ANY, Emitter, either, every
from lisppump.lispy.tree import Call, Lambda, Let, Variable

MOST = 4  # procedures in one function
MOST_TREES = 250  # in all of them


def group_of(emitter: Emitter, tree: Lambda) -> list[Lambda]:
    """A procedure and those that it jumps to and that jump back to it; none where there are no others."""
    reached: dict[Lambda, list[Lambda]] = {}
    stack = [tree]
    while stack and len(reached) <= MOST:
        item = stack.pop()
        if item not in reached:
            reached[item] = [target for _, target in _jumps(emitter, item)]
            stack.extend(reached[item])
    found = [tree]
    for item in found:  # it grows while it is gone through
        found.extend(target for target in reached if item in reached[target] and target not in found)
    if not 1 < len(found) <= MOST or sum(len(every(each.body)) for each in found) > MOST_TREES:
        return []
    return found


def _jumps(emitter: Emitter, tree: Lambda) -> list[tuple[Call, Lambda]]:
    """The calls in tail position, outside of loops, of other procedures that capture nothing."""
    found: list[tuple[Call, Lambda]] = []
    emitter.procedure, before = tree, emitter.procedure
    for call, turning in tree.tails or ():
        if turning or emitter.heat.builtin(call.operator) is not None or calls_itself(emitter, call):
            continue
        closure = closure_of(emitter, call)
        if closure is not None and not closure.template.free and not closure.template.rest:
            found.append((call, closure.template.tree))
    emitter.procedure = before
    return found


def assume(emitter: Emitter, grouped: list[Lambda], guesses: dict[Variable, str]) -> None:
    """Find out what the parameters of a group are, if its own procedure gets what is guessed.

    What jumps do not keep of the guesses is noted.
    """
    if not grouped:
        return
    for tree in grouped[1:]:
        for item in every(tree.body):
            if isinstance(item, Let):
                emitter.sources.update({var: value for var, value in item.bindings if not var.assigned})
    steps = [(call, target) for tree in grouped for call, target in _jumps(emitter, tree)]
    steps = [(call, target) for call, target in steps if target in grouped]
    steps += [(call, tree) for tree in grouped[1:] for call in _turns(emitter, tree)]
    known: dict[Variable, str] = dict(guesses)
    changed = True
    while changed:
        changed = False
        for call, target in steps:
            for variable, operand in zip(target.parameters, call.operands, strict=True):
                kind = emitter.kind(operand)
                before = known.get(variable, ANY if target is grouped[0] else None)
                after = kind if before is None else either(before, kind)
                if variable.assigned or variable.boxed:
                    after = ANY
                if after != before:
                    changed = True
                    known[variable] = emitter.kinds[variable] = after
    for variable in guesses:
        if known[variable] != guesses[variable]:
            emitter.broken[variable] = known[variable]


def _turns(emitter: Emitter, tree: Lambda) -> list[Call]:
    """The calls of a procedure in its own tail position."""
    emitter.procedure, before = tree, emitter.procedure
    found = [call for call, _ in tree.tails or () if calls_itself(emitter, call)]
    emitter.procedure = before
    return found
