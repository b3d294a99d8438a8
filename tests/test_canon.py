"""The one encoder: the same bytes by either path, exact integers, errors with a place."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump import canon
from lisppump.errors import LisppumpError
from lisppump.lispy.values import slice_of

floats = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e16, 1e15, 1e22, 1e-5, 1.5e-5, 0.0001, -0.0, 5e-324, 1e300, 123456789012345680.0]),
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def reference(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


@given(values)
def test_canonical_form_is_that_of_the_standard_library(value: Any) -> None:
    assert canon.canonical(value) == reference(value)


@given(values)
def test_document_and_line_form_are_those_of_the_standard_library(value: Any) -> None:
    assert canon.document(value) == (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
    assert canon.line(value) == json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@given(st.lists(values, max_size=6))
def test_lines_that_are_written_together_are_those_of_each(items: list[Any]) -> None:
    assert canon.lines(items) == b"".join([canon.line(item) + b"\n" for item in items])
    assert canon.lines(items, sort=True) == b"".join([reference(item) + b"\n" for item in items])


def test_what_is_no_json_is_refused_among_other_lines() -> None:
    for item in (float("nan"), {1: 2}, "\ud800", [[{"a": float("inf")}]]):
        with pytest.raises(LisppumpError, match="a value to be written as JSON"):
            canon.lines([{"a": 1}, item])
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    assert canon.lines([1, deep]) == b"1\n" + canon.line(deep) + b"\n"


@given(values)
def test_reading_gives_back_what_was_written(value: Any) -> None:
    for form in (canon.canonical(value), canon.document(value), canon.line(value)):
        back = canon.loads(form)
        assert back == value
        assert reference(back) == reference(value)


@pytest.mark.parametrize("number", [1e16, 1e22, 1e-5, 1.25e-5, 1e-7, 1e300, -1e16, -2.5e-5])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: [0, x], lambda x: {"a": x}])
def test_floats_are_spelt_as_python_spells_them(number: float, wrap: Any) -> None:
    assert repr(number).encode() in canon.canonical(wrap(number))
    assert repr(number).encode() in canon.document(wrap(number))


@pytest.mark.parametrize("digits", [17, 18, 19, 20, 23, 400])
@pytest.mark.parametrize("sign", ["", "-"])
def test_long_integers_are_exact(digits: int, sign: str) -> None:
    text = sign + "9" * digits
    assert canon.loads(text) == int(text)
    assert canon.loads(f'{{"a": [{text}, 0.30000000000000004]}}'.encode()) == {"a": [int(text), 0.1 + 0.2]}
    assert canon.canonical(int(text)) == text.encode()


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        (b'{"a":\n 1 "b"}', 2, 4, "fault"),
        (b"[1,\n NaN]", 2, 2, "NaN"),
        (b"[Infinity]", 1, 2, "Infinity"),
        (b"[-Infinity]", 1, 3, "-Infinity"),
        (b"[1e400]", 1, 2, "infinity"),
        (b'["\\ud800"]', 1, 3, "surrogate"),
        (b'{"a":\n"\xff"}', 2, 2, "UTF-8"),
        (b"\xef\xbb\xbf{}", 1, 1, "byte order mark"),
        (b"", 1, 1, "nothing at all"),
        (b"[1,]", 1, 4, "fault"),
        (b"[" * 3000 + b"]" * 3000, 1, None, "deeper"),
    ],
)
def test_bad_text_is_an_error_with_a_place(text: bytes, line: int, column: int | None, word: str) -> None:
    with pytest.raises(LisppumpError) as caught:
        canon.loads(text, "agents.json")
    error = caught.value
    assert error.code == "bad-json"
    assert word in error.message
    assert error.span is not None
    assert (error.span.file, error.span.line) == ("agents.json", line)
    if column is not None:
        assert abs(error.span.column - column) <= 1


def test_an_integer_too_long_for_python_is_an_error() -> None:
    with pytest.raises(LisppumpError, match="thousands of digits"):
        canon.loads("9" * 6000)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"a": [1, math.nan]}, r"nan at a\[1\]"),
        ({"b": None, "a": math.inf}, "inf at a"),
        ([None, -math.inf], r"-inf at \[1\]"),
        ({1: 2}, "key 1"),
        ({"x": {None: 2}}, "key None"),
        ({"x": object()}, "no JSON value at x"),
        ({"x": {1, 2}}, "no JSON value at x"),
        (b"bytes", "no JSON value"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
    ],
)
def test_what_json_cannot_say_is_an_error(value: Any, word: str) -> None:
    for form in (canon.canonical, canon.document, canon.line):
        with pytest.raises(LisppumpError, match=word) as caught:
            form(value)
        assert caught.value.code == "bad-json"


def test_deep_data_is_written_to_a_bound_and_refused_beyond_it() -> None:
    def nest(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    assert canon.canonical(nest(400)) == b"[" * 400 + b"1" + b"]" * 400
    with pytest.raises(LisppumpError, match="deeper"):
        canon.canonical(nest(100_000))
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(LisppumpError, match="deeper"):
        canon.canonical(loop)


def test_windows_are_written_as_lists() -> None:
    window = slice_of([1, 2, 3, None], 1, 4)
    assert canon.canonical({"a": window}) == b'{"a":[2,3,null]}'
    assert canon.canonical({"a": window, "b": 1e16}) == b'{"a":[2,3,null],"b":1e+16}'
    with pytest.raises(LisppumpError, match="nan"):
        canon.canonical(slice_of([math.nan], 0, 1))


def test_digests_name_their_kind() -> None:
    assert canon.digest({"b": 1, "a": 2}) == canon.digest_bytes(b'{"a":2,"b":1}')
    assert canon.digest_bytes(b"").startswith("sha256:e3b0c442")
