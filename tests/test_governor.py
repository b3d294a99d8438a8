"""The governor: what a server that refuses is asked then, circuits, retries; all in virtual time."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from lisppump.calling import BackendError, Failure, Terms
from lisppump.governor import COOLS, OPENS_AFTER, Governor, governed
from lisppump.pacing import OPENING, Pace
from tests.virtual_time import virtually

MODEL = Terms(max_tokens=100)


class LoopClock:
    """The clock of the loop that runs."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def governor(terms: Terms = MODEL, patience: float = 300.0) -> Governor:
    made = Governor(LoopClock())
    made.under({"bright": terms}, seed=7, patience=patience)
    return made


Limiter = Callable[[float], float | None]  # the seconds after which a refused call would pass; None lets it


def fixed_window(phase: float, n: int = 10) -> Limiter:
    counts: dict[int, int] = {}

    def ask(now: float) -> float | None:
        window = math.floor(now - phase)
        counts[window] = counts.get(window, 0) + 1
        return None if counts[window] <= n else window + 1 + phase - now

    return ask


def sliding_window(n: int = 10) -> Limiter:
    passed: deque[float] = deque()

    def ask(now: float) -> float | None:
        while passed and passed[0] <= now - 1:
            passed.popleft()
        if len(passed) < n:
            passed.append(now)
            return None
        return passed[0] + 1 - now

    return ask


def token_bucket(capacity: int = 10, rate: float = 10.0) -> Limiter:
    level, then = float(capacity), 0.0

    def ask(now: float) -> float | None:
        nonlocal level, then
        level, then = min(capacity, level + (now - then) * rate), now
        if level < 1:
            return (1 - level) / rate
        level -= 1
        return None

    return ask


LIMITERS: dict[str, Callable[[], Limiter]] = {
    **{f"fixed window, from {phase} s on": (lambda phase=phase: fixed_window(phase)) for phase in
       (0.0, 0.015, 0.1, 0.33, 0.5, 0.9)},
    "sliding window": sliding_window,
    "token bucket of 10": token_bucket,
    "token bucket of 5": lambda: token_bucket(5),
}  # fmt: skip
HINTS: dict[str, Callable[[float], float | None]] = {
    "none": lambda seconds: None,
    "whole seconds": lambda seconds: float(math.ceil(seconds)),
}


