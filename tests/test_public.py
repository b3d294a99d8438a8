"""The public names of lisppump: each is there, in whatever order modules are imported, and cheaply."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lisppump
from lisppump import Delta, Pump
from lisppump.testing import Scripted
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    return tmp_path


@pytest.mark.parametrize("name", lisppump.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(lisppump, name) is not None


def test_a_name_that_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lisppump.nothing


@pytest.mark.parametrize("first", ["lisppump", "lisppump.merge", "lisppump.pump", "lisppump.merge_rules"])
@pytest.mark.parametrize("names", ["Pump, Policy, merge, assign, Delta", "merge"])
def test_merge_is_the_function_in_every_order_of_imports(first: str, names: str) -> None:
    lines = (
        f"import {first}",
        f"from lisppump import {names}",
        "from lisppump.merge import Merged",
        "import lisppump.merge, lisppump",
        "assert merge is lisppump.merge and merge.__module__ == 'lisppump.merge' and callable(merge)",
        "assert Merged.__name__ == 'Merged'",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, cwd=ROOT)


def test_the_package_alone_imports_none_of_its_modules() -> None:
    code = "import sys, lisppump; print([name for name in sys.modules if name.startswith('lisppump.')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_what_a_pump_tells_is_frozen_and_has_its_document(world: Path) -> None:
    with Pump.open(world) as pump:
        reports = pump.step(2)
        told = {
            "plan": pump.plan(), "frame": reports[0], "status": pump.status(), "show": pump.show(1),
            "quarantine": pump.quarantine,
        }  # fmt: skip
        assert (pump.head.number, pump.frame(1).number) == (2, 1)
    for name, report in told.items():
        assert dataclasses.is_dataclass(report)
        document = report.to_json()  # type: ignore[attr-defined]
        assert document["schema"] == f"lisppump/{name}@1"
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):  # with slots Python says either
            setattr(report, dataclasses.fields(report)[0].name, None)  # type: ignore[arg-type]


def test_quarantine_says_frame_reason_and_item(world: Path) -> None:
    speaks_for_bob = {"lines": [{"agent": "bob", "text": "I am Bob"}]}
    with Pump.open(world, backends={"script": Scripted(by_agent={"ann": speaks_for_bob})}) as pump:
        pump.step(2)
        entries = pump.quarantine.entries
    reasons = [(entry["frame"], entry["reason"]) for entry in entries]
    assert reasons == [(1, "not-in-room"), (2, "not-in-room")]
    assert entries[0]["item"] == {"agent": "bob", "text": "I am Bob"}


def test_events_come_while_it_runs(world: Path) -> None:
    async def heard() -> list[Any]:
        with Pump.open(world) as pump:
            return [event async for event in pump.events(frames=2)]

    events = asyncio.run(heard())
    one = ["frame_started", *["stream_settled"] * 6, "echoed", "frame_committed"]
    assert [event.kind for event in events] == one * 2
    assert [event.report.frame for event in events if event.report] == [1, 2]


def test_one_who_stops_listening_ends_the_run(world: Path) -> None:
    async def first() -> str:
        with Pump.open(world) as pump:
            async for event in pump.events():
                return event.kind
        return "nothing"

    assert asyncio.run(first()) == "frame_started"


def test_async_twins(world: Path) -> None:
    async def both() -> list[int]:
        with Pump.open(world) as pump:
            return [report.frame for report in (*await pump.astep(2), *await pump.arun(1))]

    assert asyncio.run(both()) == [1, 2, 3]


def test_a_delta_file_reads_back(world: Path) -> None:
    import json

    with Pump.open(world) as pump:
        (report,) = pump.step()
    text = (world / "state" / "stream_deltas" / report.deltas[2].file_name).read_text()
    found = Delta.from_json(json.loads(text))
    assert found.to_json() == report.deltas[2].to_json()
    assert list(found.to_json())[:11] == [
        "frame", "stream_id", "stream", "node", "epoch", "utc", "digest", "status", "backend", "model",
        "agents",
    ]  # fmt: skip
