"""The laws of the merge over sets of deltas: order, repetition and grouping decide nothing; all is kept.

Those of one small world come first, where each can be read off the numbers; then those of any world, with
every mode, `once-per`, references, counters, policy functions, other nodes and foreign deltas, and values as
odd as JSON lets them be.
"""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.delta import Collection, Delta, Field, Schema, Target
from lisppump.delta_records import from_record, to_record
from lisppump.frame import Frame
from lisppump.lispy.values import Slice
from lisppump.merge import Change, Memo, Merged, account, apply, merge
from tests.merge_worlds import WORLDS
from tests.merging import AUTHOR, POSTS, STATE, TITLE, frame, schema
from tests.policy_support import load

ITEMS = st.fixed_dictionaries(
    {
        "author": st.sampled_from(["ada", "bo", "cy"]),
        "k": st.sampled_from("ab"),
        "v": st.integers(-3, 3),
        "title": st.sampled_from("xyz"),
    },
    optional={"number": st.integers(1, 4), "post": st.integers(1, 4)},
)  # fmt: skip
FIELDS = (
    AUTHOR,
    TITLE,
    Field("k", "string"),
    Field("v", "integer"),
    Field("post", "ref", optional=True, target="posts"),
)


def _law_schema() -> Schema:
    def ruled(mode: str) -> Collection:
        return Collection(mode, FIELDS, into=Target("t.json", (mode,)), mode=mode, keys=("k", "v"))

    return schema(
        Collection(
            "posts",
            FIELDS,
            once_per=("author", "title"),
            number=POSTS.number,
            into=POSTS.into,
            counts=POSTS.counts,
        ),
        Collection("comments", FIELDS, once_per=("author", "title", "post"), into=Target("comments.jsonl")),
        Collection("put", FIELDS, into=Target("t.json", ("put",)), mode="put", keys=("k",)),
        Collection("last", FIELDS, into=Target("t.json", ("last",)), mode="last-writer"),
        *(ruled(mode) for mode in ("sum", "max", "min", "union")),
        otherwise=Collection("otherwise", into=Target("o.jsonl")),
    )


LAWS = _law_schema()
COLLECTIONS = st.dictionaries(
    st.sampled_from(["posts", "comments", "put", "last", "sum", "max", "min", "union", "other"]),
    st.lists(ITEMS, min_size=1, max_size=3),
    max_size=4,
)


@st.composite
def delta_sets(draw: st.DrawFn) -> list[Delta]:
    made = []
    for stream in range(1, draw(st.integers(1, 5)) + 1):
        agents = tuple(draw(st.sets(st.sampled_from(["ada", "bo", "cy"]), min_size=1)))
        made.append(Delta(7, stream, f"t{stream}", draw(COLLECTIONS), tuple(sorted(agents))))
    return made


def after(documents: dict[str, Any], deltas: list[Delta]) -> tuple[bytes, Merged, dict[str, Any]]:
    merged = merge(frame(documents), deltas, LAWS)
    new = {**documents, **apply(documents, merged.changes)}
    return canon.canonical({name: _listed(value) for name, value in new.items()}), merged, new


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, Slice) else value


def world() -> dict[str, Any]:
    return {
        **copy.deepcopy({k: v for k, v in STATE.items() if k != "votes.jsonl"}),
        "agents.json": {"agents": {"ada": {}, "bo": {}}},
    }


