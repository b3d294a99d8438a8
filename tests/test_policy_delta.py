"""The `(delta ...)` clause as a schema: fields, rules, places, and what it refuses."""

from __future__ import annotations

import pytest

from lisppump.delta import Collection, Field, Numbering, Schema, Target
from tests.policy_support import SMALL, WORLD, changed, errors_of, load


def schema_of(collections: str) -> Schema:
    """The schema of a small world with these collections."""
    return load(_with(collections)).schema


def _with(collections: str) -> str:
    return changed('(posts (fields (text string) (author agent)) (into "posts.jsonl"))', collections, SMALL)


def collection(text: str) -> Collection:
    """The one collection of a clause."""
    (found,) = schema_of(text).collections
    return found


def test_the_world_s_collections() -> None:
    posts, votes, profiles, memories, moods = load(WORLD).schema.collections
    assert posts == Collection(
        "posts_created",
        fields=(Field("title", "string"), Field("author", "agent"), Field("body", "string", optional=True)),
        number=Numbering("number", ("posted_log.json", "trending.json")),
        into=Target("posted_log.json", ("posts",)),
        counts=(
            Target("stats.json", ("total_posts",)),
            Target("agents.json", ("agents", "{author}", "post_count")),
        ),
    )
    assert votes.fields[0] == Field("post", "ref", target="posts_created")
    assert votes.fields[2] == Field("type", "one-of", choices=("upvote", "downvote"))
    assert votes.once_per == ("voter", "post", "type")
    assert (profiles.mode, profiles.keys, profiles.acting) == ("last-writer", (), "agent")
    assert memories.into == Target("memory/{agent}.md")
    assert (moods.mode, moods.keys) == ("sum", ("agent", "mood"))


def test_what_is_not_named_goes_where_otherwise_says() -> None:
    assert load(WORLD).schema.otherwise == Collection("otherwise", into=Target("observations.jsonl"))
    refused = load(changed('(otherwise append "observations.jsonl")', "(otherwise refuse)")).schema.otherwise
    assert refused == Collection("otherwise", mode="refuse")


@pytest.mark.parametrize(
    ("rule", "mode", "keys"),
    [
        ("", "append", ()),
        ("(append)", "append", ()),
        ("(put)", "put", ("id",)),
        ("(put k)", "put", ("k",)),
        ("(put slug)", "put", ("slug",)),
        ("(sum v)", "sum", ("v",)),
        ("(union k v)", "union", ("k", "v")),
        ("(max k v)", "max", ("k", "v")),
        ("(min v)", "min", ("v",)),
        ("(last-writer)", "last-writer", ()),
    ],
)
def test_rules(rule: str, mode: str, keys: tuple[str, ...]) -> None:
    found = collection(f'(x (fields (k string) (v number)) (into "x.json") {rule})')
    assert (found.mode, found.keys) == (mode, keys)


def test_a_collection_without_a_place_is_refused() -> None:
    assert collection("(x (fields (k string)))").mode == "refuse"
    assert collection("(x (fields (k string)) (refuse))").mode == "refuse"


def test_rules_and_shapes_of_one_s_own() -> None:
    found = collection(
        '(x (fields (k string)) (into "x.json" all) (by (lambda (there item) item))'
        " (as (lambda (item frame) item)))"
    )
    assert found.mode == "function"
    assert found.function is not None and found.shape is not None
    assert found.into == Target("x.json", ("all",))


def test_the_actor_may_be_named() -> None:
    found = collection('(x (fields (to agent) (from agent)) (actor from) (into "x.jsonl"))')
    assert (found.actor, found.acting) == ("from", "from")


def test_a_collection_without_fields_takes_any_item() -> None:
    found = collection('(x (fields) (into "x.json") (sum anything))')
    assert (found.fields, found.keys) == ((), ("anything",))


def test_every_type_of_field() -> None:
    fields = (
        '(a string) (b integer) (c number optional) (d boolean) (e agent) (f any) (g lispy) (h (one-of "x"))'
    )
    assert [field.type for field in collection(f'(x (fields {fields}) (into "x.jsonl"))').fields] == [
        "string", "integer", "number", "boolean", "agent", "any", "lispy", "one-of",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "piece"),
    [
        ('(x (fields (k strong)) (into "x.jsonl"))', "wrong-kind", "strong"),
        ('(x (fields (k string maybe)) (into "x.jsonl"))', "bad-clause", "maybe"),
        ('(x (fields (k (one-of))) (into "x.jsonl"))', "wrong-kind", "(one-of)"),
        ('(x (fields (k (ref y))) (into "x.jsonl"))', "unknown-field", "y"),
        ('(x (fields (k string)) (into "x.json") (max q))', "unknown-field", "q"),
        ('(x (fields (k string)) (into "x.json") (sum))', "missing-clause", "(sum)"),
        ('(x (fields (k string)) (into "a/{q}.md"))', "unknown-field", '"a/{q}.md"'),
        ('(x (fields (k string)) (into "/x.json"))', "bad-clause", '"/x.json"'),
        ('(x (fields (k string)) (into "../x.json"))', "bad-clause", '"../x.json"'),
        ('(x (fields (k string)) (into "x.jsonl") (count "s.json" (of q n)))', "unknown-field", "(of q n)"),
        ('(x (fields (k string)) (into "x.jsonl") (once-per))', "missing-clause", "(once-per)"),
        ('(x (fields (k string)) (into "x.jsonl") (refuse))', "bad-clause", "(refuse)"),
        ('(x (fields (k string)) (into "x.jsonl") (by (lambda (a) a)))', "wrong-function", "(lambda (a) a)"),
        ('(status (fields (k string)) (into "x.jsonl"))', "bad-clause", "status"),
    ],
)
def test_mistakes_are_shown_where_they_stand(text: str, code: str, piece: str) -> None:
    (error,) = errors_of(_with(text)).errors
    assert error.span is not None
    shown = error.span.source.text[error.span.start : error.span.end]
    assert (error.code, shown) == (code, piece)
