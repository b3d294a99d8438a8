"""Data that leaves a program as text, or through JSON, comes back as it was: code that is data, too."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump import canon
from lisppump.lispy import Runtime, to_text
from lisppump.lispy.reader import read
from lisppump.lispy.values import elements, is_list

names = st.from_regex(r"[a-z!?*<>=/+-][a-z0-9!?*<>=/+-]{0,8}", fullmatch=True)
atoms = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12),
)  # fmt: skip
data = st.recursive(
    atoms, lambda more: st.lists(more, max_size=5) | st.dictionaries(st.text(max_size=6), more, max_size=4),
    max_leaves=20,
)  # fmt: skip


def run(source: str) -> Any:
    result = Runtime().run(source)
    assert result.ok, result.error
    return result.value


@settings(max_examples=150, deadline=None)
@given(data)
def test_data_survives_text_and_json(value: Any) -> None:
    text = to_text(value)
    assert run(f"(equal? (read-string (write-string '{text})) '{text})") is True
    through = canon.loads(canon.line({"source": text}), "a line")["source"]
    assert run(f"(write-string '{through})") == run(f"(write-string '{text})")


code = st.recursive(
    st.one_of(st.integers(-999, 999).map(str), names.filter(lambda name: name[0] not in "+-" or name in "+-"),
              st.text("abc \"\\\n", max_size=5).map(to_text), st.sampled_from(["#t", "#f", ":k", "nil"])),
    lambda more: (
        st.lists(more, max_size=4).map(lambda parts: f"({' '.join(parts)})") | more.map("'{}".format)
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(code)
def test_a_program_is_data_that_comes_back_as_the_program(source: str) -> None:
    once = run(f"(write-string '{source})")
    again = run(f"(write-string (read-string {to_text(once)}))")
    assert again == once
    assert run(f"(equal? '{source} (read-string {to_text(once)}))") is True
    assert len(read(once, "text")) == 1


def test_a_list_is_code_and_data() -> None:
    assert run("(let ((program '(+ 1 2))) (list (length program) (eval program)))") == [3, 3]
    assert is_list(run("'(1 2)")) and [*elements(run("'(1 2)"))] == [1, 2]