SLOW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SLOW
@given(delta_sets(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(deltas: list[Delta], random: Any) -> None:
    shuffled = [*deltas]
    random.shuffle(shuffled)
    first, second = after(world(), deltas), after(world(), shuffled)
    assert first[0] == second[0]
    assert first[1] == second[1]


@SLOW
@given(delta_sets(), st.data())
def test_deltas_given_again_change_nothing(deltas: list[Delta], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(deltas), max_size=4))
    once, more = after(world(), deltas), after(world(), [*again, *deltas])
    assert once[0] == more[0]
    assert once[1].quarantine == more[1].quarantine


@SLOW
@given(delta_sets())
def test_nothing_is_lost_and_numbers_are_new(deltas: list[Delta]) -> None:
    _, merged, new = after(world(), deltas)
    for name, counts in merged.report.items():
        assert counts["in"] == sum(len(one.collections.get(name, [])) for one in deltas)
        assert counts["in"] == counts["merged"] + counts["duplicate"] + counts["quarantined"]
        assert counts["quarantined"] == sum(entry["collection"] == name for entry in merged.quarantine)
    assert set(merged.report) == {name for one in deltas for name in one.collections}
    numbers = [post["number"] for post in new["log.json"]["posts"]][1:]
    assert numbers == list(range(13, 13 + len(numbers)))
    assert len(numbers) == merged.report.get("posts", {"merged": 0})["merged"]
    assert new["stats.json"]["total"] == 7 + len(numbers)


@SLOW
@given(delta_sets(), st.integers(0, 5))
def test_groups_merged_one_after_the_other_come_to_the_same(deltas: list[Delta], cut: int) -> None:
    digests = [one.digest for one in deltas]
    if len(set(digests)) < len(digests):
        return
    whole, _, _ = after(world(), deltas)
    _, _, between = after(world(), deltas[:cut])
    grouped, _, _ = after(between, deltas[cut:])
    assert json.loads(whole) == json.loads(grouped)


# laws of any world

World = tuple[dict[str, Any], Schema, list[Delta]]


def said(merged: Merged) -> bytes:
    """All that a merge says, to the letter: 1, 1.0 and true are told apart, and the order counts."""
    changes = [change.to_json() for change in merged.changes]
    return canon.line([changes, {name: dict(row) for name, row in merged.report.items()}, *merged.quarantine])


def merged_in(world: World, deltas: list[Delta] | None = None) -> Merged:
    documents, rules, given = world
    return merge(frame(documents), given if deltas is None else deltas, rules)


def items_in(deltas: list[Delta]) -> Counter[str]:
    """How many items of each collection were given; what is no list counts as one."""
    many: Counter[str] = Counter()
    for one in deltas:
        many.update(problem["collection"] for problem in one.rejected)
        for name, items in one.collections.items():
            many[name] += len(items) if isinstance(items, list) else 1
    return +many


@SLOW
@given(WORLDS, st.randoms(use_true_random=False))
def test_in_any_world_the_order_of_arrival_decides_nothing(world: World, random: Any) -> None:
    shuffled = [*world[2]]
    random.shuffle(shuffled)
    assert said(merged_in(world)) == said(merged_in(world, shuffled))


@SLOW
@given(WORLDS, st.data())
def test_in_any_world_deltas_given_again_are_duplicates_and_nothing_else(
    world: World, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(world[2]), max_size=4))
    once, more = merged_in(world), merged_in(world, [*again, *world[2]])
    assert once.changes == more.changes
    assert once.quarantine == more.quarantine
    repeated = items_in(again)
    for name, counts in more.report.items():
        before = once.report.get(name, dict.fromkeys(counts, 0))
        assert counts == {
            **before,
            "in": before["in"] + repeated[name],
            "duplicate": before["duplicate"] + repeated[name],
        }


@SLOW
@given(WORLDS, st.data())
def test_in_any_world_grouping_decides_nothing(world: World, data: st.DataObject) -> None:
    """A merge is a function of the set of a frame's deltas: that is what associativity can mean for it.

    Numbers, twins and references are settled over the whole set, so there is no partial merge of a group that
    could be merged again; groups are joined as sets. However the deltas of a frame are put into groups that
    cover them, overlapping or not, the union of the groups comes to the same changes and quarantine.
    """
    deltas = world[2]
    groups = data.draw(st.lists(st.lists(st.sampled_from(deltas), unique_by=id), max_size=3))
    covered = {id(one) for group in groups for one in group}
    groups.append([one for one in deltas if id(one) not in covered])
    whole, joined = merged_in(world), merged_in(world, [one for group in groups for one in group])
    assert whole.changes == joined.changes
    assert whole.quarantine == joined.quarantine
    assert {name: row["merged"] for name, row in whole.report.items()} == {
        name: row["merged"] for name, row in joined.report.items()
    }


@SLOW
@given(WORLDS)
def test_in_any_world_each_item_has_one_outcome(world: World) -> None:
    merged = merged_in(world)
    assert {name: row["in"] for name, row in merged.report.items()} == items_in(world[2])
    for row in merged.report.values():
        assert row["in"] == row["merged"] + row["duplicate"] + row["quarantined"]
        assert min(row.values()) >= 0
    aside = Counter(entry["collection"] for entry in merged.quarantine)
    assert {name: row["quarantined"] for name, row in merged.report.items() if row["quarantined"]} == aside
    given = {
        canon.canonical([name, item])
        for one in world[2]
        for name, items in one.collections.items()
        for item in (items if isinstance(items, list) else [items])
    } | {canon.canonical([p["collection"], p["item"]]) for one in world[2] for p in one.rejected}
    assert {canon.canonical([entry["collection"], entry["item"]]) for entry in merged.quarantine} <= given


@SLOW
@given(WORLDS)
def test_in_any_world_the_changes_apply_also_as_the_journal_keeps_them(world: World) -> None:
    documents = world[0]
    before = canon.canonical({name: _listed(value) for name, value in documents.items()})
    changes = merged_in(world).changes
    assert all(change.sound for change in changes)
    kept = [Change.from_json(canon.loads(canon.line(change.to_json()))) for change in changes]
    once, again = apply(documents, changes), apply(documents, kept)
    for name, value in once.items():
        assert canon.document(_listed(value)) == canon.document(_listed(again[name]))
        kind = Slice | list if name.endswith(".jsonl") else str if name.endswith(".md") else object
        assert isinstance(value, kind)
    assert before == canon.canonical({name: _listed(value) for name, value in documents.items()})


