"""The breaker and the budget: what is reserved, used and given back, and what of it is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.budget import Breaker, BreakerRule, Budget, BudgetRule, Claim, Spent
from lisppump.delta import Usage
from lisppump.journal import Record


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


def claimed(budget: Budget, tokens: int, dollars: float | None = 0.0) -> Claim:
    claim = budget.reserve(tokens, dollars)
    assert isinstance(claim, Claim), claim
    return claim


def test_tokens_are_reserved_before_a_call_and_given_back() -> None:
    budget = Budget(BudgetRule(tokens=100))
    claim = claimed(budget, 60)
    said = "it may take 60 tokens, and 40 of 100 are left in this run"
    assert budget.reserve(60, 0.0) == f"{said} beside what is reserved for calls under way"
    budget.used(claim, 15, 0.0)
    assert (budget.spent.tokens, budget.reserved_tokens) == (15, 45)
    budget.release(claim)
    budget.release(claim)
    assert (budget.spent.tokens, budget.reserved_tokens) == (15, 0)
    claimed(budget, 85)
    assert isinstance(budget.reserve(1, 0.0), str)
    claimed(budget, 0)  # what costs nothing may always be asked


def test_dollars_are_reserved_as_well_and_an_unknown_price_cannot_be() -> None:
    budget = Budget(BudgetRule(per="day", dollars=1.0))
    claim = claimed(budget, 10, 0.75)
    assert budget.reserve(10, 0.5) == (
        "it may take $0.5000, and $0.2500 of $1.00 are left today beside what is reserved for calls under way"
    )
    budget.used(claim, 10, 0.1)
    budget.release(claim)
    claimed(budget, 10, 0.9)
    assert budget.reserve(10, None) == "nobody knows its price, and $1.00 may be spent today"
    assert isinstance(Budget(BudgetRule(tokens=100)).reserve(10, None), Claim)
    assert Budget(BudgetRule(dollars=0.015)).reserve(10, 0.0255) == (
        "it may take $0.0255, and $0.0150 of $0.0150 are left in this run"
    )


def test_no_call_begins_once_the_time_is_over() -> None:
    budget = Budget(BudgetRule(wall=60.0))
    budget.begin(100.0)
    assert isinstance(budget.reserve(10, 0.0, 159.0), Claim)
    assert budget.reserve(10, 0.0, 160.0) == "the 60 seconds that may be taken in this run are over"
    assert budget.exhausted() is None
    budget.end(161.0)
    assert budget.exhausted() == "61 of 60 seconds are spent"


def test_each_limit_says_that_it_is_reached() -> None:
    assert Budget(BudgetRule()).exhausted() is None
    assert Budget(BudgetRule(tokens=5), run=Spent(5)).exhausted() == "5 of 5 tokens are spent"
    assert Budget(BudgetRule(dollars=2.0), run=Spent(0, 2.5)).exhausted() == "$2.50 of $2.00 are spent"
    day = Budget(BudgetRule(per="day", tokens=5), day=Spent(6))
    assert day.exhausted() == "6 of 5 tokens are spent today"
    world = Budget(BudgetRule(per="world", wall=5.0), world=Spent(wall=6.0))
    assert world.exhausted() == "6 of 5 seconds are spent in this world"


def test_another_day_begins_with_nothing_spent() -> None:
    budget = Budget(BudgetRule(per="day", tokens=10))
    budget.on("2026-01-01")
    budget.used(None, 10, 0.0)
    budget.on("2026-01-01")
    assert budget.exhausted() is not None
    budget.on("2026-01-02")
    assert (budget.exhausted(), budget.run.tokens, budget.world.tokens) == (None, 10, 10)


def test_a_reset_begins_anew_what_the_limits_stand_for() -> None:
    budget = Budget(BudgetRule(per="world", tokens=10))
    budget.used(None, 10, 0.5)
    assert budget.reset() == Spent(10, 0.5)
    assert (budget.exhausted(), budget.run.tokens) == (None, 10)


def entry(kind: str, **fields: Any) -> Record:
    return Record(kind, 1, {"frame": 1, **fields})


def claim_of(stream: int, tokens: int) -> Record:
    return entry("claim", stream=stream, backend="bright", tokens=tokens, dollars=0.5)


def answer(stream: int, kind: str = "reply", **fields: Any) -> Record:
    return entry(kind, stream=stream, usage=Usage(input=10, output=5, dollars=0.125).to_json(), **fields)


KEPT = {
    "run": {"tokens": 100, "dollars": 1.0, "unpriced": 0, "wall": 3.0},
    "day": {"tokens": 200, "dollars": 2.0, "unpriced": 0, "wall": 4.0},
    "world": {"tokens": 300, "dollars": 3.0, "unpriced": 7, "wall": 5.0},
    "date": "2026-01-01",
}


def recalled(*since: Record, going: bool = False) -> Budget:
    budget = Budget(BudgetRule())
    budget.recall(KEPT, since, going=going)
    return budget


def test_what_was_spent_is_counted_on_from_the_last_commit() -> None:
    budget = recalled()
    assert (budget.run.tokens, budget.day.tokens, budget.world.tokens) == (100, 200, 300)
    assert budget.record(0.0) == KEPT
    settled = {"settles": True, "status": "failed", "reason": "", "model": None}
    budget = recalled(claim_of(1, 50), claim_of(2, 50), answer(1), entry("outcome", stream=1, **settled),
                      answer(2, "late"), going=True)  # fmt: skip
    assert (budget.run.tokens, budget.reserved_tokens, budget.run.dollars) == (130, 35, 1.25)


def test_what_was_reserved_when_the_process_died_is_spent() -> None:
    assert recalled(claim_of(1, 50), answer(1)).run.tokens == 150
    assert recalled(claim_of(1, 50), entry("open"), claim_of(1, 50), answer(1), going=True).run.tokens == 165
    assert recalled(claim_of(1, 50), claim_of(1, 20)).run.tokens == 120  # the first was given back


def test_a_call_that_was_cut_short_counts_as_what_it_may_have_used() -> None:
    lost = Usage(input=30, output=20, assumed=True, dollars=None).to_json()
    ended = entry("outcome", stream=1, settles=True, status="timed-out", lost=lost)
    budget = recalled(claim_of(1, 90), ended)
    assert (budget.run.tokens, budget.run.unpriced, budget.reserved_tokens) == (150, 50, 0)


def test_nothing_is_kept_where_nothing_is_ever_spent() -> None:
    assert Budget(BudgetRule()).record(5.0) is None
    budget = Budget(BudgetRule(wall=60.0))
    budget.begin(1.0)
    kept = budget.record(3.0)
    assert kept is not None and kept["run"]["wall"] == 2.0


CALLS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 80), st.booleans()), max_size=30)


@given(calls=CALLS, limit=st.integers(0, 200))
def test_spent_exceeds_the_limit_by_what_calls_used_above_their_reservations_at_most(
    calls: list[tuple[int, int, bool]], limit: int
) -> None:
    budget, above, open_claims = Budget(BudgetRule(tokens=limit)), 0, []
    for reserved, used, stays in calls:
        claim = budget.reserve(reserved, 0.0)
        if isinstance(claim, str):
            continue
        budget.used(claim, used, 0.0)
        above += max(0, used - reserved)
        if stays:
            open_claims.append(claim)
        else:
            budget.release(claim)
        assert budget.spent.tokens + budget.reserved_tokens <= limit + above
    for claim in open_claims:
        budget.release(claim)
    assert budget.reserved_tokens == 0
    assert budget.reserved_dollars == pytest.approx(0.0)
