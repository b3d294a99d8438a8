"""The state store under kills, full disks and power cuts: frame N or N+1, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.files import Files
from lisppump.lispy.values import elements
from lisppump.reservoir import Store
from tests.faults import Crash, FaultyDisk, die
from tests.storing import (
    TIME,
    WORLD,
    begun,
    check_whole,
    opened,
    state_of,
    step,
)


def crashes(tmp_path: Path, *, torn: bool) -> Iterator[tuple[Path, int]]:
    """Worlds whose second frame was stopped before the k-th change of the disk, for every k."""
    k = 0
    while True:
        root = tmp_path / f"{k}"
        disk = FaultyDisk(torn=torn)
        store = begun(root, disk=disk)
        step(store)
        disk.stop = disk.count + k
        try:
            step(store)
        except Crash:
            die(store)
        else:
            disk.stop = None
            store.close()
            return
        yield root, k
        k += 1


@pytest.mark.parametrize("torn", [False, True])
def test_a_crash_leaves_frame_n_or_n_plus_1(tmp_path: Path, torn: bool) -> None:
    undisturbed = tmp_path / "undisturbed"
    with begun(undisturbed) as store:
        step(store)
        step(store)
    whole = {name: data for name, data in state_of(undisturbed).items() if "stream_deltas" not in name}
    heads = []
    for root, k in crashes(tmp_path, torn=torn):
        with opened(root, write=False) as reader:
            assert reader.head is not None
            seen = {name: digest(name, value) for name, value in reader.head.documents.items()}
            assert seen == dict(reader.head.digests)
        heads.append(check_whole(root))
        if heads[-1] == 1:
            with opened(root) as store:
                step(store)
        assert check_whole(root) == 2, k
        assert {n: d for n, d in state_of(root).items() if "stream_deltas" not in n} == whole
    assert len(heads) >= 15
    assert heads == sorted(heads)
    assert {1, 2} == set(heads)


def test_a_crash_at_the_start_leaves_no_frame_or_frame_0(tmp_path: Path) -> None:
    heads = set()
    for k in range(1000):
        root = tmp_path / str(k)
        disk = FaultyDisk()
        store = opened(root, disk=disk)
        disk.stop = disk.count + k
        try:
            store.start(WORLD, time=TIME, source="genesis")
        except Crash:
            die(store)
        else:
            disk.stop = None
            store.close()
            break
        with opened(root) as store:
            heads.add(None if store.head is None else store.head.number)
            if store.head is None:
                assert store.view.names() == []
                store.start(WORLD, time=TIME, source="genesis")
        assert check_whole(root) == 0
    assert heads == {None, 0}


class Memory:
    """A reservoir of another kind: nothing but the protocol."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.version = 0

    def names(self) -> list[str]:
        return sorted(self.values)

    def read(self, name: str) -> Any:
        return canon.loads(self.values[name][0])

    def write(self, name: str, value: Any) -> None:
        self.version += 1
        self.values[name] = (canon.line(value), self.version)

    def append(self, name: str, items: Any) -> None:
        old = self.read(name)
        self.write(name, old + "".join(items) if isinstance(old, str) else [*old, *items])

    def delete(self, name: str) -> None:
        self.values.pop(name, None)

    def fingerprint(self, name: str) -> tuple[int, ...] | None:
        return (self.values[name][1],) if name in self.values else None


def test_a_reservoir_needs_nothing_but_the_protocol(tmp_path: Path) -> None:
    view = Memory()
    with Store.open(tmp_path, view, write=True) as store:
        store.start(WORLD, time=TIME, source="genesis")
        frame = step(store)
        view.write("rules.md", "edited")
        assert store.take_edits() == ("rules.md was changed by hand and was taken in",)
    with Store.open(tmp_path, view, write=False) as store:
        assert store.head is not None
        assert dict(store.head.documents)["rules.md"] == "edited"
        assert elements(store.head.documents["posts.jsonl"]) == elements(frame.documents["posts.jsonl"])


def test_a_commit_without_its_view_is_shown_at_the_next_opening(tmp_path: Path) -> None:
    disk = FaultyDisk()
    store = begun(tmp_path, disk=disk)
    view = Files(tmp_path / "state")
    store._show = lambda *_: (_ for _ in ()).throw(Crash())  # type: ignore[method-assign]
    with pytest.raises(Crash):
        step(store)
    die(store)
    assert view.read("memory/ada.md") == "# Ada\n"
    with opened(tmp_path) as store:
        assert store.notes == ["the documents of frame 1 were written again from the journal"]
    assert view.read("memory/ada.md") == "# Ada\n- frame 1\n"
    assert check_whole(tmp_path) == 1


