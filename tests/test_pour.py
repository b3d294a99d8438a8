"""A backend may do what it likes: its own stream says so, and nobody else's changes by a byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lisppump.plugins import executor_local

from lisppump import Pump
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.delta import Usage
from lisppump.report import FrameReport
from lisppump.testing import Clock, Scripted
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


def world(folder: Path, changes: Mapping[str, str] = {}) -> Path:
    text = ROOMS
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(exist_ok=True)
    (folder / "pump.lisp").write_text(text)
    return folder


def lines(request: Request, text: str = "hi") -> Reply:
    return Reply(data={"lines": [{"agent": agent.id, "text": text} for agent in request.agents]})


class OneBad:
    """Answers for all rooms; that of ann does what a subclass says."""

    async def pour(self, request: Request) -> Any:
        mine = any(agent.id == "ann" for agent in request.agents)
        return await self.spoil(request) if mine else lines(request)

    async def spoil(self, request: Request) -> Any:
        raise NotImplementedError


def frame_of(folder: Path, backend: Any, **options: Any) -> FrameReport:
    with Pump.open(folder, backends={"script": backend}, **options) as pump:
        (report,) = pump.step()
        assert [delta.status for delta in report.deltas if "ann" not in delta.agents] == ["ok"] * 5
        json.dumps(report.to_json(), allow_nan=False).encode()
    with Pump.open(folder, backends={"script": Scripted()}) as pump:
        assert pump.step()[0].frame == 2
    return report


def ann(report: FrameReport) -> tuple[str, str]:
    (delta,) = (delta for delta in report.deltas if "ann" in delta.agents)
    return delta.status, delta.reason or ""


class Looped(dict[str, Any]):
    """A dict that breaks whoever walks it."""

    def items(self) -> Any:
        raise RuntimeError("no items for you")


NOT_JSON: dict[str, Any] = {
    "nan": {"lines": [{"agent": "ann", "text": "x", "v": float("nan")}]},
    "object": {"lines": [{"agent": "ann", "text": "x", "v": object()}]},
    "key": {"lines": [{"agent": "ann", "text": "x", "v": {1: 2}}]},
    "surrogate": {"lines": [{"agent": "ann", "text": "\ud800"}]},
    "digits": {"lines": [{"agent": "ann", "text": "x", "v": 10**5000}]},
    "set": {"lines": {1, 2}},
}


@pytest.mark.parametrize("name", sorted(NOT_JSON))
def test_data_that_is_no_json_is_invalid(tmp_path: Path, name: str) -> None:
    backend = Scripted(by_agent={who: {"lines": [{"agent": who, "text": "x"}]} for who in OTHERS})
    backend._by_agent["ann"] = Reply(data=NOT_JSON[name])  # type: ignore[index]
    status, reason = ann(frame_of(world(tmp_path / "w"), backend))
    assert status == "invalid" and reason.startswith("the reply is no JSON data")


OTHERS = ("bob", "cid", "dee", "eve", "fay")
BROKEN: dict[str, Any] = {
    "no reply": 5,
    "bytes": b"{}",
    "bytes as text": Reply(text=b"{}"),  # type: ignore[arg-type]
    "a list as data": Reply(data=[1]),  # type: ignore[arg-type]
    "neither": Reply(),
    "both": Reply(text="{}", data={}),
    "no usage": Reply(data={}, usage=None),  # type: ignore[arg-type]
    "usage in words": Reply(data={}, usage=Usage(input="many")),  # type: ignore[arg-type]
    "negative usage": Reply(data={}, usage=Usage(output=-1)),
    "dollars": Reply(data={}, usage=Usage(dollars=float("nan"))),
    "model": Reply(data={}, model="\ud800"),
    "reason": Reply(data={}, stop="partial", reason=["x"]),  # type: ignore[arg-type]
    "stop": Reply(data={}, stop="whenever"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_an_answer_against_the_contract_is_a_defect_of_its_stream(tmp_path: Path, name: str) -> None:
    class Answers(OneBad):
        async def spoil(self, request: Request) -> Any:
            return BROKEN[name]

    status, reason = ann(frame_of(world(tmp_path / "w"), Answers()))
    assert status == "failed" and "broke its contract" in reason


class Mute(Exception):
    """An error that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3), GeneratorExit(), asyncio.CancelledError(), BaseException("base"), Mute(),
        StopIteration(), RuntimeError("\ud800"), BackendError(Failure.UNAVAILABLE, None),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_a_backend_raises_the_run_goes_on(tmp_path: Path, error: BaseException) -> None:
    class Raises(OneBad):
        async def spoil(self, request: Request) -> Any:
            raise error

    status, reason = ann(frame_of(world(tmp_path / "w"), Raises()))
    assert status == "failed" and reason


