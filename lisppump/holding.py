"""The checks of contracts: what a stage gave is held to what it should be. Pure; it knows no stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lisppump import canon
from lisppump.errors import LisppumpError, declare

declare("plugin", 4, contract="A stage broke the contract of its kind.")


def given(value: Any) -> str:
    """What a plugin's author calls a value: None, a dict, a Reply."""
    kind = type(value).__name__
    if value is None:
        return "None"
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def hold(kept: bool, sentence: str) -> None:
    if not kept:
        raise LisppumpError("contract", sentence)


def is_many(value: Any) -> bool:
    """True for what can be gone through; a text is one thing, and not its letters."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def kind_of(value: Any) -> str:
    """What a message calls a value; only what surely has a short text of its own is shown."""
    name = type(value).__name__
    if isinstance(value, str | int | float):
        return f"the {name} {value!r}"[:60]
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def is_json(value: Any) -> bool:
    try:
        canon.canonical(value)
    except LisppumpError:
        return False
    return True


def is_text(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (value.isascii() or is_json(value)))
