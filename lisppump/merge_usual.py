"""Items about which nothing is unusual, as nearly all are: taken into one list in one go. It refuses nothing.

What it does with an item is what the steps of a merge come to; whatever may come to something else is left to
these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lisppump.merge_entries import Counter, Entry, Flow, Place, Seen
from lisppump.merge_memo import identified_by
from lisppump.merge_rules import Rules

_NOTHING_SEEN: Seen = ({}, {})  # where no item repeats another


def is_usual(flow: Flow, places: Rules) -> bool:
    """True where items go as they are into one list for all, and counters are quickly found."""
    rule = flow.rule
    plain = rule.mode == "append" and rule.shape is None and not flow.adopted
    alone = flow.number is None and not flow.references and rule.about is None
    text = (flow.document or "").endswith((".md", ".txt"))
    return plain and alone and not text and places.has_place(flow) and all(one.plain for one in flow.counters)


def take_usual(flow: Flow, places: Rules, otherwise: Callable[[Entry], object]) -> None:
    """Take the items of a flow in, in their order; `otherwise` gets those that want to be looked at."""
    actor, home = flow.actor, (flow.document or "", flow.path)
    counters = _counters(flow, places)
    identified = identified_by(flow.rule.once_per) if flow.rule.once_per else None
    standing, fresh = _NOTHING_SEEN if identified is None else _seen(flow, home[0], places)
    log = key = None
    merged = duplicates = 0
    for place, delta, items in flow.came:
        agents, ours = delta.agents, delta.origin is None
        for index, item in enumerate(items):
            if ours and item.__class__ is dict and (actor is None or item.get(actor) in agents):
                if identified is not None:
                    key = identified(item)
                if key is not None and key in standing:
                    if counters is None or counters.find(item) is not None:
                        duplicates += 1
                        continue
                elif key is None or key not in fresh:
                    if log is None:
                        log = places.appends.get(home)
                    if log is not None and (counters is None or counters.rise(item)):
                        log.append(item if "created_at" in item else {**item, "created_at": delta.utc})
                        if key is not None:
                            fresh[key] = (delta, place, index, item)
                        merged += 1
                        continue
            otherwise(Entry(flow, delta, place, index, item))
    flow.outcomes["merged"] += merged
    flow.outcomes["duplicate"] += duplicates


def _seen(flow: Flow, document: str, places: Rules) -> Seen:
    seen = flow.seen.get(document)
    if seen is None:
        seen = flow.seen[document] = (places.standing(flow, document), {})
    return seen


def _counters(flow: Flow, places: Rules) -> _One | _Many | None:
    if len(flow.counters) == 1:
        return _One(flow.counters[0], places)
    return _Many(flow.counters, places) if flow.counters else None


class _One:
    """A plain counter while items raise it: what is found and held once for all of them."""

    __slots__ = ("_adds", "_before", "_by", "_document", "_held", "_last", "_members", "_places")

    def __init__(self, counter: Counter, places: Rules) -> None:
        self._by, self._last = counter.by or "", counter.last
        self._document, self._before = counter.document, counter.before
        self._members = places.members(counter)
        self._held: dict[str, Any] | None = None
        self._places, self._adds = places, places.adds

    def find(self, item: dict[str, Any]) -> Place | None:
        """The place of an item's counter, a number or nothing yet; None where to look closer."""
        who: Any = item.get(self._by)
        member = self._members.get(who) if who.__class__ is str and who else None
        if member.__class__ is not dict or member.get(self._last, 0).__class__ is not int:
            return None
        return self._document, (*self._before, who, self._last)

    def rise(self, item: dict[str, Any]) -> bool:
        """Raise an item's counter by one; False, and nothing done, where to look closer."""
        place = self.find(item)
        if place is None:
            return False
        adds, held, who = self._adds, self._held, item[self._by]
        if held is not None and who not in held:
            held[who] = {self._last: "a number"}
            adds[place] = 1
        elif place in adds:
            adds[place] += 1
        elif self._places.claim((place,)):
            adds[place] = 1
            self._held = self._places.held_at(self._document, self._before)
        else:
            return False
        return True


class _Many:
    """Several plain counters of a flow."""

    def __init__(self, counters: Sequence[Counter], places: Rules) -> None:
        self._each = [_One(counter, places) for counter in counters]
        self._places = places

    def find(self, item: dict[str, Any]) -> list[Place] | None:
        """The places of an item's counters; None where to look closer."""
        found = []
        for one in self._each:
            place = one.find(item)
            if place is None:
                return None
            found.append(place)
        return found

    def rise(self, item: dict[str, Any]) -> bool:
        """Raise an item's counters by one; False, and nothing done, where to look closer."""
        found = self.find(item)
        if found is None or not self._places.claim(found):
            return False
        adds = self._places.adds
        for place in found:
            adds[place] = adds.get(place, 0) + 1
        return True
