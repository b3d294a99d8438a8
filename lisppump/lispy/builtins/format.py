"""`format`: texts with places for values, in the ways that Lisps, C and Python write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.characters import integer_to_char
from lisppump.lispy.builtins.check import is_number, number, string, walk, wrong
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.printer import display_text, write_text
from lisppump.lispy.values import Procedure, Value, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

Pieces = tuple[tuple[str, Any], ...]  # of a template: what a place shows, and digits; "", and a text

# Patterns are compiled when a template needs them: few programs have one.
TILDE = r"(?s)~((?:-?\d{1,4}|'.)?(?:,(?:-?\d{1,4}|'.)?){0,3})([:@]{0,2})(\n\s*|.|\Z)"
PERCENT = r"%([-+0]*)(\d{1,3})?(?:\.(\d{1,3}))?([sSdifFgGeExXoc])|%%|%n"
BRACES = r"\{\{|\}\}|\{(?::([<>^]?)([+]?)(0?)(\d{1,3})?(,?)(?:\.(\d{1,3}))?([dfegsx%]?))?\}"
LONGEST = 200  # characters of a template that is remembered once it is read
MANY = 1000  # places that are found at once
NUMERIC = frozenset(("f", "number", "integer"))
LITERAL = {"%": "\n", "n": "\n", "~": "~"}
TAKING = "aAsSvVwWdDfFxXoObBeEgGcCpP$"  # the letters behind a tilde that stand for a value


@builtin("format", "(format template x ...)",
         "The template with values put in: ~a as display shows them, ~s as write, ~d a number, ~,2f a "
         "number with two digits, ~5d in a width, ~x ~o ~b to the base 16, 8 or 2, ~p an s for more "
         "than one, ~{ ~} for the elements of a list, ~% a new line, ~~ a tilde. Without a tilde the "
         "places are %s %d %.2f or {} {:.2f}. (format #f ...) is the same, (format #t ...) prints, "
         "(format port ...) prints there.",
         example="(format \"~a has ~,1f\" \"ada\" 2.25) ;=> \"ada has 2.2\"", cost="9 + length / 16",
         aliases=("string-format",))  # fmt: skip
def format_(run: Run, template: Value, *values: Value) -> Value:
    run.meter.charge(9)
    port = template
    if template.__class__ is str:
        return filled(run, "format", template, values)
    if template.__class__ is not bool and not is_nil(template) and not isinstance(template, Procedure):
        raise wrong("format", "a template", template, 1)
    if not values:
        raise LispyError("wrong-arity", "format wants a template")
    text = filled(run, "format", values[0], values[1:])
    if port is True:
        run.write(text)
        return None
    if isinstance(port, Procedure):
        from lisppump.lispy.builtins.output import port_of

        port_of("format", port).put(run, text)
        return None
    return text


def filled(run: Run, name: str, template: Value, values: tuple[Value, ...]) -> str:
    """The template with all values put in."""
    if template.__class__ is not str:
        string(name, template)
    run.meter.charge(len(template) >> 4)
    if len(template) <= LONGEST:
        pieces, taken, numeric = usual(template)
        if taken == len(values) and pieces and (not numeric or _fit(pieces, values)):
            return _filled_usual(run, pieces, values)
    text = Filled(run)
    if "~" in template:
        used = _Tildes(run, name, values, text).fill(template)
        if used < len(values):
            raise _left_over(name, used, len(values))
        return text.whole()
    percents, braces = _places(run, PERCENT, template), _places(run, BRACES, template)
    if percents == braces == len(values) > 0:
        raise LispyError("ambiguous", f"{name} finds places of two kinds in its template, {{}} and %",
                         help="write ~a where a value belongs")  # fmt: skip
    if percents == len(values) > 0:
        _fill(text, PERCENT, template, lambda match, place: _percent(run, match, values[place]))
        return text.whole()
    if braces != len(values):
        raise _missing(name, len(values)) if braces > len(values) else _left_over(name, braces, len(values))
    _fill(text, BRACES, template, lambda match, place: _brace(run, match, values[place]))
    return text.whole()


@lru_cache(maxsize=256)
def usual(template: str) -> tuple[Pieces, int, bool]:
    """The pieces of a template that has the usual places only, how many places, whether some want numbers.

    There are no pieces of any other template.
    """
    if "~" in template:
        pattern, read = TILDE, _usual_tilde
    else:
        percents, braces = _places(None, PERCENT, template), _places(None, BRACES, template)
        if percents and braces:
            return (), 0, False
        pattern, read = (PERCENT, _usual_percent) if percents else (BRACES, _usual_brace)
    pieces: list[tuple[str, Any]] = []
    end = taken = 0
    for match in re.finditer(pattern, template):
        pieces.append(("", template[end : match.start()]))
        end = match.end()
        piece = read(match)
        if piece is None:
            return (), 0, False
        pieces.append(piece)
        taken += piece[0] != ""
    pieces.append(("", template[end:]))
    kept = [piece for piece in pieces if piece != ("", "")]
    return tuple(kept), taken, any(kind in NUMERIC for kind, _ in kept)


def _usual_tilde(match: re.Match[str]) -> tuple[str, Any] | None:
    mark = match[3].lower()
    if match[2]:
        return None
    if match[1]:
        return ("f", int(match[1][1:])) if mark == "f" and re.fullmatch(r",\d{1,2}", match[1]) else None
    if mark in LITERAL:
        return "", LITERAL[mark]
    known = {"a": "shown", "s": "written", "v": "written", "w": "written", "d": "number", "f": "number"}
    return (known[mark], None) if mark in known else None


def _usual_percent(match: re.Match[str]) -> tuple[str, Any] | None:
    if match[0] in ("%%", "%n"):
        return "", {"%%": "%", "%n": "\n"}[match[0]]
    if match[4] == "f" and not match[1] and not match[2]:
        return "f", 6 if match[3] is None else int(match[3])
    known = {"%s": "shown", "%d": "integer"}
    return (known[match[0]], None) if match[0] in known else None


def _usual_brace(match: re.Match[str]) -> tuple[str, Any] | None:
    if match[0] in ("{{", "}}"):
        return "", match[0][0]
    if match[0] == "{}":
        return "shown", None
    found = re.fullmatch(r"\{:\.(\d{1,2})f\}", match[0])
    return None if found is None else ("f", int(found[1]))


def _fit(pieces: Pieces, values: tuple[Value, ...]) -> bool:
    """Whether the values are what their places want."""
    place = 0
    for kind, _ in pieces:
        if kind:
            value = values[place].__class__
            if kind in NUMERIC and value is not int and (value is not float or kind == "integer"):
                return False
            place += 1
    return True


def _filled_usual(run: Run, pieces: Pieces, values: tuple[Value, ...]) -> str:
    """A template of usual places filled with values that fit."""
    most = run.limits.string
    parts: list[str] = []
    size = place = 0
    for kind, what in pieces:
        if kind:
            value = values[place]
            place += 1
            if kind == "f":
                what = decimal(value, what)
            elif kind == "written":
                what = write_text(run, value)
            else:
                what = display_text(run, value)
        size += len(what)
        if size > most:
            run.meter.text(size)
        parts.append(what)
    run.meter.text(size)
    return "".join(parts)


class Filled:
    """A text that grows piece by piece, never beyond the limit; it knows how far its last line goes."""

    __slots__ = ("column", "parts", "run", "size")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.parts: list[str] = []
        self.size = self.column = 0

    def add(self, text: str) -> None:
        """Put a piece at the end."""
        self.size += len(text)
        if self.size > self.run.limits.string:
            self.run.meter.text(self.size)
        self.parts.append(text)
        _, newline, line = text.rpartition("\n")
        self.column = len(line) if newline else self.column + len(text)

    def whole(self) -> str:
        """All of it."""
        self.run.meter.text(self.size)
        return "".join(self.parts)


def places(run: Run, template: str) -> int:
    """How many values a template has places for."""
    if "~" not in template:
        return _places(run, PERCENT, template)
    return len([match for match in _found(run, TILDE, template) if match[3] in TAKING and match[3]])


def _found(run: Run | None, pattern: str, template: str) -> Iterator[re.Match[str]]:
    """What a pattern finds, each for a step, charged for many at a time."""
    for count, match in enumerate(re.finditer(pattern, template), 1):
        if count % MANY == 0 and run is not None:
            run.meter.charge(MANY)
        yield match


def _missing(name: str, count: int) -> LispyError:
    return LispyError("wrong-arity", f"{name} has more places than values, it got {count}",
                      help="give a value for each place; ~~ is a tilde, %% a percent sign")  # fmt: skip


def _left_over(name: str, used: int, count: int) -> LispyError:
    places = f"{used} place{'s' * (used != 1)} for {count} value{'s' * (count != 1)}"
    return LispyError("wrong-arity", f"{name} has {places}",
                      help="write ~a or {} where a value belongs")  # fmt: skip


def _places(run: Run | None, pattern: str, template: str) -> int:
    found = [match[0] for match in _found(run, pattern, template)]
    return len([piece for piece in found if piece not in ("{{", "}}", "%%", "%n")])


def _fill(text: Filled, pattern: str, template: str, shown: Callable[[re.Match[str], int], str]) -> None:
    end = place = 0
    for match in re.finditer(pattern, template):
        text.add(template[end : match.start()])
        end = match.end()
        literal = {"{{": "{", "}}": "}", "%%": "%", "%n": "\n"}.get(match[0])
        if literal is None:
            literal = shown(match, place)
            place += 1
        text.add(literal)
    text.add(template[end:])


def decimal(value: Any, digits: int, kind: str = "f") -> str:
    """A number with digits after the point."""
    try:
        return f"{value:.{digits}{kind}}"
    except OverflowError:
        raise LispyError("not-a-number", "format has a number too large for a float") from None


def _whole(name: str, value: Value) -> int:
    """An integer for a place that wants one."""
    if number(name, value, 0).__class__ is float and not value.is_integer():
        help = "~,2f and %.2f are for numbers with a point"
        raise LispyError("bad-value", f"{name} wants an integer here, got {figure(value)}", help=help)
    return int(value)


def _percent(run: Run, match: re.Match[str], value: Value) -> str:
    """A place as C and Emacs write it."""
    flags, width, digits, kind = match[1], int(match[2] or 0), match[3], match[4]
    if kind in "sS":
        text = display_text(run, value) if kind == "s" else write_text(run, value)
        text = text if digits is None else text[: int(digits)]
    elif kind == "c":
        text = integer_to_char(run, value) if is_number(value) else string("format", value, 0)
    elif kind in "dioxX":
        whole = _whole("format", value)
        text = format(whole, {"i": "d"}.get(kind, kind)) if kind in "xXo" else display_text(run, whole)
    else:
        text = decimal(number("format", value, 0), 6 if digits is None else int(digits), kind)
    if "+" in flags and is_number(value) and value >= 0:
        text = "+" + text
    if "-" in flags:
        return text.ljust(width)
    return text.zfill(width) if "0" in flags and is_number(value) else text.rjust(width)


def _brace(run: Run, match: re.Match[str], value: Value) -> str:
    """A place as Python writes it."""
    if match[7] is None:
        return display_text(run, value)
    side, sign, zero, width, commas, digits, kind = match.groups()
    if kind in ("f", "e", "g", "%") or (digits and is_number(value)):
        text = decimal(number("format", value, 0), int(digits or 6), kind or "g")
    elif kind in ("d", "x"):
        whole = _whole("format", value)
        text = format(whole, "x") if kind == "x" else display_text(run, whole)
    else:
        text = display_text(run, value)
        text = text[: int(digits)] if digits else text
    if commas:
        text = grouped(text)
    if sign and is_number(value) and value >= 0:
        text = "+" + text
    size = int(width or 0)
    if zero and is_number(value):
        return text.zfill(size)
    side = side or (">" if is_number(value) else "<")
    return text.rjust(size) if side == ">" else text.ljust(size) if side == "<" else text.center(size)


def grouped(text: str) -> str:
    """The digits of a number in groups of three."""
    match = re.match(r"(-?)(\d+)", text)
    if match is None:
        return text
    digits = match[2]
    first = len(digits) % 3
    groups = [digits[place : place + 3] for place in range(first, len(digits), 3)]
    groups = [digits[:first], *groups] if first else groups
    return match[1] + ",".join(groups) + text[match.end() :]


class _Tildes:
    """Fills templates with tildes from one row of values."""

    def __init__(self, run: Run, name: str, values: Sequence[Value], text: Filled) -> None:
        self.run, self.name, self.values, self.text = run, name, values, text
        self.used = 0

    def _next(self) -> Value:
        if self.used >= len(self.values):
            raise _missing(self.name, len(self.values))
        self.used += 1
        return self.values[self.used - 1]

    def fill(self, template: str) -> int:
        """Add the pieces of the filled template; how many values are used."""
        end = 0
        text = self.text
        tildes = re.compile(TILDE)
        while True:
            match = tildes.search(template, end)
            if match is None:
                text.add(template[end:])
                return self.used
            text.add(template[end : match.start()])
            end = match.end()
            mark = match[3].lower()
            if mark == "^":
                if self.used >= len(self.values):
                    return self.used
            elif mark == "{":
                end = self._repeat(template, end, match[2])
            elif mark in LITERAL:
                text.add(LITERAL[mark] * _times(match[1]))
            elif mark == "&":
                text.add("\n" if text.column else "")
            elif mark == "t":
                text.add(" " * max(1, _times(match[1]) - text.column))
            elif mark[:1] != "\n":
                text.add(self._shown(mark, match[1].split(","), match[2]))

    def _repeat(self, template: str, start: int, flags: str) -> int:
        """~{ ... ~}: the template inside once for each round of elements."""
        stop = template.find("~}", start)
        if stop < 0:
            raise LispyError("bad-value", f"{self.name} has a ~{{ without ~}} in its template")
        inside = template[start:stop]
        if "@" in flags:
            items = list(self.values[self.used :])
            self.used = len(self.values)
        else:
            items = walk(self.run, self.name, self._next(), 0)
        if ":" in flags:
            for item in items:
                self.run.meter.charge(1 + (len(inside) >> 4))
                _Tildes(self.run, self.name, walk(self.run, self.name, item, 0), self.text).fill(inside)
            return stop + 2
        inner = _Tildes(self.run, self.name, items, self.text)
        while inner.used < len(inner.values):
            before = inner.used
            self.run.meter.charge(1 + (len(inside) >> 4))
            inner.fill(inside)
            if inner.used == before:
                raise LispyError("bad-value", f"{self.name} has no place for a value between ~{{ and ~}}")
        return stop + 2

    def _shown(self, mark: str, parameters: list[str], flags: str) -> str:
        if not mark or mark not in TAKING:
            raise LispyError(
                "bad-value", f"{self.name} knows no ~{mark} in a template",
                help="write ~a, ~s, ~d, ~,2f, ~5d, ~x, ~{ ~}, ~% or ~~",
            )  # fmt: skip
        if mark == "p":
            self.used -= ":" in flags
            return "" if self._next() == 1 else "s"
        value = self._next()
        numbers = [int(part) if part.lstrip("-").isdigit() else None for part in parameters]
        width = numbers[0] or 0
        fill = next((part[1] for part in parameters[1:] if part.startswith("'")), " ")
        text = self._text(mark, value, numbers)
        if mark in "dfxob$eg":
            if ":" in flags:
                text = grouped(text)
            if "@" in flags and value >= 0:
                text = "+" + text
            return text.rjust(width, fill)
        return text.rjust(width, fill) if "@" in flags else text.ljust(width, fill)

    def _text(self, mark: str, value: Value, numbers: list[int | None]) -> str:
        digits = numbers[1] if len(numbers) > 1 else None
        if mark in "dfxob$eg":
            number(self.name, value, 0)
        if mark in "xob":
            return format(_whole(self.name, value), mark)
        if mark == "$":
            return decimal(value, 2 if numbers[0] is None else max(0, min(numbers[0], 300)))
        if digits is not None and is_number(value):
            return decimal(value, max(0, min(digits, 300)), "e" if mark == "e" else "f")
        if mark in "svw":
            return write_text(self.run, value)
        return display_text(self.run, value)


def _times(text: str) -> int:
    return int(text) if text.isdigit() else 1
