"""The dam `round-robin`: agents are dealt in turn, like cards. It looks at nobody."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar

from lisppump import hookimpl
from lisppump.frame import Agent, Frame
from lisppump.stages import Option

from .grouping import rooms_for


class RoundRobin:
    """Deals agents over the rooms in their order, beginning with another one each frame."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("room-size", "value", "Most agents in a room; 0 for no maximum.", default=0),
    )

    def __init__(self, room_size: int = 0) -> None:
        self._room_size = room_size

    def assign(self, frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> list[tuple[str, ...]]:
        """Rooms of ids whose sizes are within one of each other."""
        if not agents:
            return []
        rooms = rooms_for(len(agents), n, self._room_size)
        start = random.Random(seed).randrange(len(agents))
        dealt = [agent.id for agent in (*agents[start:], *agents[:start])]
        return [tuple(dealt[room::rooms]) for room in range(rooms)]


@hookimpl
def dams() -> Mapping[str, type]:
    """Offer `round-robin`."""
    return {"round-robin": RoundRobin}
