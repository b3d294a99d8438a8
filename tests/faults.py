"""A disk that fails on purpose: it stops the process at the k-th change, or has no room for it."""

from __future__ import annotations

import errno
import os

from lisppump.disk import Disk
from lisppump.reservoir import Store


class Crash(BaseException):
    """The process ends here; nothing catches it."""


class FaultyDisk(Disk):
    """Counts changes; `stop` is the change before which the process ends, `full` the bytes that have room."""

    def __init__(self, stop: int | None = None, *, torn: bool = False, boot: str = "one") -> None:
        self.stop = stop
        self.torn = torn
        self.full: int | None = None
        self.count = 0
        self.syncs = 0
        self._boot = boot

    def _step(self) -> None:
        if self.stop is not None and self.count >= self.stop:
            raise Crash
        self.count += 1

    def write(self, fd: int, data: bytes) -> int:
        if self.torn and self.stop is not None and self.count == self.stop:
            os.write(fd, data[: len(data) // 2])
        self._step()
        if self.full is not None:
            if self.full == 0:
                raise OSError(errno.ENOSPC, "full")
            data = data[: self.full]
            self.full -= len(data)
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._step()
        self.syncs += 1
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._step()
        super().truncate(fd, size)

    def rename(self, source: str, target: str) -> None:
        self._step()
        super().rename(source, target)

    def unlink(self, path: str) -> None:
        self._step()
        super().unlink(path)

    def sync_folder(self, path: str) -> None:
        self._step()
        super().sync_folder(path)

    def boot(self) -> str:
        return self._boot


def die(store: Store) -> None:
    """Let go of a store as a killed process does: the kernel closes its files, and nothing is written."""
    for fd in (store._keep._lock, store._journal._fd):
        if fd >= 0:
            os.close(fd)
    store._keep._lock = store._journal._fd = -1
