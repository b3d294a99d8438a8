"""What tests of a host's offers share: builtins of plugins, definitions, and programs run with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lisppump.lispy import LispyError, Runtime
from lisppump.lispy.builtins import BuiltinSpec, lispy_builtin
from lisppump.lispy.foreign import guarded
from lisppump.lispy.nodes import Node
from lisppump.lispy.reader import read

HEIGHTS = {6: 1.0, 12: 0.0}


@lispy_builtin(
    "tide",
    "(tide hour)",
    "The height of the water.",
    example="(tide 6) ;=> 1.0",
    cost="1",
    aliases=("tides",),
)
def tide(run: Any, hour: Any) -> Any:
    if type(hour) is not int:
        raise LispyError("wrong-type", "tide wants an hour")
    return HEIGHTS.get(hour, hour / 10)


@lispy_builtin("tide", "(tide)", "Another one's.", example="(tide) ;=> other", capability="moon")
def other_tide(run: Any) -> Any:
    return "other"


def offered(*more: BuiltinSpec) -> dict[str, BuiltinSpec]:
    """What a registry would give for two plugins that both have `tide`, and perhaps others."""

    def safe(spec: BuiltinSpec, owner: str) -> BuiltinSpec:
        return guarded(spec, owner, lambda sentence: None)

    first, second = safe(tide, "lisppump-tides:tides"), safe(other_tide, "plugins/moon.py")
    table = {"tide": first, "lisppump-tides/tide": first, "tides": first, "moon/tide": second}
    return table | {spec.name: safe(spec, "plugins/more.py") for spec in more}


def run(program: str, table: Mapping[str, BuiltinSpec] | None = None, **given: Any) -> Any:
    """The value of a program that must not fail."""
    result = Runtime(builtins=offered() if table is None else table, **given).run(program)
    assert result.ok, result.error
    return result.value


def error(program: str, table: Mapping[str, BuiltinSpec] | None = None, **given: Any) -> LispyError:
    """The error of a program that must fail."""
    result = Runtime(builtins=offered() if table is None else table, **given).run(program)
    assert result.error is not None
    return result.error


def defining(text: str) -> Any:
    """What gives the forms of a text."""

    def forms() -> Sequence[Node]:
        return read(text, "pump.lisp")

    return forms


WORLD = """
(define rooms 5)
(define (how-many x) "How many rooms." (clamp (* rooms x)))
(define (clamp x) (list 'clamped x))
(define (even-room? n) (or (= n 0) (odd-room? (- n 1))))
(define (odd-room? n) (and (> n 0) (even-room? (- n 1))))
(define-macro (twice x) (list '+ x x))
(define (double) (twice rooms))
(define (when x) (list 'mine x))
(define (mine) (when 1))
(define (water) (tide 6))
(define broken (car 5))
(define (uses-broken) broken)
(define (wrong) (car rooms))
(define (seen) (get frame 'stats))
"""
