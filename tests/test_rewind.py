"""Ways back in history: whatever is taken back, the line that is left is the whole history there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, journal
from lisppump.calling import BackendError, Failure
from lisppump.errors import LisppumpError
from lisppump.testing import Simulation
from tests.faults import Crash, die
from tests.rewinding import Mind, documents, files, five, titles, whole, world
from tests.test_resume import crash_at

__all__ = ["five"]  # a fixture


def test_from_an_earlier_frame_it_goes_on_as_if_nothing_had_been_after_it(tmp_path: Path, five: Path) -> None:
    undisturbed, _ = world(tmp_path / "undisturbed")
    undisturbed.run(2)
    simulation, _ = world(five)
    with simulation.open() as pump:
        done = pump.rollback(2)
        assert (done.first, done.frame, done.left, done.back) == (5, 2, (3, 4, 5), ())
        assert pump.head.number == 2 and done.digest == pump.head.digest
    whole(five)
    with undisturbed.open() as other:
        wanted = documents(other)
    with Pump.open(five) as pump:
        assert documents(pump) == wanted
    assert files(five) == files(tmp_path / "undisturbed")
    undisturbed.run(2)
    simulation.run(2)
    whole(five)
    with Pump.open(five) as pump, undisturbed.open() as other:
        assert documents(pump) == documents(other) and pump.head.digest == other.head.digest
        assert [entry["frame"] for entry in pump.store.commits()] == [1, 2, 3, 4]
        with pytest.raises(LisppumpError, match="there is no frame 5"):
            pump.show(5)


def test_every_frame_can_be_gone_back_to_and_undone_again(five: Path) -> None:
    before = files(five)
    with world(five)[0].open() as pump:
        digests = [pump.show(number).digest for number in range(6)]
        for number in range(6):
            done = pump.rollback(number)
            assert (pump.head.number, pump.head.digest) == (number, digests[number])
            assert done.empty == (number == 5)
            if number < 5:
                back = pump.undo()
                assert back.taken == f"the rollback to frame {number}"
                assert back.back == done.left and pump.head.digest == digests[5]
    whole(five)
    assert files(five) == before


def test_undo_takes_back_one_thing_after_the_other_and_then_itself(five: Path) -> None:
    simulation, _ = world(five)
    with simulation.open() as pump:
        assert pump.undo().taken == "frame 5" and pump.head.number == 4
        assert pump.undo().taken == "the undo of frame 5" and pump.head.number == 5
        assert pump.undo().taken == "frame 5 again" and pump.head.number == 4
        pump.step(2)
        assert pump.undo().taken == "frame 6" and pump.head.number == 5
    whole(five)
    (five / "state" / "rules.md").write_text("be kind")
    with simulation.open() as pump:
        planned = pump.undo(dry_run=True)
        assert (planned.taken, planned.edits) == ("the hand edit of rules.md", ("rules.md",))
        done = pump.undo()
        assert (done.taken, done.edits) == (planned.taken, planned.edits)
        assert not (five / "state" / "rules.md").exists()
        assert pump.undo().taken == "the undo of the hand edit of rules.md"
    assert (five / "state" / "rules.md").read_text() == "be kind"
    whole(five)


def test_there_is_nothing_to_undo_in_frame_0(tmp_path: Path) -> None:
    simulation, _ = world(tmp_path / "new")
    with simulation.open() as pump, pytest.raises(LisppumpError) as caught:
        pump.undo()
    assert caught.value.code == "nothing-to-undo"
    with simulation.open() as pump:
        pump.step()
        pump.undo()
        assert pump.head.number == 0
        pump.store.go_back(pump.store.end_of(0), "abandon", taken="")
    whole(tmp_path / "new")


def test_hand_edits_that_wait_are_journalled_before_anything_is_taken_back(five: Path) -> None:
    path = five / "state" / "memory" / "ann.md"
    path.write_text(path.read_text() + "by hand\n")
    with world(five)[0].open() as pump:
        planned = pump.rollback(1, dry_run=True)
        assert planned.left == (2, 3, 4, 5) and planned.dry_run and pump.head.number == 5
        done = pump.rollback(1)
        assert done.edits == ("memory/ann.md",) and not path.exists()
        pump.undo()
        assert path.read_text().endswith("by hand\n")
    whole(five)


def test_edits_between_frames_belong_to_the_frame_that_came_from_them(five: Path) -> None:
    simulation, _ = world(five)
    (five / "state" / "rules.md").write_text("be kind")
    simulation.run(1)
    with simulation.open() as pump:
        pump.rollback(5)
        assert pump.head.documents["rules.md"] == "be kind"
        assert pump.undo().taken == "the rollback to frame 5"
        pump.rollback(4)
        assert "rules.md" not in pump.head.documents
    whole(five)


def broken(simulation: Simulation, patch: pytest.MonkeyPatch, stop: int) -> None:
    """Die before the stop-th record of one frame more."""
    with patch.context() as context:
        crash_at(context, stop)
        pump = simulation.open()
        with pytest.raises((Crash, LisppumpError)):
            pump.step(1)
        die(pump.store)


def test_a_frame_that_is_under_way_is_dropped_and_comes_back(
    five: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, mind = world(five)
    broken(simulation, monkeypatch, 3)
    with simulation.open() as pump:
        opened = pump.store.open_frame()
        with pytest.raises(LisppumpError, match="frame 6 is still under way; the newest is 5") as told:
            pump.show(6)
        assert told.value.help == "`lisppump status` tells how far it is"
        assert opened is not None and opened["finished"] == [1]
        done = pump.rollback(5)
        assert (done.dropped, done.left, pump.store.open_frame()) == (6, (), None)
        back = pump.undo()
        assert (back.opened, pump.store.open_frame()) == (6, opened)
        mind.calls.clear()
        pump.step()
        assert len(mind.calls) == 2
    whole(five)
    broken(simulation, monkeypatch, 3)
    path = five / "state" / "memory" / "ann.md"
    path.write_text(path.read_text() + "by hand\n")
    with simulation.open() as pump:
        done = pump.rollback(4)
        assert (done.dropped, done.edits, done.left) == (7, ("memory/ann.md",), (5, 6))
        pump.undo()
        assert pump.store.open_frame() is None and path.read_text().endswith("by hand\n")
    whole(five)


def test_undo_with_a_frame_under_way_takes_back_the_last_whole_one(
    five: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, _ = world(five)
    broken(simulation, monkeypatch, 4)
    (five / "state" / "rules.md").write_text("be kind")
    with simulation.open() as pump:
        planned = pump.undo(dry_run=True)
        done = pump.undo()
        assert (done.taken, done.dropped, done.left) == ("frame 5", 6, (5,))
        assert planned.edits == done.edits == ("rules.md",)
    whole(five)
    with simulation.open() as pump:
        pump.undo()
        assert pump.head.documents["rules.md"] == "be kind" and pump.head.number == 5


def test_frames_that_come_twice_are_told_apart(five: Path) -> None:
    simulation, mind = world(five)
    mind.instead = {"ann": "another thing"}
    with simulation.open() as pump:
        pump.rollback(3)
        pump.step(1)
        assert titles(pump)[-3:] == ["another thing", "bob in 4", "cid in 4"]
        assert [delta.epoch for delta in pump.store.deltas(4)] == [pump.store.epoch] * 3
        assert len(pump.store.replies(4)) == 3
        pump.undo()
        pump.undo()
        assert titles(pump)[-3:] == ["another thing", "bob in 4", "cid in 4"]
    whole(five)


def test_retry_asks_the_named_streams_alone(five: Path) -> None:
    simulation, mind = world(five)
    with simulation.open() as pump:
        before = {delta.stream: delta for delta in pump.store.deltas(4)}
        old = pump.head.digest
    mind.instead = {"bob": "better"}
    with simulation.open() as pump:
        report = pump.retry(4, [2])
        assert mind.calls == [(4, "bob")] and report.frame == 4
        assert "frame 4 is made once more: 2 of 3 streams stand as they were" in report.notes
        assert titles(pump)[-3:] == ["ann in 4", "better", "cid in 4"]
        after = {delta.stream: delta for delta in pump.store.deltas(4)}
        assert (after[1], after[3]) == (before[1], before[3]) and after[2].epoch > before[2].epoch
        assert len(pump.store.replies(4)) == 3
    whole(five)
    with simulation.open() as pump:
        mind.instead = {"ann": "best"}
        pump.retry(4, [1])
        assert titles(pump)[-3:] == ["best", "better", "cid in 4"]
        assert pump.replay_live(4).streams[2]["equal"]
        pump.step()
    whole(five)
    with simulation.open() as pump:
        assert pump.undo().taken == "frame 5"
        pump.undo()
        pump.rollback(4)
        assert titles(pump)[-3:] == ["best", "better", "cid in 4"]
        assert pump.undo().taken == "the rollback to frame 4"
    with simulation.open() as pump:
        pump.rollback(4)
        pump.retry(4, [3])
        assert pump.undo().taken == "the retry of stream 3 of frame 4"
        assert titles(pump)[-3:] == ["best", "better", "cid in 4"]
    whole(five)
    assert old  # the first line is still in the journal


def test_a_retry_that_is_undone_brings_all_back_that_it_took(five: Path) -> None:
    simulation, _ = world(five)
    before = files(five)
    with simulation.open() as pump:
        digest_before = pump.head.digest
        pump.retry(2, [1, 3])
        assert pump.head.number == 2
        done = pump.undo()
        assert done.taken == "the retry of streams 1, 3 of frame 2"
        assert (done.left, done.back) == ((2,), (2, 3, 4, 5)) and pump.head.digest == digest_before
    assert files(five) == before
    whole(five)


@pytest.mark.parametrize(
    ("number", "streams", "code"),
    [(0, [1], "no-such-frame"), (6, [1], "no-such-frame"), (3, [1, 4], "no-such-stream")],
)
def test_what_cannot_be_retried(five: Path, number: int, streams: list[int], code: str) -> None:
    before = files(five)
    with world(five)[0].open() as pump, pytest.raises(LisppumpError) as caught:
        pump.retry(number, streams)
    assert caught.value.code == code and files(five) == before
    whole(five)


def test_a_failed_stream_is_mended(tmp_path: Path) -> None:
    simulation, mind = world(tmp_path / "world", bob=BackendError(Failure.UNAVAILABLE, "gone"))
    simulation.run(2)
    assert isinstance(mind, Mind)
    mind.instead = {}
    with simulation.open() as pump:
        failed = [delta.stream for delta in pump.store.deltas(2) if delta.status == "failed"]
        assert len(failed) == 1
        assert [delta.status for delta in pump.retry(2, failed).deltas] == ["ok", "ok", "ok"]
    whole(tmp_path / "world")


def acts() -> dict[str, Callable[[Pump], Any]]:
    return {
        "rollback": lambda pump: pump.rollback(2),
        "undo": lambda pump: pump.undo(),
        "retry": lambda pump: pump.retry(3, [1, 2]),
    }


@pytest.mark.parametrize("act", acts())
def test_a_crash_at_any_record_leaves_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    import shutil

    world(tmp_path / "whole")[0].run(4)
    shutil.copytree(tmp_path / "whole", tmp_path / "done")
    simulation, _ = world(tmp_path / "done")
    with simulation.open() as pump:
        acts()[act](pump)
        after = documents(pump)
    with Pump.open(tmp_path / "whole") as pump:
        before = documents(pump)
    ended = False
    for stop in range(100):
        folder = tmp_path / str(stop)
        shutil.copytree(tmp_path / "whole", folder)
        simulation, mind = world(folder)
        with monkeypatch.context() as patch:
            crash_at(patch, stop)
            pump = simulation.open()
            try:
                acts()[act](pump)
                ended = True
            except (Crash, LisppumpError):
                die(pump.store)
            else:
                pump.close()
        asked = len(mind.calls)
        with simulation.open() as pump:
            pump._open_for_writing()
            opened = pump.store.open_frame()
            if opened is not None:
                pump.step()
                assert len(mind.calls) <= 2 + asked  # of the others nobody is asked again
            assert documents(pump) in (before, after)
        whole(folder)
        if ended:
            assert stop >= 2
            return


@pytest.mark.parametrize("act", acts())
@pytest.mark.parametrize("where", ["_shift", "delta_files", "_finish", "_write"])
def test_a_crash_before_the_view_is_shown_leaves_what_comes_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, where: str
) -> None:
    from lisppump.reservoir import Store

    simulation, _ = world(tmp_path / "world")
    simulation.run(4)
    with monkeypatch.context() as patch:
        pump = simulation.open()
        pump.take_lock()

        def dies(*_: Any, **__: Any) -> Any:
            raise Crash

        patch.setattr(Store, where, dies)
        with pytest.raises(Crash):
            acts()[act](pump)
        die(pump.store)
    with simulation.open() as pump:
        wanted = {"rollback": 2, "undo": 3, "retry": 2}[act]
        pump.take_lock()
        assert pump.head.number == wanted
        if act == "retry":
            pump.step()
    whole(tmp_path / "world")


def test_across_the_borders_of_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 2000)
    folder = tmp_path / "world"
    simulation, mind = world(folder)
    simulation.run(6)
    mind.instead = {"cid": "once more"}
    with simulation.open() as pump:
        assert len(pump.store._journal.snapshots) > 2
        pump.rollback(3)
        pump.step(3)
        pump.rollback(5)
        pump.step(2)
        pump.undo()
        pump.retry(4, [1])
        pump.step(4)
        pump.undo()
        assert pump.head.number == 7
    whole(folder)
    with simulation.open() as pump:
        pump.rollback(1)
        pump.step(1)
    whole(folder)
    (folder / ".lisppump" / "index").unlink()
    whole_again = files(folder)
    with simulation.open() as pump:
        pump.take_lock()
    assert files(folder) == whole_again
    whole(folder)


def test_what_came_for_a_dead_frame_is_kept(five: Path) -> None:
    with world(five)[0].open() as pump:
        total = pump.store.records
        pump.rollback(0)
        pump.undo()
        assert pump.store.records == total + 3  # an opening and two ways
        pump.rollback(2)
        found = pump.store._journal.select("reply", dead=())
        assert len(list(found)) == 15 and len(list(pump.store._journal.select("reply"))) == 6


def test_who_went_on_meanwhile_is_asked_again(five: Path) -> None:
    simulation, _ = world(five)
    with simulation.open() as pump:
        simulation.run(1)
        with pytest.raises(LisppumpError, match="has gone on to frame 6") as caught:
            pump.rollback(3)
    assert caught.value.code == "moved-meanwhile"
    whole(five)


def test_it_needs_no_policy_that_checks(five: Path) -> None:
    from lisppump.status import look

    (five / "pump.lisp").write_text("(pump (nonsense))")
    with look(five) as pump:
        pump.rollback(3)
        assert pump.undo().back == (4, 5)
        with pytest.raises(LisppumpError):
            pump.retry(3, [1])
        assert pump.head.number == 5


def test_what_was_imported_can_be_taken_back_and_imported_again(five: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    far = tmp_path / "far" / "frame-000003-stream-0001.json"
    far.write_text('{"frame": 3, "posts": [{"author": "ann", "title": "from afar"}]}')
    simulation, _ = world(five)
    with simulation.open() as pump:
        for again in range(2):
            assert pump.import_deltas(tmp_path / "far").made, again
            assert (pump.head.number, titles(pump)[-1]) == (6, "from afar")
            assert not pump.import_deltas(tmp_path / "far").made
            done = pump.undo()
            assert (done.taken, done.left) == ("the import that made frame 6", (6,))
            assert "from afar" not in titles(pump)
        pump.undo()
        pump.step()
        with pytest.raises(LisppumpError, match="frame 6 has no stream 1; it has none"):
            pump.retry(6, [1])
        pump.rollback(2)
        assert pump.import_deltas(tmp_path / "far").made and pump.head.number == 3
    whole(five)
