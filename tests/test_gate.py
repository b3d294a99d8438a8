"""The gate: one call goes first, nobody waits longer than its time, whoever leads may fail or be ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.gate import MOST_HEIRS, Gate, Gates
from tests.pouring import Row, pour
from tests.virtual_time import virtually


class Warms:
    """Answers as a test says; it remembers when each stream was asked."""

    warms = True
    model = "m-1"

    def __init__(
        self,
        begins: Mapping[int, float] = MappingProxyType({}),
        fails: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self.asked: dict[int, float] = {}
        self._begins = begins
        self._fails = fails

    async def pour(self, request: Request) -> Reply:
        clock = asyncio.get_running_loop().time
        number = request.stream.number
        self.asked[number] = clock()
        if number in self._fails:
            await asyncio.sleep(self._fails[number])
            raise BackendError(Failure.UNAVAILABLE, "down")
        await asyncio.sleep(self._begins.get(number, 1.0))
        request.began()
        await asyncio.sleep(20.0)
        return Reply(data={})


USUAL = "script (deadline (seconds 60))"


def asked(folder: Path, backend: Any, pipe: str = USUAL, **more: Any) -> list[float]:
    pour(folder, {"script": backend}, pipe=pipe, **more)
    return [backend.asked[number] for number in sorted(backend.asked)]


def test_the_others_are_asked_when_the_first_answer_has_begun(tmp_path: Path) -> None:
    assert asked(tmp_path, Warms({1: 2.0})) == [0.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_it_opens_when_its_time_is_over(tmp_path: Path) -> None:
    assert asked(tmp_path / "a", Warms({1: 30.0})) == [0.0, 6.0, 6.0, 6.0, 6.0, 6.0]
    assert asked(tmp_path / "b", Warms({1: 30.0}), "script (deadline (seconds 900))")[1:] == [10.0] * 5


def test_where_a_leader_fails_the_next_leads_and_that_twice_at_most(tmp_path: Path) -> None:
    assert asked(tmp_path / "a", Warms(fails={1: 1.0})) == [0.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    failing = Warms(fails=dict.fromkeys((1, 2, 3), 1.0))
    assert asked(tmp_path / "b", failing) == [0.0, 1.0, 2.0, 3.0, 3.0, 3.0]


def test_a_reply_opens_it_where_nobody_said_that_it_began(tmp_path: Path) -> None:
    class Silent(Warms):
        async def pour(self, request: Request) -> Reply:
            self.asked[request.stream.number] = asyncio.get_running_loop().time()
            await asyncio.sleep(3.0)
            return Reply(data={})

    assert asked(tmp_path, Silent()) == [0.0] + [3.0] * 5


@pytest.mark.parametrize("switch", ["warm no", "warm yes"])
def test_warm_no_switches_it_off(tmp_path: Path, switch: str) -> None:
    times = asked(tmp_path, Warms(), f"script (deadline (seconds 60)) ({switch})")
    assert times == ([0.0] * 6 if switch == "warm no" else [0.0] + [1.0] * 5)


def test_who_warms_nothing_waits_for_nobody(tmp_path: Path) -> None:
    class Cold(Warms):
        warms = False

    assert asked(tmp_path, Cold()) == [0.0] * 6


def test_waiting_at_the_gate_is_no_part_of_a_deadline(tmp_path: Path) -> None:
    class Slow(Warms):
        async def pour(self, request: Request) -> Reply:
            self.asked[request.stream.number] = asyncio.get_running_loop().time()
            await asyncio.sleep(58.0)
            return Reply(data={})

    found = pour(tmp_path, {"script": Slow()}, pipe="script (deadline (seconds 60))")
    assert {delta.status for delta in found.deltas.values()} == {"empty"}
    assert found.at[6] == 64.0


def test_a_leader_that_waits_in_its_lane_keeps_nobody_longer_than_that(tmp_path: Path) -> None:
    backend = Warms()
    times = asked(tmp_path, backend, rows={"script": Row(wait=20.0)})
    assert times == [20.0] + [26.0] * 5


def test_calls_with_another_prefix_wait_for_nobody_of_this_one() -> None:
    gates = Gates(60.0)
    assert gates.of("a", "m", "p") is gates.of("a", "m", "p")
    assert len({gates.of("a", "m", "p"), gates.of("b", "m", "p"), gates.of("a", "n", "p")}) == 3


CALLERS = st.lists(
    st.fixed_dictionaries(
        {
            "comes": st.floats(0, 30),
            "begins": st.none() | st.floats(0, 30),
            "ends": st.sampled_from(["reply", "failure", "cancelled"]),
            "takes": st.floats(0, 30),
            "gives_up": st.none() | st.floats(0, 15),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(CALLERS)
def test_nobody_ever_waits_longer_than_the_time_of_the_gate(callers: list[dict[str, Any]]) -> None:
    gate, waits, leaders = Gate(6.0), [], []

    async def call(one: dict[str, Any]) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(one["comes"])
        came = clock()
        try:
            async with asyncio.timeout(one["gives_up"]):
                leads = await gate.passed()
        except TimeoutError:
            return
        finally:
            waits.append(clock() - came)
        leaders.extend([clock()] * leads)
        if one["begins"] is not None and one["begins"] < one["takes"]:
            await asyncio.sleep(one["begins"])
            gate.open()
        else:
            await asyncio.sleep(one["takes"])
        if leads and one["ends"] == "reply":
            gate.open()
        elif leads:
            gate.failed()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for one in callers:
                group.create_task(call(one))

    virtually(all_of_them())
    assert max(waits) <= 6.0 + 1e-9
    assert len(waits) == len(callers)
    assert len(leaders) <= 1 + MOST_HEIRS


def test_a_leader_to_be_that_is_gone_passes_it_on() -> None:
    async def scenario() -> list[bool]:
        gate = Gate(6.0)
        assert await gate.passed()
        second, third = (asyncio.create_task(gate.passed()) for _ in range(2))
        await asyncio.sleep(0)
        gate.failed()
        second.cancel()
        await asyncio.wait({second})
        return [second.cancelled(), await third]

    assert virtually(scenario()) == [True, True]
