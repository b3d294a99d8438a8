"""The fuzzers: a bounded count of programs holds all promises; what breaks one is found and made small."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from lisppump.lispy import library
from lisppump.lispy.builtins import BUILTINS, load
from lisppump.lispy.forms import FORMS
from tests.conftest import ROOT
from tests.fuzzing.__main__ import by_grammar, checked
from tests.fuzzing.promises import broken, shrunk
from tests.fuzzing.writer import Bytes, Dice, program_of
from tests.lispy.test_error_fuzz import outcome, programs

COUNT = 240  # programs; `python -m tests.fuzzing --minutes 10` tries more


@pytest.mark.parametrize("part", range(4))
def test_programs_of_the_grammar_hold_all_promises(part: int) -> None:
    found = list(by_grammar(7, part * COUNT // 4, COUNT // 4))
    assert not found, "\n".join(map(str, found))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_programs_that_coverage_leads_to_hold_all_promises(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, text in enumerate(programs()[::10]):
        (corpus / str(number)).write_bytes(b"t" + text.encode())
    command = [
        sys.executable, "-m", "tests.fuzzing.coverage", str(corpus), "-runs=500", "-seed=7",
        f"-artifact_prefix={tmp_path}/", "-max_len=2048",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    reached = [int(number) for number in re.findall(r"cov: (\d+)", said)]
    assert reached and reached[-1] > reached[0]  # it is led somewhere


def test_the_same_dice_write_the_same_program_and_most_programs_run() -> None:
    written = [program_of(Dice(5, number)) for number in range(150)]
    assert written == [program_of(Dice(5, number)) for number in range(150)]
    assert len(set(written)) == 150
    ran = sum(outcome(program).ok for program in written)
    assert ran > 50


def test_the_grammar_speaks_of_everything_there_is() -> None:
    texts = "\n".join(program_of(Dice(6, number)) for number in range(3000))
    words = set(re.findall(r"\(([^\s()\[\]{}'\"`,;]+)", texts))
    names = {spec.name for spec in (*load().values(), *FORMS.values())} | set(library.names())
    assert len(names & words) > 0.9 * len(names), sorted(names - words)


def test_bytes_are_choices_and_end_in_the_simplest() -> None:
    assert program_of(Bytes(b"")) == program_of(Bytes(b"\0" * 50))
    assert len({program_of(Bytes(bytes([n] * 40))) for n in range(1, 60)}) > 30


# -- faults that are put in


def fault(monkeypatch: pytest.MonkeyPatch, name: str, function: Callable[..., Any]) -> None:
    """Let a builtin do something else."""
    spec = BUILTINS[name]
    monkeypatch.setitem(BUILTINS, name, replace(spec, function=function))


def first(seed: int = 9, most: int = 3000) -> Any:
    return next(islice(by_grammar(seed, 0, most), 1), None)


def raises(run: Any, text: Any) -> Any:
    raise KeyError("a host's error")


def leaks(run: Any, text: Any) -> Any:
    return f"<class '{type(text).__name__}'>"


def counts() -> Callable[..., Any]:
    calls: Iterator[int] = iter(range(10**9))
    return lambda run, text: next(calls)


@pytest.mark.parametrize(
    ("function", "said"),
    [(raises, "the host's KeyError came out"), (leaks, "says what it should not"), (counts(), "its ")],
    ids=["raises", "leaks", "another answer each time"],
)
def test_a_builtin_that_breaks_a_promise_is_found_and_the_program_is_small(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], said: str
) -> None:
    load()
    fault(monkeypatch, "string-upcase", function)
    found = first()
    assert found is not None and said in found.fault
    assert "string-upcase" in found.program and len(found.program) < 80


def test_hot_code_that_comes_to_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    fault(monkeypatch, "string-upcase", lambda run, text: "hot" if run.heat.after == 1 else "cold")
    found = checked('(define (f text) (list 1 (string-upcase text))) (define b "b") (f b)')
    assert found is not None and found.fault == "its text: '\"cold\"', then in hot code '\"hot\"'"
    assert "string-upcase" in found.program and "list" not in found.program
    assert broken("(+ 1 2)") is None


def test_a_program_that_cannot_be_read_is_made_smaller_by_its_letters() -> None:
    def breaks(program: str) -> str | None:
        return "it has both" if "(" in program and '"' in program else None

    assert sorted(shrunk('(define x (list 1 2 "abc', breaks)) == ['"', "("]
