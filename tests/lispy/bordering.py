"""What the tests of plugins' builtins share: a runtime whose programs have one foreign function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy import Limits, Result, Runtime
from lisppump.lispy.builtins import BuiltinSpec, lispy_builtin
from lisppump.lispy.foreign import guarded

OWNER = "lisppump-tides:tides"
FAILED = f"tide failed inside; it comes from the plugin {OWNER}"


def builtin(function: Callable[..., Any], capability: str | None = None) -> BuiltinSpec:
    """A function as the builtin `tide`, without its border; it takes any number of arguments."""

    @lispy_builtin("tide", "(tide x)", "Anything.", example="(tide 1) ;=> 1", capability=capability)
    def tide(run: Any, *arguments: Any) -> Any:
        return function(run, *arguments)

    return tide


class Border:
    """A runtime with a function as its builtin `tide`, and all that the operator heard of it."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        capability: str | None = None,
        limits: Limits | None = None,
        **given: Any,
    ) -> None:
        self.heard: list[str] = []
        table = {"tide": guarded(builtin(function, capability), OWNER, self.heard.append)}
        self.runtime = Runtime(builtins=table, limits=limits, **given)

    def run(self, program: str) -> Result:
        """The result of a program, after which the runtime must be as well as before."""
        result = self.runtime.run(program)
        context = self.runtime.context
        assert (context.depth, context.meter.steps) == (0, 0)
        after = self.runtime.run("(define (count n) (if (= n 0) 0 (+ 1 (count (- n 1))))) (count 20)")
        assert after.value == 20 and after.usage["steps"] == 23
        return result

    def code(self, program: str) -> str | None:
        """The code of the error that a program ends with, None where it does not."""
        error = self.run(program).error
        return None if error is None else error.code

    def steps(self, program: str) -> int:
        """What a program takes."""
        result = self.run(program)
        assert result.ok, result.error
        return result.usage["steps"]


def identity(run: Any, value: Any) -> Any:
    """Gives what it gets."""
    return value
