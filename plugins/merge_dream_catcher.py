"""The merger `dream-catcher`: the rules of pump.lisp, in canonical order. It keeps only a memo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from lisppump import hookimpl
from lisppump.delta import Delta, Schema
from lisppump.frame import Frame
from lisppump.merge import Memo, Merged, merge
from lisppump.stages import Option


class DreamCatcher:
    """Merges deltas by the rules of the `(delta ...)` clause."""

    options: ClassVar[tuple[Option, ...]] = ()

    def __init__(self) -> None:
        self._memo = Memo()

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        """The changes that make the next frame, and what became of every item."""
        return merge(frame, deltas, schema, self._memo)


@hookimpl
def mergers() -> Mapping[str, type]:
    """Offer `dream-catcher`."""
    return {"dream-catcher": DreamCatcher}
