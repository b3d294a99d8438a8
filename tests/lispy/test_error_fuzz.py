"""Whatever a program gets wrong, it hears of in the language's own words: calls of everything with anything,
and programs that were damaged. LISPPUMP_FUZZ=20000 tries so many of each."""

from __future__ import annotations

import os
import random
import re
import warnings
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump.errors import CODES
from lisppump.lispy import Limits, Result, Runtime, library
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS
from tests.lispy.transcripts import FOLDER, entries

EXAMPLES = int(os.environ.get("LISPPUMP_FUZZ", "0"))
LIMITS = Limits(steps=20_000, allocation=4 << 20, elements=20_000, string=200_000, output=4000)
STATE = {"stats.json": {"total": 3}, "agents.json": {"agents": {"ada": {"hp": 1}}}, "memory/ada.md": "I was."}
CATEGORIES = {"syntax", "unbound", "type", "arity", "value", "limit", "capability", "user"}
LEAK = re.compile(
    r"NoneType|Traceback|object at 0x|0x[0-9a-f]{6,}|<(?:class|function|module|lisppump|built-in)|\w+Error\b"
    r"|\w+Exception\b|\b__\w+__\b|\.py\b|/(?:home|tmp|usr|work|root|opt)/|site-packages|lisppump\."
    r"|'(?:int|str|float|bool|dict|list|tuple|set|bytes|function)'|\b(?:None|True|False|tuple|bool)\b"
    r"|(?<![\w>`-])int(?![\w`-])|\bNaN\b|(?<![\w-])(?:nan|inf)(?![\w-])|(?:Symbol|Keyword|Pair|Slice|Closure)\("
)  # what only the host says, or would
RAW = re.compile(r"NoneType|Traceback|object at 0x|<(?:class|function|module|lisppump|built-in)")
VALUES = (
    "nil", "'()", "#t", "#f", "0", "1", "-1", "2", "3", "7.0", "2.5", "-0.0", "1e308", "-1e308", "5e-324",
    "1e22", "(expt 10 40)", "(expt 2 13990)", "(- (expt 2 13990))", "(seconds 5)", '""', '"a"', '"abc def"',
    '"1"', '"-1.5e3"', '"1e999"', '"nan"', '"inf"', '"[1"', '"{\\"a\\": 1e999}"', '"(car"', '"(a+)+$"',
    '"~a ~s {} %d"', '"../x"', '"\\u00e9\\u0000"', '"2026-01-01T00:00:00Z"', "(string-repeat \"ab\" 60000)",
    "'a", "'car", ":k", "':n", "(gensym)", "'(1)", "'(3 1 2)", "'(\"b\" \"a\")",
    "'(1 \"a\" b :c #t)",
    "'((1 2) (3 4))", "'((\"a\" 1) (b 2))", "'((a . 1) (b . 2))", "(cons 1 2)", "'(1 2 . 3)",
    "(cdr '(1 2 3))",
    "(cons 1 (cdr '(1 2 3)))", "(range 3000)", "'(lambda (x) x)", "'(quote)", "'(if)", "#(1 2)", "#\\a",
    "{}", '{"a" 1}', '{"a" {"b" (list 1)} "c" nil}', '{"code" "step-limit" "message" "m"}',
    "(let loop ((x 1) (i 0)) (if (< i 250) (loop (list x) (+ i 1)) x))",
    "(let loop ((x 1) (i 0)) (if (< i 200) (loop {\"k\" x} (+ i 1)) x))",
    "(let loop ((x 1) (i 0)) (if (< i 60) (loop (list x x) (+ i 1)) x))",
    "(let loop ((x 'a) (i 0)) (if (< i 60) (loop {\"k\" x \"l\" x} (+ i 1)) x))",
    "(let loop ((x '(1)) (i 0)) (if (< i 60) (loop (cons x x) (+ i 1)) x))",
    "car", "+", "list", "<", "map", "apply", "error", "(lambda (x) x)", "(lambda (x y) y)", "(lambda () 1)",
    "(lambda args args)", "(lambda (x) (car x))", "(lambda (x) (raise x))", "(lambda (a &key b) b)",
    "(partial +)",
    "(compose car cdr)", "(constantly #f)", "(memoize car)", "(delay 1)", "(call/cc (lambda (k) k))", "frame",
    "agents", "(simulation :initial-state {\"n\" 0} :step (lambda (s t) s) :max-ticks 1 :observables '(n))",
    "(constitution {} '())", "(try (car nil) (catch e e))", "(list->set '(1 2))",
    "(json-parse \"[1, null]\")",
)  # fmt: skip
PIECES = (  # what stands in forms, beside values
    "x", "(x 1)", "((x 1) (y 2))", "(x)", "()", "else", "=>", "(else 1)", "(1 2)", "((1) 2)", "(catch e e)",
    "(catch)", "(finally 1)", "(f x)", "((x 1))", "(x . y)", "(&key a)", "(a &optional)", "(&rest)", "[x 1]",
    "[]", "{:keys [a]}", "(x (range 3))", "(i 3)", "_", "(? odd? x)", "`(a ,x)", ",x", ",@x", "\"doc\"", ".",
    ":when", "((t) 1)", "(error (e) 1)", "(define y 1)", "(begin)", "#t", "(x 1 (+ x 1))", "quote", "if",
)  # fmt: skip
WRAPS = (
    "{call}", "{call}", "(try {call} (catch e (list e (raise e))))", "(map (lambda (_) {call}) '(1 2))",
    "(define (f n) (if (= n 0) 0 (begin {call} (f (- n 1))))) (f 3) (f 3)",
    "(list (guard (e (#f 1)) {call}))",
    "(string-append {call})", "(format \"~a {{}}\" {call} {call})", "(assert (equal? 'no {call}))",
    "(error \"it:\" {call})", "(raise {call})", "({call} {call})", "(define v {call}) (write v) (car v)",
    "(apply {name} (list {operands}))", "(map {name} (list {operands}))", "(let ((g {name})) (g {operands}))",
    "(eval '{call})", "(define-macro (m) '{call}) (m)", "(define-macro (m x) `(list ,x)) (m {call})",
    "(source {name})", "(describe '{name})",
    "(simulation :initial-state {{\"n\" {call}}} :step (lambda (s t) "
    "(dict-set s \"n\" {call})) :max-ticks 2 :observables '(n))", "(dict {call} 1)",
)  # fmt: skip


