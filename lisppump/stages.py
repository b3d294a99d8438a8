"""The stages: what a dam, backend, merger, echo, executor and reservoir must be, and the checks on them.

A stage is a class. `options` is its clause table: what may stand beside its name in pump.lisp; each option
becomes a keyword argument of the class (hyphens become underscores). Nothing here knows which stages exist.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

from lisppump import documents
from lisppump.calling import Reply, Request
from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame, Stream, copied
from lisppump.holding import given, hold, is_json, is_many, is_text, kind_of
from lisppump.lispy.values import elements, is_list
from lisppump.merge import Change, Merged
from lisppump.quick import quick


class _Required(enum.Enum):
    REQUIRED = enum.auto()


POSTED = "echo_posts.jsonl"  # what programs in posts came to
GIVEN = ("builtins", "isolation")  # kinds of options that nobody writes
REQUIRED: Any = _Required.REQUIRED  # the default of an option that has none


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a clause: `kind` is name, value, function (of `arity`), capability, source (the text of
    the forms in it), limits, assume (what one call counts as: a Usage, or None) or folder (beside pump.lisp;
    it becomes its path).

    A kind in GIVEN is no part of the clause, but what a stage gets that runs programs: builtins is the table
    of LisPy builtins that plugins offer, isolation says where agents' programs run. A default is what the
    class gets where nobody checks a policy. `unit` is the unit a quantity has (seconds, tokens, dollars,
    bytes), `type` what a value must be (string, natural, ...); `many` options take several values and give a
    tuple. A `positional` option is written without its name: `(by f)`.
    """

    name: str
    kind: str
    doc: str
    default: Any = REQUIRED
    arity: int | None = None
    unit: str | None = None
    many: bool = False
    choices: tuple[str, ...] = ()
    positional: bool = False
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """What one echo program came to: `key` names its file in `state/echo_frames/` and its author.

    `granted` are the capabilities that the policy gives it, `capabilities` those that it used. A dict under
    `delta` in its value brings items of collections that are `(from echoes)`; those of an agent's program
    speak for that agent, and only one that is `for_all` speaks for anybody. Where a log is named by `into`,
    it is a line of that, with its `facts`, and not the key's document.
    """

    key: str
    program: str
    value: Any = None
    error: Mapping[str, Any] | None = None
    output: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    granted: Sequence[str] = ()
    capabilities: Sequence[str] = ()
    for_all: bool = False
    into: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, frame: int, tock: int = 1) -> dict[str, Any]:
        """The echo's document, as agents and people read it; a first tock goes without saying."""
        words = {"granted": list(self.granted), "capabilities": list(self.capabilities)}
        return {
            "frame": frame,
            **({"tock": tock} if tock > 1 else {}),
            **self.facts,
            "program": self.program,
            "value": self.value,
            "error": None if self.error is None else dict(self.error),
            "output": self.output,
            "usage": dict(self.usage),
            **{name: said for name, said in words.items() if said},
        }


@quick
@dataclass(frozen=True, slots=True)
class Job:
    """One pipe for an executor: `pour` is called once and awaited for at most `deadline` seconds.

    `held` gives the seconds for which it has been kept from asking anybody so far; they do not count.
    """

    stream: int
    pour: Callable[[], Awaitable[None]]
    deadline: float
    timed_out: Callable[[], None]
    held: Callable[[], float] = float


@dataclass(frozen=True, slots=True)
class Finding:
    """What a stage, or `lisppump doctor`, found out about one thing: a sentence, and what to do about it.

    `level` is ok, warning or error.
    """

    level: str
    what: str
    help: str | None = None


@runtime_checkable
class Dam(Protocol):
    """Decides which agents share a room within this tick."""

    def assign(
        self, frame: Frame, agents: Sequence[Agent], n: int, seed: int
    ) -> Sequence[Sequence[str] | Stream]:
        """Rooms of agent ids, about `n` of them, every agent in exactly one."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Answers for the agents of one room.

    What it declares of itself (`max_tokens`, `last_resort`, ...) is in lisppump.calling.Terms.
    One that has a method `findings()`, giving Findings, is asked by `lisppump doctor` whether it could
    answer: is its key there, does its server listen? That may cost time, and no money.
    What it holds open between calls it closes in `async def close()`, which is awaited when a run ends, and
    when pump.lisp is read again; it may be asked again afterwards.
    """

    async def pour(self, request: Request) -> Reply:
        """The reply, or BackendError. What blocks belongs into `asyncio.to_thread`: it would hold up all."""
        ...


@runtime_checkable
class Merger(Protocol):
    """Turns deltas into changes of the frame; pure."""

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        """The changes that make the next frame, and what became of every item."""
        ...


