"""A program is run for a pipe: a prompt goes in, bounded output comes out, and nothing of it stays behind.

Each program has a guard (subprocesses_guard.py), a session and a folder of its own. It takes three
descriptors, no thread and no child watcher: pipes and the guard's socket are read in the event loop. What a
program said is handed to whoever asked; nothing here knows what it means.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lisppump.secrets import safe

GUARD = Path(__file__).with_name("subprocesses_guard.py")
BLOCK = 65_536
TAIL = 8_192  # bytes of what a program says on its stderr that are kept
DESCRIPTORS = 3  # that one program takes while it runs
SPARE = 128  # descriptors for all else
PATIENCE = 6.0  # seconds for a guard that was told to end; it takes less than one
LEFT = 0.3  # seconds for output that is still in a pipe when its program has ended
BASE = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|XDG_\w+|DBUS_SESSION_BUS_ADDRESS"
    r"|(DY)?LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be run: the first of `words` is a file that was found.

    It runs in `folder`; `removed` is the folder that goes when it has ended. `most` is the bytes that it may
    print, `silence` the seconds in which it may print nothing. Files in `kept` are read when it has ended, up
    to `most` of each.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    stdin: bytes = b""
    removed: str = ""
    most: int = 8 << 20
    silence: float | None = None
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: by itself (`exit` or `signal` with its `number`), or `silent`, `flooded`, `heard`
    (who listened had enough), `lost` (its guard was killed) or `unable` (it was not started: errno `number`).

    `errors` is the end of its stderr without secrets, `files` what was in those that were to be kept.
    """

    how: str
    number: int
    output: bytes
    errors: str
    files: Mapping[str, bytes] = field(default_factory=dict)


def find(program: str) -> str | None:
    """The file of a program, by its name on the PATH or by its path; None where there is none to be run."""
    return shutil.which(program)


def stands_unrunnable(program: str) -> bool:
    """True for a path at which something is that nobody here may run."""
    return os.sep in program and os.path.exists(program) and find(program) is None


def environment(names: Iterable[str]) -> dict[str, str]:
    """What every program gets (PATH, HOME, the locale, proxies, ...), and the variables of these names."""
    wanted = set(names)
    return {name: value for name, value in os.environ.items() if name in wanted or BASE.fullmatch(name)}


def at_once(wish: int | None = None) -> int:
    """How many programs may run side by side: as many as there are descriptors for, or fewer by a wish."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(1, (soft - SPARE) // (DESCRIPTORS + 1)) if soft != resource.RLIM_INFINITY else 10_000
    return room if wish is None else min(wish, room)


def folder() -> str:
    """A new folder that only this user can look into, for one call."""
    return tempfile.mkdtemp(prefix="lisppump-")


def put(path: str, text: str) -> None:
    """Write a file for a program, that only this user can read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)


def link(target: str, path: str) -> None:
    """Let a program find a file of the user's where it looks for it; it is not copied."""
    os.symlink(os.path.abspath(target), path)


def remove(path: str) -> None:
    """Remove a folder with all that is in it, if it is there."""
    shutil.rmtree(path, ignore_errors=True)


class Keeper:
    """A folder for as long as this process lives: another one removes it, even where this one is killed."""

    def __init__(self) -> None:
        self.folder = folder()
        self._socket, self._process = _guarded([], self.folder, self.folder, {}, _no_streams())

    def put(self, name: str, file: str, text: str) -> None:
        """Make a folder in it, with one file."""
        os.mkdir(os.path.join(self.folder, name), 0o700)
        put(os.path.join(self.folder, name, file), text)

    def close(self) -> None:
        """Have the folder removed, and wait for that."""
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)


async def run(program: Program, hear: Callable[[bytes], bool] | None = None) -> Ended:
    """Run a program to its end, or to ours: whoever cancels this ends it, with all that it started.

    `hear` is given what it prints, piece by piece, and says whether that is enough; without it the output is
    kept. Raises OSError where no process can be started.
    """
    return await _Run(program, hear).ended()


def _no_streams() -> dict[str, Any]:
    return dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)