@cache
def names() -> list[str]:
    """Every builtin, form and definition of the library, by its own name."""
    tables = [*load().values(), *FORMS.values()]
    return sorted({*(spec.name for spec in tables), *library.names()})


def outcome(program: str, hot: bool = False) -> Result:
    """What a program comes to, held to what it may say."""
    runtime = Runtime(state=STATE, allow={"state"}, limits=LIMITS, now="2026-01-01T00:00:00Z")
    if hot:
        runtime.context.heat.after = 1
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = runtime.run(program, "<program>")
    assert not heard, f"{heard[0].message} of:\n{program}"
    error = result.error
    assert not RAW.search(result.text), result.text
    if error is None:
        return result
    assert error.code in CODES and error.category in CATEGORIES, error.diagnostic()
    own = set(LEAK.findall(program))  # an error may quote what it is about
    said = "" if error.category == "user" else error.message  # a program's own errors say what it likes
    for text in (said, error.help or "", *error.trace):
        leaks = [leak for leak in LEAK.findall(text) if leak not in own]
        assert not leaks, f"{leaks} in:\n{program}\n{error.diagnostic()}"
    assert error.message or error.category == "user"
    assert error.span is not None, f"no place in:\n{program}\n{error.diagnostic()}"
    assert not RAW.search(error.diagnostic()) or RAW.search(program)
    return result


LITERALS = ("5", "7.0", "#t", "nil", '"s"', ":k", "'a", "'(1 2)", "{}")


