"""One stream on its way through its pipe: passes, attempts, check, a delta at the end. It decides nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import replace
from types import CoroutineType
from typing import Any

from lisppump import canon, clock, schema, schema_reply
from lisppump.asking import request_of
from lisppump.call import Call, awaited, fault, reply_of, sentence, typed, unrecorded
from lisppump.calling import Failure, Repair, Reply, Tool, kept
from lisppump.delta import UNUSED, Attempt, Delta, Usage
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Stream
from lisppump.holding import given
from lisppump.leave import CUT_SHORT, Held, Leave
from lisppump.plugin import Offer
from lisppump.prices import tokens_of
from lisppump.prompt import Prompt
from lisppump.taking import Taking
from lisppump.tick import Answer, Claim, Tick

CUT_OFF = "the reply was cut off"
NOTHING = "the reply was cut off before its first item was finished"


class Pipe:
    """One stream's room on its way; `delta` is there once it has settled, however it ended.

    `recorded` are the answers that it got before: they are taken in their order, and nobody is asked again.
    """

    attempts: tuple[Attempt, ...] = ()
    heard: Mapping[str, list[Any]] = canon.Whole()
    usage: Usage = UNUSED
    rejected: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    unasked: tuple[Attempt, ...] = ()
    settled: str | None = None  # the backend that answered the first pass
    turn: str = ""
    lacks: bool = False
    handed: bool = False
    delta: Delta | None = None
    asking: str | None = None
    repair: Repair | None = None
    mended: str | None = None
    pause: float | None = None
    claim: Claim | None = None
    owed: Usage = UNUSED
    waits: Held | None = None
    tools: tuple[str, tuple[Tool, ...]] | None = None

    def __init__(
        self, tick: Tick, stream: Stream, agents: tuple[Agent, ...], prompt: Prompt, recorded: deque[Answer]
    ) -> None:
        self.tick = tick
        self.stream = stream
        self.agents = agents
        self.prompt = prompt
        self.recorded = recorded
        self.before = tick.spare.seconds

    def run(self) -> Coroutine[Any, Any, Any]:
        """Take every pass; stop at the first that no backend answers."""
        return self._passes(settles=True)

    async def _passes(self, *, settles: bool) -> bool:
        """In each pass ask the backends in turn until one answers, after the first only that one.

        True when all passes were answered. A coroutine for the inner loop would cost each a microsecond.
        """
        clause, answered = self.tick.policy.pipe, True
        for turn in clause.passes:
            self.turn, answered = turn, False
            for alias, _ in clause.backends:
                if self.settled not in (None, alias):
                    continue
                if self._ends_at(alias):
                    break
                answered = await self._ask(alias, turn)
                if self.handed:  # it settles when that is taken in
                    self._release()
                    return True
                if not answered and self._goes_on(alias):
                    answered = await self._ask_on(alias, turn)
                if answered:
                    self.settled = alias
                    break
                self._release()
            if not answered:
                break
        if settles:
            self._settle()
        return answered

    def _ends_at(self, alias: str) -> bool:
        """True where neither this backend is asked nor any behind it."""
        if self.over:
            return True  # its time is over
        self.asking = alias
        if self.recorded:
            return False
        if self.tick.sealed:
            return True  # the record ends here, and so does the stream
        # after failures a last resort adds nothing and hides nothing
        return bool(self.attempts) and self.tick.backends[alias].last_resort

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
            self._passes(settles=False).send(None)
        except StopIteration as end:
            return bool(end.value)
        finally:
            self.tick = tick
        raise AssertionError("a sealed pipe waits for somebody")

    def _time_out(self, reason: str) -> None:
        if not self.over:
            self.turn = self.turn or self.tick.policy.pipe.passes[0]  # it may never have begun
            asked = self.asking or self.tick.policy.pipe.backends[0][0]
            self.decided(asked, "timed-out", reason, settles=True, lost=self._lost(asked))
            self._settle()

    def _lost(self, alias: str) -> Usage:
        """What a call that was cut short counts as, where it may have used something."""
        passes = len(self.tick.policy.pipe.passes)
        return self.tick.purse.lost(alias, self.claim, self.prompt.tokens, passes)

    def held(self) -> float:
        """Seconds for which it has been kept from asking anybody, or the loop did something for no pipe."""
        return self._held() + self.tick.spare.seconds - self.before

    def _held(self) -> float:
        return 0.0 if self.waits is None else self.waits()

    def _goes_on(self, alias: str) -> bool:
        """True where the same backend is asked once more in this pass: as recorded, or as is due."""
        if self.over:
            return False
        if self.recorded:
            told = self.recorded[0].fields
            return (told["backend"], told["turn"]) == (alias, self.turn)
        return self.pause is not None and not self.tick.sealed

    async def _ask_on(self, alias: str, turn: str) -> bool:
        """More attempts with a backend that failed: after a pause, or with a reply to be mended."""
        answered = False
        while not answered and self._goes_on(alias):
            if self.pause and not self.recorded:
                with self._kept():
                    await self.tick.sleep(self.pause)
            answered = await self._ask(alias, turn)
        self.repair = None
        return answered

    def _kept(self) -> Held:
        """What counts the seconds for which the pipe is kept from asking."""
        if self.waits is None:
            self.waits = Held(self.tick.monotonic)
        return self.waits

    async def _ask(self, alias: str, turn: str) -> bool:
        """One attempt with one backend; False when it gave no usable reply, with the reason in `attempts`."""
        tick, self.pause = self.tick, None
        if self.recorded:
            return self._again(alias, self.recorded.popleft())
        leave = None
        if alias not in tick.free:
            leave = self._leave(alias)
            if (leave is not None and self._skipped(leave, alias)) or not self._reserved(alias):
                return False
            if leave is not None and not await self._leave_taken(leave, alias):
                return False
        call, taking, last = Call(tick.monotonic), Taking(self, alias), self._last(alias, turn)
        try:
            reply = await call.of(self._called(alias, leave))
        except BaseException as error:
            if call.ending or isinstance(error, KeyboardInterrupt):
                if leave is not None:
                    leave.back(None if self.delta is None else CUT_SHORT)
                raise  # it is the pump that ends here, and not the backend
            self._came_to(alias, error, leave)
            return False
        taking.comes(reply)
        if leave is not None:
            leave.back(None)
        if call.longest > tick.policy.pipe.deadline:
            self._time_out(f"it stopped all streams for {call.longest:.1f} s")
        self.handed = self.delta is None and last
        coming = tick.intake.came(taking, waits=not self.handed)
        if coming is not None:
            await coming
        return taking.usable

    def _leave(self, alias: str) -> Leave | None:
        """What a call of a backend has to wait for; None where that is nothing."""
        tick = self.tick
        lane = tick.governor.lane(alias)
        warms = tick.backends[alias].warms and tick.policy.pipe.warm
        if lane is None and not warms:
            return None
        model = tick.backends[alias].model
        return Leave(lane, tick.gates.of(alias, model, self.prompt.shared_digest) if warms else None)

    def _skipped(self, leave: Leave, alias: str) -> bool:
        """True where nobody asks the backend now, which is an attempt that failed."""
        why = leave.lane.skipped() if leave.lane is not None else None
        if why is not None:
            self.decided(alias, Failure.UNAVAILABLE.status, f"it was not asked: {why}", asked=False)
        return why is not None

    async def _leave_taken(self, leave: Leave, alias: str) -> bool:
        """True when the backend may be asked; that it might not in time is an attempt that failed."""
        deadline = self.tick.policy.pipe.deadline
        with self._kept():
            if await leave.taken(deadline - self._held()):
                return True
        if self.delta is None and leave.refused is not None:
            why = f"it was not asked: {leave.refused}"
            self.decided(alias, Failure.UNAVAILABLE.status, why, asked=False)
        elif self.delta is None:
            self.decided(alias, Failure.THROTTLED.status, f"it might not be asked within {deadline:g} s")
        return False

    def _reserved(self, alias: str) -> bool:
        """Set aside what the pipe may use with a backend, and again what a lost attempt took."""
        purse, stream = self.tick.purse, self.stream.number
        claim: Claim | str
        if self.claim is not None:
            owed, self.owed = self.owed, UNUSED
            claim = purse.renew(alias, self.claim, owed, stream) or self.claim
        else:
            claim = purse.reserve(alias, self.prompt.tokens, len(self.tick.policy.pipe.passes), stream)
        if isinstance(claim, str):
            self.decided(alias, Failure.OVER_BUDGET.status, claim)
            return False
        self.claim = claim
        return True

    def _release(self) -> None:
        if self.claim is not None:
            self.tick.purse.release(self.claim)
            self.claim, self.owed = None, UNUSED

    def _came_to(self, alias: str, error: BaseException, leave: Leave | None) -> None:
        """A call came to an error: what is recorded of it, and whether another is worth while."""
        status, reason = fault(error, self.offer_of(alias), self.tick.number)
        failure = typed(error)
        used, text, model = kept(failure)
        used = self.tick.purse.priced(alias, model, used)
        self.tick.purse.used(self.claim, used)
        again = None
        if leave is not None:
            tries = sum(one.backend == alias and one.status not in ("ok", "empty") for one in self.attempts)
            again = leave.back(failure, tries + 1)
            if again is not None and again + self._held() <= self.tick.policy.pipe.deadline:
                self.pause = again
        if self.pause is None and text and status == "invalid":
            self._mend(alias, text, str(reason))
        self.usage = self.usage + used
        more: dict[str, Any] = {} if used is UNUSED else {"usage": used.to_json()}
        lost = UNUSED
        if (failure.failure is Failure.TIMED_OUT or text) and not tokens_of(used):
            lost = self._lost(alias)
        if again is not None:  # a repair call is a part of the reservation, another attempt is not
            self.owed = lost if lost is not UNUSED else used
        if text is not None:
            more["text"] = text
        if self.pause:
            more["again"] = self.pause
        self.decided(alias, status, reason, model=model, lost=lost, **more)

    def _mendable(self, alias: str) -> bool:
        """True where a reply that is of no use is sent back to be mended: as recorded, or once for a pipe."""
        if self.recorded:
            return self._goes_on(alias)
        asks = self.tick.backends[alias].mends and self.mended != alias
        return asks and not (self.over or self.tick.sealed)

    def _mend(self, alias: str, text: str, problem: str) -> bool:
        if not self._mendable(alias):
            return False
        self.repair, self.mended, self.pause = Repair(text, sentence(problem)), alias, 0.0
        return True

    def _last(self, alias: str, turn: str) -> bool:
        """True where nobody will be asked after this, whatever the reply is."""
        clause = self.tick.policy.pipe
        last = turn == clause.passes[-1] and self.settled in (None, alias) and alias == clause.backends[-1][0]
        return last and not (self.tick.backends[alias].mends and self._mendable(alias))

    def _again(self, alias: str, answer: Answer) -> bool:
        """Take an attempt as it ended before; the machine's decisions are applied and not made again."""
        told = answer.fields
        attempt = len(self.attempts) + 1
        if (told["backend"], told["turn"], told["attempt"]) != (alias, self.turn, attempt):
            raise unrecorded(
                f"attempt {told['attempt']} with `{told['backend']}` in pass `{told['turn']}` where attempt "
                f"{attempt} with `{alias}` in pass `{self.turn}` is due ({self.stream.id}, frame "
                f"{self.tick.number})"
            )
        if answer.kind == "reply":
            reply = reply_of(told)
            self.tick.purse.recorded(reply.usage)
            return self.read(alias, reply)
        if "usage" in told:
            used = Usage.from_json(told["usage"])
            self.usage = self.usage + used
            self.tick.purse.recorded(used)
        self.pause = told.get("again")
        if self.pause is None and told.get("text") and told["status"] == "invalid":
            self._mend(alias, told["text"], told["reason"])
        self._failed(alias, told["status"], told["reason"], told["model"], asked=told.get("asked", True))
        if told["settles"]:
            self._settle()
        return False

    def _called(self, alias: str, leave: Leave | None) -> Coroutine[Any, Any, Any]:
        """What the backend answers, to be awaited, whatever it is."""
        called: Any = self.tick.pour(request_of(self, alias, leave), alias)
        if called.__class__ is CoroutineType:
            return called
        if not isinstance(called, Awaitable):
            what = f"its pour gave {given(called)}, where something to await is wanted"
            raise LisppumpError("contract", what, help="write `async def pour`")
        return awaited(called)

    def offer_of(self, alias: str) -> Offer:
        return dict(self.tick.policy.pipe.backends)[alias].offer

    @property
    def over(self) -> bool:
        """True where the stream has settled, or does so without being asked once its reply is taken in."""
        return self.delta is not None or self.handed

    def place(self, alias: str) -> dict[str, Any]:
        """Which attempt of which stream a record speaks of."""
        tick = self.tick
        return {
            "frame": tick.number,
            "epoch": tick.epoch,
            "stream": self.stream.number,
            "attempt": len(self.attempts) + 1,
            "turn": self.turn,
            "backend": alias,
        }

    def read(self, alias: str, reply: Reply) -> bool:
        """What a reply brings into the delta; False when nothing of it is usable."""
        if reply.usage is not UNUSED:
            self.usage = self.usage + reply.usage
        try:
            found = schema_reply.read(reply.text, reply.data, self.tick.policy.schema)
        except LisppumpError as error:
            self._unusable(alias, reply, error.message)
            return False
        accepted, rejected = schema.check(self.tick.policy.schema, found.data)
        cut = found.cut or reply.stop == "truncated"
        if not accepted and (rejected or cut):
            problem = f"no item is usable: {rejected[0].sentence}" if rejected else NOTHING
            if not self._unusable(alias, reply, problem):
                self.rejected += tuple([problem.to_json() for problem in rejected])
            return False
        before = self.heard
        self.heard = accepted  # it stays Whole only where nothing else was heard
        if before:
            more = {name: [*before.get(name, ()), *items] for name, items in accepted.items()}
            self.heard = {**before, **more}
        if rejected:
            self.rejected += tuple([problem.to_json() for problem in rejected])
        if found.notes:
            self.notes += tuple(found.notes)
        if cut or (reply.stop == "partial" and reply.reason):
            self.lacks = True
            if reply.stop != "end":
                self.notes += (reply.reason or CUT_OFF,)
        self.attempts += (Attempt(alias, "ok" if accepted else "empty", reply.reason, reply.model),)
        return True

    def _unusable(self, alias: str, reply: Reply, problem: str) -> bool:
        """An attempt that brought nothing; True where its reply is sent back to be mended."""
        text = canon.canonical(reply.data).decode() if reply.text is None else reply.text
        mended = self._mend(alias, text, problem)
        self._failed(alias, Failure.INVALID.status, problem, reply.model)
        return mended

    def decided(
        self, alias: str, status: str, reason: Any, *, settles: bool = False, asked: bool = True,
        model: str | None = None, lost: Usage = UNUSED, **more: Any,
    ) -> None:  # fmt: skip
        """An attempt ended without a reply: what the machine decided is recorded, and never decided again."""
        told = {"status": status, "reason": sentence(reason), "model": model, "settles": settles, **more}
        if lost is not UNUSED:
            told["lost"] = lost.to_json()
        if not asked:
            told["asked"] = False
        self.tick.ledger.outcome(**self.place(alias), **told)
        self._failed(alias, status, reason, model, asked=asked)

    def _failed(
        self, alias: str, status: str, reason: Any, model: str | None = None, *, asked: bool = True
    ) -> None:
        failed = Attempt(alias, status, sentence(reason), model)
        self.attempts += (failed,)
        if not asked:
            self.unasked += (failed,)

    def _settle(self) -> None:
        if not self.over:
            self.settle_now(self.made())

    def settle_now(self, delta: Delta, *, recorded: bool = False) -> None:
        self.delta = delta
        self._release()
        if not recorded:
            self.tick.ledger.delta(delta)
        self.tick.settled(self.stream, delta)

    def made(self) -> Delta:
        """What the stream has come to by now."""
        tick, number = self.tick, self.stream.number
        last = self.attempts[-1] if self.attempts else Attempt("none", "empty", "no backend was asked")
        items = bool(self.heard)
        if self.unasked and not items:  # who was not asked hides nothing of those who were
            last = next((one for one in reversed(self.attempts) if one not in self.unasked), last)
        failed = last.status not in ("ok", "empty")
        answered = last
        if items and last.status != "ok":
            answered = next((entry for entry in reversed(self.attempts) if entry.status == "ok"), last)
        reason = last.reason if failed or not items else None
        return Delta.of(
            frame=tick.number,
            stream=number,
            utc=clock.later(tick.time, microseconds=number),
            collections=dict(self.heard),
            digest=canon.digest(self.heard),
            agents=self.stream.agents,
            status="ok" if items else last.status,
            reason=reason or ("; ".join(dict.fromkeys(self.notes)) or None),
            partial=items and (failed or self.lacks),
            backend=answered.backend,
            model=answered.model,
            node=tick.node,
            epoch=tick.epoch,
            attempts=self.attempts,
            usage=self.usage,
            rejected=self.rejected,
        )
