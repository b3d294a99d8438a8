"""plugins.lock: the plugins a world was made with, and where they came from. It installs nothing."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lisppump.disk import Disk, replace, trouble
from lisppump.errors import LisppumpError, Source, Span, declare, suggest

NAME = "plugins.lock"
FORMAT = 1
# A folder from elsewhere may hold anything under this name, and TOML can be made to take long to read.
LONGEST = 1 << 16  # bytes
LONGEST_LINE = 1000
HEADER = (
    "# The plugins of this world, written by `lisppump plugins add` and `remove`; keep it with the world.\n"
    "# `lisppump plugins sync` makes an environment what stands here.\n"
)
KEYS = ("version", "source", "editable")

declare("usage", 1, bad_lock="A plugins.lock is damaged, or holds what lisppump never writes there.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One distribution: its canonical name and its version.

    `source` is the path it was installed from, absolute or relative to the world's folder; without one it
    comes from an index. An `editable` one is used where it lies.
    """

    name: str
    version: str
    source: str | None = None
    editable: bool = False

    def path(self, root: Path) -> Path | None:
        """Where its source lies."""
        return None if self.source is None else Path(os.path.normpath(root / self.source))

    def table(self) -> dict[str, Any]:
        """As it stands in the file under its name."""
        if self.source is None:
            return {"version": self.version}
        editable = {"editable": True} if self.editable else {}
        return {"version": self.version, "source": self.source, **editable}

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "editable": self.editable,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What an environment has otherwise than a lock says: what is missing, what has another version."""

    missing: tuple[Entry, ...] = ()
    other: tuple[tuple[Entry, str], ...] = ()

    def __bool__(self) -> bool:
        """True where there is one."""
        return bool(self.missing or self.other)


def read(root: Path) -> tuple[Entry, ...]:
    """What the lock of this world says, sorted by name; nothing where there is none."""
    path = root / NAME
    data = _bytes(path)
    if data is None:
        return ()
    text = data.decode("utf-8", "replace")
    lock = _Lock(Source(str(path), text))
    return lock.entries(lock.parsed(data))


def write(root: Path, entries: Iterable[Entry]) -> None:
    """Replace the lock, whole or not at all; the same entries give the same bytes, in whatever order."""
    import tomli_w

    tables: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        table = tables[entry.name] = entry.table()
        problem = _problem(entry.name, table)
        if problem is not None:
            raise LisppumpError("bad-lock", f"{NAME} cannot hold this: {problem[1]}")
    text = HEADER + tomli_w.dumps({"format": FORMAT, **({"plugins": tables} if tables else {})})
    _refuse_long(root / NAME, text.encode())
    temporary = root / f".{NAME}.new"
    try:
        disk = Disk()
        with suppress(FileNotFoundError):  # left by a kill; or a link, which must not be written through
            disk.unlink(str(temporary))
        replace(disk, str(temporary), str(root / NAME), text.encode(), sync=True)
    except OSError as error:
        raise trouble(error, f"writing {root / NAME}") from error


def compare(entries: Iterable[Entry], installed: Mapping[str, str]) -> Difference:
    """What differs between a lock and an environment, given as the version of each name that is there."""
    missing, other = [], []
    for entry in entries:
        version = installed.get(entry.name)
        if version is None:
            missing.append(entry)
        elif not same_version(version, entry.version):
            other.append((entry, version))
    return Difference(tuple(missing), tuple(other))


def installed(entries: Iterable[Entry], root: Path) -> dict[str, str]:
    """The versions that this environment has of these now; what is used in place is there if its place is."""
    from importlib import invalidate_caches, metadata

    invalidate_caches()  # an installer may just have been at work
    found = {}
    for entry in entries:
        place = entry.path(root)
        if entry.editable and place is not None and not place.exists():
            continue
        try:
            found[entry.name] = metadata.version(entry.name) or "?"
        except metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def changing(root: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Be the only one who changes the lock of this world; `waiting` is told when another one is at it."""
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise trouble(error, f"opening {root}") from error
    try:
        # The folder itself carries the mark, so that no file of ours is left beside the lock.
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def same_version(one: str, other: str) -> bool:
    """True for two spellings of one version."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


# -- what may stand in a lock. It is read from folders that come from elsewhere, and goes to an installer: no
# -- value may be an option, an address, or anything but what it should be.


def _problem(name: Any, table: Any) -> tuple[str, str] | None:
    """What is wrong with an entry: the key that is meant, "" for the whole of it, and a sentence."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        return "", f"{_shown(name)} is no name of a distribution"
    if _canonical(name) == "lisppump":
        return "", "lisppump itself is no plugin"
    if _canonical(name) in _tools():
        return "", f"{name} is no plugin; lisppump itself is made with it"
    if not isinstance(table, dict) or "version" not in table:
        return "", f"{name} should have a version"
    for key, value in table.items():
        wanted = _wanted(key, value)
        if wanted is not None:
            return key, f"{key} of {name} should be {wanted}, got {_shown(value)}"
    if "editable" in table and "source" not in table:
        return "editable", f"{name} is editable, but has no source"
    return None


