"""The machine's clock: the only place that reads it. Everything else is handed one of these."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

DROPPED = "dropped"  # said with a cancellation of what was cancelled before and is waited for no longer
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")  # what `stamp` writes


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Wall:
    """The real clock."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)  # it is asked for at every step of every pour

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        import asyncio  # what a frame needs of this module is no loop, and workers have none

        await asyncio.sleep(seconds)


def cancelled(error: BaseException) -> bool:
    """True for a cancellation of the task that runs; one that code raised by itself is an error like any."""
    import asyncio

    return isinstance(error, asyncio.CancelledError) and cancellings() > 0


def cancellings() -> int:
    """How often the task that runs is asked to end by now; a time limit takes its own wish back."""
    import asyncio

    try:
        task = asyncio.current_task()
    except RuntimeError:  # nothing runs that could be cancelled
        return 0
    return 0 if task is None else task.cancelling()


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-04-09T00:00:00.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def day(moment: datetime) -> str:
    """The day of a moment, in UTC: `2026-04-09`."""
    return moment.astimezone(UTC).date().isoformat()


@lru_cache(maxsize=8)  # every stream of a frame counts from the same time
def parse(text: str) -> datetime:
    """The moment an RFC 3339 text names; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def later(text: str, *, seconds: float = 0.0, microseconds: int = 0) -> str:
    """The stamp that much after another."""
    begun, fraction = _parts(text)
    rest = fraction + microseconds
    if begun and not seconds and 0 <= rest < 1_000_000:
        return f"{begun}{rest:06d}Z"
    return stamp(parse(text) + timedelta(seconds=seconds, microseconds=microseconds))


@lru_cache(maxsize=8)
def _parts(text: str) -> tuple[str, int]:
    """A stamp up to its microseconds, and these; an empty text for what `stamp` did not write."""
    return (text[:20], parse(text).microsecond) if _STAMP.fullmatch(text) else ("", 0)
