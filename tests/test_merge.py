"""The merge: every rule, and every reason not to merge."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon
from lisppump.delta import Collection, Delta, Field, Numbering, Target
from lisppump.delta_records import to_record
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import slice_of
from lisppump.merge import Memo, apply, merge
from tests.merging import (
    AUTHOR,
    COMMENTS,
    POSTS,
    STATE,
    TEXT,
    TITLE,
    Rule,
    delta,
    frame,
    reasons,
    run,
    schema,
)


def test_items_are_appended_numbered_dated_and_counted() -> None:
    after, merged = run(
        schema(POSTS),
        delta(2, posts=[{"title": "b", "author": "bo"}]),
        delta(1, posts=[{"title": "a", "author": "ada"}]),
    )
    assert after["log.json"]["posts"] == [
        {"number": 4, "title": "old"},
        {"number": 13, "title": "a", "author": "ada", "created_at": "2026-04-09T00:45:00.000001Z"},
        {"number": 14, "title": "b", "author": "bo", "created_at": "2026-04-09T00:45:00.000002Z"},
    ]
    assert after["stats.json"] == {"total": 9}
    assert after["agents.json"]["agents"] == {"ada": {"posts": 3}, "bo": {"posts": 1}}
    assert merged.report == {"posts": {"in": 2, "merged": 2, "duplicate": 0, "quarantined": 0}}
    assert set(after) == {"log.json", "stats.json", "agents.json"}


def test_nothing_given_is_ever_changed() -> None:
    documents = copy.deepcopy({name: value for name, value in STATE.items() if name != "votes.jsonl"})
    given = delta(
        1,
        posts=[{"title": "a", "author": "ada", "number": 3}],
        comments=[{"post": 3, "author": "bo", "text": "x"}],
    )
    before = canon.canonical([documents, to_record(given)])
    run(schema(POSTS, COMMENTS), given, documents=documents)
    assert canon.canonical([documents, to_record(given)]) == before


def test_a_delta_refers_to_its_own_new_items() -> None:
    first = delta(
        1,
        posts=[{"title": "a", "author": "ada", "number": 5}],
        comments=[{"post": 5, "author": "bo", "text": "mine"}, {"post": 4, "author": "bo", "text": "old"}],
    )
    second = delta(
        2,
        posts=[{"title": "b", "author": "bo", "number": 5}],
        comments=[{"post": 5, "author": "ada", "text": "x"}],
    )
    after, _ = run(schema(COMMENTS, POSTS), second, first)
    assert [post["number"] for post in after["log.json"]["posts"]] == [4, 13, 14]
    assert [comment["post"] for comment in after["comments.jsonl"]] == [13, 4, 14]


def test_who_refers_to_what_was_not_merged_is_set_aside() -> None:
    given = delta(
        1,
        "ada",
        posts=[{"title": "a", "author": "bo", "number": 5}],
        comments=[{"post": 5, "author": "ada", "text": "x"}],
    )
    _, merged = run(schema(POSTS, COMMENTS), given)
    assert reasons(merged) == ["lost-reference", "not-in-room"]
    rejected = {
        "collection": "posts",
        "index": 0,
        "reason": "wrong-type",
        "message": "m",
        "item": {"number": 5},
    }
    other = Delta(
        7, 2, "t", {"comments": [{"post": 5, "author": "ada", "text": "x"}]}, ("ada",), rejected=(rejected,)
    )
    assert reasons(run(schema(POSTS, COMMENTS), other)[1]) == ["lost-reference", "wrong-type"]


def test_a_reference_to_a_twin_follows_it() -> None:
    twin = [{"title": "a", "author": "ada", "number": 5}]
    first = delta(1, posts=twin)
    second = delta(2, posts=twin, comments=[{"post": 5, "author": "bo", "text": "x"}])
    after, merged = run(schema(POSTS, COMMENTS), first, second)
    assert merged.report["posts"]["duplicate"] == 1
    assert after["comments.jsonl"][0]["post"] == 13
    other = delta(3, posts=twin, comments=[{"post": 5, "author": "bo", "text": "y"}])
    later, merged = run(schema(POSTS, COMMENTS), second, other, documents={**STATE, **after})
    assert [comment["post"] for comment in later["comments.jsonl"]] == [13, 13]
    assert merged.report["posts"] == {"in": 2, "merged": 0, "duplicate": 2, "quarantined": 0}
    assert merged.report["comments"] == {"in": 2, "merged": 1, "duplicate": 1, "quarantined": 0}


def test_foreign_items_keep_their_numbers() -> None:
    def foreign(stream: int, *posts: dict[str, Any]) -> Delta:
        return Delta(7, stream, "t", {"posts": list(posts)}, foreign=True)

    post = {"title": "f", "author": "far", "number": 20}
    plain = Collection("posts", (TITLE, AUTHOR), number=POSTS.number, into=POSTS.into)
    taken = {"title": "other", "author": "x", "number": 20}
    after, merged = run(
        schema(plain),
        foreign(1, post),
        foreign(2, post, taken),
        foreign(3, {**taken, "number": 4}),
        foreign(4, {"title": "n"}),
        delta(5, posts=[{"title": "own", "author": "ada", "number": 20}]),
    )  # fmt: skip
    assert [item["number"] for item in after["log.json"]["posts"]] == [4, 20, 21, 22]
    assert merged.report["posts"] == {"in": 6, "merged": 3, "duplicate": 1, "quarantined": 2}
    assert reasons(merged) == ["number-taken", "number-taken"]


def test_collections_that_share_a_document_share_the_numbers() -> None:
    polls = Collection(
        "polls", (TITLE,), number=Numbering("number", ("log.json",)), into=Target("polls.jsonl")
    )
    apart = Collection("tickets", (TITLE,), number=Numbering("number"), into=Target("tickets.jsonl"))
    item = [{"title": "x", "author": "ada"}]
    after, _ = run(schema(POSTS, polls, apart), delta(1, posts=item, polls=item, tickets=item))
    assert after["log.json"]["posts"][1]["number"] == 13
    assert after["polls.jsonl"][0]["number"] == 14
    assert after["tickets.jsonl"][0]["number"] == 1


def test_a_delta_may_not_speak_for_another_room() -> None:
    _, merged = run(
        schema(POSTS), delta(1, "ada", posts=[{"title": "a", "author": "bo"}]), delta(2, "bo"),
    )  # fmt: skip
    (entry,) = merged.quarantine
    assert entry["reason"] == "not-in-room"
    assert (
        "posts[0] of stream-0001 speaks for bo, who is not in its room (stream-0001: ada)" in entry["message"]
    )
    assert entry["message"].endswith("bo sits in stream-0002")
    assert entry["item"] == {"title": "a", "author": "bo"}


def test_the_same_delta_twice_is_applied_once() -> None:
    one = delta(1, posts=[{"title": "a", "author": "ada"}, {"title": "b", "author": "ada"}])
    after, merged = run(schema(POSTS), one, one)
    assert len(after["log.json"]["posts"]) == 3
    assert merged.report["posts"] == {"in": 4, "merged": 2, "duplicate": 2, "quarantined": 0}


def test_once_per_holds_within_a_frame_and_against_what_stands_there() -> None:
    votes = Collection(
        "votes",
        (Field("voter", "agent", optional=True), Field("post", "integer")),
        once_per=("voter", "post"),
        into=Target("votes.jsonl"),
    )
    vote = {"voter": "ada", "post": 5}
    nameless = {"post": 4}
    after, merged = run(
        schema(votes),
        delta(1, votes=[{"voter": "ada", "post": 4}, vote, nameless, nameless]),
        delta(2, votes=[vote, {"voter": "", "post": 5}, {"voter": "", "post": 5}]),
        documents={**STATE, "votes.jsonl": slice_of([{"voter": "ada", "post": 4}], 0, 1)},
    )
    assert merged.report["votes"]["duplicate"] == 2
    assert merged.report["votes"]["merged"] == 3
    assert reasons(merged) == ["not-in-room", "not-in-room"]
    assert len(after["votes.jsonl"]) == 4


def test_a_false_key_is_not_an_empty_one_nor_a_number() -> None:
    rule = Collection("x", (Field("k", "any"),), once_per=("k",), into=Target("x.jsonl"))
    _, merged = run(
        schema(rule), delta(1, x=[{"k": False}, {"k": 0}, {"k": "0"}, {"k": False}, {"k": {"a": 1}}])
    )
    assert merged.report["x"] == {"in": 5, "merged": 4, "duplicate": 1, "quarantined": 0}


def test_put_adds_members_and_replaces_none() -> None:
    rule = Collection(
        "newcomers",
        (Field("id", "string"),),
        into=Target("agents.json", ("agents",)),
        mode="put",
        keys=("id",),
    )
    after, merged = run(
        schema(rule),
        delta(1, newcomers=[{"id": "cy"}, {"id": "ada"}]),
        delta(2, newcomers=[{"id": "cy", "x": 1}]),
    )
    assert after["agents.json"]["agents"]["cy"] == {"id": "cy"}
    assert reasons(merged) == ["exists", "exists"]


@pytest.mark.parametrize(
    ("mode", "value"), [("sum", 12), ("max", 9), ("min", 1), ("union", [2, 9, 1])]
)  # fmt: skip
def test_rules_by_key(mode: str, value: Any) -> None:
    rule = Collection(
        "x",
        (Field("k", "string"), Field("v", "integer")),
        into=Target("t.json", ("of",)),
        mode=mode,
        keys=("k", "v"),
    )
    start: dict[str, Any] = {"t.json": {"of": {"a": [2] if mode == "union" else 2}}}
    after, _ = run(
        schema(rule), delta(2, x=[{"k": "a", "v": 1}]), delta(1, x=[{"k": "a", "v": 9}]), documents=start
    )
    assert after["t.json"]["of"]["a"] == value
    fresh, _ = run(schema(rule), delta(1, x=[{"k": "b", "v": 9}]), documents={})
    assert fresh["t.json"]["of"]["b"] == ([9] if mode == "union" else 9)


def test_rules_without_a_key_work_on_the_place_itself() -> None:
    rule = Collection("x", (Field("v", "number"),), into=Target("t.json", ("heat",)), mode="sum", keys=("v",))
    after, merged = run(
        schema(rule), delta(1, x=[{"v": 1.5}, {"v": "2"}, {"v": 1e308}, {"v": 1e308}]), documents={}
    )
    assert after["t.json"] == {"heat": 1e308}
    assert reasons(merged) == ["wrong-type", "wrong-type"]


def test_the_last_writer_is_the_last_in_canonical_order() -> None:
    profiles = Collection(
        "profiles",
        (Field("agent", "agent"), Field("field", "string"), Field("value", "any")),
        into=Target("agents.json", ("agents",)),
        mode="last-writer",
    )
    programs = Collection(
        "programs", (Field("agent", "agent"), TEXT), into=Target("programs.json"), mode="last-writer"
    )
    after, merged = run(
        schema(profiles, programs),
        delta(3, profiles=[{"agent": "ada", "field": "mood", "value": "late"}]),
        delta(
            1,
            "ada",
            profiles=[{"agent": "ada", "field": "mood", "value": "early"}],
            programs=[{"agent": "ada", "text": "1"}],
        ),
        delta(2, "bo", profiles=[{"agent": "ada", "field": "mood", "value": "forged"}]),
    )
    assert after["agents.json"]["agents"]["ada"] == {"posts": 2, "mood": "late"}
    assert after["programs.json"] == {"ada": {"agent": "ada", "text": "1"}}
    assert reasons(merged) == ["not-in-room"]


def test_what_is_set_does_not_swallow_what_is_counted() -> None:
    rule = Collection(
        "selves",
        (Field("agent", "agent"),),
        into=Target("agents.json", ("agents",)),
        mode="last-writer",
        counts=(Target("agents.json", ("agents", "{agent}", "changes")),),
    )
    after, _ = run(schema(rule), delta(1, selves=[{"agent": "ada"}]))
    assert after["agents.json"]["agents"]["ada"] == {"agent": "ada", "changes": 1}


def test_memories_are_dated_lines() -> None:
    rule = Collection("memories", (Field("agent", "agent"), TEXT), into=Target("memory/{agent}.md"))
    after, merged = run(
        schema(rule),
        delta(1, memories=[{"agent": "ada", "text": "one\ntwo"}, {"agent": "bo", "text": "x"}]),
        delta(2, "ada ../x a/b .git", memories=[
            {"agent": "ada", "text": "again"},
            *({"agent": name, "text": "t"} for name in ("../x", "a/b", ".git")),
        ]),
    )  # fmt: skip
    assert after["memory/ada.md"] == (
        "# Ada\n- **2026-04-09T00:45:00.000001Z** one\n  two\n- **2026-04-09T00:45:00.000002Z** again\n"
    )
    assert after["memory/bo.md"] == "- **2026-04-09T00:45:00.000001Z** x\n"
    assert reasons(merged) == ["unsafe-name"] * 3


def test_a_field_cannot_name_a_folder_that_is_a_document_or_not_of_documents() -> None:
    rule = Collection("notes", (Field("to", "string"), TEXT), into=Target("{to}/notes.md"))
    names = ["stats.json", "stream_deltas", "x" * 250, "fine"]
    after, merged = run(schema(rule), delta(1, notes=[{"to": name, "text": "t"} for name in names]))
    assert reasons(merged) == ["unsafe-name"] * 3
    assert list(after) == ["fine/notes.md"]


def test_a_policy_function_shapes_what_is_stored() -> None:
    def shape(item: dict[str, Any], view: Any) -> Any:
        if item["title"] == "bad":
            raise LispyError("user-error", "no such title")
        return 3 if item["title"] == "three" else {"t": item["title"], "seen": view["stats"]["total"]}

    rule = Collection("posts", (TITLE,), number=POSTS.number, into=POSTS.into, shape=Rule(shape))
    after, merged = run(schema(rule), delta(1, posts=[{"title": "a"}, {"title": "bad"}, {"title": "three"}]))
    stored = {"number": 13, "t": "a", "seen": 7, "created_at": "2026-04-09T00:45:00.000001Z"}
    assert after["log.json"]["posts"][1:] == [stored]
    assert reasons(merged) == ["rule-failed"] * 2
    assert "no such title" in merged.quarantine[0]["message"]


def test_a_policy_function_folds_items_into_what_is_there() -> None:
    def rule(old: Any, item: dict[str, Any]) -> Any:
        if item["v"] < 0:
            raise LispyError("user-error", "too cold")
        return object() if item["v"] > 100 else (old or 0) * 2 + item["v"]

    heat = Collection(
        "x", (Field("v", "integer"),), into=Target("t.json", ("heat",)), mode="function", function=Rule(rule)
    )
    after, merged = run(schema(heat), delta(2, x=[{"v": 3}]), delta(1, x=[{"v": 1}, {"v": -1}]), documents={})
    assert after["t.json"] == {"heat": 5}
    assert reasons(merged) == ["rule-failed"]
    strange, merged = run(schema(heat), delta(1, x=[{"v": 1}, {"v": 2}, {"v": 999}]), documents={})
    assert strange["t.json"] == {"heat": 4}
    assert reasons(merged) == ["rule-failed"]


def test_counting_invents_nobody() -> None:
    count = Collection(
        "hello",
        (Field("to", "string", optional=True),),
        counts=(Target("agents.json", ("agents", "to", "n")),),
    )
    after, merged = run(schema(count), delta(1, hello=[{"to": "ghost"}, {"to": "ada"}, {}]))
    assert reasons(merged) == ["unknown-member"]
    assert merged.report["hello"]["merged"] == 2
    assert after["agents.json"]["agents"] == {"ada": {"posts": 2, "n": 1}, "bo": {}}


def test_what_has_no_rule_is_refused() -> None:
    log = Collection("otherwise", into=Target("observations.jsonl"))
    after, merged = run(
        schema(Collection("x", mode="refuse"), otherwise=log), delta(1, x=[{}], dreams=[{"a": 1}])
    )
    assert after["observations.jsonl"][0] == {
        "collection": "dreams", "a": 1, "created_at": "2026-04-09T00:45:00.000001Z",
    }  # fmt: skip
    assert reasons(merged) == ["refused"]
    assert reasons(run(schema(), delta(1, dreams=[{"a": 1}, 4]))[1]) == ["refused", "not-an-item"]


@pytest.mark.parametrize(
    ("mode", "document"),
    [("append", "stats.json"), ("put", "log.json"), ("append", "trending.json"), ("last-writer", "log.json")],
)
def test_what_does_not_fit_its_place_is_set_aside(mode: str, document: str) -> None:
    path = ("total",) if document == "stats.json" else ("posts",)
    path = path if document != "trending.json" else ("trending", "x")
    rule = Collection("x", (AUTHOR,), into=Target(document, path), mode=mode, keys=("author",))
    _, merged = run(schema(rule), delta(1, x=[{"author": "ada"}]))
    assert reasons(merged) == ["bad-place"]


def test_what_the_check_refused_is_counted() -> None:
    problem = {"collection": "posts", "index": 0, "reason": "wrong-type", "message": "m", "item": 4}
    one = Delta(7, 1, "t", {}, ("ada",), rejected=(problem,))
    _, merged = run(schema(POSTS), one, one)
    assert merged.report["posts"] == {"in": 2, "merged": 0, "duplicate": 1, "quarantined": 1}
    assert merged.quarantine == ({"frame": 7, "node": "local", "epoch": 1, "stream": 1, **problem},)


def test_the_memo_follows_new_items_not_history() -> None:
    documents = {**STATE, "log.json": {"posts": [{"number": n, "title": f"t{n}"} for n in range(1000)]}}
    memo = Memo()
    for number in range(5):
        given = delta(1, posts=[{"title": f"new {number}", "author": "ada"}])
        merged = merge(frame(documents), [given], schema(POSTS), memo)
        assert merged == merge(frame(documents), [given], schema(POSTS))
        documents = {**documents, **apply(documents, merged.changes)}
    assert memo.steps < 2 * 1000 + 5 * 20
    rolled_back = {**documents, "log.json": {"posts": documents["log.json"]["posts"][:-1]}}
    assert merge(frame(rolled_back), [given], schema(POSTS), memo).report["posts"]["merged"] == 1


def test_canonical_order_reaches_over_frames_and_nodes() -> None:
    rule = Collection("x", (Field("v", "any"),), into=Target("t.json", ("v",)), mode="last-writer")
    deltas = [
        Delta(frame, stream, "t", {"x": [{"v": [frame, node, stream]}]}, node=node)
        for frame, node, stream in itertools.product((6, 7), ("local", "b"), (2, 10))
    ]
    documents, _ = run(schema(rule), *reversed(deltas), documents={})
    assert documents["t.json"]["v"] == {"v": [7, "local", 10]}


def test_a_frame_of_a_real_network(shared_data: Path) -> None:
    state = shared_data / "rappterbook" / "state"
    names = ("agents.json", "posted_log.json", "trending.json", "stats.json")
    documents = {name: canon.loads((state / name).read_bytes(), name) for name in names}
    members = list(documents["agents.json"]["agents"])[:15]
    rule = Collection(
        "posts_created",
        (TITLE, AUTHOR),
        number=Numbering("number", ("posted_log.json", "trending.json")),
        into=Target("posted_log.json", ("posts",)),
        counts=(
            Target("stats.json", ("total_posts",)),
            Target("agents.json", ("agents", "{author}", "post_count")),
        ),
    )
    deltas = [
        delta(n, who, posts_created=[{"title": "t", "author": who}]) for n, who in enumerate(members, 1)
    ]
    new, merged = run(schema(rule), *deltas, documents=documents)
    assert merged.report["posts_created"]["merged"] == 15
    assert [post["number"] for post in new["posted_log.json"]["posts"][-15:]] == list(range(21063, 21078))
    assert new["stats.json"]["total_posts"] == documents["stats.json"]["total_posts"] + 15


def test_the_built_in_merger_remembers_and_says_the_same() -> None:
    from lisppump.plugins.merge_dream_catcher import mergers

    catcher = mergers()["dream-catcher"]()
    given = [delta(1, posts=[{"title": "a", "author": "ada"}])]
    assert catcher.merge(frame(), given, schema(POSTS)) == merge(frame(), given, schema(POSTS))
    assert catcher.merge(frame(), given, schema(POSTS)) == merge(frame(), given, schema(POSTS))
