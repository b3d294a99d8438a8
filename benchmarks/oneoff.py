"""What a program costs that runs once: read, compiled and run in a fresh Runtime, beside a loop of Python.

    python benchmarks/oneoff.py

The loop stands for the speed of the machine: what counts is how many loops a thing takes. `again` is a text
that came before, as the programs of agents do, frame after frame; `new` is one that never did. `bar` is what
the public LisPy 0.24 took, 20 and 255 microseconds on a machine where the loop takes 40. What it takes to
compile is measured on the library's own definitions, none of which is called. Of the whole process startup.py
speaks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from lisppump.lispy import Runtime

RUNS = 9
TURNS = 100  # texts measured in a run
LOOP = 1000
LOOP_MICROSECONDS = 40.0  # what the loop takes where LisPy 0.24 was measured
BARS = {"(+ 1 2)": 20, "a program": 255}  # the microseconds that it took there
SMALL = "(+ 1 {})"
MIDDLE = """\
(define the-threshold {})
(define (score agent)
  (+ (* 3 (get agent "posts")) (get agent "karma")))
(define agents
  (list (dict "name" "ada" "posts" 4 "karma" 30)
        (dict "name" "bob" "posts" 1 "karma" 70)
        (dict "name" "cyd" "posts" 9 "karma" 12)))
(define chosen
  (filter (lambda (a) (> (score a) the-threshold)) agents))
(string-join (map (lambda (a) (get a "name")) chosen) ", ")
"""
LIBRARY = Path(__file__).resolve().parent.parent / "lisp_lib" / "prelude.lisp"

Step = Callable[[], object]
_numbers = count(10)


def loop() -> int:
    """The reference."""
    total = 0
    for number in range(LOOP):
        total += number % 7
    return total


def once(text: str, *, new: bool) -> Step:
    """A program in a runtime of its own; a new one has a number that it never had before."""
    same = text.replace("{}", "2", 1)

    def run() -> None:
        result = Runtime().run(text.replace("{}", str(next(_numbers)), 1) if new else same)
        assert result.ok, result.error

    return run


def measured(cases: dict[str, tuple[Step, int]]) -> dict[str, float]:
    """The median microseconds of each case, done so many times a run; the cases take turns."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, (step, turns) in cases.items():
            began = time.process_time()
            for _ in range(turns):
                step()
            taken[name].append((time.process_time() - began) * 1e6 / turns)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    library = LIBRARY.read_text("utf-8")
    kilobytes = len(library) / 1000
    middle = f"a program of {len(MIDDLE)} bytes"
    definitions = f"{kilobytes:.1f} KB of definitions, per KB"
    cases = {
        "loop": (loop, TURNS),
        "(+ 1 2), again": (once(SMALL, new=False), TURNS),
        "(+ 1 2), new": (once(SMALL, new=True), TURNS),
        f"{middle}, again": (once(MIDDLE, new=False), TURNS),
        f"{middle}, new": (once(MIDDLE, new=True), TURNS),
        definitions: (once("(define the-number {})\n" + library, new=True), 3),
    }
    took = measured(cases)
    took[definitions] /= kilobytes
    print(f"medians of {RUNS} runs in turn; a loop of {LOOP:,} turns is the measure")
    print(f"{'':<36}{'us':>10}{'loops':>10}{'bar':>10}")
    for name, microseconds in took.items():
        least = next((bar for start, bar in BARS.items() if name.startswith(start)), None)
        bar = "" if least is None else f"{least / LOOP_MICROSECONDS:>10.2f}"
        print(f"{name:<36}{microseconds:>10.1f}{microseconds / took['loop']:>10.2f}{bar}")


if __name__ == "__main__":
    main()
