"""What is done while pipes are out: it takes nobody's time, and whatever ends a run leaves nothing undone."""

from __future__ import annotations

import asyncio
import json
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.executor_local import Local

from lisppump import Pump, reservoir, turn
from lisppump import spare as spares
from lisppump.budget import Stopped
from lisppump.calling import Reply, Request
from lisppump.delta import Delta
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.pour import Pipe
from lisppump.report import Event
from lisppump.spare import SOON, Spare, meanwhile
from lisppump.stages import Job
from lisppump.taking import Taking
from lisppump.testing import Crash, FaultyDisk, Simulation
from tests.test_pour import world
from tests.virtual_time import VirtualLoop, virtually


def test_the_time_of_what_is_done_meanwhile_is_no_pipe_s() -> None:
    """Work holds up the loop for longer than a deadline, while an answer is on its way."""
    told: list[str] = []
    spare = Spare()

    def work(_: bool) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._virtual.passed += 5.0

    async def answer() -> None:
        await asyncio.sleep(SOON + 0.1)
        told.append("answered")

    async def scenario() -> None:
        job = Job(1, answer, 1.0, lambda: told.append("timed out"), lambda: spare.seconds)
        await meanwhile(Local().run([job]), work, spare)

    virtually(scenario())
    assert told == ["answered"] and spare.seconds == pytest.approx(5.0)


def test_steps_that_can_wait_are_made_while_nobody_else_has_anything_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They hold up the loop for a slice at a time, and a few until it is seen that answers come."""
    monkeypatch.setattr(spares, "SLICE", 1.0)
    told: list[Any] = []

    def steps() -> Iterator[None]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for number in range(20):
            loop._virtual.passed += 0.4
            told.append(number)
            yield

    async def answers() -> None:
        await asyncio.sleep(SOON + 3.0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for _ in range(3):
            told.append("answer")
            loop._virtual.passed += 1.5
            await asyncio.sleep(0)

    spare = Spare()
    virtually(meanwhile(answers(), lambda _: steps(), spare))
    before = told[: told.index("answer")]
    assert 8 <= len(before) <= 15 and told[len(before) :] == ["answer"] * 3
    assert spare.seconds == pytest.approx(0.4 * len(before))


def test_delta_files_are_written_while_the_pipes_of_the_next_frame_are_out(tmp_path: Path) -> None:
    """Without a rest between frames there is no other time at which nobody waits for them."""
    folder = tmp_path / "state" / "stream_deltas"
    seen: list[list[str]] = []

    class Late(Clerk):
        async def pour(self, request: Request) -> Reply:
            await asyncio.sleep(1.0)
            seen.append(sorted(path.name for path in folder.glob("*.json")))
            return await super().pour(request)

    state = {"agents.json": {"agents": {"ann": {"lines": 0}}}, "lines.jsonl": []}
    policy = QUICK.replace("(name quick)", '(name quick) (state "state" (keep 2))')
    world = Simulation(tmp_path, policy, state=state, backends={"script": Late()})
    with world.open() as pump:
        virtually(pump.arun(4))
    files = [f"frame-{number:06d}-stream-0001.json" for number in range(1, 5)]
    assert seen == [[], files[:1], files[:2], files[1:3]]
    assert sorted(path.name for path in folder.glob("*.json")) == files[2:4]


def test_what_can_be_said_of_a_reply_is_made_ready_while_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or when it comes, if it comes sooner; a frame is the same either way."""
    ready: list[tuple[float, int]] = []

    def foresee(taking: Taking) -> None:
        ready.append((asyncio.get_running_loop().time(), taking._pipe.stream.number))
        foreseen(taking)

    foreseen = Taking.foresee
    monkeypatch.setattr(Taking, "foresee", foresee)

    class Some(Clerk):
        def __init__(self, **seconds: float) -> None:
            super().__init__()
            self._seconds = seconds

        async def pour(self, request: Request) -> Reply:
            (agent,) = request.agents
            await asyncio.sleep(self._seconds.get(agent.id, 0.0))
            data = {"lines": [{"who": agent.id, "text": "here"}]}
            return Reply(text=json.dumps(data)) if agent.id == "cid" else Reply(data=data)

    def made(name: str, **seconds: float) -> tuple[str, list[tuple[float, int]]]:
        ready.clear()
        agents = {name: {"lines": 0} for name in ("ann", "bob", "cid")}
        state = {"agents.json": {"agents": agents}, "lines.jsonl": []}
        policy, backends = QUICK.replace("(streams 1)", "(streams 3)"), {"script": Some(**seconds)}
        with Simulation(tmp_path / name, policy, state=state, backends=backends).open() as pump:
            virtually(pump.astep(1))
            return pump.head.digest, [*ready]

    digest, at_once = made("at-once")
    assert [second for second, _ in at_once] == [0.0, 0.0, 0.0]
    again, later = made("later", ann=1.0, bob=1.0, cid=1.0)
    assert again == digest and [round(second, 2) for second, _ in later] == [SOON] * 3


