"""Documents that lag behind the journal: who writes them when, and that nobody is told anything old."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.frame import copied
from lisppump.merge_changes import Change
from lisppump.reservoir import Store
from tests.faults import Crash, FaultyDisk, die
from tests.storing import begun, check_whole, opened, state_of, step

AGENTS = {f"agent-{n:03d}": {"posts": 0, "bio": "x" * 300} for n in range(200)}


def wide(root: Path, **options: Any) -> Store:
    """A world with a document that is far larger than what a frame changes of it."""
    store = begun(root, **options)
    step(store, (Change("wide.json", "set", (), {"agents": copied(AGENTS), "frame": 0}),))
    return store


def touch(number: int, *agents: int) -> tuple[Change, ...]:
    paths = [("agents", f"agent-{n:03d}", "posts") for n in agents]
    return (
        Change("wide.json", "set", ("frame",), number),
        *(Change("wide.json", "add", path, 1) for path in paths),
        Change("memory/ada.md", "text", (), f"- frame {number}\n"),
    )


def shown(root: Path) -> Any:
    return canon.loads((root / "state" / "wide.json").read_bytes())["frame"]


def test_a_document_is_written_again_when_an_eighth_of_it_changed(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        written = []
        for number in range(2, 12):
            step(store, touch(number, *range(4 * number, 4 * number + 4)))
            written.append(shown(tmp_path))
        assert written[0] == 0 and 2 <= len(set(written)) <= 4
        assert (tmp_path / "state" / "memory" / "ada.md").read_text().endswith("- frame 11\n")
        assert store.lagging() in ([], ["wide.json"])
        step(store, touch(12))
        assert shown(tmp_path) < 12
        store.flush()
        assert (shown(tmp_path), store.lagging()) == (12, [])
        step(store, touch(13, *range(200)))
        assert (shown(tmp_path), store.lagging()) == (13, [])
        step(store, touch(14))
    assert shown(tmp_path) == 14


def test_who_looks_from_outside_sees_the_head_and_what_lags(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        frame = step(store, touch(2, 7))
        with opened(tmp_path, write=False) as reader:
            assert reader.lagging() == ["wide.json"]
            assert reader.pending_edits() == []
            assert reader.head is not None and reader.head.digest == frame.digest
            assert reader.head.documents["wide.json"]["frame"] == 2
            step(store, touch(3, *range(200)))
            step(store, touch(4, *range(200)))
            assert reader.pending_edits() == []
            assert reader.head.documents["wide.json"]["agents"]["agent-007"]["posts"] == 1
        with opened(tmp_path, write=False) as reader:
            assert reader.lagging() == []


def test_after_a_kill_the_files_are_brought_up(tmp_path: Path) -> None:
    store = wide(tmp_path, disk=FaultyDisk())
    frame = step(store, touch(2, 7))
    die(store)
    assert shown(tmp_path) == 0
    with opened(tmp_path) as store:
        assert store.notes == ["the documents of frame 2 were written again from the journal"]
        assert shown(tmp_path) == 2
        assert digest("wide.json", store.view.read("wide.json")) == frame.digests["wide.json"]
        assert store.lagging() == []


def test_delta_files_come_at_a_flush_and_only_those_that_are_kept(tmp_path: Path) -> None:
    disk = FaultyDisk()

    def frames() -> list[int]:
        return sorted({int(name[20:26]) for name in state_of(tmp_path) if name.startswith("stream_deltas")})

    with begun(tmp_path, keep=3, disk=disk) as store:
        for _ in range(2):
            step(store)
        assert frames() == []
        store.flush()
        assert frames() == [1, 2]
        for _ in range(7):
            step(store)
        before = disk.count
        store.flush()
        assert frames() == [7, 8, 9]
        changes = 3 * (3 * 2) + 2 * 2 + 2  # open, write, rename; unlink; open and write the index
        assert disk.count - before == changes  # never those between, nothing is synced
        store.flush()
        assert disk.count - before == changes
        step(store)
        die(store)
    with opened(tmp_path, keep=3):
        assert frames() == [8, 9, 10]


def test_an_edit_of_a_document_that_lags_is_merged_against_what_was_written(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        step(store, touch(2, 7))
        value = canon.loads((tmp_path / "state" / "wide.json").read_bytes())
        assert value["frame"] == 0
        value["agents"]["agent-009"]["bio"] = "mended"
        (tmp_path / "state" / "wide.json").write_bytes(canon.document(value))
        assert store.pending_edits() == ["wide.json"]
        store.take_edits()
        head = store.head
        assert head is not None
        made = head.documents["wide.json"]
        assert (made["frame"], made["agents"]["agent-007"]["posts"]) == (2, 1)
        assert made["agents"]["agent-009"]["bio"] == "mended"
        assert canon.loads((tmp_path / "state" / "wide.json").read_bytes()) == made
        step(store, touch(3, 8))
    with opened(tmp_path) as store:
        assert (
            store.head is not None and store.head.documents["wide.json"]["agents"]["agent-008"]["posts"] == 1
        )


def test_touching_a_document_that_lags_is_no_edit(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        step(store, touch(2, 7))
        path = tmp_path / "state" / "wide.json"
        path.write_bytes(canon.line(canon.loads(path.read_bytes())))
        assert store.take_edits() == ()
        assert store.lagging() == ["wide.json"]
        store.flush()
        assert shown(tmp_path) == 2


def test_a_crash_at_any_point_of_a_flush_is_made_good(tmp_path: Path) -> None:
    for k in range(1000):
        root = tmp_path / str(k)
        disk = FaultyDisk(torn=True)
        store = begun(root, disk=disk)
        step(store)
        big = Change("wide.json", "set", (), {"agents": AGENTS, "frame": 0})
        step(store, (big, *step_changes(2)))
        step(store, (*touch(3, 1)[:2], *step_changes(3)))
        disk.stop = disk.count + k
        try:
            store.flush()
        except Crash:
            die(store)
        else:
            disk.stop = None
            store.close()
            break
        assert check_whole(root) == 3
        assert shown(root) == 3
    assert k > 10


def step_changes(number: int) -> tuple[Change, ...]:
    from tests.storing import changes_of

    return changes_of(number)


def test_what_was_changed_in_memory_is_never_written(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        step(store, touch(2, 7))
        assert store.head is not None
        agents: Any = store.head.documents["wide.json"]["agents"]
        agents["agent-100"]["bio"] = "y"
        frame = step(store, touch(3, *range(50)))
        assert shown(tmp_path) == 3
        assert any("changed wide.json of frame 3 in memory" in note for note in store.notes)
        assert store.head.documents["wide.json"]["agents"]["agent-100"] == AGENTS["agent-100"]
        assert digest("wide.json", store.view.read("wide.json")) == frame.digests["wide.json"]
        step(store, touch(4, 100))


def test_nor_is_it_built_upon_where_a_frame_changes_it(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        step(store, touch(2, 7))
        assert store.head is not None
        agents: Any = store.head.documents["wide.json"]["agents"]
        agents["agent-101"]["posts"] = 9
        with pytest.raises(LisppumpError) as caught:
            step(store, touch(3, 101))
        assert caught.value.code == "contract"
        assert store.head.number == 2


def test_a_broken_file_does_not_keep_a_world_from_closing(tmp_path: Path) -> None:
    with wide(tmp_path) as store:
        step(store, touch(2, 7))
        (tmp_path / "state" / "wide.json").write_text("{")
    assert (tmp_path / "state" / "wide.json").read_text() == "{"
    with opened(tmp_path) as store, pytest.raises(StateError, match="JSON"):
        store.take_edits()
