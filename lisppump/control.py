"""What is asked of a run from outside: to pause, to go on, to stop. One small file; nobody waits for it.

The run puts the file there itself, with its epoch and its process, and takes it away at its end: where there
is none, or another run's, nobody is there to be asked, and no wish ever meets a later run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from lisppump import canon
from lisppump.disk import replace, trouble
from lisppump.errors import LisppumpError
from lisppump.keep import Keep

FILE = "control"
GO, PAUSE, STOP = "go", "pause", "stop"
RESET = "reset"  # its budget, and then go on as before


@dataclass(frozen=True, slots=True)
class Control:
    """A run that can be asked, and what it was asked last: go, pause, stop or reset."""

    epoch: int
    pid: int
    wish: str = GO


def read(keep: Keep) -> Control | None:
    """What the file says; None where it is absent or no such thing."""
    return _said(keep.get(FILE))


def _said(data: bytes | None) -> Control | None:
    try:
        said = canon.loads(data or b"null", FILE)
        return Control(int(said["epoch"]), int(said["pid"]), str(said["wish"]))
    except (LisppumpError, TypeError, ValueError, KeyError):
        return None


def write(keep: Keep, control: Control) -> None:
    """Put the file there, or another in its place; whoever asks does so without the lock."""
    said = {"epoch": control.epoch, "pid": control.pid, "wish": control.wish}
    temporary, target = keep.folder / "tmp" / f"{FILE}-{os.getpid()}", keep.folder / FILE
    try:
        replace(keep.disk, str(temporary), str(target), canon.line(said), sync=False)
    except OSError as error:
        raise trouble(error, "writing what is asked of the run") from error


def begin(keep: Keep, epoch: int) -> None:
    """A run of this process can be asked from now on."""
    write(keep, Control(epoch, os.getpid()))


class Wishes:
    """What a run is asked to do: it looks after each frame, and mostly finds what it found before."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._data: bytes | None = None
        self._said: Control | None = None

    def of(self, epoch: int) -> str:
        """What the run of an epoch is asked now."""
        data = self._keep.get(FILE)
        if data != self._data:
            self._data, self._said = data, _said(data)
        return self._said.wish if self._said is not None and self._said.epoch == epoch else GO


def end(keep: Keep) -> None:
    """The run is over."""
    with suppress(LisppumpError):  # a file that stays says which run it was for
        keep.drop(FILE)
