"""The breaker and the budget."""

from __future__ import annotations

from lisppump.budget import Breaker, BreakerRule, Budget, BudgetRule
from lisppump.delta import Usage


def test_three_bad_frames_in_a_row_open_the_breaker() -> None:
    breaker = Breaker(BreakerRule(bad=0.5, frames=3, empty=20))
    bad = ["failed", "timed-out", "invalid", "ok", "ok", "ok"]
    assert breaker.note(bad, 3) is None
    assert breaker.note(bad, 3) is None
    reason = breaker.note(bad, 3)
    assert reason == (
        "3 frames in a row were bad; in the last one 3 of 6 streams brought no usable answer"
    )


def test_a_good_frame_in_between_closes_it_again() -> None:
    breaker = Breaker(BreakerRule(frames=2))
    assert breaker.note(["failed"], 0) is None
    assert breaker.note(["ok"], 1) is None
    assert breaker.note(["failed"], 0) is None


def test_empty_and_over_budget_streams_are_not_bad_but_empty_frames_count() -> None:
    breaker = Breaker(BreakerRule(bad=0.5, frames=1, empty=2))
    assert breaker.note(["empty", "over-budget"], 0) is None
    assert breaker.note(["empty"], 0) == "2 frames in a row merged nothing"


def test_a_frame_without_streams_is_not_bad() -> None:
    assert Breaker(BreakerRule(frames=1)).note([], 0) is None


def test_tokens_are_reserved_before_a_call_and_given_back() -> None:
    budget = Budget(BudgetRule(tokens=100))
    assert budget.reserve(60)
    assert not budget.reserve(60)
    budget.settle(60, Usage(input=10, output=5))
    assert (budget.tokens, budget.reserved) == (15, 0)
    assert budget.reserve(85)
    assert not budget.reserve(1)


def test_each_limit_says_that_it_is_reached() -> None:
    assert Budget(BudgetRule()).exhausted() is None
    assert Budget(BudgetRule(tokens=5), spent=Usage(output=5)).exhausted() == "5 of 5 tokens are spent"
    assert Budget(BudgetRule(dollars=2.0), spent=Usage(dollars=2.5)).exhausted() == "$2.50 of $2.00 are spent"
    assert Budget(BudgetRule(wall=60.0), wall=61.0).exhausted() == "61 of 60 seconds are spent"
