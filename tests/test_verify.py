"""`verify` names every changed byte, and opening never takes one for true."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump import journal
from lisppump.disk import StateError
from lisppump.files import Files
from lisppump.repair import repair
from lisppump.verify import Verified, spans, verify
from lisppump.view import Unseen
from tests.faults import die
from tests.storing import begun, came, lived, opened, segments, state_of, step

SMALL = 5000


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", SMALL)


def looked(root: Path) -> Verified:
    return verify(root, Files(root / "state"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small world with packed segments and a plain one; each test leaves it as it was."""
    root = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "SEGMENT", SMALL)
        patch.setattr("lisppump.packing.BLOCK", 2000)
        lived(root)
    assert [path.suffix for path in segments(root)] == [".gz", ".gz", ".log"]
    yield root


def harmed(root: Path, path: Path, place: int, bit: int) -> None:
    """One changed bit: verify names its place, and opening refuses the world."""
    whole = path.read_bytes()
    data = bytearray(whole)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    try:
        found = looked(root)
        number, faults = int(path.name[:8]), [fault for fault in found.faults if fault.segment]
        if (
            data[place] == 0 and not faults
        ):  # a zero byte in the last record looks like a block that never came
            assert any("torn" in note for note in found.notes)
            return
        assert not found.ok and faults, (path, place, bit)
        fault = faults[0]
        assert fault.segment == number and fault.record is not None and fault.frame is not None
        assert fault.offset is not None and fault.offset <= place
        after = whole.find(b"\n", fault.offset) if path.suffix == ".log" else fault.offset + 2000
        assert place <= after, (path, place, bit, fault)
        for write in (False, True):
            with pytest.raises(StateError) as caught:
                opened(root, write=write)
            assert caught.value.code == "damaged"
            assert caught.value.data["segment"] == number
        assert path.read_bytes() == data
    finally:
        path.write_bytes(whole)


def test_changed_bytes_all_over_are_found_and_named(world: Path) -> None:
    for path in segments(world):
        for place in range(0, path.stat().st_size, 61):
            harmed(world, path, place, place % 8)


@pytest.mark.slow
def test_every_changed_byte_is_found_and_named(world: Path) -> None:
    for path in segments(world):
        for place in range(path.stat().st_size):
            harmed(world, path, place, place % 8)


@given(segment=st.integers(0, 2), place=st.integers(0, 100_000), bit=st.integers(0, 7))
def test_any_changed_bit_is_found_and_named(world: Path, segment: int, place: int, bit: int) -> None:
    path = segments(world)[segment]
    harmed(world, path, place % path.stat().st_size, bit)


def test_a_sound_world(world: Path, tmp_path: Path) -> None:
    found = looked(world)
    assert found.ok and found.notes == () and found.frames == 6 and found.documents == 4
    assert found.segments == 3 and found.records == found.to_json()["records"] > 30
    assert list(found.to_json()) == [
        "schema", "ok", "frames", "records", "blobs", "segments", "documents", "faults", "notes",
    ]  # fmt: skip
    empty = looked(tmp_path)
    assert empty.ok and empty.frames == 0 and not list(tmp_path.iterdir())


def test_every_cut_of_the_last_segment_is_torn_or_whole(world: Path) -> None:
    path = segments(world)[-1]
    whole = path.read_bytes()
    ends = {n + 1 for n, byte in enumerate(whole) if byte == 10}
    try:
        for size in range(0, len(whole), 97):
            path.write_bytes(whole[:size])
            found = looked(world)
            torn = size and size not in ends
            assert any("torn" in note for note in found.notes) == bool(torn), size
            assert [fault.what[:13] for fault in found.faults] in ([], ["the documents"]), size
            with opened(world, write=False) as store:
                assert bool(store.notes) == bool(torn)
    finally:
        path.write_bytes(whole)


def test_a_cut_finished_segment_is_damage(world: Path) -> None:
    for path in segments(world)[:-1]:
        whole = path.read_bytes()
        for size in (0, 5, 400, len(whole) - 1):
            path.write_bytes(whole[:size])
            assert looked(world).faults[0].segment == int(path.name[:8])
            with pytest.raises(StateError):
                opened(world, write=False)
        path.write_bytes(whole)


def test_blobs_that_are_gone_or_changed_are_named(tmp_path: Path) -> None:
    root = lived(tmp_path)
    for folder in ("blobs", "snap"):
        for path in sorted((root / ".lisppump" / folder).rglob("*")):
            if not path.is_file():
                continue
            whole = path.read_bytes()
            path.write_bytes(whole + b" ")
            found = looked(root)
            assert [path.name in fault.what for fault in found.faults] == [True], path
            assert found.faults[0].record is not None
            path.unlink()
            assert looked(root).ok == (folder == "snap")  # a snapshot's may be thinned out
            path.write_bytes(whole)
    assert looked(root).ok


