"""One worker as its parent knows it: it is given programs, it may ask for pages, it answers in time or ends.

Whatever is raised here, the worker is good for nothing any more.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from marshal import dumps
from time import monotonic
from types import MappingProxyType
from typing import Any

from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import Web
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Result
from lisppump.workers import answers
from lisppump.workers.answers import BUILTINS, FAULT, RESULT
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
        p, terms, now = program, None, (program.limits, program.allow, web, builtins is not NONE_OFFERED)
        if self._terms != now:
            terms = self._told(*now)
        defined = p.given() if p.defined else None
        told = dumps((serial, p.source, p.name, p.seed, p.now, defined, terms))
        data = line.exchange(told, self.most)
        result = answers.sound(data, serial, program)
        if result is None:
            said = self._heard(data)
            if said[1] != RESULT:
                said = self._served(said, program, web, builtins)
        self.ends = math.inf
        self.busy += monotonic() - began
        if line.rest:
            raise Broken("said more than it was asked for")
        return answers.result_of(said, program) if result is None else result

    def _heard(self, data: bytes) -> list[Any]:
        """What it says about the program that it was given last, and about no other."""
        said = answers.decoded(data)
        if said[0] != self.runs or type(said[0]) is not int:
            raise Broken("said what nobody asked")
        return said

    def _told(self, limits: Limits, allow: frozenset[str], web: Web | None, offers: bool) -> tuple[Any, ...]:
        """What it is told of grants and limits: only where they are others than before."""
        self._terms = (limits, allow, web, offers)
        self.most = answers.longest(limits)
        window = None if web is None else (web.calls, web.seconds)
        return tuple(allow), values_of(limits), window, offers

    def _served(
        self, said: list[Any], program: Program, web: Web | None, builtins: Mapping[str, BuiltinSpec]
    ) -> list[Any]:
        """Do what it asks for until it says something else. While it waits for this process it is not late;
        how long pages take has a limit of its own, and a program's own time goes on.
        """
        left = math.inf if program.limits.seconds is not None else self.ends - monotonic()

        def hear() -> list[Any]:
            nonlocal left
            began = monotonic()
            if left != math.inf:
                self.ends = began + left
            heard = self._heard(self.line.receive(self.most))
            if left != math.inf:
                self.ends, left = math.inf, left - (monotonic() - began)
            return heard

        desk = Desk(program, web, builtins, self.line.send, lambda: _split(hear()))
        ends = self.ends
        self.ends = ends if left == math.inf else math.inf
        while said[1] in ASKED:
            self.asked = self.asked or said[1] != BUILTINS
            desk.serve(*_split(said), math.inf if left != math.inf else max(0.0, ends - monotonic()))
            said = hear()
        if said[1] != RESULT:
            raise Fault(_words(said[2:])) if said[1] == FAULT else Broken("answered in no known way")
        return said


def _split(said: list[Any]) -> tuple[Any, list[Any]]:
    """What is said: of what kind, and its parts."""
    return said[1], said[2:]


def _words(fields: list[Any]) -> str:
    """What a worker says went wrong in it, as one line that a terminal can show."""
    text = fields[0] if fields and type(fields[0]) is str else "it does not say how"
    return "".join(letter if letter.isprintable() else " " for letter in text[:200])
