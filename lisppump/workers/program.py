"""A program of somebody's, with all that it is given, and one run of it: the same in a worker and without."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from lisppump.lispy.limits import Limits
from lisppump.lispy.outcome import Outcome, Result
from lisppump.lispy.printer import to_json
from lisppump.lispy.runtime import Runtime

if TYPE_CHECKING:
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.capabilities import State, Web

_USUAL = Limits()
_ATOMS = frozenset({bool, int, float, str})
values_of = attrgetter(*(each.name for each in fields(Limits)))


@dataclass(frozen=True, slots=True)
class Program:
    """What is run: a text, its author and what messages call it; its grants, limits, dice and definitions.

    `now` is the frame's time; what is `defined` for it by names is data, and small.
    """

    source: str
    author: str
    name: str
    allow: frozenset[str] = frozenset()
    limits: Limits = _USUAL
    seed: tuple[Any, ...] = (0,)
    now: str | None = None
    defined: Mapping[str, Any] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """What is defined for it, as what marshal can write: windows on lists become lists."""
        defined = dict(self.defined)
        if not _plain(defined):
            defined = {name: to_json(value) for name, value in defined.items()}
        return defined


def run_here(
    program: Program, state: State | None, web: Web | None, builtins: Mapping[str, BuiltinSpec]
) -> Result:
    """What a program comes to in this process, in a sandbox of its own."""
    p = program
    runtime = runtime_for(p.seed, p.now, p.defined, p.allow, p.limits, state, web, builtins)
    error, value, text, output, steps, size, used = outcome_in(runtime, p.source, p.name)
    return Result(error is None, value, text, output, error, {"steps": steps, "bytes": size}, used)


def runtime_for(
    seed: tuple[Any, ...],
    now: str | None,
    defined: Mapping[str, Any],
    allow: frozenset[str],
    limits: Limits,
    state: State | None,
    web: Web | None,
    builtins: Mapping[str, BuiltinSpec],
) -> Runtime:
    """A sandbox for a program that is given all this."""
    providers = None if web is None else {"web": web}
    runtime = Runtime(state, allow, limits, seed, now, builtins, providers=providers)
    for word, value in defined.items():
        runtime.define(word, value)
    return runtime


def outcome_in(runtime: Runtime, source: str, name: str) -> Outcome:
    """The parts of the result of a program in its sandbox; it is kept, so that the value has to be data."""
    return runtime.outcome(source, name, None, True)


def _plain(defined: dict[str, Any]) -> bool:
    """Whether marshal writes all of it; what it does not are windows on lists, and the like."""
    if all(value is None or value.__class__ in _ATOMS for value in defined.values()):
        return True
    try:
        marshal.dumps(defined)
    except ValueError:
        return False
    return True
