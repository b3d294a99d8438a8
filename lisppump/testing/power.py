"""What a disk may hold after a power cut, made from the trace of a FaultyDisk. It runs nothing.

What was synced is there: a file's bytes by a sync of that file, its name by one of its folder. Everything
else may be there or not, each on its own, and of a write any of its sectors: a file that was renamed before
its bytes were synced can be empty, or full of zeros. A sector is written whole: what it holds of a write it
holds of all that came before.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lisppump.testing.disks import Operation

SECTOR = 512
_NAMES = ("open", "rename", "unlink", "mkdir")

Fates = Mapping[int, "frozenset[int] | bool"]
"""For each operation that was not synced, whether it is there; of a write also which of its sectors are."""


@dataclass(slots=True)
class Image:
    """Files and folders below a root, by their relative paths."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, root: Path) -> Image:
        """What lies below a folder."""
        image = cls()
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if path.is_dir():
                image.folders.add(name)
            elif path.is_file():
                image.files[name] = path.read_bytes()
        return image

    def write(self, root: Path) -> None:
        """Put it into a new folder."""
        root.mkdir(parents=True)
        for name in sorted(self.folders):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (root / name).write_bytes(data)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal images."""
        return (*sorted(self.folders), *sorted(self.files.items()))


def power_cuts(trace: Sequence[Operation], k: int, *, seeds: int = 24) -> Iterator[tuple[str, Fates]]:
    """What a power cut after the first k operations may do, with a name: to all, to each, and by dice.

    All lost; all there; each one lost, and each one kept, alone; each write torn at its sectors; and `seeds`
    sets that dice choose.
    """
    open_ = _unsynced(trace, k)
    yield "all lost", dict.fromkeys(open_, False)
    yield "all there", {}
    for i in open_:
        said = f"{trace[i].kind} {os.path.basename(trace[i].path)} ({i})"
        yield f"lost: {said}", {i: False}
        yield f"kept: {said}", {j: j == i for j in open_}
        if trace[i].kind == "write":
            sectors = _sectors(trace[i])
            yield f"zeros: {said}", {i: frozenset()}
            for cut in sorted({1, len(sectors) // 2, len(sectors) - 1} - {0, len(sectors)}):
                yield f"torn: {said}", {i: frozenset(sectors[:cut])}
                yield f"torn before: {said}", {i: frozenset(sectors[cut:])}
    for seed in range(seeds if open_ else 0):
        dice = random.Random(f"{k}.{seed}")
        yield f"dice {seed}", {i: _cast(dice, trace[i]) for i in open_}


def _cast(dice: random.Random, operation: Operation) -> frozenset[int] | bool:
    if operation.kind != "write" or dice.random() < 0.5:
        return dice.random() < 0.5
    return frozenset(sector for sector in _sectors(operation) if dice.random() < 0.5)


def image_of(
    trace: Sequence[Operation], k: int, fates: Fates, *, root: Path, base: Image | None = None
) -> Image:
    """What lies below `root` after a power cut after the first k operations, which began on `base`."""
    return _Machine(str(root), base or Image()).run(trace, k, fates)


def _unsynced(trace: Sequence[Operation], k: int) -> list[int]:
    """The numbers of the changes that a power cut after the first k operations may take back."""
    files: dict[int, int] = {}
    folders: dict[str, int] = {}
    for operation in trace[:k]:
        if operation.kind == "sync":
            files[operation.file] = max(files.get(operation.file, 0), operation.covers)
        elif operation.kind == "sync_folder":
            folders[operation.path] = max(folders.get(operation.path, 0), operation.covers)
    found = []
    named: set[int] = set()
    for i, operation in enumerate(trace[:k]):
        if operation.kind in ("write", "truncate"):
            safe = i < files.get(operation.file, 0)
        elif operation.kind in _NAMES:
            safe = i < folders.get(os.path.dirname(operation.target or operation.path), 0)
            safe = safe or (operation.kind == "open" and operation.file in named)
        else:
            continue
        if operation.kind == "open":
            named.add(operation.file)
        if not safe:
            found.append(i)
    return found


def _sectors(operation: Operation) -> list[int]:
    """The sectors of a file that a write touches."""
    end = operation.place + len(operation.data)
    return [*range(operation.place // SECTOR, (end + SECTOR - 1) // SECTOR)]


class _Machine:
    """A run of a trace: what the process saw, and beside it what the disk keeps."""

    def __init__(self, root: str, base: Image) -> None:
        self._root = root
        self._inodes: dict[int, bytearray] = {}  # what the disk keeps of each file, by a number of our own
        self._bytes: dict[int, bytearray] = {}  # what the process saw of it
        self._seen: dict[str, int] = {}  # the names as the process saw them
        self._kept: dict[str, int] = {}  # the names as the disk keeps them
        self._folders = set(base.folders)
        self._known: dict[int, int] = {}  # from the trace's numbers of files to ours
        for name, data in base.files.items():
            self._kept[name] = self._seen[name] = self._new(data)

    def _new(self, data: bytes = b"") -> int:
        number = len(self._inodes)
        self._inodes[number], self._bytes[number] = bytearray(data), bytearray(data)
        return number

    def run(self, trace: Sequence[Operation], k: int, fates: Fates) -> Image:
        for i, operation in enumerate(trace[:k]):
            fate = fates.get(i, True)
            if operation.kind in _NAMES:
                self._name(operation, fate is not False)
            elif operation.kind in ("write", "truncate"):
                self._change(operation, fate)
        image = Image(folders={name for name in self._folders if self._reached(name)})
        for name, inode in self._kept.items():
            if self._reached(name):
                image.files[name] = bytes(self._inodes[inode])
        return image

    def _reached(self, name: str) -> bool:
        folder = os.path.dirname(name)
        return not folder or (folder in self._folders and self._reached(folder))

    def _name(self, operation: Operation, kept: bool) -> None:
        path = self._inside(operation.path)
        if operation.kind == "mkdir":
            if kept and path:
                self._folders.add(path)
        elif operation.kind == "open":
            if path not in self._seen:
                self._seen[path] = self._new()
                if kept:
                    self._kept[path] = self._seen[path]
            self._known[operation.file] = self._seen[path]
        else:
            inode = self._seen.pop(path)
            if kept and self._kept.get(path) == inode:
                del self._kept[path]
            if operation.kind == "rename":
                target = self._inside(operation.target)
                self._seen[target] = inode
                if kept:
                    self._kept[target] = inode

    def _inside(self, path: str) -> str:
        inside = os.path.relpath(path, self._root)
        return "" if inside == "." else inside

    def _change(self, operation: Operation, fate: frozenset[int] | bool) -> None:
        """One change of a file's bytes; a sector that is kept holds all that the process had put there."""
        number = self._known[operation.file]
        kept, seen = self._inodes[number], self._bytes[number]
        end = operation.place + len(operation.data)
        if operation.kind == "truncate":
            for data in (seen, kept) if fate else (seen,):
                del data[end:]
                data.extend(bytes(end - len(data)))
            return
        seen.extend(bytes(max(0, end - len(seen))))
        seen[operation.place : end] = operation.data
        if fate is False:
            return
        sectors = _sectors(operation)
        wanted = sectors if fate is True else sorted(fate)
        if wanted and wanted == sectors[: len(wanted)]:  # a beginning: the file ends there
            end = min(end, (wanted[-1] + 1) * SECTOR)
        kept.extend(bytes(max(0, end - len(kept))))
        for sector in wanted:
            start, stop = sector * SECTOR, min((sector + 1) * SECTOR, len(kept), len(seen))
            kept[start:stop] = seen[start:stop]
