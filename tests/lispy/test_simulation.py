"""Simulations: laws, source, budgets, seals in both tiers, the same bytes in any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, LispyError, Runtime, read
from lisppump.lispy.calls import Closure
from tests.conftest import ROOT
from tests.lispy.bordering import Border

STEP = "(lambda (s t) (update s :n (+ (get s :n) t)))"


def sim(step: str = STEP, extra: str = "", state: str = '{"n" 0}', ticks: int = 3, seen: str = "(n)") -> str:
    """The text of a simulation."""
    return (
        f"(simulation :initial-state {state} :step {step} :max-ticks {ticks} :observables '{seen} {extra})"
    )


def value_of(program: str, runtime: Runtime | None = None) -> Any:
    """What a program gives."""
    result = (runtime or Runtime()).run(program)
    assert result.ok, result.error.diagnostic() if result.error else ""
    return result.value


def error_of(program: str, runtime: Runtime | None = None) -> LispyError:
    """The error a program ends with."""
    result = (runtime or Runtime()).run(program)
    assert result.error is not None, result.text
    return result.error


# -- laws

NUMBERS = st.integers(-20, 20)
STEPS = st.recursive(
    st.sampled_from(["t", "(get s :n)", "(get s :m)", "(random 10)", "rate", "(half t)"])
    | NUMBERS.map(str),
    lambda inner: st.tuples(st.sampled_from(["+", "-", "max", "min"]), inner, inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=5,
)
SEEDS = st.integers(-3, 3) | st.sampled_from(['"a"', "2.5"])
DEFINITIONS = "(define rate 3) (define (half x) (quotient x 2)) "


@st.composite
def simulations(draw: st.DrawFn) -> dict[str, str]:
    """The settings of some simulation."""
    agents = draw(st.dictionaries(st.sampled_from("abc"), STEPS, max_size=3))
    found = {
        "initial-state": f'{{"n" {draw(NUMBERS)} "m" {draw(NUMBERS)}}}',
        "step": f"(lambda (s t) (update s :n {draw(STEPS)}))",
        "max-ticks": str(draw(st.integers(0, 8))),
        "observables": draw(st.sampled_from(["'(n)", "'(n m)", "'()", "'(n absent)"])),
        "seed": str(draw(SEEDS)),
    }
    if draw(st.booleans()):
        found["until"] = f"(lambda (s t) (> (get s :n) {draw(NUMBERS)}))"
    if agents:
        programs = " ".join(
            f'"{who}" (lambda (s self) (let ((t 1)) {{"m" {program}}}))' for who, program in agents.items()
        )
        found["agents"] = f"{{{programs}}}"
    return found


def text_of(found: dict[str, str]) -> str:
    """The simulation with these settings."""
    return f"(simulation {' '.join(f':{key} {value}' for key, value in found.items())})"


@settings(deadline=None, max_examples=80)
@given(simulations())
def test_a_simulation_that_runs_again_comes_to_the_same(found: dict[str, str]) -> None:
    value = value_of(DEFINITIONS + text_of(found))
    assert len(value["trajectory"]) == value["ticks"] + 1
    stranger = Runtime()
    stranger.run("(define rate 100) (define (half x) 5) (define (get a b) 6) (define update list)")
    stranger.define("sim", json.loads(json.dumps(value)))
    assert value_of("(simulate sim)", stranger) == value
    assert value_of("(eval (json-parse (json-encode source)))", _with(source=value["source"])) == value
    assert value_of("(compare sim (simulate sim))", stranger) == {}


@settings(deadline=None, max_examples=80)
@given(simulations(), simulations(), st.data())
def test_a_fork_is_the_simulation_with_one_thing_changed(
    found: dict[str, str], other: dict[str, str], data: st.DataObject
) -> None:
    setting = data.draw(st.sampled_from(sorted(other)))
    changed = {**found, setting: other[setting]}
    program = (
        f"{DEFINITIONS} (define one {text_of(found)}) (define two {text_of(changed)})"
        f" (define three (fork one :{setting} {other[setting]}))"
        " (list (equal? two three) (compare two three) (compare one three) (compare one two))"
    )
    equal, none, apart, the_same = value_of(program)
    assert (equal, none) == (True, {})
    assert apart == the_same
    assert {*apart.get("changed", ())} <= {"definitions", setting}


def _with(**names: Any) -> Runtime:
    runtime = Runtime()
    for name, value in names.items():
        runtime.define(name, value)
    return runtime


# -- source

CARRIED = {
    "data": "(define rate 0.5) (define xs '(1 a \"b\" {\"c\" (1 2)}))"
    + sim("(lambda (s t) (update s :n (+ rate (length xs))))"),
    "captured": "(define (make rate) (define (fact n) (if (= n 0) 1 (* n (fact (- n 1)))))"
    + sim("(lambda (s t) (update s :n (+ rate (fact 5))))")
    + ") (make 0.25)",
    "mutual": "(define (even n) (if (= n 0) #t (odd (- n 1))))"
    "(define (odd n) (if (= n 0) #f (even (- n 1))))"
    "(define (step s t) (update s :n (even t)))" + sim("step"),
    "macros": "(define-macro (inc! x) `(+ ,x 1)) (define (times x) (* x 3))"
    "(defmacro m (x) (list '+ (times 2) x))"
    + sim("(lambda (s t) (update s :n (m (inc! (get s :n)))))"),
    "macros that speak of procedures": "(define (twice x) (* 2 x)) (defmacro m (x) (list 'twice x))"
    + sim("(lambda (s t) (update s :n (m t)))"),
    "a step that a macro made": "(defmacro make (x) `(lambda (s t) (update s :n ,x)))"
    + sim("(make (+ t 5))"),
    "a step that eval made": "(define step (eval '(lambda (s t) (update s :n `(a ,t ,@(list 1))))))"
    + sim("step"),
    "made procedures": "(define h (compose inc (partial + 10))) (define k (memoize (lambda (x) (h x))))"
    "(define z (complement even?))"
    + sim("(lambda (s t) (update s :n (if (z t) (k (get s :n)) (h ((constantly 1))))))"),
    "a builtin bound anew": "(define (get d k) (+ 1 (dict-get d k)))"
    + sim("(lambda (s t) (update s :n (get s :n)))"),
    "a form bound anew": "(define (when x) (* 2 x))" + sim("(lambda (s t) (update s :n (when t)))"),
    "a builtin's other name": "(define add +)" + sim("(lambda (s t) (update s :n (add 1 (get s :n))))"),
    "names that clash with ours": "(define (f list let) "
    + sim("(lambda (s t) (update s :n (apply + (if let list '()))))")
    + ") (f '(1 2) #t)",
    "names that clash": "(define (f x) (let ((g (let ((x 5)) (lambda () x)))) "
    + sim("(lambda (s t) (update s :n (+ x (g))))")
    + ")) (f 100)",
    "procedures that clash": "(define (a x)"
    " (define (fact n) (if (= n 0) x (* n (fact (- n 1))))) (lambda (z) (fact z)))"
    "(define f (a 1)) (define g (a 2))" + sim("(lambda (s t) (update s :n (+ (f t) (* 10 (g t)))))"),
    "procedures in data": "(define table {\"a\" (lambda (x) (if (= x 0) 1 ((get table \"a\") (- x 1))))})"
    + sim("(lambda (s t) (update s :n ((get table \"a\") t)))"),
    "procedures in the state": sim(
        "(lambda (s t) (update s :n ((get s :f) t)))",
        state="{\"n\" 0 \"f\" (lambda (x) (* x x)) \"l\" (list 'a inc)}",
    ),
    "every kind of data": sim(
        "(lambda (s t) (case t ((1) (update s :n 'a)) (else s)))",
        state="{\"n\" 'x \"k\" :key \"d\" '(1 . 2) \"g\" 1e300 \"neg\" -0.0 \"b\" #t \"nil\" nil \"e\" '() "
        "\"i\" (expt 7 300) \"t\" \"a\\\"\\n\\\\\" \"s\" (seconds 5) \"u\" \"\u00e9\U0001f680\"}",
    ),
    "the library": sim("(lambda (s t) (update s :n (sum-by inc (list t pi))))"),
    "curried and optional": "(define ((adder a) b) (+ a b)) (define a5 (adder 5))"
    + sim("(lambda (s &optional (t 7)) (update s :n (a5 t)))"),
    "as Clojure has it": "(defn f [x] (if (< x 3) (recur (+ x 1)) x))"
    + sim("(fn [s t] (update s :n (f t)))"),
    "a simulation in it": sim(
        f"(lambda (s t) (get {sim('(lambda (s t) (update s :n inc))', state='s', ticks=2)} :final-state))"
    ),
    "all settings": "(define limit 100)"
    + sim(
        extra=":until (lambda (s) #f) :seed \"x y\""
        ' :agents {"b" (lambda (s self) {"m" self}) "a" (lambda (s self) nil)}'
        ' :constitution {"tax" 1'
        ' "invariants" (list (list \'low "Says \\"low\\"." (lambda (s) (< (get s :n) limit))))}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CARRIED)
def test_the_source_has_all_that_it_reaches(name: str) -> None:
    value = value_of(CARRIED[name])
    source = json.loads(json.dumps(value["source"]))
    assert isinstance(source, str)
    again = Runtime().run(source)
    assert again.ok, (source, again.error)
    assert again.value == value


def test_the_source_is_what_was_written() -> None:
    program = "(define  (grow x) (+ x 1)) ; one more\n" + sim("(lambda (s t) ; so\n  (update s :n (grow t)))")
    assert value_of(program)["source"] == (
        "(let ()\n"
        "  (define  (grow x) (+ x 1))\n"
        "  (simulation\n"
        '    :initial-state {"n" 0}\n'
        "    :step (lambda (s t) ; so\n  (update s :n (grow t)))\n"
        "    :max-ticks 3\n"
        "    :observables '(n)\n"
        "    :seed 0))"
    )


def test_the_source_keeps_what_was_when_it_ran() -> None:
    program = f"(define rate 1) (define s {sim('(lambda (s t) (update s :n rate))')}) (set! rate 2)"
    program += "(list (equal? s (simulate s)) (get-in (simulate s) '(final-state n)))"
    assert value_of(program) == [True, 1]


def test_what_the_host_defines_is_carried() -> None:
    runtime = Runtime(definitions=lambda: read("(define rate 4) (define (grow x) (* rate x))", "policy.lisp"))
    value = value_of(sim("(lambda (s t) (update s :n (grow t)))"), runtime)
    assert value["final-state"] == {"n": 8}
    assert value_of("(simulate sim)", _with(sim=value)) == value


def test_what_no_text_can_say_has_no_source() -> None:
    for program in (
        "(define many (map ->string (range 90000)))" + sim("(lambda (s t) (update s :n (length many)))"),
        sim("(lambda (s t) s)", state='{"n" (string-repeat "x" 300000)}'),
        sim("(lambda (s t) s)", state='{"n" (string->symbol "a b")}'),
    ):
        runtime = Runtime()
        assert runtime.run(f"{program.replace('(simulation', '(define sim (simulation', 1)}) 1").ok
        assert value_of("(list (get sim :source) (get sim :ticks))", runtime) == [None, 3]
        error = error_of("(simulate sim)", runtime)
        assert (error.code, error.message) == (
            "bad-value", "simulate wants a simulation with its :source, and this has none"
        )  # fmt: skip


def test_the_text_of_a_simulation_is_read_once_in_a_run() -> None:
    runtime = Runtime()
    runtime.run(f"(define s {sim()})")
    one, two, three = (
        runtime.run(" ".join(["(simulate s)"] * times)).usage["steps"] for times in (1, 2, 3)
    )
    assert two - one == three - two


# -- seals, in both tiers

IMPURE = {
    "a global": "(define n 0) (define (touch t) (if (= t {at}) (set! n 1) 0))",
    "a variable of a closure": "(define touch (let ((n 0)) (lambda (t) (if (= t {at}) (set! n 1) 0))))",
    "through an inner closure": "(define touch (let ((n 0))"
    " (lambda (t) ((lambda () (if (= t {at}) (set! n 1) 0))))))",
    "in a loop": "(define touch (let ((n 0)) (lambda (t) (dotimes (i 3) (if (= t {at}) (set! n i) 0)))))",
    "by apply": "(define n 0) (define (change t) (if (= t {at}) (set! n 1) 0))"
    "(define (touch t) (apply change (list t)))",
}


@pytest.mark.parametrize("at", [0, 400])
@pytest.mark.parametrize("way", IMPURE)
def test_nothing_around_a_simulation_is_changed(way: str, at: int) -> None:
    runtime = Runtime()
    runtime.run(IMPURE[way].replace("{at}", str(at)))
    error = error_of(sim("(lambda (s t) (touch t) s)", ticks=500), runtime)
    assert error.code == "impure"
    assert error.message == f"tick {at}: n belongs to what is around the simulation, and cannot be set in it"
    assert error.span is not None and error.span.source.text[error.span.start : error.span.end] == "n"
    assert runtime.run(f"(touch {at})").ok


OWN = {
    "a counter": "(define (counter) (let ((n 0)) (lambda () (set! n (+ n 1)) n)))"
    "(define (touch t) (let ((c (counter))) (c) (c) (c)))",
    "a sum": "(define (touch t) (let ((n 0)) (for-each (lambda (x) (set! n (+ n x))) '(0 1 2)) n))",
    "a parameter": "(define (add n xs) (for-each (lambda (x) (set! n (+ n x))) xs) n)"
    "(define (touch t) (add 0 '(1 2)))",
    "a definition": "(define (touch t) (define n 0) (define (up) (set! n (+ n 1))) (up) (up) (up) n)",
    "a loop's": "(define (touch t)"
    " (let loop ((n 0)) (if (< n 3) (begin ((lambda () (set! n (+ n 1)))) (loop n)) n)))",
    "of a closure in a closure": "(define (touch t) (let ((n 0)) ((lambda () ((lambda () (set! n 3))))) n))",
    "of a try": "(define (touch t) (try (error 3) (catch n ((lambda () (set! n 3))) n)))",
}


@pytest.mark.parametrize("way", OWN)
def test_a_simulation_changes_what_is_its_own(way: str) -> None:
    value = value_of(OWN[way] + sim("(lambda (s t) (update s :n (touch t)))", ticks=500))
    assert value["final-state"] == {"n": 3}


def test_outside_of_simulations_everything_may_change_again() -> None:
    runtime = Runtime()
    runtime.run(IMPURE["a variable of a closure"].replace("{at}", "2"))
    error_of(sim("(lambda (s t) (touch t) s)"), runtime)
    assert value_of("(define m 0) (set! m 5) (touch 2) m", runtime) == 5
    assert (runtime.context.sealed, runtime.context.simulations, runtime.context.depth) == (0, 0, 0)


def test_a_closure_that_a_simulation_gives_belongs_to_the_outside() -> None:
    program = (
        "(define up (get-in "
        + sim("(lambda (s t) (let ((n 0)) (dict-set s :up (lambda () (set! n (+ n 1))))))")
        + " '(final-state up))) (list (up) (up))"
    )
    runtime = Runtime()
    assert value_of(program, runtime) == [1, 2]
    assert error_of(sim("(lambda (s t) (up) s)"), runtime).code == "impure"


# -- what a simulation may use


def test_state_may_be_read_and_nothing_else_is_granted() -> None:
    runtime = Runtime(state={"stats.json": {"n": 4}}, allow={"state"})
    value = value_of(sim('(lambda (s t) (update s :n (rb-state "stats" "n")))'), runtime)
    assert value["final-state"] == {"n": 4}
    border = Border(lambda run: 5, capability="web", allow={"web"}, providers={"web": object()})
    assert border.run("(tide)").value == 5
    error = border.run(sim("(lambda (s t) (update s :n (tide)))")).error
    assert error is not None
    assert (error.code, error.message) == ("impure", "tick 0: there is no web in a simulation")


def test_a_plugin_sees_the_dice_of_the_simulation_and_no_clock() -> None:
    border = Border(lambda run: run.randbelow(1000))
    dicey = sim("(lambda (s t) (update s :n (tide)))")
    assert border.run(f"(equal? {dicey} {dicey})").value is True
    assert Border(lambda run: run.time).code(dicey) == "impure"


def test_a_child_gets_half_of_what_is_left() -> None:
    forever = sim("(lambda (s t) (let loop () (loop)))")
    limits = Limits(steps=100_000)
    result = Runtime(limits=limits).run(forever)
    assert result.error is not None and result.error.code == "step-limit"
    assert 50_000 <= result.usage["steps"] <= 50_000 + 220
    nested = sim(f"(lambda (s t) {sim(f'(lambda (s t) {forever})')})")
    result = Runtime(limits=limits).run(nested)
    assert result.error is not None
    where, _, said = result.error.message.partition(": ")
    assert where == "tick 0, in it tick 0, in it tick 0"
    assert said.startswith("the simulation took more than 12,")
    assert 12_500 <= result.usage["steps"] <= 12_500 + 3 * 420
    memory = sim("(lambda (s t) (let loop () (dict :a 1 :b 2 :c 3 :d 4 :e 5 :f 6 :g 7 :h 8) (loop)))")
    result = Runtime(limits=Limits(allocation=1 << 20)).run(memory)
    assert result.error is not None
    assert result.error.message == "tick 0: the simulation made more than 511 KiB of data"
    assert 1 << 19 <= result.usage["bytes"] < (1 << 19) + 1024


def test_a_child_is_charged_to_its_parent() -> None:
    one = Runtime().run(f"{sim()} nil").usage
    two = Runtime().run(f"{sim()} {sim()} nil").usage
    assert two["steps"] >= 2 * one["steps"] - 30
    inside = Runtime().run(f"{sim(f'(lambda (s t) {sim()} s)', ticks=10)} nil").usage
    assert inside["steps"] > 8 * (one["steps"] - 30)


def test_a_thousand_simulations_share_one_budget() -> None:
    runtime = Runtime(limits=Limits(steps=100_000))
    program = f"(length (map (lambda (seed) {sim(extra=':seed seed')}) (range COUNT)))"
    assert runtime.run(program.replace("COUNT", "100")).ok
    result = runtime.run(program.replace("COUNT", "1000"))
    assert result.error is not None and result.error.code == "step-limit"
    assert Runtime().run(program.replace("COUNT", "1000")).value == 1000


def test_output_is_limited_and_stays_inside() -> None:
    result = Runtime(limits=Limits(output=100)).run(sim('(lambda (s t) (display "0123456789") s)', ticks=20))
    assert result.error is not None and result.error.code == "output-limit"
    assert result.output == ""


def test_nothing_is_left_after_an_error() -> None:
    runtime = Runtime()
    program = (
        "(set-random-seed! 1) (random 1000) (display 1) {}"
        " (list (random 1000) (gensym) (get (usage) :output))"
    )
    broken = f"(try {sim('(lambda (s t) (display 5) (random) (gensym) (car s))')} (catch e 1))"
    whole = program.replace("{}", "(display 5)")
    assert runtime.run(program.replace("{}", broken)).text == runtime.run(whole).text


# -- in other processes

WORLD = """
(define (drift x) (+ x (- (random 21) 10)))
(define (step state tick)
  (update state :a (drift (get state :a)) :b (+ (get state :b) (random)) :tags {"x" tick "y" (gensym)}))
