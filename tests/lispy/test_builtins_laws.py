"""Laws of builtins, for any values."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lisppump.lispy import Runtime

INTEGERS = st.integers(min_value=-(10**30), max_value=10**30)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
ATOMS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
DATA = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=25,
)


def value_of(program: str, **documents: Any) -> Any:
    """What a program gives; `frame` has the documents."""
    result = Runtime(state=documents, allow={"state"}).run(program)
    assert result.ok, result.error
    return result.value


@settings(deadline=None, max_examples=60)
@given(st.lists(INTEGERS | FLOATS, max_size=40))
def test_the_natural_order_is_pythons(numbers: list[float]) -> None:
    assert value_of('(sort (get frame "x"))', x=numbers) == sorted(numbers)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers()).map(list), max_size=30))
def test_sorting_with_a_comparator_is_stable(rows: list[list[int]]) -> None:
    wanted = sorted(rows, key=lambda row: row[0])
    assert value_of('(sort (get frame "x") (lambda (a b) (< (car a) (car b))))', x=rows) == wanted
    assert value_of('(sort-by car (get frame "x"))', x=rows) == wanted


@settings(deadline=None, max_examples=60)
@given(DATA)
def test_json_goes_round(value: Any) -> None:
    text = value_of('(json-encode (get frame "x"))', x=value)
    assert json.loads(text) == value
    assert value_of('(equal? (json-parse (json-encode (get frame "x"))) (get frame "x"))', x=value) is True


@settings(deadline=None, max_examples=60)
@given(DATA)
def test_equal_is_reflexive_even_for_copies(value: Any) -> None:
    copy = json.loads(json.dumps(value))
    program = '(list (equal? (get frame "x") (get frame "y")) (= (get frame "x") (get frame "y")))'
    assert value_of(program, x=value, y=copy) == [True, True]


@settings(deadline=None, max_examples=60)
@given(st.lists(INTEGERS, max_size=30), st.lists(INTEGERS, max_size=30), st.integers(0, 40))
def test_lists_keep_their_laws(left: list[int], right: list[int], size: int) -> None:
    program = f"""
        (define a (get frame "a")) (define b (get frame "b")) (define n {size})
        (list (append a b) (length (append a b)) (reverse (reverse a)) (append (take a n) (drop a n))
              (append (drop-right a n) (take-right a n)) (fold-right cons '() a) (fold cons '() a)
              (append (append a b) a))"""
    assert value_of(program, a=left, b=right) == [
        left + right, len(left) + len(right), left, left, left, left, left[::-1], left + right + left,
    ]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), st.integers(0, 30)), max_size=60))
def test_every_step_of_a_growing_dict_stays_what_it_was(sets: list[tuple[str, int]]) -> None:
    model: dict[str, int] = {}
    steps = []
    for key, value in sets:
        model = {**model, key: value}
        steps.append(model)
    program = """
        (reverse (reduce (lambda (acc p) (cons (dict-set (if (null? acc) {} (car acc)) (car p) (cadr p)) acc))
                         '() (get frame "x")))"""
    found = value_of(program, x=[list(pair) for pair in sets])
    assert found == steps
    assert [list(each) for each in found] == [list(each) for each in steps]


@settings(deadline=None, max_examples=60)
@given(st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20).filter(bool))
def test_division_of_integers(a: int, b: int) -> None:
    program = f"(list (quotient {a} {b}) (remainder {a} {b}) (modulo {a} {b}) (// {a} {b}))"
    quotient, remainder, modulo, floored = value_of(program)
    assert quotient * b + remainder == a
    assert floored * b + modulo == a
    assert abs(remainder) < abs(b) > abs(modulo)
    assert modulo == a % b
    assert remainder == int(math.copysign(1, a)) * (abs(a) % abs(b))


def could_be_turned(text: str, separator: str) -> bool:
    """True where the text is a mark that stands between words of the separator, as in (split "," "a,b")."""
    if not text or any(map(str.isalnum, text)) or text not in separator:
        return False
    before, after = separator.split(text)[0], separator.split(text)[-1]
    return any(map(str.isalnum, before)) and any(map(str.isalnum, after))


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS.filter(bool))
@example(":", "0:")
@example(",", ",a")
@example("", "a")
def test_split_and_join_undo_each_other(text: str, separator: str) -> None:
    assume(not could_be_turned(text, separator))  # two readings, and so an error: no value to join again
    program = '(string-join (string-split (get frame "x") (get frame "y")) (get frame "y"))'
    assert value_of(program, x=text, y=separator) == text


@settings(deadline=None, max_examples=60)
@given(st.text(",;: |-", min_size=1, max_size=3), st.text("ab1", min_size=1), st.text("ab1", min_size=1))
def test_a_split_that_could_be_turned_is_an_error(mark: str, before: str, after: str) -> None:
    result = Runtime(state={"x": mark, "y": before + mark + after}, allow={"state"}).run(
        '(string-split (get frame "x") (get frame "y"))'
    )
    assert result.error is not None
    assert result.error.code == "ambiguous"
