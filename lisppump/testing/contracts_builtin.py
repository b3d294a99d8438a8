"""The contract check for LisPy builtins: the example holds, and no call of any kind falls over in Python."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lisppump.errors import CODES
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.capabilities import State
from lisppump.lispy.foreign import guarded
from lisppump.lispy.limits import Limits
from lisppump.lispy.runtime import Result, Runtime
from lisppump.testing.breach import breach, require

OPERANDS = (
    "nil", "#t", "#f", "0", "1", "-1", "2.5", "1e308", "(expt 10 40)", '""', '"a"', '"é☃"', "'a", ":k", "'()",
    "'(1 2)", "'(1 (\"a\" nil))", "(cons 1 2)", "{}", '{"a" {"b" 1}}', "(seconds 5)", "car", "(lambda (x) x)",
    "(lambda () (error \"no\"))", "(range 1000)",
)  # fmt: skip
FEW = ("nil", "-1", "2.5", '"a"', "'(1 2)", '{"a" {"b" 1}}', "(lambda (x) x)")
PAIRS, MORE = 2, 2  # up to so many arguments every combination is tried; so many more than it must have
HOST = (" object at 0x", "<class '", "Traceback (most", "NoneType")  # what no program should read in an error
DOCUMENTS: Mapping[str, Any] = {
    "agents.json": {"agents": {"ann": {"mood": "calm"}, "bob": {"mood": None}}},
    "stats.json": {"total": 3},
    "posts.jsonl": [{"id": 1, "text": "hello"}],
}


def check_builtin(
    spec: BuiltinSpec,
    state: Mapping[str, Any] = DOCUMENTS,
    builtins: Mapping[str, BuiltinSpec] | None = None,
) -> None:
    """Hold a builtin to its contract: its example holds, always; it charges; whatever it gets, it stands.

    `state` holds the documents that programs see, `builtins` those that its example needs besides. It has
    the grant that it asks for. Calls with too few and too many arguments, and with values of every type,
    must come to a value or to a LispyError.
    """
    require(
        isinstance(spec, BuiltinSpec),
        f"a builtin is wanted here, got the {type(spec).__name__} {getattr(spec, '__name__', spec)!r}",
        "give the check what `@lispy_builtin(...)` makes of a function",
    )
    _Check(spec, state, builtins or {}).run()


@dataclass
class _Check:
    """One check of one builtin; `own` are the steps that its own code charged in the last program."""

    spec: BuiltinSpec
    state: Mapping[str, Any]
    builtins: Mapping[str, BuiltinSpec]
    calls: int = 0
    own: int = 0
    runtime: Runtime | None = None
    said: list[str] = field(default_factory=list)

    def run(self) -> None:
        """All of it: the example first, since whoever reads the manual tries that."""
        self.example()
        runtime = self.place()
        for count in self.wrong_counts():
            self.call(runtime, ["1"] * count, wanted="wrong-arity")
        for operands in self.operands():
            self.call(runtime, operands)

    def place(self) -> Runtime:
        """A place where programs have it."""
        spec = replace(self.spec, function=self.counted)
        table = {**self.builtins, **dict.fromkeys((spec.name, *spec.aliases), spec)}
        return Runtime(
            State(self.state, frame=3),
            allow={"state", *([spec.capability] if spec.capability else [])},
            limits=Limits(steps=1_000_000),
            builtins={word: guarded(each, "under-test", self.said.append) for word, each in table.items()},
        )

    def counted(self, run: Any, *arguments: Any) -> Any:
        """The builtin's own function, watched."""
        self.calls += 1
        assert self.runtime is not None, "only a program calls it"
        meter = self.runtime.context.meter
        before = meter.steps
        try:
            return self.spec.function(run, *arguments)
        finally:
            self.own += meter.steps - before

    def program(self, runtime: Runtime, source: str) -> Result:
        """What a program came to, which is never a fault of the builtin."""
        self.calls = self.own = 0
        self.runtime = runtime
        self.said.clear()
        result = runtime.run(source)
        error = result.error
        if error is None:
            return result
        if error.code == "builtin-failed":
            raise breach(f"{source} should come to a value or a LispyError; {'; '.join(self.said)}")
        known = error.code in CODES and CODES[error.code].category != "defect"
        require(known, f"{source} should come to a value or a LispyError; it came to error[{error.code}]")
        shown = next((word for word in HOST if word in error.message), None)
        told = f"{source} should say its error in words of LisPy; it shows Python in: {error.message}"
        require(shown is None, told, "name types with `describe_type` of lisppump.lispy.builtins")
        return result

    def example(self) -> None:
        """The example gives what it says, twice, and shows the builtin."""
        spec = self.spec
        sign = next(sign for sign in (" ;=> ", " ;!> ") if sign in spec.example)
        source, _, wanted = spec.example.partition(sign)
        results = [self.program(self.place(), source) for _ in range(2)]
        got = [result.text if result.error is None else f"error[{result.error.code}]" for result in results]
        promised = wanted if sign == " ;=> " else f"error[{wanted}]"
        told = f"the example of `{spec.name}` says {source} comes to {promised}; it came to {got[0]}"
        reason = results[0].error
        require(got[0] == promised, told, None if reason is None else reason.message)
        once = f"{source} should come to the same each time; it came to {got[0]}, then to {got[1]}"
        require(got[0] == got[1], once, "throw dice with `run.randbelow` alone, and remember nothing")
        require(self.calls > 0, f"the example of `{spec.name}` should call it: {source}")
        steps = [result.usage["steps"] for result in results]
        told = f"{source} should charge the same each time; it charged {steps[0]} steps, then {steps[1]}"
        require(steps[0] == steps[1], told)
        free = spec.cost == "0" or sign == " ;!> "
        told = f"`{spec.name}` says that it costs {spec.cost}, and charges nothing for {source}"
        require(free or self.own > 0, told, 'call `run.charge(steps)` before the work, or write cost="0"')

    def call(self, runtime: Runtime, operands: list[str], wanted: str | None = None) -> None:
        """Call it, and hold it to the error that is wanted."""
        source = f"({' '.join([self.spec.name, *operands])})"
        error = self.program(runtime, source).error
        got = "a value" if error is None else f"error[{error.code}]"
        told = f"{source} should come to error[{wanted}]; it came to {got}"
        require(wanted is None or (error is not None and error.code == wanted), told)

    def wrong_counts(self) -> list[int]:
        """Numbers of arguments that it does not take."""
        low, high = self.spec.low, self.spec.high
        return [*([low - 1] if low > 0 else []), *([high + 1] if high is not None else [])]

    def operands(self) -> Iterator[list[str]]:
        """Arguments of every type: all combinations of few, and each in each place of many."""
        low, high = self.spec.low, self.spec.high
        for count in range(low, low + MORE + 1):
            if high is not None and count > high:
                return
            if count <= PAIRS:
                yield from map(list, itertools.product(OPERANDS, repeat=count))
            else:
                for common, odd, place in itertools.product(FEW, OPERANDS, range(count)):
                    yield [*[common] * place, odd, *[common] * (count - place - 1)]
