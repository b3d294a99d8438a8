"""The second tier's numbers: arithmetic in place, with the tests that tell where it may be."""

from __future__ import annotations

from collections.abc import Callable

from lisppump.lispy.calls import Builtin
from lisppump.lispy.hotcode import ANY, BOOL, FLOAT, INT, LARGE, NEAR, NUM, NUMERIC, Emitter
from lisppump.lispy.hotcode import WHOLE as WHOLES
from lisppump.lispy.hotflow import bound, constant_of, learn
from lisppump.lispy.hottext import COUNTED, OTHERWISE, TOO_MANY, Literal, typed, wholly
from lisppump.lispy.tree import Call, Tree

FREE = 1 << 62  # results within cost nothing; all others are computed by a function
HUGE = 1e290  # a float that is certain to be below is finite
MOST_TERMS = 15  # of a sum or product
FREE_TERMS = {"+": 7, "-": 8, "*": 7}  # those of more cost a step; what is subtracted from does not count
MOST_FACTORS = 4  # whose product is far from costing anything, each being near
ARITHMETIC = {"+": "add", "-": "sub", "*": "mul"}
ORDER = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge", "=": "eq"}
SIGNS = {"=": "=="}

TESTS = frozenset({
    "not", "null?", "pair?", "list?", "number?", "string?", "even?", "odd?", "zero?", "equal?", "has-key?",
    "empty?", "symbol?", "dict?", "boolean?", "procedure?", "integer?", "positive?", "negative?",
    "string=?", "string-contains?",
})  # fmt: skip
WHOLE = frozenset({"floor", "ceil", "truncate", "round"})
REAL = frozenset({"sin", "cos", "tan", "asin", "acos", "exp", "log2", "log10"})
LIKE = {  # what is of the kind of all its operands, by how many those are
    "modulo": 2, "quotient": 2, "remainder": 2, "min": 2, "max": 2, "inc": 1, "dec": 1, "abs": 1, "sqrt": 1,
}  # fmt: skip


