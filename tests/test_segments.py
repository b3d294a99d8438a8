"""Worlds whose journal has many segments: opening stays flat, packing keeps all, snapshots thin out."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon, journal, journal_pages, positions, reservoir, segments, snapshots
from lisppump.disk import StateError
from lisppump.documents import digest, encode
from lisppump.history import Head
from lisppump.journal import Journal
from lisppump.keep import Keep
from lisppump.merge_changes import Change
from lisppump.packing import chunks
from lisppump.records import Record, payload_at
from tests.faults import Crash, FaultyDisk, die
from tests.storing import begun, came, check_whole, lived, opened, state_of, step

SMALL = 6000  # bytes: two or three frames a segment


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", SMALL)


def names(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".lisppump" / "journal").iterdir())


def lines(root: Path) -> list[bytes]:
    """All records as they were written."""
    text = b""
    for name in names(root):
        data = (root / ".lisppump" / "journal" / name).read_bytes()
        text += b"".join(chunk.data for chunk in chunks(data)) if name.endswith(".gz") else data
    return text.splitlines(keepends=True)


class Counted:
    """How many bytes of segments are read whole, and how many records are taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = self.records = 0
        real = segments.scan

        def scan(data: bytes, number: int, table: Any, *rest: Any) -> Any:
            before = len(table)
            found = real(data, number, table, *rest)
            self.bytes += len(data)
            self.records += len(table) - before
            return found

        monkeypatch.setattr(journal, "scan", scan)


def test_a_world_of_many_segments_is_the_same_world(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(ram_path / "many", 20)
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    lived(ram_path / "one", 20)
    assert len(names(ram_path / "many")) > 6 and len(names(ram_path / "one")) == 1
    assert state_of(ram_path / "many") == state_of(ram_path / "one")
    with opened(ram_path / "many", write=False) as many, opened(ram_path / "one", write=False) as one:
        for number in range(21):
            frame, other = many.frame(number), one.frame(number)
            assert frame.digest == other.digest, number
            assert canon.document(dict(frame.documents)) == canon.document(dict(other.documents))
            assert many.deltas(number) == one.deltas(number)
            assert many.replies(number) == one.replies(number)
        assert many.commits() == one.commits()
        assert many.quarantined() == one.quarantined() == 20


def test_a_segment_holds_several_frames_however_large(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1)
    lived(ram_path / "each", 20)
    monkeypatch.setattr(reservoir, "FRAMES_AT_LEAST", 8)
    lived(ram_path / "several", 20)
    assert len(names(ram_path / "each")) >= 20 and 3 <= len(names(ram_path / "several")) <= 4
    check_whole(ram_path / "several")


def test_opening_reads_no_more_as_the_history_grows(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []
    root = lived(ram_path, 10)
    for _ in range(3):
        for write in (False, True):
            counted = Counted(monkeypatch)
            with opened(root, write=write) as store:
                assert store.head is not None
            assert counted.bytes < 2 * SMALL and counted.records < 40
            costs.append(counted.records)
        with opened(root) as store:
            for _ in range(30):
                step(store)
    assert len(names(root)) > 30
    check_whole(root)


def test_a_log_is_kept_once_in_few_parts(ram_path: Path) -> None:
    root = lived(ram_path, 70)
    folder = root / ".lisppump" / "snap"
    with opened(root) as store:
        for _ in range(70):
            step(store)
        log = store._journal
        parts = log.read(log.snapshots[-1]).fields["documents"]["posts.jsonl"]["snap"]
        assert len(log.snapshots) > 40 and 1 < len(parts) < 9
        assert [part[2] for part in parts] == sorted((part[2] for part in parts), reverse=True)
        head = store.frame(int(log.read(log.snapshots[-1]).fields["frame"]))
        whole = b"".join((folder / part[0].removeprefix("sha256:")).read_bytes() for part in parts)
        assert whole == encode("posts.jsonl", head.documents["posts.jsonl"])
        assert sum(part[1] for part in parts) == whole.count(b"\n")
        (root / "state" / "posts.jsonl").write_text('{"id": 0}\n')
        store.take_edits()
        for _ in range(9):
            step(store)
        for number in (140, 141, 145, 149):
            frame = store.frame(number)
            assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)
        parts = log.read(log.snapshots[-1]).fields["documents"]["posts.jsonl"]["snap"]
        assert sum(part[1] for part in parts) <= 10


@pytest.mark.parametrize("line", [0, 3, -1])
def test_a_log_of_which_a_hand_took_a_line_while_nothing_ran_is_kept_as_it_is(
    ram_path: Path, line: int
) -> None:
    root = lived(ram_path, 20)
    with opened(root) as store:
        log = store._journal
        parts = log.read(log.snapshots[-1]).fields["documents"]["posts.jsonl"]["snap"]
        in_parts = sum(part[1] for part in parts)
    path = root / "state" / "posts.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    del lines[line if line >= 0 else in_parts - 1]
    path.write_text("".join(lines))
    with opened(root) as store:
        for _ in range(9):
            step(store)
        for number in range(21, 30):
            frame = store.frame(number)
            assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)


