"""The built-in echoes and the merger `by`: functions of pump.lisp and agents' programs over a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lisppump.plugins.echo_agents_programs import AgentsPrograms
from lisppump.plugins.echo_by import By
from lisppump.plugins.merge_by import By as MergeBy

from lisppump.delta import Delta, Schema
from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.lispy import Runtime
from lisppump.lispy.limits import Limits
from lisppump.testing import check_echo, check_merger, frame_of


class Function:
    """A LisPy lambda as the policy would give it."""

    def __init__(self, source: str, name: str = "mood") -> None:
        self.name = name
        self.runtime = Runtime()
        self.procedure = self.runtime.evaluate(source)

    def on(self, frame: Frame, *, seed: tuple[Any, ...] = (), **_: Any) -> Callable[..., Any]:
        return lambda *args: self.runtime.call(
            self.procedure, args, state=frame.view, allow={"state"}, seed=(frame.number, *seed)
        )


def test_a_function_thinks_under_its_name() -> None:
    frame = frame_of({"stats.json": {"posts": 4}})
    (thought,) = check_echo(
        By(Function('(lambda () (dict "posts" (get-in frame (list "stats" "posts"))))')), frame
    )
    assert (thought.key, thought.program, thought.value, thought.error) == (
        "mood",
        "mood",
        {"posts": 4},
        None,
    )


def test_functions_without_a_name_are_told_apart_by_their_place() -> None:
    echo = By(Function("(lambda () 1)", name="lambda"))
    assert [echo.think(frame_of({}), ("echo", n))[0].key for n in (0, 1)] == ["echo-0", "echo-1"]


@pytest.mark.parametrize(
    ("source", "code"), [("(lambda () (car 5))", "wrong-type"), ("(lambda () car)", "json-error")]
)
def test_a_function_that_fails_is_a_thought_with_an_error(source: str, code: str) -> None:
    (thought,) = check_echo(By(Function(source)), frame_of({}))
    assert thought.value is None
    assert thought.error is not None
    if code == "wrong-type":
        assert thought.error["code"] == code


def world(**programs: Any) -> Frame:
    agents = {"ann": {"name": "Ann"}, "bob": {"name": "Bob"}}
    return frame_of(
        {"agents.json": {"agents": agents}, "programs.json": programs},
        number=9,
        virtual={"echo": {"signals": {}, "results": {"ann": 41}}},
    )


def test_programs_think_by_agent_with_output_usage_and_their_last_result() -> None:
    frame = world(bob={"source": '(display "hi") (length agents)'}, ann="(+ 1 (rb-echo self))")
    first, second = check_echo(AgentsPrograms(), frame)
    assert (first.key, first.value, first.error) == ("ann", 42, None)
    assert (second.key, second.value, second.output) == ("bob", 2, "hi")
    assert second.usage["steps"] > 0
    assert second.to_json(9)["program"] == '(display "hi") (length agents)'


def test_a_program_that_fails_leaves_the_others_alone() -> None:
    frame = world(ann="(car", bob="1", cid="(let loop () (loop))")
    thoughts = check_echo(AgentsPrograms(limits=Limits(steps=300)), frame)
    errors = [None if thought.error is None else thought.error["code"] for thought in thoughts]
    assert errors == ["unclosed", None, "step-limit"]


def test_what_was_not_allowed_is_an_error() -> None:
    (thought,) = AgentsPrograms(allow=()).think(world(ann="agents"), ("echo", 0))
    assert thought.error is not None and thought.error["code"] == "not-granted"


def test_agents_throw_different_dice_and_the_same_again() -> None:
    source = "(random-int 1 1000000000)"
    thoughts = check_echo(AgentsPrograms(), world(ann=source, bob=source))
    assert thoughts[0].value != thoughts[1].value


@pytest.mark.parametrize("document", [None, [], "text", {"ann": {"source": 5}}, {"ann": None}])
def test_a_document_of_another_shape_holds_no_programs(document: Any) -> None:
    assert AgentsPrograms().think(frame_of({"programs.json": document}), ("echo", 0)) == []
    assert AgentsPrograms().think(frame_of({}), ("echo", 0)) == []


DELTAS = [
    Delta(1, 2, "t", {"lines": ["c"]}, agents=("bob",)),
    Delta(1, 1, "t", {"lines": ["a", "b"]}, agents=("ann",)),
]


def test_a_merger_by_a_function_replaces_the_documents_it_gives() -> None:
    merger = MergeBy(
        Function(
            '(lambda (frame deltas) (dict "log.json" (append (get frame "log")'
            ' (flat-map (lambda (d) (get d "lines")) deltas))))'
        )
    )
    merged = check_merger(merger, frame_of({"log.json": ["z"]}), DELTAS, Schema())
    assert [change.to_json() for change in merged.changes] == [["log.json", "set", [], ["z", "a", "b", "c"]]]
    assert merged.report == {"lines": {"in": 3, "merged": 3, "duplicate": 0, "quarantined": 0}}


def test_a_merger_by_a_function_quarantines_what_the_check_refused() -> None:
    refused = {"collection": "lines", "index": 1, "reason": "wrong-type", "message": "no", "item": 5}
    delta = Delta(1, 3, "t", {"lines": ["d"]}, agents=("cid",), rejected=(refused,))
    merged = MergeBy(Function("(lambda (frame deltas) {})")).merge(frame_of({}), [*DELTAS, delta], Schema())
    assert merged.report == {"lines": {"in": 5, "merged": 4, "duplicate": 0, "quarantined": 1}}
    assert merged.quarantine == ({"frame": 1, "node": "local", "epoch": 1, "stream": 3, **refused},)


def test_a_merger_that_gives_no_documents_says_what_is_wanted() -> None:
    with pytest.raises(LisppumpError) as caught:
        MergeBy(Function("(lambda (frame deltas) 5)")).merge(frame_of({}), DELTAS, Schema())
    assert caught.value.code == "bad-merge"
