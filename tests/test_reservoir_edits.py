"""Hand edits: merged by path after a frame or before the next, never into one, and nothing of either lost."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon
from lisppump.disk import StateError
from lisppump.lispy.values import elements
from lisppump.merge_changes import Change
from lisppump.reservoir import Store
from tests.faults import Crash, FaultyDisk, die
from tests.storing import TIME, Merged, begun, came, changes_of, check_whole, opened, step


def edit(root: Path, name: str, value: Any) -> None:
    path = root / "state" / name
    path.write_bytes(value.encode() if isinstance(value, str) else canon.document(value))


def commit(store: Store, *changes: Change, put_off: bool = False) -> Any:
    """The commit of a frame whose intent stands already."""
    opened = store.open_frame()
    assert opened is not None
    return store.commit(
        number=opened["frame"],
        time=TIME,
        deltas=(),
        merged=Merged(changes, {}),
        wake=(),
        streams=(),
        virtual={},
        put_off=put_off,
    )


def kinds(store: Store) -> list[str]:
    return [store._journal.read(seq).kind for seq in range(1, len(store._journal) + 1)]


MOOD = {"ada": {"mood": "glad", "posts": 1}, "bob": {"mood": None, "posts": 0}}
POSTS = Change("agents.json", "add", ("ada", "posts"), 1)
GLUM = Change("agents.json", "set", ("ada", "mood"), "glum")


def test_an_edit_during_a_frame_comes_right_behind_its_commit(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2, parent=store.head and store.head.digest)
        edit(tmp_path, "agents.json", MOOD)
        came(store, frame=2, stream=1, text="raw")
        frame = commit(store, POSTS)
        assert kinds(store)[-4:] == ["intent", "reply", "commit", "edit"]
        record = store.commit_record(2)
        assert record is not None and record["digest"] != frame.digest
        assert frame.documents["agents.json"]["ada"] == {"mood": "glad", "posts": 2}
        assert store.edits(3)[0]["document"] == "agents.json" and store.edits(2) == []
        (made,) = [store._journal.read(seq).fields for seq in store._journal.select("edit")]
        assert made["by_hand"] == {"agents.json": [["ada", "mood"]]}
        assert (
            canon.loads((tmp_path / "state" / "agents.json").read_bytes()) == frame.documents["agents.json"]
        )
        assert store.take_edits() == ()
    with opened(tmp_path) as store:
        assert store.head is not None and store.head.digest == frame.digest


def test_an_edit_is_never_taken_in_while_a_frame_is_under_way(tmp_path: Path) -> None:
    store = begun(tmp_path, disk=FaultyDisk())
    step(store)
    assert store.head is not None
    store.intent(frame=2, parent=store.head.digest)
    edit(tmp_path, "agents.json", MOOD)
    edit(tmp_path, "rules.md", "half-\x00written")
    before = store.head.digest
    assert store.take_edits() == ()
    store.flush()
    die(store)
    with opened(tmp_path, disk=FaultyDisk()) as store:
        assert store.take_edits() == ()
        assert store.head is not None and store.head.digest == before
        assert store.pending_edits() == ["agents.json", "rules.md"]
        with pytest.raises(StateError) as caught:
            store.decide("agents.json", "hand")
        assert caught.value.code == "frame-open"
        commit(store, POSTS)
        store.take_edits()
        assert store.head.documents["agents.json"]["ada"] == {"mood": "glad", "posts": 2}
        assert store.head.documents["rules.md"] == "half-\x00written"


def conflict(root: Path) -> Store:
    """A world in which frame 2 and a person gave ada another mood."""
    store = begun(root)
    step(store)
    store.intent(frame=2)
    edit(root, "agents.json", {**MOOD, "cy": {}})
    commit(store, POSTS, GLUM, Change("memory/ada.md", "text", (), "- frame 2\n"))
    return store


def test_an_overlap_stops_the_run_and_loses_neither_side(tmp_path: Path) -> None:
    with conflict(tmp_path) as store:
        assert store.head is not None
        assert store.head.documents["agents.json"]["ada"] == {"mood": "glum", "posts": 2}
        written = (tmp_path / "state" / "agents.json").read_bytes()
        edit(tmp_path, "rules.md", "be kinder")
        for _ in range(2):
            with pytest.raises(StateError) as caught:
                store.take_edits()
        assert (caught.value.code, caught.value.exit_code) == ("edit-conflict", 5)
        for words in ("agents.json", "ada mood", '"calm"', '"glad"', '"glum"'):
            assert words in caught.value.message
        assert "edits take" in str(caught.value.help)
        place = {"path": ["ada", "mood"], "was": "calm", "hand": "glad", "world": "glum"}
        assert caught.value.data["conflicts"] == [place]
        assert store.read_blob(caught.value.data["blob"]) == written
        assert store.head.documents["rules.md"] == "be kinder"  # all else was taken in
        assert store.pending_edits() == ["agents.json"]
        store.flush()
        assert (tmp_path / "state" / "agents.json").read_bytes() == written
    with opened(tmp_path, write=False) as store:
        (found,) = store.edits_in_detail()
        assert (found.document, found.what) == ("agents.json", "changed")
        assert [place.path for place in found.by_hand] == [("cy",)]
        assert [place.path for place in found.overlaps] == [("ada", "mood")]


@pytest.mark.parametrize(("side", "mood"), [("hand", "glad"), ("world", "glum")])
def test_somebody_decides(tmp_path: Path, side: Any, mood: str) -> None:
    with conflict(tmp_path) as store:
        written = (tmp_path / "state" / "agents.json").read_bytes()
        decision = store.decide("agents.json", side)
        head = store.head
        assert head is not None
        value = head.documents["agents.json"]
        assert value["ada"] == {"mood": mood, "posts": 2}
        assert ("cy" in value) == (side == "hand")
        assert canon.loads((tmp_path / "state" / "agents.json").read_bytes()) == value
        assert (decision.kept is None) == (side == "hand")
        if decision.kept is not None:
            assert decision.kept in decision.said and store.read_blob(decision.kept) == written
        assert store.take_edits() == () and store.pending_edits() == []
        with pytest.raises(StateError) as caught:
            store.decide("agents.json", side)
        assert caught.value.code == "no-edit"
    with opened(tmp_path) as store:
        assert store.head is not None and store.head.digest == head.digest
        assert store.frame(2).digest == head.digest


def test_what_cannot_be_read_waits_and_is_not_written_over(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        edit(tmp_path, "agents.json", '{"ada": {"mood": ')
        commit(store, POSTS)
        assert (tmp_path / "state" / "agents.json").read_text() == '{"ada": {"mood": '
        with pytest.raises(StateError) as caught:
            store.take_edits()
        assert caught.value.code == "bad-document" and caught.value.span is not None
        assert store.pending_edits() == ["agents.json"]
    assert (tmp_path / "state" / "agents.json").read_text() == '{"ada": {"mood": '
    with opened(tmp_path) as store:
        assert store.head is not None and store.head.documents["agents.json"]["ada"]["posts"] == 2
        edit(tmp_path, "agents.json", MOOD)
        store.take_edits()
        assert store.head.documents["agents.json"]["ada"] == {"mood": "glad", "posts": 2}


def test_what_cannot_be_read_can_be_dropped(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        edit(tmp_path, "agents.json", "{")
        with pytest.raises(StateError, match="JSON"):
            store.decide("agents.json", "hand")
        decision = store.decide("agents.json", "world")
        assert decision.kept is not None and store.read_blob(decision.kept) == b"{"
        assert store.take_edits() == ()


def test_logs_and_texts_keep_what_both_sides_appended(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        posts = tmp_path / "state" / "posts.jsonl"
        posts.write_text(posts.read_text() + '{"id": "by hand"}\n')
        memory = tmp_path / "state" / "memory" / "ada.md"
        memory.write_text(memory.read_text() + "- by hand\n")
        frame = commit(store, *changes_of(2))
        assert [item["id"] for item in elements(frame.documents["posts.jsonl"])] == [1, 2, "by hand"]
        assert frame.documents["memory/ada.md"] == "# Ada\n- frame 1\n- frame 2\n- by hand\n"
        assert memory.read_text() == frame.documents["memory/ada.md"]
        third = step(store, changes_of(3))
        assert [item["id"] for item in elements(third.documents["posts.jsonl"])] == [1, 2, "by hand", 3]
    assert len(posts.read_text().splitlines()) == 4


def test_what_a_frame_and_a_hand_both_began_is_kept_of_both(tmp_path: Path) -> None:
    """Neither has seen the other's document of that name."""
    state = tmp_path / "state"
    news = Change("news.jsonl", "append", (), [{"id": 1}])
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        edit(tmp_path, "notes.md", "by hand\n")
        edit(tmp_path, "news.jsonl", '{"id": "by hand"}\n')
        edit(tmp_path, "apart.json", {"mine": 1})
        edit(tmp_path, "both.json", {"who": "hand"})
        sets = (Change("apart.json", "set", ("theirs",), 1), Change("both.json", "set", ("who",), "frame"))
        frame = commit(store, Change("notes.md", "text", (), "by the frame\n"), news, *sets)
        assert frame.documents["notes.md"] == "by the frame\nby hand\n"
        assert [item["id"] for item in elements(frame.documents["news.jsonl"])] == [1, "by hand"]
        assert frame.documents["apart.json"] == {"theirs": 1, "mine": 1}
        with pytest.raises(StateError, match=r"both.json was changed by hand at who.*there was nothing"):
            store.take_edits()
        assert canon.loads((state / "both.json").read_bytes()) == {"who": "hand"}
        assert store.decide("both.json", "hand").side == "hand"
        assert store.head is not None and store.head.documents["both.json"] == {"who": "hand"}
    assert (state / "notes.md").read_text() == "by the frame\nby hand\n"


