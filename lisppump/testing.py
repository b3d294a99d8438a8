"""What tests of simulations and plugins need: a scripted backend, a clock, worlds, contract checks.

Nothing here waits by the clock or asks a network; no part of lisppump itself uses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame, Stream
from lisppump.lispy.limits import Limits
from lisppump.merge import Merged
from lisppump.prompt import Prompt
from lisppump.stages import (
    Assignment,
    Backend,
    BackendError,
    Dam,
    Echo,
    Executor,
    Job,
    Merger,
    Reply,
    Request,
    Thought,
    assign,
)  # fmt: skip

if TYPE_CHECKING:
    from lisppump.clock import Clock as ClockProtocol
    from lisppump.pump import Pump

Answer = (
    Any  # a Reply, a dict of collections, a text, an exception, "hang", or a list of these, one for each call
)
TURNS = 20  # turns of the loop without a new call after which no more calls are expected


class Scripted:
    """A backend that answers what it was told to, and remembers what it was asked.

    `replies` maps a stream's number to its answer, or is a function of the number; `by_agent` maps agents to
    theirs: dicts of a room's agents are joined, anything else answers for the whole room. `"hang"` never
    answers; an exception is raised; any other text is the reply's text. Who is not named does nothing. With
    `reverse` the streams that are open together answer in the reverse order of their numbers.
    """

    def __init__(
        self,
        replies: Mapping[int, Answer] | Callable[[int], Answer] | None = None,
        *,
        by_agent: Mapping[str, Answer] | None = None,
        reverse: bool = False,
    ) -> None:
        self.requests: list[Request] = []
        self.answered: list[int] = []
        self._replies = replies
        self._by_agent = by_agent or {}
        self._turnstile = _Turnstile() if reverse else None
        self._asked: dict[int, int] = {}

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.requests)

    async def pour(self, request: Request) -> Reply:
        """The answer that stands in the script."""
        number = request.stream.number
        self.requests.append(request)
        answer = self._answer(request)
        if answer == "hang":
            await asyncio.Event().wait()
        if self._turnstile is not None:
            with self._turnstile.held(number):
                await self._turnstile.higher_gone(number)
        self.answered.append(number)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return Reply(text=answer) if isinstance(answer, str) else Reply(data=answer or {})

    def _answer(self, request: Request) -> Answer:
        number = request.stream.number
        if isinstance(self._replies, Mapping):
            found = self._replies.get(number)
        elif self._replies is not None:
            found = self._replies(number)
        else:
            found = self._joined(request)
        if isinstance(found, list):
            call = self._asked.get(number, 0)
            self._asked[number] = call + 1
            return found[min(call, len(found) - 1)]
        return found

    def _joined(self, request: Request) -> Answer:
        joined: dict[str, list[Any]] = {}
        for agent in request.agents:
            answer = self._by_agent.get(agent.id, {})
            if not isinstance(answer, dict):
                return answer
            for name, items in answer.items():
                joined.setdefault(name, []).extend(items)
        return joined


class Reversed:
    """A backend that asks another one, but answers in the reverse order of the streams' numbers.

    Streams that are open together wait for those of higher numbers; what one asks of the other is one call.
    """

    def __init__(self, inner: Backend) -> None:
        self.answered: list[int] = []
        self._inner = inner
        self._turnstile = _Turnstile()

    async def pour(self, request: Request) -> Reply:
        """What the other backend answers, or raises, when all higher streams have answered."""
        number = request.stream.number
        with self._turnstile.held(number):
            await self._turnstile.higher_gone(number)
            reply = await self._inner.pour(request)
        self.answered.append(number)
        return reply


class _Turnstile:
    """Lets streams go in the reverse order of their numbers."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._calls = 0

    @contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Count a stream as open as long as it has not answered."""
        self._open.add(number)
        self._calls += 1
        try:
            yield
        finally:
            self._open.discard(number)

    async def higher_gone(self, number: int) -> None:
        """Return when no more calls are expected, and none of a higher stream is open."""
        quiet = 0
        while quiet < TURNS:
            calls = self._calls
            await asyncio.sleep(0)
            quiet = quiet + 1 if calls == self._calls else 0
        while max(self._open) != number:
            await asyncio.sleep(0)


class Clock:
    """A clock that stands still until it is told to move, or somebody sleeps; `slept` lists for how long."""

    def __init__(self, start: str = "2026-01-01T00:00:00+00:00") -> None:
        self._start = datetime.fromisoformat(start).astimezone(UTC)
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return self._passed

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.move(seconds)
        await asyncio.sleep(0)


@dataclass
class Simulation:
    """A world in a folder: pump.lisp, other files beside it, documents of its state, stand-in backends."""

    folder: Path
    policy: str
    files: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    backends: Mapping[str, Backend] = field(default_factory=dict)
    clock: ClockProtocol = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in {"pump.lisp": self.policy, **self.files}.items():
            self._write(self.folder / name, text.encode())
        from lisppump.documents import encode

        for name, value in self.state.items():
            self._write(self.folder / "state" / name, encode(name, value))

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def open(self, **options: Any) -> Pump:
        """The pump of this world; close it, or use it in `with`."""
        import lisppump

        return lisppump.Pump.open(self.folder, backends=self.backends, clock=self.clock, **options)


def frame_of(
    documents: Mapping[str, Any], number: int = 0, time: str = "2026-01-01T00:00:00.000000Z", **more: Any
) -> Frame:
    """A frame that holds these documents."""
    digests = {name: canon.digest(value) for name, value in documents.items()}
    return Frame(number, time, dict(documents), digests, **more)


def people(*ids: str, **data: Any) -> tuple[Agent, ...]:
    """Agents of these ids, all with the same data."""
    return tuple(Agent(id, {"id": id, **data}) for id in ids)


def request_of(frame: Frame, agents: Sequence[Agent], stream: int = 1, **more: Any) -> Request:
    """What a backend would be asked for a room of these agents."""
    given: dict[str, Any] = {
        "prompt": Prompt("what all read", "what this room reads"),
        "schema": Schema(),
        "turn": "act",
        "seed": ("pipe", frame.number + 1, "act"),
        "deadline": 60.0,
        "limits": Limits(steps=1_000_000),
        **more,
    }
    room = Stream(stream, tuple(agent.id for agent in agents))
    return Request(frame=frame, stream=room, agents=tuple(agents), **given)


def check_dam(
    dam: Dam, *, counts: Sequence[int] = (1, 2, 5, 22), streams: Sequence[int] = (1, 3, 15)
) -> None:
    """Hold a dam to its contract: everyone in one room, nobody made up, the same for the same seed."""
    for count in counts:
        agents = people(*(f"agent-{number:02d}" for number in range(count)), archetype="coder")
        frame = frame_of({"agents.json": {"agents": {agent.id: agent.data for agent in agents}}})
        for n in streams:
            first = assign(dam, frame, agents, n, 7)
            second = assign(dam, frame, agents, n, 7)
            _require(
                first == second, f"the dam gave two answers for {count} agents, {n} streams and one seed"
            )
            _require(isinstance(first, Assignment) and bool(first.streams), "the dam gave no rooms")


def check_backend(backend: Backend, request: Request | None = None) -> Reply | BackendError:
    """Hold a backend to its contract: a Reply with text or data, or a BackendError; the frame untouched."""
    if request is None:
        agents = people("ann", "bob")
        frame = frame_of({"agents.json": {"agents": {agent.id: agent.data for agent in agents}}})
        request = request_of(frame, agents)
    before = canon.digest(request.frame.documents)
    try:
        reply = asyncio.run(_poured(backend, request))
    except BackendError as error:
        _require(bool(error.reason), "a BackendError should say its reason")
        return error
    finally:
        _require(canon.digest(request.frame.documents) == before, "the backend changed the frame")
    _require(isinstance(reply, Reply), "a backend should give a Reply")
    _require((reply.text is None) != (reply.data is None), "a Reply should have either text or data")
    if reply.data is not None:
        shaped = all(isinstance(items, list) for items in reply.data.values())
        _require(shaped, "the data of a Reply should be a dict of lists")
        canon.canonical(dict(reply.data))
    _require(reply.stop != "partial" or bool(reply.reason), "a partial Reply should say its reason")
    return reply


async def _poured(backend: Backend, request: Request) -> Reply:
    return await backend.pour(request)


def check_merger(merger: Merger, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
    """Hold a merger to its contract: the order of deltas decides nothing, and every item is accounted for."""
    merged = merger.merge(frame, list(deltas), schema)
    again = merger.merge(frame, list(reversed(deltas)), schema)
    changes = [[change.to_json() for change in result.changes] for result in (merged, again)]
    _require(changes[0] == changes[1], "the merger looks at the order in which deltas arrive")
    for name, entry in merged.report.items():
        parts = entry["merged"] + entry["duplicate"] + entry["quarantined"]
        _require(entry["in"] == parts, f"the merger lost or made up items of {name}")
    return merged


def check_echo(echo: Echo, frame: Frame, seed: tuple[Any, ...] = ("echo", 0)) -> tuple[Thought, ...]:
    """Hold an echo to its contract: the same thoughts for the same frame, one a key, all of them data."""
    before = canon.digest(frame.documents)
    thoughts = tuple(echo.think(frame, seed))
    _require(thoughts == tuple(echo.think(frame, seed)), "the echo gave two answers for one frame")
    _require(canon.digest(frame.documents) == before, "the echo changed the frame")
    keys = [thought.key for thought in thoughts]
    _require(len(set(keys)) == len(keys), "two thoughts have one key")
    for thought in thoughts:
        canon.canonical(thought.to_json(frame.number))
    return thoughts


def check_executor(executor: Executor) -> None:
    """Hold an executor to its contract: who fails or hangs leaves the others alone, and none is forgotten."""
    ended: list[int] = []
    told: list[int] = []

    def job(number: int, deadline: float = 60.0) -> Job:
        async def pour() -> None:
            if number == 2:
                raise ValueError("stream 2 fails")
            if number == 3:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            ended.append(number)

        return Job(number, pour, deadline, lambda: told.append(number))

    jobs = [job(1), job(2), job(3, deadline=0.0), job(4)]
    try:
        asyncio.run(_ran(executor, jobs))
    except ValueError as error:
        _require(str(error) == "stream 2 fails", "an executor should raise what a pour let through")
    _require(sorted(ended) == [1, 4], "an executor should let the others end when one fails or hangs")
    _require(told == [3], "an executor should tell a job, once, that its time is over")


async def _ran(executor: Executor, jobs: Sequence[Job]) -> None:
    await executor.run(jobs)


def check_reservoir(reservoir: Any) -> None:
    """Hold a reservoir, empty at first, to its contract: what was written is read, and only that."""
    _require(list(reservoir.names()) == [], "check_reservoir wants an empty reservoir")
    reservoir.write("stats.json", {"a": 1})
    reservoir.write("memory/ann.md", "one\n")
    mark = reservoir.fingerprint("stats.json")
    reservoir.append("log.jsonl", [{"n": 1}])
    reservoir.append("log.jsonl", [{"n": 2}])
    reservoir.append("memory/ann.md", ["two\n"])
    _require(reservoir.read("stats.json") == {"a": 1}, "a JSON document should be read as it was written")
    _require(
        list(reservoir.read("log.jsonl")) == [{"n": 1}, {"n": 2}], "appended lines should be read in order"
    )
    _require(reservoir.read("memory/ann.md") == "one\ntwo\n", "text should be added at the end")
    names = ["log.jsonl", "memory/ann.md", "stats.json"]
    _require(list(reservoir.names()) == names, "names should be all documents, sorted")
    _require(mark is not None and reservoir.fingerprint("stats.json") == mark, "nobody touched stats.json")
    reservoir.write("stats.json", {"a": 22})
    _require(
        reservoir.fingerprint("stats.json") != mark, "a document that was touched has another fingerprint"
    )
    reservoir.delete("stats.json")
    _require("stats.json" not in reservoir.names(), "a deleted document should be gone")
    _require(reservoir.fingerprint("stats.json") is None, "what is not there has no fingerprint")


def _require(held: bool, sentence: str) -> None:
    if not held:
        raise LisppumpError("contract", sentence)
