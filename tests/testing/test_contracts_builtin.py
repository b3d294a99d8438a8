"""The contract check of builtins: what keeps it passes, each way of breaking it is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from lisppump import lispy_builtin
from lisppump.errors import LisppumpError
from lisppump.lispy import LispyError
from lisppump.lispy.builtins import BuiltinSpec
from lisppump.testing import check_builtin


def number(value: Any) -> Any:
    if type(value) not in (int, float):
        raise LispyError("wrong-type", "a number is wanted here")
    return value


@lispy_builtin("tide", "(tide hour)", "The height of the water.", example="(tide 6) ;=> 12")
def tide(run: Any, hour: Any) -> Any:
    return number(hour) * 2


@lispy_builtin("most", "(most x ...)", "The largest.", example="(most 1 3) ;=> 3", cost="n", aliases=("top",))
def most(run: Any, first: Any, *others: Any) -> Any:
    run.charge(1 + len(others))
    return max(number(each) for each in (first, *others))


@lispy_builtin("each-twice", "(each-twice f xs)", "Calls it.", example="(each-twice inc '(1 2)) ;=> (3 4)")
def each_twice(run: Any, function: Any, items: Any) -> Any:
    if not (callable(function) and isinstance(items, list)):
        raise LispyError("wrong-type", "each-twice wants a function and a list")
    return [function(function(item)) for item in items]


@lispy_builtin("harbour", "(harbour)", "The name of it.", example='(harbour) ;=> "Kiel"', capability="sea")
def harbour(run: Any) -> Any:
    return "Kiel"


@lispy_builtin("total", "(total stats)", "The total.", example='(total (get frame "stats")) ;=> 3')
def total(run: Any, stats: Any) -> Any:
    return stats.get("total") if isinstance(stats, dict) else None


@lispy_builtin("refused", "(refused x)", "An error, always.", example="(refused 1) ;!> bad-value")
def refused(run: Any, value: Any) -> Any:
    raise LispyError("bad-value", "no value is good enough")


@lispy_builtin("draw", "(draw)", "A number from 0 to 9.", example="(inc (* 0 (draw))) ;=> 1")
def draw(run: Any) -> Any:
    return run.randbelow(10)


@pytest.mark.parametrize(
    "spec", [tide, most, each_twice, harbour, total, refused, draw], ids=lambda spec: spec.name
)
def test_builtins_that_keep_the_contract_pass(spec: BuiltinSpec) -> None:
    check_builtin(spec)


def test_a_builtin_may_need_documents_and_others() -> None:
    spec = replace(total, example='(tide (total (get frame "stats"))) ;=> 14')
    check_builtin(spec, {"stats.json": {"total": 7}}, {"tide": tide})


def made(function: Callable[..., Any], example: str = "(odd 1) ;=> 1", **more: Any) -> BuiltinSpec:
    return lispy_builtin("odd", "(odd ...)", "It is odd.", example=example, **more)(function)


numbers = count()
DICE = random.Random(1)


def counts(run: Any, value: Any = 1) -> Any:
    return next(numbers)


def charges_by_chance(run: Any, value: Any) -> Any:
    run.charge(next(numbers))
    return 1


def leaks(run: Any, value: Any) -> Any:
    if not isinstance(value, int):
        raise LispyError("wrong-type", f"odd wants a number, got {type(value)}")
    return 1


def shows(run: Any, value: Any) -> Any:
    if not isinstance(value, int):
        raise LispyError("wrong-type", f"odd wants a number, got {value!r}")
    return 1


def undeclared(run: Any, value: Any) -> Any:
    raise LispyError("no-such-code", "what")


def cannot_add(run: Any, value: Any) -> Any:
    return value * 1 if value is not None else 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (made(lambda run, value: 2), "the example of `odd` says (odd 1) comes to 1; it came to 2"),
        (made(lambda run, value: 1, "(odd 1) ;!> bad-value"), "comes to error[bad-value]; it came to 1"),
        (made(lambda run, value: 1, "(inc 0) ;=> 1"), "the example of `odd` should call it: (inc 0)"),
        (made(lambda run, value: 1, "(odd x) ;=> 1"), "it came to error[unbound]"),
        (made(counts, "(odd 1) ;=> 0"), "should come to the same each time; it came to 0, then to 1"),
        (made(charges_by_chance), "should charge the same each time"),
        (made(lambda run, value: 1, cost="length"), "costs length, and charges nothing for (odd 1)"),
        (made(lambda run, value: value + 0), "(odd nil) should come to a value or a LispyError; "),
        (made(lambda run, value: value + 0), "raised TypeError: unsupported operand"),
        (made(lambda run, value: object()), "gave an object, which is no LisPy value"),
        (made(lambda run, value: 1 if value == 1 else {1: 2}), "(odd nil) should come to a value or"),
        (made(undeclared), "the code 'no-such-code', which is not declared"),
        (made(leaks), "should say its error in words of LisPy; it shows Python in"),
        (made(shows), "it shows Python in"),
        (replace(made(lambda run, value: 1), high=2), "(odd nil nil) should come to a value or a LispyError"),
        (replace(made(lambda run, value=1: 1), low=1), ""),
        (made(lambda run, value, other=0: 1 + 0 * other), "(odd nil nil) should come to a value"),
        (made(lambda run, *values: sum(values)), "(odd nil) should come to a value or a LispyError"),
        (made(lambda run, a, b, c: (c and a) or b + 0, "(odd 1 2 0) ;=> 2"), "should come to a value or"),
    ],
)  # fmt: skip
def test_a_builtin_that_breaks_its_contract_is_found(spec: BuiltinSpec, said: str) -> None:
    if not said:
        check_builtin(spec)
        return
    global numbers
    numbers = count()
    with pytest.raises(LisppumpError) as caught:
        check_builtin(spec)
    assert caught.value.code == "contract"
    assert said in caught.value.message


def test_the_function_itself_is_no_builtin() -> None:
    with pytest.raises(LisppumpError, match="a builtin is wanted here, got the function 'number'"):
        check_builtin(number)  # type: ignore[arg-type]


def test_an_example_that_fails_says_why() -> None:
    with pytest.raises(LisppumpError) as caught:
        check_builtin(made(lambda run, value: 1, "(odd) ;=> 1"))
    assert caught.value.help == "odd takes 1 argument, got 0"
