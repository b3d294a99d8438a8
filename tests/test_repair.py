"""`repair` saves what can be saved, says what was lost, and leaves a world that is whole and runs on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon, journal
from lisppump.disk import Disk, StateError
from lisppump.documents import digest
from lisppump.files import Files
from lisppump.keep import Keep
from lisppump.merge_changes import Change
from lisppump.records import HEAD, decoded, encoded, pack, payload_at
from lisppump.repair import repair
from lisppump.survey import Survey, survey
from lisppump.verify import verify
from lisppump.view import Unseen
from tests.faults import Crash, FaultyDisk, die
from tests.storing import begun, came, changes_of, delta_of, lived, opened, segments, step

SMALL = 5000


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", SMALL)


def places(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Offset, kind and fields of the records of a plain segment."""
    data, offset = path.read_bytes(), 0
    while (payload := payload_at(data, offset)) is not None:
        found = decoded(payload)
        assert found is not None
        yield offset, found[0].kind, dict(found[0].fields)
        offset += HEAD + len(payload) + 1


def spoil(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset + HEAD + 3] ^= 1
    path.write_bytes(data)


def spoil_record(root: Path, kind: str, frame: int) -> None:
    for path in segments(root):
        if path.suffix == ".log":
            for offset, found, fields in places(path):
                if (found, fields.get("frame")) == (kind, frame):
                    return spoil(path, offset)
    raise AssertionError("there is no such record in a plain segment")


def mended(root: Path) -> Survey:
    """Repair, and hold the world to what a repair promises."""
    view = Files(root / "state")
    assert not verify(root, view).ok
    before = {path.name: path.read_bytes() for path in segments(root)}
    plan = survey(root, view)
    assert {path.name: path.read_bytes() for path in segments(root)} == before, "a survey writes nothing"
    done = repair(root, view)
    assert {**done.to_json(), "aside": None} == plan.to_json()
    assert done.aside is not None
    for path in (root / ".lisppump" / done.aside / "journal").glob("*"):
        assert path.read_bytes() == before[path.name]
    found = verify(root, view)
    assert found.ok, found.faults
    with opened(root, write=False) as store:
        assert store.head is not None and store.head.number == done.head
        for number in range(done.head + 1):
            if number in done.blind:
                with pytest.raises(StateError, match="lost"):
                    dict(store.frame(number).documents)
            else:
                frame = store.frame(number)
                assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)
    with opened(root) as store:
        for _ in range(4):
            step(store)
    found = verify(root, view)
    assert found.ok, found.faults
    return done


def state(root: Path) -> dict[str, Any]:
    view = Files(root / "state")
    return {name: canon.line(view.read(name)) for name in view.names()}


@pytest.mark.parametrize("kind", ["reply", "late", "outcome", "delta", "open"])
def test_a_record_that_no_frame_needs_is_all_that_is_lost(ram_path: Path, kind: str) -> None:
    with begun(ram_path) as store:
        step(store)
        if kind == "late":
            came(store, kind="late", frame=1, stream=1)
        if kind == "outcome":
            store.outcome(frame=1, stream=1)
    with opened(ram_path) as store:
        step(store)
    spoil_record(ram_path, kind, 1) if kind != "open" else spoil(segments(ram_path)[0], 0)
    done = mended(ram_path)
    assert done.cut is None and done.dropped == done.blind == done.losing == [] and not done.saved
    assert [hole.count for hole in done.holes] == [1]


