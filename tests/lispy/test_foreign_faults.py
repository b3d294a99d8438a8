"""What goes wrong inside plugins' builtins: no Python error gets out, no limit is lost, runs stay well."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from lisppump.errors import LisppumpError
from lisppump.lispy import CapabilityError, LimitError, Limits, LispyError
from lisppump.lispy.calls import Builtin
from lisppump.lispy.foreign import LEVELS, LentRun
from tests.lispy.bordering import FAILED, OWNER, Border, builtin, identity

Function = Callable[..., Any]


def raising(error: BaseException | type[BaseException]) -> Function:
    """A function that only raises."""

    def function(run: LentRun, *arguments: Any) -> None:
        raise error

    return function


class Mute(Exception):
    """An error that does not want to be read."""

    def __str__(self) -> str:
        raise SystemExit("unreadable")


class Smooth(Exception):
    """An error whose text is no plain text."""

    def __str__(self) -> str:
        return Slippery("smooth")


class Slippery(str):
    """A text that fights."""

    def _fight(self, *arguments: object) -> Any:
        raise SystemExit("touched")

    __format__ = __add__ = __radd__ = __len__ = __bool__ = __str__ = _fight


class Crooked(LispyError):
    """A LispyError that never became one."""

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such hour"), "raised ValueError: no such hour"),
        (KeyError, "raised KeyError"),
        (SystemExit(0), "raised SystemExit: 0"),
        (GeneratorExit(), "raised GeneratorExit"),
        (StopIteration(7), "raised StopIteration: 7"),
        (MemoryError(), "raised MemoryError"),
        (RecursionError("deep"), "raised RecursionError: deep"),
        (asyncio.CancelledError(), "raised CancelledError"),
        (BaseExceptionGroup("several", [SystemExit()]), "raised BaseExceptionGroup: several"),
        (Mute(), "raised Mute: its text cannot be read"),
        (Smooth(), "raised Smooth: smooth"),
        (LisppumpError("bad-json", "/secret/path"), "raised LisppumpError: /secret/path"),
        (LispyError("new", "x"), "raised a LispyError with the code 'new', which is not declared"),
        (LispyError(5, "x"), "raised a LispyError with the code 5, which is"),  # type: ignore[arg-type]
        (LispyError("bad-value", ["x"]), "gave a list as a text"),  # type: ignore[arg-type]
        (LispyError("bad-value", "x", help=5), "gave an int as a text"),  # type: ignore[arg-type]
        (LispyError("bad-value", "\ud800"), "gave a str with half a character in it"),
        (LispyError("bad-value", "x", data=object()), "gave an object, which is no LisPy value"),
        (Crooked(), "raised AttributeError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)  # fmt: skip
def test_any_exception_is_a_failure_that_the_operator_hears_of(error: BaseException, told: str) -> None:
    border = Border(raising(error))
    found = border.run("(tide 1)").error
    assert found is not None and (found.code, found.message) == ("builtin-failed", FAILED)
    assert found.help is None and found.trace == () and found.data is None
    (sentence,) = border.heard
    assert sentence.startswith(f"builtin `tide` of plugin {OWNER} {told}")


def test_the_place_is_where_the_builtins_own_file_was_left() -> None:
    border = Border(raising(ValueError("x")))
    border.run("(tide)")
    assert re.search(r"\(\S+/bordering\.py:\d+\)$", border.heard[0])  # where the builtin calls the function


def test_endless_recursion_is_a_failure() -> None:
    def endless(run: LentRun, n: int = 0) -> int:
        return endless(run, n + 1) + 1

    border = Border(endless)
    assert border.code("(tide)") == "builtin-failed"
    assert border.heard[0].startswith(f"builtin `tide` of plugin {OWNER} raised RecursionError: ")


def test_what_a_person_interrupts_is_interrupted() -> None:
    border = Border(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        border.runtime.run("(try (tide) (catch e 1))")
    assert border.run("(+ 1 2)").value == 3 and border.heard == []


def test_a_program_that_catches_a_failure_goes_on() -> None:
    border = Border(raising(ValueError("x")))
    program = "(define n 0) (dotimes (i 200) (try (tide i) (catch e (set! n (+ n 1))))) n"
    assert border.run(program).value == 200
    assert len(border.heard) == 200


# -- errors for the program to read


def test_an_error_for_the_program_is_made_anew() -> None:
    data = {"hours": [25]}
    original = LispyError("bad-value", "tide wants an hour", help="0 to 23", trace=("/secret",), data=data)
    border = Border(raising(original))
    error = border.run("(tide 25)").error
    assert error is not None and error is not original
    assert (error.code, error.message, error.help) == ("bad-value", "tide wants an hour", "0 to 23")
    assert error.trace == () and error.span is not None and error.span.column == 1
    caught = border.run("(try (tide 25) (catch e (get e :data)))").value
    assert caught == data and caught is not data and border.heard == []


def test_long_texts_of_an_error_are_cut() -> None:
    error = Border(raising(LispyError("bad-value", "m" * 900, help="h" * 900))).run("(tide)").error
    assert error is not None and len(error.message) == 500 and error.help == "h" * 500


@pytest.mark.parametrize(
    "error",
    [
        LimitError("step-limit", "made up"),
        CapabilityError("not-granted", "made up"),
        type("Own", (LispyError,), {})("bad-value", "made up"),
    ],
    ids=["limit", "capability", "subclass"],
)  # fmt: skip
def test_an_error_that_is_made_up_is_an_ordinary_one(error: LispyError) -> None:
    result = Border(raising(error)).run("(try (tide) (catch e (list (get e :code) (get e :message))))")
    assert result.value == [error.code, "made up"]


# -- calling back


def applied(run: LentRun, function: Function, *arguments: Any) -> Any:
    """What a procedure that was lent gives."""
    return function(*arguments)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("(tide + 1 2)", "3"),
        ("(tide (lambda (x . rest) (list x rest)) 1 2 3)", "(1 (2 3))"),
        ("(tide (compose inc abs) -3)", "4"),
        ("(tide tide tide + 1 2)", "3"),
        ("(tide (lambda (f) (f 1)) inc)", "2"),
        ("(tide identity inc)", "#<procedure inc>"),
        ("(define (f x) x) (eq? f (tide identity f))", "#t"),
        ("(eq? tide (tide identity tide))", "#t"),
        ("(define n 0) (tide (lambda () (set! n 5))) n", "5"),
        ("(tide (lambda (x) (dict-set x :b 2)) {:a 1})", '{"a" 1 "b" 2}'),
        ("(tide (lambda () (try (error 'x) (catch e 'caught))))", "caught"),
        ("(tide eval \"(define g 7)\") g", "7"),
    ],
)
def test_a_procedure_is_lent_as_a_function(program: str, text: str) -> None:
    result = Border(applied).run(program)
    assert result.text == text, result.error


def test_what_a_procedure_is_called_with_and_what_it_gives_are_copies() -> None:
    kept: list[Any] = []

    def exchange(run: LentRun, function: Function) -> None:
        mine = [1]
        theirs = function(mine)
        mine.append(2)
        theirs.append(3)
        kept.extend([mine, theirs])

    result = Border(exchange).run("(define seen nil) (tide (lambda (l) (set! seen l) l)) seen")
    assert result.value == [1] and kept == [[1, 2], [1, 3]]


def test_what_is_no_value_is_refused_on_its_way_into_a_procedure() -> None:
    border = Border(lambda run, function: function(object()))
    assert border.code("(tide (lambda (x) (error \"called\")))") == "builtin-failed"
    assert "gave an object, which is no LisPy value" in border.heard[0]


def test_foreign_code_knows_a_lent_procedure() -> None:
    def looked(run: LentRun, f: Any) -> list[Any]:
        return [callable(f), f.name, f.low, f.high, f.doc]

    assert Border(looked).run('(define (f x) "Doc." x) (tide f)').value == [True, "f", 1, 1, "Doc."]


def test_an_error_passes_through_as_it_was() -> None:
    border = Border(applied)
    program = "(define (f x) (car x)) (tide f 5)"
    error, same = border.run(program).error, Border(identity).run("(define (f x) (car x)) (f 5)").error
    assert error is not None and same is not None
    assert (error.code, error.message, error.help) == (same.code, same.message, same.help)
    assert error.span is not None and same.span is not None and error.span.start == same.span.start
    assert error.trace[0].startswith("f") and border.heard == []
    thrown = "(try (tide (lambda () (raise (list 1 car)))) (catch e (get e :data)))"
    assert border.run(thrown).text == "(1 #<procedure car>)"


def test_foreign_code_may_catch_what_a_program_could() -> None:
    def tried(run: LentRun, function: Function) -> list[Any]:
        try:
            return [function()]
        except LispyError as error:
            error.message = "changed"
            return [error.code, str(error), error.data]

    result = Border(tried).run("(tide (lambda () (raise '(1 2))))")
    assert result.value == ["user-error", "(1 2)", None]


def test_foreign_code_may_say_something_else_instead() -> None:
    def renamed(run: LentRun, function: Function) -> Any:
        try:
            return function()
        except LispyError as error:
            raise LispyError("bad-value", f"tide wants a procedure that works: {error}") from error

    error = Border(renamed).run("(tide (lambda () (car 5)))").error
    assert error is not None and error.message.startswith("tide wants a procedure that works: car wants")


def test_depth_is_what_it_was_after_an_error_was_caught() -> None:
    def ten_times(run: LentRun, function: Function) -> int:
        for _ in range(10):
            with suppress(LispyError):
                function()
        return 1

    deep = "(define (deep n) (if (= n 0) (car 5) (+ 1 (deep (- n 1)))))"
    assert Border(ten_times).run(f"{deep} (dotimes (i 30) (tide (lambda () (deep 2000))))").ok


# -- limits


def swallowing(run: LentRun, function: Function) -> str:
    """Calls back again and again, whatever comes of it."""
    for _ in range(3):
        with suppress(BaseException):
            function()
    return "all is well"


def replacing(run: LentRun, function: Function) -> None:
    """Answers an error with its own."""
    try:
        function()
    except BaseException:
        raise ValueError("never mind") from None


def passing(run: LentRun, function: Function) -> Any:
    """Lets everything pass."""
    return function()


LIMITS = {
    "step-limit": "(let loop ((n 0)) (loop (+ n 1)))",
    "depth-limit": "(define (f n) (+ 1 (f n))) (f 1)",
    "allocation-limit": "(let loop () (range 1000) (loop))",
    "size-limit": "(range 200000)",
    "string-limit": '(let loop ((s "ab")) (loop (string-append s s)))',
    "integer-limit": "(expt 10 100000)",
    "output-limit": '(let loop () (display "0123456789012345678901234567890123456789") (loop))',
    "data-depth-limit": "(let loop ((l 1) (n 0)) (if (= n 300) l (loop (list l) (+ n 1))))",
}


@pytest.mark.parametrize("function", [swallowing, replacing, passing], ids=lambda function: function.__name__)
@pytest.mark.parametrize("code", LIMITS)
def test_no_limit_is_lost_in_foreign_code(code: str, function: Function) -> None:
    limits = Limits(steps=100_000, allocation=500_000, elements=50_000, string=50_000)
    border = Border(function, limits=limits)
    start = f"(define (go) {LIMITS[code]}) (define done nil)"
    assert border.code(f"{start} (try (begin (tide go) (set! done 1)) (catch e (set! done 2)))") == code
    assert border.run("done").value is None and border.heard == []


def test_no_limit_is_lost_however_deep_it_was_met() -> None:
    border = Border(swallowing, limits=Limits(steps=50_000))
    forever = "(define (go) (let loop ((n 0)) (loop (+ n 1))))"
    assert border.code(f"{forever} (tide (lambda () (tide (lambda () (tide go)))))") == "step-limit"


def test_no_charge_is_lost() -> None:
    def greedy(run: LentRun) -> int:
        with suppress(LispyError):
            run.charge(10**30)
        return 1

    border = Border(greedy, limits=Limits(steps=1000))
    result = border.run("(tide)")
    assert result.error is not None and result.error.code == "step-limit" and result.usage["steps"] == 1000


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), KeyboardInterrupt()], ids=repr)
def test_what_the_host_met_in_a_procedure_is_no_fault_of_foreign_code(error: BaseException) -> None:
    border = Border(swallowing)
    one_of_the_languages_own = Builtin(border.runtime.context, builtin(raising(error)), "broken")
    border.runtime.define("broken", one_of_the_languages_own)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            border.runtime.run("(tide broken)")
        assert border.run("(+ 1 2)").value == 3
    else:
        wanted = "allocation-limit" if isinstance(error, MemoryError) else "depth-limit"
        assert border.code("(tide broken)") == wanted
    assert border.heard == []


def test_recursion_through_foreign_code_ends_in_the_limit() -> None:
    ways: list[Function] = [
        lambda run, f: sorted([1], key=lambda item: f())[0],
        lambda run, f: functools.reduce(lambda a, b: f(), [1, 2]),
        lambda run, f: next(map(lambda item: f(), [1])),
        lambda run, f: len(re.sub("a", lambda match: str(f()), "a")),
        lambda run, f: max([1], key=lambda item: max([1], key=lambda other: f())),
    ]
    counted = "(define n 0) (define (f) (set! n (+ n 1)) (if (< n {}) (tide f) 1)) (f) n"
    for way in ways:
        border = Border(way)
        assert border.code("(define (f) (tide f)) (f)") == "depth-limit"
        assert border.run(counted.format(100)).value == 100
        assert border.code(counted.format(2 + 12_000 // LEVELS)) == "depth-limit"
        assert border.heard == []


def test_the_clock_is_looked_at_after_foreign_code() -> None:
    border = Border(lambda run: None, limits=Limits(seconds=1e-9))
    assert border.code("(begin (tide) (+ 1 2))") == "time-limit"


# -- what was lent for one call


@pytest.mark.parametrize(
    "use",
    [
        lambda run, f: f(),
        lambda run, f: run.charge(1),
        lambda run, f: run.write("x"),
        lambda run, f: run.randbelow(2),
        lambda run, f: run.time,
    ],
    ids=["procedure", "charge", "write", "randbelow", "time"],
)
def test_what_was_lent_is_no_good_after_its_call(use: Function) -> None:
    kept: list[Any] = []

    def keep(run: LentRun, function: Function | None = None) -> None:
        if function is not None:
            kept[:] = [run, function]
        else:
            use(*kept)

    border = Border(keep)
    program = "(define n 0) (define (f) (set! n (+ n 1))) (tide f)"
    assert border.code(f"{program} (tide)") == "builtin-failed"  # in the same run
    assert border.code("(tide)") == "builtin-failed"  # in a later one
    assert border.run("n").value == 0
    assert all("uses what it was lent after its call, or in another thread" in line for line in border.heard)


def test_a_procedure_that_was_kept_cannot_be_given_back() -> None:
    kept: list[Any] = []

    def keep(run: LentRun, *given: Function) -> Any:
        kept.extend(given)
        return kept[0]

    border = Border(keep)
    assert border.run("(define (f) 1) (eq? f (tide f))").value is True
    assert border.code("(tide)") == "builtin-failed"
    assert "gave a procedure that it made itself, or kept from another call" in border.heard[0]


def test_an_error_that_was_kept_is_foreign_codes_own() -> None:
    kept: list[LispyError] = []

    def keep(run: LentRun, *given: Function) -> None:
        try:
            given[0]()
        except IndexError:
            raise kept[0] from None
        except LispyError as error:
            kept.append(error)

    border = Border(keep)
    border.run("(tide (lambda () (raise '(1 2))))")
    error = border.run("(tide)").error
    assert error is not None and (error.code, error.message, error.data) == ("user-error", "(1 2)", None)


def test_another_thread_may_not_use_what_was_lent() -> None:
    caught: list[BaseException] = []

    def elsewhere(run: LentRun, function: Function) -> int:
        def work() -> None:
            try:
                function()
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return 1

    border = Border(elsewhere)
    assert border.run("(define n 0) (tide (lambda () (set! n 1))) n").value == 0
    assert str(caught[0]) == "uses what it was lent after its call, or in another thread"


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda run: run.charge(-5), "charges what is no number of steps"),
        (lambda run: run.charge(1.5), "charges what is no number of steps"),
        (lambda run: run.charge(True), "charges what is no number of steps"),
        (lambda run: run.write(5), "gave an int as a text"),
        (lambda run: run.write("\ud800"), "half a character"),
        (lambda run: run.randbelow("6"), "throws dice that have no number of sides"),
        (lambda run: run.granted, "raised AttributeError"),
        (lambda run: setattr(run, "depth", 0), "raised AttributeError"),
    ],
)
def test_what_the_lent_run_does_not_do(use: Function, told: str) -> None:
    border = Border(lambda run: use(run))
    assert border.code("(tide)") == "builtin-failed"
    assert told in border.heard[0]


def test_what_the_lent_run_does() -> None:
    def busy(run: LentRun) -> list[Any]:
        run.charge(0)
        run.write("high ")
        run.write("water")
        return [run.randbelow(1000), run.randbelow(1000), run.time]

    border = Border(busy, seed=7, now="2026-01-01T00:00:00Z")
    result = border.run("(tide)")
    assert result.output == "high water"
    assert result.value == border.run("(list (random-int 1000) (random-int 1000) (now-iso))").value
    assert Border(lambda run: run.randbelow(0)).code("(tide)") == "bad-value"


# -- grants


def test_a_capability_is_wanted_and_noted() -> None:
    calls: list[int] = []

    def function(run: LentRun, value: int) -> int:
        calls.append(value)
        return value

    granted = Border(function, capability="tides", allow={"tides"}).run("(tide 1)")
    assert granted.value == 1 and granted.capabilities == ("tides",)
    unused = Border(function, capability="tides", allow={"tides"}).run("tide")
    assert unused.ok and unused.capabilities == ()
    error = Border(function, capability="tides", allow={"state"}).run("(tide 2)").error
    assert error is not None and (error.code, error.message) == (
        "not-granted", "this needs the capability tides, which was not granted",
    )  # fmt: skip
    assert error.help == (
        "grant it in the echo's own clause of pump.lisp: (agents-programs (allow state tides)); "
        "on the command line: --allow tides"
    )
    assert calls == [1]
