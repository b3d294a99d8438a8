"""LisPy beside hand-written CPython: programs of many kinds, each written in both, checked to give the same.

    python benchmarks/lispy.py [NAME ...] [--profile]

The programs are the pairs of files in lispy_programs/. `warm` is a call of `main` where the program is loaded
already; `whole` is everything from the text to the value: a fresh Runtime reads, compiles and runs it, Python
compiles and runs its file. Each figure is the median of nine runs, LisPy and Python in turn, in one process,
with all checks and the default limits; processor time is counted, so that other work on the machine matters
little. `steps` is what the whole program is charged. With --profile the functions of the host in which a warm
call spends its time follow.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lisppump.lispy import Runtime, to_json

FOLDER = Path(__file__).resolve().parent / "lispy_programs"
RUNS = 9
SAMPLE = 0.002  # seconds that a run takes at least; short programs are repeated
SIMULATION = "simulation"
TARGETS = {"geometric mean": 4, "worst": 10, SIMULATION: 2, "dict_build": 10}
SHOWN = 12  # functions of a profile

Step = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """What a program takes, in milliseconds: LisPy and Python warm, then LisPy and Python whole."""

    name: str
    steps: int
    milliseconds: tuple[float, float, float, float]

    @property
    def warm(self) -> float:
        """How many times Python's time a warm call takes."""
        return self.milliseconds[0] / self.milliseconds[1]

    @property
    def whole(self) -> float:
        """How many times Python's time it takes from the text to the value."""
        return self.milliseconds[2] / self.milliseconds[3]


def names() -> list[str]:
    """All programs there are."""
    return sorted(path.stem for path in FOLDER.glob("*.lisp"))


def lispy_text(name: str) -> str:
    """A program that comes to the value of its `main`."""
    return (FOLDER / f"{name}.lisp").read_text("utf-8") + "\n(main)\n"


def lispy_call(name: str) -> Step:
    """A call of `main` in a runtime that has the program."""
    runtime = Runtime()
    runtime.load_source((FOLDER / f"{name}.lisp").read_text("utf-8"), f"{name}.lisp")
    main = runtime.globals.cell("main").value
    return lambda: runtime.call(main)


def python_whole(name: str) -> Step:
    """Python's program from its text to the value of its `main`."""
    text = (FOLDER / f"{name}.py").read_text("utf-8")

    def whole() -> Any:
        space: dict[str, Any] = {"__name__": name}
        exec(compile(text, f"{name}.py", "exec"), space)
        return space["main"]()

    return whole


def python_call(name: str) -> Step:
    """A call of `main` where Python's program is loaded."""
    space: dict[str, Any] = {"__name__": name}
    path = FOLDER / f"{name}.py"
    exec(compile(path.read_text("utf-8"), str(path), "exec"), space)
    main: Step = space["main"]
    return main


def timed(step: Step, times: int) -> float:
    """The milliseconds of a step, done several times."""
    began = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - began) * 1000 / times


def medians(steps: list[Step]) -> list[float]:
    """The median milliseconds of each step; the steps take turns."""
    times = [max(1, int(SAMPLE * 1000 / timed(step, 1))) for step in steps]
    taken = [[timed(step, count) for step, count in zip(steps, times, strict=True)] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def measure(name: str) -> Row:
    """One program, after a look whether both come to the same."""
    text = lispy_text(name)
    warm, wanted, whole = lispy_call(name), python_call(name), python_whole(name)
    result = Runtime().run(text, f"{name}.lisp")
    if not result.ok or not result.value == to_json(warm()) == wanted() == whole():
        sys.exit(f"{name}: LisPy gives {result.text or result.error}, Python {wanted()}")
    first, second, third, fourth = medians([warm, wanted, lambda: Runtime().run(text), whole])
    return Row(name, result.usage["steps"], (first, second, third, fourth))


def show(row: Row) -> None:
    """One line of the table."""
    warm, wanted, whole, compiled = row.milliseconds
    print(
        f"{row.name:<16}{row.steps:>9,}  {warm:>9.3f}{wanted:>9.3f}{row.warm:>8.1f} x"
        f"  {whole:>9.3f}{compiled:>9.3f}{row.whole:>8.1f} x",
        flush=True,
    )


def summary(rows: list[Row]) -> None:
    """The mean, the worst and the single programs that have a target, beside their targets."""
    by_name = {row.name: row for row in rows}
    warm = {row.name: row.warm for row in rows}
    whole = {row.name: row.whole for row in rows}
    figures = {
        "geometric mean": (
            statistics.geometric_mean(warm.values()), "", statistics.geometric_mean(whole.values()), "",
        ),
        "worst": (max(warm.values()), max(warm, key=warm.__getitem__),
                  max(whole.values()), max(whole, key=whole.__getitem__)),
    }  # fmt: skip
    figures |= {
        name: (by_name[name].warm, "", by_name[name].whole, "") for name in TARGETS if name in by_name
    }
    print()
    for name, (first, which, second, other) in figures.items():
        print(
            f"{name:<16}{which:>29}{first:>8.1f} x  {other:>18}{second:>8.1f} x   to reach: {TARGETS[name]}"
        )


def profile(name: str) -> None:
    """Where a warm call spends its time, by the host's functions."""
    call = lispy_call(name)
    call()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(max(1, int(0.1 * 1000 / timed(call, 1)))):
        call()
    profiler.disable()
    stats = pstats.Stats(profiler)
    entries: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = stats.stats  # type: ignore[attr-defined]
    whole = sum(entry[2] for entry in entries.values())
    for (path, line, function), (_, calls, own, _, _) in sorted(
        entries.items(), key=lambda item: -item[1][2]
    )[:SHOWN]:
        print(f"    {own / whole:>5.0%}  {calls:>9,} calls  {Path(path).name}:{line} {function}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs; all without any")
    parser.add_argument("--profile", action="store_true", help="say where the time of warm calls goes")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(names()))
    if unknown:
        sys.exit(f"there is no program {', '.join(unknown)}; there are: {' '.join(names())}")
    print(f"medians of {RUNS} runs in turn, in milliseconds: LisPy, Python, ratio")
    print(f"{'':<16}{'steps':>9}  {'warm':>28}  {'whole':>28}")
    rows = []
    for name in given.names or names():
        rows.append(measure(name))
        show(rows[-1])
        if given.profile:
            profile(name)
    summary(rows)


if __name__ == "__main__":
    main()
