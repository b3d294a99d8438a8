"""The merger `by`: a function of pump.lisp makes the next documents. It checks only their shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from lisppump import hookimpl
from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Frame, FrameFunction
from lisppump.merge import Change, Merged, origin_of
from lisppump.stages import Option

declare("policy", 1, bad_merge="The function of a merger gave something that is no dict of documents.")


class By:
    """Asks `function` with the frame and the deltas in canonical order, dicts of their collections.

    It gives a dict from document name to the new value of each document that changes. It takes every item
    that passed the check of the replies; the others are quarantined.
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
        merged: Counter[str] = Counter()
        quarantine = []
        for delta in sorted(deltas, key=lambda delta: delta.order):
            merged.update({name: len(items) for name, items in delta.collections.items()})
            quarantine += [{**origin_of(delta), **problem} for problem in delta.rejected]
        refused = Counter(str(problem["collection"]) for problem in quarantine)
        report = {
            name: {
                "in": merged[name] + refused[name],
                "merged": merged[name],
                "duplicate": 0,
                "quarantined": refused[name],
            }
            for name in sorted(merged.keys() | refused.keys())
        }
        return Merged(changes, report, tuple(quarantine))


@hookimpl
def mergers() -> Mapping[str, type]:
    """Offer `by`."""
    return {"by": By}
