"""The programs of the benchmark: each comes to what its Python does, at a cost that no fast path changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lisppump.lispy import Result, Runtime
from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks" / "lispy_programs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.lisp"))
COSTS = Path(__file__).resolve().parent.parent / "golden" / "lispy" / "costs.txt"


def run(name: str) -> Result:
    result = Runtime().run((FOLDER / f"{name}.lisp").read_text("utf-8") + "(main)", name)
    assert result.ok, result.error
    return result


@pytest.mark.parametrize("name", NAMES)
def test_a_program_comes_to_what_its_python_does(name: str) -> None:
    space: dict[str, Any] = {"__name__": name}
    exec(compile((FOLDER / f"{name}.py").read_text("utf-8"), name, "exec"), space)
    wanted = space["main"]()
    found = run(name).value
    assert found == wanted
    assert repr(found) == repr(wanted)  # 1, 1.0 and True are equal in Python


def test_steps_and_bytes_stay_what_they_were() -> None:
    lines = [f"{name} {(cost := run(name).usage)['steps']} {cost['bytes']}" for name in NAMES]
    text = "\n".join(["program steps bytes", *lines, ""])
    if os.environ.get("LISPPUMP_WRITE_GOLDEN"):
        COSTS.write_text(text, encoding="utf-8")
    assert text == COSTS.read_text(encoding="utf-8"), f"not {COSTS.name}; LISPPUMP_WRITE_GOLDEN=1 writes it"
