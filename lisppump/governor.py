"""The governor of a run: how much each backend is asked, when it is asked again, when it is left alone.

It asks nobody, and knows time only by the clock it is given.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from lisppump.calling import BackendError, Failure, Terms
from lisppump.clock import Clock, stamp
from lisppump.pacing import Pace, Start
from lisppump.plan import seed_of

OPENS_AFTER = 5  # calls in a row that came to nothing, since the last that did not
COOLS = 10.0  # seconds that an open circuit is left alone; twice as long after each probe that fails
LONGEST = 600.0
TRIES = {Failure.THROTTLED: 5, Failure.UNAVAILABLE: 3}  # of one pipe with one backend
BACKOFF = 0.5  # seconds before a second attempt where a backend is unavailable; twice as long each time
UNSAID = (Failure.TIMED_OUT, Failure.DEFECT, Failure.OVER_BUDGET)  # they say nothing of whether it is there


class Circuit:
    """Whether a backend is left alone, since nothing that was asked of it has succeeded lately."""

    def __init__(self) -> None:
        self.failures = 0
        self.until: float | None = None  # open up to then; None where it is closed
        self.probing = False
        self.why = ""
        self._cools = COOLS

    def shut(self, now: float) -> str | None:
        """Why nobody may ask now; None where anybody may, or the one whose call is the probe."""
        if self.until is None:
            return None
        if now < self.until:
            return f"{self.why}; it is left alone for {_seconds(self.until - now)}"
        return f"{self.why}; one call finds out whether it is there again" if self.probing else None

    def failed(self, now: float, why: str, longer: float = 1.0) -> None:
        """A call came to nothing; the cool-down is `longer` by so much, by the throw of a die."""
        self.failures += 1
        if self.probing or self.failures >= OPENS_AFTER:
            self.why = f"{self.failures} calls in a row came to nothing, the last since {why}"
            self.until = now + self._cools * longer
            self._cools = min(LONGEST, self._cools * 2)
            self.probing = False

    def leave(self, now: float, seconds: float) -> None:
        """The server wants to be left alone for longer than anybody waits."""
        self.why, self.until, self.probing = "the server asked for it", now + seconds, False

    def succeeded(self) -> None:
        """It is there."""
        self.failures, self.until, self.probing, self._cools = 0, None, False, COOLS


class _Waiter:
    """One pipe in the queue of a lane."""

    __slots__ = ("woken",)

    def __init__(self) -> None:
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)

    def again(self) -> asyncio.Future[None]:
        """What is done once somebody wakes it, from now on."""
        if self.woken.done():
            self.woken = asyncio.get_running_loop().create_future()
        return self.woken


class Way:
    """All that is known of one backend, for all pipes that ask it: its pace, its circuit, who waits."""

    def __init__(self, alias: str, clock: Clock, seed: int, changed: Callable[[], None]) -> None:
        self.alias = alias
        self._changed = changed
        self.pace = Pace()
        self.circuit = Circuit()
        self.asked = 0  # calls that were let go
        self.patience = math.inf  # seconds that a pipe waits at most
        self._clock = clock
        self._seed = seed
        self._throws = 0
        self._queue: deque[_Waiter] = deque()

    def skipped(self) -> str | None:
        """Why nobody asks it now."""
        return self.circuit.shut(self._clock.monotonic())

    async def enter(self) -> Start:
        """Wait for the turn of one more call; BackendError where its circuit opens meanwhile."""
        now = self._clock.monotonic()
        if self._queue or self.skipped() is not None or self.pace.wait(now) > 0:
            await self._turn()
            now = self._clock.monotonic()
        if self.circuit.until is not None:
            self.circuit.probing = True
        self.asked += 1
        return self.pace.start(now)

    async def _turn(self) -> None:
        me = _Waiter()
        self._queue.append(me)
        try:
            while True:
                if (why := self.skipped()) is not None:
                    raise BackendError(Failure.UNAVAILABLE, why)
                first = self._queue[0] is me
                wait = self.pace.wait(self._clock.monotonic()) if first else math.inf
                if wait <= 0:
                    return
                await self._rest(me, wait)
        finally:
            self._queue.remove(me)
            self._wake()

    async def _rest(self, me: _Waiter, seconds: float) -> None:
        """Until somebody wakes it, or the time is over."""
        woken = me.again()
        if seconds == math.inf:
            await woken
            return
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({sleep, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()

    def _wake(self) -> None:
        """Let the first look again, or all where nobody may ask any more."""
        waiting = list(self._queue)
        for waiter in waiting if self.skipped() is not None else waiting[:1]:
            waiter.wake()

    def left(self, start: Start, error: BackendError | None, tries: int) -> float | None:
        """Hear how a call ended; the seconds after which another attempt is worth while, or None."""
        failure = None if error is None else error.failure
        after = None if error is None else _asked_for(error)
        before = (self.pace.events, self.circuit.until)
        now = self._clock.monotonic()
        busy = failure is Failure.THROTTLED or (failure is Failure.UNAVAILABLE and after is not None)
        if busy:
            self._refused(start, now, after)
        elif failure is Failure.UNAVAILABLE:
            self.pace.ended(now, well=False)
            self.circuit.failed(now, "it was unavailable", 1 + self._die() / 4)
        elif failure in UNSAID:
            self.pace.ended(now, well=False)
            if self.circuit.probing:
                self.circuit.failed(now, "it did not answer", 1 + self._die() / 4)
        else:
            self.pace.ended(now, well=True)
            self.circuit.succeeded()
        self._wake()
        if before != (self.pace.events, self.circuit.until):
            self._changed()
        if failure not in TRIES or tries >= TRIES[failure] or self.skipped() is not None:
            return None
        return 0.0 if busy else BACKOFF * 2 ** (tries - 1) * (0.5 + self._die())

    def _refused(self, start: Start, now: float, after: float | None) -> None:
        vain = self.pace.in_vain
        longest = None if after is None else min(after, self.patience)
        self.pace.refused(start, now, longest)
        if after is not None and after > self.patience:
            self.circuit.leave(now, after)
        elif self.pace.in_vain > vain or self.circuit.probing:
            self.circuit.failed(now, "it refused them", 1 + self._die() / 4)

    def _die(self) -> float:
        """The next throw, from 0 to 1: the same for the same seed."""
        self._throws += 1
        return seed_of(self._seed, "governor", self.alias, self._throws) / 2**64

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        now, pace, circuit = self._clock.monotonic(), self.pace, self.circuit
        left = 0.0 if circuit.until is None else circuit.until - now
        until = None
        if left > 0:
            until = stamp(self._clock.now() + timedelta(seconds=left))
        states = "closed" if circuit.until is None else "open" if left > 0 else "half-open"
        return {
            "circuit": states,
            "reason": circuit.why if circuit.until is not None else None,
            "until": until,
            "limit": pace.limit,
            "a_second": None if pace.rate == math.inf else round(pace.rate, 2),
            "paused": round(max(0.0, pace.until - now), 3),
            "under_way": pace.flying,
            "waiting": len(self._queue),
            "refusals": pace.events,
        }


class OneCall:
    """The lane of a backend, for one call of one pipe."""

    __slots__ = ("_start", "_way")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._start: Start | None = None

    def skipped(self) -> str | None:
        """Why nobody asks it now, which costs nothing; None where it may be asked."""
        return self._way.skipped()

    async def enter(self) -> None:
        """Wait for leave to ask; BackendError where the circuit opens meanwhile."""
        self._start = await self._way.enter()

    def left(self, error: BackendError | None, tries: int) -> float | None:
        """Hear how the call ended; the seconds after which another is worth while, or None."""
        assert self._start is not None, "a call that has not entered cannot leave"
        return self._way.left(self._start, error, tries)


class Governor:
    """One for a run, whatever policies it sees: what was learnt of a backend stays as long as its alias."""

    def __init__(self, clock: Clock, hear: Callable[[Mapping[str, Any]], None] = lambda lanes: None) -> None:
        self._clock = clock
        self._hear = hear
        self._ways: dict[str, Way] = {}

    def under(self, terms: Mapping[str, Terms], *, seed: int, patience: float) -> None:
        """What the policy in force says: which backends there are, and how long a pipe waits at most."""
        self._ways = {
            alias: self._ways.get(alias) or Way(alias, self._clock, seed, self.tell)
            for alias, declared in terms.items()
            if governed(declared)
        }
        for alias, way in self._ways.items():
            way.patience = patience
            way.pace.most = terms[alias].at_once or math.inf

    def lane(self, alias: str) -> OneCall | None:
        """The lane of a backend; None for one that is asked whenever anybody likes."""
        way = self._ways.get(alias)
        return None if way is None else OneCall(way)

    def tell(self) -> None:
        """Let whoever listens know how the lanes are."""
        if self._ways:
            self._hear(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The lanes in which something has been asked, by alias."""
        return {alias: way.to_json() for alias, way in self._ways.items() if way.asked}

    def remarks(self) -> list[str]:
        """What is to be said of lanes that are not as they should be, in a few words each."""
        said = []
        for alias, way in self._ways.items():
            told = way.to_json()
            left = None if way.circuit.until is None else way.circuit.until - self._clock.monotonic()
            if left is not None and left > 0:
                said.append(f"{alias} left alone for {_seconds(left)}")
            elif left is not None:
                said.append(f"{alias} to be probed")
            elif told["a_second"] is not None:
                said.append(f"{alias} at {told['a_second']:g}/s")
        return said


def governed(terms: Terms) -> bool:
    """Whether a backend has a lane: what uses no tokens and takes any number of calls needs none."""
    return terms.max_tokens is not None or terms.at_once is not None or not terms.reports


def _asked_for(error: BackendError) -> float | None:
    """The seconds for which a server wants to be left alone, if it says a number that can be waited."""
    after = error.retry_after
    if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after < math.inf:
        return None
    return float(after)


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds)):,} s"
