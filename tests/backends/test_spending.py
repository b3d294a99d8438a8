"""Budgets hold on every backend, with many pipes at once and over kills: by what its server counted."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.backends import spending
from tests.spending_kills import spend


@pytest.mark.parametrize(
    "name, budget",
    [
        ("claude", "(tokens 14000)"),
        ("claude", "(dollars 0.12)"),
        ("ollama", "(tokens 14000)"),
        ("llama", "(tokens 14000)"),
        ("command", "(tokens 4000)"),
        ("command", "(dollars 0.4)"),
        ("copilot", "(tokens 200000)"),
        ("copilot", "(dollars 1.4)"),
    ],
)
def test_a_limit_that_is_reached_in_the_middle_of_a_frame(
    tmp_path: Path, nobody: None, name: str, budget: str
) -> None:
    with ExitStack() as stack:
        if name == "claude":
            subject, _ = stack.enter_context(spending.claude(spending.PRICES))
        elif name == "ollama":
            subject, _ = stack.enter_context(spending.ollama())
        elif name == "llama":
            subject = spending.llama(tmp_path)
        else:
            made = spending.command if name == "command" else spending.copilot
            subject = made(tmp_path, *((100, 0.01) if name == "command" else (6000, 0.04)))
        books = spend(tmp_path, subject, budget=budget, kills=0)
    assert books.given == books.spent["tokens"] > 0  # to the token, where nobody was killed
    assert subject.dollars() == pytest.approx(books.spent["dollars"])


def test_tokens_of_claude(tmp_path: Path, nobody: None) -> None:
    with spending.claude() as (subject, counting):
        books = spend(tmp_path, subject, budget="(tokens 24000)", kills=2)
    print(books)
    assert counting.requests > 30 and books.spent["tokens"] > 18_000


def test_dollars_of_claude(tmp_path: Path, nobody: None) -> None:
    with spending.claude(spending.PRICES) as (subject, counting):
        books = spend(tmp_path, subject, budget="(dollars 0.4)", kills=2)
    print(books, counting.dollars)
    assert counting.each["cache_read"] > counting.each["cache_write"] > 0
    assert books.spent["dollars"] > 0.3


def test_tokens_of_ollama(tmp_path: Path, nobody: None) -> None:
    with spending.ollama() as (subject, counting):
        books = spend(tmp_path, subject, budget="(tokens 24000)", kills=2)
    print(books)
    assert counting.requests > 30 and books.spent["tokens"] > 18_000


def test_tokens_of_llama(tmp_path: Path) -> None:
    books = spend(tmp_path, spending.llama(tmp_path), budget="(tokens 24000)", kills=2)
    print(books)


def test_tokens_that_a_command_declares(tmp_path: Path) -> None:
    books = spend(tmp_path, spending.command(tmp_path, 100, 0.01), budget="(tokens 6000)", kills=2)
    print(books)


def test_dollars_that_a_command_declares(tmp_path: Path) -> None:
    books = spend(tmp_path, spending.command(tmp_path, 100, 0.01), budget="(dollars 0.6)", kills=1)
    print(books)


def test_tokens_of_copilot(tmp_path: Path) -> None:
    books = spend(tmp_path, spending.copilot(tmp_path, 6000, 0.04), budget="(tokens 300000)", kills=2)
    print(books)


def test_dollars_that_copilot_is_declared_to_take(tmp_path: Path) -> None:
    books = spend(tmp_path, spending.copilot(tmp_path, 6000, 0.04), budget="(dollars 2.4)", kills=1)
    print(books)


def test_a_prompt_that_is_longer_than_was_estimated(tmp_path: Path, nobody: None) -> None:
    """The limit is exceeded by what the calls in flight used above their reservations, and by no more."""
    with spending.claude(bytes_each=1.5) as (subject, counting):
        spend(
            tmp_path, replace(subject, above=lambda: counting.above), budget="(tokens 24000)", kills=0
        )
        assert counting.above > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_kills_of_claude(tmp_path: Path, nobody: None, seed: int) -> None:
    with spending.claude(spending.PRICES) as (subject, _):
        print(spend(tmp_path, subject, budget="(tokens 300000) (dollars 1.2)", kills=20, seed=seed))


@pytest.mark.slow
def test_many_kills_of_ollama(tmp_path: Path, nobody: None) -> None:
    with spending.ollama() as (subject, _):
        print(spend(tmp_path, subject, budget="(tokens 200000)", kills=20))


@pytest.mark.slow
def test_many_kills_of_llama(tmp_path: Path) -> None:
    print(spend(tmp_path, spending.llama(tmp_path), budget="(tokens 200000)", kills=20))


@pytest.mark.slow
def test_many_kills_of_a_command(tmp_path: Path) -> None:
    print(spend(tmp_path, spending.command(tmp_path, 100, 0.01), budget="(tokens 60000)", kills=20))


@pytest.mark.slow
def test_many_kills_of_copilot(tmp_path: Path) -> None:
    print(spend(tmp_path, spending.copilot(tmp_path, 6000, 0.04), budget="(dollars 24)", kills=20))
