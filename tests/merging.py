"""What tests of the merge share: a small world, two collections, and a merge that checks its own account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from lisppump import canon
from lisppump.delta import Collection, Delta, Field, Numbering, Schema, Target
from lisppump.frame import Frame
from lisppump.lispy.values import slice_of
from lisppump.merge import Change, Merged, apply, merge

TITLE = Field("title", "string")
AUTHOR = Field("author", "agent")
TEXT = Field("text", "string")
STATE: dict[str, Any] = {
    "agents.json": {"agents": {"ada": {"posts": 2}, "bo": {}}},
    "log.json": {"posts": [{"number": 4, "title": "old"}]},
    "trending.json": {"trending": [{"number": 9, "deep": [{"number": 12}]}]},
    "stats.json": {"total": 7},
    "votes.jsonl": slice_of([{"voter": "ada", "post": 4}], 0, 1),
    "memory/ada.md": "# Ada",
}


class Rule:
    """A policy function for tests: a Python function where pump.lisp has a LisPy one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def on(self, frame: Frame | None, *, seed: tuple[Any, ...] = (), **_: Any) -> Callable[..., Any]:
        return self.function


def frame(documents: dict[str, Any] | None = None) -> Frame:
    return Frame(6, "2026-04-09T00:00:00.000000Z", STATE if documents is None else documents, {})


def delta(stream: int, agents: str = "ada bo", **collections: list[Any]) -> Delta:
    return Delta(7, stream, f"2026-04-09T00:45:00.{stream:06d}Z", collections, agents=tuple(agents.split()))


def schema(*collections: Collection, otherwise: Collection | None = None) -> Schema:
    return Schema(collections, otherwise)


def run(
    rules: Schema, *deltas: Delta, documents: dict[str, Any] | None = None
) -> tuple[dict[str, Any], Merged]:
    world = frame(documents)
    merged = merge(world, deltas, rules)
    for counts in merged.report.values():
        assert counts["in"] == counts["merged"] + counts["duplicate"] + counts["quarantined"]
    assert sum(counts["quarantined"] for counts in merged.report.values()) == len(merged.quarantine)
    changes = [Change.from_json(json.loads(canon.canonical(change.to_json()))) for change in merged.changes]
    return apply(world.documents, changes), merged


def reasons(merged: Merged) -> list[str]:
    return [entry["reason"] for entry in merged.quarantine]


POSTS = Collection(
    "posts",
    (TITLE, AUTHOR),
    once_per=("title", "author"),
    number=Numbering("number", ("log.json", "trending.json")),
    into=Target("log.json", ("posts",)),
    counts=(Target("stats.json", ("total",)), Target("agents.json", ("agents", "{author}", "posts"))),
)
COMMENTS = Collection(
    "comments",
    (Field("post", "ref", target="posts"), AUTHOR, TEXT),
    once_per=("author", "post", "text"),
    into=Target("comments.jsonl"),
)
