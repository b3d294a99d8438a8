"""The delta: what one pipe produced in one frame, append-only, and what may stand in it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from lisppump import canon
from lisppump.errors import LisppumpError, declare
from lisppump.frame import FrameFunction

STATUSES = ("ok", "empty", "invalid", "timed-out", "throttled", "failed", "over-budget")
BAD_STATUSES = frozenset({"invalid", "timed-out", "throttled", "failed"})
PIPES, ECHOES = "pipes", "echoes"  # who may bring items of a collection
PROPOSAL_NODE = "proposal-"  # the same for what proposals bring; the place in their delta follows
ECHO_NODE = "echo"  # the node of what echoes bring: no delta of a pipe has it
FILE_FIELDS = ("frame", "stream", "utc", "node", "epoch", "status", "backend", "model")
FILE_KEYS = frozenset({*FILE_FIELDS, "stream_id", "digest", "agents"})  # every other key is a collection


class DeltaError(LisppumpError):
    """A reply or a delta file that cannot be read as a delta."""


declare(
    "delta", 1,
    unusable_reply="A reply holds no JSON object that could be a delta.",
    bad_delta_file="A delta file does not have the shape of one.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pipe used: tokens, dollars (None: unknown price), LisPy steps; `assumed` if it was declared."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    dollars: float | None = 0.0
    assumed: bool = False
    steps: int = 0

    def __add__(self, other: Usage) -> Usage:
        if self is UNUSED and other is UNUSED:
            return self
        dollars = None if self.dollars is None or other.dollars is None else self.dollars + other.dollars
        return Usage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
            dollars,
            self.assumed or other.assumed,
            self.steps + other.steps,
        )

    def to_json(self) -> dict[str, Any]:
        """As `status` and delta files show it."""
        return {
            "input": self.input,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
            "output": self.output,
            "dollars": self.dollars,
            "assumed": self.assumed,
            "steps": self.steps,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Usage:
        """The inverse of `to_json`; absent fields are their defaults."""
        if not data:
            return UNUSED
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


UNUSED = Usage()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of one backend for a stream: how it ended and why."""

    backend: str
    status: str
    reason: str | None = None
    model: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        return {"backend": self.backend, "model": self.model, "status": self.status, "reason": self.reason}

    @staticmethod
    @lru_cache(maxsize=64)
    def usual(backend: str, status: str) -> Attempt:
        """One of which nothing else is to be said: all streams that ended so share it."""
        return Attempt(backend, status)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attempt:
        """The inverse of `to_json`."""
        return cls(data["backend"], data["status"], data.get("reason"), data.get("model"))


