"""What lasts from one input of the REPL to the next: definitions, the last value, the world it looks at.

It reads no terminal; what it makes of an input it writes like any command.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lisppump.cli.context import Settings
from lisppump.cli.eval import Newest, Surroundings, document_of
from lisppump.cli.trajectories import show
from lisppump.errors import LisppumpError
from lisppump.lispy import LispyError, read
from lisppump.lispy.comments import tokens

if TYPE_CHECKING:
    from lisppump.lispy import Result
    from lisppump.lispy.nodes import Node
    from lisppump.lispy.values import Value
    from lisppump.words import Entry

LAST = "_"  # the name of the value of the last form that defined nothing
LAST_VALUE = "The last value."
LEAVING = frozenset({"exit", "quit", "halt", "bye", "logout"})  # what may be typed to end a session
COMMAND = re.compile(r"\s*,([a-zA-Z][a-zA-Z-]*[?!]?)(?!\S)")


class Input(NamedTuple):
    """What was typed, what errors call it, and the number of lines before it."""

    text: str
    name: str = "<repl>"
    line: int = 0

    @property
    def words(self) -> str:
        """What stands behind its command."""
        return COMMAND.sub("", self.text, count=1).strip()


class Session:
    """Evaluates forms one after the other, each with a meter of its own; `failed` once one did."""

    def __init__(
        self, settings: Settings, steps: int | None, seconds: float | None, allow: tuple[str, ...]
    ) -> None:
        self.settings = settings
        self.around = Surroundings(settings)
        self.newest = Newest(settings, self.around.hear)
        self.runtime = self.around.runtime(self.newest, steps, seconds, allow)
        self.failed = False
        self.ended = False
        self._own: dict[str, Node] = {}
        self._seen = self._marks()
        self._unreadable = False
        self._read_over = False

    def close(self) -> None:
        """Let go of the world."""
        self.newest.let_go()

    # -- the world

    def place(self) -> str:
        """What the prompt says: the world and its newest frame."""
        if self.settings.root() is None or self._unreadable:
            return "lispy"
        try:
            place = f"{self.newest.pump.policy.name} {self.newest.pump.head.number}"
        except LisppumpError as error:
            self._unreadable = True  # said once; programs that need no state run all the same
            self.settings.fail(error)
            return "lispy"
        if not self._read_over:
            self._read_over = True
            self._complain_of_policy()
        return place

    def _complain_of_policy(self) -> None:
        """Say why pump.lisp does not read; what needs no definition of it runs all the same."""
        from lisppump.policy_files import Folder, read_program

        root = self.settings.root()
        assert root is not None
        try:
            program = read_program(Folder(self.settings.pump or root / "pump.lisp"))
        except LisppumpError as error:
            self.settings.fail(error)
            return
        for each in program.errors if not program.complete else ():
            self.settings.fail(each)

    def catch_up(self) -> None:
        """See what is newest now: frames may have been made, and pump.lisp may have been edited."""
        marks = self._marks()
        if marks != self._seen:
            self._seen = marks
            self._unreadable = self._read_over = False
            self.newest.let_go()
            self.runtime.forget_definitions()

    def _marks(self) -> list[tuple[str, int, int]]:
        """What tells whether the world is as it was."""
        root = self.settings.root()
        if root is None:
            return []
        main = self.settings.pump or root / "pump.lisp"
        texts = (main.parent / "lisp_lib").glob("*.lisp")
        journal = (root / ".lisppump" / "journal").glob("*.log")
        return sorted(mark for file in (main, *texts, *journal) if (mark := _mark(file)) is not None)

    # -- forms

    def evaluate(self, typed: Input, timed: bool = False) -> None:
        """Evaluate all its forms; each value is written, `timed` with what it took."""
        limits = self.runtime.limits
        limits = replace(limits, source=limits.source + typed.line)
        try:
            nodes = read("\n" * typed.line + typed.text, typed.name, limits)
        except LispyError as error:
            self.fail(error)
            return
        for node in nodes:
            try:
                self._form(node, timed)
            except LisppumpError as error:
                self.fail(error)

    def _form(self, node: Node, timed: bool) -> None:
        from lisppump.policy_changes import defined_by

        name = defined_by(node)
        began = time.perf_counter()
        result = self.runtime.run(node, keep=LAST if name is None else None)
        took = (time.perf_counter() - began) * 1000
        if result.error is not None:
            self._help(result.error)
            self.failed = True
        elif name is not None:
            self._own[name] = node
        if self.settings.json:
            self.settings.line({**document_of(result), **({"milliseconds": took} if timed else {})})
            return
        self._tell(result)
        if timed:
            steps, size = result.usage["steps"], result.usage["bytes"]
            self.settings.print(f"{steps:,} steps  {size:,} bytes  {took:,.1f} ms")

    def _help(self, error: LispyError) -> None:
        """Add to an error what may be the reason for it; who wants to leave is told how."""
        if error.code == "unbound" and error.message.partition(" ")[0] in LEAVING:
            error.help = ",quit or Ctrl-D ends the session"
        elif error.code == "step-limit" and error.help is None:
            error.help = "a session begun with `lisppump repl --steps N` has more for each form"
        else:
            self.around.help(error)

    def _tell(self, result: Result) -> None:
        if result.output:
            self.settings.block(result.output.removesuffix("\n"))
        if result.error is not None:
            self.settings.fail(result.error)
        else:
            show(self.settings, result.text, result.value)

    def fail(self, error: LisppumpError) -> None:
        """Write an error and go on."""
        self.failed = True
        self.settings.fail(error)

    # -- names

    def definition(self, name: str) -> Node | None:
        """The form that gave a name its meaning: typed here, or of pump.lisp and what it loads."""
        return self._own.get(name) or self._given().get(name)

    def _given(self) -> dict[str, Node]:
        from lisppump.policy_changes import defined_by

        return {str(defined_by(form)): form for form in self.around.definitions()}

    def definitions(self) -> list[Entry]:
        """What was defined here and in pump.lisp, described."""
        forms = {**self._given(), **self._own}
        others = [said_of(name, value) for name, value in self.values().items() if name not in forms]
        return [*(described(name, form) for name, form in forms.items()), *others]

    def values(self) -> dict[str, Value]:
        """What the names have for values that were bound here, by whatever form."""
        from lisppump.lispy.names import UNBOUND

        here = self.runtime.globals
        bound = {name: here.cell(name).value for name in sorted(here.bound)}
        return {name: value for name, value in bound.items() if value is not UNBOUND} | here.macros

    @cached_property
    def language(self) -> list[Entry]:
        """The forms, builtins (those of plugins, too) and library of LisPy, described."""
        from lisppump import words

        registry = self.around.registry()
        return [*words.forms(registry), *words.builtins(registry), *words.prelude(registry)]

    def names(self) -> dict[str, str]:
        """Every name that a program may use here, each with what is said of it in a line."""
        from lisppump.words import given

        said = {word: entry.gist for entry in self.language for word in entry.names}
        if self.settings.root() is not None:
            said |= {entry.name: entry.gist for entry in given(self.around.registry())}
        said[LAST] = LAST_VALUE
        said |= {name: said_of(name, value).gist for name, value in self.values().items()}
        said = {name: described(name, form).gist for name, form in self._given().items()} | said
        return said | {name: described(name, form).gist for name, form in self._own.items()}


def described(name: str, form: Node) -> Entry:
    """A definition as `describe` shows it."""
    from lisppump.words import SILENT, Entry

    target, *rest = form.items[1:]
    doc = rest[0].value if len(rest) > 1 and rest[0].kind == "string" else None
    place = f"defined at {form.span.file}:{form.span.line}"
    return Entry("definition", name, target.text, str(doc or SILENT), (place,))


def said_of(name: str, value: Value) -> Entry:
    """What is known of a name that has a value, but no definition of its own."""
    from lisppump.lispy.builtins import describe_type
    from lisppump.lispy.nodes import usage_of
    from lisppump.words import Entry

    place = f"its value is {describe_type(value)}"
    if name == LAST:
        return Entry("definition", name, name, LAST_VALUE, (place,))
    template = getattr(value, "template", None)
    usage = None if template is None else usage_of(template.name, template.node)
    doc = getattr(value, "doc", None) or "Defined here."
    return Entry("definition", name, usage or name, str(doc), (place,))


def _mark(file: Path) -> tuple[str, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_size, found.st_mtime_ns


# -- texts that are not finished


def unfinished(text: str) -> bool:
    """Whether a text wants more before it can be evaluated; a wrong one does not, it is to be told so."""
    command = COMMAND.match(text)
    if command is not None:
        if command[1] != "time":
            return False
        text = text[command.end() :]
    try:
        read(text)
        return False
    except LispyError as error:
        if error.code == "unclosed":
            return True
    last = None
    for token in tokens(text):
        last = token if token.kind not in ("LINE", "BLOCK") else last
    return last is not None and last.kind in ("PREFIX", "DISCARD")


def word_before(text: str) -> str | None:
    """The word that ends a text, None within a string or a comment, and where no word ends."""
    last = None
    for token in tokens(text):
        if token.kind == "UNKNOWN":
            return None
        last = token
    return last.text if last is not None and last.kind == "ATOM" and last.end == len(text) else None


class Inputs:
    """Puts lines together to inputs; it looks at each piece once, however long an input gets."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = ""
        self._looked = 0
        self._depth = 0
        self._before = 0
        self.lines = 0  # taken so far

    def add(self, line: str) -> Input | None:
        """The input that this line finishes, if it does."""
        self._text += line
        self.lines += 1
        looks_whole = COMMAND.match(self._text) is not None or self._balanced()
        return None if not looks_whole or unfinished(self._text) else self.rest()

    def rest(self) -> Input:
        """What is left."""
        whole = Input(self._text, self._name, self._before)
        self._text, self._before = "", self.lines
        self._looked = self._depth = 0
        return whole

    def _balanced(self) -> bool:
        """Whether brackets, strings and comments might all be closed."""
        for token in tokens(self._text[self._looked :]):
            if token.kind == "UNKNOWN":
                self._looked += token.start
                return False
            self._depth += token.kind.startswith("OPEN") - token.kind.startswith("CLOSE")
        self._looked = len(self._text)
        return self._depth <= 0
