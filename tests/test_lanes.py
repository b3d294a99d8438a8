"""Lanes in whole runs: a backend that is down costs a few calls, and what is known of it can be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, Reply, Request
from lisppump.calling import BackendError, Failure
from lisppump.delta import Usage
from lisppump.testing import Clock, Simulation

POLICY = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (apply dict (apply append (map (lambda (n)
          (list (string-append "agent-" (number->string n)) (dict))) (range 40)))))))

(pump
  (name lanes)
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 40)
  (every (minutes 1))
  (pipe bright {chain} (deadline (seconds 100)))
  (backends (bright none) (small none))
  (breaker (frames 100) (empty 100))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""


class Server:
    """A backend that fails as long as it is told to."""

    def __init__(self, error: BackendError | None = None, **terms: Any) -> None:
        self.max_tokens = 10
        self.error = error
        self.calls = 0
        for name, value in terms.items():
            setattr(self, name, value)

    async def pour(self, request: Request) -> Reply:
        self.calls += 1
        if self.error is not None:
            raise self.error
        said = {"lines": [{"agent": request.agents[0].id, "text": "hi"}]}
        return Reply(data=said, usage=Usage(input=5, output=5))


def world(folder: Path, clock: Clock, chain: str = "small", **backends: Server) -> Simulation:
    return Simulation(folder / "world", POLICY.replace("{chain}", chain), backends=backends, clock=clock)


def test_a_backend_that_is_down_is_left_alone_and_the_next_one_answers(tmp_path: Path) -> None:
    clock = Clock()
    bright, small = Server(BackendError(Failure.UNAVAILABLE, "refused")), Server()
    made = world(tmp_path, clock, bright=bright, small=small)
    with made.open() as pump:
        (report,) = pump.step()
        assert report.statuses == {"ok": 40}
        assert bright.calls <= 8 and small.calls == 40
        assert "bright left alone for" in report.line()
        reasons = [delta.attempts[0].reason or "" for delta in report.deltas]
        skipped = [reason for reason in reasons if "it was not asked" in reason]
        assert len(skipped) > 25 and all(delta.backend == "small" for delta in report.deltas)
        with made.open() as other:
            lane = other.status().circuits["bright"]
            assert (lane["circuit"], lane["under_way"], lane["waiting"]) == ("open", 0, 0)
            assert lane["until"] is not None and "calls in a row came to nothing" in lane["reason"]
        before = bright.calls
        pump.step()
        assert bright.calls == before
        clock.move(3600)
        bright.error = None
        (report,) = pump.step()
        assert bright.calls == before + 40 or report.statuses == {"ok": 40}
        assert pump.status().circuits["bright"]["circuit"] == "closed"
        assert pump.replay().equal
    text = made.lisppump("status").out
    assert "lane" in text and "calls at once" in text


def test_a_probe_is_one_call(tmp_path: Path) -> None:
    clock = Clock()
    bright = Server(BackendError(Failure.UNAVAILABLE, "refused"))
    with world(tmp_path, clock, bright=bright, small=Server()).open() as pump:
        pump.step()
        for _ in range(3):
            before = bright.calls
            clock.move(3600)
            pump.step()
            assert bright.calls == before + 1


@pytest.mark.parametrize("after", [None, 2.0, 5000.0])
def test_a_server_that_refuses_everybody_ends_in_time(tmp_path: Path, after: float | None) -> None:
    clock = Clock()
    bright = Server(BackendError(Failure.THROTTLED, "slower", retry_after=after))
    with world(tmp_path, clock, chain="", bright=bright).open() as pump:
        (report,) = pump.step()
        assert set(report.statuses) <= {"throttled", "failed"}
        assert bright.calls <= 45
        assert pump.replay().equal


def test_a_lane_lives_through_a_changed_policy(tmp_path: Path) -> None:
    clock = Clock()
    made = world(tmp_path, clock, bright=Server(BackendError(Failure.UNAVAILABLE, "no")), small=Server())
    with made.open() as pump:
        pump.step()
        text = made.folder.joinpath("pump.lisp").read_text()
        made.folder.joinpath("pump.lisp").write_text(text.replace("(name lanes)", "(name other)"))
        pump.step(2)
        assert pump.policy.name == "other"
        assert pump.governor.to_json()["bright"]["circuit"] != "closed"


def at_once(pump: Pump) -> int | None:
    limit = pump.governor.to_json()["bright"]["limit"]
    return None if limit is None else int(limit)


def test_what_a_backend_takes_at_once_is_honoured(tmp_path: Path) -> None:
    with world(tmp_path, Clock(), bright=Server(at_once=2), small=Server()).open() as pump:
        pump.step()
        assert at_once(pump) == 2
