"""How much a run may do: the limits, and the meter that every step, builtin and byte goes through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from lisppump.lispy.errors import LimitError


def _limit(default: Any, doc: str, code: str | None) -> Any:
    """A limit with its default, what it bounds, and the error of who goes beyond it, if that is one."""
    return field(default=default, metadata={"doc": doc, "code": code})


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one run; `describe limits` lists the defaults."""

    steps: int = _limit(10_000_000, "Steps of one run", "step-limit")
    depth: int = _limit(12_000, "Calls within each other", "depth-limit")
    allocation: int = _limit(64 * 1024 * 1024, "Bytes of data that one run may make", "allocation-limit")
    elements: int = _limit(100_000, "Elements of one list or dict", "size-limit")
    string: int = _limit(1024 * 1024, "Characters of one string", "string-limit")
    bits: int = _limit(14_000, "Bits of one integer", "integer-limit")
    data_depth: int = _limit(256, "Lists and dicts within each other", "data-depth-limit")
    syntax_depth: int = _limit(100, "Brackets of a program within each other", "syntax-depth-limit")
    source: int = _limit(256 * 1024, "Bytes of one program in UTF-8", "source-limit")
    output: int = _limit(64 * 1024, "Characters that one run may print", "output-limit")
    message: int = _limit(500, "Characters of an error's message", None)
    seconds: float | None = _limit(None, "Seconds on the wall clock", "time-limit")


def default_limits() -> Iterator[str]:
    """A line for each limit: its name, its default, what it bounds, the error beyond it."""
    usual = Limits()
    for each in fields(usual):
        doc, code = each.metadata["doc"], each.metadata["code"]
        beyond = f"beyond it {code}" if code else "the rest is cut"
        yield f"{each.name}: {_shown(getattr(usual, each.name))}  {doc}; {beyond}."


def _shown(most: int | float | None) -> str:
    """A default for a person: 65,536 (64 Ki)."""
    if most is None:
        return "none"
    for size, unit in ((1024 * 1024, "Mi"), (1024, "Ki")):
        if most >= size and most % size == 0:
            return f"{most:,} ({most // size:.0f} {unit})"
    return f"{most:,}"


class Meter:
    """What a run has used; shared by everything the run starts. Limits cannot be caught by the program."""

    __slots__ = (
        "_every", "_looked", "_weighed", "allocated", "deadline", "limits", "next_look", "next_weighing",
        "nodes", "output", "pages", "patterns", "steps", "waited",
    )  # fmt: skip

    LOOK_EVERY = 20_000  # steps between two looks at the wall clock, at most
    FIRST_LOOK = 1_000
    SOON, LATE = 0.002, 0.010  # seconds between two looks: twice the steps until the next, or a quarter
    FREE, WEIGHED = 5_000, 1_000  # nodes compiled before any is charged; nodes charged at a time
    NODE_STEPS, NODE_BYTES = 8, 64  # what each costs

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps = 0
        self.allocated = 0
        self.output = 0
        self.pages = 0
        self.patterns: set[str] = set()  # those for searches that were charged for
        self.waited = 0.0  # seconds, for pages of the web
        self.nodes = self._weighed = 0  # compiled, and charged for
        self.next_weighing = self.FREE
        self.deadline: float | None = None
        self.next_look = limits.steps
        if limits.seconds is not None:
            self._looked = time.monotonic()
            self._every = self.FIRST_LOOK
            self.deadline = self._looked + limits.seconds
            self.next_look = min(limits.steps, self._every)

    def bound(self, limits: Limits) -> None:
        """Put other limits in force, for what is used from now on together with what was."""
        self.limits = limits
        self.next_look = limits.steps
        if self.deadline is not None:
            self.next_look = min(limits.steps, self.steps + self._every)

    def charge(self, steps: int) -> None:
        """Count steps before the work they stand for is done."""
        steps = self.steps = self.steps + steps
        if steps > self.next_look:
            self.look()

    def take(self, steps: int, size: int) -> None:
        """Count steps, then bytes."""
        steps = self.steps = self.steps + steps
        if steps > self.next_look:
            self.look()
        size = self.allocated = self.allocated + size
        if size > self.limits.allocation:
            self.allocate(0)

    def look(self) -> None:
        """Stop the run if its steps or its time are used up."""
        if self.steps > self.limits.steps:
            self.steps = self.limits.steps
            raise LimitError("step-limit", f"the program took more than {self.limits.steps:,} steps")
        self.next_look = self.limits.steps
        if self.deadline is not None:
            self._look_at_the_clock(self.deadline)
            self.next_look = min(self.limits.steps, self.steps + self._every)

    def _look_at_the_clock(self, deadline: float) -> None:
        """Stop the run if its time is used up; where steps take long there are fewer until the next look."""
        now = time.monotonic()
        if now > deadline:
            raise LimitError("time-limit", f"the program ran longer than {self.limits.seconds:g} s")
        taken = now - self._looked
        self._looked = now
        if taken > self.LATE:
            self._every = max(1, self._every // 4)
        elif taken < self.SOON:
            self._every = min(self.LOOK_EVERY, 2 * self._every)

    def weigh(self) -> None:
        """Charge for the nodes compiled since this was last done, and look at the clock.

        Small programs are compiled for nothing; what is left of that is used up by all that a run compiles.
        """
        count = self.nodes - max(self._weighed, self.FREE)
        self._weighed = self.nodes
        self.next_weighing = self.nodes + self.WEIGHED
        self.steps += self.NODE_STEPS * count
        self.look()
        self.allocate(self.NODE_BYTES * count)

    def page(self, most: int, seconds: float) -> float:
        """Count a page of the web that is about to be asked for; how many seconds it may take."""
        self.pages += 1
        if self.pages > most:
            raise LimitError("web-limit", f"the program asked for pages of the web more than {most:,} times")
        left = seconds - self.waited
        if left <= 0:
            raise LimitError("web-limit", f"the program waited longer than {seconds:g} s for the web")
        return left if self.deadline is None else min(left, max(0.0, self.deadline - time.monotonic()))

    def allocate(self, size: int) -> None:
        """Count bytes that a builtin is about to make; never given back."""
        self.allocated += size
        if self.allocated > self.limits.allocation:
            raise LimitError(
                "allocation-limit",
                f"the program made more than {self.limits.allocation // 1024:,} KiB of data",
            )

    def affords(self, size: int) -> bool:
        """Whether so many bytes are left."""
        return self.allocated + size <= self.limits.allocation

    def container(self, count: int) -> None:
        """Refuse a list or dict larger than the limit, charge one step and 8 bytes an element."""
        limits = self.limits
        if count > limits.elements:
            raise LimitError(
                "size-limit", f"a list or dict may have {limits.elements:,} elements, this has {count:,}"
            )
        steps = self.steps = self.steps + count
        if steps > self.next_look:
            self.look()
        size = self.allocated = self.allocated + 8 * count
        if size > limits.allocation:
            self.allocate(0)

    def text(self, count: int) -> None:
        """Refuse a string longer than the limit, charge one step per 16 characters and one byte each."""
        limits = self.limits
        if count > limits.string:
            raise LimitError(
                "string-limit", f"a string may have {limits.string:,} characters, this has {count:,}"
            )
        steps = self.steps = self.steps + (count >> 4)
        if steps > self.next_look:
            self.look()
        size = self.allocated = self.allocated + count
        if size > limits.allocation:
            self.allocate(0)
