"""The built-in reservoir: documents as files of a folder that people read and edit. It knows no frame."""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from lisppump import canon
from lisppump.disk import Disk, StateError, replace, trouble, write_all
from lisppump.documents import encode, encode_lines, is_document, is_log, parse
from lisppump.errors import LisppumpError

DELTAS = "stream_deltas"
BEFORE = "before"
_DELTA = re.compile(r"frame-(\d+)-stream-")


class Files:
    """One folder; names are paths below it; dot-files, deltas and unknown suffixes are no documents."""

    options: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, folder: str | Path, *, disk: Disk | None = None) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.temporary = self.folder.parent / ".lisppump" / "tmp"
        self.disk = disk or Disk()
        self._sound: set[str] = set()
        self._paths: dict[str, Path] = {}  # of names that are in order

    def names(self) -> list[str]:
        """All document names, sorted."""
        names, refused = self.listing()
        for error in refused.values():
            raise error
        return names

    def listing(self) -> tuple[list[str], dict[str, StateError]]:
        """All document names, sorted; and what lies there that cannot be one, by name, and why."""
        refused: dict[str, StateError] = {}
        try:
            return sorted(self._walk(str(self.folder), "", refused)), refused
        except FileNotFoundError:
            return [], refused
        except OSError as error:
            raise trouble(error, f"reading the folder {self.folder.name}") from error

    def _walk(self, folder: str, prefix: str, refused: dict[str, StateError]) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.name.startswith(".") or name == DELTAS:
                    continue
                try:
                    if entry.is_symlink() and (is_document(name) or entry.is_dir()):
                        self._inside(entry.path, name)
                    if entry.is_dir(follow_symlinks=False):
                        yield from self._walk(entry.path, name + "/", refused)
                    elif is_document(name) and entry.is_file():
                        yield _utf8(name)
                except StateError as error:
                    refused[_utf8(name, strict=False)] = error

    def path(self, name: str) -> Path:
        """Where a document lies; a name never leads out of the folder."""
        known = self._paths.get(name)
        if known is not None:
            return known
        parts = name.split("/")
        bad = any(part == "" or part.startswith(".") or "\0" in part or _long(part) for part in parts)
        if bad or parts[0] == DELTAS or not is_document(name):
            help = "names end in .json, .jsonl, .md or .txt, stay inside the folder and fit into 255 bytes"
            raise StateError(
                "bad-document", f"`{_utf8(name, strict=False)}` is no name of a document", help=help
            )
        path = self.folder.joinpath(*parts)
        parent = str(path.parent)
        if parent not in self._sound:
            self._inside(parent, name)
            self._sound.add(parent)
        self._paths[name] = path
        return path

    def _inside(self, path: str, name: str) -> None:
        root = os.path.realpath(self.folder)
        real = os.path.realpath(path)
        if real != root and not real.startswith(root + os.sep):
            help = "put the file itself there instead of a link"
            raise StateError("bad-document", f"`{name}` is a link out of the state folder", help=help)

    def _label(self, name: str) -> str:
        return f"{self.folder.name}/{name}"

    def read(self, name: str) -> Any:
        """The document's value: JSON data, a list or a window on one for JSON Lines, text for Markdown."""
        return parse(name, self.raw(name), self._label(name))

    def raw(self, name: str) -> bytes:
        """The document's bytes."""
        path = self.path(name)
        if path.is_symlink():
            self._inside(str(path), name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise StateError("bad-document", f"there is no document {self._label(name)}") from None
        except OSError as error:
            raise trouble(error, f"reading {self._label(name)}") from error

    def fingerprint(self, name: str) -> tuple[int, ...] | None:
        """Size, time of the last change and inode; None when nothing is there."""
        path = self.path(name)
        try:
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                self._inside(str(path), name)
                found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise trouble(error, f"reading {self._label(name)}") from error
        if not stat.S_ISREG(found.st_mode):
            help = "move it away, or put the file back"
            raise StateError("bad-document", f"{self._label(name)} should be a file, but is none", help=help)
        return (found.st_size, found.st_mtime_ns, found.st_ino)

    def write(self, name: str, value: Any) -> None:
        """Replace a document atomically."""
        data = encode(name, value)
        path = self.path(name)
        self._changing(name, lambda: self._replace(str(path), data))

    def append(self, name: str, items: Sequence[Any]) -> None:
        """Add items to a JSON-Lines document or pieces of text to a Markdown one; all of them or none."""
        data = encode_lines(items) if is_log(name) else "".join(items).encode()
        path = self.path(name)
        self._changing(name, lambda: self._append(path, data, lines=is_log(name)))

    def delete(self, name: str) -> None:
        """Remove a document."""
        path = self.path(name)
        if path.exists():
            self._changing(name, lambda: self.disk.unlink(str(path)))

    def sync(self, names: Iterable[str]) -> None:
        """Return when these documents would outlive a power cut."""
        paths = [path for path in map(self.path, names) if path.exists()]
        for path in paths:
            fd = self.disk.open(str(path), os.O_RDONLY)
            try:
                self.disk.sync(fd)
            finally:
                self.disk.close(fd)
        for folder in sorted({str(path.parent) for path in paths}):
            self.disk.sync_folder(folder)

    def _changing(self, name: str, change: Callable[[], None]) -> None:
        try:
            change()
        except OSError as error:
            raise trouble(error, f"writing {self._label(name)}") from error

    def _replace(self, path: str, data: bytes) -> None:
        """The temporary file has a short name of its own: documents' names may fill all 255 bytes."""
        for folder in (os.path.dirname(path), str(self.temporary)):
            if not os.path.isdir(folder):
                self.disk.mkdir(folder)
        replace(self.disk, os.path.join(self.temporary, "document"), path, data, sync=False)

    def _append(self, path: Path, data: bytes, *, lines: bool) -> None:
        if not path.exists():
            return self._replace(str(path), data)
        fd = self.disk.open(str(path), os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(fd).st_size
            if lines and size and os.pread(fd, 1, size - 1) != b"\n":
                data = b"\n" + data
            try:
                write_all(self.disk, fd, data)
            except OSError:
                self.disk.truncate(fd, size)
                raise
        finally:
            self.disk.close(fd)

    # -- deltas ----------------------------------------------------------------------------------------------

    def write_delta(self, name: str, data: bytes, *, again: bool = False) -> None:
        """Write a delta's file into `stream_deltas/`; `again`: unless it is there as it should be.

        Where another whole delta has the name, of an earlier life of this folder, it is moved to `before/`.
        """
        path = os.path.join(self.folder, DELTAS, name)
        if self._holds(path, data):
            if again:
                return
        elif _is_whole(path):
            self._changing(f"{DELTAS}/{BEFORE}/{name}", lambda: self._move_aside(path, name))
        self._changing(f"{DELTAS}/{name}", lambda: self._replace(path, data))

    def newest_delta(self) -> int | None:
        """The newest frame of which a delta's file lies there."""
        try:
            names = os.listdir(self.folder / DELTAS)
        except OSError:
            return None
        frames = [int(found[1]) for name in names if (found := _DELTA.match(name))]
        return max(frames, default=None)

    def _move_aside(self, path: str, name: str) -> None:
        folder, stem = self.folder / DELTAS / BEFORE, name.removesuffix(".json")
        if not folder.is_dir():
            self.disk.mkdir(str(folder))
        number, target = 1, folder / name
        while os.path.lexists(target):
            number += 1
            target = folder / f"{stem}.{number}.json"
        self.disk.rename(path, str(target))

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return Path(path).read_bytes() == data
        except OSError:
            return False

    def drop_deltas(self, names: Iterable[str]) -> int:
        """Remove delta files, where they are there, and count them."""
        count = 0
        for name in names:
            path = os.path.join(self.folder, DELTAS, name)
            if os.path.exists(path):
                self._changing(f"{DELTAS}/{name}", functools.partial(self.disk.unlink, path))
                count += 1
        return count


def _is_whole(path: str) -> bool:
    """True for a file that holds JSON, as one that a crash has cut short does not."""
    try:
        canon.loads(Path(path).read_bytes())
    except (OSError, LisppumpError):
        return False
    return True


def _long(part: str) -> bool:
    """True for what no folder takes as a name: of more than 255 bytes, or no UTF-8."""
    try:
        return len(part.encode()) > 255
    except UnicodeEncodeError:
        return True


def _utf8(name: str, *, strict: bool = True) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        if not strict:
            return shown
        help = "rename the file"
        raise StateError("bad-document", f"the name of the file `{shown}` is not UTF-8", help=help) from None
    return name
