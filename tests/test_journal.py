"""The journal: chained records, torn tails, damage, full disks, shared syncs, blobs and the lock."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump import canon
from lisppump.disk import Disk, StateError
from lisppump.journal import KINDS, Journal, Record
from lisppump.keep import Keep
from tests.faults import FaultyDisk


def opened(folder: Path, *, write: bool = True, disk: Disk | None = None, each: Any = None) -> Journal:
    return Journal.open(Keep.open(folder, write=write, disk=disk), write=write, each=each)


def shut(log: Journal) -> None:
    log.close()
    log.keep.close()


def written(folder: Path, count: int = 3) -> Path:
    log = opened(folder)
    for number in range(count):
        log.append("reply", frame=1, stream=number, text="héllo\n" * number)
    shut(log)
    return folder / "journal" / "00000001.log"


def records(folder: Path, *, write: bool = False) -> list[Record]:
    found: list[Record] = []
    log = opened(folder, write=write, each=found.append)
    shut(log)
    return found


def test_records_come_back_in_order_and_can_be_grepped(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 4
    first, second = (json.loads(line[18:]) for line in lines[:2])
    assert (first["kind"], first["seq"], first["prev"]) == ("reply", 1, "")
    assert second["prev"] == canon.digest_bytes(lines[0][18:]).removeprefix("sha256:")
    assert int(lines[1][:8], 16) == len(lines[1]) - 18
    found = records(tmp_path)
    assert [record.seq for record in found] == [1, 2, 3]
    assert found[2].fields == {"frame": 1, "stream": 2, "text": "héllo\nhéllo\n"}


def test_records_are_found_by_kind_and_frame_newest_first(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for frame in (1, 2):
        log.append("intent", frame=frame)
        log.append("commit", frame=frame, x=[1.5, 10**30])
    assert list(log.select("commit")) == [4, 2]
    assert list(log.select("intent", "commit", frame=1)) == [2, 1]
    assert log.read(4) == Record("commit", 4, {"frame": 2, "x": [1.5, 10**30]})
    shut(log)


def test_unknown_kinds_and_reserved_fields_are_refused(tmp_path: Path) -> None:
    log = opened(tmp_path)
    with pytest.raises(ValueError, match="kind gossip"):
        log.append("gossip")
    with pytest.raises(ValueError, match="prev"):
        log.append("open", prev="x")
    shut(log)
    assert len(KINDS) == 19


def test_a_tail_torn_at_any_byte_is_cut_and_said(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    start = whole.rfind(b"\n", 0, -1) + 1
    for size in range(start + 1, len(whole)):
        path.write_bytes(whole[:size])
        reader = opened(tmp_path, write=False)
        assert len(reader) == 2
        assert "torn" in reader.notes[0]
        shut(reader)
        assert path.read_bytes() == whole[:size]
        log = opened(tmp_path)
        assert len(log) == 2
        assert "cut" in log.notes[0]
        assert log.append("reply", frame=2).seq == 3
        shut(log)
        assert len(records(tmp_path)) == 3


def test_blocks_that_never_came_are_a_torn_tail(tmp_path: Path) -> None:
    path = written(tmp_path, 1)
    log = opened(tmp_path)
    log.append("reply", text="x" * 2000)
    shut(log)
    whole = path.read_bytes()
    start = whole.find(b"\n") + 1
    for lost in (slice(start, 1024), slice(512, 1024), slice(1024, len(whole)), slice(start, len(whole))):
        data = bytearray(whole)
        data[lost] = bytes(len(data[lost]))
        path.write_bytes(data)
        log = opened(tmp_path)
        assert len(log) == 1
        shut(log)


def test_a_zero_where_no_block_begins_or_ends_is_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    start = whole.rfind(b"\n", 0, -1) + 1
    for place in range(start, len(whole) - 1):
        path.write_bytes(whole[:place] + b"\0" + whole[place + 1 :])
        with pytest.raises(StateError, match="record 3"):
            opened(tmp_path, write=False)
    assert path.read_bytes() == whole[: len(whole) - 2] + b"\0\n"


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_byte_is_found_and_named(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("world")
    path = written(folder)
    whole = bytearray(path.read_bytes())
    place %= len(whole)
    record = 1 + whole[:place].count(b"\n")
    whole[place] ^= 1 << bit
    path.write_bytes(whole)
    with pytest.raises(StateError) as caught:
        opened(folder, write=True)
    error = caught.value
    assert (error.code, error.exit_code) == ("damaged", 5)
    assert (error.data["segment"], error.data["record"]) == (1, record)
    assert f"segment 00000001 at byte {error.data['offset']}, record {record}" in error.message
    assert path.read_bytes() == whole


def test_records_out_of_their_chain_are_damage(tmp_path: Path) -> None:
    path = written(tmp_path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2] + lines[1] + lines[3])
    with pytest.raises(StateError, match="does not follow"):
        opened(tmp_path)
    path.write_bytes(b"".join(lines[1:]))
    with pytest.raises(StateError, match="record 1"):
        opened(tmp_path, write=False)


def test_segments_roll_and_a_missing_one_is_damage(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for stream in range(12):
        if stream % 4 == 3:
            log.roll(stream=stream)
        else:
            log.append("reply", frame=1, stream=stream)
    assert [log.read(seq).fields["stream"] for seq in range(1, 13)] == list(range(12))
    shut(log)
    names = sorted(path.name for path in (tmp_path / "journal").iterdir())
    assert names == ["00000001.log.gz", "00000002.log.gz", "00000003.log.gz", "00000004.log"]
    assert [record.seq for record in records(tmp_path)] == [12]
    for again in range(2):
        log = opened(tmp_path)
        assert [log.read(seq).fields["stream"] for seq in range(1, 13)] == list(range(12)), again
        assert list(log.select("snapshot")) == [12, 8, 4]
        assert list(log.select("reply", below=7)) == [6, 5, 3, 2, 1]
        assert [log.snapshot_before(seq) for seq in (1, 3, 4, 7, 8, 12)] == [1, 1, 4, 4, 8, 12]
        shut(log)
    (tmp_path / "journal" / names[1]).unlink()
    with pytest.raises(StateError, match="missing"):
        opened(tmp_path)


@pytest.mark.parametrize("room", [0, 1, 17, 60])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, room: int) -> None:
    disk = FaultyDisk()
    log = opened(tmp_path, disk=disk)
    log.append("open")
    before = (tmp_path / "journal" / "00000001.log").read_bytes()
    disk.full = room
    with pytest.raises(StateError) as caught:
        log.append("reply", frame=1, text="x" * 200)
    assert (caught.value.code, caught.value.exit_code) == ("disk", 5)
    assert (tmp_path / "journal" / "00000001.log").read_bytes() == before
    disk.full = None
    assert log.append("reply", frame=1).seq == 2
    shut(log)
    assert len(records(tmp_path)) == 2


def test_a_failed_sync_ends_writing(tmp_path: Path) -> None:
    class Failing(Disk):
        failing = False

        def sync(self, fd: int) -> None:
            if self.failing:
                raise OSError(5, "io")
            super().sync(fd)

    disk = Failing()
    log = opened(tmp_path, disk=disk)
    log.append("open")
    disk.failing = True
    with pytest.raises(StateError, match="syncing"):
        log.sync()
    with pytest.raises(StateError, match="syncing"):
        log.append("open")
    with pytest.raises(StateError, match="syncing"):
        asyncio.run(log.durable())
    shut(log)


def test_waiters_that_come_together_share_a_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    log = opened(tmp_path, disk=disk)
    before = disk.syncs

    async def one(stream: int) -> None:
        log.append("reply", frame=1, stream=stream)
        await log.durable()
        assert log.pending == 0

    async def all_of_them() -> None:
        await asyncio.gather(*(one(stream) for stream in range(50)))

    asyncio.run(all_of_them())
    assert disk.syncs - before == 1
    log.append("reply", frame=2)
    asyncio.run(log.durable())
    assert disk.syncs - before == 2
    shut(log)


def test_a_waiter_that_is_cancelled_harms_no_other(tmp_path: Path) -> None:
    log = opened(tmp_path)

    async def scenario() -> None:
        log.append("reply", frame=1)
        first = asyncio.ensure_future(log.durable())
        second = asyncio.ensure_future(log.durable())
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()
        assert log.pending == 0

    asyncio.run(scenario())
    shut(log)


def test_a_loop_may_end_while_a_sync_is_put_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also by what its tasks write when they are cancelled at its end; the next loop goes on with it."""
    log = opened(tmp_path)

    async def task() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            log.append("reply", frame=1)
            log.sync_soon()

    async def scenario() -> None:
        task_ = asyncio.ensure_future(task())
        await asyncio.sleep(0)
        assert not task_.done()
        log.append("reply", frame=2)
        log.sync_soon()

    asyncio.run(scenario())
    assert log.pending == 2
    log.append("reply", frame=3)
    asyncio.run(asyncio.wait_for(log.durable(), 60))
    assert log.pending == 0
    asyncio.run(scenario())
    gc.collect()
    shut(log)
    assert log.pending == 0 and [record.frame for record in records(tmp_path)] == [2, 1, 3, 2, 1]
    assert caplog.records == []


