"""Reads JSON as models write it: fenced, amid prose, in any quotes, with comments, cut off. It adds nothing.

What was cut off is told apart from what was finished: the last, unfinished item comes back as `Unfinished`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

DEPTH = 100  # nesting of a reply; nothing a person would call an item is deeper
TRIES = 500  # opening brackets that may turn out to be no JSON before the reader gives up
VAIN = 20  # times the length of a text that may be read in vain before that
REPAIRED = "repaired: the reply was cut off, and its last, unfinished item is set aside"

_MARK = re.compile(r"\{|\[(?=\s*\{)|<(/?)(think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_TAIL = re.compile(r"[\s`]*+\Z")
_BLANK = re.compile(r"(?:[\s,\ufeff\u200b，]|//[^\n]*|/\*.*?(?:\*/|\Z)|\#[^\n]*)+", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?=[\s,}\]:/#`]|\Z)")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_WORD = re.compile("|".join(_WORDS))
_AFTER_WORD = re.compile(r"[\s,}\]:/#`]|\Z")
_DOTS = re.compile(r"\.{3,}|…")
_BARE_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_BARE = re.compile(r"[^\s,{}\[\]\"“”:][^,{}\[\]\"“”:\n]*")
_COLON = ":："
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "”": "”", "„": "“", "«": "»"}
_CLOSES = re.compile(r"\s*+(?:[,:}\]：，\"'“‘]|//|/\*|\#|[\s`]*+\Z)")
_CLOSES_APOSTROPHE = re.compile(r"\s*+(?:[,:}\]：，]|//|/\*|\#|[\s`]*+\Z)")
_ESCAPE = re.compile(r"u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8}|.", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", "\n": ""}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The last thing in a reply that was cut off: `value` is what of it had arrived."""

    value: Any


@dataclass(frozen=True, slots=True)
class Found:
    """One JSON object or list of objects in a text, and what is to be said about reading it.

    `cut` says that the text ended inside it; it stands from `start` to `end`.
    """

    data: Any
    notes: tuple[str, ...] = ()
    cut: bool = False
    start: int = 0
    end: int = 0


class _NotJson(Exception):
    """The text cannot be read any further, however kindly, than to this place."""

    at = 0


def objects(text: str) -> list[Found]:
    """The JSON objects of a text in their order, and lists of such; what is in thinking tags was not said."""
    found: list[Found] = []
    position = tries = vain = 0
    while tries < TRIES and vain <= VAIN * len(text):
        mark = _MARK.search(text, position)
        if mark is None:
            break
        if mark[0][0] == "<":
            if mark[1]:  # a closing tag without an opening one: all before it was thinking
                found.clear()
                position = mark.end()
            else:
                closing = re.compile(rf"</{mark[2]}>", re.IGNORECASE).search(text, mark.end())
                position = closing.end() if closing else len(text)
            continue
        try:
            reading = _at(text, mark.start())
            found.append(reading)
            position = reading.end
        except _NotJson as error:
            tries += 1
            vain += error.at - mark.start()
            position = mark.end()
        except RecursionError:
            break
    return found


def _at(text: str, start: int) -> Found:
    notes: list[str] = []

    def joined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return join(pairs, notes)

    try:
        decoder = json.JSONDecoder(strict=False, object_pairs_hook=joined)
        data, end = decoder.raw_decode(text, start)
        return Found(data, tuple(dict.fromkeys(notes)), False, start, end)
    except ValueError:
        notes.clear()
    reader = _Reader(text, start)
    try:
        data, whole = reader.object(0) if text[start] == "{" else reader.array(0)
    except _NotJson as error:
        error.at = reader.at
        raise
    if not whole:
        reader.notes.append(REPAIRED)
    return Found(data, tuple(dict.fromkeys(reader.notes)), not whole, start, reader.at)


