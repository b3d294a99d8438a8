"""A reply becomes the collections that it holds: at once where it is nothing else, else as it is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lisppump.delta import DeltaError, Schema
from lisppump.schema_meant import Reading, meant
from lisppump.schema_reader import Unfinished, objects
from lisppump.schema_usual import are_usual

NOTHING_KNOWN = Schema()


def read(text: str | None, data: Mapping[str, Any] | None = None, schema: Schema = NOTHING_KNOWN) -> Reading:
    """The collections of a reply, parsed already or as text, and what has to be said about reading it."""
    if data is not None:
        return Reading(data if data.__class__ is dict else dict(data))
    return read_reply(text, schema) if text is not None else Reading({})


def read_reply(text: str, schema: Schema = NOTHING_KNOWN) -> Reading:
    """What a text says that can be a delta; DeltaError when there is nothing of the kind in it.

    An item that was cut off comes back as `Unfinished`, which the check refuses.
    """
    plain = _plainly(text, schema)
    if plain is not None:
        return Reading(plain)
    known = meant(text, schema)
    if known is not None:
        return known
    found = [one for one in objects(text) if isinstance(one.data, dict)]
    unknown = (one for one in found if any(map(_is_list, one.data.values())))
    chosen = next(unknown, None) or next((one for one in found if not one.data and not one.cut), None)
    if chosen is not None:
        return Reading(chosen.data, chosen.notes, chosen.cut)
    start = " ".join(text[:200].split())
    raise DeltaError(
        "unusable-reply",
        "the reply should hold a JSON object of collections, but "
        + (f"none was found; it begins: {start}" if start else "it is empty"),
        help="the whole reply is kept in the journal",
        data=text,
    )


def _is_list(value: Any) -> bool:
    """True for a list of which there is more than the beginning of a text or number."""
    first = value[0] if isinstance(value, list) and value else None
    scalar = isinstance(first, Unfinished) and not isinstance(first.value, dict | list)
    return isinstance(value, list) and not scalar


def _plainly(text: str, schema: Schema) -> dict[str, Any] | None:
    """The collections of a text that is nothing but a delta in which all is usual, as nearly all are."""
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    if data.__class__ is not dict:
        return None
    for key, items in data.items():
        rule = schema.get(key)
        if rule is None or items.__class__ is not list or (items and not are_usual(rule, items)):
            return None
    return data or None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of pairs; ValueError where a key stands twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made
