"""What is lost for good is said as such, and nothing is written over what is left of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lisppump import journal
from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.repair import repair
from lisppump.reservoir import Store
from lisppump.verify import verify
from tests.rewinding import documents, files, titles, world
from tests.test_repair import places, spoil


@pytest.fixture
def five(tmp_path: Path) -> Path:
    world(tmp_path / "five")[0].run(5)
    return tmp_path / "five"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_frame_that_cannot_be_rebuilt_is_not_gone_back_to(five: Path, dry_run: bool) -> None:
    shutil.rmtree(five / ".lisppump" / "blobs")
    with world(five)[0].open() as pump:
        before, shown = documents(pump), files(five)
        for go_back in (lambda: pump.rollback(2, dry_run=dry_run), lambda: pump.undo(dry_run=dry_run)):
            with pytest.raises(LisppumpError, match=r"frame [24] cannot be rebuilt, and nothing") as found:
                go_back()
            assert found.value.code == "damaged"
    with world(five)[0].open() as pump:
        assert (pump.head.number, documents(pump), files(five)) == (5, before, shown)


def cut(root: Path, kind: str, frame: int) -> int:
    """Cut the journal before the last record of a kind and frame; how many bytes are left."""
    (path,) = (root / ".lisppump" / "journal").iterdir()
    place = [at for at, found, said in places(path) if (found, said.get("frame")) == (kind, frame)][-1]
    path.write_bytes(path.read_bytes()[:place])
    return place


def everything(root: Path) -> dict[Path, bytes]:
    """All files but the lock and a new journal's empty folders."""
    found = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    return {path: data for path, data in found.items() if path.name not in ("lock", "lately")}


@pytest.mark.parametrize(
    ("kind", "frame", "ends"), [("intent", 4, 3), ("reply", 4, 3), ("tock", 5, 5), ("commit", 5, 4)]
)
def test_a_journal_that_lost_its_end_is_not_gone_on_from(
    five: Path, kind: str, frame: int, ends: int
) -> None:
    cut(five, kind, frame)
    before, view = everything(five), Files(five / "state")
    with pytest.raises(StateError, match=rf"frame 5\.1, but the journal ends at frame {ends}\.[01]") as found:
        Store.open(five, view, write=True)
    assert found.value.code == "damaged" and "lisppump repair" in (found.value.help or "")
    with Store.open(five, view, write=False) as store:
        assert store.ahead is not None and store.ahead.message == found.value.message
    assert [fault.what for fault in verify(five, view).faults] == [found.value.message]
    assert everything(five) == before


def test_a_repair_of_it_keeps_the_documents_and_says_what_is_lost(five: Path) -> None:
    cut(five, "reply", 4)
    state, view = files(five), Files(five / "state")
    with (five / "state" / "posts.jsonl").open("a") as file:
        file.write('{"author": "ann", "title": "by hand"}\n')
    state["posts.jsonl"] = (five / "state" / "posts.jsonl").read_bytes()
    done = repair(five, view)
    assert (done.head, done.dropped) == (3, [4, 5]) and "posts.jsonl" in done.saved
    assert done.aside is not None
    aside = five / ".lisppump" / done.aside
    assert (aside / "state" / "posts.jsonl").read_bytes() == state["posts.jsonl"]
    assert (aside / "index").is_file() and (aside / "journal" / "00000001.log").is_file()
    assert {n: d for n, d in files(five).items() if "/" not in n} == {
        n: d for n, d in state.items() if "/" not in n
    }
    with world(five)[0].open() as pump:
        assert pump.head.number == 3 and titles(pump)[-1] == "by hand" and "ann in 5" in titles(pump)
    world(five)[0].run(2)
    assert verify(five, view).ok


def test_without_any_journal_it_begins_anew_from_the_documents(five: Path) -> None:
    shutil.rmtree(five / ".lisppump" / "journal")
    view = Files(five / "state")
    with pytest.raises(StateError, match="but the journal has no frame at all"):
        Store.open(five, view, write=True)
    assert not verify(five, view).ok
    with world(five)[0].open() as pump:
        was = titles(pump)
    done = repair(five, view)
    assert (done.head, done.dropped) == (-1, [1, 2, 3, 4, 5]) and verify(five, view).ok
    world(five)[0].run(1)
    with world(five)[0].open() as pump:
        assert pump.head.number == 1 and titles(pump)[: len(was)] == was


