"""Frames made again from their record alone are what they were, and where they are not, it is said where."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Pump, canon, hookimpl
from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.errors import LisppumpError
from lisppump.journal import Journal, Record
from lisppump.stages import Option
from lisppump.testing import Simulation
from tests.conftest import ROOT
from tests.faults import Crash, die

NAMES = ("ann", "bob", "cid", "dee", "eve")
POLICY = """\
(pump
  (name again)
  (agents "agents.json" agents)
  (streams 5)
  (dam round-robin)
  (pipe first second (passes act react) (deadline (seconds 1)))
  (backends (first none) (second none))
  (delta
    (posts (fields (author agent) (title string)) (number number (above "posts.jsonl")) (into "posts.jsonl")
           (count "agents.json" (agents author posts)))
    (notes (fields (author agent) (text string)) (into "memory/{author}.md"))
    (profiles (fields (agent agent) (field string) (value any)) (into "agents.json" agents) (last-writer)))
  (echoes (by (lambda () (dict "signal" "boost-ann" "posts" (length (rb-state "posts")))))))
"""
STATE = {"agents.json": {"agents": {name: {"posts": 0} for name in NAMES}}, "posts.jsonl": []}


def said(name: str) -> dict[str, Any]:
    return {
        "posts": [{"author": name, "title": f"by {name}", "mood": "unasked"}],
        "notes": [{"author": name, "text": "a thought"}, {"author": "nobody", "text": "not in this room"}],
        "profiles": [{"agent": name, "field": "mood", "value": 1.5}],
    }


class Moody:
    """Answers in every way there is: well, as text, badly, late, not at all, in part."""

    def __init__(self, **replies: Any) -> None:
        self.calls = 0
        self._replies = replies

    async def pour(self, request: Request) -> Reply:
        """What the room's first member has to say in this pass."""
        self.calls += 1
        answers = self._replies.get(request.agents[0].id, {})
        if isinstance(answers, list):
            answers = answers[0 if request.turn == "act" else 1]
        if isinstance(answers, BaseException):
            raise answers
        if answers == "hang":
            await asyncio.Event().wait()
        if isinstance(answers, Reply):
            return answers
        return Reply(text=answers) if isinstance(answers, str) else Reply(data=answers)


def moods() -> dict[str, Moody]:
    first = Moody(
        ann=said("ann"),
        bob=[f"Sure!\n```json\n{canon.line(said('bob')).decode()}\n```", "no idea"],
        cid=[said("cid"), "hang"],
        dee=BackendError(Failure.UNAVAILABLE, "gone"),
        eve=Reply(data=said("eve"), stop="partial", reason="one of us slept", model="small"),
    )
    return {"first": first, "second": Moody(dee=[said("dee"), ValueError("fell over")])}


def world(folder: Path, frames: int) -> Simulation:
    state = {} if (folder / "state").is_dir() else STATE
    simulation = Simulation(folder, POLICY, state=state, backends=moods())
    simulation.run(frames)
    return simulation


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket can be made at all."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was wanted")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "socketpair", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moody") / "world"
    world(folder, 3)
    return folder


def test_every_way_to_answer_comes_out_again(moody: Path, offline: None) -> None:
    with Pump.open(moody) as pump:
        statuses = {stream["status"] for stream in pump.show(2).streams}
        partial = sum(stream["partial"] for stream in pump.show(2).streams)
        assert statuses >= {"ok"} and partial >= 2
        found = pump.replay()
        assert found.to_json() == {
            "schema": "lisppump/replay@1", "from": 1, "to": 3, "equal": True, "first_difference": None,
            "frames": 3, "lost": [],
        }  # fmt: skip
        assert pump.replay(2, 2).frames == 1
        assert pump.replay(3).equal


