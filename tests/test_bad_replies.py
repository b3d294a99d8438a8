"""Replies as models write them: what an honest reader makes of each, and that wrappings cost nothing.

`bad_replies/*.json` hold cases: a text, the collections that it must come to (null where nothing is to be
read of it), the reasons of what is set aside, whether it was cut off, a part of a note on how it was read.
"""

from __future__ import annotations

import contextlib
import html
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.delta import Collection, DeltaError, Field, Schema
from lisppump.schema import check
from lisppump.schema_reply import read_reply

FOLDER = Path(__file__).parent / "bad_replies"
SCHEMA = Schema(
    (
        Collection("lines", (Field("agent", "agent"), Field("text", "string"))),
        Collection(
            "votes",
            (
                Field("post", "integer"),
                Field("voter", "agent"),
                Field("type", "one-of", choices=("up", "down")),
            ),
        ),
        Collection(
            "moods",
            (
                Field("agent", "agent"),
                Field("how_much", "number"),
                Field("open", "boolean", optional=True),
            ),
        ),
    )
)


def cases() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


@pytest.mark.parametrize("case", list(cases()))
def test_a_bad_reply_comes_to_what_an_honest_reader_makes_of_it(case: dict[str, Any]) -> None:
    if case["comes"] is None:
        with pytest.raises(DeltaError) as caught:
            read_reply(case["text"], SCHEMA)
        assert caught.value.code == "unusable-reply"
        return
    reading = read_reply(case["text"], SCHEMA)
    accepted, rejected = check(SCHEMA, reading.data)
    assert accepted == case["comes"]
    assert [problem.reason for problem in rejected] == case["aside"]
    assert reading.cut is case["cut"]
    if case["note"] is not None:
        assert case["note"] in "; ".join(reading.notes)


def test_there_are_enough_of_them() -> None:
    assert len(list(cases())) >= 120


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
PLAIN = st.text("abcdefg hijk.!?", max_size=12)


def js(delta: Any, **more: Any) -> str:
    return json.dumps(delta, ensure_ascii=False, **more)


def _same(item: dict[str, Any]) -> Any:
    return frozenset(item.items())  # what a reply says twice counts once


def deltas(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(["ann", "bob", "cid"])
    line = st.fixed_dictionaries({"agent": name, "text": text})
    vote = st.fixed_dictionaries(
        {"post": st.integers(0, 10**6), "voter": name, "type": st.sampled_from(["up", "down"])}
    )
    mood = st.fixed_dictionaries(
        {"agent": name, "how_much": st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)},
        optional={"open": st.booleans()},
    )
    return st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(items, min_size=1, max_size=3, unique_by=_same)
            for name, items in (("lines", line), ("votes", vote), ("moods", mood))
        },
    ).filter(bool)


Wrap = Callable[[dict[str, Any]], str]


WRAPPINGS: dict[str, Wrap] = {
    "as it is": js,
    "indented": lambda d: js(d, indent=2),
    "escaped letters": json.dumps,
    "fenced": lambda d: f"```json\n{js(d, indent=1)}\n```",
    "prose": lambda d: f"Here you are:\n{js(d)}\nThat is all, I hope it [really] helps.",
    "thinking": lambda d: f"<think>hm {{}} {js(d)[:9]}</think>\n{js(d)}",
    "tool call": lambda d: f'<tool_call>{{"name": "delta", "arguments": {js(d)}}}</tool_call>',
    "wrapped": lambda d: js({"thought": "x", "response": {"delta": d}}),
    "a text": lambda d: js(js(d)),
    "a text in a wrapper": lambda d: js({"result": js(d)}),
    "a list": lambda d: js([d]),
    "a list of parts": lambda d: js([{name: items} for name, items in d.items()]),
    "a list of items": lambda d: js([item for items in d.values() for item in items]),
    "JSON Lines": lambda d: "\n".join(js({name: [item]}) for name, items in d.items() for item in items),
    "parts in fences": lambda d: "\n".join(f"```json\n{js({name: items})}\n```" for name, items in d.items()),
    "Python": repr,
    "Python in a fence": lambda d: f"```python\n{d!r}\n```",
    "trailing commas": lambda d: js(d, separators=(" , ", ": ")).replace("]}", "],}"),
    "capitals": lambda d: js({name.upper(): items for name, items in d.items()}),
    "fields in capitals": lambda d: js(
        {name: [{key.title(): v for key, v in item.items()} for item in items] for name, items in d.items()}
    ),
    "lists as texts": lambda d: js({name: js(items) for name, items in d.items()}),
    "lone items": lambda d: js({n: items[0] if len(items) == 1 else items for n, items in d.items()}),
    "numbers as texts": lambda d: js(
        {
            name: [{k: str(v) if type(v) is int else v for k, v in item.items()} for item in items]
            for name, items in d.items()
        }
    ),
    "no outer brackets": lambda d: js(d)[1:-1],
    "escaped": lambda d: js(js(d))[1:-1],
}
FRAGILE: dict[str, Wrap] = {  # only for texts without marks of their own
    "single quotes": lambda d: js(d).replace('"', "'"),
    "smart quotes": lambda d: "".join(_curled(js(d))),
    "HTML": lambda d: html.escape(js(d)),
    "bare keys": lambda d: _bare_keys(js(d)),
    "comments": lambda d: js(d, indent=1).replace("[\n", "[ // items\n").replace(",\n", ", # next\n"),
    "no commas": lambda d: js(d, indent=1).replace(",\n", "\n"),
}


