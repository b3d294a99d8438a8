"""The types that values of clauses can have: a test, the words of a person, a hint. It evaluates nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lisppump.frame import SUFFIXES
from lisppump.lispy.builtins import describe_type
from lisppump.lispy.values import Keyword, Quantity, Symbol, Value


@dataclass(frozen=True, slots=True)
class Type:
    """What a value must be: of one of the `classes`, and pass the `test`; `whole` takes 3.0 for 3."""

    words: str
    classes: tuple[type, ...]
    test: Callable[[Any], bool] = lambda value: True
    help: str | None = None
    whole: bool = False

    def holds(self, value: Value) -> bool:
        """True when a value is of the type."""
        return value.__class__ in self.classes and self.test(value)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "T" in text


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_inside(name: str) -> bool:
    """True for a relative name that stays in its folder."""
    parts = name.split("/")
    return bool(name) and "\\" not in name and "\0" not in name and not {"", ".", ".."} & set(parts)


def _is_document(name: str) -> bool:
    return is_inside(name) and name.endswith(SUFFIXES)


def _is_distribution(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name) is not None


def _is_versions(text: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _is_place(text: str) -> bool:
    found = re.fullmatch(r"(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):([1-9][0-9]{0,4})", text)
    return found is not None and int(found[1]) < 65_536


_NUMBER = (int, float)
TYPES: dict[str, Type] = {
    "integer": Type("a whole number", (int,), whole=True),
    "natural": Type("a whole number from 0 up", (int,), lambda n: n >= 0, whole=True),
    "bits": Type("a whole number from 64 to 14000", (int,), lambda n: 64 <= n <= 14_000, whole=True),
    "levels": Type("a whole number from 1 to 1000", (int,), lambda n: 1 <= n <= 1000, whole=True),
    "brackets": Type("a whole number from 1 to 200", (int,), lambda n: 1 <= n <= 200, whole=True),
    "characters": Type("a whole number from 20 to 500", (int,), lambda n: 20 <= n <= 500, whole=True),
    "positive": Type("a whole number from 1 up", (int,), lambda n: n >= 1, whole=True),
    "number": Type("a number", _NUMBER),
    "natural-number": Type("a number from 0 up", _NUMBER, lambda n: n >= 0),
    "positive-number": Type("a number above 0", _NUMBER, lambda n: n > 0),
    "share": Type("a share above 0, at most 1", _NUMBER, lambda n: 0 < n <= 1, "half is written 1/2"),
    "boolean": Type("#t or #f", (bool,)),
    "string": Type("a text", (str,)),
    "distribution": Type("the name of a distribution", (str,), _is_distribution, 'as in "lisppump-tides"'),
    "versions": Type("which versions will do", (str,), _is_versions, 'write it as in ">=1.2,<2"'),
    "time": Type("a time as a text", (str,), _is_time, 'write it as in "2026-04-09T00:00:00Z"'),
    "day": Type("a day as a text", (str,), _is_day, 'write it as in "2026-11-01"'),
    "folder": Type("the name of a folder beside pump.lisp", (str,), is_inside, 'write it as in "state"'),
    "place": Type("a host and a port as a text", (str,), _is_place, 'write it as in "127.0.0.1:8080"'),
    "document": Type(
        "the name of a document",
        (str,),
        _is_document,
        f"it stays in the state folder and ends in {', '.join(SUFFIXES)}",
    ),
}


def said(value: Value) -> str:
    """What a message calls a value: short ones as they are, others by their type."""
    if isinstance(value, Quantity):
        return f"({value.unit} {value.amount})"
    if isinstance(value, bool):
        return "#t" if value else "#f"
    if isinstance(value, int | float):
        return f"{value}"[:40]
    if isinstance(value, str) and len(value) <= 40:
        return f'"{value}"'
    if isinstance(value, Symbol):
        return f"the symbol {value.name}"
    return describe_type(value)


def plain(value: Value) -> Any:
    """A value as JSON data, as stages take it."""
    if value is None or value.__class__ in (bool, int, float, str):
        return value
    if isinstance(value, Symbol | Keyword):
        return value.name
    from lisppump.lispy import to_json

    return to_json(value)
