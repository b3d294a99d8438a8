"""The parent's clock over its workers: who takes too long is killed. It looks only while somebody runs."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time

from lisppump.workers.hand import Hand

EVERY = 0.05  # seconds between two looks
IDLE = 40  # looks at nobody, until the next program wakes it


class Watch:
    """A thread that ends late workers; `lock` is held while it does, so that none is reaped meanwhile."""

    def __init__(self, lock: threading.Lock) -> None:
        self.hands: set[Hand] = set()
        self.awake = False
        self._wake = threading.Event()
        self._lock = lock
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Somebody is about to run."""
        if not self.awake:
            self.awake = True
            self._wake.set()

    def add(self, hand: Hand) -> None:
        """Look at a worker from now on; the lock is held."""
        self.hands.add(hand)
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="lisppump-workers", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        idle = 0
        while True:
            self._wake.wait()
            time.sleep(EVERY)
            idle = 0 if self._end_late() else idle + 1
            if idle > IDLE:
                self._wake.clear()
                self.awake = False
                idle = 0
                if self._end_late():  # it began before it could see that nobody looks
                    self.look()

    def _end_late(self) -> bool:
        """End who is late; whether anybody runs."""
        with self._lock:
            now, busy = time.monotonic(), False
            for hand in self.hands:
                busy = busy or hand.ends != math.inf
                if hand.ends < now and not hand.late:
                    hand.late = True
                    with contextlib.suppress(OSError):
                        os.kill(hand.pid, signal.SIGKILL)
            return busy
