"""The second tier's map, filter and for-each of a lambda that stands there: a loop, and no procedure is made.

It charges, and its errors say, what making the procedure and calling it for each element would.
"""

from __future__ import annotations

from lisppump.lispy.calls import CLOSURE_BYTES, Builtin
from lisppump.lispy.hotcode import BOOL, Emitter, Unfit
from lisppump.lispy.hotinline import IN_LOOPS, MOST_INLINED, MOST_WITHIN, forget, is_short
from lisppump.lispy.hottext import NIL, OTHERWISE, Block, Literal, Rare, bytes_
from lisppump.lispy.tree import Call, Lambda

OVER_LISTS = frozenset({"map", "filter", "for-each"})


def lambda_value(emitter: Emitter, tree: Lambda) -> str:
    """A procedure that is made."""
    emitter.block.extend(bytes_(CLOSURE_BYTES + 16 * len(tree.free)))
    lines, made = _made(emitter, tree)
    emitter.block += lines
    return made


def _made(emitter: Emitter, tree: Lambda) -> tuple[Block, str]:
    """What makes a procedure, but for its bytes, and its name."""
    template = tree.template
    if template is None:
        raise Unfit
    lines: Block = []
    mine = [variable for variable in tree.free if variable.owner is emitter.procedure and variable.assigned]
    if mine:
        boxes = ", ".join(emitter.local(variable) for variable in mine)
        lines.append((Rare("if run.sealed:"), [f"mark(run, [{boxes}])"]))
    blanks = emitter.held([None] * tree.locals)
    tail = blanks
    if tree.free:
        captured = [emitter.local(variable) for variable in tree.free]
        tail = f"[{', '.join([*captured, *['None'] * tree.locals])}]"
    made = emitter.fresh()
    lines += [
        f"{made} = Closure()",
        f"{made}.template = {emitter.held(template)}",
        f"{made}.tail = {tail}",
        f"{made}.fast = None",
        f"{made}.arity = {-1 if template.rest else template.arity}",
    ]
    return lines, made


def fits(emitter: Emitter, tree: Call, builtin: Builtin) -> bool:
    """Whether a call is one of these, and there is room for the loop."""
    if builtin.spec.name not in OVER_LISTS or len(tree.operands) != 2:
        return False
    procedure = tree.operands[0]
    if not isinstance(procedure, Lambda) or len(procedure.parameters) != 1 or procedure.check is not None:
        return False
    if procedure in emitter.inlined or len(emitter.inlined) >= MOST_WITHIN or emitter.loops >= MOST_WITHIN:
        return False
    size = is_short(procedure, emitter.heat)
    if not 0 < size <= IN_LOOPS or emitter.extra + size > MOST_INLINED:
        return False
    emitter.extra += size
    return True


def looped(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """The value; for what is no list a procedure is made after all."""
    procedure = tree.operands[0]
    assert isinstance(procedure, Lambda)
    emitter.block += bytes_(CLOSURE_BYTES + 16 * len(procedure.free))
    items = emitter.atom(emitter.value(tree.operands[1]))
    if isinstance(items, Literal):  # Python would warn of what is asked of it
        literal, items = items, emitter.fresh()
        emitter.set(items, literal)
    emitter.sink()
    result = emitter.fresh()
    with emitter.within() as listed:
        _loop(emitter, tree, builtin, items, result)
    kinds = " or ".join(f"type({items}) is {kind}" for kind in ("list", "Slice", "Pair"))
    emitter.below(f"if {items} is None or {kinds}:", listed)
    function = emitter.held(builtin.function)
    closure, made = _made(emitter, procedure)
    slow = emitter.at(f"{function}(run, {made}, {items})", tree.span, builtin)
    emitter.below(OTHERWISE, [*closure, f"{result} = {slow}"])
    return NIL if builtin.spec.name == "for-each" else result


def _loop(emitter: Emitter, tree: Call, builtin: Builtin, items: str, result: str) -> None:
    """The elements in turn, each charged as a call one level deeper."""
    procedure = tree.operands[0]
    assert isinstance(procedure, Lambda)
    word, span = builtin.spec.name, tree.span
    every, item = emitter.fresh(), emitter.fresh()
    emitter.set(every, emitter.at(f"walk(run, {emitter.held(word)}, {items}, 2)", span, builtin))
    if word == "map":
        emitter.add(emitter.at(f"make_room(run, len({every}))", span, builtin))
    deep = emitter.at("sunk(run)", span, builtin)
    emitter.below(Rare(f"if {every} and {emitter.level} >= run.deepest:"), [deep])
    emitter.set(result, "None" if word == "for-each" else "[]")
    forget(emitter, procedure)
    (variable,) = procedure.parameters
    emitter.names[variable] = item
    before = emitter.depth, emitter.level, emitter.via
    with emitter.looping() as block:
        emitter.add("meter.steps = steps = meter.steps + 1")
        emitter.below("if steps > meter.next_look:", [emitter.at("meter.look()", span, builtin)])
        emitter.depth, emitter.level = emitter.level, f"{emitter.level} + 1"
        emitter.via = ((None, procedure.name), (span, None), *emitter.via)
        emitter.inlined.append(procedure)
        _element(emitter, procedure, word, item, result)
        emitter.inlined.pop()
        emitter.depth, emitter.level, emitter.via = before
    emitter.below(f"for {item} in {every}:", block)
    if word == "filter":
        emitter.add(emitter.at(f"make_room(run, len({result}))", span, builtin))


def _element(emitter: Emitter, procedure: Lambda, word: str, item: str, result: str) -> None:
    """What is done with one element."""
    if word == "for-each":
        emitter.do(emitter.value(procedure.body))
        return
    value = emitter.fresh()
    emitter.emit(procedure.body, value)
    if word == "map":
        emitter.add(f"{result}.append({value})")
        return
    known = emitter.kind(procedure.body) == BOOL
    test = value if known else f"{value} is True or ({value} is not False and is_true({value}))"
    emitter.below(f"if {test}:", [f"{result}.append({item})"])
