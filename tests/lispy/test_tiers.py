"""Both tiers come to the same: values, output, errors with their places, steps and bytes."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, Runtime, hot
from lisppump.lispy.capabilities import State
from tests.lispy.transcripts import FOLDER, entries

NEVER = 10**9
LIMITS = Limits(steps=400_000)
NARROW = Limits(steps=20_000, depth=700)  # programs that nobody wrote run into both all the time


def told(result: Any) -> tuple[Any, ...]:
    """All that a program can be seen to come to."""
    error = result.error
    said = None
    if error is not None:
        span = error.span
        place = None if span is None else (span.file, span.start, span.end)
        said = (error.code, error.message, error.help, place, error.trace)
    return result.ok, result.text, result.output, said, result.usage


def outcomes(programs: list[str], after: int, state: Any, limits: Limits) -> Iterator[tuple[Any, ...]]:
    """What programs come to, one after the other in one runtime whose code turns hot after so many calls."""
    runtime = Runtime(state, {"state"} if state is not None else (), limits, seed=7)
    runtime.context.heat.after = after
    for program in programs:
        yield told(runtime.run(program, "<program>"))


def same(programs: list[str], state: Any = None, limits: Limits = LIMITS) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        wanted = list(outcomes(programs, NEVER, state, limits))
        for after in (1, 2, 7):
            assert list(outcomes(programs, after, state, limits)) == wanted, after
    assert not warned, [str(warning.message) for warning in warned]


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


def test_any_number_of_steps() -> None:
    """A limit that is met anywhere is met in both tiers alike."""
    program = "(define (f . all) (if (> (length all) 3) all (apply f 1 all))) (f)"
    for steps in range(1, 30):
        same([program], limits=Limits(steps=steps))


COUNTED = {  # loops that count by themselves until something in them has to ask
    "usual": "(let loop ((i 0) (made '())) (if (= i 9) (reverse made) (loop (+ i 1) (cons (* i i) made))))",
    "slow": "(let loop ((i 0) (x 1)) (if (= i 9) (list x) (loop (+ i 1) (* x (expt 2 200)))))",
    "maps": "(reduce + 0 (map (lambda (x) (* x 1.5)) (filter (lambda (x) (> x 2)) '(1 2 3 4 5 6 7 8))))",
    "wrong": "(define (f x) (if (> x 6) (+ x 'a) (+ x 1))) (map f '(1 2 3 4 5 6 7 8))",
    "while": '(let ((i 0) (s "")) (while (< i 9) (set! i (+ i 1)) (set! s (string-append s'
    ' "0123456789abcdef"))) (list i s))',
    "caught": "(define (f x) (try (+ x 1) (catch e 0))) (let loop ((l '(1 a 2 b)) (n 0))"
    " (if (null? l) n (loop (cdr l) (+ n (f (car l))))))",
    "leaves": "(define (f l) (let loop ((l l)) (cond ((null? l) (length (range 5))) (else (loop (cdr l))))))"
    " (list (f '(1 2 3 4 5 6)) (f (cons 1 (cons 2 '()))))",
    "inside": "(define (f n) (let loop ((i 0) (t 0)) (if (= i n) t (loop (+ i 1) (let inner ((j 0) (t t))"
    " (if (= j 3) t (inner (+ j 1) (+ t j))))))))  (f 5)",
    "lambdas": "(define (f n l) (map (lambda (x) (+ x n)) (filter (lambda (x) (> x n)) l)))"
    " (map (lambda (n) (f n '(1 2 3))) '(0 1 2))",
    "updates": '(define (f d n) (update d "k" (lambda (x) (+ x n))))'
    ' (map (lambda (n) (f {"k" n "l" 2} 3)) (range 6))',
    "closures": "(map (lambda (f) (f 2)) (map (lambda (n) (lambda (x) (+ x n))) '(1 2.5 3 -2 0 7 8 9)))",
}


@pytest.mark.parametrize("program", COUNTED.values(), ids=COUNTED)
def test_limits_met_in_loops(program: str) -> None:
    """Steps and bytes that a loop counts by itself are those of the first tier, wherever a limit is met."""
    for steps in range(1, 90, 2):
        same([program], limits=Limits(steps=steps))
    for allocation in range(16, 2000, 111):
        same([program], limits=Limits(allocation=allocation))
    for most in range(0, 8):
        same([program], limits=Limits(elements=most))
    same([program], limits=Limits(seconds=60))


@pytest.mark.parametrize("first", ["(g 2.5)", "(g 2)", "(map g '(1 2))", "(reduce h '(1 2))"])
def test_no_room_to_make_code_anew(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near the end of the host's stack, code for other arguments cannot be made: a limit, no crash."""
    runtime = Runtime()
    runtime.context.heat.after = 1
    assert runtime.run(f"(define (g x) (* x 2)) (define (h a b) (+ a b)) {first}").ok

    def full(*_: object) -> None:
        raise RecursionError

    with monkeypatch.context() as patched:
        patched.setattr(hot._Procedure, "_body", full)
        error = runtime.run(first.replace("2", "'x")).error
        assert error is not None and error.code == "depth-limit"
    again = runtime.run(first.replace("2", "'x")).error
    assert again is not None and again.code == "wrong-type"


