"""Text to nodes: runs the grammar, decides what each atom is, and finds the bracket that was never closed.

It evaluates nothing. Nodes keep their place in the text; the host stack never grows with the input.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lisppump.errors import Source, Span
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node as Node
from lisppump.lispy.nodes import datum as datum
from lisppump.lispy.printer import cut
from lisppump.lispy.tokens import Piece, pieces
from lisppump.lispy.values import Keyword, Symbol, Value
from lisppump.lispy.whereabouts import diagnose

_PREFIXES = {"'": "quote", "#'": "function", "`": "quasiquote", ",": "unquote", ",@": "unquote-splicing"}
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
SHORT = 1000  # characters of a text whose forms are remembered
_DISCARDED = Node("discarded", None, (), Source("", ""), 0, 0)


class _Builder:
    """The parser's callbacks: each makes the node of what was read. The text is set per parse."""

    source = Source("", "")
    limits = Limits()

    def _node(self, child: Any) -> Node:
        if child.__class__ is Node:
            return child
        return _TOKENS[child.type](self, child)

    def _nodes(self, children: list[Any]) -> tuple[Node, ...]:
        node = self._node
        return tuple([node(child) for child in children if child is not _DISCARDED])

    def _compound(self, kind: str, children: list[Any]) -> Node:
        return self._nested(
            kind, self._nodes(children[1:-1]), children[0].start_pos, children[-1].start_pos + 1
        )

    def _nested(self, kind: str, items: tuple[Node, ...], start: int, end: int) -> Node:
        depth = 0
        for item in items:
            if item.depth > depth:
                depth = item.depth
        depth += 1
        node = Node(kind, None, items, self.source, start, end, depth)
        if depth > self.limits.syntax_depth:
            raise LimitError(
                "syntax-depth-limit",
                f"brackets and quotes may be nested {self.limits.syntax_depth} deep, these are deeper",
                span=node.span,
            )
        return node

    def start(self, children: list[Any]) -> list[Node]:
        items = self._nodes(children)
        _refuse_dots(items)
        return [*items]

    def _atom(self, token: Piece) -> Node:
        text = token.text
        start = token.start_pos
        word = _WORDS.get(text)
        if word is not None:
            return Node(word[0], word[1], (), self.source, start, start + len(text))
        first = text[0]
        if first in "0123456789+-.#":
            span = (self.source, start, start + len(text))
            value = number(text, self.limits, Span(*span))
            if value is not None:
                return Node("integer" if value.__class__ is int else "float", value, (), *span)
            if first == "#" and not text.startswith("#:"):
                pattern = text in ("#", "#rx", "#px") and self.source.text[span[2] : span[2] + 1] == '"'
                help = "a pattern is a plain string here: (regex-match \"a+\" text)" if pattern else None
                raise LispyError(
                    "bad-token", f"{cut(text)} is nothing LisPy can read", span=Span(*span), help=help
                )
            if text == ".":
                return Node("dot", None, (), *span)
        if first == ":" and len(text) > 1:
            return Node("keyword", Keyword(text[1:]), (), self.source, start, start + len(text))
        return Node("symbol", Symbol(text), (), self.source, start, start + len(text))

    def _string(self, token: Piece) -> Node:
        start, end = token.start_pos, token.start_pos + len(token.text)
        text = token.text[1:-1]
        if "\\" in text:
            text = _ESCAPE.sub(_unescape, text)
        if not text.isascii():
            text = _whole_characters(text, Span(self.source, start, end))
        if len(text) > self.limits.string:
            raise LimitError(
                "string-limit",
                f"a string may have {self.limits.string:,} characters, this has {len(text):,}",
                span=Span(self.source, start, end),
            )
        return Node("string", text, (), self.source, start, end)

    def _character(self, token: Piece) -> Node:
        start, end = token.start_pos, token.start_pos + len(token.text)
        name = token.text[2:]
        text = name if len(name) == 1 else _CHARACTERS.get(name.lower())
        if text is None and re.fullmatch(r"[xX][0-9a-fA-F]{1,6}", name):
            text = _code_point(name[1:])
        if text is None:
            raise LispyError(
                "bad-token",
                f"there is no character named {cut(name)}",
                span=Span(self.source, start, end),
                help="write #\\a, #\\space, #\\newline or #\\tab",
            )
        text = _whole_characters(text, Span(self.source, start, end))
        return Node("string", text, (), self.source, start, end)

    def brackets(self, children: list[Any]) -> Node:
        node = self._compound("list", children)
        for index, item in enumerate(node.items):
            if item.kind == "dot":
                if index == 0 or index != len(node.items) - 2 or node.items[-1].kind == "dot":
                    raise LispyError(
                        "bad-token",
                        "a dot stands before the last element of a list, with one element behind it",
                        span=item.span,
                    )
                node.kind = "dotted"
                node.items = node.items[:index] + node.items[index + 1 :]
                break
        return node

    def vector(self, children: list[Any]) -> Node:
        node = self._compound("vector", children)
        _refuse_dots(node.items)
        return node

    def braces(self, children: list[Any]) -> Node:
        node = self._compound("dict", children)
        _refuse_dots(node.items)
        if len(node.items) % 2:
            raise LispyError(
                "bad-syntax",
                "a dict is written as keys and values in turn; one value is missing",
                span=node.span,
            )
        for key in node.items[::2]:
            if key.kind not in ("string", "symbol", "keyword"):
                raise LispyError(
                    "bad-syntax", f"a dict's key is a string or a keyword, not {cut(key.text)}", span=key.span
                )
        return node

    def prefixed(self, children: list[Any]) -> Node:
        token, datum = children[0], self._node(children[-1])
        _refuse_dots((datum,))
        end = token.start_pos + len(token.text)
        head = Node("symbol", Symbol(_PREFIXES[token.text]), (), self.source, token.start_pos, end)
        return self._nested("list", (head, datum), token.start_pos, datum.end)

    def discard(self, children: list[Any]) -> Node:
        return _DISCARDED


