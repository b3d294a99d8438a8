"""One stream on its way through its pipe: passes, attempts, check, a delta at the end. It decides nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import CoroutineType
from typing import Any, Protocol

from lisppump import canon, clock, schema
from lisppump.budget import Budget
from lisppump.calling import BackendError, Failure, Reply, Request, Terms, answered, refused
from lisppump.delta import UNUSED, Attempt, Delta, Usage
from lisppump.delta_records import beside
from lisppump.errors import LisppumpError, declare, place_of, said
from lisppump.frame import Agent, Frame, Stream, copied
from lisppump.holding import given
from lisppump.intake import Intake
from lisppump.policy import Policy
from lisppump.prompt import Prompt

Pourer = Callable[[Request, str], Awaitable[Reply]]

declare(
    "state", 5,
    not_recorded="The journal does not hold what a frame would need to be made again as it was.",
)  # fmt: skip

MOST_REASON = 2000  # letters of a reason; the rest of a longer one tells nobody anything


class Ledger(Protocol):
    """Where a frame's inputs are written down the moment they are there."""

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Backends' answers: `reply`, or `late` where the stream was settled, and the fields of each."""

    def outcome(self, **fields: Any) -> None:
        """What the machine decided: an attempt that failed, a time that was over."""

    def delta(self, delta: Delta) -> None:
        """What a stream came to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended, as it was recorded: a `reply`, or an `outcome` that the machine decided."""

    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tick:
    """What all pipes of a frame share; nothing of it changes while they run but the budget.

    In a `sealed` frame nobody is asked: what the record does not hold is an error.
    """

    policy: Policy
    frame: Frame
    number: int
    time: str
    epoch: int
    node: str
    backends: Mapping[str, Terms]
    pour: Pourer
    ledger: Ledger
    intake: Intake
    settled: Callable[[Stream, Delta], None]
    budget: Budget
    monotonic: Callable[[], float]
    sealed: bool = False


