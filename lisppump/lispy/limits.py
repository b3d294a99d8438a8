"""How much a run may do: the limits, and the meter that every step, builtin and byte goes through."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lisppump.lispy.errors import LimitError


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one run; the defaults are those of the language's documentation."""

    steps: int = 10_000_000
    depth: int = 12_000
    allocation: int = 64 * 1024 * 1024
    elements: int = 100_000
    string: int = 1024 * 1024
    bits: int = 14_000
    data_depth: int = 256
    syntax_depth: int = 100
    source: int = 256 * 1024
    output: int = 64 * 1024
    seconds: float | None = None


class Meter:
    """What a run has used; shared by everything the run starts. Limits cannot be caught by the program."""

    __slots__ = ("allocated", "deadline", "limits", "next_look", "output", "steps")

    LOOK_EVERY = 20_000  # steps between two looks at the wall clock

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps = 0
        self.allocated = 0
        self.output = 0
        self.deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        self.next_look = limits.steps if self.deadline is None else min(limits.steps, self.LOOK_EVERY)

    def bound(self, limits: Limits) -> None:
        """Put other limits in force, for what is used from now on together with what was."""
        self.limits = limits
        self.next_look = limits.steps
        if self.deadline is not None:
            self.next_look = min(limits.steps, self.steps + self.LOOK_EVERY)

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
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise LimitError("time-limit", f"the program ran longer than {self.limits.seconds:g} s")
        self.next_look = min(self.limits.steps, self.steps + self.LOOK_EVERY)

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
