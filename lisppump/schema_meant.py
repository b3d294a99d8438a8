"""What a reply in text means by the policy's schema: its objects as collections. It makes up nothing.

Each way in which it was taken for more than it says to the letter is told in a note. What can be read in more
than one way is not read.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump.delta import FILE_KEYS, PIPES, Collection, Field, Schema
from lisppump.schema_reader import Found, Unfinished, join, objects

WRAPPERS = frozenset({  # keys under which models put what was asked for
    "delta", "deltas", "response", "responses", "result", "results", "answer", "answers", "output", "data",
    "json", "content", "reply", "collections", "arguments", "parameters", "args", "input", "properties",
    "object", "value", "final", "message",
})  # fmt: skip
MOST_DEEP = 4  # wrappers in each other
MOST_NOTES = 8
MOST_OBJECTS = 1000  # of one reply

_BETWEEN = re.compile(r"[\s,;`]*(?:```\s*)?(?:json|jsonl|JSON)?[\s,;`]*")
_ESCAPED = re.compile(r"[{\[]\s*\\+[\"n]")
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*|\s*```\s*\Z")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_REAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPACES = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """The collections of a reply, what is to be said about reading it, and whether it was cut off."""

    data: dict[str, Any]
    notes: tuple[str, ...] = ()
    cut: bool = False


@dataclass(slots=True)
class _Candidate:
    """One object of a text as a delta."""

    data: dict[str, Any]
    found: Found
    notes: list[str] = field(default_factory=list)


def meant(text: str, schema: Schema) -> Reading | None:
    """What a reply holds of the schema's collections; None where there is nothing of them in it."""
    for variant, note in _variants(text, schema):
        found = objects(variant)
        notes = [note] if note else []
        if len(found) > MOST_OBJECTS:
            notes.append(f"the reply holds more than {MOST_OBJECTS} objects; the rest is not read")
        candidates = [
            one for each in found[:MOST_OBJECTS] if (one := _candidate(each, schema)) is not None
        ]
        if candidates:
            return _together(candidates, variant, notes)
    return None


def _variants(text: str, schema: Schema) -> Iterator[tuple[str, str | None]]:
    """The text as it is, then as what it may be that was written down once more."""
    yield text, None
    bare = _FENCE.sub("", text).strip()
    inner = _as_text(bare) if bare[:1] == '"' else None
    if inner is not None:
        yield inner, "the reply is JSON in a text"
    if _ESCAPED.search(bare) and (inner := _as_text(f'"{_lines(bare)}"')) is not None:
        yield inner, "the quotes of the reply are escaped"
    if "&quot;" in text or "&#34;" in text:
        yield html.unescape(text), "the reply is written with HTML entities"
    names = "|".join(re.escape(key) for entry in schema.collections for key in (entry.name, *entry.also))
    if names and re.match(rf"[\"']?(?:{names})[\"']?\s*:", bare):
        yield "{" + bare + ("" if bare.endswith("}") else "}"), "the reply lacks its outer brackets"


def _as_text(text: str) -> str | None:
    """The text that a JSON string stands for."""
    try:
        inner = json.loads(text, strict=False)
    except ValueError:
        return None
    return inner if isinstance(inner, str) else None


def _lines(text: str) -> str:
    """A text within quotes, whose own quotes that are not escaped become so."""
    return re.sub(r'(?<!\\)"', r"\"", text)


def _together(candidates: list[_Candidate], text: str, notes: list[str]) -> Reading:
    """The first of them, with those that go on where it ends, and those of other collections."""
    first, *rest = candidates
    data, last, cut = first.data, first.found, first.found.cut
    notes = [*notes, *first.notes]
    read = [data]
    for one in rest:
        if one.data in read:
            notes.append("the reply says the same again, which counts once")
            last = one.found
            continue
        goes_on = _BETWEEN.fullmatch(text, last.end, one.found.start) is not None
        if goes_on or not one.data.keys() & data.keys():
            said: list[str] = []
            data = join([*data.items(), *one.data.items()], said)
            read.append(one.data)
            cut, last = cut or one.found.cut, one.found
            notes += ["the reply holds several objects, which are taken together", *one.notes]
        else:
            notes.append("the reply holds more objects after the first, which are not read")
    notes = list(dict.fromkeys(notes))
    if len(notes) > MOST_NOTES:
        notes = [*notes[:MOST_NOTES], "and more of the kind"]
    return Reading(data, tuple(notes), cut)