def _guarded(
    words: Sequence[str], cwd: str, removed: str, environment: Mapping[str, str], streams: Mapping[str, Any]
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A guard that has been started, and our end of its socket."""
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(theirs.fileno()), removed, *words],
            cwd=cwd, env=dict(environment), pass_fds=[theirs.fileno()], start_new_session=True, **streams,
        )  # fmt: skip
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return ours, process


class _Run:
    """One program that runs: its pipes, its guard, and what it came to."""

    def __init__(self, program: Program, hear: Callable[[bytes], bool] | None) -> None:
        self._program = program
        self._hear = hear or self._keep
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._output = bytearray()
        self._errors = bytearray()
        self._printed = 0
        self._why: str | None = None  # why it was ended by us
        self._report = ""  # what the guard said
        self._files: dict[str, bytes] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._open: dict[int, IO[bytes]] = {}
        self._let_go = False

    async def ended(self) -> Ended:
        """Start it, and wait until nothing of it is left."""
        self._start()
        try:
            await asyncio.wait((self._over,))
        except asyncio.CancelledError:
            self._finish()
            await asyncio.wait((self._over,), timeout=PATIENCE)
            raise
        finally:
            self._close()
        return self._ended()

    def _start(self) -> None:
        with tempfile.TemporaryFile(prefix="lisppump-") as prompt:  # a file has no reader that could be slow
            prompt.write(self._program.stdin)
            prompt.seek(0)
            streams = {"stdin": prompt, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            program = self._program
            self._control, self._process = _guarded(
                program.words, program.folder, program.removed, program.environment, streams
            )
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None and stderr is not None
        for stream, take in ((stdout, self._printed_on), (stderr, self._complained)):
            os.set_blocking(stream.fileno(), False)
            self._open[stream.fileno()] = stream
            self._loop.add_reader(stream.fileno(), self._read, stream.fileno(), take)
        self._loop.add_reader(self._control.fileno(), self._guard_said)
        self._last = self._loop.time()
        self._watch()

    def _watch(self) -> None:
        """End it where it has been silent for too long, and look again when it could have been."""
        if self._program.silence is None:
            return
        left = self._last + self._program.silence - self._loop.time()
        if left <= 0:
            self._end("silent")
        else:
            self._timers["silence"] = self._loop.call_later(left, self._watch)

    def _read(self, fd: int, take: Callable[[bytes], None]) -> None:
        try:
            data = os.read(fd, BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._shut(fd)
            return
        self._last = self._loop.time()
        take(data)

    def _printed_on(self, data: bytes) -> None:
        """Hand on what it printed, up to the most that it may; what comes later is thrown away."""
        if self._why is not None:
            return
        room = self._program.most - self._printed
        self._printed += len(data)
        if self._hear(data[:room]):
            self._end("heard")
        elif len(data) > room:
            self._end("flooded")

    def _keep(self, data: bytes) -> bool:
        self._output += data
        return False

    def _complained(self, data: bytes) -> None:
        self._errors += data
        del self._errors[:-TAIL]

    def _end(self, why: str) -> None:
        """Have the guard end it; the first reason counts."""
        if self._why is None:
            self._why = why
            with suppress(OSError):
                self._control.send(b"e")

    def _guard_said(self) -> None:
        try:
            data = self._control.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._report += data.decode("ascii", "replace")
        if not data:
            self._gone()
        elif self._how() and not self._let_go:
            if self._open:  # the last of its output is still in a pipe
                self._timers["left"] = self._loop.call_later(LEFT, self._drained)
            else:
                self._finish()

    def _shut(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        self._open.pop(fd).close()
        if not self._open and self._how():
            self._finish()

    def _drained(self) -> None:
        """Take what is in the pipes now, though somebody unknown still holds them open."""
        for fd in [*self._open]:
            take = self._printed_on if self._open[fd] is self._process.stdout else self._complained
            for _ in range(16):  # a pipe holds no more
                if fd in self._open:
                    self._read(fd, take)
        self._finish()

    def _finish(self) -> None:
        """Read the files that are to be kept, and let the guard clean up."""
        if self._let_go:
            return
        self._let_go = True
        for path in self._program.kept if self._how() else ():
            with suppress(OSError), open(path, "rb") as file:
                self._files[path] = file.read(self._program.most)
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def _how(self) -> list[str]:
        """The guard's last word, where it has been said."""
        said = [line.split() for line in self._report.split("\n")[:-1]]
        return next((line for line in said if line[0] != "started"), [])

    def _gone(self) -> None:
        """The guard has ended: as it should, or since somebody killed it."""
        self._loop.remove_reader(self._control.fileno())
        started = re.match(r"started (\d+)\n", self._report)
        if not self._how() and started:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(started[1]), signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)  # its socket closes in the moment in which it ends
        if not self._how() and self._program.removed:
            remove(self._program.removed)
        if not self._over.done():
            self._over.set_result(None)

    def _close(self) -> None:
        """Hold nothing of it any more; a guard that is left goes on by itself."""
        for timer in self._timers.values():
            timer.cancel()
        for fd in [*self._open]:
            self._loop.remove_reader(fd)
            self._open.pop(fd).close()
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        self._process.poll()

    def _ended(self) -> Ended:
        how = self._how() or ["lost", "0"]
        name = {"errno": "unable"}.get(how[0], how[0]) if self._why is None else self._why
        return Ended(name, int(how[1]), bytes(self._output), self._said(), self._files)

    def _said(self) -> str:
        """The end of its stderr in words; a first line that was cut may hold half a secret and goes."""
        text = self._errors.decode("utf-8", "replace")
        if len(self._errors) >= TAIL:
            text = text.partition("\n")[2] or text.partition(" ")[2]
        return safe(text.strip())
