"""What the engine itself costs a frame: many pipes, a backend that answers at once, a state of one megabyte.

    python benchmarks/frame.py [--awake] [pipes ...]

Frames are made one after the other, as a run makes them; `rest` is what it costs to write, when such a run
rests or ends, the documents that lag and the delta files of all those frames.

The reference, measured in the same run, is the least any such loop does at each step: the state as JSON into
a new file, synced, renamed into place. A ratio of 3 says that a frame takes three times as long as that.

Then the same with a backend that takes 0.2 s: what a frame takes beyond them, how long it waited for the
disk to sync what it began and what it committed, and what is to be reached: so many milliseconds and these
two syncs. The reference is `asyncio.gather` over as many sleeps, which do nothing else; `ratio` is how many
times that a frame takes without the syncs, and what is to be reached of it stands behind: it was set where
gather took 1, 2 and 7 ms, and one machine differs from the next, and from itself an hour later.

A processor that falls asleep for those 0.2 s, and on a shared machine finds in its caches what others did
meanwhile, is slow at first: with few pipes the same work takes twice the time that it takes without the
sleep. With `--awake` (Linux alone) a loop on each processor, which gives way to all else, keeps it from that,
also while the reference is measured: so it is seen what the engine takes, and what such a machine adds.

What was written is removed at the end: where thousands of files went, new ones take longer.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

from lisppump import Pump
from lisppump.calling import Reply, Request
from lisppump.clock import Wall
from lisppump.collector import look_less_often
from lisppump.disk import Disk
from lisppump.report import Event
from lisppump.testing import Simulation

PIPES = (15, 138, 1000)
TO_REACH = {138: 10.0, 1000: 60.0}  # milliseconds of a frame
BEYOND = {15: 4.0, 138: 10.0, 1000: 50.0}  # and beyond the latency, without the syncs
GATHER = {15: 1.0, 138: 2.0, 1000: 7.0}  # what the reference took where these were set
FRAMES = 15
LATENCY = 0.2  # seconds
STATE_BYTES = 1_000_000
SPIN = """\
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
print(flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""
POLICY = """\
(pump
  (name load)
  (state "state" (keep 5))
  (agents "agents.json" agents)
  (streams {pipes})
  (dam round-robin)
  (pipe none)
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")
           (count "agents.json" (agents author posts)))
    (votes (fields (voter agent) (post integer)) (once-per voter post) (into "votes.jsonl"))))
"""


def state(pipes: int) -> dict[str, Any]:
    """One agent a pipe, and an archive that fills the state up to its size."""
    agents = {f"agent-{n:04d}": {"name": f"Agent {n}", "posts": 0} for n in range(pipes)}
    entries = [{"number": n, "title": f"Post {n}", "body": "x" * 160} for n in range(STATE_BYTES // 200)]
    return {"agents.json": {"agents": agents}, "archive.json": {"posts": entries}}


def answers(pipes: int) -> dict[str, Any]:
    """Each agent writes one post and casts two votes."""
    return {
        f"agent-{n:04d}": {
            "posts": [{"author": f"agent-{n:04d}", "title": f"A title by {n}"}],
            "votes": [{"voter": f"agent-{n:04d}", "post": post} for post in (n, n + 1)],
        }
        for n in range(pipes)
    }


class Ready:
    """A backend that has its answers ready, and gives them after a while, or at once; it keeps nothing."""

    def __init__(self, pipes: int, seconds: float = 0.0) -> None:
        self._replies = {agent: Reply(data=data) for agent, data in answers(pipes).items()}
        self._seconds = seconds

    async def pour(self, request: Request) -> Reply:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        (agent,) = request.agents
        return self._replies[agent.id]


def median(step: Callable[[], object]) -> float:
    """The median of the milliseconds that a step takes, after one that warms up."""
    step()
    taken = []
    for _ in range(FRAMES):
        start = time.perf_counter()
        step()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def dumped(folder: Path, documents: dict[str, Any]) -> Callable[[], None]:
    """The reference: all documents as one JSON file, synced, in place of the last one."""

    def step() -> None:
        with open(folder / "next.json", "w", encoding="utf-8") as file:
            json.dump(documents, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(folder / "next.json", folder / "state.json")

    return step


def world_of(pipes: int, folder: Path, documents: dict[str, Any], backend: Ready) -> Simulation:
    """The world, by the machine's clock, as `lisppump run` makes its frames."""
    text = POLICY.format(pipes=pipes)
    return Simulation(folder / "world", text, state=documents, backends={"none": backend}, clock=Wall())


def measure(pipes: int, folder: Path) -> None:
    """One row: the reference, a frame, how many times the reference that is, and a pipe's share."""
    folder.mkdir()
    documents = state(pipes)
    backend = Ready(pipes)
    with world_of(pipes, folder, documents, backend).open() as pump:
        frame, rest = frames(pump, pipes)
    least = median(dumped(folder, documents))
    print(
        f"  {pipes:>5}  {least:>9.1f} ms  {frame:>9.1f} ms  {frame / least:>6.1f} x  {frame / pipes:>7.2f} ms"
        f"  {rest:>9.1f} ms  {_bar(TO_REACH.get(pipes)):>12}"
    )


def _bar(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.1f} ms"


def frames(pump: Pump, pipes: int) -> tuple[float, float]:
    """The median of the milliseconds from commit to commit, and those from the last to the end."""
    ends: list[float] = []

    def hear(event: Event) -> None:
        if event.report is not None:
            ends.append(time.perf_counter())
            assert event.report.statuses == {"ok": pipes}

    pump.listeners.append(hear)
    pump.step(FRAMES + 1, keep=0)
    taken = [1000 * (end - start) for start, end in pairwise(ends)]
    return statistics.median(taken), 1000 * (time.perf_counter() - ends[-1])


class Timed(Disk):
    """The disk, adding up the seconds for which the loop waits for it to sync; replies are not waited for."""

    def __init__(self) -> None:
        self.waited = 0.0

    def sync(self, fd: int) -> None:
        started = time.perf_counter()
        super().sync(fd)
        if threading.current_thread() is threading.main_thread():
            self.waited += time.perf_counter() - started


def measure_late(pipes: int, folder: Path) -> None:
    """One row: what a frame takes beyond the latency, and the syncs it waited for."""
    disk, backend = Timed(), Ready(pipes, LATENCY)
    with world_of(pipes, folder, state(pipes), backend).open(disk=disk) as pump:
        waits: list[float] = []
        pump.listeners.append(lambda event: waits.append(disk.waited) if event.report is not None else None)
        frame, _ = frames(pump, pipes)
    synced = statistics.median(1000 * (after - before) for before, after in pairwise(waits))
    bar = _bar(BEYOND[pipes] + synced if pipes in BEYOND else None)
    times = f"{BEYOND[pipes] / GATHER[pipes]:.1f} x" if pipes in BEYOND else ""
    least, beyond = gathered(pipes), frame - 1000 * LATENCY
    print(
        f"  {pipes:>5}  {least:>9.1f} ms  {beyond:>9.1f} ms  {synced:>9.1f} ms  {bar:>12}"
        f"  {(beyond - synced) / least:>6.1f} x  {times:>12}"
    )


def gathered(pipes: int) -> float:
    """The median of the milliseconds that so many sleeps take, side by side, beyond their latency."""

    async def together() -> None:
        await asyncio.gather(*[asyncio.sleep(LATENCY) for _ in range(pipes)])

    return median(lambda: asyncio.run(together())) - 1000 * LATENCY


@contextmanager
def awake() -> Iterator[None]:
    """Keep each processor busy with a loop that gives way to all else."""
    loops = [
        subprocess.Popen([sys.executable, "-c", SPIN, str(processor)], stdout=subprocess.PIPE)
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        for loop in loops:
            assert loop.stdout is not None and loop.stdout.readline()  # it runs, and gives way
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.communicate()


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    loads = [int(word) for word in words if word != "--awake"] or PIPES
    look_less_often()
    with awake() if "--awake" in words else nullcontext():
        measure_all(loads)


def measure_all(loads: Sequence[int]) -> None:
    """Both tables."""
    print(f"a state of {STATE_BYTES / 1e6:.0f} MB, the median of {FRAMES} frames")
    print("  pipes     reference        frame     ratio   a pipe         rest       to reach")
    with tempfile.TemporaryDirectory() as folder:
        for pipes in loads:
            measure(pipes, Path(folder, f"{pipes}"))
        print(f"a backend that takes {LATENCY:g} s")
        print("  pipes     reference       beyond       synced       to reach     ratio       to reach")
        for pipes in loads:
            measure_late(pipes, Path(folder, f"late-{pipes}"))


if __name__ == "__main__":
    main()
