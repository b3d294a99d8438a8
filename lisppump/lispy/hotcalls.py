"""The second tier's calls: arithmetic in place, builtins by their functions, closures by theirs, jumps."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lisppump.lispy.calls import Builtin
from lisppump.lispy.hotcode import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    MOST_ARGUMENTS,
    Emitter,
    Expr,
    assigned,
    attribute,
    both,
    called,
    compared,
    const,
    kinds_of,
    name,
    negation,
    step,
    stored,
    typed,
)
from lisppump.lispy.names import UNBOUND
from lisppump.lispy.tree import Call, Const, Global, Tree
from lisppump.lispy.values import Keyword, Symbol

LARGE = 1 << 29  # Python compares integers within quickly; what others come to is computed by a function
ARITHMETIC: dict[str, Any] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
ORDER: dict[str, Any] = {"<": ast.Lt, ">": ast.Gt, "<=": ast.LtE, ">=": ast.GtE, "=": ast.Eq}
TESTS = (
    "not", "null?", "pair?", "list?", "number?", "string?", "even?", "odd?", "zero?", "equal?", "has-key?",
    "empty?", "symbol?", "dict?", "boolean?", "procedure?", "integer?", "positive?", "negative?",
)  # fmt: skip
QUIET = frozenset({  # builtins that never call a procedure, so that nobody sees how deep it is
    "car", "cdr", "cons", "list", "first", "second", "third", "rest", "last", "null?", "not", "pair?",
    "length",
    "nth", "get", "dict-set", "append", "reverse", "abs", "min", "max", "modulo", "remainder", "quotient",
    "/",
    "//", "+", "-", "*", "<", ">", "<=", ">=", "=", "equal?", "even?", "odd?", "zero?", "sqrt", "floor",
    "round", "string-append", "string-length", "substring", "dict", "has-key?", "empty?", "range", "clamp",
    "inc", "dec", "expt", "string-ref", "list-ref", "cadr", "keys", "values", "truncate", "ceil", "exp",
    "sin",
    "cos", "positive?", "negative?", "number?", "string?", "string=?", "number->string", "take", "drop",
})  # fmt: skip


def builtin_of(emitter: Emitter, tree: Call) -> Builtin | None:
    """The builtin that a call is certain to call, with as many operands as it takes."""
    if not isinstance(tree.operator, Global):
        return None
    found = emitter.steady(tree.operator.cell)
    count = len(tree.operands)
    if found is None or count < found.low or (found.high is not None and count > found.high):
        return None
    return found


def kind_of(emitter: Emitter, tree: Tree) -> str:
    """What is known of a tree's value without computing it."""
    if not isinstance(tree, Call):
        return kinds_of(emitter, tree)
    builtin = builtin_of(emitter, tree)
    if builtin is None:
        return ANY
    word = builtin.spec.name
    if word in TESTS or (word in ORDER and len(tree.operands) == 2):
        return BOOL
    count = len(tree.operands)
    arithmetic = word in ARITHMETIC and 2 <= count <= 4
    if not arithmetic and not (count == 2 and word in ("modulo", "quotient", "remainder", "/")):
        return ANY
    kinds = {emitter.kind(operand) for operand in tree.operands}
    if kinds == {INT} and word != "/":
        return INT
    return FLOAT if FLOAT in kinds and kinds <= {INT, FLOAT} and (arithmetic or word == "/") else ANY


def call_value(emitter: Emitter, tree: Call) -> Expr:
    """The value of a call that is no jump and stands in no tail position."""
    builtin = builtin_of(emitter, tree)
    if builtin is not None:
        return builtin_call(emitter, tree, builtin)
    return closure_call(emitter, tree)


