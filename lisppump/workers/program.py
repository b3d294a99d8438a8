"""A program of somebody's, with all that it is given, and one run of it: the same in a worker and without."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from lisppump.lispy.limits import Limits
from lisppump.lispy.printer import to_json
from lisppump.lispy.runtime import Result, Runtime

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
    return run_parts(p.source, p.name, p.seed, p.now, p.defined, p.allow, p.limits, state, web, builtins)


def run_parts(
    source: str,
    name: str,
    seed: tuple[Any, ...],
    now: str | None,
    defined: Mapping[str, Any],
    allow: frozenset[str],
    limits: Limits,
    state: State | None,
    web: Web | None,
    builtins: Mapping[str, BuiltinSpec],
) -> Result:
    """The same, where its parts are at hand and nobody made a Program of them."""
    providers = None if web is None else {"web": web}
    runtime = Runtime(state, allow, limits, seed, now, builtins, providers=providers)
    for word, value in defined.items():
        runtime.define(word, value)
    return runtime.run(source, name, data_only=True)  # what it comes to is kept


def _plain(defined: dict[str, Any]) -> bool:
    """Whether marshal writes all of it; what it does not are windows on lists, and the like."""
    if all(value is None or value.__class__ in _ATOMS for value in defined.values()):
        return True
    try:
        marshal.dumps(defined)
    except ValueError:
        return False
    return True
