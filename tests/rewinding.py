"""A small world to go back and forth in, and the check that all of it agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.audit import audit
from lisppump.calling import Reply
from lisppump.documents import digest
from lisppump.history import Past
from lisppump.lispy.values import elements
from lisppump.testing import Simulation

NAMES = ("ann", "bob", "cid")
POLICY = """\
(pump
  (name rewound)
  (agents "agents.json" agents)
  (streams 3)
  (dam round-robin)
  (pipe mind)
  (backends (mind none))
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")
           (count "agents.json" (agents author posts)))
    (notes (fields (author agent) (text string)) (into "memory/{author}.md")))
  (echoes (by (lambda () (dict "posts" (length (rb-state "posts")))))))
"""
STATE = {"agents.json": {"agents": {name: {"posts": 0} for name in NAMES}}, "posts.jsonl": []}


class Mind:
    """Says something else in every frame, and whatever it was told to say by a room's first agent."""

    def __init__(self, **instead: Any) -> None:
        self.calls: list[tuple[int, str]] = []
        self.instead = instead

    async def pour(self, request: Any) -> Any:
        name, number = request.agents[0].id, request.frame.number + 1
        self.calls.append((number, name))
        said = self.instead.get(name, f"{name} in {number}")
        if isinstance(said, BaseException):
            raise said
        items = {"posts": [{"author": name, "title": said}], "notes": [{"author": "zed", "text": "not here"}]}
        if number == 2:
            items["notes"].append({"author": name, "text": "of two"})
        return Reply(data=items)


def world(folder: Path, **instead: Any) -> tuple[Simulation, Mind]:
    mind = Mind(**instead)
    state = {} if (folder / "state").is_dir() else STATE
    return Simulation(folder, POLICY, state=state, backends={"mind": mind}), mind


def documents(pump: Pump) -> dict[str, str]:
    return {name: digest(name, value) for name, value in pump.head.documents.items()}


def titles(pump: Pump) -> list[str]:
    return [post["title"] for post in elements(pump.head.documents["posts.jsonl"])]


def files(folder: Path) -> dict[str, bytes]:
    """All that is shown, without the epochs that delta files name."""
    root = folder / "state"
    found = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    shown = {
        str(path.relative_to(root)): b"" if "stream_deltas" in path.parts else data
        for path, data in found.items()
    }
    kept = folder / ".lisppump" / "quarantine"
    return shown | {f"quarantine/{path.name}": path.read_bytes() for path in sorted(kept.glob("*"))}


def whole(folder: Path) -> None:
    """Documents, files, records and replay agree about the line, and nothing is damaged."""
    with Pump.open(folder) as pump:
        assert audit(pump.store._keep).faults == []
    with Pump.open(folder) as pump:
        number = pump.head.number
        assert [commit["frame"] for commit in pump.store.commits()] == [*range(1, number + 1)]
        assert number == 0 or pump.replay().to_json()["equal"], pump.replay().to_json()
        for each in range(number + 1):
            frame = pump.frame(each)
            assert pump.show(each).digest == frame.digest
            for name in frame.documents:
                assert digest(name, frame.documents[name]) == frame.digests[name]
        past = Past(pump.store._journal, pump.store._head.latest, snapshots=False)
        for name, value in pump.head.documents.items():
            assert digest(name, pump.store.view.read(name)) == pump.head.digests[name] == digest(name, value)
            assert digest(name, past.value(name)) == pump.head.digests[name]
        assert sorted(pump.store.view.names()) == sorted(pump.head.documents)
        shown = {path.name for path in (folder / "state" / "stream_deltas").glob("*")}
        kept = range(max(number - 50, 0) + 1, number + 1)
        assert shown == {delta.file_name for each in kept for delta in pump.store.deltas(each)}
        assert len(pump.quarantine.entries) == pump.status().quarantine
        assert pump.status().edits == ()


@pytest.fixture
def five(tmp_path: Path) -> Path:
    world(tmp_path / "five")[0].run(5)
    return tmp_path / "five"
