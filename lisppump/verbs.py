"""What the verbs among the hooks do when no plugin answers first; plugins wrap them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from lisppump import plan as planning
from lisppump.blame import blamed
from lisppump.calling import Request, handed
from lisppump.clauses_parts import is_foreign
from lisppump.delta import Delta, Schema
from lisppump.frame import Agent, Frame
from lisppump.hookspecs import hookimpl
from lisppump.merge import Merged
from lisppump.policy import Policy
from lisppump.stages import Assignment, Thought, lent
from lisppump.stages import thoughts as check_thoughts

if TYPE_CHECKING:
    from lisppump.rig import Rig
    from lisppump.witness import Witness


class BuiltinVerbs:
    """The plugin that hands each verb to the stage that pump.lisp chose."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._lent: tuple[Frame, Frame] | None = None  # a frame, and its copy to hand out

    def who(self, hook: str, given: Mapping[str, Any]) -> str:
        """Who does the work of a verb, as a trace shows it."""
        policy: Policy = given["policy"]
        if hook == "pour":
            choice = dict(policy.pipe.backends)[given["alias"]]
        elif hook in ("assign", "merge"):
            choice = policy.dam if hook == "assign" else policy.merger
        else:
            names = [clause.stage.name for clause in policy.echoes] if hook == "echo" else []
            return " ".join(["lisppump", *(f"echo `{name}`" for name in names)])
        return f"{choice.kind} `{choice.name}` of {choice.offer.plugin}"

    @hookimpl(trylast=True)
    def select(self, policy: Policy, frame: Frame) -> tuple[Agent, ...]:
        """Wake whom the (agents ...) clause says."""
        return planning.select(policy, frame)

    @hookimpl(trylast=True)
    def assign(self, policy: Policy, frame: Frame, agents: Sequence[Agent]) -> Assignment:
        """Ask the dam."""
        return planning.assign(policy, frame, agents, self._rig.dam)

    @hookimpl(trylast=True)
    def pour(self, policy: Policy, request: Request, alias: str) -> Any:
        """Ask the backend; its errors are the pipe's business."""
        rig = self._rig
        if alias in rig.foreign:
            request = lent(request)
        elif alias in rig.given:
            request = handed(request, self._copy_of(request.frame))
        return rig.backends[alias].pour(request)

    def _copy_of(self, frame: Frame) -> Frame:
        if self._lent is None or self._lent[0] is not frame:
            self._lent = (frame, lent(frame))
        return self._lent[1]

    @hookimpl(trylast=True)
    def merge(self, policy: Policy, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        """Ask the merger."""
        with blamed("merger", policy.merger.name, policy.merger.offer.plugin, frame.number + 1):
            if is_foreign(policy.merger):
                frame, deltas = lent(frame), lent(tuple(deltas))
            return self._rig.merger.merge(frame, deltas, schema)

    @hookimpl(trylast=True)
    def echo(self, policy: Policy, frame: Frame, witness: Witness) -> tuple[Thought, ...]:
        """Ask every echo that is due at this frame, in the policy's order."""
        thoughts: list[Thought] = []
        for number, (clause, stage) in enumerate(zip(policy.echoes, self._rig.echoes, strict=True)):
            if witness.over():
                break
            if frame.number % clause.each == 0:
                name = clause.stage.name
                with blamed("echo", name, clause.stage.offer.plugin, frame.number, made=True):
                    seen = lent(frame) if is_foreign(clause.stage) else frame
                    more = {"witness": witness} if "witness" in signature(stage.think).parameters else {}
                    again = (frame.tock,) if frame.tock else ()  # other dice for other tocks
                    thought = stage.think(seen, (policy.seed, frame.number, "echo", *again, number), **more)
                    thoughts.extend(check_thoughts(thought, whose=f"echo `{name}`"))
        return tuple(thoughts)