(define (world seed ticks)
  (simulation :initial-state {"a" 0 "b" 0.0} :step step :max-ticks ticks :observables '(a b) :seed seed
              :agents {"zoe" (lambda (s self) {"zoe" (random 5)}) "ada" (lambda (s self) {"ada" self})}))
"""
PROCESS = """
import hashlib, sys
from lisppump.lispy import Limits, Runtime
limits = Limits(steps=10**9, allocation=10**12, string=10**8)
runtime = Runtime(limits=limits)
runtime.load_source(sys.stdin.read(), "world.lisp")
digest = hashlib.sha256()
for seed in range(int(sys.argv[1])):
    result = runtime.run(f"(world {seed} {sys.argv[2]})")
    digest.update(result.text.encode() + repr(result.usage).encode())
print(digest.hexdigest())
"""


def digest(count: int, ticks: int, seed: str) -> str:
    """What some simulations come to in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, str(count), str(ticks)],
        input=WORLD, capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.stdout


def test_simulations_come_to_the_same_bytes_in_any_process() -> None:
    assert digest(5, 1_000, "1") == digest(5, 1_000, "77")


@pytest.mark.slow
def test_a_million_ticks_come_to_the_same_bytes_in_any_process() -> None:
    assert digest(20, 50_000, "1") == digest(20, 50_000, "77")


def test_a_simulation_keeps_nothing_of_its_states() -> None:
    runtime = Runtime()
    runtime.run(sim("(lambda (s t) (let ((f (lambda () t))) (update s :n (f))))", ticks=300))
    assert not any(isinstance(cell.value, Closure) for cell in runtime.globals.cells.values())
    assert runtime.context.memo == {}


@pytest.mark.bench
def test_simulations_are_measured_beside_python() -> None:
    words = [sys.executable, "benchmarks/simulation.py", "20"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    title, *rows = done.stdout.splitlines()
    assert title.startswith("20 ticks, medians of 9")
    assert [row.split()[0] for row in rows] == ["colony", "mars", "nothing", "source", "forked"]
    assert all(row.endswith(" x") for row in rows[:3])
