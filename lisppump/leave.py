"""Leave to ask a backend: its circuit, the gate of a cache that it warms, its lane. It asks nobody.

Seconds in which a pipe waits for leave are no part of its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from lisppump.calling import BackendError, Failure
from lisppump.gate import Gate


class Lane(Protocol):
    """What the governor of the run keeps of one backend."""

    def skipped(self) -> str | None:
        """A sentence that says why nobody asks it now, which costs nothing; None where it may be asked."""

    async def enter(self) -> None:
        """Wait for leave to ask. It may be cancelled, and is not entered then.

        BackendError where meanwhile it came out that nobody may.
        """

    def left(self, error: BackendError | None, tries: int) -> float | None:
        """Hear how a call ended that had entered: by an error, or well.

        After `tries` calls of a pipe that failed: the seconds after which another attempt is worth while, or
        None for no more.
        """


class Governor(Protocol):
    """What keeps all backends of a run from being asked too much."""

    def lane(self, alias: str) -> Lane | None:
        """The lane of a backend; None for one that anybody may ask at any time."""


class Ungoverned:
    """The governor that keeps nobody waiting."""

    def lane(self, alias: str) -> Lane | None:
        """None: ask whenever you like."""


@dataclass(slots=True)
class Held:
    """For how long a pipe was kept from asking anybody."""

    monotonic: Callable[[], float]
    seconds: float = 0.0
    since: float | None = None

    def __call__(self) -> float:
        """Seconds by now."""
        return self.seconds if self.since is None else self.seconds + self.monotonic() - self.since

    def __enter__(self) -> None:
        self.since = self.monotonic()

    def __exit__(self, *error: object) -> None:
        self.seconds, self.since = self(), None


@dataclass(slots=True)
class Leave:
    """One pipe's leave for one call: taken before it, given back when it has ended."""

    lane: Lane | None
    gate: Gate | None
    refused: str | None = field(default=None, init=False)  # why the lane will not give it
    _leads: bool = field(default=False, init=False)
    _entered: bool = field(default=False, init=False)

    async def taken(self, most: float) -> bool:
        """Wait for it; False where the lane does not give it within so many seconds."""
        try:
            if self.gate is not None:
                self._leads = await self.gate.passed()
            if self.lane is not None:
                async with asyncio.timeout(max(0.0, most)):
                    await self.lane.enter()
                self._entered = True
        except TimeoutError:
            self._over(failed=True)
            return False
        except BackendError as error:
            self.refused = error.reason
            self._over(failed=True)
            return False
        except BaseException:
            self._over(failed=True)
            raise
        return True

    def began(self) -> None:
        """The first byte of the answer is there: what the leader warms can be read."""
        if self.gate is not None:
            self.gate.open()

    def back(self, error: BackendError | None, tries: int = 0) -> float | None:
        """Give it back; the seconds after which another attempt is worth while, or None."""
        self._over(failed=error is not None)
        return self.lane.left(error, tries) if self.lane is not None and self._entered else None

    def _over(self, *, failed: bool) -> None:
        if self.gate is not None and self._leads:
            if failed:
                self.gate.failed()
            else:
                self.gate.open()


CUT_SHORT = BackendError(Failure.TIMED_OUT, "it did not answer in time")