@pytest.mark.parametrize("harm", ["first", "last"])
def test_a_log_whose_parts_are_damaged_is_kept_whole(ram_path: Path, harm: str) -> None:
    root = lived(ram_path, 20)
    with opened(root) as store:
        log = store._journal
        parts = log.read(log.snapshots[-1]).fields["documents"]["posts.jsonl"]["snap"]
        part = parts[0 if harm == "first" else -1][0].removeprefix("sha256:")
        (root / ".lisppump" / "snap" / part).write_bytes(b"[]\n")
        for _ in range(12):
            step(store)
        frame = store.frame(31)
        assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)


def test_memory_follows_the_segments_and_not_the_records(ram_path: Path) -> None:
    root = lived(ram_path, 60)
    with opened(root, write=False) as store:
        assert len(store.commits()) == 60
        for number in range(61):
            store.frame(number)
        log = store._journal
        assert len(log._past) > 20
        assert len(log._tables) <= journal_pages.TABLES and len(log._sources) <= journal_pages.SOURCES
        held = [*log._tables.values(), log._live]
        assert sum(len(table) for table in held) < 200 < len(log)


def test_a_snapshot_holds_the_whole_head(ram_path: Path) -> None:
    root = lived(ram_path, 12)
    with opened(root, write=False) as store:
        log = store._journal
        head = Head()
        for seq in range(1, len(log) + 1):
            record = log.read(seq)
            if "head" in record.fields:
                before = {field.name: getattr(head, field.name) for field in fields(head)}
                jumped = Head()
                jumped.take(record)
                after = {field.name: getattr(jumped, field.name) for field in fields(jumped)}
                for each in (before, after):
                    each.pop("latest")
                    each.pop("logs")
                    each["documents"] = {
                        name: (said["digest"], said["length"]) for name, said in each["documents"].items()
                    }
                assert before == after
            head.take(record)
        assert head == store._head


def test_rebuilding_a_frame_reads_no_further_back_than_the_snapshot_before_it(ram_path: Path) -> None:
    root = lived(ram_path, 30)
    with opened(root, write=False) as store:
        read: list[int] = []
        real = store._journal.read

        def seen(seq: int) -> Record:
            read.append(seq)
            return real(seq)

        store._journal.read = seen  # type: ignore[method-assign]
        frame = store.frame(28)
        assert {name: digest(name, value) for name, value in frame.documents.items()} == dict(frame.digests)
        assert min(read) == store._journal.snapshot_before(max(read))
        assert len(read) < 30


def test_packing_keeps_every_record(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    real = Journal._put

    def put(log: Journal, data: bytes) -> None:
        kept.append(data)
        real(log, data)

    monkeypatch.setattr(Journal, "_put", put)
    monkeypatch.setattr("lisppump.packing.BLOCK", 2000)
    root = lived(ram_path, 12)
    assert lines(root) == kept
    shown = b""
    for path in sorted((root / ".lisppump" / "journal").glob("*.gz")):
        shown += gzip.decompress(path.read_bytes())  # as a shell reads them
    for line, seen in zip(kept, shown.splitlines(keepends=True), strict=False):
        assert seen in (line, line[:-67] + b'"}\n')
    assert shown.count(b'"prev":""}') > 20
    assert [name.endswith(".gz") for name in names(root)] == [True] * (len(names(root)) - 1) + [False]
    with opened(root, write=False) as store:
        for seq, line in enumerate(kept, 1):
            record = store._journal.read(seq)
            payload = payload_at(line, 0)
            assert payload is not None and record.seq == seq and f'"seq":{seq},'.encode() in payload


def test_old_snapshots_thin_out_and_no_frame_is_lost(ram_path: Path) -> None:
    root = lived(ram_path, 90)
    kept = len(list((root / ".lisppump" / "snap").iterdir()))
    with opened(root, write=False) as store:
        snapshots = store._journal.snapshots
        assert len(snapshots) > 30
        assert kept <= 3 * 14  # three documents change, in as many snapshots as four and the ladder have
        for number in range(0, 91, 7):
            frame = store.frame(number)
            assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)
    shutil.rmtree(root / ".lisppump" / "snap")
    with opened(root, write=False) as store:
        frame = store.frame(89)
        assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)


