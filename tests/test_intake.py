"""Replies of one turn of the loop: one write, in the order they came, and each pipe hears what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lisppump.intake import Intake


class Book:
    """Remembers each write; `full` refuses them."""

    def __init__(self, full: bool = False) -> None:
        self.writes: list[list[str]] = []
        self.full = full

    def came(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        if self.full:
            raise OSError("no room")
        self.writes.append([kind for kind, _ in entries])


class Taken:
    """A reply that tells its steps, and fails at one of them."""

    def __init__(self, name: str, steps: list[str], fails: str = "", written: bool = False) -> None:
        self.name = name
        self.steps = steps
        self.fails = fails
        self.written = written

    def _step(self, step: str) -> None:
        self.steps.append(f"{step} {self.name}")
        if step == self.fails:
            raise ValueError(f"{step} {self.name}")

    def read(self) -> None:
        self._step("read")

    def record(self) -> tuple[str, dict[str, Any]] | None:
        self._step("record")
        return None if self.written else (self.name, {})

    def settle(self) -> None:
        self._step("settle")


async def taken(intake: Intake, reply: Taken, *, waits: bool) -> None:
    coming = intake.came(reply, waits=waits)
    if coming is not None:
        await coming


def together(book: Book, *replies: tuple[Taken, bool]) -> list[BaseException | None]:
    """Let the replies come in one turn; what each pipe heard."""

    async def run() -> list[BaseException | None]:
        intake = Intake(book)
        pours = [taken(intake, reply, waits=waits) for reply, waits in replies]
        return list(await asyncio.gather(*pours, return_exceptions=True))

    return asyncio.run(run())


def test_what_comes_in_one_turn_is_one_write_in_its_order() -> None:
    book, steps = Book(), list[str]()
    heard = together(book, *((Taken(name, steps), name == "b") for name in "abc"))
    assert heard == [None, None, None]
    assert book.writes == [["a", "b", "c"]]
    assert steps == [f"{step} {name}" for step in ("read", "record", "settle") for name in "abc"]


def test_what_comes_later_is_written_later_and_what_is_written_already_not_again() -> None:
    book, steps = Book(), list[str]()

    async def run() -> None:
        intake = Intake(book)
        await taken(intake, Taken("a", steps), waits=True)
        await taken(intake, Taken("b", steps, written=True), waits=False)
        await taken(intake, Taken("c", steps), waits=False)

    asyncio.run(run())
    assert book.writes == [["a"], ["c"]]


@pytest.mark.parametrize("step", ["read", "record", "settle"])
@pytest.mark.parametrize("waits", [True, False])
def test_what_goes_wrong_with_one_is_nobody_else_s(step: str, waits: bool) -> None:
    book, steps = Book(), list[str]()
    replies = (Taken("a", steps), False), (Taken("b", steps, step), waits), (Taken("c", steps), True)
    heard = together(book, *replies)
    assert [f"settle {name}" in steps for name in "ac"] == [True, True]
    assert heard[2] is None
    teller = heard[1] if waits else heard[0]  # who does it for all tells what nobody waits for
    assert isinstance(teller, ValueError) and str(teller) == f"{step} b"
    assert book.writes == [["a", "b", "c"] if step == "settle" else ["a", "c"]]


def test_a_write_that_fails_settles_nobody_and_is_heard_by_all() -> None:
    steps: list[str] = []
    heard = together(Book(full=True), *((Taken(name, steps), True) for name in "abc"))
    assert all(isinstance(one, OSError) for one in heard)
    assert not any(step.startswith("settle") for step in steps)


@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_pour_that_is_cancelled_loses_no_reply(who: int) -> None:
    book, steps = Book(), list[str]()

    async def run() -> list[BaseException | None]:
        intake = Intake(book)
        pours = [asyncio.ensure_future(taken(intake, Taken(name, steps), waits=True)) for name in "abc"]
        await asyncio.sleep(0)
        pours[who].cancel()
        return list(await asyncio.gather(*pours, return_exceptions=True))

    heard = asyncio.run(run())
    assert [isinstance(one, asyncio.CancelledError) for one in heard] == [n == who for n in range(3)]
    assert book.writes == [["a", "b", "c"]]
