"""What no transcript can say: names that have to exist, the host's stack, the same run in other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lisppump.lispy import LispyError, Runtime, library, read
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS as TABLE
from tests.lispy.transcripts import FOLDER, entries

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = """
    + - * / // % mod modulo remainder quotient abs min max floor ceil ceiling round truncate sqrt exp
    log log2 sin cos tan atan pow expt pi e gcd lcm clamp sum product mean median even? odd? zero?
    positive? negative? number? integer? number->string string->number exact->inexact inc dec add1 sub1
    list car cdr first second third rest last caar cadr cdar cddr caddr cdddr cons append reverse length
    nth list-ref list-tail list-set slice range iota zip flatten flat-map filter-map map filter remove
    reduce fold-left fold foldl fold-right for-each any every any? every? all? find find-index index-of
    count member member? contains? assoc assq assoc-ref unique distinct dedupe remove-duplicates union
    intersection difference list->set sort sort-by group-by partition frequencies take drop take-right
    drop-right take-while drop-while take-last list->string apply compose partial identity constantly
    complement pipe dict make-dict get dict-get dict-ref get-in dict-set assoc dissoc update update-each
    dict-merge merge keys values entries dict->list has-key? dict-map dict-filter dict? hash-ref
    hash-set hash-keys hash-values string-append concat string string-length substring string-ref
    string-split split words lines string-upcase string-downcase string-trim trim string-replace
    string-contains? string-contains string-index string-find string-repeat string->list string=?
    string<? string-empty? char-alphabetic? char-numeric? format join string-join symbol->string
    string->symbol ->string regex-match regex-match-all regex-replace string-prefix? string-suffix?
    starts-with? ends-with? null? nil? pair? list? dict? string? symbol? keyword? boolean? procedure?
    empty? equal? eqv? eq? type-of json-parse json-encode json-dump read-string write-string display
    print println write newline random random-int random-choice random-shuffle set-random-seed! now
    now-iso gensym eval error raise rb-state rb-agent rb-soul rb-channels rb-trending rb-frame rb-echo
    rb-echoes frame agents describe apropos source capabilities limits usage seconds minutes tokens
    dollars
"""
FORMS = """
    quote quasiquote unquote unquote-splicing if cond case when unless and or define set! lambda fn λ
    let let* letrec begin do define-macro defmacro defun while dotimes -> ->> try guard assert
"""
NESTINGS = {
    "plain": "(+ 1 (f (- n 1)))",
    "apply": "(+ 1 (apply apply (list apply (list apply (list f (list (- n 1)))))))",
    "map": "(+ 1 (car (map f (list (- n 1)))))",
    "map over lists": "(begin (map map (list map) (list (list f)) (list (list (list (- n 1))))) n)",
    "map apply": "(+ 1 (car (map apply (list f) (list (list (- n 1))))))",
    "reduce": "(+ 1 (reduce (lambda (a b) (f (- n 1))) 0 '(1)))",
    "sort": "(begin (sort '(2 1) (lambda (a b) (f (- n 1)) #t)) n)",
    "compose": "(+ 1 ((compose apply) f (list (- n 1))))",
    "partial": "(+ 1 ((partial apply apply) (list f (list (- n 1)))))",
    "memoize": "(+ 1 ((memoize (memoize f)) (- n 1)))",
    "complement": "(begin ((complement (complement f)) (- n 1)) n)",
    "update": '(begin (update {} "k" (lambda (old) (f (- n 1)))) n)',
    "try": "(+ 1 (try (f (- n 1)) (catch e 0)))",
    "eval": "(+ 1 (eval (list 'f (- n 1))))",
    "call/cc": "(+ 1 (call/cc (lambda (k) (f (- n 1)))))",
    "call/cc left": "(+ 1 (call/cc (lambda (k) (k (f (- n 1))))))",
    "dynamic-wind": "(+ 1 (dynamic-wind void (lambda () (f (- n 1))) void))",
    "exception handler": "(+ 1 (with-exception-handler (lambda (e) 0) (lambda () (f (- n 1)))))",
    "funcall": "(+ 1 (funcall f (- n 1)))",
    "funcall of many": "(+ 1 (funcall (lambda (a b c) (f a)) (- n 1) 2 3))",
    "values": "(+ 1 (call-with-values (lambda () (values (f (- n 1)) 2)) (lambda (a b) a)))",
    "case-lambda": "(+ 1 ((case-lambda ((a) a) ((a b) (f a))) (- n 1) 2))",
    "optional": "(+ 1 ((lambda (a &optional (b (f (- n 1)))) b) 1))",
    "match": "(match n ((? (lambda (x) (f (- x 1)))) 1) (_ 0))",
    "string-map": '(begin (string-map (lambda (c) (f (- n 1)) c) "a") n)',
    "output": "(begin (output-of (lambda () (f (- n 1)))) n)",
    "hash-ref": '(+ 1 (hash-ref {} "a" (lambda () (f (- n 1)))))',
    "hash-update": '(begin (hash-update {} "a" (lambda (x) (f (- n 1))) 0) n)',
    "merge-with": '(begin (merge-with (lambda (a b) (f (- n 1))) {"a" 1} {"a" 2}) n)',
    "delay": "(+ 1 (force (delay (f (- n 1)))))",
    "for": "(+ 1 (car (for/list ((x '(1)) (y '(2))) (f (- n 1)))))",
    "for/fold": "(+ 1 (for/fold ((a 0)) ((x '(1)) (y '(2))) (f (- n 1))))",
    "unique": "(begin (unique '(1 2) (lambda (a b) (f (- n 1)))) n)",
    "unwind": "(+ 1 (unwind-protect (f (- n 1)) n))",
    "handler": "(+ 1 (handler-case (f (- n 1)) (error (e) 0)))",
}
PROGRAM = """
import json, sys
from lisppump.lispy import Limits, LispyError, Runtime, library, read
from lisppump.lispy.builtins import load
from lisppump.lispy.forms import FORMS as TABLE
for program in json.load(sys.stdin):
    result = Runtime(limits=Limits(steps=200_000), seed=7).run(program)
    error = None if result.error is None else result.error.diagnostic()
    print(json.dumps([result.text, result.output, error, result.usage]))
