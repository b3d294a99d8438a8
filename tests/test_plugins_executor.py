"""The executor `local` and the reservoir `files`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins import executor_local
from lisppump.plugins.executor_local import Local
from lisppump.plugins.reservoir_files import reservoirs

from lisppump.stages import Job
from lisppump.testing import check_executor, check_reservoir
from tests.virtual_time import virtually

FOREVER = 60.0


def run(executor: Local, *jobs: Job) -> None:
    asyncio.run(executor.run(jobs))


def job(
    number: int, pour: Callable[[], Awaitable[None]], told: list[int] | None = None, deadline: float = FOREVER
) -> Job:
    return Job(number, pour, deadline, lambda: told.append(number) if told is not None else None)


@pytest.mark.parametrize("at_most", [0, 1, 2])
def test_it_keeps_the_contract(at_most: int) -> None:
    check_executor(Local(at_most=at_most))


@pytest.mark.parametrize(("at_most", "most"), [(0, 5), (2, 2), (9, 5)])
def test_all_run_at_once_unless_told_otherwise(at_most: int, most: int) -> None:
    running: set[int] = set()
    seen: list[int] = []

    def pour_of(number: int) -> Callable[[], Awaitable[None]]:
        async def pour() -> None:
            running.add(number)
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(len(running))
            running.discard(number)

        return pour

    run(Local(at_most=at_most), *(job(number, pour_of(number)) for number in range(5)))
    assert max(seen) == most


def test_a_pour_that_ignores_being_cancelled_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_local, "GRACE", 0.0)
    told: list[int] = []
    ended: list[int] = []

    async def scenario() -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    ended.append(1)
            raise ValueError("too late to matter")

        async def fine() -> None:
            ended.append(2)

        await Local(at_most=1).run([job(1, stubborn, told, deadline=0.0), job(2, fine, told)])
        assert told == [1]
        assert sorted(ended) == [1, 2]
        release.set()

    asyncio.run(scenario())


def test_who_holds_up_the_loop_takes_no_time_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    ended: list[int] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        ahead = 0.0
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + ahead)

        async def blocks() -> None:
            nonlocal ahead
            await asyncio.sleep(0)
            ahead += 1000.0

        async def waits() -> None:
            for _ in range(20):
                await asyncio.sleep(0)
            ended.append(2)

        await Local().run([job(1, blocks, told, deadline=FOREVER), job(2, waits, told, deadline=FOREVER)])

    asyncio.run(scenario())
    assert ended == [2]
    assert 2 not in told


def test_what_a_pour_lets_through_is_raised_when_all_have_ended_lowest_stream_first() -> None:
    ended: list[int] = []

    async def fails() -> None:
        raise KeyError("first")

    async def fails_later() -> None:
        await asyncio.sleep(0)
        raise ValueError("second")

    async def ends() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        ended.append(3)

    with pytest.raises(ValueError, match="second"):
        run(Local(), job(1, fails_later), job(2, fails), job(3, ends))
    assert ended == [3]


def test_a_job_that_cannot_be_made_is_told_when_all_others_have_ended() -> None:
    """Jobs may be made when they are come to."""
    ended: list[int] = []

    async def ends() -> None:
        await asyncio.sleep(0)
        ended.append(len(ended))

    class Jobs(list[Job]):
        def __getitem__(self, place: Any) -> Any:
            if place == 1:
                raise LookupError("no such room")
            return super().__getitem__(place)

    async def scenario() -> None:
        await Local().run(Jobs([job(number, ends) for number in (1, 2, 3, 4)]))

    with pytest.raises(LookupError, match="no such room"):
        asyncio.run(scenario())
    assert ended == [0, 1, 2]


def test_when_the_frame_is_cancelled_every_pour_is_and_none_is_told_that_its_time_is_over() -> None:
    told: list[int] = []
    cancelled: list[int] = []

    def pour_of(number: int) -> Callable[[], Awaitable[None]]:
        async def pour() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(number)
                raise

        return pour

    async def scenario() -> None:
        frame = asyncio.create_task(Local().run([job(number, pour_of(number), told) for number in (1, 2)]))
        for _ in range(5):
            await asyncio.sleep(0)
        frame.cancel()
        with pytest.raises(asyncio.CancelledError):
            await frame

    asyncio.run(scenario())
    assert (sorted(cancelled), told) == ([1, 2], [])


def test_a_pour_that_ends_just_in_time_is_not_told() -> None:
    told: list[int] = []

    async def quick() -> None:
        return

    run(Local(), job(1, quick, told, deadline=0.0))
    assert told == []


def test_seconds_in_which_a_pour_is_kept_from_asking_are_no_part_of_its_deadline() -> None:
    told: list[tuple[int, float]] = []
    ended: list[tuple[int, float]] = []

    async def scenario() -> None:
        clock = asyncio.get_running_loop().time
        held = {1: 0.0, 2: 0.0, 3: 0.0}

        def pour_of(number: int, waits: float, asks: float) -> Callable[[], Awaitable[None]]:
            async def pour() -> None:
                since = clock()
                keeps[number] = lambda: clock() - since
                await asyncio.sleep(waits)
                held[number] = clock() - since
                del keeps[number]
                await asyncio.sleep(asks)
                ended.append((number, clock()))

            return pour

        keeps: dict[int, Callable[[], float]] = {}

        def kept(number: int) -> Callable[[], float]:
            return lambda: keeps[number]() if number in keeps else held[number]

        def job_of(number: int, waits: float, asks: float) -> Job:
            told_of = lambda: told.append((number, clock()))  # noqa: E731
            return Job(number, pour_of(number, waits, asks), 5.0, told_of, kept(number))

        await Local().run([job_of(1, 100.0, 4.0), job_of(2, 100.0, 6.0), job_of(3, 0.0, 6.0)])

    virtually(scenario())
    assert ended == [(1, 104.0)]
    (third, when), (second, later) = told
    assert (third, second) == (3, 2)
    assert 5.0 <= when < 5.1 and 105.0 <= later < 105.1


def test_a_pour_that_is_kept_for_long_is_not_looked_at_all_the_time() -> None:
    looks = 0

    async def scenario() -> None:
        clock = asyncio.get_running_loop().time

        def held() -> float:
            nonlocal looks
            looks += 1
            return clock()

        await Local().run([Job(1, lambda: asyncio.sleep(10.0), 0.001, lambda: None, held)])

    virtually(scenario())
    assert looks <= 1000


def test_nothing_to_do() -> None:
    run(Local())


def test_files_keep_the_contract_of_a_reservoir(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    check_reservoir(reservoirs()["files"](tmp_path / "state"))
