"""The executor `local`: the pipes of a frame side by side in one event loop. It reads no reply."""

from __future__ import annotations

import asyncio
import contextvars
import types
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from types import CoroutineType
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.clock import DROPPED
from lisppump.stages import Job, Option

SOON = 0.01  # seconds after which a job that is kept from asking is looked at again, at the earliest
GRACE = 1.0  # seconds that pours which were cancelled get to tidy up, all together


class Local:
    """Runs jobs as tasks: one that fails or hangs delays no other; deadlines begin with their jobs."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("at-most", "value", "Most pipes that run at once; 0 for all.", default=0),
    )

    def __init__(self, at_most: int = 0) -> None:
        self._at_most = at_most
        self._abandoned: set[asyncio.Task[None]] = set()

    async def run(self, jobs: Sequence[Job]) -> None:
        """Return when every job has ended or was told that its time is over.

        An error that a pour let through is raised when all have ended, that of the lowest stream first.
        """
        tick = _Tick(jobs, self._at_most or len(jobs), self._abandon)
        try:
            await tick.over()
        except asyncio.CancelledError:
            await self._leave(tick.cancel())
            raise
        await self._leave(())
        tick.raise_first()

    def _abandon(self, pour: asyncio.Task[None]) -> None:
        """Go on without a pour; what it raises yet comes too late to matter to its stream."""
        self._abandoned.add(pour)
        pour.add_done_callback(self._forget)
        pour.cancel()

    def _forget(self, pour: asyncio.Task[None]) -> None:
        self._abandoned.discard(pour)
        if not pour.cancelled():
            pour.exception()

    async def _leave(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Give what was cancelled its grace; what ignores even that is left behind."""
        waiting = {*tasks, *self._abandoned}
        if waiting:
            _, deaf = await asyncio.wait(waiting, timeout=GRACE)
            for task in deaf:
                task.cancel(DROPPED)


class _Tick:
    """The jobs of one frame: tasks that serve them, and one timer for the nearest of their deadlines.

    A pour that waits has a task for itself; those that end at their first step share one, each in a context
    of its own, since making a task costs more than many a pour.
    """

    def __init__(
        self, jobs: Sequence[Job], most: int, abandon: Callable[[asyncio.Task[None]], None]
    ) -> None:
        self.busy = 0.0  # seconds in which any pour has run
        self.clock = asyncio.get_running_loop().time
        self._loop = asyncio.get_running_loop()
        self._jobs = jobs
        self._next = 0  # of the jobs, which may be made only when they are looked at
        self._end = len(jobs)
        self._running: dict[asyncio.Task[None], _Work] = {}
        self._coming = 0  # tasks that will serve, and have not begun
        self._most = most
        self._abandon = abandon
        self._errors: dict[int, BaseException] = {}
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when that rings

    async def over(self) -> None:
        """Wait until every job has ended or its time is over."""
        self.go_on()
        try:
            await self._over
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def cancel(self) -> Sequence[asyncio.Task[None]]:
        """Start nothing more and cancel what runs, which is given."""
        self._end = self._next
        for task in self._running:
            task.cancel()
        return tuple(self._running)

    def raise_first(self) -> None:
        """Raise what the job of the lowest place let through, if any did."""
        if self._errors:
            raise self._errors[min(self._errors)]

    def go_on(self) -> None:
        """Have tasks come for the jobs that wait, one more than there run, as far as so many may."""
        if self._next < self._end:
            free = min(self._end - self._next, self._most - len(self._running), len(self._running) + 2)
            while self._coming < free:
                self._coming += 1
                self._loop.create_task(self._serve())
        elif not self._running and not self._over.done():
            self._over.set_result(None)

    async def _serve(self) -> None:
        """Take one job after the other, up to the first that waits for something."""
        self._coming -= 1
        task = asyncio.current_task()
        assert task is not None
        while self._next < self._end and len(self._running) < self._most and not task.cancelling():
            place = self._next
            self._next += 1
            try:
                job = self._jobs[place]
            except Exception as error_of_it:
                self._errors[place] = error_of_it
                continue
            began = self.clock()
            work = self._running[task] = _Work(self, place, job, began)
            self._look_at(began + job.deadline)
            error: BaseException | None = None
            try:
                await work.run()
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as raised:
                error = raised
            if self._running.pop(task, None) is not None and error is not None:
                self._errors[place] = error
            if work.waits:
                break
        self.go_on()

    def _watch(self) -> None:
        """Tell those whose time is over, and look again when that of the next will be."""
        self._timer = None
        left = {task: work.job.deadline - work.waited() for task, work in self._running.items()}
        for task in [task for task, seconds in left.items() if seconds < 0 and not task.done()]:
            work = self._running.pop(task)
            self._abandon(task)
            try:
                work.job.timed_out()
            except Exception as error:
                self._errors[work.place] = error
        if self._running:
            self._look_at(self.clock() + max(SOON, min(left[task] for task in self._running)))
        self.go_on()

    def _look_at(self, due: float) -> None:
        """Have `_watch` called at that time, unless it will be earlier."""
        if self._timer is None or due < self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._due = self._loop.call_at(due, self._watch), due


class _Work:
    """The time of one pour: what others hold up the loop for is not taken from its deadline."""

    __slots__ = ("_before", "_began", "_own", "_tick", "job", "place", "waits")

    def __init__(self, tick: _Tick, place: int, job: Job, began: float) -> None:
        self.place = place
        self.job = job
        self.waits = False  # it has waited for something, at some time
        self._tick = tick
        self._began = began
        self._before = tick.busy
        self._own = 0.0

    @types.coroutine
    def run(self) -> Generator[Any, Any, None]:
        """Pour step by step, in a context of its own, and count how long it runs."""
        tick, clock, inside = self._tick, self._tick.clock, contextvars.copy_context().run
        began = self._began
        poured: Any = inside(self.job.pour)
        work = poured if poured.__class__ is CoroutineType else _awaited(poured)
        step, said = work.send, None
        while True:
            try:
                waits_for = inside(step, said)
            except StopIteration:
                return
            finally:
                took = clock() - began
                self._own += took
                tick.busy += took
            if not self.waits:
                self.waits = True
                tick.go_on()
            try:
                step, said = work.send, (yield waits_for)
            except BaseException as error:
                step, said = work.throw, error
            began = clock()

    def waited(self) -> float:
        """Seconds since it began in which no other pour ran, and nobody kept it from asking.

        What was both at once counts twice, in its favour.
        """
        others = self._tick.busy - self._before - self._own
        return self._tick.clock() - self._began - others - self.job.held()


async def _awaited(poured: Awaitable[None]) -> None:
    await poured


@hookimpl
def executors() -> Mapping[str, type]:
    """Offer `local`."""
    return {"local": Local}
