"""Replies that come in one turn of the loop are taken in together: read, written by one write, settled.

Nobody waits longer than for that turn, and each reply comes to what it would come to by itself. It decides
nothing and reads nothing itself. A step that is taken with all of them at once takes half the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

TOGETHER = 32  # replies that a step is taken with at once: what they hold stays near the processor so


class Records(Protocol):
    """Where replies are written down."""

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Answers, each as the kind and the fields of its record."""


class Taking(Protocol):
    """A reply on its way in: its steps, each of which may raise what its pipe is to hear."""

    def foresee(self) -> None:
        """Make ready what can be said of it before it has come."""

    def read(self) -> None:
        """Hold it to its contract, and to the policy's schema."""

    def record(self) -> tuple[str, dict[str, Any]] | None:
        """What is to be written of it, and what its stream comes to; None where all is written already."""

    def settle(self) -> None:
        """It is written."""


class Intake:
    """Takes in the replies of one frame in the order they came.

    `out` are those that have not come, by stream, and that somebody may make ready who has time for it.
    """

    def __init__(self, records: Records, out: dict[int, Taking] | None = None) -> None:
        self.out = {} if out is None else out
        self._records = records
        self._arrived: list[Taking] = []
        self._waiting: dict[int, asyncio.Future[BaseException | None]] = {}  # by place among them

    def came(self, taking: Taking, *, waits: bool) -> Awaitable[None] | None:
        """What is to be awaited until a reply is taken in; None where nobody `waits` for what it comes to.

        The first of a turn does it for all, so that its time counts as that of a pour. It ends last, and
        raises what nobody else does.
        """
        self._arrived.append(taking)
        place = len(self._arrived) - 1
        if not place:
            return self._for_all()
        return self._waited_for(place) if waits else None

    async def _for_all(self) -> None:
        try:
            await asyncio.sleep(0)
        except GeneratorExit:  # the loop is gone, and with it all who wait
            raise
        except BaseException:
            self._take_all()
            raise
        self._take_all()

    async def _waited_for(self, place: int) -> None:
        waiter = self._waiting[place] = asyncio.get_running_loop().create_future()
        if (error := await waiter) is not None:
            raise error

    def _take_all(self) -> None:
        arrived, self._arrived = self._arrived, []
        waiting, self._waiting = self._waiting, {}
        errors: dict[int, BaseException] = {}
        done = 0
        try:
            while done < len(arrived):
                self._take(arrived[done : done + TOGETHER], done, errors)
                done += TOGETHER
        except (KeyboardInterrupt, SystemExit):
            for waiter in waiting.values():
                waiter.cancel()
            raise
        except BaseException as error:
            errors = {**dict.fromkeys(range(done, len(arrived)), error), **errors}
        for place, waiter in waiting.items():
            error_of_it = errors.pop(place, None)
            if not waiter.done():
                waiter.set_result(error_of_it)
        if errors:
            raise errors[min(errors)]

    def _take(self, arrived: list[Taking], first: int, errors: dict[int, BaseException]) -> None:
        """Take each step with all with which nothing went wrong; what does with one is its own pipe's."""
        for place, taking in enumerate(arrived, first):
            try:
                taking.read()
            except Exception as error:
                errors[place] = error
        entries: list[tuple[str, dict[str, Any]]] = []
        for place, taking in enumerate(arrived, first):
            try:
                entry = taking.record() if place not in errors else None
                if entry is not None:
                    entries.append(entry)
            except Exception as error:
                errors[place] = error
        if entries:
            self._records.came(entries)
        for place, taking in enumerate(arrived, first):
            try:
                if place not in errors:
                    taking.settle()
            except Exception as error:
                errors[place] = error
