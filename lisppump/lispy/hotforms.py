"""The second tier's forms: what decides, binds, loops, catches and builds data."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lisppump.lispy.calls import CLOSURE_BYTES
from lisppump.lispy.hotcalls import call_value, global_value, tail_call
from lisppump.lispy.hotcode import (
    BOOL,
    EFFECT,
    INT,
    RETURN,
    Emitter,
    Expr,
    Unfit,
    assigned,
    attribute,
    called,
    compared,
    const,
    every,
    name,
    negation,
    parts,
    step,
    stored,
)
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
    Tree,
    Try,
    Variable,
    While,
)  # fmt: skip

# -- variables


def _const(emitter: Emitter, tree: Const) -> Expr:
    return emitter.held(tree.value)


def _local(emitter: Emitter, tree: Local) -> Expr:
    variable = tree.variable
    word = name(emitter.local(variable))
    value: Expr = _boxed(word) if variable.boxed else word
    if not variable.checked:
        return value
    value = emitter.atom(value) if variable.boxed else value
    unbound = emitter.at(called("unbound", const(variable.name), emitter.held(tree.span)), None)
    return ast.IfExp(compared(value, ast.IsNot(), name("UNBOUND")), value, unbound)


def _boxed(word: Expr) -> Expr:
    return ast.Subscript(word, const(0), ast.Load())


def _bind(emitter: Emitter, variable: Variable, value: Expr) -> None:
    """Give a fresh variable its value."""
    emitter.set(emitter.local(variable), ast.List([value], ast.Load()) if variable.boxed else value)


def _set_local(emitter: Emitter, tree: SetLocal) -> Expr:
    variable, word = tree.variable, emitter.local(tree.variable)
    value = emitter.atom(emitter.value(tree.value))
    held: Expr = _boxed(name(word)) if variable.boxed else name(word)
    if variable.checked and not tree.first:
        early = emitter.at(called("unset", const(variable.name), emitter.held(tree.span)), None)
        emitter.add(ast.If(compared(held, ast.Is(), name("UNBOUND")), [ast.Expr(early)], []))
    if variable.boxed and variable.owner is not emitter.procedure:
        keeping = called("keep", name("run"), name(word), const(variable.name), emitter.held(tree.span))
        kept: list[ast.stmt] = [ast.Expr(emitter.at(keeping, None))]
        emitter.add(ast.If(attribute(name("run"), "sealed"), kept, []))
    if variable.boxed:
        emitter.add(assigned(ast.Subscript(name(word), const(0), ast.Store()), value))
    else:
        emitter.set(word, value)
    return value


def _set_global(emitter: Emitter, tree: SetGlobal) -> Expr:
    value = emitter.atom(emitter.value(tree.value))
    call = called("set_global", name("run"), emitter.held(tree.cell), value, emitter.held(tree.span))
    return emitter.atom(emitter.at(call, None))


def _define_global(emitter: Emitter, tree: DefineGlobal) -> Expr:
    value = emitter.atom(emitter.value(tree.value))
    call = called("define_global", name("run"), emitter.held(tree.cell), value)
    return emitter.atom(emitter.at(call, None))


def _let(emitter: Emitter, tree: Let, where: str) -> None:
    for variable, value in tree.bindings:
        made = emitter.value(value)
        if not (variable.assigned or variable.late):
            emitter.kinds[variable] = emitter.kind(value)
        _bind(emitter, variable, made)
    emitter.emit(tree.body, where)


def _body(emitter: Emitter, tree: Body, where: str) -> None:
    for variable in tree.variables:
        _bind(emitter, variable, name("UNBOUND"))
    emitter.emit(tree.body, where)


def _lambda(emitter: Emitter, tree: Lambda) -> Expr:
    template = tree.template
    if template is None:
        raise Unfit
    size = const(CLOSURE_BYTES + 16 * len(tree.free))
    emitter.do(called(attribute(attribute(name("run"), "meter"), "allocate"), size))
    mine = [variable for variable in tree.free if variable.owner is emitter.procedure and variable.assigned]
    if mine:
        boxes: list[Expr] = [name(emitter.local(variable)) for variable in mine]
        marking: list[ast.stmt] = [ast.Expr(called("mark", name("run"), ast.List(boxes, ast.Load())))]
        emitter.add(ast.If(attribute(name("run"), "sealed"), marking, []))
    places = [name(emitter.local(variable)) for variable in tree.free]
    blanks = emitter.held([None] * tree.locals)
    tail: Expr = blanks
    if places:
        tail = ast.BinOp(ast.List(list(places), ast.Load()), ast.Add(), blanks)
    return called("Closure", emitter.held(template), tail)


# -- decisions


def _if_value(emitter: Emitter, tree: If) -> Expr:
    """As an expression where neither branch takes statements."""
    test = emitter.test(tree.test)
    with emitter.within() as then:
        one = emitter.value(tree.then)
    with emitter.within() as otherwise:
        other = emitter.value(tree.otherwise)
    if not then and not otherwise:
        return ast.IfExp(test, one, other)
    word = emitter.fresh()
    emitter.add(ast.If(test, [*then, assigned(word, one)], [*otherwise, assigned(word, other)]))
    return name(word)


def _if(emitter: Emitter, tree: If, where: str) -> None:
    if where != RETURN and where != EFFECT:
        emitter.give(_if_value(emitter, tree), where)
        return
    test = emitter.test(tree.test)
    with emitter.within() as then:
        emitter.emit(tree.then, where)
    with emitter.within() as otherwise:
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
    value: Expr | None = None
    if clause.body is None or clause.arrow is not None:
        value = emitter.atom(emitter.value(clause.test))
        test: Expr = called("is_true", value)
    else:
        test = emitter.test(clause.test)
    with emitter.within() as then:
        if clause.body is None:
            assert value is not None
            emitter.give(value, where)
        elif clause.arrow is None:
            emitter.emit(clause.body, where)
        else:
            assert value is not None
            emitter.counts = True
            procedure = emitter.value(clause.body)
            arguments = ast.List([value], ast.Load())
            call = called("invoke", name("run"), procedure, arguments, emitter.held(clause.arrow))
            emitter.give(emitter.at(call, None), where)
    with emitter.within() as otherwise:
        _clauses(emitter, tree, place + 1, where)
    emitter.choose(test, then or [ast.Pass()], otherwise)


def _case(emitter: Emitter, tree: Case, where: str) -> None:
    key = emitter.value(tree.key)
    found = emitter.fresh()
    call = called("case_of", name("run"), emitter.held(tree.table), emitter.held(tree.others), key)
    emitter.set(found, emitter.at(call, None))
    with emitter.within() as last:
        emitter.emit(tree.otherwise, where)
    following = last
    for place in reversed(range(len(tree.bodies))):
        with emitter.within() as body:
            emitter.emit(tree.bodies[place], where)
        test = compared(name(found), ast.Eq(), const(place))
        following = [ast.If(test, body or [ast.Pass()], following)]
    for statement in following:
        emitter.add(statement)


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
    true: Expr = value if emitter.kind(first) == BOOL else called("is_true", value)
    with emitter.within() as going_on:
        emitter.emit(rest[0] if len(rest) == 1 else tree.__class__(rest), where)
    with emitter.within() as ended:
        emitter.give(value, where)
    emitter.choose(true if conjunction else negation(true), going_on or [ast.Pass()], ended)


# -- loops


def _loop(emitter: Emitter, tree: Loop, where: str) -> None:
    label = tree.label
    values = emitter.values(tree.inits, atoms=True)
    names = [emitter.local(variable) for variable in label.parameters]
    for word, value in zip(names, values, strict=True):
        emitter.set(word, value)
    loop_turns(emitter, tree, where)


def loop_turns(emitter: Emitter, tree: Loop, where: str) -> None:
    """The turns of a loop whose variables are set."""
    label = tree.label
    if label.jumps_out:
        raise Unfit  # it may leave for a loop around it, which Python has no word for
    _assume(emitter, tree)
    with emitter.looping() as block:
        emitter.labels[label] = emitter.loops
        emitter.block.extend(step("look"))
        for variable in label.parameters:
            if variable.boxed:
                word = emitter.local(variable)
                emitter.set(word, ast.List([name(word)], ast.Load()))
        emitter.emit(tree.body, where)
        if where != RETURN:
            emitter.add(ast.Break())
        del emitter.labels[label]
    emitter.add(ast.While(const(True), block, []))


def _assume(emitter: Emitter, tree: Loop) -> None:
    """Variables that begin as integers and are only ever set to integers, found by trying."""
    label = tree.label
    guesses = {
        variable: emitter.begun.get(variable) or emitter.kind(value)
        for variable, value in zip(label.parameters, tree.inits, strict=True)
        if not variable.assigned
    }
    for item in every(tree.body):
        if isinstance(item, Let):
            emitter.sources.update({var: value for var, value in item.bindings if not var.assigned})
    emitter.kinds.update({variable: kind for variable, kind in guesses.items() if kind != "any"})
    changed = True
    while changed:
        changed = False
        for operands in _jumps(tree.body, tree):
            for variable, operand in zip(label.parameters, operands, strict=True):
                if variable in emitter.kinds and emitter.kind(operand) != emitter.kinds[variable]:
                    del emitter.kinds[variable]
                    changed = True


def _jumps(tree: Tree, loop: Loop) -> list[list[Tree]]:
    """The operands of every jump to a loop."""
    found: list[list[Tree]] = []
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, Call) and item.label is loop.label:
            found.append(item.operands)
        stack.extend(parts(item))
    return found


def _jump(emitter: Emitter, tree: Call) -> None:
    """Set a loop's variables and turn again."""
    assert tree.label is not None
    if emitter.labels.get(tree.label) != emitter.loops:
        raise Unfit
    values = emitter.values(tree.operands)
    targets: list[Expr] = [
        ast.Name(emitter.local(variable), ast.Store()) for variable in tree.label.parameters
    ]
    if len(targets) == 1:
        emitter.add(ast.Assign(targets, values[0]))
    elif targets:
        emitter.add(ast.Assign([ast.Tuple(targets, ast.Store())], ast.Tuple(values, ast.Load())))
    emitter.add(ast.Continue())


