"""Faults on purpose: which call of which stage fails how, and what a run makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lisppump.plugins.dam_round_robin import RoundRobin
from lisppump.plugins.executor_local import Local

from lisppump import hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.delta import Delta, Schema
from lisppump.disk import Disk, write_all
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.frame import Frame
from lisppump.merge import Merged
from lisppump.plugin_checks import check_stage
from lisppump.stages import KINDS, Job, Option, Thought
from lisppump.testing import (
    Crash,
    Failing,
    FaultyDisk,
    Scripted,
    Simulations,
    check_dam,
    check_executor,
    failing,
    frame_of,
    people,
    request_of,
)
from tests.conftest import ROOT

FRAME = frame_of({"a.json": 1})
AGENTS = people("ann", "bob")
ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


def pour(backend: Any) -> Any:
    return asyncio.run(backend.pour(request_of(FRAME, AGENTS)))


def assign(dam: Any) -> Any:
    return dam.assign(FRAME, AGENTS, 1, 7)


def test_the_nth_call_raises_and_the_others_do_as_ever() -> None:
    throttled = BackendError(Failure.THROTTLED, "wait")
    backend = Failing(Scripted(lambda _: {"x": [1]}), {2: throttled, 4: KeyError})
    assert pour(backend).data == {"x": [1]}
    with pytest.raises(BackendError, match="wait"):
        pour(backend)
    assert pour(backend).data == {"x": [1]}
    with pytest.raises(KeyError):
        pour(backend)
    assert backend.calls == 4


def test_a_call_that_fails_never_reaches_the_stage() -> None:
    inner = Scripted()
    with pytest.raises(ValueError, match="no"):
        pour(Failing(inner, {1: ValueError("no")}))
    assert inner.calls == 0


def test_a_function_gets_the_arguments_and_what_the_stage_gave_and_gives_something_else() -> None:
    def loses(frame: Frame, agents: Any, n: int, seed: int, rooms: Sequence[Any]) -> Any:
        assert (frame, agents, n, seed) == (FRAME, AGENTS, 1, 7)
        return rooms[1:]

    dam = Failing(RoundRobin(), {2: loses})
    whole = assign(dam)
    assert len(whole) == 1
    assert assign(dam) == []
    assert pour(Failing(Scripted(), {1: lambda request, reply: (request.turn, reply.data)})) == ("act", {})


def test_arguments_may_be_named() -> None:
    dam = Failing(RoundRobin(), {1: lambda frame, agents, n, seed, rooms: n})
    assert dam.assign(frame=FRAME, agents=AGENTS, n=3, seed=7) == 3


def test_a_backend_hangs_until_it_is_cancelled() -> None:
    async def hangs() -> Any:
        task = asyncio.create_task(Failing(Scripted(), {1: "hang"}).pour(request_of(FRAME, AGENTS)))
        done, _ = await asyncio.wait({task}, timeout=0.01)
        return done

    assert asyncio.run(hangs()) == set()


def test_an_executor_hangs_before_it_runs_a_job() -> None:
    with pytest.raises(LisppumpError, match="goes on after"):
        check_executor(Failing(Local(), {2: "hang"}), patience=0.01)


def test_calls_are_counted_over_all_methods_or_for_each(tmp_path: Path) -> None:
    faults = {3: OSError("call three"), ("write", 3): OSError("write three")}
    files: Any = Failing(Files(tmp_path / "state"), faults)
    files.write("a.json", 1)
    files.write("b.json", 2)
    with pytest.raises(OSError, match="call three"):
        files.names()
    with pytest.raises(OSError, match="write three"):
        files.write("c.json", 3)
    assert files.names() == ["a.json", "b.json"]
    assert files.calls == 5


def test_what_else_a_stage_has_is_there() -> None:
    class Paid:
        """A backend with a bound."""

        max_tokens = 100

        async def pour(self, request: Request) -> Reply:
            return Reply(text="")

    backend = Failing(Paid(), {})
    assert backend.max_tokens == 100
    assert getattr(backend, "last_resort", False) is False


@pytest.mark.parametrize(
    ("stage", "faults", "said"),
    [
        (RoundRobin(), {1: "hang"}, "RoundRobin is not awaited, so it cannot hang"),
        (RoundRobin(), {("assign", 2): "hang"}, "not awaited"),
        (RoundRobin(), {0: ValueError()}, "counted from 1, got 0"),
        (RoundRobin(), {True: ValueError()}, "counted from 1, got True"),
        (RoundRobin(), {("asign", 1): ValueError()}, "no method `asign` to fail in; did you mean `assign`"),
        (Scripted(), {("xyz", 1): "hang"}, "no method `xyz` to fail in; it has pour"),
        (Scripted(), {1: "hangs"}, "got 'hangs'"),
        (Scripted(), {1: None}, "got None"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_happen_is_refused(stage: Any, faults: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Failing(stage, faults)


def test_what_is_no_stage_is_refused() -> None:
    with pytest.raises(TypeError, match="write RoundRobin"):
        Failing(RoundRobin, {})
    with pytest.raises(TypeError, match="the methods of no kind"):
        Failing(object(), {})


def test_a_stage_without_faults_keeps_its_contract() -> None:
    check_dam(Failing(RoundRobin(), {}))
    check_executor(Failing(Local(), {}))


# -- in a run


class Merger:
    """A merger that changes nothing."""

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        return Merged((), {}, ())


class Echo:
    """An echo with one thought."""

    options: ClassVar[tuple[Option, ...]] = (Option("loud", "value", "How loud.", default=1),)

    def __init__(self, loud: int = 1) -> None:
        self.loud = loud

    def think(self, frame: Frame, seed: tuple[Any, ...]) -> list[Thought]:
        return [Thought("mine", "p", self.loud)]


class Kept(Files):
    """Files that others may break."""

    options: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)


def offering(hook: str, factory: type) -> Any:
    """A plugin that offers a stage as `faulty`."""

    class Plugin:
        pass

    plugin = Plugin()
    setattr(plugin, hook, hookimpl(lambda: {"faulty": factory}))
    return plugin


CLAUSES: Mapping[str, tuple[type, str, str]] = {
    "dam": (RoundRobin, "(dam round-robin)", "(dam faulty)"),
    "merger": (Merger, "(echoes (by mood))", "(merger faulty)"),
    "echo": (Echo, "(echoes (by mood))", "(echoes (faulty (loud 2)))"),
    "executor": (Local, "(echoes (by mood))", "(executor faulty)"),
}


@pytest.mark.parametrize("kind", CLAUSES)
def test_a_plugin_may_offer_a_stage_that_fails(kind: str, simulation: Simulations) -> None:
    factory, old, new = CLAUSES[kind]
    broken = failing(factory, {2: ValueError("on purpose")})
    check_stage(KINDS[kind], "faulty", broken, "tests")
    plugin = offering(KINDS[kind].hook, broken)
    world = simulation(ROOMS.replace(old, new), plugins={"mine": plugin})
    with world.open() as pump:
        (report,) = pump.step()
        assert report.frame == 1
        with pytest.raises(LisppumpError, match="ValueError: on purpose") as caught:
            pump.step()
    assert caught.value.code == "stage-failed"
    assert "mine" in caught.value.message
    if kind == "echo":
        assert world.read("echo_frames/mine.json")["value"] == 2


@pytest.mark.parametrize(
    ("kind", "gives", "said"),
    [
        ("dam", None, "dam `faulty` should give rooms"),
        ("merger", {}, "merger `faulty` gave a dict, where a Merged is wanted"),
        ("echo", [5], "echo `faulty` gave an int, where a Thought is wanted"),
    ],
)
def test_garbage_is_a_breach_in_a_run_as_it_is_in_a_check(
    kind: str, gives: Any, said: str, simulation: Simulations
) -> None:
    factory, old, new = CLAUSES[kind]
    broken = failing(factory, {1: lambda *given: gives})
    world = simulation(ROOMS.replace(old, new), plugins={"mine": offering(KINDS[kind].hook, broken)})
    with pytest.raises(LisppumpError) as caught:
        world.run()
    assert (caught.value.code, said in caught.value.message) == ("contract", True), caught.value.message


def test_a_backend_that_fails_is_what_its_stream_says(simulation: Simulations) -> None:
    answers = Scripted(lambda _: {"lines": [{"agent": "ann", "text": "hi"}]})
    backend = Failing(answers, {1: "hang", 2: OSError("off")})
    policy = ROOMS.replace("(seconds 1)", "(seconds 0.05)").replace("(streams how-many)", "(streams 3)")
    (report,) = simulation(policy, backends={"script": backend}).run()
    assert sorted(delta.status for delta in report.deltas) == ["failed", "ok", "timed-out"]
    assert "OSError: off" in "".join(delta.reason or "" for delta in report.deltas)


def test_a_reservoir_that_fails_stops_the_run_and_loses_nothing(simulation: Simulations) -> None:
    broken = failing(Kept, {("append", 2): LookupError("no shelf")})
    policy = ROOMS.replace("(echoes (by mood))", "(reservoir faulty)")
    world = simulation(policy, plugins={"mine": offering("reservoirs", broken)})
    with pytest.raises(LisppumpError, match="LookupError: no shelf"):
        world.run(3)
    assert len(world.read("lines.jsonl")) % 6 == 0


# -- the disk


class Shelf:
    """What an author's reservoir may look like inside: every change goes through a disk."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.disk = disk

    def put(self, text: str) -> None:
        from lisppump.disk import NEW

        new = str(self.path) + ".new"
        fd = self.disk.open(new, NEW)
        try:
            write_all(self.disk, fd, text.encode())
            self.disk.sync(fd)
        finally:
            self.disk.close(fd)
        self.disk.rename(new, str(self.path))


