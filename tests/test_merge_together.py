"""What meets in one frame: items whose rules do not go together, twins of what is refused, shared numbers."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.delta import Collection, Delta, Field, Numbering, Target
from lisppump.lispy.values import slice_of
from tests.merging import POSTS, STATE, TITLE, Rule, delta, reasons, run, schema

AGENT = Field("agent", "agent")
PROFILES = Collection(
    "profiles",
    (AGENT, Field("field", "string"), Field("value", "any")),
    into=Target("agents.json", ("agents",)),
    mode="last-writer",
)
HELLOS = Collection("hellos", (AGENT,), counts=(Target("agents.json", ("agents", "{agent}", "hellos")),))


def profile(value: Any, field: str = "hellos", agent: str = "ada") -> dict[str, Any]:
    return {"agent": agent, "field": field, "value": value}


def foreign(stream: int, **collections: list[Any]) -> Delta:
    return Delta(7, stream, "t", collections, foreign=True)


@pytest.mark.parametrize("order", [(PROFILES, HELLOS), (HELLOS, PROFILES)])
def test_nobody_can_put_something_in_the_way_of_a_counter(order: tuple[Collection, ...]) -> None:
    given = delta(1, profiles=[profile("many"), profile("x", "mood")], hellos=[{"agent": "ada"}])
    after, merged = run(schema(*order), given)
    assert reasons(merged) == ["bad-place"]
    assert after["agents.json"]["agents"]["ada"]["mood"] == "x"
    if order[0] is HELLOS:
        assert after["agents.json"]["agents"]["ada"]["hellos"] == 1
        assert "for which agents.json agents ada hellos is a number" in merged.quarantine[0]["message"]
    else:
        assert after["agents.json"]["agents"]["ada"]["hellos"] == "many"


def test_a_number_that_is_set_is_counted_from() -> None:
    given = delta(1, profiles=[profile(40)], hellos=[{"agent": "ada"}, {"agent": "ada"}])
    after, merged = run(schema(HELLOS, PROFILES), given)
    assert after["agents.json"]["agents"]["ada"]["hellos"] == 42
    assert not merged.quarantine


def test_two_rules_that_want_different_shapes_of_a_place_do_not_stop_the_frame() -> None:
    total = Collection("a", (), counts=(Target("t.json", ("n",)),))
    parts = Collection("b", (), counts=(Target("t.json", ("n", "deep")),))
    listed = Collection("c", (), into=Target("t.json", ("n",)))
    after, merged = run(schema(total, parts, listed), delta(1, a=[{}], b=[{}], c=[{}]), documents={})
    assert after["t.json"] == {"n": 1}
    assert reasons(merged) == ["bad-place"] * 2


def test_what_is_refused_leaves_no_claim_behind() -> None:
    named = Collection(
        "a", (Field("k", "any"),), into=Target("t.json", ("x",)), mode="sum", keys=("k",),
        counts=(Target("t.json", ("y",)),),
    )  # fmt: skip
    listed = Collection("b", (), into=Target("t.json", ("y",)))
    after, merged = run(schema(named, listed), delta(1, a=[{"k": "no number"}], b=[{"z": 1}]), documents={})
    assert reasons(merged) == ["wrong-type"]
    assert after["t.json"]["y"][0]["z"] == 1


def test_a_sum_that_a_set_value_would_make_infinite_is_refused() -> None:
    sums = Collection(
        "sums", (Field("v", "number"),), into=Target("agents.json", ("agents", "ada", "heat")),
        mode="sum", keys=("v",),
    )  # fmt: skip
    given = delta(1, sums=[{"v": 1e308}], profiles=[profile(1e308, "heat")])
    after, merged = run(schema(sums, PROFILES), given)
    assert after["agents.json"]["agents"]["ada"]["heat"] == 1e308
    assert reasons(merged) == ["bad-place"]


@pytest.mark.parametrize(("document", "value"), [("x.jsonl", {"a": 1}), ("x.md", [1])])
def test_a_function_cannot_make_a_log_or_a_text_something_else(document: str, value: Any) -> None:
    rule = Collection(
        "x", (), into=Target(document), mode="function", function=Rule(lambda there, item: value)
    )
    after, merged = run(schema(rule), delta(1, x=[{}]))
    assert reasons(merged) == ["bad-place"]
    assert document not in after


def test_the_larger_is_sought_in_what_is_there_by_then() -> None:
    newcomers = Collection(
        "newcomers",
        (Field("id", "string"), Field("score", "any")),
        into=Target("t.json", ("of",)),
        mode="put",
    )
    best = Collection(
        "best", (Field("k", "string"), Field("score", "any")), into=Target("t.json", ("best",)),
        mode="max", keys=("k", "score"),
    )  # fmt: skip
    whole = Collection(
        "whole", (Field("field", "string"), Field("value", "any")), into=Target("t.json"), mode="last-writer"
    )
    again = Collection("again", best.fields, into=best.into, mode="max", keys=best.keys)
    given = delta(
        1,
        newcomers=[{"id": "a", "score": 9}],
        best=[{"k": "a", "score": 5}],
        whole=[{"field": "best", "value": {"a": 1}}],
        again=[{"k": "a", "score": 3}],
    )
    after, merged = run(schema(newcomers, best, whole, again), given, documents={})
    assert after["t.json"] == {"of": {"a": {"id": "a", "score": 9}}, "best": {"a": 3}}
    assert not merged.quarantine


def test_nothing_is_a_duplicate_of_what_was_refused() -> None:
    once = Collection(
        "x", (Field("k", "string"), Field("v", "any")), once_per=("k",),
        into=Target("t.json", ("sum",)), mode="sum", keys=("v",),
    )  # fmt: skip
    after, merged = run(
        schema(once),
        delta(1, x=[{"k": "a", "v": "no number"}, {"k": "a", "v": 2}, {"k": "a", "v": 3}]),
        documents={},
    )
    assert after["t.json"] == {"sum": 2}
    assert merged.report["x"] == {"in": 3, "merged": 1, "duplicate": 1, "quarantined": 1}


def test_what_repeats_a_numbered_item_that_is_refused_in_the_end_is_refused_with_it() -> None:
    shaped = Collection(
        "posts", (TITLE,), once_per=("title",), number=Numbering("number"), into=Target("p.jsonl"),
        shape=Rule(lambda item, view: None if item["title"] == "bad" else item),
    )  # fmt: skip
    given = delta(1, posts=[{"title": "bad"}, {"title": "bad", "x": 1}, {"title": "good"}, {"title": "good"}])
    _, merged = run(schema(shaped), given, documents={})
    assert merged.report["posts"] == {"in": 4, "merged": 1, "duplicate": 1, "quarantined": 2}
    assert reasons(merged) == ["rule-failed"] * 2


def test_foreign_numbers_are_told_apart_to_the_letter() -> None:
    rule = Collection("x", (Field("v", "any"),), number=Numbering("n"), into=Target("x.jsonl"))
    standing = slice_of([{"n": True, "v": 0}, {"n": 5, "v": True}], 0, 2)
    after, merged = run(
        schema(rule),
        foreign(1, x=[{"n": 1, "v": 0}, {"n": 5, "v": 1}, {"n": 5, "v": True}, {"n": 10**30, "v": 2}]),
        documents={"x.jsonl": standing},
    )
    assert [item["n"] for item in after["x.jsonl"]][2:] == [1]
    assert merged.report["x"] == {"in": 4, "merged": 1, "duplicate": 1, "quarantined": 2}
    assert reasons(merged) == ["number-taken", "wrong-type"]


def test_collections_share_their_numbers_in_whichever_frame_they_have_items() -> None:
    polls = Collection(
        "polls", (TITLE,), number=Numbering("number", ("log.json",)), into=Target("polls.jsonl")
    )
    item = [{"title": "x", "author": "ada"}]
    after, _ = run(schema(POSTS, polls), delta(1, polls=item))
    assert after["polls.jsonl"][0]["number"] == 13  # trending.json, above which the posts are, counts too
    after, _ = run(schema(POSTS, polls), delta(1, posts=item), documents={**STATE, **after})
    assert after["log.json"]["posts"][1]["number"] == 14
    both = foreign(1, posts=[{**item[0], "number": 20}], polls=[{**item[0], "number": 20}])
    _, merged = run(schema(POSTS, polls), both)
    assert reasons(merged) == ["number-taken"]


def test_what_is_no_list_of_items_is_an_item_also_when_it_is_nothing_much() -> None:
    _, merged = run(schema(HELLOS), delta(1, hellos=0))  # type: ignore[arg-type]
    assert merged.report["hellos"] == {"in": 1, "merged": 0, "duplicate": 0, "quarantined": 1}


def test_a_repeated_delta_tells_what_was_rejected_of_it_once() -> None:
    problem = {"collection": "posts", "index": 0, "reason": "wrong-type", "message": "m", "item": 4}
    clean, faulty = (Delta(7, 1, "t", {}, ("ada",), rejected=those) for those in ((), (problem,)))
    _, merged = run(schema(POSTS), clean, faulty, faulty)
    assert merged.report["posts"] == {"in": 2, "merged": 0, "duplicate": 1, "quarantined": 1}
