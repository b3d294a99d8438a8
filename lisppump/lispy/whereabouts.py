"""Finds what is wrong with a text the grammar refused, and where. It looks only at brackets and quotes."""

from __future__ import annotations

import re

from lisppump.errors import Source, Span
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import cut

_SCAN = re.compile(
    r"""(?P<skip>;[^\n]*|\#\|(?:[^|#]|\|(?!\#)|\#(?!\|)|\#\|(?:[^|#]|\|(?!\#)|\#(?!\|))*\|\#)*\|\#|\s+)
      |(?P<comment>\#\|)|(?P<char>\#\\(?:[a-zA-Z][a-zA-Z0-9]*|.))|(?P<string>"(?:[^"\\]|\\.)*")|(?P<quote>")
      |(?P<open>\#\(|[(\[{])|(?P<close>[)\]}])|(?P<other>\#;|'|`|,@|,|[^\s()\[\]{}"';`,]+)""",
    re.S | re.X,
)
_UNENDED = {"quote": ("string", 'a "'), "comment": ("comment", "|#")}
_PARTNER = {"(": ")", "#(": ")", "[": "]", "{": "}"}


def diagnose(source: Source, place: int | None) -> LispyError:
    """What is wrong with a text that the grammar refused, said of the bracket or quote that is to blame."""
    text = source.text
    opened: list[tuple[str, int, int]] = []  # bracket, offset, column
    suspect: tuple[str, int, int] | None = None
    fresh = True  # nothing but space since the line began
    line_start = offset = 0
    while offset < len(text):
        match = _SCAN.match(text, offset)
        if match is None:
            break
        piece, kind = match[0], match.lastgroup
        if kind == "skip":
            if "\n" in piece:
                line_start, fresh = offset + piece.rfind("\n") + 1, True
            offset = match.end()
            continue
        column = offset - line_start
        if fresh and kind != "close" and suspect is None and opened and opened[-1][2] >= column:
            suspect = opened[-1]
        fresh = False
        span = Span(source, offset, match.end())
        if kind in _UNENDED:
            what, ending = _UNENDED[kind]
            return LispyError(
                "unclosed", f"this {what} is never closed", span=span, help=f"add {ending} where it ends"
            )
        if kind == "open":
            opened.append((piece, offset, column))
        elif kind == "close":
            if not opened:
                return LispyError(
                    "unexpected-close",
                    f"this {piece} closes nothing",
                    span=span,
                    help="remove it, or open a bracket",
                )
            bracket, at, _ = opened.pop()
            if not opened:
                suspect = None
            if _PARTNER[bracket] != piece:
                line, where = source.position(at)
                return LispyError(
                    "unexpected-close",
                    f"this {piece} cannot close the {bracket} of line {line}, column {where}",
                    span=span,
                    help=f"write {_PARTNER[bracket]}",
                )
        if "\n" in piece:
            line_start = offset + piece.rfind("\n") + 1
        offset = match.end()
    if opened:
        bracket, at, _ = suspect or opened[-1]
        return LispyError(
            "unclosed",
            f"this {bracket} is never closed",
            span=Span(source, at, at + len(bracket)),
            help=f"add a {_PARTNER[bracket]} where it ends",
        )
    return _leftover(source, place)


def _leftover(source: Source, place: int | None) -> LispyError:
    """The error where brackets and quotes are right: a prefix or a dot that belongs to nothing."""
    text = source.text
    end = len(text)
    if place is None or not 0 <= place < end:
        return LispyError(
            "bad-token", "something is missing at the end", span=Span(source, max(0, end - 1), end)
        )
    return LispyError(
        "bad-token",
        f"{cut(text[place : place + 1])} has nothing behind it to belong to",
        span=Span(source, place, place + 1),
    )
