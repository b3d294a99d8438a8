"""Steering: what operators and echoes ask of the next frames, as one dict. Pure; it reads no clock.

Operators' nudges lie in the document `nudges.json`, by id: {"text", "set", "until_frame", "until"}. What
echoes bring lies in `steering.json`, where the policy lets them. A nudge stands above that, a later one above
others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lisppump.clock import parse

DOCUMENT, NUDGES = "steering.json", "nudges.json"
OWN = ("notes", "nudges", "signals", "streams", "wake")  # what the loop itself makes or reads


def steering_of(documents: Mapping[str, Any], number: int, time: str) -> dict[str, Any]:
    """What is asked of the frame that follows frame `number`; empty where nothing is."""
    there = documents.get(DOCUMENT)
    asked = dict(there) if isinstance(there, dict) else {}
    ids, notes = [], []
    for id, nudge in active(documents.get(NUDGES), number, time):
        ids.append(id)
        for key, value in nudge.get("set", {}).items():
            both = isinstance(value, dict) and isinstance(asked.get(key), dict)
            asked[key] = {**asked[key], **value} if both else value
        if nudge.get("text"):
            notes.append(nudge["text"])
    return {**asked, **({"notes": notes} if notes else {}), **({"nudges": ids} if ids else {})}


def active(nudges: Any, number: int, time: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The nudges that are for the frame after frame `number`, in the order in which they were given."""
    for id, nudge in sorted(entries(nudges), key=lambda entry: order(entry[0])):
        until_frame, until = nudge.get("until_frame"), nudge.get("until")
        if isinstance(until_frame, int) and number + 1 > until_frame:
            continue
        if isinstance(until, str) and over(until, time):
            continue
        yield id, nudge


def entries(nudges: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """What can be nudges in a document that people may have edited."""
    found = nudges.items() if isinstance(nudges, dict) else ()
    return [(id, nudge) for id, nudge in found if isinstance(nudge, dict) and _is_dict(nudge.get("set", {}))]


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def order(id: str) -> tuple[int, str]:
    """Ids are n1, n2, ... in the order in which they were given; others come first, by name."""
    digits = id[1:]
    return (int(digits) if id[:1] == "n" and digits.isascii() and digits.isdigit() else 0, id)


def over(until: str, time: str) -> bool:
    """True when a time of the world has come; one that nobody can read never does."""
    try:
        return parse(time) >= parse(until)
    except ValueError:
        return False


def told(steering: Mapping[str, Any]) -> dict[str, Any]:
    """What of it every pipe reads: notes of the operators, and all that is no matter of the loop's."""
    said = {key: value for key, value in steering.items() if key not in OWN}
    return {**({"notes": steering["notes"]} if "notes" in steering else {}), **said}
