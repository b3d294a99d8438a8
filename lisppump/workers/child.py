"""What goes on in a worker: programs come, answers go, one after the other. It opens nothing."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from lisppump.errors import said
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import Page, State
from lisppump.lispy.limits import Limits
from lisppump.workers.answers import FAULT, FETCH, KINDS, encoded, result_answer
from lisppump.workers.borrowed import ANY, Borrowed
from lisppump.workers.program import run_parts
from lisppump.workers.wire import Gone, Line

NONE_OFFERED: Mapping[str, BuiltinSpec] = {}
NOTHING: Mapping[str, Any] = {}  # is defined for a program


def serve(line: Line, state: State | None) -> None:
    """Run what programs the parent sends, until it sends no more."""
    allow, limits = frozenset[str](), Limits()
    window: tuple[int, float] | None = None
    offers = False
    try:
        asked = line.receive(ANY)
        while True:
            serial, source, name, seed, now, defined, terms = marshal.loads(asked)
            if terms is not None:  # they change seldom, and are only sent when they do
                names, values, window, offers = terms
                allow, limits = frozenset(names), Limits(*values)
            web = None if window is None else _Web(line, serial, *window)
            builtins = Borrowed(line, serial) if offers else NONE_OFFERED
            given = NOTHING if defined is None else defined
            parts = (source, name, seed, now, given, allow, limits, state, web, builtins)
            asked = line.exchange(_answer(serial, parts), ANY)
    except Gone:
        return


def _answer(serial: int, parts: tuple[Any, ...]) -> bytes:
    """What a program came to; whatever goes wrong in the evaluator itself is an answer as well."""
    try:
        return result_answer(serial, run_parts(*parts), parts[0], parts[1])
    except Gone:
        raise
    except BaseException as error:  # nobody else is here to catch it
        return encoded([serial, FAULT, said(error).encode(errors="replace").decode()])


class _Web:
    """The capability `web`: the parent reads the page."""

    def __init__(self, line: Line, serial: int, calls: int, seconds: float) -> None:
        self.calls = calls
        self.seconds = seconds
        self._line = line
        self._serial = serial

    def fetch(self, url: str, seconds: float) -> Page:
        """A page, or the error that the parent had."""
        self._line.send(encoded([self._serial, FETCH, url, seconds]))
        kind, *parts = marshal.loads(self._line.receive(ANY))
        if kind == "page":
            place, status, text, is_json, took = parts
            return SimpleNamespace(url=place, status=status, text=text, json=is_json, seconds=took)
        word, code, message, help, data, took = parts
        error = KINDS[word](code, message, help=help, data=data)
        if took is not None:
            error.seconds = took  # type: ignore[attr-defined]
        raise error
