"""What all pipes of a frame share: policy, frame, ledger, purse, who gives leave. It does nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lisppump.calling import Reply, Request, Terms
from lisppump.delta import Delta, Usage
from lisppump.frame import Frame, Stream
from lisppump.gate import Gates
from lisppump.intake import Intake
from lisppump.leave import Governor, Ungoverned
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.policy import Policy
from lisppump.spare import Spare

Pourer = Callable[[Request, str], Awaitable[Reply]]


class Ledger(Protocol):
    """Where a frame's inputs are written down the moment they are there."""

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Backends' answers: `reply`, or `late` where the stream was settled, and the fields of each."""

    def outcome(self, **fields: Any) -> None:
        """What the machine decided: an attempt that failed, a time that was over."""

    def tool(self, **fields: Any) -> None:
        """A model's use of a tool, before it hears what came of it."""

    def delta(self, delta: Delta) -> None:
        """What a stream came to."""


Claim = Any  # what a purse gives for a reservation: only it knows what that is


class Purse(Protocol):
    """What a run may spend: reserved before a backend is asked, counted when it has answered."""

    def free(self, alias: str) -> bool:
        """True where a backend uses nothing that is reserved or counted as lost."""

    def reserve(self, alias: str, prompt_tokens: int, passes: int, stream: int = 0) -> Claim | str:
        """One reservation for all that a pipe may ask of a backend, or a sentence that says why not.

        That is a call for each of `passes`, and one repair call. A later pass also reads what the earlier
        brought, and a repair call the reply that it is for: each at most `max_tokens` more than the prompt.
        """

    def priced(self, alias: str, model: str | None, usage: Usage) -> Usage:
        """What a call used, in dollars too, or what it is assumed to have used."""

    def used(self, claim: Claim, usage: Usage) -> None:
        """Count what a call used, and take it from its reservation; also after that was given back."""

    def renew(self, alias: str, claim: Claim, usage: Usage, stream: int = 0) -> str | None:
        """Set aside again what an attempt used that is made once more, or a sentence that says why not."""

    def lost(self, alias: str, claim: Claim | None, prompt_tokens: int, passes: int) -> Usage:
        """Count a call as spent that was cut short, so that nobody knows what it used.

        What that comes to; UNUSED for one that had reserved nothing.
        """

    def recorded(self, usage: Usage) -> None:
        """Count what a call used whose answer was taken from the record."""

    def release(self, claim: Claim) -> None:
        """Give back what is left of a reservation; its pipe asks this backend nothing more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt ended, as it was recorded: a `reply`, or an `outcome` that the machine decided."""

    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tick:
    """What all pipes of a frame share; nothing of it changes while they run but what is counted.

    In a `sealed` frame nobody is asked: what the record does not hold is an error. Anybody may ask backends
    that are `free`, at any time.
    """

    policy: Policy
    frame: Frame
    number: int
    time: str
    epoch: int
    node: str
    backends: Mapping[str, Terms]
    pour: Pourer
    ledger: Ledger
    intake: Intake
    settled: Callable[[Stream, Delta], None]
    purse: Purse
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    gates: Gates
    builtins: Mapping[str, BuiltinSpec]
    spare: Spare
    free: frozenset[str] = frozenset()
    governor: Governor = field(default_factory=Ungoverned)
    sealed: bool = False
