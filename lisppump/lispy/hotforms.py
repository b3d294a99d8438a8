"""The second tier's forms: what decides, binds, loops, catches and builds data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy.hotcalls import assign, call_value, global_value, tail_call
from lisppump.lispy.hotcode import ANY, BOOL, EFFECT, MOST_TURNED, NEAR, RETURN, Emitter, Unfit, either, every
from lisppump.lispy.hotflow import filled
from lisppump.lispy.hotmaps import lambda_value
from lisppump.lispy.hottext import NIL, Block, Rare, container, counted, step
from lisppump.lispy.hotwalks import begin, end, gathered, is_walkable, step_of, walks_of
from lisppump.lispy.tree import (
    AGAIN,
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
    Toll,
    Tree,
    Try,
    Variable,
    While,
)  # fmt: skip
from lisppump.lispy.values import Keyword, Symbol

# -- variables


def _const(emitter: Emitter, tree: Const) -> str:
    return emitter.held(tree.value)


def _local(emitter: Emitter, tree: Local) -> str:
    variable = tree.variable
    if emitter.gatherers and (found := gathered(emitter, variable)) is not None:
        return found
    word = emitter.local(variable)
    value = f"{word}[0]" if variable.boxed else word
    if not variable.checked:
        return value
    value = emitter.atom(value) if variable.boxed else value
    unbound = emitter.at(f"unbound({emitter.held(variable.name)}, {emitter.held(tree.span)})", None)
    return f"({value} if {value} is not UNBOUND else {unbound})"


def _bind(emitter: Emitter, variable: Variable, value: str) -> None:
    """Give a fresh variable its value."""
    emitter.set(emitter.local(variable), f"[{value}]" if variable.boxed else value)


def _set_local(emitter: Emitter, tree: SetLocal) -> str:
    variable, word = tree.variable, emitter.local(tree.variable)
    value = emitter.atom(emitter.value(tree.value))
    held = f"{word}[0]" if variable.boxed else word
    named, span = emitter.held(variable.name), emitter.held(tree.span)
    if variable.checked and not tree.first:
        early = emitter.at(f"unset({named}, {span})", None)
        emitter.below(Rare(f"if {held} is UNBOUND:"), [early])
    if variable.boxed and variable.owner is not emitter.procedure:
        emitter.below(Rare("if run.sealed:"), [emitter.at(f"keep(run, {word}, {named}, {span})", None)])
    emitter.set(held, value)
    return value


def _set_global(emitter: Emitter, tree: SetGlobal) -> str:
    value = emitter.atom(emitter.value(tree.value))
    call = f"set_global(run, {emitter.held(tree.cell)}, {value}, {emitter.held(tree.span)})"
    return emitter.atom(emitter.at(call, None))


def _define_global(emitter: Emitter, tree: DefineGlobal) -> str:
    value = emitter.atom(emitter.value(tree.value))
    return emitter.atom(emitter.at(f"define_global(run, {emitter.held(tree.cell)}, {value})", None))


def _let(emitter: Emitter, tree: Let, where: str) -> None:
    for variable, value in tree.bindings:
        made = emitter.value(value)
        if not (variable.assigned or variable.late):
            emitter.kinds[variable] = emitter.kind(value)
        _bind(emitter, variable, made)
    emitter.emit(tree.body, where)


def _body(emitter: Emitter, tree: Body, where: str) -> None:
    for variable in tree.variables:
        _bind(emitter, variable, "UNBOUND")
    emitter.emit(tree.body, where)


# -- decisions


def _if_value(emitter: Emitter, tree: If) -> str:
    """As an expression where neither branch takes statements."""
    test = emitter.test(tree.test)
    holds, fails = filled(emitter, tree.test)
    with emitter.within(holds) as then:
        one = emitter.value(tree.then)
    with emitter.within(fails) as otherwise:
        other = emitter.value(tree.otherwise)
    if not then and not otherwise:
        return f"({one} if {test} else {other})"
    word = emitter.fresh()
    emitter.choose(test, [*then, f"{word} = {one}"], [*otherwise, f"{word} = {other}"])
    return word


def _if(emitter: Emitter, tree: If, where: str) -> None:
    if where != RETURN and where != EFFECT:
        emitter.give(_if_value(emitter, tree), where)
        return
    test = emitter.test(tree.test)
    holds, fails = filled(emitter, tree.test)
    with emitter.within(holds) as then:
        emitter.emit(tree.then, where)
    with emitter.within(fails) as otherwise:
        emitter.emit(tree.otherwise, where)
    emitter.choose(test, then, otherwise)


def _cond(emitter: Emitter, tree: Cond, where: str) -> None:
    _clauses(emitter, tree, 0, where)


def _clauses(emitter: Emitter, tree: Cond, place: int, where: str) -> None:
    """The clauses from a place on, each in the else of the one before; long ones are cut off by the depth."""
    if place == len(tree.clauses):
        emitter.emit(tree.otherwise, where)
        return
    clause = tree.clauses[place]
    value = ""
    if clause.body is None or clause.arrow is not None:
        value = emitter.atom(emitter.value(clause.test))
        test = f"is_true({value})"
    else:
        test = emitter.test(clause.test)
    holds, fails = filled(emitter, clause.test)
    with emitter.within(holds) as then:
        if clause.body is None:
            emitter.give(value, where)
        elif clause.arrow is None:
            emitter.emit(clause.body, where)
        else:
            procedure = emitter.atom(emitter.value(clause.body))
            emitter.sink()
            call = f"invoke(run, {procedure}, [{value}], {emitter.held(clause.arrow)})"
            emitter.give(emitter.at(call, None), where)
    with emitter.within(fails) as otherwise:
        _clauses(emitter, tree, place + 1, where)
    emitter.choose(test, then or ["pass"], otherwise)


def _case(emitter: Emitter, tree: Case, where: str) -> None:
    key = emitter.value(tree.key)
    found = emitter.fresh()
    emitter.set(found, _place_in(emitter, tree, key))
    for place, tree_ in enumerate(tree.bodies):
        with emitter.within() as body:
            emitter.emit(tree_, where)
        emitter.below(f"{'el' if place else ''}if {found} == {place}:", body)
    with emitter.within() as last:
        emitter.emit(tree.otherwise, where)
    if not tree.bodies:
        emitter.block.extend(last)
    elif last:
        emitter.below("else:", last)


def _place_in(emitter: Emitter, tree: Case, key: str) -> str:
    """Which body of a case is meant; names and texts alone are looked up at once."""
    key = key if key.isidentifier() else emitter.atom(key)
    call = f"case_of(run, {emitter.held(tree.table)}, {emitter.held(tree.others)}, {key})"
    slow = emitter.at(call, None)
    kinds = {kind for kind, _ in tree.table} if not tree.others else set()
    if not kinds or not kinds <= {str, Symbol, Keyword} or tree.long:
        return slow
    plain = emitter.held({value: place for (_, value), place in tree.table.items()})
    tests = " or ".join(f"type({key}) is {kind.__name__}" for kind in (str, Symbol, Keyword) if kind in kinds)
    return f"({plain}.get({key}, -1) if {tests} else {slow})"


def _sequence(emitter: Emitter, tree: Sequence, where: str) -> None:
    for form in tree.forms[:-1]:
        emitter.emit(form, EFFECT)
    emitter.emit(tree.forms[-1], where)


def _and_or(emitter: Emitter, tree: And | Or, where: str) -> None:
    """Each in turn; the last in the tail position, if that is where all of it stands."""
    conjunction = isinstance(tree, And)
    if emitter.kind(tree) == BOOL or (where == EFFECT and len(tree.forms) == 1):
        emitter.give(emitter.test(tree), where)
        return
    first, rest = tree.forms[0], tree.forms[1:]
    if not rest:
        emitter.emit(first, where)
        return
    value = emitter.atom(emitter.value(first))
    true = value if emitter.kind(first) == BOOL else f"is_true({value})"
    with emitter.within() as going_on:
        emitter.emit(rest[0] if len(rest) == 1 else tree.__class__(rest), where)
    with emitter.within() as ended:
        emitter.give(value, where)
    emitter.choose(true if conjunction else f"not {true}", going_on or ["pass"], ended)


# -- loops


def _loop(emitter: Emitter, tree: Loop, where: str) -> None:
    label = tree.label
    values = emitter.values(tree.inits, atoms=True)
    for variable, value in zip(label.parameters, values, strict=True):
        emitter.set(emitter.local(variable), value)
    loop_turns(emitter, tree, where)


def loop_turns(emitter: Emitter, tree: Loop, where: str) -> None:
    """The turns of a loop whose variables are set."""
    label = tree.label
    if label.jumps_out or len(label.parameters) > MOST_TURNED:
        raise Unfit  # it may leave for a loop around it, which Python has no word for
    jumps = _assume(emitter, tree)
    walks = walks_of(emitter, label.parameters, tree.inits, tree.body, jumps)
    if walks.cursors:
        unlike = f"if not ({is_walkable(walks, emitter)}):"
        if emitter.unit and emitter.loops == 0:
            emitter.below(unlike, ["return general(frame)"])
        else:
            with emitter.within() as plainly:
                _loop_block(emitter, tree, where)
            emitter.below(unlike, plainly)
            with emitter.within() as walking:
                begin(emitter, walks)
                _loop_block(emitter, tree, where)
            end(emitter, walks)
            emitter.below("else:", walking)
            return
    begin(emitter, walks)
    _loop_block(emitter, tree, where)
    end(emitter, walks)


def _loop_block(emitter: Emitter, tree: Loop, where: str) -> None:
    label = tree.label
    with emitter.looping() as block:
        emitter.labels[label] = emitter.loops
        emitter.block.extend(step("look"))
        for variable in label.parameters:
            if variable.boxed:
                word = emitter.local(variable)
                emitter.set(word, f"[{word}]")
        emitter.emit(tree.body, where)
        if where != RETURN:
            emitter.add("break")
        del emitter.labels[label]
    emitter.below("while True:", block)


def _assume(emitter: Emitter, tree: Loop) -> list[Call]:
    """Variables that begin as integers and are only ever set to integers, found by trying; the jumps."""
    label = tree.label
    guesses = {
        variable: emitter.begun.get(variable) or emitter.kind(value)
        for variable, value in zip(label.parameters, tree.inits, strict=True)
        if not variable.assigned
    }
    below = every(tree.body)
    for item in below:
        if isinstance(item, Let):
            emitter.sources.update({var: value for var, value in item.bindings if not var.assigned})
    jumps = [item for item in below if isinstance(item, Call) and item.label is label]
    emitter.kinds.update({variable: kind for variable, kind in guesses.items() if kind != ANY})
    changed = True
    while changed:
        changed = False
        for jump in jumps:
            for variable, operand in zip(label.parameters, jump.operands, strict=True):
                assumed = emitter.kinds.get(variable)
                if assumed is None or (kept := either(assumed, emitter.kind(operand))) == assumed:
                    continue
                changed = True
                if kept == ANY:
                    del emitter.kinds[variable]
                else:
                    emitter.kinds[variable] = kept
    return jumps


def _jump(emitter: Emitter, tree: Call) -> None:
    """Set a loop's variables and turn again."""
    assert tree.label is not None
    if emitter.labels.get(tree.label) != emitter.loops:
        raise Unfit
    values, late = _stepping(emitter, tree.label.parameters, tree.operands)
    targets = [emitter.local(variable) for variable in tree.label.parameters]
    if any(variable.boxed for variable in tree.label.parameters):
        if targets:
            emitter.add(f"{', '.join(targets)} = {', '.join(values)}")
    else:
        assign(emitter, targets, values)
    emitter.block += late
    emitter.add("continue")