def test_what_pipes_leave_is_freed_while_the_next_ones_are_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for that; where pipes are back at once, no more is kept than of one frame."""
    made: list[weakref.ref[Pipe]] = []

    def pipe(*given: Any) -> Pipe:
        one = Pipe(*given)
        made.append(weakref.ref(one))
        return one

    monkeypatch.setattr(turn, "Pipe", pipe)
    seen: list[tuple[int, int]] = []

    class Late(Clerk):
        async def pour(self, request: Request) -> Reply:
            before = sum(one() is not None for one in made)
            if request.frame.number < 3:
                await asyncio.sleep(1.0)
            seen.append((before, sum(one() is not None for one in made)))
            return await super().pour(request)

    state = {"agents.json": {"agents": {"ann": {"lines": 0}}}, "lines.jsonl": []}
    with Simulation(tmp_path, QUICK, state=state, backends={"script": Late()}).open() as pump:
        virtually(pump.astep(6))
        assert seen == [(1, 1), (2, 1), (2, 1), (2, 2), (2, 2), (2, 2)]
        assert [one() for one in made] == [None] * 6


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_what_a_frame_came_to_is_kept_for_two_frames_at_most(tmp_path: Path, seconds: float) -> None:
    """Others look at the last until the next is over; then it is freed while pipes are out, or at once."""
    came: list[weakref.ref[Delta]] = []
    there: list[list[int]] = []

    class Late(Clerk):
        async def pour(self, request: Request) -> Reply:
            await asyncio.sleep(seconds)
            there.append([number for number, one in enumerate(came, 1) if one() is not None])
            return await super().pour(request)

    def hear(event: Event) -> None:
        if event.delta is not None:
            came.append(weakref.ref(event.delta))

    state = {"agents.json": {"agents": {"ann": {"lines": 0}}}, "lines.jsonl": []}
    with Simulation(tmp_path, QUICK, state=state, backends={"script": Late()}).open() as pump:
        pump.listeners.append(hear)
        virtually(pump.astep(6, keep=0))
        late = [[], [1], [2], [3], [4], [5]]
        at_once = [[], [1], [1, 2], [2, 3], [3, 4], [4, 5]]
        assert there == (late if seconds else at_once)


def test_a_slow_frame_after_quick_ones_does_not_keep_them_from_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put off when the last of them came back is shown as soon as pipes are out for a while."""
    monkeypatch.setattr(reservoir, "OFTEN", float("inf"))
    lines = tmp_path / "state" / "lines.jsonl"
    seen: list[int] = []

    class Slow(Clerk):
        async def pour(self, request: Request) -> Reply:
            if request.frame.number == 3:
                await asyncio.sleep(60.0)
            seen.append(len(lines.read_text().splitlines()))
            return await super().pour(request)

    state = {"agents.json": {"agents": {"ann": {"lines": 0}}}, "lines.jsonl": []}
    with Simulation(tmp_path, QUICK, state=state, backends={"script": Slow()}).open() as pump:
        virtually(pump.astep(5))
    assert seen == [0, 0, 0, 3, 3]


def test_the_error_of_what_is_done_meanwhile_comes_when_the_pipes_are_back() -> None:
    told: list[str] = []

    def work(_: bool) -> None:
        raise OSError("full")

    async def answer() -> None:
        await asyncio.sleep(1.0)
        told.append("answered")

    async def scenario() -> None:
        await meanwhile(answer(), work, Spare())

    with pytest.raises(OSError, match="full"):
        virtually(scenario())
    assert told == ["answered"]