@dataclass(frozen=True)
class Delta:
    """What one pipe produced; its key is (node, epoch, frame, stream), its digest that of its collections.

    `utc` is the frame's time plus the stream's number in microseconds. `collections` maps names to lists of
    items. `foreign` deltas were made elsewhere: their items keep the numbers they have. `rejected` holds what
    the check of the reply refused (collection, index in the reply, reason, message, item); it is counted too.
    `origin` says of one that was imported where it came from (see lisppump.imports); checks that are `waived`
    by an operator are not made of its items.
    """

    frame: int
    stream: int
    utc: str
    collections: Mapping[str, list[Any]]
    agents: tuple[str, ...] = ()
    status: str = "ok"
    reason: str | None = None
    partial: bool = False
    backend: str | None = None
    model: str | None = None
    node: str = "local"
    epoch: int = 1
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = UNUSED
    foreign: bool = False
    rejected: tuple[Mapping[str, Any], ...] = ()
    origin: Mapping[str, Any] | None = None
    waived: tuple[str, ...] = ()
    # What a commit says of it (lisppump.delta_records.in_commit), where that was made ready with it.
    in_commit: ClassVar[tuple[Mapping[str, Any], Mapping[str, Any]] | None] = None

    @classmethod
    def of(cls, **fields: Any) -> Delta:
        """The same from its fields; a frozen dataclass takes three times as long to set them.

        What is not said is as the class has it.
        """
        return cls.having(fields)

    @classmethod
    def having(cls, fields: dict[str, Any]) -> Delta:
        """The same from a dict of them, which it takes for its own."""
        made = object.__new__(cls)
        object.__setattr__(made, "__dict__", fields)
        return made

    @property
    def key(self) -> tuple[str, int, int, int]:
        """The identity the transport gave it."""
        return (self.node, self.epoch, self.frame, self.stream)

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Its place in canonical order: frame, node, stream; the digest last, so that ties are told apart."""
        return (self.frame, self.node, self.stream, self.digest)

    @cached_property
    def digest(self) -> str:
        """The sha256 of its canonical collections."""
        return canon.digest(dict(self.collections))

    @property
    def identity(self) -> str:
        """What one from elsewhere is known by: what its file holds, or else its collections."""
        return self.digest if self.origin is None else str(self.origin["identity"])

    @property
    def file_name(self) -> str:
        """The name of its file in `state/stream_deltas/`."""
        node = "" if self.node == "local" else f"-{self.node}"
        return f"frame-{self.frame:06d}-stream-{self.stream:04d}{node}.json"

    def to_json(self) -> dict[str, Any]:
        """The delta file, its keys in the pinned order, then the collections."""
        return {
            "frame": self.frame,
            "stream_id": f"stream-{self.stream:04d}",
            "stream": self.stream,
            "node": self.node,
            "epoch": self.epoch,
            "utc": self.utc,
            "digest": self.digest,
            "status": self.status,
            "backend": self.backend,
            "model": self.model,
            "agents": list(self.agents),
            **self.collections,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Delta:
        """The delta that a delta file of ours holds; what such a file does not say has its default."""
        try:
            head = {name: data[name] for name in FILE_FIELDS if name in data}
            collections = {name: items for name, items in data.items() if name not in FILE_KEYS}
            if not all(isinstance(items, list) for items in collections.values()):
                raise TypeError
            agents = tuple(str(agent) for agent in data.get("agents", ()))
            return cls(**head, agents=agents, collections=collections)
        except TypeError:
            raise DeltaError(
                "bad-delta-file",
                "a delta file should hold frame, stream, utc and collections that are lists; this does not",
                help="only files that a pump wrote can be read so",
            ) from None

    def outcome(self) -> dict[str, Any]:
        """How its stream ended, as `status` and `show` pin it."""
        return {
            "stream": self.stream,
            "status": self.status,
            "reason": self.reason,
            "partial": self.partial,
            "backend": self.backend,
            "model": self.model,
            "agents": list(self.agents),
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "usage": self.usage.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a collection's items.

    `type` is string, integer, number, boolean, agent, lispy, any, one-of (`choices`) or ref (`target`: an
    integer that an item of that collection in the same delta may have claimed as its number). It is also
    read under the names in `also`, and a choice where a text stands that `meant` pairs with it. One that must
    be there only `here` may be absent in a delta from elsewhere.
    """

    name: str
    type: str
    optional: bool = False
    choices: tuple[str, ...] = ()
    target: str | None = None
    also: tuple[str, ...] = ()
    meant: tuple[tuple[str, str], ...] = ()
    here: bool = False



_USUAL: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("string", "agent", "lispy", "one-of"), (str,)),
    **dict.fromkeys(("integer", "ref", "number"), (int,)),
    "boolean": (bool,),
    "any": (str, int, bool),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the state: a document's name, which may hold `{field}`, and a path of keys into it."""

    document: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Numbering:
    """Ids to assign: the item's field, and the documents above whose numbers they start."""

    field: str
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closer:
    """What has to be looked at in an item whose fields and classes are usual.

    Texts must have bytes, those that are `named` must name somebody, and some fields are choosy.
    """

    texts: tuple[str, ...]
    named: tuple[str, ...]
    choosy: tuple[Field, ...]


Fits = tuple[Callable[[dict[str, Any]], bool], Closer]  # whether an item has a shape, and what is left then


