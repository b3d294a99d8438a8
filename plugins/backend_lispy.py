"""The backend `lispy`: agents are LisPy programs. No model, no network, nothing but what they give."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.delta import Usage
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, FrameFunction
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.values import is_nil
from lisppump.stages import Option

from .programs import programs_of, run_program

Items = dict[str, list[Any]]


class Lispy:
    """Asks `program` for each agent of a room in turn; without it, the agent's own in `programs.json`.

    A program gives a dict of collections, each a list of items, or nil. The function gets the agent and the
    room, in which `heard` is what earlier members and passes produced; an agent's own program finds them as
    `self` and `room`. Agents' own programs run in the pump's process here, whatever `(isolate ...)` says:
    only those of the echo `agents-programs` run apart.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "program", "function", "(f agent room): a dict of collections; absent, each agent's own program.",
            default=None, arity=2,
        ),
        Option("builtins", "builtins", "What plugins add to the language.", default=MappingProxyType({})),
    )  # fmt: skip

    def __init__(
        self,
        program: FrameFunction | None = None,
        builtins: Mapping[str, BuiltinSpec] = MappingProxyType({}),
    ) -> None:
        self._program = program
        self._builtins = builtins

    async def pour(self, request: Request) -> Reply:
        """What all agents of the room produced; `partial` when some of their programs failed."""
        own = {} if self._program is not None else programs_of(request.frame)
        produced: Items = {}
        failures: list[str] = []
        ends = time.monotonic() + request.deadline
        steps = asked = 0
        for agent in request.agents:
            await asyncio.sleep(0)  # a deadline can end a room between two agents
            if self._program is None and agent.id not in own:
                continue
            asked += 1
            try:
                left = max(0.0, ends - time.monotonic())  # a program holds the loop: it must end by itself
                value, used = self._ask(request, agent, own.get(agent.id), produced, left)
                steps += used
                for name, items in _collections(value).items():
                    produced.setdefault(name, []).extend(items)
            except LisppumpError as error:
                place = f" ({error.span.file}:{error.span.line}:{error.span.column})" if error.span else ""
                failures.append(f"the program of {agent.id} failed: {error.message}{place}")
        reason = "; ".join(failures) or None
        if failures and len(failures) == asked:
            raise BackendError(Failure.INVALID, str(reason))
        return Reply(
            data=produced,
            usage=Usage(steps=steps),
            stop="partial" if failures else "end",
            reason=reason,
        )

    def _ask(
        self, request: Request, agent: Agent, source: str | None, produced: Items, seconds: float
    ) -> tuple[Any, int]:
        """What one agent's program gave, as JSON data, and the steps it took as far as they are known."""
        room = _room(request, produced)
        if self._program is not None:
            from lisppump.lispy import to_json

            program = self._program.on(request.frame, seed=(*request.seed, agent.id), seconds=seconds)
            return to_json(program(agent.data, room)), 0
        result = run_program(
            request.frame,
            agent.id,
            source or "",
            allow=("state",),
            limits=replace(request.limits, seconds=min(seconds, request.limits.seconds or seconds)),
            seed=request.seed,
            defined={"self": agent.data, "room": room},
            builtins=self._builtins,
        )
        if result.error is not None:
            raise result.error
        return result.value, int(result.usage["steps"])


def _room(request: Request, produced: Items) -> dict[str, Any]:
    """The room as a LisPy dict, made anew for each agent, since LisPy values never change."""
    heard = {name: list(items) for name, items in request.heard.items()}
    for name, items in produced.items():
        heard[name] = [*heard.get(name, []), *items]
    return {
        "stream": request.stream.number,
        "name": request.stream.name,
        "topic": request.stream.topic,
        "turn": request.turn,
        "agents": [agent.data for agent in request.agents],
        "heard": heard,
    }


def _collections(value: Any) -> Items:
    """What a program gave, held to its shape."""
    if is_nil(value):
        return {}
    if isinstance(value, dict):
        found = {str(name): [] if items is None else items for name, items in value.items()}
        if all(isinstance(items, list) for items in found.values()):
            return found
    raise LisppumpError("bad-value", "it should give a dict of collections, each a list of items, or nil")


@hookimpl
def backends() -> Mapping[str, type]:
    """Offer `lispy`."""
    return {"lispy": Lispy}
