"""The backend `replay`: gives recorded answers again, in their order. It asks nobody and makes nothing up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.stages import Option


class Replay:
    """Holds what was recorded for each stream, by its number: replies, and the failures between them."""

    options: ClassVar[tuple[Option, ...]] = ()

    def __init__(self, recorded: Mapping[int, Sequence[Reply | BackendError]] | None = None) -> None:
        self._left = {stream: list(entries) for stream, entries in (recorded or {}).items()}

    async def pour(self, request: Request) -> Reply:
        """The next recorded answer of the stream."""
        left = self._left.get(request.stream.number)
        if not left:
            reason = f"nothing more is recorded for {request.stream.id}"
            raise BackendError(Failure.UNAVAILABLE, reason)
        entry = left.pop(0)
        if isinstance(entry, BackendError):
            raise entry
        return entry


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `replay`."""
    return {"replay": Replay}
