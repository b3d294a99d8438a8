"""One run of a program as its host sees it: what is put back after it, and where the host itself ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.run import Run

HOST_FRAMES = 400_000  # Python frames while a program runs; the depth limit of LisPy is meant to come first


class Session:
    """The context set up for one run, and put back as it was; the host may go deep meanwhile."""

    __slots__ = ("given", "run", "saved")

    def __init__(self, run: Run, given: tuple[Any, ...]) -> None:
        self.run = run
        self.given = given  # what `Run.begin` takes

    def __enter__(self) -> None:
        run = self.run
        self.saved = run.save()
        run.begin(*self.given)
        _raise_limit()

    def __exit__(self, *error: object) -> None:
        _restore_limit()
        run = self.run
        run.tail_fast = run.tail_body = run.tail_frame = None  # they would keep the run
        run.tail_args = ()
        run.restore(self.saved)


_lock = threading.Lock()
_running = 0
_usual = 0


def _raise_limit() -> None:
    """Let the host's stack of Python frames grow while any program runs; it is no C stack."""
    global _running, _usual
    with _lock:
        if _running == 0:
            _usual = sys.getrecursionlimit()
            if _usual < HOST_FRAMES:
                sys.setrecursionlimit(HOST_FRAMES)
        _running += 1


def _restore_limit() -> None:
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            sys.setrecursionlimit(_usual)


@contextmanager
def host_limits() -> Iterator[None]:
    """The host's own limits as those of the language."""
    try:
        yield
    except (RecursionError, MemoryError) as caught:
        raise host_limit(caught) from None


def host_limit(caught: BaseException) -> LimitError:
    if isinstance(caught, MemoryError):
        return LimitError("allocation-limit", "the program made more data than there is room for")
    return LimitError("depth-limit", "calls are nested deeper than they may be")


def without_traceback(error: LispyError) -> LispyError:
    """An error that keeps no frame of the run alive, and whose help nothing that runs later changes."""
    error.help = error.help
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error
