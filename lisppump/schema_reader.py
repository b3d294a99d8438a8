"""Reads JSON as models write it: fenced, amid prose, with stray commas, cut off. It adds nothing.

What was cut off is told apart from what was finished: the last, unfinished item comes back as `Unfinished`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

DEPTH = 100  # nesting of a reply; nothing a person would call an item is deeper
TRIES = 500  # opening braces that may turn out to be no JSON before the reader gives up

_MARK = re.compile(r"\{|<(/?)(think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_TAIL = re.compile(r"[\s`]*\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The last thing in a reply that was cut off: `value` is what of it had arrived."""

    value: Any


@dataclass(frozen=True, slots=True)
class Found:
    """One JSON object in a text, what is to be said about reading it; `cut` if the text ended inside it."""

    data: dict[str, Any]
    notes: tuple[str, ...] = ()
    cut: bool = False


class _NotJson(Exception):
    """The text at this place cannot be read, however kindly."""


def objects(text: str) -> list[Found]:
    """The JSON objects of a text in their order; what stands inside thinking tags is thought, not said."""
    found: list[Found] = []
    position = tries = 0
    while tries < TRIES:
        mark = _MARK.search(text, position)
        if mark is None:
            break
        if mark[0] != "{":
            if mark[1]:  # a closing tag without an opening one: all before it was thinking
                found.clear()
                position = mark.end()
            else:
                closing = re.compile(rf"</{mark[2]}>", re.IGNORECASE).search(text, mark.end())
                position = closing.end() if closing else len(text)
            continue
        try:
            reading, position = _object_at(text, mark.start())
            found.append(reading)
        except _NotJson:
            tries += 1
            position = mark.end()
        except RecursionError:
            break
    return found


def _object_at(text: str, start: int) -> tuple[Found, int]:
    notes: list[str] = []

    def joined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return join(pairs, notes)

    try:
        decoder = json.JSONDecoder(strict=False, object_pairs_hook=joined)
        data, end = decoder.raw_decode(text, start)
        return Found(data, tuple(dict.fromkeys(notes))), end
    except ValueError:
        notes.clear()
    reader = _Reader(text, start)
    data, whole = reader.object(0)
    if not whole:
        reader.notes.append("repaired: the reply was cut off, and its last, unfinished item is set aside")
    return Found(data, tuple(dict.fromkeys(reader.notes)), not whole), reader.at


def join(pairs: list[tuple[str, Any]], notes: list[str]) -> dict[str, Any]:
    """A dict of pairs; where a key stands twice, two lists become one, so that no item is lost."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            old = made[key]
            both = isinstance(old, list) and isinstance(value, list)
            notes.append(f"the key `{key}` stands twice" + ("" if both else "; the later value counts"))
            value = [*old, *value] if both else value
        made[key] = value
    return made


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
            if self.text[self.at] != '"':
                raise _NotJson
            key, whole = self.string()
            if not whole or self._over():
                return join(pairs, self.notes), False
            if self.text[self.at] != ":":
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
        """An array; the unfinished last element of a collection is marked."""
        items: list[Any] = []
        self.at += 1
        while True:
            if self._over():
                return items, False
            if self._close("]"):
                return items, True
            value, whole = self.value(depth + 1)
            items.append(value if whole or depth > 1 else Unfinished(value))
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
        if head == '"':
            return self.string()
        return self._scalar()

    def string(self) -> tuple[str, bool]:
        """A string; line breaks may stand in it as they are."""
        try:
            value, self.at = json.decoder.scanstring(self.text, self.at + 1, False)  # type: ignore[attr-defined]
            return value, True
        except ValueError as error:
            if "Unterminated" not in str(error) and "escape" not in str(error):
                raise _NotJson from None
            rest = self.text[self.at + 1 :]
            if '"' in re.sub(r"\\.", "", rest, flags=re.DOTALL):  # it does end: an escape in it is wrong
                raise _NotJson from None
            self.at = len(self.text)
            return rest, False

    def _scalar(self) -> tuple[Any, bool]:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value, True
        number = _NUMBER.match(self.text, self.at)
        if number is None or not number[0]:
            if self.text[self.at :].strip("`\n ").isalpha():
                rest, self.at = self.text[self.at :], len(self.text)
                return rest, False
            raise _NotJson
        self.at = number.end()
        whole = _TAIL.match(self.text, self.at) is None  # more digits may have been on their way
        if number[1] is None and number[2] is None and len(number[0]) < 4000:
            return int(number[0]), whole
        real = float(number[0])
        return (real if math.isfinite(real) else number[0]), whole

    def _over(self) -> bool:
        """Skip blanks and stray commas; True when the text is over, a closing fence not counted."""
        text = self.text
        while self.at < len(text) and text[self.at] in " \t\r\n,":
            self.at += 1
        return _TAIL.match(text, self.at) is not None

    def _close(self, bracket: str) -> bool:
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True
