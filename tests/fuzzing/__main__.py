"""Fuzzes the language for a while, by the grammar and led by coverage, and tells what broke, made small.

    python -m tests.fuzzing --minutes 10 [--seed 7] [--only grammar|coverage]

What it finds belongs into tests/language/fuzzed.lisp once it is mended. Each fuzzer is a process of its own:
one that the language brings down is a finding like any other. It ends with 1 where something broke.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.fuzzing.promises import broken, shrunk
from tests.fuzzing.writer import Dice, program_of

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 500  # programs of one process
HUNG = 20  # seconds of work after which one program is taken for endless
FAULT, END = "\0fault\0", "\0end\0"  # what stands between program, fault and the next
MOST = 5  # findings after which a fuzzer stops


@dataclass(frozen=True, slots=True)
class Finding:
    """A program, and what it broke."""

    program: str
    fault: str

    def __str__(self) -> str:
        return f"{self.program}\n;!> ?\n; {self.fault}\n"


def checked(program: str) -> Finding | None:
    """What is wrong with a program, in its smallest form."""
    if broken(program) is None:
        return None
    small = shrunk(program, broken)
    return Finding(small, broken(small) or "it broke something only now and then")


def by_grammar(seed: int, first: int, count: int) -> Iterator[Finding]:
    """Programs of the grammar, in this process."""
    for number in range(first, first + count):
        found = checked(program_of(Dice(seed, number)))
        if found is not None:
            yield found


def in_batches(seed: int, until: float) -> Iterator[Finding]:
    """The same, each batch in a process of its own, until the time is over."""
    first = 0
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as folder:
            at = Path(folder) / "at"
            code = (
                "import sys; from tests.fuzzing.__main__ import batch; "
                f"batch({seed}, {first}, {BATCH}, {str(at)!r}, {until - time.monotonic()})"
            )
            done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                number = int(at.read_text() or first) if at.exists() else first
                program = program_of(Dice(seed, number))
                last = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
                yield Finding(program, f"it ended the process with {done.returncode}: {last[0]}")
            for text in filter(None, done.stdout.split(END)):
                yield Finding(*text.rsplit(FAULT, 1))
        first += BATCH
    print(f"grammar: {first:,} programs of seed {seed}", file=sys.stderr)


def batch(seed: int, first: int, count: int, at: str, seconds: float) -> None:
    """One batch, in a process that may die of it: `at` says where it is.

    A program that works on and on is ended by a signal, which stops what no error could.
    """
    ends = time.monotonic() + seconds
    with open(at, "w") as place:
        for number in range(first, first + count):
            if time.monotonic() > ends:
                return
            place.seek(0)
            place.write(f"{number:012d}")
            place.flush()
            signal.setitimer(signal.ITIMER_VIRTUAL, HUNG)
            fault = broken(program_of(Dice(seed, number)))
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if fault is not None:
                for found in by_grammar(seed, number, 1):
                    print(found.program, found.fault, sep=FAULT, end=END)


def by_coverage(seed: int, corpus: Path, *, seconds: float = 0, runs: int = -1) -> Iterator[Finding]:
    """What libFuzzer finds in so many seconds, or runs."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "tests.fuzzing.coverage", str(corpus), f"-seed={seed}", f"-runs={runs}",
            f"-max_total_time={max(0, round(seconds))}", f"-timeout={HUNG}", "-rss_limit_mb=2048",
            "-max_len=4096", f"-artifact_prefix={folder}/", "-print_final_stats=1",
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        said = (done.stdout + done.stderr).splitlines()
        for path in sorted(Path(folder).iterdir()):
            data = path.read_bytes()
            text = data[1:].decode("utf-8", "replace") if data[:1] == b"t" else program_of_bytes(data)
            yield checked(text) or Finding(text, f"{path.name.partition('-')[0]}: {(said or ['?'])[-1]}")
            path.unlink()
        if done.returncode and not any("ERROR: libFuzzer" in line or "Uncaught" in line for line in said):
            raise SystemExit("\n".join(said[-20:]))
        units = [line for line in said if "number_of_executed_units" in line]
        print(f"coverage: {units[0].rpartition(' ')[2] if units else '?'} programs", file=sys.stderr)


def program_of_bytes(data: bytes) -> str:
    """What the bytes of an artifact stand for."""
    from tests.fuzzing.writer import Bytes

    return program_of(Bytes(data[1:]))


def found(way: str, seed: int, seconds: float, corpus: Path) -> Iterator[Finding]:
    """What one of the fuzzers finds within a time."""
    ends = time.monotonic() + seconds
    if way == "grammar":
        yield from in_batches(seed, ends)
        return
    while (left := ends - time.monotonic()) > 1:  # libFuzzer stops at the first
        yield from by_coverage(seed, corpus, seconds=left)
        seed += 1


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description="Fuzzes the language.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=("grammar", "coverage"))
    parser.add_argument("--corpus", type=Path, help="where what coverage leads to is kept for the next time")
    given = parser.parse_args()
    ways = [given.only] if given.only else ["grammar", "coverage"]
    if "coverage" in ways and importlib.util.find_spec("atheris") is None:
        print("coverage: atheris is not installed, so that this fuzzer is left out", file=sys.stderr)
        ways.remove("coverage")
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        corpus = given.corpus or Path(folder) / "corpus"
        for way in ways:
            for finding in islice(found(way, given.seed, given.minutes * 60 / len(ways), corpus), MOST):
                print(finding, flush=True)
                count += 1
    print(f"{count} findings", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