@SLOW
@given(WORLDS)
def test_in_any_world_counters_are_what_was_there_and_the_merged_items(world: World) -> None:
    """Told of a counter that no rule but counting touches."""
    documents, rules, _ = world
    merged = merged_in(world)
    there = documents.get("stats.json", {}).get("total") or 0
    total = sum(
        merged.report.get(rule.name, {"merged": 0})["merged"]
        for rule in rules.collections
        if any(count.document == "stats.json" for count in rule.counts)
    )
    after = apply(documents, merged.changes).get("stats.json", documents.get("stats.json", {}))
    assert (after.get("total") or 0) == (there if isinstance(there, str) else there + total)


@SLOW
@given(WORLDS)
def test_in_any_world_new_numbers_are_unique_and_above_what_was_there(world: World) -> None:
    documents, rules, deltas = world
    merged = merged_in(world)
    foreign = {item.get("number") for one in deltas if one.foreign for items in one.collections.values()
               if isinstance(items, list) for item in items if isinstance(item, dict)
               if isinstance(item.get("number"), int)}  # fmt: skip
    new = [
        item["number"]
        for change in merged.changes
        if change.document in ("posts.jsonl", "polls.jsonl") and change.op == "append"
        for item in change.value
    ]
    assert len(set(new)) == len(new)
    numbered = {rule.name for rule in rules.collections if rule.number is not None}
    top = max([3 * ("posts.jsonl" in documents), 12 * ("more.json" in documents and "posts" in numbered)])
    assert all(number > top or number in foreign for number in new)


@SLOW
@given(WORLDS, st.data())
def test_in_any_world_a_memo_changes_nothing(world: World, data: st.DataObject) -> None:
    documents, rules, deltas = world
    memo = Memo(most=data.draw(st.integers(1, 5)))
    for _ in range(3):
        new = merge(frame(documents), deltas, rules, memo)
        assert said(new) == said(merge(frame(documents), deltas, rules))
        documents = {**documents, **apply(documents, new.changes)}


@SLOW
@given(WORLDS)
def test_in_any_world_what_is_usual_comes_to_what_each_step_alone_would_make_of_it(world: World) -> None:
    documents, rules, deltas = world
    step_by_step, _ = account(frame(documents), deltas, rules)
    at_once = merged_in(world)
    assert said(at_once) == said(step_by_step)
    assert at_once.outcomes == step_by_step.outcomes


@given(WORLDS)
def test_in_any_world_a_delta_from_the_journal_merges_like_the_one_that_was_written(world: World) -> None:
    kept = [from_record(canon.loads(canon.canonical(to_record(one)))) for one in world[2]]
    assert _sets(merged_in(world)) == _sets(merged_in(world, kept))


def _sets(merged: Merged) -> Any:
    """What a merge says, whatever the order of the keys in its items."""
    changes = [canon.canonical(change.to_json()) for change in merged.changes]
    return changes, merged.report, [canon.canonical(dict(entry)) for entry in merged.quarantine]


@SLOW
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_sums_of_floats_depend_on_no_order_of_arrival(values: list[float], random: Any) -> None:
    heat = Collection("x", (Field("v", "number"),), into=Target("t.json", ("h",)), mode="sum", keys=("v",))
    deltas = [Delta(7, n, "t", {"x": [{"v": value}]}) for n, value in enumerate(values, 1)]
    rules, start = schema(heat), {"t.json": {"h": 0.1}}
    shuffled = random.sample(deltas, len(deltas))
    first, second = merge(frame(start), deltas, rules), merge(frame(start), shuffled, rules)
    assert said(first) == said(second)
    assert math.isfinite(apply(start, first.changes).get("t.json", start["t.json"])["h"])


RULES = """\
(define (heat there item) (+ (or there 0) (get item "v") (random 10)))
(define (shape item frame) (dict "k" (get item "k") "luck" (random 1000) "seen" (get (get frame "t") "n")))
(pump
  (name laws)
  (agents "agents.json" agents)
  (pipe none)
  (delta
    (heats (fields (k string) (v integer)) (into "t.json" heat) (by heat))
    (things (fields (k string)) (into "things.jsonl") (as shape))))
"""
THINGS = st.lists(
    st.fixed_dictionaries({"k": st.sampled_from("ab"), "v": st.one_of(st.integers(-3, 3), st.just("x"))}),
    max_size=3,
)


POLICY = load(RULES)


@SLOW
@given(st.lists(st.tuples(THINGS, THINGS), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_rules_in_lispy_say_the_same_of_a_frame_each_time(found: Any, random: Any) -> None:
    """Also when they throw dice: the dice are those of the frame, the rule and the item."""
    deltas = [Delta(7, n, "t", {"heats": a, "things": b}) for n, (a, b) in enumerate(found, 1)]
    here = Frame(6, "2026-04-09T00:00:00.000000Z", {"t.json": {"n": 1}, "agents.json": {"agents": {}}}, {})
    first = merge(here, deltas, POLICY.schema)
    again = merge(here, random.sample(deltas, len(deltas)), load(RULES).schema)
    assert said(first) == said(again)