DOUBLED = " ".join(f"(x{n + 1} (+ x{n} x{n}))" for n in range(100))
TURNED = " ".join(f"v{n}" for n in range(4000))
HANDED = [(f"(v{n + 1} 1)", f"(set! v{n + 1} v{n})") for n in reversed(range(900))]
HELD, HANDED_ON = (" ".join(column) for column in zip(*HANDED, strict=True))
LABOURED = {  # programs of few steps that take long to look through
    "sums of sums": f"(define (f x0) (let* ({DOUBLED}) x100)) (map f '(1 2 3))",
    "sums of sums in a loop": f"(let loop ((x0 0)) (if (> x0 5) 'end (let* ({DOUBLED}) (loop (+ 1 x100)))))",
    "quotients of quotients": f"(define (f x) {'(quotient ' * 50}x{' 2)' * 50}) (map f '(1 2 3))",
    "variables handed on": f"(define (f v0) (let ({HELD}) (set! v0 1.5) {HANDED_ON} v9)) (map f '(1 2 3))",
    "many variables": f"(let loop ((i 0) {TURNED.replace('v', '(v').replace(' ', ' 1.5) ')} 's))"
    f" (if (> i 5) i (loop (+ i 1) {TURNED[3:]} v0)))",
}


@pytest.mark.parametrize("program", LABOURED.values(), ids=LABOURED)
def test_making_hot_code_takes_no_longer_than_running_it(program: str) -> None:
    begun = time.process_time()
    same([program])
    assert time.process_time() - begun < 5


# -- programs that nobody wrote

NAMES = ("a", "b", "c")
ATOMS = st.sampled_from(
    [
        *("0", "1", "2", "-7", "3.5", "0.0", "1e308", "600000000", "(expt 2 600)", "#t", "#f", "nil", "'()"),
        *('"s"', "'x", "'(1 2)", "'(1 2.5 -3 #t)", "(cons 1 (cons 2 '()))", "(cdr '(1 2 3))", "'(1 . 2)"),
        *('{"k" 1}', "d", *NAMES),
    ]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Forms around forms."""
    two = st.sampled_from(
        [
            *(
                "+",
                "-",
                "*",
                "/",
                "<",
                "=",
                ">=",
                "modulo",
                "quotient",
                "remainder",
                "cons",
                "equal?",
                "list",
            ),
            *("max", "min", "nth", "get", "append", "r", "apply +", "dict :k"),
            *("string-append", 'string-append "ab"'),
        ]
    )
    one = st.sampled_from(
        [
            *(
                "not",
                "null?",
                "car",
                "cdr",
                "cadr",
                "even?",
                "zero?",
                "abs",
                "length",
                "inc",
                "floor",
                "sqrt",
            ),
            *("round", "sin", "reverse", "number->string", "f", "g", "r", "apply r"),
        ]
    )
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
        st.builds('(case {} ((x s) {}) (("s") {}) (else 0))'.format, inner, inner, inner),
        st.builds("(filter (lambda (c) {}) (list 1 {} {}))".format, inner, inner, inner),
        st.builds("(reduce (lambda (b c) {}) {} (list 1 {} 2))".format, inner, inner, inner),
        st.builds("(fold (lambda (b c) {}) {} (list {} 1.5))".format, inner, inner, inner),
        st.builds("(begin (for-each (lambda (c) (set! b {})) (list {} 1)) b)".format, inner, inner),
        st.builds(
            "(let walk ((l {}) (m '())) (if (null? l) (reverse m) (walk (cdr l) (cons {} m))))".format,
            inner,
            inner,
        ),
        st.builds(
            "(let walk ((l {}) (n 0)) (if (pair? l) (walk (cdr l) (+ n (car l))) (list n {})))".format,
            inner,
            inner,
        ),
        st.builds(
            "(let ((n 0) (m {})) (while (< n 3) (set! n (+ n 1)) (set! m {})) (list n m))".format,
            inner,
            inner,
        ),
        st.builds("(map (lambda (c) (+ c {})) {})".format, inner, inner),
        st.builds('(update {} "a" (lambda (c) {}))'.format, inner, inner),
        st.builds('(update (dict "a" {} "b" b) "a" (lambda (c) (list c {})))'.format, inner, inner),
        st.builds('(string-append "s-" {} (string-upcase {}))'.format, inner, inner),
        st.builds("(if (> {} 1) (* a {}) (+ a b 1))".format, st.sampled_from(NAMES), inner),
        st.builds('(dict-set (dict "a" {}) {} {})'.format, inner, st.sampled_from(['"k"', ":a", "a"]), inner),
        st.builds("(+ {} {} {})".format, inner, inner, inner),
        st.builds("(letrec ((k (lambda (n) (if (< n 1) {} (+ 1 (k (- n 1))))))) (k 3))".format, inner),
    )


FORMS = st.recursive(ATOMS, grown, max_leaves=14)


@settings(max_examples=300, deadline=None)
@given(forms=st.lists(FORMS, min_size=5, max_size=5), values=st.lists(ATOMS, min_size=1, max_size=5))
def test_generated_programs(forms: list[str], values: list[str]) -> None:
    f, g, h, r, again = forms
    definitions = (
        "(define a 1) (define b 2) (define d 7) (define c '(3 4))"
        f"(define (f a) {f}) (define (g b) {g}) (define (h a b) {h}) (define (r a . b) {r})"
    )
    calls = [f"(list (f {value}) (g {value}) (h {value} 2) (r {value}))" for value in values]
    again = f"(define (g b) {again}) (define d 2.5)"
    same([definitions, *calls, again, *calls], limits=NARROW)
