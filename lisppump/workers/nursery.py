"""The zygote as its parent knows it: started as a fresh process, handed frames, asked for workers.

Nothing of the parent's environment, memory or descriptors goes with it. It is started once and again when it
was lost; who calls sees to it that two threads do not call at once.
"""

from __future__ import annotations

import json
import marshal
import os
import socket
import struct
import subprocess
from importlib import util
from pathlib import Path
from typing import Any

from lisppump import bare, canon
from lisppump.documents import appended
from lisppump.errors import LisppumpError, declare
from lisppump.frame import Frame
from lisppump.lispy.values import elements
from lisppump.workers.wire import HEAD, Broken, Gone, Line

declare(
    "state", 1,
    no_worker="The process that runs agents' programs apart from the pump could not be started.",
)  # fmt: skip

BOOT = (
    "import sys; sys.path.extend(sys.argv[3:]); from lisppump.workers import zygote; "
    "zygote.main(int(sys.argv[1]), sys.argv[2])"
)
NEEDED = ("lisppump", "orjson", "re2", "lark")  # where they are is all that the zygote knows of packages
PATIENCE = 60  # seconds for what the zygote has to do; only one that hangs takes so long
MOST = 1 << 20

Place = tuple[str, tuple[str, ...]]


class Unborn(Exception):
    """It was killed before it was ready; `status` is minus the number of the signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"signal {-status}")
        self.status = status


class Nursery:
    """One zygote, its socket, and what it holds of frames; `boot` is what it runs, for tests alone."""

    def __init__(self, boot: str = BOOT) -> None:
        ours, theirs = socket.socketpair()
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", PATIENCE, 0))
        self._socket = ours
        self._line = Line(ours.fileno(), ours.fileno())
        self._frame: Frame | None = None
        self._place: Place | None = None
        self._digests: dict[str, str | None] = {}
        self._logs: dict[str, Any] = {}
        self._hung = False  # it had to be killed, since it did not end by itself
        try:
            self._process = _started(boot, theirs)
        except OSError as error:
            ours.close()
            raise cannot(error.strerror or "the system does not say why") from None
        finally:
            theirs.close()
        self.pid = self._process.pid
        try:
            answer = self._hear()
        except (Gone, Broken):
            status = self.close()
            if status is not None and status < 0 and not self._hung:
                raise Unborn(status) from None
            how = "did not begin in time" if self._hung else f"ended with the status {status} before it began"
            raise cannot(f"it {how}") from None
        if "failed" in answer:
            self.close()
            raise cannot(str(answer["failed"]))
        self.modules: tuple[str, ...] = tuple(answer["ready"])

    def hand(self, frame: Frame | None, place: Place) -> bool:
        """Let it hold a frame; False where it does already. Only what changed since the last one is sent."""
        if frame is None or (frame is self._frame and place == self._place):
            return False
        changed: dict[str, tuple[bool, bytes]] = {}
        gone = tuple(name for name in self._digests if name not in frame.documents)
        digests: dict[str, str | None] = {name: frame.digests.get(name) for name in frame.documents}
        for name, digest in digests.items():
            if digest is None or self._digests.get(name) != digest:
                changed[name] = self._change(name, frame.documents[name])
        for name in gone:
            self._logs.pop(name, None)
        virtual, woken = canon.line(dict(frame.virtual)), canon.line(dict(frame.woken))
        self._frame = None  # if the zygote is lost now, the next one is told all of it
        self._tell("frame", frame.number, frame.time, changed, gone, virtual, woken, place)
        self._frame, self._place, self._digests = frame, place, digests
        return True

    def _change(self, name: str, value: Any) -> tuple[bool, bytes]:
        if not name.endswith(".jsonl"):
            return False, canon.line(value)
        more = appended(self._logs[name], value) if name in self._logs else None
        self._logs[name] = value
        if more is not None:
            return True, canon.line(more)
        return False, canon.line(elements(value))

    def worker(self, memory: int, seconds: int) -> tuple[int, Line]:
        """A new worker and the line to it; it has the frame that was handed over last."""
        into, theirs = os.pipe()
        their, out = os.pipe()
        line = Line(into, out)
        try:
            body = marshal.dumps(("fork", memory, seconds))
            data = len(body).to_bytes(HEAD, "big") + body
            if socket.send_fds(self._socket, [data], [their, theirs]) != len(data):
                raise Gone  # so few bytes are taken whole or not at all
            return int(self._hear()["worker"]), line
        except OSError:
            line.close()
            raise Gone from None
        except BaseException:
            line.close()
            raise
        finally:
            os.close(their)
            os.close(theirs)

    def end(self, worker: int) -> int:
        """End a worker; how it ended: an exit status, or minus the number of a signal."""
        self._tell("end", worker)
        return int(self._hear()["status"])

    def close(self) -> int | None:
        """End it and all its workers; how it ended."""
        self._socket.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._hung = True
            self._process.kill()
            self._process.wait()
        return self._process.returncode

    def _tell(self, *message: Any) -> None:
        self._line.send(marshal.dumps(message))

    def _hear(self) -> dict[str, Any]:
        found = json.loads(self._line.receive(MOST))
        assert isinstance(found, dict), "the zygote says dicts"
        return found


def cannot(why: str) -> LisppumpError:
    """The error that no worker can be had."""
    return LisppumpError(
        "no-worker",
        f"agents' programs should run in a process of their own, which could not be started: {why}",
        help="`lisppump doctor` tries it and says what this machine lacks; then run again, nothing of the "
        "world is lost. Only where no such process can ever be had: (isolate none) in pump.lisp runs agents' "
        "programs in the pump's own process, without that wall",
    )


def _started(boot: str, end: socket.socket) -> subprocess.Popen[bytes]:
    """A fresh interpreter at the other end: no environment, no site, a session of its own, so that Ctrl-C at
    the terminal is the pump's alone.
    """
    if not hasattr(os, "fork"):
        raise OSError(0, "this system has no fork")
    return subprocess.Popen(
        bare.command(boot, str(end.fileno()), *_places()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=bare.environment(),
        pass_fds=(end.fileno(),),
        start_new_session=True,
    )


def _places() -> list[str]:
    """The folder of the library written in LisPy, then those in which packages are looked for."""
    library = util.find_spec("lisppump.lisp_lib")
    if library is None or library.origin is None:
        raise OSError(0, "lisppump.lisp_lib is not installed")
    return [str(Path(library.origin).parent.resolve()), *bare.folders(NEEDED)]
