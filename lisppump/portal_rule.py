"""What a policy says of the portal; the portal itself is made when a program first asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lisppump.portal import Window


@dataclass(frozen=True, slots=True)
class PortalRule:
    """How long a page may take and how large it may be, and how many pages one run of a program may read.

    `private` are places that are read though they are not public.
    """

    deadline: float = 15.0
    size: int = 2 * 1024 * 1024
    calls: int = 5
    patience: float = 30.0
    private: tuple[str, ...] = ()

    def window(self) -> Window:
        """A portal by this rule, as programs are given it."""
        from lisppump.portal import Portal, Window

        portal = Portal(deadline=self.deadline, max_bytes=self.size, allow_private=self.private)
        return Window(portal, self.calls, self.patience)
