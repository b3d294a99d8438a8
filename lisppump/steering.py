"""Steering: what operators and echoes ask of the next frames, as one dict. Pure; it reads no clock.

Operators' nudges lie in the document `nudges.json`, by id: {"text", "set", "until_frame", "until"}. What
echoes bring lies in `steering.json`, where the policy lets them. A nudge stands above that, a later one above
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lisppump.clock import parse

DOCUMENT, NUDGES = "steering.json", "nudges.json"
NUDGE = ("text", "set", "until_frame", "until")  # what one may have
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


def faults(documents: Mapping[str, Any]) -> list[str]:
    """What in the two documents, which people may have edited, is passed over or not what they meant."""
    found = []
    nudges, asked = documents.get(NUDGES, {}), documents.get(DOCUMENT, {})
    for name, value in ((NUDGES, nudges), (DOCUMENT, asked)):
        if not isinstance(value, dict):
            found.append(f"{name} should be an object; all of it is passed over")
    for id, nudge in nudges.items() if isinstance(nudges, dict) else ():
        found += [f"nudge {id} {what}" for what in _faults_of(nudge)]
    return found + [f"{DOCUMENT} {what}" for what in (_faults_in(asked) if isinstance(asked, dict) else ())]


def _faults_of(nudge: Any) -> Iterator[str]:
    if not isinstance(nudge, dict):
        yield 'should be an object such as {"text": "talk of water"}; it is passed over'
        return
    if not isinstance(nudge.get("set", {}), dict):
        yield "should have an object under `set`; it is passed over"
        return
    if not isinstance(nudge.get("text"), str | None):
        yield "should have a text under `text`"
    until_frame, until = nudge.get("until_frame"), nudge.get("until")
    if not isinstance(until_frame, int | None):
        yield "should have the number of a frame under `until_frame`; it ends by none"
    if until is not None and not (isinstance(until, str) and _is_time(until)):
        yield "should have a time such as 2026-04-09T12:00:00Z under `until`; it ends by none"
    strange = ", ".join(f"`{key}`" for key in nudge if key not in NUDGE)
    if strange:
        yield f"has {strange}, which says nothing there; what it asks for stands under `set`"
    yield from _faults_in(nudge.get("set", {}))


def _faults_in(asked: Mapping[str, Any]) -> Iterator[str]:
    """What the loop itself reads, and cannot."""
    streams = asked.get("streams")
    if "streams" in asked and not (type(streams) is int and streams > 0):
        yield "should have a number from 1 as `streams`; that is passed over"
    if not isinstance(asked.get("wake", []), list):
        yield "should have a list of agents as `wake`; that is passed over"
    if not isinstance(asked.get("signals", {}), dict):
        yield "should have an object by verbs as `signals`; that is passed over"


def _is_time(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def by_whom(document: str) -> str:
    """How a document was changed that no frame changed."""
    return "by `steer` or by hand" if document == NUDGES else "by hand"


def by_each(documents: Iterable[str]) -> list[tuple[str, str]]:
    """The same of many documents, with the names of those that were changed in one way, each way once."""
    ways: dict[str, list[str]] = {}
    for document in documents:
        ways.setdefault(by_whom(document), []).append(document)
    return [(who, ", ".join(names)) for who, names in ways.items()]


def edited(documents: Iterable[str]) -> str:
    """Documents that no frame changed, in words: "edited by hand: a.json, b.md"."""
    return "edited " + "; ".join(f"{who}: {names}" for who, names in by_each(documents))


def the_edit_of(documents: Iterable[str]) -> str:
    """An edit as what is taken back or left."""
    ways = by_each(documents)
    if [who for who, _ in ways] == ["by hand"]:
        return f"the hand edit of {ways[0][1]}"
    return "the edit of " + " and of ".join(f"{names} {who}" for who, names in ways)


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
