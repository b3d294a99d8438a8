"""LisPy values on their way between a worker and its parent, as JSON has them. It calls no procedure.

Atoms and dicts are as they are. Everything else is a list whose first element says what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.lispy.values import (
    Keyword,
    Pair,
    Procedure,
    Quantity,
    Symbol,
    Value,
    cons,
    elements,
    is_list,
)
from lisppump.workers.wire import Broken

LIST, SYMBOL, KEYWORD, CHAIN, QUANTITY, PROCEDURE = "list", "symbol", "keyword", "chain", "quantity", "lambda"


def packed(value: Value, lend: Callable[[Procedure], list[Any]]) -> Any:
    """A value as JSON; `lend` gives what stands for a procedure."""
    kind = value.__class__
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, dict):
        return {name: packed(part, lend) for name, part in value.items()}
    if is_list(value):
        return [LIST, *[packed(part, lend) for part in elements(value)]]
    if kind is Symbol or kind is Keyword:
        return [SYMBOL if kind is Symbol else KEYWORD, value.name]
    if kind is Pair:
        heads = []
        while value.__class__ is Pair:
            heads.append(packed(value.car, lend))
            value = value.cdr
        return [CHAIN, heads, packed(value, lend)]
    if kind is Quantity:
        return [QUANTITY, value.amount, value.unit]
    assert isinstance(value, Procedure), "there are no other values"
    return [PROCEDURE, *lend(value)]


def unpacked(data: Any, borrow: Callable[[list[Any]], Procedure]) -> Value:
    """The value that JSON stands for, or Broken; `borrow` gives the procedure that something stands for."""
    kind = type(data)
    if kind is dict:
        return {name: unpacked(part, borrow) for name, part in data.items()}
    if kind is not list:
        return data
    word, *parts = data or [None]
    if word == LIST:
        return [unpacked(part, borrow) for part in parts]
    if word == PROCEDURE:
        return borrow(parts)
    if word in (SYMBOL, KEYWORD) and len(parts) == 1 and type(parts[0]) is str:
        return (Symbol if word == SYMBOL else Keyword)(parts[0])
    if word == CHAIN and len(parts) == 2 and type(parts[0]) is list:
        made = unpacked(parts[1], borrow)
        for part in reversed(parts[0]):
            made = cons(unpacked(part, borrow), made)
        return made
    if word == QUANTITY and len(parts) == 2 and type(parts[0]) in (int, float) and type(parts[1]) is str:
        return Quantity(*parts)
    raise Broken("said what is no value")