def _while(emitter: Emitter, tree: While, where: str) -> None:
    while_turns(emitter, tree)
    emitter.give(const(None), where)


def while_turns(emitter: Emitter, tree: While) -> None:
    """The turns of a while."""
    with emitter.looping() as block:
        with emitter.within() as ending:
            emitter.add(ast.Break())
        test = emitter.test(tree.test)
        emitter.add(ast.If(negation(test), ending, []))
        emitter.block.extend(step("look"))
        emitter.emit(tree.body, EFFECT)
    emitter.add(ast.While(const(True), block, []))


def _repeat(emitter: Emitter, tree: Repeat, where: str) -> None:
    times, turn = emitter.fresh("v"), emitter.fresh("v")
    count = emitter.value(tree.count)
    emitter.set(times, emitter.at(called("times_of", count, emitter.held(tree.span)), None))
    emitter.set(turn, const(0))
    repeat_turns(emitter, tree, turn, times)
    emitter.emit(tree.result, where)


def repeat_turns(emitter: Emitter, tree: Repeat, turn: str, times: str) -> None:
    """The turns of a dotimes that has come to `turn`; afterwards its variable holds the count."""
    if not tree.variable.assigned:
        emitter.kinds[tree.variable] = INT
    with emitter.looping() as block:
        emitter.block.extend(step("look"))
        _bind(emitter, tree.variable, name(turn))
        emitter.emit(tree.body, EFFECT)
        emitter.set(turn, ast.BinOp(name(turn), ast.Add(), const(1)))
    emitter.add(ast.While(compared(name(turn), ast.Lt(), name(times)), block, []))
    _bind(emitter, tree.variable, name(turn))


