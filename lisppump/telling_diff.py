"""What `diff` tells: how two frames differ, by document and by agent. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lisppump.delta import Schema
from lisppump.differences import ABSENT, Changes, Entry, between
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError, declare, suggest
from lisppump.frame import Frame, agents_of, stem_of
from lisppump.line_moves import edits_between
from lisppump.lispy.values import Slice, elements
from lisppump.merge_entries import HOLE
from lisppump.policy import Policy
from lisppump.status import no_frame

if TYPE_CHECKING:
    from lisppump.lookout import Lookout

declare(
    "usage", 1,
    no_such_agent="No agent of that name is in the frame that was asked about.",
    no_such_document="No document of that name is in the frames that were asked about.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diff:
    """How one frame differs from another: changes by document, and what of them is an agent's own.

    `edits` are the documents that were changed by hand between the two; of two lines, on one of them alone.
    """

    first: int
    last: int
    documents: Mapping[str, Changes]
    agents: Mapping[str, Mapping[str, Changes]]
    edits: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `lisppump diff`."""
        return {
            "schema": "lisppump/diff@1",
            "from": self.first,
            "to": self.last,
            "documents": {name: found.to_json() for name, found in self.documents.items()},
            "agents": {
                agent: {name: found.to_json() for name, found in own.items()}
                for agent, own in self.agents.items()
            },
            "edits": list(self.edits),
        }


def diff(
    pump: Lookout,
    first: int,
    last: int,
    *,
    since: int | None = None,
    until: int | None = None,
    document: str | None = None,
    agent: str | None = None,
) -> Diff:
    """What makes frame `last` of frame `first`; of one document, or of what is one agent's own, if asked."""
    was, now = _placed(pump, first, since), _placed(pump, last, until)
    names = sorted({*was.documents, *now.documents})
    if document is not None:
        names = [_document(document, names)]
    found = documents_between(was, now, names)
    ids = known_agents(pump.policy, was, now)
    if agent is not None and agent not in ids:
        raise no_agent(agent, ids, last)
    agents = by_agent(found, ids, pump.policy)
    if agent is not None:
        own = agents.get(agent, {})
        found, agents = dict(own), {agent: own} if own else {}
    edits: Iterable[str]
    if since is None and until is None:
        edits = {edit["document"] for n in range(first + 2, last + 2) for edit in pump.store.edits(n)}
    else:
        store = pump.store
        ends = (store.end_of(n) if at is None else at for n, at in ((first, since), (last, until)))
        edits = edits_between(store, *ends)
    return Diff(first, last, found, agents, tuple(sorted(edits)))


def _placed(pump: Lookout, number: int, record: int | None) -> Frame:
    return frame_at(pump, number) if record is None else pump.as_of(number, record).head


def frame_at(pump: Lookout, number: int) -> Frame:
    """A frame; frame 0 is there before the first run."""
    head = pump.head
    if not 0 <= number <= head.number:
        raise no_frame(pump, number)
    return head if number == head.number else pump.frame(number)


def documents_between(was: Frame, now: Frame, names: Iterable[str]) -> dict[str, Changes]:
    """The changes of those documents that changed; the others are not read."""
    found = {}
    for name in names:
        if was.digests.get(name) != now.digests.get(name):
            before, after = (frame.documents.get(name, ABSENT) for frame in (was, now))
            found[name] = between(before, after)
    return {name: changes for name, changes in found.items() if changes}


def known_agents(policy: Policy, *frames: Frame) -> set[str]:
    """Everybody who is in one of the frames."""
    clause, found = policy.agents, set()
    for frame in frames:
        try:
            found |= {one.id for one in agents_of(frame.documents, clause.document, clause.path)}
        except LisppumpError as error:
            if error.code != "no-agents":  # the clause speaks of now, and the frame may be older
                raise
    return found


def no_agent(agent: str, known: Iterable[str], number: int) -> LisppumpError:
    """The error for an agent that is not there."""
    ids = sorted(known)
    near = suggest(agent, ids)
    some = f"agents: {', '.join(ids[:10])}" + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")
    return LisppumpError(
        "no-such-agent",
        f"frame {number} has no agent `{agent}`",
        help=f"did you mean `{near}`?" if near else some,
    )


def _document(name: str, names: Iterable[str]) -> str:
    """The document of that name, which may lack its suffix."""
    known = [*names]
    found = name if name in known else next((each for each in known if stem_of(each) == name), None)
    if found is None:
        near = suggest(name, known)
        raise LisppumpError(
            "no-such-document",
            f"neither frame has a document `{name}`",
            help=f"did you mean `{near}`?"
            if near
            else "`lisppump show` counts them; --stat lists the changed",
        )
    return found


# -- whose a change is ---------------------------------------------------------------------------------------


def by_agent(
    documents: Mapping[str, Changes], ids: Iterable[str], policy: Policy
) -> dict[str, dict[str, Changes]]:
    """What of the changes is an agent's own.

    That is what stands under its id, in a document that bears its name, and items that say it made them.
    """
    known = set(ids)
    owners = _owners(known, policy.schema)
    found: dict[str, dict[str, Changes]] = {}
    for name, changes in documents.items():
        owner, actors = owners.get(name) or _named_after(name, known), _actors(name, policy.schema)
        sides: dict[str, tuple[list[Entry], list[Entry], list[Entry]]] = {}
        for side, entries in enumerate((changes.added, changes.changed, changes.removed)):
            for entry in entries if owner is not None else _parts(entries):
                whose = {owner} if owner is not None else set(_whose(entry, known, actors))
                for agent in whose:
                    sides.setdefault(agent, ([], [], []))[side].append(entry)
        for agent, own in sides.items():
            found.setdefault(agent, {})[name] = Changes(*map(tuple, own))
    return {agent: found[agent] for agent in sorted(found)}


def _owners(ids: Iterable[str], schema: Schema) -> dict[str, str]:
    """The documents that are one agent's, by the places of the policy that name a field in a document."""
    places = {
        rule.into.document: rule.acting
        for rule in schema.collections
        if rule.into is not None and rule.acting is not None
    }
    found = {}
    for agent in ids:
        found[f"echo_frames/{safe_stem(agent)}.json"] = agent
        for document, actor in places.items():
            if [hole[1] for hole in HOLE.finditer(document)] == [actor]:
                found[document.replace(f"{{{actor}}}", agent)] = agent
    return found


def _named_after(name: str, ids: set[str]) -> str | None:
    """The agent that a document in a folder is called after."""
    folder, _, last = stem_of(name).rpartition("/")
    return last if folder and last in ids else None


def _actors(name: str, schema: Schema) -> set[str]:
    """The fields in which items of a document say who made them."""
    rules = [rule for rule in schema.collections if rule.into is not None and rule.into.document == name]
    return {rule.acting for rule in rules if rule.acting is not None}


def _parts(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries, of which those that are a whole document are told member by member."""
    for entry in entries:
        whole = entry.get("value") if not entry["path"] else None
        if isinstance(whole, dict):
            yield from ({"path": [key], "value": member} for key, member in whole.items())
        elif isinstance(whole, list | Slice):
            yield from ({"path": [n], "value": item} for n, item in enumerate(elements(whole)))
        else:
            yield entry


def _whose(entry: Entry, ids: set[str], actors: set[str]) -> Iterator[str]:
    for step in entry["path"]:
        name = step if isinstance(step, str) else step.get("id") if isinstance(step, dict) else None
        if name in ids:
            yield name
    value = entry.get("value")
    if isinstance(value, dict):
        for field in actors:
            if isinstance(value.get(field), str) and value[field] in ids:
                yield value[field]
