"""A frame whose run ended goes on under its own intent: what is finished is not asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, Reply, Request
from lisppump.calling import BackendError, Failure
from lisppump.delta_records import from_record, told
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.journal import Journal
from lisppump.reservoir import Store
from lisppump.testing import Scripted, Simulation
from tests.faults import Crash, die
from tests.storing import came

NAMES = ("ann", "bob", "cid", "dee", "eve")
POLICY = """\
(pump
  (name resumed)
  (agents "agents.json" agents)
  (streams 5)
  (dam round-robin)
  (pipe first second (deadline (seconds 5)))
  (backends (first none) (second none))
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")
           (count "agents.json" (agents author posts))))
  (echoes (by (lambda () (dict "posts" (length (rb-state "posts")))))))
"""
STATE = {"agents.json": {"agents": {name: {"posts": 0} for name in NAMES}}, "posts.jsonl": []}


def answers(skip: str = "bob") -> dict[str, Any]:
    """Everybody writes a post; who is skipped meets a backend that has gone."""
    post = {name: {"posts": [{"author": name, "title": f"by {name}"}]} for name in NAMES}
    return {**post, skip: BackendError(Failure.UNAVAILABLE, "gone")}


def world(folder: Path, policy: str = POLICY) -> tuple[Simulation, Scripted, Scripted]:
    first, second = Scripted(by_agent=answers()), Scripted(by_agent=answers("nobody"))
    backends = {"first": first, "second": second}
    return Simulation(folder, policy, state=STATE, backends=backends), first, second


def state_of(folder: Path) -> dict[str, str]:
    """All documents by digest; delta files name the epoch, and are left out."""
    with Simulation(folder, (folder / "pump.lisp").read_text()).open() as pump:
        return {name: digest(name, value) for name, value in pump.head.documents.items()}


def crash_at(monkeypatch: pytest.MonkeyPatch, stop: int) -> list[str]:
    """Let the process die before its stop-th record; the kinds that were written."""
    written: list[str] = []
    one, many = Journal.record, Journal.records

    def record(journal: Journal, kind: str, fields: Mapping[str, Any]) -> Any:
        if len(written) >= stop:
            raise Crash  # from now on: a dead process writes nothing
        written.append(kind)
        return one(journal, kind, fields)

    def records(journal: Journal, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        first = entries[: stop - len(written)]
        written.extend(kind for kind, _ in first)
        many(journal, first)
        if len(first) < len(entries):
            raise Crash

    monkeypatch.setattr(Journal, "record", record)
    monkeypatch.setattr(Journal, "records", records)
    return written


def test_a_run_that_dies_before_any_record_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, first, second = world(tmp_path / "whole")
    whole.run(2)
    asked = first.calls + second.calls
    wanted = state_of(tmp_path / "whole")
    for stop in range(1000):
        simulation, first, second = world(tmp_path / str(stop))
        with monkeypatch.context() as patch:
            written = crash_at(patch, stop)
            pump = simulation.open()
            try:
                pump.step(2)
            except (Crash, LisppumpError):  # in a stage, the stage is blamed for it
                die(pump.store)
            else:
                pump.close()
                assert stop >= 20 and "outcome" in written
                return
        calls = first.calls + second.calls
        finished = written.count("reply") + written.count("outcome")
        with simulation.open() as pump:
            pump._open_for_writing()  # frame 2 may want nothing but its echoes
            pump.step(2 - max(pump.head.number, 0))
            assert pump.store.open_frame() is None
        again = first.calls + second.calls - calls
        assert again == asked - finished, (stop, written)
        assert state_of(tmp_path / str(stop)) == wanted, (stop, written)


def broken(simulation: Simulation, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    """Run until the process dies before its stop-th record."""
    with monkeypatch.context() as patch:
        crash_at(patch, stop)
        pump = simulation.open()
        with pytest.raises((Crash, LisppumpError)):
            pump.step(1)
        die(pump.store)


def test_it_goes_on_under_its_own_policy_and_the_next_has_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, _, _ = world(tmp_path / "world")
    broken(simulation, monkeypatch, 6)
    text = POLICY.replace("(streams 5)", "(streams 2)").replace("by (lambda", "by (lambda ")
    (tmp_path / "world" / "pump.lisp").write_text(text)
    with simulation.open() as pump:
        opened = pump.store.open_frame()
        assert opened is not None and opened["frame"] == 1 and opened["finished"]
        report, following = pump.step(2)
        assert len(report.deltas) == 5 and len(following.deltas) == 2
        count = len(opened["finished"])
        goes_on, changed = report.notes
        assert goes_on == f"frame 1 goes on where its run ended: {count} of 5 streams had finished"
        assert changed.startswith("pump.lisp has changed since frame 1 was begun") and "--abandon" in changed
        assert following.notes == ()
        epochs = {delta.stream: delta.epoch for delta in report.deltas}
        assert {epochs[stream] for stream in opened["finished"]} == {1}
        assert {epochs[stream] for stream in opened["missing"]} == {2}


def test_an_abandoned_frame_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation, first, second = world(tmp_path / "world")
    broken(simulation, monkeypatch, 8)
    calls = first.calls + second.calls
    with simulation.open() as pump:
        assert pump.abandon() == 1
        assert pump.abandon() is None
        (report,) = pump.step(1)
        assert report.notes == ()
        assert {delta.epoch for delta in report.deltas} == {3}
    assert first.calls + second.calls == calls + 6


def test_what_cannot_go_on_says_so_and_can_be_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, _, _ = world(tmp_path / "world")
    broken(simulation, monkeypatch, 8)
    real = Store.open_intent
    monkeypatch.setattr(Store, "open_intent", lambda store: {**(real(store) or {}), "parent": "sha256:other"})
    with simulation.open() as pump:
        with pytest.raises(LisppumpError) as caught:
            pump.step(1)
        assert caught.value.code == "not-its-parent" and "--abandon" in (caught.value.help or "")


def test_a_reply_of_an_epoch_that_is_over_is_late(tmp_path: Path) -> None:
    simulation, _, _ = world(tmp_path / "world")
    with simulation.open() as pump:
        pump.step(1)
        store = pump.store
        head = pump.head
        store.intent(frame=2, parent=head.digest, streams=[{"stream": 1}])
        said = {"frame": 2, "stream": 1, "text": "from the dead"}
        came(store, **said, epoch=store.epoch - 1)
        came(store, **said, epoch=store.epoch)
        came(store, **{**said, "frame": 1}, epoch=store.epoch)
        kinds = [record.kind for record in store.inputs(2)]
        assert kinds == ["reply"]
        assert len(store._all("late", 2)) == 1 and len(store._all("late", 1)) == 1


def test_a_frame_without_its_echoes_gets_them_under_its_own_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, _, _ = world(tmp_path / "world")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "tock", lambda *_, **__: (_ for _ in ()).throw(Crash()))
        pump = simulation.open()
        with pytest.raises(Crash):
            pump.step(1)
        die(pump.store)
    (tmp_path / "world" / "pump.lisp").write_text(POLICY.replace('"posts" (length', '"things" (length'))
    with Pump.open(tmp_path / "world") as pump:
        pump.abandon()
        assert pump.head.tock == 1
        assert pump.head.virtual["echo"]["results"] == {"by-1": {"posts": 5}} or pump.head.virtual["echo"]


def test_a_delta_that_stands_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation, _, _ = world(tmp_path / "world")
    broken(simulation, monkeypatch, 6)
    with simulation.open() as pump:
        before = settled(pump.store)
        assert 0 < len(before) < 5
        pump.step(1)
        after = settled(pump.store)
        assert len(after) == 5
        assert all(said in after for said in before)
        kept = {delta.stream: delta for delta in pump.store.deltas(1)}
        for said in before:
            assert kept[said["stream"]] == from_record(said)


def settled(store: Store) -> list[dict[str, Any]]:
    """What streams of frame 1 came to, as it was recorded."""
    found = (told(record.kind, record.fields) for record in store.inputs(1))
    return [dict(said) for said in found if said is not None]


def test_what_came_before_a_run_is_cancelled_is_on_the_disk_when_it_is(tmp_path: Path) -> None:
    """Nobody closes the world, and the loop is over: what was put off is not left to chance."""
    made, _, second = world(tmp_path)
    asked = asyncio.Event()

    class Silent:
        async def pour(self, request: Request) -> Reply:
            asked.set()
            await asyncio.sleep(3600)
            raise AssertionError

    async def scenario(pump: Pump) -> None:
        running = asyncio.ensure_future(pump.astep())
        await asked.wait()
        while len(pump.store.inputs(1)) < 4:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with Pump.open(tmp_path, backends={"first": made.backends["first"], "second": Silent()}) as pump:
        asyncio.run(scenario(pump))
        assert pump.store._journal.pending == 0
        assert len(pump.store.inputs(1)) >= 4
    with made.open() as again:
        again.step()
        assert second.calls == 1
