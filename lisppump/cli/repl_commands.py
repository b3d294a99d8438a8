"""The commands of the REPL, which begin with a comma: their names, and what they do. No form is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from lisppump.cli.context import table
from lisppump.cli.repl_session import COMMAND, Input, Session, word_before
from lisppump.errors import LisppumpError, suggest


class Command(NamedTuple):
    """How a command is written, what it does, and the function that does it."""

    usage: str
    doc: str
    run: Callable[[Session, Input], None]


def submit(session: Session, typed: Input) -> None:
    """Do what an input says: a command, or forms to evaluate."""
    session.catch_up()
    found = COMMAND.match(typed.text)
    if found is None:
        session.evaluate(typed)
        return
    try:
        word = ALIASES.get(found[1], found[1])
        if word not in COMMANDS:
            raise _no_command(word)
        if session.settings.json and word not in ("time", "quit"):
            hint = "ask `lisppump describe`, `apropos` or `plan` with --json"
            raise LisppumpError("bad-usage", f",{word} answers people, not programs", help=hint)
        COMMANDS[word].run(session, typed)
    except LisppumpError as error:
        session.fail(error)


def candidates(session: Session, before: str) -> list[tuple[str, str, str]]:
    """What may end a text: the part that stands there already, the whole word, a line about it."""
    command = re.fullmatch(r"\s*,([a-zA-Z]*)", before)
    if command is not None:
        return [(command[1], name, COMMANDS[name].doc) for name in COMMANDS if name.startswith(command[1])]
    typed = word_before(before)
    if not typed:
        return []
    return [(typed, name, gist) for name, gist in sorted(session.names().items()) if name.startswith(typed)]


def _no_command(word: str) -> LisppumpError:
    near = suggest(word, [*COMMANDS])
    hint = f"commands: {', '.join(f',{name}' for name in COMMANDS)}"
    if near:
        hint = f"did you mean `,{near}`? {hint}"
    return LisppumpError("bad-usage", f"there is no command ,{word}", help=hint)


def _doc(session: Session, typed: Input) -> None:
    from lisppump.cli.describe import commands, nothing_called, show
    from lisppump.words import everything, named

    word = _words(typed, ",doc NAME")
    entries = [*session.definitions(), *everything(session.settings.registry(), commands)]
    found = named(word, entries)
    if not found:
        raise nothing_called(word, entries, ",apropos")
    show(session.settings, found)


def _apropos(session: Session, typed: Input) -> None:
    from lisppump.cli.apropos import nothing_speaks, show, speaking_of
    from lisppump.cli.describe import commands
    from lisppump.words import everything

    words = tuple(_words(typed, ",apropos WORD ...").split())
    entries = [*session.definitions(), *everything(session.settings.registry(), commands)]
    found = speaking_of(words, entries)
    if not found:
        raise nothing_speaks(words, entries)
    show(session.settings, found)


def _source(session: Session, typed: Input) -> None:
    from lisppump.lispy import library, to_text

    name = _words(typed, ",source NAME")
    form = session.definition(name) or library.definition(name)
    if form is not None:
        session.settings.block(form.text)
        return
    source = getattr(session.values().get(name), "source", None)
    if source is not None:
        session.settings.block(to_text(source))
        return
    if name in session.names():
        what = "has no definition to show" if name in session.values() else "is not written in LisPy"
        raise LisppumpError("nothing-described", f"{name} {what}", help=f"`,doc {name}` says what it does")
    near = suggest(name, [*session.names()])
    hint = f"did you mean `{near}`?" if near else f"try `,apropos {name}`"
    raise LisppumpError("nothing-described", f"nothing is called `{name}`", help=hint)


def _time(session: Session, typed: Input) -> None:
    _words(typed, ",time FORM")
    found = COMMAND.match(typed.text)
    assert found is not None
    blank = re.sub(r"\S", " ", found[0])  # the form stays in its place
    session.evaluate(typed._replace(text=blank + typed.text[found.end() :]), timed=True)


def _plan(session: Session, typed: Input) -> None:
    from lisppump.cli.plan import print_plan

    print_plan(session.settings, session.newest.pump.plan())


def _help(session: Session, typed: Input) -> None:
    for line in table([[command.usage, command.doc] for command in COMMANDS.values()]):
        session.settings.print(line)


def _quit(session: Session, typed: Input) -> None:
    session.ended = True


def _words(typed: Input, usage: str) -> str:
    """What stands behind a command that wants something there."""
    if not typed.words:
        raise LisppumpError("bad-usage", f"there should be a word: {usage}")
    return typed.words


COMMANDS: dict[str, Command] = {
    "doc": Command(",doc NAME", "What a name means here, in LisPy or lisppump; also ,d ,describe.", _doc),
    "apropos": Command(",apropos WORD ...", "Every name whose description speaks of the words.", _apropos),
    "source": Command(",source NAME", "How a name was defined: here, in pump.lisp, in the library.", _source),
    "time": Command(",time FORM", "Evaluate, and say how many steps, bytes and milliseconds it took.", _time),
    "plan": Command(",plan", "What would the next frame do? No call, no write.", _plan),
    "help": Command(",help", "This.", _help),
    "quit": Command(",quit", "Leave, as Ctrl-D does; so do ,q and ,exit.", _quit),
}
ALIASES = {"q": "quit", "exit": "quit", "describe": "doc", "d": "doc"}
