"""How programs reach what a host offers: builtins of plugins; they hide nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Pump, hookimpl
from lisppump.errors import LisppumpError
from lisppump.lispy import Runtime
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec, lispy_builtin, load
from lisppump.lispy.foreign import Later, guarded
from lisppump.lispy.library import names as prelude
from lisppump.registry import Registry
from tests.lispy.offered_support import error, offered, other_tide, run, tide

# -- reached


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("(tide 6)", 1.0),
        ("(tides 6)", 1.0),
        ("(lisppump-tides/tide 6)", 1.0),
        ("(map tide '(1 2))", [0.1, 0.2]),
        ("(map lisppump-tides/tide '(1 2))", [0.1, 0.2]),
        ("(apply tide '(6))", 1.0),
        ("(apply tide 6 '())", 1.0),
        ("(sort-by tide '(12 6 1))", [12, 1, 6]),
        ("((compose inc tide) 6)", 2.0),
        ("((if #t tide car) 6)", 1.0),
        ("(-> 6 tide inc)", 2.0),
        ("(pipe 6 tide)", 1.0),
        ("(let ((f tide)) (f 6))", 1.0),
        ("(define (f h) (tide h)) (f 6)", 1.0),
        ("(eval '(tide 6))", 1.0),
        ('(eval "(lisppump-tides/tide 6)")', 1.0),
        ('(eval (read-string "(tide 6)"))', 1.0),
        ("(eval (list 'tide 6))", 1.0),
        ("(define-macro (t h) (list 'tide h)) (t 6)", 1.0),
        ("(define-macro (t h) (tide h)) (t 6)", 1.0),
        ("(procedure? tide)", True),
        ("(eq? tide tide)", True),
        ("(equal? 'moon/tide (string->symbol \"moon/tide\"))", True),
        ("(list 'tide 'moon/tide)", ["tide", "moon/tide"]),
        ("((memoize tide) 6)", 1.0),
        ("(source tide)", None),
    ],
)
def test_a_builtin_of_a_plugin_is_like_any_other(program: str, value: Any) -> None:
    assert run(program) == value


def test_what_it_is_called_in_text() -> None:
    assert Runtime(builtins=offered()).run("(list tide tides moon/tide)").text == (
        "(#<procedure tide> #<procedure tides> #<procedure moon/tide>)"
    )


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("(tide 2.5)", "tide wants an hour"),
        ("(tides 2.5)", "tides wants an hour"),
        ("(lisppump-tides/tide 2.5)", "lisppump-tides/tide wants an hour"),
        ("(map lisppump-tides/tide '(2.5))", "lisppump-tides/tide wants an hour"),
        ("(tide)", "tide takes 1 argument, got 0"),
        ("(moon/tide 1)", "moon/tide takes no arguments, got 1"),
        ("(moon/tide)", "this needs the capability moon, which was not granted"),
        ("(moon/tides)", "moon/tides has no value"),
    ],
)
def test_an_error_calls_it_what_the_program_did(program: str, message: str) -> None:
    assert error(program).message == message


def test_a_failure_calls_it_what_the_program_did() -> None:
    @lispy_builtin("wreck", "(wreck)", "Fails.", example="(wreck) ;=> nil", aliases=("sink",))
    def wreck(run: Any) -> None:
        raise ValueError("x")

    table = {"sink": guarded(wreck, "plugins/sea.py", lambda sentence: None)}
    assert error("(sink)", table).message == "sink failed inside; it comes from the plugin plugins/sea.py"


def test_steps_of_a_call_do_not_depend_on_how_it_was_reached() -> None:
    used = set()
    for program in ("(tide 6)", "(tides 6)", "(lisppump-tides/tide 6)"):
        used.add(Runtime(builtins=offered()).run(program).usage["steps"])
    assert used == {2}


# -- hides nothing


def hiding(name: str) -> dict[str, BuiltinSpec]:
    """A builtin of a plugin that wants a name which is taken."""

    @lispy_builtin(name, f"({name})", "Hides.", example=f"({name}) ;=> hidden", aliases=())
    def hide(run: Any, *arguments: Any) -> str:
        return "hidden"

    return {name: guarded(hide, "plugins/hide.py", lambda sentence: None)}


@pytest.mark.parametrize(
    ("name", "program", "value"),
    [
        ("car", "(car '(1))", 1),
        ("car", "(map car '((1)))", [1]),
        ("first", "(first '(1))", 1),
        ("when", "(when #t 1)", 1),
        ("if", "(if #t 1 2)", 1),
        ("frame", "(get frame 'stats)", 3),
        ("agents", "agents", []),
        ("f", "(define (f) 1) (f)", 1),
        ("f", "(define f 1) f", 1),
        ("f", "(define (g) (f)) (define (f) 1) (g)", 1),
        ("f", "(let ((f (lambda () 1))) (f))", 1),
        ("f", "((lambda (f) f) 1)", 1),
        ("f", "(define-macro (f) 1) (f)", 1),
        ("f", "(eval '(define (f) 1)) (f)", 1),
        ("f", "(define (g) (f)) (list (g) (begin (define (f) 1) (g)))", ["hidden", 1]),
    ],
)
def test_it_hides_nothing(name: str, program: str, value: Any) -> None:
    state = {"stats.json": 3, "agents.json": []}
    assert run(program, hiding(name), state=state, allow={"state"}) == value


def test_it_hides_nothing_of_the_prelude() -> None:
    defined = prelude()
    assert defined
    for name in defined[:5]:
        assert run(f"(eq? {name} (eval '{name}))", hiding(name)) is True
        assert "hidden" not in str(run(f"(describe '{name})", hiding(name)))


def test_library_code_does_not_see_it() -> None:
    for name in ("reduce", "map", "filter"):
        assert run("(list (sum '(1 2)) (frequencies '(a a)))", hiding(name)) == [3, {"a": 2}]


def test_a_host_may_bind_the_name() -> None:
    runtime = Runtime(builtins=offered())
    runtime.define("tide", 5)
    assert runtime.run("tide").value == 5
    assert runtime.run("(lisppump-tides/tide 6)").value == 1.0


def test_set_does_not_define_it() -> None:
    assert error("(set! tide 1)").code == "unbound"


# -- lazily


def never() -> Mapping[str, BuiltinSpec]:
    """What must not be asked for."""
    raise AssertionError("nobody needs plugins here")


@pytest.mark.parametrize(
    "program",
    [
        "(+ 1 2)",
        "(map inc '(1 2))",
        "(define (f) (g)) (define (g) 1) (f)",
        "(let loop ((n 3)) (if (= n 0) n (loop (- n 1))))",
        "frame",
        "(describe 'car)",
        "(describe 'when)",
        "(try (car 5) (catch e 1))",
        "'tide",
    ],
)
def test_nobody_is_asked_without_need(program: str) -> None:
    assert Runtime(builtins=Later(never), state={}, allow={"state"}).run(program).ok


def test_the_table_is_made_once() -> None:
    made: list[int] = []

    def make() -> Mapping[str, BuiltinSpec]:
        made.append(1)
        return offered()

    runtime = Runtime(builtins=Later(make))
    assert runtime.run("(define (f) (g)) 1").ok and made == []
    assert [runtime.run("(tide 6)").value, runtime.run("(map tide '(6))").value] == [1.0, [1.0]]
    assert not runtime.run("(tidy 6)").ok
    assert made == [1]
    later = Later(make)
    assert ("tide" in later, "x" in later, len(later), set(later)) == (True, False, 4, set(offered()))
    assert made == [1, 1]


def test_an_unknown_name_is_unbound_with_a_suggestion() -> None:
    found = error("(tidee 6)")
    assert (found.code, found.message) == ("unbound", "tidee has no value")
    assert found.help == "did you mean `tide`?"
    assert error("(moon-tide)").help == "did you mean `moon/tide`?"
    assert error("(tide 6)", {}).code == "unbound"


def test_a_host_knows_the_names() -> None:
    runtime = Runtime(builtins=offered())
    assert runtime.knows("tide") and runtime.knows("moon/tide") and not runtime.knows("moon/tides")
    assert runtime.knows("car") and runtime.knows("frame")
    runtime.run("(define (f) (tide 6) (missing) frame)")
    assert [name for name, _ in runtime.unresolved()] == ["missing"]


# -- described


def test_describe_knows_it() -> None:
    text = "(tide hour)\n\nThe height of the water.\n\nExample: (tide 6) ;=> 1.0\nCost in steps: 1."
    assert run("(describe 'tide)") == f"{text}\nAlso: tides."
    for way in ("tide", '"tide"', ":tide"):
        assert run(f"(describe {way})") == f"{text}\nAlso: tides."
    assert run("(describe 'tides)") == run("(describe tides)") == f"{text}\nAlso: tide."


def test_describe_shows_how_a_long_name_is_called() -> None:
    text = "(moon/tide)\n\nAnother one's.\n\nExample: (moon/tide) ;=> other\nNeeds the capability moon."
    assert run("(describe 'moon/tide)") == run("(describe moon/tide)") == text
    assert run("(describe 'lisppump-tides/tide)").startswith("(lisppump-tides/tide hour)\n")


def test_describe_of_the_language_stays_what_it_was() -> None:
    assert run("(list (describe 'car) (describe car))", hiding("car")) == [run("(describe 'car)", {})] * 2
    assert run("(describe (constantly 1))") == "constantly: a procedure of 0 to any number arguments."


def test_apropos_finds_it_once() -> None:
    assert run('(apropos "tide")') == ["moon/tide", "tide", "tides"]
    assert run('(apropos "water")') == ["tide"]
    assert run("(apropos 'another)") == ["moon/tide"]
    assert run("(apropos \"hides.\")", hiding("car")) == []
    assert run('(apropos "flat-map")') == run('(apropos "flat-map")', {})


# -- declared


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "a b"}, "the builtin `a b` cannot be called 'a b'"),
        ({"name": "7th"}, "cannot be called '7th'"),
        ({"name": "-1"}, "cannot be called '-1'"),
        ({"name": "a/b"}, "cannot be called 'a/b'"),
        ({"name": "(x)"}, "cannot be called '(x)'"),
        ({"name": ":k"}, "cannot be called ':k'"),
        ({"name": "#x"}, "cannot be called '#x'"),
        ({"name": ""}, "cannot be called ''"),
        ({"name": "a\x1b"}, "cannot be called 'a\\x1b'"),
        ({"name": "a\ud800"}, "cannot be called 'a\\ud800'"),
        ({"name": 5}, "cannot be called 5"),
        ({"aliases": ("ok", "not ok")}, "cannot be called 'not ok'"),
        ({"aliases": "tides"}, "has aliases that are no tuple"),
        ({"usage": "tide hour"}, "has the usage 'tide hour'"),
        ({"usage": "(tides hour)"}, "has the usage '(tides hour)'"),
        ({"doc": " "}, "has no doc"),
        ({"doc": "\ud800"}, "has no doc"),
        ({"example": "(tide 6)"}, "has the example '(tide 6)'"),
        ({"cost": 5}, "has a cost that is no text"),
        ({"capability": "a b"}, "needs the capability 'a b'"),
        ({"function": len}, "should be a function"),
        ({"function": type("C", (), {})}, "should be a function"),
        ({"function": lambda hour: 1}, "does not take the run first"),
        ({"function": lambda: 1}, "does not take the run first"),
        ({"function": lambda *run: 1}, "does not take the run first"),
        ({"function": lambda run=1: 1}, "has a default for the run"),
        ({"function": lambda run, *, hour: 1}, "has arguments that must be named"),
        ({"function": lambda run: (yield)}, "is a generator"),
    ],
)
def test_a_builtin_that_is_badly_declared_is_refused(given: dict[str, Any], told: str) -> None:
    words = {"name": "tide", "usage": "(tide hour)", "doc": "Water.", "example": "(tide 6) ;=> 1", **given}
    function = words.pop("function", lambda run, hour: 1)
    with pytest.raises(LisppumpError) as caught:
        lispy_builtin(**words)(function)
    assert caught.value.code == "bad-builtin" and told in caught.value.message and caught.value.help


def test_async_functions_are_refused() -> None:
    async def later(run: Any) -> None: ...

    async def stream(run: Any) -> Any:
        yield 1

    for function in (later, stream):
        with pytest.raises(LisppumpError, match="is `async def`"):
            lispy_builtin("tide", "(tide)", "Water.", example="(tide) ;=> 1")(function)


@pytest.mark.parametrize("name", ["tide", "tide?", "tide->height", "\u6f6e", "t1", "+tide", "a:b", "*", "!"])
def test_names_that_a_program_can_write(name: str) -> None:
    @lispy_builtin(name, f"({name})", "Water.", example=f"({name}) ;=> 1")
    def water(run: Any) -> int:
        return 1

    assert run(f"(list ({name}/x) (x/{name}))", {f"{name}/x": water, f"x/{name}": water}) == [1, 1]


def test_arity_comes_from_the_signature() -> None:
    functions = [lambda run: 1, lambda run, a, b=1: 1, lambda _run, a, *more: 1, lambda run, a, /, *, k=1: 1]
    specs = [lispy_builtin("tide", "(tide)", "Water.", example="(tide) ;=> 1")(each) for each in functions]
    assert [(spec.low, spec.high) for spec in specs] == [(0, 0), (1, 2), (1, None), (1, 1)]
    assert "tide" not in load() and BUILTINS is load()


# -- in a policy

WORLD_WITH_TIDES = """
(pump (name sea)
  (genesis (lambda () {"agents.json" {"agents" {"ann" {} "bob" {}}}
                       "programs.json" {"ann" "(list (tide 6) (moon/tide))" "bob" "(map tide '(12))"}}))
  (agents "agents.json" agents) (pipe none) (delta) (echoes ECHO))
