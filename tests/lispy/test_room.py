"""Room on the host's stack: who has it, that no depth is dear, and that errors pass as they are."""

from __future__ import annotations

import resource
from dataclasses import replace

import pytest

from lisppump.lispy import Runtime
from lisppump.lispy.builtins import BUILTINS
from lisppump.lispy.calls import Builtin
from lisppump.lispy.limits import Limits
from lisppump.lispy.room import with_room

TO_AND_FRO = """
(define (f n) (if (= n 0) 0 (begin (f (- n 1)) (f (- n 1)))))
(define (under d) (if (= d 0) (f 60) (+ 0 (under (- d 1)))))
(under {})
"""


def faults(source: str) -> int:
    """How many pages of memory the system hands out while a program runs."""
    runtime = Runtime(limits=Limits(steps=20_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    runtime.run(source)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_no_depth_is_dear() -> None:
    """Wherever on the stack calls go to and fro, it takes no memory from the system again and again."""
    Runtime().run(TO_AND_FRO.format(3))
    taken = {depth: faults(TO_AND_FRO.format(depth)) for depth in range(130)}
    assert max(taken.values()) < 300, taken


@pytest.mark.parametrize(
    ("source", "roomy"),
    [
        ("(roomy)", False),
        ("(define (a x) x) (define (b x) (list (roomy) (a x))) (car (b 1))", False),
        ("((lambda (x) x) (roomy))", False),
        ("(define (f n) (if (= n 0) (roomy) (f (- n 1)))) (f 3)", True),
        ("(define (f n) (g n)) (define (g n) (roomy)) (f 3)", True),
        ("(define (twice f) (f)) (twice roomy)", True),
        ("(let loop ((n 3)) (if (= n 0) (roomy) (loop (- n 1))))", True),
        ("(define found 1) (dotimes (n 3) (set! found (roomy))) found", True),
        ("(define found 1) (define n 0) (while (< n 1) (set! n 1) (set! found (roomy))) found", True),
        ("(define g (compose roomy list)) (define (f x) (g x)) (f 1)", True),
        ("(define (f x) x) (map (lambda (x) (map f (list (roomy)))) '(1)) (roomy)", True),
        ("(car (car (map (lambda (x) (map (lambda (y) (roomy)) '(1))) '(1))))", True),
        ("(define (f n) (if (= n 0) 1 (f (- n 1)))) (define found (roomy)) found", True),
    ],
)
def test_who_has_room(source: str, roomy: bool) -> None:
    runtime = Runtime()
    run = runtime.context
    spec = replace(BUILTINS["list"], function=lambda run, *_: run.roomy)
    runtime.define("roomy", Builtin(run, spec, "roomy"))
    result = runtime.run(source)
    assert result.error is None
    assert result.value is roomy
    assert not run.roomy


def test_errors_pass() -> None:
    runtime = Runtime()
    result = runtime.run("(define (f n)\n  (if (= n 0) (car n) (+ 1 (f (- n 1)))))\n(f 3)")
    assert result.error is not None
    assert result.error.code == "wrong-type"
    assert result.error.__traceback__ is None
    assert not runtime.context.roomy
    with pytest.raises(KeyboardInterrupt):
        with_room(runtime.context, _interrupted)
    assert not runtime.context.roomy


def _interrupted() -> None:
    raise KeyboardInterrupt
