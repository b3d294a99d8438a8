"""Faults of the machinery's own tests: the public ones, and a store that lets go as a killed process does."""

from __future__ import annotations

import os

from lisppump.reservoir import Store
from lisppump.testing import Crash as Crash
from lisppump.testing import FaultyDisk as FaultyDisk


def die(store: Store) -> None:
    """Let go of a store as a killed process does: the kernel closes its files, and nothing is written."""
    for fd in (store._keep._lock, store._journal._fd):
        if fd >= 0:
            os.close(fd)
    store._keep._lock = store._journal._fd = -1