def test_a_loop_that_has_no_threads_any_more_leaves_the_sync_to_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = opened(tmp_path)

    async def scenario() -> None:
        await asyncio.get_running_loop().shutdown_default_executor()
        log.append("reply", frame=1)
        with pytest.raises(asyncio.CancelledError):
            await log.durable()

    asyncio.run(scenario())
    gc.collect()
    assert log.pending == 1 and caplog.records == []
    log.settle()
    assert log.pending == 0
    shut(log)


def test_a_sync_that_finds_no_descriptor_is_told_and_the_next_makes_up_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many files are open, which may pass; nothing that was written is forgotten by it."""
    log = opened(tmp_path)

    def refused(_: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    async def scenario() -> None:
        log.append("reply", frame=1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "dup", refused)
            with pytest.raises(StateError, match="syncing the journal"):
                await log.durable()
        assert log.pending == 1
        log.append("reply", frame=2)
        await log.durable()
        assert log.pending == 0

    asyncio.run(scenario())
    shut(log)
    assert [record.frame for record in records(tmp_path)] == [1, 2]


def test_reading_only_writes_nothing(tmp_path: Path) -> None:
    log = opened(tmp_path / "absent", write=False)
    assert len(log) == 0
    with pytest.raises(StateError, match="reading only"):
        log.append("open")
    shut(log)
    assert not (tmp_path / "absent").exists()


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    log = opened(tmp_path)
    with pytest.raises(StateError, match=f"process {os.getpid()} is writing") as caught:
        opened(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("locked", 5)
    assert log.keep.holder == os.getpid()
    assert opened(tmp_path, write=False).notes == []
    shut(log)
    assert Keep.open(tmp_path, write=False).holder is None
    shut(opened(tmp_path))


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "FORMAT").write_text("7\n")
    for write in (True, False):
        with pytest.raises(StateError, match="`7`") as caught:
            opened(tmp_path, write=write)
        assert caught.value.code == "bad-format"
    (tmp_path / "FORMAT").unlink()
    with pytest.raises(StateError, match="no file FORMAT"):
        opened(tmp_path)
    assert path.exists()


def test_blobs_are_kept_once_and_verified(tmp_path: Path) -> None:
    keep = Keep.open(tmp_path, write=True)
    name = keep.blob(b"some bytes")
    assert keep.blob(b"some bytes") == name == canon.digest_bytes(b"some bytes")
    assert keep.read_blob(name) == b"some bytes"
    path = tmp_path / "blobs" / name[7:9] / name[7:]
    path.write_bytes(b"other bytes")
    with pytest.raises(StateError, match="not what was written"):
        keep.read_blob(name)
    path.unlink()
    with pytest.raises(StateError, match="missing"):
        keep.read_blob(name)
    keep.close()


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    class ReadOnly(Disk):
        def mkdir(self, path: str) -> None:
            raise PermissionError(13, "no")

    with pytest.raises(StateError) as caught:
        Keep.open(tmp_path / "w", write=True, disk=ReadOnly())
    assert caught.value.code == "not-writable"


def test_looking_for_a_frame_goes_no_further_back_than_the_frame(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(1, 6):
            journal.append("intent", frame=number)
            journal.append("reply", frame=number, stream=1)
            journal.append("commit", frame=number)
        journal.append("late", frame=2)
        looked: list[int] = []

        class Seen(bytearray):
            def __getitem__(self, index: Any) -> Any:
                looked.append(index)
                return super().__getitem__(index)

        journal._live.kinds = Seen(journal._live.kinds)
        assert list(journal.select("reply", "late", frame=2)) == [16, 5]
        assert looked == [15, 5, 4, 3]
        looked.clear()
        assert list(journal.select("reply", frame=99)) == [] and looked == []
