"""Every builtin by the size of what it gets: what it charges grows with that, or it is known not to care.

What it gives is a value of the language, whatever it got.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from lisppump.lispy import Limits, Runtime
from lisppump.lispy.builtins import BuiltinSpec, load
from lisppump.lispy.values import Keyword, Pair, Procedure, Quantity, Slice, Symbol

SPECS = sorted({spec.name: spec for spec in load().values()}.values(), key=lambda spec: spec.name)
ASKED = [spec for spec in SPECS if spec.domain != "immutable" and spec.high != 0]
SIZES = (40, 4000)
SIZED = {  # by name what makes it, for a size N
    "numbers": "(range N)",
    "floats": "(map (lambda (i) (+ i 0.5)) (range N))",
    "chain": "(reduce (lambda (all i) (cons i all)) '() (range N))",
    "texts": "(map number->string (range N))",
    "lists": "(map (lambda (i) (list (number->string i) i)) (range N))",
    "dicts": "(map (lambda (i) {\"a\" i}) (range N))",
    "text": '(string-repeat "ab c" N)',
    "digits": '(string-join (map (lambda (i) "1") (range (min N 999))) "")',
    "json": '(json-encode (range N))',
    "members": "(list->dict (map (lambda (i) (list (number->string i) i)) (range N)))",
    "amount": "N",
    "name": '(string->symbol (string-repeat "ab" N))',
    "power": "(expt 3 N)",
    "minus": "(- 0 (expt 7 (quotient N 2)))",
}
PLAIN = (
    "'list", "0", "1", "2.5", '"a"', '"b"', '","', '" "', '"~a"', "'k", ":a", "nil", "#t", "'(\"a\")", "car",
    "+",
    "(lambda (x) x)", "(lambda (x y) x)", "(lambda (x y) #t)", "(lambda (x y z) x)", "<", "list", "string<?",
    "char-upcase", '{"a" 1}',
)  # fmt: skip

# What takes no longer for something large than for something small.
INDIFFERENT = """
    ->boolean abs acos apropos asin atan atom? bit-shift-right boolean? butlast caaddr caadr caar cadadr
    cadar caddar cadddr caddr cadr call-with-output-string call-with-values call/cc car cdadr cdar cddar
    cddddr cdddr cddr cdr ceil char->digit char->integer char->string char-alphabetic?
    char-alphanumeric? char-lower-case? char-numeric? char-upper-case? char-whitespace? char? clamp
    compare complement compose cons constantly cos curl days dict-size dict? dollars drop drop-right
    dynamic-wind eighth empty? error error-object-irritants error-object-message error-object? even?
    ex-info exact->inexact exact? exp fifth float? floor flush-output force fork fourth fprintf gensym
    get-output-string has-key? hours identity inexact->exact integer->char integer? iso->seconds
    keyword? kilobytes last last-pair length list list* list-copy list-tail list? log log10 log2
    make-hash-table megabytes memoize minutes negative? newline ninth not not-empty? nth null? number?
    odd? output-of pair? partial positive? procedure? quantity-amount quantity? raise random
    random-choice random-int rb-agent rb-echo rb-prompt rb-scenario rb-soul rb-state rb-tool
    real->decimal-string round second seconds
    seconds->iso seventh signum simulate simulation sin sixth slice some-value? source split-at
    string-empty? string-length string-ref string? symbol->string symbol? take take-right tan tanh tenth
    third tokens true? truncate type-of use-tool void with-exception-handler zero?
"""
SURE = {
    "update-each": ("dicts", ":a", "(lambda (x) x)"),
    "update-in": ("members", "'(\"a\")", "(lambda (x) x)"),
}  # what dice would seldom find
KINDS = (type(None), bool, int, float, str, Symbol, Keyword, Quantity)


def combinations(spec: BuiltinSpec) -> list[tuple[str, ...]]:
    """Arguments of a call, at least one of them with a size."""
    dice = random.Random(spec.name)
    most = min(3, spec.low + 2 if spec.high is None else spec.high)
    found: list[tuple[str, ...]] = [SURE[spec.name]] if spec.name in SURE else []
    for count in range(max(1, spec.low), most + 1):
        pools = itertools.product((*SIZED, *PLAIN), repeat=count)
        some = [each for each in pools if any(one in SIZED for one in each)]
        found += some if len(some) <= 2000 else dice.sample(some, 2000)
    return found


def runtimes() -> list[Runtime]:
    """A place for each size, with all that has one."""
    places = []
    for size in SIZES:
        place = Runtime(state={"a": 1}, allow={"state"})
        for name, made in SIZED.items():
            assert place.run(f"(define {name} {made.replace('N', str(size))}) nil").ok
        place.limits = Limits(steps=3_000_000)
        places.append(place)
    return places


PLACES = runtimes()


def used(place: Runtime, call: str) -> float | None:
    """The steps of a call, with its bytes as a part of them; None where it fails."""
    result = place.run(f"(begin {call} nil)")
    if result.error is not None and result.error.category != "limit":
        return None
    return result.usage["steps"] + result.usage["bytes"] / 64


def grows(spec: BuiltinSpec) -> bool:
    """Whether some call of a builtin costs more for more."""
    for operands in combinations(spec):
        call = f"({spec.name} {' '.join(operands)})"
        small = used(PLACES[0], call)
        if small is None:
            continue
        large = used(PLACES[1], call)
        if large is not None and large >= small + (SIZES[1] - SIZES[0]) / 512:
            return True
    return False


@pytest.mark.parametrize("spec", ASKED, ids=lambda spec: spec.name)
def test_what_is_larger_costs_more(spec: BuiltinSpec) -> None:
    assert grows(spec) is not (spec.name in INDIFFERENT.split())


def strangers(value: Any) -> list[str]:
    """What in a value is none of the language's; procedures are looked at from outside."""
    found: list[str] = []
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, KINDS) and type(item) in KINDS:
            continue
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            found += [repr(key) for key in item if type(key) is not str]
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Slice):
            stack.extend(item.base[item.start : item.stop])
        elif isinstance(item, Pair):
            stack.extend((item.car, item.cdr))
        elif not isinstance(item, Procedure):
            found.append(type(item).__name__)
    return found


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_what_comes_out_is_a_value_of_the_language(spec: BuiltinSpec) -> None:
    dice = random.Random(f"{spec.name} out")
    calls = combinations(spec) if spec.high != 0 else [()]
    place = PLACES[0]
    for operands in dice.sample(calls, min(60, len(calls))):
        place.run(f"(define found ({spec.name} {' '.join(operands)}))")
    for operands in dice.sample(calls, min(60, len(calls))):
        result = place.run(f"(define found nil) (set! found ({spec.name} {' '.join(operands)})) nil")
        assert result.error is None or result.error.category != "defect"
        assert strangers(place.globals.cell("found").value) == []
        assert result.error is None or strangers(result.error.data) == []


def test_a_stranger_would_be_found() -> None:
    assert strangers([1, {"a": (2,)}, {3: object}]) == ["3", "type", "tuple"]
