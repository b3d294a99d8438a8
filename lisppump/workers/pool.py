"""Where agents' programs run: `Workers.run`, the one function for it. It decides nothing about programs.

It may be called from any thread, also from several at once: each call has a worker of its own while it lasts.
The call itself blocks, as a program in the same process does; who must not wait asks for it with
`asyncio.to_thread`.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lisppump.errors import declare
from lisppump.frame import Frame, state_of
from lisppump.lispy.errors import LimitError
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Result
from lisppump.workers.confine import LIFE
from lisppump.workers.hand import NONE_OFFERED, Fault, Hand
from lisppump.workers.nursery import BOOT, Nursery, Place, cannot
from lisppump.workers.program import Program, run_here
from lisppump.workers.rule import DEADLINE, NONE, Isolation
from lisppump.workers.watch import Watch
from lisppump.workers.wire import Broken, Gone

if TYPE_CHECKING:
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.capabilities import Web

declare(
    "limit", 1,
    worker_died="The process that ran the program ended before it answered.",
    worker_forbidden="The process that ran the program tried what none may, and was ended for it.",
    worker_broken="The process that ran the program failed inside, or gave an answer that is none.",
)  # fmt: skip
RUNS = 1000  # programs of one worker
ROOM = 1 << 30  # bytes that it may add for one program, or more where the limits allow that
PLACE: Place = ("agents.json", ("agents",))


class Workers:
    """A zygote, its idle workers, and what there is to tell an operator; `boot` is for tests alone."""

    def __init__(self, boot: str = BOOT, runs: int = RUNS) -> None:
        self._boot = boot
        self._runs = runs
        self._lock = threading.Lock()
        self._nursery: Nursery | None = None
        self._watch = Watch(self._lock)
        self._idle: list[Hand] = []
        self._tick = 0
        self._held: tuple[Frame | None, Place, int] = (None, PLACE, 0)  # what workers of the last tick have
        self._told: list[str] = []

    def run(
        self,
        program: Program,
        frame: Frame,
        place: Place = PLACE,
        *,
        web: Web | None = None,
        builtins: Mapping[str, BuiltinSpec] = NONE_OFFERED,
        deadline: float = DEADLINE,
    ) -> Result:
        """What a program comes to in a worker that has this frame, whose agents are at `place`.

        Where a worker is lost that had run others before, the program is run again in a new one: it was
        perhaps not its fault, and it is no other program's.
        """
        if web is not None and "web" not in program.allow:
            web = None
        held, limits = self._held, program.limits
        hand = None
        if self._idle and held[0] is frame and (held[1] is place or held[1] == place):
            hand = self._at_hand(held[2], limits)
        while True:
            if hand is None:
                hand = self._new(frame, place, limits)
            if not self._watch.awake:
                self._watch.look()
            try:
                result = hand.ask(program, web, builtins, deadline)
            except (Gone, Broken, Fault) as error:
                failed = self._failed(hand, error, program, deadline, hand.runs > 1)
                if failed is not None:
                    return failed
                hand = None
            except BaseException:
                self._ended(hand)
                raise
            else:
                if hand.runs < hand.look and result.error is None and hand.busy <= LIFE and not hand.late:
                    self._idle.append(hand)
                else:
                    self._back(hand, result)
                return result

    def _failed(
        self, hand: Hand, error: Exception, program: Program, deadline: float, ran: bool
    ) -> Result | None:
        """What a program came to whose worker failed; None where that one `ran` others before."""
        status = self._ended(hand)
        if hand.late:
            seconds = program.limits.seconds
            late = deadline if seconds is None else seconds
            return _failure("time-limit", f"the program ran longer than {late:g} s")
        said = _of(error, status)
        if ran and not hand.asked:
            self._tell(f"a worker that had run other programs {said}; another took its place")
            return None
        if isinstance(error, Gone):
            return _failure(*_death(status))
        self._tell(f"the worker that ran the {program.name} {said}")
        return _failure("worker-broken", "the process that ran the program did not answer as it should")

    def told(self) -> list[str]:
        """What happened since this was asked last that an operator should know."""
        with self._lock:
            told, self._told = self._told, []
        return told

    def close(self) -> None:
        """End every process; the next program starts them anew."""
        with self._lock:
            self._forget()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that wait for something to do: the zygote first."""
        with self._lock:
            zygote = () if self._nursery is None else (self._nursery.pid,)
            return (*zygote, *(hand.pid for hand in self._idle))

    def _at_hand(self, tick: int, limits: Limits) -> Hand | None:
        """A worker that has nothing to do, has the frame of this tick, and has room for what limits allow."""
        try:
            hand = self._idle.pop()
        except IndexError:
            return None
        if hand.tick == tick and (limits is hand.limits or hand.memory >= room_for(limits)):
            hand.limits = limits
            return hand
        self._ended(hand)
        return None

    def _new(self, frame: Frame, place: Place, limits: Limits) -> Hand:
        """A new worker that has this frame."""
        seconds = int(LIFE + (limits.seconds or 0) + 60)
        with self._lock:
            for attempt in (1, 2):
                try:
                    hand = self._born(self._here(), frame, place, room_for(limits), seconds)
                except (Gone, Broken):
                    self._lost()
                    if attempt == 2:
                        raise cannot("it was started twice and lost twice") from None
                else:
                    hand.limits = limits
                    return hand
        raise AssertionError("one of two attempts returns or raises")

    def _here(self) -> Nursery:
        if self._nursery is None:
            self._nursery = Nursery(self._boot)
        return self._nursery

    def _born(self, nursery: Nursery, frame: Frame, place: Place, memory: int, seconds: int) -> Hand:
        if nursery.hand(frame, place):
            self._tick += 1
            old, self._idle[:] = [*self._idle], []
            for hand in old:
                self._watch.hands.discard(hand)
                hand.line.close()
                nursery.end(hand.pid)
            self._held = (frame, place, self._tick)
        hand = Hand(*nursery.worker(memory, seconds), self._tick, memory)
        self._watch.add(hand)
        return hand

    def _lost(self) -> None:
        """The zygote is gone, and so are its workers."""
        status = self._forget()
        by = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        self._told.append(f"the process that workers come from was lost ({by}); another was started")

    def _forget(self) -> int | None:
        for hand in self._idle:
            hand.line.close()
        self._idle.clear()
        self._watch.hands.clear()
        self._held = (None, PLACE, 0)
        nursery, self._nursery = self._nursery, None
        return None if nursery is None else nursery.close()

    def _back(self, hand: Hand, result: Result) -> None:
        """Keep a worker for the next program, unless it was used enough, or reached a limit."""
        error = result.error
        if (
            hand.late
            or hand.busy > LIFE
            or hand.runs >= self._runs
            or (error is not None and isinstance(error, LimitError))
            or (hand.runs >= hand.look and hand.has_grown())
        ):
            self._ended(hand)
        else:
            hand.look = min(hand.look, self._runs)
            self._idle.append(hand)

    def _ended(self, hand: Hand) -> int:
        """End a worker; how it ended, as far as anybody knows."""
        hand.line.close()
        with self._lock:
            self._watch.hands.discard(hand)
            if self._nursery is None:
                return -signal.SIGKILL
            try:
                return self._nursery.end(hand.pid)
            except (Gone, Broken):
                self._lost()
                return -signal.SIGKILL

    def _tell(self, sentence: str) -> None:
        with self._lock:
            self._told.append(sentence)


