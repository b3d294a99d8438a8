"""The echo `program`: a program of pump.lisp thinks over the frame, in the name of an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.frame import Frame
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.limits import Limits
from lisppump.stages import Option, Thought

from .programs import thought_of

if TYPE_CHECKING:
    from lisppump.witness import Witness


class Program:
    """Runs one program as if each of some agents had written it, in a sandbox of its own.

    It sees what an agent's own program sees, and nothing that pump.lisp defines. What it comes to lies in
    `echo_frames/AGENT.json`, and is (rb-echo self) for its next run. An agent has one such place: where its
    own program thinks, too (`agents-programs`), what the later of the two echoes came to stands there.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "agent", "value", "The ids of those in whose name it runs.",
            many=True, positional=True, type="string",
        ),
        Option("source", "source", "The program, as it stands: its last form gives the result."),
        Option("allow", "capability", "The capabilities that it has.", default=("state",), many=True),
        Option("limits", "limits", "What one run may use.", default=None),
        Option("builtins", "builtins", "What plugins add to the language.", default=MappingProxyType({})),
    )  # fmt: skip

    def __init__(
        self,
        agent: Sequence[str],
        source: str,
        allow: Sequence[str] = ("state",),
        limits: Limits | None = None,
        builtins: Mapping[str, BuiltinSpec] = MappingProxyType({}),
    ) -> None:
        self._agents = tuple(dict.fromkeys(agent))
        self._source = source
        self._allow = frozenset(allow)
        self._limits = limits or Limits()
        self._builtins = builtins

    def think(
        self, frame: Frame, seed: tuple[Any, ...], witness: Witness | None = None
    ) -> list[Thought]:
        """One thought for each of its agents, in the order of the policy."""
        thoughts = []
        for agent in self._agents:
            if witness is not None and witness.over():
                break
            thought = thought_of(
                frame,
                agent,
                self._source,
                allow=self._allow,
                limits=self._limits,
                seed=seed,
                builtins=self._builtins,
                witness=witness,
            )
            thoughts.append(thought)
        return thoughts


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `program`."""
    return {"program": Program}