def _curled(text: str) -> Iterator[str]:
    opened = False
    for letter in text:
        if letter == '"':
            opened = not opened
            yield "“" if opened else "”"
        else:
            yield letter


def _bare_keys(text: str) -> str:
    for key in ("lines", "votes", "moods", "agent", "text", "post", "voter", "type", "how_much", "open"):
        text = text.replace(f'"{key}":', f"{key}:")
    return text


@pytest.mark.parametrize("name", WRAPPINGS)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_well_formed_survives_any_wrapping(name: str, data: st.DataObject) -> None:
    delta = data.draw(deltas(TEXT))
    assert _read(WRAPPINGS[name](delta)) == delta


@pytest.mark.parametrize("name", FRAGILE)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_well_formed_survives_other_marks_around_plain_texts(name: str, data: st.DataObject) -> None:
    delta = data.draw(deltas(PLAIN))
    assert _read(FRAGILE[name](delta)) == delta


def _read(text: str) -> dict[str, list[Any]]:
    accepted, rejected = check(SCHEMA, read_reply(text, SCHEMA).data)
    assert rejected == []
    return accepted


@given(deltas(TEXT), st.data())
def test_what_is_cut_off_comes_to_a_beginning_of_what_was_meant(delta: Any, data: st.DataObject) -> None:
    wrap = data.draw(st.sampled_from([js, repr, lambda d: js({"response": d}), lambda d: js(d, indent=1)]))
    text = wrap(delta)
    end = data.draw(st.integers(0, len(text) - 1))
    try:
        reading = read_reply(text[:end], SCHEMA)
    except DeltaError:
        return
    accepted, _ = check(SCHEMA, reading.data)
    assert reading.cut or not accepted
    for name, items in accepted.items():
        assert items == delta[name][: len(items)]


@given(st.text(alphabet="{}[]\"':,ab1 tn<>/think \\\n`linestxage.#“”", max_size=80))
def test_the_reader_takes_or_refuses_and_never_breaks(text: str) -> None:
    try:
        reading = read_reply(text, SCHEMA)
    except DeltaError:
        return
    check(SCHEMA, reading.data)


LONG: dict[str, str] = {
    "blanks after quotes": '{"lines": [{"agent": "ann", "text": "' + ('"x' + " " * 2000) * 50,
    "blanks at the end": '{"lines": [' + " " * 200_000,
    "brackets in brackets": '{"a": ' * 20_000,
    "brackets that are none": "{x " * 50_000,
    "a long object with a wrong end": "{" + ", ".join(f'"k{n}": {{"a": {n}}}' for n in range(8000)) + " = }",
    "quotes": '{"lines": "' + '"a' * 50_000,
    "objects": "".join(f'{{"lines": [{{"agent": "ann", "text": "{n}"}}]}}\n' for n in range(3000)),
    "backticks": '{"lines": "a"' + "`" * 100_000 + "x",
    "comments": '{"lines": [' + "/* " * 50_000,
    "commas": '{"lines": [' + "," * 200_000,
    "thoughts": "<think>" * 20_000,
    "escapes": '{"lines": "' + "\\x" * 50_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_are_read_in_steps_that_grow_with_their_length(name: str) -> None:
    steps = 0

    def counted(*_: Any) -> Any:
        nonlocal steps
        steps += 1
        return counted

    sys.settrace(counted)
    try:
        with contextlib.suppress(DeltaError):
            read_reply(LONG[name], SCHEMA)
    finally:
        sys.settrace(None)
    assert steps <= 60 * len(LONG[name])
