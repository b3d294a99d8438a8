"""The second tier's calls of procedures: by their functions where they are known, as turns, as jumps."""

from __future__ import annotations

from lisppump.lispy.calls import Builtin, Closure
from lisppump.lispy.heat import MOST_ARGUMENTS
from lisppump.lispy.hotbuiltins import builtin_call
from lisppump.lispy.hotcode import ANY, Emitter, either, kinds_of
from lisppump.lispy.hotinline import fits, inlined_jump, inlined_value
from lisppump.lispy.hotnumbers import builtin_kind
from lisppump.lispy.hottext import Block, Rare, container, step
from lisppump.lispy.names import UNBOUND
from lisppump.lispy.tree import Call, Global, Lambda, Local, Tree


def builtin_of(emitter: Emitter, tree: Call) -> Builtin | None:
    """The builtin that a call is certain to call, with as many operands as it takes."""
    found: Builtin | None = emitter.heat.builtin(tree.operator)
    count = len(tree.operands)
    if found is None or count < found.low or (found.high is not None and count > found.high):
        return None
    return found


def closure_of(emitter: Emitter, tree: Call) -> Closure | None:
    """The procedure that a call is certain to call, with as many operands as it takes."""
    found: Closure | None = emitter.heat.closure(tree.operator)
    if found is None or found.template.check is not None:
        return None
    taken, count = found.template.arity, len(tree.operands)
    fits = count == taken or (count > taken and found.template.rest)
    return found if fits and taken + found.template.rest <= MOST_ARGUMENTS else None


def calls_itself(emitter: Emitter, tree: Call) -> bool:
    """Whether a call is certain to call the very procedure that it stands in, with all arguments."""
    procedure = emitter.procedure
    if procedure is None or emitter.unit or emitter.next is not None or procedure.rest is not None:
        return False
    if len(tree.operands) != len(procedure.parameters):
        return False
    operator = tree.operator
    if isinstance(operator, Local):
        return operator.variable is procedure.itself
    return bool(emitter.heat.is_of(operator, procedure.template))


def kind_of(emitter: Emitter, tree: Tree) -> str:
    """What is known of a tree's value without computing it."""
    if not isinstance(tree, Call):
        return kinds_of(emitter, tree)
    builtin = builtin_of(emitter, tree)
    if builtin is not None:
        return builtin_kind(emitter, tree, builtin)
    found = emitter.found.get(id(tree))
    if found is not None:
        return found
    return emitter.result if tree.label is None and calls_itself(emitter, tree) else ANY


def call_value(emitter: Emitter, tree: Call) -> str:
    """The value of a call that is no jump and stands in no tail position."""
    builtin = builtin_of(emitter, tree)
    if builtin is not None:
        return builtin_call(emitter, tree, builtin)
    own = emitter.procedure is not None and not emitter.group.get(emitter.procedure)
    if own and not emitter.entry and calls_itself(emitter, tree):
        emitter.counts = emitter.deepens = True
        values = emitter.values(tree.operands)
        word = "inner" if _is_as_assumed(emitter, tree) else "itself"
        return _landed(emitter, tree, _call(word, values), emitter.procedure)
    closure = closure_of(emitter, tree)
    if closure is not None:
        if fits(emitter, closure):
            return inlined_value(emitter, tree, closure)
        emitter.counts = emitter.deepens = True
        word = emitter.target(closure)
        return _landed(emitter, tree, _call(word, _arguments(emitter, tree, closure)), closure.template.tree)
    return _unknown_call(emitter, tree)


def _call(word: str, values: list[str]) -> str:
    """A call that lacks how deep it is."""
    passed = "".join(f"{value}, " for value in values).replace("{", "{{").replace("}", "}}")
    return f"{word}({passed}{{}})"


def _is_as_assumed(emitter: Emitter, tree: Call) -> bool:
    """Whether a call of itself is certain to have the arguments that the code is made for."""
    assert emitter.procedure is not None
    for variable, operand in zip(emitter.procedure.parameters, tree.operands, strict=True):
        assumed = emitter.assumed.get(variable)
        if assumed is not None and either(assumed, emitter.kind(operand)) != assumed:
            return False
    if emitter.assumed:
        emitter.within_itself = True
    return bool(emitter.assumed)


def _ends(emitter: Emitter, tree: Call) -> bool:
    """Whether a call ends a procedure that took the place of a call: it is no deeper, and leaves no trace."""
    return bool(tree.tail and emitter.via)


