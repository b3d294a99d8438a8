"""Documents as bytes: what has the wrong shape is refused before it is anywhere, names are safe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump.disk import StateError
from lisppump.documents import MOST_STEM, encode, entry, safe_stem


@pytest.mark.parametrize(
    ("name", "value"),
    [("a.md", 5), ("a.txt", None), ("a.md", "\ud800"), ("a.jsonl", {"a": 1}), ("a.jsonl", "abc")],
)
def test_a_value_of_another_kind_than_its_document_is_refused(name: str, value: Any) -> None:
    with pytest.raises(StateError, match=name.replace(".", r"\.")) as caught:
        entry(name, value)
    assert caught.value.code == "bad-document"


def test_what_is_no_json_names_its_document() -> None:
    with pytest.raises(StateError, match=r"a\.json: .*nan"):
        entry("a.json", {"x": float("nan")})
    with pytest.raises(StateError, match=r"a\.md should hold text"):
        encode("a.md", ["x"])


@pytest.mark.parametrize("text", ["ada", "Ada B.", "x..y", "zoé", "a\nb", "-rf"])
def test_a_name_that_can_be_one_stays_as_it_is(text: str) -> None:
    assert safe_stem(text) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), unique=True, max_size=8))
def test_every_text_has_a_file_name_of_its_own(texts: list[str]) -> None:
    stems = [safe_stem(text) for text in texts]
    assert len(set(stems)) == len(texts)
    for stem in stems:
        assert stem and not stem.startswith(".") and not {"/", "\0"} & set(stem)
        assert len(stem.encode()) <= MOST_STEM


def test_names_that_would_lead_elsewhere_are_escaped() -> None:
    assert safe_stem("../x") == "%2E%2E%2Fx"
    assert safe_stem("") == "%"
    assert safe_stem("a%2Fb") != safe_stem("a/b")
    assert len(safe_stem("k" * 500)) <= MOST_STEM
