"""The dam `by`: a function of pump.lisp says who shares a room. It only reads what the function gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Agent, Frame, FrameFunction, Stream
from lisppump.lispy.values import elements, is_list
from lisppump.stages import Option

declare("policy", 1, bad_rooms="The function of a dam gave something that is no list of rooms.")


class By:
    """Asks `function` with the agents, a list of dicts, and the number of streams.

    A room is a list of agents or ids, or a dict with `agents` and perhaps `name` and `topic`.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "function", "function", "(f agents n): a list of rooms, lists of agents or ids.",
            arity=2, positional=True,
        ),
    )  # fmt: skip

    def __init__(self, function: FrameFunction) -> None:
        self._function = function

    def assign(self, frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> list[Stream]:
        """The rooms the function gave, in its order."""
        rooms = self._function.on(frame, seed=("dam",))([agent.data for agent in agents], n)
        if not is_list(rooms):
            raise _wrong("it gave no list")
        return [_stream(number, room) for number, room in enumerate(elements(rooms), 1)]


def _stream(number: int, room: Any) -> Stream:
    members, name, topic = room, "", None
    if isinstance(room, dict):
        members, name, topic = room.get("agents"), room.get("name") or "", room.get("topic")
    if not (is_list(members) and isinstance(name, str) and (topic is None or isinstance(topic, str))):
        raise _wrong(f"room {number} is neither a list nor a dict with `agents` (and texts `name`, `topic`)")
    ids: list[Any] = [
        member.get("id") if isinstance(member, dict) else member for member in elements(members)
    ]
    if not all(isinstance(member, str) for member in ids):
        raise _wrong(f"room {number} holds something that is neither an agent nor an id")
    return Stream(number, tuple(ids), name, topic)


def _wrong(what: str) -> LisppumpError:
    return LisppumpError(
        "bad-rooms",
        f"the function of (dam (by ...)) should give a list of rooms, lists of agents or ids, but {what}",
        help="try (lambda (agents n) (list agents)), which puts everyone into one room",
    )


@hookimpl
def dams() -> Mapping[str, type]:
    """Offer `by`."""
    return {"by": By}
