"""What the reader reads by itself is what the grammar reads; every text with a mistake it leaves to that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lisppump.errors import Source
from lisppump.lispy import Limits, LispyError, grammar, reader
from lisppump.lispy.nodes import Node
from tests.conftest import ROOT

TIGHT = Limits(syntax_depth=3, bits=64, string=20)
PIECES = (
    "(", ")", "[", "]", "{", "}", "#(", "'", "#'", "`", ",", ",@", "#;", "#", "#\\a", "#\\space", "#\\x41",
    "#\\nobody", "#\\(", '"', '"a b"', '"a\\nb"', '"a\\"', '"é"', '"\\ud800"', '"' + 30 * "x" + '"', "a",
    "b?", "+", "...", ".", ".5", "1.", "-1", "+2", "12345678901234567890", "1/2", "1/0", "1e999", "#xff",
    "#b2", "#t", "true", "nil", ":k", ":", "#:g", "#|", "|#", "#| a |#", "#|#||#|#", "; c\n", ";", "\n", " ",
    "\\", "λ", "\ufeff",
)  # fmt: skip


def shape(node: Node) -> tuple[Any, ...]:
    value = repr(node.value)  # tells 1 from 1.0 and -0.0 from 0.0
    place = (node.start, node.end, node.depth, node.source)
    return (node.kind, value, *place, tuple([shape(item) for item in node.items]))


def by_grammar(text: str, limits: Limits) -> Any:
    try:
        return [shape(node) for node in grammar.parsed(Source("t", text), limits)]
    except LispyError as error:
        return error.diagnostic()


def by_reader(text: str, limits: Limits) -> Any:
    reader._memory.cache_clear()
    try:
        return [shape(node) for node in reader.read(text, "t", limits)]
    except LispyError as error:
        return error.diagnostic()


def alike(text: str) -> None:
    for limits in (Limits(), TIGHT):
        wanted = by_grammar(text, limits)
        reader._words.clear()
        assert by_reader(text, limits) == wanted
        assert by_reader(text, limits) == wanted  # now that the words are known


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@example("'(a . b)")
@example("(a '. b)")
@example("'")
@example("(')")
@example("(a . b . c)")
@example("#(a . b)")
@example("{a . 1}")
@example("''''a")
@example('"\\"')
def test_pieces_in_any_order(text: str) -> None:
    alike(text)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_pieces_with_spaces_between(text: str) -> None:
    alike(text)


@given(
    st.recursive(
        st.sampled_from(["a", "'b", "12", '"s t"', ":k", "#t", "#\\a", "1.5"]),
        lambda inner: st.lists(inner, max_size=4).flatmap(
            lambda items: st.sampled_from(["(%s)", "[%s]", "#(%s)", "'(%s)", "`(a ,%s)", "(%s . z)"]).map(
                lambda form: form % " ".join(items)
            )
        ),
        max_leaves=15,
    )
)
def test_programs(text: str) -> None:
    alike(text)


def test_every_file_and_every_posted_program(shared_data: Path) -> None:
    lines = (shared_data / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["program"] for line in lines]
    texts += [path.read_text("utf-8") for path in ROOT.rglob("*.lisp")]
    assert len(texts) > 400
    for text in texts:
        alike(text)


def test_a_text_without_mistakes_needs_no_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(source: Source, limits: Limits) -> list[Node]:
        raise AssertionError("the grammar was asked")

    monkeypatch.setattr(grammar, "parsed", parsed)
    text = '(define (f x . rest) \'(a "b\\n" #\\c [1 -2.5] #(#t nil) {:k `(a ,b ,@c)})) ; so\n#| far |# (f 1)'
    assert [node.kind for node in reader.read(text)] == ["list", "list"]


@pytest.mark.parametrize("start", ['"', '"\\"', "#|", "#| #||#", "(", "'", "#\\", '#"'])
def test_a_long_text_with_a_mistake_is_looked_at_once(start: str) -> None:
    """Were it looked at again from every place where the mistake might begin, this would take an hour."""
    with pytest.raises(LispyError):
        reader.read(start * (200_000 // len(start)) + "'", limits=Limits(syntax_depth=10**6))