def _wanted(key: str, value: Any) -> str | None:
    """What a value should be, where it is something else."""
    if key == "version":
        return None if _version(value) else 'a version like "1.0"'
    if key == "editable":
        return None if isinstance(value, bool) else "true or false"
    if key == "source":
        sound = isinstance(value, str) and value != "" and value.isprintable() and "://" not in value
        return None if sound and not value.startswith("-") else "a path that does not begin with a hyphen"
    near = suggest(key, [*KEYS])
    return f"called `{near}`" if near else f"one of {', '.join(KEYS)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _version(value: Any) -> str:
    """The normal spelling of a version; "" for what is none."""
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(value)) if isinstance(value, str) else ""
    except (InvalidVersion, ValueError):  # a number of more digits than Python reads is the latter
        return ""


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


@cache
def _tools() -> frozenset[str]:
    """What lisppump needs, and what installs: no lock changes their versions."""
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        needed = [Requirement(text) for text in metadata.requires("lisppump") or ()]
    except metadata.PackageNotFoundError:
        needed = []
    own = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return frozenset({"pip", "setuptools", "uv", *(_canonical(each.name) for each in own)})


# -- reading


def _bytes(path: Path) -> bytes | None:
    """The file's bytes; None when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait
    except FileNotFoundError:
        return None
    except OSError as error:
        raise trouble(error, f"reading {path}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise LisppumpError("bad-lock", f"{path} is no file", help="move it away")
    with os.fdopen(fd, "rb") as file:
        data = file.read(LONGEST + 1)
    _refuse_long(path, data)
    return data


def _refuse_long(path: Path, data: bytes) -> None:
    if len(data) > LONGEST or max(map(len, data.split(b"\n"))) > LONGEST_LINE:
        raise LisppumpError(
            "bad-lock",
            f"{path} is longer than a lock may be: {LONGEST:,} bytes, and {LONGEST_LINE:,} in a line",
            help="take the file from your version control, or a plugin from a shorter path",
        )


class _Lock:
    """A lock while it is read: its text, and where in it something stands."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def parsed(self, data: bytes) -> dict[str, Any]:
        """The text as TOML."""
        import tomllib

        try:
            return tomllib.loads(data.decode())
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise self._bad("it is not UTF-8", self._line(line)) from None
        except RecursionError:
            raise self._bad("it is nested too deeply", self._line(1)) from None
        except ValueError as error:
            reason, _, place = str(error).partition(" (at ")
            found = re.match(r"line (\d+)", place)
            line = int(found[1]) if found else self._source.text.rstrip().count("\n") + 1
            raise self._bad(f"it is no TOML: {reason}", self._line(line)) from None

    def entries(self, data: Mapping[str, Any]) -> tuple[Entry, ...]:
        """The entries, each held to what may stand there."""
        format, tables = data.get("format"), data.get("plugins", {})
        if format.__class__ is int and format > FORMAT:
            sentence = f"it has format {format}, and this lisppump reads format {FORMAT}"
            raise self._bad(sentence, self._place(key="format"), "upgrade lisppump")
        if format.__class__ is not int or format != FORMAT:
            raise self._bad(f"it should say `format = {FORMAT}`", self._place(key="format"))
        if not isinstance(tables, dict):
            raise self._bad("`plugins` should be tables, one for each plugin", self._place(key="plugins"))
        found: dict[str, Entry] = {}
        for name, table in tables.items():
            problem = _problem(name, table)
            if problem is not None:
                raise self._bad(problem[1], self._place(name, problem[0]))
            entry = Entry(
                _canonical(name),
                _version(table["version"]),
                table.get("source"),
                table.get("editable", False),
            )
            if entry.name in found:
                raise self._bad(f"{entry.name} stands there twice", self._place(name))
            found[entry.name] = entry
        return tuple(found[name] for name in sorted(found))

    def _place(self, name: str = "", key: str = "") -> Span:
        """The line of an entry, or of a key in it, as lisppump writes them; the first where it does not."""
        header = rf"""\s*\[plugins\.["']?{re.escape(name)}["']?\]"""
        lines = self._source.text.split("\n")
        start = next((n for n, line in enumerate(lines) if name and re.match(header, line)), 0)
        if key:
            word = rf"""\s*["']?{re.escape(key)}["']?\s*="""
            start = next((n for n in range(start, len(lines)) if re.match(word, lines[n])), start)
        return self._line(start + 1)

    def _line(self, number: int) -> Span:
        lines = self._source.text.split("\n")
        start = sum(len(line) + 1 for line in lines[: number - 1])
        return Span(self._source, start, start + max(1, len(lines[number - 1].rstrip())))

    def _bad(self, sentence: str, place: Span, help: str | None = None) -> LisppumpError:
        mend = f"mend the line, or take the file from your version control; `rm {NAME}` begins anew"
        return LisppumpError(
            "bad-lock", f"{self._source.name} cannot be used: {sentence}", span=place, help=help or mend
        )