def _candidate(found: Found, schema: Schema) -> _Candidate | None:
    """An object, or a list of them, as a delta; None for what is none."""
    notes = [*found.notes]
    data = _unwrapped(found.data, schema, notes, MOST_DEEP, found.cut)
    if data is None:
        return None
    items = {name: _items(schema.reading(name), value, notes) for name, value in data.items()}
    return _Candidate(items, found, notes)


def _unwrapped(
    value: Any, schema: Schema, notes: list[str], deep: int, cut: bool = False
) -> dict[str, Any] | None:
    """The dict of collections that a value is, or holds; `cut` says that it was cut off."""
    if isinstance(value, Unfinished):
        return _unwrapped(value.value, schema, notes, deep, True)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Unfinished):
        return _unwrapped(value[0], schema, notes, deep, True)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        inner = objects(value)
        if len(inner) == 1 and (found := _unwrapped(inner[0].data, schema, notes, deep - 1)) is not None:
            notes += ["JSON stands in a text", *inner[0].notes]
            return found
        return None
    if isinstance(value, list):
        return _of_list(value, schema, notes, deep)
    if not isinstance(value, dict) or deep < 0:
        return None
    named = {key: _named(key, schema) for key in value}
    if any(named.values()):
        told: list[str] = []
        said = join([(_renamed(key, name, notes), value[key]) for key, name in named.items()], told)
        return said if _is_delta(said, schema) else None
    item = _bare_item(value, schema)
    if item is not None:
        notes.append(f"an item that stands alone is taken as one of `{item}`")
        return {item: [Unfinished(_so_far(value)) if cut else value]}
    for key, inner in value.items():
        if isinstance(key, str) and key.lower() in WRAPPERS:
            found = _unwrapped(inner, schema, notes, deep - 1)
            if found is not None:
                notes.append(f"the collections stand under `{key}`")
                return found
    return None


def _so_far(value: Mapping[str, Any]) -> dict[str, Any]:
    """What had come of an item that was cut off."""
    return {
        key: one[0].value if isinstance(one, list) and one and isinstance(one[0], Unfinished) else one
        for key, one in value.items()
    }


def _is_delta(said: Mapping[str, Any], schema: Schema) -> bool:
    """False for what only repeats the schema: there, collections are described."""
    values = [value for key, value in said.items() if schema.reading(key) is not None]
    described = [isinstance(value, dict) and {"type", "items"} <= value.keys() for value in values]
    return not all(described)


def _of_list(value: list[Any], schema: Schema, notes: list[str], deep: int) -> dict[str, Any] | None:
    """A list of items that can be of one collection only each, or of deltas, as one delta."""
    pairs: list[tuple[str, Any]] = []
    for entry in value:
        found = None
        if isinstance(entry, dict | Unfinished):
            found = _unwrapped(entry, schema, notes, deep - 1)
        if found is None and isinstance(entry, Unfinished) and pairs:
            found = {pairs[-1][0]: [entry]}
        if found is None:
            return None
        pairs.extend(found.items())
    if not pairs:
        return None
    notes.append("the reply is a list instead of an object")
    return join(pairs, [])


def _named(key: Any, schema: Schema) -> str | None:
    """The collection that a key means: as it is written, or in other case."""
    if not isinstance(key, str) or key in FILE_KEYS:
        return None
    if schema.reading(key) is not None:
        return key
    near = _nearly(key, ((name, name) for entry in schema.collections for name in (entry.name, *entry.also)))
    return near


def _nearly(word: str, names: Iterable[tuple[str, str]]) -> str | None:
    """What the one name stands for that is the same but for case, dashes and blanks."""
    wanted = _SPACES.sub("", word).lower()
    found = {meaning for name, meaning in names if _SPACES.sub("", name).lower() == wanted}
    return found.pop() if len(found) == 1 else None


def _renamed(key: str, name: str | None, notes: list[str]) -> str:
    if name is None or name == key:
        return key
    notes.append(f"`{key}` is read as `{name}`")
    return name


