"""The nodes that text is read into, and their way to data and back. Nothing here parses or evaluates."""

from __future__ import annotations

from functools import partial

from lisppump.errors import Source, Span
from lisppump.lispy.builtins.versions import fit_keys
from lisppump.lispy.errors import LimitError
from lisppump.lispy.limits import Meter
from lisppump.lispy.printer import cut, glimpse
from lisppump.lispy.values import Keyword, Pair, Symbol, Value, cons, elements, is_list

NODE, STEPS = 256, 4  # bytes and steps charged for a node that is made of data
PIECE = 1000  # nodes that are made at once


class Node:
    """A piece of program with its place; `kind` says which of `value` and `items` counts.

    Kinds: symbol, keyword, string, integer, float, boolean, nil (`value` is the LisPy value); list, vector
    (a list that stands for itself) and dict (`items`; of a dict key, value, ...); dotted (`items`, the last
    one stands behind the dot); value (something a macro put into a program that no text can write).
    """

    __slots__ = ("depth", "end", "items", "kind", "source", "start", "value")

    def __init__(
        self,
        kind: str,
        value: Value,
        items: tuple[Node, ...],
        source: Source,
        start: int,
        end: int,
        depth: int = 0,
    ) -> None:
        self.kind = kind
        self.value = value
        self.items = items
        self.source = source
        self.start = start
        self.end = end
        self.depth = depth

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.source, self.start, self.end)

    @property
    def text(self) -> str:
        """The piece of source it was read from."""
        return self.source.text[self.start : self.end]

    @property
    def square(self) -> bool:
        """Whether it was written in [ ]."""
        return self.source.text.startswith("[", self.start)

    @property
    def name(self) -> str | None:
        """The name of a symbol, else None."""
        return self.value.name if self.kind == "symbol" else None

    @property
    def head(self) -> str | None:
        """The name of the symbol a list starts with, else None."""
        return self.items[0].name if self.kind == "list" and self.items else None


new_node = partial(object.__new__, Node)  # the reader fills in what it makes most often


def datum(node: Node) -> Value:
    """The value that quoting a node gives; its depth is bounded by the limit on syntax."""
    kind = node.kind
    if kind == "list" or kind == "vector":
        return [datum(item) for item in node.items]
    if kind == "dict":
        items = node.items
        return {key_name(items[i]): datum(items[i + 1]) for i in range(0, len(items), 2)}
    if kind == "dotted":
        value = datum(node.items[-1])
        for item in reversed(node.items[:-1]):
            value = cons(datum(item), value)
        return value
    if kind in ("form", "own"):  # put there by another form
        return Symbol(node.value.name)
    return node.value


def standing(name: str, value: Value) -> Node:
    """The place of a program that is data, as its errors show it: a source with the beginning of its text."""
    text = glimpse(value, 100)
    return Node("nil", None, (), Source(name, text), 0, len(text))


def key_name(node: Node) -> str:
    """What a key of a dict literal means: the string, or the name of a symbol or keyword."""
    value = node.value
    key = value if isinstance(value, str) else str(value.name)
    fit_keys((key,))
    return key


def node_of(value: Value, like: Node, meter: Meter, depth: int = 0) -> Node:
    """Data as a program; everything in it stands where `like` stands. Each part of it is charged for: what
    data shares is a part of the program as often as it is met."""
    if depth > meter.limits.syntax_depth:
        raise LimitError(
            "syntax-depth-limit", f"a program may be nested {meter.limits.syntax_depth} deep", span=like.span
        )
    source, start, end = like.source, like.start, like.end
    kind = _KINDS.get(value.__class__)
    if kind is not None:
        return Node(kind, value, (), source, start, end)
    if is_list(value):
        items = elements(value)
        meter.allocate(NODE * len(items))
        nodes: list[Node] = []
        for at in range(0, len(items), PIECE):
            piece = items[at : at + PIECE]
            meter.charge(STEPS * len(piece))
            nodes += [node_of(item, like, meter, depth + 1) for item in piece]
        return Node("list", None, tuple(nodes), source, start, end)
    if value.__class__ is Pair:
        heads = []
        while value.__class__ is Pair:
            pay(meter, 1)
            heads.append(node_of(value.car, like, meter, depth + 1))
            value = value.cdr
        pay(meter, 1)
        heads.append(node_of(value, like, meter, depth + 1))
        return Node("dotted", None, tuple(heads), source, start, end)
    if isinstance(value, dict):
        pay(meter, 2 * len(value))
        parts: list[Node] = []
        for key, item in value.items():
            parts.append(Node("string", key, (), source, start, end))
            parts.append(node_of(item, like, meter, depth + 1))
        return Node("dict", None, tuple(parts), source, start, end)
    return Node("value", value, (), source, start, end)


def pay(meter: Meter, count: int) -> None:
    """Charge for the nodes of a list or dict."""
    meter.charge(STEPS * count)
    meter.allocate(NODE * count)


_KINDS: dict[type, str] = {
    Symbol: "symbol", Keyword: "keyword", str: "string", int: "integer", float: "float", bool: "boolean",
    type(None): "nil",
}  # fmt: skip


def usage_of(name: str, whole: Node | None) -> str | None:
    """The call that a definition or a lambda asks for, as its parameters are written; None where none is."""
    if whole is None or len(whole.items) < 3 or name == "lambda":
        return None
    first, second = whole.items[1:3]
    names = first if whole.head in ("lambda", "fn", "λ") else second if first.name == name else None
    skipped = 0
    if first.kind in ("list", "dotted") and first.items[:1] and first.items[0].name == name:
        names, skipped = first, 1
    if names is None or names.kind not in ("list", "dotted", "nil") or not whole.depth:
        return None
    parameters = names.items
    if whole.head == "let":  # the bindings of a loop
        parameters = tuple([item.items[0] for item in parameters if item.items])
    words = [" ".join(item.text.split()) for item in parameters]
    if names.kind == "dotted":
        words.insert(-1, ".")
    return f"({' '.join([name, *words[skipped:]])})"


def shown(node: Node, most: int = 40) -> str:
    """A piece of a program for a message: as it was read, or as it would be written."""
    return cut(node.text, most) if node.depth else glimpse(datum(node), most)


def mentions(node: Node, word: str) -> bool:
    """True where a name stands anywhere in a piece of a program."""
    stack = [node]
    while stack:
        item = stack.pop()
        if item.name == word:
            return True
        stack.extend(item.items)
    return False
