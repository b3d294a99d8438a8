"""One tree of errors: code, message, place, one thing to do; draws the caret. It prints nothing itself."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """A stable error code: its category, the exit code of a command that ends with it, and what it means."""

    category: str
    exit: int
    doc: str


CODES: dict[str, Code] = {}
UNDECLARED = Code("plugin", 4, "Somebody else's code made up this error.")
MOST_SAID = 500  # letters of a foreign exception's text


def declare(category: str, exit: int, **codes: str) -> None:
    """Add codes to the one table; an underscore in a keyword stands for a hyphen in the code."""
    for name, doc in codes.items():
        code = name.replace("_", "-")
        entry = Code(category, exit, doc)
        if CODES.setdefault(code, entry) != entry:  # a plugin's module may be read again, and says the same
            raise ValueError(f"error code {code} is declared twice")


@dataclass(slots=True, unsafe_hash=True)  # not frozen: one is made for every program, in half of the time
class Source:
    """A text that was read and the name people know it by (a file, `<eval>`, an agent's program).

    It never changes.
    """

    name: str
    text: str
    _ends: list[int] | None = field(default=None, init=False, repr=False, compare=False)  # of the lines

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        ends = self._ends
        if ends is None:  # once: a program may catch any number of errors, each with its places
            ends = [*(match.start() for match in re.finditer("\n", self.text)), len(self.text)]
            self._ends = ends
        before = bisect_left(ends, offset, 0, len(ends) - 1)
        return before + 1, offset - (ends[before - 1] if before else -1)

    def line(self, number: int) -> str:
        """The text of one line, counted from 1, without its end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@dataclass(slots=True, unsafe_hash=True)  # not frozen: one is made for every call, in a quarter of the time
class Span:
    """A piece of a source: character offsets, the end exclusive. It never changes."""

    source: Source
    start: int
    end: int

    @property
    def file(self) -> str:
        """The name of the source."""
        return self.source.name

    @property
    def line(self) -> int:
        """The line of its start, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of its start, counted from 1."""
        return self.source.position(self.start)[1]

    def caret(self) -> str:
        """The line with carets under the span; long lines are cut around it."""
        line, column = self.source.position(self.start)
        text = self.source.line(line).replace("\t", " ")
        width = max(1, min(self.end - self.start, len(text) - column + 1))
        offset = column - 1
        if len(text) > 110:
            cut = max(0, offset - 40)
            text = ("..." if cut else "") + text[cut : cut + 100] + ("..." if cut + 100 < len(text) else "")
            offset = offset - cut + (3 if cut else 0)
            width = max(1, min(width, len(text) - offset))
        gutter = f"{line:>5} | "
        return f"{gutter}{text}\n{' ' * (len(gutter) - 2)}| {' ' * offset}{'^' * width}"


class LisppumpError(Exception):
    """Anything a user can cause or mend; `code` is in CODES, `help` is one thing to do."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        help: str | None = None,
        trace: tuple[str, ...] = (),
        data: Any = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help
        self.trace = trace
        self.data = data

    @property
    def category(self) -> str:
        """What kind of trouble it is: syntax, unbound, type, usage, state, ..."""
        return CODES.get(self.code, UNDECLARED).category

    @property
    def exit_code(self) -> int:
        """What a command that ends with this error exits with."""
        return CODES.get(self.code, UNDECLARED).exit

    def located(self, span: Span | None) -> LisppumpError:
        """Itself, at `span` if it had no place yet."""
        if self.span is None:
            self.span = span
        return self

    def to_json(self) -> dict[str, Any]:
        """The inside of the pinned `{"error": ...}` document."""
        span = self.span
        return {
            "code": self.code,
            "category": self.category,
            "message": self.message,
            "file": span.file if span else None,
            "line": span.line if span else None,
            "column": span.column if span else None,
            "help": self.help,
        }

    def diagnostic(self) -> str:
        """The message for a person: sentence, place with caret, backtrace, help; no trailing newline."""
        lines = [on_one_line(f"error[{self.code}]: {self.message}")]
        if self.span is not None:
            lines.append(on_one_line(f"  --> {self.span.file}:{self.span.line}:{self.span.column}"))
            lines.append(self.span.caret())
        lines.extend(on_one_line(f"  in {entry}") for entry in self.trace)
        lines.extend(on_one_line(f"  note: {note}") for note in getattr(self, "__notes__", ()))
        if self.help:
            lines.append(on_one_line(f"  help: {self.help}"))
        return "\n".join(lines)


class ErrorList(LisppumpError):
    """Several errors found in one go; code and exit are those of the first."""

    def __init__(self, errors: list[LisppumpError]) -> None:
        first = errors[0]
        super().__init__(first.code, first.message, span=first.span, help=first.help, trace=first.trace)
        self.errors = tuple(errors)

    def diagnostic(self) -> str:
        """All of them, one under the other."""
        return "\n\n".join(error.diagnostic() for error in self.errors)


def place_of(error: BaseException) -> str | None:
    """The file and line where foreign Python code went wrong, as `file:line`; None where nothing says it."""
    import traceback

    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):  # of a runaway recursion it is very long
        if "importlib" not in frame.f_code.co_filename:
            place = f"{frame.f_code.co_filename}:{line}"
    return place


def legible(name: object) -> str:
    """The name of a file or folder as text that any message and any JSON can hold, on one line."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(name)
    )


def on_one_line(text: str) -> str:
    """Text as a part of a line: its line breaks are spelled out, lest it begins lines of its own."""
    return text.replace("\n", "\\n")


def said(error: BaseException) -> str:
    """An exception of foreign Python code in words; its own text is foreign code, too."""
    from lisppump.secrets import safe

    try:
        text = "".join([str(error)])  # what str gives may be more than a str
    except BaseException:
        text = "its text cannot be read"
    text = safe(" ".join(text.split()))  # it becomes a part of a line, and may say back a key that was sent
    text = text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]} ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def suggest(word: str, known: list[str]) -> str | None:
    """The known word that `word` most likely was meant to be, or None."""
    import difflib

    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return close[0] if close else None


# The codes of the command line; every other module declares its own.
declare("usage", 2, bad_usage="The command line is not one this command understands.")
declare(
    "usage", 1,
    no_simulation="No pump.lisp was found in this folder or above it.",
    folder_not_empty="A folder that should be written to holds files already.",
    no_such_frame="The journal has no frame of that number.",
)  # fmt: skip
declare("defect", 70, defect="lisppump itself is wrong here; the report says where.")