"""


def in_a_process(programs: list[str], seed: str) -> list[str]:
    """What a process of its own makes of programs, a line for each."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, f"the process ended with {done.returncode}: {done.stderr[-500:]}"
    return done.stdout.splitlines()


def spoken() -> set[str]:
    """Every name that stands somewhere in the transcripts' programs."""
    found: set[str] = set()
    for path in FOLDER.glob("*.lisp"):
        for entry in entries(path):
            with suppress(LispyError):  # some cannot be read, which is what they show
                stack = read(entry.program)
                while stack:
                    node = stack.pop()
                    found.add(node.name or "")
                    stack.extend(node.items)
    return found


def test_every_builtin_and_every_form_is_in_a_transcript() -> None:
    tables = [*load().values(), *TABLE.values()]
    assert sorted({*(spec.name for spec in tables), *library.names()} - spoken()) == []


def test_every_name_of_the_library_has_a_value() -> None:
    runtime = Runtime()
    assert [name for name in LIBRARY.split() if not runtime.knows(name)] == []


@pytest.mark.parametrize("name", FORMS.split())
def test_every_form_is_described(name: str) -> None:
    assert "Example:" in Runtime().run(f"(describe '{name})").value


def test_no_way_of_recursion_outgrows_the_stack_of_the_host() -> None:
    programs = [f"(define (f n) (if (<= n 0) 0 {way})) (f 1000000)" for way in NESTINGS.values()]
    for way, line in zip(NESTINGS, in_a_process(programs, "1"), strict=True):
        assert json.loads(line)[2].startswith(("error[depth-limit]", "error[step-limit]")), way


def test_the_same_program_runs_the_same_in_any_process() -> None:
    programs = [entry.program for path in sorted(FOLDER.glob("*.lisp")) for entry in entries(path)]
    assert in_a_process(programs, "1") == in_a_process(programs, "77")


@pytest.mark.parametrize(
    "program",
    ["(first nil)", "(mod 1 0)", "(make-string -1)", "(floor/ 1 'a)", "(list->string 5)", "(isqrt -1)",
     "(exact-integer-sqrt -1)", "(vector->list 5)", "(subseq 5 1)", "(concatenate '(1) 2)", "(into {} 5)",
     "(hash-map 1)", "(number-sequence 'a 1)"],
)  # fmt: skip
def test_an_error_speaks_of_what_was_called(program: str) -> None:
    name = program[1:].split()[0]
    error = Runtime().run(program).error
    assert error is not None
    assert error.message.startswith(f"{name} ")


def test_an_alias_in_a_list_speaks_of_itself() -> None:
    error = Runtime().run("(map first '(()))").error
    assert error is not None
    assert error.message.startswith("first ")


def test_a_program_read_twice_is_the_same_program() -> None:
    program = "(define (f x) `(a ,x)) (list (f 1) (source f))"
    assert Runtime().run(program) == Runtime().run(program)
