"""What a worker says of a program, as JSON, and how the parent takes it: as from a stranger.

Whoever made an answer may have been anybody by then. So it is read under caps, nothing in it is believed that
is not of the shape, size and range that a sound worker's would be, and nothing in it is ever run.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from lisppump.errors import CODES, LisppumpError, Source, Span
from lisppump.lispy.errors import LONGEST, CapabilityError, LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.outcome import Outcome, Result
from lisppump.lispy.printer import to_json
from lisppump.workers.program import Program
from lisppump.workers.wire import Broken

RESULT, FAULT = "result", "fault"
FETCH, BUILTINS, CALL = "fetch", "builtins", "call"  # what a worker asks for
GAVE, FAILED = "gave", "failed"  # what its procedures came to
KINDS: dict[str, type[LisppumpError]] = {
    "limit": LimitError, "grant": CapabilityError, "error": LispyError, "host": LisppumpError,
}  # fmt: skip
DEPTH = 1000  # of JSON that is read by what recurses
MOST_FRAMES = 1000  # lines of a backtrace
MOST_SIZE = 1 << 50  # bytes that anybody could have made
SURPLUS = 1 << 16  # bytes of an answer beside what the program made

_EXACT = frozenset({int, str, bool, type(None)})  # what orjson reads as it stands, whatever its length
_DIGITS = bytes(48 if 48 <= byte < 58 else 32 for byte in range(256))
_HUGE = b"0" * 19  # orjson reads integers of so many digits as floats
_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)


def encoded(answer: list[Any]) -> bytes:
    """An answer of a worker as JSON."""
    try:
        return orjson.dumps(answer)
    except TypeError:  # an integer over 64 bits, or deep data
        return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()


def longest(limits: Limits) -> int:
    """Bytes of the longest answer: JSON of all that may be printed, shown and returned."""
    return SURPLUS + 12 * limits.string + 6 * limits.output + 6 * limits.source


def result_answer(serial: int, outcome: Outcome, source: str, name: str) -> bytes:
    """The answer that an outcome is, of a program with this text that messages call by this name."""
    error, value, text, output, steps, size, used = outcome
    told = None if error is None else _error_fields(error, source, name)
    return encoded([serial, RESULT, told is None, value, text, output, told, steps, size, used])


def kind_of(error: LisppumpError) -> str:
    """The word for what an error is to programs: whether they may catch it, and whose it is."""
    return next(name for name, kind in KINDS.items() if isinstance(error, kind))


def _error_fields(error: LispyError, source: str, name: str) -> list[Any]:
    span, place = error.span, None
    if span is not None:
        own = span.source.text == source and span.source.name == name
        place = [*([None, None] if own else [span.source.name, span.source.text]), span.start, span.end]
    try:
        data = to_json(error.data, spelt=True)
    except LispyError:
        data = None
    return [kind_of(error), error.code, error.message, error.help, list(error.trace), data, place]


def decoded(data: bytes) -> list[Any]:
    """An answer that came; what is no JSON, or deep, or has numbers that are none, is refused."""
    huge = _HUGE in data.translate(_DIGITS)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if not huge:
            _broken("said what is no JSON")
    if huge:
        value = _exact(data)
    if type(value) is not list or len(value) < 2:
        _broken("said JSON that is no answer")
    return value


def _exact(data: bytes) -> Any:
    """JSON with long integers in it, read by what recurses, once it is known that it is not deep."""
    depth = 0
    for found in _BRACKETS.finditer(data):
        mark = found[0][0]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > DEPTH:
            _broken("said JSON that is nested too deep")
    try:
        return json.loads(data, parse_constant=_constant, parse_float=_float)
    except (ValueError, RecursionError):
        _broken("said what is no JSON")


def _constant(text: str) -> NoReturn:
    raise ValueError(text)


def _float(text: str) -> float:
    found = float(text)
    if found - found != 0.0:
        raise ValueError(text)
    return found


def sound(data: bytes, serial: int, program: Program) -> Result | None:
    """The result of a program that came to a value, where one look tells that a sound worker said it.

    It checks all that `decoded` and `result_of` do, and is there for its speed; where it is None they have to
    say what is wrong, if anything is.
    """
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if answer.__class__ is not list or len(answer) != 10:
        return None
    number, kind, ok, value, text, output, error, steps, size, used = answer
    limits = program.limits
    if (
        number != serial or number.__class__ is not int or kind != RESULT or ok is not True
        or error is not None or used.__class__ is not list
        or text.__class__ is not str or len(text) > limits.string
        or output.__class__ is not str or len(output) > limits.output
        or steps.__class__ is not int or not 0 <= steps <= limits.steps
        or size.__class__ is not int or not 0 <= size <= MOST_SIZE
    ):  # fmt: skip
        return None
    if used:
        allow = program.allow
        if not all([word.__class__ is str and word in allow for word in used]):
            return None
    if value.__class__ not in _EXACT:
        if _HUGE in data.translate(_DIGITS):
            return None
        if value.__class__ is not float:
            _shallow(value, limits.data_depth + 1)
    return Result(True, value, text, output, None, {"steps": steps, "bytes": size}, tuple(used))


def result_of(answer: list[Any], program: Program) -> Result:
    """The result that an answer gives, if a sound worker could have given it."""
    limits = program.limits
    if len(answer) != 10:
        _broken("said a result of another shape")
    _, _, ok, value, text, output, error, steps, size, capabilities = answer
    if type(text) is not str or len(text) > limits.string:
        _broken("said a value longer than it may be")
    if type(output) is not str or len(output) > limits.output:
        _broken("said more output than there may be")
    if type(steps) is not int or type(size) is not int or steps < 0 or size < 0:
        _broken("said steps that are no number")
    if steps > limits.steps or size > MOST_SIZE:
        _broken("said steps that no program can take")
    if capabilities:
        _hold(type(capabilities) is list, "said no list of what its program used")
        known = all(type(name) is str and name in program.allow for name in capabilities)
        _hold(known, "used what it may not")
    usage = {"steps": steps, "bytes": size}
    if value.__class__ is list or value.__class__ is dict:
        _shallow(value, limits.data_depth + 1)
    if ok is True and error is None:
        return Result(True, value, text, output, None, usage, tuple(capabilities or ()))
    neither = ok is not False or value is not None or text != "" or error is None
    _hold(not neither, "said both a value and an error, or none")
    return Result(False, None, "", output, _error_of(error, program), usage, tuple(capabilities or ()))


def _error_of(fields: Any, program: Program) -> LispyError:
    if type(fields) is not list or len(fields) != 7:
        _broken("said an error of another shape")
    kind, code, message, help, trace, data, place = fields
    _hold(type(kind) is str and kind in KINDS and kind != "host", "made up a kind of error")
    _hold(type(code) is str and code in CODES, "made up a code of errors")
    _text(message, LONGEST, "a message")
    if help is not None:
        _text(help, 4 * LONGEST, "a help")
    _hold(type(trace) is list and len(trace) <= MOST_FRAMES, "said no backtrace")
    for entry in trace:
        _text(entry, LONGEST, "a line of a backtrace")
    span = None if place is None else _span_of(place, program)
    made = KINDS[kind](code, message, span=span, help=help, trace=tuple(trace), data=data)
    assert isinstance(made, LispyError)
    return made


def _span_of(place: Any, program: Program) -> Span:
    if type(place) is not list or len(place) != 4:
        _broken("said a place of another shape")
    name, text, start, end = place
    if name is None and text is None:
        name, text = program.name, program.source
    else:
        _text(name, LONGEST, "the name of a text")
        _text(text, max(program.limits.string, program.limits.source), "a text")
    _count(start, len(text))
    _count(end, len(text))
    _hold(start <= end, "said a place that ends before it begins")
    return Span(Source(name, text), start, end)


def request_of(fields: list[Any], limits: Limits) -> tuple[str, float]:
    """What page a worker asks for, and within how many seconds."""
    if len(fields) != 2:
        _broken("asked for a page in another shape")
    url, seconds = fields
    _text(url, limits.string, "a URL")
    _hold(type(seconds) in (int, float) and 0 <= seconds < 1e9, "wants a page in no time")
    return url, float(seconds)


def _shallow(value: list[Any] | dict[str, Any], most: int) -> None:
    """Refuse data that is nested deeper than a program's can be: it would not go into the journal."""
    level: list[Any] = [value]
    for _ in range(most):
        parts = [part for item in level for part in (item.values() if item.__class__ is dict else item)]
        level = [part for part in parts if part.__class__ is list or part.__class__ is dict]
        if not level:
            return
    _broken("said data that is nested too deep")


def _text(text: Any, most: int, what: str) -> None:
    if type(text) is not str or len(text) > most:
        _broken(f"said {what} that is no text, or longer than it may be")


def _count(number: Any, most: int | None) -> None:
    if type(number) is not int or number < 0 or (most is not None and number > most):
        _broken("said a number that is none, or larger than it may be")


def _hold(fits: bool, what: str) -> None:
    if not fits:
        _broken(what)


def _broken(what: str) -> NoReturn:
    raise Broken(what)