def _landed(emitter: Emitter, tree: Call, call: str, procedure: Lambda | None) -> str:
    """What a known procedure gives, or those that it leaves the call to; the call lacks how deep it is."""
    assert procedure is not None
    ends = _ends(emitter, tree)
    depth = emitter.depth if ends else emitter.level
    span, name = (None, None) if ends else (tree.span, procedure.name)
    result = emitter.fresh()
    emitter.set(result, emitter.at(call.format(depth), span, of=name))
    if emitter.heat.leaps(procedure):
        landed = emitter.at(f"land(run, {depth})", span, of=name)
        emitter.below(f"if {result} is TAIL:", [f"{result} = {landed}"])
    return result


def _arguments(emitter: Emitter, tree: Call, closure: Closure) -> list[str]:
    """The operands of a known procedure, those that it collects as a list."""
    template = closure.template
    if not template.rest:
        return emitter.values(tree.operands)
    values = emitter.values(tree.operands, atoms=True)
    collected = values[template.arity :]
    emitter.block += container(
        len(collected),
        emitter.at(f"meter.container({len(collected)})", tree.span),
        emitter.at("meter.look()", tree.span),
        emitter.at("meter.allocate(0)", tree.span),
    )
    return [*values[: template.arity], f"[{', '.join(collected)}]"]


def _unknown_call(emitter: Emitter, tree: Call) -> str:
    """The value of a call of whatever the operator turns out to be."""
    procedure, values = _target(emitter, tree)
    result = emitter.fresh()
    count = len(values)
    ends = _ends(emitter, tree)
    depth, span, of = (emitter.depth, None, None) if ends else (emitter.level, tree.span, True)
    landed: Block = [
        (f"if {result} is TAIL:", [f"{result} = {emitter.at(f'land(run, {depth})', span, of=of)}"])
    ]
    arguments = f"run, {procedure}, [{', '.join(values)}], {emitter.held(tree.span)}"
    slow = "jump" if ends else "invoke"
    slowly: Block = [f"run.depth = {emitter.level}"]
    slowly.append(f"{result} = {emitter.at(f'{slow}({arguments})', None)}")
    slowly += landed if ends else []
    emitter.counts = emitter.deepens = True
    if count > MOST_ARGUMENTS:
        emitter.block += slowly
        return result
    emitter.asks = True
    passed = ", ".join([*values, depth])
    call = emitter.at(f"({procedure}.fast or ready({procedure}))({passed})", span, of=of)
    emitter.set("called", procedure)
    emitter.below(
        f"if type({procedure}) is Closure and {procedure}.arity == {count}:",
        [f"{result} = {call}", *landed],
    )
    emitter.below("else:", slowly)
    return result


def _target(emitter: Emitter, tree: Call) -> tuple[str, list[str]]:
    """The operator, which is computed first, and the operands, each under a name."""
    operator = emitter.kept(tree.operator, emitter.value(tree.operator))
    return operator, emitter.values(tree.operands, atoms=True)


def tail_call(emitter: Emitter, tree: Call) -> None:
    """A call whose value is that of the function: a turn of its own, or a jump to somebody else."""
    builtin = builtin_of(emitter, tree)
    if builtin is not None and leaps_by_apply(emitter, tree, builtin):
        _tail_apply(emitter, tree, builtin)
        return
    if builtin is not None:
        emitter.leave(builtin_call(emitter, tree, builtin))
        return
    if emitter.loops == 0 and calls_itself(emitter, tree):
        emitter.turns = True
        _turn(emitter, tree)
        return
    closure = None if emitter.unit else closure_of(emitter, tree)
    if closure is not None and emitter.loops == 0 and closure.template.tree in emitter.group:
        _cross(emitter, tree, closure.template.tree)
        return
    if closure is not None:
        _known_jump(emitter, tree, closure)
        return
    procedure, values = _target(emitter, tree)
    count = len(values)
    if _may_be_itself(emitter, tree):
        emitter.turns = True
        with emitter.within() as block:
            _turn(emitter, tree, values)
        emitter.below(f"if {procedure} is me:", block)
    if count <= MOST_ARGUMENTS and not emitter.unit:
        fits = f"if type({procedure}) is Closure and {procedure}.arity == {count}:"
        fast = f"{procedure}.fast or ready({procedure})"
        with emitter.within() as block:
            _leap(emitter, f"({fast})" if emitter.entry else fast, values)
        emitter.below(fits, block)
    if not emitter.unit:
        emitter.sink()
    span = emitter.held(tree.span)
    jump = emitter.at(f"jump(run, {procedure}, [{', '.join(values)}], {span})", None)
    if emitter.entry:
        _land_here(emitter, jump)
    else:
        emitter.leave(jump)


