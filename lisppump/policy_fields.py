"""The types of a collection's fields as pump.lisp writes them. What is wrong goes to the checker's errors."""

from __future__ import annotations

from collections.abc import Sequence

from lisppump.clauses_check import Checker
from lisppump.clauses_collection import TYPES
from lisppump.delta import Field
from lisppump.errors import suggest
from lisppump.lispy.nodes import Node
from lisppump.lispy.printer import cut


def field_type(checker: Checker, collections: Sequence[str], name: str, node: Node) -> Field | None:
    """The field of that name and of the type a node says; None where that is no type."""
    if node.name in TYPES:
        return Field(name, node.name)
    if node.head == "one-of":
        return _choice(checker, name, node)
    if node.head == "ref":
        return _reference(checker, collections, name, node)
    every = [*TYPES, "one-of", "ref"]
    near = suggest(node.name or node.head or "", every)
    checker.error(
        "wrong-kind",
        f"a field cannot have the type {cut(node.text)}",
        node.span,
        f"did you mean `{near}`?" if near else f"types: {', '.join(TYPES)}, (one-of ...), (ref ...)",
    )
    return None


def _choice(checker: Checker, name: str, node: Node) -> Field | None:
    """A choice is a text, or a list of texts: the choice, then other ways to say it."""
    choices: list[str] = []
    meant: list[tuple[str, str]] = []
    for choice in node.items[1:]:
        texts = choice.items if choice.kind == "list" else (choice,)
        if not texts or any(text.kind != "string" for text in texts):
            choices.clear()
            break
        first, *others = (str(text.value) for text in texts)
        choices.append(first)
        meant.extend((other, first) for other in others)
    if not choices:
        checker.error("wrong-kind", "(one-of ...) wants the allowed texts", node.span,
                      'write (one-of "up" "down"); ("up" "+1") also reads "+1" as "up"')  # fmt: skip
        return None
    said = [*choices, *(other for other, _ in meant)]
    twice = next((text for text in said if said.count(text) > 1), None)
    if twice is not None:
        checker.error("duplicate-clause", f'"{twice}" is there twice among the choices of `{name}`',
                      node.span, "remove one of them")  # fmt: skip
    return Field(name, "one-of", choices=tuple(choices), meant=tuple(meant))


def _reference(checker: Checker, collections: Sequence[str], name: str, node: Node) -> Field | None:
    target = node.items[1] if len(node.items) == 2 else None
    if target is not None and target.name in collections:
        return Field(name, "ref", target=target.name)
    place = target or node
    near = suggest(place.name or "", list(collections))
    checker.error(
        "unknown-field",
        f"(ref ...) wants a collection of this clause, got {cut(place.text)}",
        place.span,
        f"did you mean `{near}`?" if near else f"known: {', '.join(collections)}",
    )
    return None
