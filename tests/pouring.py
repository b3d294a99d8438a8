"""Rooms poured in virtual time, with lanes, purses and backends as a test wants them, then made again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lisppump import Pump
from lisppump.calling import BackendError
from lisppump.delta import UNUSED, Delta, Usage
from lisppump.frame import Agent
from lisppump.leave import Governor, Lane
from lisppump.plan import awake
from lisppump.pour import Pipe
from lisppump.replay import Nowhere
from lisppump.report import Plan
from lisppump.spending import accounts
from lisppump.stages import Job
from lisppump.tick import Answer
from lisppump.turn import Turn, finished
from tests.test_pour import world
from tests.virtual_time import virtually


@dataclass
class Records:
    """A ledger that keeps what it is told, in order, as (kind, fields)."""

    kept: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.kept.extend(entries)

    def outcome(self, **fields: Any) -> None:
        self.kept.append(("outcome", fields))

    def tool(self, **fields: Any) -> None:
        self.kept.append(("tool", fields))

    def delta(self, delta: Delta) -> None:
        self.kept.append(("delta", {"stream": delta.stream}))

    def answers(self, stream: int) -> list[Answer]:
        return [
            Answer(kind, fields)
            for kind, fields in self.kept
            if kind in ("reply", "outcome") and fields["stream"] == stream
        ]


@dataclass
class Row(Lane):
    """A lane that a test sets up; it remembers who entered and how they left."""

    closed: str | None = None
    wait: float = 0.0
    again: float | None = None
    tries: int = 3
    entered: int = 0
    inside: int = 0
    ended: list[str | None] = field(default_factory=list)

    def skipped(self) -> str | None:
        return self.closed

    async def enter(self) -> None:
        if self.wait:
            await asyncio.sleep(self.wait)
        self.entered += 1
        self.inside += 1

    def left(self, error: BackendError | None, tries: int) -> float | None:
        self.inside -= 1
        self.ended.append(None if error is None else error.failure.value)
        worth = error is not None and error.failure.value in ("throttled", "unavailable")
        return self.again if worth and tries < self.tries else None


@dataclass
class Pocket:
    """A purse that remembers."""

    most: int = 1_000_000
    log: list[Any] = field(default_factory=list)
    open: int = 0
    spent: Usage = UNUSED

    def free(self, alias: str) -> bool:
        return False

    def reserve(self, alias: str, prompt_tokens: int, passes: int, stream: int = 0) -> Any:
        self.log.append(("reserve", alias, passes))
        if self.most < 1:
            return "nothing is left"
        self.open += 1
        return (alias,)

    def priced(self, alias: str, model: str | None, usage: Usage) -> Usage:
        return replace(usage, dollars=usage.output / 100) if usage.output else usage

    def used(self, claim: Any, usage: Usage) -> None:
        self.spent = self.spent + usage

    def renew(self, alias: str, claim: Any, usage: Usage, stream: int = 0) -> str | None:
        return None

    def lost(self, alias: str, claim: Any, prompt_tokens: int, passes: int) -> Usage:
        return UNUSED

    def recorded(self, usage: Usage) -> None:
        self.spent = self.spent + usage

    def release(self, claim: Any) -> None:
        self.log.append(("release", *claim))
        self.open -= 1


@dataclass
class Rows(Governor):
    rows: Mapping[str, Lane] = field(default_factory=dict)

    def lane(self, alias: str) -> Lane | None:
        return self.rows.get(alias)


@dataclass
class Poured:
    """What came of it: deltas by stream, and when each settled."""

    deltas: dict[int, Delta] = field(default_factory=dict)
    at: dict[int, float] = field(default_factory=dict)
    records: Records = field(default_factory=Records)
    replayed: dict[int, Delta] = field(default_factory=dict)


def pour(
    folder: Path,
    backends: Mapping[str, Any],
    *,
    pipe: str = "script",
    changes: Mapping[str, str] = {},
    rows: Mapping[str, Lane] = {},
    purse: Any = None,
    recorded: Callable[[int], Sequence[Answer]] = lambda stream: (),
) -> Poured:
    """Pour one frame of rooms.lisp, whose pipe is written out, and make it again from the record."""
    more = " ".join(f"({alias} none)" for alias in backends if alias != "script")
    root = world(
        folder,
        {
            "(pipe script (deadline (seconds 1)))": f"(pipe {pipe})",
            "(backends (script": f"(backends {more} (script",
            **changes,
        },
    )
    found = Poured()
    with Pump.open(root, backends=backends) as pump:
        plan = pump.plan()
        agents = {agent.id: agent for agent in awake(pump.policy, pump.head, _asleep(plan))}

        def pipes(seconds: Callable[[], float], records: Records, *, sealed: bool) -> list[Pipe]:
            def settled(stream: Any, delta: Delta) -> None:
                (found.replayed if sealed else found.deltas)[stream.number] = delta
                found.at.setdefault(stream.number, seconds())

            turn = Turn(
                rig=pump.rig, head=pump.head, plan=plan, agents=agents, ledger=records, epoch=1, node="local",
                purse=purse or accounts(pump, pump.rig, plan.frame, Nowhere()), governor=Rows(rows),
                clock=pump.clock, settled=settled, sealed=sealed,
            )  # fmt: skip
            made = turn._pipes()
            for one in made:
                one.tick = replace(one.tick, monotonic=seconds, sleep=asyncio.sleep)
            return made

        async def scenario() -> None:
            clock = asyncio.get_running_loop().time
            made = pipes(clock, found.records, sealed=False)
            for one in made:
                one.recorded = deque(recorded(one.stream.number))
            await pump.rig.executor.run([_job(one) for one in made])

        virtually(scenario())
        spent = getattr(purse, "spent", None)
        again = pipes(lambda: 0.0, Records(), sealed=True)
        for one in again:
            known = [*recorded(one.stream.number), *found.records.answers(one.stream.number)]
            one.recorded = deque(known)
            finished(one.run())
        if spent is not None:
            purse.spent = spent
    for number, delta in found.deltas.items():
        other = found.replayed[number]
        assert (other.outcome(), other.collections, other.rejected) == (
            delta.outcome(), delta.collections, delta.rejected,
        )  # fmt: skip
    return found


def _job(pipe: Pipe) -> Job:
    deadline = pipe.tick.policy.pipe.deadline
    return Job(pipe.stream.number, pipe.run, deadline, pipe.time_out, pipe.held)


def _asleep(plan: Plan) -> list[Agent]:
    return [Agent(name, {}) for name in plan.wake]
