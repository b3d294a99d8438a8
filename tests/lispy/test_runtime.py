"""The runtime: results, what stays between runs, meters, grants, calls from Python, errors as they read."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lisppump.lispy import (
    CapabilityError,
    LimitError,
    Limits,
    LispyError,
    Runtime,
    capabilities,
    elsewhere,
    scenario,
)
from lisppump.lispy.capabilities import State
from lisppump.lispy.reader import read
from lisppump.lispy.values import Primitive, Procedure
from tests.conftest import ROOT

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "lispy"
STATE = {
    "stats.json": {"n": 1},
    "agents.json": {"agents": {"ada": {"hp": 3}}},
    "memory/ada.md": "I remember.",
}


def code(program: str, runtime: Runtime | None = None) -> str | None:
    result = (runtime or Runtime()).run(program)
    return None if result.error is None else result.error.code


def test_a_result_has_everything() -> None:
    result = Runtime().run('(display "hi") (list 1 \'a)')
    assert (result.ok, result.value, result.text, result.output, result.error) == (
        True,
        [1, "a"],
        "(1 a)",
        "hi",
        None,
    )
    assert result.usage["steps"] > 0
    assert result.capabilities == ()


def test_an_empty_program_is_nil() -> None:
    assert Runtime().run(" ; nothing").text == "nil"


def test_definitions_stay_and_meters_do_not() -> None:
    runtime = Runtime(limits=Limits(steps=2000))
    assert runtime.run("(define (f n) (if (= n 0) 0 (f (- n 1)))) (f 500)").ok
    for _ in range(10):
        assert runtime.run("(f 1500)").ok
    assert code("(f 3000)", runtime) == "step-limit"
    assert runtime.run("(f 1)").ok


@pytest.mark.parametrize("wrong", ["(string-apend 5)", '(rb-state "stat")', "(simulation :stepp 1)"])
def test_help_is_looked_for_when_it_is_read(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for module, function in ((elsewhere, "instead"), (capabilities, "suggest"), (scenario, "suggest")):
        monkeypatch.setattr(module, function, lambda word, *known: asked.append(word) or "this")
    runtime = Runtime(state=STATE, allow={"state"})
    result = runtime.run(f"(dotimes (i 100 'done) (try {wrong} (catch e 1)))")
    assert result.value == "done"
    assert not asked
    error = runtime.run(wrong).error
    assert error is not None
    assert error.help is not None
    assert len(asked) == 1


def test_output_before_an_error_is_kept() -> None:
    result = Runtime().run('(display "a") (car 5)')
    assert result.output == "a"
    assert not result.ok


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.lisp")), ids=lambda path: path.stem)
def test_errors_read_as_they_should(path: Path) -> None:
    result = Runtime(state=STATE).run(path.read_text("utf-8"), path.name)
    assert result.error is not None
    text, golden = result.error.diagnostic() + "\n", path.with_suffix(".txt")
    if os.environ.get("LISPPUMP_WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), f"not {golden.name}; LISPPUMP_WRITE_GOLDEN=1 writes it"


@pytest.mark.parametrize(
    ("program", "usage"),
    [
        ("(first)", "(first list)"),
        ("(map car '(1) '(2))", "(car list)"),
        ("(apply car '(1 2))", "(car list)"),
        ("(define (f) (car)) (f)", "(car list)"),
        ("(chunk 1)", "(chunk n items)"),
        ("(define (f a . b) a) (f)", "(f a . b)"),
        ("(define f (lambda (a b) a)) (f 1)", "(f a b)"),
        ("(define f (lambda (a (b 2)) a)) (f 1 2 3)", "(f a (b 2))"),
        ("(define (f a &optional (b 2) &key c) a) (f 1 2 :d 3)", "(f a &optional (b 2) &key c)"),
        ("(defn f [{:keys [a]} [b c]] a) (f)", "(f {:keys [a]} [b c])"),
        ("(define-macro (m a b) a) (m 1)", "(m a b)"),
        ("(let loop ((i 0) (j 1)) (loop))", "(loop i j)"),
        ("(letrec ((f (lambda (a) a))) (f))", "(f a)"),
        ("((lambda (a) a))", None),
        ("((compose car))", None),
        ("(eval '((lambda (a) a)))", None),
    ],
)
def test_a_wrong_count_shows_how_the_call_is_written(program: str, usage: str | None) -> None:
    for after in (1, 1000):
        runtime = Runtime()
        runtime.context.heat.after = after
        error = runtime.run(program).error
        assert error is not None
        assert (error.code, error.help) == ("wrong-arity", usage and f"usage: {usage}")


def test_state_needs_its_grant() -> None:
    assert code('(rb-state "stats")', Runtime(state=STATE)) == "not-granted"
    assert code("frame", Runtime(state=STATE)) == "not-granted"
    assert code("frame", Runtime(allow={"state"})) == "not-granted"
    assert Runtime(state=STATE).run("(try frame (catch e 1))").value == 1
    result = Runtime(state=STATE, allow={"state"}).run(
        '(list (get-in frame \'(stats n)) (get (first agents) "id"))'
    )
    assert result.value == [1, "ada"]
    assert result.capabilities == ("state",)


def test_a_program_may_bind_the_names_of_the_state() -> None:
    assert Runtime().run("(define (f frame) frame) (f 3)").value == 3
    assert Runtime().run("(define agents '(1)) (first agents)").value == 1


def test_documents_by_name() -> None:
    state = State(STATE, frame=7)
    assert state.document("stats") is state.document("stats.json") is STATE["stats.json"]
    assert state.document("memory/ada") == "I remember."
    assert state.frame()["stats.json"] is state.frame()["stats"] is STATE["stats.json"]
    assert list(state.frame()) == ["stats", "agents", "memory/ada"]
    assert state.agents() == [{"id": "ada", "hp": 3}]
    with pytest.raises(LispyError) as caught:
        state.document("stat.json")
    assert caught.value.code == "no-document"
    assert caught.value.help == "did you mean `stats.json`?"


def test_a_folder_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "stats.json").write_text('{"n": 2}')
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "ada.md").write_text("I remember.")
    (tmp_path / ".hidden.json").write_text("{}")
    runtime = Runtime(state=tmp_path, allow={"state"})
    program = (
        '(list (rb-state "stats" "n") (map (lambda (l) (get l :a)) (rb-state "log.jsonl")) (rb-soul "ada"))'
    )
    assert runtime.run(program).value == [2, [1, 2], "I remember."]
    assert runtime.run("(sort (keys frame))").value == ["log", "memory/ada", "stats"]


def test_real_state(shared_data: Path) -> None:
    runtime = Runtime(state=shared_data / "rappterbook" / "state", allow={"state"})
    assert runtime.run("(length agents)").value == 137


def test_procedures_are_called_with_a_run_of_their_own() -> None:
    runtime = Runtime()
    runtime.evaluate("(define (f x) (* 2 x)) (define (g) (get-in frame '(stats n))) (define (spin) (spin))")
    f, g, spin = (runtime.globals.cell(name).value for name in ("f", "g", "spin"))
    assert isinstance(f, Procedure)
    assert runtime.call(f, [4]) == 8
    assert runtime.call(g, state=STATE, allow={"state"}) == 1
    with pytest.raises(CapabilityError):
        runtime.call(g)
    with pytest.raises(LimitError):
        runtime.call(spin, limits=Limits(steps=100))
    with pytest.raises(LispyError) as caught:
        runtime.call(f, [])
    assert caught.value.message == "f takes 1 argument, got 0"


def test_a_call_inside_a_call_leaves_the_outer_run_as_it_was() -> None:
    runtime = Runtime(seed=1)
    runtime.evaluate("(define (inner) (display 1) (random)) (define (outer f) (list (f) (usage) (now-iso)))")
    inner, outer = (runtime.globals.cell(name).value for name in ("inner", "outer"))
    back = Primitive("back", lambda: runtime.call(inner, seed=5, limits=Limits(steps=1000)), 0, 0)
    found = runtime.call(outer, [back], now="2026-01-01T00:00:00Z")
    assert found[0] == runtime.call(inner, seed=5)
    assert found[1]["output"] == 0
    assert found[2] == "2026-01-01T00:00:00Z"


def test_evaluate_takes_texts_and_nodes_and_raises() -> None:
    runtime = Runtime()
    assert runtime.evaluate("(+ 1 2)") == 3
    assert runtime.evaluate(read("(* 2 3)", "file.lisp")[0]) == 6
    with pytest.raises(LispyError):
        runtime.evaluate("(car 1)")
    with pytest.raises(LimitError) as caught:
        runtime.evaluate("(define (f) (+ 1 (f))) (f)")
    assert caught.value.code == "depth-limit"


def test_known_and_unresolved_names() -> None:
    runtime = Runtime()
    runtime.define("x", [1])
    runtime.evaluate("(define (f) (lenght x)) (define (g) (f))")
    assert [runtime.knows(name) for name in ("x", "f", "map", "frame", "lenght")] == [
        True,
        True,
        True,
        True,
        False,
    ]
    ((name, error),) = runtime.unresolved()
    assert (name, error.code, error.help) == ("lenght", "unbound", "did you mean `length`?")


def test_the_host_is_left_as_it_was() -> None:
    before = sys.getrecursionlimit()
    Runtime().run("(define (f n) (if (= n 0) 0 (+ 1 (f (- n 1))))) (f 10000)")
    code("(define (f) (+ 1 (f))) (f)")
    assert sys.getrecursionlimit() == before


def test_deep_recursion_in_a_thread() -> None:
    found: list[object] = []
    program = "(define (f n) (if (= n 0) 0 (+ 1 (first (map f (list (- n 1))))))) (f 5500)"
    thread = threading.Thread(target=lambda: found.append(Runtime().run(program).value))
    thread.start()
    thread.join()
    assert found == [5500]


def test_the_wall_clock_ends_a_run() -> None:
    assert code("(let loop () (loop))", Runtime(limits=Limits(seconds=0.0))) == "time-limit"


@pytest.mark.parametrize(
    "program",
    [
        "(eval SHARED)",
        "(define-macro (m) SHARED) (m)",
        '(define-macro (m) (list \'quote (dict "k" SHARED))) (m)',
        "(eval (list 'quote (cons SHARED 1)))",
    ],
)
def test_what_data_shares_is_paid_for_as_often_as_a_program_has_it(program: str) -> None:
    shared = "(let loop ((x 1) (i 0)) (if (< i 60) (loop (list 'list x x) (+ i 1)) x))"
    runtime = Runtime(limits=Limits(steps=50_000))
    assert code(program.replace("SHARED", shared), runtime) == "step-limit"
    runtime = Runtime(limits=Limits(allocation=500_000))
    assert code(program.replace("SHARED", shared), runtime) == "allocation-limit"


PROGRAMS = ("(let loop () (loop))", "(while #t 1)", "(do ((i 0 (+ i 1))) ((< i 0)))")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_limit_met_in_a_loop_is_shown_there(program: str) -> None:
    error = Runtime(limits=Limits(steps=1000)).run(f"(define x 1)\n{program}", "<program>").error
    assert error is not None
    assert error.span is not None
    assert (error.code, error.span.line) == ("step-limit", 2)


def test_seeds_and_clock() -> None:
    throw = "(list (random-int 1000000) (random))"
    assert Runtime(seed=7).run(throw).text == Runtime(seed=7).run(throw).text
    assert Runtime(seed=7).run(throw).text != Runtime(seed=(7, "ada")).run(throw).text
    assert Runtime(seed=(1, 23)).run(throw).text != Runtime(seed=(12, 3)).run(throw).text
    assert Runtime(now="2026-04-09T00:00:00Z").run("(now-iso)").value == "2026-04-09T00:00:00Z"


def test_the_same_everywhere() -> None:
    script = (
        "from lisppump.lispy import Runtime\n"
        'r = Runtime(seed=3).run("(display (random-int 100)) (foo (group-by even? (range 9)))")\n'
        "print(r.output, r.usage, r.error.diagnostic())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "77")
    }  # fmt: skip
    assert len(outputs) == 1


@pytest.mark.parametrize(
    "program",
    [
        "(+ 1 2)", "(define (f n) (if (= n 0) 0 (f (- n 1)))) (f 9)",
        "(let loop ((i 0)) (if (< i 9) (loop (+ i 1))))",
        "(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1))))) (define c (counter)) (c)",
        "(define-macro (twice x) `(* 2 ,x)) (twice 2)", "(tally '(1 2 1))", "(define (f) (g)) (f)",
        '(try (error "x") (catch e e))', "(eval '(define x 1))", "(define (when x) x) (when 1)",
    ],
)  # fmt: skip
def test_what_is_thrown_away_is_gone_at_once(program: str) -> None:
    """A thousand programs leave nothing that Python would have to search for."""
    Runtime().run(program)  # makes what stays, like the forms of a definition of the library
    while gc.collect():
        pass  # what other tests left may leave something itself, like a loop that is closed only then
    gc.disable()
    try:
        Runtime().run(program)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_procedure_lives_on_without_its_runtime() -> None:
    define = "(define (f n) (if (= n 0) (g) (f (- n 1))))"
    value = Runtime().evaluate(f"{define} (define (g) (eval 'answer)) (define answer 42) f")
    gc.collect()
    assert value.call(100) == 42
    spare = Runtime()
    spare.load_source(define, "f.lisp")
    f, run = spare.globals.cell("f").value, spare.context
    del spare
    gc.collect()
    with pytest.raises(LispyError, match="g has no value"):
        run.apply(f, [3])


def host_calls(program: str) -> int:
    """How many functions of Python are called for a program, in a runtime of its own."""
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        made += event == "call"

    sys.setprofile(count)
    try:
        assert Runtime().run(program).ok
    finally:
        sys.setprofile(None)
    return made


ONCE = """
(define (score agent) (+ (* 3 (get agent "posts")) (get agent "karma")))
(define agents (list (dict "name" "ada" "posts" 4 "karma" 30) (dict "name" "bob" "posts" 1 "karma" 70)))
(define chosen (filter (lambda (a) (> (score a) 50)) agents))
(string-join (map (lambda (a) (get a "name")) chosen) ", ")
"""


def test_what_runs_once_takes_few_calls() -> None:
    """Each number is a tenth above what it takes to read, to compile and to run."""
    library = (ROOT / "lisp_lib" / "prelude.lisp").read_text("utf-8")
    for program, most in (("(+ 1 2)", 79), (ONCE, 715), (library, 1700 * len(library) / 1000)):
        host_calls(program)  # what only the first program pays
        assert host_calls(program + " ") <= most


def test_a_grant_that_nothing_here_gives_is_no_missing_grant() -> None:
    error = Runtime(allow={"web"}).run('(curl "https://example.org")').error
    assert error is not None
    assert (error.code, error.help) == ("not-granted", None)
    assert error.message == "the capability web was granted, but nothing here gives it"


@pytest.mark.parametrize(
    ("program", "help"),
    [
        ("0x1F", "write #x1F"),
        ("0b11", "write #b11"),
        ("@x", "nothing stands in a box here: x is the value itself, and set! changes it"),
        ('(.toUpperCase "a")', "(string-upcase text) and (string-downcase text)"),
        ("(.size 1)", "values have no methods: a call begins with a procedure, (f x)"),
        ("(Math/sqrt 4)", "did you mean `sqrt`?"),
        ('(open "f")', "there are no files; (rb-state document) reads a document of the frame"),
        ("(map #(* % 2) (list 1 2))", "#( ) is a list of data here; (lambda (x) ...) makes a procedure"),
        ('#{"a" "b"}', "(unique (list x ...)) is a list as a set, (member? x list) asks it"),
        ("#{:a :b}", "(unique (list x ...)) is a list as a set, (member? x list) asks it"),
        ("(let [[a b] [1 2]] b)", "square brackets call, too; write (list 1 2)"),
    ],
)
def test_what_other_lisps_write_is_met_with_what_there_is_here(program: str, help: str) -> None:
    error = Runtime().run(program).error
    assert error is not None and error.help == help


@pytest.mark.parametrize("program", ["(try (/ 1 0) (finally 1))", "(unwind-protect (/ 1 0) 1)"])
def test_a_backtrace_names_no_lambda_that_nobody_wrote(program: str) -> None:
    error = Runtime().run(program).error
    assert error is not None and error.code == "division-by-zero" and error.trace == ()


def test_an_interrupt_while_one_is_made_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever line: what is not there yet needs no letting go."""
    Runtime()
    ignored: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda said: ignored.append(str(said.exc_value)))
    before, stop = sys.gettrace(), 0
    while True:
        stop += 1
        left = stop

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal left
            left -= event == "line"
            if not left:
                left = -1
                raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            made = Runtime(state={}, allow={"state"})  # kept: to be let go of is another matter
        except KeyboardInterrupt:
            continue
        else:
            break
        finally:
            sys.settrace(before)
    assert made.run("1").ok and stop > 20
    gc.collect()
    assert ignored == []
