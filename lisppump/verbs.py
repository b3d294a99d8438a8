"""What the verbs among the hooks do when no plugin answers first; plugins wrap them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lisppump import plan as planning
from lisppump.blame import blamed
from lisppump.delta import Delta, Schema
from lisppump.frame import Agent, Frame
from lisppump.hookspecs import hookimpl
from lisppump.merge import Merged
from lisppump.policy import Policy
from lisppump.stages import Assignment, Request, Thought
from lisppump.stages import thought as check_thought

if TYPE_CHECKING:
    from lisppump.pump import Pump


class BuiltinVerbs:
    """The plugin that hands each verb to the stage that pump.lisp chose."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    @hookimpl(trylast=True)
    def select(self, policy: Policy, frame: Frame) -> tuple[Agent, ...]:
        """Wake whom the (agents ...) clause says."""
        return planning.select(policy, frame)

    @hookimpl(trylast=True)
    def assign(self, policy: Policy, frame: Frame, agents: Sequence[Agent]) -> Assignment:
        """Ask the dam."""
        with blamed("dam", policy.dam.name, policy.dam.offer.plugin, frame.number + 1):
            return planning.assign(policy, frame, agents, self._pump.dam)

    @hookimpl(trylast=True)
    def pour(self, policy: Policy, request: Request, alias: str) -> Any:
        """Ask the backend; its errors are the pipe's business."""
        return self._pump.backends[alias].pour(request)

    @hookimpl(trylast=True)
    def merge(self, policy: Policy, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        """Ask the merger."""
        with blamed("merger", policy.merger.name, policy.merger.offer.plugin, frame.number + 1):
            return self._pump.merger.merge(frame, deltas, schema)

    @hookimpl(trylast=True)
    def echo(self, policy: Policy, frame: Frame) -> tuple[Thought, ...]:
        """Ask every echo that is due at this frame, in the policy's order."""
        thoughts: list[Thought] = []
        for number, (clause, stage) in enumerate(zip(policy.echoes, self._pump.echoes, strict=True)):
            if frame.number % clause.each == 0:
                name = clause.stage.name
                with blamed("echo", name, clause.stage.offer.plugin, frame.number, made=True):
                    for entry in stage.think(frame, (policy.seed, frame.number, "echo", number)):
                        thoughts.append(check_thought(entry, whose=f"echo `{name}`"))
        return tuple(thoughts)
