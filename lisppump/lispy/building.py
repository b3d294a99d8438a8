"""Makes nodes for forms that stand for other forms: of the program's nodes, the language's own, and data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy.analyser import FORMS, Analyser
from lisppump.lispy.nodes import Node
from lisppump.lispy.values import Primitive, Symbol, Value

Part = Any  # a node; text for a name; a tuple for a list; any other value for itself


class Maker:
    """Makes nodes that stand where one form stands; whatever a program binds, forms and calls are our own."""

    def __init__(self, analyser: Analyser, like: Node) -> None:
        self.analyser = analyser
        self.like = like

    def node(self, kind: str, value: Value = None, items: tuple[Node, ...] = ()) -> Node:
        """A node at the place of the form."""
        return Node(kind, value, items, self.like.source, self.like.start, self.like.end)

    def part(self, part: Part) -> Node:
        """A part as a node."""
        if isinstance(part, Node):
            return part
        if isinstance(part, str):
            return self.node("symbol", Symbol(part))
        if isinstance(part, tuple):
            return self.list(*part)
        return self.node("value", part)

    def list(self, *parts: Part) -> Node:
        """A list."""
        self.analyser.weigh(len(parts))
        return self.node("list", None, tuple([self.part(part) for part in parts]))

    def form(self, name: str, *parts: Part) -> Node:
        """A form of the language."""
        return self.list(self.node("form", FORMS[name]), *parts)

    def call(self, name: str, *parts: Part) -> Node:
        """The call of a builtin."""
        return self.list(self.analyser.own(name, self.like), *parts)

    def host(self, name: str, function: Callable[..., Value], *parts: Part) -> Node:
        """The call of a procedure that only this form has."""
        return self.list(self.node("value", Primitive(name, function, len(parts), len(parts))), *parts)

    def text(self, value: str) -> Node:
        """A string."""
        return self.node("string", value)

    def quoted(self, value: Value) -> Node:
        """Data as it is."""
        return self.node("value", value)