def builtin_call(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    """A builtin called by its function, or done in place where that is short."""
    word, operands = builtin.spec.name, tree.operands
    count = len(operands)
    if word in ARITHMETIC and 2 <= count <= 4:
        return _arithmetic(emitter, tree, builtin)
    if count == 2 and word in _PAIRS:
        return _PAIRS[word](emitter, tree, builtin)
    if count == 1 and word in _SHORT:
        value = emitter.atom(emitter.value(operands[0]))
        if isinstance(value, ast.Constant):
            return _by_function(emitter, tree, builtin, [value])
        return _SHORT[word](emitter, tree, builtin, value)
    if word not in QUIET:
        emitter.counts = True
    return _by_function(emitter, tree, builtin, emitter.values(operands))


def _by_function(emitter: Emitter, tree: Call, builtin: Builtin, values: list[Expr]) -> Expr:
    call = called(emitter.held(builtin.function), name("run"), *values)
    return emitter.at(call, tree.span, builtin)


def _known(emitter: Emitter, tree: Call) -> tuple[list[Expr], list[str]]:
    """The operands of a call under names, and what is known of them."""
    return emitter.values(tree.operands, atoms=True), [emitter.kind(operand) for operand in tree.operands]


def _whole(values: list[Expr], kinds: list[str]) -> list[Expr]:
    """Tests that values are integers, of those that are not known to be."""
    return [typed(value, "int") for value, kind in zip(values, kinds, strict=True) if kind != INT]


def _small(value: Expr) -> bool:
    number = value.value if isinstance(value, ast.Constant) else None
    return isinstance(number, int | float) and abs(number) < LARGE


def _floats(values: list[Expr], kinds: list[str]) -> bool:
    """Whether these are floats, but for small constants: no integer is too large to be made a float."""
    small = all(
        kind == FLOAT or _small(value)
        for value, kind in zip(values, kinds, strict=True)
        if kind in (INT, FLOAT)
    )
    return small and FLOAT in kinds and set(kinds) <= {INT, FLOAT}


def _finite(computed: ast.NamedExpr, result: str) -> Expr:
    """A float that is not finite is not zero less itself."""
    return compared(ast.BinOp(computed, ast.Sub(), name(result)), ast.Eq(), const(0.0))


def _arithmetic(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    values, kinds = _known(emitter, tree)
    word, result = builtin.spec.name, emitter.fresh()
    total = values[0]
    for value in values[1:]:
        total = ast.BinOp(total, ARITHMETIC[word](), value)
    computed = ast.NamedExpr(ast.Name(result, ast.Store()), total)
    if len(values) == 2:
        slow: Expr = emitter.at(called(f"do_{_WORDS[word]}", name("run"), *values), tree.span, builtin)
    else:
        slow = _by_function(emitter, tree, builtin, values)
    if _floats(values, kinds):
        fine = _finite(computed, result)
        # The sign of a sum that is zero depends on where the sum begins.
        return ast.IfExp(both(fine, name(result)) if word == "+" else fine, name(result), slow)
    if FLOAT in kinds:
        return slow
    within = ast.Compare(const(-LARGE), [ast.Lt(), ast.Lt()], [computed, const(LARGE)])
    return ast.IfExp(both(*_whole(values, kinds), within), name(result), slow)


def _quotient(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    """A division of floats; integers may divide exactly, so they are left to the builtin."""
    values, kinds = _known(emitter, tree)
    slow = _by_function(emitter, tree, builtin, values)
    if not _floats(values, kinds):
        return slow
    result = emitter.fresh()
    divided = ast.NamedExpr(ast.Name(result, ast.Store()), ast.BinOp(values[0], ast.Div(), values[1]))
    return ast.IfExp(both(values[1], _finite(divided, result)), name(result), slow)


def _order(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    values, kinds = _known(emitter, tree)
    word = builtin.spec.name
    test = compared(values[0], ORDER[word](), values[1])
    if set(kinds) <= {INT, FLOAT}:
        return test
    slow = emitter.at(called(f"do_{_WORDS[word]}", name("run"), *values), tree.span, builtin)
    return slow if FLOAT in kinds else ast.IfExp(both(*_whole(values, kinds)), test, slow)


_WORDS = {"+": "add", "-": "sub", "*": "mul", "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "=": "eq"}


def _modulo(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    values, kinds = _known(emitter, tree)
    divisor = tree.operands[1]
    rest = ast.BinOp(values[0], ast.Mod(), values[1])
    if isinstance(divisor, Const) and divisor.value.__class__ is int and 0 < abs(divisor.value) < LARGE:
        tests = _whole(values[:1], kinds[:1])
    else:
        within = ast.Compare(const(-LARGE), [ast.Lt(), ast.Lt()], [values[1], const(LARGE)])
        tests = [*_whole(values, kinds), values[1], within]
    slow = _by_function(emitter, tree, builtin, values)
    return ast.IfExp(both(*tests), rest, slow) if tests else rest


def _parity(odd: int) -> Any:
    def made(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
        test = compared(ast.BinOp(value, ast.BitAnd(), const(1)), ast.Eq(), const(odd))
        if emitter.kind(tree.operands[0]) == INT:
            return test
        return ast.IfExp(typed(value, "int"), test, _by_function(emitter, tree, builtin, [value]))

    return made


def _zero(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
    test = compared(value, ast.Eq(), const(0))
    if emitter.kind(tree.operands[0]) in (INT, FLOAT):
        return test
    return ast.IfExp(typed(value, "int"), test, _by_function(emitter, tree, builtin, [value]))


def _null(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
    empty = both(typed(value, "list"), negation(value))
    return ast.BoolOp(ast.Or(), [compared(value, ast.Is(), const(None)), empty])


def _not(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
    if emitter.kind(tree.operands[0]) == BOOL:
        return negation(value)
    empty = both(typed(value, "list"), negation(value))
    false = compared(value, ast.Is(), const(False))
    return ast.BoolOp(ast.Or(), [false, compared(value, ast.Is(), const(None)), empty])


def _car(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
    slow = _by_function(emitter, tree, builtin, [value])
    head = ast.Subscript(value, const(0), ast.Load())
    cell = ast.IfExp(typed(value, "Pair"), attribute(value, "car"), slow)
    return ast.IfExp(both(typed(value, "list"), value), head, cell)


def _cdr(emitter: Emitter, tree: Call, builtin: Builtin, value: Expr) -> Expr:
    slow = _by_function(emitter, tree, builtin, [value])
    return ast.IfExp(typed(value, "Pair"), attribute(value, "cdr"), slow)


def _cons(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    values = emitter.values(tree.operands)
    return emitter.at(called("do_cons", name("run"), *values), tree.span, builtin)


def _equal(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    """Names are equal to themselves only; texts of one type by their letters."""
    values, _ = _known(emitter, tree)
    for operand in tree.operands:
        if isinstance(operand, Const) and operand.value.__class__ in (Symbol, Keyword):
            return compared(values[0], ast.Is(), values[1])
    return _by_function(emitter, tree, builtin, values)


def _get(emitter: Emitter, tree: Call, builtin: Builtin) -> Expr:
    """A key that stands in the program, of a plain dict."""
    key = tree.operands[1]
    if not (isinstance(key, Const) and isinstance(key.value, str | Symbol | Keyword)):
        return _by_function(emitter, tree, builtin, emitter.values(tree.operands))
    values, _ = _known(emitter, tree)
    word = key.value if isinstance(key.value, str) else key.value.name
    found = called(attribute(values[0], "get"), const(word))
    slow = _by_function(emitter, tree, builtin, values)
    return ast.IfExp(typed(values[0], "dict"), found, slow)


_SHORT: dict[str, Callable[[Emitter, Call, Builtin, Expr], Expr]] = {
    "even?": _parity(0), "odd?": _parity(1), "zero?": _zero, "null?": _null, "not": _not, "car": _car,
    "cdr": _cdr,
}  # fmt: skip

_PAIRS: dict[str, Callable[[Emitter, Call, Builtin], Expr]] = {
    **dict.fromkeys(ORDER, _order), "modulo": _modulo, "/": _quotient, "cons": _cons, "equal?": _equal,
    "get": _get,
}  # fmt: skip


# -- closures


def closure_call(emitter: Emitter, tree: Call) -> Expr:
    """The value of a call of whatever the operator turns out to be."""
    emitter.counts = True
    procedure, values = _target(emitter, tree)
    result = emitter.fresh()
    count = len(values)
    slow = emitter.at(
        called("invoke", name("run"), procedure, ast.List(values, ast.Load()), emitter.held(tree.span)),
        None,
    )
    if count > MOST_ARGUMENTS:
        emitter.set(result, slow)
        return name(result)
    emitter.set("called", procedure)
    otherwise: list[ast.stmt] = [assigned(result, slow)]
    fast = ast.BoolOp(ast.Or(), [attribute(procedure, "fast"), called("ready", procedure)])
    fits = both(typed(procedure, "Closure"), compared(attribute(procedure, "arity"), ast.Eq(), const(count)))
    otherwise = [ast.If(fits, _answer(emitter, tree, result, fast, values), otherwise)]
    if _is_me(emitter, tree) and count == len(emitter.parameters):
        mine = compared(procedure, ast.Is(), name("me"))
        otherwise = [ast.If(mine, _answer(emitter, tree, result, name("itself"), values), otherwise)]
    emitter.add(otherwise[0])
    return name(result)


def _answer(emitter: Emitter, tree: Call, result: str, function: Expr, values: list[Expr]) -> list[ast.stmt]:
    """What a function gives, or those that it left the call to."""
    landed = emitter.at(called("land", name("run")), tree.span, closure=True)
    return [
        assigned(result, emitter.at(called(function, *values), tree.span, closure=True)),
        ast.If(compared(name(result), ast.Is(), name("TAIL")), [assigned(result, landed)], []),
    ]


def _is_me(emitter: Emitter, tree: Call) -> bool:
    return isinstance(tree.operator, Global) and tree.operator.cell is emitter.me and emitter.me is not None


def _target(emitter: Emitter, tree: Call) -> tuple[Expr, list[Expr]]:
    """The operator, which is computed first, and the operands, each under a name."""
    before = emitter.value(tree.operator)
    operator = emitter.atom(before)
    return operator, emitter.values(tree.operands, atoms=True)


def tail_call(emitter: Emitter, tree: Call) -> None:
    """A call whose value is that of the function: a turn of its own, or a jump to somebody else."""
    builtin = builtin_of(emitter, tree)
    if builtin is not None and builtin.spec.name != "apply":
        emitter.leave(builtin_call(emitter, tree, builtin))
        return
    if builtin is not None:
        emitter.counts = True
        emitter.leave(closure_call_apply(emitter, tree))
        return
    procedure, values = _target(emitter, tree)
    count = len(values)
    if _is_me(emitter, tree) and count == len(emitter.parameters) and emitter.loops == 0 and not emitter.unit:
        emitter.turns = True
        with emitter.within() as block:
            _turn(emitter, tree, values)
        emitter.add(ast.If(compared(procedure, ast.Is(), name("me")), block, []))
    emitter.counts = True
    jump = emitter.at(
        called("jump", name("run"), procedure, ast.List(values, ast.Load()), emitter.held(tree.span)), None
    )
    if count <= MOST_ARGUMENTS:
        with emitter.within() as block:
            if not emitter.unit:
                emitter.surface()
            fast = ast.BoolOp(ast.Or(), [attribute(procedure, "fast"), called("ready", procedure)])
            emitter.add(assigned(stored(name("run"), "tail_fast"), fast))
            emitter.add(assigned(stored(name("run"), "tail_args"), ast.Tuple(values, ast.Load())))
            emitter.add(ast.Return(name("TAIL")))
        fits = both(
            typed(procedure, "Closure"), compared(attribute(procedure, "arity"), ast.Eq(), const(count))
        )
        emitter.add(ast.If(fits, block, []))
    emitter.leave(jump)


def closure_call_apply(emitter: Emitter, tree: Call) -> Expr:
    """`apply` in tail position: the call that it makes is a jump as well."""
    values = emitter.values(tree.operands, atoms=True)
    operator = tree.operator
    assert isinstance(operator, Global)
    builtin = emitter.steady(operator.cell)
    call = called("tail_apply", name("run"), emitter.held(builtin), emitter.held(tree.span), *values)
    return emitter.at(call, tree.span, builtin)


def _turn(emitter: Emitter, tree: Call, values: list[Expr]) -> None:
    """Set the parameters anew and begin again; assumptions that may not hold any more are noted."""
    targets = [emitter.local(variable) for variable in emitter.parameters]
    for variable, operand in zip(emitter.parameters, tree.operands, strict=True):
        assumed = emitter.kinds.get(variable)
        if assumed is not None and emitter.kind(operand) != assumed:
            emitter.broken.add(variable)
    if targets:
        left = ast.Tuple([ast.Name(word, ast.Store()) for word in targets], ast.Store())
        emitter.add(ast.Assign([left], ast.Tuple(values, ast.Load())))
    emitter.block.extend(step("look"))
    emitter.add(ast.Continue())


def global_value(emitter: Emitter, tree: Global) -> Expr:
    """The value of a global name; one that has a value will always have one."""
    cell = tree.cell
    held = emitter.held(cell)
    if cell.value is not UNBOUND:
        return attribute(held, "value")
    word = emitter.fresh("v")
    emitter.set(word, attribute(held, "value"))
    missing = emitter.at(called("missing", const(cell.name), emitter.held(tree.scope)), tree.span)
    emitter.add(ast.If(compared(name(word), ast.Is(), name("UNBOUND")), [assigned(word, missing)], []))
    return name(word)
