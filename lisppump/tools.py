"""What models may use while they think: `lispy_eval`, a program over the frame. It changes nothing.

Each use is journalled before the model hears of it. When a frame is made again its replies come from the
journal, and no tool runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump.frame import Frame
from lisppump.policy import Policy
from lisppump.prompt import cut
from lisppump.workers.rule import NONE

if TYPE_CHECKING:
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.runtime import Result

MOST_CALLS = 5  # of tools, in one pass of a room
MOST_TOKENS = 1000  # of what one call tells a model

Record = Callable[..., None]


@dataclass(slots=True)
class LispyEval:
    """Runs a LisPy program over the frame that a room reads, in a sandbox with the limits of an echo.

    `record` writes a use down; None from `over` means that the room may still use it.
    """

    policy: Policy
    frame: Frame
    room: str
    seed: tuple[Any, ...]
    builtins: Mapping[str, BuiltinSpec]
    record: Record
    over: Callable[[], bool]
    calls: int = 0
    name: str = field(default="lispy_eval", init=False)
    doc: str = field(
        default="Run a program in LisPy, a small Lisp like Scheme, over the state of the world, and read "
        "what it comes to. `frame` is the world as a dict of documents: (get frame \"agents.json\"). It "
        f"changes nothing, and may be used {MOST_CALLS} times.",
        init=False,
    )
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {
            "type": "object",
            "properties": {"source": {"type": "string", "description": "the program"}},
            "required": ["source"],
            "additionalProperties": False,
        },
        init=False,
    )

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """What the program came to, as JSON; or what was wrong with it."""
        if self.over():
            return "The time of this room is over."
        self.calls += 1
        number, source = self.calls, arguments.get("source") if isinstance(arguments, Mapping) else None
        usage: dict[str, int] = {}
        if number > MOST_CALLS:
            told = f"lispy_eval may be used {MOST_CALLS} times here, and was."
        elif not isinstance(source, str) or not source.strip():
            told = 'lispy_eval wants {"source": "a LisPy program"}.'
        else:
            result = await self._run(source, number)
            told, usage = _said(result), dict(result.usage)
        if self.over():
            return "The time of this room is over."
        given = cut(source, MOST_TOKENS) if isinstance(source, str) else None
        self.record(call=number, tool=self.name, source=_clean(given), told=told, usage=usage)
        return told

    async def _run(self, source: str, number: int) -> Result:
        from lisppump.workers.pool import evaluate
        from lisppump.workers.program import Program

        policy, frame = self.policy, self.frame
        deadline = policy.pipe.deadline
        program = Program(
            source,
            self.room,
            f"program of {self.room}",
            frozenset({"state"}),
            replace(policy.limits, seconds=min(deadline, policy.limits.seconds or deadline)),
            (*self.seed, "tool", number),
            frame.time,
        )
        place = (policy.agents.document, tuple(policy.agents.path))

        def run() -> Result:
            return evaluate(
                program, frame, isolation=policy.isolation, place=place, builtins=self.builtins
            )

        # A worker is waited for in a thread; what runs here runs as all else here does.
        return run() if policy.isolation.where == NONE else await asyncio.to_thread(run)


def _said(result: Result) -> str:
    """What a model reads of a result."""
    if result.error is not None:
        told: dict[str, Any] = {"error": result.error.message, "code": result.error.code}
        if result.error.help:
            told["help"] = result.error.help
    else:
        told = {"value": result.value}
    if result.output:
        told["printed"] = result.output
    return cut(canon.canonical(told).decode(), MOST_TOKENS)


def _clean(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
