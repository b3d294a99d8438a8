"""What a pipe asks: a request, with the text of its pass and the tools of its room. It asks nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lisppump import prompt as prompts
from lisppump.calling import Request, Tool, unheard
from lisppump.frame import Agent, copied
from lisppump.leave import Leave
from lisppump.prompt import Prompt
from lisppump.tick import Tick
from lisppump.tools import LispyEval

if TYPE_CHECKING:
    from lisppump.pour import Pipe


def request_of(pipe: Pipe, alias: str, leave: Leave | None) -> Request:
    """What one attempt asks in the pass that its pipe is in."""
    tick, turn = pipe.tick, pipe.turn
    shared = tick.shared.get(turn)
    if shared is None:
        shared = tick.shared[turn] = _shared(tick, turn)
    fields, clause = shared.copy(), tick.policy.pipe
    fields["stream"] = pipe.stream
    # Copies: a backend that changes what it was given changes it for nobody else.
    fields["agents"] = tuple([Agent(agent.id, copied(agent.data)) for agent in pipe.agents])
    fields["prompt"] = pipe.prompt if len(clause.passes) == 1 else _of_pass(pipe)
    fields["heard"] = copied(dict(pipe.heard)) if pipe.heard else {}
    if pipe.repair is not None:
        fields["repair"] = pipe.repair
    if clause.tools:
        fields["tools"] = _tools(pipe, alias)
    if leave is not None:
        fields["began"] = leave.began
    return Request.having(fields)


def _shared(tick: Tick, turn: str) -> dict[str, Any]:
    """The fields of a request that are the same for all pipes in a pass, and places for the others."""
    policy = tick.policy
    return {
        "frame": tick.frame, "stream": None, "agents": (), "prompt": None, "schema": policy.schema,
        "turn": turn, "seed": (policy.seed, tick.number, "pipe", turn), "deadline": policy.pipe.deadline,
        "limits": policy.limits, "heard": None, "repair": None, "tools": (), "began": unheard,
    }  # fmt: skip


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