def test_nothing_is_begun_while_a_run_that_was_cancelled_tidies_up() -> None:
    """Its store may be closed by then, and another process may write the world."""
    told: list[Any] = []

    async def pour() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(SOON * 2)
            told.append("tidied")

    async def scenario() -> None:
        task = asyncio.ensure_future(meanwhile(pour(), told.append, Spare()))
        await asyncio.sleep(SOON / 2)
        task.cancel()
        await asyncio.wait([task])

    virtually(scenario())
    assert told == ["tidied"]


def test_a_store_that_is_closed_shows_nothing_any_more(tmp_path: Path) -> None:
    """A closing that a full disk cut short has let go of the lock all the same."""
    disk = FaultyDisk()
    pump = quick(tmp_path / "world").open(disk=disk)
    pump.step(2)
    store = pump.store
    store._due = (store.frame(1), {"lines.jsonl": []}, {})
    disk.fail(ENOSPC, lasting=True)
    with pytest.raises(StateError):
        pump.close()
    disk.heal()
    before = disk.count
    store.show()
    assert store._due is not None and disk.count == before
    with pytest.raises(StateError) as caught:
        store.intent(frame=3)
    assert caught.value.code == "gone" and disk.count == before


def test_a_run_that_ends_by_an_error_has_shown_its_last_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = world(tmp_path / "w")
    with Pump.open(root) as pump:

        def spent(*_: Any) -> None:
            raise Stopped("budget-spent", "enough")

        monkeypatch.setattr(pump, "_check_breaker", spent)
        with pytest.raises(Stopped):
            pump.step(2)
        assert len((root / "state" / "lines.jsonl").read_text().splitlines()) == 6


def test_a_document_that_is_due_and_was_removed_by_hand_is_gone(tmp_path: Path) -> None:
    root = world(tmp_path / "w")
    with Pump.open(root) as pump:
        pump.step(1)
        (root / "state" / "lines.jsonl").unlink()
        pump.store._due = (pump.head, {"lines.jsonl": []}, {})
        pump.store.take_edits()
        pump.store.show()
        assert "lines.jsonl" not in pump.head.documents


QUICK = """\
(pump
  (name quick)
  (agents "agents.json" agents)
  (streams 1)
  (pipe script)
  (backends (script none))
  (delta
    (lines (fields (who agent) (text string)) (into "lines.jsonl") (count "agents.json" (agents who lines)))))
"""


class Clerk:
    """Writes a line a frame, and one of nobody's; what it is told to do in a frame it does before."""

    def __init__(self, acts: Mapping[int, Callable[[], None]] = {}) -> None:
        self.acts = acts

    async def pour(self, request: Request) -> Reply:
        number = request.frame.number + 1
        self.acts.get(number, lambda: None)()
        lines = [{"who": who, "text": f"line {number}"} for who in ("ann", "nobody")]
        return Reply(data={"lines": lines})


def quick(folder: Path, acts: Mapping[int, Callable[[], None]] = {}) -> Simulation:
    """A world whose frames take no time."""
    state = {"agents.json": {"agents": {"ann": {"lines": 0}}}, "lines.jsonl": []}
    return Simulation(folder, QUICK, state=state, backends={"script": Clerk(acts)})


def files(root: Path) -> dict[str, bytes]:
    """The view, and what was set aside; by whatever run."""
    places = (root / "state", root / ".lisppump" / "quarantine")
    found = (path for place in places for path in sorted(place.glob("*.json*")))
    return {str(path.relative_to(root)): re.sub(rb'"epoch": \d+', b"", path.read_bytes()) for path in found}


def test_frames_that_come_quickly_are_shown_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with quick(tmp_path / "each").open() as pump:
        pump.step(6)
    monkeypatch.setattr(reservoir, "OFTEN", 3600.0)
    lines = tmp_path / "together" / "state" / "lines.jsonl"
    seen: dict[int, int] = {}
    world = quick(tmp_path / "together")

    def hear(event: Event) -> None:
        seen[event.frame] = len(lines.read_text().splitlines())

    with world.open() as pump:
        pump.listeners.append(hear)
        pump.step(4)
        assert len(lines.read_text().splitlines()) == 4  # when a run ends all is shown
        pump.step(2)
    assert [seen[frame] for frame in range(1, 7)] == [0, 0, 0, 0, 4, 4]
    assert files(tmp_path / "together") == files(tmp_path / "each")


