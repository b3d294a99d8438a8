"""What a running program stands in: its meter, dice, clock, grants, output; builtins see no more."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lisppump.lispy.errors import CapabilityError, LimitError, LispyError, figure
from lisppump.lispy.limits import Limits, Meter
from lisppump.lispy.values import Procedure, Symbol, Value

if TYPE_CHECKING:
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.nodes import Node

NOW = "1970-01-01T00:00:00Z"  # the clock of a run that was given none
INSIDE = frozenset({"state"})  # what simulations may use of what was granted: it stays as it is


def seed_bits(parts: tuple[Any, ...]) -> int:
    """The 256 bits that a seed of several parts comes to, the same in every process."""
    digest = hashlib.sha256()
    for part in parts:
        text = f"{type(part).__name__}:{part}".encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return int.from_bytes(digest.digest(), "big")


_LIMITS = Limits()


class Inside(Protocol):
    """What a run finds in the runtime that it is in."""

    def language(self, name: str) -> Value:
        """What the language itself means by a name."""

    def given(self, name: str) -> Value:
        """What the host does."""

    def evaluate(self, program: Value) -> Value:
        """What the builtin `eval` does."""

    def perform(self, node: Node) -> Value:
        """The value of a form where nobody has defined anything."""


class Run:
    """The one argument every builtin gets; its fields are swapped from call to call, the object stays."""

    __slots__ = (
        "_apply",
        "_enter",
        "_gensyms",
        "_inside",
        "_output",
        "_rng",
        "_seed",
        "deepest",
        "depth",
        "granted",
        "heat",
        "limits",
        "memo",
        "meter",
        "now",
        "offered",
        "providers",
        "roomy",
        "rules",
        "sealed",
        "seals",
        "simulations",
        "tail_args",
        "tail_body",
        "tail_fast",
        "tail_frame",
        "used",
    )  # fmt: skip

    def __init__(
        self,
        enter: Callable[[Run, Procedure, int | None], Callable[..., Value]],
        apply: Callable[[Run, Procedure, list[Value], None], Value],
        inside: Inside,
        offered: Mapping[str, BuiltinSpec],
    ) -> None:
        self.offered = offered  # builtins that are not the language's own, by the names that reach them
        self._enter = enter
        self._apply = apply
        self._inside = inside
        self.seals = 0  # how many simulations there were
        self.heat: Any = None  # the hot code of the runtime
        self.roomy = False  # see room.py
        self.tail_fast: Any = None
        self.tail_args: tuple[Value, ...] = ()
        self.tail_body: Callable[[list[Any]], Value] | None = None
        self.tail_frame: list[Any] | None = None
        self.begin(_LIMITS, (0,), None, frozenset(), {})

    def begin(
        self,
        limits: Limits,
        seed: tuple[Any, ...],
        now: str | None,
        granted: frozenset[str],
        providers: Mapping[str, Any],
        memo: dict[Any, Any] | None = None,
    ) -> None:
        """Start afresh: nothing used, nothing printed, the dice at their seed."""
        self.limits = limits
        self.deepest = limits.depth
        self.meter = Meter(limits)
        self.now = now
        self.granted = granted
        self.providers = providers
        self.depth = 0
        self.used: set[str] = set()
        self.memo: dict[Any, Any] = {} if memo is None else memo
        self._seed = seed
        self._rng: random.Random | None = None
        self._output: list[str] = []
        self._gensyms = 0
        self.sealed = 0  # the number of the simulation going on; 0 outside of any
        self.simulations = 0  # how many are around each other
        self.rules: Any = None  # the constitution in force

    def seal(self, seed: tuple[Any, ...], limits: Limits, rules: Any) -> tuple[Any, ...]:
        """Begin a simulation on the same meter, with dice, output and memory of its own; `unseal` ends it."""
        saved = (
            self.limits, self.granted, self.memo, self._seed, self._rng, self._output, self._gensyms,
            self.sealed, self.simulations, self.rules,
        )  # fmt: skip
        self.limits = limits
        self.deepest = limits.depth
        self.meter.bound(limits)
        self.granted &= INSIDE
        self.memo = {}
        self._seed, self._rng = seed, None
        self._output = []
        self._gensyms = 0
        self.seals += 1
        self.sealed = self.seals
        self.simulations += 1
        self.rules = rules
        return saved

    def unseal(self, saved: tuple[Any, ...]) -> None:
        """Go on with what a simulation was in."""
        (
            self.limits, self.granted, self.memo, self._seed, self._rng, self._output, self._gensyms,
            self.sealed, self.simulations, self.rules,
        ) = saved  # fmt: skip
        self.deepest = self.limits.depth
        self.meter.bound(self.limits)

    def outside(self, what: str, help: str | None = None) -> None:
        """Refuse, in a simulation, what does not follow from its state and seed alone."""
        if self.sealed:
            raise LispyError("impure", f"{what} in a simulation", help=help)

    def save(self) -> tuple[Any, ...]:
        """Everything that belongs to the run going on."""
        return (
            self.limits, self.meter, self.now, self.granted, self.providers, self.depth, self.used,
            self.memo, self._seed, self._rng, self._output, self._gensyms, self.sealed, self.simulations,
            self.rules,
        )  # fmt: skip

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Go on with a run that was set aside by `save`."""
        (
            self.limits, self.meter, self.now, self.granted, self.providers, self.depth, self.used,
            self.memo, self._seed, self._rng, self._output, self._gensyms, self.sealed, self.simulations,
            self.rules,
        ) = saved  # fmt: skip
        self.deepest = self.limits.depth

    @property
    def rng(self) -> random.Random:
        """The run's dice, made when first thrown."""
        if self._rng is None:
            self._rng = random.Random(seed_bits(self._seed))
        return self._rng

    def reseed(self, *parts: Any) -> None:
        """Put the dice at another seed."""
        self.outside("the dice cannot be set", "(simulation ... :seed n) and (fork sim :seed n) set them")
        self._rng = random.Random(seed_bits(parts))

    def randbelow(self, count: int) -> int:
        """A whole number from 0 to count - 1, all equally likely, by a reduction that never changes."""
        if count <= 0:
            raise LispyError(
                "bad-value",
                f"a random choice needs something to choose from, got {figure(count)}",
            )
        bits = count.bit_length()
        while True:
            drawn = self.rng.getrandbits(bits)
            if drawn < count:
                return drawn

    @property
    def time(self) -> str:
        """The frame's clock: what the run was given, else what the state that it was granted says."""
        self.outside("there is no clock", "the 2nd argument of the step counts the ticks")
        if self.now is None and "state" in self.granted:
            return getattr(self.providers.get("state"), "time", None) or NOW
        return self.now or NOW

    def charge(self, steps: int) -> None:
        """Count steps before the work they stand for is done."""
        self.meter.charge(steps)

    def write(self, text: str) -> None:
        """Add to the run's captured output."""
        meter = self.meter
        meter.charge(1 + (len(text) >> 4))
        meter.output += len(text)
        if meter.output > self.limits.output:
            raise LimitError(
                "output-limit", f"the program printed more than {self.limits.output:,} characters"
            )
        self._output.append(text)

    def captured(self, body: Callable[[], None]) -> str:
        """What is printed while a function runs; it counts, but is no part of the output."""
        outer, self._output = self._output, []
        try:
            body()
            return self.output
        finally:
            self._output = outer

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "".join(self._output)

    def gensym(self) -> Symbol:
        """A symbol that no program text has; the same program makes the same ones."""
        self._gensyms += 1
        return Symbol(f"#:{'s' * self.simulations}g{self._gensyms}")

    def need(self, capability: str) -> Any:
        """What provides a capability, noted as used; an error if it was not granted."""
        if capability not in INSIDE:
            self.outside(f"there is no {capability}", "get it before, and hand it over in :initial-state")
        if capability in self.granted and capability not in self.providers:
            raise CapabilityError(
                "not-granted",
                f"the capability {capability} was granted, but nothing here gives it",
                data=capability,
            )
        if capability not in self.granted:
            raise CapabilityError(
                "not-granted",
                f"this needs the capability {capability}, which was not granted",
                help=self._grant(capability),
                data=capability,
            )
        self.used.add(capability)
        return self.providers[capability]

    def _grant(self, capability: str) -> str:
        """How to grant one more than what is granted already; the frame goes with all of them."""
        words = " ".join(("state", *sorted({*self.granted, capability} - {"state"})))
        place = f"grant it in the echo's own clause of pump.lisp: (agents-programs (allow {words}))"
        if capability == "state":
            return place
        return f"{place}; on the command line: --allow {' --allow '.join(words.split()[1:])}"

    @property
    def state(self) -> Any:
        """The documents of the frame, if the run was granted them."""
        return self.need("state")

    def function(self, value: Value, count: int | None = None) -> Callable[..., Value]:
        """A plain Python function that calls a LisPy procedure to its end; an error for anything else.

        Where it is only ever called with `count` arguments it may be a faster one.
        """
        if not isinstance(value, Procedure):
            from lisppump.lispy.builtins import describe_type

            raise LispyError("wrong-type", f"a procedure is wanted here, got {describe_type(value)}")
        return self._enter(self, value, count)

    def apply(self, procedure: Procedure, arguments: list[Value]) -> Value:
        """The value of a procedure called with a list of arguments, sparing the C stack."""
        return self._apply(self, procedure, arguments, None)

    def evaluate(self, program: Value) -> Value:
        """The value of a text or of quoted data as a program at the top level, on the same meter."""
        return self._inside.evaluate(program)

    def perform(self, node: Node) -> Value:
        """The value of a form that sees nothing but the language, on the same meter."""
        return self._inside.perform(node)

    def language(self, name: str) -> Value:
        """What the language itself means by a name, UNBOUND if nothing."""
        return self._inside.language(name)

    def given(self, name: str) -> Value:
        """What the host means by a name, UNBOUND if nothing."""
        return self._inside.given(name)
