"""The state store: frames come back, edits are taken in, readers see the last commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.lispy.values import Slice, elements
from lisppump.merge_changes import Change
from lisppump.reservoir import Reservoir, Store
from tests.storing import (
    TIME,
    WORLD,
    Merged,
    begun,
    changes_of,
    check_whole,
    delta_of,
    opened,
    state_of,
    step,
)


def test_the_built_in_reservoir_is_one(tmp_path: Path) -> None:
    assert isinstance(Files(tmp_path), Reservoir)


def test_frame_0_is_written_and_read_again(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.head is None
        preview = store.preview(WORLD, time=TIME)
        frame = store.start(WORLD, time=TIME, source="genesis")
        assert frame.digest == preview.digest
        assert list(frame.documents) == sorted(WORLD)
    with opened(tmp_path, write=False) as store:
        assert store.head is not None
        assert store.head.digest == frame.digest
        assert dict(store.head.documents) == WORLD
    assert (tmp_path / "state" / "agents.json").read_bytes() == canon.document(WORLD["agents.json"])


def test_frame_0_from_files_leaves_them_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "agents.json").write_text('{ "ada" :1e0}')
    with opened(tmp_path) as store:
        documents = {name: store.view.read(name) for name in store.view.names()}
        store.start(documents, time=TIME, source="state")
        assert store.take_edits() == ()
    assert (tmp_path / "state" / "agents.json").read_text() == '{ "ada" :1e0}'


def test_a_commit_makes_the_next_frame(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        first = store.head
        frame = step(store)
        assert first is not None
        assert (frame.number, frame.documents["agents.json"]["ada"]["posts"]) == (1, 1)
        assert first.documents["agents.json"]["ada"]["posts"] == 0
        assert first.documents["posts.jsonl"] == []
        assert frame.woken == {"ada": 1}
        assert frame.rooms == ((1, (("ada",), ("bob",))),)
        assert frame.virtual == {"last": {"frame": 1}}
        second = step(store)
        window = second.documents["posts.jsonl"]
        assert isinstance(window, Slice)
        assert window.base is frame.documents["posts.jsonl"].base
        assert len(frame.documents["posts.jsonl"]) == 1
        assert second.digests["posts.jsonl"] == digest("posts.jsonl", window)
        assert second.digests["rules.md"] == first.digests["rules.md"]
    files = state_of(tmp_path)
    assert files["memory/ada.md"] == b"# Ada\n- frame 1\n- frame 2\n"
    assert files["posts.jsonl"].count(b"\n") == 2
    shown = canon.loads(files["stream_deltas/frame-000002-stream-0001.json"])
    assert list(shown)[:3] == ["frame", "stream_id", "stream"]
    quarantine = (tmp_path / ".lisppump" / "quarantine" / "frame-000002.json").read_bytes()
    assert canon.loads(quarantine) == [{"item": 2, "reason": "refused"}]
    assert check_whole(tmp_path) == 2


def test_only_changed_documents_are_written(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        before = {name: store.view.fingerprint(name) for name in WORLD}
        step(store, (Change("agents.json", "set", ("bob", "mood"), None),))
        assert {name: store.view.fingerprint(name) for name in WORLD} == before
        record = store.commit_record(1)
        assert record is not None
        assert record["documents"] == {}


def test_any_frame_is_rebuilt_with_its_tocks(tmp_path: Path) -> None:
    digests = {}
    with begun(tmp_path) as store:
        assert store.head is not None
        digests[0] = store.head.digest
        for number in range(1, 5):
            step(store)
            tock = store.tock(
                changes=[Change("echo_frames/ada.json", "set", (), {"frame": number})],
                virtual={"echo": {"signals": {"boost": number}}},
            )
            assert (tock.number, tock.tock) == (number, 1)
            digests[number] = tock.digest
        for number, wanted in digests.items():
            assert store.frame(number).digest == wanted
    with opened(tmp_path, write=False) as store:
        for number, wanted in digests.items():
            frame = store.frame(number)
            assert frame.digest == wanted
            for name, value in frame.documents.items():
                assert digest(name, value) == frame.digests[name]
        with pytest.raises(LisppumpError, match="no frame 9") as caught:
            store.frame(9)
        assert caught.value.code == "no-such-frame"


def test_what_the_journal_tells(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        step(store)
        assert [commit["frame"] for commit in store.commits()] == [1, 2]
        commit, intent = store.commit_record(2), store.intent_record(2)
        assert commit is not None
        assert intent is not None
        assert store.head is not None
        assert commit["digest"] == store.head.digest
        assert commit["parent"] == intent["parent"] == store.frame(1).digest
        assert commit["streams"][0]["agents"] == ["ada"]
        assert store.commit_record(0) is None
        deltas = store.deltas(2)
        assert [delta.key for delta in deltas] == [("local", 1, 2, 1), ("local", 1, 2, 2)]
        assert deltas[0] == delta_of(2, 1)
        assert [reply["stream"] for reply in store.replies(2)] == [1, 2]
        assert store.quarantined() == 2
        assert store.open_frame() is None
        store.intent(frame=3, streams=[{"stream": 1}, {"stream": 2}])
        store.delta(delta_of(3, 2))
        assert store.open_frame() == {"frame": 3, "finished": [2], "missing": [1]}


def test_the_epoch_rises_at_every_opening_for_writing(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        assert (store.epoch, store.node) == (1, "local")
    with opened(tmp_path, write=False) as store:
        assert store.epoch == 1
    with opened(tmp_path) as store:
        assert store.epoch == 2


def test_old_delta_files_are_dropped(tmp_path: Path) -> None:
    with begun(tmp_path, keep=2) as store:
        for _ in range(5):
            step(store)
    names = [path.name for path in sorted((tmp_path / "state" / "stream_deltas").iterdir())]
    assert names == [f"frame-00000{n}-stream-000{s}.json" for n in (4, 5) for s in (1, 2)]


# -- hand edits ------------------------------------------------------------------------------------------


def test_edits_are_taken_in_whole_and_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with begun(tmp_path) as store:
        step(store)
        (state / "rules.md").write_text("be kinder")
        (state / "new.json").write_text("[1]")
        (state / "posts.jsonl").write_text('{"id": 1, "text": "mended"}\n')
        (state / "memory" / "ada.md").unlink()
        assert store.pending_edits() == ["memory/ada.md", "new.json", "posts.jsonl", "rules.md"]
        notes = store.take_edits()
        assert len(notes) == 4
        head = store.head
        assert head is not None
        assert head.number == 1
        assert head.documents["rules.md"] == "be kinder"
        assert "memory/ada.md" not in head.documents
        assert store.take_edits() == ()
        frame = step(store, changes_of(2)[:2])
        assert [item["id"] for item in elements(frame.documents["posts.jsonl"])] == [1, 2]
        assert {edit["document"] for edit in store.edits(2)} == {
            "memory/ada.md",
            "new.json",
            "posts.jsonl",
            "rules.md",
        }
        assert store.frame(1).documents["rules.md"] == "be kinder"
        digests = frame.digest, store.frame(1).digest
    with opened(tmp_path, write=False) as store:
        assert (store.frame(2).digest, store.frame(1).digest) == digests
        assert store.frame(1).documents["new.json"] == [1]


def test_an_edit_while_a_frame_runs_is_kept_beside_what_the_frame_brings(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
        store.intent(frame=2)
        (tmp_path / "state" / "memory" / "ada.md").write_text("# Ada, mended\n")
        frame = store.commit(
            number=2, time=TIME, deltas=(), merged=Merged(changes_of(2), {}), wake=(), streams=(), virtual={}
        )
        assert frame.documents["memory/ada.md"] == "# Ada, mended\n- frame 2\n"


def test_edits_between_runs_are_found(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
    (tmp_path / "state" / "rules.md").write_text("edited while nothing ran")
    with opened(tmp_path, write=False) as store:
        assert store.pending_edits() == ["rules.md"]
        assert store.head is not None
        assert store.head.documents["rules.md"] == "be kind"
    with opened(tmp_path) as store:
        assert "rules.md was changed by hand and was taken in" in store.notes
        assert store.head is not None
        assert store.head.documents["rules.md"] == "edited while nothing ran"


def test_touching_a_file_is_no_edit(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        path = tmp_path / "state" / "agents.json"
        path.write_text('{"bob": {"posts": 0, "mood": null},   "ada": {"posts": 0, "mood": "calm"}}')
        assert store.take_edits() == ()


def test_a_bad_edit_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        path = tmp_path / "state" / "agents.json"
        path.write_text('{"ada": }')
        with pytest.raises(StateError, match="JSON") as caught:
            store.take_edits()
        assert caught.value.span is not None
        assert (caught.value.code, caught.value.span.file) == ("bad-document", "state/agents.json")
        assert path.read_text() == '{"ada": }'
        path.write_text('{"ada": 1}')
        assert len(store.take_edits()) == 1


def test_the_index_is_rebuilt_when_absent(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)
    (tmp_path / ".lisppump" / "index").unlink()
    assert check_whole(tmp_path) == 1
    (tmp_path / ".lisppump" / "index").write_bytes(b'{"frame": [1')
    assert check_whole(tmp_path) == 1


# -- two processes, lazy reading -------------------------------------------------------------------------


def test_readers_see_the_last_commit_and_a_second_writer_is_locked_out(tmp_path: Path) -> None:
    with begun(tmp_path) as writer:
        frame = step(writer)
        with opened(tmp_path, write=False) as reader:
            assert reader.head is not None
            assert reader.lock_holder() is not None
            step(writer)  # the files move on; the reader's frame does not
            assert reader.head.digest == frame.digest
            assert reader.head.documents["memory/ada.md"] == "# Ada\n- frame 1\n"
            assert len(reader.head.documents["posts.jsonl"]) == 1
            assert reader.head.documents["agents.json"]["ada"]["posts"] == 1
        with pytest.raises(StateError) as caught:
            opened(tmp_path)
        assert (caught.value.code, caught.value.exit_code) == ("locked", 5)
    with opened(tmp_path, write=False) as reader:
        assert reader.lock_holder() is None


def test_opening_reads_no_document(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)

    class Counting(Files):
        reads: list[str]

        def raw(self, name: str) -> bytes:
            self.reads.append(name)
            return super().raw(name)

    view = Counting(tmp_path / "state")
    view.reads = []
    with Store.open(tmp_path, view, write=False) as store:
        assert store.head is not None
        assert view.reads == []
        assert store.head.documents["rules.md"] == "be kind"
        assert store.head.view["rules"] == "be kind"
    assert view.reads.count("rules.md") == 1
    view.reads = []
    with Store.open(tmp_path, view, write=True) as store:
        assert store.take_edits() == ()
        assert view.reads == []


def test_reading_changes_nothing_on_disk(tmp_path: Path) -> None:
    with begun(tmp_path) as store:
        step(store)

    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}

    before = everything()
    with opened(tmp_path, write=False) as store:
        assert store.head is not None
        dict(store.head.documents)
        store.pending_edits()
        with pytest.raises(StateError, match="reading only"):
            store.intent(frame=9)
    assert everything() == before