def test_what_ctrl_c_raises_ends_the_run(tmp_path: Path) -> None:
    class Raises(OneBad):
        async def spoil(self, request: Request) -> Any:
            raise KeyboardInterrupt

    with (
        Pump.open(world(tmp_path / "w"), backends={"script": Raises()}) as pump,
        pytest.raises(KeyboardInterrupt),
    ):
        pump.step()
    with Pump.open(tmp_path / "w") as pump:
        assert pump.head.number == 0


def test_an_endless_reason_is_cut(tmp_path: Path) -> None:
    class Raises(OneBad):
        async def spoil(self, request: Request) -> Any:
            raise BackendError(Failure.REFUSED, "no " * 1_000_000)

    status, reason = ann(frame_of(world(tmp_path / "w"), Raises()))
    assert status == "failed" and len(reason) < 3000 and reason.endswith("...")


def test_a_surrogate_in_a_text_costs_one_item_and_not_the_reply(tmp_path: Path) -> None:
    class Answers(OneBad):
        async def spoil(self, request: Request) -> Any:
            return Reply(
                text='{"lines": [{"agent": "ann", "text": "\ud800"}, {"agent": "ann", "text": "fine"}], '
                '"\ud801": [1]}'
            )

    report = frame_of(world(tmp_path / "w"), Answers())
    assert ann(report)[0] == "ok"
    assert report.merge["lines"] == {"in": 7, "merged": 6, "duplicate": 0, "quarantined": 1}
    assert sorted(entry["reason"] for entry in report.quarantine) == ["not-an-item", "not-json"]


def test_a_backend_that_ignores_being_cancelled_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_local, "GRACE", 0.01)

    class Deaf(OneBad):
        async def spoil(self, request: Request) -> Any:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    continue

    folder = world(tmp_path / "w", {"(deadline (seconds 1))": "(deadline (seconds 0.2))"})
    assert ann(frame_of(folder, Deaf())) == ("timed-out", "no answer within 0.2 s")


def test_a_backend_that_stops_the_loop_past_its_deadline_harms_only_itself(tmp_path: Path) -> None:
    clock = Clock()

    class Blocks(OneBad):
        async def spoil(self, request: Request) -> Any:
            clock.move(7)
            return lines(request, "late")

    report = frame_of(world(tmp_path / "w"), Blocks(), clock=clock)
    assert ann(report) == ("timed-out", "it stopped all streams for 7.0 s")
    assert report.merge["lines"]["merged"] == 5


def test_after_the_deadline_no_other_backend_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_local, "GRACE", 0.01)

    class Slow(OneBad):
        async def spoil(self, request: Request) -> Any:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return lines(request, "late")

    spare = Scripted()
    folder = world(
        tmp_path / "w",
        {
            "(pipe script (deadline (seconds 1)))": "(pipe script spare (deadline (seconds 0.2)))",
            "(script (lispy (program persona)))": "(script (lispy (program persona))) (spare lispy)",
        },
    )
    with Pump.open(folder, backends={"script": Slow(), "spare": spare}) as pump:
        (report,) = pump.step()
        late = list(pump.store._journal.select("late"))
    assert ann(report)[0] == "timed-out" and spare.calls == 0
    assert len(late) == 1


