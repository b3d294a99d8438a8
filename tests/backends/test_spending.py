"""Budgets hold on every backend, with many pipes at once and over kills: by what its server itself counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends import spending
from tests.spending_kills import Books, spend


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
    assert 0.3 < books.spent["dollars"]


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
