"""The second tier's map, filter, for-each and update by a lambda that stands there: no procedure is made.

What is done instead charges, and its errors say, what making the procedure and calling it would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lisppump.lispy.builtins.versions import ENTRY, SMALL
from lisppump.lispy.calls import Builtin, closure_bytes
from lisppump.lispy.hotcode import BOOL, Emitter, Unfit
from lisppump.lispy.hotflow import constant_of, is_dict
from lisppump.lispy.hotinline import IN_LOOPS, MOST_INLINED, MOST_WITHIN, forget, is_short
from lisppump.lispy.hottext import NIL, OTHERWISE, Block, Literal, Rare, bytes_, counted, typed, wholly
from lisppump.lispy.tree import Call, Lambda
from lisppump.lispy.values import Keyword, Symbol

# The place of the lambda, among so many operands.
PLACES = {"map": (0, 2), "filter": (0, 2), "for-each": (0, 2), "update": (2, 3)}


def lambda_value(emitter: Emitter, tree: Lambda) -> str:
    """A procedure that is made."""
    emitter.block.extend(bytes_(closure_bytes(len(tree.free), tree.locals)))
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
    place, count = PLACES.get(builtin.spec.name, (0, -1))
    if len(tree.operands) != count:
        return False
    procedure = tree.operands[place]
    if not isinstance(procedure, Lambda) or len(procedure.parameters) != 1 or procedure.check is not None:
        return False
    if procedure in emitter.inlined or len(emitter.inlined) >= MOST_WITHIN or emitter.loops >= MOST_WITHIN:
        return False
    size = is_short(procedure, emitter.heat)
    if not 0 < size <= IN_LOOPS or emitter.extra + size > MOST_INLINED:
        return False
    emitter.extra += size
    return True


def in_place(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """The value of a call that fits."""
    make = _updated if builtin.spec.name == "update" else _looped
    return make(emitter, tree, builtin)


def _looped(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A loop; for what is no list a procedure is made after all."""
    procedure = tree.operands[0]
    assert isinstance(procedure, Lambda)
    emitter.block += bytes_(closure_bytes(len(procedure.free), procedure.locals))
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
    with emitter.looping() as block, _called(emitter, tree, builtin, procedure):
        _element(emitter, procedure, word, item, result)
    emitter.below(f"for {item} in {every}:", block)
    if word == "filter":
        emitter.add(emitter.at(f"make_room(run, len({result}))", span, builtin))


@contextmanager
def _called(emitter: Emitter, tree: Call, builtin: Builtin, procedure: Lambda) -> Iterator[None]:
    """The body in the place of a call by a builtin: it is counted, and its errors pass that call."""
    before = emitter.depth, emitter.level, emitter.via
    emitter.block += counted(1, emitter.at("meter.look()", tree.span, builtin))
    emitter.depth, emitter.level = emitter.level, f"{emitter.level} + 1"
    emitter.via = ((None, procedure.name), (tree.span, None), *emitter.via)
    emitter.inlined.append(procedure)
    yield
    emitter.inlined.pop()
    emitter.depth, emitter.level, emitter.via = before


def _updated(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A key of a plain dict with another value; for anything else a procedure is made after all."""
    procedure = tree.operands[2]
    assert isinstance(procedure, Lambda)
    items, given = emitter.values(tree.operands[:2], atoms=True)
    if isinstance(items, Literal):
        literal, items = items, emitter.fresh()
        emitter.set(items, literal)
    emitter.block += bytes_(closure_bytes(len(procedure.free), procedure.locals))
    emitter.sink()
    tests = [is_dict(emitter, tree.operands[0], items)]
    named = constant_of(emitter, tree.operands[1])
    key = given
    if isinstance(named, str | Symbol | Keyword):
        key = emitter.held(named if isinstance(named, str) else named.name)
    else:
        tests.append(typed(key, "str"))
    result = emitter.fresh()
    with emitter.within() as plain:
        _update(emitter, tree, builtin, items, key, result)
    emitter.below(f"if {wholly(tests)}:", plain)
    closure, made = _made(emitter, procedure)
    function = emitter.held(builtin.function)
    slow = emitter.at(f"{function}(run, {items}, {given}, {made})", tree.span, builtin)
    emitter.below(OTHERWISE, [*closure, f"{result} = {slow}"])
    return result


def _update(emitter: Emitter, tree: Call, builtin: Builtin, items: str, key: str, result: str) -> None:
    """The new dict; a small one is copied."""
    procedure, span = tree.operands[2], tree.span
    assert isinstance(procedure, Lambda)
    old, new = emitter.fresh(), emitter.fresh()
    emitter.block += counted(2, emitter.at("meter.look()", span, builtin))
    emitter.set(old, f"{items}.get({key})")
    emitter.below(Rare(f"if {emitter.level} >= run.deepest:"), [emitter.at("sunk(run)", span, builtin)])
    forget(emitter, procedure)
    emitter.names[procedure.parameters[0]] = old
    with _called(emitter, tree, builtin, procedure):
        emitter.emit(procedure.body, new)
    refuse = emitter.at("meter.allocate(0)", span, builtin)
    copied: Block = [
        *bytes_(f"{ENTRY} * len({items}) + {ENTRY}", refuse),
        f"{result} = {items}.copy()",
        f"{result}[{key}] = {new}",
    ]
    emitter.below(f"if len({items}) < {SMALL} and {SMALL} < run.limits.elements:", copied)
    large = emitter.at(f"with_key(run, {items}, {key}, {new})", span, builtin)
    emitter.below(OTHERWISE, [f"{result} = {large}"])


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
