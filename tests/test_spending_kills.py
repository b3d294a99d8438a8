"""Budgets hold while fifteen pipes spend at once and the process is killed: by the server's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spending_kills import scripted, spend

PRICES = '(prices (as-of "2026-01-01") (model "counted" (input 5) (output 25)))'


def test_tokens_hold_over_kills(tmp_path: Path) -> None:
    with scripted() as (subject, counting):
        books = spend(tmp_path, subject, budget="(tokens 30000)", kills=3)
    print(books)
    assert counting.requests > 15 and books.in_flight >= 1
    assert books.spent["tokens"] > 20_000  # it went on for as long as anything could be asked


def test_dollars_hold_over_kills(tmp_path: Path) -> None:
    with scripted(PRICES) as (subject, _):
        books = spend(tmp_path, subject, budget="(dollars 0.15)", kills=2)
    print(books)
    assert 0.1 < books.spent["dollars"] <= 0.15


@pytest.mark.slow
def test_tokens_hold_over_many_kills(tmp_path: Path) -> None:
    with scripted() as (subject, _):
        print(spend(tmp_path, subject, budget="(tokens 300000)", kills=30))