def _leap(emitter: Emitter, fast: str, values: list[str]) -> None:
    """Leave a call to who waits for the value; a builtin does not, so that it is made here."""
    if emitter.entry:
        emitter.counts = True
        _land_here(emitter, emitter.at(f"{fast}({', '.join([*values, 'depth'])})", None))
        return
    passed = f"({', '.join(values)}{',' if len(values) == 1 else ''})"
    # Last what says that there is a jump: the values may still fail.
    emitter.block += [f"run.tail_args = {passed}", f"run.tail_fast = {fast}", "return TAIL"]


def _land_here(emitter: Emitter, call: str) -> None:
    """Return the value of a call, or of those that it leaves the call to."""
    result = emitter.fresh()
    emitter.set(result, call)
    emitter.below(f"if {result} is TAIL:", [f"{result} = {emitter.at('land(run, depth)', None)}"])
    emitter.leave(result)


def _known_jump(emitter: Emitter, tree: Call, closure: Closure) -> None:
    """A jump to a known procedure; one that never jumps itself is called, as deep as this one is."""
    leaping = emitter.heat.leaps(closure.template.tree)
    if not leaping and not emitter.via and fits(emitter, closure):
        inlined_jump(emitter, tree, closure)
        return
    word = emitter.target(closure)
    values = _arguments(emitter, tree, closure)
    if leaping:
        _leap(emitter, word, values)
        return
    emitter.counts = True
    emitter.leave(emitter.at(f"{word}({', '.join([*values, 'depth'])})", None))


def leaps_by_apply(emitter: Emitter, tree: Call, builtin: Builtin) -> bool:
    """Whether a builtin in tail position is `apply` of what may be a procedure of a program."""
    return builtin.spec.name == "apply" and emitter.heat.builtin(tree.operands[0]) is None


def _tail_apply(emitter: Emitter, tree: Call, builtin: Builtin) -> None:
    """`apply` in tail position: the call that it makes is a jump as well."""
    values = emitter.values(tree.operands, atoms=True)
    if not emitter.unit:
        emitter.sink()
    passed = ", ".join(["run", emitter.held(builtin), emitter.held(tree.span), *values])
    call = emitter.at(f"tail_apply({passed})", tree.span, builtin)
    if emitter.entry:
        _land_here(emitter, call)
    else:
        emitter.leave(call)


def _may_be_itself(emitter: Emitter, tree: Call) -> bool:
    """Whether what a variable holds may turn out to be the procedure that calls it, as in a loop by set!."""
    procedure = emitter.procedure
    if procedure is None or emitter.unit or emitter.entry or emitter.via or emitter.group or emitter.loops:
        return False
    if procedure.rest is not None or len(tree.operands) != len(procedure.parameters):
        return False
    return isinstance(tree.operator, Local | Global)


def _turn(emitter: Emitter, tree: Call, values: list[str] | None = None) -> None:
    """Set the parameters anew and begin again; assumptions that may not hold any more are noted."""
    assert emitter.procedure is not None
    parameters = emitter.procedure.parameters
    values = emitter.values(tree.operands) if values is None else values
    for variable, operand in zip(parameters, tree.operands, strict=True):
        assumed = emitter.kinds.get(variable)
        if assumed is not None and (kept := either(assumed, emitter.kind(operand))) != assumed:
            emitter.broken[variable] = either(emitter.broken.get(variable, kept), kept)
    targets = [emitter.local(variable) for variable in parameters]
    assign(emitter, targets, values)
    emitter.block.extend(step("look"))
    emitter.add("continue")


def _cross(emitter: Emitter, tree: Call, procedure: Lambda) -> None:
    """Go on in another procedure that is made in one with this."""
    values = emitter.values(tree.operands)
    assign(emitter, [emitter.local(variable) for variable in procedure.parameters], values)
    emitter.block.extend(step("look"))
    emitter.set("state", str(emitter.group[procedure]))
    emitter.add("continue")


def assign(emitter: Emitter, targets: list[str], values: list[str]) -> None:
    """Set several names at once; those that keep their value are left alone."""
    changed = [(target, value) for target, value in zip(targets, values, strict=True) if target != value]
    if changed:
        left, right = zip(*changed, strict=True)
        emitter.add(f"{', '.join(left)} = {', '.join(right)}")


def global_value(emitter: Emitter, tree: Global) -> str:
    """The value of a global name; one that has a value will always have one, plain data the same."""
    cell = tree.cell
    if emitter.heat.is_constant(cell) or emitter.heat.builtin(tree) is not None:
        return emitter.held(cell.value)
    held = emitter.held(cell)
    if cell.value is not UNBOUND:
        return f"{held}.value"
    word = emitter.fresh("v")
    emitter.set(word, f"{held}.value")
    missing = emitter.at(f"missing({emitter.held(cell.name)}, {emitter.held(tree.scope)})", tree.span)
    emitter.below(Rare(f"if {word} is UNBOUND:"), [f"{word} = {missing}"])
    return word