def _bare_item(value: Mapping[str, Any], schema: Schema) -> str | None:
    """The one collection whose item an object can be: it has all that such an item must, and nothing else."""
    fitting = [entry.name for entry in schema.collections if _may_come(entry) and _fits(value, entry)]
    return fitting[0] if len(fitting) == 1 else None


def _may_come(entry: Collection) -> bool:
    return entry.mode != "refuse" and PIPES in entry.makers


def _fits(value: Mapping[str, Any], entry: Collection) -> bool:
    fields = entry.all_fields()
    required = [one for one in fields if not one.optional]
    if not required:
        return False
    given = {_SPACES.sub("", str(key)).lower() for key in value}
    names = {one: {_SPACES.sub("", name).lower() for name in (one.name, *one.also)} for one in fields}
    return all(names[one] & given for one in required) and given <= set().union(*names.values())


def _items(rule: Collection | None, value: Any, notes: list[str]) -> Any:
    """What stands under a collection's key, as a list of items where it can be read as one."""
    if rule is None:
        return value
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        inner = objects(value)
        if len(inner) == 1 and not inner[0].cut:
            notes.append("JSON stands in a text")
            value = inner[0].data
    if isinstance(value, dict) and (not value or not rule.all_fields() or _knows(rule, value)):
        if value:
            notes.append(f"`{rule.name}` is one item instead of a list")
        value = [value] if value else []
    if not isinstance(value, list):
        return value
    return [_item(rule, entry, notes) if isinstance(entry, dict | str) else entry for entry in value]


def _knows(rule: Collection, value: Mapping[str, Any]) -> bool:
    names = {name for one in rule.all_fields() for name in (one.name, *one.also)}
    return any(key in names or _nearly(key, ((n, n) for n in names)) is not None for key in value)


def _item(rule: Collection, item: Any, notes: list[str]) -> Any:
    """One item: its fields in the case that the policy writes, numbers that stand as texts as numbers."""
    if isinstance(item, str):
        inner = objects(item) if item.lstrip()[:1] == "{" else []
        if len(inner) != 1 or inner[0].cut:
            return item
        notes.append("JSON stands in a text")
        item = inner[0].data
    fields = rule.all_fields()
    names = {name: name for one in fields for name in (one.name, *one.also)}
    renamed = {}
    for key, value in item.items():
        near = key if key in names else _nearly(key, names.items())
        taken = near is None or (near != key and (near in item or near in renamed))
        renamed[key if taken or near is None else _renamed(key, near, notes)] = value
    for one in fields:
        for name in (one.name, *one.also):
            if name in renamed:
                renamed[name] = _valued(one, renamed[name], notes)
    return renamed


def _valued(one: Field, value: Any, notes: list[str]) -> Any:
    """A value in the type of its field, where that is the same said in another way."""
    read = _READ.get(one.type)
    if read is None or (one.type == "one-of" and value in one.choices):
        return value
    said = read(one, value)
    if said is None:
        return value
    notes.append(f"`{one.name}` is read as {_KIND[one.type]}")
    return said[0]


def _whole(one: Field, value: Any) -> tuple[Any] | None:
    if value.__class__ is float and value.is_integer() and abs(value) < 2**53:
        return (int(value),)
    fits = isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is not None and len(value) < 4000
    return (int(value),) if fits else None


def _real(one: Field, value: Any) -> tuple[Any] | None:
    if not isinstance(value, str) or _REAL.fullmatch(value.strip()) is None or len(value) > 300:
        return None
    return (json.loads(value),)


def _truth(one: Field, value: Any) -> tuple[Any] | None:
    said = value.strip().lower() if isinstance(value, str) else None
    return (said == "true",) if said in ("true", "false") else None


def _choice(one: Field, value: Any) -> tuple[Any] | None:
    if not isinstance(value, str) or any(said == value for said, _ in one.meant):
        return None
    near = _nearly(value, ((choice, choice) for choice in one.choices))
    return None if near is None else (near,)


_READ: Mapping[str, Callable[[Field, Any], tuple[Any] | None]] = {
    "integer": _whole, "ref": _whole, "number": _real, "boolean": _truth, "one-of": _choice,
}  # fmt: skip
_KIND = {
    "integer": "a number", "ref": "a number", "number": "a number", "boolean": "true or false",
    "one-of": "one of its choices",
}  # fmt: skip