@dataclass
class Storm:
    """What a server saw of many calls, by its own log."""

    log: list[tuple[float, bool]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def most(self) -> int:
        """The most requests of any second since the first that was refused."""
        first = next((at for at, let in self.log if not let), math.inf)
        times = [at for at, _ in self.log if at >= first]
        return max((sum(start <= at < start + 1 for at in times) for start in times), default=0)


async def storm(limiter: Limiter, hint: Callable[[float], float | None], latency: float, pipes: int) -> Storm:
    seen, lanes = Storm(), governor()

    async def call() -> None:
        now = asyncio.get_running_loop().time()
        after = limiter(now)
        seen.log.append((now, after is None))
        await asyncio.sleep(latency if after is None else 0.002)
        if after is not None:
            raise BackendError(Failure.THROTTLED, "slower", retry_after=hint(after))

    async def pipe() -> None:
        tries = 0
        while True:
            lane = lanes.lane("bright")
            assert lane is not None and lane.skipped() is None
            await lane.enter()
            try:
                await call()
            except BackendError as error:
                tries += 1
                again = lane.left(error, tries)
                assert again == 0.0, "a pipe was refused too often"
            else:
                lane.left(None, tries)
                return

    await asyncio.gather(*(pipe() for _ in range(pipes)))
    seen.seconds = asyncio.get_running_loop().time()
    return seen


@pytest.mark.parametrize("latency", [0.01, 0.2])
@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("limiter", LIMITERS)
def test_138_pipes_are_fed_to_a_server_that_allows_ten_a_second(
    limiter: str, hint: str, latency: float
) -> None:
    seen = virtually(storm(LIMITERS[limiter](), HINTS[hint], latency, 138))
    assert seen.seconds <= 1.25 * 13.8 + latency
    assert len(seen.log) <= 1.3 * 138
    assert seen.most <= 15


def test_a_server_that_refuses_nothing_is_soon_asked_by_all() -> None:
    seen = virtually(storm(lambda now: None, HINTS["none"], 20.0, 138))
    assert len(seen.log) == 138
    assert seen.log[OPENING - 1][0] == 0.0
    assert seen.log[-1][0] < 5.0  # and nobody waits for the first answer


def test_one_that_answers_at_once_grows_by_its_answers() -> None:
    seen = virtually(storm(lambda now: None, HINTS["none"], 0.05, 138))
    assert seen.seconds < 0.5


def test_what_takes_few_calls_at_once_never_gets_more() -> None:
    async def run() -> int:
        lanes = governor(Terms(max_tokens=1, at_once=3))
        running = most = 0

        async def pipe() -> None:
            nonlocal running, most
            lane = lanes.lane("bright")
            assert lane is not None
            await lane.enter()
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1
            lane.left(None, 0)

        await asyncio.gather(*(pipe() for _ in range(20)))
        assert asyncio.get_running_loop().time() == pytest.approx(7.0)
        return most

    assert virtually(run()) == 3


def test_what_uses_no_tokens_has_no_lane() -> None:
    assert not governed(Terms())
    assert governor(Terms()).lane("bright") is None
    assert governed(Terms(at_once=1)) and governed(Terms(max_tokens=1)) and governed(Terms(reports=False))


def failing(failure: Failure, after: float | None = None) -> BackendError:
    return BackendError(failure, "no", retry_after=after)


async def one(lanes: Governor, error: BackendError | None, tries: int = 1) -> float | None:
    lane = lanes.lane("bright")
    assert lane is not None
    await lane.enter()
    return lane.left(error, tries)


def state(lanes: Governor) -> str:
    return str(lanes.to_json()["bright"]["circuit"])


def skipped(lanes: Governor) -> str | None:
    lane = lanes.lane("bright")
    assert lane is not None
    return lane.skipped()


def test_a_circuit_opens_is_skipped_probes_with_one_call_and_closes() -> None:
    async def run() -> None:
        lanes = governor()
        for _ in range(OPENS_AFTER):
            assert skipped(lanes) is None
            await one(lanes, failing(Failure.UNAVAILABLE))
        said = skipped(lanes)
        assert said is not None
        assert said.startswith("5 calls in a row came to nothing, the last since it was unavailable; it is ")
        assert state(lanes) == "open" and lanes.to_json()["bright"]["until"] is not None
        assert lanes.remarks()[0].startswith("bright left alone for 1")
        with pytest.raises(BackendError, match="it is left alone for"):
            await one(lanes, None)
        await asyncio.sleep(COOLS * 1.25)
        assert state(lanes) == "half-open" and skipped(lanes) is None
        probe = lanes.lane("bright")
        assert probe is not None
        await probe.enter()
        assert "one call finds out" in (skipped(lanes) or "")
        assert probe.left(failing(Failure.UNAVAILABLE), 1) is None
        assert skipped(lanes) is not None
        await asyncio.sleep(COOLS * 1.25)
        assert skipped(lanes) is not None  # it is left alone for longer now
        await asyncio.sleep(COOLS * 1.25)
        await one(lanes, None)
        assert (state(lanes), skipped(lanes), lanes.remarks()) == ("closed", None, [])

    virtually(run())


def test_who_waits_when_the_circuit_opens_is_sent_away() -> None:
    async def run() -> list[str]:
        lanes = governor(Terms(max_tokens=1, at_once=1))
        said: list[str] = []

        async def pipe() -> None:
            lane = lanes.lane("bright")
            assert lane is not None
            try:
                await lane.enter()
            except BackendError as error:
                said.append(error.reason)
                return
            await asyncio.sleep(1)
            lane.left(failing(Failure.UNAVAILABLE), 3)

        await asyncio.gather(*(pipe() for _ in range(20)))
        assert asyncio.get_running_loop().time() == pytest.approx(OPENS_AFTER)
        return said

    assert len(virtually(run())) == 20 - OPENS_AFTER


def test_retries_are_few_later_each_time_and_the_same_for_the_same_seed() -> None:
    async def run() -> list[float | None]:
        lanes = governor()
        found = []
        for tries in (1, 2, 3):
            found.append(await one(lanes, failing(Failure.UNAVAILABLE), tries))
            await one(lanes, None)
        for failure in (Failure.REFUSED, Failure.TIMED_OUT, Failure.DEFECT, Failure.INVALID):
            assert await one(lanes, failing(failure)) is None
        return found

    first, second, third = virtually(run())
    assert first is not None and second is not None and third is None
    assert 0.25 <= first <= 0.75 and 0.5 <= second <= 1.5
    assert virtually(run()) == [first, second, None]


def test_a_server_that_wants_longer_than_anybody_waits_is_skipped_until_then() -> None:
    async def run() -> None:
        lanes = governor(patience=60.0)
        assert await one(lanes, failing(Failure.THROTTLED, 3600.0)) is None
        assert "the server asked for it; it is left alone for 3,600 s" in (skipped(lanes) or "")
        await asyncio.sleep(3600)
        assert await one(lanes, None) is None
        assert state(lanes) == "closed"

    virtually(run())


def test_a_pause_holds_the_lane_for_as_long_as_the_server_says() -> None:
    async def run() -> float:
        lanes = governor()
        assert await one(lanes, failing(Failure.THROTTLED, 7.0)) == 0.0
        assert lanes.to_json()["bright"]["paused"] == 7.0
        await one(lanes, None)
        return asyncio.get_running_loop().time()

    assert virtually(run()) == pytest.approx(7.0)


@pytest.mark.parametrize("after", [math.nan, math.inf, -1.0, True, "soon"])
def test_a_retry_after_that_is_no_number_of_seconds_is_as_if_nothing_was_said(after: float) -> None:
    async def run() -> float:
        lanes = governor()
        assert await one(lanes, failing(Failure.THROTTLED, after)) == 0.0
        await one(lanes, None)
        return asyncio.get_running_loop().time()

    assert virtually(run()) == pytest.approx(1.0)


def test_one_who_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    async def run() -> None:
        lanes = governor(Terms(max_tokens=1, at_once=1))
        first, second, third = (lanes.lane("bright") for _ in range(3))
        assert first and second and third
        await first.enter()
        waits = [asyncio.ensure_future(lane.enter()) for lane in (second, third)]
        await asyncio.sleep(1)
        waits[0].cancel()
        await asyncio.sleep(1)
        first.left(None, 0)
        await waits[1]
        assert lanes.to_json()["bright"]["waiting"] == 0

    virtually(run())


@pytest.mark.parametrize("failure", [Failure.TIMED_OUT, Failure.DEFECT])
def test_a_lane_opens_for_nobody_while_all_calls_come_to_nothing(failure: Failure) -> None:
    async def run() -> tuple[int, int, int]:
        lanes, running, most, broken = governor(), 0, 0, True

        async def pipe(seconds: float) -> None:
            nonlocal running, most
            lane = lanes.lane("bright")
            assert lane is not None
            await lane.enter()
            running += 1
            most = max(most, running)
            await asyncio.sleep(seconds)
            running -= 1
            lane.left(failing(failure) if broken else None, 1)

        await asyncio.gather(*(pipe(0.1) for _ in range(100)))
        while_broken, most = most, 0
        await asyncio.sleep(60)  # nor does it open while nothing is asked
        await asyncio.gather(*(pipe(5.0) for _ in range(100)))
        after_a_rest, most, broken = most, 0, False
        await asyncio.gather(*(pipe(0.1) for _ in range(100)))
        return while_broken, after_a_rest, most

    while_broken, after_a_rest, again = virtually(run())
    assert while_broken == after_a_rest == OPENING
    assert again > 2 * OPENING


def test_a_pace_grows_no_faster_while_all_is_refused_or_comes_to_nothing() -> None:
    pace = Pace()
    pace.refused(pace.start(0.0), 0.1)
    pace.wait(1.5)
    slow = pace.rate
    pace.start(1.5)
    pace.ended(1.6, well=False)
    pace.wait(100.0)
    assert pace.rate <= slow * 1.05
    pace.start(100.0)
    pace.ended(100.1, well=True)
    pace.wait(110.0)
    assert pace.rate > slow * 2


def test_refusals_in_vain_are_fewer_and_fewer() -> None:
    pace, now, asked = Pace(), 0.0, []
    while now < 120:
        wait = pace.wait(now)
        if wait > 0:
            now += wait
            continue
        asked.append(now)
        pace.refused(pace.start(now), now + 0.01)
        now += 0.01
    assert len(asked) < 12
