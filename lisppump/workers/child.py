"""What goes on in a worker: programs come, answers go, one after the other. It opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from marshal import loads
from types import SimpleNamespace
from typing import Any

from lisppump.errors import said
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import Page, State
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Runtime
from lisppump.workers.answers import FAULT, FETCH, KINDS, encoded, result_answer
from lisppump.workers.borrowed import ANY, Borrowed
from lisppump.workers.program import outcome_in, runtime_for
from lisppump.workers.wire import Gone, Line

NONE_OFFERED: Mapping[str, BuiltinSpec] = {}
NOTHING: Mapping[str, Any] = {}  # is defined for a program


def serve(line: Line, state: State | None) -> None:
    """Run what programs the parent sends, until it sends no more."""
    programs = _Programs(line, state)
    try:
        asked = line.receive(ANY)
        while True:
            asked = line.exchange(programs.answer(asked), ANY)
    except Gone:
        return


class _Programs:
    """What programs are given, and a sandbox for the next one if the last one left nothing in its own."""

    def __init__(self, line: Line, state: State | None) -> None:
        self._line = line
        self._state = state
        self._allow, self._limits = frozenset[str](), Limits()
        self._window: tuple[int, float] | None = None
        self._offers = False
        self._clean: Runtime | None = None

    def answer(self, asked: bytes) -> bytes:
        """What a program came to; whatever goes wrong in the evaluator itself is an answer as well."""
        serial, source, name, seed, now, defined, terms = loads(asked)
        if terms is not None:  # they change seldom, and are only sent when they do
            names, values, self._window, self._offers = terms
            self._allow, self._limits = frozenset(names), Limits(*values)
            self._clean = None
        try:
            runtime, self._clean = self._clean, None
            special = self._offers or self._window is not None or defined is not None
            if runtime is None or special:
                runtime = self._sandbox(serial, seed, now, NOTHING if defined is None else defined)
            else:
                runtime.reset(seed, now)
            outcome = outcome_in(runtime, source, name)
            if not special and outcome[0] is None and runtime.renewed():
                self._clean = runtime
            return result_answer(serial, outcome, source, name)
        except Gone:
            raise
        except BaseException as error:  # nobody else is here to catch it
            return encoded([serial, FAULT, said(error).encode(errors="replace").decode()])

    def _sandbox(
        self, serial: int, seed: tuple[Any, ...], now: str | None, defined: Mapping[str, Any]
    ) -> Runtime:
        web = None if self._window is None else _Web(self._line, serial, *self._window)
        builtins = Borrowed(self._line, serial) if self._offers else NONE_OFFERED
        return runtime_for(seed, now, defined, self._allow, self._limits, self._state, web, builtins)


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
        kind, *parts = loads(self._line.receive(ANY))
        if kind == "page":
            place, status, text, is_json, took = parts
            return SimpleNamespace(url=place, status=status, text=text, json=is_json, seconds=took)
        word, code, message, help, data, took = parts
        error = KINDS[word](code, message, help=help, data=data)
        if took is not None:
            error.seconds = took  # type: ignore[attr-defined]
        raise error
