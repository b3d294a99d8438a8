"""Names of places in history: whatever was taken back is listed, and can be seen and gone to by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lisppump import Pump, journal
from lisppump.audit import audit
from lisppump.errors import LisppumpError
from lisppump.line_moves import Move, moves, place
from tests.rewinding import documents, five, whole, world
from tests.storing import begun, check_whole, step

__all__ = ["five"]  # a fixture


def listed(pump: Pump) -> list[Move]:
    return moves(pump.store)


def test_every_frame_that_ever_was_is_listed_and_says_why_it_left_the_line(five: Path) -> None:
    simulation, _ = world(five)
    with simulation.open() as pump:
        pump.rollback(3)
        pump.step()
        found = listed(pump)
        assert [(move.act, move.frame) for move in found] == [
            ("start", 0),
            *(("frame", number) for number in range(1, 6)),
            ("rollback", 3),
            ("frame", 4),
        ]
        back = found[6]
        assert [(move.frame, move.left) for move in found if move.left] == [(4, back), (5, back)]
        pump.undo()
        pump.undo()
        again = listed(pump)
        assert [move.act for move in again[8:]] == ["undo", "undo"]
        assert [move.record for move in again[:8]] == [move.record for move in found]
        assert [move.left is None for move in again] == [*[True] * 4, False, False, True, True, False, True]
        assert again[4].left == back, "which took it off first"


def test_a_frame_off_the_line_is_seen_and_gone_to_by_its_name(five: Path) -> None:
    simulation, _ = world(five)
    with simulation.open() as pump:
        shown, was = pump.show(5), documents(pump)
        name = listed(pump)[-1]
        pump.rollback(3)
        pump.step()
        here, now = documents(pump), pump.head.digest
        seen = pump.as_of(5, name.record)
        assert seen.show(5).to_json() == shown.to_json() and seen.frame(4).number == 4
        changed = pump.diff(3, 5, until=name.record)
        assert "posts.jsonl" in changed.documents and (changed.first, changed.last) == (3, 5)
        assert not pump.diff(5, 5, since=name.record, until=name.record).documents
        assert seen.why("ann", 5).frame == 5
        dry = pump.rollback(5, record=name.record, dry_run=True)
        assert (dry.taken, dry.left, dry.back, pump.head.number) == ("frame 4", (4,), (4, 5), 4)
        done = pump.rollback(5, record=name.record)
        assert (done.first, done.frame) == (4, 5) and documents(pump) == was
    whole(five)
    with simulation.open() as pump:
        assert pump.undo().taken == "the rollback to frame 5" and documents(pump) == here
        assert pump.head.digest == now
    whole(five)


def test_every_name_that_is_listed_leads_to_what_was_then(five: Path) -> None:
    simulation, _ = world(five)
    with simulation.open() as pump:
        pump.rollback(2)
        pump.retry(2, [1])
        pump.undo()
        pump.undo()
        pump.rollback(1)
        pump.step()
        for move in listed(pump):
            seen = pump.as_of(move.frame, move.record).head
            pump.rollback(move.frame, record=move.record)
            assert (pump.head.number, pump.head.digest) == (move.frame, seen.digest)
            assert move.digest is None or pump.show(move.frame).digest == seen.digest
        assert audit(pump.store._keep).faults == []
    whole(five)


def test_a_missing_frame_says_what_one_off_the_line_is_called(five: Path) -> None:
    with world(five)[0].open() as pump:
        name = listed(pump)[-1].name
        pump.rollback(3)
        for asked in (pump.show, pump.rollback, pump.frame, lambda n: pump.branch("copy", at=n)):
            with pytest.raises(LisppumpError, match=f"no frame 5; .* off the line, called {name}$"):
                asked(5)
        with pytest.raises(LisppumpError, match=r"no frame 7; the newest is 3$"):
            pump.show(7)
        for frame, record in ((5, 1), (5, 0), (5, 99999), (4, listed(pump)[5].record)):
            with pytest.raises(LisppumpError, match=f"no frame {frame}@{record}") as refused:
                pump.as_of(frame, record)
            assert "log --all" in (refused.value.help or "")


def test_a_branch_at_a_place_off_the_line(five: Path, tmp_path: Path) -> None:
    with world(five)[0].open() as pump:
        was, name = documents(pump), listed(pump)[-1]
        pump.rollback(2)
        from lisppump.branching import branch

        dry = branch(pump, "copy", at=5, record=name.record, folder=tmp_path / "copy", dry_run=True)
        made = branch(pump, "copy", at=5, record=name.record, folder=tmp_path / "copy")
        assert (made.frame, made.digest) == (5, dry.digest)
    with Pump.open(tmp_path / "copy") as copy:
        assert documents(copy) == was
        assert [commit["frame"] for commit in copy.store.commits()] == [1, 2, 3, 4, 5]


def edit(folder: Path, posts: int) -> None:
    path = folder / "state" / "agents.json"
    data = json.loads(path.read_text())
    data["agents"]["ann"]["posts"] = posts
    path.write_text(json.dumps(data))


def test_an_edit_has_a_place_before_it_and_one_after(five: Path) -> None:
    simulation, _ = world(five)
    edit(five, 70)
    with simulation.open() as pump:
        pump.step()
        frame, edited, made = listed(pump)[-3:]
        assert (frame.name, edited.act, edited.frame) == (f"5@{frame.record}", "edit", 5)
        assert edited.documents == ("agents.json",) and made.frame == 6
        changed = pump.diff(5, 6, since=frame.record, until=made.record)
        assert changed.edits == ("agents.json",)
        assert pump.diff(5, 6, since=edited.record, until=made.record).edits == ()
        undone = pump.undo()
        assert (undone.taken, undone.stands, undone.instead) == ("frame 6", ("agents.json",), frame.name)
        assert pump.head.documents["agents.json"]["agents"]["ann"]["posts"] == 70
        (told,) = pump.show(5).edited
        assert told["document"] == "agents.json" and pump.show(5).edits == ()
        gone = pump.rollback(5, record=frame.record)
        assert (gone.taken, gone.edits) == ("the hand edit of agents.json", ("agents.json",))
        assert pump.head.documents["agents.json"]["agents"]["ann"]["posts"] != 70
        assert pump.rollback(5, record=edited.record).taken == "nothing"
        assert pump.head.documents["agents.json"]["agents"]["ann"]["posts"] == 70
    whole(five)


def test_a_frame_without_edits_says_nothing_of_them(five: Path) -> None:
    with world(five)[0].open() as pump:
        undone = pump.undo(dry_run=True)
        assert (undone.stands, undone.instead, undone.pending) == ((), None, ())


def test_an_edit_that_was_not_taken_in_is_told_before_it_is_taken_back(five: Path) -> None:
    edit(five, 70)
    with world(five)[0].open() as pump:
        dry = pump.undo(dry_run=True)
        assert dry.taken == "the hand edit of agents.json"
        assert (dry.pending, dry.instead) == (("agents.json",), "4")
        away = pump.rollback(4, dry_run=True)
        assert (away.pending, away.edits) == (("agents.json",), ("agents.json",))


def test_the_names_of_ways_back_do_not_grow(five: Path) -> None:
    with world(five)[0].open() as pump:
        assert [pump.undo().taken for _ in range(6)] == [
            "frame 5",
            *["the undo of frame 5", "frame 5 again"] * 2,
            "the undo of frame 5",
        ]
        pump.undo()
        pump.rollback(2)
        assert [pump.undo().taken for _ in range(3)] == [
            "the rollback to frame 2",
            "the undo of the rollback to frame 2",
            "the rollback to frame 2 again",
        ]


def test_a_snapshot_within_a_frame_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal may roll while pipes are out: who went back there would go on with the frame under way."""
    monkeypatch.setattr(journal, "SEGMENT", 1)
    with begun(tmp_path) as store:
        step(store)
        head = store.head
        assert head is not None
        store.intent(frame=2, parent=head.digest, streams=[], put_off=True)
        store.work_off(lambda: 0.0, True)
        (within,) = [record.seq for record in store.every("snapshot") if record.seq > store.began(2)]
        with pytest.raises(LisppumpError, match=f"there is no frame 1@{within}"):
            place(store, 1, within)
        assert store.made(1) is not None and place(store, 1, store.made(1) or 0)


def test_a_frame_given_up_after_the_journal_rolled_is_no_reason_to_read_all_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1)
    with begun(tmp_path) as store:
        was = step(store)
        store.intent(frame=2, parent=was.digest, streams=[], put_off=True)
        store.work_off(lambda: 0.0, True)
        monkeypatch.setattr(store, "rebuilt", None)
        assert store.abandon() == 2
        assert store.head is not None and store.head.digest == was.digest and store.lagging() == []
        monkeypatch.undo()
        step(store)
    check_whole(tmp_path)
