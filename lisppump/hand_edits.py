"""Hand edits as they are told of: one that waits, what was decided of one, both sides of a conflict. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lisppump import canon
from lisppump.disk import StateError
from lisppump.errors import LisppumpError, declare
from lisppump.merge_edits import ABSENT, Joined, Place, Side
from lisppump.steering import by_whom

declare(
    "state", 5,
    edit_conflict="A document was changed by hand where the frames changed it, too, and unlike them.",
)  # fmt: skip

_SHOWN = 80  # letters of a value in a message


@dataclass(frozen=True, slots=True)
class Edit:
    """A document that was changed by hand and not taken in yet.

    `what` is changed, added, removed or unreadable; `by_hand` are the places that only the hand changed,
    `overlaps` those that frames changed, too.
    """

    document: str
    what: str
    by_hand: tuple[Place, ...] = ()
    overlaps: tuple[Place, ...] = ()
    error: LisppumpError | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an edit that was decided about; `kept` is the blob of a text that was dropped."""

    document: str
    side: Side
    said: str
    kept: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `lisppump edits take` and `drop` show it."""
        return {"document": self.document, "side": self.side, "said": self.said, "kept": self.kept}


def conflict(name: str, join: Joined, head: int, kept: str | None) -> StateError:
    """The error that shows both sides of an edit; what lies there is `kept` beside."""
    place, count = join.overlaps[0], len(join.overlaps)
    where = f" at {' '.join(place.path)}" if place.path else ""
    more = f" (and at {count - 1} more place{'s' if count > 2 else ''})" if count > 1 else ""
    sides = f"there was {_short(place.was)}, {by_whom(name)} it became {_short(place.hand)}"
    return StateError(
        "edit-conflict",
        f"{name} was changed {by_whom(name)}{where}, where frames up to {head} changed it, "
        f"too: {sides}, by them {_short(place.world)}{more}",
        help="nothing is lost: `lisppump edits` shows all of it, `lisppump edits take DOCUMENT` keeps "
        "what the hand wrote there, `lisppump edits drop DOCUMENT` what the frames did",
        data={
            "document": name,
            "blob": kept,
            "conflicts": [place.to_json(world=True) for place in join.overlaps],
        },
    )


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = canon.line(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
