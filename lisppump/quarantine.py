"""Quarantine: what did not pass, and its two ways out: accepted into a frame of its own, or dropped for good.

Accepting makes again every check that an operator cannot answer for; it waives those that are his to waive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lisppump import canon
from lisppump import clock as clocks
from lisppump.delta import ECHO_NODE, PROPOSAL_NODE, Collection, Delta
from lisppump.errors import LisppumpError, declare
from lisppump.importing import begin, commit, may_begin, residents
from lisppump.imports import NODE, stranger_in
from lisppump.report import Quarantine, Released, totals
from lisppump.schema import sift
from lisppump.turn import merge_under

if TYPE_CHECKING:
    from lisppump.lookout import Lookout
    from lisppump.merge import Merged
    from lisppump.pump import Pump

declare(
    "usage", 1,
    no_such_entry="Quarantine has no entry of that id, or not any more.",
    not_acceptable="An item in quarantine cannot be merged as it is, whoever wants it.",
)  # fmt: skip

# An operator's yes is answer enough to these.
WAIVED = ("not-in-room", "unknown-agent", "number-taken", "unknown-member")
ITEM = (
    "id", "frame", "collection", "index", "reason", "message", "stream", "node", "epoch", "file", "path",
    "item",
)  # fmt: skip
_NEVER = {
    "cut-off": "it was cut off, and what is missing is not made up",
    "exists": "something stands under its id already, and accepting overwrites nothing",
    "lost-reference": "it refers to an item of its own delta that was refused, and has no number here",
}


FIRST = "; accept that item first, where that can be"


def entries_of(pump: Lookout) -> Quarantine:
    """What lies in quarantine now, oldest first."""
    return Quarantine(tuple(_entries(pump)))


def _entries(pump: Lookout) -> Iterator[dict[str, Any]]:
    commits = pump.store.commits()
    gone = {(entry["id"], entry["digest"]) for entry in pump.store.dropped()}
    gone |= {(entry["id"], entry["digest"]) for said in commits for entry in said.get("accepted", ())}
    aside = pump.store.set_aside_by_tocks()
    for said in commits:
        for index, entry in enumerate(aside.get(said["frame"], said["quarantine"]), 1):
            name = f"{said['frame']}.{index}"
            if (name, canon.digest(entry)) not in gone:
                known = {"id": name, **entry, "frame": said["frame"]}
                yield {**{key: known[key] for key in ITEM if key in known}, **known}


def entry_of(pump: Lookout, id: str) -> dict[str, Any]:
    """One entry and its source; an error that says what became of it where it is not there."""
    entry = _chosen(pump, [id])[0]
    if "file" in entry:
        where = f"{entry.get('path')} of {entry['file']}, taken into frame {entry['frame']}"
        return {**entry, "source": where, "replies": []}
    if str(entry.get("node")).startswith(PROPOSAL_NODE):
        return {**entry, "source": f"what a proposal brought in frame {entry['frame']}", "replies": []}
    if entry.get("node") == ECHO_NODE:
        return {**entry, "source": f"what echoes brought after frame {entry['frame']}", "replies": []}
    stream = entry.get("stream")
    replies = [reply for reply in pump.store.replies(entry["frame"]) if reply.get("stream") == stream]
    return {**entry, "source": f"stream {stream} of frame {entry['frame']}", "replies": replies}


def _chosen(pump: Lookout, ids: Sequence[str]) -> list[dict[str, Any]]:
    there = {entry["id"]: entry for entry in _entries(pump)}
    missing = next((id for id in ids if id not in there), None)
    if missing is None:
        return [there[id] for id in dict.fromkeys(ids)]
    fate = f"there is no entry {missing} in quarantine"
    if any(entry["id"] == missing for entry in pump.store.dropped()):
        fate = f"entry {missing} was dropped already"
    for said in pump.store.commits():
        if any(entry["id"] == missing for entry in said.get("accepted", ())):
            fate = f"entry {missing} was accepted already, into frame {said['frame']}"
    raise LisppumpError(
        "no-such-entry",
        fate,
        help="`lisppump quarantine list` shows what is there",
    )


def _names(pump: Lookout, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What journal records call entries: the id, and the digest of what was recorded under it."""
    named = []
    for entry in entries:
        frame, _, index = entry["id"].partition(".")
        there = pump.store.set_aside(int(frame))
        named.append({"id": entry["id"], "digest": canon.digest(there[int(index) - 1])})
    return named


def drop(pump: Pump, ids: Sequence[str]) -> Released:
    """Let entries go for good; the journal keeps what they were."""
    chosen = _chosen(pump, ids)
    store = pump._open_for_writing()
    store.drop(_names(pump, chosen))
    return Released(pump.head.number, pump.head.digest, tuple(chosen))


def accept(pump: Pump, ids: Sequence[str], *, dry_run: bool = False) -> Released:
    """Merge entries as a frame of their own; none of them where one cannot be merged."""
    with pump._complaints.of_one_frame():
        _chosen(pump, ids)
        if dry_run:
            may_begin(pump)
        else:
            begin(pump)
        chosen, head = _chosen(pump, ids), pump.head
        time = pump._time_of(head.number + 1, head)
        deltas, merged = _merged(pump, chosen, time)
        for entry in merged.quarantine:
            place = entry.get("stream", 1) - 1  # a plugin's merger need not say it
            raise _refusal(chosen[place]["id"], entry.get("reason", "refused"), entry["message"])
        if dry_run:
            return Released(head.number + 1, head.digest, tuple(chosen), totals(merged.report))
        commit(pump, time, [(None, delta) for delta in deltas], merged, _names(pump, chosen))
        return Released(head.number + 1, pump.head.digest, tuple(chosen), totals(merged.report))