@dataclass(slots=True)
class Pipe:
    """One stream's room on its way; `delta` is there once it has settled, however it ended.

    `recorded` are the answers that it got before: they are taken in their order, and nobody is asked again.
    """

    tick: Tick
    stream: Stream
    agents: tuple[Agent, ...]
    prompt: Prompt
    recorded: deque[Answer] = field(default_factory=deque)
    attempts: list[Attempt] = field(default_factory=list)
    heard: dict[str, list[Any]] = field(default_factory=dict)
    rejected: list[Mapping[str, Any]] = field(default_factory=list)
    usage: Usage = UNUSED
    settled: str | None = None
    turn: str = ""
    notes: list[str] = field(default_factory=list)
    handed: bool = False
    delta: Delta | None = None

    async def run(self) -> None:
        """Take every pass; stop at the first that no backend answers."""
        await self._passes()
        self._settle()

    async def _passes(self) -> bool:
        """True when all passes were answered."""
        for turn in self.tick.policy.pipe.passes:
            self.turn = turn
            if not await self._take(turn):
                return False
        return True

    def time_out(self) -> None:
        """The pipe's time is over: what earlier passes brought stays, the rest of it is late."""
        if self.recorded and self._caught_up():
            self._settle()
        self._time_out(f"no answer within {self.tick.policy.pipe.deadline:g} s")

    def _caught_up(self) -> bool:
        """Take what was recorded before, where the time is over and `run` was never begun.

        True when that is all passes; nobody is asked, so that it waits for nothing.
        """
        tick, self.tick = self.tick, replace(self.tick, sealed=True)
        try:
            self._passes().send(None)
        except StopIteration as end:
            return bool(end.value)
        finally:
            self.tick = tick
        raise AssertionError("a sealed pipe waits for somebody")

    def _time_out(self, reason: str) -> None:
        if not self.over:
            self.turn = self.turn or self.tick.policy.pipe.passes[0]  # it may never have begun
            self._decided(self.settled or self._alias(), "timed-out", reason, settles=True)
            self._settle()

    def _alias(self) -> str:
        """The backend that is being asked now: the first that has not failed yet."""
        tried = len(self.attempts)
        chain = self.tick.policy.pipe.backends
        return chain[min(tried, len(chain) - 1)][0]

    async def _take(self, turn: str) -> bool:
        """Ask the backends in turn until one answers; after the first pass only the one that did."""
        for alias, _ in self.tick.policy.pipe.backends:
            if self.over:
                return False  # its time is over: nobody else is asked
            if self.settled not in (None, alias):
                continue
            if self.tick.sealed and not self.recorded:
                return False  # the record ends here, and so does the stream
            if self.attempts and not self.recorded and self.tick.backends[alias].last_resort:
                return False  # after failures it adds nothing and hides nothing
            if await self._ask(alias, turn):
                self.settled = alias
                return True
        return False

    async def _ask(self, alias: str, turn: str) -> bool:
        """One attempt with one backend; False when it gave no usable reply, with the reason in `attempts`."""
        tick = self.tick
        if self.recorded:
            return self._again(alias, self.recorded.popleft())
        bound = self._bound(tick.backends[alias])
        if not tick.budget.reserve(bound):
            over = "the call would take more tokens than the budget has left"
            self._decided(alias, "over-budget", over)
            return False
        call = _Call(tick.monotonic)
        try:
            reply = await call.of(self._called(alias, turn))
        except BaseException as error:
            tick.budget.settle(bound, UNUSED)
            if call.ended or isinstance(error, KeyboardInterrupt):
                raise  # it is the pump that ends here, and not the backend
            self._decided(alias, *self._fault(alias, error))
            return False
        if call.longest > tick.policy.pipe.deadline:
            self._time_out(f"it stopped all streams for {call.longest:.1f} s")
        taking = _Taking(self, alias, reply, bound)
        self.handed = self.delta is None and self._last(alias, turn)
        await tick.intake.taken(taking, waits=not self.handed)
        return taking.usable

    def _last(self, alias: str, turn: str) -> bool:
        """True where nobody will be asked after this, whatever the reply is."""
        clause = self.tick.policy.pipe
        return turn == clause.passes[-1] and self.settled in (None, alias) and alias == clause.backends[-1][0]

    def _fault(self, alias: str, error: BaseException) -> tuple[str, Any]:
        """Status and reason of a call that came to an error."""
        if isinstance(error, BackendError):
            return self._refused(alias, error)
        if isinstance(error, LisppumpError):
            return self._misanswered(alias, error)
        return Failure.DEFECT.status, self._blame(alias, error)

    def _again(self, alias: str, answer: Answer) -> bool:
        """Take an attempt as it ended before; the machine's decisions are applied and not made again."""
        told = answer.fields
        attempt = len(self.attempts) + 1
        if (told["backend"], told["turn"], told["attempt"]) != (alias, self.turn, attempt):
            raise self._unrecorded(
                f"attempt {told['attempt']} with `{told['backend']}` in pass `{told['turn']}` where attempt "
                f"{attempt} with `{alias}` in pass `{self.turn}` is due"
            )
        if answer.kind == "reply":
            reply = reply_of(told)
            self.tick.budget.settle(0, reply.usage)
            return self._read(alias, reply)
        self._failed(alias, told["status"], told["reason"], told["model"])
        if told["settles"]:
            self._settle()
        return False

    def _unrecorded(self, what: str) -> LisppumpError:
        return LisppumpError(
            "not-recorded",
            f"the journal holds {what} ({self.stream.id}, frame {self.tick.number})",
            help="the policy or a plugin is not what it was when the frame was made; see `lisppump show`",
        )

    def _called(self, alias: str, turn: str) -> Coroutine[Any, Any, Any]:
        """What the backend answers, to be awaited, whatever it is."""
        called: Any = self.tick.pour(self._request(turn), alias)
        if called.__class__ is CoroutineType:
            return called
        if not isinstance(called, Awaitable):
            what = f"its pour gave {given(called)}, where something to await is wanted"
            raise LisppumpError("contract", what, help="write `async def pour`")
        return _awaited(called)

    def _refused(self, alias: str, error: BackendError) -> tuple[str, Any]:
        """Status and reason that a backend gives; a class of its own may have neither."""
        try:
            return refused(error)
        except LisppumpError as broken:
            return self._misanswered(alias, broken)
        except BaseException as fault:
            return Failure.DEFECT.status, self._blame(alias, fault)

    def _misanswered(self, alias: str, error: LisppumpError) -> tuple[str, str]:
        """Status and reason where a reply cannot be used at all."""
        if error.code == "bad-json":
            return Failure.INVALID.status, f"the reply is no JSON data: {error.message}"
        offer = dict(self.tick.policy.pipe.backends)[alias].offer
        broke = f"backend `{offer.name}` of plugin {offer.plugin} broke its contract: {error.message}"
        return Failure.DEFECT.status, broke if error.code == "contract" else error.message

    @property
    def over(self) -> bool:
        """True where the stream has settled, or does so without being asked once its reply is taken in."""
        return self.delta is not None or self.handed

    def _place(self, alias: str) -> dict[str, Any]:
        """Which attempt of which stream a record speaks of."""
        return {
            "frame": self.tick.number,
            "epoch": self.tick.epoch,
            "stream": self.stream.number,
            "attempt": len(self.attempts) + 1,
            "turn": self.turn,
            "backend": alias,
        }

    def _read(self, alias: str, reply: Reply) -> bool:
        """What a reply brings into the delta; False when nothing of it is usable."""
        if reply.usage is not UNUSED:
            self.usage = self.usage + reply.usage
        try:
            found, notes = schema.read(reply.text, reply.data, self.tick.policy.schema)
        except LisppumpError as error:
            self._failed(alias, "invalid", error.message, reply.model)
            return False
        accepted, rejected = schema.check(self.tick.policy.schema, found)
        before = self.heard
        self.heard = accepted  # it stays Whole only where nothing else was heard
        if before:
            more = {name: [*before.get(name, ()), *items] for name, items in accepted.items()}
            self.heard = {**before, **more}
        if rejected:
            self.rejected.extend([problem.to_json() for problem in rejected])
        if notes:
            self.notes.extend(notes)
        if reply.stop == "partial" and reply.reason:
            self.notes.append(reply.reason)
        if rejected and not accepted:
            self._failed(alias, "invalid", f"no item is usable: {rejected[0].sentence}", reply.model)
            return False
        self.attempts.append(Attempt(alias, "ok" if accepted else "empty", reply.reason, reply.model))
        return True

    def _request(self, turn: str) -> Request:
        policy = self.tick.policy
        return Request(
            frame=self.tick.frame,
            stream=self.stream,
            # Copies: a backend that changes what it was given changes it for nobody else.
            agents=tuple([Agent(agent.id, copied(agent.data)) for agent in self.agents]),
            prompt=self.prompt,
            schema=policy.schema,
            turn=turn,
            seed=(policy.seed, self.tick.number, "pipe", turn),
            deadline=policy.pipe.deadline,
            limits=policy.limits,
            heard=copied(dict(self.heard)) if self.heard else {},
        )

    def _bound(self, terms: Terms) -> int:
        """The most tokens one call may take; a backend without `max_tokens` uses none."""
        return 0 if terms.max_tokens is None else terms.max_tokens + self.prompt.tokens

    def _decided(self, alias: str, status: str, reason: str, *, settles: bool = False) -> None:
        """An attempt ended without a reply: what the machine decided is recorded, and never decided again."""
        told = {"status": status, "reason": _sentence(reason), "model": None, "settles": settles}
        self.tick.ledger.outcome(**self._place(alias), **told)
        self._failed(alias, status, reason)

    def _failed(self, alias: str, status: str, reason: str, model: str | None = None) -> None:
        self.attempts.append(Attempt(alias, status, _sentence(reason), model))

    def _blame(self, alias: str, error: BaseException) -> str:
        """A plugin's fault names stage, plugin and place; the pump goes on."""
        offer = dict(self.tick.policy.pipe.backends)[alias].offer
        place = place_of(error) or offer.file or "?"
        return (
            f"backend `{offer.name}` of plugin {offer.plugin} raised {said(error)} "
            f"({place}, frame {self.tick.number})"
        )

    def _settle(self) -> None:
        if not self.over:
            self._settle_now(self._made())

    def _settle_now(self, delta: Delta, *, recorded: bool = False) -> None:
        self.delta = delta
        if not recorded:
            self.tick.ledger.delta(delta)
        self.tick.settled(self.stream, delta)

    def _made(self) -> Delta:
        """What the stream has come to by now."""
        last = self.attempts[-1] if self.attempts else Attempt("none", "empty", "no backend was asked")
        items = bool(self.heard)
        failed = last.status not in ("ok", "empty")
        answered = last
        if items and last.status != "ok":
            answered = next((entry for entry in reversed(self.attempts) if entry.status == "ok"), last)
        reason = last.reason if failed or not items else None
        return Delta.of(
            frame=self.tick.number,
            stream=self.stream.number,
            utc=clock.later(self.tick.time, microseconds=self.stream.number),
            collections=dict(self.heard),
            digest=canon.digest(self.heard),
            agents=self.stream.agents,
            status="ok" if items else last.status,
            reason=reason or ("; ".join(self.notes) or None),
            partial=items and (failed or bool(self.notes)),
            backend=answered.backend,
            model=answered.model,
            node=self.tick.node,
            epoch=self.tick.epoch,
            attempts=tuple(self.attempts),
            usage=self.usage,
            rejected=tuple(self.rejected),
        )


