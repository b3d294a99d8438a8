"""What a check of clauses is given and what it gives: stages, code, checked clauses. It checks nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lisppump.blame import BlamedReservoir, blamed, is_builtin
from lisppump.calling import BackendError, Failure
from lisppump.clauses_shape import Clause
from lisppump.errors import Span
from lisppump.frame import FrameFunction
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.nodes import Node
from lisppump.lispy.values import Value
from lisppump.plugin import Offer


class Stages(Protocol):
    """The part of the registry that a check asks."""

    def find(self, kind: str, name: str) -> Offer:
        """The stage of that kind and name, or `unknown-stage`."""
        ...

    def names(self, kind: str) -> list[str]:
        """Every name that `find` answers."""
        ...

    def builtins(self) -> Mapping[str, BuiltinSpec]:
        """The LisPy builtins that plugins offer."""
        ...

    def under(self, without: Collection[str], order: Sequence[str]) -> Stages:
        """The same without some plugins, their wrappers in an order."""
        ...


class Code(Protocol):
    """The LisPy side of a policy: its definitions, and what expressions in clauses come to."""

    def value(self, node: Node) -> Value:
        """The value of an expression; raises what it raises."""
        ...

    def function(self, node: Node, value: Value, arity: int | None) -> FrameFunction | None:
        """A procedure as a function of a frame; None for what is no procedure."""
        ...

    def knows(self, name: str) -> bool:
        """True when a name is bound where clauses are evaluated."""
        ...


class Gone:
    """A backend that was asked when frames were made, and is not here any more: nobody asks it for these."""

    async def pour(self, request: Any) -> Any:
        """It has no answer."""
        raise BackendError(Failure.UNAVAILABLE, "this backend is not here any more")


@dataclass(frozen=True)
class StageChoice:
    """A stage that the policy chose, with its options as the keyword arguments of its class."""

    kind: str
    name: str
    options: Mapping[str, Any]
    span: Span | None
    offer: Offer

    @classmethod
    def gone(cls, name: str, span: Span | None) -> StageChoice:
        """One of a backend that is not here any more."""
        return cls("backend", name, {}, span, Offer("backend", name, Gone, "lisppump:gone", None, None))

    def make(self, *given: Any) -> Any:
        """A new instance of the stage; `given` are arguments that come from the pump."""
        with blamed(self.kind, self.name, self.offer.plugin):
            return self.offer.factory(*given, **self.options)

    def make_reservoir(self, folder: Path) -> Any:
        """A new instance of a reservoir; the faults of a plugin's are named."""
        made = self.make(folder)
        return made if is_builtin(self.offer.plugin) else BlamedReservoir(made, self.name, self.offer.plugin)


def is_foreign(choice: StageChoice) -> bool:
    """True for a stage that lisppump does not bring itself: it is only given copies."""
    return not is_builtin(choice.offer.plugin)


@dataclass(slots=True)
class Checked:
    """A clause that was read: what its places hold, its options and members in the order of the file."""

    clause: Clause
    node: Node
    values: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, list[Node]] = field(default_factory=dict)
    options: dict[str, list[Checked]] = field(default_factory=dict)
    members: list[Checked] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The word it begins with."""
        return self.node.head or self.clause.name

    def option(self, name: str) -> Checked | None:
        """An option that may be there once."""
        found = self.options.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Checked]:
        """An option that may be there more than once."""
        return self.options.get(name, [])

    def first(self, default: Any = None) -> Any:
        """What its first place holds."""
        return self.values.get(self.clause.positions[0].name, default)

    def of(self, name: str, default: Any = None) -> Any:
        """What the first place of an option holds."""
        option = self.option(name)
        return default if option is None else option.first(default)
