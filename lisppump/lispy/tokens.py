"""Cuts a text into the pieces that the grammar puts together. What a piece means is not decided here."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = r";[^\n]*|\#\|(?:[^|#]|\|(?!\#)|\#(?!\|)|\#\|(?:[^|#]|\|(?!\#)|\#(?!\|))*\|\#)*\|\#"
_SPACE = rf"[\s\ufeff]*+(?:(?>{_COMMENT})[\s\ufeff]*+)*+"
_ATOM = r"""(?!\#[;|(\\'])[^\s()\[\]{}"';`,]+"""
_CHARACTER = r"\#\\(?:[a-zA-Z][a-zA-Z0-9]*|.)"
_TOKEN = re.compile(
    _SPACE
    + rf"(?:(?P<ATOM>{_ATOM})"
    + r"""|(?P<OPEN>\()|(?P<CLOSE>\))|(?P<STRING>"(?:[^"\\]|\\.)*")|(?P<PREFIX>,@|\#?'|[`,])
          |(?P<OPEN_SQUARE>\[)|(?P<CLOSE_SQUARE>\])|(?P<OPEN_CURLY>\{)|(?P<CLOSE_CURLY>\})"""
    + rf"|(?P<CHARACTER>{_CHARACTER})"
    + r"|(?P<OPEN_VECTOR>\#\()|(?P<DISCARD>\#;)|(?P<UNKNOWN>.)|(?P<END>\Z))",
    re.S | re.X,
)
_KINDS = {index: name for name, index in _TOKEN.groupindex.items()}
_END = _TOKEN.groupindex["END"]


class Piece:
    """A token as the parser wants it, without the lines that nobody asks for."""

    __slots__ = ("start_pos", "text", "type")
    line = column = end_line = end_column = end_pos = None

    def __init__(self, kind: str, text: str, start: int) -> None:
        self.type = kind
        self.text = text
        self.start_pos = start


def pieces(text: str) -> Iterator[Piece]:
    """All pieces of a text; an UNKNOWN one is in no grammar."""
    kinds = _KINDS
    for match in _TOKEN.finditer(text):
        index = match.lastindex or _END
        if index == _END:
            return
        yield Piece(kinds[index], match[index], match.start(index))


# The same pieces in groups of four: space, round brackets that open, a piece of any other kind, and round
# brackets that close; each may be empty. A string that is never closed is one piece with all that follows, so
# that no text is looked at twice; what is in no grammar is in no group.
cut_up = re.compile(
    rf"({_SPACE})(\(*+)({_ATOM}"
    + r"""|[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?|,@|\#?'|[`,]"""
    + rf"|{_CHARACTER}"
    + r"|\#\(|\#;|)(\)*+)",
    re.S | re.X,
).findall
is_string = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.S).fullmatch
