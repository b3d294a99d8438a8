"""The prompt: one prefix for all pipes of a frame, allowances kept, the same bytes each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.errors import LisppumpError
from lisppump.frame import Stream
from lisppump.prompt import RULES, build, cut, echoes, estimate, flatten, render, shared_part

STREAM = Stream(3, ("ada",), "hall", "bees")
ADA = {"id": "ada", "name": "Ada", "archetype": "coder", "traits": ["x"], "posts": 3}
WORDS = "- posts: title (a string)"


def shared(sections: Any = (), at_most: int | None = None) -> str:
    return shared_part("agora", 7, "2026-04-09T00:00:00.000000Z", WORDS, sections, at_most)


def test_the_shared_part_has_rules_schema_frame_and_sections() -> None:
    text = shared([{"title": "world", "body": {"posts": 3, "of": [1, 2]}, "tokens": 100}])
    assert text.startswith(RULES)
    assert text.endswith("# agora, frame 7, 2026-04-09T00:00:00.000000Z\n\n## world\nposts: 3\nof: [1,2]\n")
    assert WORDS in text


def test_the_room_says_who_sits_there() -> None:
    prompt = build(shared(), STREAM, [ADA], [{"title": "ada", "body": ["remembers", "x\ny"], "tokens": None}])
    assert prompt.shared == shared()
    assert prompt.room == (
        "\n# Your room: stream-0003 (hall)\nIts topic: bees\nIts agents:\n"
        "- ada: name Ada; archetype coder; posts 3\n\n## ada\n- remembers\n- x\n  y\n"
    )
    assert prompt.size == len((prompt.shared + prompt.room).encode())
    assert prompt.tokens == estimate(prompt.shared + prompt.room)


def test_the_prefix_is_the_same_for_every_room() -> None:
    long = [{"title": "t", "body": "b" * 4000, "tokens": None}]
    rooms = [build(shared(long, 800), STREAM, [ADA] * n, long, 800) for n in (1, 5)]
    assert rooms[0].shared_digest == rooms[1].shared_digest
    assert rooms[0].room_digest != rooms[1].room_digest
    assert all(room.tokens <= 800 for room in rooms)


def test_sections_nest_and_empty_ones_are_left_out() -> None:
    nested = [None, [{"title": "a", "body": "x"}, ["plain", []]], {"title": "b", "body": None}]
    assert flatten(nested) == [("a", "x", None), (None, "plain", None)]


def test_a_section_keeps_to_its_allowance_and_says_what_is_missing() -> None:
    text = shared([{"title": "long", "body": "é" * 1000, "tokens": 100}])
    section = text.rpartition("## long\n")[2].rstrip("\n")
    assert estimate(section) <= 100
    assert section.endswith("[... 410 tokens more]")


def test_what_must_be_there_and_does_not_fit_is_an_error() -> None:
    with pytest.raises(LisppumpError) as caught:
        shared(at_most=20)
    assert caught.value.code == "prompt-too-long"
    with pytest.raises(LisppumpError):
        build(shared(), STREAM, [ADA] * 100, [], estimate(shared()) + 50)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\n", "as it is\n"),
        (None, ""),
        (2.5, "2.5"),
        ([1, {"a": None}, None], '- 1\n- {"a":null}'),
        ({"b": "x", "a": True}, "b: x\na: true"),
    ],
)
def test_values_are_rendered_for_a_reader(value: Any, text: str) -> None:
    assert render(value) == text


@given(st.text(max_size=300), st.integers(0, 60))
def test_a_cut_text_is_never_longer_than_allowed(text: str, tokens: int) -> None:
    short = cut(text, tokens)
    assert estimate(short) <= tokens
    assert short == text or text.startswith(short.rpartition("\n[... ")[0])


SECTION = st.fixed_dictionaries(
    {
        "title": st.none() | st.text(max_size=5),
        "body": st.text(max_size=400),
        "tokens": st.none() | st.integers(0, 80),
    }
)


@given(st.lists(SECTION, max_size=4), st.lists(SECTION, max_size=4), st.integers(0, 600))
def test_the_whole_keeps_to_what_the_policy_allows(first: list[Any], second: list[Any], at_most: int) -> None:
    try:
        prompt = build(shared(first, at_most), STREAM, [ADA], second, at_most)
    except LisppumpError as error:
        assert error.code == "prompt-too-long"
    else:
        assert prompt.tokens <= at_most


def test_what_an_echo_came_to_is_a_section_or_why_it_failed() -> None:
    sections = echoes(
        {
            "ada": {"frame": 3, "value": {"sol": "1247"}, "error": None, "output": "hm\n"},
            "bob": {"frame": 2, "value": None, "error": {"code": "unbound", "message": "x has no value"}},
            "cid": {"value": 7, "error": "by hand"},
        }
    )
    room = build(shared(), Stream(1, ("ada",)), [{"id": "ada"}], sections).room
    assert "## ada, what its program came to after frame 3\nresult: {\"sol\":\"1247\"}\nprinted: hm" in room
    assert "## bob, what its program came to after frame 2\nerror: x has no value" in room
    assert "error: by hand" in room
    assert echoes({}) == []
