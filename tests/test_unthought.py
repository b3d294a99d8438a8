"""A frame whose run ended before its echoes were done: it is told, and the next run makes up for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.errors import LisppumpError
from lisppump.policy import Policy
from lisppump.report import Event
from lisppump.reservoir import Store
from lisppump.status import log_documents, look
from lisppump.testing import Clock
from tests.cli_support import Lisppump
from tests.conftest import ROOT
from tests.faults import Crash

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
ECHOES = "(echoes (by mood) (by broken) (agents-programs))"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A world of one frame, ended while its echoes thought."""
    text = ROOMS.replace("(echoes (by mood))", ECHOES).replace(
        "(define (mood)", '(define (broken) (error "no idea"))\n(define (mood)'
    )
    (tmp_path / "pump.lisp").write_text(text)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "tock", lambda *_, **__: (_ for _ in ()).throw(Crash()))
        with Pump.open(tmp_path, clock=Clock()) as pump, pytest.raises(Crash):
            pump.step()
    return tmp_path


def test_who_looks_is_told(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lisppump = Lisppump(capsys)
    with look(world) as pump:
        assert pump.status().unthought == 1
        assert pump.show(1).unthought and not pump.show(0).unthought
        assert [entry["unthought"] for entry in log_documents(pump)] == [True]
    assert "those of frame 1 are not done" in lisppump("-C", world, "status").out
    assert "its echoes are not done yet" in lisppump("-C", world, "show").out
    assert "its echoes are not done yet" in lisppump("-C", world, "log").out
    assert json.loads(lisppump("-C", world, "status", "--json").out)["unthought"] == 1
    assert lisppump("-C", world, "step").code == 0
    for command in ("status", "show", "log"):
        assert "are not done" not in lisppump("-C", world, command).out


def test_the_next_run_says_that_it_makes_up_for_it(world: Path) -> None:
    with Pump.open(world, clock=Clock()) as pump:
        before = pump.head.digest
        (report,) = pump.step()
        after = pump.frame(1).digest
        assert (pump.status().unthought, pump.show(1).unthought) == (None, False)
    assert before != after
    assert report.frame == 2
    assert report.notes[:2] == (
        f"frame 1 got its echoes now, for its run ended before they were done; its digest is {after[7:19]}",
        "frame 1: echo `broken` failed: no idea",
    )


def test_a_stop_meanwhile_begins_no_frame(world: Path) -> None:
    said: list[Event] = []
    with Pump.open(world, clock=Clock()) as pump:

        def hear(event: Event) -> None:
            said.append(event)
            if event.kind == "echoed":
                pump.request_stop()

        pump.listeners.append(hear)
        assert pump.run() == ()
        assert (pump.head.number, pump.head.tock, pump.store.open_intent()) == (1, 1, None)
        assert [event.kind for event in said] == ["echoed", "caught_up", "caught_up"]
        pump.listeners.clear()
        assert [report.frame for report in pump.run(frames=1)] == [2]


def test_echoes_with_nothing_to_think_of_are_not_missed(tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text(ROOMS.replace("(by mood)", "(agents-programs) (each 2 (by mood))"))
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        assert (pump.head.tock, pump.status().unthought) == (0, None)


def test_a_frame_whose_policy_cannot_be_had_any_more_does_not_stop_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lisppump = Lisppump(capsys)
    (tmp_path / "pump.lisp").write_text(ROOMS)
    lisppump("-C", tmp_path, "step", "-q")
    (tmp_path / "pump.lisp").write_text(ROOMS.replace("(echoes (by mood))", ""))
    lisppump("-C", tmp_path, "step", "-q")  # this one had no echoes, so that nothing was thought over it
    (tmp_path / "pump.lisp").write_text(ROOMS)

    def gone(*_: object, **__: object) -> None:
        raise LisppumpError("unknown-stage", "there is no dam called `gone`")

    monkeypatch.setattr(Policy, "from_bundle", gone)
    done = lisppump("-C", tmp_path, "step")
    assert done.code == 0 and "frame 2 goes on without echoes that it may still lack" in done.err, done.err
    assert lisppump("-C", tmp_path, "status", "--json").json["frame"] == 3
