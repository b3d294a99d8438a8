"""`format`: texts with places for values, in the ways that Lisps and Python write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import is_number, number, string
from lisppump.lispy.builtins.text import joined
from lisppump.lispy.errors import LispyError
from lisppump.lispy.printer import display_text, write_text
from lisppump.lispy.values import Value, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

TILDE = re.compile(r"~(?:(\d{0,3})?(?:,(\d{1,3}))?)?([aAsSdDfFvVwW%n~])")
BRACES = re.compile(r"\{\{|\}\}|\{\}")


@builtin("format", "(format template x ...)",
         "The template with values put in: ~a as display shows them, ~s as write, ~d a number, ~,2f a "
         "number with two " "digits, ~% a new line, ~~ a tilde; {} as ~a where the template has no tilde. "
         "(format #f ...) is the same, " "(format #t ...) prints.",
         example="(format \"~a has ~,1f\" \"ada\" 2.25) ;=> \"ada has 2.2\"", cost="length / 16",
         aliases=("string-format",))  # fmt: skip
def format_(run: Run, template: Value, *values: Value) -> Value:
    prints = template is True
    if template.__class__ is bool or is_nil(template):
        if not values:
            raise LispyError("wrong-arity", "format wants a template")
        template, values = values[0], values[1:]
    text = _filled(run, string("format", template), values)
    if prints:
        run.write(text)
        return None
    return text


def _filled(run: Run, template: str, values: tuple[Value, ...]) -> str:
    run.meter.charge(len(template) >> 4)
    tildes = "~" in template
    parts: list[str] = []
    end = used = 0
    for match in (TILDE if tildes else BRACES).finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        mark = match[3] if tildes else match[0]
        literal = {"%": "\n", "n": "\n", "~": "~", "{{": "{", "}}": "}"}.get(mark)
        if literal is not None:
            parts.append(literal)
            continue
        if used >= len(values):
            raise LispyError("wrong-arity", f"format has more places than values, it got {len(values)}")
        width, digits = (match[1], match[2]) if tildes else (None, None)
        parts.append(_shown(run, mark.lower(), values[used], width, digits))
        used += 1
    if used < len(values):
        raise LispyError("wrong-arity", f"format has {used} places for {len(values)} values",
                         help="write ~a or {} where a value belongs")  # fmt: skip
    parts.append(template[end:])
    return joined(run, "", parts)


def _shown(run: Run, mark: str, value: Value, width: str | None, digits: str | None) -> str:
    if mark in ("d", "f"):
        number("format", value)
    if digits is not None and is_number(value):
        try:
            text = f"{value:.{int(digits)}f}"
        except OverflowError:
            raise LispyError("not-a-number", "format has a number too large for a float") from None
    else:
        text = write_text(run, value) if mark in ("s", "v", "w") else display_text(run, value)
    return (
        text.rjust(int(width)) if width and mark in ("d", "f") else text.ljust(int(width)) if width else text
    )
