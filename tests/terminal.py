"""A program on a terminal of its own: what is typed into it, and what it shows, for which tests wait."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>78]|\x1b[()].|\x1b\][^\x07]*\x07")
PATIENCE = 20.0  # seconds, when all else hangs


def _own() -> None:
    """Make the terminal on stdin the one whose keys send signals to this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """`raw` is all that came out of it."""

    def __init__(self, line: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        given = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **environment}
        if "NO_COLOR" not in environment:
            given.pop("NO_COLOR", None)
        self._process = subprocess.Popen(
            line, cwd=folder, env=given, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
            preexec_fn=_own,
        )  # fmt: skip
        os.close(inner)
        self.raw = ""
        self._seen = 0  # how much of what is shown was waited for already

    def type(self, keys: str, shows: str) -> None:
        """Press keys and wait until something new is shown."""
        os.write(self._fd, keys.encode())
        self.until(shows)

    def until(self, shows: str, *, again: str | None = None) -> None:
        """Wait until something is shown that was not waited for; meanwhile press keys `again` and again."""
        end = time.monotonic() + PATIENCE
        while True:
            text = _CONTROLS.sub("", self.raw)
            found = text.find(shows, self._seen)
            if found >= 0:
                self._seen = found + len(shows)
                return
            if time.monotonic() > end or not self._more(0.2 if again else 1.0):
                shown = text[self._seen :]
                assert self._process.poll() is None and time.monotonic() < end, f"no {shows!r} in {shown!r}"
                if again is not None:
                    os.write(self._fd, again.encode())

    def wait(self) -> int:
        """The exit code, once it has ended."""
        end = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < end:
            self._more(0.1)
        while self._more(0.0):
            pass
        return self._process.wait(1)

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _more(self, seconds: float) -> bool:
        """Take what comes out of it within that time; False if nothing did."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the other end is closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)
