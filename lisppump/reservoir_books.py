"""The books of a world: what calls reserved and heard on the way, what was spent by the last commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

from lisppump.journal import Record
from lisppump.reservoir_edits import Desk

BOOKED = ("commit", "budget")  # records that hold all that was spent up to them
SINCE = ("open", "claim", "reply", "outcome", "late", "delta")


class Books(Desk):
    """A world's journal and its view, with what was spent on it; money is spent on whatever line."""

    spending: Callable[[], Mapping[str, Any] | None] | None = None

    def tool(self, **fields: Any) -> None:
        """Journal what a tool told a model, before the model is told."""
        self._journal.record("tool", fields)
        self._journal.sync_soon()

    def page(self, **fields: Any) -> None:
        """Journal what the portal gave a program, before the program has it."""
        self._journal.record("portal", fields)
        self._journal.sync_soon()

    def claim(self, **fields: Any) -> None:
        """Journal what is set aside for a pipe, before anybody is asked."""
        self._journal.record("claim", fields)
        self._journal.sync_soon()

    def book(self, act: str, **fields: Any) -> None:
        """Journal, durably, that a budget was reset, or that a run has ended; and what is spent by now."""
        self._record("budget", act=act, **fields, **self._spent())
        self._journal.sync()

    def booked(self) -> tuple[Mapping[str, Any], list[Record]]:
        """The fields of the last record that holds what was spent, and what came since: one frame at most."""
        journal = self._journal
        last = next(journal.select(*BOOKED, dead=()), 0)
        seqs = takewhile(lambda seq: seq > last, journal.select(*SINCE, dead=()))
        since = [journal.read(seq) for seq in sorted(seqs)]
        return (journal.read(last).fields if last else {}), since

    def _spent(self) -> dict[str, Any]:
        """What a record keeps of what was spent."""
        spent = None if self.spending is None else self.spending()
        return {} if spent is None else {"spent": dict(spent)}