# -- errors and data


def _try(emitter: Emitter, tree: Try, where: str) -> None:
    emitter.counts = True
    result, caught, deep = emitter.fresh("v"), emitter.fresh("v"), emitter.fresh("v")
    emitter.set(deep, attribute(name("run"), "depth"))
    emitter.set(caught, const(None))
    with emitter.looping() as body:
        emitter.emit(tree.body, result)
    handler = ast.ExceptHandler(
        name("LispyError"),
        "error",
        [
            ast.Expr(called("place", name("error"), name("PLACES"), name("called"))),
            assigned(caught, called("catchable", name("error"))),
        ],
    )
    emitter.add(ast.Try(body, [handler], [], []))
    again = any(isinstance(item, Const) and item.value is AGAIN for item in every(tree.handler))
    if again and where == RETURN:
        raise Unfit
    with emitter.within() as handling:
        emitter.add(assigned(stored(name("run"), "depth"), name(deep)))
        _bind(emitter, tree.variable, called("caught", name("run"), name(caught)))
        if again:
            emitter.emit(tree.handler, result)
            once_more: list[ast.stmt] = [ast.Raise(called("again", name(caught)))]
            emitter.add(ast.If(compared(name(result), ast.Is(), name("AGAIN")), once_more, []))
        else:
            emitter.emit(tree.handler, where if where != EFFECT else result)
    emitter.add(ast.If(compared(name(caught), ast.IsNot(), const(None)), handling, []))
    with emitter.within() as fine:
        emitter.give(name(result), where)
    if where == RETURN or again:
        for statement in fine:
            emitter.add(statement)
    elif where != EFFECT:
        handled = emitter.block.pop()
        assert isinstance(handled, ast.If)
        emitter.add(ast.If(handled.test, handled.body, fine))


