"""Hostile programs, each with what it should end in: how many do, in how much time and memory.

    python benchmarks/attacks.py [folder] [--list]

The folder holds attacks/programs.jsonl and attacks/fixtures.json; without an argument it is looked for in
LISPPUMP_TEST_DATA, then in ../shared/data. All run twice, in processes whose strings hash differently: value,
output, error and usage have to be the same. With --list every program has a line.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lisppump.lispy import Result, Runtime

ROOT = Path(__file__).resolve().parent.parent
HASHES = ("1", "77")  # PYTHONHASHSEED of the two processes
SUB_SIM = """
(define-macro (sub-sim label body)
  (list 'get (list 'get (list 'simulation ':initial-state '{} ':step
                              (list 'lambda '(state tick) (list 'dict ':value body))
                              ':max-ticks 1 ':observables ''())
                        ':final-state)
        ':value))
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one case ended: `seconds` and `megabytes` differ from run to run, the rest may not."""

    id: str
    category: str
    outcome: str  # value, error or limit
    code: str | None
    text: str  # value, output, error and usage, as JSON
    faults: tuple[str, ...]
    seconds: float
    megabytes: float


class Range:
    """Where hostile programs run: the frame they see, what may not leak, the probe that has to stay well."""

    def __init__(self, fixtures: dict[str, Any]) -> None:
        self.frame = fixtures["frame"]
        self.before = json.dumps(self.frame)
        self.leak = re.compile(fixtures["leak"])
        self.probe, self.healthy = fixtures["probe"], fixtures["probe_equals"]

    def runtime(self) -> Runtime:
        """A place for one program: it may read the frame, and nothing else."""
        return Runtime(state=self.frame, allow={"state"})

    def ran(self, runtime: Runtime, source: str) -> Result:
        """The result of a program; one that speaks of `sub-sim` has it."""
        if "(sub-sim" in source:
            runtime.run(SUB_SIM)
        return runtime.run(source)

    def case(self, case: dict[str, Any]) -> Ended:
        """Run one, and look at everything that it should not have done."""
        start = time.perf_counter()
        if "setup" in case:
            self.ran(self.runtime(), case["setup"])
        runtime = self.runtime()
        result = self.ran(runtime, case["source"])
        again = self.ran(self.runtime(), case["source"]) if case["mode"] == "twice" else result
        seconds = time.perf_counter() - start
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        outcome, text = outcome_of(result), seen(result)
        faults: list[str] = []
        if outcome not in (case["expect"], *case["also"]):
            faults.append(f"ends as {outcome}, not {case['expect']}")
        if outcome == "value" and "equals" in case and not equal(result.value, case["equals"][0]):
            faults.append(f"is {result.text[:60]}")
        if result.error is not None and result.error.category == "defect":
            faults.append("is a defect")
        if found := self.leak.search(text):
            faults.append(f"leaks {found.group()[:60]}")
        if json.dumps(self.frame) != self.before:
            faults.append("changed the frame")
        if seen(again) != text:
            faults.append("differs the second time")
        if self.runtime().run(self.probe).value != self.healthy:
            faults.append("broke the probe")
        if seconds > case["max_s"]:
            faults.append(f"took {seconds:.1f} s")
        if megabytes > case["max_rss_mb"]:
            faults.append(f"took {megabytes:.0f} MB")
        code = None if result.error is None else result.error.code
        return Ended(case["id"], case["category"], outcome, code, text, tuple(faults), seconds, megabytes)


def outcome_of(result: Result) -> str:
    """value, error or limit."""
    if result.error is None:
        return "value"
    return "limit" if result.error.category == "limit" else "error"


def seen(result: Result) -> str:
    """Everything that an agent sees of a result."""
    error = result.error
    said = None if error is None else [error.code, error.message, error.help, error.diagnostic(), error.trace]
    return json.dumps([result.value, result.text, result.output, said, result.usage, result.capabilities])


def equal(found: Any, wanted: Any) -> bool:
    """Whether two values of JSON are the same: 1 is neither 1.0 nor true, 0.0 is not -0.0."""
    return json.dumps(found) == json.dumps(wanted)


def run(folder: Path) -> list[Ended]:
    """All cases, one after the other, in this process."""
    place = Range(json.loads((folder / "attacks" / "fixtures.json").read_text("utf-8")))
    lines = (folder / "attacks" / "programs.jsonl").read_text("utf-8").splitlines()
    return [place.case(json.loads(line)) for line in lines]


def run_in_processes(folder: Path) -> list[list[Ended]]:
    """All cases once for each of the hash seeds."""
    found = []
    for seed in HASHES:
        done = subprocess.run(
            [sys.executable, __file__, str(folder), "--lines"],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        found.append([Ended(**{**row, "faults": tuple(row["faults"])}) for row in rows])
    return found


def report(runs: list[list[Ended]], listed: bool) -> list[str]:
    """The lines of the report."""
    first = runs[0]
    differ = [one.id for one, other in zip(*runs, strict=True) if one.text != other.text]
    faulty = {one.id: one.faults for ended in runs for one in ended if one.faults}
    slow = max((one for ended in runs for one in ended), key=lambda one: one.seconds)
    outcomes = Counter(one.outcome for one in first)
    lines = [
        f"{len(first)} programs, {len(first) - len(faulty)} end as they should: "
        + ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())),
        f"{len(differ)} differ between PYTHONHASHSEED {' and '.join(HASHES)}",
        f"the slowest, {slow.id}, took {slow.seconds:.2f} s; "
        f"the process grew to {max(one.megabytes for one in first):.0f} MB",
    ]
    lines.extend(f"  {name}: {'; '.join(faults)}" for name, faults in faulty.items())
    lines.extend(f"  {name} differs" for name in differ)
    if listed:
        for one in first:
            lines.append(
                f"{one.id:22} {one.outcome:6} {one.code or '':18} "
                f"{one.seconds * 1000:6.0f} ms {one.megabytes:5.0f} MB"
            )
    return lines


def data_folder() -> Path | None:
    """The folder of real data, if there is one."""
    named = os.environ.get("LISPPUMP_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "attacks").is_dir() else None


def main(words: list[str]) -> int:
    """Print the report; 1 if any ends otherwise than it should."""
    names = [word for word in words if not word.startswith("--")]
    folder = Path(names[0]) if names else data_folder()
    if folder is None or not (folder / "attacks").is_dir():
        print("no attacks: name the folder of real data, or set LISPPUMP_TEST_DATA", file=sys.stderr)
        return 2
    if "--lines" in words:
        for one in run(folder):
            print(json.dumps(asdict(one)))
        return 0
    lines = report(run_in_processes(folder), "--list" in words)
    print("\n".join(lines))
    return int(any(line.startswith("  ") for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
