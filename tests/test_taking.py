"""Replies on their way in: the shorter road of plain and usual ones comes to what the other comes to."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.calling import Reply, Request
from lisppump.delta import Schema
from lisppump.delta_records import in_commit
from lisppump.frame import Stream
from lisppump.schema import check
from lisppump.schema_usual import own_usual
from lisppump.testing import Simulation
from tests.pouring import Poured, pour

AGENTS = ("ann", "bob", "cid", "dee", "eve", "fay")
MORE = """(delta
    (votes (fields (voter agent) (post integer) (why (one-of "good" "bad") optional)) (once-per voter post)
           (into "votes.jsonl"))"""

texts = st.sampled_from(["hi", "", "häuser", "\ud800", "a\nb", "\x7f"])
odd: st.SearchStrategy[Any] = st.sampled_from([None, True, 1.5, 2**70, -1, [], {"a": 1}, "x"])
agents = st.sampled_from(AGENTS)
lines = st.fixed_dictionaries({"agent": agents, "text": texts}) | st.fixed_dictionaries(
    {"agent": agents | odd, "text": texts | odd}, optional={"extra": odd, "created_at": texts}
)
votes = st.fixed_dictionaries(
    {"voter": agents, "post": st.integers(0, 9)}, optional={"why": st.sampled_from(["good", "bad", "ugly"])}
)
replies = st.fixed_dictionaries(
    {},
    optional={
        "lines": st.lists(lines, max_size=3) | odd,
        "votes": st.lists(votes, max_size=3),
        "frame": st.just([{"agent": "ann"}]),
        "unknown": st.lists(lines, max_size=1),
    },
)


class Same(Reply):
    """A reply like any other, which the shorter road is not open to."""


class Gives:
    """Answers with data of its own, by stream, and changes it when it has been taken."""

    def __init__(self, data: Mapping[int, dict[str, Any]], kind: type[Reply]) -> None:
        self.data = deepcopy(dict(data))
        self.kind = kind

    async def pour(self, request: Request) -> Reply:
        return self.kind(data=self.data[request.stream.number])

    def spoil(self) -> None:
        for data in self.data.values():
            for items in data.values():
                for item in items if isinstance(items, list) else ():
                    item.clear()


def poured(data: Mapping[int, dict[str, Any]], kind: type[Reply]) -> Poured:
    backend = Gives(data, kind)
    with tempfile.TemporaryDirectory() as folder:
        found = pour(Path(folder) / "w", {"script": backend}, changes={"(delta": MORE})
    backend.spoil()
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(replies, min_size=6, max_size=6))
def test_both_roads_come_to_the_same_records_and_deltas(data: list[dict[str, Any]]) -> None:
    given = dict(enumerate(data, 1))
    short, other = poured(given, Reply), poured(given, Same)
    assert short.deltas == other.deltas
    assert {n: delta.digest for n, delta in short.deltas.items()} == {
        n: canon.digest(dict(delta.collections)) for n, delta in other.deltas.items()
    }
    assert [(kind, canon.line(dict(fields))) for kind, fields in short.records.kept] == [
        (kind, canon.line(dict(fields))) for kind, fields in other.records.kept
    ]
    room = Stream(1, ("ann",), name="yard", topic="rain")
    for number, delta in short.deltas.items():
        one, twin = replace(room, number=number, agents=delta.agents), other.deltas[number]
        said = in_commit(delta, None if delta.in_commit else one)
        assert twin.in_commit is None and replace(delta).in_commit is None
        assert said == in_commit(twin, None if delta.in_commit else one)


def schema_of(folder: Path) -> Schema:
    text = (
        '(pump (name w) (agents "a.json") (pipe none) (delta (posts (fields (author agent) (title string))'
        ' (into "posts.jsonl")) (notes (from echoes) (fields (text string)) (into "notes.jsonl"))'
        ' (votes (fields (voter agent) (post integer)) (into "votes.jsonl"))))'
    )
    with Simulation(folder, text, state={"a.json": {"ann": {}}}).open() as pump:
        return pump.policy.schema


def test_what_is_usual_is_copied_and_all_else_is_left_to_the_check(tmp_path: Path) -> None:
    schema = schema_of(tmp_path / "w")
    post, vote = {"author": "ann", "title": "t"}, {"voter": "bob", "post": 3}
    data = {"posts": [post], "votes": [vote]}
    own = own_usual(schema, data)
    assert own == data == check(schema, data)[0] and own is not None
    assert own["posts"][0] is not post and own["votes"] is not data["votes"]
    assert own_usual(schema, {}) == {}
    others: list[dict[str, Any]] = [
        {"votes": [vote], "posts": [post]},  # not in the policy's order
        {"notes": [{"text": "x"}]},  # for echoes alone
        {"posts": []},  # stands in the record, and not in the delta
        {"posts": (post,)},
        {"posts": [{**post, "more": 1}]},
        {"posts": [{**post, "title": 1}]},
        {"posts": [{**post, "author": ""}]},
        {"votes": [{**vote, "post": 3.0}]},
        {"votes": [{**vote, "post": True}]},
        {"posts": [post], "frame": [post]},
    ]
    for other in others:
        assert own_usual(schema, other) is None
