"""A quick look at what nearly all items are: what the check of a delta would keep as it stands. Pure.

It says yes only of what surely is so; of all else nothing is said here, and the check looks closer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lisppump import canon
from lisppump.delta import FILE_KEYS, PIPES, Closer, Collection, Field, Fits, Schema

MOST_SHAPES = 64  # of items of one collection, and of rows of keys, that are remembered as usual
LAST = (None,)  # in the place of a shape: that of the last item


def own_usual(schema: Schema, data: dict[str, Any]) -> canon.Whole | None:
    """A copy of what a pipe brings where all of it is usual, in the order that it has; else None.

    It is what `calling.answered` and `schema.check` would come to, one after the other. It does not look
    whether texts have bytes: whoever encodes them finds that out.
    """
    keys = tuple(data)
    rules = schema.usual_rules.get(keys)
    if rules is None:
        rules = _rules_of(schema, keys)
        if rules is None:
            return None
        if len(schema.usual_rules) < MOST_SHAPES:
            schema.usual_rules[keys] = rules
    own = canon.Whole()
    for rule, (name, items) in zip(rules, data.items(), strict=True):
        mine = _own_items(rule, items) if items.__class__ is list else None
        if not mine:
            return None
        own[name] = mine
    return own


def _own_items(collection: Collection, items: list[Any]) -> list[dict[str, Any]] | None:
    """Copies of usual items, whose texts are not looked at; nothing in one could be changed but itself."""
    own = []
    last = collection.usual_fits.get(LAST)
    for item in items:
        if item.__class__ is not dict:
            return None
        if last is None or not last[0](item):
            last = _fits(collection, item)
            if last is None:
                return None
        if (choosy := last[1].choosy) and not _are_chosen(choosy, item):
            return None
        own.append(item.copy())
    return own


def _fits(collection: Collection, item: dict[str, Any]) -> Fits | None:
    """What tells at a glance whether the next item is as this one; None where this one is not usual."""
    known, shapes = collection.usual_fits, collection.usual_shapes
    shape = (*item, *map(type, item.values()))
    if (found := known.get(shape)) is not None:
        known[LAST] = found
        return found if found[0](item) else None
    closer = shapes.get(shape) or _closer(collection, item)
    if closer is None or not all([item[name] for name in closer.named]):
        return None
    if shape not in shapes:
        return _never, closer  # of so many shapes no more is remembered, nor anything written out
    made = known[shape] = known[LAST] = _fitting(item, closer.named), closer
    return made


def _never(item: dict[str, Any]) -> bool:
    return False


def _rules_of(schema: Schema, keys: tuple[Any, ...]) -> tuple[Collection, ...] | None:
    """The collections that keys name, where they stand in the policy's order and a pipe may bring all."""
    if not {*map(type, keys)} <= {str} or not schema.named.keys() >= {*keys} or FILE_KEYS & {*keys}:
        return None
    rules = tuple([schema.named[key] for key in keys])
    ours = all(PIPES in rule.makers for rule in rules)
    return rules if ours and schema.ordered(keys) == [*keys] else None


def are_usual(collection: Collection, items: Sequence[Any]) -> bool:
    """True only of items that the check would keep as they are; there is one at least."""
    known = collection.usual_shapes
    for item in items:
        if item.__class__ is not dict:
            return False
        closer = known.get((*item, *map(type, item.values()))) or _closer(collection, item)
        if closer is None:
            return False
        for name in closer.texts:
            text = item[name]
            if not text.isascii() and is_halved(text):
                return False
        for name in closer.named:
            if not item[name]:
                return False
        if closer.choosy and not _are_chosen(closer.choosy, item):
            return False
    return bool(items)


def _are_chosen(choosy: Iterable[Field], item: dict[str, Any]) -> bool:
    """Whether the fields that want more than a class of values have what they want."""
    return all([CHECKS[field.type](item[field.name], field) for field in choosy])


def _closer(collection: Collection, item: dict[str, Any]) -> Closer | None:
    """What is left to be looked at in an item whose shape is not known yet; None where it is not usual."""
    known, closer = collection.usual_shapes, _usual_shape(collection, item)
    if closer is not None and len(known) < MOST_SHAPES:
        known[(*item, *map(type, item.values()))] = closer
    return closer


def _usual_shape(collection: Collection, item: dict[str, Any]) -> Closer | None:
    """The same for all items with the very fields of one, and values of its classes."""
    classes, required, choosy = collection.usual
    if not required <= item.keys():
        return None
    if any(value.__class__ not in classes.get(name, ()) for name, value in item.items()):
        return None
    texts = tuple(name for name, value in item.items() if value.__class__ is str)
    there = [field for field in choosy if item.get(field.name) is not None]
    named = tuple(field.name for field in there if field.type == "agent")
    choosy = tuple(field for field in there if field.type != "agent")
    return Closer(texts, named, choosy)


def _fitting(item: dict[str, Any], named: Iterable[str]) -> Callable[[dict[str, Any]], bool]:
    """A function that tells whether another item has the very fields of one, and values of its classes.

    All is written out in one expression: it takes half the time of any way to look that up.
    """
    classes = {kind.__name__: kind for kind in map(type, item.values())}
    looks = [f"len(item) == {len(item)}"]
    for name, value in item.items():
        said = str.__repr__(name)
        if value is None:
            looks.append(f"item.get({said}, item) is None")
        else:
            looks.append(f"item.get({said}).__class__ is {type(value).__name__}")
    looks += [f"item[{str.__repr__(name)}] != ''" for name in named]
    made: Callable[[dict[str, Any]], bool] = eval(f"lambda item: {' and '.join(looks)}", classes)
    return made


CHECKS: dict[str, Callable[[Any, Field], bool]] = {
    "string": lambda value, field: isinstance(value, str),
    "integer": lambda value, field: isinstance(value, int) and not isinstance(value, bool),
    "ref": lambda value, field: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value, field: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value, field: isinstance(value, bool),
    "agent": lambda value, field: isinstance(value, str) and value != "",
    "lispy": lambda value, field: isinstance(value, str) and value.strip() != "",
    "any": lambda value, field: True,
    "one-of": lambda value, field: isinstance(value, str) and value in field.choices,
}


def is_halved(text: str) -> bool:
    """True for a text with half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
