"""The frame loop: select, assign, pour, merge, commit, echo, next frame. It knows no stage and no world."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lisppump import branching, canon, control, loop, nerves, rewind, spending
from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump.advice import unheard
from lisppump.budget import Breaker, Stopped
from lisppump.delta import Delta
from lisppump.disk import Disk, StateError
from lisppump.errors import LisppumpError, declare
from lisppump.errors import said as in_words
from lisppump.folder import find_root
from lisppump.frame import Agent, Stream
from lisppump.governor import Governor
from lisppump.importing import import_deltas, settle_import
from lisppump.keep import FOLDER
from lisppump.lookout import Lookout, numbered
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.report import Branched, Event, FrameReport, Imported, Plan, Rewound, count_of, totals
from lisppump.reservoir import Store
from lisppump.rig import Rig
from lisppump.room import require_room
from lisppump.spare import Spare, meanwhile
from lisppump.stages import Backend, Thought
from lisppump.turn import Recorded, Turn, of_echoes, recorded
from lisppump.view import Unseen

declare("usage", 1, closed="The pump was closed in Python, and is asked to run or write.")
declare("state", 5, not_its_parent="A frame that was begun goes on from another state than it began from.")

Listener = Callable[[Event], None]
GLANCE = 0.5  # seconds between two looks at what others ask of a run that waits


class Pump(Lookout):
    """One simulation, open: read-only until its first write.

    `backends` replaces backends by their alias in the policy; `overrides` replaces clauses ({"streams": 5}).
    """

    def __init__(self, *args: Any, disk: Disk | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.disk = disk
        self.listeners: list[Listener] = []
        self.breaker = Breaker(self.policy.breaker)
        self.governor = Governor(self.clock, lambda lanes: self.store.remark(lanes=lanes))
        self.told_spent: str | None = None  # why the budget is spent, as it was told last
        self._stopping = False
        self.stopped = False  # from outside, by `lisppump stop`
        self._listening = False
        self._writing = self._closed = False
        self._spare = Spare()
        self._unthought = True  # nobody looked yet whether the head lacks its echoes
        self._told = 0  # how many of the store's notes a frame has passed on

    @classmethod
    def open(
        cls, dir: str | Path, *, pump: str | Path | None = None, overrides: Mapping[str, Any] | None = None,
        backends: Mapping[str, Backend] | None = None, clock: clocks.Clock | None = None,
        registry: Registry | None = None, disk: Disk | None = None,
    ) -> Pump:  # fmt: skip
        """Open the simulation in `dir`, with another policy file than its pump.lisp where one is given."""
        path = Path(pump) if pump is not None else find_root(Path(dir)) / "pump.lisp"
        root = Path(dir).resolve() if pump is not None else path.parent
        registry = registry or Registry.load(root)
        policy = Policy.load(path, registry=registry, overrides=overrides or {})
        store = Store.open(root, _view(policy, root), write=False, keep=policy.state.keep, disk=disk)
        return cls(
            root, policy, store, registry,
            overrides=overrides or {}, backends=backends or {}, clock=clock or clocks.Wall(), disk=disk,
        )  # fmt: skip

    def __enter__(self) -> Pump:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the state and its lock; what was known can still be looked at."""
        self._closed = True
        if self._writing:
            spending.close_books(self)
        self.store.close()

    def _may_write(self) -> None:
        if self._closed:
            help = "open it again: Pump.open(DIR), best in a `with` that closes it at its end"
            message = "this pump is closed, so that nothing is run or written by it"
            raise LisppumpError("closed", message, help=help)

    # -- doing

    def import_deltas(self, path: str | Path, dry_run: bool = False) -> Imported:
        """Merge deltas that were made elsewhere, as a frame of their own, and account for every item."""
        return import_deltas(self, path, dry_run=dry_run)

    def step(self, n: int = 1, *, keep: int | None = None) -> tuple[FrameReport, ...]:
        """Run n frames; their reports, or where `keep` is given, only so many of the last."""
        return loop.run(self.astep(n, keep=keep))

    async def astep(self, n: int = 1, *, keep: int | None = None) -> tuple[FrameReport, ...]:
        """Run n frames, without rest between them."""
        self._may_write()
        return await self._ended(self._loop(n, keep, rest=False))

    def run(self, frames: int | None = None, *, keep: int | None = None) -> tuple[FrameReport, ...]:
        """The loop, until that many frames are done, the breaker or budget stops it, or `request_stop`.

        All reports are given back, with their deltas; a run that goes on for weeks wants to `keep` few.
        """
        return loop.run(self.arun(frames, keep=keep))

    async def arun(self, frames: int | None = None, *, keep: int | None = None) -> tuple[FrameReport, ...]:
        """The loop with the heart's rest between frames; the policy is read again there if it changed."""
        self._may_write()
        return await self._ended(self._loop(frames, keep, rest=True))

    async def _ended(self, made: Awaitable[tuple[FrameReport, ...]]) -> tuple[FrameReport, ...]:
        """Keep how a run ended for who looks later; one that is killed keeps nothing."""
        try:
            reports = await made
        except Exception as error:
            self.store.remark(ended={"time": clocks.stamp(self.clock.now()), **ending(error)})
            raise
        if self.store.lately().get("ended"):
            self.store.remark(ended=None)
        return reports

    async def _loop(self, frames: int | None, keep: int | None, *, rest: bool) -> tuple[FrameReport, ...]:
        reports: deque[FrameReport] = deque(maxlen=keep)
        self._stopping = self.stopped = False
        try:
            await self._frames(reports, frames, rest=rest)
        except StateError:
            raise
        except (LisppumpError, asyncio.CancelledError):
            self.store.show()
            raise
        finally:
            await self._let_go()
            self._spare.clear()
            if self._listening:
                self.store.deaf()
                self._listening = False
        self.store.flush()
        return tuple(reports)

    async def _frames(self, reports: deque[FrameReport], frames: int | None, *, rest: bool) -> None:
        done = 0
        while frames is None or done < frames:
            started = self.clock.monotonic()
            with self._complaints.of_one_frame():
                report = await self._turn(going=done > 0)
            if report is None:
                break
            reports.append(report)
            done += 1
            self._check_breaker(report)
            if self._stopping or done == frames:
                break
            await self._obey()
            left = started + self.policy.heartbeat - self.clock.monotonic()
            if rest and left > 0 and not self._stopping:
                self.store.flush()
                await self._rest(left)
            if self._stopping:
                break
            await self._refresh()

    def request_stop(self) -> None:
        """Finish the frame that is running, then end the run."""
        self._stopping = True

    async def events(self, frames: int | None = None) -> AsyncIterator[Event]:
        """Run, and give every event as it happens."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.listeners.append(queue.put_nowait)
        task = asyncio.ensure_future(self.arun(frames, keep=0))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await task
        finally:
            self.listeners.remove(queue.put_nowait)
            task.cancel()

    async def _turn(self, *, going: bool) -> FrameReport | None:
        """One frame; after trouble with the disk the next one opens the world anew, as another run would."""
        try:
            return await self._frame(going=going)
        except StateError:
            self._writing = False
            raise
        finally:
            self.budget.end(self.clock.monotonic())

    async def _frame(self, *, going: bool) -> FrameReport | None:
        """One frame, from reservoir to reservoir; one that was begun and not finished comes first.

        None where a stop was asked for while the frame before it got its echoes: then none is begun.
        """
        require_room(self.disk or Disk(), self.root / FOLDER)
        store = self._open_for_writing()
        if not self._listening:
            store.listen()
            self._listening = True
        if not await self._check_budget():
            return None
        intent = store.open_intent()
        if intent is not None:
            return await self._go_on(intent)
        if self._stopping:
            for said in self._complaints.told():
                self._tell(Event("caught_up", self.head.number, text=said))
            return None
        store.take_edits(going=going)
        try:
            plan, agents = self._prepare(self.head)
        except LisppumpError as error:
            if error.code in ("no-agents", "no-document") and store.edited_last():
                error.help = "a hand edit was taken in last: `lisppump undo` takes it back, if it did this"
            raise
        bundle = store.blob(canon.canonical(dict(self.policy.bundle)))
        if not await spending.ready(self, plan):
            return None if self._stopping else await self._frame(going=True)
        fields = planning.intent(plan, self.head, self.policy, bundle=bundle, plugins=self.acting())
        store.intent(**fields, epoch=store.epoch, written=clocks.stamp(self.clock.now()), put_off=True)
        self._spare.left += fields.pop("streams")
        gaps, store.gaps = store.gaps, ()
        plan = replace(plan, notes=(*gaps, *plan.notes)) if gaps else plan
        return await self._make(self.rig, plan, agents, Recorded())

    async def _go_on(self, intent: Mapping[str, Any]) -> FrameReport:
        """The frame whose run ended before its commit: under its own intent, with all that came for it."""
        if intent["parent"] != self.head.digest:
            raise not_its_parent(intent["frame"])
        rig = self.rig_of(intent)
        plan, agents, changed = planning.resumed(rig.policy, self.head, intent)
        came = recorded(self.store.inputs(plan.frame))
        finished = f"{len(came.deltas)} of {count_of(len(plan.streams), 'stream')}"
        notes = [f"frame {plan.frame} goes on where its run ended: {finished} had finished"]
        if "retry" in intent:
            notes = [f"frame {plan.frame} is made once more: {finished} stand as they were"]
        notes += planning.earlier(intent, self.policy)
        notes += [f"{stream} reads something else than its intent says" for stream in changed]
        notes += [f"its intent was {said}" for said in planning.differences(intent["plugins"], self.acting())]
        return await self._make(rig, replace(plan, notes=tuple(notes)), agents, came)

    async def _make(self, rig: Rig, plan: Plan, agents: Mapping[str, Agent], came: Recorded) -> FrameReport:
        """Pour, merge, commit, think, under an intent that stands in the journal."""
        started = self.clock.monotonic()
        store, head = self.store, self.head
        self.budget.begin(started)
        self.governor.under(rig.terms, seed=rig.policy.seed, patience=rig.policy.pipe.deadline)
        rig.hooks.frame_started(frame=head, number=plan.frame, streams=plan.streams)
        self._tell(Event("frame_started", plan.frame, streams=len(plan.streams), notes=plan.notes))
        turn = Turn(
            rig=rig,
            head=head,
            plan=plan,
            agents=agents,
            ledger=store,
            epoch=store.epoch,
            node=store.node,
            purse=spending.accounts(self, rig, plan.frame, store),
            governor=self.governor,
            clock=self.clock,
            settled=partial(self._settled, rig),
            recorded=came,
            spare=self._spare,
        )
        deltas = await meanwhile(turn.pour(), partial(store.work_off, self.clock.monotonic), turn.spare)
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
            put_off=True,
        )
        self.governor.tell()
        rig.hooks.frame_committed(frame=frame, report=merged.report)
        thoughts: tuple[Thought, ...] = ()
        broken: LisppumpError | None = None
        try:
            thoughts = nerves.think_over(self, rig, frame)
        except LisppumpError as error:
            broken = error  # the frame is committed all the same, and is told before the error is
        said, self._told = store.notes[self._told :], len(store.notes)
        room = store.note_of_room()
        report = FrameReport(
            frame=plan.frame,
            digest=self.head.digest,
            time=plan.time,
            deltas=deltas,
            merge=merged.report,
            quarantine=merged.quarantine,
            echoes=tuple(thought.key for thought in thoughts),
            notes=(
                *([room] if room else ()),
                *said,
                *plan.notes,
                *self._complaints.told(),
                *of_echoes(thoughts),
            ),
            seconds=self.clock.monotonic() - started,
            lanes=tuple(self.governor.remarks()),
        )
        self._spare.over(deltas, merged, report, turn)
        self._tell(Event("frame_committed", plan.frame, report=report, streams=len(plan.streams)))
        self._complaints.stop(broken)
        return report

    def _settled(self, rig: Rig, stream: Stream, delta: Delta) -> None:
        """A stream has ended, however it did: told once to whoever listens in this process."""
        hear = rig.hooks.stream_replied if delta.status in ("ok", "empty") else rig.hooks.stream_failed
        if hear is not unheard:
            hear(number=delta.frame, stream=stream, delta=delta)
        if self.listeners:
            self._tell(Event.settled(delta))

    def abandon(self) -> int | None:
        """Give up the frame that was begun and not finished, if there is one; what came for it is kept."""
        return self._open_for_writing().abandon()

    def rollback(self, number: int, *, record: int | None = None, dry_run: bool = False) -> Rewound:
        """Go back to an earlier frame, or to `number@record`; what is left for it stays in the journal."""
        return rewind.rollback(self, numbered(number), record=record, dry_run=dry_run)

    def undo(self, *, dry_run: bool = False) -> Rewound:
        """Take back the last thing that moved the head, an undo, too."""
        return rewind.undo(self, dry_run=dry_run)

    def retry(self, number: int, streams: Sequence[int]) -> FrameReport:
        """Make a frame once more: these streams are asked anew, of the others all answers stand."""
        return loop.run(self.aretry(number, streams))

    async def aretry(self, number: int, streams: Sequence[int]) -> FrameReport:
        """Make a frame once more: these streams are asked anew, of the others all answers stand."""
        self._may_run()
        self._open_for_writing()
        await self._check_budget()
        rewind.retry(self, numbered(number), streams)
        (report,) = await self._loop(1, None, rest=False)
        return report

    def branch(self, name: str, *, at: int | None = None, folder: str | Path | None = None) -> Branched:
        """Copy this world to a folder beside it, as it was at a frame; both go on by themselves."""
        at = None if at is None else numbered(at)
        return branching.branch(self, name, at=at, folder=None if folder is None else Path(folder))

    def rewound(self) -> None:
        """The store went back in history: what was known of its last frames is known no more."""
        self._unthought = True
        self.breaker = Breaker(self.policy.breaker)

    # -- keeping

    def _open_for_writing(self) -> Store:
        """Take the lock at the first write, and write frame 0 if there is none."""
        self._may_run()
        self.take_lock()
        if self._unthought:
            self._unthought = False
            nerves.catch_up(self)
        settle_import(self)
        if self.store.head is None:
            documents = self._documents()
            source = "state" if self.store.view.names() else "genesis"
            self.store.start(documents, time=self._time_of(0, None), source=source)
        return self.store

    def take_lock(self) -> Store:
        """Open the world for writing, if it is not; no frame is made by it, and no policy needed."""
        self._may_write()
        if not self._writing:
            if isinstance(self.store.view, Unseen):
                self._may_run()
            self.store.close()
            view, keep = _view(self.policy, self.root), self.policy.state.keep
            self.store = Store.open(self.root, view, write=True, keep=keep, disk=self.disk)
            self._writing = self._unthought = True
            spending.open_books(self)
            if self.store.notes:
                self.store.remark(mended=self.store.notes)
        return self.store

    async def _rest(self, seconds: float) -> None:
        """Wait so long, with a look now and then at what others ask; the nerves go on when they are due."""
        ends = self.clock.monotonic() + seconds
        if seconds > 0:
            self._tell(Event("resting", self.head.number, text=f"{seconds:.0f} s"))
        due = nerves.next_tock(self)
        while (left := ends - self.clock.monotonic()) > 0 and not self._stopping:
            await self.clock.sleep(min(left, GLANCE))
            await self._obey()
            if due <= self.clock.monotonic() < ends and not self._stopping:
                nerves.while_resting(self)
                due = nerves.next_tock(self)

    async def _obey(self) -> None:
        """Do what others ask of this run: wait as long as it is to pause, end it where it is to stop."""
        paused = False
        while not self._stopping and (wish := self.store.wish()) != control.GO:
            if wish == control.RESET:
                spending.wished(self)
                continue
            if wish == control.STOP:
                self._stopping = self.stopped = True
                break
            if not paused:
                paused = True
                self.store.flush()
                self._tell(Event("paused", self.head.number))
            await self.clock.sleep(GLANCE)
        if paused:
            self._tell(Event("resumed", self.head.number))

    async def _refresh(self) -> None:
        """Read the policy again when its files changed; a failure keeps the last good one and is said."""
        before = self.rig
        self._reload()
        if self.rig is not before:
            await before.close()

    def _reload(self) -> None:
        if not self.policy.changed():
            return
        self.store.flush()
        try:
            policy = Policy.load(self.policy.path, registry=self.registry, overrides=self.overrides)
            self.rig = self._rig(policy)
        except LisppumpError as error:
            self.stale = error.diagnostic()
            self._tell(Event("policy_stale", self.head.number, text=self.stale))
            return
        self.stale = None
        self.breaker.rule, self.budget.rule = policy.breaker, policy.budget
        self.told_spent = None
        self.rig.hooks.policy_reloaded(policy=policy)
        self._tell(Event("policy_reloaded", self.head.number))
        self._complaints.stop()

    async def _check_budget(self) -> bool:
        """Whether the next frame may begin: where the budget is spent the run stops, or waits."""
        while not await spending.ready(self):
            if self._stopping:
                return False
        return True

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


def ending(error: Exception) -> dict[str, Any]:
    """How a run ended, to tell it later."""
    if isinstance(error, LisppumpError):
        return error.to_json()
    return {"code": "defect", "message": f"a defect of lisppump's own: {in_words(error)}", "help": None}


def not_its_parent(number: int) -> LisppumpError:
    """The error for an open frame whose parent is not the head."""
    return LisppumpError(
        "not-its-parent",
        f"frame {number} was begun from another state than the one that is here now",
        help="`lisppump run --abandon` begins it anew; what came for it stays in the journal",
    )


def _view(policy: Policy, root: Path) -> Any:
    return policy.reservoir.make_reservoir(root / policy.state.folder)