def _stepping(emitter: Emitter, variables: list[Variable], operands: list[Tree]) -> tuple[list[str], Block]:
    """The values that variables get, and what cursors and gatherers do when all values are there."""
    if not (emitter.cursors or emitter.gatherers):
        return emitter.values(operands), []
    values: list[str] = []
    late: Block = []
    for variable, operand in zip(variables, operands, strict=True):
        doing = step_of(emitter, operand, variable)
        if doing is None:
            values.append(emitter.kept(operand, emitter.value(operand)))
        else:
            late += doing
            values.append(emitter.local(variable))
    return values, late


def _while(emitter: Emitter, tree: While, where: str) -> None:
    while_turns(emitter, tree)
    emitter.give(NIL, where)


def while_turns(emitter: Emitter, tree: While) -> None:
    """The turns of a while."""
    with emitter.looping() as block:
        emitter.below(f"if not {emitter.test(tree.test)}:", ["break"])
        emitter.block.extend(step("look"))
        emitter.emit(tree.body, EFFECT)
    emitter.below("while True:", block)


def _repeat(emitter: Emitter, tree: Repeat, where: str) -> None:
    times, turn = emitter.fresh("v"), emitter.fresh("v")
    count = emitter.value(tree.count)
    emitter.set(times, emitter.at(f"times_of({count}, {emitter.held(tree.span)})", None))
    emitter.set(turn, "0")
    repeat_turns(emitter, tree, turn, times)
    emitter.emit(tree.result, where)


