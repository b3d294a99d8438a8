"""The quick look at items: whatever came before, it says yes of an item only where the slow look does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump import schema_usual
from lisppump.delta import Collection, Field, Schema
from lisppump.schema_usual import are_usual, own_usual

ODD_NAMES = ("it's", 'say "x"', "a\nb", "{item}", "\\")
THINGS = Collection(
    "things",
    (
        Field("who", "agent"),
        Field("kind", "one-of", choices=("a", "b"), optional=True),
        Field("n", "integer", optional=True),
        Field("sure", "boolean", optional=True),
        *(Field(name, "string", optional=True) for name in ODD_NAMES),
    ),
)
TEXTS = st.sampled_from(["", "a", "b", "ada"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(0, 1), TEXTS, st.just([]))
ITEMS = st.one_of(
    st.fixed_dictionaries(
        {"who": st.sampled_from(["ada", "bob", ""])},
        optional={
            "kind": st.sampled_from(["a", "b", "c", None]),
            "n": st.one_of(st.integers(0, 3), st.none(), st.booleans()),
            "sure": st.one_of(st.booleans(), st.none()),
            **{name: st.sampled_from(["x", "", None]) for name in ODD_NAMES},
        },
    ),
    st.dictionaries(st.sampled_from(["who", "kind", "n", "other", *ODD_NAMES]), VALUES, max_size=4),
    VALUES,
)


def test_of_very_many_shapes_no_more_is_remembered_nor_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    usual = schema_usual._fitting

    def counted(*given: Any) -> Any:
        made.append(given)
        return usual(*given)

    monkeypatch.setattr(schema_usual, "_fitting", counted)
    names = [f"f{number}" for number in range(8)]
    things = Collection("things", tuple(Field(name, "string", optional=True) for name in names))
    schema = Schema((things,))
    for _ in range(2):
        for bits in range(1, 256):
            item = {name: "x" for place, name in enumerate(names) if bits >> place & 1}
            assert own_usual(schema, {"things": [item, item]}) == {"things": [item, item]}
    assert len(made) == len(things.usual_shapes) == schema_usual.MOST_SHAPES
    assert len(things.usual_fits) == schema_usual.MOST_SHAPES + 1


@given(st.lists(st.lists(ITEMS, max_size=3), max_size=8))
def test_it_agrees_with_the_slow_look_whatever_shapes_came_before(replies: list[list[Any]]) -> None:
    schema, fresh = Schema((THINGS,)), Collection("things", THINGS.fields)
    THINGS.usual_shapes.clear()
    THINGS.usual_fits.clear()
    for items in replies:
        own = own_usual(schema, {"things": items})
        fresh.usual_shapes.clear()
        assert (own is not None) == are_usual(fresh, items)
        if own is not None:
            assert own == {"things": items} and [*map(list, own["things"])] == [*map(list, items)]
            assert all(mine is not given for mine, given in zip(own["things"], items, strict=True))