"""


@pytest.mark.parametrize(
    ("echo", "thoughts"),
    [
        ("(agents-programs (allow moon))", {"ann": [1.0, "other"], "bob": [0.0]}),
        ("agents-programs", {"ann": None, "bob": [0.0]}),
    ],
)
def test_agents_programs_have_what_the_policy_grants(
    tmp_path: Path, echo: str, thoughts: dict[str, Any]
) -> None:
    (tmp_path / "pump.lisp").write_text(WORLD_WITH_TIDES.replace("ECHO", echo))
    registry = Registry()
    registry.register(SimpleNamespace(builtins=hookimpl(lambda: {"tide": tide})), "tides")
    registry.register(SimpleNamespace(builtins=hookimpl(lambda: {"tide": other_tide})), "moon")
    with Pump.open(tmp_path, registry=registry) as pump:
        pump.step()
        assert pump.head.virtual["echo"]["results"] == thoughts


# -- the same everywhere

PROGRAM = """
import sys; sys.path.insert(0, sys.argv[1])
from tests.lispy.offered_support import offered, WORLD, defining
from lisppump.lispy import Runtime
program = '''
(define heard (map tide (range 24)))
(list (how-many 3) (sum heard) (apropos "tide") (try (tide 'x) (catch e e)) (try (tidee 1) (catch e e))
      (sort-by tide (range 12)) (describe 'moon/tide) (map moon/tide '()))'''
result = Runtime(builtins=offered(), definitions=defining(WORLD), seed=3).run(program)
print(result.text, result.error, result.usage, result.capabilities)
print(Runtime(builtins=offered()).run("(tidee 1)").error.help)
"""


def test_the_hash_seed_does_not_matter() -> None:
    root = str(Path(__file__).resolve().parents[2])
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, root],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "77")
    ]  # fmt: skip
    assert outputs[0] == outputs[1] and "clamped" in outputs[0]
