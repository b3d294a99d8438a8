"""The echo `agents-programs`: agents' own programs think over the frame, each in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.documents import safe_stem
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.limits import Limits
from lisppump.stages import Option, Thought
from lisppump.workers.rule import APART, Isolation

from .programs import programs_of, remarks_of, thought_of

if TYPE_CHECKING:
    from lisppump.witness import Witness


class AgentsPrograms:
    """Runs the programs that `programs.json` keeps, each for itself, with the granted capabilities.

    The document has them under agents' ids: `{"ada" "(+ 1 2)"}`, or `{"ada" {"source" "(+ 1 2)"}}`. A
    collection brings them there: `(programs (fields (agent agent) (source lispy)) (into "programs.json")
    (last-writer))`. What is of another form is passed over, and a note of the frame says so.

    Whoever writes one steers with it: a value with `{"signal" "boost-builder"}` sets `(echo signals boost)`
    of the next frame, which is as good as what pump.lisp does with it.
    """

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
        own = programs_of(frame)
        if witness is not None:
            for remark in remarks_of(frame, _ids(frame, witness) if own else None):
                witness.remark(remark)
        thoughts = []
        for place, agent in enumerate(waiting := _by_turn(frame, own)):
            if witness is not None and witness.over():
                witness.remark(f"the time of the echoes was over before {len(waiting) - place} of "
                               f"{len(waiting)} agents' programs had their turn; they come first next time")
                break
            thought = thought_of(
                frame,
                agent,
                own[agent],
                allow=self._allow,
                limits=self._limits,
                seed=seed,
                builtins=self._builtins,
                witness=witness,
                isolation=self._isolation,
            )
            thoughts.append(thought)
        return sorted(thoughts, key=lambda thought: thought.key)


def _by_turn(frame: Frame, own: Mapping[str, str]) -> list[str]:
    """Who has a program, longest not thought first; among equals by id."""

    def last(agent: str) -> tuple[int, int]:
        said = frame.documents.get(f"echo_frames/{safe_stem(agent)}.json")
        when = said if isinstance(said, dict) else {}
        return int(when.get("frame", -1)), int(when.get("tock", 1))

    return sorted(own, key=lambda agent: (last(agent), agent))


def _ids(frame: Frame, witness: Witness) -> frozenset[str] | None:
    """The ids of the frame's agents; None where that cannot be said."""
    try:
        return None if witness.agents is None else frozenset(a.id for a in frame.agents(*witness.agents))
    except LisppumpError:
        return None  # a frame without agents is spoken of where they are to wake


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `agents-programs`."""
    return {"agents-programs": AgentsPrograms}
