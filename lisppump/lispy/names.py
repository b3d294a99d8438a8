"""Global names: a cell for each, filled from builtins and library when a program first uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy.values import Procedure, Value


class _Unbound:
    """The content of a cell or variable that has no value."""

    __slots__ = ()


UNBOUND: Any = _Unbound()


class Cell:
    """A global name. `builtin` is what it had at first; code made for that checks that it still has."""

    __slots__ = ("builtin", "name", "relied", "value", "writers")

    def __init__(self, name: str, value: Value, builtin: Procedure | None) -> None:
        self.name = name
        self.value = value
        self.builtin = builtin
        self.writers = 0  # the places that give it a value, as far as they are known
        self.relied = False  # hot code takes its value for granted


class Namespace:
    """The global names of one program. `original` gives the value a name has before anyone binds it."""

    __slots__ = ("bound", "cells", "macros", "original")

    def __init__(self, original: Callable[[str], Value]) -> None:
        self.cells: dict[str, Cell] = {}
        self.macros: dict[str, Procedure] = {}
        self.bound: set[str] = set()
        self.original = original

    def cell(self, name: str) -> Cell:
        """The cell of a name, made when first asked for."""
        cell = self.cells.get(name)
        if cell is None:
            value = self.original(name)
            builtin = value if value is not UNBOUND and isinstance(value, Procedure) else None
            cell = self.cells[name] = Cell(name, value, builtin)
        return cell

    def bind(self, name: str) -> Cell:
        """The cell of a name that the program itself binds: it hides forms and macros from here on."""
        cell = self.cell(name)
        self.bound.add(name)
        self.macros.pop(name, None)
        return cell
