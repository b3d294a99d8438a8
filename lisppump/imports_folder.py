"""Finds and reads files that may hold deltas from elsewhere. It follows no link, and changes nothing."""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lisppump import canon
from lisppump.errors import LisppumpError, declare, legible
from lisppump.schema_reader import join

declare("usage", 1, no_such_folder="There is no folder or file of that name to import from.")

LINES = (".jsonl", ".ndjson")
MOST_BYTES = 64 * 1024 * 1024  # of one file


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name from the folder on, the sha256 of its bytes, its JSON value or why there is none.

    `source` are its bytes where the value does not hold all that it says. What is `broken` of its lines has
    its place in the value, and the reason.
    """

    name: str
    digest: str | None = None
    data: Any = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    source: bytes | None = None
    broken: tuple[tuple[int, str], ...] = ()


def read_all(path: Path) -> list[File]:
    """Every file at or below a path, by name: the one order that no file system decides."""
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it leads to itself"
        raise LisppumpError(
            "no-such-folder",
            f"there is nothing to import from at {legible(path)}: {reason.lower()}",
            help="name a folder of delta files, or one such file",
        ) from None
    found = [read_file(root, root.name)] if not root.is_dir() else list(_below(root))
    return sorted(found, key=lambda file: file.name)


def _below(root: Path) -> Iterator[File]:
    """The files below a folder, however deep; what is not looked into is said, too."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = [*os.scandir(folder)]
        except OSError as error:
            name = legible(folder.relative_to(root).as_posix())
            yield File(name, error=_reason(error, "the folder cannot be read"))
            continue
        for entry in entries:
            place = Path(entry.path)
            name = legible(place.relative_to(root).as_posix())
            if entry.is_symlink():
                yield File(name, error="it is a symbolic link, and links are not followed")
            elif entry.name.startswith("."):
                what = "folder, which is not looked into" if entry.is_dir() else "file, which is not read"
                yield File(name, error=f"it is a hidden {what}")
            elif entry.is_dir():
                folders.append(place)
            else:
                yield read_file(place, name)


def read_file(path: Path, name: str) -> File:
    """One file, strictly: what is no whole JSON text is not guessed at."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return File(name, error="it is no ordinary file")
        if found.st_size > MOST_BYTES:
            most = MOST_BYTES // 2**20
            return File(name, error=f"it has {found.st_size:,} bytes, and more than {most} MiB are not read")
        data = path.read_bytes()
    except OSError as error:
        return File(name, error=_reason(error, "it cannot be read"))
    digest = canon.digest_bytes(data)
    try:
        value, notes = parsed(data)
    except ValueError as error:
        lines = _lines(data, sure=name.endswith(LINES))
        file = lines or File(name, error=str(error))
        return replace(file, name=name, digest=digest)
    return File(name, digest, value, notes=notes, source=data if notes else None)


def _lines(data: bytes, *, sure: bool) -> File | None:
    """A text with a JSON object on each line, as logs have it; None where no line is one.

    Unless it is sure by its name the first line has to be one: another text may have such lines by chance.
    """
    values: list[Any] = []
    broken: list[tuple[int, str]] = []
    notes: list[str] = []
    try:
        texts = _text(data).split("\n")  # and nowhere else: strings may hold what else ends a line
    except UnicodeDecodeError:
        return None
    for number, text in enumerate(texts):
        if not text.strip():
            continue
        try:
            value, said = _parsed(text, number)
        except ValueError as error:
            broken.append((len(values), str(error)))
            value, said = None, ()
        if not (sure or values or isinstance(value, dict)):
            return None
        values.append(value)
        notes += said
    if not any(isinstance(value, dict) for value in values):
        return None
    source = data if notes or broken else None
    return File("", None, values, None, tuple(dict.fromkeys(notes)), source, tuple(broken))


def parsed(data: bytes) -> tuple[Any, tuple[str, ...]]:
    """The value of a JSON text, and what has to be said of it; ValueError with a phrase where it is none."""
    try:
        text = _text(data)
    except UnicodeDecodeError:
        raise ValueError("it is not text: some bytes are no UTF-8") from None
    if not text.strip():
        raise ValueError("it is empty")
    return _parsed(text)


def _parsed(text: str, lines: int = 0) -> tuple[Any, tuple[str, ...]]:
    """The same of a text that so many lines stand before."""
    notes: list[str] = []
    try:
        canon.loads(text, "it")
        value = json.loads(text, object_pairs_hook=lambda pairs: join(pairs, notes))
        canon.canonical(value)
    except LisppumpError as error:
        place = "" if error.span is None else f" (line {error.span.line + lines}, column {error.span.column})"
        raise ValueError(f"{error.message}{place}") from None
    except (ValueError, RecursionError):
        raise ValueError("it is nested too deeply, or holds a number that is too long") from None
    return value, tuple(dict.fromkeys(notes))


def _text(data: bytes) -> str:
    """A file as text; editors of Windows begin it with a byte order mark, or write UTF-16."""
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
                           (codecs.BOM_UTF16_BE, "utf-16-be")):  # fmt: skip
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    return data.decode()


def _reason(error: OSError, what: str) -> str:
    return f"{what}: {(error.strerror or 'the system does not say why').lower()}"
