"""What status, show and log gather: before a run, while one goes on, after it stopped, when it broke."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lisppump import LisppumpError, Pump, journal
from lisppump.budget import Stopped
from lisppump.calling import Reply, Request
from lisppump.policy import PolicyErrors
from lisppump.report import Event
from lisppump.status import log_documents, look
from lisppump.testing import Clock, Scripted
from tests.cli_support import Lisppump
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    return tmp_path


def change(world: Path, *changes: tuple[str, str]) -> None:
    text = ROOMS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (world / "pump.lisp").write_text(text)


def test_before_the_first_run_the_world_stands_at_frame_0(world: Path) -> None:
    with look(world) as pump:
        status = pump.status()
        shown = pump.show(0)
        assert log_documents(pump) == []
        with pytest.raises(LisppumpError, match="there is no frame 1; the newest is 0"):
            pump.show(1)
    assert (status.frame, status.state, status.age_seconds, status.streams) == (0, "idle", None, ())
    assert status.digest == shown.digest
    assert (shown.parent, shown.wake, list(shown.documents)) == (None, (), ["agents.json", "stats.json"])
    assert sorted(path.name for path in world.iterdir()) == ["pump.lisp"]


def test_the_age_is_the_machine_s_and_the_time_the_frame_s(world: Path) -> None:
    clock = Clock("2026-05-01T00:00:00+00:00")
    with Pump.open(world, clock=clock) as pump:
        pump.step()
        clock.move(90)
        status = pump.status()
    assert (status.age_seconds, status.time) == (90.0, "2026-01-01T01:00:00.000000Z")
    assert datetime.fromisoformat(status.time).utcoffset() is not None


def test_a_frame_that_a_segment_begins_with_changed_what_it_changed(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 6000)
    with Pump.open(world, clock=Clock()) as pump:
        pump.step(8)
    with look(world) as pump:
        assert len([*pump.store.every("snapshot")]) > 3
        changed = [
            [name for name, entry in pump.show(number).documents.items() if entry["changed"]]
            for number in range(9)
        ]
    assert changed[0] == ["agents.json", "stats.json"]
    assert changed[1:] == [["echo_frames/mood.json", "lines.jsonl", "stats.json"]] * 8


class Staggered:
    """Each stream answers, with nothing to do, some turns of the loop after the one before it."""

    async def pour(self, request: Request) -> Reply:
        for _ in range(4 * request.stream.number):
            await asyncio.sleep(0)
        return Reply(data={})


def states(world: Path, **options: Any) -> list[tuple[str, str, Any]]:
    """What another reader sees at each event of one frame and its rest."""
    seen = []
    with Pump.open(world, clock=Clock(), **options) as pump:

        def hear(event: Event) -> None:
            with look(world) as other:
                status = other.status()
            seen.append((event.kind, status.state, status.open_frame))
            if event.kind == "resting":
                pump.request_stop()

        pump.listeners.append(hear)
        pump.run(frames=2)
    return seen


def test_a_reader_sees_a_frame_run_and_the_heart_rest(world: Path) -> None:
    change(world, ("(every (seconds 0))", "(every (minutes 5))"), ("(streams how-many)", "(streams 2)"))
    seen = states(world, backends={"script": Staggered()})
    kind, state, opened = seen[0]
    assert (kind, state) == ("frame_started", "running")
    assert opened == {**opened, "frame": 1, "finished": [], "missing": [1, 2], "epoch": 1}
    assert opened["since"] is not None and opened["age_seconds"] >= 0
    assert {state for kind, state, _ in seen if kind == "stream_settled"} == {"running"}
    assert [opened["finished"] for kind, _, opened in seen if kind == "stream_settled"] == [[1], [1, 2]]
    assert seen[-1] == ("resting", "resting", None)
    with look(world) as pump:
        assert (pump.status().state, pump.status().lock) == ("idle", None)


def test_a_frame_that_was_not_finished_is_told(world: Path) -> None:
    def crash(event: Event) -> None:
        if event.kind == "stream_settled" and event.stream == 2:
            raise KeyboardInterrupt

    with Pump.open(world, backends={"script": Staggered()}) as pump:
        pump.listeners.append(crash)
        with pytest.raises(KeyboardInterrupt):
            pump.step()
    with look(world) as pump:
        status = pump.status()
    assert status.open_frame is not None
    assert (status.frame, status.state, status.open_frame["frame"]) == (0, "idle", 1)
    assert 2 in status.open_frame["finished"] and 6 in status.open_frame["missing"]


def cut(world: Path, event_of: int = 2, **options: Any) -> None:
    """A run that ends in the midst of a frame, as if it was killed."""

    def crash(event: Event) -> None:
        if event.kind == "stream_settled" and event.stream == event_of:
            raise KeyboardInterrupt

    with Pump.open(world, backends={"script": Staggered()}, **options) as pump:
        pump.listeners.append(crash)
        with pytest.raises(KeyboardInterrupt):
            pump.step()


def test_a_killed_run_is_told_in_words(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(world)
    lisppump = Lisppump(capsys)
    opened = lisppump("-C", world, "status", "--json").json["open_frame"]
    assert list(opened) == ["frame", "finished", "missing", "epoch", "since", "policy", "age_seconds"]
    out = lisppump("-C", world, "status").out
    done = len(opened["finished"])
    assert f"frame 1 was begun and not finished: {done} of 6 streams had finished, missing " in out
    assert "its run was killed or interrupted (0 seconds ago, epoch 1)" in out
    assert "`lisppump run` goes on with it" in out and "`lisppump run --abandon` begins it anew" in out
    assert f"frame 1 was begun and not finished: {done} of 6 streams" in lisppump("-C", world, "doctor").out
    lisppump("-C", world, "run", "--frames", "1", "-q")
    shown = lisppump("-C", world, "show", "--json").json
    assert (shown["epochs"], shown["begun"], shown["late"], shown["outcomes"]) == ([1, 2], 1, 0, [])
    assert "it went on after its run had ended: epochs 1, 2" in lisppump("-C", world, "show").out
    assert "gone on with" in lisppump("-C", world, "log").out
    assert lisppump("-C", world, "status", "--json").json["open_frame"] is None


def test_a_frame_that_was_begun_anew_says_so(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(world)
    lisppump = Lisppump(capsys)
    lisppump("-C", world, "run", "--frames", "1", "--abandon", "-q")
    assert lisppump("-C", world, "show", "--json").json["begun"] == 2
    assert "2 times; what came for the earlier" in lisppump("-C", world, "show").out


def test_what_the_echoes_of_a_frame_changed_is_shown_with_it(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step(2)
        changed = {name for name, entry in pump.show(2).documents.items() if entry["changed"]}
        assert changed == set(pump.diff(1, 2).documents) >= {"echo_frames/mood.json", "lines.jsonl"}


def test_what_the_machine_decided_is_shown(world: Path) -> None:
    with Pump.open(world, backends={"script": Scripted({2: ValueError("down")})}) as pump:
        pump.step()
        (decided,) = pump.show(1).outcomes
    assert (decided["stream"], decided["status"], decided["settles"]) == (2, "failed", False)
    assert "ValueError: down" in decided["reason"]


def test_a_run_that_ended_by_an_error_is_told(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(world, ("(streams how-many)", '(streams (lambda (frame) (if (get frame "lines" #f) "x" 6)))'))
    with Pump.open(world) as pump, pytest.raises(LisppumpError):
        pump.run(frames=3)
    lisppump = Lisppump(capsys)
    document = lisppump("-C", world, "status", "--json").json
    assert (document["state"], document["frame"], document["ended"]["code"]) == ("stopped", 1, "bad-answer")
    assert "ended    the last run, at " in lisppump("-C", world, "status").out
    assert (
        "the last run ended: (streams ...) should give a whole number" in lisppump("-C", world, "doctor").out
    )
    change(world)
    with Pump.open(world) as pump:
        pump.step()
        assert (pump.status().ended, pump.status().state) == (None, "running")
    assert lisppump("-C", world, "status", "--json").json["state"] == "idle"


def test_a_run_that_goes_on_in_one_process_forgets_how_it_ended(world: Path) -> None:
    with Pump.open(world, backends={"script": Scripted({1: ValueError("down")})}) as pump:
        pump.step()
        before = pump._check_budget

        def spent() -> None:
            raise Stopped("budget-spent", "no more")

        pump._check_budget = spent  # type: ignore[method-assign]
        with pytest.raises(Stopped):
            pump.step()
        assert (pump.status().ended or {})["code"] == "budget-spent"
        pump._check_budget = before  # type: ignore[method-assign]
        pump.step()
        assert pump.status().ended is None


def test_what_the_last_opening_mended_is_told(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Pump.open(world) as pump:
        pump.step()
    (log,) = (world / ".lisppump" / "journal").glob("*.log")
    with log.open("ab") as file:
        file.write(b"00000400 ")
    lisppump = Lisppump(capsys)
    assert "note     the last record is torn" in lisppump("-C", world, "status").out
    lisppump("-C", world, "run", "--frames", "1", "-q")
    document = lisppump("-C", world, "status", "--json").json
    assert len(document["mended"]) == 1 and "a torn last record was cut" in document["mended"][0]
    assert "mended   a torn last record was cut" in lisppump("-C", world, "status").out
    lisppump("-C", world, "run", "--frames", "1", "-q")
    assert lisppump("-C", world, "status", "--json").json["mended"] == []


@pytest.mark.parametrize("found", [b"", b"{", b"[]", b'{"epoch": 7, "ended": {}}'])
def test_what_was_kept_to_tell_may_be_lost(world: Path, found: bytes) -> None:
    with Pump.open(world) as pump:
        pump.step()
    (world / ".lisppump" / "lately").write_bytes(found)
    with look(world) as pump:
        assert (pump.status().ended, pump.status().mended) == (None, ())


def test_after_the_breaker_opened_the_world_is_stopped_until_a_good_frame(world: Path) -> None:
    with (
        Pump.open(world, backends={"script": Scripted(lambda _: ValueError("down"))}) as pump,
        pytest.raises(Stopped),
    ):
        pump.run(frames=9)
    with look(world) as pump:
        status = pump.status()
    assert (status.state, status.frame, status.breaker["bad_frames"]) == ("stopped", 3, 3)
    assert "6 of 6 streams" in status.breaker["reason"]
    assert [stream["status"] for stream in status.streams] == ["failed"] * 6
    assert all("raised ValueError: down" in stream["reason"] for stream in status.streams)
    with Pump.open(world) as pump:
        pump.step()
    with look(world) as pump:
        assert (pump.status().state, pump.status().breaker["reason"]) == ("idle", None)


def test_a_broken_policy_is_stale_and_the_world_can_still_be_looked_at(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
        before = pump.status()
    change(world, ("(streams how-many)", "(streams how-mny)"))
    with look(world) as pump:
        status = pump.status()
        assert pump.show(1).frame == 1 and len(log_documents(pump)) == 1
    assert (status.frame, status.digest) == (1, before.digest)
    assert status.policy["digest"] == before.policy["digest"]
    assert status.policy["stale"] is True
    for words in ("pump.lisp:32:12", "did you mean `how-many`?"):
        assert words in status.policy["error"]
    with pytest.raises(PolicyErrors):
        Pump.open(world)


def test_a_policy_that_changed_and_is_right_is_not_stale(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
        change(world, ("(streams how-many)", "(streams 2)"))
        assert pump.status().policy == {"digest": pump.policy.digest, "stale": False, "error": None}


def test_a_broken_policy_without_a_frame_is_its_errors(world: Path) -> None:
    change(world, ("(streams how-many)", "(streams how-mny)"))
    with pytest.raises(PolicyErrors):
        look(world)


def test_the_digests_of_log_show_and_status_are_one(world: Path) -> None:
    with Pump.open(world) as pump:
        reports = pump.step(3)
        logged = {entry["frame"]: entry["digest"] for entry in log_documents(pump)}
        for report in reports:
            assert logged[report.frame] == report.digest == pump.show(report.frame).digest
        assert [pump.show(n).parent for n in (1, 2, 3)] == [pump.show(n).digest for n in (0, 1, 2)]
        assert pump.status().digest == reports[-1].digest


def test_edits_are_named_before_and_after_they_are_taken_in(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    with look(world) as pump:
        assert pump.status().edits == ("stats.json",)
    with Pump.open(world) as pump:
        pump.step()
        assert [entry["document"] for entry in pump.show(2).edits] == ["stats.json"]
        assert pump.status().edits == ()