def test_a_document_that_nobody_changed_and_is_another_is_a_fault(tmp_path: Path) -> None:
    root = lived(tmp_path)
    path = root / "state" / "rules.md"
    before = os.stat(path)
    path.write_bytes(b"be Kind")
    assert looked(root).ok
    assert looked(root).notes == (
        "unlike the newest frame, since they lag or were changed by hand: rules.md",
    )
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (fault,) = looked(root).faults
    assert fault.what == "rules.md is not what was written, and nobody is known to have changed it"
    assert verify(root, Unseen(root)).ok


def test_segments_that_are_gone(tmp_path: Path) -> None:
    root = lived(tmp_path)
    first, second, last = segments(root)
    data = second.read_bytes()
    second.unlink()
    assert [(fault.segment, fault.what) for fault in looked(root).faults] == [
        (2, "the whole segment is missing")
    ]
    second.write_bytes(data)
    last.unlink()
    (fault,) = looked(root).faults
    assert fault.what.startswith("the documents are those of frame 5.0, but the journal ends at frame ")
    first.unlink()
    assert looked(root).faults[0].segment == 1


def test_it_works_while_a_run_goes_on(tmp_path: Path) -> None:
    root = lived(tmp_path, 1)
    found: list[Verified] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            found.append(looked(root))

    with opened(root) as store:
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            while len(found) < 5 or store.head is None or store.head.number < 20:
                step(store)
        finally:
            done.set()
            watcher.join()
    assert all(each.ok for each in found), [each.faults for each in found if not each.ok]
    assert found[-1].frames > found[0].frames
    assert any("a run goes on" in note for note in found[-1].notes)


def test_a_torn_tail_is_no_fault(tmp_path: Path) -> None:
    store = begun(tmp_path)
    step(store)
    die(store)
    path = segments(tmp_path)[-1]
    path.write_bytes(path.read_bytes() + b"00000123 0000")
    found = looked(tmp_path)
    assert found.ok and "torn" in found.notes[0]


def test_a_hole_before_what_was_synced_is_damage_and_one_behind_it_is_not(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2, streams=[])
        for stream in range(8):
            came(store, frame=2, stream=stream, text="x" * 600)
    path = segments(tmp_path)[-1]
    whole = path.read_bytes()
    start = whole.index(b'"reply"', whole.rindex(b'"intent"'))
    sector = (start // 512 + 2) * 512
    path.write_bytes(whole[:sector] + b"\0" * 512 + whole[sector + 512 :])
    assert looked(tmp_path).ok
    with opened(tmp_path) as store:
        assert "cut" in store.notes[0] and store.head is not None and store.head.number == 1
    path.write_bytes(whole[:512] + b"\0" * 512 + whole[1024:])
    assert not looked(tmp_path).ok
    with pytest.raises(StateError, match="damaged"):
        opened(tmp_path)


def test_a_journal_that_ends_before_what_the_documents_show_is_damage(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        step(store)
    state = (tmp_path / "state" / "agents.json").read_bytes()
    path = segments(tmp_path)[-1]
    whole = path.read_bytes()
    for end in (whole.rindex(b"\n", 0, -1) + 1, whole.rindex(b"\n", 0, -1) + 40):
        path.write_bytes(whole[:end])  # the commit of frame 2 was synced before anything of it was shown
        assert not looked(tmp_path).ok
        with pytest.raises(StateError, match=r"those of frame 2\.0, but the journal ends at frame 1\.0"):
            opened(tmp_path)
        assert (tmp_path / "state" / "agents.json").read_bytes() == state
    with opened(tmp_path, write=False) as store:
        assert store.head is not None and store.head.number == 1
    repair(tmp_path, Files(tmp_path / "state"))
    assert looked(tmp_path).ok
    with opened(tmp_path) as store:
        assert step(store).number == 2


def test_a_crash_on_the_way_back_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = begun(tmp_path)
    step(store)
    step(store)
    monkeypatch.setattr(store, "flush", lambda: None)
    store.go_back(store.end_of(1), "rollback", taken="frame 2")
    die(store)
    assert looked(tmp_path).ok
    with opened(tmp_path) as store:
        assert store.head is not None and store.head.number == 1
    assert looked(tmp_path).ok and state_of(tmp_path)["rules.md"]


def test_spans() -> None:
    assert spans([]) == "" and spans([4]) == "4" and spans([9, 3, 4, 5]) == "3 to 5, 9"


def test_nothing_is_left_behind(world: Path) -> None:
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    shutil.copytree(world, world.parent / "copy")
    looked(world)
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before
