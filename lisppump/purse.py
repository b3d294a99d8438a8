"""The purse of a frame: what pipes reserve, use and give back, in tokens and dollars. It asks nobody.

What is reserved is journalled before a call, so that a process that dies has spent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lisppump import clock as clocks
from lisppump.budget import Budget, Claim
from lisppump.calling import Terms
from lisppump.delta import UNUSED, Usage
from lisppump.prices import Most, Prices, most, one_call, tokens_of


class Bookkeeper(Protocol):
    """Where reservations are written down."""

    def claim(self, **fields: Any) -> None:
        """What is set aside for a pipe."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The purse of one frame, over the budget of the run."""

    budget: Budget
    prices: Prices
    terms: Mapping[str, Terms]
    books: Bookkeeper
    frame: int
    clock: clocks.Clock

    def free(self, alias: str) -> bool:
        """True where a backend uses nothing that is reserved or counted as lost."""
        terms = self.terms[alias]
        return terms.max_tokens is None and terms.reports

    def reserve(self, alias: str, prompt_tokens: int, passes: int, stream: int = 0) -> Claim | str:
        """One reservation for all that a pipe may ask of a backend, or a sentence that says why not."""
        if self.free(alias):
            return Claim(0, 0.0)
        needs = most(self.terms[alias], self.prices, prompt_tokens, passes)
        if needs == Most():
            return Claim(0, 0.0)
        self.budget.on(clocks.day(self.clock.now()))
        claim = self.budget.reserve(needs.tokens, needs.dollars, self.clock.monotonic())
        if isinstance(claim, Claim):
            self._book(alias, claim, stream)
        return claim

    def renew(self, alias: str, claim: Claim, usage: Usage, stream: int = 0) -> str | None:
        """Set aside again what an attempt used that is made once more, or say why not.

        What broke off is spent: without that, each further attempt would use more than was ever reserved.
        """
        tokens, dollars = tokens_of(usage), usage.dollars or 0.0
        if not tokens and not dollars:
            return None
        self.budget.on(clocks.day(self.clock.now()))
        why = self.budget.renew(claim, tokens, dollars, self.clock.monotonic())
        if why is None:
            self._book(alias, claim, stream)
        return why

    def _book(self, alias: str, claim: Claim, stream: int) -> None:
        self.books.claim(
            frame=self.frame, stream=stream, backend=alias, tokens=claim.tokens, dollars=claim.dollars
        )

    def priced(self, alias: str, model: str | None, usage: Usage) -> Usage:
        """What a call used, in dollars too, or what it is assumed to have used."""
        terms = self.terms[alias]
        if not terms.reports and usage is not UNUSED and not tokens_of(usage) and terms.assumed is not None:
            usage = terms.assumed
        return self.prices.priced(terms, model, usage)

    def used(self, claim: Claim | None, usage: Usage) -> None:
        """Count what a call used, and take it from its reservation; also after that was given back."""
        tokens = tokens_of(usage)
        if tokens or usage.dollars:
            self.budget.used(claim, tokens, usage.dollars)

    def lost(self, alias: str, claim: Claim | None, prompt_tokens: int, passes: int) -> Usage:
        """Count a call as spent that was cut short, and nobody knows what it used; what that comes to."""
        usage = UNUSED
        if claim is not None:
            usage = one_call(self.terms[alias], self.prices, prompt_tokens, passes)
        self.used(claim, usage)
        return usage

    def recorded(self, usage: Usage) -> None:
        """What stands in the journal was counted by whoever opened it."""

    def release(self, claim: Claim) -> None:
        """Give back what is left of a reservation; its pipe asks this backend nothing more."""
        self.budget.release(claim)