def repeat_turns(emitter: Emitter, tree: Repeat, turn: str, times: str) -> None:
    """The turns of a dotimes that has come to `turn`; afterwards its variable holds the count."""
    if not tree.variable.assigned:
        emitter.kinds[tree.variable] = NEAR
    with emitter.looping() as block:
        emitter.block.extend(step("look"))
        _bind(emitter, tree.variable, turn)
        emitter.emit(tree.body, EFFECT)
        emitter.set(turn, f"{turn} + 1")
    emitter.below(f"while {turn} < {times}:", block)
    _bind(emitter, tree.variable, turn)


# -- errors and data


def _try(emitter: Emitter, tree: Try, where: str) -> None:
    emitter.counts = emitter.asks = True
    result, caught = emitter.fresh("v"), emitter.fresh("v")
    emitter.set(caught, "None")
    with emitter.looping() as body:
        emitter.emit(tree.body, result)
    emitter.below("try:", body)
    kept = f"{caught} = catchable(error)"
    emitter.below("except LispyError as error:", ["place(error, PLACES, called)", kept])
    again = any(isinstance(item, Const) and item.value is AGAIN for item in every(tree.handler))
    if again and where == RETURN:
        raise Unfit
    with emitter.within() as handling:
        _bind(emitter, tree.variable, f"caught(run, {caught})")
        if again:
            emitter.emit(tree.handler, result)
            emitter.below(f"if {result} is AGAIN:", [f"raise again({caught})"])
        else:
            emitter.emit(tree.handler, where if where != EFFECT else result)
    with emitter.within() as fine:
        emitter.give(result, where)
    handled = f"if {caught} is not None:"
    if where == RETURN or again:
        emitter.below(handled, handling)
        emitter.block.extend(fine)
    elif where != EFFECT:
        emitter.below(handled, handling)
        emitter.below("else:", fine)
    else:
        emitter.below(handled, handling)