class _Taking:
    """A reply that has come, on its way into its pipe."""

    __slots__ = ("_alias", "_bound", "_due", "_pipe", "_reply", "usable")

    def __init__(self, pipe: Pipe, alias: str, reply: Any, bound: int) -> None:
        self._pipe = pipe
        self._alias = alias
        self._reply = reply
        self._bound = bound
        self._due: Delta | None = None
        self.usable = False

    def read(self) -> None:
        """Hold what a backend gave to its contract; what cannot be used at all is an attempt that failed."""
        pipe, used = self._pipe, UNUSED
        try:
            self._reply = answered(self._reply)
            used = self._reply.usage
        except LisppumpError as error:
            self._reply = None
            pipe._decided(self._alias, *pipe._misanswered(self._alias, error))
        finally:
            pipe.tick.budget.settle(self._bound, used)

    def record(self) -> tuple[str, dict[str, Any]] | None:
        """What is journalled of the reply: where that is all of its stream, also what the stream comes to.

        One that comes when its stream is settled is late.
        """
        pipe, reply = self._pipe, self._reply
        if reply is None:
            return None
        record = pipe._place(self._alias)
        record["model"] = reply.model
        record["stop"] = reply.stop
        record["reason"] = reply.reason
        record["text"] = reply.text
        record["data"] = reply.data
        record["usage"] = {} if reply.usage is UNUSED else reply.usage.to_json()
        if pipe.delta is not None:
            return "late", record
        self.usable = pipe._read(self._alias, reply)
        if self.usable and len(pipe.attempts) == len(pipe.tick.policy.pipe.passes) == 1:
            self._due = pipe._made()
            record["settled"] = beside(self._due, record)
            if pipe.heard.__class__ is canon.Whole and reply.usage is UNUSED:
                record = canon.Whole(record)
        return "reply", record

    def settle(self) -> None:
        """The reply is written; where nobody is asked any more, its stream settles."""
        pipe = self._pipe
        if pipe.delta is None and (self._due is not None or pipe.handed):
            pipe._settle_now(self._due or pipe._made(), recorded=self._due is not None)


