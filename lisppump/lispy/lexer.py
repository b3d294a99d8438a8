"""Colours LisPy for Pygments, and so for the REPL and for manuals. The text may be unfinished, or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from pygments import token as kinds
from pygments.lexer import Lexer

from lisppump.lispy import library
from lisppump.lispy.builtins import load
from lisppump.lispy.comments import Token, tokens
from lisppump.lispy.errors import LispyError
from lisppump.lispy.forms import FORMS
from lisppump.lispy.limits import Limits
from lisppump.lispy.reader import number

_CONSTANTS = frozenset({"#t", "#f", "true", "false", "#true", "#false", "nil"})
_DEFINING = frozenset({"define", "def", "defun", "defn", "define-macro", "defmacro"})
_ELSE = frozenset({"else", "=>", "catch", "pump", "load"})  # words with a meaning that are no forms
_ESCAPE = re.compile(r"(\\(?:u\{[0-9a-fA-F]*\}|x[0-9a-fA-F]+;?|u[0-9a-fA-F]{4}|.))", re.S)
_KINDS = {
    "LINE": kinds.Comment.Single,
    "BLOCK": kinds.Comment.Multiline,
    "DISCARD": kinds.Comment.Special,
    "CHARACTER": kinds.String.Char,
    "PREFIX": kinds.Operator,
}


class LispyLexer(Lexer):  # type: ignore[misc]
    """LisPy, the small Lisp of lisppump."""

    name = "LisPy"
    aliases = ("lispy",)
    filenames = ("pump.lisp", "*.lispy")  # *.lisp is Common Lisp's to everybody else

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Each stretch of the text with its kind."""
        end = 0
        before = ["", ""]  # the two pieces before, comments not counted
        for token in tokens(text):
            if token.start > end:
                yield end, kinds.Whitespace, text[end : token.start]
            if token.kind == "UNKNOWN" and (rest := _unfinished(text, token.start)) is not None:
                yield token.start, rest, text[token.start :]
                return
            yield from _coloured(token, before)
            end = token.end
            if token.kind not in ("LINE", "BLOCK"):
                before = [before[1], token.text]
        if end < len(text):
            yield end, kinds.Whitespace, text[end:]


def _unfinished(text: str, start: int) -> Any:
    """What a string or a comment is that never ends; None of anything else."""
    if text[start] == '"':
        return kinds.String
    return kinds.Comment.Multiline if text.startswith("#|", start) else None


def _coloured(token: Token, before: list[str]) -> Iterator[tuple[int, Any, str]]:
    """A piece with its kind; a string in parts, its escapes apart."""
    if token.kind == "STRING":
        at = token.start
        for place, part in enumerate(_ESCAPE.split(token.text)):
            if part:
                yield at, kinds.String.Escape if place % 2 else kinds.String, part
            at += len(part)
    elif token.kind == "ATOM":
        yield token.start, _word(token.text, before), token.text
    elif token.kind == "UNKNOWN":
        yield token.start, kinds.Error, token.text
    else:
        yield token.start, _KINDS.get(token.kind, kinds.Punctuation), token.text


def _word(word: str, before: list[str]) -> Any:
    """What a word is by itself, and by what stands before it."""
    if word in _CONSTANTS:
        return kinds.Keyword.Constant
    if word == ".":
        return kinds.Punctuation
    if word.startswith(":") and len(word) > 1:
        return kinds.String.Symbol
    if word[0] in "0123456789+-.#" and (found := _number(word)) is not None:
        return found
    if before[1] in _DEFINING:
        return kinds.Name.Variable
    if before[0] in _DEFINING and before[1] == "(":
        return kinds.Name.Function
    if word in FORMS or word in _ELSE:
        return kinds.Keyword
    return kinds.Name.Builtin if word in _builtins() else kinds.Name


def _number(word: str) -> Any:
    """The kind of number that a word is; None if it is none."""
    try:
        value = number(word, Limits())
    except LispyError:  # one that is too large
        return kinds.Number
    if value is None:
        return None
    return kinds.Number.Integer if isinstance(value, int) else kinds.Number.Float


@cache
def _builtins() -> frozenset[str]:
    """The names that every program finds."""
    return frozenset({*load(), *library.names()})
