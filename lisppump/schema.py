"""What may stand in a delta: its JSON Schema, the reading and checking of replies. It drops nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lisppump import canon
from lisppump.delta import FILE_KEYS, PIPES, Collection, Field, Schema
from lisppump.lispy.values import Pair, Slice, elements, is_list
from lisppump.schema_reader import Unfinished
from lisppump.schema_usual import CHECKS, MOST_SHAPES, are_usual, is_halved

MOST_DEEP = 100

_SCALAR = {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]}
_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "agent": {"type": "string", "description": "the id of an agent"},
    "lispy": {"type": "string", "description": "the source of a LisPy program"},
    "any": _SCALAR,  # backends that enforce a schema know no free objects; the check lets them pass
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An item that may not stand in a delta: where in the reply it is, a reason code, a sentence."""

    collection: str
    index: int
    reason: str
    sentence: str
    item: Any

    def to_json(self) -> dict[str, Any]:
        """As quarantine keeps it; what JSON cannot say is shown as text."""
        return {
            "collection": _as_text(self.collection),
            "index": self.index,
            "reason": self.reason,
            "message": _as_text(self.sentence),
            "item": shown(self.item),
        }


def json_schema(schema: Schema, actors: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema of a delta, as backends want it: closed objects, every collection optional.

    With `actors`, a room's own, who acts in an item can only be one of them. It is then not the same for each
    pipe of a frame: for backends that enforce a schema without having the model read it.
    """
    properties = {
        entry.name: {"type": "array", "items": _item_schema(entry, actors)}
        for entry in schema.collections
        if _may_come(entry)
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def in_words(schema: Schema) -> str:
    """The same for a reader: one line for each collection, then the JSON Schema. Every frame asks for it."""
    global _worded
    said = _worded
    if said is None or said[0] is not schema:
        _worded = said = (schema, _words(schema))
    return said[1]


_worded: tuple[Schema, str] | None = None  # the last, which never changes


def _words(schema: Schema) -> str:
    lines = []
    for entry in schema.collections:
        if not _may_come(entry):
            continue
        fields = ", ".join(_field_in_words(field, entry) for field in entry.all_fields())
        lines.append(f"- {entry.name}: {fields or 'any fields'}")
    if not lines:
        return "There are no collections: answer {}."
    return "\n".join([*lines, "", "As JSON Schema:", canon.canonical(json_schema(schema)).decode()])


def _may_come(entry: Collection) -> bool:
    """Whether a pipe may bring items of a collection."""
    return entry.mode != "refuse" and PIPES in entry.makers


def check(
    schema: Schema, collections: Mapping[str, Any], *, source: str = "the reply", maker: str = PIPES
) -> tuple[dict[str, list[Any]], list[Problem]]:
    """Hold each item to the fields of its collection: what may stand in a delta, a problem for what may not.

    Accepted items keep their order; collections without one are left out. Unknown fields move under `extra`.
    `maker` says who brings them: a collection takes items only from those that the policy names. What is
    accepted is Whole where all of it is usual.
    """
    accepted: dict[str, list[Any]] = canon.Whole()
    rejected: list[Problem] = []
    for name, key, rule in _keys(schema, collections):
        value = collections[key]
        if maker not in (_ANYBODYS if rule is None else rule.makers):
            accepted, rejected = dict(accepted), [*rejected, *_barred(name, key, rule, value, source, maker)]
            continue
        if rule is not None and value.__class__ is list and key not in FILE_KEYS and are_usual(rule, value):
            accepted[name] = [*accepted[name], *value] if name in accepted else value
            continue
        accepted = dict(accepted)  # there may be a float in what follows
        if name in accepted:
            accepted[name] = [*accepted[name]]
        for _, item, problem in _sift(name, key, rule, value, source, elsewhere=False):
            if problem is None:
                accepted.setdefault(name, []).append(item)
            else:
                rejected.append(problem)
    return accepted, rejected


_ANYBODYS = (PIPES,)  # the makers of a collection that the policy does not name


def _barred(
    name: str, key: str, rule: Collection | None, value: Any, source: str, maker: str
) -> Iterator[Problem]:
    """A problem for each item of a collection that its maker may bring nothing to."""
    makers = _ANYBODYS if rule is None else rule.makers
    known = rule is not None and rule.name == name
    who = f"only {' and '.join(makers)} may bring items of `{name}`"
    why = who if known else f"the policy has no collection `{name}` that {maker} may bring items of"
    for index, item in enumerate(elements(value) if is_list(value) else [value]):
        seen = item.value if isinstance(item, Unfinished) else item
        sentence = f"{key}[{index}] of {source} comes from {maker}, and {why}"
        yield Problem(name, index, "not-its-maker", sentence, seen)


@dataclass(frozen=True, slots=True)
class Sifted:
    """One item that was checked: its collection, the key and index it stood under, what it is read as.

    `index` is None for what stands where a list belongs.
    """

    collection: str
    key: str
    index: int | None
    item: Any
    problem: Problem | None = None


def sift(
    schema: Schema, collections: Mapping[str, Any], source: str, *, elsewhere: bool = False
) -> Iterator[Sifted]:
    """Read and check every item, in the order of the policy's collections.

    `elsewhere` says that no pipe of ours made them: fields that must be there only here are null then.
    """
    for name, key, rule in _keys(schema, collections):
        for index, item, problem in _sift(name, key, rule, collections[key], source, elsewhere=elsewhere):
            yield Sifted(name, key, index, item, problem)


def _keys(schema: Schema, collections: Mapping[str, Any]) -> Sequence[tuple[str, str, Collection | None]]:
    """(collection, key, rule) of each key, in the policy's order, of one collection its own name first."""
    known = schema.usual_keys.get(keys_as_they_come := tuple(collections))
    if known is not None:
        return known
    if schema.named.keys() >= collections.keys():
        usual: list[tuple[str, str, Collection | None]] = [
            (name, name, schema.named[name]) for name in schema.ordered(collections)
        ]
        if len(schema.usual_keys) < MOST_SHAPES:
            schema.usual_keys[keys_as_they_come] = usual
        return usual
    read = {key: (schema.reading(key) if isinstance(key, str) else None) for key in collections}
    names = {key: key if rule is None else rule.name for key, rule in read.items()}
    keys = sorted(collections, key=lambda key: names[key] != key)
    order = {name: place for place, name in enumerate(schema.ordered(dict.fromkeys(names.values())))}
    keys.sort(key=lambda key: order[names[key]])
    return [(str(names[key]), key, read[key] or schema.otherwise) for key in keys]


def _sift(
    name: str, key: str, rule: Collection | None, value: Any, source: str, *, elsewhere: bool
) -> Iterator[tuple[int | None, Any, Problem | None]]:
    """(index, item as it is read, or what is wrong with it) of all that stands under a key."""
    if value is None:
        return
    if key in FILE_KEYS:
        sentence = f"{source} gives `{key}`, which only the pump itself says of a delta"
        yield None, None, Problem(name, 0, "reserved-name", sentence, value)
        return
    if not is_list(value):
        sentence = f"`{key}` of {source} should be a list of items, but it is {kind_of(value)}"
        yield None, None, Problem(name, 0, "not-a-list", sentence, value)
        return
    for index, item in enumerate(elements(value)):
        if rule is not None and are_usual(rule, (item,)):
            yield index, item, None
            continue
        checked, trouble = _check_item(rule, item, elsewhere)
        if trouble is None:
            yield index, checked, None
            continue
        reason, sentence = trouble
        seen = item.value if isinstance(item, Unfinished) else item
        where = f"{key}[{index}] of {source} {sentence}"
        yield index, None, Problem(name, index, reason, where, seen)


def _check_item(
    collection: Collection | None, item: Any, elsewhere: bool
) -> tuple[Any, tuple[str, str] | None]:
    """The item as it may stand in a delta, or why it may not."""
    if isinstance(item, Unfinished):
        return None, ("cut-off", "was cut off before its end")
    if collection is None:
        return None, ("unknown-collection", "belongs to a collection that the policy does not name")
    if not isinstance(item, dict):
        return None, ("not-an-item", f"should be an object with fields, but it is {kind_of(item)}")
    try:
        item = plain(item)
    except ValueError as error:
        return None, ("not-json", f"cannot be kept as JSON: {error}")
    fields = collection.all_fields()
    item = _as_meant(fields, item)
    for field in fields:
        if elsewhere and field.here and item.get(field.name) is None:
            item = {**item, field.name: None}
            continue
        trouble = _check_field(field, item)
        if trouble is not None:
            return None, trouble
    return (_with_extra(item, {field.name for field in fields}) if fields else item), None


def _as_meant(fields: tuple[Field, ...], item: dict[str, Any]) -> dict[str, Any]:
    """The item with what the policy knows by other names under the names it has here; it loses nothing."""
    for field in fields:
        if field.also and item.get(field.name) is None:
            other = next((name for name in field.also if _fits(field, item.get(name))), None)
            if other is not None:
                item = {
                    (field.name if name == other else name): value
                    for name, value in item.items()
                    if name != field.name
                }
        if field.meant and (value := item.get(field.name)).__class__ is str:
            choice = next((choice for said, choice in field.meant if said == value), value)
            item = item if choice is value else {**item, field.name: choice}
    return item


def _fits(field: Field, value: Any) -> bool:
    """Whether a value under another name can be what a field should hold."""
    if value is None or (field.type == "one-of" and any(said == value for said, _ in field.meant)):
        return value is not None
    return CHECKS[field.type](value, field)


def _check_field(field: Field, item: Mapping[str, Any]) -> tuple[str, str] | None:
    value = item.get(field.name)
    if field.name not in item or (value is None and field.type != "any"):
        if field.optional:
            return None
        other = next((name for name in field.also if item.get(name) is not None), None)
        if other is not None:
            return _wrong(field, other, item[other])
        return "missing-field", f"lacks the field `{field.name}` ({expected(field)})"
    if CHECKS[field.type](value, field):
        return None
    return _wrong(field, field.name, value)


def _wrong(field: Field, name: str, value: Any) -> tuple[str, str]:
    """What is said of a value, be it under another name, that is none for a field."""
    reason = "not-a-choice" if field.type == "one-of" and isinstance(value, str) else "wrong-type"
    got = f'"{value[:60]}"' if isinstance(value, str) else kind_of(value)
    under = "" if name == field.name else f" as `{name}`"
    return reason, f"should have {expected(field)} as `{field.name}`, but it has {got}{under}"


def _with_extra(item: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """The item with its unknown fields under `extra`; its own `extra` is joined, or kept whole inside."""
    unknown = {name: value for name, value in item.items() if name not in known}
    own = unknown.pop("extra", {})
    if "extra" in known or (not unknown and isinstance(own, dict)):
        return item
    if isinstance(own, dict) and not own.keys() & unknown.keys():
        unknown = {**own, **unknown}
    else:
        unknown["extra"] = own
    return {**{name: value for name, value in item.items() if name in known}, "extra": unknown}


def expected(field: Field) -> str:
    """What a field wants, in words."""
    if field.type == "one-of":
        return "one of " + ", ".join(f'"{choice}"' for choice in field.choices)
    words = {
        "any": "any value",
        "agent": "an agent's id",
        "lispy": "a LisPy program as a string",
        "integer": "a whole number",
        "ref": "a whole number",
    }
    return words.get(field.type, f"a {field.type}")


def kind_of(value: Any) -> str:
    """What a person calls a JSON value of this kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}" if abs(value) < 10**18 else "a very large number"
    if isinstance(value, str):
        return "a string"
    if is_list(value):
        return "a list"
    return "an object" if isinstance(value, dict) else "something that is no JSON"


def plain(value: Any, depth: int = 0) -> Any:
    """A value as plain JSON data, LisPy lists as arrays; ValueError with a phrase where it has no JSON form.

    What is plain already comes back as it is.
    """
    kind = value.__class__
    if kind is str:
        if not value.isascii() and is_halved(value):
            raise ValueError("it holds a text with half a surrogate pair")
        return value
    if value is None or kind is int or kind is bool:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise ValueError("it holds a number that is not finite")
        return value
    if depth >= MOST_DEEP:
        raise ValueError(f"it is nested deeper than {MOST_DEEP} levels")
    if isinstance(value, dict):
        made = {_key(key): plain(member, depth + 1) for key, member in value.items()}
        return value if kind is dict and all(made[key] is value[key] for key in made) else made
    if kind is list or kind is Slice or (kind is Pair and value.size >= 0):
        items = elements(value)
        new = [plain(item, depth + 1) for item in items]
        return value if kind is list and all(a is b for a, b in zip(new, items, strict=True)) else new
    raise ValueError("it holds something that is neither text, number, truth, list nor object")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError("it holds an object with a key that is no text")
    plain(key)
    return key


def shown(value: Any) -> Any:
    """A value as JSON that can always be written: what has no JSON form is shown as a text."""
    try:
        return plain(value)
    except ValueError:
        pass
    if isinstance(value, dict):
        return {str(shown(str(key))): _shown_inside(member) for key, member in value.items()}
    if is_list(value) and value is not None:
        return [_shown_inside(item) for item in elements(value)]
    return _as_text(value)


def _shown_inside(value: Any) -> Any:
    """One level below what cannot be written whole: what is still deep or foreign becomes a text."""
    try:
        return plain(value)
    except ValueError:
        return _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict) or is_list(value):
        return f"({kind_of(value)} that cannot be written as JSON)"
    return "(no JSON)"


def _item_schema(collection: Collection, actors: Sequence[str] = ()) -> dict[str, Any]:
    fields = collection.all_fields()
    properties = {field.name: _field_schema(field) for field in fields}
    if actors and collection.acting in properties:
        properties[collection.acting] = {"type": "string", "enum": list(actors)}
    return {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if not field.optional],
        "additionalProperties": False,
    }


def _field_schema(field: Field) -> dict[str, Any]:
    if field.type == "one-of":
        return {"type": "string", "enum": list(field.choices)}
    if field.type == "ref":
        return {"type": "integer", "description": f"the number of one of {field.target}"}
    return dict(_TYPES[field.type])


def _field_in_words(field: Field, collection: Collection) -> str:
    wants = expected(field)
    if field.name == collection.acting:
        wants += ", one of your room"
    elif field.type == "ref":
        wants = f"the number of one of {field.target}"
    return f"{field.name} ({wants}{', optional' if field.optional else ''})"
