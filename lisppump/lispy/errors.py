"""The errors of LisPy: what a program, its reader and its limits raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lisppump.errors import LisppumpError, Span, declare

LONGEST = 500  # characters of an error's message
Help = str | Callable[[], str | None] | None


def figure(value: int | float) -> str:
    """A number as a message shows it: one of very many digits takes long to write, and nobody reads it."""
    return str(value) if -(10**29) < value < 10**29 else "a large number"


class LispyError(LisppumpError):
    """A program's error; `try` can catch it unless it is a limit. A long message is cut.

    One that is `fresh` was raised on behalf of a caller: the place that it passes next is not where it arose.
    A help that takes work to find is a function: it is called when somebody first reads it, so that errors
    which a program catches by the thousand cost next to nothing. One that is `raised` has a value as its data
    that a program raised.
    """

    fresh = False
    raised = False
    _help: Help = None

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        help: Help = None,
        trace: tuple[str, ...] = (),
        data: Any = None,
    ) -> None:
        if len(message) > LONGEST:
            message = message[: LONGEST - 3] + "..."
        super().__init__(code, message, span=span, trace=trace, data=data)
        self._help = help

    @property
    def help(self) -> str | None:
        """One thing to do."""
        return self.seek()

    @help.setter
    def help(self, help: str | None) -> None:
        self._help = help

    def seek(self) -> str | None:
        """The help, looked for if nobody has yet."""
        help = self._help
        if callable(help):
            help = self._help = help()
        return help


class LimitError(LispyError):
    """A limit was reached; no `try` catches it."""


class Escape(LimitError):
    """The way from a continuation back to its call/cc; no error, and no `try` catches it."""

    def __init__(self) -> None:
        super().__init__("bad-value", "a continuation was called")
        self.value: Any = None
        self.over = False


class CapabilityError(LispyError):
    """The program used something it was not granted; `try` catches it, so that it can do without."""


declare(
    "syntax", 1,
    unclosed="A bracket or string was opened and never closed.",
    unexpected_close="A bracket was closed that was not open, or with the wrong kind.",
    bad_token="A piece of text is no LisPy token.",
    bad_syntax="A form is not written as the form wants it.",
)  # fmt: skip
declare("unbound", 1, unbound="A name has no value here.")
declare("type", 1, wrong_type="A builtin got a value of a type it does not take.")
declare(
    "arity", 1,
    wrong_arity="A procedure got more or fewer arguments than it takes.",
)  # fmt: skip
declare(
    "value", 1,
    bad_value="A value has the right type but cannot be used here.",
    ambiguous="A call can be read in two ways.",
    out_of_range="An index or position is outside the list or text.",
    not_a_number="An operation on numbers has no finite result.",
    division_by_zero="A division by zero.",
    no_document="The frame has no document of that name.",
    no_tool="Nobody shares a tool of that name, or of that version.",
    json_error="A text is not JSON, or a value cannot be written as JSON.",
    immutable="A name promises to change data in place, which LisPy does not do.",
    impure="A simulation did something that does not follow from its state and its seed alone.",
)  # fmt: skip
declare(
    "limit", 1,
    step_limit="The program took more steps than it may.",
    time_limit="The program ran longer than it may.",
    depth_limit="Calls are nested deeper than they may be.",
    allocation_limit="The program made more data than it may.",
    size_limit="A list or dict is larger than it may be.",
    string_limit="A string is longer than it may be.",
    integer_limit="An integer has more bits than it may have.",
    data_depth_limit="Data is nested deeper than it may be.",
    syntax_depth_limit="A program is nested deeper than it may be.",
    source_limit="A program is longer than it may be.",
    output_limit="The program printed more than it may.",
    simulation_limit="Simulations run in each other deeper than they may.",
    web_limit="The program asked for more pages of the web than it may, or waited longer for them.",
)  # fmt: skip
declare(
    "capability", 1,
    not_granted="The program used a capability that it was not granted.",
    portal_refused="The portal did not read a page; the error's data says the reason in a word.",
    portal_status="A page was there and said no; the error's data has its status, 404 or another.",
)  # fmt: skip
declare(
    "user", 1,
    user_error="The program raised an error of its own.",
    assertion="An assert did not hold.",
    broken_article="An article of a simulation's constitution does not hold.",
)  # fmt: skip
