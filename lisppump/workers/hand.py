"""One worker as its parent knows it: it is given programs, it may ask for pages, it answers in time or ends.

Whatever is raised here, the worker is good for nothing any more.
"""

from __future__ import annotations

import marshal
import math
import os
from collections.abc import Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any

from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import Web
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Result
from lisppump.workers import answers
from lisppump.workers.desk import ASKED, Desk
from lisppump.workers.program import Program, values_of
from lisppump.workers.wire import Broken, Line

LOOK_EVERY = 32  # programs between two looks at its memory
GROWTH = 64 << 20  # bytes that it may keep
NONE_OFFERED: Mapping[str, BuiltinSpec] = MappingProxyType({})  # by plugins
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
        self._terms: tuple[Any, ...] = (None, None, None, False)  # limits and grants that it was told last
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

    def ask(
        self, program: Program, web: Web | None, builtins: Mapping[str, BuiltinSpec], deadline: float
    ) -> Result:
        """What a program comes to; it ends within `deadline` seconds, or its own."""
        own, line = program.limits.seconds, self.line
        self.runs = serial = self.runs + 1
        self.asked = False
        began = monotonic()
        self.ends = began + (deadline if own is None else own + GRACE)
        line.send(self._packed(program, web, builtins is not NONE_OFFERED))
        number, kind, *fields = answers.decoded(line.receive(self.most))
        if kind in ASKED and number == serial:
            number, kind, fields = self._served(number, kind, fields, program, web, builtins)
        self.ends = math.inf
        self.busy += monotonic() - began
        if number != serial or type(number) is not int or line.more:
            raise Broken("said more than it was asked for")
        if kind != answers.RESULT:
            raise Fault(_words(fields)) if kind == answers.FAULT else Broken("answered in no known way")
        return answers.result_of(fields, program)

    def _packed(self, program: Program, web: Web | None, offers: bool) -> bytes:
        """What it is told of a program; grants and limits only where they are others than before."""
        terms, told = None, self._terms
        window = None if web is None else (web.calls, web.seconds)
        if told[0] is not program.limits or told[1:] != (program.allow, window, offers):
            terms = (tuple(program.allow), values_of(program.limits), window, offers)
            self._terms = program.limits, program.allow, window, offers
            self.most = answers.longest(program.limits)
        parts = (program.source, program.name, program.seed, program.now, program.given())
        return marshal.dumps((self.runs, parts, terms))

    def _served(
        self,
        number: Any,
        kind: Any,
        fields: list[Any],
        program: Program,
        web: Web | None,
        builtins: Mapping[str, BuiltinSpec],
    ) -> tuple[Any, Any, list[Any]]:
        """Do what it asks for until it says something else. While it waits for this process it is not late;
        how long pages take has a limit of its own, and a program's own time goes on.
        """
        left = math.inf if program.limits.seconds is not None else self.ends - monotonic()

        def hear() -> tuple[Any, list[Any]]:
            nonlocal left
            began = monotonic()
            if left != math.inf:
                self.ends = began + left
            again, kind, *fields = answers.decoded(self.line.receive(self.most))
            if again != number or type(again) is not int:
                raise Broken("said what nobody asked")
            if left != math.inf:
                self.ends, left = math.inf, left - (monotonic() - began)
            return kind, fields

        desk = Desk(program, web, builtins, self.line.send, hear)
        ends = self.ends
        self.ends = ends if left == math.inf else math.inf
        while kind in ASKED and number == self.runs:
            self.asked = self.asked or kind != answers.BUILTINS
            desk.serve(kind, fields, math.inf if left != math.inf else max(0.0, ends - monotonic()))
            kind, fields = hear()
        return number, kind, fields


def _words(fields: list[Any]) -> str:
    """What a worker says went wrong in it, as one line that a terminal can show."""
    text = fields[0] if fields and type(fields[0]) is str else "it does not say how"
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