def test_a_full_disk_at_any_point_loses_nothing(tmp_path: Path) -> None:
    for room in (0, 10, 200, 700, 1500, 2500, 3500, 5000):
        root = tmp_path / str(room)
        disk = FaultyDisk()
        store = begun(root, disk=disk)
        step(store)
        disk.full = room
        with pytest.raises(StateError) as caught:
            for _ in range(9):
                step(store)
        assert caught.value.code == "disk"
        die(store)
        head = check_whole(root)
        assert head >= 1


def test_after_a_power_cut_documents_that_are_not_whole_are_written_again(tmp_path: Path) -> None:
    store = begun(tmp_path, disk=FaultyDisk(boot="one"))
    step(store)
    die(store)
    (tmp_path / "state" / "agents.json").write_bytes(b"")
    (tmp_path / "state" / "memory" / "ada.md").write_bytes(b"# A")
    (tmp_path / "state" / "posts.jsonl").unlink()
    with opened(tmp_path, disk=FaultyDisk(boot="two")) as store:
        assert sum("was not whole after a crash" in note for note in store.notes) == 2
    assert check_whole(tmp_path) == 1


def test_after_a_power_cut_a_whole_document_that_was_never_ours_is_an_edit(tmp_path: Path) -> None:
    store = begun(tmp_path, disk=FaultyDisk(boot="one"))
    step(store)
    die(store)
    state = tmp_path / "state"
    agents = json.loads((state / "agents.json").read_bytes())
    agents["hand"] = {"by": "hand"}
    (state / "agents.json").write_text(json.dumps(agents))
    (state / "memory" / "ada.md").write_text("# Somebody else\n")
    with opened(tmp_path, write=False, disk=FaultyDisk(boot="two")) as reader:
        assert reader.pending_edits() == ["agents.json", "memory/ada.md"]
    with opened(tmp_path, disk=FaultyDisk(boot="two")) as store:
        assert not any("not whole" in note for note in store.notes)
        assert store.head is not None
        assert store.head.documents["agents.json"] == agents
        assert store.head.documents["memory/ada.md"] == "# Somebody else\n"
    assert check_whole(tmp_path) == 1


def test_after_a_power_cut_an_older_document_of_ours_is_no_edit(tmp_path: Path) -> None:
    store = begun(tmp_path, disk=FaultyDisk(boot="one"))
    older = {path: path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()}
    step(store)
    step(store)
    die(store)
    for path, data in older.items():
        path.write_bytes(data)
    with opened(tmp_path, write=False, disk=FaultyDisk(boot="two")) as reader:
        assert reader.pending_edits() == []
    with opened(tmp_path, disk=FaultyDisk(boot="two")) as store:
        assert not any("by hand" in note for note in store.notes)
    assert check_whole(tmp_path) == 2


def test_after_a_power_cut_a_beginning_of_an_older_text_is_ours(tmp_path: Path) -> None:
    store = begun(tmp_path, disk=FaultyDisk(boot="one"))
    (tmp_path / "state" / "rules.md").write_text("Others now, and longer ones than before.\n")
    store.take_edits()
    (tmp_path / "state" / "rules.md").write_text("Short ones.\n")
    store.take_edits()
    die(store)
    for torn in (b"Others now", b"Sho\0\0\0\0"):
        (tmp_path / "state" / "rules.md").write_bytes(torn)
        with opened(tmp_path, write=False, disk=FaultyDisk(boot="two")) as reader:
            assert reader.pending_edits() == []
    with opened(tmp_path, disk=FaultyDisk(boot="two")) as store:
        assert any("rules.md was not whole after a crash" in note for note in store.notes)
    assert (tmp_path / "state" / "rules.md").read_text() == "Short ones.\n"


def test_a_missing_blob_is_damage(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
    for path in (tmp_path / ".lisppump" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    with opened(tmp_path, write=False) as store:
        with pytest.raises(StateError) as caught:
            dict(store.frame(0).documents)
        assert caught.value.code == "damaged"
