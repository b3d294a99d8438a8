"""The user's config.toml: where it lies, what it says, how it is changed. It knows no setting's meaning."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lisppump.disk import Disk, replace
from lisppump.errors import LisppumpError, Source, Span, declare, legible

declare("usage", 1, bad_config="The config.toml of the user cannot be read or written, or is damaged.")

LONGEST = 1_000_000  # bytes


def path() -> Path:
    """The file: LISPPUMP_CONFIG, or config.toml where the system keeps the settings of a user's programs."""
    named = os.environ.get("LISPPUMP_CONFIG")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("lisppump") / "config.toml"


def load() -> dict[str, Any]:
    """What the file says; nothing where there is none."""
    return _parse(path(), _text(path()))


def change(edit: Callable[[dict[str, Any]], None], *, disk: Disk | None = None) -> None:
    """Let `edit` change what the file says, and write it as a whole or not at all.

    Who changes it at the same time waits. All other settings stay, but comments do not: the file is written
    anew from its values. Where `edit` changes nothing, nothing is written.
    """
    import tomli_w

    disk = disk or Disk()
    file = Path(os.path.realpath(path()))  # a link, as from a folder of dotfiles, stays a link
    try:
        mode = _mode(file)
        disk.mkdir(str(file.parent))
        with _locked(file):
            data = _parse(path(), _text(path()))
            before = tomli_w.dumps(data)
            edit(data)
            after = tomli_w.dumps(data)
            if after != before:
                _write(disk, file, after.encode(), mode)
    except OSError as error:
        raise _trouble(path(), "written", error) from error


def refuse(sentence: str, word: str, help: str) -> LisppumpError:
    """The error for a setting that is not what it should be; `word` stands in the line that is at fault."""
    file = path()
    text = _text(file)
    start = text.find(word)
    message = f"{legible(file)}{f':{text[:start].count(chr(10)) + 1}' if start >= 0 else ''} {sentence}"
    span = Span(Source(legible(file), text), start, start + len(word)) if start >= 0 else None
    return LisppumpError("bad-config", message, span=span, help=help)


def _text(file: Path) -> str:
    try:
        # A pipe must not make us wait, and a device may go on for ever.
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as opened:
            odd = stat.S_ISFIFO(os.fstat(fd).st_mode)
            data = b"" if odd else opened.read(LONGEST + 1) or b""
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _trouble(file, "read", error) from error
    if odd or len(data) > LONGEST:
        sentence = "is a pipe" if odd else f"holds more than {LONGEST:,} bytes"
        help = "name a file with LISPPUMP_CONFIG"
        raise LisppumpError("bad-config", f"{legible(file)} {sentence} and is not read", help=help)
    try:
        return data.decode()
    except UnicodeDecodeError as bad:
        text, start = data.decode("utf-8", "replace"), len(data[: bad.start].decode())
        raise _no_toml(file, text, start, "a byte that is not UTF-8") from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+), column (\d+)", place)
        start = len(text.rstrip())
        if found:
            lines = text.split("\n")
            start = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
        raise _no_toml(file, text, start, reason[:1].lower() + reason[1:]) from None
    except RecursionError:
        raise _no_toml(file, text, 0, "too deeply nested") from None


def _no_toml(file: Path, text: str, start: int, reason: str) -> LisppumpError:
    span = Span(Source(legible(file), text), start, start + 1)
    return LisppumpError(
        "bad-config",
        f"{legible(file)}:{span.line} is no TOML: {reason}",
        span=span,
        help="mend the line, or move the file away: then nothing is set and no folder is trusted",
    )


def _trouble(file: Path, doing: str, error: OSError) -> LisppumpError:
    reason = (error.strerror or "the system did not say why").lower()
    help = "make it a file that only you can write, or name another with LISPPUMP_CONFIG"
    return LisppumpError("bad-config", f"{legible(file)} cannot be {doing}: {reason}", help=help)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Wait for everybody else who changes it."""
    lock = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _mode(file: Path) -> int:
    """The permissions that it has and keeps; a first one is the user's alone."""
    try:
        found = file.stat().st_mode
    except FileNotFoundError:
        return 0o600
    if not stat.S_ISREG(found):
        message = f"{legible(path())} is no regular file and is not written"
        raise LisppumpError("bad-config", message, help="name a file with LISPPUMP_CONFIG")
    return stat.S_IMODE(found)


def _write(disk: Disk, file: Path, data: bytes, mode: int) -> None:
    """Put the new file in place of the old."""
    temporary = file.with_name(f".{file.name}.new")  # of whoever holds the lock; one that was killed left it
    temporary.unlink(missing_ok=True)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    try:
        replace(disk, str(temporary), str(file), data, sync=True)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
