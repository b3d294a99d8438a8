"""Seconds that pipes leave while they are out, and what is done in them. It knows no pipe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from lisppump.delta import Delta
from lisppump.intake import Taking

T = TypeVar("T")
Work = Callable[[bool], Iterator[None] | None]  # told whether there is time for it, gives what can wait
SLICE = 0.001  # seconds for which work that can wait holds up the loop
FREED = 8  # pipes that are let go of at once
SOON = 0.05  # seconds: by then pipes have been asked, and models do not answer before


@dataclass(slots=True)
class Spare:
    """Seconds in which the loop did something else while pipes were out, and what can be done then.

    What thousands of pipes leave takes milliseconds to free: `left` keeps it until others are out, `last`
    until another frame is over as well, since others look at the last one until then. `out` are the replies
    of those that are out, by stream, for which something can be made ready.
    """

    seconds: float = 0.0
    left: list[Any] = field(default_factory=list)
    last: list[Any] = field(default_factory=list)
    out: dict[int, Taking] = field(default_factory=dict)

    def over(self, deltas: Iterable[Delta], *holders: object) -> None:
        """A frame is over that came to deltas, which others hold; those are let go of before them."""
        self.left += self.last
        self.last = [*deltas, *holders]

    def used(self) -> Iterator[None]:
        """Make ready what comes and free what is left, in small steps."""
        for number in [*self.out]:
            if (taking := self.out.pop(number, None)) is not None:
                taking.foresee()
                yield
        while self.left:
            del self.left[-FREED:]
            yield

    def clear(self) -> None:
        """No more frames come, and nobody is out."""
        self.left.clear()
        self.last.clear()
        self.out.clear()


async def meanwhile(pour: Awaitable[T], work: Work, spare: Spare) -> T:
    """Do some work while pipes are out, or else when they are back; its error is raised then.

    What it gives are steps that can wait: they are made while nobody else has anything to do. The time that
    all of it takes is added to what is `spare`: it is no pipe's.
    """
    loop, whole = asyncio.get_running_loop(), asyncio.current_task()
    works: list[asyncio.Task[None]] = []

    def begin() -> None:
        if whole is not None and whole.cancelling():
            return  # the run ends, and pipes only tidy up
        works.append(loop.create_task(_worked_off(work, spare)))
        works[0].add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, in any case

    timer = loop.call_later(SOON, begin)
    try:
        poured = await pour
    finally:
        timer.cancel()
        for task in works:
            task.cancel()
    if works and works[0].done():
        works[0].result()
    else:
        work(False)
    return poured


async def _worked_off(work: Work, spare: Spare) -> None:
    clock = asyncio.get_running_loop().time
    steps: Iterator[None] | None = None
    began = clock()
    try:
        steps = chain(spare.used(), work(True) or ())
    finally:
        spare.seconds += clock() - began
    while steps is not None:
        before = clock()
        await asyncio.sleep(0)
        if clock() - before > SLICE:
            await asyncio.sleep(SOON)  # answers come, so that there is something else to do
        began = clock()
        try:
            if all(clock() - began < SLICE for _ in steps):
                steps = None
        finally:
            spare.seconds += clock() - began
