"""The local names that can be seen from a place of a program."""

from __future__ import annotations

from lisppump.lispy.tree import Label, Variable
from lisppump.lispy.values import Procedure


class Scope:
    """Local names. A `boundary` begins a procedure; a scope with a `body` takes internal definitions.

    `earlier` are names that a `let` binds before the value that is looked at: they count where nothing else
    has the name, and `leant` says that one of them did.
    """

    __slots__ = ("body", "boundary", "earlier", "leant", "names", "parent")

    def __init__(
        self, parent: Scope | None, boundary: bool = False, body: list[Variable] | None = None
    ) -> None:
        self.names: dict[str, Variable | Label | Procedure] = {}
        self.parent = parent
        self.boundary = boundary
        self.body = body
        self.earlier: dict[str, Variable] | None = None
        self.leant = False

    def find(self, name: str) -> tuple[Variable | Label | Procedure | None, bool]:
        """What a name means here, and whether it belongs to a procedure further out."""
        scope: Scope | None = self
        crossed = False
        while scope is not None:
            known = scope.names.get(name)
            if known is not None:
                return known, crossed
            crossed = crossed or scope.boundary
            scope = scope.parent
        return None, False

    def before(self, name: str) -> Variable | None:
        """What a name means that only an earlier binding of a `let` around here has."""
        scope: Scope | None = self
        while scope is not None:
            if scope.earlier is not None and name in scope.earlier:
                scope.leant = True
                return scope.earlier[name]
            scope = scope.parent
        return None

    def known(self) -> list[str]:
        """All local names that can be seen from here."""
        scope: Scope | None = self
        found: list[str] = []
        while scope is not None:
            found.extend(scope.names)
            scope = scope.parent
        return found