_TOKENS: dict[str, Callable[[_Builder, Any], Node]] = {
    "ATOM": _Builder._atom, "STRING": _Builder._string, "CHARACTER": _Builder._character,
}  # fmt: skip
_lock = threading.Lock()
_builder = _Builder()
_parser: Any = None


def _load_parser() -> Any:
    global _parser
    if _parser is None:
        from importlib.resources import files

        from lark import Lark
        from lark.lexer import Lexer

        class Cutter(Lexer):
            def __init__(self, conf: Any) -> None:
                pass

            def lex(self, text: str) -> Any:  # type: ignore[override]
                return pieces(text)

        _parser = Lark(
            files("lisppump.lispy").joinpath("grammar.lark").read_text("utf-8"),
            parser="lalr",
            lexer=Cutter,
            transformer=_builder,
            maybe_placeholders=False,
        )
    return _parser


def read(text: str, name: str = "<eval>", limits: Limits | None = None) -> list[Node]:
    """All forms of a text; the first mistake in it is an error at its place."""
    limits = limits or Limits()
    if len(text) <= SHORT:
        return list(_remembered(text, name, limits))
    return _parsed(text, name, limits)


@lru_cache(maxsize=128)
def _remembered(text: str, name: str, limits: Limits) -> list[Node]:
    """The forms of a short text: agents run the same few programs frame after frame."""
    return _parsed(text, name, limits)


def _parsed(text: str, name: str, limits: Limits) -> list[Node]:
    source = Source(name, text)
    if len(text) > limits.source or len(text) * 4 > limits.source < len(text.encode("utf-8", "replace")):
        raise LimitError(
            "source-limit", f"a program may be {limits.source // 1024:,} KiB long, this is longer"
        )
    with _lock:
        parser = _load_parser()
        from lark.exceptions import UnexpectedInput

        _builder.source, _builder.limits = source, limits
        try:
            return parser.parse(text)  # type: ignore[no-any-return]
        except UnexpectedInput as error:
            place = getattr(error, "pos_in_stream", None)
        finally:
            _builder.source = _DISCARDED.source
    raise diagnose(source, place)


def parse_values(text: str, limits: Limits | None = None) -> list[Value]:
    """All data of a text as values, nothing evaluated."""
    return [datum(node) for node in read(text, "<string>", limits)]


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


def _refuse_dots(items: list[Node] | tuple[Node, ...]) -> None:
    for item in items:
        if item.kind == "dot":
            raise LispyError(
                "bad-token", "a dot stands only inside ( ), before the last element", span=item.span
            )
