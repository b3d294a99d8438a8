"""What may be said of earlier frames: an item that adds to one goes by nothing that came after it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lisppump.delta import Collection


def acausal(rule: Collection, item: Mapping[str, Any], newest: int) -> str | None:
    """What is wrong with the frames that an item of a collection with `about` names; None if nothing is."""
    about: Any = item.get(rule.about or "")
    if not _is_frame(about):
        return f"should name the frame that it adds to as `{rule.about}`, a number from 0 to {newest}"
    if about > newest:
        return f"adds to frame {about}, and the newest is {newest}"
    cited = item.get(rule.cites) if rule.cites is not None else None
    for number in cited if isinstance(cited, list) else [] if cited is None else [cited]:
        if not _is_frame(number):
            return f"should have numbers of frames as `{rule.cites}`"
        if number > about:
            return f"adds to frame {about} by what frame {number} has, which came later"
    return None


def _is_frame(value: Any) -> bool:
    return value.__class__ is int and value >= 0
