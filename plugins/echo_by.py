"""The echo `by`: a function of pump.lisp thinks over the frame. Its value is all that it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from lisppump import hookimpl
from lisppump.errors import LisppumpError
from lisppump.frame import Frame, FrameFunction
from lisppump.stages import Option, Thought

from .programs import error_of

if TYPE_CHECKING:
    from lisppump.lispy.capabilities import Web
    from lisppump.witness import Witness


class By:
    """Asks `function`, which has no argument, what it makes of the frame."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("function", "function", "(f): anything that is data.", arity=0, positional=True),
        Option("allow", "capability", "The capabilities that it has.", default=("state",), many=True),
    )

    def __init__(self, function: FrameFunction, allow: Sequence[str] = ("state",)) -> None:
        self._function = function
        self._allow = frozenset(allow)

    def think(
        self, frame: Frame, seed: tuple[Any, ...], witness: Witness | None = None
    ) -> list[Thought]:
        """One thought under the function's name; its error is the thought when it fails."""
        name = str(getattr(self._function, "name", "lambda"))
        key = name if name != "lambda" else f"echo-{seed[-1]}"
        more = self._allow - {"state"}  # that it sees the frame goes without saying
        blank = Thought(key, name, granted=tuple(sorted(self._allow)) if more else (), for_all=True)
        timed = witness is None or not witness.sealed

        def think(web: Web | None) -> Thought:
            from lisppump.lispy import to_json

            try:
                asked = self._function.on(frame, seed=seed, allow=self._allow, web=web, timed=timed)
                return replace(blank, value=to_json(asked()))
            except LisppumpError as error:
                return replace(blank, error=error_of(error))

        return [think(None) if witness is None else witness.run(blank, think)]


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `by`."""
    return {"by": By}
