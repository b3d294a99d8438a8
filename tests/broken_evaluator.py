"""Evaluators and workers with faults that the real ones do not have; only a test's zygote imports them."""

from __future__ import annotations

import json
import marshal
import mmap
import os
import socket
import time
from pathlib import Path
from typing import Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.limits import Limits
from lisppump.workers.program import values_of
from lisppump.workers.wire import Line


@builtin("loop-in-c", "(loop-in-c)", "Never comes back, and never looks at the meter.", example="(f) ;=> 1")
def _loop(run: Any) -> Any:
    return sum(iter(lambda: 1, 0))


@builtin("take-memory", "(take-memory)", "Takes 4 GB.", example="(f) ;=> 1")
def _take(run: Any) -> Any:
    return len(bytearray(4 << 30))


@builtin("take-pages", "(take-pages)", "Takes 4 GB past the allocator.", example="(f) ;=> 1")
def _pages(run: Any) -> Any:
    return len(mmap.mmap(-1, 4 << 30))


@builtin("open-file", "(open-file)", "Reads a file.", example="(f) ;=> 1")
def _open(run: Any) -> Any:
    return Path("/etc/hostname").read_text()


@builtin("write-file", "(write-file name)", "Writes a file.", example="(f) ;=> 1")
def _write(run: Any, name: Any) -> Any:
    return Path(name).write_text("here")


@builtin("dial", "(dial)", "Opens a socket.", example="(f) ;=> 1")
def _dial(run: Any) -> Any:
    return socket.socket().fileno()


@builtin("dial-out", "(dial-out port)", "Connects to a port of this machine.", example="(f) ;=> 1")
def _dial_out(run: Any, port: Any) -> Any:
    return socket.create_connection(("127.0.0.1", port)).fileno()


@builtin("start", "(start)", "Starts a process.", example="(f) ;=> 1")
def _start(run: Any) -> Any:
    return os.fork()


@builtin("kill", "(kill number)", "Ends another process.", example="(f) ;=> 1")
def _kill(run: Any, number: Any) -> Any:
    return os.kill(number, 9)


@builtin("die", "(die)", "Ends the process.", example="(f) ;=> 1")
def _die(run: Any) -> Any:
    os._exit(3)


@builtin("crash", "(crash)", "Reads where no memory is.", example="(f) ;=> 1")
def _crash(run: Any) -> Any:
    import ctypes

    return ctypes.string_at(8)


@builtin("raise-python", "(raise-python)", "Raises what LisPy does not know.", example="(f) ;=> 1")
def _raise(run: Any) -> Any:
    raise KeyError("/home/somebody/secret \x1b[31m")


BUILTINS: dict[str, Any] = {}  # the builtins above, and workers that are sound


def _asked(line: Line) -> int:
    """The serial of the next program."""
    return int(marshal.loads(line.receive(1 << 30))[0])


def _raw(line: Line, *pieces: bytes) -> None:
    for piece in pieces:
        os.write(line.out, piece)


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _good(serial: int, value: Any = 7) -> list[Any]:
    return [serial, "result", True, value, "7", "", None, 1, 1, []]


def _fetch(serial: int) -> bytes:
    return json.dumps([serial, "fetch", "http://x.org/", 1.0]).encode()


def _worker(answer: Any) -> dict[str, Any]:
    """A worker that answers every program by a function of line and serial."""

    def work(line: Line, state: Any) -> None:
        while True:
            answer(line, _asked(line))

    return {"work": work}


def _says(change: Any) -> dict[str, Any]:
    """A worker whose answers are a good one with something changed."""

    def answer(line: Line, serial: int) -> None:
        said = _good(serial)
        change(said)
        line.send(json.dumps(said).encode())

    return _worker(answer)


def _put(place: int, value: Any) -> dict[str, Any]:
    def change(said: list[Any]) -> None:
        said[place] = value

    return _says(change)


GOOD = _says(lambda said: None)
SHORT = _worker(lambda line, serial: (_raw(line, b"\0\0\1\0abc"), os._exit(0)))
LONG = _worker(lambda line, serial: _raw(line, b"\xff\xff\xff\xff" + b"x" * 1000))
FLOOD = _worker(lambda line, serial: _raw(line, *([b"[[[[[[[[" * 8192] * 10_000)))
NO_JSON = _worker(lambda line, serial: line.send(b"pickle?"))
NO_TEXT = _worker(lambda line, serial: line.send(b'[1,"result",true,"\xff\xfe"]'))
HALF = _worker(lambda line, serial: line.send(b'[1,"result",true,"\\ud800","7","",null,1,1,[]]'))
NO_LIST = _worker(lambda line, serial: line.send(b'{"ok":true}'))
EMPTY = _worker(lambda line, serial: line.send(b""))
DEEP = _worker(lambda line, serial: line.send(b"[" * 100_000))
DEEP_AND_HUGE = _worker(lambda line, serial: line.send(b"[" + b"9" * 400 + b"," + b"[" * 100_000))
HUGE_AND_DEEP = _worker(lambda line, serial: line.send(b"[" + b"9" * 25 + b"," + b"[" * 900 + b"]" * 901))
NAN = _worker(lambda line, serial: line.send(b'[%d,"result",true,NaN,"7","",null,1,1,[]]' % serial))
HUGE_NAN = _worker(
    lambda line, serial: line.send(b'[%d,"result",true,[NaN,%s],"7","",null,1,1,[]]' % (serial, b"9" * 25))
)
INFINITE = _worker(
    lambda line, serial: line.send(b'[%d,"result",true,[1e999,%s],"7","",null,1,1,[]]' % (serial, b"9" * 25))
)
DIGITS = _worker(
    lambda line, serial: line.send(b'[%d,"result",true,%s,"7","",null,1,1,[]]' % (serial, b"9" * 9000))
)
TWICE = _worker(lambda line, serial: _raw(line, _framed(json.dumps(_good(serial)).encode()) * 2))


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


