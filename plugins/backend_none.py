"""The backend `none`: nothing happens in the room. It makes nothing up, and stands last in a `(pipe ...)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lisppump import hookimpl
from lisppump.calling import Reply, Request
from lisppump.stages import Option


class NoBackend:
    """Answers every room with an empty delta and says so."""

    options: ClassVar[tuple[Option, ...]] = ()
    last_resort: ClassVar[bool] = True

    async def pour(self, request: Request) -> Reply:
        """An empty reply."""
        return Reply(data={}, reason="no backend: the agents of this room do nothing")


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `none`."""
    return {"none": NoBackend}
