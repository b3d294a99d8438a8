"""The echo `by`: a function of pump.lisp thinks over the frame. Its value is all that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lisppump import hookimpl
from lisppump.errors import LisppumpError
from lisppump.frame import Frame, FrameFunction
from lisppump.stages import Option, Thought


class By:
    """Asks `function`, which has no argument, what it makes of the frame."""

    options: ClassVar[tuple[Option, ...]] = (
        Option("function", "function", "(f): anything that is data.", arity=0, positional=True),
    )

    def __init__(self, function: FrameFunction) -> None:
        self._function = function

    def think(self, frame: Frame, seed: tuple[Any, ...]) -> list[Thought]:
        """One thought under the function's name; its error is the thought when it fails."""
        from lisppump.lispy import to_json

        name = str(getattr(self._function, "name", "lambda"))
        key = name if name != "lambda" else f"echo-{seed[-1]}"
        try:
            return [Thought(key, name, to_json(self._function.on(frame, seed=seed)()))]
        except LisppumpError as error:
            return [Thought(key, name, error=error.to_json())]


@hookimpl
def echoes() -> Mapping[str, type]:
    """Offer `by`."""
    return {"by": By}