@dataclass(frozen=True)
class Collection:
    """What a pipe may produce under one name, and how it flows into the next frame.

    `mode` says how items enter the place `into`: append, put, sum, union, max, min, last-writer, function or
    refuse; `keys` are the fields that mode works with. `actor` is the field that says who acts. Its items are
    also read where a delta has them under a name in `also`. `about` is the field that names the earlier frame
    to which an item adds, `cites` that of the frames it goes by. Where programs in items are to be run before
    the commit, `evaluate` is how many steps one has. Only `makers`, pipes or echoes, bring items.
    """

    name: str
    fields: tuple[Field, ...] = ()
    actor: str | None = None
    once_per: tuple[str, ...] = ()
    number: Numbering | None = None
    into: Target | None = None
    mode: str = "append"
    makers: tuple[str, ...] = (PIPES,)
    keys: tuple[str, ...] = ()
    function: FrameFunction | None = None
    shape: FrameFunction | None = None
    counts: tuple[Target, ...] = ()
    also: tuple[str, ...] = ()
    about: str | None = None
    cites: str | None = None
    evaluate: int | None = None

    @cached_property
    def acting(self) -> str | None:
        """The field that says who acts: `actor`, or the first field that holds an agent."""
        if self.actor is not None:
            return self.actor
        return next((entry.name for entry in self.fields if entry.type == "agent"), None)

    def all_fields(self) -> tuple[Field, ...]:
        """The declared fields, then those its rules speak of: its number, its id, what identifies an item."""
        return self._every_field

    @cached_property
    def _every_field(self) -> tuple[Field, ...]:
        known = {entry.name for entry in self.fields}
        more: list[Field] = []
        if self.number is not None:
            more.append(Field(self.number.field, "integer", optional=True))
        if self.mode == "put":
            more.append(Field(self.keys[0] if self.keys else "id", "string"))
        more.extend(Field(name, "any", optional=True) for name in (*self.keys, *self.once_per))
        unique = {entry.name: entry for entry in reversed(more) if entry.name not in known}
        return self.fields + tuple(reversed(unique.values()))

    @cached_property
    def usual(self) -> tuple[Mapping[str, tuple[type, ...]], frozenset[str], tuple[Field, ...]]:
        """What nearly all items hold: classes of values by field, fields that must be there, choosy fields.

        Numbers with a fraction, lists and objects are not among the classes: they want a closer look, as do
        the values of a choosy field. An item of a collection without declared fields is never usual.
        """
        classes = {entry.name: _USUAL[entry.type] for entry in self.all_fields()}
        for entry in self.all_fields():
            if entry.optional or entry.type == "any":
                classes[entry.name] += (type(None),)
        required = frozenset(entry.name for entry in self.all_fields() if not entry.optional)
        choosy = tuple(entry for entry in self.all_fields() if entry.type in ("agent", "lispy", "one-of"))
        return classes, required, choosy


    @cached_property
    def usual_shapes(self) -> dict[tuple[Any, ...], Closer]:
        """The shapes of usual items that came: their fields and the classes of their values, in order."""
        return {}

    @cached_property
    def usual_fits(self) -> dict[tuple[Any, ...], Fits]:
        """For shapes that are known, what tells at a glance whether an item has it, and names somebody.

        That of the last item is there once more, under a shape which no item has.
        """
        return {}


@dataclass(frozen=True)
class Schema:
    """All collections, in the policy's order; `otherwise` takes items of collections it does not name."""

    collections: tuple[Collection, ...] = ()
    otherwise: Collection | None = None

    def get(self, name: str) -> Collection | None:
        """The collection of that name."""
        return self.named.get(name)

    def reading(self, key: str) -> Collection | None:
        """The collection that a delta means by a key: its name, or another that the policy reads as it."""
        return self.named.get(key) or self._read_as.get(key)

    def ordered(self, names: Iterable[str]) -> list[str]:
        """Names of collections in the policy's order; those it does not name come last, as they came."""
        last = len(self._places)
        return sorted(names, key=lambda name: self._places.get(name, last))

    @cached_property
    def usual_keys(self) -> dict[tuple[str, ...], list[tuple[str, str, Collection | None]]]:
        """The rows of keys that came in which each is a collection's name: (name, name, rule), in order."""
        return {}

    @cached_property
    def usual_rules(self) -> dict[tuple[str, ...], tuple[Collection, ...]]:
        """The rows of keys that came in which each names a collection of pipes, in the policy's order."""
        return {}

    @cached_property
    def named(self) -> dict[str, Collection]:
        """The collections by name; of two that are called the same, the first."""
        return {entry.name: entry for entry in reversed(self.collections)}

    @cached_property
    def _read_as(self) -> dict[str, Collection]:
        return {key: entry for entry in self.collections for key in entry.also}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {entry.name: place for place, entry in enumerate(self.collections)}
