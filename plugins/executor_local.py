"""The executor `local`: the pipes of a frame side by side in one event loop. It reads no reply."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.clock import stepped
from lisppump.stages import Job, Option

GRACE = 1.0  # seconds that pours which were cancelled get to tidy up, all together


class Local:
    """Runs jobs as tasks: one that fails or hangs delays no other; deadlines begin with their jobs."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("at-most", "value", "Most pipes that run at once; 0 for all.", default=0),
    )

    def __init__(self, at_most: int = 0) -> None:
        self._at_most = at_most
        self._abandoned: set[asyncio.Task[None]] = set()
        self._busy = 0.0  # seconds in which any pour has run

    async def run(self, jobs: Sequence[Job]) -> None:
        """Return when every job has ended or was told that its time is over.

        An error that a pour let through is raised when all have ended, that of the lowest stream first.
        """
        gate: Any = asyncio.Semaphore(self._at_most) if self._at_most > 0 else nullcontext()
        tasks = [asyncio.create_task(self._guard(job, gate)) for job in jobs]
        try:
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await self._leave(tasks)
            raise
        await self._leave(())
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    async def _guard(self, job: Job, gate: Any) -> None:
        """One job: its pour until it ends, its deadline passes or the frame is cancelled."""
        async with gate:
            work = _Work(self)
            pour = asyncio.ensure_future(work.run(job))
            try:
                left = job.deadline
                while not pour.done() and left >= 0:
                    await asyncio.wait((pour,), timeout=left)
                    left = job.deadline - work.waited()
            finally:
                if not pour.done():
                    pour.cancel()
                    self._abandoned.add(pour)
                    pour.add_done_callback(self._forget)
            if pour.done():
                pour.result()
            else:
                job.timed_out()

    def _forget(self, pour: asyncio.Task[None]) -> None:
        """An abandoned pour has ended after all; what it raised came too late to matter to its stream."""
        self._abandoned.discard(pour)
        if not pour.cancelled():
            pour.exception()

    async def _leave(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Give what was cancelled its grace; what ignores even that is left behind."""
        waiting = {*tasks, *self._abandoned}
        if waiting:
            _, deaf = await asyncio.wait(waiting, timeout=GRACE)
            for task in deaf:
                task.cancel()


class _Work:
    """The time of one pour: what others hold up the loop for is not taken from its deadline."""

    def __init__(self, executor: Local) -> None:
        self._executor = executor
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._before = executor._busy
        self._own = 0.0

    async def run(self, job: Job) -> None:
        """Pour, and count how long it runs."""
        await stepped(_poured(job), self._clock, self._ran)

    def _ran(self, seconds: float) -> None:
        self._own += seconds
        self._executor._busy += seconds

    def waited(self) -> float:
        """Seconds since it began in which no other pour ran."""
        others = self._executor._busy - self._before - self._own
        return self._clock() - self._began - others


async def _poured(job: Job) -> None:
    await job.pour()


@hookimpl
def executors() -> Mapping[str, type]:
    """Offer `local`."""
    return {"local": Local}
