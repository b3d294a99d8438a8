"""One frame under way: its pipes poured, its deltas merged, its echoes thought. It commits nothing.

The same steps make a frame for the first time, go on with one whose run ended, and make one again from its
record: what was recorded is taken as it was, and only what is missing is asked for, if anybody may be asked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, overload

from lisppump import clock as clocks
from lisppump import plan as planning
from lisppump import schema
from lisppump.blame import blamed
from lisppump.calling import Request
from lisppump.delta import ECHO_NODE, ECHOES, Delta
from lisppump.delta_records import from_record, told
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame, Stream
from lisppump.gate import Gates
from lisppump.intake import Intake
from lisppump.journal import Record
from lisppump.leave import Governor
from lisppump.merge import Change, Merged
from lisppump.pour import Pipe
from lisppump.prompt import Prompt
from lisppump.proposals import Ends, Key, carried_out, ends_of
from lisppump.report import Plan
from lisppump.rig import Rig
from lisppump.spare import Spare
from lisppump.stages import Job, Thought
from lisppump.stages import merged as check_merged
from lisppump.tick import Answer, Ledger, Purse, Tick
from lisppump.witness import Deadline, Witness
from lisppump.witness import Ledger as WebLedger

_NO_ANSWERS: deque[Answer] = deque()  # of a stream that is made for the first time; nobody adds to it


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the journal holds of a frame since its intent: answers by stream, and the deltas that stand.

    `ends` tells how the machine ended proposals.
    """

    answers: Mapping[int, Sequence[Answer]] = field(default_factory=dict)
    deltas: Mapping[int, Delta] = field(default_factory=dict)
    ends: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)


