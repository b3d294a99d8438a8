"""The contract check for executors: pours that end, fail, hang and are cancelled. It knows no pipe."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lisppump.errors import LisppumpError, place_of, said
from lisppump.stages import Executor, Job
from lisppump.testing.breach import asked, breach, require, shaped

DEADLINE, LONG = 0.01, 3600.0  # seconds, of a pour that hangs and of those that do not


class _Fault(Exception):
    """What a pour lets through: in the loop, that the journal cannot be written."""


@dataclass
class _Log:
    """What became of the pours: how often each was called, which ended, which were told that time is over."""

    called: Counter[int] = field(default_factory=Counter)
    ended: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)

    def job(self, number: int, pour: Callable[[], Awaitable[object]], deadline: float = LONG) -> Job:
        """A job whose pour does what `pour` does, and is taken down."""

        async def poured() -> None:
            self.called[number] += 1
            try:
                await pour()
            finally:
                self.ended.append(number)

        return Job(number, poured, deadline, lambda: self.told.append(number))


def check_executor(executor: Executor, *, patience: float = 10.0) -> None:
    """Hold an executor to its contract: who fails or hangs leaves the others alone, and none is forgotten.

    It runs frames without a job, with jobs that end, fail and hang, and one that is cancelled. `patience` is
    for how many seconds a run may go on that should be over at once.
    """
    whose = shaped("executor", executor)
    for scenario in (_empty, _isolated, _cancelled, _isolated):  # each in a loop of its own, like `Pump.step`
        with asked(whose, "run the jobs of a frame"):
            asyncio.run(scenario(whose, executor, patience))


async def _empty(whose: str, executor: Executor, patience: float) -> None:
    error = await _ran(whose, executor, [], patience, "when it has no jobs")
    if error is not None:
        raise breach(f"{whose} should return when it has no jobs; it raised {said(error)}") from error


async def _isolated(whose: str, executor: Executor, patience: float) -> None:
    log, fault = _Log(), _Fault("stream 2 fails")

    async def fails() -> None:
        raise fault

    async def takes_turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    jobs = [
        log.job(1, lambda: asyncio.sleep(0)),
        log.job(2, fails),
        log.job(3, asyncio.Event().wait, DEADLINE),
        log.job(4, takes_turns),
    ]
    error = await _ran(whose, executor, jobs, patience, "when the deadline of a pour has passed")
    if error is not None and error is not fault:
        told = f"{whose} should raise what a pour let through, as it is; it raised {said(error)}"
        raise breach(f"{told} ({place_of(error)})") from error
    for job in jobs:
        calls, number = log.called[job.stream], job.stream
        once = calls == 1 or (calls == 0 and number == 3)  # its time may be over before its first step
        require(once, f"{whose} should call each pour once; it called that of stream {number} {calls} times")
    lost = [number for number in (1, 2, 4) if number not in log.ended]
    left = f"{whose} should let the others end when one fails or hangs; stream {_named(lost)} did not"
    require(not lost, left)
    told = f"{whose} should tell stream 3, once, that its time is over; it told {_named(log.told)}"
    require(log.told == [3], told)
    require(error is fault, f"{whose} should raise what a pour let through, when all have ended; it hid it")


async def _cancelled(whose: str, executor: Executor, patience: float) -> None:
    log = _Log()
    run = asyncio.create_task(_awaited(whose, executor, [log.job(1, asyncio.Event().wait)]))
    while not (log.called[1] or run.done()):
        await asyncio.sleep(0)
    run.cancel()
    await asyncio.wait({run}, timeout=patience)
    require(run.done(), f"{whose} should end when it is cancelled; it goes on after {patience:g} s")
    if not run.cancelled():
        error = run.exception()
        ending = "returned as if nothing had happened" if error is None else f"raised {said(error)}"
        raise breach(f"{whose} should let a cancellation through; it {ending}") from error
    left = f"{whose} should cancel its pours when it is cancelled; it left stream 1 running"
    require(log.ended == [1], left)


async def _ran(
    whose: str, executor: Executor, jobs: Sequence[Job], patience: float, when: str
) -> BaseException | None:
    """What a run raised, once it is over."""
    run = asyncio.create_task(_awaited(whose, executor, jobs))
    await asyncio.wait({run}, timeout=patience)
    if not run.done():
        run.cancel()
        raise breach(f"{whose} should return {when}; it goes on after {patience:g} s")
    error = asyncio.CancelledError() if run.cancelled() else run.exception()
    if isinstance(error, LisppumpError):
        raise error
    return error


async def _awaited(whose: str, executor: Executor, jobs: Sequence[Job]) -> None:
    call = executor.run(jobs)
    require(inspect.isawaitable(call), f"{whose} should have `async def run`; it has `def run`")
    await call


def _named(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
