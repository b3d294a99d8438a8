"""The dam `affinity`: agents share a room with those they gain most from. It only reads the frame."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Agent, Frame, FrameFunction
from lisppump.stages import Option

from .grouping import Members, even_sizes, group, rooms_for

LARGEST = 1e12  # beyond it sums of scores lose the digits that decide

declare(
    "policy", 1, bad_score="A score or diversity function of a dam gave something that is no usable number."
)

Function = FrameFunction | Callable[..., Any]


class Affinity:
    """Groups agents by a score of pairs, in rooms whose sizes are within one of each other.

    There are as many rooms as asked for, more where `room_size` would be exceeded, at most one an agent.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("score", "function", "What two agents, given as dicts, gain from sharing a room.", arity=2),
        Option("room-size", "value", "Most agents in a room; 0 for no maximum.", default=0),
        Option("never-twice", "value", "For how many frames no room meets again.", default=0),
        Option(
            "diversity", "function", "What a room, a list of agents, is worth besides.", default=None, arity=1
        ),
    )

    def __init__(
        self,
        score: Function,
        room_size: int = 0,
        never_twice: int = 0,
        diversity: Function | None = None,
    ) -> None:
        self._score = score
        self._room_size = room_size
        self._never_twice = never_twice
        self._diversity = diversity

    def assign(self, frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> list[tuple[str, ...]]:
        """Rooms of ids; members and rooms stand in the order of `agents`."""
        if not agents:
            return []
        rooms = rooms_for(len(agents), n, self._room_size)
        found = group(
            self._matrix(frame, agents),
            even_sizes(len(agents), rooms),
            random.Random(seed),
            forbidden=self._forbidden(frame, agents),
            bonus=self._bonus(frame, agents),
        )
        return [tuple(agents[index].id for index in room) for room in found]

    def _matrix(self, frame: Frame, agents: Sequence[Agent]) -> list[list[float]]:
        """The score of every pair, asked once, the smaller id first: the order of waking decides nothing."""
        score = bound(self._score, frame)
        matrix = [[0.0] * len(agents) for _ in agents]
        order = sorted(range(len(agents)), key=lambda index: agents[index].id)
        for place, i in enumerate(order):
            first = agents[i]
            for j in order[place + 1 :]:
                value = number(score(first.data, agents[j].data), "score", first.id, agents[j].id)
                matrix[i][j] = matrix[j][i] = value
        return matrix

    def _forbidden(self, frame: Frame, agents: Sequence[Agent]) -> set[Members]:
        """The rooms of the last frames whose members are all awake now."""
        if self._never_twice <= 0:
            return set()
        place = {agent.id: index for index, agent in enumerate(agents)}
        return {
            frozenset(place[member] for member in room)
            for past, rooms in frame.rooms
            if past > frame.number - self._never_twice
            for room in rooms
            if len(room) > 1 and all(member in place for member in room)
        }

    def _bonus(self, frame: Frame, agents: Sequence[Agent]) -> Callable[[Members], float] | None:
        if self._diversity is None:
            return None
        diversity = bound(self._diversity, frame)

        def bonus(members: Members) -> float:
            room = [agents[index] for index in sorted(members)]
            return number(
                diversity([agent.data for agent in room]), "diversity", *(agent.id for agent in room)
            )

        return bonus


def bound(function: Function, frame: Frame) -> Callable[..., Any]:
    """A function of pump.lisp bound to the frame; a plain Python one as it is."""
    on = getattr(function, "on", None)
    return function if on is None else on(frame, seed=("dam",))  # type: ignore[return-value]


def number(value: Any, what: str, *who: str) -> float:
    """What a function said, if the dam can reckon with it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise LisppumpError(
            "bad-score",
            f"(dam (affinity ({what} ...))) should give a number for {' and '.join(who)}, "
            f"between -1e12 and 1e12; it gave something else",
            help=f"return a number from the {what} function in every case, 0 where there is nothing to say",
        )
    return float(value)


@hookimpl
def dams() -> Mapping[str, type]:
    """Offer `affinity`."""
    return {"affinity": Affinity}
