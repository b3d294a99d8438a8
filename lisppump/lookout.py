"""The looking half of the pump: head, plan, status, earlier frames made again. It changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lisppump import canon
from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump.advice import Complaints
from lisppump.budget import Budget
from lisppump.errors import LisppumpError, declare, legible
from lisppump.frame import Agent, Frame
from lisppump.line_moves import place
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.report import Plan, Quarantine, Relived, Replayed, Shown, Status
from lisppump.reservoir import Store
from lisppump.rig import Rig
from lisppump.stages import Assignment, Backend
from lisppump.steering import by_whom

if TYPE_CHECKING:
    from lisppump.telling_diff import Diff
    from lisppump.telling_why import Why

declare("state", 1, no_state="The state is empty and the policy says nothing about frame 0.")


def numbered(frame: Any) -> int:
    """The number of a frame, held to be one; an error that says what is wanted."""
    if isinstance(frame, bool) or not isinstance(frame, int):
        raise LisppumpError(
            "no-such-frame",
            f"a frame is named by its number here, such as 3, but got {legible(repr(frame))}",
            help="`HEAD~` is a word of the command line: `pump.head.number - 1` is the same",
        )
    return frame


class Lookout:
    """One simulation, to look at: its policy, its store, and all that can be said of them without a write."""

    def __init__(
        self,
        root: Path,
        policy: Policy,
        store: Store,
        registry: Registry,
        *,
        overrides: Mapping[str, Any],
        backends: Mapping[str, Backend],
        clock: clocks.Clock,
    ) -> None:
        self.root = root
        self.store = store
        self.registry = registry
        self.overrides = dict(overrides)
        self.clock = clock
        self.budget = Budget(policy.budget)
        self.stale: str | None = None
        self.barred: LisppumpError | None = None  # why it may only be looked at
        self.remains = False  # of its policy only what needs no plugin is there
        self._given = dict(backends)
        self._earlier: tuple[tuple[str, str, bool], Rig] | None = None  # the last that an older intent wanted
        self._complaints = Complaints()
        registry.ears.complain = self._complaints.say
        self.rig = self._rig(policy)

    def _rig(self, policy: Policy) -> Rig:
        return Rig(policy, self.registry, self._given, self._complaints)

    async def _let_go(self) -> None:
        """Have closed what the backends hold open, at the end of a run."""
        await self.rig.close()
        if self._earlier is not None:
            await self._earlier[1].close()

    @property
    def policy(self) -> Policy:
        """What pump.lisp means now: the last that could be read."""
        return self.rig.policy

    @property
    def head(self) -> Frame:
        """The newest frame; before the first run that is frame 0, not yet written."""
        return self.store.head or self.store.preview(self._documents(), time=self._time_of(0, None))

    def frame(self, number: int) -> Frame:
        """Any committed frame, rebuilt from the journal."""
        return self.store.frame(numbered(number))

    def as_of(self, number: int, record: int) -> Lookout:
        """The world as it was at `number@record`, to look at alone; that may be off the line."""
        found = copy.copy(self)
        found.store = cast("Store", self.store.as_of(place(self.store, number, record)))
        return found

    def plan(self) -> Plan:
        """What the next frame would do; no call, no write."""
        with self._complaints.of_one_frame():
            plan = self._prepare(self.head)[0]
            notes = [*plan.notes, *self._complaints.told()]
        edits = self.store.pending_edits()
        if edits:
            changed = [f"{name} (changed {by_whom(name)})" for name in edits]
            notes.append(f"not in this plan yet: {', '.join(changed)}")
        from lisppump import costs, spending

        prices, passes = spending.prices_of(self.policy, self.rig.terms), len(self.policy.pipe.passes)
        at_most = costs.at_most(self.rig.terms, prices, plan.prompts, passes)
        each = costs.each(self.rig.terms, prices, plan.prompts, passes)
        notes += [*costs.unsaid(self.rig.terms), *costs.notes(each)]
        notes += spending.objections(self, prices, plan)
        return replace(plan, at_most=at_most, costs=each, notes=tuple(notes))

    def _prepare(self, head: Frame) -> tuple[Plan, dict[str, Agent]]:
        """The plan, and the agents that wake, by id."""
        self._may_run()
        hooks = self.rig.hooks
        agents = planning.awake(self.policy, head, hooks.select(policy=self.policy, frame=head))
        assignment: Assignment = hooks.assign(policy=self.policy, frame=head, agents=agents)
        by_id = {agent.id: agent for agent in agents}
        prompts = planning.prompts(self.policy, head, assignment.streams, by_id)
        plan = Plan(
            frame=head.number + 1,
            digest=head.digest,
            time=self._time_of(head.number + 1, head),
            wake=tuple([agent.id for agent in agents]),
            streams=assignment.streams,
            backends=tuple(alias for alias, _ in self.policy.pipe.backends),
            prompts=prompts,
            at_most={},
            overrides=self.overrides,
            notes=(*assignment.notes, *planning.unheard(self.policy, head)),
        )
        return plan, by_id

    def status(self) -> Status:
        """Where the world stands, as far as the journal and the files say."""
        from lisppump.status import status_of

        return status_of(self)

    def show(self, number: int) -> Shown:
        """One committed frame: what was intended, what came, what changed."""
        from lisppump.status import shown

        return shown(self, numbered(number))

    def diff(
        self,
        first: int,
        last: int | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        document: str | None = None,
        agent: str | None = None,
    ) -> Diff:
        """How the frame `last`, or the newest, differs from `first`: by document, and by agent.

        With `since` the first is `first@since`, with `until` the last is `last@until`, on the line or off it.
        """
        from lisppump.telling_diff import diff

        last = self.head.number if last is None else last
        first, last = numbered(first), numbered(last)
        return diff(self, first, last, since=since, until=until, document=document, agent=agent)

    def why(self, agent: str, number: int | None = None, *, prompt: bool = False) -> Why:
        """Why the world is as it is for an agent in a frame, or the newest; `prompt` makes that again."""
        from lisppump.telling_why import why

        return why(self, agent, None if number is None else numbered(number), prompt=prompt)

    def acting(self) -> list[dict[str, Any]]:
        """The plugins that have a say in a frame, as its intent records them."""
        return planning.plugins(self.policy, self.registry.under(*self.policy.plugins.switches))

    @property
    def quarantine(self) -> Quarantine:
        """Every item that did not pass and is still there, with its id, frame and reason."""
        from lisppump.quarantine import entries_of

        return entries_of(self)

    def replay(self, first: int | None = None, last: int | None = None) -> Replayed:
        """Make frames again from what was recorded, nobody asked, and compare them with what they were."""
        from lisppump.replay import replay

        wanted = [None if number is None else numbered(number) for number in (first, last)]
        return replay(self, *wanted)

    def replay_live(self, number: int) -> Relived:
        """Ask the backends for a committed frame once more, and commit nothing of it."""
        from lisppump.replay import replay_live

        return replay_live(self, numbered(number))

    def rig_of(self, intent: Mapping[str, Any], *, recorded: bool = False) -> Rig:
        """What the frame of an intent is made with: the policy as it was then.

        Where all that it needs is `recorded`, it asks nobody, and backends may be gone.
        """
        if intent["policy"] == self.policy.digest and intent["overrides"] == self.overrides:
            return self.rig
        key = (intent["policy"], canon.digest(intent["overrides"]), recorded)
        if self._earlier is not None and self._earlier[0] == key:
            return self._earlier[1]
        bundle = canon.loads(self.store.read_blob(intent["bundle"]), "the policy of the frame")
        policy = Policy.from_bundle(
            bundle,
            path=self.policy.path,
            registry=self.registry,
            overrides=intent["overrides"],
            recorded=recorded,
        )
        self._earlier = key, self._rig(policy)
        return self._earlier[1]

    def _may_run(self) -> None:
        if self.barred is not None:
            raise self.barred

    def _documents(self) -> dict[str, Any]:
        """Frame 0: what lies in the state folder, or what the policy's genesis makes."""
        view = self.store.view
        names = view.names()
        if names:
            return {name: view.read(name) for name in names}
        made = planning.genesis(self.policy)
        if made is None:
            raise LisppumpError(
                "no-state",
                f"the state folder `{self.policy.state.folder}` is empty",
                help="put documents into it, or let (genesis FUNCTION) in pump.lisp make them",
            )
        return made

    def _time_of(self, number: int, head: Frame | None) -> str:
        """The one time of a frame: simulated, or the machine's and later than the last."""
        policy = self.policy
        if policy.clock.kind == "wall":
            now = clocks.stamp(self.clock.now())
            return now if head is None else max(now, clocks.later(head.time, microseconds=1))
        return clocks.later(policy.clock.start, seconds=number * policy.clock.step)

