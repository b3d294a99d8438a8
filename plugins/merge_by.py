"""The merger `by`: a function of pump.lisp makes the next documents. It checks only their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from lisppump import hookimpl
from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Frame, FrameFunction
from lisppump.merge import Change, Merged
from lisppump.stages import Option

declare("policy", 1, bad_merge="The function of a merger gave something that is no dict of documents.")


class By:
    """Asks `function` with the frame and the deltas in canonical order, dicts of their collections.

    It gives a dict from document name to the new value of each document that changes. It takes every item.
    """

    options: ClassVar[tuple[Option, ...]] = (
        Option("function", "function", "(f frame deltas): a dict of documents that change.",
               arity=2, positional=True),
    )  # fmt: skip

    def __init__(self, function: FrameFunction) -> None:
        self._function = function

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
        """The documents the function gave, and every item counted as merged."""
        from lisppump.lispy import to_json

        given = [
            {"stream": delta.stream, "agents": list(delta.agents), **delta.collections}
            for delta in sorted(deltas, key=lambda delta: delta.order)
        ]
        documents = to_json(self._function.on(frame, seed=("merge",))(frame.view, given))
        if not isinstance(documents, dict):
            raise LisppumpError(
                "bad-merge",
                "the function of (merger (by ...)) should give a dict from document name to value",
                help='return (dict "log.json" ...) with every document that changes',
            )
        changes = tuple(Change(name, "set", (), value) for name, value in documents.items())
        counts: dict[str, int] = {}
        for delta in deltas:
            for name, items in delta.collections.items():
                counts[name] = counts.get(name, 0) + len(items)
        report = {
            name: {"in": count, "merged": count, "duplicate": 0, "quarantined": 0}
            for name, count in sorted(counts.items())
        }
        return Merged(changes, report, ())


@hookimpl
def mergers() -> Mapping[str, type]:
    """Offer `by`."""
    return {"by": By}
