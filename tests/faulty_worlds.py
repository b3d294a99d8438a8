"""What the fault matrices of whole frames share: a world of five pipes, and what its life must come to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lisppump import Pump
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.canon import line
from lisppump.documents import digest
from lisppump.testing import FaultyDisk, Operation, Simulation

NAMES = ("ann", "bob", "cid", "dee", "eve")
FAILING, SLOW = "bob", "dee"
FRAMES = 2
POLICY = """\
(pump
  (name faulty)
  (agents "agents.json" agents)
  (streams 5)
  (dam round-robin)
  (pipe script (deadline (seconds 60)))
  (backends (script none))
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")
           (count "agents.json" (agents author posts)))
    (notes (fields (author agent) (text string)) (into "memory/{author}.md")))
  (echoes (by (lambda () (dict "posts" (length (rb-state "posts")))))))
"""
STATE = {"agents.json": {"agents": {name: {"posts": 0} for name in NAMES}}, "posts.jsonl": []}
Call = tuple[int, int]  # a frame and a stream


class Counting:
    """A backend that counts what it is asked; one agent's answer is a failure, another's comes late."""

    def __init__(self) -> None:
        self.asked: Counter[Call] = Counter()

    async def pour(self, request: Request) -> Reply:
        """A post, and a note to oneself."""
        (agent,) = request.agents
        number = request.frame.number + 1
        self.asked[number, request.stream.number] += 1
        if agent.id == SLOW:
            for _ in range(200):
                await asyncio.sleep(0)
        if agent.id == FAILING:
            raise BackendError(Failure.UNAVAILABLE, "gone")
        return Reply(
            data={
                "posts": [{"author": agent.id, "title": f"{agent.id} in frame {number}"}],
                "notes": [{"author": agent.id, "text": "I wrote"}, {"author": "nobody", "text": "no"}],
            }
        )


@dataclass
class World:
    """A world whose disk fails on purpose; `told` says after how many operations which frame was reported."""

    folder: Path
    backend: Counting = field(default_factory=Counting)
    told: list[tuple[int, int]] = field(default_factory=list)
    new: bool = True

    def open(self, disk: FaultyDisk) -> Pump:
        """A pump of this world on that disk."""
        state = STATE if self.new else {}
        world = Simulation(self.folder, POLICY, state=state, backends={"script": self.backend})
        self.new = False
        return world.open(disk=disk)

    def live(self, pump: Pump, disk: FaultyDisk) -> None:
        """Run as many frames as are missing; where none is, bring the view up to what the journal holds."""
        if pump.store.head is not None and pump.head.number == FRAMES:
            pump.abandon()  # there is nothing to abandon: it opens the world for writing, and that is all
        while (number := pump.head.number if pump.store.head is not None else 0) < FRAMES:
            pump.run(1)
            self.told.append((number + 1, len(disk.trace)))

    def life(self, disk: FaultyDisk) -> None:
        """Open, run all frames that are missing, close."""
        with self.open(disk) as pump:
            self.live(pump, disk)


def settled(pump: Pump) -> dict[Call, str]:
    """The calls whose answer stands in the journal."""
    return {
        (frame, record.fields["stream"]): line(dict(record.fields)).decode()
        for frame in range(1, FRAMES + 1)
        for kind in ("reply", "outcome")
        for record in (pump.store._journal.read(seq) for seq in pump.store._journal.select(kind, frame=frame))
    }


def synced_calls(trace: list[Operation], k: int) -> set[Call]:
    """The calls whose answer was written and synced within the first k operations."""
    covered: dict[int, int] = {}
    for operation in trace[:k]:
        if operation.kind == "sync":
            covered[operation.file] = max(covered.get(operation.file, 0), operation.covers)
    found = set()
    for i, operation in enumerate(trace[:k]):
        safe = i < covered.get(operation.file, 0)
        if operation.path.endswith(".log") and operation.kind == "write" and safe:
            for record in (json.loads(line[18:]) for line in operation.data.splitlines()):
                if record["kind"] in ("reply", "outcome"):
                    found.add((record["frame"], record["stream"]))
    return found


def state_of(root: Path) -> dict[str, Any]:
    """All files of the state, and what is set aside; but the opening of the world that anything came from."""
    found: dict[str, Any] = {}
    for path in sorted((root / ".lisppump" / "quarantine").glob("*.json")):
        entries = json.loads(path.read_bytes())
        found[path.name] = [{key: entry[key] for key in entry if key != "epoch"} for entry in entries]
    for path in sorted((root / "state").rglob("*")):
        if path.is_file():
            name = str(path.relative_to(root / "state"))
            found[name] = path.read_bytes()
            if path.parent.name == "stream_deltas":
                found[name] = {key: value for key, value in json.loads(found[name]).items() if key != "epoch"}
    return found


def check_whole(world: World) -> None:
    """Journal and state agree, every frame is there once, and none of its deltas is missing."""
    with world.open(FaultyDisk(boot="late")) as pump:
        head = pump.head
        assert head.number == FRAMES
        for name, wanted in head.digests.items():
            assert digest(name, pump.store.view.read(name)) == wanted
        assert [commit["frame"] for commit in pump.store.commits()] == list(range(1, FRAMES + 1))
        for commit in pump.store.commits():
            deltas = pump.store.deltas(commit["frame"])
            assert [delta.stream for delta in deltas] == [1, 2, 3, 4, 5]
            assert [delta.digest for delta in deltas] == [entry["digest"] for entry in commit["deltas"]]
