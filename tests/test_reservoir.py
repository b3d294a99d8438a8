"""The state store: frames come back, edits are taken in, a crash leaves frame N or N+1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon
from lisppump.delta import Delta
from lisppump.disk import Disk, StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.frame import Frame, Stream
from lisppump.lispy.values import Slice, elements
from lisppump.merge_changes import Change
from lisppump.reservoir import Reservoir, Store
from tests.faults import Crash, FaultyDisk, die

WORLD: dict[str, Any] = {
    "agents.json": {"ada": {"mood": "calm", "posts": 0}, "bob": {"mood": None, "posts": 0}},
    "posts.jsonl": [],
    "memory/ada.md": "# Ada\n",
    "rules.md": "be kind",
}
TIME = "2026-01-01T00:00:00.000000Z"


@dataclass
class Merged:
    changes: tuple[Change, ...]
    report: dict[str, dict[str, int]]
    quarantine: tuple[dict[str, Any], ...] = ()


def opened(root: Path, *, write: bool = True, keep: int = 50, disk: Disk | None = None) -> Store:
    return Store.open(root, Files(root / "state"), write=write, keep=keep, disk=disk)


def begun(root: Path, **options: Any) -> Store:
    store = opened(root, **options)
    store.start(WORLD, time=TIME, source="genesis")
    return store


def changes_of(number: int) -> tuple[Change, ...]:
    return (
        Change("posts.jsonl", "append", (), [{"id": number, "text": f"post {number}"}]),
        Change("agents.json", "add", ("ada", "posts"), 1),
        Change("memory/ada.md", "text", (), f"- frame {number}\n"),
    )


def delta_of(number: int, stream: int, epoch: int = 1) -> Delta:
    return Delta(
        number,
        stream,
        TIME,
        {"posts": [{"text": f"{number}.{stream}"}]},
        agents=("ada",),
        epoch=epoch,
        backend="fake",
    )


def step(store: Store, changes: tuple[Change, ...] | None = None, pipes: int = 2) -> Frame:
    """One whole frame, as the loop writes it."""
    store.take_edits()
    assert store.head is not None
    number = store.head.number + 1
    streams = [Stream(n, ("ada",) if n == 1 else ("bob",)) for n in range(1, pipes + 1)]
    store.intent(frame=number, parent=store.head.digest, streams=[{"stream": s.number} for s in streams])
    deltas = [delta_of(number, s.number, store.epoch) for s in streams]
    for delta in deltas:
        store.reply(frame=number, stream=delta.stream, text="raw")
        store.delta(delta)
    return store.commit(
        number=number,
        time=TIME,
        deltas=deltas,
        merged=Merged(
            changes if changes is not None else changes_of(number),
            {"posts": {"in": 2, "merged": 1, "duplicate": 0, "quarantined": 1}},
            ({"item": number, "reason": "refused"},),
        ),
        wake=["ada"],
        streams=streams,
        virtual={"last": {"frame": number}},
    )


def state_of(root: Path) -> dict[str, bytes]:
    folder = root / "state"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def check_whole(root: Path) -> int:
    """The head's number, after proving that journal, frame and files agree."""
    with opened(root) as store:
        head = store.head
        assert head is not None
        for name, value in head.documents.items():
            assert digest(name, value) == head.digests[name]
            assert digest(name, store.view.read(name)) == head.digests[name]
        assert sorted(store.view.names()) == sorted(head.documents)
        assert [item["id"] for item in elements(head.documents["posts.jsonl"])] == [
            *range(1, head.number + 1)
        ]
        assert head.documents["agents.json"]["ada"]["posts"] == head.number
        for delta in store.deltas(head.number):
            assert (root / "state" / "stream_deltas" / delta.file_name).is_file()
        assert store.take_edits() == ()
        return head.number


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


# -- crashes ---------------------------------------------------------------------------------------------


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