@pytest.mark.parametrize("kind", ["commit", "intent"])
def test_a_frame_that_is_needed_later_cuts_the_journal_and_its_documents_are_kept(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    lived(ram_path, 5)
    spoil_record(ram_path, kind, 3)
    before = state(ram_path)
    done = survey(ram_path, Files(ram_path / "state"))
    if kind == "intent":
        assert done.cut is None
        mended(ram_path)
        return
    assert done.head == 2 and done.dropped == [3, 4, 5] and done.losing == []
    assert sorted(done.saved) == ["agents.json", "memory/ada.md", "posts.jsonl"]
    repair(ram_path, Files(ram_path / "state"))
    assert state(ram_path) == before
    with opened(ram_path) as store:
        assert store.head is not None and store.head.number == 2
        assert store.head.documents["agents.json"]["ada"]["posts"] == 5
        assert store.take_edits() == ()
        assert step(store).number == 3
    assert verify(ram_path, Files(ram_path / "state")).ok


def test_what_was_changed_by_hand_meanwhile_is_not_taken_for_what_was_lost(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    lived(ram_path, 5)
    spoil_record(ram_path, "commit", 3)
    (ram_path / "state" / "memory" / "ada.md").write_text("# by hand\n")
    done = survey(ram_path, Files(ram_path / "state"))
    assert done.losing == ["memory/ada.md"] and sorted(done.saved) == ["agents.json", "posts.jsonl"]
    repair(ram_path, Files(ram_path / "state"))
    with opened(ram_path) as store:
        assert store.head is not None and store.head.documents["memory/ada.md"] == "# by hand\n"


def test_what_a_hand_saved_half_is_not_taken_for_what_was_kept(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a document may come from the journal, while something else lies there."""
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    lived(ram_path, 4)
    path = ram_path / "state" / "agents.json"
    path.write_text('{"ada": {"mood": "calm", "posts": 9}}')
    with opened(ram_path) as store:
        assert store.head is not None and store.head.documents["agents.json"]["ada"]["posts"] == 9
    path.write_text('{"ada": {"mood": ')
    spoil_record(ram_path, "commit", 3)
    assert "agents.json" in repair(ram_path, Files(ram_path / "state")).saved
    assert verify(ram_path, Files(ram_path / "state")).ok
    with opened(ram_path) as store:
        assert store.pending_edits() == ["agents.json"]
        store.decide("agents.json", "world")
        assert step(store).documents["agents.json"]["ada"]["posts"] == 10
    assert verify(ram_path, Files(ram_path / "state")).ok


def test_the_commit_that_was_written_last_is_made_again_from_what_was_recorded(ram_path: Path) -> None:
    lived(ram_path, 2)
    spoil_record(ram_path, "commit", 2)
    done = survey(ram_path, Files(ram_path / "state"))
    assert done.cut is None and not done.saved and done.head == 1
    repair(ram_path, Files(ram_path / "state"))
    with opened(ram_path) as store:
        assert store.open_frame() == {"frame": 2, "finished": [1, 2], "missing": []}
        assert [delta.stream for delta in store.deltas(2)] == [1, 2]


def test_a_snapshot_behind_the_damage_keeps_all_later_frames(ram_path: Path) -> None:
    lived(ram_path, 9)
    path = segments(ram_path)[1]
    data = bytearray(path.read_bytes())
    data[60:] = bytes(byte ^ 0x55 for byte in data[60:])
    path.write_bytes(data)
    done = mended(ram_path)
    assert done.head == 9 and done.cut is None and done.dropped == []
    assert done.blind and max(done.blind) < 6


@pytest.mark.parametrize("which", [0, 1, -2])
def test_a_whole_segment_that_is_gone(ram_path: Path, which: int) -> None:
    lived(ram_path, 9)
    segments(ram_path)[which].unlink()
    done = mended(ram_path)
    assert done.head == 9 and done.blind


def test_the_last_segment_that_is_gone_costs_its_frames_and_no_document(ram_path: Path) -> None:
    lived(ram_path, 9)
    before = state(ram_path)
    segments(ram_path)[-1].unlink()
    view = Files(ram_path / "state")
    done = repair(ram_path, view)
    assert done.head < 9 and done.saved and verify(ram_path, view).ok
    assert state(ram_path) == before


def test_damage_in_several_places(ram_path: Path) -> None:
    lived(ram_path, 12)
    for path in segments(ram_path)[1:4:2]:
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 4
        path.write_bytes(data)
    spoil_record(ram_path, "reply", 12)
    done = mended(ram_path)
    assert done.head == 12


def test_a_changed_byte_that_harms_no_record_costs_none(ram_path: Path) -> None:
    lived(ram_path, 5)
    path = segments(ram_path)[0]
    data = bytearray(path.read_bytes())
    data[4] ^= 1  # the time in the header
    path.write_bytes(data)
    done = mended(ram_path)
    assert not done.holes and done.blind == []


def test_records_that_are_out_of_their_chain(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    lived(ram_path, 4)
    (path,) = segments(ram_path)
    lines = path.read_bytes().splitlines(keepends=True)
    payload = payload_at(lines[5], 0)
    assert payload is not None
    found = decoded(payload)
    assert found is not None
    record, prev = found
    lines[5] = pack(encoded(record.kind, record.seq, prev, {**record.fields, "more": 1}))
    path.write_bytes(b"".join(lines))
    done = mended(ram_path)
    assert not done.holes


@pytest.mark.parametrize("folder", ["blobs", "snap"])
@pytest.mark.parametrize("gone", [True, False])
def test_blobs(ram_path: Path, folder: str, gone: bool) -> None:
    lived(ram_path, 9)
    for path in sorted((ram_path / ".lisppump" / folder).rglob("*")):
        if path.is_file():
            path.unlink() if gone else path.write_bytes(b"something else")
    if folder == "snap" and gone:
        assert verify(ram_path, Files(ram_path / "state")).ok
        return
    done = repair(ram_path, Files(ram_path / "state"))
    assert done.dropped == [] and done.losing == []
    assert verify(ram_path, Files(ram_path / "state")).ok
    with opened(ram_path) as store:
        assert store.head is not None and store.head.number == 9
        step(store)
        frame = store.frame(9)
        assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)


def test_a_document_that_nobody_changed_is_written_again(ram_path: Path) -> None:
    import os

    lived(ram_path, 2)
    path = ram_path / "state" / "rules.md"
    before = os.stat(path)
    path.write_bytes(b"be Kind")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = mended(ram_path)
    assert done.spoiled == ["rules.md"] and path.read_text() == "be kind"


def test_a_sound_world_is_left_alone(ram_path: Path) -> None:
    lived(ram_path, 5)
    before = {path: path.read_bytes() for path in ram_path.rglob("*") if path.is_file()}
    done = repair(ram_path, Files(ram_path / "state"))
    assert done.faults == () and done.aside is None
    after = {path: path.read_bytes() for path in ram_path.rglob("*") if path.is_file()}
    assert after == before


def test_a_repair_may_be_killed_at_any_moment(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lived(ram_path / "whole", 7)
    for path in segments(whole)[1:]:
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 4
        path.write_bytes(data)
    view = Files(whole / "state")
    kept = {path.name: path.read_bytes() for path in segments(whole)}
    wanted = survey(whole, view).to_json()
    real = Keep.open
    stopped = 0
    for k in range(0, 1000, 3):
        root = ram_path / str(k)
        shutil.copytree(whole, root, copy_function=shutil.copy2)
        disk = FaultyDisk(k)
        keeps: list[Keep] = []

        def faulty(folder: Path, *, write: bool, disk: Disk | None = disk, keeps: list[Keep] = keeps) -> Keep:
            keep = real(folder, write=write, disk=disk)
            keeps.append(keep)
            return keep

        monkeypatch.setattr(Keep, "open", staticmethod(faulty))
        try:
            repair(root, Files(root / "state"))
        except Crash:
            stopped += 1
        else:
            break
        finally:
            for keep in keeps:
                keep.disk = Disk()
                keep.close()
            monkeypatch.undo()
            monkeypatch.setattr(journal, "SEGMENT", SMALL)
        aside = root / ".lisppump" / "damaged-1" / "journal"
        if (root / ".lisppump" / "repairing").exists():
            with pytest.raises(StateError, match="interrupted"):
                opened(root, write=False)
            assert {path.name: path.read_bytes() for path in aside.iterdir()} == {
                name: kept[name] for name in kept if name != "00000001.log.gz"
            }
        done = repair(root, Files(root / "state"))
        if done.faults:
            assert {**done.to_json(), "aside": None, "faults": []} == {**wanted, "faults": []}, k
        assert verify(root, Files(root / "state")).ok, k
    assert stopped > 8


def test_without_the_documents_the_records_are_saved_all_the_same(ram_path: Path) -> None:
    lived(ram_path, 3)
    spoil_record(ram_path, "reply", 3)
    done = repair(ram_path, Unseen(ram_path))
    assert done.aside == "damaged-1" and verify(ram_path, Unseen(ram_path)).ok


def test_a_repair_takes_the_lock(ram_path: Path) -> None:
    lived(ram_path, 2)
    with opened(ram_path), pytest.raises(StateError, match="is writing this world"):
        repair(ram_path, Files(ram_path / "state"))


def test_a_frame_under_way_goes_on_after_a_repair(ram_path: Path) -> None:
    store = begun(ram_path)
    step(store)
    store.intent(frame=2, parent=store.head.digest if store.head else "", streams=[{"stream": 1}])
    came(store, frame=2, stream=1, text="raw")
    came(store, frame=2, stream=1, text="more")
    store.delta(delta_of(2, 1))
    die(store)
    spoil_record(ram_path, "reply", 2)
    done = repair(ram_path, Files(ram_path / "state"))
    assert done.cut is None and [hole.needed for hole in done.holes] == [None]
    with opened(ram_path) as store:
        assert store.open_frame() == {"frame": 2, "finished": [1], "missing": []}


def test_edits_in_a_lost_stretch_are_kept(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    with begun(ram_path) as store:
        step(store)
        step(store)
        (ram_path / "state" / "rules.md").write_text("be kinder")
        step(store)
        step(store, (Change("agents.json", "set", ("bob", "mood"), "glad"), *changes_of(4)))
    spoil_record(ram_path, "commit", 2)
    done = repair(ram_path, Files(ram_path / "state"))
    assert done.saved["rules.md"] == "be kinder" and done.head == 1
    with opened(ram_path) as store:
        assert store.head is not None
        assert store.head.documents["rules.md"] == "be kinder"
        assert store.head.documents["agents.json"]["bob"]["mood"] == "glad"
