"""A whole run as a process, with an installed plugin whose backend fails in every way at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli_support import Outcome, spawn
from tests.conftest import ROOT

PLUGIN = '''
"""A backend that fails in another way for each agent."""

import asyncio

from lisppump import Reply, hookimpl


class Moody:
    """Answers by temper."""

    async def pour(self, request):
        who = request.agents[0].id
        if who == "bob":
            raise ValueError("the model fell over")
        if who == "cid":
            await asyncio.sleep(3600)
        if who == "dee":
            return Reply(text="Lorem ipsum dolor sit amet")
        return Reply(data={"lines": [{"agent": who, "text": "hi"}]})


@hookimpl
def backends():
    return {"moody": Moody}
'''


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A world of six rooms whose only backend comes from an installed distribution."""
    site = tmp_path / "site"
    info = site / "moody-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "moody.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lisppump]\nmoody = moody\n")
    text = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "pump.lisp").write_text(text.replace("(script (lispy (program persona)))", "(script moody)"))
    return folder


def lisppump(world: Path, *words: str) -> Outcome:
    path = os.pathsep.join([str(world.parent / "site"), str(ROOT)])
    return spawn("-C", world, *words, PYTHONPATH=path)


def test_three_ways_to_fail_in_one_frame_and_the_others_merge(world: Path) -> None:
    done = lisppump(world, "run", "--frames", "1", "--json")
    assert done.code == 0, done.err
    (frame,) = done.lines
    ended = {stream["agents"][0]: (stream["status"], stream["reason"]) for stream in frame["streams"]}
    assert {who: status for who, (status, _) in ended.items()} == {
        "ann": "ok", "bob": "failed", "cid": "timed-out", "dee": "invalid", "eve": "ok", "fay": "ok",
    }  # fmt: skip
    assert "backend `moody` of plugin moody:moody raised ValueError: the model fell over" in ended["bob"][1]
    assert ended["cid"][1] == "no answer within 1 s"
    assert "Lorem ipsum" in ended["dee"][1]
    assert frame["merge"]["merged"] == 3
    for reason in ("the model fell over", "no answer within 1 s", "Lorem ipsum"):
        assert reason in done.err or reason in lisppump(world, "status").out


def test_when_it_goes_on_for_three_frames_the_run_stops_with_6(world: Path) -> None:
    done = lisppump(world, "run", "--frames", "10")
    assert done.code == 6
    assert "error[breaker-open]: the run stops after frame 3" in done.err
    status = lisppump(world, "status", "--json").json
    assert (status["frame"], status["merge"]["merged"]) == (3, 3)
    assert len((world / "state" / "lines.jsonl").read_text().splitlines()) == 9
