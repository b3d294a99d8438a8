"""Changes: what they make of documents, and that they touch nothing else."""

from __future__ import annotations

import pytest

from lisppump.errors import LisppumpError
from lisppump.lispy.values import slice_of
from lisppump.merge import Change, apply
from tests.merging import STATE


def test_appending_to_the_newest_window_copies_nothing() -> None:
    base = [{"n": 1}]
    first = slice_of(base, 0, 1)
    second = apply({"a.jsonl": first}, [Change("a.jsonl", "append", (), [{"n": 2}])])["a.jsonl"]
    assert second.base is base
    assert list(first) == [{"n": 1}]
    branch = apply({"a.jsonl": first}, [Change("a.jsonl", "append", (), [{"n": 3}])])["a.jsonl"]
    assert branch.base is not base
    assert list(second) == [{"n": 1}, {"n": 2}]
    assert list(branch) == [{"n": 1}, {"n": 3}]


def test_changes_make_the_dicts_on_their_way() -> None:
    after = apply({}, [Change("a.json", "add", ("x", "y"), 2), Change("a.json", "append", ("x", "z"), [1])])
    assert after == {"a.json": {"x": {"y": 2, "z": [1]}}}
    assert apply(after, [Change("a.json", "set", (), {"new": 1}), Change("m.md", "text", (), "a\n")]) == {
        "a.json": {"new": 1},
        "m.md": "a\n",
    }


@pytest.mark.parametrize(
    "change",
    [
        Change("log.json", "add", ("posts",), 1),
        Change("log.json", "append", ("posts", "x"), [1]),
        Change("stats.json", "append", ("total",), [1]),
        Change("stats.json", "text", (), "x"),
        Change("stats.json", "jump", ("total",), 1),
    ],
)
def test_a_change_that_does_not_fit_is_an_error(change: Change) -> None:
    with pytest.raises(LisppumpError) as caught:
        apply(STATE, [change])
    assert caught.value.code == "bad-change"
