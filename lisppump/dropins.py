"""The Python of a simulation folder: plugins/*.py. It reads them once, and runs only what it has read.

A file plugins/NAME.py is the plugin NAME. A file that begins with `_`, and whatever lies in folders below, is
there to be imported by plugins, always with a dot: `from . import _shared`, `from .tools.tides import Tide`.
A plain `import _shared` finds nothing, since two worlds may have a file of that name. Entries that begin with
a dot are not read (editors and git keep theirs there), nor is __pycache__, nor what lies behind a link to a
folder; where a file and a folder have one name, the file is the module.

Between the moment a folder's content is looked at (and found to be trusted) and the moment it runs, anybody
may change the files. So their bytes are held, and a loader of our own makes modules from those and nothing
else: no compiled file is read or written. What a plugin itself opens, or adds to sys.path, is not covered.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType

from lisppump.errors import LisppumpError, declare, legible

declare("plugin", 4, bad_dropin="A file in the plugins/ of a simulation folder cannot be read or loaded.")

FOLDER = "plugins"
MOST_BYTES = 10_000_000
_IMPORT = re.compile(r"\bfrom\s*\.(?:\\\n|[^(\n])*(?:\([^)]*)?|\bimport_module\([^)]*")


@dataclass(frozen=True, slots=True)
class Dropins:
    """The Python below plugins/ of one folder as it was at one moment.

    `names` are the plugins, sorted; `digest` covers every file; `files` are their bytes by their names below
    plugins/; `twins` says of a plugin that is the same file as one before it, by a link, which that is.
    """

    root: Path
    names: tuple[str, ...]
    digest: str
    files: Mapping[str, bytes] = field(repr=False)
    twins: Mapping[str, str]

    def digest_of(self, name: str) -> str:
        """The digest of one plugin's code: its own file, what is there to be imported, plugins it imports."""
        below = {file for file in self.files if not _is_plugin(file)}
        reached: set[str] = set()
        ahead = {f"{name}.py", *below}
        while ahead:
            reached |= ahead
            words = {f"{word}.py" for file in ahead for word in _imported(self.files[file])}
            ahead = (words & self.files.keys()) - reached
        return _digest({file: data for file, data in self.files.items() if file in reached})

    def path(self, name: str) -> Path:
        """Where the plugin of that name lies."""
        return self.root / FOLDER / f"{name}.py"


def look(root: Path) -> Dropins | None:
    """Read the plugins of a folder; None where there are none, or where they are the built-in stages."""
    root = Path(os.path.realpath(root))
    folder = root / FOLDER
    if not os.path.lexists(folder) or os.path.realpath(folder) in _built_in():
        return None
    found = sorted(_walk(folder))
    names = tuple(_stem(file) for file in found if _is_plugin(file))
    if not names:
        return None
    files: dict[str, bytes] = {}
    seen: dict[tuple[int, int], str] = {}
    twins: dict[str, str] = {}
    room = MOST_BYTES
    for file in found:
        files[file], identity = _read(folder, file, room)
        room -= len(files[file])
        if _is_plugin(file) and (first := seen.setdefault(identity, file)) != file:
            twins[_stem(file)] = _stem(first)
    return Dropins(root, names, _digest(files), files, twins)


def load(found: Dropins, name: str) -> ModuleType:
    """The module of a plugin, run now if it has not been run in this process; raises what its code raises."""
    if not name.isidentifier():
        raise LisppumpError(
            "bad-dropin",
            f"{FOLDER}/{legible(name)}.py cannot be loaded: its name is none that Python can import",
            help="rename it with letters, digits and _, as in my_dam.py",
        )
    package = _FINDER.package(found)
    try:
        return import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        error.msg += _hint(found, package, error.name or "")
        raise


# -- reading


def _is_plugin(file: str) -> bool:
    return "/" not in file and not file.startswith("_")


def _imported(data: bytes) -> set[str]:
    """Every word in the imports of a file that may mean a neighbour; none of it is run or parsed."""
    text = data.decode("utf-8", "replace")
    return {word for found in _IMPORT.finditer(text) for word in re.findall(r"\w+", found[0])}


def _stem(file: str) -> str:
    return file.removesuffix(".py")


def _built_in() -> list[str]:
    """The folder of lisppump's own stages: a checkout is a simulation folder, too, and they lie there."""
    return [os.path.realpath(folder) for folder in import_module("lisppump.plugins").__path__]


def _walk(folder: Path) -> Iterator[str]:
    """The name below `folder` of every .py in it that could be imported."""
    below = [""]
    while below:
        inside = below.pop()
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    name = f"{inside}{entry.name}"
                    if entry.name.startswith(".") or entry.name == "__pycache__":
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        below.append(f"{name}/")
                    elif name.endswith(".py"):
                        yield name
        except OSError as error:
            raise _unreadable(folder, inside, error) from error


