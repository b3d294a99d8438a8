"""What one word, string or character of a text means: the one owner of how numbers and names are spelled."""

from __future__ import annotations

import re

from lisppump.errors import Source, Span
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut
from lisppump.lispy.values import Keyword, Symbol, Value

_CHARACTERS = {
    "newline": "\n", "space": " ", "tab": "\t", "return": "\r", "nul": "\0", "null": "\0", "linefeed": "\n",
    "backspace": "\b", "delete": "\x7f", "escape": "\x1b", "alarm": "\a", "page": "\f",
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "0": "\0", "a": "\a", "b": "\b", "/": "/"}
_WORDS: dict[str, tuple[str, Value]] = {
    "#t": ("boolean", True), "#f": ("boolean", False), "true": ("boolean", True), "false": ("boolean", False),
    "#true": ("boolean", True), "#false": ("boolean", False), "nil": ("nil", None),
}  # fmt: skip
_NUMBER = re.compile(
    r"([+-]?[0-9]+)(?:(/)([0-9]+)|(\.[0-9]*(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))?|[+-]?\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_RADIX = re.compile(r"#([xXbBoO])([+-]?[0-9a-fA-F]+)")
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{1,6};|x[0-9a-fA-F]{2}|.)", re.S)


def _unseen(text: str, source: Source, start: int) -> LispyError:
    """The error of a name with a character that nobody sees: what reads differently from what it is."""
    place = next(place for place, character in enumerate(text) if not character.isprintable())
    return LispyError(
        "bad-token",
        f"a name has a character in it that cannot be seen, U+{ord(text[place]):04X}",
        span=Span(source, start + place, start + place + 1),
        help="leave it out; in a string it is a character like any other",
    )


def word(text: str, start: int, source: Source, limits: Limits) -> Node:
    """A number, a name, a keyword, one of the words that are values, or a dot."""
    if text.isdigit() and len(text) < 15 and text.isascii() and limits.bits >= 64:
        return Node("integer", int(text), (), source, start, start + len(text))
    known = _WORDS.get(text)
    if known is not None:
        return Node(known[0], known[1], (), source, start, start + len(text))
    first = text[0]
    if first in "0123456789+-.#":
        span = (source, start, start + len(text))
        value = number(text, limits, Span(*span))
        if value is not None:
            return Node("integer" if value.__class__ is int else "float", value, (), *span)
        if first == "#" and not text.startswith("#:"):
            pattern = text in ("#", "#rx", "#px") and source.text[span[2] : span[2] + 1] == '"'
            help = 'a pattern is a plain string here: (regex-match "a+" text)' if pattern else None
            if text == "#" and source.text[span[2] : span[2] + 1] == "{":
                raise LispyError(
                    "bad-token", "#{ begins a set elsewhere; there are no sets in LisPy", span=Span(*span),
                    help="(unique (list x ...)) is a list as a set, (member? x list) asks it",
                )  # fmt: skip
            raise LispyError(
                "bad-token", f"{cut(text)} is nothing LisPy can read", span=Span(*span), help=help
            )
        if text == ".":
            return Node("dot", None, (), *span)
    if not text.isprintable():
        raise _unseen(text, source, start)
    if first == ":" and len(text) > 1:
        return Node("keyword", Keyword(text[1:]), (), source, start, start + len(text))
    if "|" in text and any(map(str.isalnum, text)):
        raise LispyError(
            "bad-token",
            f"{cut(text)} has a bar in it, and no symbol has one",
            span=Span(source, start, start + len(text)),
            help="write a name without spaces, x-y, or a string",
        )
    return Node("symbol", Symbol(text), (), source, start, start + len(text))


def string(text: str, start: int, source: Source, limits: Limits) -> Node:
    """What stands between two quotes."""
    end = start + len(text)
    text = text[1:-1]
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    if not text.isascii():
        text = _whole_characters(text, Span(source, start, end))
    if len(text) > limits.string:
        raise LimitError(
            "string-limit",
            f"a string may have {limits.string:,} characters, this has {len(text):,}",
            span=Span(source, start, end),
        )
    return Node("string", text, (), source, start, end)


def character(text: str, start: int, source: Source, limits: Limits) -> Node:
    """A character by its name: a string of one."""
    end = start + len(text)
    name = text[2:]
    meant = name if len(name) == 1 else _CHARACTERS.get(name.lower())
    if meant is None and re.fullmatch(r"[xX][0-9a-fA-F]{1,6}", name):
        meant = _code_point(name[1:])
    if meant is None:
        raise LispyError(
            "bad-token",
            f"there is no character named {cut(name)}",
            span=Span(source, start, end),
            help="write #\\a, #\\space, #\\newline or #\\tab",
        )
    return Node("string", _whole_characters(meant, Span(source, start, end)), (), source, start, end)


def number(text: str, limits: Limits, span: Span | None = None) -> int | float | None:
    """The number a text spells, or None if it spells none."""
    radix = _RADIX.fullmatch(text)
    if radix:
        base = {"x": 16, "b": 2, "o": 8}[radix[1].lower()]
        try:
            return _bounded(int(radix[2], base), limits, span)
        except ValueError:
            return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, slash, below, fraction = match.groups()
    if whole is not None and fraction is None:
        top = _integer(whole, limits, span)
        if slash is None:
            return top
        bottom = _integer(below, limits, span)
        if bottom == 0:
            raise LispyError("division-by-zero", f"{cut(text)} divides by zero", span=span)
        if top % bottom == 0:
            return top // bottom
        try:
            return top / bottom
        except OverflowError:
            raise _not_finite(text, span) from None
    value = float(text)
    if value - value != 0.0:
        raise _not_finite(text, span)
    return value


def _not_finite(text: str, span: Span | None) -> LispyError:
    return LispyError("not-a-number", f"{cut(text)} is too large for a float", span=span)


def _integer(text: str, limits: Limits, span: Span | None) -> int:
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > 4300:  # what Python's int() takes; more than any limit on bits allows
        raise LimitError(
            "integer-limit", f"an integer may have {limits.bits:,} bits, this has more", span=span
        )
    value = int(digits or "0")
    return _bounded(-value if text[0] == "-" else value, limits, span)


def _bounded(value: int, limits: Limits, span: Span | None) -> int:
    if value.bit_length() > limits.bits:
        raise LimitError(
            "integer-limit", f"an integer may have {limits.bits:,} bits, this has more", span=span
        )
    return value


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1:
        return _code_point(escape[1:].strip("{};"))
    if escape == "\n":
        return ""
    known = _ESCAPES.get(escape)
    return match[0] if known is None else known


def _code_point(digits: str) -> str:
    point = int(digits, 16)
    return chr(point) if point < 0x110000 else "\ud800"  # refused with the lone surrogates


def _whole_characters(text: str, span: Span) -> str:
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        pass
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise LispyError(
            "bad-token", "the text has half a character in it (a lone surrogate)", span=span
        ) from None
