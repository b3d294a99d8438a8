"""What the tests of the state store share: a small world, frames of it, and the check that it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lisppump.delta import Delta
from lisppump.disk import Disk
from lisppump.documents import digest
from lisppump.files import Files
from lisppump.frame import Frame, Stream
from lisppump.lispy.values import elements
from lisppump.merge_changes import Change
from lisppump.reservoir import Store

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


def came(store: Store, *, kind: str = "reply", **fields: Any) -> None:
    """Journal one answer."""
    store.came([(kind, fields)])


def step(store: Store, changes: tuple[Change, ...] | None = None, pipes: int = 2) -> Frame:
    """One whole frame, as the loop writes it."""
    store.take_edits()
    assert store.head is not None
    number = store.head.number + 1
    streams = [Stream(n, ("ada",) if n == 1 else ("bob",)) for n in range(1, pipes + 1)]
    store.intent(frame=number, parent=store.head.digest, streams=[{"stream": s.number} for s in streams])
    deltas = [delta_of(number, s.number, store.epoch) for s in streams]
    for delta in deltas:
        came(store, frame=number, stream=delta.stream, text="raw")
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


def lived(root: Path, frames: int = 5) -> Path:
    """A world of so many frames, closed."""
    with begun(root) as store:
        for _ in range(frames):
            step(store)
    return root


def segments(root: Path) -> list[Path]:
    """The files of the journal, oldest first."""
    return sorted((root / ".lisppump" / "journal").iterdir())


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
