"""The one JSON encoder: canonical form for digests, document form for files. It touches no file itself.

orjson does the work; where it departs from the rules here (huge integers, NaN, its floats, deep data)
the standard library takes over, so that the bytes never depend on which of the two wrote them.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import re
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

import orjson

from lisppump.errors import LisppumpError, Source, Span, declare

declare("value", 1, bad_json="A text is not JSON, or a value cannot be written as JSON.")

T = TypeVar("T", bound=Iterable[Any])

DEPTH = 500  # nesting that can be written whatever the depth of the caller

# orjson reads integers over 64 bits silently as floats; those have 19 digits or more.
_DIGITS = bytes(48 if 48 <= byte < 58 else 32 for byte in range(256))
_HUGE = b"0" * 19
# orjson spells floats below 1e-4 and from 1e16 unlike Python, the latter in two ways, by its version.
_SMALL = re.compile(rb"e-\d")
_TINY = re.compile(rb"0\.0000(?<!\d0\.0000)")  # in times these digits stand behind others
_PLUS = b"e+" in orjson.dumps(1e16)
_LARGE = re.compile(rb"e\+\d" if _PLUS else rb"\d[\d.]*e\d")
_FLOAT = re.compile(rb"(?:^|[ \n:,\[])-?(?:\d[\d.]*e[-+]?\d+|0\.0000\d+)(?:[,\]}\n]|$)")
_NOT_FINITE = re.compile(rb"g.{6}[\xf0-\xff][\x7f\xff]", re.DOTALL)  # in marshal's form, low byte first
_LITERALS = ("-Infinity", "Infinity", "NaN")

_END = orjson.Fragment(b"\n")
_BETWEEN = b",\n,"

_registered: list[type[Iterable[Any]]] = []


class Whole(dict[str, Any]):
    """A dict of which whoever made it knows that no float stands in it: its bytes need no closer look."""


def register(kind: type[T]) -> type[T]:
    """Let instances of an iterable class be written as JSON arrays; a decorator."""
    _registered.append(kind)
    return kind


def loads(data: bytes | str, name: str = "<json>") -> Any:
    """The value of a JSON text; integers are exact; `name` is what errors call the text."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "infinity" not in error.msg:  # an integer of 309 digits is no fault; 1e400 is refused below again
            _refuse(data, name, error)
        fault: orjson.JSONDecodeError | None = error
    else:
        fault = None
        raw = data.encode() if isinstance(data, str) else data
        if _HUGE not in raw.translate(_DIGITS):
            return value
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        message = f"{name} holds an integer of thousands of digits, or is deeply nested around a long one"
        raise LisppumpError("bad-json", message, help="write the number as a string") from None
    if fault is not None:
        try:
            _check(value)
        except LisppumpError:
            _refuse(data, name, fault)
    return value


def _refuse(data: bytes | str, name: str, error: orjson.JSONDecodeError) -> NoReturn:
    """Say where a text stops being JSON, in words that do not depend on orjson's version."""
    start = error.pos
    if isinstance(data, bytes):
        try:
            text = data.decode()
        except UnicodeDecodeError as bad:
            text = data.decode("utf-8", "replace")
            start = len(data[: bad.start].decode())
            raise _located(name, text, start, "a byte that is not UTF-8", "save the file as UTF-8") from None
    else:
        text = data
    rest = text[max(0, start - 1) :] if text[start - 1 : start] == "-" else text[start:]
    literal = next((word for word in _LITERALS if rest.startswith(word)), None)
    if text.startswith("\ufeff"):
        raise _located(name, text, 0, "a byte order mark", "save the file as UTF-8 without one") from None
    if literal is not None:
        found = f"{literal}, which JSON does not have"
        raise _located(name, text, start, found, "write null instead") from None
    if "depth" in error.msg or "ecursion" in error.msg:
        raise _located(name, text, start, "data nested deeper than it may be", None) from None
    reason = "nothing at all" if not text.strip() else error.msg
    raise _located(name, text, start, reason, None) from None


def _located(name: str, text: str, start: int, found: str, help: str | None) -> LisppumpError:
    span = Span(Source(name, text), start, start + 1)
    message = f"{name} should be JSON, but here is a fault: {found}"
    return LisppumpError("bad-json", message, span=span, help=help)


def own(value: Any) -> Any:
    """A copy of a value that is JSON data and nothing else, or the error of what cannot be."""
    try:
        data = orjson.dumps(value, _listed)
    except TypeError:  # see _shortly
        data = b""
    if data and (b"null" not in data or not _may_hide_nan(value)):
        return orjson.loads(data)
    return loads(line(value))


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, Python's shortest floats, UTF-8: the same bytes for equal values everywhere."""
    return _shortly(value, orjson.OPT_SORT_KEYS) or _slowly(value, sort=True, indent=None)


def line(value: Any, *, finite: bool = False) -> bytes:
    """One line of a JSON-Lines document without its end: keys in their order, no spaces.

    `finite`: the caller knows that no float in it is NaN or infinite, as it is of all that was JSON before.
    """
    if value.__class__ is Whole:
        try:
            return orjson.dumps(value, _listed)
        except TypeError:  # see _shortly
            return _slowly(value, sort=False, indent=None)
    return _shortly(value, 0, finite) or _slowly(value, sort=False, indent=None)


