"""Both tiers come to the same: values, output, errors with their places, steps and bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, Runtime
from lisppump.lispy.capabilities import State
from tests.lispy.transcripts import FOLDER, entries

NEVER = 10**9
LIMITS = Limits(steps=400_000)


def told(result: Any) -> tuple[Any, ...]:
    """All that a program can be seen to come to."""
    error = result.error
    said = None
    if error is not None:
        span = error.span
        place = None if span is None else (span.file, span.start, span.end)
        said = (error.code, error.message, error.help, place, error.trace)
    return result.ok, result.text, result.output, said, result.usage


def outcomes(programs: list[str], after: int, state: Any = None) -> Iterator[tuple[Any, ...]]:
    """What programs come to, one after the other in one runtime whose code turns hot after so many calls."""
    runtime = Runtime(state, {"state"} if state is not None else (), LIMITS, seed=7)
    runtime.context.heat.after = after
    for program in programs:
        yield told(runtime.run(program, "<program>"))


def same(programs: list[str], state: Any = None) -> None:
    wanted = list(outcomes(programs, NEVER, state))
    for after in (1, 2, 7):
        assert list(outcomes(programs, after, state)) == wanted, after


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.lisp")), ids=lambda path: path.stem)
def test_transcripts(path: Path) -> None:
    programs: list[str] = []
    for entry in entries(path):
        if entry.fresh and programs:
            same(programs)
            programs = []
        programs.append(entry.program)
    same(programs)


def test_posted_programs(shared_data: Path) -> None:
    state = State.from_folder(shared_data / "rappterbook" / "state")
    lines = (shared_data / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        same([json.loads(line)["program"]], state)


def programs() -> dict[str, str]:
    """The programs of tiers.lisp by their names."""
    _, *parts = Path(__file__).with_name("tiers.lisp").read_text("utf-8").strip().split("\n\n")
    named = (part.split("\n", 1) for part in parts)
    return {name.removeprefix("; "): program for name, program in named}


PROGRAMS = programs()


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(program: str) -> None:
    same([program])
    same([program, program])


# -- programs that nobody wrote

NAMES = ("a", "b", "c")
ATOMS = st.sampled_from(
    ["0", "1", "2", "-7", "3.5", "0.0", "#t", "#f", "nil", "'()", '"s"', "'(1 2)", *NAMES]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Forms around forms."""
    two = st.sampled_from(
        ["+", "-", "*", "<", "=", ">=", "modulo", "quotient", "cons", "equal?", "list", "max"]
    )
    one = st.sampled_from(["not", "null?", "car", "cdr", "even?", "zero?", "abs", "length", "f", "g"])
    return st.one_of(
        st.builds("({} {} {})".format, two, inner, inner),
        st.builds("({} {})".format, one, inner),
        st.builds("(h {} {})".format, inner, inner),
        st.builds("(if {} {} {})".format, inner, inner, inner),
        st.builds("(let ((a {}) (b {})) {})".format, inner, inner, inner),
        st.builds("(and {} {})".format, inner, inner),
        st.builds("(or {} {})".format, inner, inner),
        st.builds("(cond ({} {}) ({} => list) (else {}))".format, inner, inner, inner, inner),
        st.builds("(begin (set! a {}) {})".format, inner, inner),
        st.builds("(let loop ((i 0) (b {})) (if (< i 4) (loop (+ i 1) {}) b))".format, inner, inner),
        st.builds("(dotimes (i 3) (set! b {}))".format, inner),
        st.builds("(try {} (catch e {}))".format, inner, inner),
        st.builds("((lambda (a) {}) {})".format, inner, inner),
        st.builds("(map (lambda (c) {}) (list {} {}))".format, inner, inner, inner),
        st.builds("(let ((k (lambda () (set! b {}) b))) (list (k) {}))".format, inner, inner),
        st.builds("(case {} ((0 1) {}) (else {}))".format, inner, inner, inner),
    )


FORMS = st.recursive(ATOMS, grown, max_leaves=14)


@settings(max_examples=300, deadline=None)
@given(f=FORMS, g=FORMS, h=FORMS, values=st.lists(ATOMS, min_size=1, max_size=5))
def test_generated_programs(f: str, g: str, h: str, values: list[str]) -> None:
    definitions = (
        "(define a 1) (define b 2) (define c '(3 4))"
        f"(define (f a) {f}) (define (g b) {g}) (define (h a b) {h})"
    )
    same([definitions, *(f"(list (f {value}) (g {value}) (h {value} 2))" for value in values)])
