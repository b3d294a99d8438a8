"""Prices, what a frame takes at most, and what its shared prefix costs with a cache."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump import costs
from lisppump.calling import Terms
from lisppump.delta import Usage
from lisppump.prices import FREE, Most, Price, Prices, is_day, most, one_call, problem_in
from lisppump.prompt import Prompt
from tests.test_spending import PRICES, Model, World, clock, world  # noqa: F401

OPUS = Price.of({"input": 5.0, "output": 25.0}, as_of="2026-01-01")
TABLE = Prices({"opus": OPUS})
CLAUDE = Terms(max_tokens=1000, model="opus", warms=True, mends=True, caches_from=1000)


def prompts(streams: int, shared: int = 2000, room: int = 100) -> list[Prompt]:
    return [Prompt("x" * 4 * shared, "y" * 4 * room) for _ in range(streams)]


def test_what_the_cache_costs_follows_from_the_input() -> None:
    assert (OPUS.cache_read, OPUS.cache_write_5m, OPUS.cache_write_1h) == (0.5, 6.25, 10.0)
    said = Price.of({"input": 5, "output": 25, "cache_read": 1, "cache_write_5m": 2, "cache_write_1h": 3})
    assert (said.cache_read, said.write(300), said.write(3600)) == (1, 2, 3)


def test_usage_is_priced_by_who_answered_or_else_by_who_was_asked() -> None:
    used = Usage(input=1000, cache_read=2000, cache_write=4000, output=100)
    dollars = (1000 * 5 + 2000 * 0.5 + 4000 * 6.25 + 100 * 25) / 1e6
    assert TABLE.priced(CLAUDE, "opus-20260101", used).dollars == pytest.approx(dollars)
    dear = Prices({"opus": OPUS, "opus-20260101": Price.of({"input": 10, "output": 50})})
    assert dear.priced(CLAUDE, "opus-20260101", used).dollars == pytest.approx(2 * dollars)
    assert TABLE.priced(Terms(max_tokens=1, model="haiku"), None, used).dollars is None
    assert TABLE.priced(Terms(max_tokens=1, free=True), None, used) is used
    said = Usage(input=1, dollars=0.75)
    assert TABLE.priced(CLAUDE, None, said) is said
    nothing = Usage(steps=7)
    assert TABLE.priced(CLAUDE, None, nothing) is nothing
    assert Prices().of(Terms()) is FREE


def test_a_pipe_takes_a_call_for_each_pass_and_one_repair_at_most() -> None:
    calls = [2100, 3100, 4100]  # two passes and the repair, each reading what was written before
    needs = most(CLAUDE, TABLE, 2100, 2)
    assert needs.tokens == sum(calls) + 3 * 1000
    assert needs.dollars == pytest.approx((sum(calls) * 6.25 + 3000 * 25) / 1e6)
    assert most(Terms(max_tokens=10), TABLE, 100, 1) == Most(110, None)
    assert most(Terms(), TABLE, 100, 3) == Most()
    asks = Terms(max_tokens=1000, uses_tools=True, free=True)
    assert most(asks, Prices(uses=5), 2100, 1).tokens == 6 * 2100 + 5 * 1000 + 15 * 1000 + 1000
    assert most(asks, Prices(), 2100, 1).tokens == 3100
    assumed = Terms(reports=False, assumed=Usage(output=500, dollars=0.5), mends=True)
    assert most(assumed, TABLE, 100, 2) == Most(1500, 1.5)
    assert one_call(CLAUDE, TABLE, 2100, 2) == Usage(3100, output=1000, assumed=True,
                                                     dollars=(3100 * 5 + 25_000) / 1e6)  # fmt: skip


def test_what_a_frame_takes_at_most_is_summed_over_the_chain() -> None:
    chain = {"bright": CLAUDE, "small": Terms(max_tokens=10, free=True), "none": Terms()}
    found = costs.at_most(chain, TABLE, prompts(3), 2)
    failed, answers = most(CLAUDE, TABLE, 2100, 1), most(CLAUDE, TABLE, 2100, 2)
    small = most(chain["small"], TABLE, 2100, 2)
    assert found["tokens"] == 3 * max(answers.tokens, failed.tokens + small.tokens)
    assert found["dollars"] == pytest.approx(3 * (answers.dollars or 0))
    assert not found["unknown_prices"]
    assert costs.at_most({"bright": CLAUDE}, Prices(), prompts(1), 1)["unknown_prices"]
    assert [one["backend"] for one in costs.each(chain, TABLE, prompts(3), 2)] == ["bright", "small"]


@pytest.mark.parametrize(("kept", "share", "most_share"), [(300, 0.176667, 0.18), (3600, 0.226667, 0.23)])
def test_the_shared_prefix_of_fifteen_pipes(kept: int, share: float, most_share: float) -> None:
    terms = {"bright": Terms(max_tokens=10, model="opus", warms=True, kept=kept)}
    for table in (TABLE, Prices()):
        (cost,) = costs.each(terms, table, prompts(15), 1)
        assert cost["cache"]["share"] == share <= most_share
        assert cost["cache"]["calls"] == 15
    dollars = cost["cache"]["dollars"]
    assert dollars is None
    (cost,) = costs.each(terms, TABLE, prompts(15), 1)
    assert cost["cache"]["dollars"] == pytest.approx(0.15 * share, rel=1e-4)
    assert cost["cache"]["dollars_without"] == pytest.approx(15 * 2000 * 5 / 1e6)


def test_a_prefix_that_is_too_short_is_said_to_be() -> None:
    found = costs.each({"bright": CLAUDE}, TABLE, prompts(3, shared=999), 1)
    assert (found[0]["cache"]["cached"], found[0]["cache"]["share"]) == (False, 1.0)
    said = "the shared prefix of 999 tokens is too short for `bright` to cache: that begins at 1,000"
    assert costs.notes(found) == [said]
    assert costs.notes(costs.each({"bright": CLAUDE}, TABLE, prompts(3), 1)) == []


def test_a_price_is_held_to_its_shape() -> None:
    assert problem_in({"input": 5, "output": 25}) is None
    assert problem_in(5) == "should be a table of numbers"
    assert "has no place for `inptu`" in str(problem_in({"inptu": 5, "output": 25}))
    assert "lacks `output`" in str(problem_in({"input": 5}))
    assert "should say `input`" in str(problem_in({"input": "five", "output": 1}))
    assert "should say `cache_read`" in str(problem_in({"input": 1, "output": 1, "cache_read": float("nan")}))
    assert is_day("2026-01-31") and not is_day("2026-02-31") and not is_day(20260131)


def test_plan_and_budget_print_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    from lisppump.cli.plan import print_plan

    made = world(PRICES, Model(warms=True, caches_from=100))
    with made.open() as pump:
        plan = pump.plan()
        pump.step()
    from types import SimpleNamespace

    said: list[str] = []
    print_plan(SimpleNamespace(json=False, print=lambda line, **_: said.append(line)), plan)  # type: ignore
    text = "\n".join(said)
    assert "as of 2026-01-01 (pump.lisp)" in text
    assert "bright: its cache makes the shared prefix of" in text and "0.483 of what 3 calls" in text
    text = made.lisppump("budget").out
    assert "world" in text and "opus: $5 in, $25 out" in text and "as of 2026-01-01 (pump.lisp)" in text
    text = made.lisppump("status").out
    assert "0.3k tokens, $0.004 in frame 1" in text


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"assumed": Usage(output=1000, dollars=0.5)}, ["3,000 tokens, $1.50 (its clause assumes it)"]),
        ({}, ["at most   what nobody knows", "nobody knows what `bright` takes", "(assume (tokens"]),
    ],
)
def test_plan_says_what_is_assumed_and_what_nobody_knows(
    world: World, capsys: pytest.CaptureFixture[str], terms: dict[str, Any], said: list[str]  # noqa: F811
) -> None:
    from types import SimpleNamespace

    from lisppump.cli.plan import print_plan

    with world("", Model(reports=False, max_tokens=None, **terms)).open() as pump:
        plan = pump.plan()
    lines: list[str] = []
    print_plan(SimpleNamespace(json=False, print=lambda line, **_: lines.append(line)), plan)  # type: ignore
    text = "\n".join(lines)
    assert all(part in text for part in said) and "unknown" not in text and "no tokens" not in text


def test_a_policy_may_say_all_of_a_price(world: World) -> None:  # noqa: F811
    more = '(cache-read 0.25) (cache-write-5m 6) (cache-write-1h 9)'
    with world(PRICES.replace("(output 25)", f"(output 25) {more}")).open() as pump:
        price = pump.policy.prices["opus"]
    assert (price.cache_read, price.cache_write_5m, price.cache_write_1h, price.input) == (0.25, 6, 9, 5)
    assert (price.as_of, price.source) == ("2026-01-01", "pump.lisp")