def test_hot_code_of_literals_is_nothing_to_warn_of() -> None:
    for name in sorted({spec.name for spec in load().values() if spec.domain != "immutable"}):
        operands = [each for text in LITERALS for each in (text, f"{text} n", f"n {text}", f"{text} 1")]
        tries = " ".join(f"(try ({name} {each}) (catch e 1))" for each in operands)
        outcome(f"(define (f n) {tries}) (f 1) (f 1)", hot=True)
    for text in LITERALS:
        outcome(f"(define (f n) (try ({text} n) (catch e 1))) (f 1) (f 1)", hot=True)


def call_of(name: str, operands: list[str], wrap: str) -> str:
    """A program that calls something."""
    joined = " ".join(operands)
    return wrap.format(call=f"({name} {joined})", name=name, operands=joined)


@pytest.mark.parametrize("part", range(8))
def test_every_name_called_with_too_few_and_too_many_of_the_wrong_kind(part: int) -> None:
    dice = random.Random(part)
    for name in names()[part::8]:
        for count in (0, 1, 1, 2, 3, 5):
            pieces = PIECES if name in FORMS and dice.random() < 0.5 else VALUES
            outcome(f"({name} {' '.join(dice.choice(pieces) for _ in range(count))})", hot=count == 3)


@settings(max_examples=EXAMPLES or 400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_call_of_anything(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names()))
    operand = st.sampled_from(VALUES)
    if name in FORMS:
        operand = operand | st.sampled_from(PIECES)
    operands = data.draw(st.lists(operand, max_size=5))
    program = call_of(name, operands, data.draw(st.sampled_from(WRAPS)))
    outcome(program, hot=data.draw(st.booleans()))


def grown(data: st.DataObject, depth: int) -> str:
    """A call whose operands may be calls."""
    name = data.draw(st.sampled_from(names()))
    operand = st.sampled_from(VALUES)
    if name in FORMS:
        operand = operand | st.sampled_from(PIECES)
    count = data.draw(st.integers(0, 4))
    parts = [
        grown(data, depth - 1) if depth and data.draw(st.booleans()) else data.draw(operand)
        for _ in range(count)
    ]
    return f"({' '.join([name, *parts])})"


@settings(max_examples=EXAMPLES or 300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_nest_of_calls(data: st.DataObject) -> None:
    outcome(grown(data, 3), hot=data.draw(st.booleans()))


@cache
def programs() -> list[str]:
    """The programs of the transcripts."""
    return [entry.program for path in sorted(FOLDER.glob("*.lisp")) for entry in entries(path)]


TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|,@|#[\\|;(]|[()\[\]{}\'`,.]|[^\s()\[\]{}"\'`,]+|\s+|.', re.DOTALL)


@cache
def tokens() -> list[str]:
    """Every token of any of them."""
    return sorted({token for program in programs() for token in TOKEN.findall(program)})


def damaged(data: st.DataObject) -> str:
    """A program of which tokens or characters were lost, doubled, swapped or put in."""
    program = data.draw(st.sampled_from(programs()))
    for _ in range(data.draw(st.integers(1, 4))):
        pieces = TOKEN.findall(program) if data.draw(st.booleans()) else list(program)
        if not pieces:
            break
        place = data.draw(st.integers(0, len(pieces) - 1))
        change = data.draw(st.sampled_from(("delete", "double", "swap", "put", "replace")))
        if change == "delete":
            del pieces[place]
        elif change == "double":
            pieces.insert(place, pieces[place])
        elif change == "swap":
            other = data.draw(st.integers(0, len(pieces) - 1))
            pieces[place], pieces[other] = pieces[other], pieces[place]
        else:
            token = data.draw(st.sampled_from(tokens()) | st.sampled_from(VALUES) | st.characters())
            pieces[place : place + (change == "replace")] = [token]
        program = "".join(pieces)
    return program


@settings(max_examples=EXAMPLES or 600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_damaged_program(data: st.DataObject) -> None:
    outcome(damaged(data), hot=data.draw(st.booleans()))