def _template(emitter: Emitter, tree: Template) -> Expr:
    made = emitter.fresh()
    emitter.set(made, ast.List([], ast.Load()))
    span = emitter.held(tree.span)
    for splice, part in tree.parts:
        value = emitter.value(part)
        if splice:
            call = emitter.at(called("put_in", name("run"), name(made), value, span), None)
        else:
            call = called(attribute(name(made), "append"), value)
        emitter.add(ast.Expr(call))
    emitter.do(emitter.at(called("contained", name("run"), name(made)), None))
    if tree.tail is None:
        return name(made)
    return called("put_before", name(made), emitter.value(tree.tail))


def _dict(emitter: Emitter, tree: DictTemplate) -> Expr:
    emitter.do(called(attribute(attribute(name("run"), "meter"), "container"), const(len(tree.keys))))
    values = emitter.values(tree.forms)
    return ast.Dict([const(key) for key in tree.keys], values)


def _assert(emitter: Emitter, tree: Assert) -> Expr:
    value = emitter.atom(emitter.value(tree.test))
    with emitter.within() as failing:
        message = const(None) if tree.message is None else emitter.value(tree.message)
        said = const(None) if tree.message is not None else const(tree.text)
        call = called("failed", name("run"), said, message, emitter.held(tree.span))
        emitter.add(ast.Expr(emitter.at(call, None)))
    emitter.add(ast.If(negation(called("is_true", value)), failing, []))
    return value


def _call(emitter: Emitter, tree: Call, where: str) -> None:
    if tree.label is not None:
        _jump(emitter, tree)
    elif tree.tail and where == RETURN:
        tail_call(emitter, tree)
    else:
        emitter.give(call_value(emitter, tree), where)


def _call_value(emitter: Emitter, tree: Call) -> Expr:
    if tree.label is not None:
        raise Unfit
    return call_value(emitter, tree)


VALUES: dict[type, Callable[[Any, Any], Expr]] = {
    Const: _const, Local: _local, Global: global_value, SetLocal: _set_local, SetGlobal: _set_global,
    DefineGlobal: _define_global, Call: _call_value, Lambda: _lambda, Template: _template, DictTemplate:
    _dict, Assert: _assert,
    If: _if_value,
}  # fmt: skip
STATEMENTS: dict[type, Callable[[Any, Any, str], None]] = {
    If: _if, Cond: _cond, Case: _case, Sequence: _sequence, And: _and_or, Or: _and_or, Let: _let, Body: _body,
    Loop: _loop, While: _while, Repeat: _repeat, Try: _try, Call: _call,
}  # fmt: skip