@runtime_checkable
class Echo(Protocol):
    """Thinks between frames: LisPy over the pooled state."""

    def think(self, frame: Frame, seed: tuple[Any, ...]) -> Sequence[Thought]:
        """What its programs came to, in a fixed order."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Runs the pipes of a frame side by side, isolated, each with its deadline."""

    async def run(self, jobs: Sequence[Job]) -> None:
        """Return when every job has ended, was told that its time is over, or was cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stage: its noun, the hook that offers it, the methods it must have."""

    name: str
    hook: str
    methods: Mapping[str, tuple[str, ...]]
    doc: str


_RESERVOIR: dict[str, tuple[str, ...]] = {
    "names": (), "read": ("name",), "write": ("name", "value"), "append": ("name", "items"),
    "delete": ("name",), "fingerprint": ("name",),
}  # fmt: skip
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("dam", "dams", {"assign": ("frame", "agents", "n", "seed")}, "Groups agents into streams."),
        Kind("backend", "backends", {"pour": ("request",)}, "Answers for the agents of a room."),
        Kind(
            "merger", "mergers", {"merge": ("frame", "deltas", "schema")}, "Turns deltas into the next frame."
        ),
        Kind("echo", "echoes", {"think": ("frame", "seed")}, "Thinks between frames."),
        Kind("executor", "executors", {"run": ("jobs",)}, "Runs the pipes of a frame."),
        Kind("reservoir", "reservoirs", _RESERVOIR, "Keeps the documents of a frame."),
    )
}


class Stage(Protocol):
    """What every stage class may declare beside its methods."""

    options: ClassVar[tuple[Option, ...]]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The streams of a frame, and what the frame should say about them."""

    streams: tuple[Stream, ...]
    notes: tuple[str, ...] = ()


def assign(
    dam: Dam, frame: Frame, agents: Sequence[Agent], n: int, seed: int, *, name: str = "dam"
) -> Assignment:
    """Ask a dam for rooms and hold it to its contract: every agent in exactly one, none made up."""
    streams = seated(dam.assign(frame, agents, n, seed), agents, whose=f"dam `{name}`")
    notes = []
    if len(streams) > n:
        notes.append(f"streams asked for: {n}; to keep rooms small enough there are {len(streams)}")
    elif len(streams) < n:
        notes.append(f"streams asked for: {n}; there are agents for {len(streams)}")
    return Assignment(streams, tuple(notes))


def seated(rooms: Any, agents: Sequence[Agent], *, whose: str) -> tuple[Stream, ...]:
    """Hold rooms to what a dam promises; they become streams that count from 1."""
    streams: list[Stream] = []
    hold(is_many(rooms), f"{whose} should give rooms, lists of agents' ids; it gave {kind_of(rooms)}")
    seen: list[Any] = []
    for number, room in enumerate(rooms, 1):
        known = Stream(number, room) if room.__class__ is tuple else _room(number, room, whose)
        streams.append(known)
        seen += known.agents
    if not {str}.issuperset(map(type, seen)):
        for odd in seen:
            fits = isinstance(odd, str)
            hold(fits, f"{whose} should put agents' ids into rooms; it put in {kind_of(odd)}")
    expected = [agent.id for agent in agents]
    if len(seen) == len({*seen, *expected}) == len(expected) and all([one.agents for one in streams]):
        return tuple(streams)
    often = Counter(seen)
    problems = {
        "lost": [id for id in expected if id not in often],
        "put twice": [id for id in expected if often[id] > 1],
        "made up": sorted({*seen} - {*expected}),
        "left empty": [stream.id for stream in streams if not stream.agents],
    }
    said = [f"{what} {', '.join(who)}" for what, who in problems.items() if who]
    if said:
        raise LisppumpError("contract", f"{whose} {'; '.join(said)}")
    return tuple(streams)


def _room(number: int, room: Any, whose: str) -> Stream:
    """One room that is a stream already, or no tuple."""
    members = room.agents if isinstance(room, Stream) else room
    if not is_many(members):
        hold(False, f"{whose} should give lists of agents' ids as rooms; it gave {kind_of(members)}")
    known = Stream(number, tuple(members))
    if isinstance(room, Stream):
        known = replace(known, name=room.name, topic=room.topic)
        named = known.name is not None and is_text(known.name) and is_text(known.topic)
        hold(named, f"{whose} gave {known.id} a name that is no text")
    return known


def merged(result: Any, *, whose: str) -> Merged:
    """Hold a merger's answer to its contract: changes that can be carried out, every item accounted for.

    What it gives is a Merged of its own, gone through only once.
    """
    hold(isinstance(result, Merged), f"{whose} gave {given(result)}, where a Merged is wanted")
    whole = is_many(result.changes) and isinstance(result.report, Mapping) and is_many(result.quarantine)
    hold(whole, f"{whose} should give changes, a report and a quarantine: a tuple, a dict and a tuple")
    changes, report, quarantine = tuple(result.changes), dict(result.report), tuple(result.quarantine)
    for change in changes:
        if not isinstance(change, Change) or not change.sound:
            hold(False, f"{whose} gave something that is no change")
    for collection, counts in report.items():
        sound = isinstance(counts, Mapping) and all(isinstance(counts.get(key), int) for key in _COUNTS)
        hold(sound, f"{whose} should count items of {collection} as {', '.join(_COUNTS)}")
        outcomes = sum(counts[key] for key in _COUNTS[1:])
        hold(counts["in"] == outcomes, f"{whose} lost or made up items of {collection}")
    sound = all(isinstance(entry, Mapping) for entry in quarantine)
    report = {name: dict(counts) for name, counts in report.items()}
    quarantine = tuple(dict(entry) for entry in quarantine) if sound else ()
    sound = sound and is_json([report, list(quarantine)])
    hold(sound, f"{whose} gave a report or a quarantine that is no JSON")
    told = all(isinstance(entry.get("message"), str) for entry in quarantine)
    hold(told, f"{whose} put an item into quarantine without a `message` that says why")
    return Merged(changes, report, quarantine, tuple(getattr(result, "outcomes", ())))


def kept(method: str, answer: Any, *, whose: str) -> Any:
    """Hold what a method of a reservoir gives to its contract: names, data, a fingerprint to be kept."""
    fits, wanted = True, ""
    if method == "names":
        fits = isinstance(answer, list | tuple) and all(isinstance(name, str) for name in answer)
        wanted = "a list of texts"
    elif method == "fingerprint":
        # The index keeps it as JSON and compares it with what is said after the next start.
        whole = isinstance(answer, tuple) and all(part.__class__ is int for part in answer)
        fits, wanted = answer is None or whole, "a tuple of whole numbers, or None,"
    elif method == "read":
        fits, wanted = is_json(elements(answer) if is_list(answer) else answer), "JSON data"
    hold(fits, f"{whose} gave {given(answer)} for `{method}`, where {wanted} is wanted")
    return answer


def thoughts(result: Any, *, whose: str) -> tuple[Thought, ...]:
    """Hold an echo's answer to its contract: a list of Thoughts."""
    fits = isinstance(result, list | tuple)
    hold(fits, f"{whose} gave {given(result)}, where a list of Thoughts is wanted")
    return tuple(thought(entry, whose=whose) for entry in result)