TOO_DEEP = _put(3, _nested(400))
OTHER_SERIAL = _says(lambda said: said.__setitem__(0, 99))
TRUE_SERIAL = _put(0, True)
NO_KIND = _put(1, "else")
NEVER = _worker(lambda line, serial: time.sleep(3600))
HALF_WAY = _worker(lambda line, serial: (_raw(line, b"\0\0"), os._exit(0)))
TOO_FEW = _says(lambda said: said.pop())
OK_NUMBER = _put(2, 1)
TEXT_LONG = _put(4, "x" * 1_048_577)
TEXT_NUMBER = _put(4, 7)
OUTPUT_LONG = _put(5, "x" * 65_537)
STEPS_MANY = _put(7, 10**9)
STEPS_LESS = _put(7, -1)
STEPS_BOOL = _put(7, True)
USED = _put(9, ["web"])
USED_TEXT = _put(9, "state")
BOTH = _put(6, ["error", "bad-value", "no", None, [], None, None])


def _failed(*error: Any) -> dict[str, Any]:
    def change(said: list[Any]) -> None:
        said[2:7] = [False, None, "", "", list(error)]

    return _says(change)


FAILED = _failed("error", "bad-value", "no", None, [], None, None)
NO_CODE = _failed("error", "made-up", "no", None, [], None, None)
NO_MESSAGE = _failed("error", "bad-value", 5, None, [], None, None)
MESSAGE_LONG = _failed("error", "bad-value", "x" * 501, None, [], None, None)
HELP_LONG = _failed("error", "bad-value", "no", "x" * 5000, [], None, None)
TRACE_LONG = _failed("error", "bad-value", "no", None, ["x"] * 5000, None, None)
PLACE_FAR = _failed("error", "bad-value", "no", None, [], None, [None, None, 0, 10**6])
PLACE_BACK = _failed("error", "bad-value", "no", None, [], None, [None, None, 3, 1])
PLACE_ODD = _failed("error", "bad-value", "no", None, [], None, [1, 2])
HOST_ERROR = _failed("host", "defect", "no", None, [], None, None)
FETCH_UNASKED = _worker(lambda line, serial: line.send(_fetch(serial)))
FETCH_ODD = _worker(lambda line, serial: line.send(json.dumps([serial, "fetch", 5]).encode()))


def _fetch_forever(line: Line, serial: int) -> None:
    while True:
        line.send(_fetch(serial))
        line.receive(1 << 30)


FETCH_FOREVER = _worker(_fetch_forever)


def _second_lies(line: Line, serial: int) -> None:
    line.send(b"lies" if serial == 2 else json.dumps(_good(serial)).encode())


SECOND_LIES = _worker(_second_lies)


def _second_ends(line: Line, serial: int) -> None:
    if serial == 2:
        os._exit(0)
    line.send(json.dumps(_good(serial)).encode())


SECOND_ENDS = _worker(_second_ends)


def _calls(*message: Any, then: Any = None) -> dict[str, Any]:
    """A worker that asks for a builtin of a plugin's, and answers what comes with something."""

    def answer(line: Line, serial: int) -> None:
        line.send(json.dumps([serial, "call", *message]).encode())
        line.receive(1 << 30)
        if then is None:
            time.sleep(3600)
        line.send(json.dumps([serial, *then]).encode())
        line.receive(1 << 30)

    return _worker(answer)


LIMITS = list(values_of(Limits()))
LAMBDA = ["lambda", 0, "f", 0, None, None]
CALL_NOTHING = _calls("no-such", [], [], 0, LIMITS, [0, 0, 0, 0])
CALL_ODD = _calls("tide", 5)
CALL_DEEP = _worker(
    lambda line, serial: line.send(
        b'[%d,"call","tide",[%s%s],[],0,%s,[0,0,0,0]]'
        % (serial, b'["list",' * 800 + b"1", b"]" * 800, json.dumps(LIMITS).encode())
    )
)
CALL_MORE = _calls("tide", [], [], 0, [10**9, *LIMITS[1:]], [0, 0, 0, 0])
CALL_LESS = _calls("tide", [], [], 0, LIMITS, [-1, 0, 0, 0])
CALL_LAMBDA = _calls("tide", [["lambda", "x"]], [], 0, LIMITS, [0, 0, 0, 0])
CALL_BACK_ODD = _calls("tide", [LAMBDA], [], 0, LIMITS, [5, 0, 0, 0], then=["gave", 1, [4, 0, 0, 0]])
CALL_GRANTED_ODD = _calls("tide", [[]], [["state"], {}], 0, LIMITS, [0, 0, 0, 0])
CALL_FAILED_ODD = _calls("tide", [LAMBDA], [], 0, LIMITS, [5, 0, 0, 0],
                         then=["failed", 0, ["error"], {}, "no", None, [5, 0, 0, 0]])  # fmt: skip
CALL_HANG = _calls("tide", [LAMBDA], [], 0, LIMITS, [0, 0, 0, 0])
