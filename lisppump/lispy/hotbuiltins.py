"""The second tier's builtins: done in place where that is short, else called by their functions."""

from __future__ import annotations

from collections.abc import Callable

from lisppump.lispy.builtins.check import CELL
from lisppump.lispy.builtins.compare import LONG
from lisppump.lispy.builtins.numeric import FEW, FIGURES
from lisppump.lispy.builtins.versions import ENTRY, LONGEST_KEY, SMALL
from lisppump.lispy.calls import Builtin
from lisppump.lispy.hotcode import BOOL, WHOLE, Emitter
from lisppump.lispy.hotflow import constant_of, is_dict, is_text
from lisppump.lispy.hotmaps import fits, in_place
from lisppump.lispy.hotnumbers import (
    ARITHMETIC,
    MOST_TERMS,
    ORDER,
    absolute,
    arithmetic,
    by_function,
    extreme,
    known,
    modulo,
    next_whole,
    order,
    quotient,
    real,
    rounding,
    sqrt,
    whole_quotient,
    whole_test,
)
from lisppump.lispy.hottext import OTHERWISE, Block, Literal, Rare, bytes_, typed, wholly
from lisppump.lispy.hotwalks import asked
from lisppump.lispy.tree import Call, Const, Tree
from lisppump.lispy.values import Keyword, Symbol

MOST_SET = 13  # operands of dict-set in place
CASES = frozenset({"string-upcase", "string-downcase"})
MOST_TEXTS = 7  # that are put together in place; more cost a step
QUIET = frozenset({  # builtins that never call a procedure, so that nobody sees how deep it is
    "car", "cdr", "cons", "list", "first", "second", "third", "rest", "last", "null?", "not", "pair?",
    "length", "nth", "get", "dict-set", "append", "reverse", "abs", "min", "max", "modulo", "remainder",
    "quotient", "/", "//", "+", "-", "*", "<", ">", "<=", ">=", "=", "equal?", "even?", "odd?", "zero?",
    "sqrt", "floor", "round", "string-append", "string-length", "substring", "dict", "has-key?", "empty?",
    "range", "clamp", "inc", "dec", "expt", "string-ref", "list-ref", "cadr", "keys", "values", "truncate",
    "ceil", "exp", "sin", "cos", "positive?", "negative?", "number?", "string?", "string=?",
    "number->string", "take", "drop", "symbol?", "dict?", "list?", "boolean?", "tan", "asin", "acos",
    "log", "log2", "log10", "string-upcase", "string-downcase",
})  # fmt: skip