def thought(entry: Any, *, whose: str) -> Thought:
    """Hold one of an echo's thoughts to its contract: a name, and nothing but data."""
    hold(isinstance(entry, Thought), f"{whose} gave {given(entry)}, where a Thought is wanted")
    hold(isinstance(entry.key, str) and entry.key != "", f"{whose} gave a Thought without a key")
    logged = entry.into is None or (isinstance(entry.into, str) and documents.is_log(entry.into))
    hold(logged and isinstance(entry.facts, Mapping), f"{whose} gave a Thought whose `into` is no log")
    sound = entry.error is None or isinstance(entry.error, Mapping)
    hold(sound and isinstance(entry.usage, Mapping), f"{whose} gave a Thought with a broken error or usage")
    hold(is_json([entry.key, entry.to_json(0)]), f"{whose} gave a Thought that is no JSON data")
    return entry  # type: ignore[no-any-return]


def lent(value: Any) -> Any:
    """What a plugin is given, for itself: whatever it does with it, nobody else sees that."""
    if isinstance(value, Frame):
        virtual, woken, digests = copied((dict(value.virtual), dict(value.woken), dict(value.digests)))
        own = documents.LentDocuments(value.documents)
        return replace(value, documents=own, virtual=virtual, woken=woken, digests=digests)
    if isinstance(value, Delta):
        parts = copied((dict(value.collections), [dict(entry) for entry in value.rejected]))
        return replace(value, collections=parts[0], rejected=tuple(parts[1]))
    if isinstance(value, Agent):
        return Agent(value.id, copied(value.data))
    if isinstance(value, Request):
        agents = tuple(lent(agent) for agent in value.agents)
        return replace(value, frame=lent(value.frame), agents=agents, heard=copied(dict(value.heard)))
    if isinstance(value, list | tuple):
        return type(value)(lent(each) for each in value)
    return {name: lent(each) for name, each in value.items()} if isinstance(value, dict) else value


_COUNTS = ("in", "merged", "duplicate", "quarantined")