def test_a_hundred_frames_of_the_example_come_out_again(tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copy(ROOT / "pump.lisp", tmp_path / "pump.lisp")
    with Pump.open(tmp_path) as pump:
        pump.step(100)
    monkeypatch.setattr(socket, "socket", None)
    with Pump.open(tmp_path) as pump:
        found = pump.replay()
        assert (found.equal, found.frames, found.first_difference) == (True, 100, None)


class Hasty:
    """Lets the time of every second stream be over before it is begun."""

    options = ()

    async def run(self, jobs: Any) -> None:
        """One after the other."""
        for job in jobs:
            if job.stream % 2:
                await job.pour()
            else:
                job.timed_out()


def hasty(folder: Path, executor: type) -> Simulation:
    def executors() -> dict[str, type]:
        return {"hasty": executor}

    offers = SimpleNamespace(executors=hookimpl(executors))
    policy = POLICY.replace("(name again)", "(name again) (executor hasty)")
    backends = {name: Moody(**{who: said(who) for who in NAMES}) for name in ("first", "second")}
    state = {} if (folder / "state").is_dir() else STATE
    return Simulation(folder, policy, state=state, backends=backends, plugins={"offers": offers})


def test_a_stream_whose_time_was_over_before_it_began_comes_out_again(tmp_path: Path) -> None:
    simulation = hasty(tmp_path / "world", Hasty)
    (report,) = simulation.run(1)
    assert [delta.status for delta in report.deltas] == ["ok", "timed-out", "ok", "timed-out", "ok"]
    with simulation.open() as pump:
        assert pump.replay().equal


@pytest.mark.parametrize("answered", [1, 2])
def test_its_time_may_be_over_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: int
) -> None:
    real = Journal.record
    heard: list[str] = []

    def record(journal: Journal, kind: str, fields: dict[str, Any]) -> Any:
        if kind in ("reply", "delta") and fields["stream"] == 2:
            if len(heard) == answered:
                raise Crash
            heard.append(kind)
        return real(journal, kind, fields)

    def records(journal: Journal, entries: Any) -> None:
        for kind, fields in entries:
            record(journal, kind, fields)

    simulation = hasty(tmp_path / "world", type("Plain", (Hasty,), {"run": _in_turn}))
    monkeypatch.setattr(Journal, "record", record)
    monkeypatch.setattr(Journal, "records", records)
    pump = simulation.open()
    with pytest.raises(LisppumpError, match="raised Crash"):
        pump.run(1)
    die(pump.store)
    monkeypatch.undo()
    simulation = hasty(tmp_path / "world", Hasty)
    (report,) = simulation.run(1)
    second = report.deltas[1]
    assert (second.status, second.partial, len(second.attempts)) == ("ok", answered == 1, 2)
    with simulation.open() as pump:
        assert pump.replay().equal


async def _in_turn(self: Any, jobs: Any) -> None:
    for job in jobs:
        await job.pour()


def test_a_policy_that_has_changed_since_changes_nothing(moody: Path, offline: None, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(moody, tmp_path / "world"))
    text = POLICY.replace('"boost-ann"', '"boost-bob"').replace("streams 5", "streams 1")
    (folder / "pump.lisp").write_text(text)
    with Pump.open(folder) as pump:
        assert pump.replay().equal


def test_hand_edits_are_inputs(moody: Path, tmp_path: Path, offline: None, monkeypatch: Any) -> None:
    folder = Path(shutil.copytree(moody, tmp_path / "world"))
    agents = folder / "state" / "agents.json"
    agents.write_text(agents.read_text().replace('"mood": 1.5', '"mood": 9.5'))
    monkeypatch.undo()
    world(folder, 2)
    with Pump.open(folder) as pump:
        assert [edit["document"] for edit in pump.show(4).edits] == ["agents.json"]
        assert pump.replay().frames == 5
        assert pump.replay(4, 5).equal


