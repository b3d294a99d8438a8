"""Packs finished segments beside whatever else is done. Nothing is written before somebody asks for it.

Reading and packing take a process of their own, which changes nothing; the file is put into its place by
`placed`, at points that do not depend on how fast that was. So a run that never rests pays little, and what
is written when is the same in every run. Where no process can be had, and for a small segment, a thread
does it: each time that it and the loop take turns costs the loop a good part of a millisecond.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from lisppump import bare, packing_child
from lisppump.disk import NEW, write_all
from lisppump.keep import Keep
from lisppump.segments import Print, Summary, fingerprint, path_of

BOOT = "import sys; sys.path.extend(sys.argv[5:]); from lisppump import packing_child; packing_child.main()"
NEEDED = ("lisppump", "orjson", "google_crc32c")
LARGE = 1024 * 1024  # bytes of a segment for which a process is worth starting
PIPE = 1024 * 1024  # bytes that it may write before anybody reads them
PATIENCE = 60  # seconds without a byte; only one that hangs is silent for so long


class Packer:
    """The segments of one journal that are being packed."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._folder = keep.folder / "journal"
        self._begun: list[tuple[Summary, Future[list[bytes] | None]]] = []

    def begin(self, said: Summary) -> None:
        """Begin to pack a segment that is plain."""
        made: Future[list[bytes] | None] = Future()
        self._begun.append((said, made))
        work = (path_of(self._folder, said.number), said, made)
        try:
            threading.Thread(target=_pack, args=work, daemon=True).start()
        except RuntimeError:  # the system has no thread left
            _pack(*work)

    def placed(self) -> Iterator[tuple[Summary, Print | None]]:
        """Wait for all that was begun and put each in the place of the plain file, which the caller removes.

        The fingerprint is None where the plain file is not what was written.
        """
        while self._begun:
            said, made = self._begun.pop(0)
            members = made.result()
            if members is not None:
                self._place(said.number, members)
            path = path_of(self._folder, said.number, packed=True)
            yield said, None if members is None else fingerprint(path)

    def _place(self, number: int, members: list[bytes]) -> None:
        """A crash leaves the plain file, or both."""
        disk, temporary = self._keep.disk, str(self._keep.folder / "tmp" / "packed")
        fd = disk.open(temporary, NEW)
        try:
            for member in members:
                write_all(disk, fd, member)
            disk.sync(fd)
        finally:
            disk.close(fd)
        disk.rename(temporary, str(path_of(self._folder, number, packed=True)))
        disk.sync_folder(str(self._folder))


def _pack(path: Path, said: Summary, made: Future[list[bytes] | None]) -> None:
    """Pack a segment; None is made of one that is not what was written."""
    try:
        try:
            found = _apart(path, said) if said.size >= LARGE else _here(path, said)
        except (OSError, ValueError):  # no process can be had, or it did not come to its end
            found = _here(path, said)
        made.set_result(found)
    except BaseException as error:
        made.set_exception(error)


def _here(path: Path, said: Summary) -> list[bytes] | None:
    return packing_child.packed(path, said.size, said.count, said.last)


def _apart(path: Path, said: Summary) -> list[bytes] | None:
    """The same by a process of its own; OSError where none can be had, ValueError where it says not all."""
    import subprocess  # most processes never pack

    facts = (str(path.resolve()), str(said.size), str(said.count), said.last)
    with subprocess.Popen(
        bare.command(BOOT, *facts, *bare.folders(NEEDED)),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd="/", env=bare.environment(), start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            return packing_child.read(_output(process.stdout.fileno()), said.size)
        finally:
            process.kill()  # it has said all, or will not


def _output(pipe: int) -> bytes:
    """All that such a process writes, as far as it comes.

    The end of the pipe is not waited for: who forks while the process is started has it open, too.
    """
    _widen(pipe)
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    output = b""
    while len(output) < packing_child.length(output) and ready.poll(1000 * PATIENCE):
        more = os.read(pipe, PIPE)
        if not more:
            break
        output += more
    return output


def _widen(pipe: int) -> None:
    """Let a pipe hold all that is written to it, as far as the system allows: it is read in fewer pieces."""
    import fcntl

    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
