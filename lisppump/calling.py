"""One call of a backend: what it is asked, what it answers, how it fails, and what it declares of itself.

It asks nobody: it holds answers to their contract.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lisppump import canon
from lisppump.delta import UNUSED, Schema, Usage
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame, Stream
from lisppump.holding import given, hold, is_json, is_text, kind_of
from lisppump.lispy.limits import Limits
from lisppump.prompt import Prompt
from lisppump.quick import quick
from lisppump.secrets import safe, without

STOPS = ("end", "partial", "truncated")


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

    def __init__(
        self,
        failure: Failure,
        reason: str,
        *,
        retry_after: float | None = None,
        usage: Usage = UNUSED,
        text: str | None = None,
        model: str | None = None,
    ) -> None:
        reason = safe(reason) if isinstance(reason, str) else reason  # servers say back what they were sent
        super().__init__(reason)
        self.failure = Failure(failure)  # one that is made up is a defect of the backend, and raised here
        self.reason = reason
        self.retry_after = retry_after  # seconds that the other side asks to be left alone
        self.usage = usage  # what was used all the same
        self.text = safe(text) if isinstance(text, str) else text  # what had come, kept and not to be read
        self.model = safe(model) if isinstance(model, str) else model


class Tool(Protocol):
    """Something that a model may use while it thinks; each use of it is journalled.

    `parameters` is the JSON Schema of its arguments, an object.
    """

    name: str
    doc: str
    parameters: Mapping[str, Any]

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """What the model is told; a wrong use is told as well, and raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Repair:
    """A reply that could not be used: its text as it came, and the sentence that says what is wrong."""

    text: str
    problem: str


def unheard() -> None:
    """Nobody waits for a call to begin."""


