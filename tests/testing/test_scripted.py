"""Scripted backends and the clock: what they answer, in which order, and what they remember."""

from __future__ import annotations

import asyncio

import pytest

from lisppump.calling import BackendError, Failure, Reply
from lisppump.frame import Agent
from lisppump.testing import Clock, Reversed, Scripted, frame_of, people, request_of

FRAME = frame_of({"a.json": 1})
ANN, BOB = people("ann", "bob")


def ask(backend: Scripted, stream: int = 1, *agents: Agent) -> Reply:
    return asyncio.run(backend.pour(request_of(FRAME, agents or (ANN, BOB), stream)))


def test_replies_by_stream_in_every_form() -> None:
    backend = Scripted({1: {"x": [1]}, 2: "text", 3: Reply(text="whole"), 4: ValueError("down")})
    assert (ask(backend, 1).data, ask(backend, 2).text, ask(backend, 3).text) == ({"x": [1]}, "text", "whole")
    with pytest.raises(ValueError, match="down"):
        ask(backend, 4)
    assert ask(backend, 5).data == {}
    assert (backend.calls, backend.answered) == (5, [1, 2, 3, 4, 5])
    assert [request.stream.number for request in backend.requests] == [1, 2, 3, 4, 5]


def test_a_list_is_one_answer_for_each_call_and_its_last_stays() -> None:
    backend = Scripted(lambda number: [BackendError(Failure.THROTTLED, "wait"), {"x": [number]}])
    with pytest.raises(BackendError):
        ask(backend, 7)
    assert [ask(backend, 7).data, ask(backend, 7).data] == [{"x": [7]}, {"x": [7]}]


def test_replies_by_agent_are_joined_and_anything_else_speaks_for_the_room() -> None:
    backend = Scripted(by_agent={"ann": {"x": [1]}, "bob": {"x": [2], "y": [3]}})
    assert ask(backend).data == {"x": [1, 2], "y": [3]}
    assert ask(Scripted(by_agent={"bob": "rubbish"})).text == "rubbish"


@pytest.mark.parametrize("reverse", [False, True])
def test_streams_can_answer_in_reverse_order_again_and_again(reverse: bool) -> None:
    backend = Scripted({2: "hang"}, reverse=reverse)

    async def frame() -> None:
        pours = [asyncio.create_task(backend.pour(request_of(FRAME, [ANN], n))) for n in range(1, 6)]
        await asyncio.wait([pours[0], *pours[2:]])
        pours[1].cancel()
        await asyncio.wait(pours)

    asyncio.run(frame())
    asyncio.run(frame())
    order = [1, 3, 4, 5]
    assert backend.answered == 2 * (order[::-1] if reverse else order)


def test_any_backend_can_be_made_to_answer_in_reverse_order() -> None:
    inner = Scripted(lambda number: {"x": [number]})
    backend = Reversed(inner)

    async def frame() -> list[Reply]:
        return await asyncio.gather(*(backend.pour(request_of(FRAME, [ANN], n)) for n in range(1, 6)))

    replies = asyncio.run(frame())
    assert [reply.data for reply in replies] == [{"x": [number]} for number in range(1, 6)]
    assert backend.answered == inner.answered == [5, 4, 3, 2, 1]


def test_the_clock_moves_only_when_told_or_slept_on() -> None:
    clock = Clock("2026-04-09T00:00:00Z")
    before = clock.now()
    asyncio.run(clock.sleep(30))
    clock.move(12)
    assert (clock.monotonic(), clock.slept) == (42, [30])
    assert (clock.now() - before).total_seconds() == 42
