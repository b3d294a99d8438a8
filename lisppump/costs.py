"""What a frame takes at most, in tokens and money, and what its shared prefix costs with a cache. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lisppump.calling import Terms
from lisppump.prices import HOUR, MILLION, READ, WRITE_1H, WRITE_5M, Most, Price, Prices, most
from lisppump.prompt import Prompt, estimate


def at_most(
    terms: Mapping[str, Terms], prices: Prices, prompts: Sequence[Prompt], passes: int
) -> dict[str, Any]:
    """The most that all streams take together: in each every backend but the last fails as late as it can.

    Which one answers is settled by the first pass: one that fails takes that alone, and its repair call.
    """
    total = Most()
    for prompt in prompts:
        failed, worst = Most(), Most()
        for declared in terms.values():
            worst = _larger(worst, failed + most(declared, prices, prompt.tokens, passes))
            failed += most(declared, prices, prompt.tokens, 1)
        total += worst
    return {
        "tokens": total.tokens,
        "dollars": total.dollars,
        "unknown_prices": total.dollars is None,
        "unknown_usage": any(_unsaid(declared) for declared in terms.values()),
    }


def _unsaid(terms: Terms) -> bool:
    """Whether nobody knows what a backend takes: it does not say it, and its clause assumes nothing."""
    return not terms.reports and terms.assumed is None


def _larger(one: Most, other: Most) -> Most:
    unknown = one.dollars is None or other.dollars is None
    dollars = None if unknown else max(one.dollars or 0.0, other.dollars or 0.0)
    return Most(max(one.tokens, other.tokens), dollars)


def each(
    terms: Mapping[str, Terms], prices: Prices, prompts: Sequence[Prompt], passes: int
) -> tuple[dict[str, Any], ...]:
    """What all streams take at most of each backend that uses any tokens, where it answers them all."""
    found = []
    for alias, declared in terms.items():
        needs = sum((most(declared, prices, prompt.tokens, passes) for prompt in prompts), Most())
        if needs == Most():
            continue
        price = prices.of(declared)
        found.append(
            {
                "backend": alias,
                "model": declared.model,
                "tokens": needs.tokens,
                "dollars": needs.dollars,
                "price": None if price is None else price.to_json(),
                "cache": _cache(declared, price, prompts, passes) if declared.warms else None,
            }
        )
    return tuple(found)


def _cache(
    terms: Terms, price: Price | None, prompts: Sequence[Prompt], passes: int
) -> dict[str, Any]:
    """What the shared prefix costs with the cache, as a share of what it costs to send it every time.

    One call of the frame writes it and all others read it. Without a known price the usual shares of the
    price of input stand for it: 0.1 for what is read, 1.25 or 2 for what is written.
    """
    calls, tokens = len(prompts) * passes, estimate(prompts[0].shared)
    write, read = (WRITE_1H if terms.kept >= HOUR else WRITE_5M), READ
    if price is not None and price.input > 0:
        write, read = price.write(terms.kept) / price.input, price.cache_read / price.input
    cached = tokens >= terms.caches_from
    share = (write + (calls - 1) * read) / calls if cached else 1.0
    paid = None if price is None else calls * tokens * price.input / MILLION
    return {
        "prefix_tokens": tokens,
        "caches_from": terms.caches_from,
        "cached": cached,
        "kept_seconds": terms.kept,
        "calls": calls,
        "write": round(write, 6),
        "read": round(read, 6),
        "share": round(share, 6),
        "dollars": None if paid is None else round(paid * share, 9),
        "dollars_without": None if paid is None else round(paid, 9),
    }


def unsaid(terms: Mapping[str, Terms]) -> list[str]:
    """What is to be said of backends that do not say what they use."""
    return [
        f"nobody knows what `{alias}` takes, since it does not say what it uses; say what one call counts as "
        "in its clause, (assume (tokens 4000) (dollars 0.02))"
        for alias, declared in terms.items()
        if _unsaid(declared)
    ]


def notes(costs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is to be said of prefixes that are too short to be cached."""
    short = [one for one in costs if one["cache"] is not None and not one["cache"]["cached"]]
    return [
        f"the shared prefix of {one['cache']['prefix_tokens']:,} tokens is too short for `{one['backend']}` "
        f"to cache: that begins at {one['cache']['caches_from']:,}"
        for one in short
    ]
