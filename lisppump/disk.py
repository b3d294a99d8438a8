"""The one seam through which the machinery changes the disk; tests fail in it. It decides nothing."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from lisppump.errors import LisppumpError, declare


class StateError(LisppumpError):
    """Trouble with the world on disk: locked, damaged, full, or not what it should be."""


declare(
    "state", 5,
    locked="Another process is writing this world.",
    damaged="The journal or what it refers to was changed or lost; nothing is run on top of it.",
    bad_format="The world was written in another format of the journal, or its marks are missing.",
    disk="The disk did not take what was written.",
    gone="The journal was taken away or replaced while a run was writing it.",
    not_writable="A file or folder of the world may not be written.",
    bad_document="A document of the state cannot be read.",
)  # fmt: skip

_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LOOK = "`lisppump doctor` looks at the folder and its disk; then say it again"
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Disk:
    """The real disk: every method is one call of the system and raises OSError."""

    def open(self, path: str, flags: int) -> int:
        """A descriptor; with NEW or APPEND the file is made when absent."""
        return os.open(path, flags | os.O_CLOEXEC, 0o666)

    def write(self, fd: int, data: bytes) -> int:
        """Write once; how many bytes were taken."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Return when the file's bytes are on the disk."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Let go of a descriptor."""
        os.close(fd)

    def rename(self, source: str, target: str) -> None:
        """Replace `target` in one step."""
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        """Make a folder and those above it where they are absent; what is made outlives a power cut."""
        missing = []
        place = os.path.abspath(path)
        while not os.path.isdir(place):
            missing.append(place)
            place = os.path.dirname(place)
        for folder in reversed(missing):
            self.make_folder(folder)
            self.sync_folder(os.path.dirname(folder))

    def make_folder(self, path: str) -> None:
        """Make one folder; one that is there already is as good."""
        with suppress(FileExistsError):
            os.mkdir(path)

    def sync_folder(self, path: str) -> None:
        """Return when the folder's entries are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def room(self, path: str) -> tuple[int, int]:
        """Bytes that are free for us, and all bytes, of the file system that holds a folder."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def boot(self) -> str:
        """What tells one start of the machine from the next; "" where the system does not say."""
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""


def trouble(error: OSError, doing: str) -> StateError:
    """The state error for a system error; `doing` says what was tried, as in `writing agents.json`."""
    reason = os.strerror(error.errno).lower() if error.errno else "the system did not say why"
    if error.errno in _FORBIDDEN:
        right = "give the user who runs lisppump the right to read and write there"
        return StateError("not-writable", f"{doing} is not allowed: {reason}", help=right)
    help = "make room, then run again" if error.errno in _FULL else _LOOK
    return StateError("disk", f"{doing} failed: {reason}; nothing that was committed is lost", help=help)


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """Write all of it, however many calls that takes."""
    while data:
        taken = disk.write(fd, data)
        if taken <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        data = data[taken:]


def replace(disk: Disk, temporary: str, target: str, data: bytes, *, sync: bool, folder: bool = True) -> None:
    """Put a whole file in place of another, or leave that as it was; with `sync` it outlives a power cut.

    For that its folder must be synced, too: by the caller where `folder` is false.
    """
    fd = disk.open(temporary, NEW)
    try:
        write_all(disk, fd, data)
        if sync:
            disk.sync(fd)
    finally:
        disk.close(fd)
    disk.rename(temporary, target)
    if sync and folder:
        disk.sync_folder(os.path.dirname(target))