def room_for(limits: Limits) -> int:
    """Bytes that a worker may add to what it has when it begins."""
    return max(ROOM, 16 * limits.allocation)


def _failure(code: str, message: str) -> Result:
    return Result(False, None, "", "", LimitError(code, message), {"steps": 0, "bytes": 0})


def _death(status: int) -> tuple[str, str]:
    """A worker that ended by itself or was ended by the kernel, as the error of the program that it ran."""
    if status == -signal.SIGSYS:
        return "worker-forbidden", "the process that ran the program tried what none may"
    if status == -signal.SIGXCPU:
        return "time-limit", "the program used more of the processor than it may"
    return "worker-died", "the process that ran the program ended before it answered"


def _of(error: Exception, status: int) -> str:
    if isinstance(error, Gone):
        return f"ended by {f'signal {-status}' if status < 0 else f'itself with status {status}'}"
    return f"failed inside: {error}" if isinstance(error, Fault) else str(error)


class _Shared:
    """The workers of this process, and of no other that was forked from it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: tuple[int, Workers] | None = None

    def get(self) -> Workers:
        """They, made when first asked for."""
        with self._lock:
            if self._of is None or self._of[0] != os.getpid():
                workers = Workers()
                self._of = (os.getpid(), workers)
                atexit.register(workers.close)
            return self._of[1]

    def told(self) -> list[str]:
        """What they have to tell, if there are any."""
        return [] if self._of is None else self._of[1].told()


_shared = _Shared()


def shared() -> Workers:
    """The workers that all pumps of this process use; nothing is started before a program is to be run."""
    return _shared.get()


def told() -> list[str]:
    """What happened to the shared workers since this was asked last that an operator should know."""
    return _shared.told()


def evaluate(
    program: Program,
    frame: Frame,
    *,
    isolation: Isolation,
    place: Place = PLACE,
    web: Web | None = None,
    builtins: Mapping[str, BuiltinSpec] = NONE_OFFERED,
) -> Result:
    """What somebody's program comes to over a frame, where the policy says that it runs.

    `web` and `builtins` are only asked in this process, also for a program that runs in another.
    """
    if isolation.where == NONE:
        return run_here(program, state_of(frame, *place), web, builtins)
    deadline = isolation.deadline
    return shared().run(program, frame, place, web=web, builtins=builtins, deadline=deadline)
