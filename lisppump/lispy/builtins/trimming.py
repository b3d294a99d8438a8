"""Texts without certain characters at their ends, in a time that does not grow with both; no builtins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

FEW = 32  # characters that Python may look through for each of a text


def without(run: Run, text: str, characters: str | None, side: str) -> str:
    """A text without blanks or any of some characters at its ends: both, left or right."""
    if characters is not None and len(characters) > FEW:
        run.meter.charge(len(characters) >> 2)
        characters = "".join(dict.fromkeys(characters))
    if characters is None or len(characters) <= FEW:
        return {"both": str.strip, "left": str.lstrip, "right": str.rstrip}[side](text, characters)
    run.meter.charge(len(text) >> 1)
    gone = frozenset(characters)
    start, end = 0, len(text)
    if side != "right":
        start = next((at for at, character in enumerate(text) if character not in gone), end)
    if side != "left":
        end -= next((at for at, character in enumerate(reversed(text)) if character not in gone), end)
    return text[start:end]