def builtin_kind(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """What is known of the value of a builtin."""
    word, operands = builtin.spec.name, tree.operands
    count = len(operands)
    if word in TESTS or (word in ORDER and count == 2):
        return BOOL
    if word in ("length", "string-length"):
        return NEAR
    if word in WHOLE and count == 1:
        return INT
    if word in REAL and count == 1:
        return FLOAT
    if word in ARITHMETIC or word == "/":
        if not 2 <= count <= MOST_TERMS:
            return ANY
        kinds = {emitter.kind(operand) for operand in operands}
        if FLOAT in kinds:
            return FLOAT  # or an error
        if word == "/" or not kinds <= WHOLES:
            return NUM
        constants = sum(constant_of(emitter, operand) is not None for operand in operands)
        return NEAR if kinds == {NEAR} and word != "*" and constants >= count - 1 else INT
    if word not in LIKE or count != LIKE[word]:
        return ANY
    kinds = {emitter.kind(operand) for operand in operands}
    if kinds == {FLOAT} and word not in ("modulo", "quotient", "remainder"):
        return FLOAT
    if not kinds <= WHOLES or word == "sqrt":
        return NUM
    first = emitter.kind(operands[0])
    if word == "modulo":
        return NEAR if _is_divisor(emitter, operands[1]) else INT
    return first if word in ("quotient", "remainder") else NEAR if kinds == {NEAR} else INT


def _is_divisor(emitter: Emitter, tree: Tree) -> bool:
    """Whether an operand is a small integer that divides."""
    value = constant_of(emitter, tree)
    return value.__class__ is int and 0 < abs(value) < LARGE


def by_function(emitter: Emitter, tree: Call, builtin: Builtin, values: list[str]) -> str:
    """A call of a builtin's function."""
    call = f"{emitter.held(builtin.function)}({', '.join(['run', *values])})"
    return emitter.at(call, tree.span, builtin)


def known(emitter: Emitter, tree: Call) -> tuple[list[str], list[str]]:
    """The operands of a call under names, and what is known of them."""
    return emitter.values(tree.operands, atoms=True), [emitter.kind(operand) for operand in tree.operands]


def numeric(value: str) -> str:
    """Whether a value is a number."""
    return f"({typed(value, 'int')} or {typed(value, 'float')})"


def _within(value: str) -> str:
    """Whether a number is small: what comes to something so small costs nothing."""
    return f"{-LARGE} < {value} < {LARGE}"


def _free(result: str, total: str) -> str:
    """Whether a result is one that costs nothing; those that are not small are looked at again."""
    return f"({_within(f'({result} := {total})')} or {-FREE} < {result} < {FREE})"


def _floating(values: list[str], kinds: list[str]) -> list[str] | None:
    """The tests that tell that a result is a float; None where it cannot be told.

    No integer within is too large to be made a float.
    """
    tests: list[str] = []
    for value, kind in zip(values, kinds, strict=True):
        if kind == INT:
            tests.append(_within(value))
        elif kind == ANY:
            tests.append(f"({typed(value, 'float')} or ({typed(value, 'int')} and {_within(value)}))")
        elif kind == NUM:
            tests.append(f"({typed(value, 'float')} or {_within(value)})")
        elif kind == BOOL:
            return None
    return tests


def arithmetic(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A sum, difference or product."""
    values, kinds = known(emitter, tree)
    learn(emitter, tree.operands)
    word = builtin.spec.name
    if len(values) == 2:
        slow = emitter.at(f"do_{ARITHMETIC[word]}(run, {values[0]}, {values[1]})", tree.span, builtin)
    else:
        slow = by_function(emitter, tree, builtin, values)
    if BOOL in kinds:
        return slow
    if set(kinds) == {NEAR} and len(values) <= (MOST_FACTORS if word == "*" else FREE_TERMS[word]):
        return f"({f' {word} '.join(values)})"  # nothing that comes of so little costs anything
    if FLOAT in kinds and len(values) > FREE_TERMS[word]:
        return slow
    if FLOAT in kinds:
        signed = word == "+" and not any(
            kind in WHOLES or constant_of(emitter, operand)
            for operand, kind in zip(tree.operands, kinds, strict=True)
        )
        return _floats(emitter, tree, word, values, _floating(values, kinds) or [], slow, signed=signed)
    look = emitter.at("meter.look()", tree.span, builtin) if len(values) > FREE_TERMS[word] else ""
    return _whole_or_alike(emitter, word, values, kinds, slow, look)


def _floats(
    emitter: Emitter,
    tree: Call,
    word: str,
    values: list[str],
    tests: list[str],
    slow: str,
    *,
    signed: bool = False,
) -> str:
    """Arithmetic that gives a float; the sign of one that is zero may depend on where a sum begins."""
    result = emitter.fresh()
    total = f" {word} ".join(values)
    if not signed and bound(emitter, tree) < HUGE:
        return f"({total} if {wholly(tests)} else {slow})" if tests else f"({total})"
    tests = [*tests, f"({result} := {total}) - {result} == 0.0"]  # of what is not finite that is no zero
    if signed:
        tests.append(result)
    return f"({result} if {wholly(tests)} else {slow})"


def _whole_or_alike(
    emitter: Emitter, word: str, values: list[str], kinds: list[str], slow: str, look: str
) -> str:
    """Arithmetic of integers, or of two floats where nothing is known of either."""
    unknown = [value for value, kind in zip(values, kinds, strict=True) if kind in (ANY, NUM)]
    numbers = NUM in kinds
    near = all(kind != INT for kind in kinds)  # no integer that is known of is too large to be made a float
    result = before = values[0]
    tests: list[str] = []
    if len(values) > 2:
        tests += [*(typed(value, "int") for value in unknown), _within(before)]
    elif len(unknown) == 2:
        tests += [] if numbers else [numeric(unknown[0])]
        tests += [f"type({unknown[0]}) is type({unknown[1]})"] if unknown[0] != unknown[1] else []
    elif unknown and near:
        tests += [] if numbers else [numeric(unknown[0])]
    else:
        tests += [typed(value, "int") for value in unknown]
    for value in values[1:]:
        result = emitter.fresh()
        tests.append(_free(result, f"{before} {word} {value}"))
        before = result
    if len(values) > FREE_TERMS[word]:
        return _costly(emitter, tests, result, slow, look)
    if word == "+" and len(values) == 2 == len(unknown):
        tests.append(result)  # a sum of floats that is zero has a sign
    return f"({result} if {wholly(tests)} else {slow})"


def _costly(emitter: Emitter, tests: list[str], result: str, slow: str, look: str) -> str:
    """A result that costs a step; the builtin counts it itself."""
    given = emitter.fresh()
    emitter.below(f"if {wholly(tests)}:", [COUNTED, (TOO_MANY, [look]), f"{given} = {result}"])
    emitter.below(OTHERWISE, [f"{given} = {slow}"])
    return given


def quotient(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A division of floats, or of small integers, which may divide exactly."""
    values, kinds = known(emitter, tree)
    slow = by_function(emitter, tree, builtin, values)
    if BOOL in kinds:
        return slow
    left, right = values
    if FLOAT not in kinds:
        tests = [typed(value, "int") for value, kind in zip(values, kinds, strict=True) if kind not in WHOLES]
        tests += [_within(left), f"0 < {right} < {LARGE}"]
        exact = f"{left} / {right} if {left} % {right} else {left} // {right}"
        return f"(({exact}) if {wholly(tests)} else {slow})"
    tests = _floating(values, kinds) or []
    if not constant_of(emitter, tree.operands[1]):
        tests.append(values[1])
    return _floats(emitter, tree, "/", values, tests, slow)


def order(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """Numbers of any kind can be compared."""
    values, kinds = known(emitter, tree)
    word = builtin.spec.name
    if word != "=" and not NUMERIC.isdisjoint(kinds):  # texts are compared with texts alone
        learn(emitter, tree.operands)
    test = f"({values[0]} {SIGNS.get(word, word)} {values[1]})"
    if ANY not in kinds and BOOL not in kinds:
        return test
    slow = emitter.at(f"do_{ORDER[word]}(run, {values[0]}, {values[1]})", tree.span, builtin)
    if BOOL in kinds:
        return slow
    tests = [numeric(value) for value, kind in zip(values, kinds, strict=True) if kind == ANY]
    return f"({test} if {wholly(tests)} else {slow})"


def modulo(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A rest with the sign of the divisor, as Python has it."""
    values, kinds = known(emitter, tree)
    divisor = tree.operands[1]
    rest = f"({values[0]} % {values[1]})"
    tests = [] if kinds[0] in WHOLES else [typed(values[0], "int")]
    if not _is_divisor(emitter, divisor):
        tests += [] if kinds[1] in WHOLES else [typed(values[1], "int")]
        tests += [values[1], f"{-LARGE} < {values[1]} < {LARGE}"]
    slow = by_function(emitter, tree, builtin, values)
    return f"({rest} if {wholly(tests)} else {slow})" if tests else rest


def whole_quotient(sign: str) -> Callable[[Emitter, Call, Builtin], str]:
    """A quotient or rest of what is not negative: there Python rounds as LisPy does."""

    def made(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
        values, kinds = known(emitter, tree)
        tests = [typed(value, "int") for value, kind in zip(values, kinds, strict=True) if kind not in WHOLES]
        divisor = values[1]
        if not (isinstance(divisor, Literal) and divisor.value.__class__ is int and divisor.value > 0):
            tests.append(f"{divisor} > 0")
        tests.append(f"0 <= {values[0]} < {LARGE}")
        slow = by_function(emitter, tree, builtin, values)
        return f"({values[0]} {sign} {values[1]} if {wholly(tests)} else {slow})"

    return made


def extreme(sign: str) -> Callable[[Emitter, Call, Builtin], str]:
    """The smaller or larger of two numbers."""

    def made(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
        values, kinds = known(emitter, tree)
        left, right = values
        chosen = f"({right} if {right} {sign} {left} else {left})"
        tests = [numeric(value) for value, kind in zip(values, kinds, strict=True) if kind == ANY]
        if not tests and BOOL not in kinds:
            return chosen
        slow = by_function(emitter, tree, builtin, values)
        return slow if BOOL in kinds else f"({chosen} if {wholly(tests)} else {slow})"

    return made


def rounding(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """An integer from a float."""
    kind = emitter.kind(tree.operands[0])
    if kind in WHOLES:
        return value
    rounded = f"{builtin.spec.name}({value})"
    if kind == FLOAT:
        return rounded
    slow = by_function(emitter, tree, builtin, [value])
    return f"({rounded} if {typed(value, 'float')} else {value} if {typed(value, 'int')} else {slow})"


def real(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """What the host's mathematics makes of any float."""
    if emitter.kind(tree.operands[0]) == FLOAT:
        return f"{builtin.spec.name}({value})"
    return by_function(emitter, tree, builtin, [value])


def sqrt(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """A square root; that of an integer may be one."""
    slow = by_function(emitter, tree, builtin, [value])
    if emitter.kind(tree.operands[0]) != FLOAT:
        return slow
    return f"(sqrt({value}) if {value} >= 0.0 else {slow})"


def absolute(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """A number without its sign."""
    if emitter.kind(tree.operands[0]) in NUMERIC:
        return f"abs({value})"
    return f"(abs({value}) if {numeric(value)} else {by_function(emitter, tree, builtin, [value])})"


def next_whole(sign: str) -> Callable[[Emitter, Call, Builtin, str], str]:
    """One more or less."""

    def made(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
        slow = by_function(emitter, tree, builtin, [value])
        kind = emitter.kind(tree.operands[0])
        if kind == FLOAT:
            return slow
        if kind == NEAR:
            return f"({value} {sign} 1)"
        result = emitter.fresh()
        tests = [] if kind == INT else [typed(value, "int")]
        tests.append(_free(result, f"{value} {sign} 1"))
        return f"({result} if {wholly(tests)} else {slow})"

    return made


def whole_test(test: str) -> Callable[[Emitter, Call, Builtin, str], str]:
    """A question about an integer."""

    def made(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
        asked = f"({test.format(value)})"
        if emitter.kind(tree.operands[0]) in WHOLES:
            return asked
        return f"({asked} if {typed(value, 'int')} else {by_function(emitter, tree, builtin, [value])})"

    return made
