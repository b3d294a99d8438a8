"""What a long life costs: whether frame 10,000 is as cheap as frame 100, in time, memory and bytes.

    python benchmarks/growth.py [frames] [pipes]

The state of one megabyte does not grow, so nothing else may: each row is a tenth of the run. `memory` is
what the process holds, `objects` what the collector knows of, `journal` the bytes that all records take by
then (the last segment is not packed yet), `raw` those of all replies and their items, `bases` all documents
that snapshots and blobs keep. Beside it stands the least that keeps every state: a JSON file of it each step.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frame import state

from lisppump.calling import Reply, Request
from lisppump.canon import line
from lisppump.collector import look_less_often
from lisppump.disk import Disk
from lisppump.testing import Simulation

FRAMES, PIPES, BLOCKS = 10_000, 15, 10
POLICY = """\
(pump
  (name growth)
  (agents "agents.json" agents)
  (streams {pipes})
  (dam round-robin)
  (pipe none)
  (breaker (empty 1000000))
  (delta
    (moods (fields (who agent) (field (one-of "mood")) (value string))
           (into "agents.json" agents) (last-writer))
    (earnings (fields (who agent) (trade string) (coins integer)) (into "purse.json") (sum trade coins))))
"""


class Counting(Disk):
    """The disk, counting what is written and synced."""

    def __init__(self) -> None:
        self.writes = self.syncs = self.renames = 0

    def write(self, fd: int, data: bytes) -> int:
        self.writes += 1
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        super().sync(fd)

    def rename(self, source: str, target: str) -> None:
        self.renames += 1
        super().rename(source, target)


class Moody:
    """Every agent has a mood and a wage, other ones in each frame; `raw` counts the bytes of both forms."""

    def __init__(self) -> None:
        self.raw = 0

    async def pour(self, request: Request) -> Reply:
        number = request.frame.number
        data: dict[str, Any] = {
            "moods": [
                {"who": agent.id, "field": "mood", "value": f"mood {number % 97} of {agent.id}, at length"}
                for agent in request.agents
            ],
            "earnings": [
                {"who": agent.id, "trade": "fishing", "coins": number % 7} for agent in request.agents
            ],
        }
        self.raw += 2 * len(line(data))  # as a reply, and as items
        return Reply(data=data)


@dataclass(frozen=True, slots=True)
class Block:
    """What a part of the run came to, a frame on average; in bytes and objects what there is at its end."""

    frames: int
    seconds: float
    memory: int
    objects: int
    records: float
    writes: float
    syncs: float
    renames: float
    journal: int
    raw: int
    bases: int


def blocks(folder: Path, frames: int, pipes: int, many: int = BLOCKS) -> Iterator[Block]:
    """Run a world and tell of each part of the run."""
    disk, backend = Counting(), Moody()
    world = Simulation(
        folder / "world",
        POLICY.format(pipes=pipes),
        state={**state(pipes), "purse.json": {"fishing": 0}},
        backends={"none": backend},
    )
    with world.open(disk=disk) as pump:
        pump.step(1, keep=0)
        before = _counts(pump, disk)
        for _ in range(many):
            each = frames // many
            started = time.perf_counter()
            pump.step(each, keep=0)
            seconds = time.perf_counter() - started
            now = _counts(pump, disk)
            gc.collect()
            yield Block(
                pump.head.number,
                seconds / each,
                _memory(),
                len(gc.get_objects()),
                *((b - a) / each for a, b in zip(before, now, strict=True)),
                journal=_bytes(world.folder, "journal"),
                raw=backend.raw,
                bases=_bytes(world.folder, "snap") + _bytes(world.folder, "blobs"),
            )
            before = now


def _counts(pump: Any, disk: Counting) -> tuple[int, ...]:
    """Records, writes, syncs, renames; so far."""
    return len(pump.store._journal), disk.writes, disk.syncs, disk.renames


def _bytes(folder: Path, name: str) -> int:
    place = folder / ".lisppump" / name
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def _memory() -> int:
    """Bytes that the process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def reference(folder: Path, pipes: int, steps: int = 20) -> tuple[float, int]:
    """Seconds and bytes of a step that keeps the whole state."""
    documents = state(pipes)
    started = time.perf_counter()
    for number in range(steps):
        with open(folder / f"{number}.json", "w", encoding="utf-8") as file:
            json.dump(documents, file)
            file.flush()
            os.fsync(file.fileno())
    size = sum(path.stat().st_size for path in folder.glob("*.json"))
    return (time.perf_counter() - started) / steps, size // steps


def main() -> None:
    """Measure and print."""
    frames, pipes = [*map(int, sys.argv[1:]), *(FRAMES, PIPES)[len(sys.argv) - 1 :]]
    look_less_often()
    print(f"{frames} frames with {pipes} pipes, a state of 1 MB that does not grow")
    print("   frame  ms a frame  memory MB  objects  records  writes  syncs  journal MB  raw MB  bases MB")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks(Path(folder), frames, pipes):
            found.append(block)
            print(
                f"{block.frames:>8}  {1000 * block.seconds:>10.2f}  {block.memory / 1e6:>9.1f}"
                f"  {block.objects:>7}  {block.records:>7.1f}  {block.writes:>6.1f}  {block.syncs:>5.2f}"
                f"  {block.journal / 1e6:>10.2f}  {block.raw / 1e6:>6.2f}  {block.bases / 1e6:>8.1f}",
                flush=True,
            )
    with tempfile.TemporaryDirectory() as folder:
        seconds, kept = reference(Path(folder), pipes)
    print(f"reference: {1000 * seconds:.2f} ms and {kept} bytes kept a step")
    first, last = found[1], found[-1]
    slope = (last.memory - first.memory) / (last.frames - first.frames)
    print(f"memory: {slope:.0f} bytes a frame; time: {last.seconds / first.seconds:.2f} of what it was")


if __name__ == "__main__":
    main()
