"""What it costs to read, expand and compile a long program, and to run through a large piece of one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from lisppump.lispy import Limits, Runtime, limits
from lisppump.lispy.limits import Meter
from lisppump.lispy.runtime import FREE


def ran(source: str, **limits: Any) -> Any:
    return Runtime(limits=Limits(**limits)).run(source)


def many(unit: str, count: int) -> str:
    return "".join([unit.replace("N", str(number)) for number in range(count)])


LONG = {
    "calls": f"(list {many('(+ N 1)', 20_000)})",
    "match": f"(match 5 {many('(-N 1)', 20_000)})",
    "match names": f"(match '(1) ((list {many('aN ', 30_000)}) 1) (_ 2))",
    "let-values": f"(let-values ({many('((aN) 1)', 15_000)}) 1)",
    "cond->": f"(cond-> 1 {many('#t inc ', 30_000)})",
    "some->": f"(some-> 1 {many('inc ', 50_000)})",
    "optional": f"(define (f &optional {many('aN ', 30_000)}) 1)",
    "keys": f"(define (f &key {many('aN ', 30_000)}) 1)",
    "parts": f"(let [[{many('aN ', 30_000)}] '(1)] 1)",
    "record": f"(struct p ({many('fN ', 30_000)}))",
    "templates": f"(list {many('`(1 ,N) ', 20_000)})",
    "loops": f"(list {many('(let l ((i 0)) i) ', 10_000)})",
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_program_is_charged_for_before_it_runs(name: str) -> None:
    result = ran(LONG[name], steps=150_000)
    assert result.error is not None and result.error.code == "step-limit"


@pytest.mark.parametrize("name", LONG)
def test_time_ends_while_a_long_program_is_compiled(name: str) -> None:
    result = ran(LONG[name], seconds=1e-9)
    assert result.error is not None and result.error.code == "time-limit"


@pytest.mark.parametrize(
    "source", ["(" * 200_000, "[] " * 80_000 + "}", "#;" * 100_000, '"a" ' * 50_000 + '"']
)
def test_time_ends_while_a_text_is_read(source: str) -> None:
    result = ran(source, seconds=1e-9)
    assert result.error is not None and result.error.code == "time-limit"
    assert ran(source).error.category == "syntax"


@pytest.mark.parametrize(
    "source",
    [
        "".join([f"(define-macro (m{n} x) (list 'm{n + 1} (list '+ x x)))" for n in range(40)])
        + "(define-macro (m40 x) x) (m0 1)",
        "(define-macro (m x) x)" + "(m " * 90 + f"(list {many('N ', 20_000)})" + ")" * 90,
        "".join([f"(let l ((a{n} 1) (b{n} (begin a{n} " for n in range(28)])
        + "1"
        + "".join([f"))) b{n})" for n in reversed(range(28))]),
    ],
    ids=["doubling", "nested", "looked at twice"],
)
def test_macros_that_grow_end_in_a_limit(source: str) -> None:
    result = ran(source, steps=1_000_000)
    assert result.error is not None and result.error.category == "limit"


def test_a_small_program_is_compiled_for_nothing() -> None:
    assert ran(f"(begin {many('1 ', 2000)})").usage["steps"] == 1
    assert ran(" " * FREE + "1").usage["steps"] == ran("1").usage["steps"] + 1


def test_all_that_a_run_compiles_counts_together() -> None:
    source = "(define form (cons 'begin (make-list 900 1))) (define (n) (eval form)) (n)"
    first, tenth, eleventh = (ran(source + " (n)" * more).usage["steps"] for more in (0, 10, 11))
    assert eleventh - tenth > first


def test_a_large_procedure_pays_for_each_call() -> None:
    sizes = ((20, 2, 2), (90, 8, 12), (280, 30, 36), (900, 200, 240), (3000, 700, 1000))
    for size, least, most in sizes:
        source = "(define x 1) (define (f) " + "x " * size + ") "
        once, twice = (ran(source + call).usage["steps"] for call in ("(f)", "(f) (f)"))
        assert least <= twice - once <= most


@pytest.mark.parametrize(
    "loop",
    [
        "(while (< i 99) B (set! i (+ i 1)))",
        "(dotimes (j 99) B)",
        "(let l ((i 0)) B (if (< i 99) (l (+ i 1))))",
    ],
)
def test_a_large_loop_pays_for_each_turn(loop: str) -> None:
    small, large = (
        ran(f"(define i 0) (define x 1) {loop.replace('B', 'x ' * size)} nil").usage["steps"]
        for size in (15, 2500)
    )
    assert small < 300 and large > 20_000


def test_a_deep_recursion_of_a_procedure_of_many_variables_ends() -> None:
    names = many("(aN n)", 5000)
    source = f"(define (f n) (if #t (+ 1 (f n)) (let* ({names}) 1))) (f 1)"
    assert ran(source, steps=1_000_000).error.code == "step-limit"


def test_where_steps_take_long_the_clock_is_looked_at_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count()
    monkeypatch.setattr(limits.time, "monotonic", lambda: next(now) / 10)
    meter = Meter(Limits(seconds=1e6))
    gaps = []
    for _ in range(8):
        before = meter.next_look
        meter.charge(before + 1 - meter.steps)
        gaps.append(meter.next_look - meter.steps)
    assert gaps == sorted(gaps, reverse=True) and gaps[0] < Meter.FIRST_LOOK and gaps[-1] == 1


def test_where_steps_are_fast_it_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.time, "monotonic", lambda: 0.0)
    meter = Meter(Limits(seconds=1.0))
    for _ in range(10):
        meter.charge(meter.next_look + 1 - meter.steps)
    assert meter.next_look - meter.steps == Meter.LOOK_EVERY


@pytest.mark.parametrize("size", [20, 60, 200, 600])
@pytest.mark.parametrize(
    "program",
    [
        "(define (f n) {} (if (= n 0) 0 (f (- n 1)))) (f 400)",
        "(define (f n) {} n) (define (g n) (if (= n 0) 0 (begin (f n) (g (- n 1))))) (g 400)",
        "(define (f n) {} n) (map f (range 400))",
        "(let loop ((n 400)) {} (if (= n 0) 0 (loop (- n 1))))",
        "(dotimes (n 400) {})",
        "(define n 400) (while (> n 0) {} (set! n (- n 1)))",
        "(do ((n 400 (- n 1))) ((= n 0)) {})",
    ],
)
def test_both_tiers_take_the_same_toll(program: str, size: int) -> None:
    source = program.format("(not n) " * (size // 3))
    found = []
    for after in (2, 1 << 30):
        runtime = Runtime()
        runtime.context.heat.after = after
        found.append(runtime.run(source).usage)
    assert found[0] == found[1]
    assert found[0]["steps"] >= 400 * max(1, (size - 40) // 8)
