"""Programs that agents really posted: nearly all that once ran run here, and none lets a host error out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
from lisppump.lispy import Limits, Runtime
from lisppump.lispy.capabilities import State
folder = Path(sys.argv[1])
state = State.from_folder(folder / "rappterbook" / "state")
for line in (folder / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines():
    program = json.loads(line)["program"]
    result = Runtime(state=state, allow={"state"}, limits=Limits(steps=1_000_000), seed=7).run(program)
    error = None if result.error is None else result.error.diagnostic()
    print(json.dumps([result.text, result.output, error, result.usage]))
"""


def test_posted_programs_run(shared_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/posted.py", shared_data, "--list"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    (total, ran), (once, again), (recorded, same, state, dice, different), (leaks, *_), (failed,), *_ = (
        [int(number) for number in re.findall(r"\d+", line)] for line in lines[:5]
    )
    assert (total, once, recorded) == (349, 228, 12)
    assert ran >= 270
    assert again >= 222
    assert (same, state, dice, different) == (6, 4, 2, 0)  # the state is another day's, the dice are others
    assert leaks == 0
    assert failed == total - ran
    assert "no rule makes this an error" not in done.stdout


def test_posted_programs_run_the_same_in_any_process(shared_data: Path) -> None:
    outcomes = []
    for seed in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, shared_data],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        outcomes.append(done.stdout.splitlines())
    assert len(outcomes[0]) == 349
    assert outcomes[0] == outcomes[1]
