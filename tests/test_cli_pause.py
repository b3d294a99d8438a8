"""pause, resume and stop: the run that is going does as it is asked, after its frame; no other run does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, control
from lisppump.report import Event
from lisppump.testing import Clock, Simulation
from tests.cli_support import ROOT, Lisppump, spawn
from tests.rewinding import Mind, whole
from tests.rewinding import world as simulation_of
from tests.test_cli_rollback import lisppump as lisppump


class Acting(Clock):
    """A clock on which things happen while somebody sleeps, one after the other."""

    def __init__(self, *acts: Callable[[], Any]) -> None:
        super().__init__()
        self.acts = list(acts)

    async def sleep(self, seconds: float) -> None:
        if self.acts:
            self.acts.pop(0)()
        assert len(self.slept) < 100, "it never ends"
        await super().sleep(seconds)


@pytest.fixture
def world(tmp_path: Path) -> tuple[Simulation, Mind]:
    return simulation_of(tmp_path / "world")


def asker(simulation: Simulation, lisppump: Lisppump, told: list[Any]) -> Callable[[str], Callable[[], None]]:
    def ask(word: str) -> Callable[[], None]:
        return lambda: told.append(lisppump("-C", simulation.folder, word, "--json").json)

    return ask


def during(mind: Mind, acts: dict[int, Callable[[], Any]]) -> None:
    """Let things happen while the first stream of a frame is asked."""
    pour = mind.pour

    async def acting(request: Any) -> Any:
        act = acts.pop(request.frame.number + 1, None)
        if act is not None:
            act()
        return await pour(request)

    mind.pour = acting  # type: ignore[method-assign]


def test_a_pause_waits_for_resume(world: tuple[Simulation, Mind], lisppump: Lisppump) -> None:
    simulation, mind = world
    told: list[Any] = []
    ask = asker(simulation, lisppump, told)
    status = ask("status")
    simulation.clock = clock = Acting(status, status, ask("pause"), ask("resume"))
    during(mind, {2: ask("pause")})
    events: list[Event] = []
    with simulation.open() as pump:
        pump.listeners.append(events.append)
        assert len(pump.run(4)) == 4 and not pump.stopped
    heard = [(event.kind, event.frame) for event in events if event.kind in ("paused", "resumed")]
    assert heard == [("paused", 2), ("resumed", 2)]
    pause, one, two, again, resume = told
    assert (pause["wish"], pause["before"], pause["after_frame"]) == ("pause", "go", 2)
    assert one["state"] == two["state"] == "paused" and one["frame"] == 2 and one["lagging"] == []
    assert (again["before"], again["after_frame"]) == ("pause", None)
    assert (resume["before"], resume["wish"]) == ("pause", "go")
    assert clock.slept == [0.5] * 4
    assert not (simulation.folder / ".lisppump" / "control").exists()
    whole(simulation.folder)


def test_a_stop_ends_the_run_after_its_frame(world: tuple[Simulation, Mind], lisppump: Lisppump) -> None:
    simulation, mind = world
    ask = asker(simulation, lisppump, told := [])
    during(mind, {3: ask("stop")})
    with simulation.open() as pump:
        assert len(pump.run()) == 3 and pump.stopped
        pump.step()
        assert not pump.stopped
    assert told[0]["after_frame"] == 3
    whole(simulation.folder)


def test_a_run_that_is_paused_can_be_stopped(world: tuple[Simulation, Mind], lisppump: Lisppump) -> None:
    simulation, mind = world
    ask = asker(simulation, lisppump, told := [])
    simulation.clock = Acting(lambda: None, ask("stop"))
    during(mind, {1: ask("pause")})
    with simulation.open() as pump:
        assert len(pump.run()) == 1 and pump.stopped
    assert [entry["before"] for entry in told] == ["go", "pause"]


def test_they_are_heard_while_the_heart_rests(tmp_path: Path, lisppump: Lisppump) -> None:
    simulation, _ = simulation_of(tmp_path / "world")
    text = simulation.policy.replace("(streams 3)", "(streams 3) (every (seconds 10))")
    (simulation.folder / "pump.lisp").write_text(text)
    ask = asker(simulation, lisppump, told := [])
    simulation.clock = clock = Acting(ask("status"), ask("pause"), ask("status"), ask("stop"))
    with simulation.open() as pump:
        assert len(pump.run()) == 1 and pump.stopped
    assert [entry.get("state", entry.get("wish")) for entry in told] == ["resting", "pause", "paused", "stop"]
    assert max(clock.slept) <= 0.5 and len(clock.slept) == 4


def test_a_stop_can_be_taken_back(world: tuple[Simulation, Mind], lisppump: Lisppump) -> None:
    simulation, mind = world
    ask = asker(simulation, lisppump, [])
    during(mind, {1: lambda: (ask("stop")(), ask("resume")())})
    assert len(simulation.run(3)) == 3


@pytest.mark.parametrize("word", ["pause", "resume", "stop"])
def test_nobody_is_there_to_be_asked(world: tuple[Simulation, Mind], lisppump: Lisppump, word: str) -> None:
    simulation, _ = world
    simulation.run(1)
    told = lisppump("-C", simulation.folder, word)
    assert told.code == 1 and "error[no-run]: no run is going here; nothing was asked" in told.err
    with simulation.open() as pump:
        pump.take_lock()
        told = lisppump("-C", simulation.folder, word)
        assert told.code == 1 and f"though process {os.getpid()} holds the lock" in told.err


def test_a_wish_never_meets_a_later_run(world: tuple[Simulation, Mind], lisppump: Lisppump) -> None:
    simulation, mind = world
    path = simulation.folder / ".lisppump" / "control"
    ask = asker(simulation, lisppump, [])
    left: list[bytes] = []
    during(mind, {2: lambda: (ask("stop")(), left.append(path.read_bytes()))})
    simulation.run(5)
    path.write_bytes(left[0])  # as where the process was killed
    assert lisppump("-C", simulation.folder, "pause").code == 1
    assert lisppump("-C", simulation.folder, "status", "--json").json["state"] == "idle"
    assert len(simulation.run(3)) == 3


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"epoch": null, "pid": 1, "wish": "stop"}'])
def test_a_file_that_says_nothing_asks_nothing(world: tuple[Simulation, Mind], text: str) -> None:
    simulation, mind = world
    path = simulation.folder / ".lisppump" / "control"
    during(mind, {1: lambda: path.write_text(text)})
    assert len(simulation.run(2)) == 2
    with Pump.open(simulation.folder) as pump:
        path.write_text(text)
        assert control.read(pump.store._keep) is None and pump.store.run() is None


def test_a_process_does_as_it_is_asked(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    (tmp_path / "pump.lisp").write_text(text.replace("(every (seconds 0))", "(every (hours 1))"))
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "run", "--json"], cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline()
        assert spawn("pause", cwd=tmp_path).out == f"the run of process {process.pid} pauses\n"
        assert spawn("status", "--json", cwd=tmp_path).json["state"] == "paused"
        assert spawn("pause", cwd=tmp_path).out.endswith("is paused already\n")
        assert spawn("stop", cwd=tmp_path).out.endswith("stops\n")
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopped after frame 1, as `lisppump stop` asked" in err


def test_a_process_that_was_killed_while_it_was_paused(tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text((ROOT / "tests" / "simulations" / "rooms.lisp").read_text())
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "run"], cwd=tmp_path, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None and process.stderr.readline()
    with Pump.open(tmp_path) as pump:
        run = pump.store.run()
        assert run is not None and run.pid == process.pid
        pump.store.ask(run, "pause")
    assert any("paused after frame" in line for line in process.stderr)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert spawn("resume", cwd=tmp_path).code == 1
    before = spawn("status", "--json", cwd=tmp_path).json
    assert before["state"] == "idle"
    assert spawn("run", "--frames", "2", "-q", cwd=tmp_path).code == 0
    assert spawn("status", "--json", cwd=tmp_path).json["frame"] == before["frame"] + 2
