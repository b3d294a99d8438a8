"""The pieces of a text and the comments between them, for tools that keep a text whole. It reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lisppump.lispy.tokens import pieces

_COMMENT = re.compile(r";[^\n]*|#\|")
_FENCE = re.compile(r"#\||\|#")


class Token(NamedTuple):
    """A piece of a text, of the kinds of the reader; or a comment: LINE to the end of its line, BLOCK."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def tokens(text: str) -> Iterator[Token]:
    """All of them in order; between two there is nothing but space, and so behind what a LINE says."""
    end = 0
    for piece in pieces(text):
        yield from _comments(text, end, piece.start_pos)
        token = Token(piece.type, piece.text, piece.start_pos)
        yield token
        end = token.end
    yield from _comments(text, end, len(text))


def _comments(text: str, start: int, end: int) -> Iterator[Token]:
    """The comments in a stretch that has nothing else but space."""
    while (found := _COMMENT.search(text, start, end)) is not None:
        start = found.end()
        if found[0] != "#|":
            yield Token("LINE", found[0].rstrip(), found.start())
            continue
        depth = 1
        while depth and (fence := _FENCE.search(text, start, end)) is not None:
            depth += 1 if fence[0] == "#|" else -1
            start = fence.end()
        yield Token("BLOCK", text[found.start() : start], found.start())