def join(pairs: list[tuple[str, Any]], notes: list[str]) -> dict[str, Any]:
    """A dict of pairs; where a key stands twice lists become one, and none gives way: no item is lost."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            value, said = _both(made[key], value)
            notes.append(f"the key `{key}` stands twice{said}")
        made[key] = value
    return made


def _both(old: Any, new: Any) -> tuple[Any, str]:
    """What two values of one key come to, and what is said of it."""
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new], ""
    if isinstance(old, list) and old:
        return old, "; the list counts"
    return new, "; the list counts" if isinstance(new, list) and new else "; the later value counts"


def _paired(text: str) -> str:
    """A text with the halves of its pairs put together; a half that stands alone stays."""
    try:
        return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return text


class _Reader:
    """A forgiving reader of one object: methods give what they read, and whether the text had all of it."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.notes: list[str] = []

    def object(self, depth: int) -> tuple[dict[str, Any], bool]:
        """An object; what is unfinished in the outermost one, or in a list of it, is marked as such."""
        pairs: list[tuple[str, Any]] = []
        self.at += 1
        while True:
            if self._over():
                return join(pairs, self.notes), False
            if self._close("}"):
                return join(pairs, self.notes), True
            if self._left_out():
                continue
            key, whole = self._key()
            if not whole or self._over():
                return join(pairs, self.notes), False
            if self.text[self.at] not in _COLON:
                raise _NotJson
            self.at += 1
            if self._over():
                return join(pairs, self.notes), False
            value, whole = self.value(depth + 1)
            if not whole and depth == 0 and not isinstance(value, list):
                value = [Unfinished(value)]
            pairs.append((key, value))
            if not whole:
                return join(pairs, self.notes), False

    def array(self, depth: int) -> tuple[list[Any], bool]:
        """An array; the unfinished last element of a collection, or of what may be one, is marked."""
        items: list[Any] = []
        self.at += 1
        while True:
            if self._over():
                return items, False
            if self._close("]"):
                return items, True
            if self._left_out():
                continue
            value, whole = self.value(depth + 1)
            marked = not whole and (depth < 2 or isinstance(value, dict))
            items.append(Unfinished(value) if marked else value)
            if not whole:
                return items, False

    def value(self, depth: int) -> tuple[Any, bool]:
        """Any value."""
        if depth > DEPTH:
            raise RecursionError
        head = self.text[self.at]
        if head == "{":
            return self.object(depth)
        if head == "[":
            return self.array(depth)
        if head in _QUOTES:
            return self.string(head)
        return self._scalar()

    def _key(self) -> tuple[str, bool]:
        """A key, in quotes or without."""
        head = self.text[self.at]
        if head in _QUOTES:
            return self.string(head)
        bare = _BARE_KEY.match(self.text, self.at)
        if bare is None:
            raise _NotJson
        self.at = bare.end()
        self.notes.append("keys stand without quotes")
        return bare[0], _TAIL.match(self.text, self.at) is None

    def string(self, quote: str) -> tuple[str, bool]:
        """A string; line breaks may stand in it, and quotes that cannot be its end."""
        closing, text = _QUOTES[quote], self.text
        parts: list[str] = []
        closes = _CLOSES_APOSTROPHE if closing in "'’" else _CLOSES
        stop = re.compile(rf"[\\{closing}]") if quote != "“" else re.compile(r'[\\”"]')
        at = self.at + 1
        if quote != '"':
            self.notes.append(f"texts stand in {quote} instead of \"")
        while True:
            mark = stop.search(text, at)
            if mark is None:
                self.at = len(text)
                return "".join([*parts, text[at:]]), False
            parts.append(text[at : mark.start()])
            at = mark.end()
            if mark[0] != "\\":
                if closes.match(text, at):
                    self.at = at
                    return _paired("".join(parts)), True
                parts.append(mark[0])
                self.notes.append("quotes inside of texts are not escaped")
                continue
            escape = _ESCAPE.match(text, at)
            if escape is None:
                self.at = len(text)
                return "".join(parts), False
            at = escape.end()
            parts.append(self._escaped(escape[0]))

    def _escaped(self, escape: str) -> str:
        if len(escape) > 1:
            code = int(escape[1:], 16)
            return chr(code) if code < 0x110000 else "\\" + escape
        if escape not in _PLAIN and escape not in _QUOTES:
            self.notes.append("texts have escapes that JSON does not know")
        return _PLAIN.get(escape, escape)

    def _scalar(self) -> tuple[Any, bool]:
        text = self.text
        word = _WORD.match(text, self.at)
        if word is not None and _AFTER_WORD.match(text, word.end()):
            self.at = word.end()
            return _WORDS[word[0]], True
        number = _NUMBER.match(text, self.at)
        if number is not None:
            self.at = number.end()
            whole = _TAIL.match(text, self.at) is None  # more digits may have been on their way
            if number[1] is None and number[2] is None and len(number[0]) < 4000:
                return int(number[0]), whole
            real = float(number[0])
            return (real if math.isfinite(real) else number[0]), whole
        bare = _BARE.match(text, self.at)
        if bare is None:
            raise _NotJson
        self.at = bare.end()
        self.notes.append("texts stand without quotes")
        return bare[0].strip(), _TAIL.match(text, self.at) is None

    def _over(self) -> bool:
        """Skip blanks, comments and stray commas; True when the text is over, a closing fence not counted."""
        blank = _BLANK.match(self.text, self.at)
        if blank is not None:
            self.at = blank.end()
        return _TAIL.match(self.text, self.at) is not None

    def _left_out(self) -> bool:
        """Skip three dots that stand where an item or a field should."""
        dots = _DOTS.match(self.text, self.at)
        if dots is None:
            return False
        self.at = dots.end()
        self.notes.append("it leaves something out with `...`")
        return True

    def _close(self, bracket: str) -> bool:
        """True at the end of what is read; the bracket of what is around it ends it, too."""
        head = self.text[self.at]
        if head == bracket:
            self.at += 1
            return True
        if head in "}]":
            self.notes.append(f"a `{bracket}` is missing in it")
            return True
        return False
