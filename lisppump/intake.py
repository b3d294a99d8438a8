"""The records of replies that come in one turn of the loop are written together. It reads no reply.

Nobody waits longer than for that turn; what is written is what each reply would write by itself.
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


class Settling(Protocol):
    """A pipe that settles once its last reply is written."""

    def settle_as_due(self) -> None:
        """Its last reply is written."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A record to be written, who settles then, and who waits for it."""

    kind: str
    fields: Mapping[str, Any]
    settles: Settling | None
    waits: asyncio.Future[None] | None


class Intake:
    """Writes down the replies of one frame in the order they came."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._arrived: list[_Arrived] = []

    async def written(self, kind: str, fields: Mapping[str, Any], settles: Settling | None) -> None:
        """Return when a record is written; at once where its pipe `settles` then and has nothing else to do.

        The first of a turn writes for all, so that its own time counts as that of a pour, and raises what
        goes wrong; it ends last.
        """
        first = not self._arrived
        waits = None if first or settles is not None else asyncio.get_running_loop().create_future()
        self._arrived.append(_Arrived(kind, fields, settles, waits))
        if waits is not None:
            await waits
        elif first:
            try:
                await asyncio.sleep(0)
            except GeneratorExit:  # the loop is gone, and with it all who wait
                raise
            except BaseException:
                self._write()
                raise
            self._write()

    def _write(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            self._records.came([(one.kind, one.fields) for one in arrived])
            for one in arrived:
                if one.settles is not None:
                    one.settles.settle_as_due()
        except BaseException:
            for one in arrived:
                if one.waits is not None:
                    one.waits.cancel()  # the first of them tells why
            raise
        for one in arrived:
            if one.waits is not None and not one.waits.done():
                one.waits.set_result(None)
