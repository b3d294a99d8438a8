"""The table of builtins: each with usage, doc and example beside its code; each domain is a module.

A builtin is a Python function `f(run, *args)`: `run` carries meter, output, dice and capabilities. It must
charge by size before it works, check types itself, and never hand out a host object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

Implementation = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class BuiltinSpec:
    """One entry of the table.

    `usage` is a call as one would write it; `example` a transcript line `expr ;=> value`; `cost` the
    published formula in steps over the sizes of the arguments; `capability` the grant it needs.
    """

    name: str
    function: Implementation
    low: int
    high: int | None
    usage: str
    doc: str
    example: str
    cost: str
    domain: str
    aliases: tuple[str, ...] = ()
    capability: str | None = None


BUILTINS: dict[str, BuiltinSpec] = {}


def builtin(
    name: str,
    usage: str,
    doc: str,
    *,
    example: str,
    cost: str = "0",
    aliases: tuple[str, ...] = (),
    capability: str | None = None,
) -> Callable[[Implementation], Implementation]:
    """Enter a function into the table; how many arguments it takes is read from its signature after `run`."""

    def enter(function: Implementation) -> Implementation:
        code = function.__code__
        positional = code.co_argcount - 1
        low = positional - len(function.__defaults__ or ())
        high = None if code.co_flags & 0x04 else positional
        domain = function.__module__.rpartition(".")[2]
        spec = BuiltinSpec(name, function, low, high, usage, doc, example, cost, domain, aliases, capability)
        for word in (name, *aliases):
            if word in BUILTINS:
                raise ValueError(f"builtin {word} is declared twice")
            BUILTINS[word] = spec
        return function

    return enter


@cache
def load() -> dict[str, BuiltinSpec]:
    """The whole table, each domain imported."""
    from lisppump.lispy.builtins import (  # noqa: F401
        characters,
        clock,
        control,
        data,
        dict_calls,
        dicts,
        format,
        immutable,
        lists,
        meta,
        numbers,
        numeric,
        predicates,
        quantities,
        randomness,
        regex,
        searching,
        sequences,
        sets,
        sorting,
        state,
        text,
    )  # fmt: skip

    return BUILTINS


def describe_type(value: Any) -> str:
    """What a person calls the type of a LisPy value; the only text about types that a program may see."""
    from lisppump.lispy import values

    kind = value.__class__
    if value is None:
        return "nil"
    if kind is bool:
        return "a boolean"
    if kind is int:
        return "an integer"
    if kind is float:
        return "a float"
    if kind is str:
        return "a string"
    if kind is values.Symbol:
        return "a symbol"
    if kind is values.Keyword:
        return "a keyword"
    if kind is values.Pair and value.size < 0:
        return "a pair"
    if values.is_list(value):
        return "a list"
    if isinstance(value, dict):
        return "a dict"
    if isinstance(value, values.Procedure):
        return "a procedure"
    if kind is values.Quantity:
        return f"a quantity of {value.unit}"
    return "a value"
