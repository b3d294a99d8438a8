"""What the store refuses before it commits it, so that no commit can lock a world up."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.merge_changes import Change
from lisppump.testing import FaultyDisk
from tests.storing import begun, check_whole, opened, step


@pytest.mark.parametrize(
    "changes",
    [
        (Change("x" * 300 + ".json", "set", (), 1),),
        (Change("\ud800.json", "set", (), 1),),
        (Change("../x.json", "set", (), 1),),
        (Change("stream_deltas/x.json", "set", (), 1),),
        (Change("agents.json/x.json", "set", (), 1),),
        (Change("a/b/x.json", "set", (), 1), Change("a/b/x.json/y.md", "set", (), "y")),
        (Change("a.md", "set", (), 5),),
        (Change("rules.md", "set", ("a",), "x"),),
        (Change("posts.jsonl", "set", (), {"a": 1}),),
        (Change("a.json", "set", (), float("nan")),),
    ],
    ids=lambda changes: repr(changes[-1].document[:24]),
)
def test_what_could_not_be_shown_is_not_committed(tmp_path: Path, changes: tuple[Change, ...]) -> None:
    with begun(tmp_path) as store:
        step(store)
        with pytest.raises(LisppumpError):
            step(store, changes)
    with opened(tmp_path) as store:
        assert store.head is not None and store.head.number == 1
        assert step(store).number == 2


def test_a_document_that_became_a_folder_is_said_before_the_frame(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        path = tmp_path / "state" / "agents.json"
        path.unlink()
        path.mkdir()
        with pytest.raises(StateError, match=r"state/agents\.json should be a file, but is none"):
            store.take_edits()
        path.rmdir()
        assert store.take_edits() == ("agents.json was removed by hand; the frame goes on without it",)


def test_a_state_folder_that_is_gone_is_written_again(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        before = _files(tmp_path / "state")
    shutil.rmtree(tmp_path / "state")
    with opened(tmp_path) as store:
        assert [note for note in store.notes if "folder was empty" in note]
        assert store.head is not None and store.head.documents["agents.json"]["ada"]["posts"] == 1
    assert _files(tmp_path / "state") == before


def test_a_document_is_rebuilt_with_its_keys_in_their_order(tmp_path: Path) -> None:
    value = {"z": {"y": 1, "b": 2}, "a": [{"q": 1, "c": 2}]}
    with begun(tmp_path) as store:
        step(store, (Change("new.json", "set", (), value),))
        before = (tmp_path / "state" / "new.json").read_bytes()
    shutil.rmtree(tmp_path / "state")
    with opened(tmp_path):
        assert (tmp_path / "state" / "new.json").read_bytes() == before


def test_a_document_that_was_changed_in_memory_is_not_built_upon(tmp_path: Path) -> None:
    begun(tmp_path).close()
    with opened(tmp_path) as store:
        head = store.head
        assert head is not None
        agents: Any = head.documents["agents.json"]
        agents["ada"]["posts"] = 1000
        with pytest.raises(LisppumpError, match=r"changed agents\.json of frame 0 in memory") as caught:
            step(store)
        assert caught.value.code == "contract"


def _files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "stream_deltas"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_an_emptied_folder_is_noticed_by_a_frame_that_only_makes_new_documents(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        for path in (tmp_path / "state").rglob("*"):
            if path.is_file():
                path.unlink()
        store.tock(changes=(Change("new.json", "set", (), {"a": 1}),), virtual={})
        assert [note for note in store.notes if "folder was empty" in note]
        assert store.head is not None and sorted(store.view.names()) == sorted(store.head.documents)
    check_whole(tmp_path)


@pytest.mark.parametrize("act", ["edit", "way back"])
def test_what_is_in_memory_is_what_the_journal_has_where_a_disk_fails(tmp_path: Path, act: str) -> None:
    """A record may have been written; what the same process shows then is what that says."""
    for number in range(30):
        root, disk = tmp_path / str(number), FaultyDisk()
        store = begun(root, disk=disk)
        step(store)
        step(store)
        path = root / "state" / "posts.jsonl"
        if act == "edit":
            path.write_text(path.read_text() + '{"id": 3, "text": "by hand"}\n')
            assert store.head is not None
            store._due = (store.head, {"posts.jsonl": []}, {})  # as where frames are shown together
        disk.fail(errno.EIO, number)
        try:
            if act == "edit":
                store.take_edits()
            else:
                store.go_back(store.end_of(1), "rollback", taken="frame 2")
        except StateError:
            done = False
        else:
            done = True
        disk.heal()
        assert store.head is not None
        assert {n: digest(n, value) for n, value in store.head.documents.items()} == dict(store.head.digests)
        store.close()
        with opened(root) as store:
            assert store.head is not None
            assert {n: digest(n, store.view.read(n)) for n in store.head.digests} == dict(store.head.digests)
        assert path.read_text().count("by hand") == (act == "edit")
        if done:
            return
    raise AssertionError("the disk always failed")
