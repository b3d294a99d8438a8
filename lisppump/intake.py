"""Replies that come in one turn of the loop are taken in together: read, written by one write, settled.

Nobody waits longer than for that turn, and each reply comes to what it would come to by itself. It decides
nothing and reads nothing itself. A step that is taken with all of them at once takes half the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Records(Protocol):
    """Where replies are written down."""

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Answers, each as the kind and the fields of its record."""


class Taking(Protocol):
    """A reply on its way in: its steps, each of which may raise what its pipe is to hear."""

    def read(self) -> None:
        """Hold it to its contract, and to the policy's schema."""

    def record(self) -> tuple[str, dict[str, Any]] | None:
        """What is to be written of it, and what its stream comes to; None where all is written already."""

    def settle(self) -> None:
        """It is written."""


@dataclass(slots=True)
class _Arrived:
    """One reply, who waits for it, and what went wrong."""

    taking: Taking
    waits: asyncio.Future[None] | None
    error: BaseException | None = None


class Intake:
    """Takes in the replies of one frame in the order they came."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._arrived: list[_Arrived] = []

    async def taken(self, taking: Taking, *, waits: bool) -> None:
        """Return when a reply is taken in; at once where nobody `waits` for what it comes to.

        The first of a turn does it for all, so that its time counts as that of a pour. It ends last, and
        raises what nobody else does.
        """
        first = not self._arrived
        mine = _Arrived(taking, asyncio.get_running_loop().create_future() if waits and not first else None)
        self._arrived.append(mine)
        if first:
            try:
                await asyncio.sleep(0)
            except GeneratorExit:  # the loop is gone, and with it all who wait
                raise
            except BaseException:
                self._take_all()
                raise
            self._take_all()
        elif mine.waits is not None:
            await mine.waits
            if mine.error is not None:
                raise mine.error

    def _take_all(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            self._take(arrived)
        except (KeyboardInterrupt, SystemExit):
            for one in arrived:
                if one.waits is not None:
                    one.waits.cancel()
            raise
        except BaseException as error:
            for one in arrived:
                one.error = one.error or error
        for one in arrived:
            if one.waits is not None and not one.waits.done():
                one.waits.set_result(None)
        for one in arrived:
            if one.waits is None and one.error is not None:
                raise one.error

    def _take(self, arrived: list[_Arrived]) -> None:
        """Take each step with all with which nothing went wrong; what does with one is its own pipe's."""
        entries: list[tuple[str, dict[str, Any]]] = []
        for one in arrived:
            try:
                one.taking.read()
            except Exception as error:
                one.error = error
        for one in arrived:
            try:
                entry = one.taking.record() if one.error is None else None
                if entry is not None:
                    entries.append(entry)
            except Exception as error:
                one.error = error
        if entries:
            self._records.came(entries)
        for one in arrived:
            try:
                if one.error is None:
                    one.taking.settle()
            except Exception as error:
                one.error = error
