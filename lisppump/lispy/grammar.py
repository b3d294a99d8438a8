"""The grammar at work: what any text means, and what is wrong with it. lark is imported when it is asked.

It evaluates nothing. The host stack never grows with the input.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lisppump.errors import Source
from lisppump.lispy import atoms
from lisppump.lispy.compounds import compound, prefixed, refuse_dots
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.tokens import pieces
from lisppump.lispy.whereabouts import diagnose

PIECES = 2000  # of a text between two looks at the limits
_DISCARDED = Node("discarded", None, (), Source("", ""), 0, 0)
_ATOMS: dict[str, Callable[[str, int, Source, Limits], Node]] = {
    "ATOM": atoms.word, "STRING": atoms.string, "CHARACTER": atoms.character,
}  # fmt: skip


class _Builder:
    """The parser's callbacks: each makes the node of what was read. The text is set per parse."""

    source = Source("", "")
    limits = Limits()
    look: Callable[[], None] | None = None

    def _node(self, child: Any) -> Node:
        if child.__class__ is Node:
            return child
        return _ATOMS[child.type](child.text, child.start_pos, self.source, self.limits)

    def _nodes(self, children: list[Any]) -> tuple[Node, ...]:
        node = self._node
        return tuple([node(child) for child in children if child is not _DISCARDED])

    def start(self, children: list[Any]) -> list[Node]:
        items = self._nodes(children)
        refuse_dots(items)
        return [*items]

    def brackets(self, children: list[Any]) -> Node:
        opening, *inside, closing = children
        items = self._nodes(inside)
        depth = 1 + max([item.depth for item in items], default=0)
        start, end = opening.start_pos, closing.start_pos + 1
        return compound(opening.text, items, self.source, start, end, depth, self.limits)

    vector = braces = brackets

    def prefixed(self, children: list[Any]) -> Node:
        token, datum = children[0], self._node(children[-1])
        return prefixed(token.text, datum, token.start_pos, self.limits)

    def discard(self, children: list[Any]) -> Node:
        return _DISCARDED


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
                for count, piece in enumerate(pieces(text)):
                    if count % PIECES == 0 and _builder.look is not None:
                        _builder.look()
                    yield piece

        _parser = Lark(
            files("lisppump.lispy").joinpath("grammar.lark").read_text("utf-8"),
            parser="lalr",
            lexer=Cutter,
            transformer=_builder,
            maybe_placeholders=False,
        )
    return _parser


def parsed(source: Source, limits: Limits, look: Callable[[], None] | None = None) -> list[Node]:
    """All forms of a text; the first mistake in it is an error at its place.

    `look` is called now and then: it may raise a limit.
    """
    with _lock:
        parser = _load_parser()
        from lark.exceptions import UnexpectedInput

        _builder.source, _builder.limits, _builder.look = source, limits, look
        try:
            return parser.parse(source.text)  # type: ignore[no-any-return]
        except UnexpectedInput as error:
            place = getattr(error, "pos_in_stream", None)
        finally:
            _builder.source, _builder.look = _DISCARDED.source, None
    raise diagnose(source, place)