@quick
@dataclass(frozen=True, slots=True, weakref_slot=True)
class Request:
    """All that a backend gets for one call: frame, room, prompt, and what the reply must look like.

    `turn` is the pass (act, react, ...) and `heard` what earlier passes of this room produced, by collection.
    `seed` names the die of this stream; a backend that needs one for an agent appends the agent's id.
    With `repair` it is asked once more, in the same talk, for a reply that could not be used. A backend that
    warms a cache calls `began` at the first byte of its answer. It may let its model use `tools`.
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
    repair: Repair | None = None
    tools: tuple[Tool, ...] = ()
    began: Callable[[], None] = unheard


MEND = """\
That cannot be used: {problem}
Answer again, for the same agents: one JSON object as described above, and nothing around it."""


def talk(request: Request) -> list[tuple[str, str]]:
    """What is said after the shared prefix, as (who, text) with user and assistant in turn; user is last."""
    said = [("user", request.prompt.room)]
    if request.repair is not None:
        said.append(("assistant", request.repair.text))
        said.append(("user", MEND.format(problem=request.repair.problem)))
    return said


def one_text(request: Request) -> str:
    """The whole prompt as one text, for who cannot be talked to in turns."""
    first, *more = talk(request)
    parts = [request.prompt.shared + first[1]]
    for who, text in more:
        parts.append(f"\n# You answered\n{text}\n" if who == "assistant" else f"\n# {text}\n")
    return "".join(parts)


@quick
@dataclass(frozen=True, slots=True)
class Reply:
    """A backend's answer: `text`, or `data` where it was parsed already (a dict of collections).

    `stop` is end, partial where some of the room could not answer, or truncated where the text was cut off
    (what was finished of it counts); `reason` says why.
    """

    text: str | None = None
    data: Mapping[str, Any] | None = None
    usage: Usage = UNUSED
    model: str | None = None
    stop: str = "end"
    reason: str | None = None


def is_plain(reply: Any) -> bool:
    """True for a reply of data alone, of which nothing else is said: what `answered` finds no fault with."""
    return (
        reply.__class__ is Reply
        and reply.text is None
        and reply.data.__class__ is dict
        and reply.usage is UNUSED
        and reply.stop == "end"
        and reply.model is None
        and reply.reason is None
    )


def answered(reply: Any) -> Reply:
    """Hold a backend's answer to its contract: a reply of its own, that nobody else can change any more."""
    if not isinstance(reply, Reply):
        raise LisppumpError("contract", f"it gave {given(reply)}, where a Reply is wanted")
    text, data, usage = reply.text, reply.data, reply.usage
    if (text is None) == (data is None):
        raise LisppumpError("contract", "its Reply should have either text or data")
    model, reason = reply.model, reply.reason
    if model is not None or reason is not None:
        hold(is_text(model), "the model of its Reply is no text")
        hold(is_text(reason), "the reason of its Reply is no text")
        model, reason = (None if said is None else safe(said) for said in (model, reason))
    if reply.stop not in STOPS:
        hold(False, f"the stop of its Reply should be one of {', '.join(STOPS)}")
    if usage is not UNUSED:
        hold(is_usage(usage), "the usage of its Reply should hold whole numbers, and dollars")
    if data is not None:
        if data.__class__ is not dict:
            hold(isinstance(data, Mapping), "the data of its Reply is no dict")
            data = dict(data)
        return Reply(None, canon.own(data), usage, model, reply.stop, reason)
    hold(isinstance(text, str), "the text of its Reply is no text")
    # Half a surrogate pair has no bytes to be kept as: it is written as the escape that JSON has for it.
    text = without(str(text).encode("utf-8", "backslashreplace").decode())
    return Reply(text, None, usage, model, reply.stop, reason)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a backend declares of itself, as attributes of these names.

    max_tokens: the most tokens that one call may take besides the prompt; None where it uses none.
    model: what the price table knows it by.
    last_resort: it is only asked where no other was; it adds and hides nothing.
    warms: its calls of a frame read a cache that the first of them writes, once that has begun.
    caches_from: the tokens from which on a prefix is cached; shorter ones are not.
    at_once: the most calls that it can take side by side; None where nobody knows.
    mends: it can be asked once more for a reply that could not be used.
    uses_tools: it lets its model use the tools of a request.
    reports: its replies say what they used; where not, `assumed` is what one call counts as.
    free: its calls cost no money, whatever they use: it runs on this machine.
    kept: the seconds for which what it writes to a cache is kept there, 300 or 3600: that has its price.
    """

    max_tokens: int | None = None
    model: str | None = None
    last_resort: bool = False
    warms: bool = False
    caches_from: int = 0
    at_once: int | None = None
    mends: bool = False
    uses_tools: bool = False
    reports: bool = True
    assumed: Usage | None = None
    free: bool = False
    kept: int = 300


def terms(backend: Any) -> Terms:
    """Read what a backend declares, once, and hold it to what can be counted with."""
    found = {name: getattr(backend, name, getattr(_NO_TERMS, name)) for name in Terms.__slots__}
    for name in ("max_tokens", "at_once"):
        count = found[name]
        fits = count is None or (count.__class__ is int and count >= (name == "at_once"))
        hold(fits, f"its {name} should be a whole number, or None; it is {kind_of(count)}")
    for name in ("last_resort", "warms", "mends", "uses_tools", "free"):
        found[name] = found[name] is True
    found["reports"] = found["reports"] is not False
    hold(is_text(found["model"]), f"its model should be a name, or None; it is {kind_of(found['model'])}")
    whole = found["caches_from"].__class__ is int and found["caches_from"] >= 0
    hold(whole, f"its caches_from should be a whole number; it is {kind_of(found['caches_from'])}")
    whole = found["kept"].__class__ is int and found["kept"] >= 0
    hold(whole, f"its kept should be a whole number of seconds; it is {kind_of(found['kept'])}")
    assumed = found["assumed"]
    fits = assumed is None or is_usage(assumed)
    hold(fits, f"its assumed should be a Usage, or None; it is {kind_of(assumed)}")
    return Terms(**found)


_NO_TERMS = Terms()


def refused(error: BackendError) -> tuple[str, Any]:
    """Status and reason of a backend's own error, which may be of a class of its own."""
    failure = getattr(error, "failure", None)
    hold(isinstance(failure, Failure), f"its {type(error).__name__} has no Failure, but {kind_of(failure)}")
    return error.failure.status, getattr(error, "reason", None)


def kept(error: BackendError) -> tuple[Usage, str | None, str | None]:
    """Usage, text and model of a failure, as they can be recorded; what is none is as if not said."""
    usage, text, model = (getattr(error, name, None) for name in ("usage", "text", "model"))
    used = usage if isinstance(usage, Usage) and is_usage(usage) else UNUSED
    said = safe(text.encode("utf-8", "backslashreplace").decode()) if isinstance(text, str) else None
    return used, said, safe(model) if isinstance(model, str) and is_text(model) else None


def handed(request: Request, frame: Frame) -> Request:
    """What a backend is given that stands in Python: its own request, over a frame its streams share.

    A request is made for one call alone, so that it may be finished here.
    """
    object.__setattr__(request, "frame", frame)
    return request


def is_usage(usage: Any) -> bool:
    if usage is UNUSED:
        return True
    if not isinstance(usage, Usage):
        return False
    counts = [usage.input, usage.cache_read, usage.cache_write, usage.output, usage.steps]
    dollars = 0 if usage.dollars is None else usage.dollars
    whole = dollars.__class__ is float and 0 <= dollars < math.inf
    priced = whole or (isinstance(dollars, int | float) and dollars >= 0 and is_json(dollars))
    return priced and set(map(type, counts)) == {int} and min(counts) >= 0
