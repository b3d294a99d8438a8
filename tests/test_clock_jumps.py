"""A machine whose clock jumps: times of frames rise, nobody rests for ever, and budgets count what passed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.budget import Stopped
from lisppump.calling import Reply, Request
from lisppump.clock import parse
from lisppump.testing import Clock, Simulation
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
SIMULATED = '(clock (start "2026-01-01T00:00:00Z") (step (hours 1)))'
DAY, YEAR = timedelta(days=1), timedelta(days=365)


class Jumping(Clock):
    """A clock whose time of day is put forward and back; its seconds go on as ever."""

    def __init__(self) -> None:
        super().__init__("2026-01-01T00:00:00+00:00")
        self.jumped = timedelta()

    def now(self) -> datetime:
        """The time of day, as wrong as it was set."""
        return super().now() + self.jumped


def world(folder: Path, clock: Clock, *changes: tuple[str, str]) -> Simulation:
    text = ROOMS
    for old, new in (("(every (seconds 0))", "(every (minutes 5))"), *changes):
        assert old in text
        text = text.replace(old, new)
    return Simulation(folder, text, clock=clock)


JUMPS = [-DAY, YEAR, -YEAR, timedelta(seconds=-1), -DAY, YEAR * 2]


def lives(pump: Pump, clock: Jumping) -> list[str]:
    times = [pump.head.time]
    for jump in JUMPS:
        (report,) = pump.run(1)
        times.append(report.time)
        clock.jumped += jump
        assert (pump.status().age_seconds or 0.0) >= 0.0
    return times


def test_the_times_of_frames_rise_by_the_wall_clock(tmp_path: Path) -> None:
    clock = Jumping()
    with world(tmp_path / "a", clock, (SIMULATED, "(clock wall)")).open() as pump:
        times = lives(pump, clock)
    with world(tmp_path / "a", clock, (SIMULATED, "(clock wall)")).open() as pump:
        times.append(pump.run(1)[0].time)  # and over a restart
    assert times == sorted(set(times))
    assert len(times) == len(JUMPS) + 2


def test_a_simulated_clock_does_not_see_the_machine_s(tmp_path: Path) -> None:
    clock = Jumping()
    with world(tmp_path / "a", clock).open() as pump:
        times = lives(pump, clock)
    hours = [(parse(time) - parse(times[0])).total_seconds() / 3600 for time in times]
    assert hours == [*range(len(JUMPS) + 1)]


@pytest.mark.parametrize("jump", [-DAY, YEAR])
def test_a_rest_is_as_long_as_it_should_be(tmp_path: Path, jump: timedelta) -> None:
    clock = Jumping()

    class Jumps:
        """Puts the clock while a frame is under way."""

        async def pour(self, request: Request) -> Reply:
            clock.jumped += jump
            return Reply(data={})

    made = world(tmp_path / "a", clock)
    with made.open(backends={"script": Jumps()}) as pump:
        pump.run(3)
    assert sum(clock.slept) == pytest.approx(2 * 300)


@pytest.mark.parametrize("jump", [-DAY, YEAR])
def test_a_budget_of_time_counts_what_passed(tmp_path: Path, jump: timedelta) -> None:
    clock = Jumping()

    class Jumps:
        """Puts the clock, and takes a second."""

        async def pour(self, request: Request) -> Reply:
            clock.jumped += jump
            clock.move(1)
            return Reply(data={"lines": [{"agent": request.agents[0].id, "text": "hi"}]})

    budget = ("(echoes (by mood))", "(echoes (by mood)) (budget (wall (seconds 15)))")
    slow = ("(deadline (seconds 1))", "(deadline (seconds 60))")
    with world(tmp_path / "a", clock, budget, slow).open(backends={"script": Jumps()}) as pump:
        with pytest.raises(Stopped) as caught:
            pump.run(9)
        assert caught.value.code == "budget-spent"
        assert pump.head.number == 3  # six pipes of a second each: 6, 12, 18
        assert all(stream["status"] == "ok" for stream in pump.status().streams)