def lines(items: Iterable[Any], *, sort: bool = False) -> bytes:
    """Each item as `line` writes it (or with `sort` as `canonical` does), each with its end."""
    items = list(items)
    option = orjson.OPT_SORT_KEYS if sort else 0
    parted: list[Any] = [_END] * (2 * len(items))
    parted[::2] = items
    try:
        data = orjson.dumps(parted, _listed, option)
    except TypeError:
        data = b""
    if data and _is_sure(data, items):
        return data[1:-3].replace(_BETWEEN, b"\n") + b"\n" if items else b""
    texts = [_shortly(item, option) or _slowly(item, sort=sort, indent=None) for item in items]
    return b"".join([text + b"\n" for text in texts])


def document(value: Any) -> bytes:
    """The form of files: keys in their order, indent 2, a newline at the end."""
    return (_shortly(value, orjson.OPT_INDENT_2) or _slowly(value, sort=False, indent=2)) + b"\n"


def digest(value: Any) -> str:
    """`sha256:` and the hex sha256 of the canonical form."""
    if value.__class__ is not Whole:
        return digest_bytes(canonical(value))
    return digest_of_whole(value) or digest_bytes(_slowly(value, sort=True, indent=None))


def digest_of_whole(value: Whole) -> str | None:
    """The same at once; None where its canonical form takes longer, or a text in it has no bytes."""
    try:
        return digest_bytes(orjson.dumps(value, _listed, orjson.OPT_SORT_KEYS))
    except TypeError:  # see _shortly
        return None


def digest_bytes(data: bytes) -> str:
    """`sha256:` and the hex sha256 of some bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _shortly(value: Any, option: int, finite: bool = False) -> bytes:
    """What orjson writes where that surely is what is wanted, which is nearly always; else nothing."""
    try:
        data = orjson.dumps(value, _listed, option)
    except TypeError:  # an integer over 64 bits, deep data, or something that is no JSON
        return b""
    return data if _is_sure(data, value, finite) else b""


def _is_sure(data: bytes, value: Any, finite: bool = False) -> bool:
    """True where what orjson wrote is what is wanted: every float in it is one, and spelt as Python does."""
    return not _spells_otherwise(data) and (finite or b"null" not in data or not _may_hide_nan(value))


def _slowly(value: Any, *, sort: bool, indent: int | None) -> bytes:
    """The same by the standard library; an error where a value is no JSON."""
    _check(value)
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(
            value,
            sort_keys=sort,
            indent=indent,
            separators=separators,
            ensure_ascii=False,
            allow_nan=False,
            default=_listed,
        )
    except (RecursionError, ValueError):  # ValueError: integers of thousands of digits
        message = "the value is nested too deep or holds too long an integer for JSON"
        raise LisppumpError("bad-json", message) from None
    return text.encode()


def _listed(value: Any) -> list[Any]:
    for kind in _registered:
        if isinstance(value, kind):
            return list(value)
    raise TypeError("no JSON form")


def _spells_otherwise(data: bytes) -> bool:
    """True where orjson may have spelt a float unlike Python; also where a text looks very much like one.

    Fast looks come before the slow one, since hardly any document has such floats. A pattern that begins with
    letters of its own is found faster than the letters alone.
    """
    hint = (
        _SMALL.search(data) is not None
        or (not (_PLUS and b"+" not in data) and _LARGE.search(data) is not None)
        or _TINY.search(data) is not None
    )
    return hint and _FLOAT.search(data) is not None


def _may_hide_nan(value: Any) -> bool:
    """False when no float in the value is NaN or infinite, which orjson would write as null.

    marshal writes floats as `g` and eight bytes, far faster than any walk; it may say True too often. The
    last byte of such a float stands in hardly any text, and is looked for first.
    """
    try:
        data = marshal.dumps(value, 2)
        return (b"\x7f" in data or b"\xff" in data) and _NOT_FINITE.search(data) is not None
    except ValueError:
        return True


def _check(value: Any) -> None:
    """Refuse what JSON cannot say, naming the place; json.dumps would write some of it."""
    todo: list[tuple[Any, tuple[Any, ...], int]] = [(value, (), 0)]
    while todo:
        item, path, depth = todo.pop()
        if depth > DEPTH:
            message = f"a value to be written as JSON is nested deeper than {DEPTH} levels"
            raise LisppumpError("bad-json", message)
        if isinstance(item, dict):
            for key, member in item.items():
                if not isinstance(key, str):
                    _cannot(path, f"the key {key!r}, which is no string")
                _check_text(key, path)
                todo.append((member, (path, key), depth + 1))
        elif isinstance(item, (list, tuple)) or any(isinstance(item, kind) for kind in _registered):
            for index, member in enumerate(item):
                todo.append((member, (path, index), depth + 1))
        elif isinstance(item, str):
            _check_text(item, path)
        elif isinstance(item, float):
            if item != item or item in (float("inf"), float("-inf")):
                _cannot(path, f"the number {item}")
        elif item is not None and not isinstance(item, int):
            _cannot(path, "something that is no JSON value")


def _check_text(text: str, path: tuple[Any, ...]) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        _cannot(path, "a text with half a surrogate pair")


def _cannot(path: tuple[Any, ...], what: str) -> NoReturn:
    keys: list[str] = []
    while path:
        path, key = path
        keys.append(f"[{key}]" if isinstance(key, int) else f".{key}")
    place = "".join(reversed(keys)).lstrip(".").encode("utf-8", "replace").decode()
    where = f" at {place}" if place else ""
    raise LisppumpError("bad-json", f"a value to be written as JSON holds {what}{where}", help="leave it out")
