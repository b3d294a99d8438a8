"""What brackets and prefixes make of the nodes in them, and where a dot may stand. It knows no text."""

from __future__ import annotations

from lisppump.errors import Source
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut
from lisppump.lispy.values import Symbol

KINDS = {"(": "list", "[": "list", "#(": "vector", "{": "dict"}  # by the bracket that opens
PREFIXES = {
    "'": Symbol("quote"), "#'": Symbol("function"), "`": Symbol("quasiquote"), ",": Symbol("unquote"),
    ",@": Symbol("unquote-splicing"),
}  # fmt: skip


def compound(
    opening: str, items: tuple[Node, ...], source: Source, start: int, end: int, depth: int, limits: Limits
) -> Node:
    """The node of a pair of brackets; `depth` is how deep it is nested, itself counted."""
    node = _nested(Node(KINDS[opening], None, items, source, start, end, depth), limits)
    if node.kind == "list":
        _find_dot(node)
    else:
        refuse_dots(items)
    if node.kind == "dict":
        _check_dict(node)
    return node


def prefixed(prefix: str, datum: Node, start: int, limits: Limits) -> Node:
    """The node of a prefix and the datum behind it: a list of two."""
    refuse_dots((datum,))
    source = datum.source
    head = Node("symbol", PREFIXES[prefix], (), source, start, start + len(prefix))
    return _nested(Node("list", None, (head, datum), source, start, datum.end, datum.depth + 1), limits)


def _nested(node: Node, limits: Limits) -> Node:
    if node.depth > limits.syntax_depth:
        raise LimitError(
            "syntax-depth-limit",
            f"brackets and quotes may be nested {limits.syntax_depth} deep, these are deeper",
            span=node.span,
        )
    return node


def refuse_dots(items: list[Node] | tuple[Node, ...]) -> None:
    """An error if there is a dot among nodes."""
    for item in items:
        if item.kind == "dot":
            raise LispyError(
                "bad-token", "a dot stands only inside ( ), before the last element", span=item.span
            )


def _find_dot(node: Node) -> None:
    """Make a list with a dot in it a dotted one."""
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


def _check_dict(node: Node) -> None:
    if len(node.items) % 2:
        raise LispyError(
            "bad-syntax", "a dict is written as keys and values in turn; one value is missing", span=node.span
        )
    for key in node.items[::2]:
        if key.kind not in ("string", "symbol", "keyword"):
            raise LispyError(
                "bad-syntax", f"a dict's key is a string or a keyword, not {cut(key.text)}", span=key.span
            )
