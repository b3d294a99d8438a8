"""The difference of two values: applied to the first it gives the second; a value has none from itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lisppump import canon
from lisppump.differences import ABSENT, Changes, applied, between, lines
from lisppump.merge_changes import window

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from([0.0, -0.0, 1.0])
    | st.text("ab", max_size=2)
)
NAMES = {"number": st.integers(0, 6), "id": st.text("abc", max_size=2)}
MORE = {"x": st.integers(0, 2), "in": st.lists(st.integers(0, 2), max_size=3)}
KEYED = st.sampled_from(["id", "number"]).flatmap(
    lambda name: st.lists(st.fixed_dictionaries({name: NAMES[name]}, optional=MORE), max_size=6)
)
VALUES = st.recursive(
    SCALARS | KEYED,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=15,
)
TEXTS = st.text("ab\n\u2028", max_size=12)


def json(value: Any) -> Any:
    return value if value is ABSENT else canon.canonical(value)


@given(VALUES | TEXTS, VALUES | TEXTS)
def test_a_difference_applied_to_the_first_gives_the_second(was: Any, now: Any) -> None:
    found = between(was, now)
    assert json(applied(was, found)) == json(now)
    assert bool(found) == (json(was) != json(now))
    copied = Changes(*(tuple(canon.loads(canon.line(entry)) for entry in entries) for entries in
                       (found.added, found.changed, found.removed)))  # fmt: skip
    assert json(applied(was, copied)) == json(now)


@given(KEYED, KEYED)
def test_lists_whose_items_have_keys(was: Any, now: Any) -> None:
    assert json(applied(was, between(was, now))) == json(now)
    assert json(applied({"a": was}, between({"a": was}, {"a": now}))) == json({"a": now})


@given(VALUES | TEXTS)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert not between(value, value)
    assert not between(value, canon.loads(canon.line(value)))
    for was, now in ((ABSENT, value), (value, ABSENT)):
        assert json(applied(was, between(was, now))) == json(now)


@given(TEXTS)
def test_the_lines_of_a_text_are_the_text(text: str) -> None:
    assert "".join(lines(text)) == text


def test_members_of_dicts_are_told_by_path() -> None:
    found = between({"a": {"b": 1, "c": 2}}, {"a": {"b": 1.0, "d": 3}})
    assert found.to_json() == {
        "added": [{"path": ["a", "d"], "value": 3}],
        "changed": [{"path": ["a", "b"], "from": 1, "to": 1.0}],
        "removed": [{"path": ["a", "c"], "value": 2}],
    }


def test_items_of_a_list_are_told_by_their_id_or_number() -> None:
    was = [{"id": "x", "n": 1}, {"id": "y", "n": 2}, {"id": "z"}]
    now = [{"id": "w"}, {"id": "z"}, {"id": "y", "n": 3}]
    assert between(was, now).to_json() == {
        "added": [{"path": [{"id": "w"}], "value": {"id": "w"}, "at": 0}],
        "changed": [{"path": [{"id": "y"}, "n"], "from": 2, "to": 3}, {"path": [], "order": ["w", "z", "y"]}],
        "removed": [{"path": [{"id": "x"}], "value": {"id": "x", "n": 1}}],
    }


def test_what_was_appended_to_a_log_is_all_that_is_told() -> None:
    base = [{"text": "a"}, {"text": "b"}]
    was = window(base)
    now = window([*base, {"text": "a"}])
    assert between(was, now) == Changes(added=({"path": [2], "value": {"text": "a"}},))


def test_a_ring_that_lost_its_first_elements_did_not_change_the_others() -> None:
    found = between([1, 2, 3, 4], [3, 4, 5])
    assert found.removed == ({"path": [0], "value": 1}, {"path": [1], "value": 2})
    assert found.added == ({"path": [2], "value": 5},) and not found.changed


def test_a_text_is_told_line_by_line() -> None:
    found = between("# Ada\none\ntwo\n", "# Ada\none!\ntwo\nthree\n")
    assert found.removed == ({"path": [1], "value": "one\n"},)
    assert found.added == ({"path": [1], "value": "one!\n"}, {"path": [3], "value": "three\n"})