@pytest.mark.parametrize("runs", [(90,), (30, 1, 30, 1, 28)])
def test_what_the_kept_snapshots_name_is_left_however_often_the_world_is_opened(
    ram_path: Path, runs: tuple[int, ...]
) -> None:
    for frames in runs:
        root = lived(ram_path, frames)
    left = {path.name for path in (root / ".lisppump" / "snap").iterdir()}
    with opened(root, write=False) as store:
        journal = store._journal
        newest = journal.snapshots
        kept = [seq for n, seq in enumerate(newest, 1) if snapshots.stays(n, len(newest) - n)]
        documents = [said for seq in kept for said in journal.read(seq).fields["documents"].values()]
    assert len(kept) < len(newest)
    named = {digest for said in documents for digest in snapshots.snaps_of(said)}
    assert left == {digest.removeprefix("sha256:") for digest in named}


@pytest.mark.parametrize("count", [1, 5, 40, 1000])
def test_the_ladder_only_ever_loses_steps(count: int) -> None:
    def stays(newest: int) -> set[int]:
        return {n for n in range(1, newest + 1) if snapshots.stays(n, newest - n)}

    assert stays(count + 1) <= stays(count) | {count + 1}
    assert len(stays(count)) <= 4 + 4 * count.bit_length()


def crashes(ram_path: Path, *, torn: bool) -> Iterator[tuple[Path, int]]:
    """Worlds that were stopped before the k-th change of the disk of a frame that rolls, for every k."""
    k = 0
    while True:
        root = ram_path / f"{k}"
        disk = FaultyDisk(torn=torn)
        store = begun(root, disk=disk)
        while not store._journal.full(0):
            step(store)
        disk.stop = disk.count + k
        try:
            step(store)
            store.flush()  # what was packed beside the frame gets its place
        except Crash:
            die(store)
        else:
            disk.stop = None
            assert len(names(root)) == 2
            store.close()
            return
        yield root, k
        k += 1


@pytest.mark.parametrize("torn", [False, True])
def test_a_crash_while_rolling_and_packing_loses_nothing(ram_path: Path, torn: bool) -> None:
    seen = set()
    for root, k in crashes(ram_path, torn=torn):
        before = lines(root) if not torn else []
        with opened(root, write=False) as reader:
            assert reader.head is not None
            number = reader.head.number
        seen.add((number, *names(root)))
        assert check_whole(root) == number, k
        if names(root)[:2] == ["00000001.log", "00000001.log.gz"]:
            raise AssertionError("the next opening should have tidied up")
        assert not before or len(lines(root)) >= len(set(before))
        with opened(root) as store:
            while store.head is not None and store.head.number < number + 4:
                step(store)
        assert check_whole(root) == number + 4, k
        assert names(root)[0] == "00000001.log.gz"
    assert len(seen) >= 5


