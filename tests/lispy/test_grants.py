"""Capabilities: none without a grant, none beyond the run that has it, and every use is told."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.lispy import CapabilityError, LispyError, Result, Runtime
from lisppump.lispy.builtins import load
from lisppump.lispy.values import Procedure
from tests.lispy.offered_support import offered

STATE = {"stats.json": {"total": 3}, "agents.json": {"agents": {"ada": {"hp": 1}}}}
ASKING = ('(rb-state "stats.json")', "frame", "agents", '(get frame "stats")', "(rb-agents)")
NEEDING = sorted({spec.name for spec in load().values() if spec.capability})


def code(result: Result) -> str | None:
    return None if result.error is None else result.error.code


@pytest.mark.parametrize("source", ASKING)
def test_nothing_is_granted_unless_it_is(source: str) -> None:
    assert code(Runtime(state=STATE).run(source)) == "not-granted"
    assert code(Runtime(state=STATE, allow={"web"}).run(source)) == "not-granted"
    granted = Runtime(state=STATE, allow={"state"}).run(source)
    assert granted.ok and granted.capabilities == ("state",)


def test_a_grant_that_is_not_used_is_not_told() -> None:
    result = Runtime(state=STATE, allow={"state"}).run("(list (capabilities))")
    assert (result.value, result.capabilities) == ([["state"]], ())


def test_a_program_can_do_without() -> None:
    result = Runtime(state=STATE).run(
        "(try frame (catch e (list (get e :code) (get e :category) (get e :data))))"
    )
    assert result.value == ["not-granted", "capability", "state"]


@pytest.mark.parametrize("name", NEEDING)
def test_what_needs_one_says_which(name: str) -> None:
    spec = load()[name]
    text = Runtime().run(f"(describe '{name})").value
    assert f"Needs the capability {spec.capability}." in text


@pytest.mark.parametrize(
    "source",
    [
        '(define (capabilities) \'("state")) frame',
        '(define granted \'("state")) (define run {"granted" \'("state")}) frame',
        "(define state 1) (define allow '(state)) frame",
        '(eval \'(rb-state "stats.json"))',
        '(eval "frame")',
        '((lambda (f) (f "stats.json")) rb-state)',
        '(apply rb-state \'("stats.json"))',
        '(map rb-state \'("stats.json"))',
        '((compose identity rb-state) "stats.json")',
        '((memoize rb-state) "stats.json")',
        '((eval (string->symbol "rb-state")) "stats.json")',
        '(define-macro (m) (rb-state "stats.json")) (m)',
        "(simulation :initial-state {} :step (lambda (s t) frame) :max-ticks 1 :observables '())",
        '(sort \'(2 1) (lambda (a b) (rb-state "stats.json")))',
    ],
)
def test_it_cannot_be_forged(source: str) -> None:
    result = Runtime(state=STATE).run(source)
    assert code(result) == "not-granted"
    assert result.capabilities == ()


def test_a_name_that_a_program_takes_for_itself_is_its_own() -> None:
    result = Runtime(state=STATE).run('(define (rb-state x) 7) (define frame 8) (list (rb-state "x") frame)')
    assert (result.value, result.capabilities) == ([7, 8], ())


def escaped(runtime: Runtime, source: str) -> Procedure:
    """A procedure that a run gave away."""
    found = runtime.evaluate(source)
    assert isinstance(found, Procedure)
    return found


READER = '(lambda args (rb-state "stats.json"))'


@pytest.mark.parametrize(
    "source",
    [
        READER,
        f"(define f {READER}) f",
        f'(begin (rb-state "stats.json") {READER})',  # one that was used already
        '(partial rb-state "stats.json")',
        f"(compose identity {READER})",
        f"(memoize {READER})",
        f"(complement {READER})",
        '(let ((read rb-state)) (lambda () (read "stats.json")))',
        f"(try (raise {READER}) (catch e (get e :data)))",
    ],
)
def test_a_procedure_that_escapes_has_what_its_caller_has(source: str) -> None:
    runtime = Runtime(state=STATE, allow={"state"})
    procedure = escaped(runtime, source)
    with pytest.raises(CapabilityError):
        runtime.call(procedure)
    with pytest.raises(CapabilityError):
        runtime.call(procedure, state=STATE, allow={"web"})
    assert runtime.call(procedure, state=STATE, allow={"state"}) in ({"total": 3}, False)


def test_a_procedure_that_escapes_into_another_runtime_has_nothing() -> None:
    first, second = Runtime(state=STATE, allow={"state"}), Runtime()
    second.define("f", escaped(first, READER))
    for source in (
        "(f)",
        "(map f '(1))",
        "(simulation :initial-state {} :step f :max-ticks 1 :observables '())",
    ):
        assert not second.run(source).ok


def test_what_a_step_may_not_do_its_definitions_may_not_either() -> None:
    class Web:
        calls, seconds = 5, 9.0

        def fetch(self, url: str, seconds: float) -> Any:
            raise AssertionError("no page is read in a simulation")

    runtime = Runtime(state=STATE, allow={"state", "web"}, providers={"web": Web()})
    step = "(simulation :initial-state {} :step (lambda (s t) (read) s) :max-ticks 1 :observables '())"
    for source in (
        f'(define (read) (curl "https://example.org")) {step}',
        f'(define read (partial curl "https://example.org")) {step}',
        f'(define (read) (eval \'(curl "https://example.org"))) {step}',
        f'(define (read) (map curl \'("https://example.org"))) (fork {step} :seed 3)',
    ):
        result = runtime.run(source)
        assert result.error is not None and result.error.code == "impure"
        assert "web" not in result.capabilities


def test_a_fork_in_another_run_has_that_ones_grants() -> None:
    runtime = Runtime(state=STATE, allow={"state"})
    step = '(lambda (s t) {"n" (length frame)})'
    program = f"(simulation :initial-state {{}} :step {step} :max-ticks 1 :observables '(n))"
    sim = runtime.evaluate(program)
    runtime.define("sim", sim)
    assert runtime.run("(get (fork sim :seed 2) :final-state)").value == {"n": 2}
    forks = escaped(runtime, "(lambda () (fork sim :seed 2))")
    with pytest.raises(LispyError) as caught:
        runtime.call(forks)
    assert caught.value.code == "not-granted"


def test_a_plugins_builtin_has_its_own() -> None:
    table = offered()
    refused = Runtime(builtins=table, allow={"state"}).run("(moon/tide)")
    assert code(refused) == "not-granted" and refused.capabilities == ()
    granted = Runtime(builtins=table, allow={"moon"}, providers={"moon": object()}).run("(moon/tide)")
    assert (granted.value, granted.capabilities) == ("other", ("moon",))
    assert "Needs the capability moon." in Runtime(builtins=table).run('(describe "moon/tide")').value
