"""The contract check of executors: what keeps it passes, each way of breaking it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from lisppump.plugins.executor_local import Local

from lisppump.errors import LisppumpError
from lisppump.stages import Executor, Job
from lisppump.testing import check_executor


class Runs:
    """An executor that runs jobs as a function says."""

    def __init__(self, run: Callable[[Sequence[Job]], Awaitable[None]]) -> None:
        self._run = run

    async def run(self, jobs: Sequence[Job]) -> None:
        await self._run(jobs)


async def one(job: Job) -> BaseException | None:
    """A job as it should be run; the error that it let through."""
    task = asyncio.ensure_future(job.pour())
    try:
        await asyncio.wait({task}, timeout=job.deadline)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            stopped = True
        else:
            stopped = False
    if stopped:
        job.timed_out()
        return None
    return task.exception()


async def good(jobs: Sequence[Job]) -> None:
    for error in await asyncio.gather(*(one(job) for job in jobs)):
        if error is not None:
            raise error


async def in_turn(jobs: Sequence[Job]) -> None:
    errors = [await one(job) for job in jobs]
    for error in errors:
        if error is not None:
            raise error


@pytest.mark.parametrize("executor", [Local(), Local(at_most=1), Runs(good), Runs(in_turn)])
def test_executors_that_keep_the_contract_pass(executor: Executor) -> None:
    check_executor(executor)


async def forgets(jobs: Sequence[Job]) -> None:
    await good(jobs[:-1])


async def all_or_none(jobs: Sequence[Job]) -> None:
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one_raising(job))


async def one_raising(job: Job) -> None:
    error = await one(job)
    if error is not None:
        raise error


async def stops_at_the_first_error(jobs: Sequence[Job]) -> None:
    for job in jobs:
        await one_raising(job)


async def twice(jobs: Sequence[Job]) -> None:
    for job in jobs[:1]:
        await job.pour()
    await good(jobs)


async def hides(jobs: Sequence[Job]) -> None:
    await asyncio.gather(*(one(job) for job in jobs))


async def rewords(jobs: Sequence[Job]) -> None:
    try:
        await good(jobs)
    except Exception as error:
        raise RuntimeError("a pour failed") from error


async def tells_nobody(jobs: Sequence[Job]) -> None:
    await good([Job(job.stream, job.pour, job.deadline, lambda: None) for job in jobs])


async def tells_everybody(jobs: Sequence[Job]) -> None:
    try:
        await good(jobs)
    finally:
        for job in jobs:
            job.timed_out()


async def waits_for_ever(jobs: Sequence[Job]) -> None:
    await good([Job(job.stream, job.pour, 3600.0, job.timed_out) for job in jobs])


async def wants_jobs(jobs: Sequence[Job]) -> None:
    await asyncio.wait([asyncio.ensure_future(one(job)) for job in jobs])


async def waits_without_jobs(jobs: Sequence[Job]) -> None:
    if not jobs:
        await asyncio.Event().wait()
    await good(jobs)


async def says_nothing_when_cancelled(jobs: Sequence[Job]) -> None:
    with suppress(asyncio.CancelledError):
        await good(jobs)


async def raises_when_cancelled(jobs: Sequence[Job]) -> None:
    try:
        await good(jobs)
    except asyncio.CancelledError:
        raise KeyError("cancelled") from None


async def goes_on_when_cancelled(jobs: Sequence[Job]) -> None:
    try:
        await good(jobs)
    except asyncio.CancelledError:
        await asyncio.Event().wait()


KEPT: set[Any] = set()


async def leaves_pours_when_cancelled(jobs: Sequence[Job]) -> None:
    work = asyncio.ensure_future(good(jobs))
    KEPT.add(work)
    await asyncio.shield(work)


async def waits_in_one_loop_only(jobs: Sequence[Job]) -> None:
    KEPT.add(LOOP.setdefault("first", asyncio.get_running_loop()))
    if LOOP["first"] is not asyncio.get_running_loop():
        raise RuntimeError("bound to a different event loop")
    await good(jobs)


LOOP: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (forgets, "should call each pour once; it called that of stream 4 0 times"),
        (twice, "should call each pour once; it called that of stream 1 2 times"),
        (all_or_none, "should raise what a pour let through, as it is; it raised ExceptionGroup"),
        (stops_at_the_first_error, "it called that of stream 4 0 times"),
        (hides, "should raise what a pour let through, when all have ended; it hid it"),
        (rewords, "as it is; it raised RuntimeError: a pour failed"),
        (tells_nobody, "should tell stream 3, once, that its time is over; it told none"),
        (tells_everybody, "that its time is over; it told 3, 1, 2, 3, 4"),
        (wants_jobs, "should return when it has no jobs; it raised ValueError"),
        (says_nothing_when_cancelled, "let a cancellation through; it returned as if nothing had happened"),
        (raises_when_cancelled, "let a cancellation through; it raised KeyError: 'cancelled'"),
        (leaves_pours_when_cancelled, "it left stream 1 running"),
        (waits_in_one_loop_only, "RuntimeError: bound to a different event loop"),
    ],
)
def test_an_executor_that_breaks_its_contract_is_found(run: Any, said: str) -> None:
    with pytest.raises(LisppumpError) as caught:
        check_executor(Runs(run))
    assert caught.value.code == "contract"
    assert caught.value.message.startswith("executor `Runs` should ")
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (waits_for_ever, "return when the deadline of a pour has passed; it goes on after 0.5 s"),
        (waits_without_jobs, "return when it has no jobs; it goes on after 0.5 s"),
        (goes_on_when_cancelled, "end when it is cancelled; it goes on after 0.5 s"),
    ],
)
def test_an_executor_that_does_not_end_is_waited_for_with_patience(run: Any, said: str) -> None:
    with pytest.raises(LisppumpError, match=said):
        check_executor(Runs(run), patience=0.5)


def test_an_executor_that_is_not_awaited_is_found() -> None:
    class Plain:
        def run(self, jobs: Sequence[Job]) -> None: ...

    with pytest.raises(LisppumpError, match="should have `async def run`; it has `def run`"):
        check_executor(Plain())  # type: ignore[arg-type]


def test_a_cancelled_run_of_nothing_ends_the_check() -> None:
    class Returns:
        """An executor that runs only jobs with a near deadline."""

        async def run(self, jobs: Sequence[Job]) -> None:
            if any(job.deadline < 1 for job in jobs):
                await good(jobs)

    with pytest.raises(LisppumpError, match="returned as if nothing had happened"):
        check_executor(Returns())