@pytest.mark.parametrize(
    "harm",
    ["absent", "torn", "foreign", "older", "lying", "garbage", "tables"],
)
def test_whatever_became_of_the_cache_the_world_is_the_same(ram_path: Path, harm: str) -> None:
    root = lived(ram_path / "a", 12)
    cache = root / ".lisppump" / "cache"
    if harm == "absent":
        shutil.rmtree(cache)
    elif harm == "torn":
        (cache / "segments").write_bytes((cache / "segments").read_bytes()[:-9])
    elif harm == "foreign":
        other = ram_path / "b"
        with begun(other) as store:
            for number in range(30):
                step(store, (Change("agents.json", "set", ("bob", "mood"), number),))
        shutil.rmtree(cache)
        shutil.copytree(other / ".lisppump" / "cache", cache)
    elif harm == "older":
        old = (cache / "segments").read_bytes()
        with opened(root) as store:
            for _ in range(12):
                step(store)
        (cache / "segments").write_bytes(old)
    elif harm == "lying":
        keep = Keep.open(root / ".lisppump", write=True)
        noted = positions.read_summaries(keep)
        wrong = [replace(said, first=said.first + 1, last="0" * 64) for said in noted.values()]
        positions.write_summaries(keep, wrong)
        keep.close()
    elif harm == "tables":
        second = (cache / "00000002").read_bytes()
        for path in cache.glob("0*"):
            path.write_bytes(second)
    else:
        for path in cache.iterdir():
            path.write_bytes(b"\0garbage" * 9)
    for write in (False, True, False):
        with opened(root, write=write) as store:
            assert store.head is not None
            assert [store.frame(number).number for number in range(13)] == list(range(13))
            assert [commit["frame"] for commit in store.commits()][:12] == list(range(1, 13))
    check_whole(root)


def test_a_table_with_wrong_places_is_made_anew(ram_path: Path) -> None:
    root = lived(ram_path, 12)
    keep = Keep.open(root / ".lisppump", write=True)
    for said in positions.read_summaries(keep).values():
        table = positions.read_table(keep, said)
        assert table is not None
        for index in range(1, len(table.offsets)):
            table.offsets[index] -= 1
        positions.write_table(keep, said, table)
    keep.close()
    with opened(root, write=False) as store:
        assert [commit["frame"] for commit in store.commits()] == list(range(1, 13))


def test_readers_see_their_frame_while_a_writer_rolls_and_packs(ram_path: Path) -> None:
    root = lived(ram_path, 4)
    with opened(root) as writer, opened(root, write=False) as first, opened(root, write=False) as second:
        held = second._journal.read(len(second._journal))  # it holds the plain segment open
        last = len(first._journal)
        for _ in range(40):
            step(writer)
        assert "00000002.log.gz" in names(root)
        for reader in (first, second):
            assert reader.head is not None and reader.head.number == 4
            assert len(reader._journal) == last
            assert [commit["frame"] for commit in reader.commits()] == [1, 2, 3, 4]
            frame = reader.frame(3)
            assert {n: digest(n, value) for n, value in frame.documents.items()} == dict(frame.digests)
            seen = {n: digest(n, value) for n, value in reader.head.documents.items()}
            assert seen == dict(reader.head.digests)
        assert second._journal.read(last) == held


def test_a_journal_without_snapshots_in_mid_history_opens(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was written before segments began with them."""
    monkeypatch.setattr(journal, "SEGMENT", 1 << 30)
    root = lived(ram_path, 0)
    with opened(root) as store:
        for number in range(9):
            step(store)
            if number % 3 == 2:
                store._journal._finish()
                came(store, kind="late", frame=number, stream=1)
    assert names(root) == [f"0000000{n}.log" for n in (1, 2, 3, 4)]
    with opened(root, write=False) as store:
        assert store.head is not None and store.head.number == 9
    monkeypatch.setattr(journal, "SEGMENT", SMALL)
    with opened(root) as store:
        for _ in range(6):
            step(store)
        assert [store.frame(number).number for number in range(16)] == list(range(16))
    assert check_whole(root) == 15


def test_a_segment_is_as_long_as_all_documents_at_least(ram_path: Path) -> None:
    with begun(ram_path) as store:
        step(store, (Change("rules.md", "text", (), "x" * 50_000),))
        for _ in range(8):
            step(store)
        assert names(ram_path) == ["00000001.log", "00000002.log"]
        store.flush()
        assert names(ram_path) == ["00000001.log.gz", "00000002.log"]


def test_what_lies_in_a_finished_segment_is_checked_again_when_its_file_changes(ram_path: Path) -> None:
    root = lived(ram_path, 9)
    path = root / ".lisppump" / "journal" / "00000002.log.gz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for write in (False, True):
        with pytest.raises(StateError, match="damaged in segment 00000002") as caught:
            opened(root, write=write)
        assert "lisppump repair" in str(caught.value.help) and "lisppump verify" in str(caught.value.help)
