"""The process that workers are forked from: single-threaded, without secrets, with the frame in its memory.

It runs no program itself. Its only friend is the parent at the other end of one socket; when that end closes,
it ends its workers and itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import marshal
import os
import pkgutil
import select
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module, util
from typing import Any

from lisppump import canon
from lisppump.frame import Frame, state_of
from lisppump.lispy.capabilities import State
from lisppump.lispy.room import keep_room
from lisppump.lispy.values import slice_of
from lisppump.workers import child, confine
from lisppump.workers.wire import HEAD, Line

LATER = (  # what LisPy imports only when it needs it, which is too late in a worker
    "difflib", "json.decoder", "lark", "lark.exceptions", "lark.lexer", "re2", "traceback", "unicodedata",
    "importlib.resources", "resource", "encodings.utf_8", "lisppump.secrets", "base64",
    "urllib.parse",
)  # fmt: skip
OWN = 64  # the first descriptor of a worker's, above all that the zygote has
LOOK = 2.0  # seconds between two looks at whether the parent is still the parent
WARM = """
(define (f x) (if (< x 2) x (+ (f (- x 1)) (f (- x 2)))))
(define-macro (twice x) `(begin ,x ,x))
(f 10) (map (lambda (x) (* x 2)) (list 1 2.5 3)) (sort (list 3 1 2)) (twice (display "x"))
(try (error "no") (catch e (get e "message"))) (json-parse (json-encode {"a" (list 1 2)}))
(regex-match "a+" "caat") (format "~a ~s" 1 "x") (string-join (list "a" "b") ",") (random 6)
(let loop ((i 0)) (if (< i 3) (loop (+ i 1)) i)) (read-string (write-string '(a b)))
"""
WRONG = ("(no-such-nam 1)", "(map 1", '(car "x")', "(let ((a)) a)", "(exp 99999)", '(assert #f "no")')

Work = Callable[[Line, State | None], None]


def main(fd: int, lisp_lib: str, work: Work = child.serve) -> None:
    """Serve the parent at the other end of a socket; `work` is what a worker does there."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=fd)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory is short, a worker goes before anybody else does
    try:
        preload(lisp_lib)
    except Exception as error:
        _say(control, {"failed": f"{type(error).__name__}: {error}"})
        return
    _say(control, {"ready": sorted(sys.modules)})
    _Zygote(control, parent, work).run()


def preload(lisp_lib: str) -> None:
    """Import and make all that a worker may ever need, since it can open nothing."""
    _find_library(lisp_lib)
    for name in LATER:
        import_module(name)
    import lisppump.lispy as package

    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(".lexer"):  # that is for editors, not for programs
            import_module(module.name)
    from lisppump.lispy import Runtime, library

    for name in library.names():
        library.definition(name)
    for source in (WARM, *WRONG):
        Runtime().run(source)
    gc.disable()  # a look at what is shared would copy it
    gc.freeze()


def _find_library(folder: str) -> None:
    """Let the library written in LisPy be found where it is; no other plugin of Python's paths is at work."""
    name = "lisppump.lisp_lib"
    spec = util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _say(control: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    control.sendall(len(data).to_bytes(HEAD, "big") + data)


class _Zygote:
    """What it holds: documents, and the workers that were not ended yet."""

    def __init__(self, control: socket.socket, parent: int, work: Work) -> None:
        self._control = control
        self._parent = parent
        self._work = work
        self._documents: dict[str, Any] = {}
        self._state: State | None = None
        self._workers: set[int] = set()
        self._data = b""
        self._fds: list[int] = []

    def run(self) -> None:
        """Do what the parent says, until it is gone."""
        doing: dict[str, Callable[..., None]]
        doing = {"frame": self._frame, "fork": self._fork, "end": self._end}
        with contextlib.suppress(OSError, EOFError):
            while True:
                what, *arguments = marshal.loads(self._receive())
                doing[what](*arguments)
        for worker in self._workers:
            with contextlib.suppress(OSError):
                os.kill(worker, signal.SIGKILL)

    def _receive(self) -> bytes:
        while len(self._data) < HEAD:
            self._more()
        size = HEAD + int.from_bytes(self._data[:HEAD], "big")
        parts, length = [self._data], len(self._data)
        while length < size:
            self._data = b""
            self._more()
            parts.append(self._data)
            length += len(self._data)
        data = b"".join(parts)
        self._data = data[size:]
        return data[HEAD:size]

    def _more(self) -> None:
        while not select.select([self._control], [], [], LOOK)[0]:
            if os.getppid() != self._parent:  # somebody else holds the other end, but not who started this
                raise EOFError
        data, fds, _, _ = socket.recv_fds(self._control, 1 << 20, 2)
        if not data:
            raise EOFError
        self._data += data
        self._fds += fds

    def _frame(
        self,
        number: int,
        time: str,
        changed: dict[str, tuple[bool, bytes]],
        gone: tuple[str, ...],
        virtual: bytes,
        woken: bytes,
        place: tuple[str, tuple[str, ...]],
    ) -> None:
        """Take in what changed since the last frame; a document is whole, or the end of a longer log."""
        documents = self._documents
        for name in gone:
            del documents[name]
        for name, (more, data) in changed.items():
            value = canon.loads(data)
            if name.endswith(".jsonl") and isinstance(value, list):
                base = documents[name].base if more and documents[name] else []
                base.extend(value)
                value = slice_of(base, 0, len(base)) if base else []
            documents[name] = value
        frame = Frame(
            number, time, dict(documents), {}, virtual=canon.loads(virtual), woken=canon.loads(woken)
        )
        self._state = state_of(frame, *place)
        self._state.frame()
        gc.freeze()

    def _fork(self, memory: int, seconds: int) -> None:
        """Make a worker, at whose disposal are the two descriptors that came with the message."""
        ends, self._fds = self._fds, []
        here = os.getpid()
        worker = os.fork()
        if worker == 0:
            try:
                self._become_worker(ends, here, memory, seconds)
            finally:
                os._exit(70)  # nothing of what the zygote had to do is done here
        for descriptor in ends:
            os.close(descriptor)
        self._workers.add(worker)
        _say(self._control, {"worker": worker})

    def _become_worker(self, ends: list[int], zygote: int, memory: int, seconds: int) -> None:
        confine.leave_with_parent(zygote)
        into, out = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, OWN) for descriptor in ends)
        for descriptor in {*map(int, os.listdir("/dev/fd"))} - {0, 1, 2, into, out}:
            with contextlib.suppress(OSError):  # the list itself was one of them
                os.close(descriptor)
        confine.confine(memory, seconds)
        gc.enable()
        keep_room(partial(self._work, Line(into, out), self._state))
        os._exit(0)

    def _end(self, worker: int) -> None:
        """End a worker, if it did not end by itself, and say how it did."""
        status = 0
        if worker in self._workers:  # nobody else has its number before it is waited for
            self._workers.discard(worker)
            os.kill(worker, signal.SIGKILL)
            _, status = os.waitpid(worker, 0)
        _say(self._control, {"status": os.waitstatus_to_exitcode(status)})
