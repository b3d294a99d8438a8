"""Documents as values, bytes and digests, and the lazy mapping a frame holds them in. It opens no file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents_members import Members, following
from lisppump.errors import LisppumpError, Source, Span
from lisppump.frame import SUFFIXES, copied
from lisppump.lispy.values import Slice, elements, is_list
from lisppump.merge_changes import window

MEND = "mend the file, then run again; nothing was changed"
MOST_STEM = 240  # bytes of a file's name, which may have 255, without its suffix


def is_document(name: str) -> bool:
    """True for the names of documents, by suffix."""
    return name.endswith(SUFFIXES)


def is_log(name: str) -> bool:
    """True for JSON Lines."""
    return name.endswith(".jsonl")


def is_text(name: str) -> bool:
    """True for Markdown and plain text."""
    return name.endswith((".md", ".txt"))


def log_value(name: str, value: Any) -> Any:
    """A document's value as frames hold it: a log is a window on a list of its own."""
    return window(value) if is_log(name) and isinstance(value, list) else value


def encode(name: str, value: Any) -> bytes:
    """The bytes of the document's file."""
    if is_log(name):
        return encode_lines(elements(value))
    return _text(name, value) if is_text(name) else canon.document(value)


def _text(name: str, value: Any) -> bytes:
    try:
        return value.encode()  # type: ignore[no-any-return]
    except (AttributeError, UnicodeEncodeError):
        message = f"{name} should hold text, but its new value is something else"
        raise StateError("bad-document", message) from None


def safe_stem(text: str) -> str:
    """A text as part of a file's name: as it is where that can be, else escaped, and short enough."""
    plain = "/" not in text and "\0" not in text and "%" not in text and not text.startswith(".")
    name = text if plain and text else quote(text, safe=" ").replace(".", "%2E") or "%"
    if len(name.encode()) <= MOST_STEM:
        return name
    return quote(text, safe="")[: MOST_STEM - 65] + "-" + hashlib.sha256(text.encode()).hexdigest()


def encode_lines(items: Sequence[Any]) -> bytes:
    """Items as JSON Lines."""
    return canon.lines(items)


def parse(name: str, data: bytes, label: str) -> Any:
    """The value of a document's bytes; `label` is what errors call the file."""
    try:
        if is_log(name):
            return window(_parse_lines(data, label))
        return _parse_text(data, label) if is_text(name) else canon.loads(data, label)
    except LisppumpError as error:
        help = error.help or MEND
        raise StateError("bad-document", error.message, span=error.span, help=help) from None


def _parse_text(data: bytes, label: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as bad:
        source = Source(label, data.decode("utf-8", "replace"))
        start = len(data[: bad.start].decode())
        message = f"{label} should be UTF-8 text, but holds a byte that is not"
        raise StateError("bad-document", message, span=Span(source, start, start + 1)) from None


def _parse_lines(data: bytes, label: str) -> list[Any]:
    items = []
    lines = data.split(b"\n")
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            items.append(canon.loads(text, label))
        except LisppumpError as error:
            whole = data.decode("utf-8", "replace")
            start = sum(len(line.decode("utf-8", "replace")) + 1 for line in lines[: number - 1])
            column = error.span.start if error.span else 0
            span = Span(Source(label, whole), start + column, start + column + 1)
            torn = number == len(lines)
            what = "its last line is cut off" if torn else error.message
            raise StateError("bad-document", f"{label}, line {number}: {what}", span=span) from None
    return items


def digest(name: str, value: Any) -> str:
    """The sha256 of a document's value: of its canonical JSON, of all canonical lines, or of its text."""
    return str(entry(name, value)["digest"])


def entry(name: str, value: Any) -> dict[str, Any]:
    """What records say of a document: digest and length of its canonical bytes, if it has the right shape."""
    if is_log(name):
        if not is_list(value):
            message = f"{name} should hold a list, but its new value is something else"
            raise StateError("bad-document", message)
        return LogDigest().extended(elements(value)).entry()
    try:
        data = _text(name, value) if is_text(name) else canon.canonical(value)
    except LisppumpError as error:
        raise StateError("bad-document", f"{name}: {error.message}", help=error.help) from None
    return {"digest": canon.digest_bytes(data), "length": len(data)}


def members_of(name: str, old: Members | None, value: Any) -> Members:
    """The canonical bytes of a JSON document, from what is known of it before."""
    try:
        return following(old, value)
    except LisppumpError as error:
        raise StateError("bad-document", f"{name}: {error.message}", help=error.help) from None


class LogDigest:
    """The digest of a log while it grows: what is appended is hashed, what was there is not hashed again."""

    __slots__ = ("_hash", "_length")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._length = 0

    def extended(self, items: Sequence[Any]) -> LogDigest:
        """The digest with some items more; this one stays as it is."""
        data = canon.lines(items, sort=True)
        other = LogDigest()
        other._hash = self._hash.copy()
        other._hash.update(data)
        other._length = self._length + len(data)
        return other

    def entry(self) -> dict[str, Any]:
        """What records say of the log."""
        return {"digest": "sha256:" + self._hash.hexdigest(), "length": self._length}


def appended(old: Any, new: Any) -> list[Any] | None:
    """What a log's new value has behind its old one, or None when it is no continuation."""
    if isinstance(old, list) and not old:
        return list(elements(new))
    if isinstance(old, Slice) and isinstance(new, Slice) and old.base is new.base and old.start == new.start:
        return new.base[old.stop : new.stop] if new.stop >= old.stop else None
    return None


class Cell:
    """A document's value, or the way to it until somebody asks."""

    __slots__ = ("_load", "_value")

    def __init__(self, value: Any = None, load: Callable[[], Any] | None = None) -> None:
        self._value = value
        self._load = load

    @property
    def loaded(self) -> bool:
        """True once the value is here."""
        return self._load is None

    def get(self) -> Any:
        """The value; loaded at most once."""
        if self._load is not None:
            self._value = self._load()
            self._load = None
        return self._value


class LentDocuments(Mapping[str, Any]):
    """Documents for foreign hands: whoever changes what it reads there changes it for nobody else."""

    __slots__ = ("_documents", "_own")

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents
        self._own: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._own:
            value = self._documents[name]
            self._own[name] = log_value(name, copied(elements(value) if is_log(name) else value))
        return self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def __contains__(self, name: object) -> bool:
        return name in self._documents


class LazyDocuments(Mapping[str, Any]):
    """The documents of a frame by name, in the order of their names; frozen, read when asked for."""

    __slots__ = ("cells",)

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self.cells = {name: cells[name] for name in sorted(cells)}

    def __getitem__(self, name: str) -> Any:
        return self.cells[name].get()

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __contains__(self, name: object) -> bool:
        return name in self.cells
