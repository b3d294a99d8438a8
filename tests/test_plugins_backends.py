"""The built-in backends: programs that answer for agents, recorded answers, and nothing at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from lisppump.plugins.backend_lispy import Lispy
from lisppump.plugins.backend_none import NoBackend
from lisppump.plugins.backend_replay import Replay

from lisppump.calling import BackendError, Failure, Reply
from lisppump.lispy import LispyError, Runtime
from lisppump.lispy.limits import Limits
from lisppump.testing import check_backend, frame_of, people, request_of

AGENTS = people("ann", "bob", "cid")


def documents(**programs: Any) -> dict[str, Any]:
    return {"agents.json": {"agents": {agent.id: agent.data for agent in AGENTS}}, "programs.json": programs}


class Program:
    """A LisPy lambda as the policy would give it; `seeds` are those it was bound with."""

    name = "persona"

    def __init__(self, source: str) -> None:
        self.runtime = Runtime()
        self.procedure = self.runtime.evaluate(source)
        self.seeds: list[tuple[Any, ...]] = []

    def on(self, frame: Any, *, seed: tuple[Any, ...] = (), **_: Any) -> Callable[..., Any]:
        self.seeds.append(seed)
        return lambda *args: self.runtime.call(self.procedure, args, limits=Limits(steps=10_000), seed=seed)


def pour(backend: Any, **more: Any) -> Reply:
    given = {"frame": frame_of(documents()), **more}
    return asyncio.run(backend.pour(request_of(given.pop("frame"), AGENTS, **given)))


def test_each_member_adds_to_what_the_room_says_in_turn() -> None:
    program = Program(
        '(lambda (agent room) (dict "lines" (list (list (get agent "id")'
        ' (length (get-in room (list "heard" "lines") (list)))'
        ' (get room "turn") (length (get room "agents"))))))'
    )
    reply = pour(Lispy(program), heard={"lines": ["earlier"]}, turn="react")
    assert reply.data == {"lines": [["ann", 1, "react", 3], ["bob", 2, "react", 3], ["cid", 3, "react", 3]]}
    assert (reply.stop, reply.reason, reply.text) == ("end", None, None)
    assert [seed[-1] for seed in program.seeds] == ["ann", "bob", "cid"]


def test_nil_and_null_are_nothing() -> None:
    program = Program('(lambda (agent room) (if (equal? (get agent "id") "bob") nil (dict "lines" nil)))')
    assert pour(Lispy(program)).data == {"lines": []}


def test_one_broken_program_does_not_silence_the_room() -> None:
    program = Program(
        '(lambda (agent room) (if (equal? (get agent "id") "bob") (car 5)'
        ' (dict "lines" (list (get agent "id")))))'
    )
    reply = check_backend(Lispy(program), request_of(frame_of(documents()), AGENTS))
    assert isinstance(reply, Reply)
    assert reply.data == {"lines": ["ann", "cid"]}
    assert reply.stop == "partial"
    assert reply.reason is not None and reply.reason.startswith("the program of bob failed: ")


@pytest.mark.parametrize(
    "body", ["5", "'(1 2)", '(dict "lines" 5)', '(dict "lines" (list car))', '(error "no")']
)
def test_a_room_whose_programs_all_fail_is_invalid_and_names_the_agents(body: str) -> None:
    with pytest.raises(BackendError) as caught:
        pour(Lispy(Program(f"(lambda (agent room) {body})")))
    assert caught.value.failure is Failure.INVALID
    assert all(agent.id in caught.value.reason for agent in AGENTS)


def test_without_a_program_agents_have_their_own_and_steps_are_counted() -> None:
    programs = {
        "ann": {"source": '(dict "lines" (list (dict "agent" (get self "id") "from" (get room "stream"))))'},
        "bob": '(dict "lines" (list (rb-frame)))',
        "eve": "(car 5)",
    }
    reply = pour(Lispy(), frame=frame_of(documents(**programs), number=4))
    assert reply.data == {"lines": [{"agent": "ann", "from": 1}, 4]}
    assert reply.usage.steps > 0


def test_own_programs_run_in_sandboxes_of_their_own() -> None:
    programs = {
        "ann": "(define x 1) nil",
        "bob": '(dict "lines" (list x))',
        "cid": '(curl "http://localhost")',
    }
    reply = pour(Lispy(), frame=frame_of(documents(**programs)))
    assert (reply.data, reply.stop) == ({}, "partial")
    assert "bob" in str(reply.reason) and "cid" in str(reply.reason)


def test_own_programs_are_held_to_the_limits_of_the_request() -> None:
    programs = {"ann": "(let loop () (loop))"}
    with pytest.raises(BackendError) as caught:
        pour(Lispy(), frame=frame_of(documents(**programs)), limits=Limits(steps=500))
    assert "500 steps" in caught.value.reason


def test_nobody_has_a_program() -> None:
    assert pour(Lispy(), frame=frame_of({})).data == {}


def test_a_deadline_can_end_a_room_between_two_agents() -> None:
    asked: list[str] = []

    class Slow:
        name = "slow"

        def on(self, frame: Any, *, seed: tuple[Any, ...] = (), **_: Any) -> Callable[..., Any]:
            return lambda agent, room: asked.append(agent["id"])

    async def cancelled() -> None:
        task = asyncio.create_task(Lispy(Slow()).pour(request_of(frame_of({}), AGENTS)))
        while not asked:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))

    asyncio.run(cancelled())
    assert asked == ["ann"]


def test_none_says_why_nothing_happens() -> None:
    reply = check_backend(NoBackend())
    assert isinstance(reply, Reply)
    assert (reply.data, reply.stop) == ({}, "end")
    assert reply.reason is not None


def test_replay_gives_what_was_recorded_in_its_order_then_says_there_is_no_more() -> None:
    recorded = {1: [BackendError(Failure.THROTTLED, "slow down"), Reply(text="a"), Reply(data={"x": [1]})]}
    backend = Replay(recorded)
    with pytest.raises(BackendError) as caught:
        pour(backend)
    assert caught.value.failure is Failure.THROTTLED
    assert [pour(backend).text, pour(backend).data] == ["a", {"x": [1]}]
    with pytest.raises(BackendError) as caught:
        pour(backend)
    assert caught.value.failure is Failure.UNAVAILABLE
    assert "stream-0001" in caught.value.reason
    assert len(recorded[1]) == 3


def test_the_contract_of_programs_names_no_python_type() -> None:
    with pytest.raises(BackendError) as caught:
        pour(Lispy(Program('(lambda (agent room) "text")')))
    assert "str" not in caught.value.reason.split()
    assert not isinstance(caught.value, LispyError)
