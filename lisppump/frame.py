"""The frame: the whole world at one moment, frozen, and who lives in it. No I/O."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lisppump import canon
from lisppump.errors import LisppumpError, declare
from lisppump.lispy.values import Documents, elements, is_list
from lisppump.quick import quick
from lisppump.steering import steering_of

if TYPE_CHECKING:
    from lisppump.lispy.capabilities import State

T = TypeVar("T")
_SCALARS = frozenset({str, int, float, bool, type(None)})

STATE = frozenset({"state"})  # the capability of a function that decides about a frame
SUFFIXES = (".jsonl", ".json", ".md", ".txt")

declare("policy", 1, no_agents="The document that should hold the agents is absent or has another shape.")


@quick
@dataclass(frozen=True, slots=True)
class Agent:
    """One inhabitant: its id and its data as LisPy sees it, a dict that holds the id too."""

    id: str
    data: dict[str, Any]


@quick
@dataclass(frozen=True, slots=True)
class Stream:
    """Agents that share one pipe within a tick: a room with its members, numbered from 1."""

    number: int
    agents: tuple[str, ...]
    name: str = ""
    topic: str | None = None

    @property
    def id(self) -> str:
        """The pinned id, as in `stream-0007`."""
        return f"stream-{self.number:04d}"


@dataclass(frozen=True)
class Frame:
    """The only input a pipe has.

    `documents` maps full names (`agents.json`, `memory/ada.md`) to values; `digests` has the sha256 of each.
    `virtual` holds `last`, `echo`, `steering` and `clock`; `woken` the frame in which each agent last woke;
    `rooms` the member ids of recent frames' rooms, oldest first, as (frame, rooms).
    """

    number: int
    time: str
    documents: Mapping[str, Any]
    digests: Mapping[str, str]
    tock: int = 0
    virtual: Mapping[str, Any] = field(default_factory=dict)
    woken: Mapping[str, int] = field(default_factory=dict)
    rooms: tuple[tuple[int, tuple[tuple[str, ...], ...]], ...] = ()

    @cached_property
    def digest(self) -> str:
        """The sha256 of all that the frame holds."""
        parts = {
            "documents": canon.canonical(dict(self.digests)),
            "frame": canon.canonical(self.number),
            "rooms": b"[" + b",".join(map(_canonical_rooms, self.rooms)) + b"]",
            "time": canon.canonical(self.time),
            "tock": canon.canonical(self.tock),
            "virtual": canon.canonical(dict(self.virtual)),
            "woken": canon.canonical(dict(self.woken)),
        }
        members = [b'"%s":%s' % (name.encode(), data) for name, data in parts.items()]
        return canon.digest_bytes(b"{" + b",".join(members) + b"}")

    def agents(self, document: str, path: Sequence[str] = ()) -> tuple[Agent, ...]:
        """The agents at a path of one of its documents, found once; see `agents_of`."""
        place = (document, tuple(path))
        if place not in self._agents:
            self._agents[place] = agents_of(self.documents, document, path)
        return self._agents[place]

    @cached_property
    def _agents(self) -> dict[tuple[str, tuple[str, ...]], tuple[Agent, ...]]:
        return {}

    @cached_property
    def steering(self) -> dict[str, Any]:
        """What is asked of the frame after this one, by operators and echoes."""
        return steering_of(self.documents, self.number, self.time)

    @cached_property
    def view(self) -> Documents:
        """The frame as LisPy's dict `frame`: document names without suffix; virtual documents come first.

        Signals that operators give stand above those of echoes.
        """
        entries: dict[str, Any] = {**self.virtual, "woken": dict(self.woken)}
        if steering := self.steering:
            entries["steering"] = steering
            if isinstance(signals := steering.get("signals"), dict):
                echo = entries.get("echo", {})
                entries["echo"] = {**echo, "signals": {**echo.get("signals", {}), **signals}}
        aliases: dict[str, str] = {}
        for name in sorted(self.documents):
            stem = stem_of(name)
            if stem in entries:
                entries[name] = self.documents[name]
            else:
                entries[stem] = self.documents[name]
                aliases[name] = stem
        return Documents(entries, aliases)


Rooms = tuple[int, tuple[tuple[str, ...], ...]]
_rooms: dict[int, tuple[Rooms, bytes]] = {}
_MOST_ROOMS = 128  # frames


def _canonical_rooms(entry: Rooms) -> bytes:
    """The rooms of one frame in canonical form: fifty frames remember them, and they never change.

    They are known again as the very same object, which is held here: to compare thousands takes too long.
    """
    known = _rooms.get(id(entry))
    if known is not None:
        return known[1]
    if len(_rooms) == _MOST_ROOMS:
        del _rooms[next(iter(_rooms))]
    data = canon.canonical(entry)
    _rooms[id(entry)] = (entry, data)
    return data


class FrameFunction(Protocol):
    """A procedure of pump.lisp: bound to a frame it is an ordinary function of LisPy values."""

    def on(
        self,
        frame: Frame | None,
        *,
        seed: tuple[Any, ...] = (),
        seconds: float | None = None,
        allow: Collection[str] = STATE,
        web: Any = None,
        timed: bool = True,
    ) -> Callable[..., Any]:
        """The function while it decides about `frame` (None before frame 0).

        `seed` names its dice, of which each call has its own; `seconds` ends a call that runs longer, and one
        that is not `timed` is ended by no clock at all. `allow` are its capabilities, `web` gives that one.
        """
        ...


def copied(data: T) -> T:
    """A copy of JSON data all the way down; no other way of making one is as fast."""
    if data.__class__ is dict and _SCALARS.issuperset(map(type, data.values())):  # type: ignore[attr-defined]
        return data.copy()  # type: ignore[attr-defined, no-any-return]
    return marshal.loads(marshal.dumps(data))  # type: ignore[no-any-return, arg-type]


def stem_of(name: str) -> str:
    """A document's name without its suffix."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def agents_of(documents: Mapping[str, Any], document: str, path: Sequence[str] = ()) -> tuple[Agent, ...]:
    """The agents at `path` of a document: members of a dict by key, or elements of a list with an `id`."""
    place = " ".join((document, *path))
    if document not in documents:
        raise LisppumpError(
            "no-agents",
            f"the agents should be in {document}, which the state does not have",
            help="name the right document in (agents ...), or give it in (genesis ...)",
        )
    value = documents[document]
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        members = [(key, data) for key, data in value.items() if isinstance(data, dict)]
        return tuple([Agent(key, _with_id(key, data)) for key, data in members])
    if is_list(value) and value is not None:
        found = [
            item for item in elements(value) if isinstance(item, dict) and isinstance(item.get("id"), str)
        ]
        return tuple(Agent(item["id"], item) for item in found)
    raise LisppumpError("no-agents", f"the agents should be a dict or a list at {place}, but none is there")


def state_of(frame: Frame, document: str, path: Sequence[str]) -> State:
    """What a LisPy program may see of a frame whose agents are at `path` of a document."""
    from lisppump.lispy.capabilities import State
    from lisppump.lispy.errors import LispyError

    def found() -> list[Any]:
        try:
            return [agent.data for agent in frame.agents(document, path)]
        except LisppumpError as error:  # to a program it is an error like others, of which it may think
            raise LispyError(error.code, error.message, help=error.help) from None

    echo = frame.virtual.get("echo") or {}
    return State(frame.view, found, frame.number, echo.get("results") or {}, frame.time)


def _with_id(key: str, data: dict[str, Any]) -> dict[str, Any]:
    if "id" not in data:
        return {"id": key, **data}
    return data if data["id"] == key else {"id": key, **{k: v for k, v in data.items() if k != "id"}}
