"""The echo `agents-programs`: agents' own programs think over the frame, each in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.frame import Frame
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.limits import Limits
from lisppump.stages import Option, Thought
from lisppump.workers.rule import APART, Isolation

from .programs import programs_of, thought_of

if TYPE_CHECKING:
    from lisppump.witness import Witness


class AgentsPrograms:
    """Runs the programs that `programs.json` keeps, each for itself, with the granted capabilities."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("allow", "capability", "The capabilities that programs have.", default=("state",), many=True),
        Option("limits", "limits", "What one program may use.", default=None),
        Option("builtins", "builtins", "What plugins add to the language.", default=MappingProxyType({})),
        Option("isolation", "isolation", "Where they run.", default=APART),
    )

    def __init__(
        self,
        allow: Sequence[str] = ("state",),
        limits: Limits | None = None,
        builtins: Mapping[str, BuiltinSpec] = MappingProxyType({}),
        isolation: Isolation = APART,
    ) -> None:
        self._allow = frozenset(allow)
        self._limits = limits or Limits()
        self._builtins = builtins
        self._isolation = isolation

    def idle(self, frame: Frame) -> bool:
        """True where no agent has a program."""
        return not programs_of(frame)

    def think(
        self, frame: Frame, seed: tuple[Any, ...], witness: Witness | None = None
    ) -> list[Thought]:
        """One thought for each agent that has a program, by id."""
        return [
            thought_of(
                frame,
                agent,
                source,
                allow=self._allow,
                limits=self._limits,
                seed=seed,
                builtins=self._builtins,
                witness=witness,
                isolation=self._isolation,
            )
            for agent, source in programs_of(frame).items()
        ]


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `agents-programs`."""
    return {"agents-programs": AgentsPrograms}
