"""What takes long for what it charges: every builtin, form and source, with arguments made to hurt.

    python benchmarks/charges.py [--calls N] [--only NAME]... [--all]

Each runs under the default limits. A line names one that worked longer than 50 ms without a look at the
meter, or that took more than 50 ms at more than 1 us a step; with --all what took longest of each builtin
has a line, too. Times are those of the processor, so that another program does not count.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lisppump.lispy import Limits, Runtime
from lisppump.lispy import run as runs
from lisppump.lispy.builtins import BuiltinSpec, load
from lisppump.lispy.limits import Meter

GAP, RATE = 0.050, 1e-6  # seconds without a look; seconds a step
MADE = """
    (define numbers (range 100000))
    (define floats (map (lambda (i) (/ (mod (* i 7919) 100003) 3.0)) (range 100000)))
    (define same (make-list 100000 (string-repeat "a" 80)))
    (define chain (reduce (lambda (all i) (cons i all)) '() (range 50000)))
    (define texts (map (lambda (i) (string-append "item-" (number->string i))) (range 50000)))
    (define lists (map (lambda (i) (list (number->string i) i)) (range 30000)))
    (define dicts (map (lambda (i) (dict "a" i "b" "x")) (range 30000)))
    (define text (string-repeat "ab c" 250000))
    (define lines (string-repeat "a\\n" 500000))
    (define wide (string-repeat "\\u00e9\\u0130\\u00df" 300000))
    (define quotes (string-repeat "\\\\\\"" 300000))
    (define tildes (string-repeat "~a" 100000))
    (define braces (string-repeat "{" 300000))
    (define digits (string-repeat "1" 4000))
    (define json (json-encode (range 100000)))
    (define open (string-append "[" (string-repeat "[]," 250000) "[]]"))
    (define members (list->dict (map (lambda (i) (list (number->string i) i)) (range 50000))))
    (define longkey (string-repeat "k" 1000000))
    (define long (string-repeat "k" 4000))
    (define keyed (list->dict (map (lambda (i) (list (string long i) i)) (range 5000))))
    (define name (string->symbol longkey))
    (define power (expt 3 8000))
    (define minus (- 0 (expt 7 4900)))
    (define tiny (/ 1.0 (expt 2.0 1000)))
    (define deep (reduce (lambda (all i) (list all)) '() (range 250)))
    (define shared (reduce (lambda (all i) (list all all)) '(1) (range 45)))
    (define twice (reduce (lambda (all i) (dict "a" all "b" all)) '() (range 45)))
    (define again (reduce (lambda (all i) (list all all)) '(1) (range 45)))
    (define broad (make-list 300 (range 300)))
    (define piled (make-list 100000 (list numbers numbers)))
    (define nested (make-list 300 (make-list 300 (make-list 300 1))))
    (define circle (map (lambda (i) (* i i)) (range 1000)))
    (define regex "(a|aa)*(a*)*b?.*.*.*=(x+x+)+y")
    (define heavy (string-append "(" (string-repeat "a?" 400) "){1,9}" (string-repeat "a" 400)))
    (define classes (string-repeat "[a-z\\\\w\\\\p{L}]{1,30}" 30))
    (define closures (map (lambda (i) (lambda (x) i)) (range 20000)))
    (define piped (reduce (lambda (f i) (compose f inc)) inc (range 3000)))
"""
NAMES = tuple(line.split()[1] for line in MADE.split("\n") if "(define" in line)
PLAIN = (
    "0", "1", "3", "-1", "100000", "1000000000", "2.5", '"a"', '","', '""', '" "', "'k", ":a", "nil", "#t",
    "'()", '\'("a")', "car", "+", "(lambda (x) x)", "(lambda (x y) x)", "(lambda (x y) #t)", "list",
    "(lambda () 1)", "(lambda (x) numbers)", "<", "string<?", "(lambda (x y z) x)", "even?", "identity",
    "(lambda (x) text)", "{}", "not", "append",
)  # fmt: skip


class Watch(Meter):
    """A meter that knows the longest time between two looks at it."""

    __slots__ = ("_last", "_steps", "longest")

    def __init__(self, limits: Limits) -> None:
        self._steps, self.longest, self._last = 0, 0.0, time.thread_time()
        super().__init__(limits)

    @property
    def steps(self) -> int:
        """The steps so far."""
        return self._steps

    @steps.setter
    def steps(self, steps: int) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        self._steps = steps


@dataclass(frozen=True, slots=True)
class Found:
    """What one program took."""

    name: str
    program: str
    seconds: float
    steps: int
    gap: float
    code: str | None

    @property
    def line(self) -> str:
        """For a person."""
        program = self.program if len(self.program) <= 110 else f"{self.program[:107]}..."
        rate = self.seconds * 1e9 / max(1, self.steps)
        return (
            f"{self.seconds * 1000:7.0f} ms {rate:9.0f} ns a step, {self.gap * 1000:5.0f} ms at once  "
            f"{self.code or 'value':17} {program}"
        )

    @property
    def bad(self) -> bool:
        """Whether something has to be done about it."""
        return self.gap > GAP or (self.seconds > GAP and self.seconds > RATE * self.steps)


def place() -> Runtime:
    """Where programs find everything that is made to hurt."""
    runtime = Runtime(state={"a": 1}, allow={"state"}, limits=Limits(allocation=10**9, steps=10**8))
    for form in MADE.strip().split("\n"):
        result = runtime.run(f"{form} nil")
        if not result.ok:
            raise SystemExit(f"{form}: {result.error}")
    runtime.limits = Limits()
    return runtime


def measured(runtime: Runtime, name: str, program: str) -> Found:
    """What a program takes; whoever takes long is looked at between two looks at the meter, too."""
    seconds, result = _run(runtime, program)
    gap = 0.0
    if seconds > GAP:
        usual, made = runs.Meter, []

        def watched(limits: Limits) -> Watch:
            made.append(Watch(limits))
            return made[-1]

        runs.Meter = watched
        try:
            _run(runtime, program)
        finally:
            runs.Meter = usual
        end = time.thread_time()
        gap = max([meter.longest for meter in made] + [end - meter._last for meter in made[-1:]])
    code = None if result.error is None else result.error.code
    return Found(name, program, seconds, result.usage["steps"], gap, code)


def _run(runtime: Runtime, program: str) -> tuple[float, Any]:
    start = time.thread_time()
    result = runtime.run(program)
    return time.thread_time() - start, result


def calls(spec: BuiltinSpec, most: int) -> Iterator[str]:
    """Calls of a builtin with something large in them: all with one argument, some with more."""
    dice = random.Random(spec.name)
    high = min(spec.low + 2, 5) if spec.high is None else spec.high
    for count in range(max(1, spec.low), high + 1):
        if count == 1:
            chosen = [(each,) for each in NAMES]
        elif count == 2:
            pairs = itertools.product((*NAMES, *PLAIN), repeat=2)
            chosen = [each for each in pairs if any(one in NAMES for one in each)]
            chosen = chosen if len(chosen) <= most else dice.sample(chosen, most)
        else:
            chosen = [
                tuple(dice.choice(NAMES if dice.random() < 0.5 else PLAIN) for _ in range(count))
                for _ in range(most)
            ]
        for operands in chosen:
            yield f"(begin ({spec.name} {' '.join(operands)}) nil)"


def main(words: list[str]) -> int:
    """Print what takes too long; 1 if anything does."""
    most = int(words[words.index("--calls") + 1]) if "--calls" in words else 150
    only = {word for before, word in itertools.pairwise(words) if before == "--only"}
    specs = {spec.name: spec for spec in load().values() if not only or spec.name in only}
    runtime = place()
    bad = ran = 0
    for name in sorted(specs):
        worst: Found | None = None
        shown = 0
        for program in calls(specs[name], most):
            ran += 1
            found = measured(runtime, name, program)
            if worst is None or found.seconds > worst.seconds:
                worst = found
            if found.bad:
                bad += 1
                shown += 1
                if shown <= 6:
                    print(f"{name:24} {found.line}", flush=True)
        if "--all" in words and worst is not None:
            print(f"{name:24} {worst.line}", flush=True)
    print(f"{ran} programs, {bad} of them too slow for what they charge")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