def _template(emitter: Emitter, tree: Template) -> str:
    made, span = emitter.fresh(), emitter.held(tree.span)
    emitter.set(made, "[]")
    for splice, part in tree.parts:
        value = emitter.value(part)
        if splice:
            emitter.add(emitter.at(f"put_in(run, {made}, {value}, {span})", None))
        else:
            emitter.add(f"{made}.append({value})")
    emitter.add(f"contained(run, {made})")
    if tree.tail is None:
        return made
    return f"put_before({made}, {emitter.value(tree.tail)})"


def _dict(emitter: Emitter, tree: DictTemplate) -> str:
    count = len(tree.keys)
    emitter.block += container(count, f"meter.container({count})", "meter.look()", "meter.allocate(0)")
    values = emitter.values(tree.forms)
    pairs = (f"{emitter.held(key)}: {value}" for key, value in zip(tree.keys, values, strict=True))
    return f"{{{', '.join(pairs)}}}"


def _assert(emitter: Emitter, tree: Assert) -> str:
    value = emitter.atom(emitter.value(tree.test))
    with emitter.within() as failing:
        message = NIL if tree.message is None else emitter.value(tree.message)
        said = NIL if tree.message is not None else emitter.held(tree.text)
        call = f"failed(run, {said}, {message}, {emitter.held(tree.span)})"
        emitter.add(emitter.at(call, None))
    emitter.below(Rare(f"if not is_true({value}):"), failing)
    return value


def _toll(emitter: Emitter, tree: Toll) -> str:
    emitter.block += counted(tree.steps, emitter.at("meter.look()", None))
    return NIL


def _call(emitter: Emitter, tree: Call, where: str) -> None:
    if tree.label is not None:
        _jump(emitter, tree)
    elif tree.tail and where == RETURN:
        tail_call(emitter, tree)
    else:
        emitter.give(call_value(emitter, tree), where)


def _call_value(emitter: Emitter, tree: Call) -> str:
    if tree.label is not None:
        raise Unfit
    return call_value(emitter, tree)


VALUES: dict[type, Callable[[Any, Any], str]] = {
    Const: _const, Local: _local, Global: global_value, SetLocal: _set_local, SetGlobal: _set_global,
    DefineGlobal: _define_global, Call: _call_value, Lambda: lambda_value, Template: _template, DictTemplate:
    _dict, Assert: _assert, Toll: _toll,
    If: _if_value,
}  # fmt: skip
STATEMENTS: dict[type, Callable[[Any, Any, str], None]] = {
    If: _if, Cond: _cond, Case: _case, Sequence: _sequence, And: _and_or, Or: _and_or, Let: _let, Body: _body,
    Loop: _loop, While: _while, Repeat: _repeat, Try: _try, Call: _call,
}  # fmt: skip