def _read(folder: Path, file: str, room: int) -> tuple[bytes, tuple[int, int]]:
    """The bytes of a file and what tells it from every other; only a regular file is waited for."""
    try:
        _refuse_odd(folder, file, os.stat(folder / file))  # to open a device can do something already
        fd = os.open(folder / file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(fd, "rb") as opened:
            status = os.fstat(fd)
            _refuse_odd(folder, file, status)
            data = opened.read(room + 1) or b""  # some files of the system say only that there is nothing yet
    except OSError as error:
        raise _unreadable(folder, file, error) from error
    if len(data) > room:
        raise LisppumpError(
            "bad-dropin",
            f"{legible(folder)} holds more than {MOST_BYTES // 1_000_000} MB of Python, with {legible(file)}",
            help=f"keep what plugins import in a package that is installed, and out of {FOLDER}/",
        )
    return data, (status.st_dev, status.st_ino)


def _refuse_odd(folder: Path, file: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        message = f"{legible(folder / file)} is no regular file"
        raise LisppumpError("bad-dropin", message, help="remove it, or begin its name with a dot")


def _unreadable(folder: Path, name: str, error: OSError) -> LisppumpError:
    reason = (error.strerror or "the system did not say why").lower()
    if isinstance(error, FileNotFoundError) and os.path.islink(folder / name):
        reason = "it is a link to nothing"
    return LisppumpError(
        "bad-dropin",
        f"{legible(folder / name)} cannot be read: {reason}",
        help="mend it or remove it; until then none of the folder's plugins runs",
    )


def _digest(files: Mapping[str, bytes]) -> str:
    """The sha256 of names and contents; their lengths are in it, so that no two folders have the same."""
    total = hashlib.sha256(b"lisppump plugins 1\n")
    for file, data in files.items():
        name = os.fsencode(file)
        total.update(b"%d %d\n%s%s" % (len(name), len(data), name, data))
    return f"sha256:{total.hexdigest()}"


# -- running


class _Loader(ExecutionLoader):
    """Makes one module from bytes; a folder without an __init__.py is a package of no bytes."""

    def __init__(self, path: str | None, data: bytes, package: bool) -> None:
        self.path = path
        self.data = data
        self.package = package

    def is_package(self, fullname: str) -> bool:
        """Whether it has modules below it."""
        return self.package

    def get_filename(self, fullname: str) -> str:
        """Where the bytes were read: for tracebacks, and for those who look for the source."""
        if self.path is None:
            raise ImportError(f"{fullname} is a folder", name=fullname)
        return self.path

    def get_source(self, fullname: str) -> str:
        """The text, as it was when it was looked at."""
        return decode_source(self.data)

    def get_code(self, fullname: str) -> CodeType:
        """The code; an error of whatever kind says which file cannot be compiled."""
        path = self.path or f"<{fullname}>"
        try:
            return compile(self.data, path, "exec", dont_inherit=True)
        except SyntaxError as error:
            if error.filename:
                raise
            reason = error.msg
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) or "too deeply nested"
        raise SyntaxError(reason, (path, 1, None, None))


class _Finder(MetaPathFinder):
    """Finds the modules of drop-ins, each folder's and content's below a package of its own."""

    def __init__(self) -> None:
        self._packages: dict[str, Dropins] = {}

    def package(self, found: Dropins) -> str:
        """The name of the package below which those files are imported."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        key = hashlib.sha256(os.fsencode(found.root) + b"\0" + found.digest.encode()).hexdigest()
        name = f"lisppump_plugins_{key[:16]}"
        self._packages.setdefault(name, found)
        return name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of ours comes from; of all other modules it knows nothing."""
        package, _, rest = fullname.partition(".")
        found = self._packages.get(package)
        if found is None:
            return None
        place = rest.replace(".", "/")
        inside = f"{place}/" if place else ""
        for file, is_package in ((f"{place}.py", False), (f"{inside}__init__.py", True)):
            if file in found.files:
                return _spec(fullname, str(found.root / FOLDER / file), found.files[file], is_package)
        if any(file.startswith(inside) for file in found.files):
            return _spec(fullname, None, b"", True)
        return None


_FINDER = _Finder()


def _spec(fullname: str, path: str | None, data: bytes, package: bool) -> ModuleSpec:
    # Made by hand: the helpers of importlib would give a package its folder to search, where Python's own
    # finder would then read what we have not.
    spec = ModuleSpec(fullname, _Loader(path, data, package), origin=path, is_package=package)
    spec.has_location = path is not None
    return spec


def _hint(found: Dropins, package: str, missing: str) -> str:
    """What to add where an import in a plugin found nothing, though something may lie there."""
    if missing.startswith(f"{package}."):
        return f"; of {FOLDER}/ only .py files can be imported, and none that is behind a link to a folder"
    first = missing.partition(".")[0]
    if any(file in (f"{first}.py", f"{first}/__init__.py") for file in found.files):
        return f"; write `from . import {first}` for the one in {FOLDER}/"
    return ""
