"""The stages: what a dam, backend, merger, echo, executor and reservoir must be, and the checks on them.

A stage is a class. `options` is its clause table: what may stand beside its name in pump.lisp; each option
becomes a keyword argument of the class (hyphens become underscores). Nothing here knows which stages exist.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from lisppump.delta import Delta, Schema, Usage
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Agent, Frame, Stream
from lisppump.lispy.limits import Limits
from lisppump.merge import Merged
from lisppump.prompt import Prompt

declare(
    "plugin", 4,
    contract="A stage broke the contract of its kind.",
    stage_failed="A stage raised an error.",
)  # fmt: skip


class _Required(enum.Enum):
    REQUIRED = enum.auto()


REQUIRED: Any = _Required.REQUIRED  # the default of an option that has none


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a clause: `kind` is name, value, function, stage or limits; `arity` that of a function.

    `unit` is the unit a quantity must have (seconds, tokens, dollars, bytes); `many` options take several
    values and give a tuple. A `positional` option is written without its name: `(by f)`.
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


class Failure(enum.StrEnum):
    """The typed ways in which a backend does not answer."""

    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    TIMED_OUT = "timed-out"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID = "invalid"
    OVER_BUDGET = "over-budget"
    DEFECT = "defect"

    @property
    def status(self) -> str:
        """The status of a stream whose last attempt ended so."""
        direct = {"throttled": "throttled", "timed-out": "timed-out", "over-budget": "over-budget"}
        if self in (Failure.TRUNCATED, Failure.INVALID):
            return "invalid"
        return direct.get(self.value, "failed")


class BackendError(Exception):
    """What a backend raises instead of a reply: one typed failure with its reason."""

    def __init__(self, failure: Failure, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """All that a backend gets for one call: frame, room, prompt, and what the reply must look like.

    `turn` is the pass (act, react, ...) and `heard` what earlier passes of this room produced, by collection.
    `seed` names the die of this stream; a backend that needs one for an agent appends the agent's id.
    """

    frame: Frame
    stream: Stream
    agents: tuple[Agent, ...]
    prompt: Prompt
    schema: Schema
    turn: str
    seed: tuple[Any, ...]
    deadline: float
    limits: Limits
    heard: Mapping[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A backend's answer: `text`, or `data` where it was parsed already (a dict of collections).

    `stop` is end, or partial where some of the room could not answer; `reason` says why.
    """

    text: str | None = None
    data: Mapping[str, Any] | None = None
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    stop: str = "end"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """What one echo program came to: `key` names its file in `state/echo_frames/` and its author."""

    key: str
    program: str
    value: Any = None
    error: Mapping[str, Any] | None = None
    output: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, frame: int) -> dict[str, Any]:
        """The echo's document, as agents and people read it."""
        return {
            "frame": frame,
            "program": self.program,
            "value": self.value,
            "error": None if self.error is None else dict(self.error),
            "output": self.output,
            "usage": dict(self.usage),
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One pipe for an executor: `pour` is called once and awaited for at most `deadline` seconds."""

    stream: int
    pour: Callable[[], Awaitable[None]]
    deadline: float
    timed_out: Callable[[], None]


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

    One that declares `last_resort = True` is only asked where no other was: it adds and hides nothing.
    One that uses tokens declares `max_tokens`, the most that one call may take besides the prompt.
    """

    async def pour(self, request: Request) -> Reply:
        """The reply, or BackendError."""
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
        Kind(
            "reservoir",
            "reservoirs",
            {
                "names": (),
                "read": ("name",),
                "write": ("name", "value"),
                "append": ("name", "items"),
                "delete": ("name",),
                "fingerprint": ("name",),
            },
            "Keeps the documents of a frame.",
        ),
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


@contextmanager
def blamed(kind: str, name: str, plugin: str, frame: int) -> Iterator[None]:
    """Run a stage's own code: what goes wrong in it says stage, plugin, place and frame."""
    try:
        yield
    except LisppumpError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}"
        raise LisppumpError(
            "stage-failed",
            f"{kind} `{name}` of plugin {plugin} raised {type(error).__name__}: {error} "
            f"({place}, frame {frame})",
            help=f"choose another {kind} in pump.lisp, or tell the authors of {plugin.partition(':')[0]}",
        ) from error


def assign(
    dam: Dam, frame: Frame, agents: Sequence[Agent], n: int, seed: int, *, name: str = "dam"
) -> Assignment:
    """Ask a dam for rooms and hold it to its contract: every agent in exactly one, none made up."""
    rooms = dam.assign(frame, agents, n, seed)
    streams: list[Stream] = []
    seen: dict[str, int] = {}
    for number, room in enumerate(rooms, 1):
        known = room if isinstance(room, Stream) else Stream(number, tuple(room))
        streams.append(Stream(number, known.agents, known.name, known.topic))
        for member in known.agents:
            seen[member] = seen.get(member, 0) + 1
    expected = [agent.id for agent in agents]
    problems = {
        "lost": [id for id in expected if id not in seen],
        "put twice": [id for id in expected if seen.get(id, 0) > 1],
        "made up": sorted(set(seen) - set(expected)),
        "left empty": [stream.id for stream in streams if not stream.agents],
    }
    for what, who in problems.items():
        if who:
            raise LisppumpError("contract", f"dam `{name}` {what} {', '.join(who)}")
    notes = []
    if len(streams) > n:
        notes.append(f"{n} streams were asked for, {len(streams)} are needed to keep rooms small enough")
    elif len(streams) < n:
        notes.append(f"{n} streams were asked for, {len(streams)} rooms hold all {len(expected)} agents")
    return Assignment(tuple(streams), tuple(notes))
