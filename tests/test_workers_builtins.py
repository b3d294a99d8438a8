"""Builtins of plugins in workers: the parent runs their code, and programs see no difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lisppump.lispy import Limits, LispyError
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.lispy.errors import LimitError
from lisppump.lispy.foreign import guarded
from lisppump.lispy.values import Keyword, Symbol
from tests.lispy.bordering import OWNER, builtin
from tests.lispy.offered_support import offered
from tests.workers_support import broken, difference, here, program, some, world

Foreign = Callable[..., Any]


def table(function: Foreign, heard: list[str], capability: str | None = None) -> Mapping[str, BuiltinSpec]:
    return {"tide": guarded(builtin(function, capability), OWNER, heard.append)}


def give_all(run: Any, *values: Any) -> Any:
    return list(values)


def call(run: Any, function: Any, *values: Any) -> Any:
    run.write("before ")
    run.charge(5)
    try:
        return [function(*values), run.randbelow(1000), run.time]
    finally:
        run.write("after ")


def call_quietly(run: Any, function: Any, *values: Any) -> Any:
    try:
        return function(*values)
    except LispyError as error:
        return ["caught", error.code, error.message]


def call_all(run: Any, function: Any, values: Any) -> Any:
    return [function(value) for value in values]


def give_back(run: Any, function: Any) -> Any:
    return {"same": function, "list": [function, Symbol("x"), Keyword("k"), (1, 2)]}


def refuse(run: Any, *values: Any) -> Any:
    raise LispyError("bad-value", "the sea is closed", help="wait", data={"until": [1, Symbol("noon")]})


def fail(run: Any, *values: Any) -> Any:
    raise KeyError("secret")


def give_object(run: Any, *values: Any) -> Any:
    return object()


def limit(run: Any, *values: Any) -> Any:
    raise LimitError("time-limit", "made up")


def burn(run: Any, *values: Any) -> Any:
    run.charge(10**9)


FUNCTIONS = [give_all, call, call_quietly, call_all, give_back, refuse, fail, give_object, limit, burn]
PROGRAMS = [
    "(tide)",
    '(tide 1 2.5 "x" #t nil \'() (list 1 (list 2)) {"a" {"b" 1}} \'sym :key \'(1 . 2))',
    "(tide car)",
    "(tide (lambda (x) (* x x)) 3)",
    "(tide (lambda (x) (display x) (random 10)) 3)",
    "(tide (lambda (x) (car x)) 3)",
    '(tide (lambda (x) (error "mine" x)) 3)',
    "(try (tide (lambda (x) (raise 'up)) 3) (catch e e))",
    "(tide (lambda (x) x) (list 1 2 3))",
    "(tide (lambda (x) (tide (lambda (y) (+ x y)) 4)) 3)",
    "(tide (lambda (x) (let loop () (loop))) 3)",
    "(tide (lambda (x) (try (tide car x) (catch e (get e :code)))) 3)",
    "(call/cc (lambda (out) (tide (lambda (x) (out 'escaped)) 1)))",
    '((get (tide (lambda (x) (+ x 1))) "same") 5)',
    "(try (tide 5) (catch e (list (get e :code) (get e :message) (get e :data))))",
    "(tide (expt 2 100))",
    "(describe 'tide)",
    '(apropos "tide")',
    "(tied 1)",
    "(length (map tide '(1 2)))",
    '(simulation :initial-state {"n" 1} :max-ticks 2 :observables \'(n) '
    ":step (lambda (s t) (tide (lambda (x) x) 1) s))",
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_programs_see_no_difference(function: Foreign) -> None:
    frame = world()
    with some() as workers:
        for source in PROGRAMS:
            wanted = program(source, limits=Limits(steps=50_000), now=frame.time, seed=(3, source))
            there, own = list[str](), list[str]()
            result = workers.run(wanted, frame, builtins=table(function, there))
            assert difference(result, here(wanted, frame, builtins=table(function, own))) == {}, source
            assert there == own
        assert workers.told() == []


def test_what_is_granted_is_granted_there() -> None:
    frame = world()
    with some() as workers:
        for allow in (frozenset({"state"}), frozenset({"moon"})):
            for source in (
                "(tide 1)",
                "(try (tide 1) (catch e 'without))",
                "(moon/tide)",
                "(tides 6)",
                "(tide 'x)",
            ):
                wanted = program(source, allow=allow)
                assert difference(
                    workers.run(wanted, frame, builtins=offered()), here(wanted, frame, builtins=offered())
                ) == {}, (allow, source)  # fmt: skip


def test_plugins_are_only_asked_where_a_name_means_nothing_else() -> None:
    class Shy(dict[str, BuiltinSpec]):
        asked = 0

        def items(self) -> Any:
            Shy.asked += 1
            return super().items()

    frame, shy = world(), Shy(offered())
    with some() as workers:
        workers.run(program("(define (f x) (+ x 1)) (f 1)"), frame, builtins=shy)
        assert Shy.asked == 0
        assert workers.run(program("(tide 6)"), frame, builtins=shy).value == 1.0
        assert Shy.asked == 1


LIARS = [
    "CALL_NOTHING",
    "CALL_ODD",
    "CALL_DEEP",
    "CALL_MORE",
    "CALL_LESS",
    "CALL_LAMBDA",
    "CALL_BACK_ODD",
    "CALL_GRANTED_ODD",
    "CALL_FAILED_ODD",
]


@pytest.mark.parametrize("name", LIARS)
def test_a_worker_that_lies_about_a_builtin_is_broken(name: str) -> None:
    frame, heard = world(), list[str]()
    with some(broken(name)) as workers:
        result = workers.run(program("1"), frame, builtins=table(call_quietly, heard))
        assert result.error is not None and result.error.code == "worker-broken", result
        assert workers.told()


def test_a_worker_that_hangs_in_a_procedure_of_its_own_is_late() -> None:
    with some(broken("CALL_HANG")) as workers:
        result = workers.run(program("1"), world(), builtins=table(call, []), deadline=0.2)
        assert result.error is not None and result.error.code == "time-limit"