@pytest.mark.parametrize("torn", [False, True])
def test_a_disk_stops_the_process_at_every_change(tmp_path: Path, torn: bool) -> None:
    counted = FaultyDisk()
    Shelf(tmp_path / "x", counted).put("one")
    assert (counted.count, counted.syncs) == (4, 1)  # a new file is a change, too
    for stop in range(counted.count):
        with pytest.raises(Crash):
            Shelf(tmp_path / "x", FaultyDisk(stop, torn=torn)).put("other")
        assert (tmp_path / "x").read_text() == "one"


def test_a_disk_may_be_full(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.full = 2
    with pytest.raises(OSError, match="full"):
        Shelf(tmp_path / "x", disk).put("three")
    assert (tmp_path / "x.new").read_text() == "th"


def test_nothing_that_catches_errors_catches_the_end_of_the_process() -> None:
    assert not issubclass(Crash, Exception)
    disk: Callable[..., Any] = FaultyDisk(0).unlink
    with pytest.raises(Crash):
        disk("anything")


def test_jobs_of_a_failing_executor_are_those_it_was_given() -> None:
    seen: list[Sequence[Job]] = []
    executor = Failing(Local(), {1: lambda jobs, gave: seen.append(jobs)})
    asyncio.run(executor.run([]))
    assert seen == [[]]
