"""What is done while pipes are out: it takes nobody's time, and whatever ends a run leaves nothing undone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.executor_local import Local

from lisppump import Pump
from lisppump.budget import Stopped
from lisppump.stages import Job
from lisppump.turn import SOON, Spare, meanwhile
from tests.test_pour import world
from tests.virtual_time import VirtualLoop, virtually


def test_the_time_of_what_is_done_meanwhile_is_no_pipe_s() -> None:
    """Work holds up the loop for longer than a deadline, while an answer is on its way."""
    told: list[str] = []
    spare = Spare()

    def work() -> None:
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


def test_the_error_of_what_is_done_meanwhile_comes_when_the_pipes_are_back() -> None:
    told: list[str] = []

    def work() -> None:
        raise OSError("full")

    async def answer() -> None:
        await asyncio.sleep(1.0)
        told.append("answered")

    async def scenario() -> None:
        await meanwhile(answer(), work, Spare())

    with pytest.raises(OSError, match="full"):
        virtually(scenario())
    assert told == ["answered"]


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
        pump.store._due = (pump.head, {"lines.jsonl": []}, ())
        pump.store.take_edits()
        pump.store.show()
        assert "lines.jsonl" not in pump.head.documents
