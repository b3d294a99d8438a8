"""The delta: what one pipe produced in one frame, append-only, and what may stand in it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lisppump import canon
from lisppump.frame import FrameFunction

STATUSES = ("ok", "empty", "invalid", "timed-out", "throttled", "failed", "over-budget")
BAD_STATUSES = frozenset({"invalid", "timed-out", "throttled", "failed"})


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pipe used: tokens, dollars (None where the price is unknown), LisPy steps; `assumed` if declared."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    dollars: float | None = 0.0
    assumed: bool = False
    steps: int = 0

    def __add__(self, other: Usage) -> Usage:
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
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


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


@dataclass(frozen=True)
class Delta:
    """What one pipe produced; its key is (node, epoch, frame, stream), its digest that of its collections.

    `utc` is the frame's time plus the stream's number in microseconds. `collections` maps names to lists of items.
    `foreign` deltas were made elsewhere: their items keep the numbers they have.
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
    usage: Usage = field(default_factory=Usage)
    foreign: bool = False

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


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a collection's items.

    `type` is string, integer, number, boolean, agent, lispy, any, one-of (`choices`) or ref (`target`: an integer that
    an item of that collection in the same delta may have claimed as its number).
    """

    name: str
    type: str
    optional: bool = False
    choices: tuple[str, ...] = ()
    target: str | None = None


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
class Collection:
    """What a pipe may produce under one name, and how it flows into the next frame.

    `mode` says how items enter the place `into`: append, put, sum, union, max, min, last-writer, function or refuse;
    `keys` are the fields that mode works with. `actor` is the field that says who acts.
    """

    name: str
    fields: tuple[Field, ...] = ()
    actor: str | None = None
    once_per: tuple[str, ...] = ()
    number: Numbering | None = None
    into: Target | None = None
    mode: str = "append"
    keys: tuple[str, ...] = ()
    function: FrameFunction | None = None
    shape: FrameFunction | None = None
    counts: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """All collections, in the policy's order; `otherwise` takes items of collections it does not name."""

    collections: tuple[Collection, ...] = ()
    otherwise: Collection | None = None

    def get(self, name: str) -> Collection | None:
        """The collection of that name."""
        return next((entry for entry in self.collections if entry.name == name), None)