def recorded(inputs: Iterable[Record]) -> Recorded:
    """What came for a frame, sorted by stream."""
    answers: dict[int, list[Answer]] = {}
    deltas, outcomes = {}, []
    for record in inputs:
        settled = told(record.kind, record.fields)
        if settled is not None:
            delta = from_record(settled)
            deltas[delta.stream] = delta
        if record.kind == "outcome" and "proposal" in record.fields:
            outcomes.append(record.fields)
        elif record.kind in ("reply", "outcome"):
            answers.setdefault(record.fields["stream"], []).append(Answer(record.kind, record.fields))
    return Recorded(answers, deltas, ends_of(outcomes))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a frame is made with; `deltas` of streams that were settled before stand as they are.

    `sealed` asks nobody; `epochs` gives streams another epoch than the present one, when made again.
    """

    rig: Rig
    head: Frame
    plan: Plan
    agents: Mapping[str, Agent]
    ledger: Ledger
    epoch: int
    node: str
    purse: Purse
    governor: Governor
    clock: clocks.Clock
    settled: Callable[[Stream, Delta], None]
    recorded: Recorded = field(default_factory=Recorded)
    sealed: bool = False
    epochs: Mapping[int, int] = field(default_factory=dict)
    spare: Spare = field(default_factory=Spare)

    async def pour(self) -> tuple[Delta, ...]:
        """Let every stream come to its delta, in the order of streams."""
        standing = self.recorded.deltas
        left = []
        for stream, prompt in zip(self.plan.streams, self.plan.prompts, strict=True):
            if stream.number in standing:
                self.settled(stream, standing[stream.number])
            else:
                left.append((stream, prompt))
        jobs = _Jobs(left, self._maker(), self._job)
        choice = self.rig.policy.executor
        with blamed("executor", choice.name, choice.offer.plugin, self.plan.frame):
            if jobs:
                await self.rig.executor.run(jobs)
            made = jobs.deltas()
            if not all(made):
                lost = [stream.id for (stream, _), delta in zip(left, made, strict=True) if delta is None]
                raise LisppumpError("contract", f"executor `{choice.name}` never settled {', '.join(lost)}")
        self.spare.left = [self.plan, *jobs.taken_down()]
        self.spare.out.clear()
        if not standing:
            return made
        came = {**standing, **{delta.stream: delta for delta in made}}
        return tuple([came[stream.number] for stream in self.plan.streams])

    def again(self) -> tuple[Delta, ...]:
        """The same from the record alone: nobody is asked, nothing waited for, and no loop needed."""
        made = []
        for pipe in self._pipes():
            finished(pipe.run())
            if pipe.delta is not None:
                made.append(pipe.delta)
        return tuple(made)

    def _pipes(self) -> list[Pipe]:
        """A pipe for each stream."""
        return [*map(self._maker(), self.plan.streams, self.plan.prompts)]

    def _maker(self) -> Callable[[Stream, Prompt], Pipe]:
        """What makes the pipe of a stream; those of one epoch share all else."""
        answers = self.recorded.answers
        intake = Intake(self.ledger, self.spare.out)
        gates = Gates(self.rig.policy.pipe.deadline)
        epochs = {self.epoch, *self.epochs.values()}
        ticks = {epoch: self._tick(epoch, intake, gates) for epoch in epochs}

        def make(stream: Stream, prompt: Prompt) -> Pipe:
            agents = tuple([self.agents[member] for member in stream.agents])
            came = deque(answers[stream.number]) if stream.number in answers else _NO_ANSWERS
            tick = ticks[self.epochs.get(stream.number, self.epoch)]
            return Pipe(tick, stream, agents, prompt, came)

        return make

    def _tick(self, epoch: int, intake: Intake, gates: Gates) -> Tick:
        policy, asked = self.rig.policy, self.rig.hooks.pour
        gated = {alias for alias, terms in self.rig.terms.items() if terms.warms and policy.pipe.warm}
        free = [alias for alias, _ in policy.pipe.backends if self.purse.free(alias)]

        def pour(request: Request, alias: str) -> Any:
            return asked(policy=policy, request=request, alias=alias)

        return Tick(
            policy=policy,
            frame=self.head,
            number=self.plan.frame,
            time=self.plan.time,
            epoch=epoch,
            node=self.node,
            backends=self.rig.terms,
            pour=pour,
            ledger=self.ledger,
            intake=intake,
            settled=self.settled,
            purse=self.purse,
            governor=self.governor,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            gates=gates,
            free=frozenset(one for one in free if one not in gated and self.governor.lane(one) is None),
            spare=self.spare,
            builtins=self.rig.builtins,
            sealed=self.sealed,
        )

    def _job(self, pipe: Pipe) -> Job:
        """One pipe for the executor; its deadline starts when it is released."""
        clause = self.rig.policy.pipe
        delay = 0.0 if self.sealed else clause.stagger * (pipe.stream.number - 1)
        pour = partial(self._late, pipe, delay) if delay else pipe.run
        return Job(pipe.stream.number, pour, clause.deadline + delay, pipe.time_out, pipe.held)

    async def _late(self, pipe: Pipe, delay: float) -> None:
        await self.clock.sleep(delay)
        await pipe.run()

    def merge(self, deltas: Sequence[Delta]) -> Merged:
        """What the deltas make of the frame."""
        write = None if self.sealed else self.ledger.outcome
        ends = Ends(self.recorded.ends, write, self.sealed)
        return merge_under(self.rig, self.head, deltas, self.plan.frame, ends)

    def virtual(self, deltas: Sequence[Delta], merged: Merged) -> dict[str, Any]:
        """The documents that the loop itself writes."""
        return planning.virtual(self.head, self.plan, deltas, merged)


class _Jobs(Sequence[Job]):
    """The jobs of pipes that are to be poured: each is made when it is looked at, while others are out."""

    def __init__(
        self,
        left: Sequence[tuple[Stream, Prompt]],
        make: Callable[[Stream, Prompt], Pipe],
        job: Callable[[Pipe], Job],
    ) -> None:
        self.pipes: list[Pipe | None] = [None] * len(left)
        self._jobs: list[Job | None] = [None] * len(left)
        self._left = left
        self._make = make
        self._job = job

    def __len__(self) -> int:
        return len(self._left)

    @overload
    def __getitem__(self, place: int) -> Job: ...
    @overload
    def __getitem__(self, place: slice) -> list[Job]: ...
    def __getitem__(self, place: int | slice) -> Job | list[Job]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        made = self._jobs[place]
        if made is None:
            pipe = self.pipes[place] = self._make(*self._left[place])
            made = self._jobs[place] = self._job(pipe)
        return made

    def taken_down(self) -> list[Job | None]:
        """The jobs that were made, with all that they hold; there are none any more."""
        made, self._jobs, self.pipes, self._left = self._jobs, [], [], []
        return made

    def deltas(self) -> tuple[Any, ...]:
        """What each has come to, a delta or nothing."""
        return tuple([pipe and pipe.delta for pipe in self.pipes])


def finished(call: Coroutine[Any, Any, Any]) -> None:
    """Run a call that waits for nobody."""
    try:
        call.send(None)
    except StopIteration:
        return
    call.close()
    raise LisppumpError("contract", "a frame that is made again waits for something outside of it")


def merge_under(
    rig: Rig, head: Frame, deltas: Sequence[Delta], number: int, ends: Ends | None = None
) -> Merged:
    """What deltas, and proposals in them, make of a frame by the merger of a policy, held to its contract."""
    policy = rig.policy
    whole = tuple(carried_out(rig, head, deltas, ends or Ends()))
    found = rig.hooks.merge(policy=policy, frame=head, deltas=whole, schema=policy.schema)
    with blamed("merger", policy.merger.name, policy.merger.offer.plugin, number):
        return check_merged(found, whose=f"merger `{policy.merger.name}`")


@dataclass(frozen=True, slots=True)
class Tock:
    """What the echoes of a frame came to: the changes and the virtual documents of a commit of its own.

    `brought` is what became of the items that they brought by their `delta`.
    """

    thoughts: tuple[Thought, ...]
    changes: tuple[Change, ...]
    virtual: Mapping[str, Any]
    brought: Merged


def think(
    rig: Rig,
    frame: Frame,
    heard: Iterable[Record] = (),
    ledger: WebLedger | None = None,
    say: Callable[[str], None] | None = None,
    monotonic: Callable[[], float] | None = None,
) -> Tock | None:
    """Let the echoes think over a frame; None where nothing came of it.

    `heard` are the pages and outcomes that were recorded for it; without a ledger nothing else is had.
    `say` is told what echoes remark on. By `monotonic` they are held to the time that the policy gives them.
    """
    if not rig.thinks:
        return None
    place = (rig.policy.agents.document, tuple(rig.policy.agents.path))
    within = rig.policy.tocks.thinking if ledger is not None else None
    ends = None if within is None or monotonic is None else Deadline(monotonic, monotonic() + within)
    with Witness(frame.number, frame.tock + 1, rig.policy.portal, heard, ledger, place, ends) as witness:
        thoughts: tuple[Thought, ...] = rig.hooks.echo(policy=rig.policy, frame=frame, witness=witness)
    if say is not None:
        for sentence in witness.remarks:
            say(sentence)
    if not thoughts:
        return None
    number, tock = frame.number, frame.tock + 1
    changes = tuple(
        Change(f"echo_frames/{safe_stem(t.key)}.json", "set", (), t.to_json(number, tock))
        if t.into is None
        else Change(t.into, "append", (), [t.to_json(number, tock)])
        for t in thoughts
    )
    brought = _brought(rig, frame, thoughts)
    earlier = frame.virtual.get("echo", {}).get("results", {})
    results = {**earlier, **{thought.key: thought.value for thought in thoughts if thought.into is None}}
    echo = {"signals": planning.signals([(t.key, t.value) for t in thoughts]), "results": results}
    return Tock(thoughts, (*changes, *brought.changes), {**frame.virtual, "echo": echo}, brought)


def _brought(rig: Rig, frame: Frame, thoughts: Sequence[Thought]) -> Merged:
    """What becomes of the items that echoes bring: of an agent's, those in which it speaks for itself."""
    deltas = []
    for place, thought in enumerate(thoughts, 1):
        given = thought.value.get("delta") if isinstance(thought.value, dict) else None
        if not isinstance(given, dict) or not given:
            continue
        source = f"the echo of {thought.key}"
        accepted, rejected = schema.check(rig.policy.schema, given, source=source, maker=ECHOES)
        deltas.append(
            Delta.of(
                frame=frame.number,
                stream=place,
                utc=frame.time,
                collections=accepted,
                agents=(thought.key,),
                node=ECHO_NODE,
                rejected=tuple(problem.to_json() for problem in rejected),
                waived=("not-in-room",) if thought.for_all else (),
            )
        )
    return merge_under(rig, frame, deltas, frame.number) if deltas else Merged((), {}, ())


def of_echoes(thoughts: Sequence[Thought]) -> list[str]:
    """A sentence for each echo that came to nothing but an error, or that another of its name hides."""
    keys = Counter(thought.key for thought in thoughts if thought.into is None)
    failed = [f"echo `{t.key}` failed: {t.error['message']}" for t in thoughts if t.error is not None]
    return [*failed, *(f"{n} echoes are called `{key}`: the last stands" for key, n in keys.items() if n > 1)]
