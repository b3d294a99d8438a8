"""The tools for tests: what they script, what they hold stages to, and that they notice breaches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame
from lisppump.merge import Change, Merged
from lisppump.stages import BackendError, Failure, Job, Reply, Request, Thought
from lisppump.testing import (
    Clock,
    Reversed,
    Scripted,
    Simulation,
    check_backend,
    check_dam,
    check_echo,
    check_executor,
    check_merger,
    check_reservoir,
    frame_of,
    people,
    request_of,
)  # fmt: skip
from tests.conftest import ROOT

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


def test_a_simulation_is_a_folder_that_runs(tmp_path: Path) -> None:
    policy = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    simulation = Simulation(
        tmp_path / "world", policy,
        files={"lisp_lib/mine.lisp": ";;; nothing"},
        backends={"script": Scripted(by_agent={"ann": {"lines": [{"agent": "ann", "text": "hi"}]}})},
    )  # fmt: skip
    with simulation.open() as pump:
        (report,) = pump.step()
    assert report.merge["lines"]["merged"] == 1
    assert (tmp_path / "world" / "lisp_lib" / "mine.lisp").is_file()


def test_a_simulation_takes_documents_for_its_first_frame(tmp_path: Path) -> None:
    policy = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    state = {"agents.json": {"agents": {"zoe": {}}}, "lines.jsonl": [{"n": 1}]}
    with Simulation(tmp_path / "world", policy, state=state).open() as pump:
        assert pump.plan().wake == ("zoe",)


class Dam:
    def __init__(self, rooms: Callable[[list[str]], Any]) -> None:
        self.rooms = rooms
        self.turn = 0

    def assign(self, frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        self.turn += 1
        return self.rooms([agent.id for agent in agents])


@pytest.mark.parametrize(
    ("rooms", "said"),
    [
        (lambda ids: [ids[1:]] if len(ids) > 1 else [ids], "lost agent-00"),
        (lambda ids: [ids, ids[:1]], "put twice agent-00"),
        (lambda ids: [[*ids, "zoe"]], "made up zoe"),
        (lambda ids: [ids, []], "left empty stream-0002"),
    ],
)
def test_a_dam_that_breaks_its_contract_is_told_with_the_agents(rooms: Any, said: str) -> None:
    with pytest.raises(LisppumpError) as caught:
        check_dam(Dam(rooms))
    assert caught.value.code == "contract"
    assert said in caught.value.message


def test_a_dam_that_throws_dice_of_its_own_is_found() -> None:
    dam = Dam(lambda ids: [ids] if dam.turn % 2 or len(ids) == 1 else [ids[:1], ids[1:]])
    with pytest.raises(LisppumpError, match="two answers"):
        check_dam(dam)


class Says:
    """A backend, echo or merger that gives whatever it was made with."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def _next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def pour(self, request: Request) -> Any:
        return self._next()

    def think(self, frame: Frame, seed: tuple[Any, ...]) -> Any:
        return self._next()

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Any:
        return self._next()


@pytest.mark.parametrize(
    "answer",
    [None, {}, Reply(), Reply(text="a", data={}), Reply(data={"x": 1}), Reply(data={}, stop="partial")],
)
def test_a_backend_that_gives_no_proper_reply_is_found(answer: Any) -> None:
    with pytest.raises(LisppumpError):
        check_backend(Says(answer))


def test_a_backend_that_writes_into_the_frame_is_found() -> None:
    class Writes:
        async def pour(self, request: Request) -> Reply:
            request.agents[0].data["mood"] = "bad"
            return Reply(text="")

    agent = Agent("ann", {"id": "ann"})
    frame = frame_of({"agents.json": {"agents": {"ann": agent.data}}})
    with pytest.raises(LisppumpError, match="changed the frame"):
        check_backend(Writes(), request_of(frame, [agent]))


def test_an_echo_is_held_to_one_answer_and_one_key() -> None:
    check_echo(Says([Thought("a", "p", 1)]), FRAME)
    with pytest.raises(LisppumpError, match="two answers"):
        check_echo(Says([Thought("a", "p", 1)], [Thought("a", "p", 2)]), FRAME)
    with pytest.raises(LisppumpError, match="one key"):
        check_echo(Says([Thought("a", "p", 1), Thought("a", "q", 1)]), FRAME)


def test_a_merger_is_held_to_order_and_account() -> None:
    one, other = (Merged((Change("a.json", "set", (), n),), {}, ()) for n in (1, 2))
    with pytest.raises(LisppumpError, match="order"):
        check_merger(Says(one, other), FRAME, [], Schema())
    lost = Merged((), {"x": {"in": 2, "merged": 1, "duplicate": 0, "quarantined": 0}}, ())
    with pytest.raises(LisppumpError, match="lost or made up"):
        check_merger(Says(lost), FRAME, [], Schema())


def test_an_executor_that_forgets_a_job_is_found() -> None:
    class Forgets:
        async def run(self, jobs: Sequence[Job]) -> None:
            await jobs[0].pour()

    with pytest.raises(LisppumpError, match="let the others end"):
        check_executor(Forgets())


def test_a_reservoir_that_keeps_nothing_is_found() -> None:
    class Sieve:
        def names(self) -> list[str]:
            return []

        def read(self, name: str) -> Any:
            return None

        def write(self, name: str, value: Any) -> None: ...

        def append(self, name: str, items: Sequence[Any]) -> None: ...

        def delete(self, name: str) -> None: ...

        def fingerprint(self, name: str) -> tuple[int, ...] | None:
            return None

    with pytest.raises(LisppumpError, match="read as it was written"):
        check_reservoir(Sieve())