def test_another_outcome_is_found_and_named(moody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(record: Record) -> Record:
        if record.kind != "commit" or record.fields["frame"] != 2:
            return record
        changes = [list(change) for change in record.fields["changes"]]
        changes[0] = [*changes[0][:3], "something else"]
        return Record("commit", record.seq, {**record.fields, "changes": changes})

    with Pump.open(moody) as pump:
        altered(monkeypatch, other)
        found = pump.replay()
        assert not found.equal and found.frames == 1
        assert found.first_difference is not None
        told = found.first_difference.to_json()
        assert (told["frame"], told["document"], told["path"]) == (2, "changes", [0, 3])
        assert told["recorded"] == "something else"


def altered(monkeypatch: pytest.MonkeyPatch, change: Callable[[Record], Record]) -> None:
    """Let the journal tell something else than was written."""
    read = Journal.read
    monkeypatch.setattr(Journal, "read", lambda journal, seq: change(read(journal, seq)))


def test_what_was_not_recorded_is_not_made_up(moody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(record: Record) -> Record:
        hers = record.kind == "reply" and record.fields["data"] == said("ann")
        return Record("late", record.seq, record.fields) if hers else record

    with Pump.open(moody) as pump:
        altered(monkeypatch, without)
        found = pump.replay().first_difference
        assert found is not None and found.frame == 1 and found.document.startswith("stream_deltas/")


def test_a_record_of_another_attempt_is_told(moody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(record: Record) -> Record:
        if record.kind != "reply":
            return record
        return Record("reply", record.seq, {**record.fields, "backend": "third"})

    with Pump.open(moody) as pump:
        altered(monkeypatch, other)
        with pytest.raises(LisppumpError) as caught:
            pump.replay()
        assert caught.value.code == "not-recorded"


@pytest.mark.parametrize(("first", "last"), [(0, 2), (2, 1), (1, 4), (9, 9)])
def test_frames_that_are_not_there_cannot_be_replayed(moody: Path, first: int, last: int) -> None:
    with Pump.open(moody) as pump, pytest.raises(LisppumpError) as caught:
        pump.replay(first, last)
    assert caught.value.code == "no-such-frame"


def test_live_asks_again_and_commits_nothing(tmp_path: Path) -> None:
    simulation = world(tmp_path / "world", 2)
    before = {path: path.read_bytes() for path in (tmp_path / "world").rglob("*") if path.is_file()}
    other = Moody(**{name: said(name) for name in NAMES})
    with simulation.open(backends={"first": other, "second": other}) as pump:
        found = pump.replay_live(1)
    assert other.calls == 10
    assert not found.equal
    assert {stream["live"]["agents"][0] for stream in found.streams if stream["equal"]} == {"ann", "eve"}
    assert found.merge["live"]["merged"] > found.merge["recorded"]["merged"]
    assert {path: path.read_bytes() for path in (tmp_path / "world").rglob("*") if path.is_file()} == before


def test_a_world_that_made_no_frame_has_nothing_to_replay(tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text((ROOT / "tests" / "simulations" / "rooms.lisp").read_text())
    with Pump.open(tmp_path) as pump, pytest.raises(LisppumpError) as caught:
        pump.replay()
    assert (caught.value.code, caught.value.message) == (
        "no-such-frame", "nothing has been made since frame 0 that could be made again",
    )  # fmt: skip


def test_frames_are_made_again_when_the_plugin_of_their_backend_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked for them; asking them once more wants it."""

    class OfThen(Moody):
        options = (Option("mood", "value", "Its mood."), Option("most", "value", "The most.", type="natural"))

        def __init__(self, mood: str, most: int) -> None:
            super().__init__(**{name: said(name) for name in NAMES})

    @hookimpl
    def backends() -> dict[str, type]:
        return {"of-then": OfThen}

    version = metadata.version
    policy = POLICY.replace("(first none)", '(first (of-then (mood "calm") (most 3)))').replace(
        "(name again)", '(name again) (plugins (require "lisppump-of-then" ">=1"))'
    )
    then = Simulation(tmp_path, policy, state=STATE, plugins={"of-then": SimpleNamespace(backends=backends)})
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda name: "1.0" if "of-then" in name else version(name))
        with then.open() as pump:
            (report, *_) = pump.step(3)
            assert report.statuses == {"ok": 5}
    with Simulation(tmp_path, POLICY).open() as pump:
        pump.step(1)
        replayed = pump.replay(1, 4)
        assert replayed.equal and replayed.frames == 4
        with pytest.raises(LisppumpError, match="of-then"):
            pump.replay_live(2)
