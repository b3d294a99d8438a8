"""Hostile programs: each ends in a value, an error or a limit of the language; nothing of the host shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.attacks import SUB_SIM, Range, outcome_of, report, run_in_processes
from lisppump.lispy import Limits, Runtime
from tests.conftest import ROOT

FRAME = {"tick": 41, "agents": {"ada": {"hp": 10}}, "log": [3, 1, 2], "__class__": "a text", "": "empty"}
LEAK = re.compile(
    r"0x[0-9a-f]{7,}|<(?:function|built-in|class|module|lambda|cell)\b| object at |Traceback|\.py\b|NoneType"
)
DOUBLED = "(define d (list 1)) (dotimes (i 45) (set! d (list d d)))"
LONG = '(define s (string-repeat "ab" 500000)) (define t (string-append (string-repeat "ab" 499999) "ab"))'
HISTORY = """(define d {}) (define h nil)
    (dotimes (i 7000) (set! d (dict-set d (number->string i) i)) (set! h (cons d h)))"""

LIMITS = {  # programs that end in this limit
    # loops, by whatever jumps
    "(define (f . args) (apply f args)) (f 1)": "step-limit",
    "((lambda (f) (f f)) (lambda (f) (f f)))": "step-limit",
    "(define fs (list (lambda () (g)))) (define (g) ((car fs))) (g)": "step-limit",
    "(while #t 1)": "step-limit",
    "(define (f a b c d e g h) (f b c d e g h a)) (f 1 2 3 4 5 6 7)": "step-limit",
    "(define (f) (eval '(+ 1 2)) (f)) (f)": "step-limit",
    '(define (f) (eval "(+ 1 2)") (f)) (f)': "step-limit",
    "(define (f) (call/cc (lambda (k) (k 1))) (f)) (f)": "step-limit",
    "(define (f) (match 3 (3 (f)) (_ 1))) (f)": "step-limit",
    "(define-macro (m) (let loop () (loop))) (m)": "step-limit",
    "(sort '(3 1 2) (lambda (a b) (let loop () (loop))))": "step-limit",
    "(define f not) (dotimes (i 26) (set! f (compose f f))) (f #t)": "step-limit",
    # what no try, handler or wind may swallow
    "(dotimes (i 100) (try (let loop () (loop)) (catch e 0)))": "step-limit",
    "(with-exception-handler (lambda (e) 0) (lambda () (let loop () (loop))))": "step-limit",
    "(dynamic-wind (lambda () 1) (lambda () (let loop () (loop))) (lambda () (let loop () (loop))))":
        "step-limit",
    "(try (make-list 100001 0) (catch e 0))": "size-limit",
    "(try (expt 10 100000) (catch e 0))": "integer-limit",
    '(try (string-repeat "x" 2000000) (catch e 0))': "string-limit",
    # large integers, each found out before it is made
    "(expt 9 (expt 9 (expt 9 9)))": "integer-limit",
    "(product (make-list 100000 (expt 7 3000)))": "integer-limit",
    "(arithmetic-shift 1 1000000000000)": "integer-limit",
    "(apply lcm (map (lambda (i) (+ (expt 3 3000) i)) (range 99)))": "integer-limit",
    # texts and containers
    '(string-replace (string-repeat "a" 100000) "a" (string-repeat "b" 1000))': "string-limit",
    '(string-join (make-list 100000 (string-repeat "ab" 100)) "")': "string-limit",
    '(string-pad-left "x" 1000000000000)': "string-limit",
    '(json-encode (make-list 99999 (string-repeat "ab" 500000)))': "string-limit",
    "(json-encode (make-list 90000 (expt 7 4900)))": "string-limit",
    "(make-list 99999 (string-repeat \"ab\" 5000))": "string-limit",
    f"{DOUBLED} (display d)": "string-limit",
    f"{DOUBLED} (error d)": "string-limit",
    f"{DOUBLED} (json-encode d)": "string-limit",
    f"{LONG} (dict s 1)": "string-limit",
    f"{LONG} (frequencies (list s t s t))": "string-limit",
    f"{LONG} (json-parse (string-append \"{{\\\"\" (substring s 0 9000) \"\\\": 1}}\"))": "string-limit",
    '(json-encode (let loop ((i 0) (d 1)) (if (< i 250) (loop (+ i 1) (list d)) (make-list 99999 d))) 8)':
        "string-limit",
    f"{HISTORY} (for-each (lambda (d) (keys d)) h)": "allocation-limit",
    "(define r (range 9000)) (dotimes (i 900) (zip r r r r))": "step-limit",
}  # fmt: skip

VALUES = {  # programs whose values these are, at a price
    f"{LONG} (equal? s t)": "#t",
    f"{LONG} (= s t)": "#t",
    f"{LONG} (contains? s nil)": None,
    f"{LONG} (member s '())": "#f",
    f"{LONG} (index-of (list s) t)": "0",
    f"{LONG} (length (unique (list s t s)))": "1",
    f"{LONG} (case t ((\"a\") 1) (else 2))": "2",
    "(member (expt 7 4900) '())": "#f",
    f"{DOUBLED} (equal? d d)": "#t",
    f"{HISTORY} (length h)": "7000",
}  # fmt: skip


USES = [
    '(get V "__globals__")', "(car V)", "(keys V)", "(+ 1 V)", '(string-append "" V)', "(symbol->string V)",
    "(json-encode V)", "(sort (list V V))", "(number->string V)", "(V V)", "(->string V)", "(display V)",
    "(list V)", '(format "~a ~s {} %s" V V)', "(error V)", "(raise V)", "(source V)", "(describe V)",
    "(type-of V)", "V",
]  # fmt: skip


def strict(source: str, **more: Any) -> Any:
    """What comes of a program of which nothing of the host may show."""
    runtime = Runtime(state=FRAME, allow={"state"}, **more)
    result = runtime.run(source)
    error = result.error
    said = "" if error is None else f"{error.message} {error.help} {error.diagnostic()} {error.trace}"
    assert not LEAK.search(f"{result.text} {result.output} {said}")
    assert error is None or error.category != "defect"
    return result


@pytest.mark.parametrize("source", LIMITS)
def test_it_ends_in_a_limit(source: str) -> None:
    result = strict(source, limits=Limits(steps=2_000_000))
    assert result.error is not None
    assert (result.error.category, result.error.code) == ("limit", LIMITS[source])


@pytest.mark.parametrize("source", VALUES)
def test_it_has_a_value_after_all(source: str) -> None:
    result = strict(source)
    assert VALUES[source] in (None, result.text)


def test_what_agents_posted_as_attacks_ends_as_it_should(shared_data: Path) -> None:
    """All of them, in two processes whose strings hash differently; how long each takes is for people."""
    runs = run_in_processes(shared_data)
    assert [len(ended) for ended in runs] == [235, 235]
    for first, second in zip(*runs, strict=True):
        assert first.text == second.text, first.id
        for one in (first, second):
            assert [fault for fault in one.faults if not fault.endswith(" s")] == [], one.id
    assert report(runs, False)[0].startswith("235 programs")


def test_a_benchmark_tells_the_tally() -> None:
    """An outcome that differs is seen."""
    place = Range({"frame": FRAME, "leak": "leak", "probe": "(+ 1 2)", "probe_equals": 3})
    case = {"id": "x", "category": "y", "source": "(car '())", "expect": "value", "also": [], "mode": "plain",
            "max_s": 60, "max_rss_mb": 60_000}  # fmt: skip
    ended = place.case(case)
    assert (ended.outcome, ended.faults) == ("error", ("ends as error, not value",))
    assert place.case({**case, "expect": "error"}).faults == ()
    assert place.case({**case, "source": "(+ 1 2)", "equals": [4]}).faults == ("is 3",)


@pytest.mark.parametrize("depth", [3, 4])
def test_sub_simulations_are_simulations_of_one_tick(depth: int) -> None:
    runtime = Runtime()
    runtime.run(SUB_SIM)
    source = "7"
    for _ in range(depth):
        source = f'(sub-sim "x" {source})'
    result = runtime.run(source)
    assert outcome_of(result) == ("value" if depth == 3 else "limit")


# -- names, texts and syntax


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200b", "\u00ad", "\x00"])
def test_what_cannot_be_seen_is_no_part_of_a_name(mark: str) -> None:
    """A program that reads differently from what it is."""
    for source in (f"(define {mark}evil 1)", f"(define ev{mark}il 1)", f"(quote a{mark})"):
        result = strict(source)
        assert result.error is not None and result.error.category == "syntax", source
    assert strict(f'(string-length "a{mark}b")').value == 3


@pytest.mark.parametrize(
    "text",
    [
        "{0.__class__}",
        "%s%n%p",
        "'); __import__('os')#",
        "\\x00",
        "${HOME}",
        "'''",
        '\\"',
        "{{}}",
        "é\U0001f600",
    ],
)
def test_a_text_is_what_it_is(text: str) -> None:
    result = strict(f'(define (f s) (string-append s "")) (f {json.dumps(text)})')
    assert result.value == text


@pytest.mark.parametrize(
    "name",
    ["__class__", "__builtins__", "open", "getattr", "globals", "os", "sys", "self", "run", "meter",
     "TAIL", "vars",
     "breakpoint", "compile", "exec", "type", "object", "print_", "__import__", "k_empty"],
)  # fmt: skip
def test_a_name_of_the_host_is_nobodys(name: str) -> None:
    for source in (name, f'({name} "os")', f"(define (f) {name}) (f)", f"(set! {name} 1)"):
        result = strict(source)
        assert result.error is not None and result.error.code == "unbound"
    assert strict(f"(define {name} 5) (define (f {name}) (+ 1 {name})) (list {name} (f 1))").value == [5, 2]


@pytest.mark.parametrize(
    "value", ["car", "(lambda (x) x)", "(compose car cdr)", "(memoize car)", "frame", "(list car)"]
)
@pytest.mark.parametrize("use", USES)
def test_what_is_no_data_shows_nothing_of_the_host(value: str, use: str) -> None:
    strict(use.replace("V", value))


# -- other runs


def test_nothing_of_a_run_is_in_another() -> None:
    first = Runtime(state=FRAME, allow={"state"})
    first.run("(define (car x) 666) (define (+ . all) 666) (define secret 5) (define frame 7)")
    first.run("(define q '(3 1 2)) (sort q) (let loop () (loop))")
    second = Runtime(state=FRAME, allow={"state"})
    probe = "(list (+ 1 2) (car '(7)) (get frame \"tick\") (reduce + 0 (map (lambda (x) (* x x)) '(1 2))))"
    assert second.run(probe).value == [3, 7, 41, 5]
    assert second.run("secret").error.code == "unbound"
    assert FRAME["log"] == [3, 1, 2]


def test_everything_a_program_starts_shares_its_budget() -> None:
    spin = "(let loop ((i 0)) (if (< i 40000) (loop (+ i 1)) i))"
    for source in (
        f"(dotimes (i 100) (eval '{spin}))",
        f'(dotimes (i 100) (eval "{spin}"))',
        f"(sort (range 100) (lambda (a b) {spin} (< a b)))",
        f"(define-macro (m) {spin}) (dotimes (i 100) (eval '(m)))",
        f"(dotimes (i 100) (simulation :initial-state {{}} :step (lambda (s t) {spin} s) :max-ticks 1 "
        ":observables '()))",
        f"(map (memoize (lambda (i) {spin})) (range 100))",
        f"(dotimes (i 100) (try (begin {spin} (error 1)) (catch e {spin})))",
        f"(dotimes (i 100) (with-output-to-string (lambda () {spin})))",
    ):
        result = strict(source, limits=Limits(steps=1_000_000))
        assert result.error is not None and result.error.code == "step-limit", source
        assert result.usage["steps"] <= 1_000_000


def test_a_message_is_as_long_as_the_limit_lets_it_be() -> None:
    result = Runtime(limits=Limits(message=60)).run('(error (string-repeat "ab" 900))')
    assert result.error is not None and len(result.error.message) == 60
    result = Runtime().run('(error (string-repeat "ab" 900))')
    assert result.error is not None and len(result.error.message) == 500


# -- the same in any process


PROCESS = """
import json, sys
from lisppump.lispy import Limits, Runtime
for source in json.load(sys.stdin):
    state = {"b": 1, "a": {"y": 1, "x": 2}}
    result = Runtime(state=state, allow={"state"}, limits=Limits(steps=300_000)).run(source)
    error = result.error
    error = error and [error.code, error.message, error.help, error.diagnostic()]
    print(json.dumps([result.text, result.output, error, result.usage]))
"""


def test_transcripts_and_attacks_end_the_same_in_any_process() -> None:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "language").glob("*.lisp"))]
    sources = [*texts, *LIMITS, *VALUES]
    outcomes = []
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", PROCESS], input=json.dumps(sources), cwd=ROOT, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}, capture_output=True,
        )  # fmt: skip
        outcomes.append(done.stdout.splitlines())
    assert len(outcomes[0]) == len(sources)
    assert outcomes[0] == outcomes[1]
