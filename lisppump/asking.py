"""What a pipe asks: a request, with the text of its pass and the tools of its room. It asks nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump import prompt as prompts
from lisppump.calling import Request, Tool, unheard
from lisppump.frame import Agent, copied
from lisppump.leave import Leave
from lisppump.prompt import Prompt
from lisppump.tools import LispyEval

if TYPE_CHECKING:
    from lisppump.pour import Pipe


def request_of(pipe: Pipe, alias: str, leave: Leave | None) -> Request:
    """What one attempt asks in the pass that its pipe is in."""
    tick, turn = pipe.tick, pipe.turn
    policy, clause = tick.policy, tick.policy.pipe
    return Request(  # by place, which is quicker: a frame makes thousands
        tick.frame,
        pipe.stream,
        # Copies: a backend that changes what it was given changes it for nobody else.
        tuple([Agent(agent.id, copied(agent.data)) for agent in pipe.agents]),
        pipe.prompt if len(clause.passes) == 1 else _of_pass(pipe),
        policy.schema,
        turn,
        (policy.seed, tick.number, "pipe", turn),
        clause.deadline,
        policy.limits,
        copied(dict(pipe.heard)) if pipe.heard else {},
        pipe.repair,
        _tools(pipe, alias) if clause.tools else (),
        unheard if leave is None else leave.began,
    )


def _of_pass(pipe: Pipe) -> Prompt:
    policy = pipe.tick.policy
    return prompts.of_pass(pipe.prompt, pipe.turn, policy.pipe.passes, pipe.heard, policy.prompt.at_most)


def _tools(pipe: Pipe, alias: str) -> tuple[Tool, ...]:
    """The tools of a room, the same for all attempts of a pass, so that their uses are counted together."""
    tick = pipe.tick
    if not tick.backends[alias].uses_tools:
        return ()
    if pipe.tools is None or pipe.tools[0] != pipe.turn:

        def record(**fields: object) -> None:
            tick.ledger.tool(**pipe.place(pipe.asking or alias), **fields)

        seed = (tick.policy.seed, tick.number, pipe.stream.number, pipe.turn)
        used = LispyEval(
            tick.policy, tick.frame, pipe.stream.id, seed, tick.builtins, record, lambda: pipe.over
        )
        pipe.tools = (pipe.turn, (used,))
    return pipe.tools[1]