def test_what_frames_left_to_be_shown_together_is_shown_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick(tmp_path / "each").open() as pump:
        pump.step(5)
    monkeypatch.setattr(reservoir, "OFTEN", 3600.0)
    disk = FaultyDisk()

    def crash() -> None:
        disk.stop = disk.count  # nothing is written any more

    pump = quick(tmp_path / "crashed", {5: crash}).open(disk=disk)
    with pytest.raises((Crash, LisppumpError)), pump:
        pump.step(5)
    disk.die()
    assert "quarantine/frame-000001.json" not in " ".join(files(tmp_path / "crashed"))
    with Simulation(tmp_path / "crashed", QUICK, backends={"script": Clerk()}).open() as pump:
        pump.step(1)
    assert files(tmp_path / "crashed") == files(tmp_path / "each")


def test_a_hand_edit_among_frames_that_are_shown_together_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservoir, "OFTEN", 3600.0)
    root = tmp_path / "edited"
    agents, lines = root / "state" / "agents.json", root / "state" / "lines.jsonl"

    def edit() -> None:
        agents.write_text('{"agents": {"ann": {"lines": 0, "mood": "calm"}}}')
        lines.write_text(lines.read_text() + '{"text": "by hand", "who": "ann"}\n')

    with quick(root, {3: edit}).open() as pump:
        pump.step(5)
        assert pump.head.documents["agents.json"] == {"agents": {"ann": {"lines": 5, "mood": "calm"}}}
        assert "by hand" in [line["text"] for line in pump.head.documents["lines.jsonl"]]
        assert pump.status().lagging == ()
    assert len(lines.read_text().splitlines()) == 6


def test_a_folder_that_was_emptied_while_frames_are_due_is_no_edit_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its documents are written again before a frame; the crash comes before the next is shown."""
    with quick(tmp_path / "each").open() as pump:
        pump.step(6)
    monkeypatch.setattr(reservoir, "OFTEN", float("inf"))
    root, disk = tmp_path / "emptied", FaultyDisk()

    def empty() -> None:
        for path in (root / "state").glob("*.json*"):
            path.unlink()

    def crash() -> None:
        disk.stop = disk.count

    pump = quick(root, {3: empty, 5: crash}).open(disk=disk)
    with pytest.raises((Crash, LisppumpError)), pump:
        pump.step(5)
    disk.die()
    with Simulation(root, QUICK, backends={"script": Clerk()}).open(disk=FaultyDisk()) as pump:
        assert pump.store.pending_edits() == []
        pump.step(2)
    assert files(root) == files(tmp_path / "each")


def test_delta_files_of_a_frame_that_was_never_finished_are_taken_away_with_it(tmp_path: Path) -> None:
    """Where pipes leave hardly any time; and no file is written twice."""
    folder = tmp_path / "state" / "stream_deltas"
    agents = {name: {"lines": 0} for name in ("ann", "bob", "cid")}
    state = {"agents.json": {"agents": agents}, "lines.jsonl": []}
    policy = QUICK.replace("(streams 1)", '(streams 3) (state "state" (keep 2))')
    disk = FaultyDisk()
    world = Simulation(tmp_path, policy, state=state, backends={"script": Clerk()})
    with world.open(disk=disk) as pump:
        pump.step(1)

        def one_more() -> None:
            next(pump.store.delta_files())

        def flush(self: Any) -> None:
            """Of a run that never rests."""

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(pump.store), "flush", flush)
            pump.step(1)
            one_more()
            one_more()
            pump.step(3)
            assert {path.name[:12] for path in folder.glob("*")} == {"frame-000001", "frame-000002"}
            for _ in range(3 + 2 + 1):
                one_more()
            assert {path.name[:12] for path in folder.glob("*")} == {"frame-000004"}
            pump.step(3)
        pump.store.flush()
        assert {path.name[:12] for path in folder.glob("*")} == {"frame-000007", "frame-000008"}
    names = [one.target for one in disk.trace if "stream_deltas" in one.target]
    assert len(names) == len({*names}) == 3 + 2 + 1 + 3 + 3
