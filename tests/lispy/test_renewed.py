"""A sandbox that programs left nothing in: what runs in it next is as in a new one, and it knows if not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lisppump.lispy import Limits, Result, Runtime
from tests.lispy.transcripts import FOLDER, entries

LIMITS = Limits(steps=2_000_000)


def seen(result: Result) -> str:
    """All of a result that anybody can see."""
    error = result.error
    said = None if error is None else [error.code, error.message, error.help, error.diagnostic(), error.trace]
    return json.dumps([result.value, result.text, result.output, said, result.usage, result.capabilities])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.lisp")), ids=lambda path: path.stem)
def test_what_runs_next_sees_nothing(path: Path) -> None:
    kept: Runtime | None = None
    for number, entry in enumerate(entries(path)):
        own = Runtime(limits=LIMITS, seed=number, now=f"2026-01-01T00:00:{number % 60:02}Z")
        kept = kept or Runtime(limits=LIMITS)
        kept.reset((number,), f"2026-01-01T00:00:{number % 60:02}Z")
        result = kept.run(entry.program)
        assert seen(result) == seen(own.run(entry.program)), entry.program
        if result.error is not None or not kept.renewed():
            kept = None


@pytest.mark.parametrize(
    ("source", "renewed"),
    [
        ("(+ 1 2)", True),
        ("(map (lambda (x) (* x x)) '(1 2 3))", True),
        ("(random 6)", True),
        ("(display (now))", True),
        ("(define x 1)", False),
        ("(define (f x) x)", False),
        ("(define-macro (m) 1)", False),
        ("(begin (set! car cdr) (car '(1 2)))", True),
        ("(let loop ((n 200)) (if (= n 0) n (loop (- n 1))))", False),
        ("(eval '(+ 1 2))", False),
        ("(get (simulation :initial-state {} :step (lambda (s t) s) :max-ticks 1 :observables '()) :ticks)",
         False),
    ],
)  # fmt: skip
def test_who_leaves_something(source: str, renewed: bool) -> None:
    runtime = Runtime()
    assert runtime.run(source).ok
    assert runtime.renewed() is renewed
    if renewed:
        assert runtime.run("(car '(1 2))").value == 1
