"""One worker as its parent knows it: it is given programs, it may ask for pages, it answers in time or ends.

Whatever is raised here, the worker is good for nothing any more.
"""

from __future__ import annotations

import marshal
import math
import os
from time import monotonic
from typing import Any

from lisppump.errors import LisppumpError
from lisppump.lispy.capabilities import Web
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Result
from lisppump.workers import answers
from lisppump.workers.program import Program, values_of
from lisppump.workers.wire import Broken, Line

LOOK_EVERY = 32  # programs between two looks at its memory
GROWTH = 64 << 20  # bytes that it may keep
GRACE = 1.0  # seconds that a worker has beyond a program's own, to say by itself that they are over


class Fault(Exception):
    """The evaluator failed inside, where it should never; the text says how, and is a stranger's."""


class Hand:
    """The parent's hand on a worker; `tick` says which frame it has, `asked` whether pages were read."""

    __slots__ = (
        "_terms", "asked", "busy", "ends", "late", "limits", "line", "look", "memory", "most", "pid", "runs",
        "size", "tick",
    )  # fmt: skip

    def __init__(self, pid: int, line: Line, tick: int, memory: int) -> None:
        self.pid = pid
        self.line = line
        self.tick = tick
        self.memory = memory
        self.limits: Limits | None = None  # of the program that it is for
        self.most = 0  # bytes of an answer, under the limits that it was told last
        self._terms: tuple[Limits | None, frozenset[str], Web | None] = (None, frozenset(), None)
        self.runs = 0
        self.asked = False
        self.ends = math.inf  # when it is late, by the clock that never goes back
        self.late = False
        self.busy = 0.0  # seconds
        self.look = 1  # when its memory is looked at again, in programs
        self.size = 0  # bytes in memory when it was first looked at

    def has_grown(self) -> bool:
        """Whether it keeps much more memory than when it was new; asked when it is time to `look`."""
        self.look = self.runs + LOOK_EVERY
        try:
            with open(f"/proc/{self.pid}/statm") as file:
                size = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return False
        self.size = self.size or size
        return size - self.size > GROWTH

    def ask(self, program: Program, web: Web | None, deadline: float) -> Result:
        """What a program comes to; it ends within `deadline` seconds, or its own."""
        own, line = program.limits.seconds, self.line
        self.runs = serial = self.runs + 1
        self.asked = False
        began = monotonic()
        self.ends = began + (deadline if own is None else own + GRACE)
        line.send(self._packed(program, web))
        number, kind, *fields = answers.decoded(line.receive(self.most))
        if kind == answers.FETCH and number == serial:
            number, kind, fields = self._read(fields, program, web)
        self.ends = math.inf
        self.busy += monotonic() - began
        if number != serial or type(number) is not int or line.more:
            raise Broken("said more than it was asked for")
        if kind != answers.RESULT:
            raise Fault(_words(fields)) if kind == answers.FAULT else Broken("answered in no known way")
        return answers.result_of(fields, program)

    def _packed(self, program: Program, web: Web | None) -> bytes:
        """What it is told of a program; grants and limits only where they are others than before."""
        terms, told = None, self._terms
        if told[0] is not program.limits or told[1] != program.allow or told[2] is not web:
            window = None if web is None else (web.calls, web.seconds)
            terms = (tuple(program.allow), values_of(program.limits), window)
            self._terms = program.limits, program.allow, web
            self.most = answers.longest(program.limits)
        parts = (program.source, program.name, program.seed, program.now, program.given())
        return marshal.dumps((self.runs, parts, terms))

    def _read(self, fields: list[Any], program: Program, web: Web | None) -> tuple[Any, Any, list[Any]]:
        """Read pages for a program until it says something else. Time spent on pages is the web's, which has
        a limit of its own, unless the program has one.
        """
        own = program.limits.seconds
        asked = _Asked(web)
        number: Any = self.runs
        kind: Any = answers.FETCH
        while kind == answers.FETCH and number == self.runs:
            self.asked = True
            url, seconds = answers.request_of(fields, program.limits)
            ends, before = self.ends, monotonic()
            self.ends = math.inf  # while it waits for this process, it is not late
            page = asked.page(url, seconds if own is None else min(seconds, max(0.0, ends - before)))
            self.ends = ends if own is not None else ends + monotonic() - before
            self.line.send(page)
            number, kind, *fields = answers.decoded(self.line.receive(self.most))
        return number, kind, fields


class _Asked:
    """The pages of one run, counted and timed by who reads them."""

    def __init__(self, web: Web | None) -> None:
        self._web = web
        self._calls = 0
        self._waited = 0.0

    def page(self, url: str, seconds: float) -> bytes:
        """What a page says, or why there is none, for the worker."""
        web = self._web
        if web is None:
            raise Broken("asked for a page that its program was not granted")
        self._calls += 1
        left = web.seconds - self._waited
        if self._calls > web.calls or left <= 0:
            raise Broken("asked for more pages than its program may")
        try:
            page = web.fetch(url, min(seconds, left))
        except LisppumpError as error:
            took = getattr(error, "seconds", None)
            self._waited += took or 0.0
            said = ("error", answers.kind_of(error), error.code, error.message, error.help, error.data, took)
            return marshal.dumps(said)
        self._waited += page.seconds
        return marshal.dumps(("page", page.url, page.status, page.text, page.json, page.seconds))


def _words(fields: list[Any]) -> str:
    """What a worker says went wrong in it, as one line that a terminal can show."""
    text = fields[0] if fields and type(fields[0]) is str else "it does not say how"
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
