"""Text and JSON of values: what reads back, what is shared, what is too much."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.lispy import LimitError, Limits, LispyError, Runtime, to_json, to_text
from lisppump.lispy.limits import Meter
from lisppump.lispy.values import Keyword, Quantity, Symbol, pair_of, slice_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"), ([], "()"), (True, "#t"), (False, "#f"), (1, "1"), (1.0, "1.0"), (1e22, "1e+22"),
        (-0.0, "-0.0"),
        ("a\"b\\\n", '"a\\"b\\\\\\n"'), ("\x1b", '"\\u001b"'),
        (Symbol("x"), "x"), (Keyword("k"), ":k"),
        ([1, [2], []], "(1 (2) ())"), ({"a": 1, "b": {}}, '{"a" 1 "b" {}}'), (pair_of(1, 2, -1), "(1 . 2)"),
        (pair_of(1, pair_of(2, 3, -1), -1), "(1 2 . 3)"), (pair_of(1, [2, 3], 3), "(1 2 3)"),
        (slice_of([1, 2, 3], 1, 3), "(2 3)"),
        ([Symbol("quote"), [1]], "'(1)"),
        ([Symbol("unquote"), 1], ",1"), ([Symbol("quote"), 1, 2], "(quote 1 2)"),
        (Quantity(5, "seconds"), "(seconds 5)"),
    ],
)  # fmt: skip
def test_text(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, None), ([], []), (Symbol("x"), "x"), (Keyword("k"), "k"), (pair_of(1, [2], 2), [1, 2]),
        (pair_of(1, 2, -1), {"car": 1, "cdr": 2}), (slice_of([1, 2, 3], 1, 3), [2, 3]),
        ({"a": (Keyword("b"))}, {"a": "b"}),
        (Quantity(5, "seconds"), 5), ([[1], {"a": [True, 1.5, "x"]}], [[1], {"a": [True, 1.5, "x"]}]),
    ],
)  # fmt: skip
def test_json(value: Any, data: Any) -> None:
    assert to_json(value) == data


def test_json_shares_nothing() -> None:
    inner = [1]
    found = to_json([inner, inner])
    assert found == [[1], [1]]
    assert found[0] is not inner
    assert found[0] is not found[1]


def test_procedures_are_no_json() -> None:
    result = Runtime().run("(list 1 car (lambda (x) x))")
    assert result.value == [1, None, None]
    assert result.text == "(1 #<procedure car> #<procedure lambda>)"
    runtime = Runtime()
    with pytest.raises(LispyError) as caught:
        to_json(runtime.evaluate("(list car)"))
    assert caught.value.code == "json-error"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_depth_counts_elements_never_the_length_of_a_list() -> None:
    assert to_text(nested(256)).startswith("((")
    for write in (to_text, to_json):
        with pytest.raises(LimitError) as caught:
            write(nested(300))
        assert caught.value.code == "data-depth-limit"
    chain: Any = []
    for number in range(50_000):
        chain = pair_of(number, chain, number + 1)
    assert len(to_json(chain)) == 50_000
    assert to_text(chain).endswith(" 0)")


def test_shared_structure_is_charged_as_often_as_it_is_written() -> None:
    value: Any = ["x"]
    for _ in range(40):
        value = [value, value]
    for write in (to_text, to_json):
        with pytest.raises(LimitError):
            write(value, Meter(Limits()))
