"""A clock that tests move. It waits for nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that stands still until it is told to move, or somebody sleeps; `slept` lists for how long."""

    def __init__(self, start: str = "2026-01-01T00:00:00+00:00") -> None:
        self._start = datetime.fromisoformat(start).astimezone(UTC)
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return self._passed

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.move(seconds)
        await asyncio.sleep(0)
