"""The laws of the merge over sets of deltas: order, repetition and grouping decide nothing; all is kept."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.delta import Collection, Delta, Field, Schema, Target
from lisppump.lispy.values import Slice
from lisppump.merge import Merged, apply, merge
from tests.merging import AUTHOR, POSTS, STATE, TITLE, frame, schema

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