def test_a_last_line_that_was_taken_away_during_a_frame_stays_away(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        step(store)
        store.intent(frame=3)
        posts = tmp_path / "state" / "posts.jsonl"
        posts.write_text(posts.read_text().splitlines()[0] + "\n")
        frame = commit(store, *changes_of(3))
        assert [item["id"] for item in elements(frame.documents["posts.jsonl"])] == [1, 3]


def test_a_document_that_was_removed_while_a_frame_changed_it_is_a_conflict(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        path = tmp_path / "state" / "agents.json"
        path.unlink()
        commit(store, POSTS)
        assert not path.exists()
        with pytest.raises(StateError, match="by hand it became nothing"):
            store.take_edits()
        store.decide("agents.json", "world")
        assert canon.loads(path.read_bytes())["ada"]["posts"] == 2
        path.unlink()
        store.decide("agents.json", "hand")
        assert store.head is not None and "agents.json" not in store.head.documents


def test_the_same_change_on_both_sides_is_none(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        edit(tmp_path, "agents.json", {"ada": {"mood": "calm", "posts": 2}, "bob": MOOD["bob"]})
        commit(store, POSTS)
        assert "edit" not in kinds(store)
        assert store.take_edits() == ()


def test_an_edit_that_was_taken_in_just_before_a_kill_is_not_taken_in_with_the_next(tmp_path: Path) -> None:
    """Lines that a hand wrote, of which the first were taken in when the process died, are there once."""
    store = begun(tmp_path)
    step(store)
    posts = tmp_path / "state" / "posts.jsonl"
    for text in ("one", "two"):
        with posts.open("a") as file:
            file.write(f'{{"id": "{text}"}}\n')
        if text == "one":
            store.take_edits()
    die(store)
    with opened(tmp_path) as store:
        head = store.head
        assert head is not None
        assert [item["id"] for item in elements(head.documents["posts.jsonl"])] == [1, "one", "two"]
    assert len(posts.read_text().splitlines()) == 3


def hand_writes(root: Path, before: tuple[str, str], lines: list[str], agents: Any) -> None:
    """A log, a text and a document of agents: each as it was before, and more."""
    edit(root, "posts.jsonl", before[0] + "".join([f'{{"id": "{line}"}}\n' for line in lines]))
    edit(root, "memory/ada.md", before[1] + "".join([f"- {line}\n" for line in lines]))
    edit(root, "agents.json", agents)


def test_an_edit_that_met_a_frame_and_a_crash_is_there_once_whatever_the_hand_does_next(
    tmp_path: Path,
) -> None:
    """It was taken in with what the frame had made; the file still has what the hand wrote, and more."""
    seen = set()
    for k in range(1000):
        root, disk = tmp_path / str(k), FaultyDisk()
        store = begun(root, disk=disk)
        step(store)
        store.intent(frame=2)
        posts, memory = root / "state" / "posts.jsonl", root / "state" / "memory" / "ada.md"
        written = posts.read_text(), memory.read_text()
        hand_writes(root, written, ["one"], MOOD)
        disk.stop = disk.count + k
        with suppress(Crash):
            commit(store, *changes_of(2))
            store.flush()
        die(store)
        if disk.count < disk.stop:
            break
        ours = posts.read_text(), memory.read_text()
        untouched = ours == (f'{written[0]}{{"id": "one"}}\n', f"{written[1]}- one\n")
        if untouched:
            hand_writes(root, written, ["one", "two"], {**MOOD, "bob": {"mood": "sad", "posts": 0}})
        with opened(root, disk=FaultyDisk()) as store:
            if store.head is not None and store.head.number == 1:
                commit(store, *changes_of(2))
            store.take_edits()
            assert store.head is not None
            found = store.head.documents
            ids = [item["id"] for item in elements(found["posts.jsonl"])]
            more = ["one", "two"] if untouched else ["one"]
            assert ids == [1, 2, *more], k
            text = "".join([f"- {line}\n" for line in more])
            assert found["memory/ada.md"] == f"# Ada\n- frame 1\n- frame 2\n{text}"
            assert found["agents.json"]["ada"] == {"mood": "glad", "posts": 2}
            assert found["agents.json"]["bob"]["mood"] == ("sad" if untouched else None)
            assert memory.read_text() == found["memory/ada.md"]
            assert len(posts.read_text().splitlines()) == len(ids)
            seen.add((untouched, kinds(store).count("edit")))
    assert k > 8 and seen >= {(True, 1), (True, 2), (False, 1)}


def test_a_hand_goes_on_from_a_version_that_was_never_noted_and_is_not_the_newest(tmp_path: Path) -> None:
    """The crash came when frame 2 was written while frame 3 was under way, and before that was noted."""
    shown = set()
    for number in range(60):
        root, disk = tmp_path / str(number), FaultyDisk()
        store = begun(root, disk=disk)
        step(store)
        store.intent(frame=2)
        commit(store, *changes_of(2), put_off=True)
        store.intent(frame=3)
        disk.stop = disk.count + number
        with suppress(Crash):
            store.show()
        die(store)
        if disk.count < disk.stop:
            break
        posts, memory = root / "state" / "posts.jsonl", root / "state" / "memory" / "ada.md"
        shown.add((posts.read_text().count("\n"), memory.read_text().count("- ")))
        edit(root, "posts.jsonl", posts.read_text() + '{"id": 0}\n')
        edit(root, "memory/ada.md", memory.read_text() + "- by hand\n")
        with opened(root, disk=FaultyDisk()) as store:
            commit(store, *changes_of(3))
            store.take_edits()
            assert store.head is not None
            ids = [post["id"] for post in elements(store.head.documents["posts.jsonl"])]
            assert ids == [1, 2, 3, 0], number
            lines = store.head.documents["memory/ada.md"].splitlines()
            assert lines == ["# Ada", "- frame 1", "- frame 2", "- frame 3", "- by hand"], number
    assert shown >= {(1, 1), (2, 2)}


@pytest.mark.parametrize("torn", [False, True])
def test_an_edit_outlives_a_crash_at_any_point_of_the_frame_it_met(tmp_path: Path, torn: bool) -> None:
    seen = set()
    for k in range(1000):
        root = tmp_path / str(k)
        disk = FaultyDisk(torn=torn)
        store = begun(root, disk=disk)
        step(store)
        store.intent(frame=2)
        edit(root, "agents.json", MOOD)
        memory = root / "state" / "memory" / "ada.md"
        memory.write_text(memory.read_text() + "- by hand\n")
        disk.stop = disk.count + k
        try:
            commit(store, *changes_of(2))
            store.flush()
        except Crash:
            die(store)
        else:
            disk.stop = None
            store.close()
            break
        with opened(root, disk=FaultyDisk()) as store:
            if store.head is not None and store.head.number == 1:
                commit(store, *changes_of(2))
            store.take_edits()
            assert store.head is not None
            agents, ada = store.head.documents["agents.json"], store.head.documents["memory/ada.md"]
            assert agents["ada"] == {"mood": "glad", "posts": 2}
            assert ada == "# Ada\n- frame 1\n- frame 2\n- by hand\n"
            seen.add(kinds(store)[-1])
        assert check_whole(root) == 2
    assert k > 8 and seen >= {"edit", "open"}


def test_an_index_of_before_finds_what_was_last_written(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
    index = tmp_path / ".lisppump" / "index"
    line = canon.loads(index.read_bytes())
    line["documents"] = {name: entry[:2] for name, entry in line["documents"].items()}
    index.write_bytes(canon.line(line) + b"\n")
    with opened(tmp_path) as store:
        store.intent(frame=2)
        edit(tmp_path, "agents.json", MOOD)
        frame = commit(store, POSTS)
        assert frame.documents["agents.json"]["ada"] == {"mood": "glad", "posts": 2}


def test_what_was_removed_by_hand_may_come_back_as_it_was(tmp_path: Path) -> None:
    notes = tmp_path / "state" / "notes.md"
    with begun(tmp_path) as store:
        for text in ("mine", None, "mine"):
            if text is None:
                notes.unlink()
            else:
                notes.write_text(text)
            frame = step(store)
            assert frame.documents.get("notes.md") == text
            assert notes.exists() == (text is not None)
    check_whole(tmp_path)


def test_what_cannot_be_a_document_hides_nothing_from_readers(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        digest = step(store).digest
    rules = tmp_path / "state" / "rules.md"
    rules.unlink()
    rules.mkdir()
    with opened(tmp_path, write=False) as store:
        assert store.head is not None and store.head.digest == digest
        assert store.head.documents["rules.md"] == "be kind"
        assert store.pending_edits() == ["rules.md"]


def test_a_log_that_was_shown_before_a_crash_and_edited_after_it_has_no_line_twice(tmp_path: Path) -> None:
    """The crash came when the document was written, and before that was noted."""
    for number in range(60):
        root, disk = tmp_path / str(number), FaultyDisk()
        store = begun(root, disk=disk)
        step(store)
        posts = root / "state" / "posts.jsonl"
        disk.stop = disk.count + number
        with suppress(Crash):
            step(store)
        die(store)
        whole = disk.count < disk.stop
        with posts.open("a") as file:
            file.write('{"id": 0, "text": "by hand"}\n')
        with opened(root, disk=FaultyDisk()) as store:
            store.abandon()
            store.take_edits()
            assert store.head is not None
            ids = [post["id"] for post in elements(store.head.documents["posts.jsonl"])]
            assert sorted(ids) == [*range(store.head.number + 1)], number
        if whole:
            return
    raise AssertionError("the disk always stopped")
