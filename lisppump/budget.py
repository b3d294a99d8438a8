"""What a run may spend and when it must stop: budget and breaker. Pure counting; it reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lisppump.delta import BAD_STATUSES, UNUSED, Usage
from lisppump.errors import LisppumpError, declare

declare(
    "stopped", 6,
    breaker_open="Too many streams failed, or nothing was merged, for too many frames in a row.",
    budget_spent="The run has spent its budget.",
)  # fmt: skip


class Stopped(LisppumpError):
    """The run was stopped by its breaker or its budget; everything committed stays."""


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """`bad` is the share of bad streams that makes a frame bad; `frames` bad ones in a row, or `empty` frames
    without one merged item, stop the run."""

    bad: float = 0.5
    frames: int = 3
    empty: int = 20


@dataclass(slots=True)
class Breaker:
    """Counts bad and empty frames in a row."""

    rule: BreakerRule
    bad_frames: int = 0
    empty_frames: int = 0

    def note(self, statuses: Sequence[str], merged: int) -> str | None:
        """Count one frame; the sentence that says why the run must stop, or None."""
        bad = sum(status in BAD_STATUSES for status in statuses)
        is_bad = bool(statuses) and bad >= self.rule.bad * len(statuses)
        self.bad_frames = self.bad_frames + 1 if is_bad else 0
        self.empty_frames = self.empty_frames + 1 if merged == 0 else 0
        if self.bad_frames >= self.rule.frames:
            return (
                f"{self.bad_frames} frames in a row were bad; "
                f"in the last one {bad} of {len(statuses)} streams brought no usable answer"
            )
        if self.empty_frames >= self.rule.empty:
            return f"{self.empty_frames} frames in a row merged nothing"
        return None

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        return {
            "bad_frames": self.bad_frames,
            "empty_frames": self.empty_frames,
            "limit": {"bad": self.rule.bad, "frames": self.rule.frames, "empty": self.rule.empty},
        }


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """The `(budget ...)` clause: None is no limit; `wall` is in seconds."""

    per: str = "run"
    tokens: int | None = None
    dollars: float | None = None
    wall: float | None = None
    when_spent: str = "stop"


@dataclass(slots=True)
class Budget:
    """What was spent and what is reserved for calls in flight."""

    rule: BudgetRule
    spent: Usage = UNUSED
    wall: float = 0.0
    reserved: int = 0

    def reserve(self, tokens: int) -> bool:
        """Set tokens aside before a call; False when they would exceed the limit."""
        if self.rule.tokens is not None and self.tokens + self.reserved + tokens > self.rule.tokens:
            return False
        self.reserved += tokens
        return True

    def settle(self, tokens: int, usage: Usage) -> None:
        """Give a reservation back and count what the call really used."""
        self.reserved -= tokens
        if usage is not UNUSED:
            self.spent = self.spent + usage

    @property
    def tokens(self) -> int:
        """Tokens spent, in and out, cached or not."""
        spent = self.spent
        return spent.input + spent.cache_read + spent.cache_write + spent.output

    def exhausted(self) -> str | None:
        """The sentence that says which limit is reached, or None."""
        rule = self.rule
        if rule.tokens is not None and self.tokens >= rule.tokens:
            return f"{self.tokens:,} of {rule.tokens:,} tokens are spent"
        if rule.dollars is not None and (self.spent.dollars or 0.0) >= rule.dollars:
            return f"${self.spent.dollars:.2f} of ${rule.dollars:.2f} are spent"
        if rule.wall is not None and self.wall >= rule.wall:
            return f"{self.wall:.0f} of {rule.wall:.0f} seconds are spent"
        return None

    def to_json(self) -> dict[str, Any]:
        """As `status` shows it."""
        rule = self.rule
        return {
            "limit": {
                "per": rule.per,
                "tokens": rule.tokens,
                "dollars": rule.dollars,
                "wall": rule.wall,
                "when_spent": rule.when_spent,
            },
            "spent": {"tokens": self.tokens, "dollars": self.spent.dollars, "wall": self.wall},
            "reserved": {"tokens": self.reserved},
        }