def test_deltas_of_an_earlier_life_are_told_of_and_kept(five: Path) -> None:
    deltas = five / "state" / "stream_deltas"
    before = {path.name: path.read_bytes() for path in deltas.iterdir()}
    for said in ("else", "other"):
        shutil.rmtree(five / ".lisppump")
        with world(five, ann=said)[0].open() as pump:
            (report,) = pump.run(1)
        assert any("an earlier life, up to frame 5" in note for note in report.notes)
    kept = {path.name: path.read_bytes() for path in (deltas / "before").iterdir()}
    (name,) = (name for name in before if name in kept)
    assert name.startswith("frame-000001") and kept[name] == before[name]
    assert sorted(kept) == [name.replace(".json", ".2.json"), name]
    assert all((deltas / other).read_bytes() == data for other, data in before.items() if other != name)
    assert verify(five, Files(five / "state")).ok


@pytest.fixture
def holed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[int]]:
    """A world of twelve frames whose second segment was lost, repaired; and the frames that went with it."""
    monkeypatch.setattr(journal, "SEGMENT", 20_000)
    root = tmp_path / "holed"
    world(root)[0].run(12)
    (root / ".lisppump" / "journal" / "00000002.log.gz").unlink()
    done = repair(root, Files(root / "state"))
    assert done.head == 12 and done.cut is None
    with world(root)[0].open() as pump:
        made = [commit["frame"] for commit in pump.store.commits()]
    gone = [number for number in range(1, 13) if number not in made]
    assert len(gone) > 1 and 1 not in gone and 12 not in gone
    return root, gone


def test_a_frame_that_was_lost_is_said_to_be(holed: tuple[Path, list[int]]) -> None:
    root, gone = holed
    with world(root)[0].open() as pump:
        for number in gone[:-1]:
            for look in (
                lambda n: pump.rollback(n, dry_run=True),
                pump.show,
                lambda n: pump.retry(n, [1]),
                pump.frame,
                lambda n: pump.replay(n, n),
                pump.replay_live,
            ):
                with pytest.raises(StateError) as found:
                    look(number)
                assert found.value.code == "damaged"
                assert "lost" in found.value.message
                assert "lisppump repair" not in (found.value.help or "")
        assert pump.head.number == 12
        with pytest.raises(LisppumpError, match="there is no frame 13"):
            pump.rollback(13)


def test_replay_makes_again_what_is_left(holed: tuple[Path, list[int]]) -> None:
    root, gone = holed
    with world(root)[0].open() as pump:
        found = pump.replay()
        assert found.equal and set(gone) <= set(found.lost) and 12 not in found.lost
        assert found.frames == 12 - len(found.lost) > 6
        assert found.to_json()["lost"] == list(found.lost)


def test_replay_says_that_a_record_was_given_up(five: Path) -> None:
    (path,) = (five / ".lisppump" / "journal").iterdir()
    (place, *_) = [at for at, kind, said in places(path) if (kind, said.get("frame")) == ("reply", 3)]
    spoil(path, place)
    repair(five, Files(five / "state"))
    with world(five)[0].open() as pump:
        found = pump.replay()
        assert (found.equal, found.lost, found.frames) == (True, (3,), 4)
        with pytest.raises(StateError, match="of frame 3, was given up in a repair"):
            pump.replay(3, 3)
        assert pump.replay(4, 5).frames == 2


def test_help_does_not_send_to_a_repair_that_was_made(five: Path) -> None:
    for path in (five / ".lisppump" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    with world(five)[0].open() as pump, pytest.raises(StateError, match="cannot be rebuilt") as found:
        pump.rollback(2, dry_run=True)
    assert "`lisppump repair`" in (found.value.help or "")
    repair(five, Files(five / "state"))
    with world(five)[0].open() as pump, pytest.raises(StateError, match="cannot be rebuilt") as found:
        pump.rollback(2, dry_run=True)
    assert "a repair could not save it (.lisppump/damaged-1/repair.json" in (found.value.help or "")


def test_what_the_journal_cannot_give_is_taken_from_its_file(five: Path) -> None:
    shutil.rmtree(five / ".lisppump" / "blobs")
    (five / ".lisppump" / "index").unlink()
    shown = files(five)
    with Store.open(five, Files(five / "state"), write=True) as store:
        assert store.head is not None and store.head.number == 5
        for name, value in store.head.documents.items():
            assert digest(name, value) == store.head.digests[name]
    assert files(five) == shown
