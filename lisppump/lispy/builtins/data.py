"""Texts of data: JSON and LisPy's own notation, read and written."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import MANY, count, string
from lisppump.lispy.builtins.versions import LONGEST_KEY, fit_keys
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.printer import digits, to_json, write_text
from lisppump.lispy.reader import parse_values
from lisppump.lispy.values import Value, is_list

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

# A string that is not closed is taken to the end: to look for its end from every quote in it takes hours.
BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)
SURROGATES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
DIGITS = 4300  # the host refuses decimal texts of more digits


@builtin("json-parse", "(json-parse text)",
         "The value of a JSON text; a list or dict, which is data already, as it is.", cost="24 + length",
         aliases=("json-decode", "parse-json", "json-read", "json-loads", "string->json"),
         example="(json-parse \"[1, {\\\"a\\\": null}]\") ;=> (1 {\"a\" nil})")  # fmt: skip
def json_parse(run: Run, value: Value) -> Value:
    run.meter.charge(24)
    if isinstance(value, dict) or (value is not None and is_list(value)):
        return value
    string("json-parse", value)
    run.meter.charge(len(value))
    run.meter.allocate(10 * len(value))
    _check_depth(run, value)
    run.meter.look()
    if any(match[1] for match in SURROGATES.finditer(value)):
        raise LispyError("json-error", "the JSON text has half a character in it (a lone surrogate)")

    def whole(text: str) -> int:
        if len(text) > DIGITS or (found := int(text)).bit_length() > run.limits.bits:
            raise LimitError(
                "integer-limit",
                f"an integer may have {run.limits.bits:,} bits, the JSON text has one of more",
            )
        return found

    def point(text: str) -> float:
        found = float(text)
        if found - found != 0.0:
            raise LispyError("json-error", "the JSON text has a number too large for a float")
        return found

    def constant(text: str) -> Any:
        raise LispyError("json-error", f"{text} is not JSON")

    try:
        parsed = json.loads(value, parse_int=whole, parse_float=point, parse_constant=constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise LispyError("json-error", f"the text is not JSON at {where}: {error.msg.lower()}") from None
    run.meter.look()
    if len(value) > min(2 * run.limits.elements, LONGEST_KEY):
        _check_sizes(run, parsed)
    return parsed


def _check_depth(run: Run, text: str) -> None:
    depth = 0
    for place, match in enumerate(BRACKETS.finditer(text)):
        if place % MANY == MANY - 1:
            run.meter.look()
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > run.limits.data_depth:
                raise LimitError(
                    "data-depth-limit", f"JSON may be nested {run.limits.data_depth} deep, this is deeper"
                )
        elif mark in "]}":
            depth -= 1


def _check_sizes(run: Run, value: Value) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if item.__class__ is list or item.__class__ is dict:
            if len(item) > run.limits.elements:
                run.meter.container(len(item))
            if item.__class__ is dict:
                fit_keys(item)
                stack.extend(item.values())
            else:
                stack.extend(item)


@builtin("json-encode", "(json-encode x [indent])", "The JSON text of a value.",
         cost="28 + 2 x nodes + length / 16; with an indent also the levels around each node",
         example="(json-encode '(1 \"a\" nil)) ;=> \"[1, \\\"a\\\", null]\"",
         aliases=("json-dump", "json-dumps", "json-stringify", "json-write", "to-json",
                  "->json"))  # fmt: skip
def json_encode(run: Run, value: Value, indent: Value = None) -> Value:
    run.meter.charge(28)
    width = None if indent is None else min(8, count("json-encode", indent, 2))
    data = to_json(value, run.meter, indent=-1 if width is None else width)
    if data.__class__ is int:
        run.meter.charge(digits(data))
    run.meter.look()
    text = json.dumps(data, ensure_ascii=False, indent=width)
    run.meter.text(len(text))
    return text


@builtin("read-string", "(read-string text)",
         "The first datum of a LisPy text, not evaluated; nil of an empty one.",
         example="(read-string \"(+ 1 2)\") ;=> (+ 1 2)", cost="8 + 5 x length",
         aliases=("read-from-string", "parse-string"))  # fmt: skip
def read_string(run: Run, value: Value) -> Value:
    run.meter.charge(8)
    run.meter.charge(5 * len(string("read-string", value)))
    run.meter.allocate(16 * len(value))
    found = parse_values(value, run.limits, run.meter.look)
    return found[0] if found else None


@builtin("read-all", "(read-all text)", "All data of a LisPy text, not evaluated.",
         example="(read-all \"1 (a)\") ;=> (1 (a))", cost="8 + 5 x length")  # fmt: skip
def read_all(run: Run, value: Value) -> Value:
    run.meter.charge(8)
    run.meter.charge(5 * len(string("read-all", value)))
    run.meter.allocate(16 * len(value))
    return parse_values(value, run.limits, run.meter.look)


@builtin("write-string", "(write-string x)", "The text of a value that reads back.",
         example="(write-string '(a \"b\")) ;=> \"(a \\\"b\\\")\"", cost="8 + length / 16",
         aliases=("write-to-string", "prin1-to-string", "pr-str", "repr"))  # fmt: skip
def write_string(run: Run, value: Value) -> Value:
    run.meter.charge(8)
    return write_text(run, value)
