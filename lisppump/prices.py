"""What models cost, as an operator wrote it down and dated it, and calls by that. It guesses nothing.

None is built in: a price that was right when a program was packed goes stale where nobody sees it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from lisppump.calling import Terms
from lisppump.delta import UNUSED, Usage

MILLION = 1_000_000
READ, WRITE_5M, WRITE_1H = 0.1, 1.25, 2.0  # of the price of input, where nothing else is said
HOUR = 3600
TOLD = 1000  # tokens of what a tool says at most
KEYS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs, in dollars for a million tokens, as of a day; `source` is where that stands."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    as_of: str | None = None
    source: str = "pump.lisp"

    @classmethod
    def of(
        cls, said: Mapping[str, float], *, as_of: str | None = None, source: str = "pump.lisp"
    ) -> Price:
        """The price that was said; what the cache costs follows from the input where it was not."""
        base = said["input"]
        return cls(
            base,
            said["output"],
            said.get("cache_read", READ * base),
            said.get("cache_write_5m", WRITE_5M * base),
            said.get("cache_write_1h", WRITE_1H * base),
            as_of,
            source,
        )

    def write(self, kept: int) -> float:
        """What is written to a cache that is kept for so many seconds costs."""
        return self.cache_write_1h if kept >= HOUR else self.cache_write_5m

    def dollars(self, usage: Usage, kept: int) -> float:
        """What was used costs."""
        spent = (
            usage.input * self.input
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.write(kept)
            + usage.output * self.output
        )
        return spent / MILLION

    def to_json(self) -> dict[str, Any]:
        """As `plan` shows it."""
        return {**{key: getattr(self, key) for key in KEYS}, "as_of": self.as_of, "source": self.source}


FREE = Price(0.0, 0.0, 0.0, 0.0, 0.0, None, "the backend, which costs no money")


@dataclass(frozen=True)
class Prices:
    """The price table in force, by the names of models; `uses` of tools are allowed in a pass of a room."""

    models: Mapping[str, Price] = field(default_factory=dict)
    uses: int = 0

    def of(self, terms: Terms, answered: str | None = None) -> Price | None:
        """What a backend's calls cost: by the model that answered, or that it asks; None where unknown."""
        if terms.free or (terms.max_tokens is None and terms.reports):
            return FREE
        for name in (answered, terms.model):
            if name is not None and name in self.models:
                return self.models[name]
        return None

    def priced(self, terms: Terms, answered: str | None, usage: Usage) -> Usage:
        """The usage in dollars, too (None: its price is unknown); one that says its price stays as it is."""
        used = usage.input or usage.output or usage.cache_read or usage.cache_write
        if not used or usage.dollars or terms.free:
            return usage
        price = self.of(terms, answered)
        if price is None and terms.assumed is not None:
            return replace(usage, dollars=terms.assumed.dollars, assumed=True)
        dollars = None if price is None else price.dollars(usage, terms.kept)
        return replace(usage, dollars=dollars)

    def to_json(self) -> dict[str, Any]:
        """As `budget` and `plan` show it."""
        return {name: price.to_json() for name, price in self.models.items()}


@dataclass(frozen=True, slots=True)
class Most:
    """The most that something takes; `dollars` is None where a price is unknown."""

    tokens: int = 0
    dollars: float | None = 0.0

    def __add__(self, other: Most) -> Most:
        unknown = self.dollars is None or other.dollars is None
        dollars = None if unknown else (self.dollars or 0.0) + (other.dollars or 0.0)
        return Most(self.tokens + other.tokens, dollars)


def most(terms: Terms, prices: Prices, prompt_tokens: int, passes: int) -> Most:
    """The most that a pipe takes with a backend: a call for each pass, and one repair call where it mends.

    A pass reads the prompt and what the passes before it wrote; a repair call also the reply that it mends.
    After each use of a tool all that is read again, with what the tool said and the model wrote.
    """
    price = prices.of(terms)
    repairs = 1 if terms.mends else 0
    if not terms.reports:
        assumed = terms.assumed or UNUSED
        calls = passes + repairs
        dollars = prices.priced(terms, None, assumed).dollars
        return Most(calls * tokens_of(assumed), None if dollars is None else calls * dollars)
    if terms.max_tokens is None:
        return Most()
    writes = terms.max_tokens
    uses = prices.uses if terms.uses_tools else 0
    reads = [
        (1 + uses) * (prompt_tokens + earlier * writes) + uses * writes + TOLD * uses * (uses + 1) // 2
        for earlier in range(passes + repairs)
    ]
    tokens = sum(reads) + writes * len(reads)
    if price is None:
        each = None if terms.assumed is None else terms.assumed.dollars
        return Most(tokens, None if each is None else each * len(reads))
    dear = max(price.input, price.write(terms.kept)) if terms.warms else price.input
    return Most(tokens, (sum(reads) * dear + writes * len(reads) * price.output) / MILLION)


def one_call(terms: Terms, prices: Prices, prompt_tokens: int, passes: int) -> Usage:
    """What a call is taken to have used of which nobody will ever know: the most that one may."""
    if not terms.reports:
        return prices.priced(terms, None, terms.assumed or UNUSED)
    if terms.max_tokens is None:
        return UNUSED
    used = Usage(prompt_tokens + (passes - 1) * terms.max_tokens, 0, 0, terms.max_tokens, assumed=True)
    return prices.priced(terms, None, used)


def tokens_of(usage: Usage) -> int:
    """Tokens in and out, cached or not."""
    return usage.input + usage.cache_read + usage.cache_write + usage.output


def problem_in(said: Any) -> str | None:
    """What is wrong with a price as a settings file holds it; None where it is right."""
    if not isinstance(said, Mapping):
        return "should be a table of numbers"
    odd = [key for key in said if key not in KEYS]
    if odd:
        return f"has no place for `{odd[0]}`; known: {', '.join(KEYS)}"
    for key in KEYS:
        value = said.get(key)
        if value is None and key in ("input", "output"):
            return f"lacks `{key}`, in dollars for a million tokens"
        number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        if not number or not 0 <= (value or 0) < math.inf:
            return f"should say `{key}` in dollars for a million tokens, a number from 0 up"
    return None


def is_day(text: Any) -> bool:
    """Whether a text names a day: 2026-11-01."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
