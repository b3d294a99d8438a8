"""Deltas: identity, order, files and records."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.delta import Attempt, Collection, Delta, DeltaError, Field, Numbering, Usage
from lisppump.delta_records import from_record, to_record

TIME = "2026-04-09T00:00:00.000001Z"


def delta(**changes: Any) -> Delta:
    given: dict[str, Any] = {"frame": 7, "stream": 3, "utc": TIME, "collections": {"posts": [{"title": "a"}]}}
    return Delta(**{**given, **changes})


def test_the_key_is_what_the_transport_gave() -> None:
    assert delta(node="b", epoch=4).key == ("b", 4, 7, 3)


def test_the_digest_is_that_of_the_collections_alone() -> None:
    assert delta().digest == delta(stream=9, utc="later", status="empty").digest
    assert delta().digest != delta(collections={"posts": [{"title": "b"}]}).digest


def test_order_is_by_number_never_by_name() -> None:
    streams = sorted((delta(stream=n) for n in (10, 9, 1)), key=lambda one: one.order)
    assert [one.stream for one in streams] == [1, 9, 10]


def test_a_delta_file_has_its_keys_in_the_pinned_order_and_reads_back() -> None:
    one = delta(agents=("ada", "bo"), backend="script")
    data = one.to_json()
    assert list(data) == [
        "frame", "stream_id", "stream", "node", "epoch", "utc", "digest", "status", "backend", "model",
        "agents", "posts",
    ]  # fmt: skip
    assert data["stream_id"] == "stream-0003"
    assert Delta.from_json(data) == one
    assert one.file_name == "frame-000007-stream-0003.json"
    assert delta(node="b").file_name == "frame-000007-stream-0003-b.json"


def test_a_file_of_another_shape_is_a_clear_error() -> None:
    for data in ({"frame": 1}, {**delta().to_json(), "comments_added": 4}):
        with pytest.raises(DeltaError) as caught:
            Delta.from_json(data)
        assert caught.value.code == "bad-delta-file"


def test_a_record_keeps_everything() -> None:
    one = delta(
        agents=("ada",),
        attempts=(Attempt("bright", "timed-out", "no answer"), Attempt("small", "ok", None, "tiny")),
        usage=Usage(input=3, dollars=None, steps=2),
        rejected=({"collection": "posts", "index": 1, "reason": "x", "message": "y", "item": 4},),
        foreign=True,
        partial=True,
        reason="why",
    )
    assert from_record(to_record(one)) == one


def test_the_actor_is_the_first_agent_unless_named() -> None:
    fields = (Field("text", "string"), Field("author", "agent"), Field("to", "agent"))
    assert Collection("notes", fields).acting == "author"
    assert Collection("notes", fields, actor="to").acting == "to"
    assert Collection("notes").acting is None


def test_rules_bring_the_fields_they_speak_of() -> None:
    rule = Collection(
        "x", (Field("title", "string"),), number=Numbering("n"), mode="put", once_per=("title", "z")
    )
    assert [(field.name, field.type, field.optional) for field in rule.all_fields()] == [
        ("title", "string", False),
        ("n", "integer", True),
        ("id", "string", False),
        ("z", "any", True),
    ]
