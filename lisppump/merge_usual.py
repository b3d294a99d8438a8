"""Items about which nothing is unusual, as nearly all are: taken into one list in one go. It refuses nothing.

What it does with an item is what the steps of a merge come to; whatever may come to something else is left to
these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lisppump.delta import Delta
from lisppump.merge_entries import Entry, Flow, Place, items_of
from lisppump.merge_memo import identity
from lisppump.merge_rules import Rules

_NO_COUNTERS: Sequence[Place] = ()
_NOTHING_SEEN: tuple[dict[Any, Any], dict[Any, Entry]] = ({}, {})  # where no item repeats another


def is_usual(flow: Flow, places: Rules) -> bool:
    """True where items go as they are into one list for all, and counters are quickly found."""
    rule = flow.rule
    plain = rule.mode == "append" and rule.shape is None and not flow.adopted
    alone = flow.number is None and not flow.references and rule.about is None
    text = (flow.document or "").endswith((".md", ".txt"))
    return plain and alone and not text and places.has_place(flow) and all(one.plain for one in flow.counters)


def take_usual(
    flow: Flow, deltas: Iterable[tuple[int, Delta]], places: Rules, otherwise: Callable[[Entry], object]
) -> None:
    """Take the items of a flow in, in their order; `otherwise` gets those that want to be looked at."""
    actor, once_per, document = flow.actor, flow.rule.once_per, flow.document or ""
    adds, counts, outcomes = places.adds, bool(flow.counters), flow.outcomes
    log: list[Any] | None = None
    seen = None if once_per else _NOTHING_SEEN
    for place, delta in deltas:
        agents, ours = delta.agents, delta.origin is None
        for index, item in enumerate(items_of(delta.collections.get(flow.name))):
            log = places.appends.get((document, flow.path)) if log is None else log
            seen = flow.seen.get(document) if seen is None else seen
            usual = ours and item.__class__ is dict and (not actor or item.get(actor) in agents)
            if seen is None or not usual:
                otherwise(Entry(flow, delta, place, index, item))
                continue
            counters = places.usual_counters(flow, item) if counts else _NO_COUNTERS
            key = identity(item, once_per) if once_per else None
            if key in seen[0] and counters is not None:
                outcomes["duplicate"] += 1
                continue
            if log is None or counters is None or key in seen[1] or not places.claim(counters):
                otherwise(Entry(flow, delta, place, index, item))
                continue
            if key is not None:
                seen[1][key] = entry = Entry(flow, delta, place, index, item)
                entry.identity, entry.settled = key, True
            log.append(item if "created_at" in item else {**item, "created_at": delta.utc})
            for counter in counters:
                adds[counter] = adds.get(counter, 0) + 1
            outcomes["merged"] += 1
