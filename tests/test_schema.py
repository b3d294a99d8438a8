"""What may stand in a delta: the JSON Schema, the tolerant reader, the check that drops nothing."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.delta import Collection, DeltaError, Field, Numbering, Schema
from lisppump.lispy.values import pair_of, slice_of
from lisppump.schema import _TYPES, check, in_words, json_schema
from lisppump.schema_reader import Unfinished
from lisppump.schema_reply import Reading, read, read_reply

SCHEMA = Schema(
    (
        Collection(
            "posts",
            (Field("title", "string"), Field("author", "agent"), Field("body", "string", optional=True)),
            number=Numbering("number"),
        ),
        Collection(
            "votes",
            (
                Field("post", "ref", target="posts"),
                Field("voter", "agent"),
                Field("type", "one-of", choices=("up", "down")),
            ),
        ),
        Collection(
            "gauges",
            (Field("level", "number"), Field("open", "boolean"), Field("note", "any", optional=True)),
        ),
        Collection("secrets", (Field("text", "string"),), mode="refuse"),
    )
)
POST = {"title": "T", "author": "ada"}


def reasons(collections: dict[str, Any], schema: Schema = SCHEMA) -> list[tuple[str, int, str]]:
    return [(problem.collection, problem.index, problem.reason) for problem in check(schema, collections)[1]]


def test_the_json_schema_is_closed_and_names_what_is_required() -> None:
    schema = json_schema(SCHEMA)
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == ["posts", "votes", "gauges"]
    item = schema["properties"]["posts"]["items"]
    assert item["required"] == ["title", "author"]
    assert item["additionalProperties"] is False
    assert item["properties"]["number"] == {"type": "integer"}
    assert schema["properties"]["votes"]["items"]["properties"]["type"]["enum"] == ["up", "down"]


KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description"}


def test_the_json_schema_holds_nothing_that_a_backend_would_refuse() -> None:
    """No bounds, lengths, patterns, references: servers that enforce a schema know closed objects alone."""

    def walk(part: dict[str, Any]) -> None:
        assert part.keys() <= KEYWORDS
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part.get("required", ())) <= part["properties"].keys()
            for inner in part["properties"].values():
                walk(inner)
        for inner in [part["items"]] if "items" in part else part.get("anyOf", ()):
            walk(inner)
        if "enum" in part:
            assert part["type"] == "string" and len(set(part["enum"])) == len(part["enum"])

    every = [Field(kind, kind, optional=place % 2 == 0) for place, kind in enumerate(sorted(_TYPES))]
    choice, other = Field("one", "one-of", choices=("a", "b")), Field("to", "ref", target="things")
    things = Collection("things", (*every, choice, other), number=Numbering("number"), once_per=("one",))
    for schema in (SCHEMA, Schema((things, Collection("free", mode="put"))), Schema()):
        walk(json_schema(schema))


def test_the_words_name_every_collection_and_end_with_the_schema() -> None:
    words = in_words(SCHEMA)
    assert (
        "- posts: title (a string), author (an agent's id, one of your room), body (a string, optional)"
        in words
    )
    assert json.loads(words.splitlines()[-1]) == json_schema(SCHEMA)
    assert "secrets" not in words


@pytest.mark.parametrize(
    "text",
    [
        '{"posts": [{"title": "T", "author": "ada"}]}',
        'Here it is:\n```json\n{"posts": [{"title": "T", "author": "ada"}]}\n```\nHope it helps {really}!',
        '<think>maybe {"posts": [{"title": "no"}]}</think>{"posts": [{"title": "T", "author": "ada"}]}',
        'maybe {"posts": [{"title": "no"}]}</think>{"posts": [{"title": "T", "author": "ada"}]}',
        '{"posts": [{"title": "T", "author": "ada",},],}',
        '{"thought": "hm"} then {"posts": [{"title": "T", "author": "ada"}]}',
        '{"posts": [], "posts": [{"title": "T", "author": "ada"}]}',
    ],
)
def test_replies_are_read_as_models_write_them(text: str) -> None:
    data = read_reply(text, SCHEMA).data
    assert check(SCHEMA, data)[0] == {"posts": [POST]}


def test_tags_and_line_breaks_inside_a_string_are_content() -> None:
    reading = read_reply('{"posts": [{"title": "<think>\nx</think>", "author": "ada"}]}')
    data, notes = reading.data, reading.notes
    assert data["posts"][0]["title"] == "<think>\nx</think>"
    assert notes == ()


def test_an_empty_object_is_an_answer() -> None:
    assert read_reply("Nothing to do. {}") == Reading({})


@pytest.mark.parametrize("text", ["", "I am sorry.", "{not json}", '{"posts"', "<think>{}", "{" * 10000])
def test_nothing_usable_is_an_error_that_quotes_the_start(text: str) -> None:
    with pytest.raises(DeltaError) as caught:
        read_reply(text)
    assert caught.value.code == "unusable-reply"
    assert text[:200].strip() in caught.value.message


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    with pytest.raises(DeltaError):
        read_reply('{"a":' * 100_000)


def test_a_cut_off_reply_keeps_what_was_finished_and_sets_the_rest_aside() -> None:
    whole = {"posts": [POST, {"title": "U", "author": "bo"}], "votes": []}
    text = json.dumps(whole)
    for end in range(text.index("bo"), text.index("bo") + 4):
        reading = read_reply(text[:end], SCHEMA)
        data, notes = reading.data, reading.notes
        accepted, rejected = check(SCHEMA, data)
        assert accepted == {"posts": [POST]}
        assert [(problem.collection, problem.index, problem.reason) for problem in rejected] == [
            ("posts", 1, "cut-off")
        ]
        assert notes and "cut off" in notes[0]
    reading = read_reply(text[: text.index("bo") + 5], SCHEMA)
    data, notes = reading.data, reading.notes
    assert check(SCHEMA, data) == ({"posts": whole["posts"]}, [])
    assert notes


def test_a_fence_after_the_cut_is_no_content() -> None:
    data = read_reply('```json\n{"posts": [{"title": "T"\n```', SCHEMA).data
    assert data == {"posts": [Unfinished({"title": "T"})]}


def test_parsed_data_is_taken_as_it_is() -> None:
    assert read(None, {"posts": []}) == Reading({"posts": []})
    assert read(None, None) == Reading({})


def test_items_are_held_to_their_fields() -> None:
    assert reasons(
        {"posts": [POST, {"title": 3, "author": "a"}, {"title": "x"}, 4, {"title": "x", "author": ""}]}
    ) == [
        ("posts", 1, "wrong-type"),
        ("posts", 2, "missing-field"),
        ("posts", 3, "not-an-item"),
        ("posts", 4, "wrong-type"),
    ]
    good = {"post": 1, "voter": "a", "type": "up"}
    bad = [{**good, "type": "sideways"}, {**good, "post": True}, {**good, "post": 1.5}, {**good, "type": 1}]
    found = [reason for _, _, reason in reasons({"votes": [good, *bad]})]
    assert found == ["not-a-choice", "wrong-type", "wrong-type", "wrong-type"]


def test_booleans_are_not_numbers() -> None:
    assert reasons({"gauges": [{"level": True, "open": True}, {"level": 1, "open": 1}]}) == [
        ("gauges", 0, "wrong-type"),
        ("gauges", 1, "wrong-type"),
    ]


def test_unknown_fields_are_kept_under_extra() -> None:
    accepted, rejected = check(SCHEMA, {"posts": [{**POST, "mood": "x", "extra": {"a": 1}}]})
    assert accepted == {"posts": [{**POST, "extra": {"a": 1, "mood": "x"}}]}
    assert not rejected
    clash, _ = check(SCHEMA, {"posts": [{**POST, "a": 2, "extra": {"a": 1}}]})
    assert clash == {"posts": [{**POST, "extra": {"a": 2, "extra": {"a": 1}}}]}


def test_a_value_that_is_no_list_is_refused_whole() -> None:
    accepted, rejected = check(SCHEMA, {"posts": 4, "votes": None})
    assert accepted == {}
    assert [(problem.reason, problem.item) for problem in rejected] == [("not-a-list", 4)]


def test_unknown_collections_go_where_the_policy_says() -> None:
    assert reasons({"dreams": [{"a": 1}]}) == [("dreams", 0, "unknown-collection")]
    log = Schema(SCHEMA.collections, Collection("otherwise"))
    assert check(log, {"dreams": [{"a": 1}, 2]})[0] == {"dreams": [{"a": 1}]}


def test_a_model_cannot_say_what_the_transport_says() -> None:
    assert reasons({"agents": [{"id": "x"}], "utc": "now"}) == [
        ("agents", 0, "reserved-name"),
        ("utc", 0, "reserved-name"),
    ]


def test_what_is_no_json_is_refused_and_can_still_be_written() -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    bad = [math.nan, math.inf, object(), "\ud800", {1: 2}, deep]
    _, rejected = check(SCHEMA, {"gauges": [{"level": 1, "open": True, "note": value} for value in bad]})
    assert [problem.reason for problem in rejected] == ["not-json"] * len(bad)
    for problem in rejected:
        canon.canonical(problem.to_json())


def test_lispy_lists_become_arrays() -> None:
    note = pair_of(1, slice_of([0, 2, 3], 1, 3), 3)
    accepted, _ = check(SCHEMA, {"gauges": slice_of([{"level": 1, "open": False, "note": note}], 0, 1)})
    assert accepted == {"gauges": [{"level": 1, "open": False, "note": [1, 2, 3]}]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("abé\ud800", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["title", "author", "post", "type", "x", "extra"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(["posts", "votes", "gauges", "dreams", "agents", "secrets"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_nothing_disappears_and_the_check_is_idempotent(collections: dict[str, Any]) -> None:
    accepted, rejected = check(SCHEMA, collections)
    given = sum(
        0 if value is None else len(value) if isinstance(value, list) and name != "agents" else 1
        for name, value in collections.items()
    )
    assert given == sum(map(len, accepted.values())) + len(rejected)
    canon.canonical([problem.to_json() for problem in rejected])
    assert check(SCHEMA, accepted) == (accepted, [])


@settings(max_examples=200)
@given(st.text(alphabet='{}[]":,ab1tn<>/think \\\n`', max_size=60))
def test_the_reader_reads_or_says_why_not(text: str) -> None:
    try:
        data = read_reply(text).data
    except DeltaError as error:
        assert error.code == "unusable-reply"
    else:
        check(SCHEMA, data)


@given(
    st.lists(st.fixed_dictionaries({"title": st.text(max_size=8), "author": st.just("ada")}), max_size=4),
    st.data(),
)
def test_cutting_a_reply_never_makes_up_an_item(items: list[dict[str, Any]], data: st.DataObject) -> None:
    text = json.dumps({"posts": items}, ensure_ascii=False)
    end = data.draw(st.integers(0, len(text)))
    try:
        found = read_reply(text[:end], SCHEMA).data
    except DeltaError:
        return
    accepted, _ = check(SCHEMA, found)
    kept = accepted.get("posts", [])
    assert kept == items[: len(kept)]


ODD = 1e-7  # a float that the two encoders spell in two ways


@pytest.mark.parametrize(
    "more",
    [
        {"gauges": [{"level": ODD, "open": True}]},
        {"gauges": [{"level": 1, "open": True, "note": ODD}]},
        {"posts": [{**POST, "mood": ODD}]},
        {"secrets": [{"text": "x", "extra": ODD}]},
        {"heard": [{"said": ODD}]},
        {"heard": ODD},
        {"gossip": [{"said": ODD}]},
        {"gossip": None},
        {"frame": ODD},
    ],
)
def test_only_what_surely_holds_no_float_is_whole(more: dict[str, Any]) -> None:
    heard = Collection("heard", (Field("said", "any"),), makers=("echoes",))
    schema = Schema((*SCHEMA.collections, heard), otherwise=Collection("otherwise", mode="refuse"))
    usual = {"votes": [{"post": 1, "voter": "ada", "type": "up"}], "gauges": [{"level": 1, "open": True}]}
    assert check(schema, usual)[0].__class__ is canon.Whole
    accepted, _ = check(schema, {**usual, **more})
    assert accepted.__class__ is dict
    assert accepted["votes"] == usual["votes"]


def test_what_a_reply_holds_is_changed_by_no_other_name_for_its_collection() -> None:
    schema = Schema((Collection("posts", (Field("title", "string"),), also=("threads",)),))
    reply = {"posts": [{"title": "a"}], "threads": [{"title": "b", "level": ODD}, {"title": "c"}]}
    before = canon.canonical(reply)
    accepted, _ = check(schema, reply)
    assert [post["title"] for post in accepted["posts"]] == ["a", "b", "c"]
    assert canon.canonical(reply) == before