def reply_of(record: Mapping[str, Any]) -> Reply:
    """The reply that a record holds."""
    return Reply(
        text=record["text"],
        data=record["data"],
        usage=Usage.from_json(record["usage"]),
        model=record["model"],
        stop=record["stop"],
        reason=record["reason"],
    )


def _sentence(reason: Any) -> str:
    """A reason as it can be kept and read: text, not endless."""
    text = " ".join(reason.split()) if isinstance(reason, str) else "the backend did not say why"
    text = text if len(text) <= MOST_REASON else text[:MOST_REASON] + " ..."
    return text.encode("utf-8", "backslashreplace").decode()


async def _awaited(called: Awaitable[Any]) -> Any:
    return await called


class _Call:
    """One call of a backend, step by step: how long one step held up all others, and who ended it.

    Cancelled once, a backend may tidy up; cancelled again it is dropped, whatever it makes of that.
    """

    __slots__ = ("_call", "_monotonic", "ended", "longest")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.longest = 0.0
        self.ended = False
        self._monotonic = monotonic

    def of(self, call: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        """What the backend answers."""
        self._call = call
        return clock.stepped(call, self._monotonic, self._ran, self._drops)

    def _ran(self, seconds: float) -> None:
        if seconds > self.longest:
            self.longest = seconds

    def _drops(self, error: BaseException) -> bool:
        """True where the call is to go no further; only the first wish to end it is passed on."""
        ours = isinstance(error, GeneratorExit) or clock.cancelled(error)
        if not ours:
            return False
        again, self.ended = self.ended or isinstance(error, GeneratorExit), True
        if again:
            with suppress(RuntimeError):  # it will not end; nobody asks it again
                self._call.close()
        return again
