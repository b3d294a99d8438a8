"""How programs reach the definitions of a host, such as those of pump.lisp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from lisppump.lispy import Runtime
from lisppump.lispy.nodes import Node
from lisppump.lispy.reader import read
from tests.lispy.offered_support import WORLD, defining, error, run


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("(how-many 2)", ["clamped", 10]),
        ("rooms", 5),
        ("(map how-many '(1))", [["clamped", 5]]),
        ("(even-room? 10)", True),
        ("(double)", 10),
        ("(mine)", ["mine", 1]),
        ("(water)", 1.0),
        ("(seen)", 3),
        ("(clamp 5 0 3)", 3),  # the language's own
        ("(when #t 2)", 2),
        ("(define rooms 7) (how-many 1)", ["clamped", 5]),  # the program's is another
        ("(define (clamp x) 'other) (how-many 1)", ["clamped", 5]),
        ("(define (how-many x) 'mine) (how-many 1)", "mine"),
        ("(try (uses-broken) (catch e (get e 'code)))", "wrong-type"),
        ("(eval '(how-many 1))", ["clamped", 5]),
    ],
)
def test_programs_find_what_the_host_defines(program: str, value: Any) -> None:
    given = {"definitions": defining(WORLD), "state": {"stats.json": 3}, "allow": {"state"}}
    assert run(program, **given) == value


def test_definitions_go_before_builtins_of_plugins() -> None:
    assert run("(tide 6)", definitions=defining("(define (tide x) 'defined)")) == "defined"


def test_definitions_are_made_once_and_nobody_pays() -> None:
    made: list[int] = []

    def forms() -> Sequence[Node]:
        made.append(1)
        return read("(define n (let loop ((i 0)) (if (= i 5000) i (loop (+ i 1)))))", "pump.lisp")

    runtime = Runtime(definitions=forms)
    assert runtime.run("(+ 1 2)").ok and made == []
    assert runtime.run("n").value == 5000 and runtime.run("n").usage["steps"] == 1 and made == [1]
    assert runtime.run("m").error is not None and made == [1]


def test_an_error_in_a_definition_shows_its_place_and_hurts_nobody_else() -> None:
    given = {"definitions": defining(WORLD)}
    found = error("broken", **given)
    assert found.code == "wrong-type" and found.span is not None and found.span.file == "pump.lisp"
    found = error("(wrong)", **given)
    assert found.span is not None and (found.span.file, found.span.line) == ("pump.lisp", 14)
    found = error("(how-manny 1)", **given)
    assert found.code == "unbound" and found.help == "did you mean `how-many`?"


def test_definitions_get_no_grants_while_they_are_made() -> None:
    given = {"definitions": defining("(define stats (get frame 'stats))"), "state": {"stats.json": 3}}
    assert error("stats", allow={"state"}, **given).code == "not-granted"
