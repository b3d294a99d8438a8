"""Names bound to parts of a value: `[a b & rest]` and `{:keys [a b]}` in Clojure, lists in Common Lisp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import describe_type
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import Node, shown
from lisppump.lispy.values import Value, is_list, length

if TYPE_CHECKING:
    from lisppump.lispy.building import Maker

REST = ("&", "&rest", "&body")
Binding = tuple[Node, Node]


def parts(
    maker: Maker, pattern: Node, value: Node, strict: bool = False, depth: int = 0
) -> list[Binding]:
    """The bindings, one after the other, that give a pattern's names their values.

    A list that is too short gives nil as in Clojure, or an error where it is `strict`.
    """
    if pattern.kind == "symbol":
        return [(pattern, value)]
    whole = maker.part(f"whole {depth} of {shown(pattern)}")
    if pattern.kind == "dict":
        return [(whole, value), *_keys(maker, pattern, whole)]
    if pattern.kind not in ("list", "dotted") or not pattern.items:
        raise LispyError(
            "bad-syntax", f"a name, or a list of names, is wanted here, got {shown(pattern)}",
            span=pattern.span,
        )  # fmt: skip
    items, rest = pattern.items, None
    if pattern.kind == "dotted":
        items, rest = items[:-1], items[-1]
    elif len(items) > 1 and items[-2].name in REST:
        items, rest = items[:-2], items[-1]
    found: list[Binding] = [(whole, _list(maker, value, len(items), rest is not None, strict))]
    for place, item in enumerate(items):
        found.extend(parts(maker, item, maker.call("get", whole, place), strict, depth + 1))
    if rest is not None:
        found.extend(parts(maker, rest, maker.call("drop", whole, len(items)), strict, depth + 1))
    return found


def _list(maker: Maker, value: Node, count: int, more: bool, strict: bool) -> Node:
    """The value, checked to be a list, of as many elements as there are names where it is strict."""

    wanted = f"at least {count} values" if more else f"{count} value{'s' * (count != 1)}"

    def check(given: Value) -> Value:
        if not is_list(given):
            raise LispyError("wrong-type", f"names for {wanted} want a list, got {describe_type(given)}")
        got = length(given)
        if strict and (got < count or (got > count and not more)):
            raise LispyError("bad-value", f"there are names for {wanted} here, got {got}")
        return given

    return maker.host("destructuring", check, value)


def _keys(maker: Maker, pattern: Node, whole: Node) -> list[Binding]:
    """The names of {:keys [a b]}, {a :a} and {:or {a 1}}."""
    keys, values = pattern.items[::2], pattern.items[1::2]
    defaults: dict[str, Node] = {}
    for key, value in zip(keys, values, strict=True):
        if _word(key) == "or" and value.kind == "dict":
            names = map(_word, value.items[::2])
            defaults = dict(zip(names, value.items[1::2], strict=True))
    found: list[Binding] = []
    for key, value in zip(keys, values, strict=True):
        word = _word(key)
        if key.kind == "keyword" and word in ("keys", "strs", "syms") and value.kind == "list":
            for name in value.items:
                found.append((name, _looked_up(maker, whole, _word(name), defaults.get(_word(name)))))
        elif key.kind == "keyword" and word == "as":
            found.append((value, whole))
        elif key.kind == "symbol":
            found.append((key, _looked_up(maker, whole, _word(value), defaults.get(word))))
        elif word != "or":
            raise LispyError(
                "bad-syntax", f"{shown(key)} means nothing where names are bound", span=key.span,
                help="write {:keys [a b]} or {name :key}",
            )  # fmt: skip
    return found


def _looked_up(maker: Maker, whole: Node, key: str, default: Node | None) -> Node:
    return maker.call("get", whole, maker.text(key), *(() if default is None else (default,)))


def _word(node: Node) -> str:
    return node.value if node.kind == "string" else str(getattr(node.value, "name", ""))
