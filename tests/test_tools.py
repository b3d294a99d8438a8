"""The tool `lispy_eval`: what a model is told, what is written down; nothing runs when made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.calling import Reply, Request
from lisppump.prompt import estimate
from lisppump.replay import replay
from tests.test_pour import world

TOOLED = "(pipe script (deadline (seconds 20)) (passes act react) (tools lispy_eval))"
HERE = "(isolate none)"


class Thinks:
    """Uses the tool for each source of a script, in each pass, and remembers what it was told."""

    uses_tools = True

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.told: dict[tuple[int, str], list[str]] = {}
        self.names: set[str] = set()

    async def pour(self, request: Request) -> Reply:
        told = self.told.setdefault((request.stream.number, request.turn), [])
        for tool in request.tools:
            self.names.add(tool.name)
            for arguments in self.given:
                told.append(await tool.call(arguments))
        return Reply(data={"lines": [{"agent": request.agents[0].id, "text": told[-1] if told else "-"}]})


def frame_with(folder: Path, backend: Any, pipe: str = TOOLED, where: str = HERE) -> Any:
    given = "(pipe script (deadline (seconds 1)))"
    root = world(folder, {given: f"{pipe} {where}", "(streams how-many)": "(streams 2)"})
    with Pump.open(root, backends={"script": backend}) as pump:
        pump.step()
        shown = pump.show(1)
        journal = pump.store._journal
        records = [dict(journal.read(seq).fields) for seq in sorted(journal.select("tool"))]
    return shown, records


@pytest.mark.parametrize("where", [HERE, "(isolate worker)"])
def test_a_model_reads_what_a_program_came_to_over_the_frame(tmp_path: Path, where: str) -> None:
    backend = Thinks({"source": "(get-in frame '(stats total_lines))"}, {"source": '(display "x") (+ 1 2)'})
    shown, records = frame_with(tmp_path / "w", backend, where=where)
    assert json.loads(backend.told[1, "act"][0]) == {"value": 0}
    assert json.loads(backend.told[1, "act"][1]) == {"value": 3, "printed": "x"}
    assert len(records) == 8
    first = records[0]
    assert {key: first[key] for key in ("frame", "attempt", "backend", "turn", "call", "tool")} == {
        "frame": 1, "attempt": 1, "backend": "script", "turn": "act", "call": 1, "tool": "lispy_eval",
    }  # fmt: skip
    assert first["told"] == '{"value":0}' and first["usage"]["steps"] > 0
    assert [entry["told"] for entry in shown.tools] == [record["told"] for record in records]


def test_it_may_be_used_so_often_in_a_pass(tmp_path: Path) -> None:
    backend = Thinks(*[{"source": f"{n}"} for n in range(7)])
    _, records = frame_with(tmp_path / "w", backend)
    told = backend.told[2, "react"]
    assert [json.loads(text)["value"] for text in told[:5]] == [0, 1, 2, 3, 4]
    assert told[5] == told[6] == "lispy_eval may be used 5 times here, and was."
    assert len(records) == 2 * 2 * 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "wants"), ({"source": 5}, "wants"), ({"source": "  "}, "wants"), ([1], "wants"), (None, "wants"),
        ({"source": "(("}, "error"), ({"source": '(curl "http://x.org")'}, "error"),
        ({"source": "(no)"}, "unbound"),
        ({"source": "(define (f) (f)) (f)"}, "step-limit"), ({"source": "\ud800"}, "error"),
        ({"source": "(lambda (x) x)"}, "error"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_told_and_raises_nothing(tmp_path: Path, arguments: Any, says: str) -> None:
    backend = Thinks(arguments)
    where = f"{HERE} (limits (steps 100000))"
    shown, records = frame_with(tmp_path / "w", backend, where=where)
    assert says in backend.told[1, "act"][0]
    assert len(records) == 4
    assert {entry["status"] for entry in shown.streams} == {"ok"}


def test_what_it_tells_is_not_endless(tmp_path: Path) -> None:
    backend = Thinks({"source": "(range 50000)"}, {"source": f'(string-length "{"x" * 90_000}")'})
    _, records = frame_with(tmp_path / "w", backend)
    assert estimate(backend.told[1, "act"][0]) <= 1000 and "tokens more" in backend.told[1, "act"][0]
    assert json.loads(backend.told[1, "act"][1]) == {"value": 90_000}
    assert estimate(records[1]["source"]) <= 1000


def test_it_is_only_given_where_policy_and_backend_say_so(tmp_path: Path) -> None:
    without = Thinks({"source": "1"})
    frame_with(tmp_path / "a", without, pipe="(pipe script (deadline (seconds 20)))")
    other = Thinks({"source": "1"})
    other.uses_tools = False
    frame_with(tmp_path / "b", other)
    assert not without.names and not other.names


def test_a_frame_that_is_made_again_runs_no_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame_with(tmp_path / "w", Thinks({"source": "(random 1000000)"}))
    monkeypatch.setattr("lisppump.tools.LispyEval.call", lambda *_: pytest.fail("a tool ran"))
    with Pump.open(tmp_path / "w") as pump:
        found = replay(pump)
    assert found.equal


def test_a_tool_that_is_used_when_the_room_is_settled_says_so_and_leaves_no_trace(tmp_path: Path) -> None:
    kept: list[Any] = []

    class Keeps(Thinks):
        async def pour(self, request: Request) -> Reply:
            if kept:
                self.told[0, "late"] = [await kept[0].call({"source": "1"})]
            else:
                kept.extend(request.tools)
            return Reply(data={})

    backend = Keeps()
    root = world(tmp_path / "w", {"(pipe script (deadline (seconds 1)))": "(pipe script (tools lispy_eval))",
                                  "(streams how-many)": "(streams 1)"})  # fmt: skip
    with Pump.open(root, backends={"script": backend}) as pump:
        pump.step(2)
        assert list(pump.store._journal.select("tool")) == []
    assert backend.told[0, "late"] == ["The time of this room is over."]