def builtin_call(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A builtin called by its function, or done in place where that is short."""
    word, operands = builtin.spec.name, tree.operands
    count = len(operands)
    over_lists = _over_lists(emitter, tree, builtin)
    if over_lists is not None:
        return over_lists
    if word in ARITHMETIC and 2 <= count <= MOST_TERMS:
        return arithmetic(emitter, tree, builtin)
    if word in _PLAIN and count == _PLAIN[word][0]:
        return _PLAIN[word][1](emitter, tree, builtin)
    if count == 1 and word in _SHORT:
        value = emitter.kept(operands[0], emitter.value(operands[0]))
        if isinstance(value, Literal) and not (word in CASES and isinstance(value.value, str)):
            return by_function(emitter, tree, builtin, [value])
        return _SHORT[word](emitter, tree, builtin, value)
    if word == "get":
        return _get(emitter, tree, builtin)
    if word == "string-append" and 2 <= count <= MOST_TEXTS:
        return _string_append(emitter, tree, builtin)
    if word == "dict-set" and count % 2 and 3 <= count <= MOST_SET:
        return _dict_set(emitter, tree, builtin)
    if word == "list":
        return _list(emitter, tree, builtin)
    if word == "dict" and _has_keys(operands):
        return _dict(emitter, tree, builtin)
    if word in QUIET:
        return by_function(emitter, tree, builtin, emitter.values(operands))
    values = emitter.values(operands, atoms=True)
    emitter.sink()
    if word == "apply" and (target := emitter.heat.builtin(operands[0])) is not None and count > 1:
        front = ", ".join(values[1:-1])
        call = f"applied(run, {emitter.held(target)}, [{front}], {values[-1]})"
        return emitter.atom(emitter.at(call, tree.span, builtin))
    return emitter.atom(by_function(emitter, tree, builtin, values))


def _over_lists(emitter: Emitter, tree: Call, builtin: Builtin) -> str | None:
    """What is done where loops over lists are made; None of anything else."""
    if len(tree.operands) == 1 and (emitter.cursors or emitter.gatherers):
        return asked(emitter, tree, builtin, lambda values: by_function(emitter, tree, builtin, values))
    return in_place(emitter, tree, builtin) if fits(emitter, tree, builtin) else None


def _null(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    return f"({value} is None or ({typed(value, 'list')} and not {value}))"


def _not(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    if emitter.kind(tree.operands[0]) == BOOL:
        return f"(not {value})"
    return f"({value} is False or {value} is None or ({typed(value, 'list')} and not {value}))"


def _of_type(*kinds: str) -> Callable[[Emitter, Call, Builtin, str], str]:
    return lambda emitter, tree, builtin, value: f"({' or '.join(typed(value, kind) for kind in kinds)})"


def _is_list(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    chain = f"({typed(value, 'Pair')} and {value}.size >= 0)"
    return f"({typed(value, 'list')} or {value} is None or {typed(value, 'Slice')} or {chain})"


def _is_pair(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    array = f"({typed(value, 'list')} and len({value}) > 0)"
    return f"({typed(value, 'Pair')} or {typed(value, 'Slice')} or {array})"


def _is_dict(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    return f"(True if {typed(value, 'dict')} else {by_function(emitter, tree, builtin, [value])})"


def _car(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    slow = by_function(emitter, tree, builtin, [value])
    window = f"({value}.base[{value}.start] if {typed(value, 'Slice')} else {slow})"
    cell = f"({value}.car if {typed(value, 'Pair')} else {window})"
    return f"({value}[0] if {typed(value, 'list')} and {value} else {cell})"


def _cdr(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """What follows in a chain, or a new window on what a window or an array goes on with."""
    rest = emitter.fresh()
    base, start, stop = f"{rest}.base = ", f"{rest}.start = ", f"{rest}.stop = "
    more = f"elif {typed(value, 'Slice')} and {value}.start + 1 < {value}.stop:"
    made = f"{rest} = Slice()"
    emitter.below(f"if {typed(value, 'Pair')}:", [f"{rest} = {value}.cdr"])
    emitter.below(more, [made, f"{base}{value}.base", f"{start}{value}.start + 1", f"{stop}{value}.stop"])
    emitter.below(
        f"elif {typed(value, 'list')} and len({value}) > 1:",
        [made, f"{base}{value}", f"{start}1", f"{stop}len({value})"],
    )
    emitter.below(OTHERWISE, [f"{rest} = {by_function(emitter, tree, builtin, [value])}"])
    return rest


def _cadr(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    slow = by_function(emitter, tree, builtin, [value])
    return f"({value}[1] if {typed(value, 'list')} and len({value}) > 1 else {slow})"


def _length(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    return f"(len({value}) if {typed(value, 'list')} else {by_function(emitter, tree, builtin, [value])})"


def _cons(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A cell in front of a chain; all others are left to a function."""
    head, tail = emitter.values(tree.operands, atoms=True)
    made = emitter.fresh()
    refuse = emitter.at("meter.allocate(0)", tree.span, builtin)
    emitter.below(
        f"if {typed(tail, 'Pair')} and 0 <= {tail}.size < run.limits.elements:",
        [
            *bytes_(CELL, refuse),
            f"{made} = Pair()",
            f"{made}.car = {head}",
            f"{made}.cdr = {tail}",
            f"{made}.size = {tail}.size + 1",
        ],
    )
    slow = by_function(emitter, tree, builtin, [head, tail])
    emitter.below(OTHERWISE, [f"{made} = {slow}"])
    return made


def _list(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    if len(tree.operands) > 64:
        return by_function(emitter, tree, builtin, emitter.values(tree.operands))
    values = emitter.values(tree.operands, atoms=True)
    emitter.do(emitter.at(f"listed(run, {len(values)})", tree.span, builtin))
    return f"[{', '.join(values)}]"


def _dict_set(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """Keys of a small plain dict."""
    values, _ = known(emitter, tree)
    items, *pairs = values
    count = len(pairs) // 2
    slow = by_function(emitter, tree, builtin, values)
    if isinstance(items, Literal):
        return slow
    made = emitter.fresh()
    least = f"len({items}) < {SMALL}" if count == 1 else f"{len(pairs)} < {SMALL} - len({items})"
    tests = [is_dict(emitter, tree.operands[0], items), least, f"{SMALL} < run.limits.elements"]
    sets: Block = []
    for place in range(0, len(pairs), 2):
        operand, key = tree.operands[1 + place], pairs[place]
        word = _key(operand)
        if word is not None:
            key = emitter.held(word)
        else:
            if not is_text(emitter, operand):
                tests.append(typed(key, "str"))
            tests.append(f"len({key}) <= {LONGEST_KEY}")
        if count > 1:
            sets.append(f"taken {'+' if place else ''}= len({made}) + 1")
        sets.append(f"{made}[{key}] = {pairs[place + 1]}")
    size = f"{ENTRY} * taken" if count > 1 else f"{ENTRY} * len({items}) + {ENTRY}"
    look = emitter.at("meter.look()", tree.span, builtin)
    charged: Block = [
        f"meter.steps = steps = meter.steps + {1 + count}",
        ("if steps > meter.next_look:", [look]),
        *bytes_(size, emitter.at("meter.allocate(0)", tree.span, builtin)),
    ]
    copied = f"{made} = {items}.copy()"
    doing = [copied, *sets, *charged] if count > 1 else [*charged, copied, *sets]
    emitter.below(f"if {wholly(tests)}:", doing)
    if count == 1:  # the newest version of a large one
        new = emitter.at(f"newer(run, {items}, {items}.data, {key}, {pairs[1]})", tree.span, builtin)
        own = [typed(items, "Version"), f"{items}.data is not None", f"not {items}.pinned", *tests[3:]]
        emitter.below(Rare(f"elif {wholly(own)}:"), [*charged[:2], f"{made} = {new}"])
    emitter.below(OTHERWISE, [f"{made} = {slow}"])
    return made


def _number_text(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
    """The text of a small integer."""
    made = emitter.fresh()
    kind = emitter.kind(tree.operands[0])
    tests = [] if kind in WHOLE else [typed(value, "int")]
    tests += [f"{-FEW} < {value} < {FEW}", f"run.limits.string > {FIGURES}"]
    doing = [
        f"{made} = str({value})",
        *bytes_(f"len({made})", emitter.at("meter.allocate(0)", tree.span, builtin)),
    ]
    emitter.below(f"if {wholly(tests)}:", doing)
    emitter.below(OTHERWISE, [f"{made} = {by_function(emitter, tree, builtin, [value])}"])
    return made


def _string_append(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """Texts one after the other."""
    values, _ = known(emitter, tree)
    sizes: list[str] = []
    tests: list[str] = []
    fixed = 0
    for operand, value in zip(tree.operands, values, strict=True):
        constant = constant_of(emitter, operand)
        if isinstance(constant, str):
            fixed += len(constant)
            continue
        sizes.append(f"len({value})")
        if not is_text(emitter, operand):
            tests.append(typed(value, "str"))
    sizes += [str(fixed)] if fixed or not sizes else []
    tests = [*dict.fromkeys(tests), f"(length := {' + '.join(sizes)}) <= run.limits.string"]
    made = emitter.fresh()
    look = emitter.at("meter.look()", tree.span, builtin)
    refuse = emitter.at("meter.allocate(0)", tree.span, builtin)
    pieces = (value.value if isinstance(value, Literal) else f"{{{value}}}" for value in values)
    joined = " + ".join(values) if len(values) == 2 else f"f'{''.join(map(str, pieces))}'"
    emitter.below(
        f"if {wholly(tests)}:",
        [
            "meter.steps = steps = meter.steps + (length >> 4)",
            ("if steps > meter.next_look:", [look]),
            *bytes_("length", refuse),
            f"{made} = {joined}",
        ],
    )
    emitter.below(OTHERWISE, [f"{made} = {by_function(emitter, tree, builtin, values)}"])
    return made


def _cased(method: str) -> Callable[[Emitter, Call, Builtin, str], str]:
    """A text in other letters: one may become three."""

    def made(emitter: Emitter, tree: Call, builtin: Builtin, value: str) -> str:
        result = emitter.fresh()
        tests = [] if is_text(emitter, tree.operands[0]) else [typed(value, "str")]
        tests.append(f"(length := 3 * len({value})) <= run.limits.string")
        look = emitter.at("meter.look()", tree.span, builtin)
        refuse = emitter.at("meter.allocate(0)", tree.span, builtin)
        doing = [
            "meter.steps = steps = meter.steps + (length >> 4)",
            ("if steps > meter.next_look:", [look]),
            *bytes_("length", refuse),
            f"{result} = {value}.{method}()",
        ]
        emitter.below(f"if {wholly(tests)}:", doing)
        emitter.below(OTHERWISE, [f"{result} = {by_function(emitter, tree, builtin, [value])}"])
        return result

    return made


def _contains(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """Whether a text stands in another one."""
    values, _ = known(emitter, tree)
    tests = [
        typed(value, "str")
        for operand, value in zip(tree.operands, values, strict=True)
        if not is_text(emitter, operand)
    ]
    result = emitter.fresh()
    slow = by_function(emitter, tree, builtin, values)
    if not tests or isinstance(values[0], Literal):
        return slow
    look = emitter.at("meter.look()", tree.span, builtin)
    doing = [
        f"meter.steps = steps = meter.steps + (len({values[0]}) >> 4)",
        ("if steps > meter.next_look:", [look]),
        f"{result} = {values[1]} in {values[0]}",
    ]
    emitter.below(f"if {wholly(tests)}:", doing)
    emitter.below(OTHERWISE, [f"{result} = {slow}"])
    return result


def _has_keys(operands: list[Tree]) -> bool:
    """Whether there is a value behind each key, and the keys stand in the program."""
    return len(operands) % 2 == 0 and all(_key(key) is not None for key in operands[::2])


def _key(operand: Tree) -> str | None:
    """The key that an operand is certain to be, None of what may be refused."""
    if not isinstance(operand, Const) or not isinstance(operand.value, str | Symbol | Keyword):
        return None
    word = operand.value if isinstance(operand.value, str) else operand.value.name
    return word if len(word) <= LONGEST_KEY else None


def _dict(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    values = emitter.values(tree.operands[1::2], atoms=True)
    keys = [_key(key) for key in tree.operands[::2]]
    emitter.block += bytes_(ENTRY * len(tree.operands), emitter.at("meter.allocate(0)", tree.span, builtin))
    pairs = (f"{emitter.held(key)}: {value}" for key, value in zip(keys, values, strict=True))
    return f"{{{', '.join(pairs)}}}"


def _equal(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """Names are equal to themselves only; texts and numbers of one type by what they are."""
    values, _ = known(emitter, tree)
    for operand, value in zip(tree.operands, reversed(values), strict=True):
        if not isinstance(operand, Const):
            continue
        kind = operand.value.__class__
        if (kind is Symbol or kind is Keyword or kind is bool) and not isinstance(value, Literal):
            return f"({values[0]} is {values[1]})"
        if kind is int or (isinstance(operand.value, str) and len(operand.value) < LONG):
            return f"({typed(value, kind.__name__)} and {values[0]} == {values[1]})"
    left, right = values
    slow = by_function(emitter, tree, builtin, values)
    texts = f"{typed(left, 'str')} and {typed(right, 'str')} and len({left}) < {LONG}"
    return f"({left} == {right} if {texts} else {slow})"


def _get(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    """A key of a plain dict."""
    values, _ = known(emitter, tree)
    value, key, *default = values
    if isinstance(value, Literal):
        return by_function(emitter, tree, builtin, values)
    tests = [is_dict(emitter, tree.operands[0], value)]
    operand = tree.operands[1]
    if isinstance(operand, Const) and isinstance(operand.value, str | Symbol | Keyword):
        word = operand.value if isinstance(operand.value, str) else operand.value.name
        key = emitter.held(word)
    elif not is_text(emitter, operand):
        tests.append(typed(key, "str"))
    found = f"{value}.get({', '.join([key, *default])})"
    return f"({found} if {wholly(tests)} else {by_function(emitter, tree, builtin, values)})"


def _nth(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    values, kinds = known(emitter, tree)
    items, place = values
    if isinstance(items, Literal):  # no list, and Python would warn of it
        return by_function(emitter, tree, builtin, values)
    tests = [typed(items, "list")] + ([] if kinds[1] in WHOLE else [typed(place, "int")])
    tests.append(f"0 <= {place} < len({items})")
    slow = by_function(emitter, tree, builtin, values)
    return f"({items}[{place}] if {wholly(tests)} else {slow})"


def _has_key(emitter: Emitter, tree: Call, builtin: Builtin) -> str:
    values, _ = known(emitter, tree)
    slow = by_function(emitter, tree, builtin, values)
    plain = f"{typed(values[0], 'dict')} and {typed(values[1], 'str')}"
    return f"({values[1]} in {values[0]} if {plain} else {slow})"


_SHORT: dict[str, Callable[[Emitter, Call, Builtin, str], str]] = {
    "even?": whole_test("{} & 1 == 0"), "odd?": whole_test("{} & 1 == 1"), "zero?": whole_test("{} == 0"),
    "positive?": whole_test("{} > 0"), "negative?": whole_test("{} < 0"), "inc": next_whole("+"),
    "dec": next_whole("-"), "null?": _null, "not": _not, "car": _car, "cdr": _cdr, "cadr": _cadr,
    "length": _length, "string?": _of_type("str"), "symbol?": _of_type("Symbol"), "pair?": _is_pair,
    "number?": _of_type("int", "float"), "list?": _is_list, "dict?": _is_dict,
    "floor": rounding, "ceil": rounding,
    "truncate": rounding, "round": rounding, "sin": real, "cos": real, "sqrt": sqrt, "abs": absolute,
    "number->string": _number_text, "string-upcase": _cased("upper"), "string-downcase": _cased("lower"),
}  # fmt: skip

_PLAIN: dict[str, tuple[int, Callable[[Emitter, Call, Builtin], str]]] = {
    **dict.fromkeys(ORDER, (2, order)), "modulo": (2, modulo), "/": (2, quotient), "cons": (2, _cons),
    "equal?": (2, _equal), "nth": (2, _nth), "has-key?": (2, _has_key), "min": (2, extreme("<")),
    "max": (2, extreme(">")), "quotient": (2, whole_quotient("//")), "remainder": (2, whole_quotient("%")),
    "string-contains?": (2, _contains),
}  # fmt: skip
