"""The state store after power cuts: what was acknowledged is there, and the rest is made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lisppump import canon, journal
from lisppump.disk import NEW, write_all
from lisppump.documents import digest
from lisppump.reservoir import Store
from lisppump.testing import FaultyDisk, Image, Operation, image_of, power_cuts
from tests.storing import TIME, WORLD, opened, step

FRAMES = 3
BY_HAND = b"be kinder"


@dataclass
class Told:
    """What the caller was told, and after how many operations."""

    frames: list[tuple[int, int]] = field(default_factory=list)

    def by(self, k: int) -> int:
        """The newest frame that somebody knew of when k operations were done."""
        return max((frame for frame, after in self.frames if after <= k), default=-1)


def edit(root: Path, disk: FaultyDisk) -> None:
    """What somebody's editor does: a new file, synced, in the place of the old."""
    fd = disk.open(str(root / "state" / ".rules.md.swp"), NEW)
    write_all(disk, fd, BY_HAND)
    disk.sync(fd)
    disk.close(fd)
    disk.rename(str(root / "state" / ".rules.md.swp"), str(root / "state" / "rules.md"))
    disk.sync_folder(str(root / "state"))


def live(store: Store, root: Path, disk: FaultyDisk, told: Told) -> None:
    """Go on from wherever it is to the last frame; before the second somebody edits a document."""
    if store.head is None:
        store.start(WORLD, time=TIME, source="genesis")
        told.frames.append((0, len(disk.trace)))
    assert store.head is not None
    while store.head.number < FRAMES:
        if store.head.number == 1:
            edit(root, disk)
        told.frames.append((step(store).number, len(disk.trace)))


def lived(root: Path) -> tuple[list[Operation], Told]:
    """A whole life, and all that it did to the disk."""
    disk, told = FaultyDisk(), Told()
    with opened(root, disk=disk) as store:
        live(store, root, disk, told)
    return disk.trace, told


def state_of(root: Path) -> dict[str, Any]:
    """All files of the state; of deltas all but the opening of the world that they came from."""
    found: dict[str, Any] = {}
    for path in sorted((root / "state").rglob("*")):
        name = str(path.relative_to(root / "state"))
        if path.is_file() and not name.startswith("."):
            found[name] = path.read_bytes()
            if path.parent.name == "stream_deltas":
                found[name] = {k: v for k, v in json.loads(found[name]).items() if k != "epoch"}
    return found


def disguise(root: Path) -> None:
    """Let each file that has the size it should have look untouched, as where only its bytes were lost."""
    index = root / ".lisppump" / "index"
    if not index.exists():
        return
    lines = []
    for text in index.read_bytes().split(b"\n"):
        try:
            line = json.loads(text)
        except ValueError:
            lines.append(text)
            continue
        for name, entry in line.get("documents", {}).items():
            path = root / "state" / name
            if entry is not None and path.is_file() and path.stat().st_size == entry[0][0]:
                found = path.stat()
                entry[0] = [found.st_size, found.st_mtime_ns, found.st_ino]
        lines.append(canon.line(line))
    index.write_bytes(b"\n".join(lines))


def cuts(
    trace: list[Operation], root: Path, *, seeds: int, every: int = 1
) -> Iterator[tuple[int, str, Image]]:
    """Each image once that a power cut may leave, or every so-manieth of the ways to leave one."""
    seen = set()
    ways = ((k, *way) for k in range(len(trace) + 1) for way in power_cuts(trace, k, seeds=seeds))
    for number, (k, name, fates) in enumerate(ways):
        if number % every == 0:
            image = image_of(trace, k, fates, root=root)
            if image.key not in seen:
                seen.add(image.key)
                yield k, name, image


def check(root: Path, k: int, told: Told, whole: dict[str, Any]) -> None:
    """A restart after a cut: nothing is missing that anybody knew of, and the end is the same."""
    before = Image.read(root)
    with opened(root, write=False, disk=FaultyDisk(boot="two")) as reader:
        if reader.head is not None:
            for name, value in reader.head.documents.items():
                assert digest(name, value) == reader.head.digests[name]
        lies = root / "state" / "rules.md"
        by_hand = {"rules.md"} if lies.is_file() and lies.read_bytes() == BY_HAND else set()
        assert {*reader.pending_edits()} <= by_hand  # which somebody wrote, whether the power went or not
    assert Image.read(root) == before
    disk = FaultyDisk(boot="two")
    with opened(root, disk=disk) as store:
        number = -1 if store.head is None else store.head.number
        assert number >= told.by(k)
        if store.head is not None:
            for name, wanted in store.head.digests.items():
                assert digest(name, store.view.read(name)) == wanted
            assert set(store.view.names()) == set(store.head.documents)
        live(store, root, disk, Told())
    assert state_of(root) == whole
    with opened(root, write=False) as store:
        assert store.head is not None
        assert [commit["frame"] for commit in store.commits()] == list(range(1, FRAMES + 1))
        for commit in store.commits():
            assert len(store.deltas(commit["frame"])) == len(commit["deltas"]) == 2


def _run(ram_path: Path, *, seeds: int, every: int = 1) -> int:
    root = ram_path / "whole"
    root.mkdir()
    trace, told = lived(root)
    assert Image.read(root) == image_of(trace, len(trace), {}, root=root)  # the model is the disk
    whole, number = state_of(root), 0
    for k, name, image in cuts(trace, root, seeds=seeds, every=every):
        number += 1
        folder = ram_path / "cut"
        image.write(folder)
        if number % 2:
            disguise(folder)
        try:
            check(folder, k, told, whole)
        except BaseException as error:
            error.add_note(f"after {k} of {len(trace)} operations ({trace[k - 1] if k else ''}); {name}")
            raise
        shutil.rmtree(folder)
    return number


def test_a_power_cut_at_any_point_loses_nothing(ram_path: Path) -> None:
    assert _run(ram_path, seeds=2, every=29) > 100


@pytest.mark.slow
@pytest.mark.parametrize("segment", [1500, journal.SEGMENT])
def test_every_power_cut_loses_nothing(ram_path: Path, monkeypatch: pytest.MonkeyPatch, segment: int) -> None:
    monkeypatch.setattr(journal, "SEGMENT", segment)
    assert _run(ram_path, seeds=24) > 1000


def test_a_power_cut_where_the_journal_goes_on_in_a_new_segment(
    ram_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SEGMENT", 1500)
    assert _run(ram_path, seeds=2, every=61) > 50
