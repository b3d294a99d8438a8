"""The text that the second tier makes: lines, blocks, constants, and what stands on which line."""

from __future__ import annotations

import re
from typing import Any

from lisppump.errors import Span
from lisppump.lispy.calls import Builtin

WORD = re.compile(r"[A-Za-z0-9_ -]{0,40}\Z")  # what may stand in the text between quotes
PLACE = "\n@"  # begins a line of its own within an expression: the number of a place follows

Block = list[Any]  # lines, and (header, block)
# Where an error arose, in which builtin, in a call of what, and in the place of which other calls.
Place = tuple[Span | None, Builtin | None, Any, tuple[Any, ...]]
NOWHERE: Place = (None, None, None, ())


class Literal(str):
    """An expression that is a constant of Python."""

    __slots__ = ("value",)
    value: Any


NIL, TRUE, FALSE = Literal("None"), Literal("True"), Literal("False")
NIL.value, TRUE.value, FALSE.value = None, True, False


class Rare(str):
    """The header of a block that is seldom gone through."""

    __slots__ = ()


class Full(Rare):
    """The same of what refuses one more element of an array; `array` is that, each costs `CELL` bytes."""

    __slots__ = ("array",)
    array: str


OTHERWISE = Rare("else:")  # what is left to a function


def literal(value: Any) -> Literal | None:
    """A constant that Python's text may hold; None of any other."""
    if value is None:
        return NIL
    kind = value.__class__
    if kind is bool:
        return TRUE if value else FALSE
    if (
        (kind is int and -(1 << 62) < value < 1 << 62)
        or (kind is float and value - value == 0.0)
        or (kind is str and WORD.match(value))
    ):
        text = repr(value)
        made = Literal(f"({text})" if text[0] == "-" else text)
        made.value = value
        return made
    return None


def typed(value: str, kind: str) -> str:
    """Whether a value is of just this Python type."""
    return f"type({value}) is {kind}"


def wholly(parts: list[str]) -> str:
    """All of them."""
    return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"


COUNTED, TOO_MANY = "meter.steps = steps = meter.steps + 1", "if steps > meter.next_look:"


def step(look: str, count: int = 1) -> Block:
    """Count steps; `look` is what looks at the clock and the limit."""
    return counted(count, f"{look}(meter)")


def counted(count: int | str, look: str) -> Block:
    """The same where `look` is the line that looks."""
    return [f"meter.steps = steps = meter.steps + {count}", ("if steps > meter.next_look:", [look])]


def bytes_(size: int | str, refuse: str = "meter.allocate(0)") -> Block:
    """Count bytes; `refuse` is what says that they are too many."""
    return [
        f"meter.allocated = size = meter.allocated + {size}",
        ("if size > meter.limits.allocation:", [refuse]),
    ]


def container(count: int, large: str, look: str, refuse: str) -> Block:
    """Count what a list or dict of so many elements is charged; the others say what it costs too much of."""
    counted: Block = [
        f"meter.steps = steps = meter.steps + {count}",
        ("if steps > meter.next_look:", [look]),
    ]
    return [
        (Rare(f"if {count} > run.limits.elements:"), [large]),
        *(counted if count else []),
        *bytes_(8 * count, refuse),
    ]


def text_of(block: Block, numbered: list[Place], gone: str) -> tuple[str, list[Place]]:
    """The lines of a block but for those that are to be gone, and what stands on each."""
    lines: list[str] = []
    places: list[Place] = []
    stack: list[tuple[Block, int, str]] = [(block, 0, "")]  # where we are in which block
    while stack:
        items, position, indent = stack.pop()
        if position == len(items):
            continue
        stack.append((items, position + 1, indent))
        item = items[position]
        line = item if isinstance(item, str) else item[0]
        if line == gone:
            continue
        first, *rest = line.split(PLACE)
        lines.append(indent + first)
        places.append(NOWHERE)
        for part in rest:
            number, _, code = part.partition("@")
            lines.append(code)
            places.append(numbered[int(number) - 1])
        if not isinstance(item, str):
            stack.append((item[1] or ["pass"], 0, indent + " "))
    return "\n".join(lines), places
