"""Comparators that are told from their text: the same order, steps and errors as when they are called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, Result, Runtime, to_text
from lisppump.lispy.builtins.comparators import comparisons, order_of
from lisppump.lispy.builtins.sorting import merge_sort
from lisppump.lispy.values import Value

NUMBERS = st.one_of(st.integers(-4, 4), st.sampled_from([0.0, -0.0, 1.5, -2.0, 3.0]))
TEXTS = st.text("ab", max_size=3)
LISTS = [st.lists(kind, max_size=40) for kind in (NUMBERS, TEXTS, st.one_of(NUMBERS, TEXTS))]
KEYS = st.one_of(*LISTS)
OPERATORS = st.sampled_from(["<", ">", "<=", ">=", "-", "string<?", "string>?", "string<=?", "string>=?"])
SHAPES = [  # Q is the element
    "Q", '(get Q "k")', "(get Q :k)", "(get Q key)", '(get Q "k" 0)', "(car Q)", "(cadr Q)", "(nth Q 1)",
    "(* 2 (car Q))", "(- (car Q) (last Q))", "(length Q)", "(number->string (car Q))", "(f Q)",
]  # fmt: skip


@given(st.one_of(st.lists(NUMBERS, max_size=70), st.lists(TEXTS, max_size=70)), st.booleans())
@settings(max_examples=300, deadline=None)
def test_comparisons_are_counted_as_a_merge_sort_makes_them(keys: list[Value], stable: bool) -> None:
    asked = 0

    def ahead(left: Value, right: Value) -> bool:
        nonlocal asked
        asked += 1
        return bool(left < right or (left == right and not stable))

    merge_sort(keys, ahead)
    assert comparisons(keys, stable) == asked


def made(shape: str, key: Value) -> str:
    """An element that has a key where a shape looks for it."""
    text = to_text(key)
    if shape == "Q":
        return text
    if "get" in shape:
        return f'(dict "k" {text} "z" 1)'
    return f"(list {text} {text} 1)" if "(car" in shape else f"(list 1 {text})"


def run(shape: str, operator: str, keys: list[Value], told: bool, swapped: bool, steps: int) -> Result:
    """A sort by a lambda; one that is not told binds what it compares, which costs nothing."""
    names = "ba" if swapped else "ab"
    one, other = (shape.replace("Q", name) for name in names)
    body = f"({operator} {one} {other})" if told else f"(let ((x {one}) (y {other})) ({operator} x y))"
    items = " ".join(made(shape, key) for key in keys)
    program = f'(define key "k") (define (f x) x) (sort (list {items}) (lambda (a b) {body}))'
    return Runtime(limits=Limits(steps=steps)).run(program)


@given(st.sampled_from(SHAPES), OPERATORS, KEYS, st.booleans(), st.sampled_from([100_000, 150, 60]))
@settings(max_examples=400, deadline=None)
def test_a_comparator_that_is_told_is_as_good_as_called(
    shape: str, operator: str, keys: list[Value], swapped: bool, steps: int
) -> None:
    told = run(shape, operator, keys, True, swapped, steps)
    called = run(shape, operator, keys, False, swapped, steps)
    assert (told.text, told.usage["steps"]) == (called.text, called.usage["steps"])
    if told.error is None or called.error is None:
        assert told.error is called.error
    else:
        assert (told.error.code, told.error.message) == (called.error.code, called.error.message)


@pytest.mark.parametrize(
    ("comparator", "known"),
    [
        ("<", True),
        ("string>?", True),
        ("-", True),
        ("(lambda (a b) (< a b))", True),
        ("(lambda (a b) (> (get b :k) (get a :k)))", True),
        ("(let ((k 1)) (lambda (a b) (< (nth a k) (nth b k))))", True),
        ("(lambda (a b) (< (nth a 0) (nth b 1)))", False),
        ("(lambda (a b) (< (car a) (cadr b)))", False),
        ("(lambda (a b) (< a a))", False),
        ("(lambda (a b . c) (< a b))", False),
        ("(lambda (a b) (set! a 1) (< a b))", False),
        ("(lambda (a b) (< (random-int 9) (random-int 9)))", False),
        ("(lambda (a b) (< (g a) (g b)))", False),
        ("(lambda (a b) (mine a b))", False),
        ("(let ((< >)) (lambda (a b) (< a b)))", False),
        ("equal?", False),
        ("car", False),
    ],
)
def test_what_is_told_from_a_comparator(comparator: str, known: bool) -> None:
    runtime = Runtime()
    runtime.evaluate("(define (g x) x) (define (mine a b) (< a b))")
    procedure = runtime.evaluate(comparator)
    assert (order_of(runtime.context, procedure) is not None) is known


@pytest.mark.parametrize("key", ['(get x "k")', '(let ((x (car l))) (get x "k"))', "1"])
def test_a_key_of_something_else_is_no_key_of_the_elements(key: str) -> None:
    items = '(map (lambda (i) (dict "k" (- 20 i))) (range 20))'
    comparator = f"(lambda (a b) (< {key} {key}))"
    program = f'(define x (dict "k" 1)) (define l {items}) (equal? l (sort l {comparator}))'
    assert Runtime().run(program).text == "#t"


def test_a_builtin_that_is_bound_anew_is_called() -> None:
    program = "(define (smaller a b) (< a b)) (define (< a b) (> a b)) (sort (range 9) smaller)"
    assert Runtime().run(program).text == "(8 7 6 5 4 3 2 1 0)"
    later = Runtime()
    assert later.run("(define (smaller a b) (< a b)) (sort '(2 1 3 5 4 6 8 7 9) smaller)").ok
    assert later.run("(define (< a b) (> a b)) (sort (range 9) smaller)").text == "(8 7 6 5 4 3 2 1 0)"
