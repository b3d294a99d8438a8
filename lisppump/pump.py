"""The frame loop: select, assign, pour, merge, commit, echo, next frame. It knows no stage and no world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lisppump import canon
from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump.advice import Complaints
from lisppump.budget import Breaker, Budget, Stopped
from lisppump.delta import Delta
from lisppump.errors import LisppumpError, declare
from lisppump.folder import find_root
from lisppump.frame import Agent, Frame, Stream, copied
from lisppump.importing import import_deltas, settle_import
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.report import Event, FrameReport, Imported, Plan, Quarantine, Shown, Status, count_of, totals
from lisppump.reservoir import Store
from lisppump.rig import Rig
from lisppump.stages import Assignment, Backend, Thought
from lisppump.turn import Recorded, Turn, recorded, think

declare("state", 1, no_state="The state is empty and the policy says nothing about frame 0.")
declare("state", 5, not_its_parent="A frame that was begun goes on from another state than it began from.")

Listener = Callable[[Event], None]


class Pump:
    """One simulation, open: read-only until its first write.

    `backends` replaces backends by their alias in the policy; `overrides` replaces clauses ({"streams": 5}).
    """

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
        self.listeners: list[Listener] = []
        self.breaker = Breaker(policy.breaker)
        self.budget = Budget(policy.budget)
        self.stale: str | None = None
        self.barred: LisppumpError | None = None  # why it may only be looked at
        self._given = dict(backends)
        self._stopping = False
        self._writing = False
        self._told = 0  # how many of the store's notes a frame has passed on
        self._complaints = Complaints()
        registry.ears.complain = self._complaints.say
        self.rig = self._rig(policy)

    @classmethod
    def open(
        cls,
        dir: str | Path,
        *,
        pump: str | Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        backends: Mapping[str, Backend] | None = None,
        clock: clocks.Clock | None = None,
        registry: Registry | None = None,
    ) -> Pump:
        """Open the simulation in `dir`, with another policy file than its pump.lisp where one is given."""
        path = Path(pump) if pump is not None else find_root(Path(dir)) / "pump.lisp"
        root = Path(dir).resolve() if pump is not None else path.parent
        registry = registry or Registry.load(root)
        policy = Policy.load(path, registry=registry, overrides=overrides or {})
        store = Store.open(root, _view(policy, root), write=False, keep=policy.state.keep)
        return cls(
            root,
            policy,
            store,
            registry,
            overrides=overrides or {},
            backends=backends or {},
            clock=clock or clocks.Wall(),
        )

    def __enter__(self) -> Pump:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the state and its lock."""
        self.store.close()

    def _rig(self, policy: Policy) -> Rig:
        return Rig(policy, self.registry, self._given, self._complaints)

    @property
    def policy(self) -> Policy:
        """What pump.lisp means now: the last that could be read."""
        return self.rig.policy

    # -- looking

    @property
    def head(self) -> Frame:
        """The newest frame; before the first run that is frame 0, not yet written."""
        return self.store.head or self.store.preview(self._documents(), time=self._time_of(0, None))

    def frame(self, number: int) -> Frame:
        """Any committed frame, rebuilt from the journal."""
        return self.store.frame(number)

    def plan(self) -> Plan:
        """What the next frame would do; no call, no write."""
        with self._complaints.of_one_frame():
            plan = self._prepare(self.head)[0]
            notes = [*plan.notes, *self._complaints.told()]
        edits = self.store.pending_edits()
        if edits:
            notes.append(f"changed by hand and not in this plan yet: {', '.join(edits)}")
        return replace(plan, notes=tuple(notes))

    def _prepare(self, head: Frame) -> tuple[Plan, dict[str, Agent]]:
        """The plan, and the agents that wake, by id."""
        self._may_run()
        hooks = self.rig.hooks
        agents = planning.awake(self.policy, head, hooks.select(policy=self.policy, frame=head))
        # Copies: a dam or a hook that changes what it was given changes it for nobody else.
        copies = tuple(Agent(agent.id, copied(agent.data)) for agent in agents)
        assignment: Assignment = hooks.assign(policy=self.policy, frame=head, agents=copies)
        by_id = {agent.id: agent for agent in agents}
        prompts = planning.prompts(self.policy, head, assignment.streams, by_id)
        tokens = 0
        for prompt in prompts:
            bounds = [
                terms.max_tokens + prompt.tokens
                for terms in self.rig.terms.values()
                if terms.max_tokens is not None
            ]
            tokens += max(bounds, default=0) * len(self.policy.pipe.passes)
        plan = Plan(
            frame=head.number + 1,
            digest=head.digest,
            time=self._time_of(head.number + 1, head),
            wake=tuple(agent.id for agent in agents),
            streams=assignment.streams,
            backends=tuple(alias for alias, _ in self.policy.pipe.backends),
            prompts=prompts,
            at_most={
                "tokens": tokens,
                "dollars": 0.0 if not tokens else None,
                "unknown_prices": bool(tokens),
            },
            overrides=self.overrides,
            notes=assignment.notes,
        )
        return plan, by_id

    def status(self) -> Status:
        """Where the world stands, as far as the journal and the files say."""
        from lisppump.status import status_of

        return status_of(self)

    def show(self, number: int) -> Shown:
        """One committed frame: what was intended, what came, what changed."""
        from lisppump.status import shown

        return shown(self, number)

    def acting(self) -> list[dict[str, Any]]:
        """The plugins that have a say in a frame, as its intent records them."""
        return planning.plugins(self.policy, self.registry.under(*self.policy.plugins.switches))

    @property
    def quarantine(self) -> Quarantine:
        """Every item that did not pass and is still there, with its id, frame and reason."""
        from lisppump.quarantine import entries_of

        return entries_of(self)

    # -- doing

    def import_deltas(self, path: str | Path, dry_run: bool = False) -> Imported:
        """Merge deltas that were made elsewhere, as a frame of their own, and account for every item."""
        return import_deltas(self, path, dry_run=dry_run)

    def step(self, n: int = 1) -> tuple[FrameReport, ...]:
        """Run n frames."""
        return asyncio.run(self.astep(n))

    async def astep(self, n: int = 1) -> tuple[FrameReport, ...]:
        """Run n frames, without rest between them."""
        return await self._loop(n, rest=False)

    def run(self, frames: int | None = None) -> tuple[FrameReport, ...]:
        """The loop, until that many frames are done, the breaker or budget stops it, or `request_stop`."""
        return asyncio.run(self.arun(frames))

    async def arun(self, frames: int | None = None) -> tuple[FrameReport, ...]:
        """The loop with the heart's rest between frames; the policy is read again there if it changed."""
        return await self._loop(frames, rest=True)

    async def _loop(self, frames: int | None, *, rest: bool) -> tuple[FrameReport, ...]:
        reports: list[FrameReport] = []
        self._stopping = False
        while frames is None or len(reports) < frames:
            started = self.clock.monotonic()
            with self._complaints.of_one_frame():
                self._check_budget()
                report = await self._turn()
            reports.append(report)
            self.budget.wall += self.clock.monotonic() - started
            self._check_breaker(report)
            if self._stopping or len(reports) == frames:
                break
            if rest:
                await self._rest(self.policy.heartbeat - (self.clock.monotonic() - started))
            if self._stopping:
                break
            self._reload()
        return tuple(reports)

    def request_stop(self) -> None:
        """Finish the frame that is running, then end the run."""
        self._stopping = True

    async def events(self, frames: int | None = None) -> AsyncIterator[Event]:
        """Run, and give every event as it happens."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.listeners.append(queue.put_nowait)
        task = asyncio.ensure_future(self.arun(frames))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            self.listeners.remove(queue.put_nowait)
            task.cancel()

    async def _turn(self) -> FrameReport:
        """One frame, from reservoir to reservoir; one that was begun and not finished comes first."""
        store = self._open_for_writing()
        intent = store.open_intent()
        if intent is not None:
            return await self._go_on(intent)
        store.take_edits()
        plan, agents = self._prepare(self.head)
        bundle = store.blob(canon.canonical(dict(self.policy.bundle)))
        store.intent(**planning.intent(plan, self.head, self.policy, bundle=bundle, plugins=self.acting()))
        return await self._make(self.rig, plan, agents, Recorded())

    async def _go_on(self, intent: Mapping[str, Any]) -> FrameReport:
        """The frame whose run ended before its commit: under its own intent, with all that came for it."""
        if intent["parent"] != self.head.digest:
            raise not_its_parent(intent["frame"])
        rig = self._rig_of(intent)
        plan, agents, changed = planning.resumed(rig.policy, self.head, intent)
        came = recorded(self.store.inputs(plan.frame))
        finished = f"{len(came.deltas)} of {count_of(len(plan.streams), 'stream')}"
        notes = [f"frame {plan.frame} goes on where its run ended: {finished} had finished"]
        notes += [f"{stream} reads something else than its intent says" for stream in changed]
        notes += [f"its intent was {said}" for said in planning.differences(intent["plugins"], self.acting())]
        return await self._make(rig, replace(plan, notes=tuple(notes)), agents, came)

    def _rig_of(self, intent: Mapping[str, Any]) -> Rig:
        """What the frame of an intent is made with: the policy as it was then."""
        if intent["policy"] == self.policy.digest and intent["overrides"] == self.overrides:
            return self.rig
        bundle = canon.loads(self.store.read_blob(intent["bundle"]), "the policy of the frame")
        policy = Policy.from_bundle(
            bundle, path=self.policy.path, registry=self.registry, overrides=intent["overrides"]
        )
        return self._rig(policy)

    async def _make(
        self, rig: Rig, plan: Plan, agents: Mapping[str, Agent], came: Recorded
    ) -> FrameReport:
        """Pour, merge, commit, think, under an intent that stands in the journal."""
        started = self.clock.monotonic()
        store, head = self.store, self.head
        rig.hooks.frame_started(frame=head, number=plan.frame, streams=plan.streams)
        self._tell(Event("frame_started", plan.frame, streams=len(plan.streams)))
        turn = Turn(
            rig=rig,
            head=head,
            plan=plan,
            agents=agents,
            ledger=store,
            epoch=store.epoch,
            node=store.node,
            budget=self.budget,
            clock=self.clock,
            settled=partial(self._settled, rig),
            recorded=came,
        )
        deltas = await turn.pour()
        merged = turn.merge(deltas)
        frame = store.commit(
            number=plan.frame,
            time=plan.time,
            deltas=deltas,
            merged=merged,
            wake=plan.wake,
            streams=plan.streams,
            virtual=turn.virtual(deltas, merged),
            written=clocks.stamp(self.clock.now()),
        )
        rig.hooks.frame_committed(frame=frame, report=merged.report)
        thoughts: tuple[Thought, ...] = ()
        broken: LisppumpError | None = None
        try:
            thoughts = self._think(rig, frame)
        except LisppumpError as error:
            broken = error  # the frame is committed all the same, and is told before the error is
        said, self._told = store.notes[self._told :], len(store.notes)
        report = FrameReport(
            frame=plan.frame,
            digest=self.head.digest,
            time=plan.time,
            deltas=deltas,
            merge=merged.report,
            quarantine=merged.quarantine,
            echoes=tuple(thought.key for thought in thoughts),
            notes=(*said, *plan.notes, *self._complaints.told(), *_failed_echoes(thoughts)),
            seconds=self.clock.monotonic() - started,
        )
        self._tell(Event("frame_committed", plan.frame, report=report, streams=len(plan.streams)))
        self._complaints.stop(broken)
        return report

    def _settled(self, rig: Rig, stream: Stream, delta: Delta) -> None:
        """A stream has ended, however it did: told once to whoever listens in this process."""
        hear = rig.hooks.stream_replied if delta.status in ("ok", "empty") else rig.hooks.stream_failed
        hear(number=delta.frame, stream=stream, delta=delta)
        self._tell(Event("stream_settled", delta.frame, stream=delta.stream, delta=delta))

    def _think(self, rig: Rig, frame: Frame) -> tuple[Thought, ...]:
        """Let the echoes think over a frame; what they came to is a tock of its own."""
        tock = think(rig, frame)
        if tock is None:
            return ()
        self.store.tock(changes=tock.changes, virtual=tock.virtual)
        self._tell(Event("echoed", frame.number, text=", ".join(thought.key for thought in tock.thoughts)))
        return tock.thoughts

    def _think_again(self) -> None:
        """Think over a frame whose run ended between its commit and its echoes, as that run would have."""
        head = self.store.head
        intent = None if head is None or head.tock else self.store.intent_record(head.number)
        if head is None or intent is None or self.store.open_intent() is not None:
            return
        if self._think(self._rig_of(intent), head):
            for said in planning.differences(intent.get("plugins", ()), self.acting()):
                self._complaints.say(f"frame {head.number} got its echoes now; it was {said}")

    def abandon(self) -> int | None:
        """Give up the frame that was begun and not finished, if there is one; what came for it is kept."""
        return self._open_for_writing().abandon()

    # -- keeping

    def _may_run(self) -> None:
        if self.barred is not None:
            raise self.barred

    def _open_for_writing(self) -> Store:
        """Take the lock at the first write, and write frame 0 if there is none."""
        self._may_run()
        if not self._writing:
            self.store.close()
            policy = self.policy
            self.store = Store.open(self.root, _view(policy, self.root), write=True, keep=policy.state.keep)
            self._writing = True
            self._think_again()
        settle_import(self)
        if self.store.head is None:
            documents = self._documents()
            source = "state" if self.store.view.names() else "genesis"
            self.store.start(documents, time=self._time_of(0, None), source=source)
        return self.store

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

    async def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self._tell(Event("resting", self.head.number, text=f"{seconds:.0f} s"))
        while seconds > 0 and not self._stopping:
            await self.clock.sleep(min(seconds, 0.5))
            seconds -= 0.5

    def _reload(self) -> None:
        """Read the policy again when its files changed; a failure keeps the last good one and is said."""
        if not self.policy.changed():
            return
        try:
            policy = Policy.load(self.policy.path, registry=self.registry, overrides=self.overrides)
            self.rig = self._rig(policy)
        except LisppumpError as error:
            self.stale = error.diagnostic()
            self._tell(Event("policy_stale", self.head.number, text=self.stale))
            return
        self.stale = None
        self.breaker.rule, self.budget.rule = policy.breaker, policy.budget
        self.rig.hooks.policy_reloaded(policy=policy)
        self._tell(Event("policy_reloaded", self.head.number))
        self._complaints.stop()

    def _check_budget(self) -> None:
        reason = self.budget.exhausted()
        if reason is not None:
            number = self.head.number + 1
            self.rig.hooks.budget_spent(number=number, reason=reason)
            raise Stopped(
                "budget-spent", f"frame {number} was not begun: {reason}", help="raise (budget ...) to go on"
            )

    def _check_breaker(self, report: FrameReport) -> None:
        reason = self.breaker.note([d.status for d in report.deltas], totals(report.merge)["merged"])
        if reason is not None:
            raise Stopped(
                "breaker-open",
                f"the run stops after frame {report.frame}: {reason}",
                help="see `lisppump status` for the reasons; (breaker ...) sets the limits",
            )

    def _tell(self, event: Event) -> None:
        for listener in tuple(self.listeners):
            listener(event)


def not_its_parent(number: int) -> LisppumpError:
    """The error for an open frame whose parent is not the head."""
    return LisppumpError(
        "not-its-parent",
        f"frame {number} was begun from another state than the one that is here now",
        help="`lisppump run --abandon` begins it anew; what came for it stays in the journal",
    )


def _failed_echoes(thoughts: Sequence[Thought]) -> list[str]:
    """A sentence for each echo that came to nothing but an error."""
    return [f"echo `{t.key}` failed: {t.error['message']}" for t in thoughts if t.error is not None]


def _view(policy: Policy, root: Path) -> Any:
    return policy.reservoir.make_reservoir(root / policy.state.folder)
