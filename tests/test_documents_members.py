"""Digests that follow the change: always the bytes of the whole, and nothing changed in place goes unseen."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import canon, documents_members
from lisppump.documents_members import Touched, following, members
from lisppump.errors import LisppumpError
from lisppump.merge_changes import Change, apply

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
NUMBERS = st.integers(-(10**25), 10**25) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | KEYS
WIDE = st.dictionaries(KEYS, LEAVES, min_size=16, max_size=24)
LONG = st.lists(LEAVES, min_size=60, max_size=200)
INNER = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)
VALUES = INNER | WIDE | LONG | st.dictionaries(KEYS, INNER | WIDE | LONG, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents_members, "SMALL", 0)
        yield


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_whatever_follows_whatever_has_the_bytes_of_the_whole(values: list[Any]) -> None:
    known = None
    for value in [*values, *reversed(values)]:
        known = following(known, value)
        assert known.data == canon.canonical(value)


@given(st.dictionaries(KEYS, WIDE | LONG | LEAVES, min_size=1, max_size=4), st.data())
def test_what_changes_make_has_the_bytes_of_the_whole(value: dict[str, Any], data: st.DataObject) -> None:
    known = members(value)
    for _ in range(3):
        path: tuple[str, ...] = (data.draw(st.sampled_from(sorted(known.value))),)
        held = known.value[path[0]]
        op, new = "set", data.draw(VALUES)
        if isinstance(held, dict):
            path = (*path, data.draw(KEYS))
        elif isinstance(held, list):
            op, new = "append", data.draw(st.lists(INNER, max_size=80))
        made = apply({"a.json": known.value}, [Change("a.json", op, path, new)])["a.json"]
        known = following(known, made)
        assert known.data == canon.canonical(made)


@pytest.fixture
def pieces_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_members, "BESIDE", 4)
    monkeypatch.setattr(documents_members, "ROOM", 40)


NAMES = st.integers(0, 99).map(str)
MANY = st.dictionaries(NAMES, st.builds(dict, n=LEAVES) | LEAVES | WIDE, min_size=18, max_size=40)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "grow", "drop", "turn"]), NAMES, LEAVES), max_size=12)


def stepped(value: dict[str, Any], step: tuple[str, str, Any], place: int) -> dict[str, Any]:
    """A dict in which a member was put, let grow or taken away, or came to stand last."""
    act, key, leaf = step
    key = sorted(value)[place % len(value)] if value and act != "put" else key
    made = {name: held for name, held in value.items() if name != key or act not in ("drop", "turn")}
    if act == "grow":
        made[key] = {"n": [leaf] * place}
    elif act != "drop":
        made[key] = value.get(key, leaf) if act == "turn" else leaf
    return made


@pytest.mark.usefixtures("pieces_are_small")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MANY, st.lists(STEPS, max_size=5), st.integers(0, 50))
def test_members_that_come_and_go_have_the_bytes_of_the_whole(
    value: dict[str, Any], frames: list[list[tuple[str, str, Any]]], place: int
) -> None:
    known = members({"all": value})
    for steps in frames:
        value = known.value["all"]
        for step in steps:
            value, place = stepped(value, step, place), place * 7 % 51
        known = following(known, {"all": value})
        assert known.data == canon.canonical({"all": value})
        assert 0 <= known.fresh <= len(known.data)


@pytest.mark.usefixtures("pieces_are_small")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MANY, STEPS, st.integers(0, 50), st.data())
def test_what_is_changed_in_place_is_found_or_stays_what_it_was(
    value: dict[str, Any], steps: list[tuple[str, str, Any]], place: int, data: st.DataObject
) -> None:
    clean = copy.deepcopy(value)
    known = members({"all": value})
    name = data.draw(st.sampled_from(sorted(value)))
    if data.draw(st.booleans()):
        value[name] = "another in its place"
    elif isinstance(held := value[name], dict):
        held["in place"] = 1
    for step in steps:
        value, clean, place = stepped(value, step, place), stepped(clean, step, place), place * 7 % 51
    with suppress(Touched):
        assert following(known, {"all": value}).data == canon.canonical({"all": clean})


def test_a_thousand_small_members_are_a_few_pieces_however_they_came() -> None:
    held: dict[str, Any] = {}
    known = members({"all": held})
    for n in range(1000):
        held = {**held, f"agent-{n * 7919 % 1000}": {"posts": n}}
        known = following(known, {"all": held})
    (piece,) = known.pieces or ()
    assert piece.large is not None and piece.large.pieces is not None
    assert len(piece.large.pieces) < 200
    assert known.data == canon.canonical(known.value)


def test_only_what_changed_is_encoded_again() -> None:
    agents = {f"agent-{n}": {"name": "x" * 50, "posts": 0} for n in range(1000)}
    archive = [{"body": "x" * 100} for _ in range(1000)]
    known = members({"agents": agents, "archive": archive})
    assert known.fresh > 100_000
    changes = [
        Change("a.json", "add", ("agents", "agent-7", "posts"), 1),
        Change("a.json", "append", ("archive",), [{"body": "new"}]),
    ]
    again = following(known, apply({"a.json": known.value}, changes)["a.json"])
    assert 0 < again.fresh < 6000
    assert following(again, again.value).fresh == 0


@pytest.mark.parametrize(
    "value", [{"a": {1: 2}}, {1: 2}, {"a": float("nan")}, {"a": {"\ud800": 1}}, {"a": {5}}]
)
def test_what_is_no_json_is_refused_in_the_words_of_the_whole(value: Any) -> None:
    with pytest.raises(LisppumpError) as whole:
        canon.canonical(value)
    with pytest.raises(LisppumpError) as caught:
        members(value)
    assert caught.value.message == whole.value.message


@pytest.mark.parametrize("levels", [200, 253, 254, 499, 500, 501])
def test_deep_data_is_taken_where_the_whole_is(levels: int) -> None:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    value = {"a": {str(n): value for n in range(20)}}
    try:
        wanted: Any = canon.canonical(value)
    except LisppumpError:
        wanted = None
    try:
        assert members(value).data == wanted
    except LisppumpError:
        assert wanted is None


def document() -> dict[str, Any]:
    return {
        "agents": {f"a{n}": {"posts": 0} for n in range(20)},
        "list": [{"n": n} for n in range(100)],
        "x": 1,
    }


@pytest.mark.parametrize(
    "touch",
    [
        lambda value: value["agents"]["a3"].update(posts=9),
        lambda value: value["agents"].update(a3={"posts": 9}),
        lambda value: value["agents"].update(new={}),
        lambda value: value["agents"].pop("a4"),
        lambda value: value.update(agents=dict(value["agents"])),
        lambda value: value.update(new=1),
        lambda value: value["list"][99].update(n=-1),
        lambda value: value["list"].__setitem__(98, {}),
        lambda value: value["list"].append(0),
    ],
)
def test_what_was_changed_in_place_beside_a_change_is_found(touch: Any) -> None:
    known = members(document())
    touch(known.value)
    changes = [
        Change("a.json", "add", ("agents", "a3", "posts"), 1),
        Change("a.json", "append", ("list",), [1]),
    ]
    made = apply({"a.json": known.value}, changes)["a.json"]
    with pytest.raises(Touched):
        following(known, made)


def test_a_small_document_is_encoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_members, "SMALL", 10_000)
    known = members(document())
    assert known.pieces is None
    known.value["x"] = 2
    with pytest.raises(Touched):
        following(known, document())
    grown = following(members(document()), {**document(), "more": "x" * 10_000})
    assert grown.pieces is not None
    shrunk = following(grown, document())
    assert shrunk.data == canon.canonical(document())
