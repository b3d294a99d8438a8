"""Hand edits merged by path: laws over any three sides, and what people do to files in particular."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.merge_edits import ABSENT, Joined, differences, joined, nearest, same

KEYS = st.sampled_from("abcd")
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 1) | st.sampled_from(["", "x", "y"])
JSON = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4), max_leaves=12
)
TEXT = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=6).map("\n".join)
LOG = st.lists(st.integers(0, 3), max_size=6)
SIDES = {"json": JSON, "text": TEXT, "log": LOG}
KINDED = st.sampled_from(sorted(SIDES)).flatmap(
    lambda kind: st.tuples(st.just(kind), *(SIDES[kind] | st.just(ABSENT) for _ in range(3)))
)


def of(kind: str, was: Any, world: Any, hand: Any, **options: Any) -> Joined:
    return joined(kind, was, world, hand, **options)


@given(KINDED)
def test_a_side_that_did_nothing_leaves_the_other_as_it_is(drawn: tuple[str, Any, Any, Any]) -> None:
    kind, base, other, _ = drawn
    for found in (of(kind, base, base, other), of(kind, base, other, base), of(kind, base, other, other)):
        assert found.value is other or same(found.value, other)
        assert found.overlaps == []
    assert of(kind, base, other, base).by_hand == of(kind, base, other, other).by_hand == []
    assert bool(of(kind, base, base, other).by_hand) == (not same(base, other))


@given(KINDED)
def test_who_is_preferred_only_decides_where_both_changed_something(drawn: tuple[str, Any, Any, Any]) -> None:
    kind, base, world, hand = drawn
    one, other = of(kind, base, world, hand), of(kind, base, world, hand, prefer="hand")
    assert (one.overlaps, one.by_hand) == (other.overlaps, other.by_hand)
    if not one.overlaps:
        assert same(one.value, other.value)
    for place in one.overlaps:
        assert not same(place.hand, place.world) and not same(place.was, place.hand)


@given(st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON), st.dictionaries(KEYS, JSON))
def test_edits_of_different_members_commute(base: dict[str, Any], one: Any, other: Any) -> None:
    ours = {**base, **{key: value for key, value in one.items() if key < "c"}}
    theirs = {**base, **{key: value for key, value in other.items() if key >= "c"}}
    there, back = of("json", base, ours, theirs), of("json", base, theirs, ours)
    assert there.overlaps == back.overlaps == []
    assert same(there.value, back.value)
    assert same(there.value, {**base, **{k: v for k, v in [*one.items()] if k < "c"}, **theirs_only(other)})


def theirs_only(other: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in other.items() if key >= "c"}


@given(TEXT, TEXT, TEXT, TEXT)
def test_edits_of_different_lines_commute(base: str, one: str, other: str, between: str) -> None:
    was, ours, theirs = f"{base}\nMARK\nKEEP\n{between}\n", f"{one}\nMARK\nKEEP\n{between}\n", None
    theirs = f"{base}\nMARK\nKEEP\n{other}\n"
    there, back = of("text", was, ours, theirs), of("text", was, theirs, ours)
    if not there.overlaps:
        assert there.value == back.value


@given(LOG, LOG, LOG)
def test_what_both_appended_is_kept_of_both(base: list[int], one: list[int], other: list[int]) -> None:
    found = of("log", base, [*base, *one], [*base, *other])
    assert found.overlaps == []
    wanted = one if one == other else [*one, *other]
    assert found.value == [*base, *wanted]


@given(JSON, JSON)
def test_differences_lead_from_one_to_the_other(was: Any, now: Any) -> None:
    assert same(put(was, list(differences(was, now))), now)


def put(value: Any, places: list[Any]) -> Any:
    for place in places:
        if not place.path:
            return place.hand
        value = put_one(value, place.path, place.hand)
    return value


def put_one(value: Any, path: tuple[str, ...], new: Any) -> Any:
    made = dict(value)
    made[path[0]] = new if len(path) == 1 else put_one(made[path[0]], path[1:], new)
    return {key: member for key, member in made.items() if member is not ABSENT}


WAS = {"agents": {"ada": {"mood": "calm", "posts": 1}, "bob": {"posts": 0}}, "tags": ["a"]}


def test_members_are_merged_beside_what_the_world_did() -> None:
    agents = {"ada": {"mood": "calm", "posts": 2}, "bob": {"posts": 0}, "cy": {}}
    world = {"agents": agents, "tags": ["a", "w"]}
    hand = {"agents": {"ada": {"mood": "glad", "posts": 1}}, "tags": ["a", "h"], "new": 1}
    found = joined("json", WAS, world, hand)
    assert found.overlaps == []
    assert found.value == {
        "agents": {"ada": {"mood": "glad", "posts": 2}, "cy": {}}, "tags": ["a", "w", "h"], "new": 1,
    }  # fmt: skip
    paths = [" ".join(place.path) for place in found.by_hand]
    assert paths == ["agents ada mood", "agents bob", "tags", "new"]


def test_an_overlap_shows_all_sides() -> None:
    world = {**WAS, "tags": ["b"]}
    hand = {**WAS, "tags": ["c"], "x": 1}
    found = joined("json", WAS, world, hand)
    (place,) = found.overlaps
    assert place.to_json(world=True) == {"path": ["tags"], "was": ["a"], "hand": ["c"], "world": ["b"]}
    assert found.value == {**WAS, "tags": ["b"], "x": 1}
    assert joined("json", WAS, world, hand, prefer="hand").value == {**WAS, "tags": ["c"], "x": 1}


@pytest.mark.parametrize(
    ("was", "world", "hand", "value"),
    [
        ("a\n", "a\nw\n", "a\nh\n", "a\nw\nh\n"),
        ("a", "a\nw", "a\nh", "a\nw\nh"),
        ("a\nb\n", "a\nb\nw\n", "A\nB\n", "A\nB\nw\n"),
        ("a\nb\nc\n", "a\nb\nc\nw\n", "b\nc\n", "b\nc\nw\n"),
        ("a\nb\nc\nd\n", "a\nX\nc\nd\n", "a\nb\nc\nD\nE\n", "a\nX\nc\nD\nE\n"),
        ("a\n", "a\n", "a", "a"),
        (ABSENT, "w\n", "h\n", "w\nh\n"),
        ("a\n", "a\nw\n", "a", "a\nw"),
    ],
)
def test_texts_are_merged_by_lines(was: Any, world: str, hand: str, value: str) -> None:
    found = joined("text", was, world, hand)
    assert (found.value, found.overlaps) == (value, [])


def test_lines_that_both_changed_overlap() -> None:
    found = joined("text", "a\nb\nc\n", "a\nX\nc\nw\n", "h\na\nY\nc\n")
    (place,) = found.overlaps
    assert (place.path, place.was, place.hand, place.world) == (("line 2",), "b\n", "Y\n", "X\n")
    assert found.value == "h\na\nX\nc\nw\n"
    assert [place.path for place in found.by_hand] == [("after line 0",)]
    found = joined("text", "a\nb\nc\n", "a\nX\nc\nw\n", "h\na\nY\nc\n", prefer="hand")
    assert found.value == "h\na\nY\nc\nw\n"


def test_what_was_removed_on_one_side_and_changed_on_the_other_overlaps() -> None:
    for kind, was, now in (("json", {"a": 1}, {"a": 2}), ("text", "a", "b"), ("log", [1], [1, 2])):
        for world, hand in ((now, ABSENT), (ABSENT, now)):
            found = joined(kind, was, world, hand)
            assert [place.path for place in found.overlaps] == [()]
            assert found.value is world


@given(LOG, LOG, LOG, st.integers(0, 6))
def test_who_writes_behind_a_version_goes_on_from_it(
    base: list[int], one: list[int], other: list[int], place: int
) -> None:
    """Versions of a log that grew, of which nobody knows which one lay there; a later one is nearer."""
    versions = [[*base, *one[:size]] for size in range(len(one) + 1)]
    version = versions[min(place, len(one))]
    hand = [*version, *(item + 10 for item in other)]
    assert nearest("log", versions, hand) == version
    texts = ["".join(f"{item}\n" for item in side) for side in (*versions, version, hand)]
    assert nearest("text", texts[: len(versions)], texts[-1]) == texts[-2]


@pytest.mark.parametrize(
    ("kind", "sides", "hand", "found"),
    [
        ("json", [{"a": 1, "n": 5}, {"a": 1, "n": 6}, {"a": 1, "n": 7}], {"a": 2, "n": 6}, 1),
        ("json", [{"a": [1]}, {"a": [1, 2]}], {"a": [1, 2, 3], "b": 1}, 1),
        ("json", [{"a": 1}, {"a": 2}], {"a": 3}, 0),  # which cannot be told
        ("json", [ABSENT, {"theirs": 1, "more": {"x": 1}}], {"mine": 1}, 0),
        ("json", [ABSENT, {"theirs": 1, "more": {"x": 1}}], {"theirs": 1, "more": {"x": 2}}, 1),
        ("log", [ABSENT, [1]], [2], 0),
        ("log", [ABSENT, [1]], [1, 2], 1),
        ("text", ["a\nb\n", "a\nb\nc\n"], "x\na\nb\n", 0),
        ("text", ["a\nb\n", "a\nb\nc\n"], "x\na\nb\nc\n", 1),
    ],
)
def test_the_nearest_of_several_is_what_the_hand_went_on_from(
    kind: str, sides: list[Any], hand: Any, found: int
) -> None:
    assert nearest(kind, sides, hand) is sides[found]