def test_what_a_backend_does_to_its_agents_and_to_what_it_gave_changes_nothing(tmp_path: Path) -> None:
    class Meddles:
        def __init__(self) -> None:
            self.item: dict[str, Any] = {"agent": "", "text": "one", "deep": []}

        async def pour(self, request: Request) -> Reply:
            for agent in request.agents:
                agent.data.setdefault("likes", []).append("mischief")
                agent.data["name"] = "Mallory"
                agent.data["friends"][0]["met"] = True
            for items in request.heard.values():
                items[0]["text"] = "changed"
            self.item["agent"] = request.agents[0].id
            self.item["deep"].append(len(self.item["deep"]))
            return Reply(data={"lines": [self.item]})

    folder = world(
        tmp_path / "w",
        {
            "(streams how-many)": "(streams 1)",
            '(into "lines.jsonl")': '(into "lines.json" all)',
            '"Ann"': '"Ann" "friends" (list (dict "met" #f))',
            '"Bob"': '"Bob" "friends" (list (dict "met" #f))',
            '"Cid"': '"Cid" "friends" (list (dict "met" #f))',
            '"Dee"': '"Dee" "friends" (list (dict "met" #f))',
            '"Eve"': '"Eve" "friends" (list (dict "met" #f))',
            '"Fay"': '"Fay" "friends" (list (dict "met" #f))',
            "(deadline (seconds 1))": "(deadline (seconds 1)) (passes act react)",
        },
    )
    with Pump.open(folder, backends={"script": Meddles()}) as pump:
        pump.step(2)
        agents = pump.head.documents["agents.json"]["agents"]
        deep = [entry["extra"]["deep"] for entry in pump.head.documents["lines.json"]["all"]]
    assert all(agent["friends"] == [{"met": False}] and "likes" not in agent for agent in agents.values())
    assert deep == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert json.loads((folder / "state" / "lines.json").read_text())["all"][0]["text"] == "one"


def test_a_backend_given_in_python_that_writes_into_the_frame_changes_nothing(tmp_path: Path) -> None:
    class Writes(OneBad):
        async def spoil(self, request: Request) -> Any:
            request.frame.documents["stats.json"]["total_lines"] = 1000
            return lines(request)

    folder = world(tmp_path / "w")
    with Pump.open(folder, backends={"script": Writes()}) as pump:
        pump.step()
        assert pump.head.documents["stats.json"] == {"total_lines": 6}
    with Pump.open(folder) as pump:
        pump.step()
        assert pump.head.documents["stats.json"] == {"total_lines": 12}


class OwnLimit(OneBad):
    """Has time limits of its own, as SDKs and HTTP clients do; `spoil` runs into several of them."""

    async def spoil(self, request: Request) -> Any:
        for _ in range(3):
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await asyncio.Event().wait()
        mine = asyncio.current_task()
        assert mine is not None
        for _ in range(3):  # as anyio does until a scope of its own has come to its end
            with suppress(asyncio.CancelledError):
                mine.cancel("by a scope")
                await asyncio.Event().wait()
        for _ in range(3):
            mine.uncancel()
        raise BackendError(Failure.TIMED_OUT, "nobody answers")


def test_a_time_limit_of_a_backend_s_own_ends_nothing_but_its_call(tmp_path: Path) -> None:
    assert ann(frame_of(world(tmp_path), OwnLimit())) == ("timed-out", "nobody answers")


def test_what_a_backend_holds_open_is_closed_when_a_run_ends(tmp_path: Path) -> None:
    class Holds(Scripted):
        held: ClassVar[list[str]] = []

        async def pour(self, request: Request) -> Reply:
            self.held.append("asked")
            return lines(request)

        async def close(self) -> None:
            self.held.append("closed")

    class Stays(Holds):
        async def close(self) -> None:
            raise OSError("it will not close")

    with Pump.open(world(tmp_path / "w"), backends={"script": Holds()}) as pump:
        pump.step(2)
        assert Holds.held == [*["asked"] * 12, "closed"]
        pump.step()
        assert Holds.held[-7:] == [*["asked"] * 6, "closed"]
        pump.replay_live(1)
        assert Holds.held[-1] == "closed"
    with Pump.open(tmp_path / "w", backends={"script": Stays()}) as pump:
        assert pump.step()[0].frame == 4
        (said,) = pump._complaints.told()
        assert "OSError: it will not close" in said
