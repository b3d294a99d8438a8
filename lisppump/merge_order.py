"""The order in which a merge takes deltas and items, whenever they arrived. It merges nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter, lt
from typing import Any

from lisppump import canon
from lisppump.delta import Delta
from lisppump.merge_entries import Came, Entry, Flow, items_of

_PLACE = attrgetter("frame", "node", "stream")  # what a delta has as its `order`, but for its digest


def in_order(deltas: Sequence[Delta]) -> tuple[list[Delta], bool]:
    """Deltas in canonical order, and whether each came in it with a stream of its own, as nearly all do."""
    places = [*map(_PLACE, deltas)]
    apart = all(map(lt, places, places[1:]))
    return ([*deltas] if apart else sorted(deltas, key=_order)), apart


def _order(delta: Delta) -> tuple[Any, ...]:
    """What differs in nothing that counts is told apart by all else that a merge reads."""
    rejected = canon.digest(list(delta.rejected)) if delta.rejected else ""
    return (*delta.order, delta.epoch, delta.foreign, delta.agents, delta.utc, rejected)


def by_collection(deltas: Iterable[tuple[int, Delta]]) -> dict[str, list[Came]]:
    """What came of each collection, in the order of the deltas."""
    found: defaultdict[str, list[Came]] = defaultdict(list)
    for place, delta in deltas:
        for name, value in delta.collections.items():
            items = value if value.__class__ is list else items_of(value)
            if items:
                found[name].append((place, delta, items))
    return found


def entries_of(flow: Flow) -> list[Entry]:
    """An entry for each item that came."""
    return [
        Entry(flow, delta, place, index, item)
        for place, delta, items in flow.came
        for index, item in enumerate(items)
    ]


def quarantine_order(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """The place of what was refused among all that was."""
    return (entry["frame"], entry["node"], entry["stream"], entry["collection"], entry["index"])
