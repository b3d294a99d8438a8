"""Backends whose answers stand in a script, in the order that a test wants. They ask nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lisppump.calling import Reply, Request
from lisppump.stages import Backend

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
