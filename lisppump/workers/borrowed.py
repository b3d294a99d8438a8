"""What plugins add to the language, as a worker knows it: the parent has their code, and runs it when asked.

A procedure that goes along stays here: the parent asks for each call of it. Steps and bytes are counted where
the work is done, and the count goes to and fro with it.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.errors import LispyError
from lisppump.lispy.run import Run
from lisppump.lispy.values import Procedure, Value
from lisppump.workers.answers import BUILTINS, CALL, FAILED, GAVE, KINDS, encoded, kind_of
from lisppump.workers.cargo import packed, unpacked
from lisppump.workers.program import values_of
from lisppump.workers.wire import Line

ANY = 1 << 32  # bytes of what the parent says, who is trusted


class Borrowed(Mapping[str, BuiltinSpec]):
    """The table of plugins' builtins while one program runs; asked for when a name means nothing else."""

    def __init__(self, line: Line, serial: int) -> None:
        self._line = line
        self._serial = serial
        self._table: dict[str, BuiltinSpec] | None = None

    def __getitem__(self, name: str) -> BuiltinSpec:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, BuiltinSpec]:
        if self._table is None:
            self.say(BUILTINS)
            _, table = self.hear()
            self._table = {name: self._spec(name, fields) for name, fields in table.items()}
        return self._table

    def _spec(self, name: str, fields: tuple[Any, ...]) -> BuiltinSpec:
        own, low, high, usage, doc, example, cost, domain, aliases, capability, through = fields
        function = partial(_call, self, name)
        return BuiltinSpec(
            own, function, low, high, usage, doc, example, cost, domain, aliases, capability, through
        )  # fmt: skip

    def say(self, *message: Any) -> None:
        """Tell the parent something about the program that runs."""
        self._line.send(encoded([self._serial, *message]))

    def hear(self) -> list[Any]:
        """What the parent says to that."""
        return list(marshal.loads(self._line.receive(ANY)))


def _call(table: Borrowed, name: str, run: Run, *arguments: Value) -> Value:
    """Call a builtin of the parent's."""
    lent: list[Procedure] = []
    failed: list[LispyError] = []

    def lend(procedure: Procedure) -> list[Any]:
        lent.append(procedure)
        return [len(lent) - 1, procedure.name, procedure.low, procedure.high, procedure.doc]

    def back(parts: list[Any]) -> Procedure:
        number: int = parts[0]
        return lent[number]

    given = [packed(argument, lend) for argument in arguments]
    table.say(CALL, name, given, sorted(run.granted), run.sealed, values_of(run.limits), _state(run))
    while True:
        kind, *parts, state, output, used = table.hear()
        run.meter.steps, run.meter.allocated, run.meter.output, run.depth = state
        run._output.extend(output)
        run.used.update(used)
        if kind == "gave":
            return unpacked(parts[0], back)
        if kind == "again":
            raise failed[parts[0]]
        if kind == "raise":
            word, code, message, help, data = parts
            raise _error(word, code, message, help, unpacked(data, back))
        try:
            if kind == "apply":
                value = run.apply(lent[parts[0]], [unpacked(part, back) for part in parts[1]])
            else:
                value = run.randbelow(parts[0]) if kind == "number" else run.time
        except LispyError as error:
            failed.append(error)
            said = (kind_of(error), error.code, error.message, error.help)
            table.say(FAILED, len(failed) - 1, *said, _state(run))
        else:
            table.say(GAVE, packed(value, lend), _state(run))


def _error(word: str, code: str, message: str, help: str | None, data: Value) -> LispyError:
    made = KINDS[word](code, message, help=help, data=data)
    assert isinstance(made, LispyError)
    return made


def _state(run: Run) -> list[int]:
    """What was used, and how deep calls are."""
    meter = run.meter
    return [meter.steps, meter.allocated, meter.output, run.depth]
