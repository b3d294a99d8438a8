"""What a worker may ask its parent while a program runs: pages of the web, and builtins of plugins.

The parent counts and times what it does for it, and believes nothing of what it is told beyond what a sound
worker could say. Code of plugins runs here, under the border that stands around it everywhere.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

from lisppump.errors import CODES, LisppumpError
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import Web
from lisppump.lispy.errors import LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.run import Run
from lisppump.lispy.values import Primitive, Procedure, Value
from lisppump.workers.answers import BUILTINS, CALL, FAILED, FETCH, GAVE, KINDS, kind_of, request_of
from lisppump.workers.cargo import packed, unpacked
from lisppump.workers.program import Program, values_of
from lisppump.workers.wire import Broken

ASKED = (FETCH, BUILTINS, CALL)
Said = tuple[Any, list[Any]]


class Desk:
    """Serves the worker that runs one program; `send` and `hear` are the line to it."""

    def __init__(
        self,
        program: Program,
        web: Web | None,
        builtins: Mapping[str, BuiltinSpec],
        send: Callable[[bytes], None],
        hear: Callable[[], Said],
    ) -> None:
        self.program = program
        self.builtins = builtins
        self.hear = hear
        self._send = send
        self._web = web
        self._calls = 0
        self._waited = 0.0

    def serve(self, kind: Any, fields: list[Any], seconds: float) -> None:
        """Do what is asked; a page may take so long."""
        if kind == FETCH:
            self.say(*self._page(fields, seconds))
        elif kind == BUILTINS and not fields:
            self.say("table", {name: _fields_of(spec) for name, spec in self.builtins.items()})
        elif kind == CALL:
            _Call(self).serve(fields)
        else:
            raise Broken("asked for what there is not")

    def say(self, *message: Any) -> None:
        """Tell the worker something."""
        self._send(marshal.dumps(message))

    def _page(self, fields: list[Any], seconds: float) -> tuple[Any, ...]:
        """What a page says, or why there is none."""
        url, wanted = request_of(fields, self.program.limits)
        web = self._web
        if web is None:
            raise Broken("asked for a page that its program was not granted")
        self._calls += 1
        left = web.seconds - self._waited
        if self._calls > web.calls or left <= 0:
            raise Broken("asked for more pages than its program may")
        try:
            page = web.fetch(url, min(wanted, seconds, left))
        except LisppumpError as error:
            took = getattr(error, "seconds", None)
            self._waited += took or 0.0
            return "error", kind_of(error), error.code, error.message, error.help, error.data, took
        self._waited += page.seconds
        return "page", page.url, page.status, page.text, page.json, page.seconds


def _fields_of(spec: BuiltinSpec) -> tuple[Any, ...]:
    """What a worker knows of a builtin: all but its function."""
    return (
        spec.name, spec.low, spec.high, spec.usage, spec.doc, spec.example, spec.cost, spec.domain,
        spec.aliases, spec.capability, spec.through,
    )  # fmt: skip


class _Far(Primitive):
    """A procedure that is in the worker."""

    __slots__ = ("number",)
    number: int


class _Call:
    """One call of a plugin's builtin."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._far: dict[int, _Far] = {}
        self._failures: dict[int, int] = {}  # errors of the worker's, by their identity here
        self._kept: list[LispyError] = []
        run = _FarRun(_no_entry, self._apply, SimpleNamespace(), {})
        run.call = self
        run.begin(replace(desk.program.limits, seconds=None), (0,), None, frozenset(), {})
        self.run = run

    def serve(self, fields: list[Any]) -> None:
        """From what the worker gave to what it gets."""
        name, given, granted, sealed, limits, state = fields if len(fields) == 6 else [None] * 6
        spec = self._desk.builtins.get(name) if type(name) is str else None
        if spec is None or type(given) is not list or type(granted) is not list or type(sealed) is not int:
            raise Broken("called what there is not")
        run = self.run
        run.granted = self._desk.program.allow.intersection(word for word in granted if type(word) is str)
        run.sealed = sealed
        run.limits = _within(limits, run.limits)
        run.meter.bound(run.limits)
        self._adopt(state)
        try:
            value = spec.function(run, *[self.taken(part) for part in given])
            self._say("gave", packed(value, self._lent))
        except LispyError as error:
            number = self._failures.get(id(error))
            if number is not None:
                self._say("again", number)
            else:
                data = packed(error.data, self._lent)
                self._say("raise", kind_of(error), error.code, error.message, error.help, data)

    def ask(self, *message: Any) -> Any:
        """What the worker gives, or the error that it had."""
        self._say(*message)
        kind, fields = self._desk.hear()
        while kind == CALL:  # what it was asked for asks for something in turn
            _Call(self._desk).serve(fields)
            kind, fields = self._desk.hear()
        if kind == GAVE and len(fields) == 2:
            self._adopt(fields[1])
            return fields[0]
        if kind != FAILED or len(fields) != 6:
            raise Broken("answered a plugin's builtin with something else")
        number, word, code, text, help, state = fields
        texts = all(type(each) is str for each in (word, code, text)) and (help is None or type(help) is str)
        if not (texts and type(number) is int and word in KINDS and word != "host" and code in CODES):
            raise Broken("failed a plugin's builtin in no known way")
        self._adopt(state)
        error = KINDS[word](code, text, help=help)
        assert isinstance(error, LispyError)
        self._failures[id(error)] = number
        self._kept.append(error)  # or its identity would become another's
        raise error

    def _apply(self, run: Run, procedure: Procedure, arguments: list[Value], tail: None) -> Value:
        """What a procedure of the worker's gives."""
        assert isinstance(procedure, _Far), "there are no others here"
        given = [packed(argument, self._lent) for argument in arguments]
        return self.taken(self.ask("apply", procedure.number, given))

    def taken(self, data: Any) -> Value:
        """A value that the worker said."""
        try:
            return unpacked(data, self._borrowed)
        except RecursionError:
            raise Broken("said a value that is nested too deep") from None

    def _borrowed(self, parts: list[Any]) -> Procedure:
        if len(parts) != 5:
            raise Broken("said a procedure of another shape")
        number, name, low, high, doc = parts
        counts = type(number) is int and type(low) is int and (high is None or type(high) is int)
        if not (counts and type(name) is str and (doc is None or type(doc) is str)):
            raise Broken("said a procedure that is none")
        far = self._far.get(number)
        if far is None:
            far = self._far[number] = _Far(name, _no_entry, low, high, doc)
            far.number = number
        return far

    def _lent(self, procedure: Procedure) -> list[Any]:
        assert isinstance(procedure, _Far), "the border lets no others through"
        return [procedure.number]

    def _say(self, *message: Any) -> None:
        run = self.run
        meter, output, used = run.meter, run._output, tuple(run.used)
        run._output = []
        state = (meter.steps, meter.allocated, meter.output, run.depth)
        self._desk.say(*message, state, output, used)

    def _adopt(self, state: Any) -> None:
        """Go on with what was used there; what is said less than before is not believed."""
        meter = self.run.meter
        if type(state) is not list or len(state) != 4 or not all(type(each) is int for each in state):
            raise Broken("said no count of what was used")
        steps, allocated, output, depth = state
        if steps < meter.steps or allocated < meter.allocated or output < meter.output or depth < 0:
            raise Broken("said that less was used than before")
        meter.steps, meter.allocated, meter.output, self.run.depth = steps, allocated, output, depth


def _within(said: Any, limits: Limits) -> Limits:
    """The limits that a worker says are in force: those of a simulation are less than the program's."""
    most = values_of(limits)
    if type(said) is not list or len(said) != len(most):
        raise Broken("said no limits")
    if not all(
        type(one) is int and 0 <= one <= other for one, other in zip(said, most, strict=True) if other
    ):
        raise Broken("said limits that are not its own")
    given = {each.name: one for each, one, other in zip(fields(Limits), said, most, strict=True) if other}
    return replace(limits, **given)


class _FarRun(Run):
    """The run of a program that is elsewhere: its dice and clock are asked for there."""

    __slots__ = ("call",)
    call: _Call

    def randbelow(self, count: int) -> int:
        """A number by the dice of the run."""
        number = self.call.ask("number", count)
        if type(number) is not int:
            raise Broken("threw dice that have no number")
        return number

    @property
    def time(self) -> str:
        """The clock of the run."""
        text = self.call.ask("time")
        if type(text) is not str:
            raise Broken("said a time that is none")
        return text


def _no_entry(*_: Any) -> Any:
    """Procedures that are elsewhere are only called by `apply`."""
    raise AssertionError("a procedure of a worker's was called as one of the parent's")
