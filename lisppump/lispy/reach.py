"""What a procedure speaks of: global names, words that may be forms, what it changes. It runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.analyser import FORMS
from lisppump.lispy.names import Cell
from lisppump.lispy.nodes import Node
from lisppump.lispy.tree import Clause, Global, Label, Lambda, SetGlobal, SetLocal, Tree, Variable


@dataclass(frozen=True, slots=True)
class Reach:
    """What a lambda speaks of: global names, words for forms, names around it that it sets or hides."""

    cells: tuple[Cell, ...]
    words: frozenset[str]
    sets: tuple[tuple[str, Span | None], ...]
    defines: tuple[tuple[str, Span | None], ...]


def reach(tree: Lambda) -> Reach:
    """What a lambda and all in it speak of, found once."""
    if tree.reach is None:
        items = list(_trees(tree))
        owners = {item for item in items if isinstance(item, Lambda)}
        cells: dict[Cell, None] = {}
        sets: list[tuple[str, Span | None]] = []
        defines: list[tuple[str, Span | None]] = []
        for item in items:
            if isinstance(item, Global | SetGlobal):
                cells[item.cell] = None
            if isinstance(item, SetGlobal):
                sets.append((item.cell.name, item.span))
            elif isinstance(item, SetLocal) and item.first:
                if _is_around(item.variable.hides, owners):
                    defines.append((item.variable.name, item.span))
            elif isinstance(item, SetLocal) and item.variable in tree.free:
                sets.append((item.variable.name, item.span))
        tree.reach = Reach(tuple(cells), _words(tree.source), tuple(sets), tuple(defines))
    return tree.reach  # type: ignore[no-any-return]


def _is_around(hidden: Any, owners: set[Lambda]) -> bool:
    """Whether what a definition hides belongs to none of these procedures."""
    if isinstance(hidden, Label):
        hidden = hidden.variable
    return hidden is True or (isinstance(hidden, Variable) and hidden.owner not in owners)


def _words(node: Node | None) -> frozenset[str]:
    """The first words of brackets that may be forms."""
    found = set()
    stack = [] if node is None else [node]
    while stack:
        item = stack.pop()
        head = item.head
        if head in FORMS:
            found.add(head)
        stack.extend(item.items)
    return frozenset(found)


def _trees(tree: Tree) -> Iterator[Any]:
    """A tree and all in it, in the order in which they stand."""
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple):
            stack.extend(reversed(item))
        elif isinstance(item, Tree | Clause):
            yield item
            stack.extend(getattr(item, slot) for slot in reversed(item.__slots__))
