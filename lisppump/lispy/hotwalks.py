"""The second tier's loops over lists: a variable that only ever goes on to its cdr is a place in an array.

A cursor is four names: an array, a place in it, the place where it ends, and what follows behind that. A
gatherer is a variable that begins empty, that turns only cons to, and that is read only where the loop ends,
once: an array to whose end is added, read backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field
from typing import Any

from lisppump.lispy.builtins.check import CELL
from lisppump.lispy.calls import Builtin
from lisppump.lispy.hotcode import Emitter, every
from lisppump.lispy.hottext import Block, Full, Rare, bytes_
from lisppump.lispy.tree import (
    Call,
    Case,
    Cond,
    Const,
    If,
    Let,
    Local,
    Loop,
    Repeat,
    Sequence,
    Tree,
    Variable,
    While,
)  # fmt: skip
from lisppump.lispy.values import is_nil

ASKING = {"null?": "({place} >= {end})", "pair?": "({place} < {end})", "empty?": "({place} >= {end})"}
MOST_TREES = 200  # in a loop: it is made twice, for what is a list and for what is none


@dataclass(slots=True)
class Walks:
    """What the variables of a loop turn out to be, and the names of their parts."""

    cursors: dict[Variable, tuple[str, str, str, str]] = field(default_factory=dict)
    gatherers: dict[Variable, tuple[str, Any]] = field(default_factory=dict)


def walks_of(
    emitter: Emitter,
    parameters: Sequence_[Variable],
    inits: Sequence_[Tree | None],
    body: Tree,
    jumps: Sequence_[Call],
) -> Walks:
    """The variables of a loop that walk or gather."""
    found = Walks()
    trees = every(body)
    if emitter.plain or len(trees) > MOST_TREES:
        return found
    uses = _uses(emitter, trees, parameters, jumps)
    ends = _ends(body, jumps)
    for number, variable in enumerate(parameters):
        if variable.captured or variable.assigned or variable.checked:
            continue
        steps = [jump.operands[number] for jump in jumps]
        kinds = [_step(emitter, variable, operand) for operand in steps]
        if not kinds or "other" in kinds or ("cdr" in kinds) == ("cons" in kinds):
            continue
        others = uses.get(variable, [])
        if "cdr" in kinds:
            if all(word == "car" or word in ASKING for word in others):
                found.cursors[variable] = (*(emitter.fresh("v") for _ in range(4)),)  # type: ignore[assignment]
        elif (
            isinstance(init := inits[number], Const)
            and is_nil(init.value)
            and _is_read_once(variable, ends, len(others))
        ):
            found.gatherers[variable] = emitter.fresh("v"), init.value
    return found


def _step(emitter: Emitter, variable: Variable, operand: Tree) -> str:
    """What a turn does to a variable."""
    if isinstance(operand, Local) and operand.variable is variable:
        return "same"
    if isinstance(operand, Call) and operand.label is None:
        builtin = emitter.heat.builtin(operand.operator)
        last = operand.operands[-1] if operand.operands else None
        if builtin is not None and isinstance(last, Local) and last.variable is variable:
            if builtin.spec.name == "cdr" and len(operand.operands) == 1:
                return "cdr"
            if builtin.spec.name == "cons" and len(operand.operands) == 2:
                return "cons"
    return "other"


def _uses(
    emitter: Emitter, trees: list[Tree], parameters: Sequence_[Variable], jumps: Sequence_[Call]
) -> dict[Variable, list[str]]:
    """The builtins that variables are given to alone, or "" for any other use, but for steps of their own."""
    found: dict[Variable, list[str]] = {}
    counted = {
        id(item)
        for jump in jumps
        for variable, operand in zip(parameters, jump.operands, strict=True)
        for item in _stepped(operand)
        if isinstance(item, Local) and item.variable is variable
    }
    for item in trees:
        if isinstance(item, Call) and len(item.operands) == 1 and isinstance(item.operands[0], Local):
            builtin = emitter.heat.builtin(item.operator)
            if builtin is not None and id(item.operands[0]) not in counted:
                counted.add(id(item.operands[0]))
                found.setdefault(item.operands[0].variable, []).append(builtin.spec.name)
    for item in trees:
        if isinstance(item, Local) and id(item) not in counted:
            found.setdefault(item.variable, []).append("")
    return found


def _stepped(operand: Tree) -> list[Tree]:
    """The variable in what may be a step of it."""
    if isinstance(operand, Call):
        return operand.operands[-1:]
    return [operand]


def _is_read_once(variable: Variable, ends: list[list[Tree]], reads: int) -> bool:
    """Whether a variable is read where its loop ends alone, once in each such place: it makes a list."""
    for trees in ends:
        found = sum(isinstance(item, Local) and item.variable is variable for item in trees)
        if found > 1 or (found and any(isinstance(item, Loop | While | Repeat) for item in trees)):
            return False
        reads -= found
    return reads == 0


def _ends(body: Tree, jumps: Sequence_[Call]) -> list[list[Tree]]:
    """All that is done where a loop does not turn again, and only there."""
    known = set(map(id, jumps))
    ends: list[list[Tree]] = []
    stack = [body]
    while stack:
        item = stack.pop()
        if id(item) in known:
            continue
        if isinstance(item, If):
            stack += (item.then, item.otherwise)
        elif isinstance(item, Sequence):
            stack.append(item.forms[-1])
        elif isinstance(item, Let):
            stack.append(item.body)
        elif isinstance(item, Case):
            stack += (*item.bodies, item.otherwise)
        elif isinstance(item, Cond):
            stack += [item.otherwise, *(each.body for each in item.clauses if each.body and not each.arrow)]
        elif not any(id(part) in known for part in every(item)):
            ends.append(every(item))
    return ends


# -- the text


def is_walkable(walks: Walks, emitter: Emitter) -> str:
    """Whether what cursors begin with are lists."""
    tests = []
    for variable in walks.cursors:
        word = emitter.local(variable)
        chain = f"type({word}) is Pair and {word}.size >= 0"
        tests.append(f"(type({word}) is list or type({word}) is Slice or {chain})")
    return " and ".join(tests)


def begin(emitter: Emitter, walks: Walks) -> None:
    """Set the parts of the variables from the variables."""
    for variable, parts in walks.cursors.items():
        word, (base, place, end, rest) = emitter.local(variable), parts
        emitter.below(
            f"if type({word}) is list:",
            [f"{base} = {word}", f"{place} = 0", f"{end} = len({word})", f"{rest} = None"],
        )
        emitter.below("else:", [f"{base}, {place}, {end}, {rest} = begun({word})"])
    for variable, (word, _) in walks.gatherers.items():
        emitter.set(word, f"backwards({emitter.local(variable)})")
    emitter.cursors.update(walks.cursors)
    emitter.gatherers.update(walks.gatherers)


def end(emitter: Emitter, walks: Walks) -> None:
    """The loop is made: elsewhere the variables are what they are."""
    for variable in walks.cursors:
        del emitter.cursors[variable]
    for variable in walks.gatherers:
        del emitter.gatherers[variable]


def asked(emitter: Emitter, tree: Call, builtin: Builtin, slow: Callable[[list[str]], str]) -> str | None:
    """A question about a cursor, or its element; a gatherer that is turned around. None of anything else."""
    operand = tree.operands[0]
    if not isinstance(operand, Local):
        return None
    word = builtin.spec.name
    cursor = emitter.cursors.get(operand.variable)
    if cursor is not None:
        base, place, end_, _ = cursor
        if word in ASKING:
            return ASKING[word].format(place=place, end=end_)
        if operand.variable in emitter.filled:
            return f"{base}[{place}]"
        return f"({base}[{place}] if {place} < {end_} else {slow(['k_empty'])})"
    gatherer = emitter.gatherers.get(operand.variable)
    if gatherer is not None and word == "reverse":
        return emitter.at(f"turned(run, {gatherer[0]})", tree.span, builtin)
    return None


def step_of(emitter: Emitter, operand: Tree, variable: Variable) -> Block | None:
    """What is done for a cursor or gatherer when its loop turns, behind all values; None of other variables.

    What may fail stands before, where the operand stands.
    """
    cursor = emitter.cursors.get(variable)
    if cursor is not None:
        if isinstance(operand, Local):
            return []
        assert isinstance(operand, Call)
        base, place, end_, rest = cursor
        builtin = emitter.heat.builtin(operand.operator)
        function = emitter.held(builtin.function)
        refused = emitter.at(f"{function}(run, k_empty)", operand.span, builtin)
        if variable not in emitter.filled:
            emitter.below(Rare(f"if {place} >= {end_}:"), [refused])
        more = f"if {place} >= {end_} and {rest} is not None:"
        return [f"{place} += 1", (more, [f"{base}, {place}, {end_}, {rest} = begun({rest})"])]
    gatherer = emitter.gatherers.get(variable)
    if gatherer is None:
        return None
    if isinstance(operand, Local):
        return []
    assert isinstance(operand, Call)
    word = gatherer[0]
    head = emitter.kept(operand.operands[0], emitter.value(operand.operands[0]))
    builtin = emitter.heat.builtin(operand.operator)
    emitter.block += bytes_(CELL, emitter.at("meter.allocate(0)", operand.span, builtin))
    large = emitter.at(f"meter.container(len({word}) + 1)", operand.span, builtin)
    # One element is no chain.
    full = Full(f"if {word} and len({word}) >= run.limits.elements:")
    full.array = word
    emitter.below(full, [large])
    emitter.add(f"{word}.append({head})")
    return []


def gathered(emitter: Emitter, variable: Variable) -> str | None:
    """The value of a gatherer; None of other variables."""
    gatherer = emitter.gatherers.get(variable)
    if gatherer is None:
        return None
    word, empty = gatherer
    return f"({word}[::-1] if {word} else {emitter.held(empty)})"
