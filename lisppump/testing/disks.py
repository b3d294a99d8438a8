"""A disk for tests: it counts and remembers every change, and fails, fills up or stops at the k-th."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass

from lisppump.disk import Disk

_WRITING = os.O_WRONLY | os.O_RDWR


class Crash(BaseException):
    """The process ends here; nothing catches it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change that was made: `kind` is open, write, sync, truncate, rename, unlink, mkdir or sync_folder.

    `file` tells one file from another, whatever it is called by then. `place` is the offset of a write or the
    size a file was cut to; `covers` says how many operations had ended when a sync began: it covers no other.
    """

    kind: str
    path: str
    file: int = 0
    target: str = ""
    place: int = 0
    data: bytes = b""
    covers: int = 0


class FaultyDisk(Disk):
    """A disk for whatever makes all of its changes through a `lisppump.disk.Disk`.

    Before change number `stop`, counted from 0, it raises Crash, and ever after; a `torn` write has half of
    its bytes by then. `full` is for how many bytes there is room, `short` how many one write takes at most;
    `fail` lets a change fail, `free` says what share of the room is free, `boot` tells one start of the
    machine from the next. `trace` is what was done, in order.
    """

    def __init__(self, stop: int | None = None, *, torn: bool = False, boot: str = "one") -> None:
        self.stop = stop
        self.torn = torn
        self.full: int | None = None
        self.short: int | None = None
        self.free: float | None = None
        self.count = 0
        self.syncs = 0
        self.trace: list[Operation] = []
        self._boot = boot
        self._faults: tuple[int, int, bool] | None = None
        self._files: dict[tuple[int, int], int] = {}
        self._paths: dict[int, str] = {}
        self._held: set[int] = set()
        self._lock = threading.Lock()

    def fail(self, code: int, at: int = 0, *, lasting: bool = False) -> None:
        """Let the change that comes after `at` others fail with an errno; `lasting`: and all after it."""
        self._faults = (self.count + at, code, lasting)

    def heal(self) -> None:
        """No more faults."""
        self._faults = self.full = self.short = self.stop = None

    def die(self) -> None:
        """Close what was opened and not closed, as the kernel does for a process that has ended."""
        for fd in self._held:
            os.close(fd)
        self._held.clear()

    def _step(self) -> None:
        with self._lock:
            if self.stop is not None and self.count >= self.stop:
                raise Crash
            number, self.count = self.count, self.count + 1
        if self._faults is not None:
            at, code, lasting = self._faults
            if number == at or (lasting and number > at):
                raise OSError(code, os.strerror(code))

    def _did(self, kind: str, path: str, **more: int | str | bytes) -> None:
        self.trace.append(Operation(kind, path, **more))  # type: ignore[arg-type]

    def _file(self, fd: int) -> int:
        found = os.fstat(fd)
        return self._files[found.st_dev, found.st_ino]

    def open(self, path: str, flags: int) -> int:
        """One change where it is for writing: it may make the file, or empty it."""
        if not flags & _WRITING:
            fd = super().open(path, flags)
        else:
            self._step()
            fresh = not os.path.exists(path)
            fd = super().open(path, flags)
            self._opened(fd, os.path.abspath(path), fresh, bool(flags & os.O_TRUNC))
        self._held.add(fd)
        return fd

    def _opened(self, fd: int, path: str, fresh: bool, emptied: bool) -> None:
        found = os.fstat(fd)
        key = found.st_dev, found.st_ino
        if fresh or key not in self._files:  # an inode's number is given again once its file is gone
            self._files[key] = len(self.trace) + 1
        file = self._paths_of(key, path)
        self._did("open", path, file=file)
        if emptied and not fresh:
            self._did("truncate", path, file=file)

    def _paths_of(self, key: tuple[int, int], path: str) -> int:
        file = self._files[key]
        self._paths[file] = path
        return file

    def close(self, fd: int) -> None:
        """Let go of a descriptor; this is no change."""
        self._held.discard(fd)
        super().close(fd)

    def write(self, fd: int, data: bytes) -> int:
        """Write once, as far as there is room."""
        if self.torn and self.stop is not None and self.count >= self.stop:
            self.torn = False  # the first that is stopped is the last that was done, by half
            self._write(fd, data[: len(data) // 2])
        self._step()
        if self.full is not None:
            if self.full == 0:
                raise OSError(errno.ENOSPC, "full")
            data = data[: self.full]
            self.full -= len(data)
        return self._write(fd, data if self.short is None else data[: self.short])

    def _write(self, fd: int, data: bytes) -> int:
        taken = super().write(fd, data)
        file = self._file(fd)
        place = os.lseek(fd, 0, os.SEEK_CUR) - taken
        self._did("write", self._paths[file], file=file, place=place, data=data[:taken])
        return taken

    def sync(self, fd: int) -> None:
        """One change: what was written would outlive a power cut; no test waits for a real disk."""
        self._step()
        self.syncs += 1
        covers = len(self.trace)
        found = os.fstat(fd)
        file = self._files.get((found.st_dev, found.st_ino), 0)  # 0: nobody wrote it through this disk
        self._did("sync", self._paths.get(file, ""), file=file, covers=covers)

    def truncate(self, fd: int, size: int) -> None:
        """One change."""
        self._step()
        super().truncate(fd, size)
        file = self._file(fd)
        self._did("truncate", self._paths[file], file=file, place=size)

    def rename(self, source: str, target: str) -> None:
        """One change."""
        self._step()
        super().rename(source, target)
        self._did("rename", os.path.abspath(source), target=os.path.abspath(target))

    def unlink(self, path: str) -> None:
        """One change."""
        self._step()
        super().unlink(path)
        self._did("unlink", os.path.abspath(path))

    def make_folder(self, path: str) -> None:
        """One change."""
        self._step()
        super().make_folder(path)
        self._did("mkdir", os.path.abspath(path))

    def sync_folder(self, path: str) -> None:
        """One change."""
        self._step()
        covers = len(self.trace)
        os.stat(path)
        self._did("sync_folder", os.path.abspath(path), covers=covers)

    def room(self, path: str) -> tuple[int, int]:
        """What it was told, or the real disk's."""
        if self.free is None:
            return super().room(path)
        return int(self.free * 2**40), 2**40

    def boot(self) -> str:
        """The start of the machine that this disk was given."""
        return self._boot
