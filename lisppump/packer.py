"""Packs finished segments beside whatever else is done. Nothing is written before somebody asks for it.

Reading and packing take a thread of their own, which changes nothing; the file is put into its place by
`placed`, at points that do not depend on how fast that was. So a run that never rests pays little, and what
is written when is the same in every run.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from lisppump import packing
from lisppump.disk import NEW, write_all
from lisppump.keep import Keep
from lisppump.records import checked
from lisppump.segments import Print, Summary, fingerprint, path_of


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
        data = path.read_bytes()
        sound = len(data) == said.size and checked(data) == (said.count, said.last)
        made.set_result(list(packing.members(data)) if sound else None)
    except BaseException as error:
        made.set_exception(error)
