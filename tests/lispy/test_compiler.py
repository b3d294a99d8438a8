"""The compiler: scopes, tail calls, boxes and loops, on both sides of every decision the analysis makes."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.lispy import Limits, Runtime, compiler
from lisppump.lispy.analyser import FORMS, Analyser
from lisppump.lispy.calls import Code
from lisppump.lispy.reader import read
from lisppump.lispy.resolve import resolve
from lisppump.lispy.tree import Body, Lambda, Let, Loop, Tree

SPECS = sorted({spec.name: spec for spec in FORMS.values()}.values(), key=lambda spec: spec.name)


def text(program: str) -> str:
    result = Runtime().run(program)
    return result.text if result.error is None else result.error.code


def tree(program: str) -> Lambda:
    runtime = Runtime()

    def none(tree: Tree) -> None:
        raise AssertionError

    return resolve(Analyser(runtime.context, runtime.globals, none).program(read(program)[0]))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_example_of_a_form_holds(spec: object) -> None:
    sign = " ;=> " if " ;=> " in spec.example else " ;!> "  # type: ignore[attr-defined]
    program, wanted = spec.example.split(sign)  # type: ignore[attr-defined]
    if sign == " ;=> ":
        assert text(program) == wanted
    else:
        error = Runtime().run(program).error
        assert error is not None and error.code == wanted


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_form_is_documented(spec: object) -> None:
    assert spec.usage and spec.doc.endswith((".", "!"))  # type: ignore[attr-defined]


def test_a_named_let_is_a_loop_while_it_is_only_jumped_to() -> None:
    assert isinstance(tree("(let f ((i 0)) (if (< i 3) (f (+ i 1)) i))").body, Loop)
    nested = tree("(let f ((i 0)) (let g ((j 0)) (if (< j 3) (g (+ j 1)) (f i))))").body
    assert isinstance(nested, Loop)
    assert isinstance(nested.body, Loop)
    for program in (
        "(let f ((i 0)) (+ 1 (f i)))",
        "(let f ((i 0)) (lambda () (f i)))",
        "(let f ((i 0)) (map f (list i)))",
        "(let f ((i 0)) (f))",
        "(let f ((i 0)) (set! f 1) (f 2))",
        "(let f ((i 0)) (try (f i) (catch e 1)))",
    ):
        assert isinstance(tree(program).body, Let), program


def test_a_loop_left_from_inside_a_procedure_is_none() -> None:
    found = tree("(let f ((i 0)) (let g ((j 0)) (if (< j 3) (+ 1 (g j)) (f i))))").body
    assert isinstance(found, Let)
    assert isinstance(found.body, Body)
    assert (
        text("(let f ((i 0)) (if (= i 3) i (let g ((j 0)) (if (< j 3) (begin (g 3) (g 4)) (f (+ i 1))))))")
        == "3"
    )


def test_only_what_is_captured_and_changes_is_boxed() -> None:
    found = tree("(lambda (a b c d) (set! b 1) (set! c 2) (lambda () (list a c)))").body
    assert isinstance(found, Lambda)
    assert [variable.boxed for variable in found.parameters] == [False, False, True, False]


@given(st.integers(0, 6), st.integers(0, 6))
def test_boxes_and_slots_do_not_collide(outer: int, inner: int) -> None:
    program = f"""
        (let ((out '()))
          (dotimes (i {outer})
            (let* ((a i) (get-a (lambda () a)))
              (let loop ((j 0) (b (* 10 i)))
                (when (< j {inner})
                  (define c (+ a b j))
                  (set! a (+ a 1))
                  (set! out (cons (lambda () (list (get-a) b c j)) out))
                  (loop (+ j 1) (+ b 1))))))
          (map (lambda (p) (p)) (reverse out)))"""
    wanted = []
    for i in range(outer):
        wanted += [[i + inner, 10 * i + j, i + j + 10 * i + j + j, j] for j in range(inner)]
    assert Runtime().run(program).value == wanted


@pytest.mark.parametrize(
    "program",
    [
        "(let loop ((i 0)) (if (< i N) (loop (+ i 1)) i))",
        "(define (f i) (if (< i N) (f (+ i 1)) i)) (f 0)",
        "(define (f i) (cond ((< i N) (and #t (or #f (g (+ i 1))))) (else i)))"
        "(define (g i) (let ((j i)) (f j))) (f 0)",
        "((lambda (f) (f f 0)) (lambda (f i) (if (< i N) (begin 1 (f f (+ i 1))) i)))",
        "(define (f i) (if (< i N) (apply f (list (+ i 1))) i)) (f 0)",
    ],
)
def test_a_tail_call_keeps_nothing(program: str) -> None:
    runtime = Runtime()
    assert runtime.run(program.replace("N", "100")).value == 100
    tracemalloc.start()
    result = runtime.run(program.replace("N", "30000"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.value == 30000
    assert peak < 400_000


def test_steps_are_the_entries_and_turns() -> None:
    def steps(program: str) -> int:
        result = Runtime().run(program)
        assert result.ok
        return result.usage["steps"]

    loop = steps("(let f ((i 0)) (if (< i 10) (f (+ i 1)) 0))")
    procedure = steps("(define f nil) (set! f (lambda (i) (if (< i 10) (f (+ i 1)) 0))) (f 0)")
    assert procedure - loop == 2  # the two further forms of the top level
    assert steps("(while #f 1)") == steps("nil")


def test_a_rebound_builtin_is_seen_by_code_made_before() -> None:
    program = "(define (f a b) (+ a b)) (define before (f 5 3)) (set! + -) (list before (f 5 3))"
    assert text(program) == "(8 2)"
    assert text("(define (f x) (car x)) (define (car x) 'mine) (f '(1))") == "mine"


def test_library_code_keeps_the_originals() -> None:
    assert text('(define (map . x) \'broken) (pluck "a" \'({"a" 1}))') == "(1)"


def test_library_code_leaves_the_blame_with_its_caller() -> None:
    result = Runtime().run('(+ 1\n   (pluck "a" \'(5)))')
    assert result.error is not None
    assert result.error.span is not None
    assert (result.error.span.file, result.error.span.line) == ("<eval>", 2)


def test_expansion_cannot_go_on_for_ever() -> None:
    assert text("(define-macro (m x) `(m ,x)) (m 1)") == "syntax-depth-limit"
    assert text("(define-macro (m x) (m x)) (m 1)") in (
        "syntax-depth-limit",
        "bad-syntax",
        "depth-limit",
        "unbound",
    )
    limits = Limits(steps=1000)
    result = Runtime(limits=limits).run("(define-macro (m) (let f () (f))) (m)")
    assert result.error is not None
    assert result.error.code == "step-limit"


def test_an_error_from_a_macro_points_at_what_was_written() -> None:
    result = Runtime().run("(define-macro (m x) `(+ 1 ,x))\n(m\n  (car 5))")
    assert result.error is not None
    assert result.error.span is not None
    assert (result.error.span.line, result.error.span.column) == (3, 3)


def test_a_procedure_has_no_code_before_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    prologue = compiler._prologue

    def noted(tree: Lambda, body: Code) -> Code:
        made.append(tree.name)
        return prologue(tree, body)

    monkeypatch.setattr(compiler, "_prologue", noted)
    runtime = Runtime()
    assert runtime.run("(define (f x) (lambda () x)) (define (g) (undefined-yet)) f").ok
    assert made == []
    assert runtime.run("(f 1) (f 2) ((f 3))").text == "3"
    assert made == ["f", "lambda"]


def test_what_a_body_rebinds_is_known_before_it_is_called() -> None:
    runtime = Runtime()
    runtime.context.heat.after = 1
    assert runtime.run("(define (sum n) (+ n 1)) (sum 1) (sum 2)").text == "3"
    assert runtime.run("(define (spoil) (set! + -)) (sum 3)").text == "4"
    assert runtime.run("(spoil) (sum 3)").text == "2"


@pytest.mark.parametrize(
    "source",
    [
        f"(let* ({'(x (+ 1 1)) ' * 18_000}) x)",
        f"(lambda ({'(x 1) ' * 20_000}) x)",
        f"(begin {'(define x (+ 1 1)) ' * 10_000})",
    ],
    ids=["let*", "optional", "define"],
)
def test_a_long_form_is_gone_through_a_part_at_a_time(source: str) -> None:
    """Who looked at all that stands before each part would need minutes."""
    assert Runtime().run(source).ok


def test_let_star_binds_a_name_again_without_touching_who_saw_the_old_one() -> None:
    program = "(let* ((x 1) (f (lambda () x)) (x 2) (g (lambda () x)) (x 3)) (list (f) (g) x))"
    assert Runtime().run(program).value == [1, 2, 3]
