"""An import is a frame like any other: journalled before its commit, finished or dropped after a crash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, hookimpl
from lisppump.delta import Delta
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.journal import Journal
from lisppump.merge import Merged
from lisppump.quarantine import accept
from lisppump.testing import FaultyDisk
from lisppump.turn import merge_under
from tests.faults import Crash, die
from tests.importing_support import POLICY, document, files, outcomes, taken, world

POST = {"title": "t", "author": "ann", "number": 9}
CONTENTS = {
    "a.json": {"frame": "7b", "stream_id": "x", "posts": [POST, {"title": 5}], "metrics": {"n": 1}},
    "b.json": {"frame": 8, "comments": [{"post": 9, "author": "bob"}, {"post": 9, "author": "ghost"}]},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return files(tmp_path / "in", CONTENTS)


def everything_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_a_dry_run_says_the_same_and_writes_nothing(root: Path, folder: Path) -> None:
    with Pump.open(root) as pump:
        pump.step()
    before = everything_in(root)
    dry = taken(root, folder, dry_run=True)
    assert everything_in(root) == before
    real = taken(root, folder)
    assert (dry.dry_run, dry.made, real.made) == (True, False, True)
    assert (dry.frame, dry.items, dry.details, dry.unread) == (
        real.frame, real.items, real.details, real.unread,
    )  # fmt: skip


def test_an_import_is_a_frame_of_its_own(root: Path, folder: Path) -> None:
    with Pump.open(root) as pump:
        pump.step()
        before = pump.show(1).to_json()
        report = pump.import_deltas(folder)
        shown = pump.show(2)
        assert (report.frame, pump.head.number, report.digest) == (2, 2, pump.head.digest)
        assert (shown.streams, shown.wake, shown.parent) == ((), (), before["digest"])
        assert [(entry["file"], entry["frame_text"], entry["items"]) for entry in shown.imports] == [
            ("a.json", "7b", 2), ("b.json", "8", 2),
        ]  # fmt: skip
        assert pump.show(1).to_json() == before
        assert pump.head.virtual["last"]["counts"] == {"comments": 1, "posts": 1}
        pump.step()
        assert pump.show(3).imports == ()
    with Pump.open(root) as pump:
        assert pump.show(2).to_json() == shown.to_json()


def test_its_report_follows_from_its_records_alone(root: Path, folder: Path) -> None:
    taken(root, folder)
    with Pump.open(root) as pump:
        deltas = pump.store.imports(1)
        assert [delta.origin["file"] for delta in deltas if delta.origin] == ["a.json", "b.json"]
        merged = merge_under(pump.rig, pump.frame(0), deltas, 1)
        commit = pump.store.commit_record(1)
        assert commit is not None
        assert [change.to_json() for change in merged.changes] == commit["changes"]
        assert merged.report == commit["report"]
        assert [dict(entry) for entry in merged.quarantine] == commit["quarantine"]


def test_a_replay_makes_it_again(root: Path, folder: Path) -> None:
    with Pump.open(root) as pump:
        pump.step()
        pump.import_deltas(folder)
        accept(pump, [e["id"] for e in pump.quarantine.entries if e["reason"] == "unknown-agent"])
        pump.step()
        assert pump.replay().equal
    with Pump.open(root) as pump:
        replayed = pump.replay()
        assert (replayed.equal, replayed.first_difference) == (True, None)


def test_a_replay_asks_nothing_that_only_a_room_would_read(tmp_path: Path, folder: Path) -> None:
    shared = '(define (digest frame) (error "nobody is awake to read it"))\n(pump (prompt (shared digest))'
    root = world(tmp_path / "world", POLICY.replace("(pump", shared, 1))
    taken(root, folder)
    with Pump.open(root) as pump:
        assert pump.replay().equal


def test_an_import_begins_no_frame_where_next_to_no_room_is_left(root: Path, folder: Path) -> None:
    disk = FaultyDisk()
    disk.free = 0.005
    with Pump.open(root, disk=disk) as pump:
        assert pump.import_deltas(folder, dry_run=True).frame == 1
        with pytest.raises(StateError) as error:
            pump.import_deltas(folder)
        assert (error.value.code, disk.count) == ("disk-full", 0)
        disk.free = 0.03
        assert any("(3.0%) of the disk are free" in note for note in pump.import_deltas(folder).notes)
        (stranger,) = [e["id"] for e in pump.quarantine.entries if e["reason"] == "unknown-agent"]
        disk.free = 0.005
        with pytest.raises(StateError, match="no frame is begun"):
            accept(pump, [stranger])
        assert pump.head.number == 1


def test_a_large_delta_is_kept_as_a_blob(root: Path, tmp_path: Path) -> None:
    big = {"posts": [{**POST, "body": "x" * 100_000}]}
    taken(root, files(tmp_path / "in", {"a.json": big}))
    with Pump.open(root) as pump:
        (record,) = pump.store.inputs(1)
        assert "delta" not in record.fields
        assert json.loads(pump.store.read_blob(record.fields["blob"]))["data"] == big
        assert pump.store.imports(1)[0].collections["posts"][0]["body"] == "x" * 100_000


def test_deltas_of_another_pump_number_their_items_anew(tmp_path: Path) -> None:
    one, two = world(tmp_path / "one"), world(tmp_path / "two")
    claims = {"posts": [{"title": "t", "author": "ann", "number": 1}], "comments": [
        {"post": 1, "author": "ann", "text": "on it"}]}  # fmt: skip
    delta = Delta(1, 1, "2026-01-01T00:00:00.000001Z", claims, agents=("ann",))
    folder = files(tmp_path / "in", {delta.file_name: delta.to_json()})
    report = taken(two, folder)
    assert {outcome for _, outcome, _ in outcomes(report)} == {"merged"}
    assert document(two, "log.json")["posts"][-1]["number"] == 4
    assert document(two, "comments.jsonl")[0]["post"] == 4
    changed = {**delta.to_json(), "posts": [{**POST, "number": 7}]}  # not what a pump wrote: no claims
    taken(one, files(tmp_path / "other", {"a.json": changed}))
    assert document(one, "log.json")["posts"][-1]["number"] == 7


@pytest.mark.parametrize("frame", [10**30, -1, 0, True, "1"])
def test_a_delta_of_a_pump_may_name_any_frame(root: Path, tmp_path: Path, frame: Any) -> None:
    delta = Delta(1, 1, "t", {"posts": [{"title": "t", "author": "ann"}]}, agents=("ann",)).to_json()
    report = taken(root, files(tmp_path / "in", {"a.json": {**delta, "frame": frame}}))
    assert {outcome for _, outcome, _ in outcomes(report)} == {"merged"}


def test_a_world_knows_its_own_deltas(tmp_path: Path) -> None:
    post = '(dict "title" "hi" "author" (get agent "id"))'
    speaks = f'(define (persona agent room) (dict "posts" (list {post})))'
    root = world(tmp_path / "world")
    text = (root / "pump.lisp").read_text().replace("(define (persona agent room) (dict))", speaks)
    (root / "pump.lisp").write_text(text)
    with Pump.open(root) as pump:
        pump.step(2)
    report = taken(root, root / "state" / "stream_deltas")
    assert not report.made
    assert report.items["posts"]["duplicate"] == 4
    assert "which this world made" in report.details[0]["twin"]


# -- crashes


def crashed(monkeypatch: pytest.MonkeyPatch, root: Path, folder: Path, kind: str, which: int) -> None:
    """Let the process die before its which-th record of a kind."""
    seen = 0
    real = Journal.record

    def record(journal: Journal, what: str, fields: Mapping[str, Any]) -> Any:
        nonlocal seen
        seen += what == kind
        if seen == which and what == kind:
            raise Crash
        return real(journal, what, fields)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", record)
        pump = Pump.open(root)
        with pytest.raises(Crash):
            pump.import_deltas(folder)
        die(pump.store)


@pytest.mark.parametrize(("kind", "which", "frame"), [("import", 1, 0), ("import", 2, 0), ("commit", 1, 1)])
def test_after_a_crash_an_import_is_finished_or_was_never_made(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, which: int, frame: int
) -> None:
    crashed(monkeypatch, root, folder, kind, which)
    with Pump.open(root) as pump:
        pump._open_for_writing()
        assert pump.head.number == frame
        assert any("import" in note for note in pump.store.notes)
    report = taken(root, folder)
    assert report.made == (frame == 0)
    calm = world(root.parent / "calm")
    taken(calm, folder)
    with Pump.open(root) as one, Pump.open(calm) as two:
        assert one.head.digest == two.head.digest
        one.step()


def test_a_frame_that_was_begun_comes_first(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr("lisppump.reservoir.Store.commit", commit)
        pump = Pump.open(root)
        try:
            pump.step()
        finally:
            die(pump.store)
    for dry_run in (True, False):
        with pytest.raises(LisppumpError) as error:
            taken(root, folder, dry_run=dry_run)
        assert error.value.code == "unfinished-frame"
    with Pump.open(root) as pump:
        pump.abandon()
    assert taken(root, folder).frame == 1


# -- other mergers


class Blunt:
    """A plugin whose merger says nothing of single items."""

    @hookimpl(wrapper=True)
    def merge(self, frame: Frame) -> Any:
        merged = yield
        return Merged(merged.changes, merged.report, merged.quarantine)


def test_the_account_adds_up_under_any_merger(root: Path, folder: Path) -> None:
    from lisppump.registry import Registry

    registry = Registry.load(root)
    registry.register(Blunt(), "blunt", "1.0")
    comment = {"post": 3, "author": "bob", "text": "hi"}
    files(folder, {"c.json": {"frame": 9, "comments": [comment, comment, comment]}})
    with Pump.open(root, registry=registry) as pump:
        report = pump.import_deltas(folder, dry_run=True)
    assert report.items == taken(root, folder, dry_run=True).items
    assert report.items["comments"]["duplicate"] == 2
