"""Laws of what goes between workers and the pump: what is no answer is Broken, values come back whole."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.lispy import Result, Runtime, to_text
from lisppump.lispy.values import Keyword, Primitive, Procedure, Quantity, Symbol, cons, elements
from lisppump.workers.answers import decoded, request_of, result_answer, result_of, sound
from lisppump.workers.cargo import packed, unpacked
from lisppump.workers.wire import Broken, Gone, Line
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


def checked(answer: bytes) -> None:
    """What is taken in one look is what a closer one gives."""
    with suppress(Broken):
        quick = sound(answer, 1, PROGRAM)
        if quick is not None:
            said = decoded(answer)
            assert type(said[0]) is int and said[:2] == [1, "result"]
            assert difference(quick, result_of(said, PROGRAM)) == {}


@given(st.integers(min_value=0, max_value=9), data)
def test_one_look_takes_nothing_that_a_closer_one_does_not(place: int, part: Any) -> None:
    answer = [1, "result", True, 7, "7", "", None, 1, 1, []]
    checked(json.dumps(answer).encode())
    answer[place] = part
    checked(json.dumps(answer).encode())


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"7", b"[]", b"[1", b"\xff", b'{"a":1}', b'[1,"fault","x"]',
        b'[2,"result",true,7,"7","",null,1,1,[]]', b'[1.0,"result",true,7,"7","",null,1,1,[]]',
        b'[true,"result",true,7,"7","",null,1,1,[]]', b'[1,"result",1,7,"7","",null,1,1,[]]',
        b'[1,"result",false,null,"","",["limit","step-limit","",null,[],null,null],1,1,[]]',
        b'[1,"result",true,7,"7","",null,true,1,[]]', b'[1,"result",true,7,"7","",null,1,-1,[]]',
        b'[1,"result",true,7,"7","",null,1,1,["web"]]', b'[1,"result",true,7,"7","",null,1,1,[["state"]]]',
        b'[1,"result",true,7,"7","",null,1,1,{}]', b'[1,"result",true,7,"7",0,null,1,1,[]]',
        b'[1,"result",true,10000000000000000000000000,"","",null,1,1,[]]',
        b'[1,"result",true,[10000000000000000000000000],"","",null,1,1,[]]',
        b'[1,"result",true,7,"7","",null,1,10000000000000000000000000,[]]',
        b'[1,"result",true,7,"7","",null,1,1,[]][]',
    ],
)  # fmt: skip
def test_what_wants_a_closer_look_gets_one(answer: bytes) -> None:
    assert sound(answer, 1, PROGRAM) is None


def test_what_is_nested_too_deep_is_not_taken_in_one_look() -> None:
    value = b"[" * 300 + b"]" * 300
    with pytest.raises(Broken):
        sound(b'[1,"result",true,' + value + b',"7","",null,1,1,[]]', 1, PROGRAM)


@pytest.mark.parametrize("length", [0, 1, 100, 8188, 8189, 100_000])
def test_an_exchange_is_a_message_there_and_one_back(length: int) -> None:
    (theirs, out), (into, back) = os.pipe(), os.pipe()
    near, far = Line(into, out), Line(theirs, back)
    body = bytes(range(256)) * 400
    given_back: list[bytes] = []

    def answer() -> None:
        given_back.append(far.receive(1 << 20))
        far.send(body[:length])

    other = threading.Thread(target=answer)
    other.start()
    assert near.exchange(body[: length // 2], 1 << 20) == body[:length]
    other.join()
    assert given_back == [body[: length // 2]] and near.rest == b""
    near.close()
    far.close()


@pytest.mark.parametrize(
    ("said", "error"), [(b"", Gone), (b"\0\0", Gone), (b"\0\0\0\x09abc", Gone), (b"\xff\xff\xff\xff", Broken)]
)
def test_an_exchange_takes_no_half_messages(said: bytes, error: type[Exception]) -> None:
    (theirs, out), (into, back) = os.pipe(), os.pipe()
    os.write(back, said)
    os.close(back)
    line = Line(into, out)
    with pytest.raises(error):
        line.exchange(b"x", 1000)
    line.close()
    os.close(theirs)


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
    said = result_answer(4, Runtime().outcome(source, wanted.name, None, False), source, wanted.name)
    assert difference(result_of(decoded(said), wanted), own) == {}
