"""The LisPy side of a policy: its definitions, the values of its clauses, its functions bound to frames."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lisppump.errors import LisppumpError, suggest
from lisppump.frame import STATE, Frame
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.errors import LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.runtime import Runtime
from lisppump.lispy.values import Procedure, Value
from lisppump.policy_changes import defined_by

_QUOTING = ("quote", "quasiquote")


class PolicyCode:
    """One runtime with all that a policy defines; its functions can be used after `settle`.

    `builtins` are those that plugins offer, for its functions as for the programs of agents.
    """

    def __init__(self, builtins: Mapping[str, BuiltinSpec]) -> None:
        self.runtime = Runtime(builtins=builtins)
        self.broken: set[str] = set()
        self._asked: set[str] = set()
        self._seed = 0
        self._limits = Limits()
        self._state_of: Callable[[Frame], Any] | None = None

    def settle(self, seed: int, limits: Limits, state_of: Callable[[Frame], Any]) -> None:
        """Say what functions run under; before that they cannot be bound to a frame."""
        self._seed = seed
        self._limits = limits
        self._state_of = state_of

    def define(self, forms: Sequence[Node]) -> list[LisppumpError]:
        """Run the definitions in order; one that fails is an error and leaves its name in `broken`."""
        errors: list[LisppumpError] = []
        for form in forms:
            try:
                self.value(form)
            except LisppumpError as error:
                errors.append(error.located(form.span))
                if (name := defined_by(form)) is not None:
                    self.broken.add(name)
        return errors

    def value(self, node: Node) -> Value:
        """The value of a form where the definitions are known; no capability is granted."""
        try:
            return self.runtime.evaluate(node)
        except LispyError as error:
            if error.code == "unbound" and node.name is not None and error.help is None:
                near = suggest(node.name, sorted(self.runtime.globals.bound))
                missing = "nothing is defined by that name in pump.lisp, or in what it loads"
                error.help = f"did you mean `{near}`?" if near else missing
            raise

    def function(self, node: Node, value: Value, arity: int | None) -> PolicyFunction | None:
        """A procedure as a function of a frame; None for what is no procedure."""
        if not isinstance(value, Procedure):
            return None
        if arity is not None and not (value.low <= arity and (value.high is None or arity <= value.high)):
            raise LisppumpError(
                "wrong-function",
                f"calls its function with {_arguments(arity)}, "
                f"{_name(node, value)} takes {_takes(value)}",
                span=node.span,
                help="give it a function of " + _arguments(arity),
            )
        return PolicyFunction(node.name or value.name or "lambda", arity, value, self)

    def knows(self, name: str) -> bool:
        """True when a name is bound where clauses are evaluated."""
        known = self.runtime.knows(name)
        if not known:
            self._asked.add(name)  # asking makes it a name of the runtime; no program has used it
        return known

    def unresolved(self, forms: Sequence[Node]) -> list[LisppumpError]:
        """An error for each name that some definition uses and nothing binds, where it first stands.

        A name that stands only in quoted data came into a program through a macro.
        """
        names = {name: error for name, error in self.runtime.unresolved() if name not in self._asked}
        errors: list[LisppumpError] = []
        for quoted in (False, True):
            for symbol in (symbol for form in forms for symbol in _symbols(form, quoted)):
                if symbol.name in names:
                    errors.append(names.pop(symbol.name).located(symbol.span))
        return [*errors, *names.values()]

    def used(self) -> frozenset[str]:
        """The builtins of plugins that some definition or clause speaks of, by the names it has for them."""
        return self.runtime.borrowed()

    def bind(
        self,
        procedure: Procedure,
        frame: Frame | None,
        seed: tuple[Any, ...],
        seconds: float | None,
        allow: Collection[str] = STATE,
        web: Any = None,
        timed: bool = True,
    ) -> Callable[..., Value]:
        """A plain function that runs the procedure about a frame; each call throws dice of its own."""
        runtime, limits = self.runtime, self._limits
        if seconds is not None:
            limits = replace(limits, seconds=min(seconds, limits.seconds or seconds))
        if not timed:
            limits = replace(limits, seconds=None)
        given: dict[str, Any] = {"limits": limits, "memo": {}}
        dice = (self._seed, *seed)
        if frame is not None:
            assert self._state_of is not None, "functions are bound after the policy has settled"
            given.update(state=self._state_of(frame), allow=allow, now=frame.time)
            if web is not None:
                given["providers"] = {"web": web}
            dice = (self._seed, frame.number, *seed)
        ordinals = itertools.count()
        return lambda *args: runtime.call(procedure, args, seed=(*dice, next(ordinals)), **given)


class PolicyFunction:
    """A function of pump.lisp; `on` binds it to the frame it decides about."""

    __slots__ = ("_code", "_procedure", "arity", "name")

    def __init__(self, name: str, arity: int | None, procedure: Procedure, code: PolicyCode) -> None:
        self.name = name
        self.arity = arity
        self._procedure = procedure
        self._code = code

    def on(
        self,
        frame: Frame | None,
        *,
        seed: tuple[Any, ...] = (),
        seconds: float | None = None,
        allow: Collection[str] = STATE,
        web: Any = None,
        timed: bool = True,
    ) -> Callable[..., Value]:
        """The function while it decides about `frame`; None is the time before the first frame."""
        return self._code.bind(self._procedure, frame, seed, seconds, allow, web, timed)


def _symbols(node: Node, quoted: bool) -> Iterator[Node]:
    """Every symbol of a form in the order of the text, with or without those in quoted data."""
    if node.kind == "symbol":
        yield node
    elif quoted or node.head not in _QUOTING:
        for item in node.items:
            yield from _symbols(item, quoted)


def _name(node: Node, procedure: Procedure) -> str:
    """What a message calls a function: its name in the file, if it has one."""
    return node.name or (procedure.name if procedure.name not in (None, "lambda") else None) or "this one"


def _arguments(count: int) -> str:
    return f"{count} argument" + ("" if count == 1 else "s")


def _takes(procedure: Procedure) -> str:
    low, high = procedure.low, procedure.high
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"