def _merged(pump: Pump, chosen: Sequence[Mapping[str, Any]], time: str) -> tuple[list[Delta], Merged]:
    """The deltas of entries, and what they come to; whose number turns out to be taken gets a new one."""
    renumbered = {place for place, entry in enumerate(chosen, 1) if entry["reason"] == "number-taken"}
    while True:
        deltas = [
            _delta(pump, entry, place, time, renumbered=place in renumbered)
            for place, entry in enumerate(chosen, 1)
        ]
        merged = merge_under(pump.rig, pump.head, deltas, pump.head.number + 1)
        refused = [e for e in merged.quarantine if e.get("reason") == "number-taken"]
        taken = {int(e.get("stream", 1)) for e in refused}
        if not taken - renumbered:
            return deltas, merged
        renumbered |= taken


def _delta(pump: Pump, entry: Mapping[str, Any], place: int, time: str, *, renumbered: bool) -> Delta:
    """A delta of one item, as it is read under the policy of today."""
    id, name = entry["id"], entry["collection"]
    foreign = "file" in entry
    item = entry["item"]
    rule = pump.policy.schema.reading(name)
    lost = entry["reason"] == "lost-reference" and foreign
    if entry["reason"] in _NEVER and not (lost and rule is not None and _stands(pump, entry, rule)):
        raise _refusal(id, entry["reason"], _NEVER[entry["reason"]] + (FIRST if lost else ""))
    known_by_it = foreign and not renumbered
    if rule is not None and rule.number is not None and isinstance(item, dict) and not known_by_it:
        item = {key: value for key, value in item.items() if key != rule.number.field}
    if entry["reason"] in ("not-a-list", "reserved-name"):
        raise _refusal(id, entry["reason"], "it is no item, but stands where items belong")
    accepted: list[Any] = []
    for sifted in sift(pump.policy.schema, {name: [item]}, f"entry {id}", elsewhere=foreign):
        if sifted.problem is not None:
            raise _refusal(id, sifted.problem.reason, sifted.problem.sentence)
        stranger = stranger_in(pump.policy.schema, sifted, residents(pump, pump.head))
        if stranger and rule is not None and rule.into and rule.into.document == pump.policy.agents.document:
            said = f"it would make an agent of {stranger}, who does not live here"
            raise _refusal(id, "unknown-agent", said)
        accepted.append(sifted.item)
        name = sifted.collection
    if not foreign:
        _hold_references(pump, entry, rule, accepted[0])
    return Delta(
        frame=pump.head.number + 1,
        stream=place,
        utc=clocks.later(time, microseconds=place),
        collections={name: accepted},
        node=NODE,
        epoch=pump.store.epoch,
        foreign=foreign,
        origin={
            "file": f"entry {id} of quarantine",
            "place": "",
            "identity": canon.digest({"accepted": id, "entry": dict(entry)}),
            "said": {},
            "paths": {},
        },
        waived=WAIVED,
    )


def _stands(pump: Pump, entry: Mapping[str, Any], rule: Collection) -> bool:
    """Whether all that an item from elsewhere refers to in its own delta was accepted under its number."""
    keys = ("node", "epoch", "stream")
    beside = [one for one in pump.store.set_aside(entry["frame"])
              if all(one.get(key) == entry.get(key) for key in keys)]  # fmt: skip
    for field in rule.fields:
        target, value = pump.policy.schema.get(field.target or ""), entry["item"].get(field.name)
        if target is None or target.number is None or target.into is None or value is None:
            continue
        number = target.number.field
        meant = [one["item"] for one in beside if one["collection"] == target.name
                 and isinstance(one["item"], dict) and one["item"].get(number) == value]  # fmt: skip
        there: Any = pump.head.documents.get(target.into.document)
        for key in target.into.path:
            there = there.get(key) if isinstance(there, dict) else None
        found = [one for one in there or () if isinstance(one, Mapping) and one.get(number) == value]
        if meant and not any(_is_kept(target, one, kept) for one in meant for kept in found):
            return False
    return True


def _is_kept(rule: Collection, item: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether what stands somewhere is an item that was accepted: its fields say the same."""
    names = [field.name for field in rule.fields if field.name in item]
    return bool(names) and all(kept.get(name) == item[name] for name in names)


def _hold_references(
    pump: Pump, entry: Mapping[str, Any], rule: Collection | None, item: Mapping[str, Any]
) -> None:
    """Numbers that a pipe gave to its own new items led somewhere only within its own delta."""
    key = tuple(entry.get(name) for name in ("node", "epoch", "stream"))
    deltas = [delta for delta in pump.store.deltas(entry["frame"])
              if (delta.node, delta.epoch, delta.stream) == key]  # fmt: skip
    for field in rule.fields if rule is not None else ():
        target = pump.policy.schema.get(field.target or "")
        number, value = target.number if target is not None else None, item.get(field.name)
        if target is None or number is None or value is None:
            continue
        made = (item for delta in deltas for item in delta.collections.get(target.name, ()))
        claimed = {one.get(number.field) for one in made}
        if value in claimed or value < 1:
            raise _refusal(entry["id"], "lost-reference", _NEVER["lost-reference"])


def _refusal(id: str, reason: str, said: str) -> LisppumpError:
    return LisppumpError(
        "not-acceptable",
        f"entry {id} cannot be accepted ({reason}): {said}",
        help="change the policy so that it passes, or let it go with `lisppump quarantine drop`",
    )
