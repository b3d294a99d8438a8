"""Laws of what goes between workers and the pump: what is no answer is Broken, values come back whole."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.lispy import Result, Runtime, to_text
from lisppump.lispy.values import Keyword, Primitive, Procedure, Quantity, Symbol, cons, elements
from lisppump.workers.answers import decoded, request_of, result_answer, result_of
from lisppump.workers.cargo import packed, unpacked
from lisppump.workers.wire import Broken
from tests.workers_support import difference, program

numbers = (
    st.integers()
    | st.integers(min_value=2**63, max_value=2**300)
    | st.floats(allow_nan=False, allow_infinity=False)
)
atoms = st.none() | st.booleans() | numbers | st.text()
data = st.recursive(atoms, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=20)
names = st.text(min_size=1)
values = st.recursive(
    atoms | st.builds(Symbol, names) | st.builds(Keyword, names) | st.builds(Quantity, st.integers(), names),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part) | st.builds(cons, part, part),
    max_leaves=20,
)
PROGRAM = program("(+ 1 2)")


def taken(answer: bytes) -> Result | None:
    try:
        return result_of(decoded(answer), PROGRAM)
    except Broken:
        return None


@given(st.binary() | data.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_answer_or_broken(answer: bytes) -> None:
    try:
        said = decoded(answer)
    except Broken:
        return
    assert len(said) >= 2


@given(st.lists(data, max_size=12))
def test_any_list_is_a_result_or_broken(parts: list[Any]) -> None:
    found = taken(json.dumps([1, "result", *parts]).encode())
    assert found is None or found.ok is (found.error is None)


@given(st.integers(min_value=2, max_value=9), data)
def test_a_good_result_with_one_part_changed_is_a_result_or_broken(place: int, part: Any) -> None:
    answer = [1, "result", True, 7, "7", "", None, 1, 1, []]
    answer[place] = part
    found = taken(json.dumps(answer).encode())
    assert found is None or (0 <= found.usage["steps"] <= PROGRAM.limits.steps and len(found.text) <= 1 << 20)


@given(st.integers(min_value=0, max_value=6), data)
def test_a_good_error_with_one_part_changed_is_an_error_or_broken(place: int, part: Any) -> None:
    error: list[Any] = ["error", "bad-value", "no", None, ["in f"], None, [None, None, 0, 2]]
    error[place] = part
    found = taken(json.dumps([1, "result", False, None, "", "", error, 1, 1, []]).encode())
    if found is not None and found.error is not None:
        assert found.error.diagnostic()


@given(st.lists(data, max_size=3))
def test_any_request_is_a_page_or_broken(fields: list[Any]) -> None:
    try:
        url, seconds = request_of(fields, PROGRAM.limits)
    except Broken:
        return
    assert url.__class__ is str and seconds >= 0


@given(values)
def test_values_of_every_kind_come_back_whole(value: Any) -> None:
    def nobody(*_: Any) -> Any:
        raise AssertionError

    there = json.loads(json.dumps(packed(value, nobody)))
    assert to_text(unpacked(there, nobody)) == to_text(value)


def test_procedures_come_back_as_themselves() -> None:
    one, other = Primitive("f", lambda: 1), Primitive("g", lambda: 2, 1, 2)
    lent: list[Procedure] = []

    def lend(procedure: Procedure) -> list[Any]:
        lent.append(procedure)
        return [len(lent) - 1]

    back = unpacked(packed([one, {"k": other}, cons(one, other)], lend), lambda parts: lent[parts[0]])
    first, second, third = elements(back)
    assert first is one and second["k"] is other and third.car is one and third.cdr is other


@given(data)
def test_any_data_makes_an_answer_or_broken(there: Any) -> None:
    with suppress(Broken):
        unpacked(there, lambda parts: Primitive("f", lambda: 1))


@pytest.mark.parametrize(
    "source", ["(list 1 2.5 \"é\" 'a :b #t nil '())", "(expt 3 500)", "(car 5)", "(f", "(raise {})"]
)
def test_an_answer_says_all_of_a_result(source: str) -> None:
    wanted = program(source)
    own = Runtime().run(source, wanted.name)
    assert difference(result_of(decoded(result_answer(4, own, source, wanted.name)), wanted), own) == {}
