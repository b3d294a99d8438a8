"""The Pygments lexer: what it makes of words, that it keeps a text, and that Pygments finds it."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Token

from lisppump.lispy.lexer import LispyLexer


def colours(text: str) -> list[tuple[str, str]]:
    """The pieces of a text that are no space, each with its kind."""
    found = LispyLexer().get_tokens_unprocessed(text)
    return [(str(kind).removeprefix("Token."), piece) for _, kind, piece in found if not piece.isspace()]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("; a (b", "Comment.Single"),
        ("#| a #| b |#\n |#", "Comment.Multiline"),
        ("#;", "Comment.Special"),
        ("#\\newline", "Literal.String.Char"),
        ("12", "Literal.Number.Integer"),
        ("-1.5e3", "Literal.Number.Float"),
        ("1/2", "Literal.Number.Float"),
        ("1/0", "Literal.Number"),
        ("9" * 5000, "Literal.Number"),
        ("#xff", "Literal.Number.Integer"),
        ("#t", "Keyword.Constant"),
        ("nil", "Keyword.Constant"),
        (":pop", "Literal.String.Symbol"),
        ("if", "Keyword"),
        ("λ", "Keyword"),
        ("else", "Keyword"),
        ("map", "Name.Builtin"),
        ("tally", "Name.Builtin"),  # of the prelude
        ("-", "Name.Builtin"),
        ("mine", "Name"),
        (",@", "Operator"),
        ("'", "Operator"),
        ("#(", "Punctuation"),
        ("{", "Punctuation"),
        (".", "Punctuation"),
        ("#|  a", "Comment.Multiline"),
        ('"a (b', "Literal.String"),
    ],
)
def test_a_piece_has_its_kind(text: str, kind: str) -> None:
    assert colours(text) == [(kind, text)]


def test_what_is_defined_stands_out() -> None:
    assert colours("(define (f x) x)")[:4] == [
        ("Punctuation", "("), ("Keyword", "define"), ("Punctuation", "("), ("Name.Function", "f")
    ]  # fmt: skip
    assert ("Name.Variable", "map") in colours("(define ; hides it\n map 2)")


def test_escapes_stand_out() -> None:
    assert colours('"a\\n\\"b"') == [
        ("Literal.String", '"a'), ("Literal.String.Escape", "\\n"), ("Literal.String.Escape", '\\"'),
        ("Literal.String", 'b"'),
    ]  # fmt: skip


def keep(text: str) -> bool:
    """Hold the lexer to the text that it was given; true if it found no mistake."""
    found = list(LispyLexer().get_tokens_unprocessed(text))
    assert "".join(piece for _, _, piece in found) == text
    assert all(text.startswith(piece, at) for at, _, piece in found)
    return all(kind is not Token.Error for _, kind, _ in found)


@given(st.text("()[]{}\"'`,@;#|\\ \n\rab1.:-\ufeff", max_size=40))
def test_any_text_is_kept(text: str) -> None:
    keep(text)


def test_posted_programs_are_kept_and_understood(shared_data: Path) -> None:
    for line in (shared_data / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines():
        assert keep(json.loads(line)["program"])


def test_pygments_finds_it() -> None:
    [point] = entry_points(group="pygments.lexers", name="lispy")
    assert point.load() is LispyLexer
    assert isinstance(get_lexer_by_name("lispy"), LispyLexer)
    assert isinstance(get_lexer_for_filename("world/pump.lisp"), LispyLexer)
    assert not isinstance(get_lexer_for_filename("other.lisp"), LispyLexer)
