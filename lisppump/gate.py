"""The gate before a cache that the calls of a frame share: one goes first, the rest when that has begun.

An entry of such a cache can be read only once the first answer has begun: calls that are made side by side
would each write their own. It asks nobody. Its time runs from the first leader, and nobody waits longer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable

MOST_HEIRS = 2  # how often another leads where a leader failed
MOST_SECONDS = 10.0
SHARE = 10  # of a deadline


class Gate:
    """Lets one caller through; all others when it opens: at a first byte, a failure too many, or in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._heirs = 0
        self._led = False
        self._open = False
        self._timer: asyncio.TimerHandle | None = None

    async def passed(self) -> bool:
        """Return when this caller may ask; True where it leads, and is to say how that goes."""
        if self._open:
            return False
        if not self._led:
            self._led = True
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._seconds, self.open)
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self.failed()  # it was to lead, and will not
            raise

    def open(self) -> None:
        """Let everybody through from now on."""
        self._open = True
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(False)

    def failed(self) -> None:
        """The leader failed before it had begun: the next one leads, or the gate opens."""
        if self._open:
            return
        self._heirs += 1
        if self._heirs > MOST_HEIRS:
            self.open()
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(True)
                return
        self._led = False


class Gates:
    """The gates of one frame, by what shares a cache."""

    def __init__(self, deadline: float) -> None:
        self._seconds = min(MOST_SECONDS, deadline / SHARE)
        self._gates: dict[Hashable, Gate] = {}

    def of(self, *shared: Hashable) -> Gate:
        """The gate of all calls that share these: backend, model, prefix."""
        found = self._gates.get(shared)
        if found is None:
            found = self._gates[shared] = Gate(self._seconds)
        return found
