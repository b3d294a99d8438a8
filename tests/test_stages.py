"""What stages are held to: whoever breaks the contract of a kind is named, and nothing is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from lisppump.blame import blamed
from lisppump.calling import BackendError, Reply, answered
from lisppump.errors import LisppumpError
from lisppump.frame import Stream
from lisppump.merge import Change, Merged
from lisppump.stages import Thought, assign, merged, thought
from lisppump.testing import frame_of, people

COUNTS = {"lines": {"in": 1, "merged": 1, "duplicate": 0, "quarantined": 0}}


def test_an_answer_is_a_copy_and_keeps_the_order_of_its_keys() -> None:
    item: dict[str, Any] = {"z": [1], "a": 10**30}
    reply = answered(Reply(data={"lines": [item]}))
    item["z"].append(2)
    assert reply.data == {"lines": [{"z": [1], "a": 10**30}]}
    assert list(reply.data["lines"][0]) == ["z", "a"]


def test_half_a_surrogate_pair_in_a_text_is_written_as_its_escape() -> None:
    assert answered(Reply(text='{"a": "\ud800"}')).text == '{"a": "\\ud800"}'


@pytest.mark.parametrize(
    "result",
    [
        None,
        Merged((5,), COUNTS, ()),  # type: ignore[arg-type]
        Merged((Change("x.json", "zap", (), 1),), COUNTS, ()),
        Merged((Change("x.json", "set", "ab", 1),), COUNTS, ()),  # type: ignore[arg-type]
        Merged((Change("x.json", "set", (1,), 1),), COUNTS, ()),  # type: ignore[arg-type]
        Merged((Change("x.md", "text", (), 1),), COUNTS, ()),
        Merged((Change("x.json", "add", ("n",), True),), COUNTS, ()),
        Merged((Change("x.jsonl", "append", (), "abc"),), COUNTS, ()),
        Merged((), {"lines": 5}, ()),  # type: ignore[dict-item]
        Merged((), {"lines": {**COUNTS["lines"], "in": 2}}, ()),
        Merged((), COUNTS, (5,)),  # type: ignore[arg-type]
        Merged((), COUNTS, ({"item": object()},)),
        Merged((), COUNTS, ({"item": 1},)),
        Merged((), COUNTS, ({"item": 1, "message": None},)),
        Merged(None, COUNTS, ()),  # type: ignore[arg-type]
        Merged((), None, ()),  # type: ignore[arg-type]
        Merged((), COUNTS, {"item": 1}),  # type: ignore[arg-type]
    ],
)
def test_a_merger_is_held_to_changes_and_to_its_account(result: Any) -> None:
    with pytest.raises(LisppumpError, match="merger `mine`") as caught:
        merged(result, whose="merger `mine`")
    assert caught.value.code == "contract"


def test_what_a_merger_may_give_passes() -> None:
    result = Merged((Change("x.json", "set", ("a",), {"b": 1}),), COUNTS, ({"message": "why"},))
    assert merged(result, whose="merger `mine`") == result


def test_what_a_merger_gives_is_gone_through_once() -> None:
    change, entry = Change("x.json", "set", ("a",), 1), {"message": "why"}
    lazy = Merged((c for c in (change,)), COUNTS, (e for e in (entry,)))  # type: ignore[arg-type]
    made = merged(lazy, whose="merger `mine`")
    assert made == Merged((change,), COUNTS, (entry,))
    assert made.report is not COUNTS and made.quarantine[0] is not entry


@pytest.mark.parametrize(
    "entry",
    [
        5,
        Thought("", "p", 1),
        Thought(5, "p", 1),  # type: ignore[arg-type]
        Thought("k", "p", float("nan")),
        Thought("k", "p", {1, 2}),
        Thought("k\ud800", "p", 1),
        Thought("k", "p", error=5),  # type: ignore[arg-type]
        Thought("k", "p", output=object()),  # type: ignore[arg-type]
    ],
)
def test_an_echo_is_held_to_data_under_a_name(entry: Any) -> None:
    with pytest.raises(LisppumpError, match="echo `mine`") as caught:
        thought(entry, whose="echo `mine`")
    assert caught.value.code == "contract"


def test_a_stage_that_exits_does_not_take_the_run_with_it() -> None:
    said = "dam `mine` of plugin p raised SystemExit: 3"
    with pytest.raises(LisppumpError, match=said) as caught, blamed("dam", "mine", "p", 1):
        raise SystemExit(3)
    assert caught.value.code == "stage-failed"


def test_a_failure_that_does_not_exist_cannot_be_raised() -> None:
    with pytest.raises(ValueError, match="nope"):
        BackendError("nope", "x")  # type: ignore[arg-type]


def test_rooms_may_come_from_anything_that_gives_them() -> None:
    class Lists:
        def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
            return (Stream(9, [agent.id for agent in agents]) for _ in range(1))  # type: ignore[arg-type]

    made = assign(Lists(), frame_of({}), people("ann", "bob"), 1, 7)
    assert made.streams == (Stream(1, ("ann", "bob")),)


def test_a_room_is_named_in_text() -> None:
    class Names:
        def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
            return [Stream(1, ("ann",), "\ud800")]

    with pytest.raises(LisppumpError, match="gave stream-0001 a name that is no text"):
        assign(Names(), frame_of({}), people("ann"), 1, 7, name="mine")


@pytest.mark.parametrize(
    ("rooms", "words"),
    [
        (None, "it gave None"),
        ("ann", "it gave the str 'ann'"),
        ({"ann": ["ann"]}, "it gave a dict"),
        (["ann"], "it gave the str 'ann'"),
        ([None], "it gave None"),
        ([["ann", 5]], "it put in the int 5"),
        ([[["ann"]]], "it put in a list"),
        ([Stream(1, None)], "it gave None"),  # type: ignore[arg-type]
    ],
)
def test_a_dam_gives_rooms_and_rooms_hold_ids(rooms: Any, words: str) -> None:
    class Gives:
        def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
            return rooms

    with pytest.raises(LisppumpError, match="dam `mine` should") as caught:
        assign(Gives(), frame_of({}), people("ann"), 1, 7, name="mine")
    assert caught.value.code == "contract"
    assert words in caught.value.message
